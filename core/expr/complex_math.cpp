// Complex functions by the C library's, and the few that it lacks.
#include "expr/complex_math.h"

#include <cmath>
#include <complex>

namespace facula::complex_math {

using C = std::complex<double>;
static C wide(Z x) { return {x.re, x.im}; }
static Z plain(C x) { return {x.real(), x.imag()}; }

#define BY_LIBRARY(name) \
  Z name(Z x) { return plain(std::name(wide(x))); }
BY_LIBRARY(sqrt)
BY_LIBRARY(exp)
BY_LIBRARY(log)
BY_LIBRARY(sin)
BY_LIBRARY(cos)
BY_LIBRARY(tan)
BY_LIBRARY(asin)
BY_LIBRARY(acos)
BY_LIBRARY(atan)
BY_LIBRARY(sinh)
BY_LIBRARY(cosh)
BY_LIBRARY(tanh)
BY_LIBRARY(asinh)
BY_LIBRARY(acosh)
BY_LIBRARY(atanh)
#undef BY_LIBRARY

static Z scaled(Z x, double by) { return {x.re * by, x.im * by}; }
Z log2(Z x) { return scaled(log(x), M_LOG2E); }
Z log10(Z x) { return scaled(log(x), M_LOG10E); }
Z exp2(Z x) { return exp(scaled(x, M_LN2)); }
Z pow(Z x, Z y) { return plain(std::pow(wide(x), wide(y))); }
Z rsqrt(Z x) { return plain(1.0 / std::sqrt(wide(x))); }
Z sigmoid(Z x) { return plain(1.0 / (1.0 + std::exp(-wide(x)))); }
Z sinc(Z x) {
  if (x.re == 0 && x.im == 0) return {1, 0};
  return plain(std::sin(M_PI * wide(x)) / (M_PI * wide(x)));
}
double abs(Z x) { return std::hypot(x.re, x.im); }
Z sign(Z x) {
  double size = abs(x);
  return size == 0 ? Z{0, 0} : Z{x.re / size, x.im / size};
}

// The one with the larger real part is factored out. Where both are -infinity the angle is lost anyway.
Z logaddexp(Z x, Z y) {
  if (std::isnan(x.re) || std::isnan(x.im) || std::isnan(y.re) || std::isnan(y.im)) return {NAN, NAN};
  C low = wide(x), high = wide(y);
  if (low.real() > high.real()) std::swap(low, high);
  if (std::isinf(low.real()) && low.real() == high.real())
    return low.real() < 0 ? y : plain(std::log(std::exp(low) + std::exp(high)));
  return plain(wide(log1p(exp(plain(low - high)))) + high);
}

// Parts that stay accurate near 0: exp(x) cos(y) - 1 = expm1(x) cos(y) - 2 sin(y/2)^2.
Z expm1(Z x) {
  double half = std::sin(0.5 * x.im);
  return {std::expm1(x.re) * std::cos(x.im) - 2 * half * half, std::exp(x.re) * std::sin(x.im)};
}
// |1 + x|^2 - 1 = re (2 + re) + im^2
Z log1p(Z x) {
  if (!(abs(x) < 0.5)) return plain(std::log(1.0 + wide(x)));
  return {0.5 * std::log1p(x.re * (2 + x.re) + x.im * x.im), std::atan2(x.im, 1 + x.re)};
}

}  // namespace facula::complex_math
