// Triangular factorisations of square and rectangular matrices: Cholesky, LU, LDL. Solving with them: linalg_solve.cpp.
#include <cmath>

#include "ops/linalg.h"
#include "ops/linalg_blocked.h"

namespace facula {

namespace {

using namespace matrix;

std::string who(std::string_view name) { return std::string(name); }

// ---- Cholesky ----

template <class T>
void clear_triangle(T* a, int n, bool upper) {  // strictly
  for (int j = 0; j < n; ++j) {
    T* column = a + static_cast<int64_t>(j) * n;
    if (upper)
      std::fill(column, column + j, T(0));
    else
      std::fill(column + j + 1, column + n, T(0));
  }
}

// Where a factor that LAPACK took for complete has a number on its diagonal that is none, counted from 1; else 0.
template <class T>
int first_nan(const T* a, int n, int lead) {
  for (int i = 0; i < n; ++i)
    if (std::isnan(std::real(a[static_cast<int64_t>(i) * lead + i]))) return i + 1;
  return 0;
}

// (L, info). An empty name leaves the errors to info.
TensorList cholesky_ex(const Tensor& x, bool upper, std::string_view name) {
  check_square("linalg.cholesky", x);
  check_float("linalg.cholesky", x, true);
  Tensor l, info = empty(batch_sizes(x), DType::Int32);
  with_element_type("cholesky_cpu", x->dtype, [&](auto element) {
    using T = decltype(element);
    l = copied_columns(x);
    Columns c(l);
    over_batch(c.count, cube(c.rows) / 3, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        T* a = l->ptr<T>() + i * c.step;
        int failed = c.rows ? lapack::potrf(upper ? 'U' : 'L', c.rows, a, c.lead) : 0;
        if (!failed) failed = first_nan(a, c.rows, c.lead);
        info->ptr<int>()[i] = failed;
        clear_triangle(a, c.rows, !upper);
      }
    });
  });
  if (name.empty()) return {l, info};
  Failure f = first_failure(info);
  FACULA_CHECK(!f.info, LinAlg, who(name), ": ", f.where,
               "The factorization could not be completed because the input is not positive-definite (the leading minor "
               "of order ",
               f.info, " is not positive-definite).");
  return {l, info};
}
// A = L L^H; with phi the lower triangle whose diagonal is halved, gA is the Hermitian part of L^-H phi(L^H gL) L^-1.
// Source: I. Murray, Differentiation of the Cholesky decomposition, 2016, eq. 8.
Tensor cholesky_gradient(const Tensor& gradient, const Tensor& factor, bool upper) {
  Tensor l = upper ? mH(factor) : factor, g = upper ? mH(gradient) : gradient;
  Tensor inner = tril(matmul(mH(l), g));
  inner = ops::sub(inner, ops::mul(diagonal_matrix(diagonal(inner)), Scalar(0.5)));
  Tensor half = solve_triangular(mH(l), inner, true);
  Tensor out = solve_triangular(l, half, false, false);
  return ops::mul(ops::add(out, mH(out)), Scalar(0.5));
}
void cholesky_vjp(Backward& b) {
  if (b.has_grad(0)) b.set(0, cholesky_gradient(b.grad(), b.result(), b.arg(1).number.to_bool()));
}

// ---- LU ----

