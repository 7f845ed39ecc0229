// See linalg_blocked.h. The way of halving depends on sizes only, so the bits do not depend on the number of threads.
#include "ops/linalg_blocked.h"

#include <algorithm>
#include <complex>
#include <utility>

#include "base/dtype.h"
#include "cpu/copy.h"
#include "cpu/gemm_packed.h"
#include "cpu/triangle.h"
#include "ops/linalg.h"
#include "runtime/gemm.h"
#include "runtime/lapack.h"
#include "runtime/parallel.h"

namespace facula::blocked {

// The side up to which LAPACK factors as fast; the side of triangles that are not halved (their rows of right sides
// stay in the cache); right sides of one piece of work for the pool where products take part.
static constexpr int kSmallFactor = 96, kLeaf = 256, kPanel = 64;
// Of a copy by rows that is still in the second cache level when its next panel is factored.
static constexpr int64_t kCacheBytes = 3 << 18;
template <class T>
static constexpr int kLeafPanel = cpu::kPanelBytes / sizeof(T);

// c [m, n] -= op(a) [m, k] b [k, n]; row-major products see all three transposed.
template <class T>
static void subtract_product(bool transpose, int m, int n, int k, const T* a, int lda, const T* b, int ldb, T* c,
                             int ldc) {
  constexpr DType type = sizeof(T) == 4 ? DType::Float32 : DType::Float64;
  gemm(type, false, transpose, n, m, k, -1, b, ldb, a, lda, 1, c, ldc);
}

// Rows exchanged in the order of pivots [first, last), or the other way round.
template <class T>
static void exchange_rows(T* a, int lda, int columns, int first, int last, const int* pivots, bool forward = true) {
  for (int64_t j = 0; j < columns; ++j) {
    T* column = a + j * lda;
    for (int i = first; i < last; ++i) {
      const int k = forward ? i : last - 1 - (i - first);
      std::swap(column[k], column[pivots[k] - 1]);
    }
  }
}

// f(panel) with panels of a few right sides, by rows, which the kernels want.
template <class T, class F>
static void in_panels(int n, int right, T* x, int ldx, F&& f) {
  constexpr int width = kLeafPanel<T>;
  alignas(64) T panel[kLeaf * width];
  for (int64_t first = 0; first < right; first += width) {
    const int64_t columns = std::min<int64_t>(width, right - first);
    const int64_t sizes[2] = {n, columns}, by_columns[2] = {1, ldx}, by_rows[2] = {width, 1};
    if (columns < width) std::fill_n(panel, n * width, T(0));
    cpu::copy().strided_copy(sizeof(T), 2, sizes, panel, by_rows, x + first * ldx, by_columns);
    f(panel);
    cpu::copy().strided_copy(sizeof(T), 2, sizes, x + first * ldx, by_columns, panel, by_rows);
  }
}
template <class T>
static void solve_panel(bool upper, bool transpose, bool unit, int n, const T* a, int lda, T* panel) {
  cpu::triangle().solve(sizeof(T) == 8, upper == transpose, unit, n, a, transpose ? lda : 1, transpose ? 1 : lda,
                        panel);
}

template <class T>
static void solve_halves(bool upper, bool transpose, bool unit, int n, int right, const T* a, int lda, T* x, int ldx) {
  if (n <= kLeaf)
    return in_panels(n, right, x, ldx, [&](T* panel) { solve_panel(upper, transpose, unit, n, a, lda, panel); });
  const int head = n / 2, tail = n - head;
  const T* last = a + static_cast<int64_t>(head) * (lda + 1);
  const T* corner = upper ? a + static_cast<int64_t>(head) * lda : a + head;
  T* below = x + head;
  if (upper != transpose) {
    solve_halves(upper, transpose, unit, tail, right, last, lda, below, ldx);
    subtract_product(transpose, head, right, tail, corner, lda, below, ldx, x, ldx);
    solve_halves(upper, transpose, unit, head, right, a, lda, x, ldx);
  } else {
    solve_halves(upper, transpose, unit, head, right, a, lda, x, ldx);
    subtract_product(transpose, tail, right, head, corner, lda, x, ldx, below, ldx);
    solve_halves(upper, transpose, unit, tail, right, last, lda, below, ldx);
  }
}

// f(column, columns) over panels of the right sides of an n by n triangle.
template <class T, class F>
static void over_panels(int n, int right, F&& f) {
  const int64_t width = n <= kLeaf ? kLeafPanel<T> : kPanel, grain = 1 + (1 << 17) / (int64_t{n} * n * width);
  parallel_for((right + width - 1) / width, grain, [&](int64_t begin, int64_t end) {
    for (int64_t j = begin * width; j < end * width && j < right; j += width)
      f(j, static_cast<int>(std::min<int64_t>(width, right - j)));
  });
}
// Whether the panels pay: one right side of a large triangle is LAPACK's.
template <class T>
static bool suits_panels(int n, int right) {
  return !lapack::is_complex_type<T> && (n <= cpu::kFactorSide || right >= kLeafPanel<T> / 4);
}

template <class T>
void solve_triangle(bool upper, char trans, bool unit, int n, int right, const T* a, int lda, T* x, int ldx) {
  if constexpr (!lapack::is_complex_type<T>) {
    if (suits_panels<T>(n, right)) {
      return over_panels<T>(n, right, [&](int64_t j, int columns) {
        solve_halves(upper, trans != 'N', unit, n, columns, a, lda, x + j * ldx, ldx);
      });
    }
  }
  lapack::trsm(true, upper, trans, unit, n, right, a, lda, x, ldx);
}

template <class T>
void solve_factored(char trans, int n, int right, const T* lu, int lda, const int* pivots, T* x) {
  if constexpr (!lapack::is_complex_type<T>) {
    if (suits_panels<T>(n, right)) {
      return over_panels<T>(n, right, [&](int64_t j, int columns) {
        T* to = x + j * n;
        if (trans == 'N' && n <= kLeaf) {
          in_panels(n, columns, to, n, [&](T* panel) {
            constexpr int width = kLeafPanel<T>;
            cpu::triangle().exchange_rows(sizeof(T) == 8, n, width, panel, width, pivots);
            solve_panel(false, false, true, n, lu, lda, panel);
            solve_panel(true, false, false, n, lu, lda, panel);
          });
        } else if (trans == 'N') {
          exchange_rows(to, n, columns, 0, n, pivots);
          solve_halves(false, false, true, n, columns, lu, lda, to, n);
          solve_halves(true, false, false, n, columns, lu, lda, to, n);
        } else {
          solve_halves(true, true, false, n, columns, lu, lda, to, n);
          solve_halves(false, true, true, n, columns, lu, lda, to, n);
          exchange_rows(to, n, columns, 0, n, pivots, false);
        }
      });
    }
  }
  lapack::getrs(trans, n, right, lu, lda, pivots, x, n);
}

// Note [LU in rows]
// A matrix that fits into the second cache level is factored in a copy by rows: exchanges, triangular systems and
// products then run along memory, and products need no packing. Only the panel of columns at hand lies by columns, for
// the search of its pivots and its multiples. Rows are an odd number of panels long, so that rows apart share few sets
// of the cache.
template <class T>
struct FactorInRows {
  static constexpr int kWidth = cpu::kPanelBytes / sizeof(T);
  static constexpr bool kDouble = sizeof(T) == 8;
  int64_t m, n, step, panel_step;
  T *rows, *panel;

