// See triangle.h. Several rows and two vectors of columns stay in registers while the rows before pass.
#include "cpu/triangle.h"

#include <algorithm>
#include <cmath>

#include "cpu/lanes.h"

namespace facula::cpu::FACULA_ISA {
namespace {

constexpr int kRows = kLaneBytes == 64 ? 8 : 4;  // times two vectors: what the registers hold

// Rows [i, i + rows) of two vectors of columns; x_step is negative where the rows run backwards.
template <int rows, class T>
LANE_OP void solve_rows(bool unit, int64_t i, const T* a, int64_t row_step, int64_t column_step, T* x, int64_t x_step) {
  constexpr int w = Vec<T>::width;
  Vec<T> left[rows], right[rows];
  for (int r = 0; r < rows; ++r) {
    left[r] = load(x + (i + r) * x_step);
    right[r] = load(x + (i + r) * x_step + w);
  }
  const T* row = a + i * row_step;
  for (int64_t j = 0; j < i; ++j) {
    const Vec<T> p = load(x + j * x_step), q = load(x + j * x_step + w);
    for (int r = 0; r < rows; ++r) {
      const Vec<T> factor = row[r * row_step + j * column_step];
      left[r] = left[r] - factor * p;
      right[r] = right[r] - factor * q;
    }
  }
  row += i * column_step;
  for (int r = 0; r < rows; ++r) {
    for (int s = 0; s < r; ++s) {
      const Vec<T> factor = row[r * row_step + s * column_step];
      left[r] = left[r] - factor * left[s];
      right[r] = right[r] - factor * right[s];
    }
    if (!unit) {
      const Vec<T> diagonal = row[r * (row_step + column_step)];
      left[r] = left[r] / diagonal;
      right[r] = right[r] / diagonal;
    }
    store(x + (i + r) * x_step, left[r]);
    store(x + (i + r) * x_step + w, right[r]);
  }
}

template <class T>
void solve_panel(bool forward, bool unit, int64_t n, const T* a, int64_t row_step, int64_t column_step, T* x) {
  constexpr int64_t width = kPanelBytes / static_cast<int64_t>(sizeof(T));
  int64_t x_step = width;
  if (!forward) {  // the same, from the last row and column on
    a += (n - 1) * (row_step + column_step);
    x += (n - 1) * width;
    row_step = -row_step;
    column_step = -column_step;
    x_step = -width;
  }
  for (int64_t c = 0; c < width; c += 2 * Vec<T>::width) {
    int64_t i = 0;
    for (; i + kRows <= n; i += kRows) solve_rows<kRows>(unit, i, a, row_step, column_step, x + c, x_step);
    for (; i < n; ++i) solve_rows<1>(unit, i, a, row_step, column_step, x + c, x_step);
  }
}

void solve(bool is_double, bool forward, bool unit, int64_t n, const void* a, int64_t row_step, int64_t column_step,
           void* x) {
  if (is_double)
    solve_panel(forward, unit, n, static_cast<const double*>(a), row_step, column_step, static_cast<double*>(x));
  else
    solve_panel(forward, unit, n, static_cast<const float*>(a), row_step, column_step, static_cast<float*>(x));
}

// Columns lie padded to whole vectors. A multiple of column k, with zeros down to its pivot, is taken from each later
// one, so whole vectors are worked on without a mask.
template <class T>
int factor_small(int64_t m, int64_t n, T* a, int64_t lda, int* pivots) {
  constexpr int64_t w = Vec<T>::width;
  const int64_t padded = (m + w - 1) / w * w;
  alignas(kLaneBytes) T x[kFactorSide][kFactorSide], below[kFactorSide] = {};
  for (int64_t j = 0; j < n; ++j) std::fill(std::copy_n(a + j * lda, m, x[j]), x[j] + padded, T(0));
  int info = 0;
  for (int64_t k = 0; k < std::min(m, n); ++k) {
    T* column = x[k];
    int64_t p = k;
    for (int64_t i = k + 1; i < m; ++i) p = std::fabs(column[i]) > std::fabs(column[p]) ? i : p;
    pivots[k] = static_cast<int>(p) + 1;
    const T pivot = column[p];
    if (pivot == 0) {
      if (!info) info = static_cast<int>(k) + 1;
      continue;
    }
    if (p != k)
      for (int64_t j = 0; j < n; ++j) std::swap(x[j][k], x[j][p]);
    const int64_t first = k / w * w;
    for (int64_t i = first; i < padded; i += w) store(below + i, load(column + i) / Vec<T>(pivot));
    std::fill(below + first, below + k + 1, T(0));
    std::copy(below + k + 1, below + m, column + k + 1);
    for (int64_t j = k + 1; j < n; ++j) {
      const Vec<T> factor = x[j][k];
      for (int64_t i = first; i < padded; i += w) store(x[j] + i, load(x[j] + i) - factor * load(below + i));
    }
  }
  for (int64_t j = 0; j < n; ++j) std::copy_n(x[j], m, a + j * lda);
  return info;
}
int factor(bool is_double, int64_t m, int64_t n, void* a, int64_t lda, int* pivots) {
  return is_double ? factor_small(m, n, static_cast<double*>(a), lda, pivots)
                   : factor_small(m, n, static_cast<float*>(a), lda, pivots);
}

// x . y, in sums that lie in lanes, and x -= factor y.
template <class T>
T dot(int64_t n, const T* x, const T* y) {
  constexpr int64_t w = Vec<T>::width;
  Vec<T> sums = T(0);
  int64_t i = 0;
  for (; i + w <= n; i += w) sums = sums + load(x + i) * load(y + i);
  T sum = 0;
  for (int lane = 0; lane < w; ++lane) sum += sums.v[lane];
  for (; i < n; ++i) sum += x[i] * y[i];
  return sum;
}
template <class T>
void subtract(int64_t n, T* x, T factor, const T* y) {
  constexpr int64_t w = Vec<T>::width;
  int64_t i = 0;
  for (; i + w <= n; i += w) store(x + i, load(x + i) - Vec<T>(factor) * load(y + i));
  for (; i < n; ++i) x[i] -= factor * y[i];
}
// y becomes x / |x|; the result is |x|.
template <class T>
T normalise(int64_t n, const T* x, T* y) {
  const T size = std::sqrt(dot(n, x, x));
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] / size;
  return size;
}
// Inverse iteration from a vector of ones whose signs let the solution grow. Source: A. Cline, C. Moler, G. Stewart and
// J. Wilkinson, An estimate for the condition number of a matrix, 1979.
template <class T>
T condition(int64_t n, const T* r, int64_t lead, T* x) {
  T *y = x + n, best = 0, squares = 0;
  for (int64_t j = 0; j < n; ++j) squares += dot(j + 1, r + j * lead, r + j * lead);
  for (int round = 0; round < 2; ++round) {
    for (int64_t j = 0; j < n; ++j) {  // R^T y = x
      const T sum = dot(j, r + j * lead, y), right = round > 0 ? x[j] : sum > 0 ? T(-1) : T(1);
      y[j] = (right - sum) / r[j * lead + j];
    }
    const T across = normalise(n, y, x);
    for (int64_t j = n - 1; j >= 0; --j) {  // R x = y
      x[j] /= r[j * lead + j];
      subtract(j, x, x[j], r + j * lead);
    }
    const T back = normalise(n, x, x);
    if (round > 0 && !(across <= best)) best = across;
    if (!(back <= best)) best = back;
  }
  return best * std::sqrt(squares);
}

}  // namespace

KERNELS(TriangleKernels, triangle_kernels) = {solve, factor, condition<float>, condition<double>};

}  // namespace facula::cpu::FACULA_ISA