// (LU, pivots, info)
TensorList lu_factor_ex(const Tensor& x, bool pivot, std::string_view name) {
  FACULA_CHECK(x->ndim() >= 2, Runtime,
               "torch.lu_factor: Expected tensor with 2 or more dimensions. Got size: ", x->sizes, " instead");
  Tensor lu, pivots = empty(with_sizes(batch_sizes(x), {smaller_side(x)}), DType::Int32);
  Tensor info = empty(batch_sizes(x), DType::Int32);
  with_element_type("lu_cpu", x->dtype, [&](auto element) {
    using T = decltype(element);
    FACULA_CHECK(pivot, Runtime, "linalg.lu_factor: LU without pivoting is not implemented on the CPU; use pivot=True");
    const bool by_rows = x->is_contiguous();
    lu = by_rows ? empty_columns(batch_sizes(x), rows_of(x), columns_of(x), x->dtype) : copied_columns(x);
    Columns c(lu);
    const int k = std::min(c.rows, c.columns);
    over_batch(c.count, static_cast<double>(c.step) * k, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        T* to = lu->ptr<T>() + i * c.step;
        int *p = pivots->ptr<int>() + i * k, &found = info->ptr<int>()[i] = 0;
        if (k == 0) continue;
        found = by_rows ? blocked::factor_rows(c.rows, c.columns, x->ptr<T>() + i * c.step, to, c.lead, p)
                        : blocked::factor(c.rows, c.columns, to, c.lead, p);
      }
    });
  });
  if (name.empty()) return {lu, pivots, info};
  Failure f = first_failure(info);
  FACULA_CHECK(
      !f.info, Runtime, who(name), ": ", f.where, "U[", f.info, ",", f.info,
      "] is zero and using it on lu_solve would result in a division by zero. If you still want to perform the "
      "factorization, consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)");
  return {lu, pivots, info};
}

// The permutation matrices P [m, m] of A = P L U, from the exchanges that LAPACK reports, counted from 1.
Tensor permutation_matrix(const Tensor& pivots, int64_t m, DType dtype) {
  const int64_t k = pivots->sizes.back();
  Dims batch(pivots->sizes.begin(), pivots->sizes.end() - 1);
  Tensor exchanges = ops::contiguous_memory(pivots);
  Tensor order = empty(with_sizes(batch, {m}), DType::Int64);
  const int64_t count = count_elements(batch);
  for (int64_t i = 0; i < count; ++i) {
    const int* p = exchanges->ptr<int>() + i * k;
    int64_t* o = order->ptr<int64_t>() + i * m;
    for (int64_t r = 0; r < m; ++r) o[r] = r;
    for (int64_t r = 0; r < k; ++r) {
      FACULA_CHECK(p[r] >= 1 && p[r] <= m, Runtime,
                   "pivots passed to lu_unpack must be between 1 and LU.size(-2) "
                   "inclusive, got ",
                   p[r], ". Did you properly pass the result of lu_factor?");
      std::swap(o[r], o[p[r] - 1]);
    }
  }
  Tensor out = ops::zeros(with_sizes(batch, {m, m}), DType::Float32);
  for (int64_t i = 0; i < count * m; ++i)  // row o[c] of column c
    out->ptr<float>()[(i / m) * m * m + order->ptr<int64_t>()[i] * m + i % m] = 1;
  return ops::converted_memory(out, dtype);
}

struct Triangles {
  Tensor l, u;
};
Triangles triangles_of(const Tensor& lu) {
  const int64_t m = rows_of(lu), n = columns_of(lu), k = std::min(m, n);
  Tensor below = columns(lu, 0, k), above = rows(lu, 0, k);
  Tensor ones = ops::zeros(with_sizes(batch_sizes(lu), {m, k}), lu->dtype);
  if (ones->numel) {
    Dims sizes = with_sizes(batch_sizes(lu), {k}), strides(ones->strides.begin(), ones->strides.end() - 1);
    strides.back() = k + 1;
    ops::fill_memory(alias(ones, sizes, strides, 0), Scalar(1));
  }
  return {ops::add(tril(below, -1), ones), triu(above)};
}

