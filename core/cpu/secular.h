// The steps of the divide-and-conquer method for symmetric tridiagonal matrices that take time: small matrices, and the
// roots and eigenvectors of diag(d) + rho z z^T. One thread, plain memory; tearing, deflation and products are the
// callers'. Numbers are of moderate size: the callers scale.
#pragma once
#include <cstdint>

#include "cpu/dispatch.h"

namespace facula::cpu {

inline constexpr int64_t kSmallTridiagonal = 32;

// d is ascending, neighbours differ and no z is 0, as deflation leaves them; rho > 0. A root is d[origin] + shift, so
// that its distance to each d is known to all digits.
template <class T>
struct SecularOf {
  // Eigenvalues into d, in no order, and vectors into the columns of q [n, n], n <= kSmallTridiagonal; e is spoilt.
  bool (*small)(int64_t n, T* d, T* e, T* q, int64_t lead);
  // Roots [first, last) of k >= 2; `square` are the squares of z.
  void (*roots)(int64_t k, const T* d, const T* square, T rho, int64_t first, int64_t last, int32_t* origin, T* shift);
  // The z, up to signs, of which the computed roots are the exact ones, for d [first, last).
  void (*weights)(int64_t k, const T* d, const int32_t* origin, const T* shift, int64_t first, int64_t last, T* z);
  // Eigenvectors of roots [first, last) into the columns of s, whose rows are in the order of `rows` and z: row i
  // belongs to rows[i].
  void (*vectors)(int64_t k, const T* d, const int32_t* origin, const T* shift, const T* rows, const T* z,
                  int64_t first, int64_t last, T* s, int64_t lead);
};
struct SecularKernels {
  SecularOf<float> of_float;
  SecularOf<double> of_double;
};
FACULA_FAMILY(SecularKernels, secular_kernels, secular)

}  // namespace facula::cpu
