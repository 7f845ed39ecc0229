// Orthogonal reductions of real column-major matrices: panels by our kernels, the rest in blocks of reflections
// I - V T V^T, which are matrix products, so the pool's. Refuses complex numbers: those are LAPACK's.
#pragma once

namespace facula::householder {

// The side from which these are faster than LAPACK.
inline constexpr int kLeastSide = 8;

// As LAPACK's geqrf, orgqr and ormqr from the left (no work space).
template <class T>
void factor(int m, int n, T* a, int lda, T* tau);
template <class T>
void generate(int m, int n, int k, T* a, int lda, const T* tau);
template <class T>
void apply(bool transposed, int m, int n, int k, const T* a, int lda, const T* tau, T* c, int ldc);

// As LAPACK's sytrd of a lower triangle, and gehrd.
template <class T>
void tridiagonal(int n, T* a, int lda, T* d, T* e, T* tau);
template <class T>
void hessenberg(int n, T* a, int lda, T* tau);

}  // namespace facula::householder
