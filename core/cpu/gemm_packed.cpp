// The register tile of large matrix products and the packing of their operands.
#include "cpu/gemm_packed.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "cpu/gemm_vector.h"

namespace facula::cpu::FACULA_ISA {
namespace {

// A tile of C is kRows rows by three vectors. Each step reads three vectors of B and kRows numbers of A for 3 * kRows
// multiply-adds, whose sums fill all registers but four: 24 of 32, or 12 of 16.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kRows = 8;
#else
constexpr int kRows = 4;
#endif
constexpr int kWide = 3;

template <class T>
constexpr int kColumns = kWide * kLanes<T>;

template <class T>
struct Tile {
  const T *a, *b;
  T* c;
  const T* d;
  int rows, columns;  // that exist
};

// Lanes of a vector come in quarters of 16 bytes; kQuarter numbers in each.
template <class T>
constexpr int kQuarter = 16 / static_cast<int>(sizeof(T));

// Where lane i of an interleaving of two vectors comes from, quarter by quarter: low (a0 b0 a1 b1) or high halves.
template <class T>
constexpr int interleaved(int i, bool high) {
  constexpr int q = kQuarter<T>;
  return i / q * q + i % q / 2 + (high ? q / 2 : 0) + (i % 2 ? kLanes<T> : 0);
}
// And of the joining of two halves of each quarter: (a0 a1 b0 b1) or (a2 a3 b2 b3).
template <class T>
constexpr int joined(int i, bool high) {
  constexpr int q = kQuarter<T>, half = q / 2;
  return i / q * q + i % half + (high ? half : 0) + (i % q >= half ? kLanes<T> : 0);
}
template <class T, bool kHigh, size_t... I>
inline Vector<T> interleave(Vector<T> a, Vector<T> b, std::index_sequence<I...>) {
  return __builtin_shufflevector(a, b, interleaved<T>(I, kHigh)...);
}
template <class T, bool kHigh, size_t... I>
inline Vector<T> join(Vector<T> a, Vector<T> b, std::index_sequence<I...>) {
  return __builtin_shufflevector(a, b, joined<T>(I, kHigh)...);
}
template <class T, int kAt, size_t... I>
inline void store_quarter(T* to, Vector<T> v, std::index_sequence<I...>) {
  typedef T Quarter __attribute__((vector_size(16)));
  const Quarter quarter = __builtin_shufflevector(v, v, (kAt * kQuarter<T> + static_cast<int>(I))...);
  std::memcpy(to, &quarter, sizeof quarter);
}
template <class T, int W, size_t... Quarters>
inline void store_column(T* to, Vector<T> v, std::index_sequence<Quarters...>) {
  (store_quarter<T, Quarters>(to + Quarters * kQuarter<T> * W, v, std::make_index_sequence<kQuarter<T>>()), ...);
}

// kLanes numbers of each of kQuarter lines, transposed in registers: to[i * W + j] = from[j * line + i].
template <class T, int W>
inline void transpose_lines(const T* from, int64_t line, T* to) {
  constexpr auto lanes = std::make_index_sequence<kLanes<T>>();
  constexpr auto quarters = std::make_index_sequence<kLanes<T> / kQuarter<T>>();
  const Vector<T> x0 = load(from), x1 = load(from + line);
  const Vector<T> low = interleave<T, false>(x0, x1, lanes), high = interleave<T, true>(x0, x1, lanes);
  if constexpr (kQuarter<T> == 2) {
    store_column<T, W>(to, low, quarters);
    store_column<T, W>(to + W, high, quarters);
  } else {
    const Vector<T> x2 = load(from + 2 * line), x3 = load(from + 3 * line);
    const Vector<T> low2 = interleave<T, false>(x2, x3, lanes), high2 = interleave<T, true>(x2, x3, lanes);
    store_column<T, W>(to, join<T, false>(low, low2, lanes), quarters);
    store_column<T, W>(to + W, join<T, true>(low, low2, lanes), quarters);
    store_column<T, W>(to + 2 * W, join<T, false>(high, high2, lanes), quarters);
    store_column<T, W>(to + 3 * W, join<T, true>(high, high2, lanes), quarters);
  }
}

// The sums of an incomplete tile, `width` to a row, to where they belong.
template <class T>
void write_out(const PackedBlock& g, const Tile<T>& at, const T* sums, int width) {
  const T alpha = static_cast<T>(g.alpha), beta = static_cast<T>(g.beta);
  for (int r = 0; r < at.rows; ++r, sums += width) {
    T* to = at.c + r * g.c_row;
    const T* old = at.d + r * g.d_row;
    for (int j = 0; j < at.columns; ++j, to += g.c_column, old += g.d_column)
      *to = beta != T(0) ? alpha * sums[j] + beta * *old : alpha * sums[j];
  }
}

// And of a transposed tile of all rows. Columns of C far apart share few sets of the cache: each is met once.
template <class T>
void write_transposed(const PackedBlock& g, const Tile<T>& at, const T* sums, int width) {
  const T alpha = static_cast<T>(g.alpha), beta = static_cast<T>(g.beta);
  alignas(kLaneBytes) T columns[kRows * kColumns<T>];
  for (int j = 0; j < width; j += kLanes<T>)
    for (int r = 0; r < kRows; r += kQuarter<T>)
      transpose_lines<T, kRows>(sums + r * width + j, width, columns + j * kRows + r);
  for (int j = 0; j < at.columns; ++j) {
    T* to = at.c + j * g.c_column;
    const T *from = columns + j * kRows, *old = at.d + j * g.d_column;
    if (beta != T(0))
      for (int r = 0; r < kRows; ++r) to[r] = alpha * from[r] + beta * old[r];
    else
      for (int r = 0; r < kRows; ++r) to[r] = alpha * from[r];
  }
}

// R rows of A times N vectors of columns. kRowsApart: the rows are contiguous, not the columns.
template <class T, int R, int N, bool kRowsApart>
void tile(const PackedBlock& g, const Tile<T>& at) {
  constexpr int kAhead = 16;  // steps: hides the second cache level
  const T* row[R];
  for (int r = 0; r < R; ++r) {
    if constexpr (kRowsApart) row[r] = at.a + (r < at.rows ? r : 0) * g.a_row;
    for (int v = 0; v < N && g.c_column == 1; ++v)
      __builtin_prefetch(at.c + (r < at.rows ? r : 0) * g.c_row + v * kLanes<T>, 1);
  }
  if (g.c_column != 1)  // to the second level: they would drive each other out of the first
    for (int j = 0; j < at.columns; ++j) __builtin_prefetch(at.c + j * g.c_column, 1, 2);
  Vector<T> sum[R * N];
#pragma GCC unroll 24
  for (int i = 0; i < R * N; ++i) sum[i] = Vector<T>{};
  const T *a = at.a, *b = at.b, *next = b + kAhead * g.b_row;
  for (int64_t p = 0; p < g.depth; ++p, a += g.a_column, b += g.b_row, next += g.b_row) {
    Vector<T> bv[N];
    for (int v = 0; v < N; ++v) {
      bv[v] = load(b + v * kLanes<T>);
      if (v * kLaneBytes % 64 == 0) __builtin_prefetch(next + v * kLanes<T>);
    }
    if constexpr (!kRowsApart) __builtin_prefetch(a + kAhead * g.a_column);
#pragma GCC unroll 24
    for (int r = 0; r < R; ++r) {
      const T x = kRowsApart ? row[r][p] : a[r];
      for (int v = 0; v < N; ++v) sum[r * N + v] += bv[v] * x;
    }
  }
  if (at.rows < R || at.columns < N * kLanes<T> || g.c_column != 1) {
    alignas(kLaneBytes) T sums[R * N * kLanes<T>];
#pragma GCC unroll 24
    for (int i = 0; i < R * N; ++i) store(sums + i * kLanes<T>, sum[i]);
    const bool transposed = R == kRows && at.rows == R && g.c_row == 1 && g.c_column != 1;
    return transposed ? write_transposed(g, at, sums, N * kLanes<T>) : write_out(g, at, sums, N * kLanes<T>);
  }
  const T alpha = static_cast<T>(g.alpha), beta = static_cast<T>(g.beta);
#pragma GCC unroll 24
  for (int i = 0; i < R * N; ++i) {
    T* to = at.c + i / N * g.c_row + i % N * kLanes<T>;
    Vector<T> v = sum[i] * alpha;
    if (beta != T(0)) v += load(at.d + i / N * g.d_row + i % N * kLanes<T>) * beta;
    store(to, v);
  }
}

template <class T, int N>
void tile_of_rows(const PackedBlock& g, const Tile<T>& at) {
  const bool all = at.rows > kRows / 2;
  if (g.a_row == 1) return all ? tile<T, kRows, N, false>(g, at) : tile<T, kRows / 2, N, false>(g, at);
  return all ? tile<T, kRows, N, true>(g, at) : tile<T, kRows / 2, N, true>(g, at);
}

template <class T>
void multiply(const PackedBlock& given) {
  PackedBlock g = given;
  if (!g.d) {
    g.d = g.c;
    g.d_row = g.c_row;
    g.d_column = g.c_column;
  }
  Tile<T> at{static_cast<const T*>(g.a), nullptr, nullptr, nullptr, 0, 0};
  for (int64_t i = 0; i < g.m; i += kRows, at.a += g.a_sliver) {
    at.rows = static_cast<int>(std::min<int64_t>(kRows, g.m - i));
    at.b = static_cast<const T*>(g.b);
    at.c = static_cast<T*>(g.c) + i * g.c_row;
    at.d = static_cast<const T*>(g.d) + i * g.d_row;
    for (int64_t j = 0; j < g.n;
         j += kColumns<T>, at.b += g.b_sliver, at.c += kColumns<T> * g.c_column, at.d += kColumns<T> * g.d_column) {
      at.columns = static_cast<int>(std::min<int64_t>(kColumns<T>, g.n - j));
      if (at.columns > 2 * kLanes<T>)
        tile_of_rows<T, 3>(g, at);
      else if (at.columns > kLanes<T>)
        tile_of_rows<T, 2>(g, at);
      else
        tile_of_rows<T, 1>(g, at);
    }
  }
}

// One sliver of W lines, of which `count` exist.
template <class T, int W>
void pack_sliver(const T* from, int64_t line, int64_t step, int count, int64_t depth, T* to) {
  const int64_t whole = step == 1 ? depth / kLanes<T> * kLanes<T> : 0;  // steps and
  const int lines = step == 1 ? count / kQuarter<T> * kQuarter<T> : 0;  // lines that are transposed in registers
  for (int64_t p = 0; p < whole; p += kLanes<T>) {
    for (int j = 0; j < lines; j += kQuarter<T>) transpose_lines<T, W>(from + j * line + p, line, to + p * W + j);
    for (int64_t q = p; q < p + kLanes<T> && lines < W; ++q)
      for (int j = lines; j < W; ++j) to[q * W + j] = j < count ? from[j * line + q] : T(0);
  }
  for (int64_t p = whole; p < depth; ++p)
    for (int j = 0; j < W; ++j) to[p * W + j] = j < count ? from[j * line + p * step] : T(0);
}

// Slivers of lines that lie side by side, in the order of memory: the processor fetches ahead along a step's lines.
template <class T, int W>
void pack_side_by_side(const T* from, int64_t step, int64_t slivers, int64_t depth, T* to) {
  for (int64_t p = 0; p < depth; ++p, from += step, to += W)
    for (int64_t s = 0; s < slivers; ++s) {
      for (int i = 0; i < W; i += 64 / static_cast<int>(sizeof(T)))
        __builtin_prefetch(from + 2 * step + s * W + i, 0, 2);
      std::memcpy(to + s * W * depth, from + s * W, W * sizeof(T));
    }
}

template <class T, int W>
void pack(Lines lines, int64_t count, int64_t depth, void* to) {
  const T* from = static_cast<const T*>(lines.data);
  T* out = static_cast<T*>(to);
  const int64_t whole = lines.line == 1 ? count / W : 0;
  if (whole) pack_side_by_side<T, W>(from, lines.step, whole, depth, out);
  from += whole * W;
  out += whole * W * depth;
  for (int64_t j = whole * W; j < count; j += W, from += W * lines.line, out += W * depth)
    pack_sliver<T, W>(from, lines.line, lines.step, static_cast<int>(std::min<int64_t>(W, count - j)), depth, out);
}

// A sliver of A of 2 KiB by kRows stays in the first cache level; 240 columns (a multiple of every sliver's) as deep
// are half of the second.
template <class T>
constexpr PackedGemm kernels_of = {
    kRows,          kColumns<T>,          kLanes<T>,  2048 / static_cast<int64_t>(sizeof(T)), 240,
    pack<T, kRows>, pack<T, kColumns<T>>, multiply<T>};

}  // namespace

KERNELS(PackedGemmKernels, packed_gemm_kernels) = {kernels_of<float>, kernels_of<double>};

}  // namespace facula::cpu::FACULA_ISA
