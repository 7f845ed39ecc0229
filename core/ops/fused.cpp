// Softmax and log-softmax, and dropout. Losses are in loss.cpp and class_loss.cpp.
#include "base/gil.h"
#include "cpu/softmax.h"
#include "ops/axis.h"

namespace facula {

namespace {

Tensor softmax_forward(bool log, const Tensor& given, int64_t dim, std::optional<DType> dtype) {
  Tensor x = ops::contiguous_memory(dtype ? ops::converted_memory(given, *dtype) : given);
  Axis a = axis_of(x->sizes, wrap_dim(dim, x->ndim()));
  Tensor out = empty(x->sizes, x->dtype);
  bool done;
  {
    GilRelease unlocked(out->numel > kLongWork / 4);
    done = cpu::softmax().forward(log, {x->dtype, a.outer, a.size, a.inner}, x->data(), out->data());
  }
  FACULA_CHECK(done, NotImplemented, log ? "\"log_softmax_lastdim_kernel_impl\"" : "\"softmax_lastdim_kernel_impl\"",
               " not implemented for '", scalar_type_name(x->dtype), "'");
  return out;
}
Tensor softmax(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  return softmax_forward(false, x, dim, dtype);
}
Tensor log_softmax(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  return softmax_forward(true, x, dim, dtype);
}

Tensor backward_of(bool log, const Tensor& g, const Tensor& y, int64_t dim) {
  Axis a = axis_of(y->sizes, wrap_dim(dim, y->ndim()));
  Tensor grad = ops::contiguous_memory(ops::converted_memory(g, y->dtype)), result = ops::contiguous_memory(y);
  Tensor out = empty(y->sizes, y->dtype);
  GilRelease unlocked(out->numel > kLongWork / 4);
  cpu::softmax().backward(log, {y->dtype, a.outer, a.size, a.inner}, grad->data(), result->data(), out->data());
  return out;
}
Tensor softmax_backward(const Tensor& g, const Tensor& y, int64_t dim) { return backward_of(false, g, y, dim); }
Tensor log_softmax_backward(const Tensor& g, const Tensor& y, int64_t dim) { return backward_of(true, g, y, dim); }
void softmax_vjp(Backward& b) {
  static const OpDef& op = find_op("_softmax_backward");
  b.set(0, call(op, b.grad(), b.result(), b.arg(1)));
}
void log_softmax_vjp(Backward& b) {
  static const OpDef& op = find_op("_log_softmax_backward");
  b.set(0, call(op, b.grad(), b.result(), b.arg(1)));
}

Tensor sum_along(const Tensor& x, int64_t dim) {
  const Dims dims{dim};
  return ops::sum(x, &dims, true);
}
// Of y (g - sum(g y)): linear in g and symmetric, so its gradient to g is the same function.
void softmax_backward_vjp(Backward& b) {
  static const OpDef& op = find_op("_softmax_backward");
  Tensor gg = b.grad(), y = b.input(1);
  int64_t dim = b.arg(2).number.i;
  if (b.needs(0)) b.set(0, call(op, gg, y, dim));
  if (!b.needs(1)) return;
  Tensor g = b.input(0);
  Tensor first = ops::mul(gg, ops::sub(g, sum_along(ops::mul(g, y), dim)));
  b.set(1, ops::sub(first, ops::mul(g, sum_along(ops::mul(gg, y), dim))));
}
// Of g - exp(y) sum(g).
void log_softmax_backward_vjp(Backward& b) {
  Tensor gg = b.grad(), p = ops::exp(b.input(1));
  int64_t dim = b.arg(2).number.i;
  if (b.needs(0)) b.set(0, ops::sub(gg, sum_along(ops::mul(gg, p), dim)));
  if (b.needs(1)) b.set(1, ops::neg(ops::mul(ops::mul(gg, p), sum_along(b.input(0), dim))));
}

// As PyTorch's CPU: a mask of bernoulli(1 - p), divided by 1 - p, times x. The generator is the default one.
Tensor dropout(const Tensor& x, double p, bool train) {
  static const OpDef& bernoulli = find_op("bernoulli_");
  FACULA_CHECK(p >= 0 && p <= 1, Value, "dropout probability has to be between 0 and 1, but got ", p);
  if (!train || p == 0 || x->numel == 0) return x;
  if (p == 1) return ops::mul(x, ops::zeros({}, x->dtype));
  Tensor mask = empty_like(x);
  {
    GradMode off(false);
    call_inplace(bernoulli, mask, 1 - p, nullptr);
    static const OpDef& div = find_op("div");
    call_inplace(div, mask, 1 - p);
  }
  return ops::mul(x, mask);
}

const OpDef kOps[] = {
    FACULA_OP("_softmax", Fused, "SoftmaxBackward0", softmax, .vjp = softmax_vjp, .saves = {kSaveResult}),
    FACULA_OP("_softmax_backward", Fused, "SoftmaxBackwardDataBackward0", softmax_backward, .vjp = softmax_backward_vjp,
              .saves = {1 << 1, 3}),
    FACULA_OP("_log_softmax", Fused, "LogSoftmaxBackward0", log_softmax, .vjp = log_softmax_vjp,
              .saves = {kSaveResult}),
    FACULA_OP("_log_softmax_backward", Fused, "LogSoftmaxBackwardDataBackward0", log_softmax_backward,
              .vjp = log_softmax_backward_vjp, .saves = {1 << 1, 3}),
    FACULA_OP("_dropout", Random, nullptr, dropout),
};

}  // namespace

extern const OpFamily kFusedFamily;
const OpFamily kFusedFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
