// Incomplete gamma functions, their derivative by the parameter, and the zeta function, in double.
#include <cmath>
#include <limits>

#include "expr/special.h"

namespace facula::special {

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kEpsilon = 0x1p-54;
constexpr int kMostTerms = 20000;

// ---- the uniform expansion for large a: N. Temme (1979), DLMF 8.12 ----

constexpr int kOrders = 6, kPowers = 22;
struct Temme {
  double c[kOrders][kPowers];  // c_k(eta), DLMF 8.12.9
  double g[kOrders];           // gamma*(a) = sum of g_k a^-k
};
constexpr Temme temme() {
  // lambda - 1 = sum of alpha_n eta^n, from (lambda - 1) lambda' = eta lambda.
  constexpr int n_max = kPowers + 2 * kOrders + 3;
  double alpha[n_max + 1] = {0, 1};
  for (int n = 2; n <= n_max; ++n) {
    double sum = alpha[n - 1];
    for (int i = 2; i < n; ++i) sum -= i * alpha[i] * alpha[n - i + 1];
    alpha[n] = sum / (n + 1);
  }
  Temme t{};
  double double_factorial = 1;
  for (int k = 0; k < kOrders; ++k) {
    double_factorial *= 2 * k + 1;
    t.g[k] = double_factorial * alpha[2 * k + 1];
  }
  double row[n_max + 1] = {}, first[n_max + 1] = {};
  for (int n = 0; n + 2 <= n_max; ++n) row[n] = first[n] = (n + 2) * alpha[n + 2] - (n == 0);
  for (int k = 0; k < kOrders; ++k) {
    if (k > 0)
      for (int n = 0; n + 2 <= n_max; ++n) row[n] = (n + 2) * row[n + 2] + (k % 2 ? -1 : 1) * t.g[k] * first[n];
    for (int n = 0; n < kPowers; ++n) t.c[k][n] = row[n];
  }
  return t;
}
constexpr Temme kTemme = temme();

// lambda - 1 - log(lambda) for lambda = 1 + m, without cancellation near m = 0.
double excess(double m) {
  if (std::fabs(m) > 0.4) return m - std::log1p(m);
  double r = m / (2 + m), square = r * r, sum = 0;  // log1p(m) = 2 atanh(r)
  for (int k = 33; k >= 3; k -= 2) sum = sum * square + 1.0 / k;
  return 2 * square / (1 - r) - 2 * r * square * sum;
}

// log gamma*(a): what Stirling's formula leaves, a >= 10 (DLMF 5.11.1).
double stirling_rest(double a) {
  double z = 1 / (a * a);
  return (1.0 / 12 -
          z * (1.0 / 360 -
               z * (1.0 / 1260 - z * (1.0 / 1680 - z * (1.0 / 1188 - z * (691.0 / 360360 - z * (1.0 / 156))))))) /
         a;
}

// x^a exp(-x) / gamma(a)
double prefix(double a, double x) {
  if (a < 10) {
    if (x > 700) return std::exp(a * std::log(x) - x - lgamma(a));
    return std::pow(x, a) * std::exp(-x) / std::tgamma(a);
  }
  return std::sqrt(a / (2 * M_PI)) * std::exp(-a * excess((x - a) / a) - stirling_rest(a));
}

double lower_by_expansion(double a, double x, bool upper) {
  double m = (x - a) / a, phi = excess(m), eta = std::copysign(std::sqrt(2 * phi), m);
  double rest = 0;
  for (int k = kOrders; k-- > 0;) {
    double c = 0;
    for (int n = kPowers; n-- > 0;) c = c * eta + kTemme.c[k][n];
    rest = rest / a + c;
  }
  rest *= std::exp(-a * phi) / std::sqrt(2 * M_PI * a);
  double z = eta * std::sqrt(0.5 * a);
  return upper ? 0.5 * std::erfc(z) + rest : 0.5 * std::erfc(-z) - rest;
}

// ---- series and continued fraction, each with its derivative by a ----

struct Pair {
  double value, slope;
};
// Sum over n of x^n / (a (a+1) ... (a+n)): P = prefix * value (DLMF 8.11.4).
Pair series(double a, double x) {
  double term = 1 / a, harmonic = 1 / a;
  Pair sum{term, -term * harmonic};
  for (int n = 1; n < kMostTerms; ++n) {
    term *= x / (a + n);
    harmonic += 1 / (a + n);
    sum.value += term;
    sum.slope -= term * harmonic;
    if (term < sum.value * kEpsilon && term * harmonic < -sum.slope * kEpsilon) break;
  }
  return sum;
}
// Q = prefix * value (DLMF 8.9.2), by the backward-free recurrence of Lentz; slopes beside the values.
Pair fraction(double a, double x) {
  constexpr double kTiny = 1e-300;
  double b = x + 1 - a, db = -1;
  Pair c{1 / kTiny, 0}, d{1 / b, -db / (b * b)}, h = d;
  for (int n = 1; n < kMostTerms; ++n) {
    double e = -n * (n - a), de = n;
    b += 2;
    double under = e * d.value + b, dunder = de * d.value + e * d.slope + db;
    if (std::fabs(under) < kTiny) under = kTiny;
    d = {1 / under, -dunder / (under * under)};
    Pair next{b + e / c.value, db + de / c.value - e * c.slope / (c.value * c.value)};
    if (std::fabs(next.value) < kTiny) next.value = kTiny;
    c = next;
    double step = c.value * d.value, dstep = c.slope * d.value + c.value * d.slope;
    h = {h.value * step, h.slope * step + h.value * dstep};
    if (std::fabs(step - 1) < 4 * kEpsilon && std::fabs(dstep) < 4 * kEpsilon) break;
  }
  return h;
}

// log gamma(1 + a) for a in [-0.5, 0.5]: DLMF 5.7.3.
double log_gamma_of_one_plus(double a) {
  static const double* const zeta = [] {
    static double values[60];
    for (int k = 2; k < 60; ++k) values[k] = hurwitz_zeta(k, 1);
    return values;
  }();
  double sum = 0;
  for (int k = 59; k >= 2; --k) sum = zeta[k] / k - sum * a;
  return a * (a * sum - 0.57721566490153286061);
}
// Q for x <= 1.1 where 1 - P would cancel (DLMF 8.7.3).
double upper_by_series(double a, double x) {
  double term = 1, sum = 0;
  for (int n = 1; n < 200; ++n) {
    term *= -x / n;
    sum += term / (a + n);
    if (std::fabs(term) < kEpsilon * std::fabs(sum)) break;
  }
  double log_x = std::log(x), one_plus = a <= 0.5 ? log_gamma_of_one_plus(a) : lgamma(1 + a);
  return -std::expm1(a * log_x - one_plus) - std::exp(a * log_x - lgamma(a)) * sum;
}

enum class Method { Series, Fraction, Expansion, SmallUpper };
Method method_for(double a, double x) {
  if (a > 200 && std::fabs(x - a) < 0.4 * a) return Method::Expansion;
  if (x <= 1.1) {
    bool series = x <= 0.5 ? -0.4 / std::log(x) < a : x * 1.1 < a;  // Q is large
    return series ? Method::Series : Method::SmallUpper;
  }
  return x < a ? Method::Series : Method::Fraction;
}

// Limits and forbidden arguments; false: compute.
bool at_the_border(double a, double x, double& lower) {
  if (!(a >= 0) || !(x >= 0) || (a == 0 && x == 0)) {
    lower = kNan;
  } else if (a == 0) {
    lower = 1;
  } else if (x == 0) {
    lower = 0;
  } else if (std::isinf(a)) {
    lower = std::isinf(x) ? kNan : 0;
  } else if (std::isinf(x)) {
    lower = 1;
  } else {
    return false;
  }
  return true;
}

}  // namespace

