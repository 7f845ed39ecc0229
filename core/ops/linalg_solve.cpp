// Linear equations with square matrices: solve, inverse, determinant, and solving with finished triangular factors.
// Least squares are in linalg_orthogonal.cpp.
#include "ops/linalg.h"
#include "ops/linalg_blocked.h"

#include <cmath>
#include <limits>

namespace facula {

namespace {

using namespace matrix;

// ---- solving with LU factors ----

// The equations LAPACK sees: x holds `count` column-major [n, nrhs] right sides, overwritten by solutions of op(A) X =
// x. One factorisation for all, or one each.
void lu_solve_memory(const Tensor& lu, const Tensor& pivots, const Tensor& x, char trans, int64_t count, int64_t nrhs) {
  with_element_type("lu_solve", lu->dtype, [&](auto element) {
    using T = decltype(element);
    Columns c(lu);
    const int n = c.rows, right = static_cast<int>(nrhs);
    if (n == 0 || right == 0) return;
    over_batch(count, static_cast<double>(n) * n * right, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t k = c.count == 1 ? 0 : i;
        blocked::solve_factored(trans, n, right, lu->ptr<T>() + k * c.step, c.lead, pivots->ptr<int>() + k * n,
                                x->ptr<T>() + i * n * nrhs);
      }
    });
  });
}
TensorList factored(const Tensor& a) {  // (LU, pivots, info)
  GradMode off(false);
  static const OpDef& op = find_op("_linalg_lu_factor_ex");
  Result r = call_all(op, a, true, unnamed());
  return {r.tensors[0], r.tensors[1], r.tensors[2]};
}
// b broadcast to `batch`, laid out so that LAPACK sees right sides as columns: b itself (left), or its transpose.
Tensor right_sides(const Tensor& b, const Dims& batch, bool left) {
  if (left) return copied_columns(b, batch);
  Tensor x = empty(with_sizes(batch, {rows_of(b), columns_of(b)}), b->dtype);
  if (x->numel) ops::copy_memory(x, b);
  return x;
}
Tensor expanded_to(const Tensor& a, const Dims& batch) {  // a itself when there is one matrix, or one for each
  int64_t count = 1;
  for (int64_t n : batch_sizes(a)) count *= n;
  if (count == 1 || batch_sizes(a) == batch) return a;
  return ops::broadcast_memory(a, with_sizes(batch, {rows_of(a), columns_of(a)}));
}

// ---- solve ----

bool is_vector_side(const Tensor& a, const Tensor& b) {
  return b->ndim() == 1 || (b->ndim() == a->ndim() - 1 && b->sizes == Dims(a->sizes.begin(), a->sizes.end() - 1));
}
void check_same_dtype(const char* name, const Tensor& a, const Tensor& b, const char* x, const char* y) {
  FACULA_CHECK(a->dtype == b->dtype, Runtime, name, ": Expected ", x, " and ", y, " to have the same dtype, but found ",
               x, " of type ", scalar_type_name(a->dtype), " and ", y, " of type ", scalar_type_name(b->dtype),
               " instead");
}
void check_sides(const char* name, const Tensor& a, const Tensor& b, bool left) {
  FACULA_CHECK(left ? columns_of(a) == rows_of(b) : rows_of(a) == columns_of(b), Runtime, name,
               ": Incompatible shapes of A and B for the equation ", left ? "AX = B" : "XA = B", " (", rows_of(a), "x",
               columns_of(a), " and ", rows_of(b), "x", columns_of(b), ")");
}

