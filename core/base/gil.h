// Lets other Python threads run while a kernel works on plain memory.
#pragma once
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstdint>

namespace facula {

// Work (elements touched, or multiplications) from which giving up the lock is worth its 100 ns.
inline constexpr int64_t kLongWork = 1 << 18;

class GilRelease {
 public:
  explicit GilRelease(bool wanted) : state_(wanted ? PyEval_SaveThread() : nullptr) {}
  ~GilRelease() {
    if (state_) PyEval_RestoreThread(state_);
  }
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;

 private:
  PyThreadState* state_;
};

}  // namespace facula
