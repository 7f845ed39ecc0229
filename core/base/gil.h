// Lets other Python threads run while a kernel works on plain memory.
#pragma once
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace facula {

// Work (elements touched, or multiplications) from which giving up the lock is worth its 100 ns.
inline constexpr int64_t kLongWork = 1 << 18;

// Note [Threads at exit]: a daemon thread that asks for the lock after the interpreter has begun to end is killed by
// CPython in the middle of C++ frames. So, once the process is ending, such a thread stays asleep here instead, and the
// end waits for those that asked before.
inline std::atomic<bool> process_is_ending{false};
inline std::atomic<int> threads_asking{0};

class GilRelease {
 public:
  explicit GilRelease(bool wanted) : state_(nullptr) {
    if (!wanted) return;
    state_ = PyEval_SaveThread();
  }
  ~GilRelease() {
    if (!state_) return;
    threads_asking.fetch_add(1);
    if (process_is_ending.load()) {
      threads_asking.fetch_sub(1);
      for (;;) pause();
    }
    PyEval_RestoreThread(state_);
    threads_asking.fetch_sub(1);
  }
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;

 private:
  PyThreadState* state_;
};

}  // namespace facula