double igamma(double a, double x) {
  double lower;
  if (at_the_border(a, x, lower)) return lower;
  switch (method_for(a, x)) {
    case Method::Expansion: return lower_by_expansion(a, x, false);
    case Method::Fraction: return 1 - prefix(a, x) * fraction(a, x).value;
    default: return prefix(a, x) * series(a, x).value;
  }
}

double igammac(double a, double x) {
  double lower;
  if (at_the_border(a, x, lower)) return 1 - lower;
  switch (method_for(a, x)) {
    case Method::Expansion: return lower_by_expansion(a, x, true);
    case Method::Fraction: return prefix(a, x) * fraction(a, x).value;
    case Method::SmallUpper: return upper_by_series(a, x);
    default: return 1 - prefix(a, x) * series(a, x).value;
  }
}

// dx / da at a fixed P(a, x): how a gamma variate moves with its shape.
double gamma_slope(double a, double x) {
  if (!(a > 0) || !(x > 0) || std::isinf(a) || std::isinf(x)) return x == 0 ? 0 : kNan;
  if (a > 1000 && std::fabs(x - a) < 40 * std::sqrt(a)) {
    // x = a + z sqrt(a) + (z^2 - 1)/3 + (z^3 - 7z)/(36 sqrt(a)) - (3z^4 + 7z^2 - 16)/(810 a) (Cornish & Fisher 1938)
    double root = std::sqrt(a), z = (x - a) / root;
    for (int step = 0; step < 4; ++step) {
      double f = a + z * root + (z * z - 1) / 3 + (z * z * z - 7 * z) / (36 * root) -
                 (3 * z * z * z * z + 7 * z * z - 16) / (810 * a) - x;
      z -= f / (root + 2 * z / 3);
    }
    return 1 + z / (2 * root) - (z * z * z - 7 * z) / (72 * a * root) +
           (3 * z * z * z * z + 7 * z * z - 16) / (810 * a * a);
  }
  double growth = std::log(x) - digamma(a);  // of log prefix
  if (x < a + 1 || x < 1.5) {
    Pair s = series(a, x);
    return -x * (growth * s.value + s.slope);
  }
  Pair f = fraction(a, x);
  return x * (growth * f.value + f.slope);
}

