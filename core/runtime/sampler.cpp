// Rejection and inversion samplers in double. The order in which uniforms are drawn is the contract with PyTorch.
#include "runtime/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cpu/random.h"
#include "runtime/parallel.h"

namespace facula {

double sample_uniform(Generator& g) { return static_cast<double>(g.random64() & ((uint64_t{1} << 53) - 1)) * 0x1p-53; }

double sample_normal(Generator& g) {
  const cpu::RandomKernels& kernels = cpu::random();
  if (g.has_double_normal) {
    g.has_double_normal = false;
    return kernels.normal_from_spare(g.double_normal, 0, 1);
  }
  double u1 = sample_uniform(g), u2 = sample_uniform(g);
  g.has_double_normal = true;
  return kernels.normal_pair(u1, u2, 0, 1, &g.double_normal);
}

void sample_uniforms(Generator& g, double* out, int64_t n) {
  while (n > 0) {
    int made = g.uniforms_ahead(out, static_cast<int>(std::min<int64_t>(n, 1024)));
    g.draw_ahead(made);
    if (made == 0) {  // the state is used up
      *out = sample_uniform(g);
      made = 1;
    }
    out += made;
    n -= made;
  }
}
void sample_normals(Generator& g, double* out, int64_t n) {
  const cpu::RandomKernels& kernels = cpu::random();
  if (n > 0 && g.has_double_normal) {
    *out++ = sample_normal(g);
    --n;
  }
  sample_uniforms(g, out, n & ~int64_t{1});
  constexpr int64_t kGrain = 256;  // pairs in about 10 us
  parallel_for(n / 2, kGrain, [&kernels, out](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      out[2 * i] = kernels.normal_pair(out[2 * i], out[2 * i + 1], 0, 1, &out[2 * i + 1]);
  });
  if (n % 2) out[n - 1] = sample_normal(g);
}

// Knuth, TAOCP volume 2, 3.4.1: products of uniforms.
template <class Next>
static double poisson_by_product(Next&& next, double limit) {
  double product = 1;
  for (double k = 0;; ++k)
    if ((product *= next()) <= limit) return k;
}

// W. Hoermann, The transformed rejection method for generating Poisson random variables (1993), algorithm PTRS.
static double poisson_by_rejection(Generator& g, double rate) {
  const double log_rate = std::log(rate), b = 0.931 + 2.53 * std::sqrt(rate), a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), v_r = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    double u = sample_uniform(g) - 0.5, v = sample_uniform(g), us = 0.5 - std::fabs(u);
    double k = std::floor((2 * a / us + b) * u + rate + 0.43);
    if (us >= 0.07 && v <= v_r) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    int sign;
    if (std::log(v) + std::log(inverse_alpha) - std::log(a / (us * us) + b) <=
        -rate + k * log_rate - lgamma_r(k + 1, &sign))
      return k;
  }
}

// Uniforms are made ahead: a product that ends is a surprise to the processor, and work that does not depend on
// it goes on meanwhile.
void sample_poisson(Generator& g, const double* rate, const double* exp_minus_rate, double* out, int64_t n) {
  constexpr int kAhead = 32;
  double ahead[kAhead];
  int made = 0, used = 0;
  auto settle = [&] {
    g.draw_ahead(used);
    made = used = 0;
  };
  auto next = [&] {
    if (used == made) {
      settle();
      made = g.uniforms_ahead(ahead, kAhead);
      if (made == 0) return sample_uniform(g);
    }
    return ahead[used++];
  };
  for (int64_t i = 0; i < n; ++i) {
    if (rate[i] == 0) {
      out[i] = 0;
    } else if (rate[i] >= 10) {
      settle();
      out[i] = poisson_by_rejection(g, rate[i]);
    } else {
      out[i] = poisson_by_product(next, exp_minus_rate[i]);
    }
  }
  settle();
}

