// The primitives on complex lanes. Those that are missing here do not exist for complex numbers.
#pragma once
#include <concepts>

#include "base/dtype.h"
#include "expr/complex_math.h"

namespace facula::lane_math {

template <class V>
concept ComplexLanes = requires {
  typename V::Lane;
} && (std::same_as<typename V::Lane, Complex<float>> || std::same_as<typename V::Lane, Complex<double>>);
#define COMPLEX_MATH        \
  template <ComplexLanes V> \
  [[gnu::always_inline]] inline

template <ComplexLanes V>
[[gnu::always_inline]] inline V from_double(complex_math::Z z) {
  using T = decltype(V::re);
  return V(static_cast<T>(z.re), static_cast<T>(z.im));
}

COMPLEX_MATH V neg(V x) { return -x; }
COMPLEX_MATH V add(V x, V y) { return x + y; }
COMPLEX_MATH V sub(V x, V y) { return x - y; }
COMPLEX_MATH V mul(V x, V y) { return x * y; }
COMPLEX_MATH V div(V x, V y) { return x / y; }
COMPLEX_MATH bool eq(V x, V y) { return x == y; }
COMPLEX_MATH bool ne(V x, V y) { return x != y; }
// Order is that of the real parts: only derivatives ask, of the exponent of pow and of magnitudes.
COMPLEX_MATH bool lt(V x, V y) { return x.re < y.re; }
COMPLEX_MATH bool le(V x, V y) { return x.re <= y.re; }
COMPLEX_MATH bool gt(V x, V y) { return x.re > y.re; }
COMPLEX_MATH bool ge(V x, V y) { return x.re >= y.re; }
COMPLEX_MATH bool logical_and(V x, V y) { return (x != 0) & (y != 0); }
COMPLEX_MATH bool logical_or(V x, V y) { return (x != 0) | (y != 0); }
COMPLEX_MATH bool logical_xor(V x, V y) { return (x != 0) ^ (y != 0); }
COMPLEX_MATH bool logical_not(V x) { return x == 0; }
COMPLEX_MATH V where(V c, V x, V y) { return c != 0 ? x : y; }
COMPLEX_MATH V abs(V x) { return V(complex_math::abs({x.re, x.im})); }
COMPLEX_MATH V sign(V x) { return from_double<V>(complex_math::sign({x.re, x.im})); }
COMPLEX_MATH V pow(V x, V y) { return from_double<V>(complex_math::pow({x.re, x.im}, {y.re, y.im})); }
COMPLEX_MATH V logaddexp(V x, V y) { return from_double<V>(complex_math::logaddexp({x.re, x.im}, {y.re, y.im})); }
#define THROUGH_DOUBLE(name) \
  COMPLEX_MATH V name(V x) { return from_double<V>(complex_math::name({x.re, x.im})); }
FACULA_COMPLEX_FUNCTIONS(THROUGH_DOUBLE)
#undef THROUGH_DOUBLE
#undef COMPLEX_MATH

}  // namespace facula::lane_math
