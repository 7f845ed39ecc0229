// See triangle.h. Several rows and two vectors of columns stay in registers while the rows before pass.
#include "cpu/triangle.h"

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

}  // namespace

KERNELS(TriangleKernels, triangle_kernels) = {solve};

}  // namespace facula::cpu::FACULA_ISA
