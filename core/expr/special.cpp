// The gamma family and the inverse error function in double.
#include "expr/special.h"

#include <cmath>
#include <iterator>
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

// psi(x) / (x - root) in x - 1.5 on [1, 2]: minimax fit (Remez exchange, mpmath), 2^-58. Keeps the relative accuracy at
// the root, where the asymptotic series loses all digits.
static double digamma_near_root(double x) {
  static constexpr double c[] = {
      0.95105587603183284,    -0.42362742128146058,    0.24054248424078722,    -0.14840492305388028,
      0.094988724452850032,   -0.061922133275543627,   0.040760833943376637,   -0.026975796657587182,
      0.017907248235981554,   -0.011908220154029307,   0.0079270233208046572,  -0.0052799366243587971,
      0.0035180887721182937,  -0.002345499932739234,   0.0015635029670300667,  -0.0010364315101552427,
      0.00069028391417604712, -0.00048603626162821369, 0.00032587625819550161, -0.00014465345732231005,
      9.3301498203493061e-05, -0.0001783356336030291,  0.00012116940835080111};
  double sum = 0, t = x - 1.5;
  for (int i = std::size(c); i-- > 0;) sum = sum * t + c[i];
  return ((x - 1.4616321449683622) - 9.549995429965697e-17) * sum;  // the root in two parts
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

double erfinv(double y) {
  double a = std::abs(y);
  if (!(a < 1)) return a == 1 ? std::copysign(kInf, y) : kNan;
  if (a < 1e-9) return y * (1 / M_2_SQRTPI);  // the cubic term is below half an ulp
  // Winitzki 2008 to 2e-3, then Halley steps on erf(x) - a or, near 1, on (1 - a) - erfc(x).
  constexpr double w = 0.147;
  double l = std::log1p(-a * a), b = 2 / (M_PI * w) + 0.5 * l;
  double x = std::sqrt(std::sqrt(b * b - l / w) - b);
  for (int step = 0; step < 3; ++step) {
    double e = a < 0.5 ? std::erf(x) - a : (1 - a) - std::erfc(x);
    double newton = e / (M_2_SQRTPI * std::exp(-x * x));
    x -= newton / (1 + x * newton);
  }
  return std::copysign(x, y);
}

}  // namespace facula::special
