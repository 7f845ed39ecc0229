// Sums of exponentials over contiguous blocks: the inner loops of softmax, logsumexp and cross entropy.
// Private to core/cpu.
#pragma once
#include "cpu/reduce_fold.h"
#include "expr/lane_exponential.h"

namespace facula::cpu::FACULA_ISA {

using lane_math::exp;
using lane_math::log;

// Sum of exp(x - shift); the exponentials go to `out` when `write`.
template <bool write, class A>
inline A exp_block(const A* x, int64_t n, A shift, A* out) {
  Vec<A> sum = A(0);
  for (int64_t i = 0; i < n; i += Vec<A>::width) {
    Vec<A> e = exp(load_up_to(x + i, n - i, -std::numeric_limits<A>::infinity()) - shift);
    sum = sum + e;
    if constexpr (write) store_up_to(out + i, e, n - i);
  }
  return join_lanes<SumOp>(sum);
}
template <class A>
inline A sum_exp(const A* x, int64_t n, A shift) {
  return exp_block<false>(x, n, shift, static_cast<A*>(nullptr));
}
// sum[j] += exp(x[j] - shift[j])
template <class A>
inline void add_exp(const A* x, const A* shift, int64_t n, A* sum) {
  for (int64_t j = 0; j < n; j += Vec<A>::width) {
    Vec<A> e = exp(load_up_to(x + j, n - j, A(0)) - load_up_to(shift + j, n - j, A(0)));
    store_up_to(sum + j, load_up_to(sum + j, n - j, A(0)) + e, n - j);
  }
}

}  // namespace facula::cpu::FACULA_ISA