// (X, LU, pivots, info) of A X = B or X A = B. A name makes a singular matrix an error.
TensorList solve_ex(const Tensor& a, const Tensor& b_, bool left, std::string_view name) {
  check_square("linalg.solve", a);
  check_float("linalg.solve", a, true);
  check_same_dtype("linalg.solve", a, b_, "A", "B");
  FACULA_CHECK(b_->ndim() > 0, Runtime, "linalg.solve: The input tensor B must have at least 1 dimension");
  const bool vector = is_vector_side(a, b_);
  Tensor b = b_;
  if (vector) b = alias(b_, with_sizes(b_->sizes, {1}), with_sizes(b_->strides, {1}), b_->byte_offset);
  check_sides("linalg.solve", a, b, left);
  Dims batch = batch_sizes(b);
  broadcast_into(batch, batch_sizes(a));
  TensorList f = factored(expanded_to(a, batch));
  if (!name.empty()) {
    Failure bad = first_failure(f[2]);
    FACULA_CHECK(!bad.info, LinAlg, std::string(name), ": ", bad.where,
                 "The solver failed because the input matrix is singular.");
  }
  Tensor x = right_sides(b, batch, left);
  const int64_t nrhs = left ? columns_of(b) : rows_of(b);
  lu_solve_memory(f[0], f[1], x, left ? 'N' : 'T', count_elements(batch), nrhs);
  if (vector)
    x = alias(x, Dims(x->sizes.begin(), x->sizes.end() - 1), Dims(x->strides.begin(), x->strides.end() - 1), 0);
  return {x, f[0], f[1], f[2]};
}
// gB = A^-H gX, gA = -gB X^H. The factors serve again unless the derivative is itself recorded.
void solve_ex_vjp(Backward& b) {
  if (!b.has_grad(0)) return;
  Tensor g = b.grad(), x = b.result(0), a = b.input(0);
  const bool left = b.arg(2).number.to_bool();
  const bool vector = b.result_sizes().size() < b.sizes(0).size() || b.sizes(1).size() == 1 ||
                      b.sizes(1) == Dims(b.sizes(0).begin(), b.sizes(0).end() - 1);
  if (vector) g = ops::unsqueeze(g, -1);
  Tensor gb;
  if (!mode.grad)
    gb = lu_solve(b.result(1), b.result(2), g, left, true);
  else
    gb = left ? solve(mH(a), g) : mT(solve(conj(a), mT(g)));
  if (b.needs(0)) {
    if (vector) x = ops::unsqueeze(x, -1);
    b.set(0, ops::neg(left ? matmul(gb, mH(x)) : matmul(mH(x), gb)));
  }
  if (b.needs(1)) b.set(1, vector ? ops::squeeze_dims(gb, {-1}) : gb);
}

// ---- inverse ----

// The side up to which LAPACK's inversion of complex matrices, which does two thirds of the work, is faster than
// solving for unit vectors; real ones have kernels for that.
constexpr int kMostInverse = 96;

template <class T>
void invert(const Tensor& lu, const Tensor& pivots, const Tensor& info, const Tensor& out) {
  Columns c(lu);
  const int n = c.rows;
  if (n == 0) return;
  over_batch(c.count, cube(n), [&](int64_t begin, int64_t end) {
    const bool by_lapack = lapack::is_complex_type<T> && n <= kMostInverse;
    T answer{};
    if (by_lapack) lapack::getri(n, out->ptr<T>(), c.lead, pivots->ptr<int>(), &answer, -1);
    const int lwork = work_size(answer);
    Scratch<T> work(lwork);
    for (int64_t i = begin; i < end; ++i) {
      T* to = out->ptr<T>() + i * c.step;
      const T* from = lu->ptr<T>() + i * c.step;
      if (by_lapack && info->ptr<int>()[i] == 0) {
        std::copy(from, from + c.step, to);
        lapack::getri(n, to, c.lead, pivots->ptr<int>() + i * n, work.data, lwork);
        continue;
      }
      std::fill(to, to + c.step, T(0));  // the solutions for unit vectors; of singular matrices inf and nan
      for (int k = 0; k < n; ++k) to[static_cast<int64_t>(k) * (n + 1)] = T(1);
      blocked::solve_factored('N', n, n, from, c.lead, pivots->ptr<int>() + i * n, to);
    }
  });
}
// (inverse, info)
TensorList inv_ex(const Tensor& a, std::string_view name) {
  check_square("linalg.inv", a);
  check_float("linalg.inv", a, false);
  TensorList f = factored(a);
  if (!name.empty()) {
    Failure bad = first_failure(f[2]);
    FACULA_CHECK(!bad.info, LinAlg, std::string(name), ": ", bad.where, "The diagonal element ", bad.info,
                 " is zero, the inversion could not be completed because the input matrix is singular.");
  }
  Tensor out = empty_columns(batch_sizes(a), rows_of(a), rows_of(a), a->dtype);
  with_element_type("linalg_inv", a->dtype, [&](auto element) { invert<decltype(element)>(f[0], f[1], f[2], out); });
  return {out, f[2]};
}
void inv_ex_vjp(Backward& b) {
  if (!b.has_grad(0)) return;
  Tensor adjoint = mH(b.result());
  b.set(0, ops::neg(matmul(adjoint, b.grad(), adjoint)));
}

// ---- determinant ----

