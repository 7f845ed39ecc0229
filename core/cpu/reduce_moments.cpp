// Variance with mean, and logsumexp: folds that go over a block twice while it is in L1 (its mean or maximum, then the
// deviations from it) and join blocks in double.
#include "cpu/reduce_exp.h"

namespace facula::cpu::FACULA_ISA {
namespace {

// Chan, Golub, LeVeque (1979), "Updating formulae and a pairwise algorithm for computing sample variances".
struct Moments {
  double count, mean, squares;  // squares: sum of squared deviations from the mean
};
inline void join(Moments& a, double count, double mean, double squares, double share, double weight) {
  double delta = mean - a.mean;
  a = {count, a.mean + delta * share, a.squares + squares + delta * delta * weight};
}
// share = nb / (na + nb), weight = na nb / (na + nb)
inline void join(Moments& a, const Moments& b) {
  double n = a.count + b.count;
  if (b.count > 0) join(a, n, b.mean, b.squares, b.count / n, a.count * b.count / n);
}

template <class A>
struct Deviation {
  A sum, squares;
};
// Sum and sum of squares of x - center; the sum corrects the rounding of center.
template <class A>
inline Deviation<A> deviation(const A* x, int64_t n, A center) {
  using V = Vec<A>;
  constexpr int W = V::width;
  Deviation<A> total{0, 0};
  int64_t i = 0;
  if (n >= W) {
    V s[4] = {0, 0, 0, 0}, q[4] = {0, 0, 0, 0};
    for (; i + 4 * W <= n; i += 4 * W)
      for (int k = 0; k < 4; ++k) {
        V d = load(x + i + k * W) - center;
        s[k] = s[k] + d;
        q[k] = q[k] + d * d;
      }
    for (; i + W <= n; i += W) {
      V d = load(x + i) - center;
      s[0] = s[0] + d;
      q[0] = q[0] + d * d;
    }
    total = {join_lanes<SumOp>((s[0] + s[1]) + (s[2] + s[3])), join_lanes<SumOp>((q[0] + q[1]) + (q[2] + q[3]))};
  }
  for (; i < n; ++i) {
    A d = x[i] - center;
    total.sum += d;
    total.squares += d * d;
    FACULA_SCALAR_LOOP;
  }
  return total;
}

// A block whose squares leave the range of floats is gone over again in double, as PyTorch computes all of them.
inline bool loses_squares(double) { return false; }
inline bool loses_squares(float squares) { return !(squares > 1e-30f && squares < 1e37f); }
template <class A>
inline Moments exact_block(const A* x, int64_t n, int64_t step) {
  bool equal = true;
  for (int64_t i = 1; i < n; ++i) equal &= x[i * step] == x[0];
  if (equal) return {static_cast<double>(n), x[0], 0};
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < n; ++i) sum += x[i * step];
  const double mean = sum / static_cast<double>(n);
  for (int64_t i = 0; i < n; ++i) squares += (x[i * step] - mean) * (x[i * step] - mean);
  return {static_cast<double>(n), mean, squares};
}

template <class A>
struct VarianceFold {
  static void init(void* states, int64_t n) {
    for (int64_t i = 0; i < n; ++i) static_cast<Moments*>(states)[i] = {0, 0, 0};
  }
  static void rows(const void* tile, int64_t ld, int64_t rows, int64_t n, int64_t, void* states) {
    const A* x = static_cast<const A*>(tile);
    Moments* s = static_cast<Moments*>(states);
    double count = static_cast<double>(n), inverse = 1.0 / count;
    for (int64_t r = 0; r < rows; ++r) {
      A center = static_cast<A>(fold_contiguous<SumOp>(x + r * ld, n) * inverse);
      Deviation<A> d = deviation(x + r * ld, n, center);
      double shift = d.sum * inverse;
      Moments block{count, center + shift, d.squares - d.sum * shift};
      if (loses_squares(d.squares)) block = exact_block(x + r * ld, n, 1);
      if (s[r].count == 0)
        s[r] = block;
      else
        join(s[r], block);
    }
  }
  static void columns(const void* tile, int64_t ld, int64_t rows, int64_t cols, int64_t, void* states) {
    const A* x = static_cast<const A*>(tile);
    Moments* s = static_cast<Moments*>(states);
    A center[kColumnTile], sum[kColumnTile], squares[kColumnTile];
    double count = static_cast<double>(rows), inverse = 1.0 / count;
    for (int64_t j = 0; j < cols; ++j) center[j] = sum[j] = squares[j] = 0;
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t j = 0; j < cols; ++j) center[j] += x[r * ld + j];
    for (int64_t j = 0; j < cols; ++j) center[j] *= static_cast<A>(inverse);
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t j = 0; j < cols; ++j) {
        A d = x[r * ld + j] - center[j];
        sum[j] += d;
        squares[j] += d * d;
      }
    double before = s[0].count, n = before + count, share = count / n, weight = before * count / n;
    for (int64_t j = 0; j < cols; ++j) {
      double shift = sum[j] * inverse;
      Moments block{count, center[j] + shift, squares[j] - sum[j] * shift};
      if (loses_squares(squares[j])) block = exact_block(x + j, rows, ld);
      join(s[j], n, block.mean, block.squares, share, weight);
    }
  }
  static void merge(void* into, const void* from, int64_t n) {
    for (int64_t i = 0; i < n; ++i) join(static_cast<Moments*>(into)[i], static_cast<const Moments*>(from)[i]);
  }
  static void finish(const void* states, int64_t n, const FinishArgs& args, void* first, void* second) {
    const Moments* s = static_cast<const Moments*>(states);
    double divisor = static_cast<double>(args.count) - args.param;
    if (!(divisor > 0)) divisor = 0;
    for (int64_t i = 0; i < n; ++i) {
      double variance = (args.count == 0 ? std::numeric_limits<double>::quiet_NaN() : s[i].squares) / divisor;
      static_cast<A*>(first)[i] = static_cast<A>(args.kind == Finish::Deviation ? std::sqrt(variance) : variance);
      static_cast<A*>(second)[i] =
          static_cast<A>(args.count == 0 ? std::numeric_limits<double>::quiet_NaN() : s[i].mean);
    }
  }
};

