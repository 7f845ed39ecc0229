// Fused optimiser steps: see optim.h. Parameters are cut into blocks that stay in L1, and each block passes through
// a few simple loops (effective gradient, moments, update), so that options cost no variants of one large loop.
#include "cpu/optim.h"

#include <cmath>

#include "runtime/parallel.h"

// PyTorch fuses a multiplication with an addition in add with alpha, lerp and addcmul, and nowhere else. So does this
// file, through madd: where the processor has FMA, SGD and Adamax agree with PyTorch bit for bit, and the others but
// for its square root, which is not always correctly rounded.
#if defined(__clang__)
#pragma clang fp contract(off)
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

namespace facula::cpu::FACULA_ISA {
namespace {

// a * b + c, rounded once where the processor can
template <class T>
inline T madd(T a, T b, T c) {
#if defined(__FMA__)
  if constexpr (sizeof(T) == 4)
    return __builtin_fmaf(a, b, c);
  else
    return __builtin_fma(a, b, c);
#else
  return a * b + c;
#endif
}

constexpr int64_t kBlock = 512;    // elements: parameter, gradient, two moments and a buffer fit L1 in float64
constexpr int64_t kGrain = 16384;  // elements of work worth a second thread

// ---- the loops ----------------------------------------------------------------------------------------------------

template <class T>
void scale(int64_t n, T* __restrict x, T by) {
  for (int64_t i = 0; i < n; ++i) x[i] *= by;
}
template <class T>
void add_scaled(int64_t n, T* __restrict x, const T* __restrict y, T by) {
  for (int64_t i = 0; i < n; ++i) x[i] = madd(by, y[i], x[i]);
}
// torch.lerp's two forms: each is exact at its own end
template <class T>
void lerp(int64_t n, T* __restrict x, const T* __restrict y, T weight) {
  if (weight < T(0.5))
    for (int64_t i = 0; i < n; ++i) x[i] = madd(weight, y[i] - x[i], x[i]);
  else
    for (int64_t i = 0; i < n; ++i) x[i] = madd(weight - T(1), y[i] - x[i], y[i]);
}
// x = decay * x + weight * y^2
template <class T>
void square_average(int64_t n, T* __restrict x, const T* __restrict y, T decay, T weight) {
  for (int64_t i = 0; i < n; ++i) x[i] = madd(weight * y[i], y[i], x[i] * decay);
}
template <class T>
void keep_maximum(int64_t n, T* __restrict x, const T* __restrict y) {
  for (int64_t i = 0; i < n; ++i) x[i] = x[i] > y[i] || x[i] != x[i] ? x[i] : y[i];  // NaN of either stays
}
// p += by * m / (sqrt(v) / root + eps)
template <class T>
void add_scaled_ratio(int64_t n, T* __restrict p, const T* __restrict m, const T* __restrict v, T root, T eps, T by) {
  for (int64_t i = 0; i < n; ++i) p[i] += by * m[i] / (std::sqrt(v[i]) / root + eps);
}

// One block of one parameter, and the gradient as the algorithm sees it.
template <class T>
struct Block {
  int64_t n;
  T* __restrict p;
  const T* __restrict g;
  T* state[3];
  T* scratch;  // kBlock elements, in use when g had to be changed
};

// g = (maximize ? -grad : grad) + weight_decay * p; copies only when there is something to change.
template <class T>
void effective_gradient(Block<T>& b, bool maximize, double weight_decay) {
  const T* __restrict g = b.g;
  T* __restrict out = b.scratch;
  const T decay = static_cast<T>(weight_decay);
  if (weight_decay != 0) {
    const T sign = maximize ? T(-1) : T(1);
    for (int64_t i = 0; i < b.n; ++i) out[i] = madd(decay, b.p[i], sign * g[i]);
    b.g = out;
  } else if (maximize) {
    for (int64_t i = 0; i < b.n; ++i) out[i] = -g[i];
    b.g = out;
  }
}

// Runs body(slot, block) for every block of every parameter. Each body prepares its scalars per slot.
template <class T, class Prepare>
void over_blocks(int64_t count, const OptimSlot* slots, Prepare prepare) {
  int64_t total = 0;
  for (int64_t i = 0; i < count; ++i) total += slots[i].n;
  parallel_for(total, kGrain, [&](int64_t begin, int64_t end) {
    alignas(64) T scratch[kBlock];
    int64_t start = 0;
    for (int64_t i = 0; i < count && start < end; start += slots[i++].n) {
      const OptimSlot& s = slots[i];
      int64_t from = begin > start ? begin - start : 0, to = end - start < s.n ? end - start : s.n;
      if (from >= to) continue;
      const auto body = prepare(s);
      for (; from < to; from += kBlock) {
        Block<T> b{to - from < kBlock ? to - from : kBlock,
                   static_cast<T*>(s.param) + from,
                   static_cast<const T*>(s.grad) + from,
                   {},
                   scratch};
        for (int j = 0; j < 3; ++j) b.state[j] = s.state[j] ? static_cast<T*>(s.state[j]) + from : nullptr;
        body(b);
      }
    }
  });
}

// ---- the algorithms -----------------------------------------------------------------------------------------------

template <class T>
struct Sgd {
  static void run(int64_t count, const OptimSlot* slots, const SgdOptions& o) {
    over_blocks<T>(count, slots, [&o](const OptimSlot& s) {
      return [&o, first = s.step <= 1](Block<T> b) {
        effective_gradient(b, o.maximize, o.weight_decay);
        if (o.momentum == 0) return add_scaled(b.n, b.p, b.g, static_cast<T>(-o.lr));
        const T momentum = static_cast<T>(o.momentum), weight = static_cast<T>(1 - o.dampening);
        const T lr = static_cast<T>(o.lr);
        T* __restrict buffer = b.state[0];
        if (first)
          for (int64_t i = 0; i < b.n; ++i) buffer[i] = b.g[i];
        else
          for (int64_t i = 0; i < b.n; ++i) buffer[i] = madd(weight, b.g[i], buffer[i] * momentum);
        if (o.nesterov)
          for (int64_t i = 0; i < b.n; ++i) b.p[i] = madd(-lr, madd(momentum, buffer[i], b.g[i]), b.p[i]);
        else
          add_scaled(b.n, b.p, buffer, -lr);
      };
    });
  }
};

template <class T>
void decay(Block<T>& b, bool maximize, bool decoupled, double lr, double weight_decay) {
  if (decoupled && weight_decay != 0) scale(b.n, b.p, static_cast<T>(1 - lr * weight_decay));
  effective_gradient(b, maximize, decoupled ? 0 : weight_decay);
}
template <class T>
void moments(const Block<T>& b, double beta1, double beta2) {
  lerp(b.n, b.state[0], b.g, static_cast<T>(1 - beta1));
  square_average(b.n, b.state[1], b.g, static_cast<T>(beta2), static_cast<T>(1 - beta2));
}

template <class T>
struct Adam {
  static void run(int64_t count, const OptimSlot* slots, const AdamOptions& o) {
    over_blocks<T>(count, slots, [&o](const OptimSlot& s) {
      const double correction1 = 1 - std::pow(o.beta1, s.step), correction2 = 1 - std::pow(o.beta2, s.step);
      const T root = static_cast<T>(std::sqrt(correction2)), step = static_cast<T>(-(o.lr / correction1));
      return [&o, root, step](Block<T> b) {
        decay(b, o.maximize, o.decoupled_weight_decay, o.lr, o.weight_decay);
        moments(b, o.beta1, o.beta2);
        T* second = b.state[1];
        if (o.amsgrad) keep_maximum(b.n, b.state[2], b.state[1]), second = b.state[2];
        add_scaled_ratio(b.n, b.p, b.state[0], second, root, static_cast<T>(o.eps), step);
      };
    });
  }
};

template <class T>
struct Rmsprop {
  static void run(int64_t count, const OptimSlot* slots, const RmspropOptions& o) {
    over_blocks<T>(count, slots, [&o](const OptimSlot&) {
      return [&o](Block<T> b) {
        effective_gradient(b, o.maximize, o.weight_decay);
        square_average(b.n, b.state[0], b.g, static_cast<T>(o.alpha), static_cast<T>(1 - o.alpha));
        alignas(64) T centered[kBlock];
        const T* average = b.state[0];
        if (o.centered) {
          lerp(b.n, b.state[1], b.g, static_cast<T>(1 - o.alpha));
          for (int64_t i = 0; i < b.n; ++i) centered[i] = madd(-b.state[1][i], b.state[1][i], b.state[0][i]);
          average = centered;
        }
        const T eps = static_cast<T>(o.eps), lr = static_cast<T>(-o.lr);
        if (o.momentum > 0) {
          scale(b.n, b.state[2], static_cast<T>(o.momentum));
          add_scaled_ratio(b.n, b.state[2], b.g, average, T(1), eps, T(1));
          add_scaled(b.n, b.p, b.state[2], lr);
        } else {
          add_scaled_ratio(b.n, b.p, b.g, average, T(1), eps, lr);
        }
      };
    });
  }
};

template <class T>
struct Adagrad {
  static void run(int64_t count, const OptimSlot* slots, const AdagradOptions& o) {
    over_blocks<T>(count, slots, [&o](const OptimSlot& s) {
      return [&o, step = static_cast<T>(-(o.lr / (1 + (s.step - 1) * o.lr_decay)))](Block<T> b) {
        effective_gradient(b, o.maximize, o.weight_decay);
        square_average(b.n, b.state[0], b.g, T(1), T(1));
        add_scaled_ratio(b.n, b.p, b.g, b.state[0], T(1), static_cast<T>(o.eps), step);
      };
    });
  }
};

template <class T>
struct Adadelta {
  static void run(int64_t count, const OptimSlot* slots, const AdadeltaOptions& o) {
    over_blocks<T>(count, slots, [&o](const OptimSlot&) {
      return [&o](Block<T> b) {
        effective_gradient(b, o.maximize, o.weight_decay);
        const T rho = static_cast<T>(o.rho), weight = static_cast<T>(1 - o.rho), eps = static_cast<T>(o.eps);
        const T lr = static_cast<T>(o.lr);
        square_average(b.n, b.state[0], b.g, rho, weight);
        const T* __restrict average = b.state[0];
        T* __restrict accumulated = b.state[1];
        for (int64_t i = 0; i < b.n; ++i) {
          T delta = std::sqrt(accumulated[i] + eps) / std::sqrt(average[i] + eps) * b.g[i];
          accumulated[i] = madd(weight * delta, delta, accumulated[i] * rho);
          b.p[i] = madd(-lr, delta, b.p[i]);
        }
      };
    });
  }
};

template <class T>
struct Adamax {
  static void run(int64_t count, const OptimSlot* slots, const AdamaxOptions& o) {
    over_blocks<T>(count, slots, [&o](const OptimSlot& s) {
      return [&o, step = static_cast<T>(o.lr / (1 - std::pow(o.beta1, s.step)))](Block<T> b) {
        effective_gradient(b, o.maximize, o.weight_decay);
        lerp(b.n, b.state[0], b.g, static_cast<T>(1 - o.beta1));
        const T beta2 = static_cast<T>(o.beta2), eps = static_cast<T>(o.eps);
        const T* __restrict mean = b.state[0];
        T* __restrict norm = b.state[1];
        for (int64_t i = 0; i < b.n; ++i) {
          T old = norm[i] * beta2, now = std::fabs(b.g[i]) + eps;
          norm[i] = old > now || old != old ? old : now;
          b.p[i] -= step * mean[i] / norm[i];
        }
      };
    });
  }
};

template <class T>
struct Nadam {
  static void run(int64_t count, const OptimSlot* slots, const NadamOptions& o) {
    auto mu_at = [&o](double step) { return o.beta1 * (1.0 - 0.5 * std::pow(0.96, step * o.momentum_decay)); };
    over_blocks<T>(count, slots, [&o, mu_at](const OptimSlot& s) {
      const double mu = mu_at(s.step), mu_next = mu_at(s.step + 1);
      const T correction2 = static_cast<T>(1 - std::pow(o.beta2, s.step)), eps = static_cast<T>(o.eps);
      const T by_grad = static_cast<T>(-o.lr * (1.0 - mu) / (1.0 - s.mu_product));
      const T by_mean = static_cast<T>((-o.lr * mu_next) / (1.0 - s.mu_product * mu_next));
      return [&o, correction2, eps, by_grad, by_mean](Block<T> b) {
        decay(b, o.maximize, o.decoupled_weight_decay, o.lr, o.weight_decay);
        moments(b, o.beta1, o.beta2);
        const T* __restrict mean = b.state[0], * __restrict square = b.state[1];
        for (int64_t i = 0; i < b.n; ++i) {
          T denom = std::sqrt(square[i] / correction2) + eps;
          T p = b.p[i] + by_grad * b.g[i] / denom;
          b.p[i] = p + by_mean * mean[i] / denom;
        }
      };
    });
  }
};

template <class T>
struct Radam {
  static void run(int64_t count, const OptimSlot* slots, const RadamOptions& o) {
    over_blocks<T>(count, slots, [&o](const OptimSlot& s) {
      const double beta2_power = std::pow(o.beta2, s.step), correction2 = 1 - beta2_power;
      const double rho_inf = 2 / (1 - o.beta2) - 1, rho = rho_inf - 2 * s.step * beta2_power / correction2;
      const bool rectified = rho > 5.0;
      const T rect =
          rectified ? static_cast<T>(std::sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)))
                    : T(1);
      const T correction1 = static_cast<T>(1 - std::pow(o.beta1, s.step)),
              root = static_cast<T>(std::sqrt(correction2));
      return [&o, rectified, rect, correction1, root](Block<T> b) {
        decay(b, o.maximize, o.decoupled_weight_decay, o.lr, o.weight_decay);
        moments(b, o.beta1, o.beta2);
        const T lr = static_cast<T>(o.lr), eps = static_cast<T>(o.eps);
        const T* __restrict mean = b.state[0], * __restrict square = b.state[1];
        if (rectified)
          for (int64_t i = 0; i < b.n; ++i)
            b.p[i] -= mean[i] / correction1 * lr * (root * (T(1) / (std::sqrt(square[i]) + eps))) * rect;
        else
          for (int64_t i = 0; i < b.n; ++i) b.p[i] -= mean[i] / correction1 * lr;
      };
    });
  }
};

