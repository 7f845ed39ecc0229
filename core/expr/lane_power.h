// Powers and logarithms to other bases on lanes. The logarithm under a power is computed in two parts, because the
// exponential multiplies its error by up to 745.
#pragma once
#include "expr/lane_exponential.h"

namespace facula::lane_math {

LANE_MATH Pair<V> product(Pair<V> a, Pair<V> b) {
  V p = a.high * b.high;
  return {p, (a.high * b.low + a.low * b.high) - residual(a.high, b.high, p)};
}

// log x for positive x of double lanes, 2^-66: log m = 2 atanh(s) with s = (m - 1) / (m + 1). The first three terms of
// the series are summed in pairs, the rest is a polynomial in s^2 (Chebyshev interpolation, mpmath, 2^-70 of the sum).
LANE_MATH Pair<V> log_pair(V x) {
  auto [k, f] = log_parts<true>(x);
  V den = f + 2.0, den_low = f - (den - 2.0), inverse = rough_reciprocal(den), q = f * inverse;
  Pair<V> s{q, inverse * (residual(q, den, f) - q * den_low)}, z = product(s, s);
  Pair<V> t = ordered_sum(V(0.4), z.high * polynomial(z.high, 0.2857142857142857, 0.22222222222228799,
                                                      0.18181818178379319, 0.1538461606871408, 0.13333266632334234,
                                                      0.11768226491213463, 0.10423988760296095, 0.11049680857153045));
  t.low = t.low - 2.2204460492503132e-17;  // 2/5 - 0.4
  t = product(z, t);
  Pair<V> u = ordered_sum(V(2.0 / 3.0), t.high);
  u.low = u.low + (t.low + 3.7007434154171883e-17);  // 2/3 - its double
  t = product(s, product(z, u));
  Pair<V> a = ordered_sum(k * kLn2High<V>, s.high + s.high), b = ordered_sum(a.high, t.high);
  return ordered_sum(b.high, b.low + (a.low + (s.low + s.low + t.low + k * kLn2Low<V>)));
}

// C99 pow: magnitude r = |x|^y, then the sign and what is not a number.
template <class D>
[[gnu::always_inline]] inline D power_specials(D x, D y, D r) {
  auto integral = round_lanes<0>(y) == y;
  D half = y * 0.5;
  auto odd = integral & (round_lanes<0>(half) != half);
  r = select((x < 0.0) & !integral & (x > -kInf), D(kNan), r);
  r = select(odd, with_sign(abs(r), x), r);
  return select((y == 0.0) | (x == 1.0) | ((x == -1.0) & (abs(y) == kInf)), D(1.0), r);
}
// a^y to 2^-33 for a >= 0: double operands whose result is rounded to float.
template <class D>
[[gnu::always_inline]] inline D power_for_float(D a, D y) {
  auto [k, f] = log_parts<false>(a);
  D s = f * rough_reciprocal(f + 2.0), z = s * s;  // log m = 2 atanh(s)
  D log_m = (s + s) + s * z *
                          polynomial(z, 0.66666666670069286, 0.39999995760286317, 0.28572271308605857,
                                     0.22163852239144979, 0.19815563553263021);
  D p = clamp_to(y * log_specials(a, k * M_LN2 + log_m), -110, 90);
  D n = round_by_magic(p * M_LOG2E), r = p - n * M_LN2;
  return scale_by_power((1.0 + r) + r * r *
                                        polynomial(r, 0.50000000782129561, 0.16666666788600654, 0.041666269150854016,
                                                   0.0083332808184421892, 0.0013946121708738564, 0.00019909490991),
                        n);
}
template <class D>
[[gnu::always_inline]] inline D power(D x, D y) {
  D a = abs(x);
  auto [high, low] = log_pair(a);
  auto regular = (a > 0.0) & (a < kInf);
  high = select(regular, high, select(a == 0.0, D(-kInf), a));
  D p = y * high, p_low = y * low - residual(y, high, p);
  p_low = select(regular & (abs(p) < 1000.0), p_low, D(0.0));
  auto [n, r, tail] = exp_parts(clamp_to(p, -746, 710));
  D s = r + tail;
  return power_specials(x, y, scale_by_power(1.0 + (s + (p_low + p_low * s)), n));
}
LANE_MATH_CALL V pow(V x, V y) {
  // One exponent for all lanes is the rule, most often the square or the cube; 1 comes from the square's derivative.
  if (!any(!((y == 2.0) | (y == 3.0) | (y == 1.0)))) {
    V square = x * x;
    return select(y == 2.0, square, select(y == 3.0, square * x, x));
  }
  if constexpr (kIsFloat<V>)
    return power_specials(x, y, through_double([](auto a, auto b) { return power_for_float(a, b); }, abs(x), y));
  else
    return power(x, y);
}

// A number in two parts for float and for double lanes.
struct TwoParts {
  double float_high, float_low, double_high, double_low;
};
// log x times `scale`; `two` is the logarithm of 2, its high part short enough that exponents times it are exact. With
// the product f * scale exact, powers of the base come out exact as well.
LANE_MATH V log_to_base(V x, const TwoParts& scale, const TwoParts& two) {
  auto high = [](const TwoParts& p) { return kIsFloat<V> ? p.float_high : p.double_high; };
  auto low = [](const TwoParts& p) { return kIsFloat<V> ? p.float_low : p.double_low; };
  return log_everywhere(x, [=](auto parts) {
    auto [k, f] = parts;
    V p = f * high(scale), tail = (log_tail(f) * high(scale) - residual(f, V(high(scale)), p)) + f * low(scale);
    auto [h, rest] = ordered_sum(k * high(two), p);
    return h + (rest + (tail + k * low(two)));
  });
}
LANE_MATH V log2(V x) {
  if constexpr (TakesApart<V>)
    return log_by_table<kBinary>(x);
  else
    return log_to_base(x, {0x1.715476p+0, 1.92596299e-08, M_LOG2E, 2.0355273740931033e-17}, {1, 0, 1, 0});
}
LANE_MATH V log10(V x) {
  if constexpr (TakesApart<V>)
    return log_by_table<kDecimal>(x);
  else
    return log_to_base(x, {0x1.bcb7b2p-2, -1.01030501e-08, M_LOG10E, 1.0983196502167651e-17},
                       {0x1.344p-2, 4.6050389811952138e-06, 0x1.34413509f78p-2, 2.8363394551044964e-14});
}

}  // namespace facula::lane_math