TensorList lu_unpack(const Tensor& lu, const Tensor& pivots, bool unpack_data, bool unpack_pivots) {
  check_matrices("torch.lu_unpack", lu, "LU_data");
  FACULA_CHECK(!unpack_pivots || pivots->dtype == DType::Int32, Runtime,
               "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype, got ",
               scalar_type_name(pivots->dtype), "; note that torch.lu_factor gives it so");
  FACULA_CHECK(
      !unpack_pivots || (pivots->ndim() > 0 && pivots->sizes == with_sizes(batch_sizes(lu), {smaller_side(lu)})),
      Runtime, "torch.lu_unpack: LU_pivots must have the shape ", with_sizes(batch_sizes(lu), {smaller_side(lu)}),
      " for LU_data of shape ", lu->sizes, ", got ", pivots->sizes);
  GradMode off(false);
  Tensor none = empty({0}, lu->dtype);
  Tensor p = unpack_pivots ? permutation_matrix(pivots, rows_of(lu), lu->dtype) : none;
  if (!unpack_data) return {p, none, empty({0}, lu->dtype)};
  Triangles t = triangles_of(lu);
  return {p, t.l, t.u};
}
void lu_unpack_vjp(Backward& b) {
  const Dims& sizes = b.sizes(0);
  const int64_t m = sizes[sizes.size() - 2], n = sizes.back(), k = std::min(m, n);
  auto padded = [&](const Tensor& g, bool in_columns) {  // to [m, n]
    if (m == n || (in_columns ? n : m) == k) return g;
    Dims rest = g->sizes;
    rest[rest.size() - (in_columns ? 1 : 2)] = (in_columns ? n : m) - k;
    return ops::cat({g, ops::zeros(rest, g->dtype)}, in_columns ? -1 : -2);
  };
  Tensor out;
  if (b.has_grad(1)) out = padded(tril(b.grad(1), -1), true);
  if (b.has_grad(2)) {
    Tensor upper = padded(triu(b.grad(2)), false);
    out = out ? ops::add(out, upper) : upper;
  }
  if (out) b.set(0, out);
}

// The gradient of A = P L U. For square A: P L^-H [tril(L^H gL, -1) + triu(gU U^H)] U^-H. A wide or tall remainder is a
// triangular solve with the square part, whose gradient joins that of the part.
Tensor plu_gradient(const Tensor& gl_, const Tensor& gu_, const Tensor& p, const Tensor& l, const Tensor& u) {
  const int64_t m = rows_of(l), n = columns_of(u), k = std::min(m, n);
  auto or_zero = [](const Tensor& g, const Tensor& like) { return g ? g : ops::zeros(like->sizes, like->dtype); };
  Tensor gl = or_zero(gl_, l), gu = or_zero(gu_, u);
  Tensor l1 = rows(l, 0, k), u1 = columns(u, 0, k);
  Tensor below = matmul(mH(l1), rows(gl, 0, k)), above = matmul(columns(gu, 0, k), mH(u1));
  TensorList parts;
  if (m < n) {
    Tensor rest = columns(gu, k, n);
    below = ops::sub(below, matmul(rest, mH(columns(u, k, n))));
    parts.push_back(solve_triangular(mH(l1), rest, true, true, true));
  } else if (m > n) {
    Tensor rest = rows(gl, k, m);
    above = ops::sub(above, matmul(mH(rows(l, k, m)), rest));
    parts.push_back(solve_triangular(mH(u1), rest, false, false));
  }
  Tensor inner = ops::add(tril(below, -1), triu(above));
  inner = solve_triangular(mH(u1), solve_triangular(mH(l1), inner, true, true, true), false, false);
  parts.insert(0, inner);
  Tensor whole = parts.size() == 1 ? inner : ops::cat(parts, m < n ? -1 : -2);
  return matmul(p, whole);
}
void lu_factor_vjp(Backward& b) {
  if (!b.has_grad(0)) return;
  Tensor lu = b.result(0), g = b.grad();
  const int64_t k = smaller_side(lu);
  Triangles t = triangles_of(lu);
  Tensor p = permutation_matrix(b.result(1), rows_of(lu), lu->dtype);
  b.set(0, plu_gradient(columns(g, 0, k), rows(g, 0, k), p, t.l, t.u));
}