template <class T>
struct LogDeterminant {
  T sign{1};
  lapack::real_type<T> log{0};
};
// From the factors: the diagonal, and one change of sign for each exchange.
template <class T, class F>
void over_diagonals(const Tensor& lu, const Tensor& pivots, F&& f) {
  Columns c(lu);
  const int n = c.rows;
  for (int64_t i = 0; i < c.count; ++i) {
    const int* p = pivots->ptr<int>() + i * n;
    bool odd = false;
    for (int k = 0; k < n; ++k) odd ^= p[k] != k + 1;
    f(i, lu->ptr<T>() + i * c.step, n, odd);
  }
}
// (det, LU, pivots)
TensorList det(const Tensor& a) {
  check_square("linalg.det", a);
  check_float("linalg.det", a, true);
  TensorList f = factored(a);
  Tensor out = empty(batch_sizes(a), a->dtype);
  with_element_type("lu_cpu", a->dtype, [&](auto element) {
    using T = decltype(element);
    over_diagonals<T>(f[0], f[1], [&](int64_t i, const T* lu, int n, bool odd) {
      T value = odd ? T(-1) : T(1);
      for (int k = 0; k < n; ++k) value *= lu[static_cast<int64_t>(k) * (n + 1)];
      out->ptr<T>()[i] = value;
    });
  });
  return {out, f[0], f[1]};
}
double rounding_unit(DType dtype) {
  return real_of(dtype) == DType::Float32 ? std::numeric_limits<float>::epsilon()
                                          : std::numeric_limits<double>::epsilon();
}
// Products of all singular values but one, recorded: those before it times those behind it.
Tensor products_of_others(const Tensor& s) {
  static const OpDef &cumprod = find_op("cumprod"), &flip = find_op("flip");
  const int64_t n = s->sizes.back();
  Dims one = s->sizes, last{-1};
  one.back() = 1;
  Tensor unit = ops::full(one, Scalar(1), s->dtype);
  auto before = [&](const Tensor& x) { return ops::cat({unit, call(cumprod, columns(x, 0, n - 1), -1, nullptr)}, -1); };
  return ops::mul(before(s), call(flip, before(call(flip, s, last)), last));
}
// The gradient as g conj(adj(A))^T, which exists for singular matrices too: through the singular values.
Tensor adjugate_gradient(const Tensor& a, const Tensor& g) {
  static const OpDef& op = find_op("_linalg_det");
  Svd d = svd(a);
  Tensor phase = conj(ops::mul(call_all(op, d.u).tensors[0], call_all(op, d.vh).tensors[0]));
  Tensor scale = ops::mul(products_of_others(d.s), ops::unsqueeze(ops::mul(phase, g), -1));
  return matmul(ops::mul(d.u, column_scale(scale)), d.vh);
}
// Recorded: A^H gA = conj(det) g I for regular matrices; singular ones of the batch go through their singular values.
Tensor recorded_det_gradient(const Tensor& a, const Tensor& det, const Tensor& g) {
  auto regular = [](const Tensor& a, const Tensor& det, const Tensor& g) {
    Tensor d = ops::unsqueeze(ops::mul(g, conj(det)), -1);
    return solve(mH(a), diagonal_matrix(ops::expand(d, Dims(a->sizes.begin(), a->sizes.end() - 1))));
  };
  TensorList chosen[2];  // indices of singular ones: [1]
  Dims flat_index[2];
  {
    GradMode off(false);
    Tensor size = ops::converted_memory(ops::contiguous_memory(ops::abs(det)), DType::Float64);
    for (int64_t i = 0; i < size->numel; ++i)
      flat_index[size->ptr<double>()[i] < 100 * rounding_unit(a->dtype)].push_back(i);
  }
  if (flat_index[1].empty()) return regular(a, det, g);
  if (flat_index[0].empty()) return adjugate_gradient(a, g);
  const int64_t n = rows_of(a);
  Tensor fa = ops::reshape(a, {-1, n, n}), fd = ops::reshape(det, {-1}), fg = ops::reshape(g, {-1});
  TensorList parts;
  Tensor back = empty({fd->numel}, DType::Int64);
  int64_t at = 0;
  for (int which : {0, 1}) {
    const Dims& list = flat_index[which];
    Tensor index = empty({static_cast<int64_t>(list.size())}, DType::Int64);
    for (size_t i = 0; i < list.size(); ++i) {
      index->ptr<int64_t>()[i] = list[i];
      back->ptr<int64_t>()[list[i]] = at++;
    }
    auto pick = [&](const Tensor& x) { return ops::index_select(x, 0, index); };
    parts.push_back(which ? adjugate_gradient(pick(fa), pick(fg)) : regular(pick(fa), pick(fd), pick(fg)));
  }
  return ops::reshape(ops::index_select(ops::cat(parts, 0), 0, back), a->sizes);
}
// Not recorded: the factors serve again. A zero pivot becomes the rounding unit, which is as exact as the factors are.
Tensor plain_det_gradient(const Tensor& lu_, const Tensor& pivots, const Tensor& g) {
  Tensor lu = copied_columns(lu_), d = empty(batch_sizes(lu), lu->dtype);
  with_element_type("lu_cpu", lu->dtype, [&](auto element) {
    using T = decltype(element);
    const T unit(static_cast<lapack::real_type<T>>(rounding_unit(lu->dtype)));
    over_diagonals<T>(lu, pivots, [&](int64_t i, T* a, int n, bool odd) {
      T value = odd ? T(-1) : T(1);
      for (int k = 0; k < n; ++k) {
        T& pivot = a[static_cast<int64_t>(k) * (n + 1)];
        if (pivot == T(0)) pivot = unit;
        value *= pivot;
      }
      d->ptr<T>()[i] = value;
    });
  });
  Tensor scale = ops::unsqueeze(ops::mul(g, conj(d)), -1);
  Tensor right = diagonal_matrix(ops::expand(scale, Dims(lu->sizes.begin(), lu->sizes.end() - 1)));
  return lu_solve(lu, pivots, right, true, true);
}
void det_vjp(Backward& b) {
  if (!b.has_grad(0)) return;
  Tensor a = b.input(0), g = b.grad();
  if (a->numel == 0) return b.set(0, ops::zeros(a->sizes, a->dtype));
  b.set(0, mode.grad ? recorded_det_gradient(a, b.result(), g) : plain_det_gradient(b.result(1), b.result(2), g));
}

