// Batches of matrices for LAPACK and the algebra of their derivatives; declared in linalg.h. No operation here.
#include "ops/linalg.h"

#include <cmath>

namespace facula {

// ---- memory ----

static Dims column_strides(const Dims& sizes) {
  const size_t n = sizes.size();
  Dims swapped = sizes;
  std::swap(swapped[n - 1], swapped[n - 2]);
  Dims strides = contiguous_strides(swapped);
  std::swap(strides[n - 1], strides[n - 2]);
  return strides;
}
Tensor empty_columns(const Dims& batch, int64_t rows, int64_t columns, DType dtype) {
  Dims sizes = with_sizes(batch, {rows, columns});
  return empty_strided(sizes, column_strides(sizes), dtype);
}
Tensor copied_columns(const Tensor& x, const Dims& batch) {
  Tensor out = empty_columns(batch, rows_of(x), columns_of(x), x->dtype);
  if (out->numel) ops::copy_memory(out, x);
  return out;
}
Tensor copied_columns(const Tensor& x) { return copied_columns(x, batch_sizes(x)); }
Tensor column_memory(const Tensor& x) {
  const size_t n = x->sizes.size();
  Dims sizes = x->sizes, strides = x->strides;
  std::swap(sizes[n - 1], sizes[n - 2]);
  std::swap(strides[n - 1], strides[n - 2]);
  return is_contiguous(sizes, strides) ? x : copied_columns(x);
}
Tensor identity_columns(const Dims& batch, int64_t n, DType dtype) {
  Tensor out = empty_columns(batch, n, n, dtype);
  ops::fill_memory(out, Scalar(0));
  Dims sizes = batch, strides(out->strides.begin(), out->strides.end() - 2);
  sizes.push_back(n);
  strides.push_back(n + 1);
  if (out->numel) ops::fill_memory(alias(out, sizes, strides, out->byte_offset), Scalar(1));
  return out;
}

Columns::Columns(const Tensor& x) {
  const int64_t m = rows_of(x), n = columns_of(x);
  FACULA_CHECK(m < INT32_MAX && n < INT32_MAX, Runtime, "linear algebra: a matrix of ", m, " by ", n,
               " is too large for LAPACK's 32-bit integers");
  rows = static_cast<int>(m);
  columns = static_cast<int>(n);
  lead = std::max(1, rows);
  step = m * n;
  count = 1;
  for (size_t d = 0; d + 2 < x->sizes.size(); ++d) count *= x->sizes[d];
}

// ---- checks ----

void check_matrices(const char* name, const Tensor& x, const char* argument) {
  FACULA_CHECK(x->ndim() >= 2, Runtime, name, ": The input tensor ", argument,
               " must have at least 2 dimensions, but its shape is ", x->sizes);
}
void check_square(const char* name, const Tensor& x, const char* argument) {
  check_matrices(name, x, argument);
  FACULA_CHECK(rows_of(x) == columns_of(x), Runtime, name, ": ", argument,
               " must be batches of square matrices, but they are ", rows_of(x), " by ", columns_of(x), " matrices");
}
void check_float(const char* name, const Tensor& x, bool low_precision) {
  FACULA_CHECK(!is_integral(x->dtype), Runtime, name, ": Expected a floating point or complex tensor as input. Got ",
               scalar_type_name(x->dtype));
  FACULA_CHECK(low_precision || (x->dtype >= DType::Float32 && !is_barebones(x->dtype)), Runtime, name,
               ": Low precision dtypes not supported. Got ", scalar_type_name(x->dtype), "; use x.float()");
}
Failure first_failure(const Tensor& info) {
  const int* values = info->ptr<int>();
  for (int64_t i = 0; i < info->numel; ++i)
    if (values[i]) return {info->ndim() ? "(Batch element " + std::to_string(i) + "): " : std::string(), values[i]};
  return {};
}

// ---- algebra ----

namespace matrix {

Tensor tril(const Tensor& x, int64_t diagonal) {
  static const OpDef& op = find_op("tril");
  return call(op, x, diagonal);
}
Tensor triu(const Tensor& x, int64_t diagonal) {
  static const OpDef& op = find_op("triu");
  return call(op, x, diagonal);
}
Tensor conj(const Tensor& x) {
  if (!is_complex(x->dtype)) return x;
  static const OpDef& op = find_op("_conj");
  return call(op, x);
}
Tensor mT(const Tensor& x) { return ops::transpose(x, -2, -1); }
Tensor mH(const Tensor& x) { return conj(mT(x)); }
static Tensor part(const Tensor& x, int64_t which) {
  static const OpDef& op = find_op("view_as_real");
  return ops::select(call(op, x), -1, which);
}
Tensor real(const Tensor& x) { return is_complex(x->dtype) ? part(x, 0) : x; }
Tensor imaginary(const Tensor& x) { return part(x, 1); }
Tensor times_i(const Tensor& x) { return ops::mul(x, Scalar(0.0, 1.0)); }
Tensor diagonal(const Tensor& x) {
  static const OpDef& op = find_op("diagonal");
  return call(op, x, 0, -2, -1);
}
Tensor diagonal_matrix(const Tensor& d) {
  static const OpDef& op = find_op("_embed");
  const int64_t n = d->sizes.back();
  Dims sizes = with_sizes(d->sizes, {n}), strides = contiguous_strides(sizes);
  strides.pop_back();
  strides.back() = n + 1;
  return call(op, d, sizes, strides, 0);
}
Tensor columns(const Tensor& x, int64_t begin, int64_t end) { return ops::slice(x, -1, begin, end, 1); }
Tensor rows(const Tensor& x, int64_t begin, int64_t end) { return ops::slice(x, -2, begin, end, 1); }
Tensor column_scale(const Tensor& d) { return ops::unsqueeze(d, -2); }
Tensor row_scale(const Tensor& d) { return ops::unsqueeze(d, -1); }
Tensor solve(const Tensor& a, const Tensor& b) {
  static const OpDef& op = find_op("_linalg_solve_ex");
  return call_all(op, a, b, true, unnamed()).tensors[0];
}
Tensor solve_triangular(const Tensor& a, const Tensor& b, bool upper, bool left, bool unit) {
  static const OpDef& op = find_op("_linalg_solve_triangular");
  return call(op, a, b, upper, left, unit);
}
Tensor lu_solve(const Tensor& lu, const Tensor& pivots, const Tensor& b, bool left, bool adjoint) {
  static const OpDef& op = find_op("_linalg_lu_solve");
  return call(op, lu, pivots, b, left, adjoint);
}
Svd svd(const Tensor& a) {
  static const OpDef& op = find_op("_linalg_svd");
  Result r = call_all(op, a, false, true);
  return {r.tensors[0], r.tensors[1], r.tensors[2]};
}
bool is_about_zero(const Tensor& x) {
  Tensor flat = ops::converted_memory(ops::contiguous_memory(x), DType::Float64);
  const double* values = flat->ptr<double>();
  return std::all_of(values, values + flat->numel, [](double v) { return std::abs(v) <= 1e-2; });
}

}  // namespace matrix

}  // namespace facula
