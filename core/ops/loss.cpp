// Losses of an input and a target of the same shape: mse, l1, smooth l1, Huber, binary cross entropy. Value and first
// derivative are one fused pass each; under create_graph the derivative is composed, so that it can be derived again.
#include "cpu/loss.h"

#include <algorithm>

#include "base/gil.h"
#include "ops/axis.h"
#include "ops/promote.h"

namespace facula {

namespace {

using cpu::LossReduction;
using cpu::PairLossOp;

struct Pair {
  PairLossOp op;
  LossReduction reduction;
  double parameter;
  DType dtype;    // of the result
  DType compute;  // half types are computed in float
  Dims sizes;
  Tensor input, target, weight, pos_weight;

  Pair(PairLossOp op, const Tensor& x, const Tensor& t, MaybeTensor w, MaybeTensor pw, double parameter,
       int64_t reduction)
      : op(op), reduction(static_cast<LossReduction>(reduction)), parameter(parameter) {
    FACULA_CHECK(reduction >= 0 && reduction <= 2, Runtime, "there is no reduction number ", reduction);
    TypePromotion promotion;
    promotion.add(x);
    promotion.add(t);
    dtype = promotion.result();
    FACULA_CHECK(is_floating(dtype), NotImplemented, "\"", name(), "_cpu\" not implemented for '",
                 scalar_type_name(dtype), "'");
    compute = dtype == DType::Float64 ? DType::Float64 : DType::Float32;
    sizes = x->sizes;
    broadcast_into(sizes, t->sizes);
    input = memory(x, sizes);
    target = memory(t, sizes);
    if (w) weight = memory(*w, sizes);
    if (pw) pos_weight = is_suffix(*pw) ? memory(*pw, (*pw)->sizes) : memory(*pw, sizes);
  }
  const char* name() const {
    switch (op) {
      case PairLossOp::Mse: return "mse";
      case PairLossOp::L1: return "l1";
      case PairLossOp::SmoothL1: return "smooth_l1";
      case PairLossOp::Huber: return "huber";
      default: return "binary_cross_entropy";
    }
  }
  Tensor memory(const Tensor& t, const Dims& wanted) const {
    Dims joined = t->sizes;
    broadcast_into(joined, wanted);
    FACULA_CHECK(joined == wanted, Runtime, name(), "_loss: a weight of shape ", t->sizes,
                 " does not broadcast to the shape of the input ", wanted);
    return ops::contiguous_memory(ops::broadcast_memory(ops::converted_memory(t, compute), wanted));
  }
  bool is_suffix(const Tensor& t) const {
    return t->sizes.size() <= sizes.size() &&
           std::equal(t->sizes.begin(), t->sizes.end(), sizes.end() - t->sizes.size());
  }
  cpu::PairLoss memory_of_call() const {
    return {op,
            compute,
            input->numel,
            input->data(),
            target->data(),
            weight ? weight->data() : nullptr,
            pos_weight ? pos_weight->data() : nullptr,
            pos_weight ? pos_weight->numel : 0,
            parameter,
            reduction};
  }
  Tensor forward() const {
    Tensor out = empty(reduction == LossReduction::None ? sizes : Dims{}, compute);
    {
      GilRelease unlocked(input->numel > kLongWork);
      cpu::pair_loss().forward(memory_of_call(), out->data());
    }
    return ops::converted_memory(out, dtype);
  }
  Tensor backward(const Tensor& g) const {
    Tensor out = empty(sizes, compute);
    Tensor grad = ops::contiguous_memory(ops::converted_memory(g, compute));
    {
      GilRelease unlocked(input->numel > kLongWork);
      cpu::pair_loss().backward(memory_of_call(), grad->data(), out->data());
    }
    return ops::converted_memory(out, dtype);
  }
};

// ---- forward ----

Tensor mse_loss(const Tensor& input, const Tensor& target, int64_t reduction) {
  return Pair(PairLossOp::Mse, input, target, nullptr, nullptr, 0, reduction).forward();
}
Tensor l1_loss(const Tensor& input, const Tensor& target, int64_t reduction) {
  FACULA_CHECK(input->dtype != DType::Bool && target->dtype != DType::Bool, Runtime,
               "Subtraction, the `-` operator, with a bool tensor is not supported: l1_loss() needs numbers");
  return Pair(PairLossOp::L1, input, target, nullptr, nullptr, 0, reduction).forward();
}
Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, int64_t reduction, double beta) {
  FACULA_CHECK(beta >= 0, Runtime, "smooth_l1_loss does not support negative values for beta.");
  return Pair(PairLossOp::SmoothL1, input, target, nullptr, nullptr, beta, reduction).forward();
}
Tensor huber_loss(const Tensor& input, const Tensor& target, int64_t reduction, double delta) {
  FACULA_CHECK(delta > 0, Runtime, "huber_loss does not support non-positive values for delta.");
  return Pair(PairLossOp::Huber, input, target, nullptr, nullptr, delta, reduction).forward();
}

template <class T>
bool are_probabilities(const Tensor& t) {
  const T* p = t->ptr<T>();
  bool inside = true;
  for (int64_t i = 0; i < t->numel; ++i) inside &= (p[i] >= T(0)) & (p[i] <= T(1));
  return inside;
}
void check_probabilities(const char* which, const Tensor& t) {
  bool inside = t->dtype == DType::Float64 ? are_probabilities<double>(t) : are_probabilities<float>(t);
  FACULA_CHECK(inside, Runtime, "all elements of ", which, " should be between 0 and 1");
}
Tensor binary_cross_entropy(const Tensor& input, const Tensor& target, MaybeTensor weight, int64_t reduction) {
  FACULA_CHECK(input->sizes == target->sizes, Value, "Using a target size (torch.Size(", target->sizes,
               ")) that is different to the input size (torch.Size(", input->sizes,
               ")) is deprecated. Please ensure they have the same size.");
  FACULA_CHECK(input->dtype == target->dtype, Runtime, "Found dtype ", scalar_type_name(target->dtype),
               " but expected ", scalar_type_name(input->dtype));
  Pair pair(PairLossOp::Bce, input, target, weight, nullptr, 0, reduction);
  check_probabilities("input", pair.input);
  check_probabilities("target", pair.target);
  return pair.forward();
}
Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target, MaybeTensor weight,
                                        MaybeTensor pos_weight, int64_t reduction) {
  FACULA_CHECK(input->sizes == target->sizes, Value, "Target size (torch.Size(", target->sizes,
               ")) must be the same as input size (torch.Size(", input->sizes, "))");
  return Pair(PairLossOp::BceLogits, input, target, weight, pos_weight, 0, reduction).forward();
}

