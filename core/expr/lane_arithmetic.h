// Rounding, comparison-like and division-like primitives on lanes of float, double and integers.
// Integer division never traps: by zero it gives 0 (the caller raises PyTorch's error), INT64_MIN / -1 wraps.
#pragma once
#include <cstdint>

#include "expr/lane_exponential.h"

namespace facula::lane_math {

#define INT_MATH        \
  template <IntLanes V> \
  [[gnu::always_inline]] inline
#define ANY_MATH                          \
  template <class V>                      \
    requires(RealLanes<V> || IntLanes<V>) \
  [[gnu::always_inline]] inline

ANY_MATH V neg(V x) { return -x; }
ANY_MATH V add(V x, V y) { return x + y; }
ANY_MATH V sub(V x, V y) { return x - y; }
ANY_MATH V mul(V x, V y) { return x * y; }
LANE_MATH V div(V x, V y) { return x / y; }
ANY_MATH auto lt(V x, V y) { return x < y; }
ANY_MATH auto le(V x, V y) { return x <= y; }
ANY_MATH auto gt(V x, V y) { return x > y; }
ANY_MATH auto ge(V x, V y) { return x >= y; }
ANY_MATH auto eq(V x, V y) { return x == y; }
ANY_MATH auto ne(V x, V y) { return x != y; }
ANY_MATH auto logical_and(V x, V y) { return (x != 0) & (y != 0); }
ANY_MATH auto logical_or(V x, V y) { return (x != 0) | (y != 0); }
ANY_MATH auto logical_xor(V x, V y) { return (x != 0) ^ (y != 0); }
ANY_MATH auto logical_not(V x) { return x == 0; }
ANY_MATH V where(V c, V x, V y) { return select(c != 0, x, y); }

// ---- rounding ----

LANE_MATH V round(V x) { return round_lanes<0>(x); }
LANE_MATH V floor(V x) { return round_lanes<1>(x); }
LANE_MATH V ceil(V x) { return round_lanes<2>(x); }
LANE_MATH V trunc(V x) { return round_lanes<3>(x); }
INT_MATH V round(V x) { return x; }
INT_MATH V floor(V x) { return x; }
INT_MATH V ceil(V x) { return x; }
INT_MATH V trunc(V x) { return x; }

INT_MATH V abs(V x) { return select(x < 0, V(0) - x, x); }
ANY_MATH V sign(V x) { return select(x > 0, V(1), select(x < 0, V(-1), V(0))); }
LANE_MATH V sqrt(V x) { return sqrt_lanes(x); }
// y = 1 / sqrt(x) to some bits; with e = 1 - x y^2, whose product is taken in two parts, 1 / sqrt(x) is y times the
// series of 1 / sqrt(1 - e).
LANE_MATH V rsqrt_from(V x, V y) {
  V p = x * y, e = residual(p, y, V(1.0)) + residual(x, y, p) * y, series;
  if constexpr (kIsFloat<V>)
    series = polynomial(e, 0.5, 0.375);
  else
    series = polynomial(e, 0.5, 0.375, 0.3125, 0.2734375);
  return y + y * e * series;
}
// Tiny and huge operands are scaled so that residuals are not subnormal, and s * s, rounded up, is not infinite.
LANE_MATH V rsqrt_by_root(V x) {
  auto tiny = x < (kIsFloat<V> ? 0x1p-90 : 0x1p-900);
  auto huge = x > (kIsFloat<V> ? 0x1p90 : 0x1p900);
  V a = x * select(tiny, V(0x1p80), select(huge, V(0x1p-80), V(1.0))), s = sqrt_lanes(a), y = 1.0 / s;
  V half_error = 0.5 * (2.0 * residual(y, s, V(1.0)) - y * y * residual(s, s, a));
  V better = y + y * half_error;
  y = select((y > 0.0) & (y < kInf), better, y);
  return y * select(tiny, V(0x1p40), select(huge, V(0x1p-40), V(1.0)));
}
LANE_MATH V rsqrt(V x) {
  if constexpr (requires { significand(x); }) {
    V y = rough_inverse_root(x);
    return select((y > 0.0) & (y < kInf), rsqrt_from(x, y), y);
  } else if constexpr (requires { rough_inverse_root(x); }) {
    auto regular = (x >= 0x1p-90) & (x < kInf);
    V y = rsqrt_from(x, rough_inverse_root(x));
    if (__builtin_expect(any(!regular), 0)) y = select(regular, y, rsqrt_by_root(x));
    return y;
  } else {
    return rsqrt_by_root(x);
  }
}

// ---- extrema: maximum and minimum pass NaN on, fmax and fmin ignore it ----

LANE_MATH V maximum(V x, V y) { return select((x > y) | isnan(x), x, y); }
LANE_MATH V minimum(V x, V y) { return select((x < y) | isnan(x), x, y); }
LANE_MATH V fmax(V x, V y) { return select((x >= y) | isnan(y), x, y); }
LANE_MATH V fmin(V x, V y) { return select((x <= y) | isnan(y), x, y); }
INT_MATH V maximum(V x, V y) { return select(x > y, x, y); }
INT_MATH V minimum(V x, V y) { return select(x < y, x, y); }
INT_MATH V fmax(V x, V y) { return select(x > y, x, y); }
INT_MATH V fmin(V x, V y) { return select(x < y, x, y); }

// ---- division with a remainder ----

LANE_MATH_CALL V fmod_by_libm(V x, V y) {
  return per_lane([](double a, double b) { return __builtin_fmod(a, b); }, x, y);
}
// x - trunc(x / y) y is exact once the quotient is an integer of the lane's precision; rounded, it may be one too
// large. In double for float operands, whose quotient may have 29 bits: 24 + 29 = 53. The bounds of double operands
// keep the products of `residual` normal.
template <class D>
[[gnu::always_inline]] inline D fmod_magnitude(D m, D d) {
  D q = trunc(m / d), r = residual(q, d, m);
  return select(d == kInf, m, select(r < 0.0, r + d, r));
}
LANE_MATH V fmod(V x, V y) {
  V m = abs(x), d = abs(y);
  if constexpr (kIsFloat<V>) {
    if (__builtin_expect(any(!(m < d * 0x1p28)), 0)) return fmod_by_libm(x, y);
    return with_sign(through_double([](auto a, auto b) { return fmod_magnitude(a, b); }, m, d), x);
  } else {
    auto regular = (m < d * 0x1p51) & (m < 0x1p900) & (d > 0x1p-900) & (d < 0x1p900);
    if (__builtin_expect(any(!regular), 0)) return fmod_by_libm(x, y);
    return with_sign(fmod_magnitude(m, d), x);
  }
}
LANE_MATH V remainder(V x, V y) {
  V m = fmod(x, y);
  return select((m != 0.0) & ((m < 0.0) ^ (y < 0.0)), m + y, m);
}
LANE_MATH V trunc_divide(V x, V y) { return trunc(x / y); }
// Python's floor division: consistent with the remainder, rounded to the integer that it must be.
LANE_MATH V floor_divide(V x, V y) {
  V m = fmod(x, y), q = (x - m) / y;
  q = select((m != 0.0) & ((m < 0.0) ^ (y < 0.0)), q - 1.0, q);
  V f = floor(q);
  f = select(q - f > 0.5, f + 1.0, f);
  f = select(q == 0.0, copysign(V(0.0), x / y), f);
  return select(y == 0.0, x / y, f);
}

// Always inlined: a copy shared by the instruction sets would be compiled for any one of them.
#define SCALAR_OP [[gnu::always_inline]] inline
namespace integer {
SCALAR_OP int64_t wrap_neg(int64_t a) { return static_cast<int64_t>(0 - static_cast<uint64_t>(a)); }
SCALAR_OP int64_t quotient(int64_t a, int64_t b) { return b == 0 ? 0 : b == -1 ? wrap_neg(a) : a / b; }
SCALAR_OP int64_t rest(int64_t a, int64_t b) { return b == 0 || b == -1 ? 0 : a % b; }
SCALAR_OP int64_t floor_quotient(int64_t a, int64_t b) {
  int64_t r = rest(a, b);
  return quotient(a, b) - (r != 0 && (r < 0) != (b < 0));
}
SCALAR_OP int64_t floor_rest(int64_t a, int64_t b) {
  int64_t r = rest(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
SCALAR_OP int64_t power(int64_t a, int64_t b) {
  if (b < 0) return a == 1 ? 1 : a == -1 ? (b & 1 ? -1 : 1) : 0;
  uint64_t r = 1;
  for (uint64_t base = static_cast<uint64_t>(a); b; b >>= 1, base *= base)
    if (b & 1) r *= base;
  return static_cast<int64_t>(r);
}
// Euclid's algorithm; the processor divides short numbers in half of the time.
template <class U>
SCALAR_OP U common_divisor(U a, U b) {
  while (b) {
    U r = a % b;
    a = b;
    b = r;
  }
  return a;
}
SCALAR_OP int64_t gcd(int64_t a, int64_t b) {
  const uint64_t m = static_cast<uint64_t>(a < 0 ? wrap_neg(a) : a), n = static_cast<uint64_t>(b < 0 ? wrap_neg(b) : b);
  if ((m | n) >> 32) return static_cast<int64_t>(common_divisor(m, n));
  return common_divisor(static_cast<uint32_t>(m), static_cast<uint32_t>(n));
}
SCALAR_OP int64_t lcm(int64_t a, int64_t b) {
  int64_t g = gcd(a, b);
  int64_t r = g == 0 ? 0 : static_cast<int64_t>(static_cast<uint64_t>(quotient(a, g)) * static_cast<uint64_t>(b));
  return r < 0 ? wrap_neg(r) : r;
}
}  // namespace integer
#undef SCALAR_OP

#define LANEWISE(name, function)                                                          \
  INT_MATH V name(V x, V y) {                                                             \
    return map_lanes([](int64_t a, int64_t b) { return integer::function(a, b); }, x, y); \
  }
LANEWISE(pow, power)
LANEWISE(gcd, gcd)
LANEWISE(lcm, lcm)
#undef LANEWISE

// The quotient of numbers of at most 51 bits is further from the next integer than its rounding in double moves it, so
// double lanes divide exactly; other operands go one by one.
INT_MATH bool divides_in_double(V x, V y) {
  constexpr int64_t kLimit = int64_t{1} << 51;
  return !any((x >= kLimit) | (x <= -kLimit) | (y >= kLimit) | (y <= -kLimit) | (y == 0));
}
#define DIVISION(name, function, formula)                                                 \
  INT_MATH V name(V x, V y) {                                                             \
    if (divides_in_double(x, y)) {                                                        \
      auto a = to_double(x), b = to_double(y), q = a / b;                                 \
      return to_integer(formula);                                                         \
    }                                                                                     \
    return map_lanes([](int64_t c, int64_t d) { return integer::function(c, d); }, x, y); \
  }
DIVISION(fmod, rest, a - trunc(q) * b)
DIVISION(remainder, floor_rest, a - floor(q) * b)
DIVISION(trunc_divide, quotient, trunc(q))
DIVISION(floor_divide, floor_quotient, floor(q))
#undef DIVISION

// A count that is negative or beyond the type moves all bits out; the sign stays.
template <IntLanes V>
inline constexpr int kLaneBits = 8 * sizeof(typename V::Lane);
INT_MATH V bitwise_left_shift(V x, V n) {
  auto inside = (n >= 0) & (n < kLaneBits<V>);
  return select(inside, shift_left(x, select(inside, n, V(0))), V(0));
}
INT_MATH V bitwise_right_shift(V x, V n) {
  return shift_right(x, select((n >= 0) & (n < kLaneBits<V>), n, V(kLaneBits<V> - 1)));
}

INT_MATH V bitwise_and(V x, V y) { return bit_and(x, y); }
INT_MATH V bitwise_or(V x, V y) { return bit_or(x, y); }
INT_MATH V bitwise_xor(V x, V y) { return bit_xor(x, y); }
INT_MATH V bitwise_not(V x) { return V(-1) - x; }

LANE_MATH_CALL V nextafter(V x, V y) {
  return map_lanes(
      [](auto a, auto b) {
        if constexpr (sizeof a == 4)
          return __builtin_nextafterf(a, b);
        else
          return __builtin_nextafter(a, b);
      },
      x, y);
}
// Scaled where squares of double operands would overflow or vanish.
template <class D>
[[gnu::always_inline]] inline D hypotenuse(D a, D b, D up, D down) {
  a = a * up, b = b * up;
  return select((a == kInf) | (b == kInf), D(kInf), sqrt_lanes(a * a + b * b) * down);
}
LANE_MATH_CALL V hypot(V x, V y) {
  V a = abs(x), b = abs(y);
  if constexpr (kIsFloat<V>) {
    return through_double([](auto a, auto b) { return hypotenuse(a, b, decltype(a)(1.0), decltype(a)(1.0)); }, a, b);
  } else {
    V top = select(a > b, a, b);
    auto large = top > 0x1p500, small = top < 0x1p-450;
    return hypotenuse(a, b, select(large, V(0x1p-600), select(small, V(0x1p600), V(1.0))),
                      select(large, V(0x1p600), select(small, V(0x1p-600), V(1.0))));
  }
}

}  // namespace facula::lane_math
