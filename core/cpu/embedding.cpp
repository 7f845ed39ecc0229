// Embedding bag kernels: see embedding.h. A bag is reduced column block by column block, so that sums stay in
// registers.
#include "cpu/embedding.h"

#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "cpu/reduce_fold.h"
#include "runtime/parallel.h"

namespace facula::cpu::FACULA_ISA {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements worth a second thread
constexpr int64_t kAhead = 12;       // rows fetched before their turn

template <class S>
struct ComputeOf {
  using type = float;
};
template <>
struct ComputeOf<double> {
  using type = double;
};
template <class S>
using Compute = typename ComputeOf<S>::type;

inline float widen(float x) { return x; }
inline double widen(double x) { return x; }
inline float widen(BFloat x) { return to_float(x); }
inline float widen(Half x) { return to_float(x); }
template <class S>
inline S narrowed(Compute<S> x) {
  if constexpr (std::is_same_v<S, Half>)
    return to_half(x);
  else if constexpr (std::is_same_v<S, BFloat>)
    return to_bfloat(x);
  else
    return x;
}

// Columns [0, n) of the rows of one bag, n <= kColumns; `row` points at the first of these columns in the table.
constexpr int64_t kColumns = 64;
template <class S, int64_t N>
inline void add_rows(const Bags& b, int64_t begin, int64_t end, const S* table, int64_t n, Compute<S>* __restrict sum) {
  using A = Compute<S>;
  const S* factors = static_cast<const S*>(b.factors);
  const int64_t width = N ? N : n;
  const LoadKernel load_half = load_kernel(b.dtype, Column::F32, Map::None);
  A part[kColumns];
  for (int64_t j = 0; j < width; ++j) part[j] = 0;
  for (int64_t i = begin; i < end; ++i) {
    if (i + kAhead < b.positions) __builtin_prefetch(table + b.index[i + kAhead] * b.width);
    if (b.index[i] == b.padding) continue;
    const S* row = table + b.index[i] * b.width;
    A held[kColumns];
    const A* __restrict x = held;
    if constexpr (std::is_same_v<S, A>)
      x = row;
    else
      load_half(row, 1, width, held);
    if (factors) {
      const A f = widen(factors[i]);
      for (int64_t j = 0; j < width; ++j) part[j] += f * x[j];
    } else {
      for (int64_t j = 0; j < width; ++j) part[j] += x[j];
    }
  }
  for (int64_t j = 0; j < width; ++j) sum[j] = part[j];
}

int64_t counted(const Bags& b, int64_t begin, int64_t end) {
  int64_t n = end - begin;
  if (b.padding >= 0)
    for (int64_t i = begin; i < end; ++i) n -= b.index[i] == b.padding;
  return n;
}

template <class S>
void sum_bag(const Bags& b, int64_t begin, int64_t end, const S* table, S* out) {
  using A = Compute<S>;
  const int64_t count = b.mode == BagMode::Mean ? counted(b, begin, end) : 1;
  A sum[kColumns];
  for (int64_t c = 0; c < b.width; c += kColumns) {
    const int64_t n = b.width - c < kColumns ? b.width - c : kColumns;
    if (n == kColumns)
      add_rows<S, kColumns>(b, begin, end, table + c, n, sum);
    else
      add_rows<S, 0>(b, begin, end, table + c, n, sum);
    for (int64_t j = 0; j < n; ++j) out[c + j] = narrowed<S>(count > 1 ? sum[j] / static_cast<A>(count) : sum[j]);
  }
}

template <class S>
void largest_of_bag(const Bags& b, int64_t begin, int64_t end, const S* table, S* out, int64_t* from) {
  for (int64_t j = 0; j < b.width; ++j) out[j] = narrowed<S>(0), from[j] = -1;
  bool any = false;
  for (int64_t i = begin; i < end; ++i) {
    if (b.index[i] == b.padding) continue;
    const S* row = table + b.index[i] * b.width;
    for (int64_t j = 0; j < b.width; ++j) {
      if (any && !(widen(row[j]) > widen(out[j]))) continue;
      out[j] = row[j];
      from[j] = b.index[i];
    }
    any = true;
  }
}

template <class S>
void bag(const Bags& b, const S* table, S* out, int64_t* largest) {
  const int64_t work = b.width * (b.bags > 0 ? b.positions / b.bags + 1 : 1);
  parallel_for(b.bags, kGrain / (work + 1) + 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i)
      if (b.mode == BagMode::Max)
        largest_of_bag(b, b.offsets[i], b.offsets[i + 1], table, out + i * b.width, largest + i * b.width);
      else
        sum_bag(b, b.offsets[i], b.offsets[i + 1], table, out + i * b.width);
  });
}

