// Eigenvectors of a real quasi-triangular matrix, several at once. One thread, plain memory; finding the matrix and
// going back from it are the callers'.
#pragma once
#include <cstdint>

#include "cpu/dispatch.h"

namespace facula::cpu {

// t [n][n] in rows has 1 x 1 and 2 x 2 blocks on its diagonal as LAPACK's hseqr leaves them and no number above 1; re
// and im are its eigenvalues. Columns [first, last) of x, which part no pair, become eigenvectors whose largest
// component has a magnitude between 1/2 and 1: those of a conjugate pair are real and imaginary part in two columns.
template <class T>
struct SchurOf {
  int64_t (*work_size)(int64_t n);
  void (*vectors)(int64_t n, const T* t, const T* re, const T* im, int64_t first, int64_t last, T* x, T* work);
};
struct SchurKernels {
  SchurOf<float> of_float;
  SchurOf<double> of_double;
};
FACULA_FAMILY(SchurKernels, schur_kernels, schur)

}  // namespace facula::cpu
