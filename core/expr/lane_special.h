// Error functions on lanes; rarer special functions lane by lane (special*.cpp).
#pragma once
#include "expr/lane_gamma.h"
#include "expr/lane_pieces.h"
#include "expr/lane_power.h"
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
// The same for |x| < 0.477, double only: 2^-59.8 (least squares on Chebyshev nodes).
LANE_MATH V erf_below_half(V x) {
  return x + x * polynomial(x * x, 0.12837916709551256, -0.3761263890318334, 0.1128379167092226, -0.026866170633333797,
                            0.0052239773965584504, -0.0008548300970729328, 0.00012053540608340201,
                            -1.4852200403528287e-05, 1.4802497502707529e-06);
}
// erfc(a) for a in [0.46, 28]: exp(-a^2) / (1 + 2a) times a polynomial in (a - 3.75) / (a + 3.75)
// (form of Shepherd & Laframboise 1981; coefficients: minimax fit, 2^-62; float: least squares, rounded one at a time,
// 2^-29).
LANE_MATH V erfc_positive(V a) {
  V den = a + a + 1.0, den_low = (a + a) - (den - 1.0), inverse, q, t, p, p_low;
  if constexpr (kIsFloat<V>) {
    q = quotient(a - 3.75, a + 3.75), inverse = 1.0 / den;
    t = q * polynomial(q, -0.140240565, 0.00358546991, 0.0822750852, -0.108806588, 0.092327103, -0.0586514547,
                       0.0282508358, -0.0100056715, 0.00187176536, 0.000845055853);
    p = 1.23751259 + t, p_low = ((1.23751259 - p) + t) + 4.23368505e-08;
  } else {  // one reciprocal for both divisions
    V sum = a + 3.75, both = rough_reciprocal(sum * den), inverse_sum = both * den;
    q = (a - 3.75) * inverse_sum;
    q = q + inverse_sum * residual(q, sum, a - 3.75);
    inverse = both * sum;
    t = q * long_polynomial(q, -0.14024059858554702, 0.003585415485463751, 0.082276738490150297, -0.10880393014171265,
                            0.092304321160232461, -0.058693398590376873, 0.028362277420780974, -0.0097465795504805865,
                            0.0017556258411404824, 0.00029371362284014429, -0.00029015404217503163,
                            5.1649234580609413e-05, 2.2384202394954367e-05, -1.1444346530590055e-05,
                            -9.7372753517026562e-07, 1.7515409074886583e-06, -5.6528419215303857e-08,
                            -2.5772804445491219e-07, 2.2121748256953506e-08, 3.7026767875566033e-08,
                            -2.8094687727906939e-09, -3.8480687226372164e-09);
    p = 1.2375126308378275 + t, p_low = (1.2375126308378275 - p) + t;
  }
  V square = a * a;
  auto [n, r, tail] = exp_parts(-square);
  // exp(-a^2) = 2^n (1 + r + low), without the roundings of the square and of the reduction; |r| < 0.36
  V reduced = -square - n * kLn2High<V>, r_low = (reduced - r) - n * kLn2Low<V>;
  V whole = 1.0 + r + tail, low = tail + (r_low + residual(a, a, square)) * whole;
  V u = p * r;
  auto [lead, rest] = ordered_sum(p, u);
  rest = rest + (p * low + (p_low * whole - residual(p, r, u)));
  auto [num, num_low] = ordered_sum(lead, rest);
  V y = num * inverse;
  return scale_by_power(y + inverse * (residual(y, den, num) + (num_low - y * den_low)), n);
}
// Float erf above 3/4 without tables, 1 - exp(y): y = log erfc(a) = c0 + u q(u) with u = a - c (least squares, 2^-30 of
// erf). c is a float whose c0 has few bits (Gal 1986), so that y is rounded once it has been reduced.
LANE_MATH V erf_far_float(V a) {
  constexpr double c0 = -0x1.e97cp+0;
  V u = a - 0x1.060324p+0;
  V q = polynomial(u, -2.67863727, -0.84600246, -0.0406279601, 0.00980030652, -0.0019520307, 0.000273150537,
                   -1.87033984e-05);
  V t = exp_steps(u * q + c0), n = t - kMagic<V>, power = scale_normal(V(1.0), t);
  V r = (u * q + (c0 - n * kLn2High<V>)) - n * kLn2Low<V>;
  return (1.0 - power) - (r + exp_tail(r)) * power;
}
// 1 - exp(polynomial): log erfc on [1, 6] to 2^-54.7.
LANE_MATH V erf_far_double(V a) {
  V y = polynomial(a, -1.1100025585557562e-06, -1.128368293840236, -0.63666932220400185, -0.10263319256511118,
                   0.018857561488255539, 0.00059405661574289247, -0.0021083834993340335, 0.00092703668913543937,
                   -0.00023471046103818949, 2.9808508742218142e-05, 2.9854923213150552e-06, -2.5072837149228743e-06,
                   6.5474860215196096e-07, -1.0344317957299686e-07, 1.0429230205548103e-08, -6.2300017392288446e-10,
                   1.6896225432680245e-11);
  V t = exp_steps(y);
  auto [n, r, tail] = exp_parts(y, t);
  return 1.0 - (1.0 + (r + tail)) * scale_normal(V(1.0), t);
}
LANE_MATH V erf(V x) {
  if constexpr (LooksUp<V>) return erf_by_pieces(x);
  V a = limit_above(abs(x), V(kIsFloat<V> ? 4.0 : 6.0)), far;
  if constexpr (kIsFloat<V>)
    far = erf_far_float(a);
  else
    far = erf_far_double(a);
  return select(a < (kIsFloat<V> ? 0.75 : 1.0), erf_near_zero(x), with_sign(far, x));
}
LANE_MATH V erfc(V x) {
  V a = abs(x), tail = erfc_positive(limit_above(a, V(kIsFloat<V> ? 10.1 : 28))), near;
  if constexpr (kIsFloat<V>)
    near = erf_near_zero(x);
  else
    near = erf_below_half(x);
  return select(a < 0.476, 1.0 - near, select(x < 0.0, 2.0 - tail, tail));
}

