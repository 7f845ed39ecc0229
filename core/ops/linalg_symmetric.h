// Eigenvalues and eigenvectors of a real symmetric column-major matrix: reduction to a tridiagonal one, divide and
// conquer, products. Refuses complex numbers: those are LAPACK's.
#pragma once

namespace facula::symmetric {

// The side from which this is faster than LAPACK.
inline constexpr int kLeastSide = 8;

// Eigenvalues of the lower or upper triangle of a [n, n] ascending into w; with `vectors` a becomes the eigenvectors,
// else it is spoilt. The result is LAPACK's info: 0, or > 0 where there is no answer, as for inf and NaN.
template <class T>
int solve(bool vectors, bool upper, int n, T* a, T* w);

}  // namespace facula::symmetric
