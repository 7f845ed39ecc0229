// Losses of scores against class indices: nll_loss and cross_entropy, one fused pass for the value and one for the
// derivative. Probabilities as targets are composed elsewhere.
#include "base/gil.h"
#include "cpu/loss.h"
#include "ops/axis.h"

namespace facula {

namespace {

using cpu::LossReduction;
using cpu::LossStatus;

// A call in the kernels' terms: scores (N, C, inner), one target a position.
struct ClassCall {
  cpu::ClassLoss loss;
  Tensor scores, target, weight;  // contiguous
  int64_t positions;

  ClassCall(const Tensor& x, const Tensor& given, MaybeTensor w, int64_t reduction, int64_t ignore_index,
            double smoothing) {
    FACULA_CHECK(reduction >= 0 && reduction <= 2, Runtime, "there is no reduction number ", reduction);
    FACULA_CHECK(x->ndim() >= 1, Value, "Expected 1 or more dimensions (got 0)");
    check_target(x, given);
    int64_t classes = x->sizes[x->ndim() == 1 ? 0 : 1], n = x->ndim() == 1 ? 1 : x->sizes[0];
    FACULA_CHECK(!w || ((*w)->ndim() == 1 && (*w)->numel == classes), Runtime,
                 "weight tensor should be defined either for "
                 "all ",
                 classes, " classes or no classes but got weight tensor of shape: ", w ? (*w)->sizes : Dims{});
    FACULA_CHECK(!w || (*w)->dtype == x->dtype, Runtime, "expected scalar type ", scalar_type_name(x->dtype),
                 " but found ", w ? scalar_type_name((*w)->dtype) : "");
    scores = ops::contiguous_memory(x);
    target = ops::contiguous_memory(ops::converted_memory(given, DType::Int64));
    if (w) weight = ops::contiguous_memory(*w);
    positions = target->numel;
    int64_t inner = n > 0 ? positions / n : 1;
    loss = {x->dtype,
            n,
            classes,
            inner,
            scores->data(),
            target->ptr<int64_t>(),
            weight ? weight->data() : nullptr,
            ignore_index,
            smoothing,
            static_cast<LossReduction>(reduction)};
  }
  static void check_target(const Tensor& x, const Tensor& target) {
    if (x->ndim() <= 2) {
      FACULA_CHECK(target->ndim() <= 1, Runtime, "0D or 1D target tensor expected, multi-target not supported");
      int64_t batch = x->ndim() == 1 ? 1 : x->sizes[0];
      FACULA_CHECK(target->numel == batch, Value, "Expected input batch_size (", batch,
                   ") to match target batch_size (", target->numel, ").");
    } else {
      Dims wanted = x->sizes;
      wanted.erase(1);
      FACULA_CHECK(target->ndim() > 0 && target->sizes[0] == x->sizes[0], Value, "Expected input batch_size (",
                   x->sizes[0], ") to match target batch_size (", target->ndim() > 0 ? target->sizes[0] : 0, ").");
      FACULA_CHECK(target->sizes == wanted, Runtime, "Expected target size ", wanted, ", got ", target->sizes);
    }
    FACULA_CHECK(target->dtype == DType::Int64 || target->dtype == DType::UInt8, Runtime,
                 "expected target dtype to be Long or Byte, but got ", scalar_type_name(target->dtype));
  }
  bool is_elementwise() const { return loss.reduction == LossReduction::None; }
  Tensor new_result() const { return empty(is_elementwise() ? target->sizes : Dims{}, scores->dtype); }
  void check(LossStatus status, const char* kernel) const {
    FACULA_CHECK(status.code != LossStatus::BadType, NotImplemented, "\"", kernel, "\" not implemented for '",
                 scalar_type_name(scores->dtype), "'");
    FACULA_CHECK(status.code != LossStatus::BadTarget, Index, "Target ", target->ptr<int64_t>()[status.position],
                 " is out of bounds.");
  }
  Tensor memory_of(const Tensor& g) const { return ops::contiguous_memory(ops::converted_memory(g, scores->dtype)); }
};

// ---- nll_loss. The second result is the total weight, for backward ----

std::tuple<Tensor, Tensor> nll(const Tensor& x, const Tensor& target, MaybeTensor weight, int64_t reduction,
                               int64_t ignore_index) {
  ClassCall c(x, target, weight, reduction, ignore_index, 0);
  Tensor out = c.new_result(), total = empty({}, DType::Float64);
  LossStatus status;
  {
    GilRelease unlocked(c.positions > kLongWork);
    status = cpu::class_loss().nll(c.loss, out->data(), total->ptr<double>());
  }
  c.check(status, "nll_loss_out_frame");
  return {out, total};
}
Tensor nll_backward(const Tensor& g, const Tensor& x, const Tensor& target, MaybeTensor weight, const Tensor& total,
                    int64_t reduction, int64_t ignore_index) {
  ClassCall c(x, target, weight, reduction, ignore_index, 0);
  Tensor out = empty(x->sizes, x->dtype), grad = c.memory_of(g);
  GilRelease unlocked(out->numel > kLongWork);
  cpu::class_loss().nll_backward(c.loss, *total->ptr<double>(), grad->data(), out->data());
  return out;
}

// ---- cross_entropy. The second result is memory for backward: the total weight, then log_sum of every position ----

int64_t words_for(const ClassCall& c) {
  int64_t item = c.scores->dtype == DType::Float64 ? 8 : 4;
  return 1 + (c.positions * item + 7) / 8;
}
std::tuple<Tensor, Tensor> cross_entropy(const Tensor& x, const Tensor& target, MaybeTensor weight, int64_t reduction,
                                         int64_t ignore_index, double smoothing) {
  FACULA_CHECK(smoothing >= 0 && smoothing <= 1, Runtime,
               "label_smoothing must be between 0.0 and 1.0. Got: ", smoothing);
  ClassCall c(x, target, weight, reduction, ignore_index, smoothing);
  Tensor out = c.new_result(), kept = empty({words_for(c)}, DType::Float64);
  LossStatus status;
  {
    GilRelease unlocked(x->numel > kLongWork / 4);
    double* memory = kept->ptr<double>();
    status = cpu::class_loss().cross_entropy(c.loss, out->data(), memory + 1, memory);
  }
  c.check(status, "log_softmax_lastdim_kernel_impl");
  return {out, kept};
}
Tensor cross_entropy_backward(const Tensor& g, const Tensor& x, const Tensor& target, MaybeTensor weight,
                              const Tensor& kept, int64_t reduction, int64_t ignore_index, double smoothing) {
  ClassCall c(x, target, weight, reduction, ignore_index, smoothing);
  Tensor out = empty(x->sizes, x->dtype), grad = c.memory_of(g);
  const double* memory = kept->ptr<double>();
  GilRelease unlocked(x->numel > kLongWork / 4);
  cpu::class_loss().cross_entropy_backward(c.loss, memory + 1, memory[0], grad->data(), out->data());
  return out;
}

// ---- the derivative composed, to be derived again ----

// The loss of a position is the sum over classes of -share * log-probability. `share` is shaped like the scores,
// `total` is its sum over the classes.
struct Shares {
  Tensor share, total;
};
Shares shares_of(const ClassCall& c) {
  const cpu::ClassLoss& l = c.loss;
  Dims total_sizes = c.scores->sizes;
  total_sizes[c.scores->ndim() == 1 ? 0 : 1] = 1;
  Tensor share = ops::zeros(c.scores->sizes, DType::Float64), total = ops::zeros(total_sizes, DType::Float64);
  Tensor weight =
      c.weight ? ops::converted_memory(c.weight, DType::Float64) : ops::full({l.classes}, Scalar(1.0), DType::Float64);
  const double* w = weight->ptr<double>();
  for (int64_t i = 0; i < c.positions; ++i) {
    if (l.target[i] == l.ignore_index) continue;
    int64_t at = i / l.inner * l.classes * l.inner + i % l.inner;
    for (int64_t k = 0; k < l.classes; ++k) {
      double s =
          l.smoothing / static_cast<double>(l.classes) * w[k] + (k == l.target[i] ? (1 - l.smoothing) * w[k] : 0);
      share->ptr<double>()[at + k * l.inner] = s;
      total->ptr<double>()[i] += s;
    }
  }
  return {ops::converted_memory(share, c.scores->dtype), ops::converted_memory(total, c.scores->dtype)};
}
// The gradient of every position's loss, shaped to meet the scores. A mean over nothing has a gradient of 0, as in
// PyTorch, though its value is NaN.
Tensor position_gradient(const ClassCall& c, const Tensor& g, const Tensor& total, double total_weight) {
  if (c.is_elementwise()) return ops::reshape(g, total->sizes);
  if (c.loss.reduction != LossReduction::Mean) return g;
  return total_weight == 0 ? ops::mul(g, Scalar(0.0)) : ops::div(g, Scalar(total_weight));
}

void nll_vjp(Backward& b) {
  static const OpDef& fused = find_op("_nll_loss_backward");
  Tensor x = b.input(0), target = b.input(1), weight = b.input(2), total = b.result(1);
  int64_t reduction = b.arg(3).number.i, ignore_index = b.arg(4).number.i;
  if (!mode.grad) return b.set(0, call(fused, b.grad(), x, target, weight, total, reduction, ignore_index));
  ClassCall c(x, target, weight ? &weight : nullptr, reduction, ignore_index, 0);
  Shares s = shares_of(c);
  b.set(0, ops::neg(ops::mul(position_gradient(c, b.grad(), s.total, *total->ptr<double>()), s.share)));
}
void cross_entropy_vjp(Backward& b) {
  static const OpDef &fused = find_op("_cross_entropy_backward"), &softmax = find_op("_softmax");
  Tensor x = b.input(0), target = b.input(1), weight = b.input(2), kept = b.result(1);
  int64_t reduction = b.arg(3).number.i, ignore_index = b.arg(4).number.i;
  double smoothing = b.arg(5).number.to_double();
  if (!mode.grad) return b.set(0, call(fused, b.grad(), x, target, weight, kept, reduction, ignore_index, smoothing));
  ClassCall c(x, target, weight ? &weight : nullptr, reduction, ignore_index, smoothing);
  Shares s = shares_of(c);
  Tensor p = call(softmax, x, int64_t{x->ndim() == 1 ? 0 : 1}, nullptr);
  Tensor g = position_gradient(c, b.grad(), s.total, *kept->ptr<double>());
  b.set(0, ops::mul(g, ops::sub(ops::mul(p, s.total), s.share)));
}

// ---- by the number of dimensions, because grad_fn is named after it ----

Tensor nll_loss(const Tensor& x, const Tensor& target, MaybeTensor weight, int64_t reduction, int64_t ignore_index) {
  static const OpDef &flat = find_op("_nll_loss_kept"), &spatial = find_op("_nll_loss2d_kept");
  return call(x->ndim() > 2 ? spatial : flat, x, target, weight, reduction, ignore_index);
}
Tensor cross_entropy_loss(const Tensor& x, const Tensor& target, MaybeTensor weight, int64_t reduction,
                          int64_t ignore_index, double smoothing) {
  static const OpDef &flat = find_op("_cross_entropy_kept"), &spatial = find_op("_cross_entropy2d_kept");
  return call(x->ndim() > 2 ? spatial : flat, x, target, weight, reduction, ignore_index, smoothing);
}

constexpr uint32_t kKept = 7 | kSaveResult1;
const OpDef kOps[] = {
    FACULA_OP("_nll_loss", Fused, nullptr, nll_loss),
    FACULA_OP("_nll_loss_kept", Fused, "NllLossBackward0", nll, .vjp = nll_vjp, .saves = {kKept}),
    FACULA_OP("_nll_loss2d_kept", Fused, "NllLoss2DBackward0", nll, .vjp = nll_vjp, .saves = {kKept}),
    FACULA_OP("_nll_loss_backward", Fused, nullptr, nll_backward),
    FACULA_OP("_cross_entropy", Fused, nullptr, cross_entropy_loss),
    FACULA_OP("_cross_entropy_kept", Fused, "NllLossBackward0", cross_entropy, .vjp = cross_entropy_vjp,
              .saves = {kKept}),
    FACULA_OP("_cross_entropy2d_kept", Fused, "NllLoss2DBackward0", cross_entropy, .vjp = cross_entropy_vjp,
              .saves = {kKept}),
    FACULA_OP("_cross_entropy_backward", Fused, nullptr, cross_entropy_backward),
};

}  // namespace

extern const OpFamily kClassLossFamily;
const OpFamily kClassLossFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
