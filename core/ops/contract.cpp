// Products of matrices: shapes, transposed operands without copies, derivatives. The loops are BLAS or
// runtime/blas.cpp.
#include <algorithm>
#include <cstring>

#include "base/gil.h"
#include "ops/checked.h"
#include "ops/ops.h"
#include "ops/promote.h"
#include "runtime/gemm.h"

namespace facula {

namespace {

void same_dtype(const char* name, const Tensor& a, const Tensor& b) {
  FACULA_CHECK(a->dtype == b->dtype, Runtime, name,
               "(): expected m1 and m2 to have the same dtype, but got: ", name_of(a->dtype), " != ", name_of(b->dtype),
               "; convert one, e.g. b.to(a.dtype)");
  FACULA_CHECK(a->dtype != DType::Bool, NotImplemented, "\"", name, "\" not implemented for 'Bool'");
}

// The matrix of the last two dimensions as BLAS wants it: rows or columns contiguous. Anything else is copied.
struct Matrix {
  Tensor keep;
  const char* data;
  bool transposed;
  int64_t lead;
};
Matrix as_matrix(const Tensor& t) {
  int64_t n = t->ndim(), rows = t->sizes[n - 2], columns = t->sizes[n - 1];
  int64_t row = t->strides[n - 2], column = t->strides[n - 1];
  if ((column == 1 || columns <= 1) && (rows <= 1 || row >= std::max<int64_t>(columns, 1)))
    return {t, t->data(), false, rows <= 1 ? std::max<int64_t>(columns, 1) : row};
  if ((row == 1 || rows <= 1) && (columns <= 1 || column >= std::max<int64_t>(rows, 1)))
    return {t, t->data(), true, columns <= 1 ? std::max<int64_t>(rows, 1) : column};
  Tensor copy = ops::contiguous_memory(t);
  return {copy, copy->data(), false, std::max<int64_t>(columns, 1)};
}

// out = alpha a @ b + beta out, for a [m, k], b [k, n], out contiguous.
void multiply(const Tensor& a, const Tensor& b, const Tensor& out, double alpha, double beta) {
  Matrix x = as_matrix(a), y = as_matrix(b);
  int64_t m = a->sizes[0], k = a->sizes[1], n = b->sizes[1];
  GilRelease unlocked(m * n * k > kLongWork);
  gemm(out->dtype, x.transposed, y.transposed, m, n, k, alpha, x.data, x.lead, y.data, y.lead, beta, out->data(),
       std::max<int64_t>(n, 1));
}

// out = alpha a @ b + beta input, whose rows are `lead` apart.
void add_product(const Tensor& input, int64_t lead, const Tensor& a, const Tensor& b, const Tensor& out, double alpha,
                 double beta) {
  Matrix x = as_matrix(a), y = as_matrix(b);
  int64_t m = a->sizes[0], k = a->sizes[1], n = b->sizes[1];
  GilRelease unlocked(m * n * k > kLongWork);
  gemm_add(out->dtype, x.transposed, y.transposed, m, n, k, alpha, x.data, x.lead, y.data, y.lead, beta, input->data(),
           lead, out->data(), n);
}

Tensor mm(const Tensor& a, const Tensor& b) {
  FACULA_CHECK(a->ndim() == 2, Runtime, "self must be a matrix: mm() got a tensor of shape ", a->sizes,
               "; use matmul() for other shapes");
  FACULA_CHECK(b->ndim() == 2, Runtime, "mat2 must be a matrix: mm() got a tensor of shape ", b->sizes,
               "; use matmul() for other shapes");
  int64_t m = a->sizes[0], k = a->sizes[1], n = b->sizes[1];
  if (k != b->sizes[0]) {
    std::ostringstream hint;
    if (k == b->sizes[1]) hint << "; did you mean `b.T`";
    if (b->numel % std::max<int64_t>(k, 1) == 0 && k > 0)
      hint << (hint.str().empty() ? "; did you mean `b.view(" : " or `b.view(") << k << ", " << b->numel / k << ")`";
    fail(ErrorKind::Runtime, "mat1 and mat2 shapes cannot be multiplied (", m, "x", k, " and ", b->sizes[0], "x", n,
         "): ", k, " != ", b->sizes[0], hint.str(), hint.str().empty() ? "" : "?");
  }
  same_dtype("mm", a, b);
  Tensor out = empty({m, n}, a->dtype);
  if (out->numel) multiply(a, b, out, 1, 0);
  return out;
}
void mm_vjp(Backward& b) {
  Tensor g = b.grad();
  if (b.needs(0)) b.set(0, ops::mm(g, ops::t(ops::conj(b.input(1)))));
  if (b.needs(1)) b.set(1, ops::mm(ops::t(ops::conj(b.input(0))), g));
}

Tensor bmm(const Tensor& a, const Tensor& b) {
  FACULA_CHECK(a->ndim() == 3, Runtime, "batch1 must be a 3D tensor");
  FACULA_CHECK(b->ndim() == 3, Runtime, "batch2 must be a 3D tensor");
  FACULA_CHECK(a->sizes[0] == b->sizes[0] && a->sizes[2] == b->sizes[1], Runtime,
               "Expected size for first two dimensions of batch2 tensor to be: [", a->sizes[0], ", ", a->sizes[2],
               "] but got: [", b->sizes[0], ", ", b->sizes[1], "].");
  same_dtype("bmm", a, b);
  int64_t batch = a->sizes[0], m = a->sizes[1], k = a->sizes[2], n = b->sizes[2];
  Tensor out = empty({batch, m, n}, a->dtype);
  if (out->numel == 0) return out;
  Matrix x = as_matrix(a), y = as_matrix(b);
  GilRelease unlocked(batch * m * n * k > kLongWork);
  gemm_batched(out->dtype, x.transposed, y.transposed, batch, m, n, k, 1, x.data, x.lead, x.keep->strides[0], y.data,
               y.lead, y.keep->strides[0], 0, out->data(), n, m * n);
  return out;
}
void bmm_vjp(Backward& b) {
  Tensor g = b.grad();
  if (b.needs(0)) b.set(0, ops::bmm(g, ops::transpose(ops::conj(b.input(1)), 1, 2)));
  if (b.needs(1)) b.set(1, ops::bmm(ops::transpose(ops::conj(b.input(0)), 1, 2), g));
}

Tensor mv(const Tensor& a, const Tensor& x) {
  FACULA_CHECK(a->ndim() == 2 && x->ndim() == 1, Runtime, "vector + matrix @ vector expected, got ", 1, ", ", a->ndim(),
               ", ", x->ndim());
  FACULA_CHECK(a->sizes[1] == x->sizes[0], Runtime, "size mismatch, got input (", a->sizes[0], "), mat (", a->sizes[0],
               "x", a->sizes[1], "), vec (", x->sizes[0], ")");
  same_dtype("mv", a, x);
  Tensor out = empty({a->sizes[0]}, a->dtype);
  if (out->numel == 0) return out;
  Tensor column = alias(x, {x->sizes[0], 1}, {x->strides[0], 1}, x->byte_offset);
  multiply(a, column, alias(out, {a->sizes[0], 1}, {1, 1}, 0), 1, 0);
  return out;
}
Tensor outer_product(const Tensor& a, const Tensor& b) { return ops::mul(ops::unsqueeze(a, 1), ops::unsqueeze(b, 0)); }
void mv_vjp(Backward& b) {
  static const OpDef& op = find_op("mv");
  Tensor g = b.grad();
  if (b.needs(0)) b.set(0, outer_product(g, ops::conj(b.input(1))));
  if (b.needs(1)) b.set(1, call(op, ops::t(ops::conj(b.input(0))), g));
}

Tensor dot(const Tensor& a, const Tensor& b) {
  FACULA_CHECK(a->ndim() == 1 && b->ndim() == 1, Runtime, "1D tensors expected, but got ", a->ndim(), "D and ",
               b->ndim(), "D tensors");
  FACULA_CHECK(a->numel == b->numel, Runtime, "inconsistent tensor size, expected tensor [", a->numel, "] and src [",
               b->numel, "] to have the same number of elements, but got ", a->numel, " and ", b->numel,
               " elements respectively");
  FACULA_CHECK(a->dtype == b->dtype, Runtime, "dot : expected both vectors to have same dtype, but found ",
               scalar_type_name(a->dtype), " and ", scalar_type_name(b->dtype));
  FACULA_CHECK(a->dtype != DType::Bool, NotImplemented, "\"dot\" not implemented for 'Bool'");
  Tensor out = empty({}, a->dtype);
  if (a->numel == 0) {
    ops::fill_memory(out, Scalar(0));
    return out;
  }
  Tensor row = alias(a, {1, a->numel}, {1, a->strides[0]}, a->byte_offset);
  if (a->strides[0] == 1) row = alias(a, {1, a->numel}, {a->numel, 1}, a->byte_offset);
  Tensor column = alias(b, {b->numel, 1}, {b->strides[0], 1}, b->byte_offset);
  multiply(row, column, alias(out, {1, 1}, {1, 1}, 0), 1, 0);
  return out;
}
void dot_vjp(Backward& b) {
  if (b.needs(0)) b.set(0, ops::mul(b.grad(), ops::conj(b.input(1))));
  if (b.needs(1)) b.set(1, ops::mul(b.grad(), ops::conj(b.input(0))));
}

Tensor scaled(const Tensor& t, const Scalar& by) { return by.equals(1) ? t : ops::mul(t, by); }

// A factor in the type of integers, which it must not change; refused where the type cannot hold it.
Scalar factor(const Scalar& by, DType dtype) {
  ops::check_fits(by, is_floating(dtype) && item_size(dtype) == 2 ? DType::Float32 : dtype);
  if (is_integral(dtype)) return Scalar(by.to_int());
  return by.kind == Category::Complex && !is_complex(dtype) ? Scalar(by.re) : by;
}

// What is added to a product broadcasts to it, and never enlarges it.
void check_expands(const char* name, const Tensor& input, const Dims& to) {
  const int64_t lead = static_cast<int64_t>(to.size()) - input->ndim();
  bool fits = lead >= 0;
  for (int64_t d = 0; fits && d < input->ndim(); ++d) fits = input->sizes[d] == 1 || input->sizes[d] == to[lead + d];
  FACULA_CHECK(fits, Runtime, name, "(): The expanded size of the tensor ", to, " must match the existing size ",
               input->sizes, " of the input");
}

// beta * input + alpha * (a @ b). input broadcasts to the result.
Tensor addmm(const Tensor& input, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) {
  FACULA_CHECK(a->ndim() == 2 && b->ndim() == 2, Runtime, "addmm(): mat1 and mat2 must be matrices, got ", a->ndim(),
               "-D and ", b->ndim(), "-D tensors");
  FACULA_CHECK(a->sizes[1] == b->sizes[0], Runtime, "mat1 and mat2 shapes cannot be multiplied (", a->sizes[0], "x",
               a->sizes[1], " and ", b->sizes[0], "x", b->sizes[1], "): ", a->sizes[1], " != ", b->sizes[0]);
  same_dtype("addmm", a, b);
  FACULA_CHECK(input->dtype == a->dtype, Runtime, "self and mat1 must have the same dtype, but got ",
               scalar_type_name(input->dtype), " and ", scalar_type_name(a->dtype));
  check_expands("addmm", input, {a->sizes[0], b->sizes[1]});
  alpha = factor(alpha, a->dtype), beta = factor(beta, a->dtype);
  if (alpha.kind == Category::Complex || beta.kind == Category::Complex) {  // BLAS is called with real factors
    GradMode off(false);
    Tensor product = scaled(ops::mm(a, b), alpha);
    return beta.equals(0) ? product : ops::add(scaled(input, beta), product);
  }
  Tensor out = empty({a->sizes[0], b->sizes[1]}, a->dtype);
  bool skip = beta.equals(0);
  if (!out->numel) {
    if (!skip) ops::copy_memory(out, input);
    return out;
  }
  const double scale = skip ? 0 : beta.to_double();
  if (!skip && input->sizes == out->sizes && input->strides[1] == 1 && input->strides[0] >= 0) {
    add_product(input, input->strides[0], a, b, out, alpha.to_double(), scale);
  } else {
    if (!skip) ops::copy_memory(out, input);
    multiply(a, b, out, alpha.to_double(), scale);
  }
  return out;
}
void addmm_vjp(Backward& b) {
  Tensor g = b.grad();
  if (b.needs(0)) b.set(0, scaled(g, ops::conj(b.arg(3).number)));
  Tensor ga = scaled(g, ops::conj(b.arg(4).number));
  if (b.needs(1)) b.set(1, ops::mm(ga, ops::t(ops::conj(b.input(2)))));
  if (b.needs(2)) b.set(2, ops::mm(ops::t(ops::conj(b.input(1))), ga));
}

// What addmv and baddbmm share: the checks of their types, and beta * input in place, to which the product is added.
bool starts_with_input(const char* name, const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta,
                       const Tensor& out) {
  same_dtype(name, a, b);
  FACULA_CHECK(input->dtype == a->dtype, Runtime, name, "(): the input must have the dtype of the factors, but got ",
               scalar_type_name(input->dtype), " and ", scalar_type_name(a->dtype));
  if (beta.equals(0)) return false;
  ops::copy_memory(out, input);
  return true;
}

Tensor baddbmm(const Tensor& input, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) {
  FACULA_CHECK(a->ndim() == 3, Runtime, "batch1 must be a 3D tensor");
  FACULA_CHECK(b->ndim() == 3, Runtime, "batch2 must be a 3D tensor");
  FACULA_CHECK(a->sizes[0] == b->sizes[0] && a->sizes[2] == b->sizes[1], Runtime,
               "Expected size for first two dimensions of batch2 tensor to be: [", a->sizes[0], ", ", a->sizes[2],
               "] but got: [", b->sizes[0], ", ", b->sizes[1], "].");
  check_expands("baddbmm", input, {a->sizes[0], a->sizes[1], b->sizes[2]});
  alpha = factor(alpha, a->dtype), beta = factor(beta, a->dtype);
  if (alpha.kind == Category::Complex || beta.kind == Category::Complex) {  // BLAS is called with real factors
    GradMode off(false);
    Tensor product = scaled(ops::bmm(a, b), alpha);
    return beta.equals(0) ? product : ops::add(scaled(input, beta), product);
  }
  int64_t batch = a->sizes[0], m = a->sizes[1], k = a->sizes[2], n = b->sizes[2];
  Tensor out = empty({batch, m, n}, a->dtype);
  const bool added = starts_with_input("baddbmm", input, a, b, beta, out);
  if (out->numel == 0) return out;
  Matrix x = as_matrix(a), y = as_matrix(b);
  GilRelease unlocked(batch * m * n * k > kLongWork);
  gemm_batched(out->dtype, x.transposed, y.transposed, batch, m, n, k, alpha.to_double(), x.data, x.lead,
               x.keep->strides[0], y.data, y.lead, y.keep->strides[0], added ? beta.to_double() : 0, out->data(), n,
               m * n);
  return out;
}
void baddbmm_vjp(Backward& b) {
  Tensor g = b.grad();
  if (b.needs(0)) b.set(0, scaled(g, ops::conj(b.arg(3).number)));
  Tensor ga = scaled(g, ops::conj(b.arg(4).number));
  if (b.needs(1)) b.set(1, ops::bmm(ga, ops::transpose(ops::conj(b.input(2)), 1, 2)));
  if (b.needs(2)) b.set(2, ops::bmm(ops::transpose(ops::conj(b.input(1)), 1, 2), ga));
}

Tensor addmv(const Tensor& input, const Tensor& a, const Tensor& x, Scalar beta, Scalar alpha) {
  FACULA_CHECK(a->ndim() == 2 && x->ndim() == 1, Runtime, "vector + matrix @ vector expected, got ", input->ndim(),
               ", ", a->ndim(), ", ", x->ndim());
  FACULA_CHECK(a->sizes[1] == x->sizes[0], Runtime, "size mismatch, got input (", a->sizes[0], "), mat (", a->sizes[0],
               "x", a->sizes[1], "), vec (", x->sizes[0], ")");
  alpha = factor(alpha, a->dtype), beta = factor(beta, a->dtype);
  if (alpha.kind == Category::Complex || beta.kind == Category::Complex) {
    static const OpDef& op = find_op("mv");
    GradMode off(false);
    Tensor product = scaled(call(op, a, x), alpha);
    return beta.equals(0) ? product : ops::add(scaled(input, beta), product);
  }
  Tensor out = empty({a->sizes[0]}, a->dtype);
  const bool added = starts_with_input("addmv", input, a, x, beta, out);
  if (out->numel == 0) return out;
  Tensor column = alias(x, {x->sizes[0], 1}, {x->strides[0], 1}, x->byte_offset);
  multiply(a, column, alias(out, {a->sizes[0], 1}, {1, 1}, 0), alpha.to_double(), added ? beta.to_double() : 0);
  return out;
}
void addmv_vjp(Backward& b) {
  static const OpDef& op = find_op("mv");
  Tensor g = b.grad();
  if (b.needs(0)) b.set(0, scaled(g, ops::conj(b.arg(3).number)));
  Tensor ga = scaled(g, ops::conj(b.arg(4).number));
  if (b.needs(1)) b.set(1, outer_product(ga, ops::conj(b.input(2))));
  if (b.needs(2)) b.set(2, call(op, ops::t(ops::conj(b.input(1))), ga));
}

// ---- linear: input [..., in] @ weight [out, in] transposed + bias [out] ----

Tensor linear_forward(const Tensor& rows, const Tensor& weight, MaybeTensor bias) {
  int64_t m = rows->sizes[0], k = rows->sizes[1], n = weight->sizes[0];
  Tensor out = empty({m, n}, rows->dtype);
  if (out->numel == 0) return out;
  const bool one_row = bias && (*bias)->numel == n && (*bias)->is_contiguous();
  if (bias && !one_row) ops::copy_memory(out, *bias);
  Matrix x = as_matrix(rows), w = as_matrix(weight);
  GilRelease unlocked(m * n * k > kLongWork);
  if (one_row)
    gemm_add(out->dtype, x.transposed, !w.transposed, m, n, k, 1, x.data, x.lead, w.data, w.lead, 1, (*bias)->data(), 0,
             out->data(), n);
  else
    gemm(out->dtype, x.transposed, !w.transposed, m, n, k, 1, x.data, x.lead, w.data, w.lead, bias ? 1 : 0, out->data(),
         n);
  return out;
}
// grad_fn names as PyTorch's: a matrix with bias shows AddmmBackward0, without MmBackward0.
void linear_vjp(Backward& b) {
  Tensor g = b.grad();
  if (b.needs(0)) b.set(0, ops::mm(g, ops::conj(b.input(1))));
  if (b.needs(1)) b.set(1, ops::mm(ops::t(g), ops::conj(b.input(0))));
  if (b.needs(2)) {
    Dims rows{0};
    b.set(2, ops::sum(g, &rows, false));
  }
}

// A bias of several dimensions broadcasts to the result, of which one row counts as a matrix; it must not enlarge it.
Tensor add_bias(const Tensor& y, const Tensor& bias) {
  Dims sizes = y->sizes, all = y->sizes;
  if (sizes.size() == 1) sizes.insert(0, 1), all.insert(0, 1);
  broadcast_into(all, bias->sizes);
  FACULA_CHECK(all == sizes, Runtime, "The expanded size of the tensor ", sizes, " must match the existing size ",
               bias->sizes, ": linear()'s bias");
  return ops::reshape(ops::add(y, bias), y->sizes);
}
Tensor linear(const Tensor& x, const Tensor& weight, MaybeTensor bias) {
  FACULA_CHECK(weight->ndim() == 2 || weight->ndim() == 1, Runtime, "linear(): weight must be a matrix, got shape ",
               weight->sizes);
  FACULA_CHECK(x->ndim() > 0, Runtime, "both arguments to linear need to be at least 1D, but they are 0D and ",
               weight->ndim(), "D");
  if (weight->ndim() == 1) {
    Tensor y = ops::matmul(x, weight);
    return bias ? ops::add(y, *bias) : y;
  }
  int64_t k = x->sizes.back(), n = weight->sizes[0];
  FACULA_CHECK(k == weight->sizes[1], Runtime, "mat1 and mat2 shapes cannot be multiplied (", k ? x->numel / k : 0, "x",
               k, " and ", weight->sizes[1], "x", n, "): linear() got input with ", k, " features, but weight ",
               weight->sizes, " takes ", weight->sizes[1]);
  same_dtype("linear", x, weight);
  if (bias) {
    FACULA_CHECK((*bias)->dtype == x->dtype, Runtime, "self and mat2 must have the same dtype, but got ",
                 scalar_type_name((*bias)->dtype), " and ", scalar_type_name(x->dtype));
    if ((*bias)->ndim() > 1) return add_bias(linear(x, weight, nullptr), *bias);
    FACULA_CHECK((*bias)->numel == n || (*bias)->numel == 1, Runtime, "The expanded size of the tensor (", n,
                 ") must match the existing size (", (*bias)->numel, ") at non-singleton dimension 1: linear()'s bias");
  }
  static const OpDef &with_bias = find_op("_linear_bias"), &without = find_op("_linear");
  Tensor rows =
      x->ndim() == 2
          ? x
          : ops::reshape(x, {k ? x->numel / k : count_elements(Dims(x->sizes.begin(), x->sizes.end() - 1)), k});
  Tensor y = bias ? call(with_bias, rows, weight, *bias) : call(without, rows, weight, nullptr);
  if (x->ndim() == 2) return y;
  Dims sizes = x->sizes;
  sizes.back() = n;
  return ops::view(y, sizes);
}

// ---- matmul: every mixture of vectors, matrices and batches ----

Tensor matmul(const Tensor& a, const Tensor& b) {
  FACULA_CHECK(a->ndim() > 0 && b->ndim() > 0, Runtime,
               "both arguments to matmul need to be at least 1D, but they are ", a->ndim(), "D and ", b->ndim(), "D");
  static const OpDef &dot_op = find_op("dot"), &mv_op = find_op("mv");
  if (a->ndim() == 1 && b->ndim() == 1) return call(dot_op, a, b);
  if (a->ndim() == 2 && b->ndim() == 1) return call(mv_op, a, b);
  if (a->ndim() == 1 && b->ndim() == 2) return ops::squeeze_dims(ops::mm(ops::unsqueeze(a, 0), b), {0});
  if (a->ndim() == 2 && b->ndim() == 2) return ops::mm(a, b);
  if (a->ndim() == 1) return ops::squeeze_dims(ops::matmul(ops::unsqueeze(a, 0), b), {-2});
  if (b->ndim() == 1) return ops::squeeze_dims(ops::matmul(a, ops::unsqueeze(b, 1)), {-1});
  int64_t m = a->sizes[a->ndim() - 2], k = a->sizes[a->ndim() - 1], n = b->sizes[b->ndim() - 1];
  FACULA_CHECK(b->sizes[b->ndim() - 2] == k, Runtime,
               "mat1 and mat2 shapes cannot be multiplied: the last dimension of ", a->sizes,
               " must equal the second last of ", b->sizes, " (", k, " != ", b->sizes[b->ndim() - 2],
               "); did you mean `b.mT`?");
  if (b->ndim() == 2) {  // a batch of rows times one matrix is one product
    Dims sizes = a->sizes;
    sizes.back() = n;
    if (k > 0) return ops::reshape(ops::mm(ops::reshape(a, {-1, k}), b), sizes);
  }
  Dims batch(a->sizes.begin(), a->sizes.end() - 2);
  broadcast_into(batch, Dims(b->sizes.begin(), b->sizes.end() - 2));
  int64_t count = count_elements(batch);
  auto stack = [&](const Tensor& t, int64_t rows, int64_t columns) {
    Dims full = batch;
    full.push_back(rows);
    full.push_back(columns);
    return ops::reshape(t->sizes == full ? t : ops::expand(t, full), {count, rows, columns});
  };
  Tensor out = ops::bmm(stack(a, m, k), stack(b, k, n));
  batch.push_back(m);
  batch.push_back(n);
  return ops::reshape(out, batch);
}

const OpDef kOps[] = {
    FACULA_OP("mm", Contraction, "MmBackward0", mm, .vjp = mm_vjp, .saves = {0b10, 0b01}),
    FACULA_OP("bmm", Contraction, "BmmBackward0", bmm, .vjp = bmm_vjp, .saves = {0b10, 0b01}),
    FACULA_OP("mv", Contraction, "MvBackward0", mv, .vjp = mv_vjp, .saves = {0b10, 0b01}),
    FACULA_OP("dot", Contraction, "DotBackward0", dot, .vjp = dot_vjp, .saves = {0b10, 0b01}),
    FACULA_OP("addmm", Contraction, "AddmmBackward0", addmm, .vjp = addmm_vjp, .saves = {0, 0b100, 0b010}),
    FACULA_OP("baddbmm", Contraction, "BaddbmmBackward0", baddbmm, .vjp = baddbmm_vjp, .saves = {0, 0b100, 0b010}),
    FACULA_OP("addmv", Contraction, "AddmvBackward0", addmv, .vjp = addmv_vjp, .saves = {0, 0b100, 0b010}),
    FACULA_OP("_linear_bias", Contraction, "AddmmBackward0", linear_forward, .vjp = linear_vjp,
              .saves = {0b10, 0b01, 0}),
    FACULA_OP("_linear", Contraction, "MmBackward0", linear_forward, .vjp = linear_vjp, .saves = {0b10, 0b01, 0}),
    FACULA_OP("linear", Contraction, nullptr, linear),
    FACULA_OP("matmul", Contraction, nullptr, matmul),
};

}  // namespace

extern const OpFamily kContractFamily;
const OpFamily kContractFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
