// Fused optimiser steps over plain memory: one call updates a whole list of parameters in one pass over their memory.
// float32 and float64 only; a complex parameter is passed as twice as many reals. Formulas are PyTorch's single-tensor
// ones, in their order of operations. Learning-rate schedules and step counting belong to the caller.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "cpu/dispatch.h"

namespace facula::cpu {

// One parameter, contiguous like its gradient and state. `state` by algorithm (unused entries are null):
//   SGD {momentum_buffer}, Adam {exp_avg, exp_avg_sq, max_exp_avg_sq}, RMSprop {square_avg, grad_avg, momentum_buffer},
//   Adagrad {sum}, Adadelta {square_avg, acc_delta}, Adamax {exp_avg, exp_inf}, NAdam and RAdam {exp_avg, exp_avg_sq},
//   Rprop {prev, step_size}, ASGD {ax}.
struct OptimSlot {
  void* param;
  const void* grad;
  void* state[3];
  int64_t n;
  double step;        // counted from 1: the number of this step. SGD: at 1 the momentum buffer becomes the gradient
  double mu_product;  // NAdam only: the product of the momenta of all steps, this one included
};

struct SgdOptions {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, maximize;
};
struct AdamOptions {
  double lr, beta1, beta2, eps, weight_decay;
  bool amsgrad, decoupled_weight_decay, maximize;
};
struct RmspropOptions {
  double lr, alpha, eps, weight_decay, momentum;
  bool centered, maximize;
};
struct AdagradOptions {
  double lr, lr_decay, weight_decay, eps;
  bool maximize;
};
struct AdadeltaOptions {
  double lr, rho, eps, weight_decay;
  bool maximize;
};
struct AdamaxOptions {
  double lr, beta1, beta2, eps, weight_decay;
  bool maximize;
};
struct NadamOptions {
  double lr, beta1, beta2, eps, weight_decay, momentum_decay;
  bool decoupled_weight_decay, maximize;
};
struct RadamOptions {
  double lr, beta1, beta2, eps, weight_decay;
  bool decoupled_weight_decay, maximize;
};
struct RpropOptions {
  double eta_minus, eta_plus, step_size_min, step_size_max;
  bool maximize;
};
struct AsgdOptions {
  double eta, mu, lambd, weight_decay;
  bool maximize;
};

struct OptimKernels {
  void (*sgd)(DType, int64_t count, const OptimSlot*, const SgdOptions&);
  void (*adam)(DType, int64_t count, const OptimSlot*, const AdamOptions&);  // AdamW with decoupled_weight_decay
  void (*rmsprop)(DType, int64_t count, const OptimSlot*, const RmspropOptions&);
  void (*adagrad)(DType, int64_t count, const OptimSlot*, const AdagradOptions&);
  void (*adadelta)(DType, int64_t count, const OptimSlot*, const AdadeltaOptions&);
  void (*adamax)(DType, int64_t count, const OptimSlot*, const AdamaxOptions&);
  void (*nadam)(DType, int64_t count, const OptimSlot*, const NadamOptions&);
  void (*radam)(DType, int64_t count, const OptimSlot*, const RadamOptions&);
  void (*rprop)(DType, int64_t count, const OptimSlot*, const RpropOptions&);
  void (*asgd)(DType, int64_t count, const OptimSlot*, const AsgdOptions&);
};

FACULA_FAMILY(OptimKernels, optim_kernels, optim)

}  // namespace facula::cpu
