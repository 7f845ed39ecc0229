// The gamma family in double.
#include "expr/special.h"

#include <cmath>
#include <limits>

namespace facula::special {

static constexpr double kInf = std::numeric_limits<double>::infinity();
static constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
// Bernoulli numbers B_2, B_4, ..., B_24 of the Euler-Maclaurin expansions below.
static constexpr double kBernoulli[] = {1.0 / 6,       -1.0 / 30,       1.0 / 42,       -1.0 / 30,
                                        5.0 / 66,      -691.0 / 2730,   7.0 / 6,        -3617.0 / 510,
                                        43867.0 / 798, -174611.0 / 330, 854513.0 / 138, -236364091.0 / 2730};

double lgamma(double x) {
  int sign;
  return lgamma_r(x, &sign);
}

static double digamma_near_root(double x) {
  double sum = 0, t = x - 1.5;
  for (int i = kDigammaTerms; i-- > 0;) sum = sum * t + kDigammaNearRoot[i];
  return ((x - kDigammaRoot) - kDigammaRootLow) * sum;
}

double digamma(double x) {
  if (x == 0) return std::copysign(kInf, -x);
  if (x < 0) {
    if (x == std::floor(x)) return kNan;
    double whole, fraction = std::modf(x, &whole);
    return digamma(1 - x) - M_PI / std::tan(M_PI * fraction);
  }
  if (x < 1) return digamma_near_root(x + 1) - 1 / x;
  if (x < 12) {
    double sum = 0;
    for (; x > 2; x -= 1) sum += 1 / (x - 1);
    return digamma_near_root(x) + sum;
  }
  double z = 1 / (x * x), sum = 0;
  for (int k = 8; k >= 1; --k) sum = z * (sum + kBernoulli[k - 1] / (2 * k));
  return std::log(x) - 0.5 / x - sum;
}

double polygamma(double n, double x) {
  if (std::isnan(x)) return x;
  if (n == 0) return digamma(x);
  if (x < -1e6 || (x < 0 && x != std::floor(x) && n == 1)) {
    if (n != 1) return kNan;  // reflection is written for the trigamma function only
    double s = std::sin(M_PI * (x - std::floor(x)));
    return M_PI * M_PI / (s * s) - polygamma(1, 1 - x);
  }
  double sign = std::fmod(n, 2) == 0 ? -1 : 1;
  return sign * std::tgamma(n + 1) * hurwitz_zeta(n + 1, x);
}

}  // namespace facula::special
