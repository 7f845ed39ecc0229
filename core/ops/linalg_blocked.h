// LU factors and triangular systems of column-major matrices in halves, so that most of the work is matrix products,
// which our kernels and the pool do. Complex numbers are LAPACK's alone.
#pragma once

namespace facula::blocked {

// As LAPACK's getrf: the factors in a [m, n], exchanges counted from 1, info.
template <class T>
int factor(int m, int n, T* a, int lda, int* pivots);

// The same of a matrix by rows without gaps: the factors, by columns, in a.
template <class T>
int factor_rows(int m, int n, const T* rows, T* a, int lda, int* pivots);

// x [n, right] becomes op(a)^-1 x for a triangle a [n, n]; trans: 'N', 'T', 'C'.
template <class T>
void solve_triangle(bool upper, char trans, bool unit, int n, int right, const T* a, int lda, T* x, int ldx);

// As LAPACK's getrs, with the factors and exchanges of `factor`; x [n, right] without gaps.
template <class T>
void solve_factored(char trans, int n, int right, const T* lu, int lda, const int* pivots, T* x);

}  // namespace facula::blocked
