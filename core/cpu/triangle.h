// Triangular systems with a panel of right sides in rows. Small ones: callers halve large triangles into products.
#pragma once
#include <cstdint>

#include "cpu/dispatch.h"

namespace facula::cpu {

inline constexpr int64_t kPanelBytes = 128;  // of a row: two cache lines, two vectors of AVX-512

// Element (i, j) of the triangle is a[i * row_step + j * column_step]; forward: those with j <= i count, else j >= i.
// x [n][kPanelBytes], aligned to 64 bytes, becomes the solution. Zeros on the diagonal give inf and nan.
struct TriangleKernels {
  void (*solve)(bool is_double, bool forward, bool unit, int64_t n, const void* a, int64_t row_step,
                int64_t column_step, void* x);
};
FACULA_FAMILY(TriangleKernels, triangle_kernels, triangle)

}  // namespace facula::cpu
