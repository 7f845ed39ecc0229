// Triangular systems with a panel of right sides in rows, and the triangular factors of small matrices. Small ones:
// callers halve large triangles into products.
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
};
FACULA_FAMILY(TriangleKernels, triangle_kernels, triangle)

}  // namespace facula::cpu