// dx/da at a fixed I_x(a, b), over 1 - x: how a point of the simplex moves with one concentration a, the others' sum b.
// I_x(a, b) = x^a (1-x)^b / (a B(a, b)) sum of t_n, t_n = x^n (a+b)...(a+b+n-1) / (a+1)...(a+n) (DLMF 8.17.8).
double beta_slope(double x, double a, double b) {
  if (!(x > 0 && x < 1 && a > 0 && b > 0)) return kNan;
  const double y = 1 - x;
  const bool direct = x * (a + b) <= a;  // below the mean: the series of I_x, else that of 1 - I_x = I_y(b, a)
  const double first = direct ? a : b, z = direct ? x : y;
  double term = 1, growth = 0, sum = 1, slope = 0;  // growth: d log(term) / da
  for (int n = 0; n < kMostTerms; ++n) {
    term *= (a + b + n) / (first + 1 + n) * z;
    growth += 1 / (a + b + n) - (direct ? 1 / (a + 1 + n) : 0);
    sum += term;
    slope += term * growth;
    if (term < sum * kEpsilon && term * std::fabs(growth) < std::fabs(slope) * kEpsilon) break;
  }
  const double prefix_growth = std::log(x) - digamma(a) + digamma(a + b);
  if (direct) return -x / a * (sum * (prefix_growth - 1 / a) + slope);
  return x / b * (sum * prefix_growth + slope);
}

// ---- zeta ----

static constexpr double kBernoulli[] = {1.0 / 6,       -1.0 / 30,       1.0 / 42,       -1.0 / 30,
                                        5.0 / 66,      -691.0 / 2730,   7.0 / 6,        -3617.0 / 510,
                                        43867.0 / 798, -174611.0 / 330, 854513.0 / 138, -236364091.0 / 2730};

// zeta(s, x) = sum of (x + k)^-s, by Euler-Maclaurin after ten terms.
double hurwitz_zeta(double s, double x) {
  double sum = 0;
  if (x <= 0) {
    if (x == std::floor(x)) return kInf;
    for (; x < 0; x += 1) sum += std::pow(x, -s);  // s is integral here
  }
  for (int k = 0; k < 10 || x < 9; ++k, x += 1) {
    double term = std::pow(x, -s);
    sum += term;
    if (term < kEpsilon * 0.01 * sum) return sum;  // the tail falls at least as fast
  }
  sum += std::pow(x, 1 - s) / (s - 1) + 0.5 * std::pow(x, -s);
  double factor = s * std::pow(x, -s - 1), factorial = 2;
  for (int k = 1; k <= 12; ++k) {
    double term = kBernoulli[k - 1] * factor / factorial;
    sum += term;
    if (std::abs(term) < 1e-17 * std::abs(sum)) break;
    factor *= (s + 2 * k - 1) * (s + 2 * k) / (x * x);
    factorial *= (2 * k + 1) * (2 * k + 2);
  }
  return sum;
}
static bool zeta_is_undefined(double s, double x) {
  return !(s > 1) || std::isnan(x) || (x <= 0 && s != std::floor(s)) || x < -1e6;
}
double zeta(double s, double x) {
  if (s == 1) return kInf;
  if (x <= 0 && x == std::floor(x) && s > 1) return kInf;
  return zeta_is_undefined(s, x) ? kNan : hurwitz_zeta(s, x);
}

// The derivative of the same expansion by s.
double zeta_slope(double s, double x) {
  if (zeta_is_undefined(s, x) || x <= 0) return kNan;
  double sum = 0;
  for (int k = 0; k < 10 || x < 9; ++k, x += 1) sum -= std::log(x) * std::pow(x, -s);
  double log_x = std::log(x), power = std::pow(x, -s), inverse = 1 / (s - 1);
  sum -= x * power * inverse * (log_x + inverse) + 0.5 * power * log_x;
  double factor = s * power / x, growth = 1 / s - log_x, factorial = 2;  // growth: of log factor
  for (int k = 1; k <= 12; ++k) {
    double term = kBernoulli[k - 1] * factor * growth / factorial;
    sum += term;
    if (std::abs(term) < 1e-17 * std::abs(sum)) break;
    factor *= (s + 2 * k - 1) * (s + 2 * k) / (x * x);
    growth += 1 / (s + 2 * k - 1) + 1 / (s + 2 * k);
    factorial *= (2 * k + 1) * (2 * k + 2);
  }
  return sum;
}

}  // namespace facula::special
