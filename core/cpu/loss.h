// Losses over plain memory: cross entropy straight from logits, negative log likelihood, and the elementwise family.
// Broadcasting, probabilities as targets and argument checks are in core/ops; everything here is contiguous.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "cpu/dispatch.h"

namespace facula::cpu {

enum class LossReduction : uint8_t { None, Mean, Sum };

// Scores (N, C, inner) with one class index a position: target, `out` without reduction and log_sum are (N, inner).
struct ClassLoss {
  DType dtype;  // of scores, weight, out and gradients: Float16, BFloat16 (computed in float), Float32, Float64
  int64_t n, classes, inner;  // classes > 0
  const void* scores;         // logits (cross_entropy) or log-probabilities (nll)
  const int64_t* target;      // 0 <= target < classes, or ignore_index
  const void* weight;         // (C), or null
  int64_t ignore_index;
  double smoothing;  // label_smoothing, cross_entropy only
  LossReduction reduction;
};

// What was wrong, for the caller's message.
struct LossStatus {
  enum Code : uint8_t { Done, BadType, BadTarget } code;
  int64_t position;  // BadTarget: first position in (N, inner) whose target is out of range; nothing was written
};

struct ClassLossKernels {
  // `out`: one element, or (N, inner). log_sum: (N, inner) of float (double for Float64), kept for backward.
  // total_weight: sum of the weights of counted targets, the divisor of Mean. A mean over nothing is NaN.
  LossStatus (*cross_entropy)(const ClassLoss& loss, void* out, void* log_sum, double* total_weight);
  // grad_out: one element, or (N, inner). One pass; grad may be the scores.
  LossStatus (*cross_entropy_backward)(const ClassLoss& loss, const void* log_sum, double total_weight,
                                       const void* grad_out, void* grad);
  LossStatus (*nll)(const ClassLoss& loss, void* out, double* total_weight);
  LossStatus (*nll_backward)(const ClassLoss& loss, double total_weight, const void* grad_out, void* grad);
};
FACULA_FAMILY(ClassLossKernels, class_loss_kernels, class_loss)

enum class PairLossOp : uint8_t {
  Mse,
  L1,
  SmoothL1,
  Huber,  // SmoothL1: parameter is beta; Huber: delta
  Bce,    // logarithms clamped at -100
  BceLogits,
};
struct PairLoss {
  PairLossOp op;
  DType dtype;  // Float32, Float64
  int64_t n;
  const void *input, *target;
  const void* weight;      // n factors of the elements' losses, or null
  const void* pos_weight;  // BceLogits: pos_weight_size factors, repeated along the elements; or null
  int64_t pos_weight_size;
  double parameter;
  LossReduction reduction;
};
struct PairLossKernels {
  bool (*forward)(const PairLoss& loss, void* out);  // false: BadType
  // Gradient of the input. For Mse, L1, SmoothL1 and Huber the target's is its negative.
  bool (*backward)(const PairLoss& loss, const void* grad_out, void* grad);
};
FACULA_FAMILY(PairLossKernels, pair_loss_kernels, pair_loss)

}  // namespace facula::cpu
