// Sine, cosine, tangent and, of double lanes, the inverse tangent by a table, for instruction sets that look up sixteen
// numbers in registers. Elsewhere the forms of lane_trigonometric.h are used.
#pragma once
#include "expr/lane_math.h"

namespace facula::lane_math {

template <class V>
concept LooksUpTurns = requires(const typename V::Lane* row, V x) { lookup16(row, bits_of(x)); };

// Sine and cosine of j pi/16, rounded, and what rounding them left.
template <class T>
struct SixteenthsOfHalfTurn {
  alignas(64) T sine[16], sine_low[16], cosine[16], cosine_low[16];
};
template <class T>
inline constexpr int kSixteenths = 0;
// clang-format off
template <>
inline constexpr SixteenthsOfHalfTurn<float> kSixteenths<float> = {
    {0, 0.195090324f, 0.382683426f, 0.555570245f, 0.707106769f, 0.831469595f, 0.923879504f, 0.980785251f, 1,
     0.980785251f, 0.923879504f, 0.831469595f, 0.707106769f, 0.555570245f, 0.382683426f, 0.195090324f},
    {0, -1.67047143e-09f, 6.22335072e-09f, -1.17695214e-08f, 1.21016175e-08f, 1.68702634e-08f, 2.83074897e-08f,
     2.97394731e-08f, 0, 2.97394731e-08f, 2.83074897e-08f, 1.68702634e-08f, 1.21016175e-08f, -1.17695214e-08f,
     6.22335072e-09f, -1.67047143e-09f},
    {1, 0.980785251f, 0.923879504f, 0.831469595f, 0.707106769f, 0.555570245f, 0.382683426f, 0.195090324f, 0,
     -0.195090324f, -0.382683426f, -0.555570245f, -0.707106769f, -0.831469595f, -0.923879504f, -0.980785251f},
    {0, 2.97394731e-08f, 2.83074897e-08f, 1.68702634e-08f, 1.21016175e-08f, -1.17695214e-08f, 6.22335072e-09f,
     -1.67047143e-09f, 0, 1.67047143e-09f, -6.22335072e-09f, 1.17695214e-08f, -1.21016175e-08f,
     -1.68702634e-08f, -2.83074897e-08f, -2.97394731e-08f}};
template <>
inline constexpr SixteenthsOfHalfTurn<double> kSixteenths<double> = {
    {0, 0.19509032201612828, 0.3826834323650898, 0.5555702330196022, 0.7071067811865476, 0.8314696123025452,
     0.9238795325112867, 0.9807852804032304, 1, 0.9807852804032304, 0.9238795325112867, 0.8314696123025452,
     0.7071067811865476, 0.5555702330196022, 0.3826834323650898, 0.19509032201612828},
    {0, -7.991079068461731e-18, -1.0050772696461588e-17, 4.709410940561677e-17, -4.833646656726457e-17,
     1.4073856984728024e-18, 1.7645047084336677e-17, 1.8546939997825006e-17, 0, 1.8546939997825006e-17,
     1.7645047084336677e-17, 1.4073856984728024e-18, -4.833646656726457e-17, 4.709410940561677e-17,
     -1.0050772696461588e-17, -7.991079068461731e-18},
    {1, 0.9807852804032304, 0.9238795325112867, 0.8314696123025452, 0.7071067811865476, 0.5555702330196022,
     0.3826834323650898, 0.19509032201612828, 0, -0.19509032201612828, -0.3826834323650898, -0.5555702330196022,
     -0.7071067811865476, -0.8314696123025452, -0.9238795325112867, -0.9807852804032304},
    {0, 1.8546939997825006e-17, 1.7645047084336677e-17, 1.4073856984728024e-18, -4.833646656726457e-17,
     4.709410940561677e-17, -1.0050772696461588e-17, -7.991079068461731e-18, 0, 7.991079068461731e-18,
     1.0050772696461588e-17, -4.709410940561677e-17, 4.833646656726457e-17, -1.4073856984728024e-18,
     -1.7645047084336677e-17, -1.8546939997825006e-17}};
// clang-format on

// x = n pi/16 + r + low, |r| <= pi/32, n in the low bits of t: pi/16 in three parts of one lane's precision (Cody &
// Waite), the first subtraction exact. Of double lanes `low` may leave out the rounding of the second, half an ulp of
// r.
template <class V>
struct TableAngle {
  V t, r, low;
};
template <bool whole, RealLanes V>
[[gnu::always_inline]] inline TableAngle<V> reduce_to_table(V x) {
  constexpr double magic = kIsFloat<V> ? 0x1.8p23 : 0x1.8p52;
  constexpr double first = kIsFloat<V> ? 0x1.921fb6p-3 : 0x1.921fb54442d18p-3;
  constexpr double second = kIsFloat<V> ? -0x1.777a5cp-28 : 0x1.1a62633145c07p-57;
  constexpr double third = kIsFloat<V> ? -0x1.ee59dap-53 : -0x1.f1976b7ed8fbcp-113;
  V t = x * (8 * M_2_PI) + magic, n = t - magic, u = residual(n, V(first), x), v = n * second, r = u - v;
  V low = residual(n, V(third), residual(n, V(second), v));
  if constexpr (whole || kIsFloat<V>) low = low + ((u - r) - v);
  return {t, r, low};
}
// sin(r + low) - r and cos r - 1: minimax on |r| <= pi/32, 2^-37, 2^-34 (float), 2^-67, 2^-64 (double).
LANE_MATH V sine_rest(V r, V low, V z) {
  if constexpr (kIsFloat<V>)
    return r * z * polynomial(z, -0.166666657, 0.00833066087) + low;
  else
    return r * z *
               polynomial(z, -0.16666666666666666, 0.0083333333333179445, -0.00019841269360966517,
                          2.7551411299708028e-06) +
           low;
}
LANE_MATH V cosine_rest(V z) {
  if constexpr (kIsFloat<V>)
    return z * polynomial(z, -0.49999994, 0.0416479595);
  else
    return z * polynomial(z, -0.49999999999999983, 0.041666666666497397, -0.001388888836056844, 2.4795088705479491e-05);
}
template <bool cosine, RealLanes V>
[[gnu::always_inline]] inline V sine_by_table(V x) {
  using T = typename V::Lane;
  const auto& table = kSixteenths<T>;
  auto [t, r, low] = reduce_to_table<false>(x);
  auto row = bits_of(t);
  V s = lookup16(table.sine, row), c = lookup16(table.cosine, row), z = r * r;
  V sine = sine_rest(r, low, z), rest = cosine_rest(z), y;
  if constexpr (cosine)
    y = c + residual(s, r, c * rest + residual(s, sine, lookup16(table.cosine_low, row)));
  else
    y = s + (c * r + (s * rest + (c * sine + lookup16(table.sine_low, row))));
  using Bits = decltype(row);
  return from_bits<T>(bit_xor(bits_of(y), shift_left(bit_and(row, Bits(16)), kIsFloat<V> ? 27 : 59)));
}
// (sin c + cos c tan r) / (cos c - sin c tan r). The two sums are exact; in double they are rounded
// before they are divided.
LANE_MATH V tangent_by_table(V x) {
  const auto& table = kSixteenths<typename V::Lane>;
  auto [t, r, low] = reduce_to_table<true>(x);
  auto row = bits_of(t);
  V s = lookup16(table.sine, row), c = lookup16(table.cosine, row), z = r * r, p;
  if constexpr (kIsFloat<V>)  // tan r = r + r z p, 2^-29, 2^-59
    p = polynomial(z, 0.333331138, 0.13406378);
  else
    p = polynomial(z, 0.33333333333334098, 0.13333333332218514, 0.053968259266571214, 0.02186839014544838,
                   0.0089664742528446899);
  V rest = r * z * p + low;
  V sum_rest = c * rest + lookup16(table.sine_low, row),
    difference_rest = residual(s, rest, lookup16(table.cosine_low, row));
  V num = c * r + s, num_low = c * r + (s - num) + sum_rest;
  V top = residual(s, r, c), rest_of_top = residual(s, r, c - top) + difference_rest, den = top + rest_of_top;
  if constexpr (kIsFloat<V>) {
    V den_low = (top - den) + rest_of_top, inverse = fast_reciprocal(den), y = num * inverse;
    return y + inverse * (residual(y, den, num) + (num_low - y * den_low));
  } else {
    return (num + num_low) / den;
  }
}

// atan(c) and pi/2 - atan(c) for c near j / 7.4, j = 0 .. 7, in two parts.
struct TangentTable {
  alignas(64) double c[16], high[16], low[16];
};
// clang-format off
inline constexpr TangentTable kTangents = {
    {0, 0.134765625, 0.2705078125, 0.4052734375, 0.541015625, 0.67578125, 0.810546875, 0.9462890625, 0,
     0.134765625, 0.2705078125, 0.4052734375, 0.541015625, 0.67578125, 0.810546875, 0.9462890625},
    {0, 0.13395854083353742, 0.2641850822722932, 0.3850441610915909, 0.49591926046486134, 0.5942861833248413,
     0.6811389591873928, 0.7578085777330686, 1.5707963267948966, 1.4368377859613592, 1.3066112445226035,
     1.1857521657033057, 1.0748770663300353, 0.9765101434700554, 0.8896573676075039, 0.812987749061828},
    {0, -1.2471761237332616e-17, 2.0882524135975476e-18, -2.5425558905932483e-17, 7.005986638138062e-18,
     -1.726277475188595e-17, -4.9622567109892696e-17, -2.5455647984584277e-17, 6.123233995736766e-17,
     -3.731820126781538e-17, -5.1878214918745545e-17, 8.665789886330014e-17, -5.679594914328606e-17,
     -3.2527187753262046e-17, -1.6739539525529914e-19, -2.4334314520563716e-17}};
// clang-format on
// Of q = |x| or 1 / |x|, at most 1, atan(q) = atan(c) + atan(t) with t = (q - c) / (1 + q c), |t| < 0.068, where c is
// near q; for steep ones pi/2 less that. atan(t) - t: minimax, 2^-61 of t.
LANE_MATH V atan_by_table(V x) {
  constexpr double magic = 0x1.8p52;
  V a = limit_above(abs(x), V(1e300)), small = limit_above(a, V(1.0)), large = limit_below(a, V(1.0));
  auto steep = a > 1.0;
  auto row = bits_of((small * 7.4) * coarse_reciprocal(large) + select(steep, V(magic + 8), V(magic)));
  V c = lookup16(kTangents.c, row), num = residual(c, large, small);
  V t = select(steep, -num, num) / (large + c * small), z = t * t;
  V rest = t * z *
               polynomial(z, -0.33333333333332954, 0.1999999999882778, -0.14285713107346704, 0.11110593939926722,
                          -0.089877511454223943) +
           lookup16(kTangents.low, row);
  V base = lookup16(kTangents.high, row), high = base + t;
  return with_sign(high + (((base - high) + t) + rest), x);
}

}  // namespace facula::lane_math
