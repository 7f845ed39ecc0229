// Running reductions along a dimension: cumsum, cumprod, cummax, cummin, logcumsumexp.
#include "cpu/scan.h"

#include <limits>

#include "base/gil.h"
#include "cpu/index.h"
#include "ops/axis.h"

namespace facula {

namespace {

Tensor scan(const char* name, cpu::ScanOp how, const Tensor& x, int64_t dim, DType dtype) {
  dim = wrap_dim(dim, x->ndim());
  FACULA_CHECK(dtype != DType::Bool || x->ndim() == 0, NotImplemented, "\"", name, "\" not implemented for 'Bool'");
  Axis a = axis_of(x->sizes, dim);
  Tensor src = ops::contiguous_memory(x), out = empty(x->sizes, dtype);
  if (out->numel == 0) return out;
  bool done;
  {
    GilRelease unlocked(out->numel > kLongWork);
    done = cpu::scan().scan(how, {x->dtype, dtype, a.outer, a.size, a.inner}, src->data(), out->data());
  }
  FACULA_CHECK(done, NotImplemented, "\"", name, "\" not implemented for '", scalar_type_name(x->dtype), "'");
  return out;
}
DType sum_type(const Tensor& x, std::optional<DType> wanted) {
  return wanted.value_or(is_integral(x->dtype) ? DType::Int64 : x->dtype);
}
Tensor cumsum(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  return scan("cumsum_out_cpu", cpu::ScanOp::Sum, x, dim, sum_type(x, dtype));
}
Tensor cumprod(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  return scan("cumprod_out_cpu", cpu::ScanOp::Prod, x, dim, sum_type(x, dtype));
}
Tensor logcumsumexp(const Tensor& x, int64_t dim) {
  return scan("logcumsumexp_out_cpu", cpu::ScanOp::LogSumExp, x, dim, is_integral(x->dtype) ? default_dtype : x->dtype);
}

// ---- derivatives ----

// op(x) run from the end of the dimension.
template <class... A>
Tensor reversed(const OpDef& op, const Tensor& x, int64_t dim, const A&... rest) {
  static const OpDef& flip = find_op("flip");
  Dims dims{dim};
  if (x->ndim() == 0) dims.clear();
  return call(flip, call(op, call(flip, x, dims), dim, rest...), dims);
}
Tensor reversed_cumsum(const Tensor& x, int64_t dim) {
  static const OpDef& op = find_op("cumsum");
  return reversed(op, x, dim, nullptr);
}
void cumsum_vjp(Backward& b) { b.set(0, reversed_cumsum(b.grad(), b.arg(1).number.i)); }

// sum_j>=k of g_j * product of x_i over i <= j, i != k: for one k after the other, because x holds zeros.
Tensor cumprod_gradient_with_zeros(const Tensor& g, const Tensor& x, const Tensor& y, int64_t dim) {
  static const OpDef& op = find_op("cumprod");
  const int64_t n = x->sizes[dim];
  const Dims along{dim};
  TensorList gradients;
  for (int64_t k = 0; k < n; ++k) {
    Tensor own = ops::slice(g, dim, k, k + 1, 1);
    if (k + 1 < n) {
      Tensor behind = call(op, ops::slice(x, dim, k + 1, n, 1), dim, nullptr);
      own = ops::add(own, ops::sum(ops::mul(ops::slice(g, dim, k + 1, n, 1), behind), &along, true));
    }
    gradients.push_back(k == 0 ? own : ops::mul(own, ops::slice(y, dim, k - 1, k, 1)));
  }
  return ops::cat(gradients, dim);
}
bool has_zero(const Tensor& x) {
  GradMode off(false);
  Tensor zero = ops::contiguous_memory(ops::eq(x, Scalar(0)));
  return cpu::index().count(zero->numel, zero->data()) > 0;
}
void cumprod_vjp(Backward& b) {
  Tensor g = b.grad(), y = ops::conj(b.result()), x = ops::conj(b.input(0));
  if (x->dtype != y->dtype) x = ops::to_dtype(x, y->dtype);
  if (x->ndim() == 0 || x->numel == 0) return b.set(0, g);
  int64_t dim = wrap_dim(b.arg(1).number.i, x->ndim());
  b.set(0, has_zero(x) ? cumprod_gradient_with_zeros(g, x, y, dim) : ops::div(reversed_cumsum(ops::mul(g, y), dim), x));
}

// The same for a holomorphic function: of the conjugate gradient, conjugated. A complex gradient needs no sign apart.
Tensor complex_logcumsumexp_gradient(const Tensor& g, const Tensor& x, const Tensor& y, int64_t dim) {
  static const OpDef& op = find_op("logcumsumexp");
  const Scalar nothing(double{std::numeric_limits<float>::lowest()});
  Tensor is_zero = ops::eq(g, Scalar(0)), logs = ops::log(ops::where(is_zero, Scalar(1.0), g));
  logs = ops::where(is_zero, nothing, logs);
  return ops::conj(ops::exp(ops::add(reversed(op, ops::sub(logs, y), dim), x)));
}
// dx_i = sum_j>=i of g_j exp(x_i - y_j); the sum is taken in logarithms, for positive and negative g apart.
void logcumsumexp_vjp(Backward& b) {
  static const OpDef& op = find_op("logcumsumexp");
  Tensor g = b.grad(), x = b.input(0), y = b.result();
  int64_t dim = b.arg(1).number.i;
  if (is_complex(x->dtype)) return b.set(0, complex_logcumsumexp_gradient(ops::conj(g), x, y, dim));
  // The logarithm of nothing: finite, so that second derivatives are not inf - inf.
  const Scalar nothing(g->dtype == DType::Float16 ? -65504.0 : double{std::numeric_limits<float>::lowest()});
  Tensor is_zero = ops::eq(g, Scalar(0)), positive = ops::ge(g, Scalar(0));
  Tensor size = ops::log(ops::abs(ops::where(is_zero, Scalar(1.0), g)));
  size = ops::where(is_zero, nothing, size);
  auto part = [&](const Tensor& logs) {
    Tensor sums = reversed(op, ops::sub(logs, y), dim);
    return ops::exp(ops::add(sums, x));
  };
  b.set(0, ops::sub(part(ops::where(positive, size, nothing)), part(ops::where(positive, nothing, size))));
}

// ---- extremes ----

std::tuple<Tensor, Tensor> running_extreme(bool largest, const Tensor& x, int64_t dim) {
  dim = wrap_dim(dim, x->ndim());
  Axis a = axis_of(x->sizes, dim);
  Tensor src = ops::contiguous_memory(x), values = empty(x->sizes, x->dtype), index = empty(x->sizes, DType::Int64);
  if (values->numel == 0) return {values, index};
  bool done;
  {
    GilRelease unlocked(values->numel > kLongWork);
    done = cpu::scan().extreme(largest, {x->dtype, x->dtype, a.outer, a.size, a.inner}, src->data(), values->data(),
                               index->ptr<int64_t>());
  }
  FACULA_CHECK(done, NotImplemented, largest ? "\"cummax_cpu\"" : "\"cummin_cpu\"", " not implemented for '",
               scalar_type_name(x->dtype), "'");
  return {values, index};
}
std::tuple<Tensor, Tensor> cummax(const Tensor& x, int64_t dim) { return running_extreme(true, x, dim); }
std::tuple<Tensor, Tensor> cummin(const Tensor& x, int64_t dim) { return running_extreme(false, x, dim); }
void extreme_vjp(Backward& b) {
  static const OpDef& add = find_op("scatter_add");
  if (!b.has_grad(0)) return;
  Tensor g = b.grad(), out = ops::zeros(b.sizes(0), g->dtype);
  call_inplace(add, out, b.arg(1).number.i, b.result(1), g);
  b.set(0, out);
}

const OpDef kOps[] = {
    FACULA_OP("cumsum", Scan, "CumsumBackward0", cumsum, .vjp = cumsum_vjp),
    FACULA_OP("cumprod", Scan, "CumprodBackward0", cumprod, .vjp = cumprod_vjp, .saves = {1 << 0 | kSaveResult}),
    FACULA_OP("logcumsumexp", Scan, "LogcumsumexpBackward0", logcumsumexp, .vjp = logcumsumexp_vjp,
              .saves = {1 << 0 | kSaveResult}),
    FACULA_OP("_cummax", Scan, "CummaxBackward0", cummax, .vjp = extreme_vjp, .saves = {kSaveResult1}),
    FACULA_OP("_cummin", Scan, "CumminBackward0", cummin, .vjp = extreme_vjp, .saves = {kSaveResult1}),
};

}  // namespace

extern const OpFamily kScanFamily;
const OpFamily kScanFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
