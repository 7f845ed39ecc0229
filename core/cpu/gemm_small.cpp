// Register-blocked matrix products in the compiler's vectors: every transpose, any size, no packing of A.
// Refuses threads and cache blocking beyond one panel of B: large products belong to BLAS.
#include "cpu/gemm_small.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "cpu/gemm_vector.h"

namespace facula::cpu::FACULA_ISA {
namespace {

// A tile of C is kRows rows by kWide vectors of accumulators: 16, 12 and 8 registers leave room for B and a broadcast.
#if defined(__AVX512F__)
constexpr int kRows = 8;
#elif defined(__AVX2__)
constexpr int kRows = 6;
#else
constexpr int kRows = 4;
#endif
constexpr int kWide = 2;
constexpr int64_t kDepth = 256;  // rows of B in a panel: the panel (32 KiB at most) stays in the first cache level

// One operand as op() sees it: element (i, p) is at data[i * row + p * column].
template <class T>
struct Strided {
  const T* data;
  int64_t row, column;
};

template <class T>
struct Target {
  T* c;
  int64_t ldc;
  T alpha, beta;
};

template <class T>
inline void finish(T* c, Vector<T> sum, T alpha, T beta, int columns) {
  sum = sum * alpha;
  if (columns == kLanes<T>) {
    if (beta != T(0)) sum = sum + load(c) * beta;
    store(c, sum);
    return;
  }
  for (int j = 0; j < columns; ++j) c[j] = beta != T(0) ? sum[j] + beta * c[j] : sum[j];
}

// R rows of A times a panel of N vectors of B, of which the last vector has `tail` columns to store.
template <class T, int R, int N>
void tile(int64_t k, Strided<T> a, const T* b, int64_t ldb, Target<T> to, int tail) {
  Vector<T> sum[R][N] = {};
  for (int64_t p = 0; p < k; ++p, b += ldb) {
    Vector<T> bv[N];
    for (int v = 0; v < N; ++v) bv[v] = load(b + v * kLanes<T>);
    for (int r = 0; r < R; ++r) {
      T x = a.data[r * a.row + p * a.column];
      for (int v = 0; v < N; ++v) sum[r][v] += bv[v] * x;
    }
  }
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < N; ++v)
      finish(to.c + r * to.ldc + v * kLanes<T>, sum[r][v], to.alpha, to.beta, v == N - 1 ? tail : kLanes<T>);
}

template <class T, int N, int R = kRows>
void rows(int64_t m, int64_t k, Strided<T> a, const T* b, int64_t ldb, Target<T> to, int tail) {
  for (; m >= R; m -= R, a.data += R * a.row, to.c += R * to.ldc) tile<T, R, N>(k, a, b, ldb, to, tail);
  if constexpr (R > 1) {
    if (m > 0) rows<T, N, R - 1>(m, k, a, b, ldb, to, tail);
  }
}

// Copies columns [0, width) of op(B) with `k` rows to a panel of `stride` columns, padded with zeros.
template <class T>
void pack(Strided<T> b, int64_t k, int64_t width, T* panel, int64_t stride) {
  if (b.column == 1) {
    constexpr int64_t kAhead = 8;
    for (int64_t p = 0; p < k; ++p, panel += stride) {
      const T* from = b.data + p * b.row;
      for (int64_t line = 0; line < width; line += 64 / sizeof(T))  // long strides defeat the hardware's prefetcher
        __builtin_prefetch(from + kAhead * b.row + line);
      int64_t j = 0;
      for (; j + kLanes<T> <= width; j += kLanes<T>) store(panel + j, load(from + j));
      for (; j < width; ++j) panel[j] = from[j];
      for (; j < stride; ++j) panel[j] = 0;
    }
    return;
  }
  int64_t j = 0;
  typedef T Four __attribute__((vector_size(4 * sizeof(T))));
  typedef std::conditional_t<sizeof(T) == 4, int32_t, int64_t> Index;
  typedef Index FourIndex __attribute__((vector_size(4 * sizeof(T))));
  constexpr FourIndex low{0, 4, 1, 5}, high{2, 6, 3, 7}, front{0, 1, 4, 5}, back{2, 3, 6, 7};
  const bool rows_contiguous = b.row == 1;
  for (; rows_contiguous && j + 4 <= width; j += 4) {
    const T* from = b.data + j * b.column;
    int64_t p = 0;
    for (; p + 4 <= k; p += 4) {  // 4 x 4 transposed in registers
      Four x[4], y[4];
      for (int i = 0; i < 4; ++i) std::memcpy(&x[i], from + i * b.column + p, sizeof x[i]);
      y[0] = __builtin_shuffle(x[0], x[1], low);
      y[1] = __builtin_shuffle(x[2], x[3], low);
      y[2] = __builtin_shuffle(x[0], x[1], high);
      y[3] = __builtin_shuffle(x[2], x[3], high);
      for (int i = 0; i < 4; ++i) {
        Four z = __builtin_shuffle(y[i / 2 * 2], y[i / 2 * 2 + 1], i % 2 ? back : front);
        std::memcpy(panel + (p + i) * stride + j, &z, sizeof z);
      }
    }
    for (; p < k; ++p)
      for (int i = 0; i < 4; ++i) panel[p * stride + j + i] = from[i * b.column + p];
  }
  for (; j < stride; ++j)
    for (int64_t p = 0; p < k; ++p) panel[p * stride + j] = j < width ? b.data[p * b.row + j * b.column] : T(0);
}

template <class T>
void scale(const GemmArguments& g) {
  for (int64_t i = 0; i < g.m; ++i) {
    T* c = static_cast<T*>(g.c) + i * g.ldc;
    for (int64_t j = 0; j < g.n; ++j) c[j] = g.beta == 0 ? T(0) : static_cast<T>(c[j] * static_cast<T>(g.beta));
  }
}

// Sum of x[p] * y[p] in four vectors of partial sums, added in a fixed order.
template <class T>
T dot(const T* x, const T* y, int64_t k) {
  constexpr int kChains = 4;
  constexpr int64_t kStep = kChains * kLanes<T>;
  Vector<T> sum[kChains] = {};
  int64_t p = 0;
  for (; p + kStep <= k; p += kStep)
    for (int v = 0; v < kChains; ++v) sum[v] += load(x + p + v * kLanes<T>) * load(y + p + v * kLanes<T>);
  for (; p + kLanes<T> <= k; p += kLanes<T>) sum[0] += load(x + p) * load(y + p);
  Vector<T> all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
  T total = 0;
  for (int lane = 0; lane < kLanes<T>; ++lane) total += all[lane];
  for (; p < k; ++p) total += x[p] * y[p];
  return total;
}

// One row of A: panels twice as wide, because a single row leaves registers free.
template <class T>
void row_times_matrix(const GemmArguments& g, Strided<T> a, Strided<T> b) {
  constexpr int kN = 2 * kWide;
  const T alpha = static_cast<T>(g.alpha), beta = static_cast<T>(g.beta);
  T* c = static_cast<T*>(g.c);
  int64_t j = 0;
  if (b.row == 1 && a.column == 1) {
    for (; j < g.n; ++j) {
      T sum = alpha * dot(a.data, b.data + j * b.column, g.k);
      c[j] = beta != T(0) ? sum + beta * c[j] : sum;
    }
    return;
  }
  for (; b.column == 1 && j + kN * kLanes<T> <= g.n; j += kN * kLanes<T>)
    tile<T, 1, kN>(g.k, a, b.data + j, b.row, {c + j, g.ldc, alpha, beta}, kLanes<T>);
  for (; b.column == 1 && j + kLanes<T> <= g.n; j += kLanes<T>)
    tile<T, 1, 1>(g.k, a, b.data + j, b.row, {c + j, g.ldc, alpha, beta}, kLanes<T>);
  for (; j < g.n; ++j) {
    T sum = 0;
    for (int64_t p = 0; p < g.k; ++p) sum += a.data[p * a.column] * b.data[p * b.row + j * b.column];
    c[j] = beta != T(0) ? alpha * sum + beta * c[j] : alpha * sum;
  }
}

template <class T>
void gemm(const GemmArguments& g) {
  if (g.k == 0) return scale<T>(g);
  Strided<T> a{static_cast<const T*>(g.a), g.transpose_a ? 1 : g.lda, g.transpose_a ? g.lda : 1};
  Strided<T> b{static_cast<const T*>(g.b), g.transpose_b ? 1 : g.ldb, g.transpose_b ? g.ldb : 1};
  if (g.k == 1) a.column = b.row = 1;  // a stride that is never taken; 1 selects the faster loops
  if (g.n == 1) b.column = b.row == 1 ? g.k : 1;
  if (g.m == 1) return row_times_matrix<T>(g, a, b);
  if (g.n == 1 && g.ldc == 1) {  // the transposed problem: C' = B' A'
    GemmArguments flipped = g;
    std::swap(flipped.m, flipped.n);
    return row_times_matrix<T>(flipped, {b.data, b.column, b.row}, {a.data, a.column, a.row});
  }
  constexpr int64_t kPanel = kWide * kLanes<T>;
  alignas(64) T panel[kDepth * kPanel];
  for (int64_t p = 0; p < g.k; p += kDepth) {
    const int64_t depth = std::min(kDepth, g.k - p);
    const T beta = p == 0 ? static_cast<T>(g.beta) : T(1);
    Strided<T> ap{a.data + p * a.column, a.row, a.column};
    for (int64_t j = 0; j < g.n; j += kPanel) {
      const int64_t width = std::min(kPanel, g.n - j);
      const bool narrow = width <= kLanes<T>;
      const int64_t full = narrow ? kLanes<T> : kPanel;
      const T* from = b.data + p * b.row + j * b.column;
      int64_t ldb = b.row;
      if (b.column != 1 || width != full || (g.k > 64 && g.m > 32)) {  // long strides would miss the cache
        pack<T>({from, b.row, b.column}, depth, width, panel, full);
        from = panel;
        ldb = full;
      }
      Target<T> to{static_cast<T*>(g.c) + j, g.ldc, static_cast<T>(g.alpha), beta};
      const int tail = static_cast<int>(width - (full - kLanes<T>));
      if (narrow)
        rows<T, 1>(g.m, depth, ap, from, ldb, to, tail);
      else
        rows<T, kWide>(g.m, depth, ap, from, ldb, to, tail);
    }
  }
}

// Unsigned arithmetic wraps around by definition; the bits are those of the signed type.
template <class U>
void gemm_wrapping(const GemmArguments& g) {
  using Wide = std::conditional_t<sizeof(U) < 4, uint32_t, U>;  // narrow types would be promoted to signed int
  const Wide alpha = static_cast<Wide>(static_cast<int64_t>(g.alpha)),
             beta = static_cast<Wide>(static_cast<int64_t>(g.beta));
  const int64_t a_row = g.transpose_a ? 1 : g.lda, a_column = g.transpose_a ? g.lda : 1;
  const int64_t b_row = g.transpose_b ? 1 : g.ldb, b_column = g.transpose_b ? g.ldb : 1;
  constexpr int64_t kColumns = 256, kRowsOfB = 32;
  U panel[kRowsOfB * kColumns];
  for (int64_t i = 0; i < g.m; ++i)
    for (int64_t j = 0; j < g.n; ++j) {
      U& c = static_cast<U*>(g.c)[i * g.ldc + j];
      c = beta == 0 ? U(0) : static_cast<U>(c * beta);
    }
  for (int64_t j = 0; j < g.n; j += kColumns)
    for (int64_t p = 0; p < g.k; p += kRowsOfB) {
      const int64_t width = std::min(kColumns, g.n - j), depth = std::min(kRowsOfB, g.k - p);
      for (int64_t q = 0; q < depth; ++q)
        for (int64_t x = 0; x < width; ++x)
          panel[q * kColumns + x] = static_cast<const U*>(g.b)[(p + q) * b_row + (j + x) * b_column];
      for (int64_t i = 0; i < g.m; ++i) {
        U* c = static_cast<U*>(g.c) + i * g.ldc + j;
        for (int64_t q = 0; q < depth; ++q) {
          const Wide x = alpha * static_cast<const U*>(g.a)[i * a_row + (p + q) * a_column];
          for (int64_t y = 0; y < width; ++y) c[y] = static_cast<U>(c[y] + x * panel[q * kColumns + y]);
        }
      }
    }
}

void gemm_integer(DType dtype, const GemmArguments& g) {
  switch (item_size(dtype)) {
    case 1: return gemm_wrapping<uint8_t>(g);
    case 2: return gemm_wrapping<uint16_t>(g);
    case 4: return gemm_wrapping<uint32_t>(g);
    default: return gemm_wrapping<uint64_t>(g);
  }
}

void to_float(DType dtype, const void* from, float* to, int64_t n) {
  if (dtype == DType::Float16)
    for (int64_t i = 0; i < n; ++i) to[i] = facula::to_float(static_cast<const Half*>(from)[i]);
  else
    for (int64_t i = 0; i < n; ++i) to[i] = facula::to_float(static_cast<const BFloat*>(from)[i]);
}

void from_float(DType dtype, const float* from, void* to, int64_t n) {
  if (dtype == DType::Float16)
    for (int64_t i = 0; i < n; ++i) static_cast<Half*>(to)[i] = to_half(from[i]);
  else
    for (int64_t i = 0; i < n; ++i) static_cast<BFloat*>(to)[i] = to_bfloat(from[i]);
}

}  // namespace

KERNELS(GemmKernels, gemm_kernels) = {gemm<float>, gemm<double>, gemm_integer, to_float, from_float};

}  // namespace facula::cpu::FACULA_ISA
