// Eigenvalues, singular values, and what follows from them: the pseudo-inverse.
#include "ops/linalg.h"
#include "ops/linalg_general.h"
#include "ops/linalg_symmetric.h"

#include <cmath>
#include <limits>

namespace facula {

namespace {

using namespace matrix;

template <class T>
bool all_finite(const T* x, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    if (!std::isfinite(std::real(x[i])) || !std::isfinite(std::imag(x[i]))) return false;
  return true;
}

// ---- Hermitian ----

template <class T>
struct HermitianSolver {
  char job, uplo;
  void run(const Tensor& a, const Tensor& w, const Tensor& info) const {
    using R = lapack::real_type<T>;
    Columns c(a);
    const int n = c.rows;
    if (n == 0) return ops::fill_memory(info, Scalar(0));
    over_batch(c.count, 4 * cube(n), [&](int64_t begin, int64_t end) {
      if constexpr (!lapack::is_complex_type<T>) {
        if (n >= symmetric::kLeastSide) {
          for (int64_t i = begin; i < end; ++i)
            info->ptr<int>()[i] =
                symmetric::solve(job == 'V', uplo == 'U', n, a->ptr<T>() + i * c.step, w->ptr<R>() + i * n);
          return;
        }
      }
      T answer{};
      R real_answer{};
      int whole_answer = 0;
      lapack::syevd(job, uplo, n, a->ptr<T>(), c.lead, w->ptr<R>(), &answer, -1, &real_answer, -1, &whole_answer, -1);
      const int lwork = work_size(answer), lrwork = work_size(real_answer), liwork = std::max(1, whole_answer);
      Scratch<T> work(lwork);
      Scratch<R> rwork(lrwork);
      Scratch<int> iwork(liwork);
      for (int64_t i = begin; i < end; ++i) {
        T* x = a->ptr<T>() + i * c.step;
        info->ptr<int>()[i] = !all_finite(x, c.step)
                                  ? n
                                  : lapack::syevd(job, uplo, n, x, c.lead, w->ptr<R>() + i * n, work.data, lwork,
                                                  rwork.data, lrwork, iwork.data, liwork);
      }
    });
  }
};
void set_other_triangle_to_zero(const Tensor& a, bool upper) {  // so that what is not read may be anything
  GradMode off(false);
  ops::copy_memory(a, upper ? triu(a) : tril(a));
}
// (eigenvalues, eigenvectors). Without vectors the second is empty, unless the derivative will need it.
std::tuple<Tensor, Tensor> eigh(const Tensor& x, bool upper, bool vectors) {
  check_square("linalg.eigh", x);
  const bool wanted = vectors || (mode.grad && x->requires_grad());
  Tensor a, w = empty(Dims(x->sizes.begin(), x->sizes.end() - 1), real_of(x->dtype));
  Tensor info = empty(batch_sizes(x), DType::Int32);
  with_element_type("linalg_eigh_cpu", x->dtype, [&](auto element) {
    a = copied_columns(x);
    if (is_complex(x->dtype) || rows_of(x) < symmetric::kLeastSide) set_other_triangle_to_zero(a, upper);
    HermitianSolver<decltype(element)>{wanted ? 'V' : 'N', upper ? 'U' : 'L'}.run(a, w, info);
  });
  Failure f = first_failure(info);
  FACULA_CHECK(!f.info, LinAlg, "linalg.eigh: ", f.where,
               "The algorithm failed to converge because the input matrix is ill-conditioned or has too many repeated "
               "eigenvalues (error code: ",
               f.info, ").");
  return {w, wanted ? a : empty({0}, x->dtype)};
}

Tensor without_diagonal(const Tensor& x) { return ops::sub(x, diagonal_matrix(diagonal(x))); }
// d_j - d_i off the diagonal, 1 on it.
Tensor differences(const Tensor& d, DType dtype) {
  Tensor e = ops::sub(column_scale(d), row_scale(d));
  e = ops::add(e, identity_columns({}, d->sizes.back(), d->dtype));
  return e->dtype == dtype ? e : ops::to_dtype(e, dtype);
}
Tensor as_type(const Tensor& x, DType dtype) { return x->dtype == dtype ? x : ops::to_dtype(x, dtype); }

// A = V diag(L) V^H: gA = V (diag(gL) + V^H gV / (L_j - L_i)) V^H.
void eigh_vjp(Backward& b) {
  Tensor w = b.result(0), v = b.result(1), inner;
  if (b.has_grad(1) && b.outputs[1]->numel) {
    Tensor vhgv = matmul(mH(v), b.grad(1));
    FACULA_CHECK(!is_complex(v->dtype) || is_about_zero(imaginary(diagonal(vhgv))), Runtime,
                 "linalg_eigh_backward: The eigenvectors in the complex case are specified up to multiplication by "
                 "e^{i phi}. The specified loss function depends on this quantity, so it is ill-defined.");
    inner = without_diagonal(ops::div(vhgv, differences(w, v->dtype)));
  }
  if (b.has_grad(0)) {
    Tensor on = as_type(b.grad(0), v->dtype);
    if (!inner) return b.set(0, matmul(ops::mul(v, column_scale(on)), mH(v)));
    inner = ops::add(inner, diagonal_matrix(on));
  }
  if (inner) b.set(0, matmul(v, inner, mH(v)));
}

// ---- general ----

// LAPACK packs the vectors of a conjugate pair of a real matrix as real and imaginary part in two columns.
template <class R>
void unpack_pair(const R* real, const R* imaginary, int n, std::complex<R>* first, std::complex<R>* second) {
  for (int r = 0; r < n; ++r) {
    first[r] = {real[r], imaginary[r]};
    second[r] = {real[r], -imaginary[r]};
  }
}
template <class T>
int general_eigen(char job, int n, T* a, std::complex<lapack::real_type<T>>* w, std::complex<lapack::real_type<T>>* v,
                  T* work, int lwork, T* packed, T* values, lapack::real_type<T>* rwork) {
  if constexpr (lapack::is_complex_type<T>) {
    return lapack::geev(job, n, a, n, w, v, n, work, lwork, rwork);
  } else {
    if (int own = 0; n >= general::kLeastSide && general::solve(job == 'V', n, a, w, v, &own)) return own;
    const int info = lapack::geev(job, n, a, n, values, packed, n, work, lwork, rwork);
    for (int j = 0; j < n; ++j) w[j] = {values[j], values[n + j]};
    if (job == 'N') return info;
    for (int64_t j = 0; j < n; ++j) {
      if (values[n + j] == 0 || j + 1 == n) {
        std::copy(packed + j * n, packed + (j + 1) * n, v + j * n);
      } else {
        unpack_pair(packed + j * n, packed + (j + 1) * n, n, v + j * n, v + (j + 1) * n);
        ++j;
      }
    }
    return info;
  }
}
template <class T>
void general_eigen_all(char job, const Tensor& a, const Tensor& w, const Tensor& v, const Tensor& info) {
  using R = lapack::real_type<T>;
  using C = std::complex<R>;
  Columns c(a);
  const int n = c.rows;
  if (n == 0) return ops::fill_memory(info, Scalar(0));
  over_batch(c.count, 10 * cube(n), [&](int64_t begin, int64_t end) {
    Scratch<T> packed(lapack::is_complex_type<T> ? 1 : c.step), values(2 * n);
    Scratch<R> rwork(2 * n);
    T answer{};
    lapack::geev(job, n, a->ptr<T>(), n, values.data, packed.data, n, &answer, -1, rwork.data);
    const int lwork = work_size(answer);
    Scratch<T> work(lwork);
    for (int64_t i = begin; i < end; ++i)
      info->ptr<int>()[i] = general_eigen(job, n, a->ptr<T>() + i * c.step, w->ptr<C>() + i * n,
                                          job == 'N' ? nullptr : v->ptr<C>() + i * c.step, work.data, lwork,
                                          packed.data, values.data, rwork.data);
  });
}
// (eigenvalues, eigenvectors), complex.
std::tuple<Tensor, Tensor> eig(const Tensor& x, bool vectors) {
  const char* name = vectors ? "linalg.eig" : "linalg.eigvals";
  check_square(name, x);
  FACULA_CHECK(!is_integral(x->dtype), Runtime, name, ": Expected a floating point or complex tensor as input. Got ",
               scalar_type_name(x->dtype));
  const bool wanted = vectors || (mode.grad && x->requires_grad());
  const DType complex = complex_of(x->dtype);
  Tensor w = empty(Dims(x->sizes.begin(), x->sizes.end() - 1), complex), v = empty({0}, complex);
  Tensor info = empty(batch_sizes(x), DType::Int32);
  with_element_type("linalg_eig_out_cpu", x->dtype, [&](auto element) {
    using T = decltype(element);
    Tensor a = copied_columns(x);
    FACULA_CHECK(all_finite(a->ptr<T>(), a->numel), Runtime,
                 "torch.linalg.eig: input tensor should not contain infs or NaNs.");
    if (wanted) v = empty_columns(batch_sizes(x), rows_of(x), rows_of(x), complex);
    general_eigen_all<T>(wanted ? 'V' : 'N', a, w, v, info);
  });
  Failure f = first_failure(info);
  FACULA_CHECK(!f.info, LinAlg, name, ": ", f.where,
               "The algorithm failed to converge because the input matrix is ill-conditioned or has too many repeated "
               "eigenvalues (error code: ",
               f.info, ").");
  return {w, v};
}
// gA = V^-H (diag(gL) + (V^H gV - V^H V diag(Re(V^H gV))) / conj(L_j - L_i)) V^H: the vectors have norm 1 and any
// phase. Source: C. Boeddeker et al., On the Computation of Complex-valued Gradients, 2017, 4.77.
void eig_vjp(Backward& b) {
  Tensor w = b.result(0), v = b.result(1), inner, vh = mH(v), out;
  const bool real_input = !is_complex(b.meta(0).dtype);
  if (b.has_grad(1) && b.outputs[1]->numel) {
    Tensor vhgv = matmul(vh, b.grad(1)), on = diagonal(vhgv);
    FACULA_CHECK(is_about_zero(imaginary(on)), Runtime,
                 "linalg_eig_backward: The eigenvectors in the complex case are specified up to multiplication by "
                 "e^{i phi}. The specified loss function depends on this quantity, so it is ill-defined.");
    Tensor along = ops::mul(matmul(vh, v), column_scale(as_type(real(on), v->dtype)));
    inner = without_diagonal(ops::div(ops::sub(vhgv, along), conj(differences(w, v->dtype))));
  }
  if (b.has_grad(0)) {
    Tensor on = diagonal_matrix(b.grad(0));
    inner = inner ? ops::add(inner, on) : on;
  }
  if (!inner) return;
  out = solve(vh, matmul(inner, vh));
  b.set(0, real_input ? real(out) : out);
}

// ---- singular values ----

template <class T>
void singular_values(char job, const Tensor& a, const Tensor& u, const Tensor& s, const Tensor& vh,
                     const Tensor& info) {
  using R = lapack::real_type<T>;
  Columns c(a);
  const int64_t k = std::min(c.rows, c.columns), l = std::max(c.rows, c.columns);
  const int64_t u_step = u->numel / std::max<int64_t>(c.count, 1), v_step = vh->numel / std::max<int64_t>(c.count, 1);
  const int ldvt = job == 'N' ? 1 : std::max(1, static_cast<int>(rows_of(vh)));
  over_batch(c.count, 8 * static_cast<double>(c.step) * static_cast<double>(k), [&](int64_t begin, int64_t end) {
    Scratch<R> rwork(lapack::is_complex_type<T> ? std::max(7 * k, k * std::max(5 * k + 7, 2 * l + 2 * k + 1)) : 1);
    Scratch<int> iwork(8 * k);
    auto run = [&](int64_t i, T* work, int lwork) {
      return lapack::gesdd(job, c.rows, c.columns, a->ptr<T>() + i * c.step, c.lead, s->ptr<R>() + i * k,
                           u->ptr<T>() + i * u_step, c.lead, vh->ptr<T>() + i * v_step, ldvt, work, lwork, rwork.data,
                           iwork.data);
    };
    T answer{};
    run(0, &answer, -1);
    const int lwork = work_size(answer);
    Scratch<T> work(lwork);
    for (int64_t i = begin; i < end; ++i)
      info->ptr<int>()[i] = all_finite(a->ptr<T>() + i * c.step, c.step) ? run(i, work.data, lwork) : -4;
  });
}
// (U, S, Vh). Without vectors U and Vh are empty, unless the derivative will need them.
TensorList svd(const Tensor& x, bool full_matrices, bool vectors) {
  check_matrices("linalg.svd", x);
  check_float("linalg.svd", x, true);
  const bool wanted = vectors || (mode.grad && x->requires_grad());
  const int64_t m = rows_of(x), n = columns_of(x), k = std::min(m, n);
  const Dims batch = batch_sizes(x);
  Tensor s = empty(with_sizes(batch, {k}), real_of(x->dtype)), info = ops::zeros(batch, DType::Int32), u, vh;
  with_element_type("linalg_svd_cpu", x->dtype, [&](auto element) {
    u = wanted ? empty_columns(batch, m, full_matrices ? m : k, x->dtype) : empty({0}, x->dtype);
    vh = wanted ? empty_columns(batch, full_matrices ? n : k, n, x->dtype) : empty({0}, x->dtype);
    if (x->numel) {
      singular_values<decltype(element)>(!wanted ? 'N' : full_matrices ? 'A' : 'S', copied_columns(x), u, s, vh, info);
    } else if (wanted && full_matrices) {
      u = identity_columns(batch, m, x->dtype);
      vh = identity_columns(batch, n, x->dtype);
    }
  });
  Failure f = first_failure(info);
  FACULA_CHECK(f.info != -4, LinAlg, "linalg.svd: ", f.where,
               "The algorithm failed to converge because the input matrix contained non-finite values.");
  FACULA_CHECK(!f.info, LinAlg, "linalg.svd: ", f.where,
               "The algorithm failed to converge because the input matrix is ill-conditioned or has too many repeated "
               "singular values (error code: ",
               f.info, ").");
  return {u, s, vh};
}

Tensor skew(const Tensor& x) { return ops::sub(x, mH(x)); }
struct SvdGradients {
  Tensor u, s, vh;
};
// gA = U [(skew(U^H gU) / E) S + S (skew(V^H gV) / E) + diag(gS)] V^H, E_ij = S_j^2 - S_i^2, plus what leaves the
// spaces of U and V. A complex U and V share a phase, which the diagonal of skew(U^H gU) / 2S stands for. Source: J.
// Townsend, Differentiating the Singular Value Decomposition, 2016.
Tensor svd_gradient(const SvdGradients& g, const Svd& d) {
  const Tensor &u = d.u, &vh = d.vh;
  const DType dtype = u->dtype;
  if (!g.u && !g.vh) return matmul(ops::mul(u, column_scale(as_type(g.s, dtype))), vh);
  Tensor s = as_type(d.s, dtype), e = differences(ops::mul(d.s, d.s), dtype), inner, left, right;
  if (g.u) left = skew(matmul(mH(u), g.u));
  if (g.vh) right = skew(matmul(vh, mH(g.vh)));
  if (is_complex(dtype)) {
    Tensor phase = left ? imaginary(diagonal(left)) : Tensor();
    if (right) phase = phase ? ops::add(phase, imaginary(diagonal(right))) : imaginary(diagonal(right));
    FACULA_CHECK(
        is_about_zero(phase), Runtime,
        "svd_backward: The singular vectors in the complex case are specified up to multiplication by e^{i phi}. "
        "The specified loss function depends on this phase term, making it ill-defined.");
  }
  auto join = [](Tensor& sum, const Tensor& more) { sum = sum ? ops::add(sum, more) : more; };
  if (left) join(inner, ops::mul(ops::div(left, e), column_scale(s)));
  if (right) join(inner, ops::mul(row_scale(s), ops::div(right, e)));
  inner = without_diagonal(inner);
  if (g.s) inner = ops::add(inner, diagonal_matrix(as_type(g.s, dtype)));
  if (left && is_complex(dtype))
    inner = ops::add(inner, diagonal_matrix(ops::div(diagonal(left), ops::mul(s, Scalar(2.0)))));
  const int64_t k = s->sizes.back();
  Tensor out;
  if (g.u && rows_of(u) > k) {
    Tensor gu = ops::div(g.u, column_scale(s));
    out = matmul(ops::add(matmul(u, inner), ops::sub(gu, matmul(u, matmul(mH(u), gu)))), vh);
  } else {
    out = matmul(u, inner, vh);
  }
  if (g.vh && columns_of(vh) > k) {
    Tensor gv = ops::div(g.vh, row_scale(s));
    out = ops::add(out, matmul(u, ops::sub(gv, matmul(matmul(gv, mH(vh)), vh))));
  }
  return out;
}
void svd_vjp(Backward& b) {
  Tensor u = b.result(0), s = b.result(1), vh = b.result(2);
  const int64_t k = s->sizes.back();
  auto given = [&](size_t i) { return b.has_grad(i) && b.result_sizes(i).size() > 1 ? b.grad(i) : Tensor(); };
  SvdGradients g{given(0), b.has_grad(1) ? b.grad(1) : Tensor(), given(2)};
  auto narrow_u = [&](Tensor& t) {
    if (t && columns_of(t) != k) t = columns(t, 0, k);
  };
  auto narrow_v = [&](Tensor& t) {
    if (t && rows_of(t) != k) t = rows(t, 0, k);
  };
  narrow_u(u);
  narrow_u(g.u);
  narrow_v(vh);
  narrow_v(g.vh);
  if (g.u || g.s || g.vh) b.set(0, svd_gradient(g, {u, s, vh}));
}

// ---- pseudo-inverse ----

Tensor pinv(const Tensor& a, MaybeTensor atol, MaybeTensor rtol, bool hermitian) {
  FACULA_CHECK(a->ndim() >= 2 && a->dtype >= DType::Float32 && !is_barebones(a->dtype), Runtime, "linalg.pinv(",
               scalar_type_name(a->dtype), "{", a->sizes,
               "}): expected a tensor with 2 or more dimensions of float, double, cfloat or cdouble types");
  if (hermitian) check_square("linalg.pinv", a);
  GradMode off(false);
  Dims swapped = a->sizes;
  std::swap(swapped[swapped.size() - 1], swapped[swapped.size() - 2]);
  if (a->numel == 0) return empty(swapped, a->dtype);
  static const OpDef &gt = find_op("gt"), &reciprocal = find_op("reciprocal"), &largest = find_op("amax"),
                     &maximum = find_op("maximum"), &eigen = find_op("_linalg_eigh");
  Tensor left, values, right;  // a = left diag(values) right
  if (hermitian) {
    Result r = call_all(eigen, a, false, true);
    left = r.tensors[1];
    values = r.tensors[0];
    right = mH(left);
  } else {
    Svd d = matrix::svd(a);
    left = d.u;
    values = d.s;
    right = d.vh;
  }
  Tensor size = ops::abs(values), limit;
  const bool is_float = real_of(a->dtype) == DType::Float32;
  const double unit = is_float ? double{std::numeric_limits<float>::epsilon()} : std::numeric_limits<double>::epsilon();
  const double usual = unit * static_cast<double>(std::max(rows_of(a), columns_of(a)));
  Dims last{-1};
  Tensor most = call(largest, size, last, true);
  Tensor relative;
  if (rtol)
    relative = ops::unsqueeze(*rtol, -1);
  else if (atol)
    relative = ops::where(call(gt, ops::unsqueeze(*atol, -1), Scalar(0)), Scalar(0.0), Scalar(usual));
  limit = relative ? ops::mul(most, relative) : ops::mul(most, Scalar(usual));
  if (atol) limit = call(maximum, limit, ops::unsqueeze(*atol, -1));
  Tensor inverted = ops::where(call(gt, size, limit), call(reciprocal, values), Scalar(0.0));
  return ops::contiguous_memory(matmul(ops::mul(mH(right), column_scale(as_type(inverted, a->dtype))), mH(left)));
}
// dP = -P dA P + P P^H dA^H (I - A P) + (I - P A) dA^H P^H P.
// Source: G. Golub and V. Pereyra, The Differentiation of Pseudo-Inverses, 1973.
void pinv_vjp(Backward& b) {
  Tensor a = b.input(0), p = b.result(), g = b.grad();
  if (a->numel == 0) return b.set(0, ops::zeros(a->sizes, a->dtype));
  Tensor ph = mH(p), gh = mH(g);
  Tensor ghp = matmul(gh, p), out = ops::neg(matmul(ph, g, ph));
  out = ops::add(out, matmul(ops::sub(ghp, matmul(a, matmul(p, ghp))), ph));
  Tensor pgh = matmul(p, gh);
  b.set(0, ops::add(out, matmul(ph, ops::sub(pgh, matmul(matmul(pgh, p), a)))));
}

const OpDef kOps[] = {
    FACULA_OP("_linalg_eigh", Contraction, "LinalgEighBackward0", eigh, .vjp = eigh_vjp,
              .saves = {kSaveResult | kSaveResult1}),
    FACULA_OP("_linalg_eig", Contraction, "LinalgEigBackward0", eig, .vjp = eig_vjp,
              .saves = {kSaveResult | kSaveResult1}),
    FACULA_OP("_linalg_svd", Contraction, "LinalgSvdBackward0", svd, .vjp = svd_vjp,
              .saves = {kSaveResult | kSaveResult1 | kSaveResult2}),
    FACULA_OP("_linalg_pinv", Contraction, "LinalgPinvBackward0", pinv, .vjp = pinv_vjp, .saves = {0b1 | kSaveResult}),
};

}  // namespace

extern const OpFamily kLinalgSpectralFamily;
const OpFamily kLinalgSpectralFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
