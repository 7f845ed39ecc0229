// What mathematics on lanes is written in: kinds of lanes, polynomials, signs, sums in two parts. No function of C's
// library is here.
#pragma once
#include <cmath>
#include <concepts>
#include <limits>
#include <type_traits>

namespace facula::lane_math {

template <class V>
concept RealLanes = requires {
  typename V::Lane;
  requires std::floating_point<typename V::Lane>;
};
template <class V>
concept IntLanes = requires {
  typename V::Lane;
  requires std::integral<typename V::Lane>;
};
template <class V>
inline constexpr bool kIsFloat = sizeof(typename V::Lane) == 4;

#define LANE_MATH        \
  template <RealLanes V> \
  [[gnu::always_inline]] inline
#define LANE_MATH_CALL   \
  template <RealLanes V> \
  [[gnu::noinline]]  // too long to be worth a copy in every kernel

inline constexpr double kInf = std::numeric_limits<double>::infinity();
inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// c0 + c1 x + c2 x^2 + ...: even and odd terms apart, so that the chain of operations that a result waits for has half
// the length. (All in pairs of pairs it would be shorter still, but high powers of small numbers are subnormal: slow.)
template <RealLanes V, class... C>
[[gnu::always_inline]] inline V polynomial(V x, C... coefficients) {
  constexpr int n = sizeof...(C), step = n <= 4 ? 1 : 2, last = (n - 1) / step * step;
  const double c[] = {coefficients...};
  V power = step == 1 ? x : x * x, y = c[last];
#pragma GCC unroll 32
  for (int i = last - step; i >= 0; i -= step) y = y * power + c[i];
  if constexpr (step == 2) {
    V odd = c[(n - 2) / 2 * 2 + 1];
#pragma GCC unroll 32
    for (int i = (n - 2) / 2 * 2 - 1; i >= 0; i -= 2) odd = odd * power + c[i];
    y = odd * x + y;
  }
  return y;
}

// The same in four chains, for many coefficients and an x that is never close to zero without being zero.
template <RealLanes V, class... C>
[[gnu::always_inline]] inline V long_polynomial(V x, C... coefficients) {
  constexpr int n = sizeof...(C);
  const double c[] = {coefficients...};
  V square = x * x, power = square * square, part[4];
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k) {
    const int last = (n - 1 - k) / 4 * 4 + k;
    part[k] = c[last];
#pragma GCC unroll 32
    for (int i = last - 4; i >= 0; i -= 4) part[k] = part[k] * power + c[i];
  }
  return (part[3] * x + part[2]) * square + (part[1] * x + part[0]);
}

LANE_MATH V abs(V x) {
  using Bits = decltype(bits_of(x));
  return from_bits<typename V::Lane>(bit_and(bits_of(x), Bits(std::numeric_limits<typename Bits::Lane>::max())));
}
LANE_MATH V sign_bit(V x) { return from_bits<typename V::Lane>(bit_and(bits_of(x), bits_of(V(-0.0)))); }
// |x| with the sign of s; x must not be negative.
LANE_MATH V with_sign(V x, V s) { return from_bits<typename V::Lane>(bit_or(bits_of(x), bits_of(sign_bit(s)))); }
LANE_MATH V copysign(V x, V s) { return with_sign(abs(x), s); }
LANE_MATH auto isnan(V x) { return x != x; }

// An unevaluated sum; |low| is at most half an ulp of high (Dekker 1971).
template <class V>
struct Pair {
  V high, low;
};
LANE_MATH Pair<V> ordered_sum(V a, V b) {  // |a| >= |b|, or a = 0
  V s = a + b;
  return {s, (a - s) + b};
}

}  // namespace facula::lane_math
