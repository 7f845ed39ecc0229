// exp, log and what is built on them, on lanes of float or double: value only, at most 1 ulp (float), 2 ulp (double).
// Coefficients: weighted minimax fits (Remez exchange, 140 bits, mpmath); float ones rounded one at a time with the
// rest refitted. Method: Cody & Waite 1980 (reduction), Dekker 1971 (sums in two parts).
#pragma once
#include "expr/lane_logarithm.h"

namespace facula::lane_math {

// x = n ln 2 + r with |r| <= ln 2 / 2, and exp(r) = 1 + r + tail.
template <class V>
struct ExpParts {
  V n, r, tail;
};

LANE_MATH V exp_tail(V r) {  // (exp(r) - 1 - r), relative error of exp 2^-32 and 2^-60
  if constexpr (kIsFloat<V>)
    return r * r * polynomial(r, 0.5, 0.166666642, 0.0416664556, 0.00833388884, 0.0013935772, 0.00019576386);
  else
    return r * r *
           polynomial(r, 0.5, 0.16666666666666682, 0.041666666666666088, 0.0083333333333169158, 0.0013888888889117181,
                      0.00019841269896684447, 2.4801586924671555e-05, 2.7557234554888284e-06, 2.75575827763305e-07,
                      2.5112145926039327e-08, 2.0826536485002061e-09);
}
// Added to a number, it leaves the nearest integer in the low bits; |x| < 2^22 (float) or 2^51.
template <class V>
inline constexpr double kMagic = kIsFloat<V> ? 0x1.8p23 : 0x1.8p52;
LANE_MATH V round_by_magic(V x) { return (x + kMagic<V>)-kMagic<V>; }
// ln 2 in two parts; the product of the first with an exponent is exact.
template <class V>
inline constexpr double kLn2High = kIsFloat<V> ? 0x1.62e4p-1 : 0x1.62e42fee00000p-1;
template <class V>
inline constexpr double kLn2Low = kIsFloat<V> ? 1.42860676533018704e-06 : 1.90821492927058770e-10;

LANE_MATH ExpParts<V> exp_parts(V x, V t) {  // t: n and the magic number
  V n = t - kMagic<V>;
  V r = (x - n * kLn2High<V>)-n * kLn2Low<V>;
  return {n, r, exp_tail(r)};
}
LANE_MATH V exp_steps(V x) { return x * M_LOG2E + kMagic<V>; }
LANE_MATH ExpParts<V> exp_parts(V x) { return exp_parts(x, exp_steps(x)); }
LANE_MATH V clamp_to(V x, double lo, double hi) {  // NaN passes
  return limit_above(limit_below(x, V(lo)), V(hi));
}

// 2^(j / 16) for j = 0 .. 15, and what rounding them to float left.
struct Powers {
  alignas(64) float high[16], low[16];
};
// clang-format off
inline constexpr Powers kPowers = {
    {1.0f, 1.0442737f, 1.0905077f, 1.1387886f, 1.1892071f, 1.2418578f, 1.2968396f, 1.3542556f, 1.4142135f,
      1.4768262f, 1.5422108f, 1.6104903f, 1.6817929f, 1.7562522f, 1.8340081f, 1.9152066f},
    {0.0f, 4.83347e-08f, -1.307754e-08f, 5.3862223e-08f, 3.7976353e-08f, 4.496838e-08f, -4.0189995e-08f,
      -1.0123349e-08f, 2.4203235e-08f, -4.500899e-08f, 8.070905e-09f, 9.836217e-09f, -2.4755327e-08f, -9.23577e-09f,
      -1.1239278e-08f, 9.845328e-09f}};
// clang-format on

// Float lanes that look up 16 numbers: with n in steps of 1/16, a table of 2^(n - floor(n)) leaves |r| <= ln 2 / 32 and
// a cubic (minimax, 2^-29). exp(r) 2^(n - floor(n)) = high + rest; scale_by_power takes floor(n).
template <class V>
concept LooksUp = kIsFloat<V> && requires(V x, const float* row) { lookup16(row, bits_of(x)); };
inline constexpr double kRoundTo16th = 0x1.8p19;

template <LooksUp V>
[[gnu::always_inline]] inline V power_rest(V t, V high, V r) {
  return high * (r * polynomial(r, 1.0, 0.5000162, 0.1666672)) + lookup16(kPowers.low, bits_of(t));
}

template <class V>
struct ExpSum {  // exp(x) = 2^n (high + low), |low| at most half an ulp of high
  V n, high, low;
};
LANE_MATH ExpSum<V> exp_sum(V x) {
  if constexpr (LooksUp<V>) {
    V t = x * M_LOG2E + kRoundTo16th, n = t - kRoundTo16th;
    V r = (x - n * kLn2High<V>)-n * kLn2Low<V>, power = lookup16(kPowers.high, bits_of(t));
    V rest = power_rest(t, power, r), high = power + rest;
    return {n, high, rest - (high - power)};
  } else {
    auto [n, r, tail] = exp_parts(x);
    V s = r + tail, high = 1.0 + s;
    return {n, high, s - (high - 1.0)};
  }
}
// Results 2^n p of lanes without an instruction for it: y where all n are moderate, else what x says, lane by lane.
template <RealLanes V>
[[gnu::always_inline]] inline V exp_by_range(V x, V y, V p, V n, double moderate, double low, double high) {
  if (__builtin_expect(any(!(abs(x) < moderate)), 0))
    y = select(x > high, V(kInf), select(x < low, V(0.0), scale_by_power(p, n)));
  return y;
}
LANE_MATH V exp(V x) {
  constexpr double low = kIsFloat<V> ? -104 : -746, high = kIsFloat<V> ? 89 : 710;
  if constexpr (requires { scale_inside(x, x, x, low, high); }) {
    auto sum = exp_sum(x);
    return scale_inside(sum.high, sum.n, x, low, high);
  } else {
    V t = exp_steps(x);
    auto [n, r, tail] = exp_parts(x, t);
    V p = 1.0 + (r + tail);
    return exp_by_range(x, scale_normal(p, t), p, n, kIsFloat<V> ? 87 : 708, low, high);
  }
}
template <RealLanes V>
[[gnu::noinline, gnu::cold]] V exp_rare(V x) {
  return exp(x);
}
LANE_MATH V exp2(V x) {
  constexpr double low = kIsFloat<V> ? -152 : -1077, high = kIsFloat<V> ? 129 : 1025;
  if constexpr (LooksUp<V>) {
    x = clamp_to(x, low, high);
    V t = x + kRoundTo16th, n = t - kRoundTo16th, power = lookup16(kPowers.high, bits_of(t));
    return scale_by_power(power + power_rest(t, power, (x - n) * M_LN2), n);
  } else if constexpr (requires { scale_inside(x, x, x, low, high); }) {
    x = clamp_to(x, low, high);
    V n = round_by_magic(x), r = (x - n) * M_LN2;
    return scale_by_power(1.0 + (r + exp_tail(r)), n);
  } else {
    V t = x + kMagic<V>, n = t - kMagic<V>, r = (x - n) * M_LN2, p = 1.0 + (r + exp_tail(r));
    return exp_by_range(x, scale_normal(p, t), p, n, kIsFloat<V> ? 125 : 1021, low, high);
  }
}
LANE_MATH V expm1(V x) {
  auto [n, r, tail] = exp_parts(clamp_to(x, kIsFloat<V> ? -18 : -40, kIsFloat<V> ? 89 : 710));
  // 2^n ((1 - 2^-n) + r + tail), the bracket summed in two parts: |1 - 2^-n| is 0 or > |r|
  V e = scale_by_power(V(1.0), -n), t = 1.0 - e, t_low = (1.0 - t) - e;
  V h = t + r, low = (t - h) + r;
  return select(x == 0.0, x, scale_by_power(h + (low + t_low + tail), n));
}

// x = 2^k m with m in [2/3, 4/3), or in [3/4, 3/2) where instructions take numbers apart: f = m - 1 is exact.
template <class V>
struct LogParts {
  V k, f;
};
template <bool may_be_subnormal, RealLanes V>
[[gnu::always_inline]] inline LogParts<V> log_parts(V x) {
  if constexpr (requires { significand(x); }) {
    V m = significand(x);
    return {exponent_to(x, m), m - 1.0};
  } else {
    using T = typename V::Lane;
    constexpr int mantissa = kIsFloat<V> ? 23 : 52, up = kIsFloat<V> ? 25 : 54;
    V shift(0.0);
    if constexpr (may_be_subnormal) {
      auto subnormal = x < std::numeric_limits<T>::min();
      x = select(subnormal, x * (kIsFloat<V> ? 0x1p25 : 0x1p54), x);
      shift = select(subnormal, V(up), shift);
    }
    auto bits = bits_of(x), above = bits - bits_of(V(2.0 / 3.0));  // its high bits: k
    V k, m = from_bits<T>(bits - shift_left(shift_right_logical(above, mantissa), mantissa));
    if constexpr (kIsFloat<V>) {
      k = to_float(shift_right(above, mantissa));
    } else {  // the same plus the bias, as the low bits of a number
      auto biased = shift_right_logical(above + bits_of(V(1.0)), mantissa);
      k = from_bits<T>(bit_or(biased, bits_of(V(0x1p52)))) - (0x1p52 + 1023);
    }
    return {may_be_subnormal ? k - shift : k, m - 1.0};
  }
}
// log(1 + f) - f on the interval of `log_parts`.
LANE_MATH V log_tail(V f) {
  if constexpr (kIsFloat<V>) {
    V p;
    if constexpr (requires { significand(f); })
      p = polynomial(f, 0.333333462, -0.250001669, 0.199991524, -0.16654712, 0.142858177, -0.127500445, 0.116466962,
                     -0.0890413225, 0.0359269828);
    else
      p = polynomial(f, 0.333333373, -0.249998197, 0.199994087, -0.166796029, 0.143103793, -0.121954523, 0.106854632,
                     -0.128464282, 0.122747026);
    return f * f * (p * f - 0.5);
  } else {  // 2 atanh(s) = log(1 + f) with s = f / (2 + f)
    V s = quotient(f, f + 2.0), z = s * s, half_square = 0.5 * f * f;
    V r = z * polynomial(z, 0.66666666666666596, 0.40000000000056951, 0.28571428555767447, 0.22222224302957472,
                         0.18181665503766872, 0.15391123686019589, 0.13173407263781901, 0.13844311005500204);
    return s * (half_square + r) - half_square;
  }
}
LANE_MATH Pair<V> log_sum(V k, V f, V tail) {
  auto [h, low] = ordered_sum(k * kLn2High<V>, f);  // the first is 0 or > |f|
  return {h, low + (tail + k * kLn2Low<V>)};
}
LANE_MATH V log_specials(V x, V r) {
  if constexpr (requires { fix_logarithm(x, r); }) return fix_logarithm(x, r);
  V special = select(x == 0.0, V(-kInf), select(x < 0.0, V(kNan), x));
  return select((x > 0.0) & (x < kInf), r, special);
}
// f(log_parts(x)) for a logarithm f of positive x, and the special values. One comparison finds the vectors that have
// subnormal or other operands.
template <RealLanes V, class F>
[[gnu::always_inline]] inline V log_everywhere(V x, F f) {
  using Limits = std::numeric_limits<typename V::Lane>;
  using Bits = decltype(bits_of(x));
  // Compared as unsigned numbers, these are outside [least, greatest] of the normal ones.
  const Bits least = bits_of(V(Limits::min())), span = bits_of(V(Limits::max())) - least;
  const Bits turn(std::numeric_limits<typename Bits::Lane>::min());
  const bool rare = any(bits_of(x) - (least - turn) > span + turn);
  V regular = x, shift(0.0);
  if (__builtin_expect(rare, 0)) {
    auto subnormal = x < Limits::min();
    regular = select(subnormal, x * (kIsFloat<V> ? 0x1p25 : 0x1p54), x);
    shift = select(subnormal, V(kIsFloat<V> ? 25 : 54), shift);
  }
  auto [k, m] = log_parts<false>(regular);
  V y = f(LogParts<V>{k - shift, m});
  return __builtin_expect(rare, 0) ? log_specials(x, y) : y;
}
LANE_MATH V log(V x) {
  if constexpr (TakesApart<V>) {
    return log_by_table<kNatural>(x);
  } else {
    return log_everywhere(x, [](auto parts) {
      auto [h, low] = log_sum(parts.k, parts.f, log_tail(parts.f));
      return h + low;
    });
  }
}
// log(1 + x + low) for a correction `low` below an ulp of x, where 1 + x is a positive number.
LANE_MATH Pair<V> log1p_parts(V x, V low) {
  V u = x + 1.0, v = u - 1.0, error = (1.0 - (u - v)) + (x - v);  // 1 + x = u + error
  V positive = select(u > 0.0, u, V(1.0));
  auto [k, f] = log_parts<false>(positive);
  auto small = k == 0.0;
  f = select(small, x, f);  // log(m + c) = log(m) + c / m, 1/m to 2 % (least squares) is enough
  V c = select(small, low, (error + low) * scale_by_power(V(1.0), -k)) * polynomial(f, 1.011, -1.097, 0.849);
  return log_sum(k, f, log_tail(f) + select(x > 0x1p60, V(0.0), c));
}
LANE_MATH V log1p_of_sum(V x, V low) {
  auto [h, rest] = log1p_parts(x, low);
  return select(x == 0.0, x, log_specials(x + 1.0, h + rest));
}
LANE_MATH V log1p(V x) { return log1p_of_sum(x, V(0.0)); }
// Float: an odd polynomial below 1 (minimax fit, 2^-28), 1 - 2 / (exp(2|x|) + 1) above, where the subtraction is
// benign.
LANE_MATH V tanh_float(V x) {
  V a = limit_above(abs(x), V(10.0)), z = a * a;
  V small = a + a * z *
                    polynomial(z, -0.333332986, 0.133324057, -0.0538837686, 0.0214984789, -0.00796390977, 0.00231454847,
                               -0.000362268329);
  V n = round_by_magic(a * (2 * M_LOG2E)), r = (a - n * (0.5 * kLn2High<V>)) - n * (0.5 * kLn2Low<V>);
  V s = r * polynomial(r, 2.0, 2.0, 1.33332121, 0.66666311, 0.267815769, 0.0891955495);  // exp(2r) - 1, 2^-28
  V p = scale_by_power(V(0.5), n), t = fast_reciprocal((p + 0.5) + p * s);
  return with_sign(select(a < 1.0, small, 1.0 - t), x);
}
// Double: (exp(2|x|) - 1) / (exp(2|x|) + 1), both in two parts, the quotient corrected by its residual.
LANE_MATH V tanh_double(V x) {
  V a = limit_above(abs(x), V(19.1));
  auto [n, r, tail] = exp_parts(a + a);
  V p = scale_by_power(V(1.0), n), q = p - 1.0, pr = p * r;
  V s = q + pr, s_low = ((q - s) + pr) + p * tail;
  V num = s + s_low, num_low = s_low - (num - s);
  V den = num + 2.0, b = den - num, den_low = ((num - (den - b)) + (2.0 - b)) + num_low;
  V inverse = rough_reciprocal(den), y = num * inverse;
  y = y + inverse * (residual(y, den, num) + (num_low - y * den_low));
  return with_sign(limit_above(y, V(1.0)), x);
}
// 1 / (1 + exp(-x)) for x >= 0, exp(x) / (1 + exp(x)) below: no overflow, no cancellation. The denominator stays in two
// parts; dropping the low part of exp costs at most a quarter of an ulp.
LANE_MATH V sigmoid_by_scaling(V x) {
  V a = limit_below(-abs(x), V(kIsFloat<V> ? -104 : -746));
  auto [n, p, p_low] = exp_sum(a);
  V e = scale_by_power(p, n);
  auto positive = x >= 0.0;
  V num = select(positive, V(1.0), p), num_low = select(positive, V(0.0), p_low);
  V inverse = rough_reciprocal(1.0 + e), y = num * inverse;
  y = y + inverse * (residual(y, e, num - y) + num_low);
  return scale_by_power(y, select(positive, V(0.0), n));
}
LANE_MATH V sigmoid(V x) {
  if constexpr (requires { scale_inside(x, x, x, 0, 0); }) {
    return sigmoid_by_scaling(x);
  } else {  // where the squared exponential is a normal number the quotient needs no scaling; beyond, it is exp(x)
    constexpr double least = kIsFloat<V> ? -40 : -340;
    V a = limit_below(-abs(x), V(least)), t = exp_steps(a);
    auto [n, r, tail] = exp_parts(a, t);
    V s = r + tail, p = 1.0 + s, p_low = s - (p - 1.0), power = scale_normal(V(1.0), t), e = p * power;
    auto positive = x >= 0.0;
    V num = select(positive, V(1.0), e), num_low = select(positive, V(0.0), p_low * power);
    V inverse = rough_reciprocal(1.0 + e), y = num * inverse;
    y = y + inverse * (residual(y, e, num - y) + num_low);
    if (__builtin_expect(any(x < least), 0)) y = select(x < least, exp_rare(x), y);
    return y;
  }
}
// To 2^-21, for results of 16 bits; the operations that wait for each other are few.
template <LooksUp V>
[[gnu::always_inline]] inline V short_sigmoid(V x) {
  V t = kRoundTo16th - x * M_LOG2E, n = t - kRoundTo16th;
  V r = (-x - n * kLn2High<V>)-n * kLn2Low<V>, rest = r + r * r * (0.5000162 + 0.1666672 * r);
  auto steps = bits_of(t);
  V power = from_bits<float>(bits_of(lookup16(kPowers.high, steps)) + shift_left(shift_right_logical(steps, 4), 23));
  V y = fast_reciprocal((1.0 + power) + power * rest);
  if (__builtin_expect(!all_within(x, 86.0), 0)) y = select(abs(x) < 86.0, y, sigmoid(x));
  return y;
}
// log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)), the exponential in two parts.
LANE_MATH V softplus(V x) {
  auto [n, r, tail] = exp_parts(limit_below(-abs(x), V(kIsFloat<V> ? -104 : -746)));
  V s = r + tail, p = 1.0 + s, p_low = s - (p - 1.0);
  V e = scale_by_power(p, n), low = scale_by_power(p_low, n);
  return select(x > 0.0, x, V(0.0)) + log1p_of_sum(e, low);
}
LANE_MATH V logit(V x) { return log(x / (1.0 - x)); }
// The larger one + log(1 + exp(-|x - y|)), difference, logarithm and sum in two parts: they may cancel.
LANE_MATH_CALL V logaddexp(V x, V y) {
  auto first = (x > y) | isnan(x);
  V top = select(first, x, y), other = select(first, y, x), d = other - top, b = d - other;
  V d_low = select(d > -200.0, (other - (d - b)) - (top + b), V(0.0));
  auto [n, r, tail] = exp_parts(limit_below(d, V(kIsFloat<V> ? -104 : -746)));
  V s = r + (tail + d_low), p = 1.0 + s, p_low = s - (p - 1.0);
  auto [h, low] = log1p_parts(scale_by_power(p, n), scale_by_power(p_low, n));
  V sum = top + h, part = sum - top;
  low = low + ((top - (sum - part)) + (h - part));
  return select(x == y, x + M_LN2, select(abs(top) < kInf, sum + low, top));
}
LANE_MATH_CALL V logaddexp2(V x, V y) {
  return through_double(
      [](auto a, auto b) {
        auto top = select((a > b) | isnan(a), a, b);
        return select(a == b, a + 1.0, top + log1p(exp2(-abs(a - b))) * M_LOG2E);
      },
      x, y);
}
LANE_MATH_CALL V xlogy(V x, V y) { return select((x == 0.0) & !isnan(y), V(0.0), x * log(y)); }
LANE_MATH_CALL V xlog1py(V x, V y) { return select((x == 0.0) & !isnan(y), V(0.0), x * log1p(y)); }

}  // namespace facula::lane_math
