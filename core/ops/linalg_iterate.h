// The QR iteration from a real Hessenberg matrix to its Schur form: LAPACK's parts, driven with sizes that suit
// matrices of moderate size; LAPACK's own driver for the others. Refuses complex numbers.
#pragma once

namespace facula::general {

// As LAPACK's hseqr: h [n, n] becomes the Schur form and z gets its basis, or with `schur` false eigenvalues only; w
// holds n real parts, then n imaginary parts. What lies below h's subdiagonal counts as zero.
template <class T>
int iterate(bool schur, int n, T* h, T* w, T* z);

}  // namespace facula::general
