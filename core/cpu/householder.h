// Reductions of a real matrix by Householder reflections H = I - tau v v^T, one column after the other: for panels, and
// for matrices that a cache holds. One thread, plain memory; blocks of reflections and scaling are the callers'.
#pragma once
#include <cstdint>

#include "cpu/dispatch.h"

namespace facula::cpu {

inline constexpr int64_t kColumnBytes = 64;  // columns begin at multiples of it

// Matrices are column-major, each column `lead` numbers long, of which those after the last row are zeros. A column
// keeps its reflection below what it became, v's leading 1 left out, as LAPACK has it. `work` has room for 6 lead.
template <class T>
struct HouseholderOf {
  // [m, n] becomes R: n columns of min(m, n) reflections.
  void (*factor)(int64_t m, int64_t n, T* a, int64_t lead, T* tau, T* work);
  // The upper triangle of A^T A into out [n][step], in sums that lie in lanes: each as exact as a norm.
  void (*products)(int64_t n, const T* a, int64_t lead, T* out, int64_t step);
  // Symmetric [lead, lead], of which only the lower triangle counts, but in blocks on the diagonal both do; n - 1
  // reflections, d [n] and e [n - 1] of the similar tridiagonal matrix.
  void (*tridiagonal)(int64_t n, T* a, int64_t lead, T* d, T* e, T* tau, T* work);
  // [lead, lead] becomes zero below the first subdiagonal; n - 1 reflections.
  void (*hessenberg)(int64_t n, T* a, int64_t lead, T* tau, T* work);
};
struct HouseholderKernels {
  HouseholderOf<float> of_float;
  HouseholderOf<double> of_double;
};
FACULA_FAMILY(HouseholderKernels, householder_kernels, householder)

}  // namespace facula::cpu