// (sign, LU, pivots, logabsdet)
TensorList slogdet(const Tensor& a) {
  check_square("linalg.slogdet", a);
  check_float("linalg.slogdet", a, false);
  TensorList f = factored(a);
  Tensor sign = empty(batch_sizes(a), a->dtype), log = empty(batch_sizes(a), real_of(a->dtype));
  with_element_type("lu_cpu", a->dtype, [&](auto element) {
    using T = decltype(element);
    using R = lapack::real_type<T>;
    over_diagonals<T>(f[0], f[1], [&](int64_t i, const T* lu, int n, bool odd) {
      T s = odd ? T(-1) : T(1);
      R sum = 0;
      for (int k = 0; k < n; ++k) {
        const T pivot = lu[static_cast<int64_t>(k) * (n + 1)];
        const R size = std::abs(pivot);
        s *= size > 0 ? pivot / size : T(0);
        sum += std::log(size);
      }
      sign->ptr<T>()[i] = s;
      log->ptr<R>()[i] = sum;
    });
  });
  return {sign, f[0], f[1], log};
}
// A^H gA = (g_log - i Im(conj(g_sign) sign)) I
void slogdet_vjp(Backward& b) {
  Tensor a = b.input(0);
  if (a->numel == 0) return b.set(0, ops::zeros(a->sizes, a->dtype));
  Tensor g;
  if (b.has_grad(3)) g = b.grad(3);
  if (is_complex(a->dtype) && b.has_grad(0)) {
    Tensor turn = times_i(imaginary(ops::mul(conj(b.grad(0)), b.result(0))));
    g = g ? ops::sub(g, turn) : ops::neg(turn);
  }
  if (!g) return b.set(0, ops::zeros(a->sizes, a->dtype));
  if (g->dtype != a->dtype) g = ops::to_dtype(g, a->dtype);
  Tensor right = diagonal_matrix(ops::expand(ops::unsqueeze(g, -1), Dims(a->sizes.begin(), a->sizes.end() - 1)));
  b.set(0, mode.grad ? solve(mH(a), right) : lu_solve(b.result(1), b.result(2), right, true, true));
}

// ---- lu_solve ----

