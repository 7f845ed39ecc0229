// Triangular systems with right sides in rows, the triangular factors of small matrices, the parts of larger ones'
// factorisation that are no matrix products, and how nearly singular a triangle is. Callers cut large matrices into
// parts.
#pragma once
#include <cstdint>

#include "cpu/dispatch.h"

namespace facula::cpu {

inline constexpr int64_t kPanelBytes = 128;  // of a row: two cache lines, two vectors of AVX-512
inline constexpr int kFactorSide = 32;       // of the matrices that `factor` takes

// Element (i, j) of the triangle is a[i * row_step + j * column_step]; forward: those with j <= i count, else j >= i.
// x [n][kPanelBytes], aligned to 64 bytes, becomes the solution. Zeros on the diagonal give inf and nan.
struct TriangleKernels {
  void (*solve)(bool is_double, bool forward, bool unit, int64_t n, const void* a, int64_t row_step,
                int64_t column_step, void* x);
  // L U of a column-major matrix with rows exchanged, as LAPACK's getrf has it: pivots from 1, and the result is the
  // first step (from 1) whose pivot is 0, or 0.
  int (*factor)(bool is_double, int64_t m, int64_t n, void* a, int64_t lda, int* pivots);
  // The same of a panel, n <= m, whose columns are `step` apart and filled up with zeros to whole vectors. NaN counts
  // as the largest, as it does for PyTorch from 20 x 20 on.
  int (*factor_panel)(bool is_double, int64_t m, int64_t n, void* x, int64_t step, int* pivots);
  // Rows `step` apart: exchanges in the order of the pivots, and solutions for a unit lower triangle in rows.
  void (*exchange_rows)(bool is_double, int64_t count, int64_t columns, void* x, int64_t step, const int* pivots);
  void (*solve_rows)(bool is_double, int64_t n, int64_t columns, const void* a, int64_t lda, void* x, int64_t step);
  // The Frobenius norm of a column-major upper triangle times a lower bound of the norm of its inverse, which is seldom
  // less than a third of that; inf or NaN where it is singular. The squares are to be numbers. work [2 n].
  float (*condition_float)(int64_t n, const float* r, int64_t lead, float* work);
  double (*condition_double)(int64_t n, const double* r, int64_t lead, double* work);
};
FACULA_FAMILY(TriangleKernels, triangle_kernels, triangle)

}  // namespace facula::cpu