template <class A>
inline void add_scaled(int64_t n, A scale, const A* __restrict x, A* __restrict y) {
  for (int64_t j = 0; j < n; ++j) y[j] += scale * x[j];
}

// The rows [low, high) of the gradient; every thread reads all positions, so that a row is summed in their order.
template <class A>
void sum_backward(const Bags& b, const A* g, const int64_t* counts, int64_t low, int64_t high, A* grad) {
  const A* factors = static_cast<const A*>(b.factors);
  for (int64_t i = 0; i < b.bags; ++i) {
    const int64_t begin = b.offsets[i], end = b.offsets[i + 1];
    const int64_t count = b.mode == BagMode::Mean ? counted(b, begin, end) : 1;
    for (int64_t p = begin; p < end; ++p) {
      const int64_t row = b.index[p];
      if (row < low || row >= high || row == b.padding) continue;
      A scale = factors ? factors[p] : A(1);
      if (count > 1) scale /= static_cast<A>(count);
      if (counts) scale /= static_cast<A>(counts[row]);
      add_scaled(b.width, scale, g + i * b.width, grad + row * b.width);
    }
  }
}
template <class A>
void max_backward(const Bags& b, const A* g, const int64_t* largest, int64_t low, int64_t high, A* grad) {
  for (int64_t i = 0; i < b.bags * b.width; ++i)
    if (largest[i] >= low && largest[i] < high) grad[largest[i] * b.width + i % b.width] += g[i];
}
template <class A>
void bag_backward(const Bags& b, const A* g, const int64_t* largest, const int64_t* counts, A* grad) {
  parallel_for(b.rows, 4 * kGrain / (b.width + 1) + 1, [&](int64_t low, int64_t high) {
    std::memset(grad + low * b.width, 0, static_cast<size_t>((high - low) * b.width) * sizeof(A));
    if (b.mode == BagMode::Max)
      max_backward(b, g, largest, low, high, grad);
    else
      sum_backward(b, g, counts, low, high, grad);
  });
}

template <class A>
void factor_backward(const Bags& b, const A* g, const A* table, A* grad) {
  constexpr int W = Vec<A>::width;
  parallel_for(b.bags, kGrain / (b.width + 1) + 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i)
      for (int64_t p = b.offsets[i]; p < b.offsets[i + 1]; ++p) {
        grad[p] = 0;
        if (b.index[p] == b.padding) continue;
        const A *x = g + i * b.width, *y = table + b.index[p] * b.width;
        Vec<A> sums = A(0);
        int64_t j = 0;
        for (; j + W <= b.width; j += W) sums = sums + load(x + j) * load(y + j);
        A sum = 0;
        for (int k = 0; k < W; ++k) sum += sums.v[k];
        for (; j < b.width; ++j) sum += x[j] * y[j];
        grad[p] = sum;
      }
  });
}

int64_t check(const Bags& b) {
  for (int64_t i = 0; i < b.positions; ++i)
    if (static_cast<uint64_t>(b.index[i]) >= static_cast<uint64_t>(b.rows)) return i;
  return -1;
}
void bag_any(const Bags& b, const void* table, void* out, int64_t* largest) {
  auto as = [&](auto s) {
    using S = decltype(s);
    bag(b, static_cast<const S*>(table), static_cast<S*>(out), largest);
  };
  if (b.dtype == DType::Float64) return as(double());
  if (b.dtype == DType::Float16) return as(Half());
  if (b.dtype == DType::BFloat16) return as(BFloat());
  as(float());
}
// Gradients are computed in float32 or float64.
void bag_backward_any(const Bags& b, const void* g, const int64_t* largest, const int64_t* counts, void* grad) {
  if (b.dtype == DType::Float64)
    return bag_backward(b, static_cast<const double*>(g), largest, counts, static_cast<double*>(grad));
  bag_backward(b, static_cast<const float*>(g), largest, counts, static_cast<float*>(grad));
}
void factor_backward_any(const Bags& b, const void* g, const void* table, void* grad) {
  if (b.dtype == DType::Float64)
    return factor_backward(b, static_cast<const double*>(g), static_cast<const double*>(table),
                           static_cast<double*>(grad));
  factor_backward(b, static_cast<const float*>(g), static_cast<const float*>(table), static_cast<float*>(grad));
}

}  // namespace

KERNELS(EmbeddingKernels, embedding_kernels) = {check, bag_any, bag_backward_any, factor_backward_any};

}  // namespace facula::cpu::FACULA_ISA
