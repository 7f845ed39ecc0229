// Error function on lanes; gamma family lane by lane (special.cpp).
#pragma once
#include "expr/lane_exponential.h"
#include "expr/lane_pieces.h"
#include "expr/primitives.h"
#include "expr/special.h"

namespace facula::lane_math {

// erf(x)/x - 1 as a polynomial in x^2, |x| <= 1. Minimax fits (Remez, mpmath): 2^-29.5 (float), 2^-55 (double).
LANE_MATH V erf_near_zero(V x) {
  V z = x * x;
  if constexpr (kIsFloat<V>)
    return x + x * polynomial(z, 0.128379166, -0.376126289, 0.11283619, -0.0268551745, 0.00519084465, -0.00080318359,
                              7.92413048e-05);
  else
    return x + x * polynomial(z, 0.12837916709551256, -0.37612638903183548, 0.11283791670945253, -0.026866170643276219,
                              0.0052239776074234677, -0.00085483259896967576, 0.00012055295320494294,
                              -1.4924744663335489e-05, 1.6447517677871873e-06, -1.6209175911748696e-07,
                              1.3722976265924504e-08, -7.8011888740977512e-10);
}
// erfc(a) for a in [0.49, 28]: exp(-a^2) / (1 + 2a) times a polynomial in (a - 3.75) / (a + 3.75)
// (form of Shepherd & Laframboise 1981; coefficients: minimax fit, 2^-62 before rounding).
template <class D>
[[gnu::always_inline]] inline D erfc_positive(D a) {
  D q = (a - 3.75) / (a + 3.75);
  D t = q * polynomial(q, -0.14024059858554702, 0.003585415485463751, 0.082276738490150297, -0.10880393014171265,
                       0.092304321160232461, -0.058693398590376873, 0.028362277420780974, -0.0097465795504805865,
                       0.0017556258411404824, 0.00029371362284014429, -0.00029015404217503163, 5.1649234580609413e-05,
                       2.2384202394954367e-05, -1.1444346530590055e-05, -9.7372753517026562e-07, 1.7515409074886583e-06,
                       -5.6528419215303857e-08, -2.5772804445491219e-07, 2.2121748256953506e-08, 3.7026767875566033e-08,
                       -2.8094687727906939e-09, -3.8480687226372164e-09);
  D p = 1.2375126308378275 + t, p_low = (1.2375126308378275 - p) + t;
  D square = a * a;
  auto [n, r, tail] = exp_parts(-square);
  D s =
      r + (tail + residual(a, a, square) * (1.0 + r + tail));  // exp(-a^2) = 2^n (1 + s), without the square's rounding
  D num = p + (p * s + p_low), den = a + a + 1.0, den_low = (a + a) - (den - 1.0);
  D inverse = 1.0 / den, y = num * inverse;
  return scale_by_power(y + inverse * (residual(y, den, num) - y * den_low), n);
}
LANE_MATH V erf(V x) {
  if constexpr (LooksUp<V>) return erf_by_pieces(x);
  V a = limit_above(abs(x), V(kIsFloat<V> ? 4.0 : 6.0)), large;
  if constexpr (kIsFloat<V>) {  // 1 - exp(polynomial), log erfc on [1, 4] to 2^-29.8 of erfc
    V y = polynomial(a, -0.000353696902, -1.12704015, -0.638225436, -0.103037648, 0.0218054969, -0.00293966639,
                     0.00018558187);
    auto [n, r, tail] = exp_parts(y);
    large = 1.0 - scale_by_power(1.0 + (r + tail), n);
  } else {
    large = 1.0 - erfc_positive(a);
  }
  return select(a < 1.0, erf_near_zero(x), with_sign(large, x));
}
LANE_MATH_CALL V erfc(V x) {
  return through_double(
      [](auto v) {
        auto a = abs(v);
        auto tail = erfc_positive(clamp_to(a, 0.49, 28));
        auto y = select(v < 0.0, 2.0 - tail, tail);
        return select(a < 0.62, 1.0 - erf_near_zero(v), select(isnan(v), v, y));
      },
      x);
}
LANE_MATH_CALL V erfinv(V x) {
  return per_lane([](double a) { return special::erfinv(a); }, x);
}
LANE_MATH_CALL V lgamma(V x) {
  return per_lane([](double a) { return special::lgamma(a); }, x);
}
LANE_MATH_CALL V digamma(V x) {
  return per_lane([](double a) { return special::digamma(a); }, x);
}
LANE_MATH_CALL V polygamma(V n, V x) {
  return per_lane([](double a, double b) { return special::polygamma(a, b); }, n, x);
}

#define SPECIAL_UNARY(name, dx)                                    \
  LANE_MATH_CALL V name(V x) {                                     \
    return per_lane([](double a) { return special::name(a); }, x); \
  }
#define SPECIAL_BINARY(name, dx, dy)                                               \
  LANE_MATH_CALL V name(V x, V y) {                                                \
    return per_lane([](double a, double b) { return special::name(a, b); }, x, y); \
  }
FACULA_SPECIAL_UNARY(SPECIAL_UNARY)
FACULA_SPECIAL_BINARY(SPECIAL_BINARY)
#undef SPECIAL_UNARY
#undef SPECIAL_BINARY

}  // namespace facula::lane_math