// ---- derivatives ----

Tensor pair_loss_backward(const Tensor& g, const Tensor& input, const Tensor& target, MaybeTensor weight,
                          MaybeTensor pos_weight, int64_t op, double parameter, int64_t reduction) {
  return Pair(static_cast<PairLossOp>(op), input, target, weight, pos_weight, parameter, reduction).backward(g);
}

FACULA_FRONT(sigmoid, (const Tensor& x), x)
FACULA_FRONT(logsigmoid, (const Tensor& x), x)
FACULA_FRONT(clamp_min, (const Tensor& x, double lo), x, lo)

// dloss / dinput of one element, without weight.
Tensor slope(PairLossOp op, const Tensor& x, const Tensor& t, const Tensor& pos_weight, double parameter) {
  constexpr double kSmallestVariance = 1e-12;  // PyTorch's bound under x (1 - x)
  const Scalar one(1.0);
  Tensor d = ops::sub(x, t);
  switch (op) {
    case PairLossOp::Mse: return ops::mul(d, Scalar(2.0));
    case PairLossOp::L1: return ops::sign(d);
    case PairLossOp::SmoothL1:
      if (parameter == 0) return ops::sign(d);
      return ops::where(ops::ge(ops::abs(d), Scalar(parameter)), ops::sign(d), ops::div(d, Scalar(parameter)));
    case PairLossOp::Huber:
      return ops::where(ops::ge(ops::abs(d), Scalar(parameter)), ops::mul(ops::sign(d), Scalar(parameter)), d);
    case PairLossOp::Bce: return ops::div(d, clamp_min(ops::mul(ops::sub(one, x), x), kSmallestVariance));
    case PairLossOp::BceLogits: break;
  }
  if (!pos_weight) return ops::sub(sigmoid(x), t);
  Tensor positive = ops::mul(pos_weight, t);
  return ops::sub(ops::mul(ops::sub(ops::add(positive, one), t), sigmoid(x)), positive);
}
// dloss / dtarget of one element of the two cross entropies, without weight.
Tensor target_slope(PairLossOp op, const Tensor& x, const Tensor& pos_weight) {
  constexpr double kSmallestLog = -100;  // PyTorch clamps the logarithms of binary_cross_entropy there
  const Scalar one(1.0);
  if (op == PairLossOp::Bce)
    return ops::sub(clamp_min(ops::log(ops::sub(one, x)), kSmallestLog), clamp_min(ops::log(x), kSmallestLog));
  if (!pos_weight) return ops::neg(x);
  return ops::sub(ops::mul(ops::sub(one, pos_weight), logsigmoid(x)), x);
}

