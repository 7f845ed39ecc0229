// See triangle.h. Several rows and two vectors of columns stay in registers while the rows before pass.
#include "cpu/triangle.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

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

template <class I>
LANE_OP Vec<I> lane_numbers() {
  alignas(kLaneBytes) static constexpr auto numbers = [] {
    std::array<I, Vec<I>::width> n{};
    for (int i = 0; i < Vec<I>::width; ++i) n[static_cast<size_t>(i)] = static_cast<I>(i);
    return n;
  }();
  return load(numbers.data());
}

// Where |x| is largest in rows [first, m), the first of equals. Bits of what is not negative compare as the numbers do,
// and NaN above infinity.
template <class T>
LANE_OP int64_t first_largest(const T* x, int64_t first, int64_t m) {
  using I = IntOf<T>;
  constexpr int w = Vec<T>::width;
  constexpr I most = std::numeric_limits<I>::max();
  const Vec<I> begin = static_cast<I>(first), end = static_cast<I>(m);
  Vec<I> best = I(-1), at = most;
  for (int64_t i = first / w * w; i < m; i += w) {
    const Vec<I> here = lane_numbers<I>() + Vec<I>(static_cast<I>(i));
    const Vec<I> size = bit_and(bits_of(load(x + i)), Vec<I>(most));
    const Mask<I> larger = (size > best) & (here >= begin) & (here < end);
    best = select(larger, size, best);
    at = select(larger, here, at);
  }
  alignas(kLaneBytes) I lanes[w];
  store(lanes, best);
  I top = lanes[0], row = most;
  for (int i = 1; i < w; ++i) top = std::max(top, lanes[i]);
  store(lanes, select(best == Vec<I>(top), at, Vec<I>(most)));
  for (int i = 0; i < w; ++i) row = std::min(row, lanes[i]);
  return row;
}

// x - factor * below behind row k; `behind` are the rows of its vector that are.
template <int columns, class T>
LANE_OP void eliminate(int64_t k, int64_t m, Mask<T> behind, const T* below, T* x, int64_t step) {
  constexpr int64_t w = Vec<T>::width;
  int64_t i = k / w * w;
  Vec<T> factor[columns];
  for (int c = 0; c < columns; ++c) {
    T* to = x + c * step + i;
    const Vec<T> old = load(to);
    factor[c] = x[c * step + k];
    store(to, select(behind, old - factor[c] * load(below + i), old));
  }
  for (i += w; i < m; i += w) {
    const Vec<T> l = load(below + i);
    for (int c = 0; c < columns; ++c) store(x + c * step + i, load(x + c * step + i) - factor[c] * l);
  }
}

template <class T>
int factor_columns(int64_t m, int64_t n, T* x, int64_t step, int* pivots) {
  using I = IntOf<T>;
  constexpr int64_t w = Vec<T>::width;
  int info = 0;
  for (int64_t k = 0; k < n; ++k) {
    T* column = x + k * step;
    const int64_t p = first_largest(column, k, m);
    pivots[k] = static_cast<int>(p) + 1;
    const T pivot = column[p];
    if (pivot == 0) {
      if (!info) info = static_cast<int>(k) + 1;
      continue;
    }
    for (int64_t j = 0; j < n && p != k; ++j) std::swap(x[j * step + k], x[j * step + p]);
    const Mask<T> behind = retype<T>(lane_numbers<I>() > Vec<I>(static_cast<I>(k % w)));
    int64_t i = k / w * w;
    store(column + i, select(behind, load(column + i) / Vec<T>(pivot), load(column + i)));
    for (i += w; i < m; i += w) store(column + i, load(column + i) / Vec<T>(pivot));
    int64_t j = k + 1;
    for (; j + 4 <= n; j += 4) eliminate<4>(k, m, behind, column, x + j * step, step);
    for (; j < n; ++j) eliminate<1>(k, m, behind, column, x + j * step, step);
  }
  return info;
}
int factor_panel(bool is_double, int64_t m, int64_t n, void* x, int64_t step, int* pivots) {
  return is_double ? factor_columns(m, n, static_cast<double*>(x), step, pivots)
                   : factor_columns(m, n, static_cast<float*>(x), step, pivots);
}

void exchange_rows(bool is_double, int64_t count, int64_t columns, void* x, int64_t step, const int* pivots) {
  const int64_t size = is_double ? sizeof(double) : sizeof(float);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t k = pivots[i] - 1;
    if (k == i) continue;
    char *a = static_cast<char*>(x) + i * step * size, *b = static_cast<char*>(x) + k * step * size;
    for (int64_t c = 0; c < columns * size; c += kLaneBytes) {
      const Vec<int8_t> left = load(reinterpret_cast<int8_t*>(a + c)), right = load(reinterpret_cast<int8_t*>(b + c));
      store(reinterpret_cast<int8_t*>(a + c), right);
      store(reinterpret_cast<int8_t*>(b + c), left);
    }
  }
}

template <class T>
void solve_unit_rows(int64_t n, int64_t columns, const T* a, int64_t lda, T* x, int64_t step) {
  for (int64_t c = 0; c < columns; c += 2 * Vec<T>::width) {
    int64_t i = 0;
    for (; i + kRows <= n; i += kRows) solve_rows<kRows>(true, i, a, lda, 1, x + c, step);
    for (; i < n; ++i) solve_rows<1>(true, i, a, lda, 1, x + c, step);
  }
}
void solve_lower_rows(bool is_double, int64_t n, int64_t columns, const void* a, int64_t lda, void* x, int64_t step) {
  if (is_double)
    solve_unit_rows(n, columns, static_cast<const double*>(a), lda, static_cast<double*>(x), step);
  else
    solve_unit_rows(n, columns, static_cast<const float*>(a), lda, static_cast<float*>(x), step);
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

KERNELS(TriangleKernels, triangle_kernels) = {
    solve, factor, factor_panel, exchange_rows, solve_lower_rows, condition<float>, condition<double>};

}  // namespace facula::cpu::FACULA_ISA
