// Optimiser steps: one call updates whole lists of parameters and their state in place. No derivatives are recorded.
// Everything is checked before the first write; formulas and order of operations are the kernels'.
#include <vector>

#include "base/gil.h"
#include "cpu/optim.h"
#include "ops/axis.h"

namespace facula {

namespace {

// The lists of one step as the kernels take them. Tensors that a kernel cannot take as they are (not contiguous, or of
// a half type, which is updated in float) are stood for by contiguous memory and copied back.
class Step {
 public:
  Step(const char* name, const TensorList& params, const TensorList& grads,
       std::initializer_list<const TensorList*> states)
      : name_(name), params_(params) {
    check_length("grads", grads);
    for (const TensorList* s : states) {
      bool used = !s->empty();
      if (used) check_length("a list of states", *s);
      states_.push_back(used ? s : nullptr);
    }
    for (size_t i = 0; i < params.size(); ++i) {
      FACULA_CHECK(is_differentiable(params[i]->dtype), Runtime, name_, ": parameter ", i, " has dtype ",
                   name_of(params[i]->dtype), ", but only floating and complex tensors can be optimised");
      check_like(i, "gradient", grads[i]);
      for (const TensorList* s : states_)
        if (s) check_like(i, "state", (*s)[i]);
      FACULA_CHECK(!has_internal_overlap(params[i]), Runtime, name_, ": parameter ", i,
                   " has elements that share memory; clone() it first");
    }
    for (size_t i = 0; i < params.size(); ++i) add(i, grads[i]);
  }

  // Calls kernel(dtype, count, slots, options) for the parameters of each type.
  template <class Kernel, class Options>
  void run(Kernel kernel, const Options& options, double step, double mu_product = 1) {
    int64_t work = 0;
    for (Group& g : groups_)
      for (cpu::OptimSlot& s : g.slots) {
        s.step = step;
        s.mu_product = mu_product;
        work += s.n;
      }
    {
      GilRelease unlocked(work > kLongWork);
      for (Group& g : groups_)
        if (!g.slots.empty()) kernel(g.dtype, static_cast<int64_t>(g.slots.size()), g.slots.data(), options);
    }
    for (const Stand& s : stands_) ops::copy_memory(s.of, s.memory);
    for (size_t i = 0; i < params_.size(); ++i) {
      ++params_[i]->version();
      for (const TensorList* s : states_)
        if (s) ++(*s)[i]->version();
    }
  }

 private:
  struct Group {
    DType dtype;
    std::vector<cpu::OptimSlot> slots;
  };
  struct Stand {
    Tensor of, memory;
  };

  void check_length(const char* what, const TensorList& list) const {
    FACULA_CHECK(list.size() == params_.size(), Runtime, name_, ": ", what, " has ", list.size(), " tensors for ",
                 params_.size(), " parameters");
  }
  void check_like(size_t i, const char* what, const Tensor& t) const {
    const Tensor& p = params_[i];
    FACULA_CHECK(t, Runtime, name_, ": ", what, " ", i, " is None");
    FACULA_CHECK(t->dtype == p->dtype, Runtime, name_, ": ", what, " ", i, " has dtype ", name_of(t->dtype),
                 " but its parameter has ", name_of(p->dtype));
    FACULA_CHECK(t->sizes == p->sizes, Runtime, name_, ": ", what, " ", i, " has shape ", t->sizes,
                 " but its parameter has ", p->sizes);
  }
  static DType compute_type(DType t) {
    DType real = real_of(t);
    return real == DType::Float64 ? real : DType::Float32;
  }
  Tensor readable(const Tensor& t) {
    DType wanted = is_complex(t->dtype) ? t->dtype : compute_type(t->dtype);
    Tensor memory = ops::contiguous_memory(ops::converted_memory(t, wanted));
    held_.push_back(memory);
    return memory;
  }
  void* writable(const Tensor& t) {
    Tensor memory = readable(t);
    if (!memory.is(t)) stands_.push_back({t, memory});
    return memory->data();
  }
  void add(size_t i, const Tensor& grad) {
    const Tensor& p = params_[i];
    if (p->numel == 0) return;
    cpu::OptimSlot slot = {};
    slot.param = writable(p);
    slot.grad = readable(grad)->data();
    for (size_t s = 0; s < states_.size(); ++s)
      if (states_[s]) slot.state[s] = writable((*states_[s])[i]);
    slot.n = p->numel * (is_complex(p->dtype) ? 2 : 1);
    groups_[compute_type(p->dtype) == DType::Float64].slots.push_back(slot);
  }

