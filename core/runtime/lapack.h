// LAPACK over plain column-major memory, one template for the four element types. Each function is resolved from
// OpenBLAS at its first use. Argument names are LAPACK's. Refuses to check anything: the callers have.
#pragma once
#include <complex>
#include <cstring>
#include <type_traits>

#include "runtime/blas.h"

namespace facula::lapack {

template <class T>
struct RealOf {
  using type = T;
};
template <class T>
struct RealOf<std::complex<T>> {
  using type = T;
};
template <class T>
using real_type = typename RealOf<T>::type;
template <class T>
inline constexpr bool is_complex_type = !std::is_same_v<T, real_type<T>>;
template <class T>
inline constexpr char kPrefix = std::is_same_v<T, float>                 ? 's'
                                : std::is_same_v<T, double>              ? 'd'
                                : std::is_same_v<T, std::complex<float>> ? 'c'
                                                                         : 'z';
inline constexpr int kColumnMajor = 102;  // of LAPACKE and CBLAS

// "getrf" of double -> LAPACKE_dgetrf_work, which for column-major memory calls LAPACK and does nothing else.
template <class T, class F>
F* lapacke(const char* name) {
  char full[48] = "scipy_LAPACKE_?";
  full[14] = kPrefix<T>;
  std::strcat(std::strcat(full, name), "_work");
  return reinterpret_cast<F*>(blas_symbol(full));
}

// What has no LAPACKE name, of real numbers: "lahqr" of double -> dlahqr.
template <class T, class F>
F* fortran(const char* name) {
  char full[24] = "scipy_?";
  full[6] = kPrefix<T>;
  return reinterpret_cast<F*>(blas_symbol(std::strcat(std::strcat(full, name), "_")));
}

template <class T>
int getrf(int m, int n, T* a, int lda, int* ipiv) {
  static auto f = lapacke<T, int(int, int, int, T*, int, int*)>("getrf");
  return f(kColumnMajor, m, n, a, lda, ipiv);
}
template <class T>
int getrs(char trans, int n, int nrhs, const T* a, int lda, const int* ipiv, T* b, int ldb) {
  static auto f = lapacke<T, int(int, char, int, int, const T*, int, const int*, T*, int)>("getrs");
  return f(kColumnMajor, trans, n, nrhs, a, lda, ipiv, b, ldb);
}
template <class T>
int getri(int n, T* a, int lda, const int* ipiv, T* work, int lwork) {
  static auto f = lapacke<T, int(int, int, T*, int, const int*, T*, int)>("getri");
  return f(kColumnMajor, n, a, lda, ipiv, work, lwork);
}
template <class T>
int potrf(char uplo, int n, T* a, int lda) {
  static auto f = lapacke<T, int(int, char, int, T*, int)>("potrf");
  return f(kColumnMajor, uplo, n, a, lda);
}
template <class T>
int potri(char uplo, int n, T* a, int lda) {
  static auto f = lapacke<T, int(int, char, int, T*, int)>("potri");
  return f(kColumnMajor, uplo, n, a, lda);
}
template <class T>
int potrs(char uplo, int n, int nrhs, const T* a, int lda, T* b, int ldb) {
  static auto f = lapacke<T, int(int, char, int, int, const T*, int, T*, int)>("potrs");
  return f(kColumnMajor, uplo, n, nrhs, a, lda, b, ldb);
}
template <class T>
int geqrf(int m, int n, T* a, int lda, T* tau, T* work, int lwork) {
  static auto f = lapacke<T, int(int, int, int, T*, int, T*, T*, int)>("geqrf");
  return f(kColumnMajor, m, n, a, lda, tau, work, lwork);
}
template <class T>
int orgqr(int m, int n, int k, T* a, int lda, const T* tau, T* work, int lwork) {
  static auto f =
      lapacke<T, int(int, int, int, int, T*, int, const T*, T*, int)>(is_complex_type<T> ? "ungqr" : "orgqr");
  return f(kColumnMajor, m, n, k, a, lda, tau, work, lwork);
}
template <class T>
int ormqr(char side, char trans, int m, int n, int k, const T* a, int lda, const T* tau, T* c, int ldc, T* work,
          int lwork) {
  static auto f = lapacke<T, int(int, char, char, int, int, int, const T*, int, const T*, T*, int, T*, int)>(
      is_complex_type<T> ? "unmqr" : "ormqr");
  return f(kColumnMajor, side, trans, m, n, k, a, lda, tau, c, ldc, work, lwork);
}
template <class T>
int sytrf(bool hermitian, char uplo, int n, T* a, int lda, int* ipiv, T* work, int lwork) {
  using F = int(int, char, int, T*, int, int*, T*, int);
  static auto symmetric_f = lapacke<T, F>("sytrf"), hermitian_f = lapacke<T, F>(is_complex_type<T> ? "hetrf" : "sytrf");
  return (hermitian ? hermitian_f : symmetric_f)(kColumnMajor, uplo, n, a, lda, ipiv, work, lwork);
}
template <class T>
int sytrs(bool hermitian, char uplo, int n, int nrhs, const T* a, int lda, const int* ipiv, T* b, int ldb) {
  using F = int(int, char, int, int, const T*, int, const int*, T*, int);
  static auto symmetric_f = lapacke<T, F>("sytrs"), hermitian_f = lapacke<T, F>(is_complex_type<T> ? "hetrs" : "sytrs");
  return (hermitian ? hermitian_f : symmetric_f)(kColumnMajor, uplo, n, nrhs, a, lda, ipiv, b, ldb);
}
template <class T>
int syevd(char jobz, char uplo, int n, T* a, int lda, real_type<T>* w, T* work, int lwork, real_type<T>* rwork,
          int lrwork, int* iwork, int liwork) {
  using R = real_type<T>;
  if constexpr (is_complex_type<T>) {
    static auto f = lapacke<T, int(int, char, char, int, T*, int, R*, T*, int, R*, int, int*, int)>("heevd");
    return f(kColumnMajor, jobz, uplo, n, a, lda, w, work, lwork, rwork, lrwork, iwork, liwork);
  } else {
    static auto f = lapacke<T, int(int, char, char, int, T*, int, R*, T*, int, int*, int)>("syevd");
    return f(kColumnMajor, jobz, uplo, n, a, lda, w, work, lwork, iwork, liwork);
  }
}
template <class T>
int sytrd(char uplo, int n, T* a, int lda, T* d, T* e, T* tau, T* work, int lwork) {  // of real numbers, as sterf
  static auto f = lapacke<T, int(int, char, int, T*, int, T*, T*, T*, T*, int)>("sytrd");
  return f(kColumnMajor, uplo, n, a, lda, d, e, tau, work, lwork);
}
template <class T>
int sterf(int n, T* d, T* e) {
  static auto f = lapacke<T, int(int, T*, T*)>("sterf");
  return f(n, d, e);
}
template <class T>
int gehrd(int n, T* a, int lda, T* tau, T* work, int lwork) {  // of real numbers, as gebal and hseqr
  static auto f = lapacke<T, int(int, int, int, int, T*, int, T*, T*, int)>("gehrd");
  return f(kColumnMajor, n, 1, n, a, lda, tau, work, lwork);
}
template <class T>
int gebal(int n, T* a, int* ilo, int* ihi, T* scale) {
  static auto f = lapacke<T, int(int, char, int, T*, int, int*, int*, T*)>("gebal");
  return f(kColumnMajor, 'B', n, a, n, ilo, ihi, scale);
}
// The Schur form with its basis z, or the eigenvalues only; w as of `geev`.
template <class T>
int hseqr(bool schur, int n, T* h, T* w, T* z, T* work, int lwork) {
  static auto f = lapacke<T, int(int, char, char, int, int, int, T*, int, T*, T*, T*, int, T*, int)>("hseqr");
  return f(kColumnMajor, schur ? 'S' : 'E', schur ? 'V' : 'N', n, 1, n, h, n, w, w + n, z, n, work, lwork);
}
// The parts of hseqr, with Fortran's counting from 1. A round of aggressive early deflation: shifts (ns) into sr and si
// [1..kbot], of which the last nd are eigenvalues; all arrays but h and z are scratch with lead ldv.
template <class T>
void laqr2(int wantt, int n, int ktop, int kbot, int nw, T* h, T* z, int* ns, int* nd, T* sr, T* si, T* v, int ldv,
           int nh, T* t, int nv, T* wv, T* work, int lwork) {
  using I = const int*;
  using F = void(I, I, I, I, I, I, T*, I, I, I, T*, I, int*, int*, T*, T*, T*, I, I, T*, I, I, T*, I, T*, I);
  static auto f = fortran<T, F>("laqr2");
  const int one = 1;
  f(&wantt, &wantt, &n, &ktop, &kbot, &nw, h, &n, &one, &n, z, &n, ns, nd, sr, si, v, &ldv, &nh, t, &ldv, &nv, wv, &nv,
    work, &lwork);
}
// A sweep with the shifts sr and si [nshfts]; v [3, nshfts], u [2 nshfts, 2 nshfts], wv [n, 2 nshfts], wh [2 nshfts,
// n].
template <class T>
void laqr5(int wantt, int n, int ktop, int kbot, int nshfts, T* sr, T* si, T* h, T* z, T* v, T* u, T* wv, T* wh) {
  using I = const int*;
  using F = void(I, I, I, I, I, I, I, T*, T*, T*, I, I, I, T*, I, T*, I, T*, I, I, T*, I, I, T*, I);
  static auto f = fortran<T, F>("laqr5");
  const int one = 1, three = 3, twice = 2 * nshfts;  // one: products accumulate
  f(&wantt, &wantt, &one, &n, &ktop, &kbot, &nshfts, sr, si, h, &n, &one, &n, z, &n, v, &three, u, &twice, &n, wv, &n,
    &n, wh, &twice);
}
// What hseqr does for small matrices: the result is the number of eigenvalues that were not found.
template <class T>
int lahqr(int schur, int n, T* h, T* wr, T* wi, T* z) {
  using I = const int*;
  static auto f = fortran<T, void(I, I, I, I, I, T*, I, T*, T*, I, I, T*, I, int*)>("lahqr");
  const int one = 1;
  int info = 0;
  f(&schur, &schur, &n, &one, &n, h, &n, wr, wi, &one, &n, z, &n, &info);
  return info;
}
// Real: w holds the n real parts, then the n imaginary parts. Complex: w is what LAPACK gives.
template <class T>
int geev(char jobvr, int n, T* a, int lda, T* w, T* vr, int ldvr, T* work, int lwork, real_type<T>* rwork) {
  if constexpr (is_complex_type<T>) {
    using F = int(int, char, char, int, T*, int, T*, T*, int, T*, int, T*, int, real_type<T>*);
    static auto f = lapacke<T, F>("geev");
    return f(kColumnMajor, 'N', jobvr, n, a, lda, w, nullptr, 1, vr, ldvr, work, lwork, rwork);
  } else {
    using F = int(int, char, char, int, T*, int, T*, T*, T*, int, T*, int, T*, int);
    static auto f = lapacke<T, F>("geev");
    return f(kColumnMajor, 'N', jobvr, n, a, lda, w, w + n, nullptr, 1, vr, ldvr, work, lwork);
  }
}
template <class T>
int gesdd(char jobz, int m, int n, T* a, int lda, real_type<T>* s, T* u, int ldu, T* vt, int ldvt, T* work, int lwork,
          real_type<T>* rwork, int* iwork) {
  using R = real_type<T>;
  if constexpr (is_complex_type<T>) {
    static auto f = lapacke<T, int(int, char, int, int, T*, int, R*, T*, int, T*, int, T*, int, R*, int*)>("gesdd");
    return f(kColumnMajor, jobz, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork, rwork, iwork);
  } else {
    static auto f = lapacke<T, int(int, char, int, int, T*, int, R*, T*, int, T*, int, T*, int, int*)>("gesdd");
    return f(kColumnMajor, jobz, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork, iwork);
  }
}
template <class T>
int gels(int m, int n, int nrhs, T* a, int lda, T* b, int ldb, T* work, int lwork) {
  static auto f = lapacke<T, int(int, char, int, int, int, T*, int, T*, int, T*, int)>("gels");
  return f(kColumnMajor, 'N', m, n, nrhs, a, lda, b, ldb, work, lwork);
}
template <class T>
T asum(int n, const T* x) {  // of BLAS
  static auto f = reinterpret_cast<T (*)(int, const T*, int)>(
      blas_symbol(sizeof(T) == 4 ? "scipy_cblas_sasum" : "scipy_cblas_dasum"));
  return f(n, x, 1);
}
template <class T>
int gelsy(int m, int n, int nrhs, T* a, int lda, T* b, int ldb, int* jpvt, real_type<T> rcond, int* rank, T* work,
          int lwork, real_type<T>* rwork) {
  using R = real_type<T>;
  if constexpr (is_complex_type<T>) {
    static auto f = lapacke<T, int(int, int, int, int, T*, int, T*, int, int*, R, int*, T*, int, R*)>("gelsy");
    return f(kColumnMajor, m, n, nrhs, a, lda, b, ldb, jpvt, rcond, rank, work, lwork, rwork);
  } else {
    static auto f = lapacke<T, int(int, int, int, int, T*, int, T*, int, int*, R, int*, T*, int)>("gelsy");
    return f(kColumnMajor, m, n, nrhs, a, lda, b, ldb, jpvt, rcond, rank, work, lwork);
  }
}
template <class T>
int gelsd(int m, int n, int nrhs, T* a, int lda, T* b, int ldb, real_type<T>* s, real_type<T> rcond, int* rank, T* work,
          int lwork, real_type<T>* rwork, int* iwork) {
  using R = real_type<T>;
  if constexpr (is_complex_type<T>) {
    static auto f = lapacke<T, int(int, int, int, int, T*, int, T*, int, R*, R, int*, T*, int, R*, int*)>("gelsd");
    return f(kColumnMajor, m, n, nrhs, a, lda, b, ldb, s, rcond, rank, work, lwork, rwork, iwork);
  } else {
    static auto f = lapacke<T, int(int, int, int, int, T*, int, T*, int, R*, R, int*, T*, int, int*)>("gelsd");
    return f(kColumnMajor, m, n, nrhs, a, lda, b, ldb, s, rcond, rank, work, lwork, iwork);
  }
}
template <class T>
int gelss(int m, int n, int nrhs, T* a, int lda, T* b, int ldb, real_type<T>* s, real_type<T> rcond, int* rank, T* work,
          int lwork, real_type<T>* rwork) {
  using R = real_type<T>;
  if constexpr (is_complex_type<T>) {
    static auto f = lapacke<T, int(int, int, int, int, T*, int, T*, int, R*, R, int*, T*, int, R*)>("gelss");
    return f(kColumnMajor, m, n, nrhs, a, lda, b, ldb, s, rcond, rank, work, lwork, rwork);
  } else {
    static auto f = lapacke<T, int(int, int, int, int, T*, int, T*, int, R*, R, int*, T*, int)>("gelss");
    return f(kColumnMajor, m, n, nrhs, a, lda, b, ldb, s, rcond, rank, work, lwork);
  }
}

// b := op(a)^-1 b (left) or b op(a)^-1, b [m, n]. CBLAS: also good for singular a, where it gives inf and nan.
template <class T>
void trsm(bool left, bool upper, char trans, bool unit, int m, int n, const T* a, int lda, T* b, int ldb) {
  constexpr int kLeft = 141, kRight = 142, kUpper = 121, kLower = 122, kNonUnit = 131, kUnit = 132;  // CBLAS's
  char name[24] = "scipy_cblas_?trsm";
  name[12] = kPrefix<T>;
  const int op = trans == 'N' ? 111 : trans == 'T' ? 112 : 113;
  const int side = left ? kLeft : kRight, uplo = upper ? kUpper : kLower, diag = unit ? kUnit : kNonUnit;
  if constexpr (is_complex_type<T>) {
    using F = void(int, int, int, int, int, int, int, const void*, const void*, int, void*, int);
    static auto f = reinterpret_cast<F*>(blas_symbol(name));
    const T one(1);
    f(kColumnMajor, side, uplo, op, diag, m, n, &one, a, lda, b, ldb);
  } else {
    using F = void(int, int, int, int, int, int, int, T, const T*, int, T*, int);
    static auto f = reinterpret_cast<F*>(blas_symbol(name));
    f(kColumnMajor, side, uplo, op, diag, m, n, T(1), a, lda, b, ldb);
  }
}

}  // namespace facula::lapack