void check_pivots(const char* name, const Tensor& lu, const Tensor& pivots) {
  FACULA_CHECK(pivots->dtype == DType::Int32, Runtime, name,
               ": pivots should be a Tensor of scalar type torch.int32, got ", scalar_type_name(pivots->dtype));
  FACULA_CHECK(pivots->ndim() > 0 && pivots->sizes.back() == rows_of(lu), Runtime, name,
               ": Number of pivots per batch should be same as the dimension of the matrix, ", rows_of(lu),
               ", but pivots has shape ", pivots->sizes);
  FACULA_CHECK(pivots->sizes == Dims(lu->sizes.begin(), lu->sizes.end() - 1), Runtime, name,
               ": Expected LU.shape[:-1] and pivots.shape to be the same, but got pivots with shape ", pivots->sizes,
               " and LU of shape ", lu->sizes, " instead");
}
Tensor linalg_lu_solve(const Tensor& lu_, const Tensor& pivots_, const Tensor& b, bool left, bool adjoint) {
  check_square("torch.linalg.lu_solve", lu_, "A");
  check_float("linalg.lu_solve", lu_, true);
  check_same_dtype("linalg.lu_solve", lu_, b, "LU", "B");
  check_pivots("linalg.lu_solve", lu_, pivots_);
  check_matrices("linalg.lu_solve", b, "B");
  check_sides("linalg.lu_solve", lu_, b, left);
  Dims batch = batch_sizes(b);
  broadcast_into(batch, batch_sizes(lu_));
  Tensor lu = column_memory(expanded_to(lu_, batch));
  Tensor pivots = batch_sizes(lu) == batch_sizes(lu_)
                      ? ops::contiguous_memory(pivots_)
                      : ops::contiguous_memory(ops::broadcast_memory(pivots_, with_sizes(batch, {rows_of(lu)})));
  const int64_t n = rows_of(lu);
  const int* p = pivots->ptr<int>();
  for (int64_t i = 0; i < pivots->numel; ++i)
    FACULA_CHECK(p[i] >= 1 && p[i] <= n, Runtime, "Pivots given to lu_solve must all be ",
                 p[i] < 1 ? "greater" : "smaller", " or equal to ", p[i] < 1 ? "1" : "LU.size(-2)",
                 ". Did you properly pass the result of lu_factor?");
  GradMode off(false);
  const bool conjugated = !left && adjoint && is_complex(b->dtype);  // X A^H = B: A conj(X)^T = conj(B)^T
  Tensor x = right_sides(conjugated ? conj(b) : b, batch, left);
  lu_solve_memory(lu, pivots, x, left ? (adjoint ? 'C' : 'N') : (adjoint ? 'N' : 'T'), count_elements(batch),
                  left ? columns_of(b) : rows_of(b));
  return conjugated ? conj(x) : x;
}
// X A = B is A^H X^H = B^H, so one of the two sides suffices. With A = P L U, in the plain case L Y = P^T B, U X = Y.
void lu_solve_vjp(Backward& b) {
  Tensor lu = b.input(0), pivots = b.input(1), g = b.grad(), x = b.result();
  const bool left = b.arg(3).number.to_bool();
  bool adjoint = b.arg(4).number.to_bool();
  if (b.needs(2)) b.set(2, lu_solve(lu, pivots, g, left, !adjoint));
  if (!b.needs(0)) return;
  if (!left) {
    g = mH(g);
    x = mH(x);
    adjoint = !adjoint;
  }
  static const OpDef& unpack = find_op("_lu_unpack");
  TensorList plu;
  for (Tensor& t : call_all(unpack, lu, pivots, true, true).tensors) plu.push_back(t);
  const Tensor p = ops::detach(plu[0]), l = plu[1], u = plu[2];
  Tensor gl, gu;
  if (!adjoint) {
    Tensor gy = solve_triangular(mH(u), g, false);  // U^H gY = G
    gu = matmul(gy, mH(x));
    gl = matmul(solve_triangular(mH(l), gy, true, true, true), matmul(mH(x), mH(u)));  // Y = U X
  } else {                                                                             // X = P W, L^H W = Z, U^H Z = B
    Tensor w = matmul(mT(p), x), gz = solve_triangular(l, matmul(mT(p), g), false, true, true);
    gl = matmul(w, mH(gz));
    gu = matmul(matmul(mH(l), w), mH(solve_triangular(u, gz, true)));
  }
  b.set(0, ops::neg(ops::add(tril(gl, -1), triu(gu))));
}

// ---- triangular matrices ----