  const char* name_;
  const TensorList& params_;
  SmallVector<const TensorList*, 3> states_;
  Group groups_[2] = {{DType::Float32, {}}, {DType::Float64, {}}};
  std::vector<Tensor> held_;
  std::vector<Stand> stands_;
};

// `needed` state lists must have been given (they come empty when their option is off).
void require(const char* name, bool needed, const TensorList& params, const TensorList& states, const char* what) {
  FACULA_CHECK(!needed || states.size() == params.size(), Runtime, name, ": ", what, " has ", states.size(),
               " tensors for ", params.size(), " parameters");
}

void check_count(const char* name, int64_t count) {
  FACULA_CHECK(count > 0, Runtime, name, ": steps are counted from 1, got ", count);
}

void sgd(const TensorList& params, const TensorList& grads, const TensorList& momentum_buffers, double lr,
         double momentum, double dampening, double weight_decay, bool nesterov, bool maximize, bool first) {
  require("_sgd_step", momentum != 0, params, momentum_buffers, "momentum_buffers");
  Step step("_sgd_step", params, grads, {&momentum_buffers});
  step.run(cpu::optim().sgd, cpu::SgdOptions{lr, momentum, dampening, weight_decay, nesterov, maximize}, first ? 1 : 2);
}

void adam(const TensorList& params, const TensorList& grads, const TensorList& exp_avgs, const TensorList& exp_avg_sqs,
          const TensorList& max_exp_avg_sqs, int64_t count, double lr, double beta1, double beta2, double eps,
          double weight_decay, bool decoupled, bool amsgrad, bool maximize) {
  check_count("_adam_step", count);
  require("_adam_step", true, params, exp_avgs, "exp_avgs");
  require("_adam_step", true, params, exp_avg_sqs, "exp_avg_sqs");
  require("_adam_step", amsgrad, params, max_exp_avg_sqs, "max_exp_avg_sqs");
  Step step("_adam_step", params, grads, {&exp_avgs, &exp_avg_sqs, &max_exp_avg_sqs});
  step.run(cpu::optim().adam, cpu::AdamOptions{lr, beta1, beta2, eps, weight_decay, amsgrad, decoupled, maximize},
           static_cast<double>(count));
}

void rmsprop(const TensorList& params, const TensorList& grads, const TensorList& square_avgs,
             const TensorList& grad_avgs, const TensorList& momentum_buffers, double lr, double alpha, double eps,
             double weight_decay, double momentum, bool centered, bool maximize) {
  require("_rmsprop_step", true, params, square_avgs, "square_avgs");
  require("_rmsprop_step", centered, params, grad_avgs, "grad_avgs");
  require("_rmsprop_step", momentum > 0, params, momentum_buffers, "momentum_buffers");
  Step step("_rmsprop_step", params, grads, {&square_avgs, &grad_avgs, &momentum_buffers});
  step.run(cpu::optim().rmsprop, cpu::RmspropOptions{lr, alpha, eps, weight_decay, momentum, centered, maximize}, 1);
}

void adagrad(const TensorList& params, const TensorList& grads, const TensorList& state_sums, int64_t count, double lr,
             double lr_decay, double eps, double weight_decay, bool maximize) {
  check_count("_adagrad_step", count);
  require("_adagrad_step", true, params, state_sums, "state_sums");
  Step step("_adagrad_step", params, grads, {&state_sums});
  step.run(cpu::optim().adagrad, cpu::AdagradOptions{lr, lr_decay, weight_decay, eps, maximize},
           static_cast<double>(count));
}

void adadelta(const TensorList& params, const TensorList& grads, const TensorList& square_avgs,
              const TensorList& acc_deltas, double lr, double rho, double eps, double weight_decay, bool maximize) {
  require("_adadelta_step", true, params, square_avgs, "square_avgs");
  require("_adadelta_step", true, params, acc_deltas, "acc_deltas");
  Step step("_adadelta_step", params, grads, {&square_avgs, &acc_deltas});
  step.run(cpu::optim().adadelta, cpu::AdadeltaOptions{lr, rho, eps, weight_decay, maximize}, 1);
}

void adamax(const TensorList& params, const TensorList& grads, const TensorList& exp_avgs, const TensorList& exp_infs,
            int64_t count, double lr, double beta1, double beta2, double eps, double weight_decay, bool maximize) {
  check_count("_adamax_step", count);
  require("_adamax_step", true, params, exp_avgs, "exp_avgs");
  require("_adamax_step", true, params, exp_infs, "exp_infs");
  Step step("_adamax_step", params, grads, {&exp_avgs, &exp_infs});
  step.run(cpu::optim().adamax, cpu::AdamaxOptions{lr, beta1, beta2, eps, weight_decay, maximize},
           static_cast<double>(count));
}

void nadam(const TensorList& params, const TensorList& grads, const TensorList& exp_avgs, const TensorList& exp_avg_sqs,
           int64_t count, double mu_product, double lr, double beta1, double beta2, double eps, double weight_decay,
           double momentum_decay, bool decoupled, bool maximize) {
  check_count("_nadam_step", count);
  require("_nadam_step", true, params, exp_avgs, "exp_avgs");
  require("_nadam_step", true, params, exp_avg_sqs, "exp_avg_sqs");
  Step step("_nadam_step", params, grads, {&exp_avgs, &exp_avg_sqs});
  step.run(cpu::optim().nadam,
           cpu::NadamOptions{lr, beta1, beta2, eps, weight_decay, momentum_decay, decoupled, maximize},
           static_cast<double>(count), mu_product);
}

void radam(const TensorList& params, const TensorList& grads, const TensorList& exp_avgs, const TensorList& exp_avg_sqs,
           int64_t count, double lr, double beta1, double beta2, double eps, double weight_decay, bool decoupled,
           bool maximize) {
  check_count("_radam_step", count);
  require("_radam_step", true, params, exp_avgs, "exp_avgs");
  require("_radam_step", true, params, exp_avg_sqs, "exp_avg_sqs");
  Step step("_radam_step", params, grads, {&exp_avgs, &exp_avg_sqs});
  step.run(cpu::optim().radam, cpu::RadamOptions{lr, beta1, beta2, eps, weight_decay, decoupled, maximize},
           static_cast<double>(count));
}

void rprop(const TensorList& params, const TensorList& grads, const TensorList& prevs, const TensorList& step_sizes,
           double eta_minus, double eta_plus, double step_size_min, double step_size_max, bool maximize) {
  require("_rprop_step", true, params, prevs, "prevs");
  require("_rprop_step", true, params, step_sizes, "step_sizes");
  Step step("_rprop_step", params, grads, {&prevs, &step_sizes});
  step.run(cpu::optim().rprop, cpu::RpropOptions{eta_minus, eta_plus, step_size_min, step_size_max, maximize}, 1);
}

void asgd(const TensorList& params, const TensorList& grads, const TensorList& averages, double eta, double mu,
          double lambd, double weight_decay, bool maximize) {
  require("_asgd_step", true, params, averages, "axs");
  Step step("_asgd_step", params, grads, {&averages});
  step.run(cpu::optim().asgd, cpu::AsgdOptions{eta, mu, lambd, weight_decay, maximize}, 1);
}

const OpDef kOps[] = {
    FACULA_OP("_sgd_step", Fused, nullptr, sgd),           FACULA_OP("_adam_step", Fused, nullptr, adam),
    FACULA_OP("_rmsprop_step", Fused, nullptr, rmsprop),   FACULA_OP("_adagrad_step", Fused, nullptr, adagrad),
    FACULA_OP("_adadelta_step", Fused, nullptr, adadelta), FACULA_OP("_adamax_step", Fused, nullptr, adamax),
    FACULA_OP("_nadam_step", Fused, nullptr, nadam),       FACULA_OP("_radam_step", Fused, nullptr, radam),
    FACULA_OP("_rprop_step", Fused, nullptr, rprop),       FACULA_OP("_asgd_step", Fused, nullptr, asgd),
};

}  // namespace

extern const OpFamily kStepFamily;
const OpFamily kStepFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
