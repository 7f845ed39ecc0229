// Hyperbolic functions and their inverses on lanes; tanh is in lane_exponential.h and lane_pieces.h.
#pragma once
#include "expr/lane_power.h"

namespace facula::lane_math {

// With |x| = n ln 2 + r: sinh |x| = sinh(n ln 2) cosh r + cosh(n ln 2) sinh r, cosh alike; the leading terms in two
// parts. Polynomials on |r| <= ln 2 / 2: Chebyshev interpolation (double, 2^-58), least squares rounded one at a time
// (float, 2^-33).
template <bool even, RealLanes V>
[[gnu::always_inline]] inline V sinh_or_cosh(V x) {
  V a = limit_above(abs(x), V(kIsFloat<V> ? 90 : 711)), n = round_by_magic(a * M_LOG2E);
  V t = a - n * kLn2High<V>, r = t - n * kLn2Low<V>, r_low = (t - r) - n * kLn2Low<V>, z = r * r, s, c;
  if constexpr (kIsFloat<V>) {
    s = r * z * polynomial(z, 0.166666672, 0.00833319128, 0.00019959324);
    c = z * polynomial(z, 0.5, 0.0416664556, 0.00139357604);
  } else {
    s = r * z *
        polynomial(z, 0.16666666666666669, 0.0083333333333300615, 0.00019841269863053618, 2.7557268459997064e-06,
                   2.510038549551032e-08);
    c = z * polynomial(z, 0.5, 0.041666666666666678, 0.0013888888888879073, 2.4801587336442236e-05,
                       2.7557263279088498e-07, 2.0918137737642736e-09);
  }
  V e = scale_by_power(V(0.5), limit_below(-(n + n), V(-100)));  // 2^n (1/2 -+ e): sinh, cosh of n ln 2
  V sum = 0.5 + e, sum_low = (0.5 - sum) + e, difference = 0.5 - e, difference_low = (0.5 - difference) - e;
  auto [lead, lead_low] = even ? Pair<V>{sum, sum_low} : Pair<V>{difference, difference_low};
  auto [slope, slope_low] = even ? Pair<V>{difference, difference_low} : Pair<V>{sum, sum_low};
  V p = slope * r;
  auto [h, low] = ordered_sum(lead, p);
  low = low + (lead_low + slope_low * r) + ((lead * c + slope * (s + r_low)) - residual(slope, r, p));
  return scale_by_power(h + low, n);
}
LANE_MATH_CALL V sinh(V x) { return with_sign(sinh_or_cosh<false>(x), x); }
LANE_MATH_CALL V cosh(V x) { return sinh_or_cosh<true>(x); }

// log(1 + t + low) for t >= 0, and log(t) + log 2 beyond 2^500, where t is the operand: its double may be infinite.
LANE_MATH V log_of_large_or_sum(V a, V t, V low) {
  auto large = a > 0x1p500;
  V y = log1p_of_sum(select(large, a, t), select(large, V(0.0), low));
  return y + select(large, V(M_LN2), V(0.0));
}
// asinh a = log(1 + a + a^2 / (1 + sqrt(a^2 + 1))), acosh a = log(1 + d + sqrt(d (d + 2))) with d = a - 1.
LANE_MATH_CALL V asinh(V x) {
  if constexpr (!kIsFloat<V>) {
    V a = abs(x), b = limit_above(a, V(0x1p500)), square = b * b;
    auto [t, low] = ordered_sum(b, square / (1.0 + sqrt_lanes(square + 1.0)));
    return select(a < 0x1p-28, x, with_sign(log_of_large_or_sum(a, t, low), x));
  } else {
    return through_double(
        [](auto a) {
          auto m = clamp_to(abs(a), 0, 1e200);  // infinity comes back through log1p(2e200) below
          auto y = log1p(m + m * m / (1.0 + sqrt_lanes(m * m + 1.0)));
          return with_sign(select(abs(a) == kInf, abs(a), y), a);
        },
        x);
  }
}
LANE_MATH_CALL V acosh(V x) {
  if constexpr (!kIsFloat<V>) {
    V d = limit_above(x, V(0x1p500)) - 1.0, root = sqrt_lanes(d * (d + 2.0)), t = root + d;
    return select(x < 1.0, V(kNan), log_of_large_or_sum(x, t, (root - t) + d));
  } else {
    return through_double(
        [](auto a) {
          auto t = a - 1.0;
          return select(a < 1.0, decltype(a)(kNan), log1p(t + sqrt_lanes(t * (t + 2.0))));
        },
        x);
  }
}
// log1p(2|x| / (1 - |x|)) / 2, the quotient in two parts.
LANE_MATH_CALL V atanh(V x) {
  V a = abs(x), den = 1.0 - a, den_low = (1.0 - den) - a, inverse = 1.0 / den, q = (a + a) * inverse;
  V q_low = inverse * (residual(q, den, a + a) - q * den_low);
  return with_sign(0.5 * log1p_of_sum(q, select(a < 1.0, q_low, V(0.0))), x);
}

}  // namespace facula::lane_math
