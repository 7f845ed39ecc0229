// Matrix decompositions: LAPACK, from the same library as the products.
#include <algorithm>

#include "ops/ops.h"
#include "runtime/blas.h"

namespace facula {

namespace {

constexpr int kRowMajor = 101;  // LAPACK_ROW_MAJOR

template <class T>
void factor(T* a, T* tau, T* r, int m, int n, int k, const char* geqrf_name, const char* orgqr_name) {
  using Geqrf = int (*)(int, int, int, T*, int, T*);
  using Orgqr = int (*)(int, int, int, int, T*, int, const T*);
  auto geqrf = reinterpret_cast<Geqrf>(blas_symbol(geqrf_name));
  auto orgqr = reinterpret_cast<Orgqr>(blas_symbol(orgqr_name));
  FACULA_CHECK(geqrf(kRowMajor, m, n, a, n, tau) == 0, Runtime, "linalg.qr: LAPACK refused its arguments");
  for (int i = 0; i < k; ++i)
    for (int j = 0; j < n; ++j) r[i * n + j] = j < i ? T(0) : a[i * n + j];
  FACULA_CHECK(orgqr(kRowMajor, m, k, k, a, n, tau) == 0, Runtime, "linalg.qr: LAPACK refused its arguments");
}

// x [m, n] = q [m, k] r [k, n] with orthonormal columns, k = min(m, n).
std::tuple<Tensor, Tensor> qr(const Tensor& x) {
  FACULA_CHECK(x->ndim() == 2, Runtime, "linalg.qr: The input tensor A must have 2 dimensions, got shape ", x->sizes);
  FACULA_CHECK(x->dtype == DType::Float32 || x->dtype == DType::Float64, Runtime,
               "linalg.qr: Expected a floating point tensor (float32 or float64) as input. Got ",
               scalar_type_name(x->dtype));
  FACULA_CHECK(!(mode.grad && x->requires_grad()), NotImplemented,
               "linalg.qr: its derivative is not in this version; use x.detach()");
  FACULA_CHECK(x->sizes[0] < INT32_MAX && x->sizes[1] < INT32_MAX, Runtime,
               "linalg.qr: the matrix is too large for LAPACK");
  int m = static_cast<int>(x->sizes[0]), n = static_cast<int>(x->sizes[1]), k = std::min(m, n);
  Tensor a = empty(x->sizes, x->dtype), tau = empty({k}, x->dtype), r = empty({k, n}, x->dtype);
  ops::copy_memory(a, x);
  if (k > 0) {
    if (x->dtype == DType::Float32)
      factor(a->ptr<float>(), tau->ptr<float>(), r->ptr<float>(), m, n, k, "scipy_LAPACKE_sgeqrf",
             "scipy_LAPACKE_sorgqr");
    else
      factor(a->ptr<double>(), tau->ptr<double>(), r->ptr<double>(), m, n, k, "scipy_LAPACKE_dgeqrf",
             "scipy_LAPACKE_dorgqr");
  }
  Tensor q = empty({m, k}, x->dtype);
  ops::copy_memory(q, alias(a, {m, k}, {n, 1}, 0));
  return {q, r};
}

const OpDef kOps[] = {FACULA_OP("_qr", Contraction, nullptr, qr)};

}  // namespace

extern const OpFamily kLinalgFamily;
const OpFamily kLinalgFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