// X of op(A) X = B, or X op(A) = B. `trans`: 'N' or 'T'.
Tensor solve_with_triangle(const Tensor& a_, const Tensor& b, bool upper, bool left, bool unit, bool transposed) {
  Dims batch = batch_sizes(b);
  broadcast_into(batch, batch_sizes(a_));
  Tensor a = expanded_to(a_, batch), x = copied_columns(b, batch);
  const bool by_rows = a->is_contiguous();
  if (!by_rows) a = column_memory(a);
  if (x->numel == 0) return x;
  with_element_type("triangular_solve_cpu", a->dtype, [&](auto element) {
    using T = decltype(element);
    Columns ca(a), cx(x);
    const char op = by_rows != transposed ? 'T' : 'N';  // by rows, memory holds the transpose
    over_batch(cx.count, static_cast<double>(cx.step) * ca.rows / 2, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T* triangle = a->ptr<T>() + (ca.count == 1 ? 0 : i * ca.step);
        T* to = x->ptr<T>() + i * cx.step;
        if (left)
          blocked::solve_triangle(upper != by_rows, op, unit, cx.rows, cx.columns, triangle, ca.lead, to, cx.lead);
        else
          lapack::trsm(false, upper != by_rows, op, unit, cx.rows, cx.columns, triangle, ca.lead, to, cx.lead);
      }
    });
  });
  return x;
}
Tensor triangular_gradient(const Tensor& g, bool upper, bool unit) {
  return upper ? triu(g, unit ? 1 : 0) : tril(g, unit ? -1 : 0);
}
Tensor linalg_solve_triangular(const Tensor& a, const Tensor& b, bool upper, bool left, bool unit) {
  check_square("linalg.solve_triangular", a);
  check_matrices("linalg.solve_triangular", b, "B");
  check_same_dtype("linalg.solve_triangular", a, b, "A", "B");
  check_sides("linalg.solve_triangular", a, b, left);
  return solve_with_triangle(a, b, upper, left, unit, false);
}
void solve_triangular_vjp(Backward& b) {
  Tensor a = b.input(0), x = b.result();
  const bool upper = b.arg(2).number.to_bool(), left = b.arg(3).number.to_bool(), unit = b.arg(4).number.to_bool();
  Tensor gb = solve_triangular(mH(a), b.grad(), !upper, left, unit);
  if (b.needs(1)) b.set(1, gb);
  if (b.needs(0)) b.set(0, triangular_gradient(ops::neg(left ? matmul(gb, mH(x)) : matmul(mH(x), gb)), upper, unit));
}

// The older form: (solution of op(A) X = b, a copy of A).
TensorList triangular_solve(const Tensor& b, const Tensor& a, bool upper, bool transposed, bool unit) {
  FACULA_CHECK(b->ndim() >= 2, Runtime, "torch.triangular_solve: Expected b to have at least 2 dimensions, but it has ",
               b->ndim(), " dimensions instead");
  FACULA_CHECK(a->ndim() >= 2, Runtime, "torch.triangular_solve: Expected A to have at least 2 dimensions, but it has ",
               a->ndim(), " dimensions instead");
  check_square("triangular_solve", a);
  check_same_dtype("triangular_solve", a, b, "A", "b");
  check_sides("triangular_solve", a, b, true);
  Tensor x = solve_with_triangle(a, b, upper, true, unit, transposed);
  return {x, copied_columns(a, batch_sizes(x))};
}
void triangular_solve_vjp(Backward& b) {
  Tensor a = b.input(1), ga;
  const bool upper = b.arg(2).number.to_bool(), transposed = b.arg(3).number.to_bool(),
             unit = b.arg(4).number.to_bool();
  if (b.has_grad(0)) {
    Tensor x = b.result();
    Tensor gb = transposed ? solve_triangular(conj(a), b.grad(), upper, true, unit)
                           : solve_triangular(mH(a), b.grad(), !upper, true, unit);
    if (b.needs(0)) b.set(0, gb);
    Tensor product = ops::neg(transposed ? matmul(conj(x), mT(gb)) : matmul(gb, mH(x)));
    ga = triangular_gradient(product, upper, unit);
  }
  if (b.has_grad(1)) ga = ga ? ops::add(ga, b.grad(1)) : b.grad(1);
  if (ga && b.needs(1)) b.set(1, ga);
}

// ---- with Cholesky factors ----