// The step of each weight grows while its gradient keeps its sign; after a change of sign it shrinks and waits once.
template <class T>
struct Rprop {
  static void run(int64_t count, const OptimSlot* slots, const RpropOptions& o) {
    over_blocks<T>(count, slots, [&o](const OptimSlot&) {
      return [&o](Block<T> b) {
        const T minus = static_cast<T>(o.eta_minus), plus = static_cast<T>(o.eta_plus);
        const T lowest = static_cast<T>(o.step_size_min), highest = static_cast<T>(o.step_size_max);
        const T direction = o.maximize ? T(-1) : T(1);
        T* __restrict previous = b.state[0];
        T* __restrict step = b.state[1];
        for (int64_t i = 0; i < b.n; ++i) {
          T g = direction * b.g[i], agreement = g * previous[i];
          T size = step[i] * (agreement > 0 ? plus : agreement < 0 ? minus : agreement == 0 ? T(1) : agreement);
          size = size < lowest ? lowest : size > highest ? highest : size;
          if (agreement < 0) g = 0;
          b.p[i] -= (g > 0 ? T(1) : g < 0 ? T(-1) : T(0)) * size;
          step[i] = size;
          previous[i] = g;
        }
      };
    });
  }
};

template <class T>
struct Asgd {
  static void run(int64_t count, const OptimSlot* slots, const AsgdOptions& o) {
    over_blocks<T>(count, slots, [&o](const OptimSlot&) {
      return [&o](Block<T> b) {
        effective_gradient(b, o.maximize, o.weight_decay);
        scale(b.n, b.p, static_cast<T>(1 - o.lambd * o.eta));
        add_scaled(b.n, b.p, b.g, static_cast<T>(-o.eta));
        T* __restrict average = b.state[0];
        const T mu = static_cast<T>(o.mu);
        if (o.mu == 1)
          for (int64_t i = 0; i < b.n; ++i) average[i] = b.p[i];
        else
          for (int64_t i = 0; i < b.n; ++i) average[i] += (b.p[i] - average[i]) * mu;
      };
    });
  }
};

template <template <class> class Algorithm, class Options>
void dispatch(DType dtype, int64_t count, const OptimSlot* slots, const Options& options) {
  if (dtype == DType::Float64)
    Algorithm<double>::run(count, slots, options);
  else
    Algorithm<float>::run(count, slots, options);
}

}  // namespace

KERNELS(OptimKernels, optim_kernels) = {dispatch<Sgd, SgdOptions>,           dispatch<Adam, AdamOptions>,
                                        dispatch<Rmsprop, RmspropOptions>,   dispatch<Adagrad, AdagradOptions>,
                                        dispatch<Adadelta, AdadeltaOptions>, dispatch<Adamax, AdamaxOptions>,
                                        dispatch<Nadam, NadamOptions>,       dispatch<Radam, RadamOptions>,
                                        dispatch<Rprop, RpropOptions>,       dispatch<Asgd, AsgdOptions>};

}  // namespace facula::cpu::FACULA_ISA
