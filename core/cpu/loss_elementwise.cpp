// Elementwise losses of an input and a target: the term and its sum in one pass, the gradient in another.
#include "cpu/loss.h"

#include <cstdlib>

#include "cpu/reduce_exp.h"
#include "cpu/reduce_row.h"
#include "expr/lane_exponential.h"
#include "runtime/parallel.h"

namespace facula::cpu::FACULA_ISA {
namespace {

using lane_math::abs;
using lane_math::log1p;

constexpr int64_t kChunk = 16384;     // elements summed on their own, then joined in order
constexpr int64_t kStackChunks = 64;  // sums that need no heap

// Term and derivative by x, on lanes; w is the positive weight of BceLogits.
struct Mse {
  template <class V>
  static V term(V x, V t, V, V) {
    V d = x - t;
    return d * d;
  }
  template <class V>
  static V slope(V x, V t, V, V) {
    return 2.0 * (x - t);
  }
};
struct L1 {
  template <class V>
  static V term(V x, V t, V, V) {
    return abs(x - t);
  }
  template <class V>
  static V slope(V x, V t, V, V) {
    V d = x - t;
    return select(d > V(0.0), V(1.0), select(d < V(0.0), V(-1.0), d * 0.0));
  }
};
struct SmoothL1 {  // p = beta
  template <class V>
  static V term(V x, V t, V p, V) {
    V d = abs(x - t);
    return select(d < p, 0.5 * d * d / p, d - 0.5 * p);
  }
  template <class V>
  static V slope(V x, V t, V p, V) {
    V d = x - t;
    return select(d <= -p, V(-1.0), select(d >= p, V(1.0), d / p));
  }
};
struct Huber {  // p = delta
  template <class V>
  static V term(V x, V t, V p, V) {
    V d = abs(x - t);
    return select(d <= p, 0.5 * d * d, p * (d - 0.5 * p));
  }
  template <class V>
  static V slope(V x, V t, V p, V) {
    V d = x - t;
    return select(d < -p, -p, select(d > p, p, d));
  }
};
struct Bce {
  template <class V>
  static V clamped(V x) {
    return select(x < V(-100.0), V(-100.0), x);
  }
  template <class V>
  static V term(V x, V t, V, V) {
    return (t - 1.0) * clamped(log1p(-x)) - t * clamped(log(x));
  }
  template <class V>
  static V slope(V x, V t, V, V) {
    constexpr double floor = 1e-12f;  // of the divisor, PyTorch's, a float constant for doubles too
    V product = (1.0 - x) * x;
    return (x - t) / select(product < V(floor), V(floor), product);
  }
};
struct BceLogits {
  // (1 - t) x + (1 + (w - 1) t) (log1p(exp(-|x|)) + max(-x, 0))
  template <class V>
  static V term(V x, V t, V, V w) {
    V softplus = log1p(exp(-abs(x))) + select(x < V(0.0), -x, V(0.0));
    return (1.0 - t) * x + ((w - 1.0) * t + 1.0) * softplus;
  }
  template <class V>
  static V slope(V x, V t, V, V w) {
    V e = exp(-abs(x)), s = select(x < V(0.0), e, V(1.0)) / (1.0 + e), wt = w * t;
    return (wt + 1.0 - t) * s - wt;
  }
};

template <class A>
struct Args {
  const A *x, *t, *w, *pos;
  int64_t period;
  Vec<A> parameter;
  explicit Args(const PairLoss& loss)
      : x(static_cast<const A*>(loss.input)),
        t(static_cast<const A*>(loss.target)),
        w(static_cast<const A*>(loss.weight)),
        pos(static_cast<const A*>(loss.pos_weight)),
        period(loss.pos_weight_size),
        parameter(loss.parameter) {}
  // pos_weight of elements [i, i + n), n <= kBlock: ones where there is none.
  const A* positive(int64_t i, int64_t n, A* buffer) const {
    if (!pos) {
      for (int64_t k = 0; k < n; ++k) buffer[k] = 1;
      return buffer;
    }
    int64_t at = i % period;
    if (at + n <= period) return pos + at;
    for (int64_t k = 0; k < n; ++k, at = at + 1 == period ? 0 : at + 1) buffer[k] = pos[at];
    return buffer;
  }
};

template <class A>
[[gnu::noinline]] void multiply(A* out, const A* factor, int64_t n) {
  map_block([](auto l, auto w) { return l * w; }, n, out, static_cast<const A*>(out), factor);
}

template <class Op, class A>
struct PairLossOf {
  using V = Vec<A>;
  // Terms of [i, i + n) with their weights, into out.
  [[gnu::noinline]] static void terms(const Args<A>& a, int64_t i, int64_t n, A* out) {
    A buffer[kBlock];
    [[maybe_unused]] const A* pos = a.positive(i, n, buffer);
    V p = a.parameter;
    if constexpr (std::is_same_v<Op, BceLogits>)
      map_block([=](V x, V t, V w) { return Op::term(x, t, p, w); }, n, out, a.x + i, a.t + i, pos);
    else
      map_block([=](V x, V t) { return Op::term(x, t, p, V(1.0)); }, n, out, a.x + i, a.t + i);
    if (a.w) multiply(out, a.w + i, n);
  }
  [[gnu::noinline]] static void slopes(const Args<A>& a, int64_t i, int64_t n, const A* g, A scale, A* out) {
    A buffer[kBlock];
    [[maybe_unused]] const A* pos = a.positive(i, n, buffer);
    V p = a.parameter, s = scale;
    if constexpr (std::is_same_v<Op, BceLogits>)
      map_block([=](V x, V t, V w) { return Op::slope(x, t, p, w) * s; }, n, out, a.x + i, a.t + i, pos);
    else
      map_block([=](V x, V t) { return Op::slope(x, t, p, V(1.0)) * s; }, n, out, a.x + i, a.t + i);
    if (a.w) multiply(out, a.w + i, n);
    if (g) multiply(out, g, n);
  }
};

template <class A>
struct Pair {
  void (*terms)(const Args<A>& a, int64_t i, int64_t n, A* out);
  void (*slopes)(const Args<A>& a, int64_t i, int64_t n, const A* g, A scale, A* out);
};
template <class Op, class A>
constexpr Pair<A> kPair = {PairLossOf<Op, A>::terms, PairLossOf<Op, A>::slopes};
// In the order of PairLossOp.
template <class A>
constexpr Pair<A> kPairs[6] = {kPair<Mse, A>,   kPair<L1, A>,  kPair<SmoothL1, A>,
                               kPair<Huber, A>, kPair<Bce, A>, kPair<BceLogits, A>};

// Calls body(begin, length) for blocks over the threads.
template <class F>
void parallel_blocks(int64_t n, F body) {
  parallel_for((n + kBlock - 1) / kBlock, 2 * kChunk / kBlock, [&](int64_t b, int64_t e) {
    int64_t begin = b * kBlock, end = e * kBlock < n ? e * kBlock : n;
    for_blocks(end - begin, [&](int64_t i, int64_t m) { body(begin + i, m); });
  });
}

template <class A>
double chunk_sum(const Pair<A>& pair, const Args<A>& a, int64_t begin, int64_t end) {
  double sum = 0;
  A block[kBlock];
  for_blocks(end - begin, [&](int64_t i, int64_t n) {
    pair.terms(a, begin + i, n, block);
    sum += fold_contiguous<SumOp>(block, n);
  });
  return sum;
}
template <class A>
void forward_as(const PairLoss& loss, void* out) {
  Args<A> a(loss);
  const Pair<A>& pair = kPairs<A>[static_cast<int>(loss.op)];
  if (loss.reduction == LossReduction::None)
    return parallel_blocks(loss.n, [&](int64_t i, int64_t n) { pair.terms(a, i, n, static_cast<A*>(out) + i); });
  int64_t chunks = (loss.n + kChunk - 1) / kChunk;
  double stack[kStackChunks], total = 0;
  double* sums =
      chunks <= kStackChunks ? stack : static_cast<double*>(std::malloc(static_cast<size_t>(chunks) * sizeof(double)));
  auto end_of = [&](int64_t c) { return (c + 1) * kChunk < loss.n ? (c + 1) * kChunk : loss.n; };
  if (sums)
    parallel_for(chunks, 2, [&](int64_t b, int64_t e) {
      for (int64_t c = b; c < e; ++c) sums[c] = chunk_sum(pair, a, c * kChunk, end_of(c));
    });
  for (int64_t c = 0; c < chunks; ++c) total += sums ? sums[c] : chunk_sum(pair, a, c * kChunk, end_of(c));
  if (sums != stack) std::free(sums);
  if (loss.reduction == LossReduction::Mean) total /= static_cast<double>(loss.n);
  *static_cast<A*>(out) = static_cast<A>(total);
}
template <class A>
void backward_as(const PairLoss& loss, const void* grad_out, void* grad) {
  Args<A> a(loss);
  const Pair<A>& pair = kPairs<A>[static_cast<int>(loss.op)];
  bool none = loss.reduction == LossReduction::None;
  const A* g = none ? static_cast<const A*>(grad_out) : nullptr;
  A scale = none || loss.n == 0 ? A(1) : *static_cast<const A*>(grad_out);
  if (loss.reduction == LossReduction::Mean) scale /= static_cast<A>(loss.n);
  parallel_blocks(loss.n, [&](int64_t i, int64_t n) {
    pair.slopes(a, i, n, g ? g + i : nullptr, scale, static_cast<A*>(grad) + i);
  });
}

bool forward(const PairLoss& loss, void* out) {
  if (loss.dtype != DType::Float32 && loss.dtype != DType::Float64) return false;
  (loss.dtype == DType::Float64 ? forward_as<double> : forward_as<float>)(loss, out);
  return true;
}
bool backward(const PairLoss& loss, const void* grad_out, void* grad) {
  if (loss.dtype != DType::Float32 && loss.dtype != DType::Float64) return false;
  (loss.dtype == DType::Float64 ? backward_as<double> : backward_as<float>)(loss, grad_out, grad);
  return true;
}

}  // namespace

KERNELS(PairLossKernels, pair_loss_kernels) = {forward, backward};

}  // namespace facula::cpu::FACULA_ISA