Tensor cholesky_solve(const Tensor& b, const Tensor& l_, bool upper) {
  FACULA_CHECK(b->ndim() >= 2, Runtime, "b should have at least 2 dimensions, but has ", b->ndim(),
               " dimensions instead");
  FACULA_CHECK(l_->ndim() >= 2, Runtime, "u should have at least 2 dimensions, but has ", l_->ndim(),
               " dimensions instead");
  check_square("cholesky_solve", l_);
  check_same_dtype("cholesky_solve", l_, b, "A", "b");
  check_sides("cholesky_solve", l_, b, true);
  Dims batch = batch_sizes(b);
  broadcast_into(batch, batch_sizes(l_));
  Tensor x = copied_columns(b, batch), l = column_memory(expanded_to(l_, batch));
  with_element_type("cholesky_solve_cpu", l->dtype, [&](auto element) {
    using T = decltype(element);
    Columns ca(l), cx(x);
    if (x->numel == 0) return;
    over_batch(cx.count, static_cast<double>(cx.step) * ca.rows, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T* factor = l->ptr<T>() + (ca.count == 1 ? 0 : i * ca.step);
        T* to = x->ptr<T>() + i * cx.step;
        for (char trans : {upper ? 'C' : 'N', upper ? 'N' : 'C'})  // L then L^H
          blocked::solve_triangle(upper, trans, false, ca.rows, cx.columns, factor, ca.lead, to, cx.lead);
      }
    });
  });
  return x;
}
Tensor with_adjoint(const Tensor& x) { return ops::add(x, mH(x)); }
void cholesky_solve_vjp(Backward& b) {
  static const OpDef& op = find_op("cholesky_solve");
  const bool upper = b.arg(2).number.to_bool();
  Tensor l = upper ? triu(b.input(1)) : tril(b.input(1));
  Tensor gb = call(op, b.grad(), l, upper);
  if (b.needs(0)) b.set(0, gb);
  if (!b.needs(1)) return;
  Tensor ga = with_adjoint(matmul(gb, mH(b.result())));
  b.set(1, ops::neg(upper ? triu(matmul(l, ga)) : tril(matmul(ga, l))));
}

Tensor cholesky_inverse(const Tensor& l, bool upper) {
  check_square("cholesky_inverse", l);
  Tensor x, info = empty(batch_sizes(l), DType::Int32);
  with_element_type("cholesky_inverse_out_cpu", l->dtype, [&](auto element) {
    using T = decltype(element);
    x = copied_columns(l);
    Columns c(x);
    const int64_t n = c.rows;
    over_batch(c.count, cube(n), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        T* a = x->ptr<T>() + i * c.step;
        info->ptr<int>()[i] = n ? lapack::potri(upper ? 'U' : 'L', c.rows, a, c.lead) : 0;
        for (int64_t j = 0; j < n; ++j)
          for (int64_t k = 0; k < j; ++k) {  // (k, j) is above the diagonal
            T &above = a[j * n + k], &below = a[k * n + j], &from = upper ? above : below;
            T value = from;
            if constexpr (lapack::is_complex_type<T>) value = std::conj(value);
            (upper ? below : above) = value;
          }
      }
    });
  });
  Failure f = first_failure(info);
  FACULA_CHECK(!f.info, LinAlg, "cholesky_inverse: ", f.where, "The diagonal element ", f.info,
               " is zero, the inversion could not be completed because the input matrix is singular.");
  return x;
}
void cholesky_inverse_vjp(Backward& b) {
  const bool upper = b.arg(1).number.to_bool();
  Tensor l = upper ? triu(b.input(0)) : tril(b.input(0)), x = b.result();
  Tensor inner = matmul(x, with_adjoint(b.grad()), x);
  b.set(0, ops::neg(upper ? triu(matmul(l, inner)) : tril(matmul(inner, l))));
}

// ---- with LDL factors ----

