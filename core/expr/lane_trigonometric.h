// Sine, cosine and their family on lanes: float by reduction and polynomials, double by libm.
// Polynomials: minimax fits (Remez exchange, mpmath).
#pragma once
#include "expr/lane_exponential.h"

namespace facula::lane_math {

// ---- sine and cosine of float lanes ----

// x = n pi/2 + r + low, |r| <= pi/4: pi/2 in three parts of 24 bits (Cody & Waite), the subtractions exact by
// `residual`.
template <class V>
struct Angle {
  V n, r, low;
};
LANE_MATH Angle<V> reduce_angle(V x) {
  V n = round_by_magic(x * M_2_PI), t = residual(n, V(0x1.921fb6p+0), x);
  V r = residual(n, V(-0x1.777a5cp-25), t);
  return {n, r, residual(n, V(-0x1.777a5cp-25), t - r) - n * -0x1.ee59dap-50};
}
inline constexpr double kAngleLimit = 0x1p16;  // n has 16 bits, so r keeps 2^-28 even next to a multiple of pi/2

LANE_MATH V sine_near_zero(V r, V low) {  // 2^-28
  V z = r * r;
  return r + (low + r * z * polynomial(z, -0.166666552, 0.00833219104, -0.000195185698));
}
LANE_MATH V cosine_near_zero(V r, V low) {  // 2^-33
  V z = r * r, half = 0.5 * z, w = 1.0 - half;
  return w + (((1.0 - w) - half) + (z * z * polynomial(z, 0.0416666456, -0.0013887313, 2.4432944e-05) - r * low));
}
// Bit 0 of the quadrant chooses the function, bit 1 the sign.
template <int quarter, RealLanes V>
[[gnu::always_inline]] inline V sine_in_quadrant(V x) {
  auto [n, r, low] = reduce_angle(x);
  auto quadrant = bits_of(n + (0x1.8p23 + quarter));
  using Bits = decltype(quadrant);
  auto odd = bit_and(quadrant, Bits(1)) == 1;
  V y = select(retype<float>(odd), cosine_near_zero(r, low), sine_near_zero(r, low));
  return from_bits<float>(bit_xor(bits_of(y), shift_left(bit_and(quadrant, Bits(2)), 30)));
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

LANE_MATH V sin(V x) {
  if constexpr (!kIsFloat<V>)
    return sin_by_libm(x);
  else {
    if (__builtin_expect(any(!(abs(x) < kAngleLimit)), 0)) return sin_by_libm(x);
    return select(x == 0.0, x, sine_in_quadrant<0>(x));
  }
}
LANE_MATH V cos(V x) {
  if constexpr (!kIsFloat<V>)
    return cos_by_libm(x);
  else {
    if (__builtin_expect(any(!(abs(x) < kAngleLimit)), 0)) return cos_by_libm(x);
    return sine_in_quadrant<1>(x);
  }
}

// sin(pi x) / (pi x)
LANE_MATH V sinc(V x) { return select(x == 0.0, V(1.0), sin(x * M_PI) / (x * M_PI)); }

// ---- tangent and the inverse functions of float lanes, in double ----

// pi/2 in two parts of 33 and 53 bits (fdlibm's split): n * first part is exact for |n| < 2^20.
template <class D>
[[gnu::always_inline]] inline D tangent(D x) {
  D n = round_by_magic(x * M_2_PI);
  D r = (x - n * 1.57079632673412561417e+00) - n * 6.07710050650619224932e-11, z = r * r;
  D s = r + r * z *
                polynomial(z, -0.1666666664143297, 0.0083333293627048579, -0.00019839327222736887,
                           2.7182378144040625e-06);  // 2^-37
  D c = (1.0 - 0.5 * z) + z * z *
                              polynomial(z, 0.041666666622475507, -0.0013888883722520525, 2.4799511736040927e-05,
                                         -2.7209545266313413e-07);  // 2^-43
  auto quadrant = bits_of(n + 0x1.8p52);
  auto odd = retype<double>(bit_and(quadrant, decltype(quadrant)(1)) == 1);
  return select(odd, -c, s) / select(odd, s, c);
}
LANE_MATH_CALL V tan(V x) {
  if constexpr (!kIsFloat<V>)
    return tan_by_libm(x);
  else {
    if (any(!(abs(x) < kAngleLimit))) return tan_by_libm(x);
    return select(x == 0.0, x, through_double([](auto a) { return tangent(a); }, x));
  }
}

// Angle of the point (x, y) to 2^-34, from atan(q) of the smaller by the larger coordinate.
template <class D>
[[gnu::always_inline]] inline D angle_of(D y, D x) {
  D a = abs(y), b = abs(x);
  auto steep = a > b;
  D large = select(steep, a, b), small = select(steep, b, a);
  D q = select(large == 0.0, D(0.0), select(small == kInf, D(1.0), small / large)), z = q * q;
  D p = q + q * z *
                polynomial(z, -0.33333332235493829, 0.19999932206502644, -0.14284251029465395, 0.11095203907010612,
                           -0.08988799406368575, 0.072694068322010988, -0.054704926619625213, 0.034705201958711032,
                           -0.016471871655244934, 0.0049994944023309023, -0.00071133748892522847);
  p = select(steep, M_PI_2 - p, p);
  auto bits = bits_of(x);
  p = select(retype<double>(bits < 0), M_PI - p, p);
  return select(isnan(x) | isnan(y), D(kNan), with_sign(p, y));
}
LANE_MATH_CALL V atan2(V y, V x) {
  if constexpr (kIsFloat<V>)
    return through_double([](auto a, auto b) { return angle_of(a, b); }, y, x);
  else
    return per_lane([](double a, double b) { return __builtin_atan2(a, b); }, y, x);
}
LANE_MATH_CALL V atan(V x) {
  if constexpr (kIsFloat<V>)
    return through_double([](auto a) { return angle_of(a, decltype(a)(1.0)); }, x);
  else
    return per_lane([](double a) { return __builtin_atan(a); }, x);
}
LANE_MATH_CALL V asin(V x) {
  if constexpr (!kIsFloat<V>)
    return per_lane([](double a) { return __builtin_asin(a); }, x);
  else
    return through_double([](auto a) { return angle_of(a, sqrt_lanes((1.0 - a) * (1.0 + a))); }, x);
}
LANE_MATH_CALL V acos(V x) {
  if constexpr (!kIsFloat<V>)
    return per_lane([](double a) { return __builtin_acos(a); }, x);
  else
    return through_double([](auto a) { return angle_of(sqrt_lanes((1.0 - a) * (1.0 + a)), a); }, x);
}

}  // namespace facula::lane_math