Tensor times_weight(const Backward& b, int64_t reduction, Tensor value, const Tensor& weight) {
  if (weight) value = ops::mul(value, weight);
  value = ops::mul(value, b.grad());
  if (static_cast<LossReduction>(reduction) != LossReduction::Mean) return value;
  return ops::div(value, Scalar(static_cast<double>(value->numel)));
}
struct PairCall {
  PairLossOp op;
  double parameter;
  int64_t reduction;
  Tensor weight, pos_weight;
};
void pair_vjp(Backward& b, const PairCall& c) {
  static const OpDef& fused = find_op("_pair_loss_backward");
  bool symmetric = c.op != PairLossOp::Bce && c.op != PairLossOp::BceLogits;  // in input and target, but for the sign
  Tensor x = b.input(0), t = b.input(1);
  if (b.needs(0) || (symmetric && b.needs(1))) {
    Tensor g = mode.grad ? times_weight(b, c.reduction, slope(c.op, x, t, c.pos_weight, c.parameter), c.weight)
                         : call(fused, b.grad(), x, t, c.weight, c.pos_weight, static_cast<int64_t>(c.op), c.parameter,
                                c.reduction);
    if (b.needs(0)) b.set(0, g);
    if (symmetric && b.needs(1)) b.set(1, ops::neg(g));
  }
  if (!symmetric && b.needs(1)) b.set(1, times_weight(b, c.reduction, target_slope(c.op, x, c.pos_weight), c.weight));
}
template <PairLossOp op>
void plain_vjp(Backward& b) {
  double parameter = b.node->args.size() > 3 ? b.arg(3).number.to_double() : 0;
  pair_vjp(b, {op, parameter, b.arg(2).number.i, Tensor(), Tensor()});
}
void bce_vjp(Backward& b) { pair_vjp(b, {PairLossOp::Bce, 0, b.arg(3).number.i, b.input(2), Tensor()}); }
void bce_logits_vjp(Backward& b) { pair_vjp(b, {PairLossOp::BceLogits, 0, b.arg(4).number.i, b.input(2), b.input(3)}); }

const OpDef kOps[] = {
    FACULA_OP("_mse_loss", Fused, "MseLossBackward0", mse_loss, .vjp = plain_vjp<PairLossOp::Mse>, .saves = {3, 3}),
    FACULA_OP("_l1_loss", Fused, "MeanBackward0", l1_loss, .vjp = plain_vjp<PairLossOp::L1>, .saves = {3, 3}),
    FACULA_OP("_smooth_l1_loss", Fused, "SmoothL1LossBackward0", smooth_l1_loss, .vjp = plain_vjp<PairLossOp::SmoothL1>,
              .saves = {3, 3}),
    FACULA_OP("_huber_loss", Fused, "HuberLossBackward0", huber_loss, .vjp = plain_vjp<PairLossOp::Huber>,
              .saves = {3, 3}),
    FACULA_OP("_binary_cross_entropy", Fused, "BinaryCrossEntropyBackward0", binary_cross_entropy, .vjp = bce_vjp,
              .saves = {7, 7}),
    FACULA_OP("_binary_cross_entropy_with_logits", Fused, "BinaryCrossEntropyWithLogitsBackward0",
              binary_cross_entropy_with_logits, .vjp = bce_logits_vjp, .saves = {15, 15}),
    FACULA_OP("_pair_loss_backward", Fused, nullptr, pair_loss_backward),
};

}  // namespace

extern const OpFamily kLossFamily;
const OpFamily kLossFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