TensorList linalg_lu(const Tensor& x, bool pivot) {
  FACULA_CHECK(x->ndim() >= 2, Runtime, "linalg.lu: Expected tensor with 2 or more dimensions. Got size: ", x->sizes,
               " instead");
  GradMode off(false);
  TensorList factors = lu_factor_ex(x, pivot, {});
  Triangles t = triangles_of(factors[0]);
  return {permutation_matrix(factors[1], rows_of(x), x->dtype), t.l, t.u};
}
void linalg_lu_vjp(Backward& b) {
  auto given = [&](size_t i) { return b.has_grad(i) ? b.grad(i) : Tensor(); };
  b.set(0, plu_gradient(given(1), given(2), b.result(0), b.result(1), b.result(2)));
}

// ---- LDL: symmetric or Hermitian, indefinite ----

// (LD, pivots, info)
TensorList ldl_factor_ex(const Tensor& x, bool hermitian, std::string_view name) {
  check_square("torch.linalg.ldl_factor_ex", x);
  check_float("torch.linalg.ldl_factor_ex", x, true);
  Tensor ld, pivots = empty(with_sizes(batch_sizes(x), {columns_of(x)}), DType::Int32);
  Tensor info = empty(batch_sizes(x), DType::Int32);
  with_element_type("ldl_factor_kernel_cpu", x->dtype, [&](auto element) {
    using T = decltype(element);
    ld = copied_columns(x);
    Columns c(ld);
    const int n = c.rows, lwork = std::max(1, 64 * n);  // LAPACK's own block size is at most 64
    over_batch(c.count, cube(n) / 3, [&](int64_t begin, int64_t end) {
      Scratch<T> work(lwork);
      for (int64_t i = begin; i < end; ++i) {
        T* a = ld->ptr<T>() + i * c.step;
        int* p = pivots->ptr<int>() + i * n;
        info->ptr<int>()[i] = n ? lapack::sytrf(hermitian, 'L', n, a, c.lead, p, work.data, lwork) : 0;
        clear_triangle(a, n, true);
      }
    });
  });
  if (name.empty()) return {ld, pivots, info};
  Failure f = first_failure(info);
  FACULA_CHECK(!f.info, Runtime, who(name), ": ", f.where, "D[", f.info, ",", f.info,
               "] is zero: the factorization is complete but solving with it would divide by zero");
  return {ld, pivots, info};
}
void ldl_factor_vjp(Backward&) {
  fail(ErrorKind::Runtime, "derivative for aten::linalg_ldl_factor_ex is not implemented; use torch.linalg.solve");
}

const OpDef kOps[] = {
    FACULA_OP("_linalg_cholesky_ex", Contraction, "LinalgCholeskyExBackward0", cholesky_ex, .vjp = cholesky_vjp,
              .saves = {kSaveResult}),
    FACULA_OP("_cholesky", Contraction, "CholeskyBackward0", cholesky_ex, .vjp = cholesky_vjp, .saves = {kSaveResult}),
    FACULA_OP("_linalg_lu_factor_ex", Contraction, "LinalgLuFactorExBackward0", lu_factor_ex, .vjp = lu_factor_vjp,
              .saves = {kSaveResult | kSaveResult1}),
    FACULA_OP("_lu_unpack", Contraction, "LuUnpackBackward0", lu_unpack, .vjp = lu_unpack_vjp),
    FACULA_OP("_linalg_lu", Contraction, "LinalgLuBackward0", linalg_lu, .vjp = linalg_lu_vjp,
              .saves = {kSaveResult | kSaveResult1 | kSaveResult2}),
    FACULA_OP("_linalg_ldl_factor_ex", Contraction, "NotImplemented", ldl_factor_ex, .vjp = ldl_factor_vjp),
};

}  // namespace

extern const OpFamily kLinalgFactorFamily;
const OpFamily kLinalgFactorFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