// erfinv(x) / x is smooth in w = -log(1 - x^2) and, near 1, in its root (Giles 2010). Here about the middles of [0, 5]
// and [2.23, 4] (float, least squares rounded one at a time, 2^-28) and of [0, 6.25] and [2.48, 6.02] (double,
// Chebyshev interpolation, 2^-54); the leading coefficient, its rest, the others. Only a vector that reaches there pays
// for the second.
// x (a + t p + low) with |a| > |t p|, rounded once.
LANE_MATH V times_sum(V x, V a, V t, V p, V low) {
  V q = t * p;
  auto [high, rest] = ordered_sum(a, q);
  V y = x * high;
  return y + (x * (rest + (low - residual(t, p, q))) - residual(x, high, y));
}
LANE_MATH Pair<V> log_in_parts(V x) {
  if constexpr (TakesApart<V>) {
    return log_parts_by_table<kNatural>(x);
  } else {
    auto [k, f] = log_parts<false>(x);
    return log_sum(k, f, log_tail(f));
  }
}
LANE_MATH V erfinv_by_logarithm(V x) {
  auto [l, l_low] = log_in_parts(residual(x, x, V(1.0)));
  V a = abs(x), w = -(l + l_low), w_low = -((l + w) + l_low);
  constexpr double middle = kIsFloat<V> ? 2.5 : 3.125, far_middle = kIsFloat<V> ? 3.0 : 4.25;
  V t = w - middle, t_low = (w - (t + middle)) + w_low, p, y;
  if constexpr (kIsFloat<V>)
    p = polynomial(t, 0.246640295, -0.00417732308, -0.00125275669, 0.000218262314, -4.95578024e-06, -3.42559542e-06,
                   4.64677953e-07, 1.63950382e-08, -8.6907237e-09, 4.40447651e-10),
    y = times_sum(a, V(1.50140929), t, p, 5.88897215e-08 + t_low * p);
  else
    p = polynomial(t, 0.24015818242558834, -0.0060336708714278679, -0.00074070253415452658, 0.00018673420802472917,
                   -1.388252339426385e-05, -1.365469185198449e-06, 4.2347881719290389e-07, -2.9070382142432704e-08,
                   -4.1126606856574975e-09, 1.0512180928891938e-09, -5.4142931288227568e-11, -1.297686628543441e-11,
                   2.6305002323914774e-12, -8.1187874002861177e-14, -4.0015472510479342e-14, 6.5969087872176588e-15,
                   -3.9910402906206266e-17, -1.3020936338515084e-16, 1.554634990639866e-17, 1.1518300765296366e-18,
                   -3.4876342857741334e-19, -1.1486195521802974e-21, 3.2184748485912129e-21),
    y = times_sum(a, V(1.6536545626831027), t, p, t_low * p);
  auto far = w > (kIsFloat<V> ? 5.0 : 6.25);
  if (any(far)) {
    V s = sqrt_lanes(w);
    t = s - far_middle, t_low = (residual(s, s, w) + w_low) / (s + s);
    V outer;
    if constexpr (kIsFloat<V>)
      p = polynomial(t, 1.00167525, 0.0094453739, -0.00764298066, 0.00568718463, -0.0035660509, 0.00147646852,
                     -0.000121884848, -0.000278795866, 0.000161648699, -2.92107579e-05),
      outer = times_sum(a, V(2.83297682), t, p, -1.93564453e-08 + t_low);
    else
      p = polynomial(t, 1.009978277161256, 0.00071274997265970196, -0.00060789402748194065, 0.00021217671326469962,
                     -6.4419750460213227e-05, 2.1980128323381705e-05, -1.0197667014421424e-05, 5.8072675951284895e-06,
                     -3.2111198983537379e-06, 1.4901763491803617e-06, -5.152809117507926e-07, 9.3290001931796977e-08,
                     2.5644144669692085e-08, -3.0144571199139148e-08, 1.340319050836658e-08, -3.0618717485222369e-09,
                     -1.6378789697053619e-10, 4.5684753746224331e-10, -2.0055546178984006e-10, 3.7736739003109632e-11,
                     7.6345379985828388e-12, -5.7774323541143876e-12, 3.2182090155244327e-13, 1.8289343097372594e-13,
                     1.907984244332846e-13, -5.9133889864585213e-14, -2.9229039720026659e-14, 1.0181194309158065e-14,
                     1.1252364987354112e-15, -4.8785211697597789e-16),
      outer = times_sum(a, V(4.0922234236681296), t, p, t_low);
    y = select(far, outer, y);
  }
  y = with_sign(y, x);
  auto inside = a < 1.0;
  if (__builtin_expect(any(!inside), 0)) y = select(inside, y, select(a == 1.0, x * kInf, V(kNan)));
  return y;
}

LANE_MATH_CALL V erfinv_beyond_pieces(V x) { return erfinv_by_logarithm(x); }
LANE_MATH V erfinv(V x) {
  if constexpr (LooksUp<V>) {
    const V v = residual(x, x, V(1.0));
    const auto inside = v >= 0x1p-7;
    V y = erfinv_by_pieces(x, v);
    if (__builtin_expect(any(!inside), 0)) y = select(inside, y, erfinv_beyond_pieces(x));
    return y;
  } else {
    return erfinv_by_logarithm(x);
  }
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
