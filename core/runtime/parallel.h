// The thread pool's one entry point.
#pragma once
#include <cstdint>
#include <type_traits>

namespace facula {

int num_threads();  // how many threads a parallel region may use (cgroup quota and affinity honoured)
void set_num_threads(int n);
bool inside_parallel_region();  // where another one would run on its caller alone

// Type-erased form: calls body(context, begin, end) over a static partition of [0, n) in pieces of at least `grain`.
// Runs on the caller when n <= grain, with one thread, or inside another parallel region. What a body throws
// reaches the caller, once every piece that had begun is done. Bodies must not touch Python objects or reference
// counts.
void parallel_for_raw(int64_t n, int64_t grain, void (*body)(void* context, int64_t begin, int64_t end), void* context);

template <class F>
void parallel_for(int64_t n, int64_t grain, F&& body) {
  if (n <= grain) {
    if (n > 0) body(int64_t{0}, n);
    return;
  }
  parallel_for_raw(
      n, grain, [](void* f, int64_t b, int64_t e) { (*static_cast<std::remove_reference_t<F>*>(f))(b, e); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

}  // namespace facula