// log(k!) minus Stirling's approximation of it.
static double stirling_tail(double k) {
  static const double* const small = [] {
    static double table[10];
    double factorial = 1;
    for (int i = 0; i < 10; factorial *= ++i)
      table[i] = std::log(factorial) - (0.5 * std::log(2 * M_PI) + (i + 0.5) * std::log(i + 1.0) - (i + 1));
    return table;
  }();
  if (k <= 9) return small[static_cast<int>(k)];
  double square = (k + 1) * (k + 1);
  return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1);
}

// W. Hoermann, The generation of binomial random variates (1993), algorithm BTRS; count * p >= 10, p <= 0.5.
static double binomial_by_rejection(Generator& g, double count, double p) {
  const double deviation = std::sqrt(count * p * (1 - p)), b = 1.15 + 2.53 * deviation;
  const double a = -0.0873 + 0.0248 * b + 0.01 * p, c = count * p + 0.5, v_r = 0.92 - 4.2 / b, r = p / (1 - p);
  const double alpha = (2.83 + 5.1 / b) * deviation, m = std::floor((count + 1) * p);
  for (;;) {
    double u = sample_uniform(g) - 0.5, v = sample_uniform(g), us = 0.5 - std::fabs(u);
    double k = std::floor((2 * a / us + b) * u + c);
    if (k < 0 || k > count) continue;
    if (us >= 0.07 && v <= v_r) return k;
    double bound = (m + 0.5) * std::log((m + 1) / (r * (count - m + 1))) +
                   (count + 1) * std::log((count - m + 1) / (count - k + 1)) +
                   (k + 0.5) * std::log(r * (count - k + 1) / (k + 1)) + stirling_tail(m) + stirling_tail(count - m) -
                   stirling_tail(k) - stirling_tail(count - k);
    if (std::log(v * alpha / (a / (us * us) + b)) <= bound) return k;
  }
}

// Geometric gaps between successes, as many as fit into count trials.
static double binomial_by_gaps(Generator& g, double count, double p) {
  const double log_miss = std::log1p(-p);
  double successes = 0;
  for (double trials = 0;; ++successes) {
    trials += std::ceil(std::log(sample_uniform(g)) / log_miss);
    if (trials > count) return successes;
  }
}

double sample_binomial(Generator& g, double count, double p) {
  if (count <= 0 || p <= 0) return 0;
  if (p >= 1) return count;
  if (!(p == p) || !(count == count)) return std::numeric_limits<double>::quiet_NaN();
  const double rare = p <= 0.5 ? p : 1 - p;
  double hits = count * rare >= 10 ? binomial_by_rejection(g, count, rare) : binomial_by_gaps(g, count, rare);
  return p <= 0.5 ? hits : count - hits;
}

// G. Marsaglia, W. W. Tsang, A simple method for generating gamma variables (2000); below 1 by their section 6.
// Constants are rounded to float, and the shape is prepared in its own type, as in PyTorch.
template <class T>
static double gamma_of(Generator& g, T alpha) {
  double scale = 1;
  if (alpha < 1) {
    if (alpha == 0) return 0;
    scale = std::pow(1 - sample_uniform(g), static_cast<double>(T(1) / alpha));
    alpha += 1;
  }
  const double d = static_cast<double>(alpha - static_cast<T>(1.0f / 3.0f)), c = 1 / std::sqrt(9 * d);
  for (;;) {
    double x, y;
    do {
      x = sample_normal(g);
      y = 1 + c * x;
    } while (y <= 0);
    const double v = y * y * y, u = 1 - sample_uniform(g), square = x * x;
    if (u < 1 - static_cast<double>(0.0331f) * square * square) return scale * d * v;
    if (std::log(u) < 0.5 * square + d * (1 - v + std::log(v))) return scale * d * v;
  }
}
double sample_gamma(Generator& g, double alpha) { return gamma_of(g, alpha); }
double sample_gamma(Generator& g, float alpha) { return gamma_of(g, alpha); }

}  // namespace facula