  static int64_t whole(int64_t n) { return (n + kWidth - 1) / kWidth * kWidth; }
  static int64_t padded(int64_t n) { return whole(n) / kWidth % 2 ? whole(n) : whole(n) + kWidth; }
  FactorInRows(int64_t m_, int64_t n_) : m(m_), n(n_), step(padded(m < n ? n + kWidth : n)), panel_step(padded(m)) {}
  int64_t elements() const { return m * step + kWidth * panel_step; }
  bool suits() const { return m <= 2 * n && elements() * static_cast<int64_t>(sizeof(T)) <= kCacheBytes; }
  // A block of `width` columns from one order to the other; in parts that do not wake a second thread, which costs
  // more.
  static void turn(int64_t height, int64_t width, const T* from, int64_t from_row, int64_t from_column, T* to,
                   int64_t to_row, int64_t to_column) {
    constexpr int64_t kRows = 64;
    const int64_t in[2] = {from_row, from_column}, out[2] = {to_row, to_column};
    for (int64_t i = 0; i < height; i += kRows) {
      const int64_t sizes[2] = {std::min(kRows, height - i), width};
      cpu::copy().strided_copy(sizeof(T), 2, sizes, to + i * to_row, out, from + i * from_row, in);
    }
  }
  // The factors of `from` in `a`, by columns; they may be the same.
  int run(const T* from, int64_t from_row, int64_t from_column, T* a, int64_t lda, int* pivots) {
    Scratch<T> memory(elements());
    rows = memory.data;
    panel = memory.data + m * step;
    for (int64_t i = 0; i < m; ++i) std::fill(rows + i * step + n, rows + (i + 1) * step, T(0));
    turn(m, n, from, from_row, from_column, rows, step, 1);
    int info = 0;
    for (int64_t k = 0; k < std::min(m, n); k += kWidth) {
      const int found = step_of(k, std::min<int64_t>(kWidth, std::min(m, n) - k), pivots + k);
      if (!info && found) info = found + static_cast<int>(k);
      for (int64_t i = k; i < std::min({k + kWidth, m, n}); ++i) pivots[i] += static_cast<int>(k);
    }
    turn(m, n, rows, step, 1, a, 1, lda);
    return info;
  }
  // Factors `width` columns from k on, and takes their products from those behind them.
  int step_of(int64_t k, int64_t width, int* pivots) {
    const auto& kernels = cpu::triangle();
    const int64_t height = m - k, behind = k + width, right = whole(n - behind);
    T *below = rows + k * step, *block = below + k;
    for (int64_t j = 0; j < width; ++j) std::fill(panel + j * panel_step + height, panel + (j + 1) * panel_step, T(0));
    turn(height, width, block, step, 1, panel, 1, panel_step);
    const int info = kernels.factor_panel(kDouble, height, width, panel, panel_step, pivots);
    kernels.exchange_rows(kDouble, width, step, below, step, pivots);
    turn(height, width, panel, 1, panel_step, block, step, 1);
    if (behind >= n) return info;
    kernels.solve_rows(kDouble, width, right, block, step, block + width, step);
    if (behind >= m) return info;
    const cpu::PackedGemm& gemm = kDouble ? cpu::packed_gemm().of_double : cpu::packed_gemm().of_float;
    cpu::PackedBlock to{m - behind, right, width};
    to.a = block + width * step;
    to.a_sliver = gemm.rows * step;
    to.a_row = step;
    to.a_column = 1;
    to.b = block + width;
    to.b_sliver = gemm.columns;
    to.b_row = step;
    to.alpha = -1;
    to.beta = 1;
    to.c = block + width * (step + 1);
    to.c_row = step;
    to.c_column = 1;
    gemm.multiply(to);
    return info;
  }
};

// Toledo 1997: the left half, then the right half brought up to date, then its lower part.
template <class T>
int factor(int m, int n, T* a, int lda, int* pivots) {
  const int k = std::min(m, n), head = k / 2, rest = n - head;
  if (!lapack::is_complex_type<T> && std::max(m, n) <= cpu::kFactorSide)
    return cpu::triangle().factor(sizeof(T) == 8, m, n, a, lda, pivots);
  if constexpr (!lapack::is_complex_type<T>)
    if (FactorInRows<T> rows(m, n); rows.suits()) return rows.run(a, 1, lda, a, lda, pivots);
  if (lapack::is_complex_type<T> || k <= kSmallFactor) return lapack::getrf(m, n, a, lda, pivots);
  if constexpr (!lapack::is_complex_type<T>) {
    const int info = factor(m, head, a, lda, pivots);
    T *right = a + static_cast<int64_t>(head) * lda, *corner = right + head;
    exchange_rows(right, lda, rest, 0, head, pivots);
    solve_triangle(false, 'N', true, head, rest, a, lda, right, lda);
    subtract_product(false, m - head, rest, head, a + head, lda, right, lda, corner, lda);
    const int later = factor(m - head, rest, corner, lda, pivots + head);
    for (int i = head; i < k; ++i) pivots[i] += head;
    exchange_rows(a, lda, head, head, k, pivots);
    return info ? info : later ? later + head : 0;
  }
}

template <class T>
int factor_rows(int m, int n, const T* rows, T* a, int lda, int* pivots) {
  if constexpr (!lapack::is_complex_type<T>)
    if (FactorInRows<T> in_rows(m, n); std::max(m, n) > cpu::kFactorSide && in_rows.suits())
      return in_rows.run(rows, n, 1, a, lda, pivots);
  const int64_t sizes[2] = {n, m}, in[2] = {1, n}, out[2] = {lda, 1};
  cpu::copy().strided_copy(sizeof(T), 2, sizes, a, out, rows, in);
  return factor(m, n, a, lda, pivots);
}

#define FOR_TYPE(T)                                                                 \
  template int factor_rows(int, int, const T*, T*, int, int*);                      \
  template int factor(int, int, T*, int, int*);                                     \
  template void solve_triangle(bool, char, bool, int, int, const T*, int, T*, int); \
  template void solve_factored(char, int, int, const T*, int, const int*, T*);
FOR_TYPE(float)
FOR_TYPE(double)
FOR_TYPE(std::complex<float>)
FOR_TYPE(std::complex<double>)
#undef FOR_TYPE

}  // namespace facula::blocked