// exp(x - shift) summed, where shift is the largest x when that is finite, else 0.
struct LogSum {
  double largest, sum;  // sum of exp(x - finite(largest)); nothing yet: -inf, 0
};
inline double finite(double largest) { return std::isinf(largest) ? 0.0 : largest; }
inline void join(LogSum& a, const LogSum& b) {
  if (b.sum == 0) {  // only -inf: contributes nothing
    return;
  } else if (a.sum == 0) {
    a = b;
  } else if (b.largest > a.largest) {
    a = {b.largest, a.sum * std::exp(finite(a.largest) - finite(b.largest)) + b.sum};
  } else {
    a.sum += b.sum * std::exp(finite(b.largest) - finite(a.largest));
  }
}

template <class A>
struct LogSumFold {
  static void init(void* states, int64_t n) {
    for (int64_t i = 0; i < n; ++i) static_cast<LogSum*>(states)[i] = {-std::numeric_limits<double>::infinity(), 0};
  }
  static void rows(const void* tile, int64_t ld, int64_t rows, int64_t n, int64_t, void* states) {
    const A* x = static_cast<const A*>(tile);
    for (int64_t r = 0; r < rows; ++r, x += ld) {
      A largest = fold_contiguous<MaxOp>(x, n);
      join(static_cast<LogSum*>(states)[r], LogSum{largest, sum_exp(x, n, static_cast<A>(finite(largest)))});
    }
  }
  static void columns(const void* tile, int64_t ld, int64_t rows, int64_t cols, int64_t, void* states) {
    const A* x = static_cast<const A*>(tile);
    A largest[kColumnTile], shift[kColumnTile], sum[kColumnTile];
    for (int64_t j = 0; j < cols; ++j) largest[j] = x[j];
    for (int64_t r = 1; r < rows; ++r)
      for (int64_t j = 0; j < cols; ++j) largest[j] = MaxOp::join(largest[j], x[r * ld + j]);
    for (int64_t j = 0; j < cols; ++j) {
      shift[j] = static_cast<A>(finite(largest[j]));
      sum[j] = 0;
    }
    for (int64_t r = 0; r < rows; ++r) add_exp(x + r * ld, shift, cols, sum);
    for (int64_t j = 0; j < cols; ++j) join(static_cast<LogSum*>(states)[j], LogSum{largest[j], sum[j]});
  }
  static void merge(void* into, const void* from, int64_t n) {
    for (int64_t i = 0; i < n; ++i) join(static_cast<LogSum*>(into)[i], static_cast<const LogSum*>(from)[i]);
  }
  static void finish(const void* states, int64_t n, const FinishArgs&, void* first, void*) {
    const LogSum* s = static_cast<const LogSum*>(states);
    for (int64_t i = 0; i < n; ++i)
      static_cast<A*>(first)[i] = static_cast<A>(finite(s[i].largest) + std::log(s[i].sum));
  }
};

template <template <class> class F, class A>
constexpr Fold make(Column column, int64_t state_size) {
  return {column, false, state_size, F<A>::init, F<A>::rows, F<A>::columns, F<A>::merge, F<A>::finish};
}
constexpr Fold kVariance[2] = {make<VarianceFold, float>(Column::F32, sizeof(Moments)),
                               make<VarianceFold, double>(Column::F64, sizeof(Moments))};
constexpr Fold kLogSum[2] = {make<LogSumFold, float>(Column::F32, sizeof(LogSum)),
                             make<LogSumFold, double>(Column::F64, sizeof(LogSum))};

}  // namespace

const Fold* variance_fold(Column column) {
  return column <= Column::F64 ? &kVariance[static_cast<int>(column)] : nullptr;
}
const Fold* logsumexp_fold(Column column) {
  return column <= Column::F64 ? &kLogSum[static_cast<int>(column)] : nullptr;
}

}  // namespace facula::cpu::FACULA_ISA