// LAPACK follows the pivots without looking: 1-based rows, or a pair of negative ones for a 2 x 2 block.
void check_block_pivots(const Tensor& pivots, int64_t n) {
  const int* p = pivots->ptr<int>();
  for (int64_t i = 0; i < (n ? pivots->numel / n : 0); ++i)
    for (int64_t k = 0; k < n; ++k) {
      const int64_t row = p[i * n + k];
      bool fits = row != 0 && std::abs(row) <= n;
      if (row < 0) {
        fits = fits && k + 1 < n && p[i * n + k + 1] < 0 && -int64_t{p[i * n + k + 1]} <= n;
        ++k;
      }
      FACULA_CHECK(fits, Runtime, "torch.linalg.ldl_solve: pivots are not those of ldl_factor: a value of ", row,
                   " for matrices of ", n, " rows");
    }
}
Tensor ldl_solve(const Tensor& ld_, const Tensor& pivots_, const Tensor& b, bool hermitian) {
  check_square("torch.linalg.ldl_solve", ld_);
  check_float("torch.linalg.ldl_solve", ld_, true);
  check_matrices("torch.linalg.ldl_solve", b, "B");
  check_sides("torch.linalg.ldl_solve", ld_, b, true);
  check_same_dtype("torch.linalg.ldl_solve", ld_, b, "LD", "B");
  FACULA_CHECK(
      is_integral(pivots_->dtype) && pivots_->sizes == Dims(ld_->sizes.begin(), ld_->sizes.end() - 1), Runtime,
      "torch.linalg.ldl_solve: Expected LD.shape[:-1] and pivots.shape to be the same and pivots to be integers, "
      "but got pivots of ",
      scalar_type_name(pivots_->dtype), " with shape ", pivots_->sizes);
  Dims batch = batch_sizes(b);
  broadcast_into(batch, batch_sizes(ld_));
  Tensor x = copied_columns(b, batch),
         ld = column_memory(ops::broadcast_memory(ld_, with_sizes(batch, {rows_of(ld_), rows_of(ld_)})));
  Tensor pivots = ops::contiguous_memory(
      ops::broadcast_memory(ops::converted_memory(pivots_, DType::Int32), with_sizes(batch, {rows_of(ld_)})));
  check_block_pivots(pivots, rows_of(ld));
  with_element_type("ldl_solve_cpu", ld->dtype, [&](auto element) {
    using T = decltype(element);
    Columns ca(ld), cx(x);
    if (x->numel == 0) return;
    over_batch(cx.count, static_cast<double>(cx.step) * ca.rows, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        lapack::sytrs(hermitian, 'L', ca.rows, cx.columns, ld->ptr<T>() + i * ca.step, ca.lead,
                      pivots->ptr<int>() + i * ca.rows, x->ptr<T>() + i * cx.step, cx.lead);
    });
  });
  return x;
}
void ldl_solve_vjp(Backward&) {
  fail(ErrorKind::Runtime, "derivative for aten::linalg_ldl_solve is not implemented; use torch.linalg.solve");
}

const OpDef kOps[] = {
    FACULA_OP("_linalg_solve_ex", Contraction, "LinalgSolveExBackward0", solve_ex, .vjp = solve_ex_vjp,
              .saves = {0b01 | kSaveResult | kSaveResult1 | kSaveResult2}),
    FACULA_OP("_linalg_inv_ex", Contraction, "LinalgInvExBackward0", inv_ex, .vjp = inv_ex_vjp, .saves = {kSaveResult}),
    FACULA_OP("_linalg_det", Contraction, "LinalgDetBackward0", det, .vjp = det_vjp,
              .saves = {0b01 | kSaveResult | kSaveResult1 | kSaveResult2}),
    FACULA_OP("_linalg_slogdet", Contraction, "LinalgSlogdetBackward0", slogdet, .vjp = slogdet_vjp,
              .saves = {0b01 | kSaveResult | kSaveResult1 | kSaveResult2}),
    FACULA_OP("_linalg_lu_solve", Contraction, "LinalgLuSolveBackward0", linalg_lu_solve, .vjp = lu_solve_vjp,
              .saves = {0b011 | kSaveResult, 0, 0b011}),
    FACULA_OP("_linalg_solve_triangular", Contraction, "LinalgSolveTriangularBackward0", linalg_solve_triangular,
              .vjp = solve_triangular_vjp, .saves = {0b01 | kSaveResult, 0b01 | kSaveResult}),
    FACULA_OP("_triangular_solve", Contraction, "TriangularSolveBackward0", triangular_solve,
              .vjp = triangular_solve_vjp, .saves = {0b10 | kSaveResult, 0b10 | kSaveResult}),
    FACULA_OP("cholesky_solve", Contraction, "CholeskySolveBackward0", cholesky_solve, .vjp = cholesky_solve_vjp,
              .saves = {0b10 | kSaveResult, 0b10 | kSaveResult}),
    FACULA_OP("cholesky_inverse", Contraction, "CholeskyInverseBackward0", cholesky_inverse,
              .vjp = cholesky_inverse_vjp, .saves = {0b01 | kSaveResult}),
    FACULA_OP("_linalg_ldl_solve", Contraction, "NotImplemented", ldl_solve, .vjp = ldl_solve_vjp),
};

}  // namespace

extern const OpFamily kLinalgSolveFamily;
const OpFamily kLinalgSolveFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
