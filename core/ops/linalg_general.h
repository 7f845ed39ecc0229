// Eigenvalues and eigenvectors of a real column-major matrix: our reduction to Hessenberg form and our vectors around
// LAPACK's QR iteration. Refuses complex numbers, and matrices that balancing permutes: those are LAPACK's geev alone.
#pragma once
#include <complex>

namespace facula::general {

// The side from which this is faster than LAPACK.
inline constexpr int kLeastSide = 8;

// False: not such a matrix, and a is as it was. True: eigenvalues in w [n], with `vectors` eigenvectors in v [n, n] as
// geev scales and turns them, a is spoilt, and info is LAPACK's.
template <class T>
bool solve(bool vectors, int n, T* a, std::complex<T>* w, std::complex<T>* v, int* info);

}  // namespace facula::general
