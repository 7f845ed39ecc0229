// Sine, cosine and their family on lanes. Angles beyond kAngleLimit go to libm.
// Polynomials: minimax fits (Remez exchange, mpmath) of the float ones; the double ones and those of the inverse
// functions by Chebyshev interpolation (double) or least squares rounded one at a time (float), also mpmath.
#pragma once
#include "expr/lane_exponential.h"
#include "expr/lane_turns.h"

namespace facula::lane_math {

// ---- sine, cosine, tangent ----

// x = n pi/2 + r + low, |r| <= pi/4: pi/2 in three parts of one lane's precision (Cody & Waite), the first subtraction
// exact by `residual`.
template <class V>
struct Angle {
  V n, r, low;
};
LANE_MATH Angle<V> reduce_angle(V x) {
  constexpr double first = kIsFloat<V> ? 0x1.921fb6p+0 : 0x1.921fb54442d18p+0;
  constexpr double second = kIsFloat<V> ? -0x1.777a5cp-25 : 0x1.1a62633145c07p-54;
  constexpr double third = kIsFloat<V> ? -0x1.ee59dap-50 : -0x1.f1976b7ed8fbcp-110;
  V n = round_by_magic(x * M_2_PI), t = residual(n, V(first), x), u = n * second, r = t - u;
  return {n, r, ((t - r) - u) + (residual(n, V(second), u) - n * third)};
}
// n has 16 (30) bits, so r keeps its precision even next to a multiple of pi/2.
template <class V>
inline constexpr double kAngleLimit = kIsFloat<V> ? 0x1p16 : 0x1p30;

template <class V>
struct Parts {
  V high, low;
};
LANE_MATH Parts<V> sine_near_zero(V r, V low) {  // 2^-28, 2^-55
  V z = r * r, p;
  if constexpr (kIsFloat<V>)
    p = polynomial(z, -0.166666552, 0.00833219104, -0.000195185698);
  else
    p = polynomial(z, -0.16666666666666666, 0.0083333333333309462, -0.00019841269836754199, 2.7557316100283695e-06,
                   -2.5051131372218632e-08, 1.5918095236696272e-10);
  return {r, low * (1.0 - 0.5 * z) + r * z * p};
}
LANE_MATH Parts<V> cosine_near_zero(V r, V low) {  // 2^-33, 2^-59
  V z = r * r, half = 0.5 * z, w = 1.0 - half, p;
  if constexpr (kIsFloat<V>)
    p = polynomial(z, 0.0416666456, -0.0013887313, 2.4432944e-05);
  else
    p = polynomial(z, 0.041666666666666664, -0.0013888888888887395, 2.4801587298762952e-05, -2.755731727031051e-07,
                   2.0876145972635081e-09, -1.1382611119025631e-11);
  return {w, ((1.0 - w) - half) + (z * z * p - r * low)};
}
// Bit 0 of the quadrant chooses the function, bit 1 the sign.
template <int quarter, RealLanes V>
[[gnu::always_inline]] inline V sine_in_quadrant(V x) {
  using T = typename V::Lane;
  auto [n, r, low] = reduce_angle(x);
  auto quadrant = bits_of(n + ((kIsFloat<V> ? 0x1.8p23 : 0x1.8p52) + quarter));
  using Bits = decltype(quadrant);
  auto odd = retype<T>(bit_and(quadrant, Bits(1)) == 1);
  Parts<V> s = sine_near_zero(r, low), c = cosine_near_zero(r, low);
  V y = select(odd, c.high, s.high) + select(odd, c.low, s.low);
  return from_bits<T>(bit_xor(bits_of(y), shift_left(bit_and(quadrant, Bits(2)), kIsFloat<V> ? 30 : 62)));
}
LANE_MATH_CALL V sin_by_libm(V x) {
  return per_lane([](double a) { return __builtin_sin(a); }, x);
}
LANE_MATH_CALL V cos_by_libm(V x) {
  return per_lane([](double a) { return __builtin_cos(a); }, x);
}
LANE_MATH_CALL V tan_by_libm(V x) {
  return per_lane([](double a) { return __builtin_tan(a); }, x);
}

// What lanes hold does not depend on their neighbours: only those beyond the limit are libm's.
LANE_MATH V within_limit_or(V x, V y, auto by_libm) {
  if (__builtin_expect(!all_within(x, kAngleLimit<V>), 0)) y = select(abs(x) < kAngleLimit<V>, y, by_libm(x));
  return y;
}
LANE_MATH V sin(V x) {
  V y;
  if constexpr (LooksUpTurns<V>)
    y = sine_by_table<false>(x);
  else
    y = sine_in_quadrant<0>(x);
  return within_limit_or(x, select(x == 0.0, x, y), [](V a) { return sin_by_libm(a); });
}
LANE_MATH V cos(V x) {
  V y;
  if constexpr (LooksUpTurns<V>)
    y = sine_by_table<true>(x);
  else
    y = sine_in_quadrant<1>(x);
  return within_limit_or(x, y, [](V a) { return cos_by_libm(a); });
}

// sin(pi x) / (pi x)
LANE_MATH V sinc(V x) { return select(x == 0.0, V(1.0), sin(x * M_PI) / (x * M_PI)); }

// Sine by cosine, both in two parts, the quotient corrected by its residual.
template <class D>
[[gnu::always_inline]] inline D tangent(D x) {
  auto [n, r, low] = reduce_angle(x);
  Parts<D> s = sine_near_zero(r, low), c = cosine_near_zero(r, low);
  auto quadrant = bits_of(n + (kIsFloat<D> ? 0x1.8p23 : 0x1.8p52));
  auto odd = retype<typename D::Lane>(bit_and(quadrant, decltype(quadrant)(1)) == 1);
  D a = select(odd, -c.high, s.high), a_rest = select(odd, -c.low, s.low), num = a + a_rest;
  D b = select(odd, s.high, c.high), b_rest = select(odd, s.low, c.low), den = b + b_rest;
  D num_low = (a - num) + a_rest, den_low = (b - den) + b_rest, inverse = rough_reciprocal(den), y = num * inverse;
  return y + inverse * (residual(y, den, num) + (num_low - y * den_low));
}
LANE_MATH V tan(V x) {
  V y;
  if constexpr (LooksUpTurns<V>)
    y = tangent_by_table(x);
  else
    y = tangent(x);
  return within_limit_or(x, select(x == 0.0, x, y), [](V a) { return tan_by_libm(a); });
}

// ---- inverse functions ----

// pi/4 in two parts; four times the first is exact.
template <class V>
inline constexpr double kQuarterHigh = kIsFloat<V> ? 0x1.921fbp-1 : 0x1.921fb54442d18p-1;
template <class V>
inline constexpr double kQuarterLow = kIsFloat<V> ? 1.5695823932524066e-07 : 3.061616997868383e-17;

// Angle of the point (x, y). Of small / large <= 1 above 1/2 the angle to the diagonal is taken, whose tangent is
// (small - large) / (small + large); the quotient in two parts; atan(q) - q as a polynomial: 2^-31, 2^-57. `moderate`:
// coordinates are finite, the larger one is normal and at least 1.
template <bool moderate, RealLanes V>
[[gnu::always_inline]] inline V angle_of(V y, V x) {
  V a = abs(y), b = abs(x);
  auto steep = a > b;
  V large = select(steep, a, b), small = select(steep, b, a);
  if constexpr (!moderate) {
    V scale = select(large > (kIsFloat<V> ? 0x1p120 : 0x1p1000), V(kIsFloat<V> ? 0x1p-24 : 0x1p-100),
                     select(large < (kIsFloat<V> ? 0x1p-80 : 0x1p-900), V(kIsFloat<V> ? 0x1p60 : 0x1p150), V(1.0)));
    auto infinite = large == kInf;
    small = select(infinite, select(small == kInf, V(1.0), V(0.0)), small * scale);
    large = select(infinite | (large == 0.0), V(1.0), large * scale);
  }
  auto diagonal = small + small > large;
  V num = select(diagonal, small - large, small), sum = small + large;
  V den = select(diagonal, sum, large), den_low = select(diagonal, (large - sum) + small, V(0.0));
  V inverse = kIsFloat<V> ? 1.0 / den : rough_reciprocal(den), q = num * inverse;
  if constexpr (!kIsFloat<V>) q = q + inverse * residual(q, den, num);
  V z = q * q, p;
  if constexpr (kIsFloat<V>)
    p = polynomial(z, -0.333333254, 0.199994177, -0.142708972, 0.109322101, -0.0795379058, 0.0383285917);
  else
    p = polynomial(z, -0.33333333333333331, 0.19999999999999477, -0.14285714285596932, 0.11111111100738218,
                   -0.090909086129983205, 0.076922945364666664, -0.066664330019813242, 0.058795517443774897,
                   -0.052399223755104578, 0.046272499835522694, -0.038045083077700145, 0.024972445014630845,
                   -0.009192176399883744);
  V rest = inverse * (residual(q, den, num) - q * den_low) + q * z * p;
  auto left = retype<typename V::Lane>(bits_of(x) < 0), turned = steep ^ left;
  V quarters = select(diagonal, V(1.0), V(0.0));
  quarters = select(steep, 2.0 - quarters, quarters);
  quarters = select(left, 4.0 - quarters, quarters);
  q = select(turned, -q, q);
  rest = select(turned, -rest, rest);
  V base = quarters * kQuarterHigh<V>, high = base + q;
  return with_sign(high + (((base - high) + q) + (rest + quarters * kQuarterLow<V>)), y);
}
LANE_MATH_CALL V atan2(V y, V x) { return select(isnan(x) | isnan(y), V(kNan), angle_of<false>(y, x)); }
// Of |x| > 1 the angle from the other side, pi/2 - atan(1 / |x|). Polynomial: least squares on [0, 1], 2^-28.
LANE_MATH V atan_float(V x) {
  V a = limit_above(abs(x), V(1e30));
  auto steep = a > 1.0;
  V t = select(steep, -fast_reciprocal(a), a), z = t * t;
  V p = polynomial(z, -0.333332956, 0.199984536, -0.14263308, 0.109475791, -0.0839061067, 0.0577461869, -0.0309740175,
                   0.0108082248, -0.00177041674);
  auto [high, low] = ordered_sum(select(steep, V(2 * kQuarterHigh<V>), V(0.0)), t);
  low = low + select(steep, V(2 * kQuarterLow<V>), V(0.0));
  return with_sign(high + (low + t * z * p), x);
}
LANE_MATH V atan(V x) {
  if constexpr (kIsFloat<V>)
    return atan_float(x);
  else if constexpr (LooksUpTurns<V>)
    return atan_by_table(x);
  else
    return angle_of<true>(with_sign(limit_above(abs(x), V(1e300)), x), V(1.0));
}

// The root of z and what its rounding left.
LANE_MATH Parts<V> root_in_parts(V z) {
  V root = sqrt_lanes(z), rest = residual(root, root, z);
  if constexpr (requires { significand(z); })
    return {root, rest * (0.5 * select(z == 0.0, V(0.0), rough_inverse_root(z)))};
  else
    return {root, select(root == 0.0, V(0.0), rest * rough_reciprocal(root + root))};
}
// asin(t) = t + t z p(z), z = t^2 <= 1/4 (2^-27.6, 2^-57); of |x| > 1/2 with t = sin(acos(|x|) / 2), which is exact but
// for the root, from a quarter of a turn: pi/2 - 2 asin(t).
template <bool cosine, RealLanes V>
[[gnu::always_inline]] inline V inverse_sine(V x) {
  V a = abs(x), t, t_low = V(0.0), p;
  auto inner = a <= 0.5;
  V outer = 0.5 - 0.5 * a, z = select(inner, a * a, outer);
  if constexpr (kIsFloat<V>) {
    auto [root, root_low] = root_in_parts(outer);  // does not wait for the comparison
    t = select(inner, a, root), t_low = select(inner, V(0.0), root_low);
    p = 0.0421570949, p = p * z + 0.0241854675, p = p * z + 0.0454690233, p = p * z + 0.0749531016;
    p = p * z + 0.166667521;
  } else {
    t = select(inner, a, sqrt_lanes(outer));
    p = polynomial(z, 0.16666666666666669, 0.074999999999983885, 0.044642857146446051, 0.030381944131237199,
                   0.022372173243832207, 0.017352385393480947, 0.013971325328728771, 0.011478047472510145,
                   0.010330370295404406, 0.005424230839804001, 0.017493569476248205, -0.014999855783811349,
                   0.02886097438799853);
  }
  V rest = t_low + t * z * p;
  // base + twice * (t + rest), where `base` is none, two or four quarters
  constexpr double high = kQuarterHigh<V>, low = kQuarterLow<V>;
  V twice, base, base_low;
  if constexpr (cosine) {
    V side = with_sign(select(inner, V(0.0), V(2 * high)), x);
    base = 2 * high - side, base_low = base * (low / high);
    twice = select(inner, V(-1.0), V(2.0));
    twice = from_bits<typename V::Lane>(bit_xor(bits_of(twice), bits_of(sign_bit(x))));
  } else {
    base = select(inner, V(0.0), V(2 * high)), base_low = select(inner, V(0.0), V(2 * low));
    twice = select(inner, V(1.0), V(-2.0));
  }
  V part = twice * t, sum = base + part;
  V y = sum + (((base - sum) + part) + (twice * rest + base_low));
  return cosine ? y : with_sign(y, x);
}
LANE_MATH V asin(V x) { return inverse_sine<false>(x); }
LANE_MATH V acos(V x) { return inverse_sine<true>(x); }

}  // namespace facula::lane_math
