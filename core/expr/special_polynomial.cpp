// Orthogonal polynomials of whole degree in double, by their recurrences; closed forms inside (-1, 1) where PyTorch
// uses them. Degrees below 0 give 0, as there.
#include <cmath>
#include <limits>

#include "expr/special.h"

namespace facula::special {

static constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
static constexpr int64_t kHighest = 10'000'000;  // a recurrence of more steps takes too long: NaN

// p_0 = 1, p_1 = first, p_k = next(k, p_(k-1), p_(k-2)).
template <class F>
static double recurrence(int64_t n, double first, F&& next) {
  if (n < 0) return 0;
  if (n == 0) return 1;
  if (n > kHighest) return kNan;
  double before = 1, last = first;
  for (int64_t k = 2; k <= n && !std::isnan(last); ++k) {
    double value = next(static_cast<double>(k), last, before);
    before = last;
    last = value;
  }
  return last;
}
// Fractions are cut off; what no int64 holds counts as below 0, as in PyTorch.
static int64_t degree(double n) { return n > -1 && n < 9.2e18 ? static_cast<int64_t>(n) : -1; }
static double sign_of_degree(int64_t n) { return n % 2 == 0 ? 1 : -1; }
// The four kinds differ in p_1 only (DLMF 18.9.9, 18.9.11).
static double chebyshev(double x, int64_t n, double first) {
  return recurrence(n, first, [x](double, double last, double before) { return 2 * x * last - before; });
}

double chebyshev_t(double x, double degree_given) {
  const int64_t n = degree(degree_given);
  if (n >= 0 && std::fabs(x) == 1) return x > 0 ? 1 : sign_of_degree(n);
  if (n > 6 && std::fabs(x) < 1) return std::cos(static_cast<double>(n) * std::acos(x));
  return chebyshev(x, n, x);
}
double chebyshev_u(double x, double degree_given) {
  const int64_t n = degree(degree_given);
  const double m = static_cast<double>(n) + 1;
  if (n >= 0 && std::fabs(x) == 1) return x > 0 ? m : sign_of_degree(n) * m;
  if (n > 8 && std::fabs(x) < 1) return std::sin(m * std::acos(x)) / std::sin(std::acos(x));
  return chebyshev(x, n, 2 * x);
}
double chebyshev_v(double x, double degree_given) {
  const int64_t n = degree(degree_given);
  const double m = static_cast<double>(n);
  if (n >= 0 && std::fabs(x) == 1) return x > 0 ? 1 : sign_of_degree(n) * (2 * m + 1);
  if (n > 8 && std::fabs(x) < 1) return std::cos((m + 0.5) * std::acos(x)) / std::cos(0.5 * std::acos(x));
  return chebyshev(x, n, 2 * x - 1);
}
double chebyshev_w(double x, double degree_given) {
  const int64_t n = degree(degree_given);
  const double m = static_cast<double>(n);
  if (n >= 0 && std::fabs(x) == 1) return x > 0 ? 2 * m + 1 : sign_of_degree(n);
  if (n > 8 && std::fabs(x) < 1) return std::sin((m + 0.5) * std::acos(x)) / std::sin(0.5 * std::acos(x));
  return chebyshev(x, n, 2 * x + 1);
}

constexpr int64_t kHighestHermite = 512;  // PyTorch's bound; the values overflow long before
double hermite_h(double x, double degree_given) {
  const int64_t n = degree(degree_given);
  if (n > kHighestHermite) return kNan;
  return recurrence(n, 2 * x, [x](double k, double last, double before) { return 2 * (x * last - (k - 1) * before); });
}
double hermite_he(double x, double degree_given) {
  const int64_t n = degree(degree_given);
  if (n > kHighestHermite) return kNan;
  return recurrence(n, x, [x](double k, double last, double before) { return x * last - (k - 1) * before; });
}
double laguerre_l(double x, double degree_given) {
  const int64_t n = degree(degree_given);
  if (n >= 0 && x == 0) return 1;
  return recurrence(
      n, 1 - x, [x](double k, double last, double before) { return ((2 * k - 1 - x) * last - (k - 1) * before) / k; });
}
double legendre_p(double x, double degree_given) {
  const int64_t n = degree(degree_given);
  if (n >= 0 && std::fabs(x) == 1) return x > 0 ? 1 : sign_of_degree(n);
  return recurrence(
      n, x, [x](double k, double last, double before) { return ((2 * k - 1) * x * last - (k - 1) * before) / k; });
}

}  // namespace facula::special
