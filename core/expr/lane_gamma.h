// Gamma family on lanes: positive numbers in double lanes, the others one by one (special.cpp). Two ulp (double).
#pragma once
#include "expr/lane_exponential.h"
#include "expr/special.h"

namespace facula::lane_math {

// From here on the asymptotic series in 1/x^2, here as polynomials (Chebyshev interpolation, mpmath): 2^-62.
inline constexpr double kAsymptotic = 6.5;
// lgamma(1 + u) / u on [-0.26, 0.51] and lgamma(2 + u) / u on [-0.51, 0.51]: Chebyshev interpolation, 2^-53.
inline constexpr int kGammaTerms = 21;
inline constexpr double kLgammaAtOne[kGammaTerms] = {
    -0.57721566490153287,  0.82246703342411254,   -0.40068563438654525,  0.27058080842817533,   -0.20738555102552492,
    0.16955717692824573,   -0.14404989698557408,  0.12550967509204025,   -0.11133426397373911,  0.10009922428603259,
    -0.090953651441228092, 0.083358969972711888,  -0.076949237485513508, 0.071383881317856113,  -0.066366899639646301,
    0.062415373557291827,  -0.061050978134627613, 0.060437292972497871,  -0.051529554011420925, 0.029710320171699358,
    -0.0080778495680292623};
inline constexpr double kLgammaAtTwo[kGammaTerms] = {
    0.42278433509846713,     0.32246703342411326,    -0.067352301053198102,   0.020580808427778759,
    -0.0073855510286712266,  0.0028905103311321822,  -0.0011927539118895024,  0.00050966951277582845,
    -0.00022315475274846625, 9.9457710915400828e-05, -4.4926331191599844e-05, 2.050529220304077e-05,
    -9.4385727441954409e-06, 4.3860562810283878e-06, -2.0445494114424958e-06, 9.1681918373589299e-07,
    -4.3098208219518947e-07, 2.8191321561588314e-07, -1.3371213544960897e-07};

// Beyond kAsymptotic (Stirling): (x - 1/2)(log x - 1) + (log(2 pi) - 1)/2 + series(1/x^2)/x, the product in two parts.
// Below: lgamma(x) = log((x - 1)(x - 2)...) + lgamma(x - k) with x - k in [1.5, 2.5), or lgamma(x + 1) - log(x).
template <class D>
[[gnu::always_inline]] inline D lgamma_positive(D x) {
  auto large = x >= kAsymptotic, up = x < 0.75;
  D t = select(large, D(2.0), select(up, x + 1.0, x)), factors(1.0);
  for (int step = 0; step < 4; ++step) {
    auto above = t >= 2.5;
    t = select(above, t - 1.0, t);
    factors = select(above, factors * t, factors);
  }
  auto one = t < 1.5;
  D u = select(up & one, x, t - select(one, D(1.0), D(2.0))), sum(0.0);
  for (int k = kGammaTerms - 1; k >= 0; --k) sum = sum * u + select(one, D(kLgammaAtOne[k]), D(kLgammaAtTwo[k]));
  auto [k, f] = log_parts<true>(select(large | up, x, factors));
  D h = k * kLn2High<D>, l = h + f, l_low = ((h - l) + f) + (log_tail(f) + k * kLn2Low<D>);
  D small = sum * u + select(up, -(l + l_low), l + l_low);
  D inverse = 1.0 / x, z = inverse * inverse;
  D series = inverse * polynomial(z, 0.083333333333333329, -0.0027777777777762301, 0.00079365079226881069,
                                  -0.00059523762231888835, 0.00084167069079881158, -0.0019100457223397284,
                                  0.0060125995659185971, -0.017776589307799361);
  D a = x - 0.5, b = l - 1.0, p = a * b;
  D p_low = a * l_low - select(x < 0x1p400, residual(a, b, p), D(0.0));
  D g = p + 0.41893853320467274, g_low = (p - g) + 0.41893853320467274;  // (log(2 pi) - 1) / 2
  return select(large, g + select(g < kInf, g_low + (p_low + series), D(0.0)), small);
}
LANE_MATH_CALL V lgamma(V x) {
  auto regular = (x > 0.0) & (x < kInf);
  V y = through_double([](auto a) { return lgamma_positive(a); }, x);
  if (any(!regular)) y = select(regular, y, per_lane([](double a) { return special::lgamma(a); }, x));
  return y;
}

// psi(x) = log x - 1/(2x) + series(1/x^2)/x^2 beyond kAsymptotic; below by the recurrence psi(x + 1) = psi(x) + 1/x to
// [1, 2], the reciprocals collected in one fraction.
template <class D>
[[gnu::always_inline]] inline D digamma_positive(D x) {
  auto large = x >= kAsymptotic, up = x < 1.0;
  D t = select(large, D(1.5), select(up, x + 1.0, x)), num = select(up, D(-1.0), D(0.0)), den = select(up, x, D(1.0));
  for (int step = 0; step < 5; ++step) {
    auto above = t > 2.0;
    t = select(above, t - 1.0, t);
    num = select(above, num * t + den, num);
    den = select(above, den * t, den);
  }
  D u = t - 1.5, sum(0.0);
  for (int k = special::kDigammaTerms - 1; k >= 0; --k) sum = sum * u + special::kDigammaNearRoot[k];
  D inverse = 1.0 / select(large, x, den), z = inverse * inverse;
  D small = ((t - special::kDigammaRoot) - special::kDigammaRootLow) * sum + num * inverse;
  D series =
      z * polynomial(z, -0.083333333333333329, 0.0083333333333087505, -0.0039682539462885212, 0.0041666591396314545,
                     -0.0075744788898597119, 0.020972971254403883, -0.076918454938836409, 0.25050380239607944);
  return select(large, log(x) + (series - 0.5 * inverse), small);
}
LANE_MATH_CALL V digamma(V x) {
  auto regular = (x > 0.0) & (x < kInf);
  V y = through_double([](auto a) { return digamma_positive(a); }, x);
  if (any(!regular)) y = select(regular, y, per_lane([](double a) { return special::digamma(a); }, x));
  return y;
}
LANE_MATH_CALL V polygamma(V n, V x) {
  return per_lane([](double a, double b) { return special::polygamma(a, b); }, n, x);
}

}  // namespace facula::lane_math
