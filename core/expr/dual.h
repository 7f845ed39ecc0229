// Dual<T>: a value with its derivative, and the primitives by name on every kind of operand: lanes, Dual, Expr.
// Operands that are not differentiated stay plain, constants are plain doubles; a formula is generic code over these.
#pragma once
#include <cmath>
#include <concepts>
#include <type_traits>

#include "expr/lane_arithmetic.h"
#include "expr/lane_complex.h"
#include "expr/lane_hyperbolic.h"
#include "expr/lane_special.h"
#include "expr/lane_trigonometric.h"
#include "expr/primitives.h"

namespace facula {
class Expr;  // expr/expr.h: only who builds expressions needs it complete
}

namespace facula::formula {

// d carries the gradient that flows into v: seeded with g, a formula's d is g times its derivative.
template <class T>
struct Dual {
  using ValueType = T;
  T v, d;
};

template <class A>
inline constexpr bool is_dual = false;
template <class T>
inline constexpr bool is_dual<Dual<T>> = true;
template <class A>
concept Number = std::is_arithmetic_v<A>;
template <class A>
concept Lanes = lane_math::RealLanes<A> || lane_math::IntLanes<A> || lane_math::ComplexLanes<A>;
template <class A>
concept Symbolic = is_dual<A> || std::is_same_v<A, Expr>;
template <class A>
concept Operand = Lanes<A> || Symbolic<A> || Number<A>;

// The plain type that a mixture of operands is computed in.
template <class... A>
struct ValueOf;
template <class A>
struct ValueOf<A> {
  using type = A;
};
template <class T>
struct ValueOf<Dual<T>> {
  using type = T;
};
template <class A, class B, class... More>
struct ValueOf<A, B, More...> {
  using First = typename ValueOf<A>::type;
  using Rest = typename ValueOf<B, More...>::type;
  using type = std::conditional_t<Number<First>, Rest, First>;
};
template <class... A>
using value_type = typename ValueOf<A...>::type;
template <class T, class A>
[[gnu::always_inline]] inline T value_of(const A& a) {
  if constexpr (is_dual<A>)
    return a.v;
  else
    return T(a);
}

// ---- select: the condition is a mask of lanes or an expression ----

template <class C, class A, class B>
  requires((is_dual<A> || is_dual<B>) && !is_dual<C>)
[[gnu::always_inline]] inline auto select(const C& c, const A& a, const B& b) {
  using T = value_type<A, B>;
  Dual<T> r;
  r.v = select(c, value_of<T>(a), value_of<T>(b));
  if constexpr (!is_dual<A>)
    r.d = select(c, T(0.0), b.d);
  else if constexpr (!is_dual<B>)
    r.d = select(c, a.d, T(0.0));
  else
    r.d = select(c, a.d, b.d);
  return r;
}

// ---- derivatives of the primitives, on lanes and on expressions alike ----

#define DECLARE_UNARY(name, dx)       \
  template <class A>                  \
    requires(Symbolic<A> || Lanes<A>) \
  [[gnu::always_inline]] inline auto name(const A& x);
#define DECLARE_BINARY(name, dx, dy)                                \
  template <class A, class B>                                       \
    requires(Operand<A> && Operand<B> && !(Number<A> && Number<B>)) \
  [[gnu::always_inline]] inline auto name(const A& x, const B& y);
FACULA_UNARY_PRIMITIVES(DECLARE_UNARY)
FACULA_BINARY_PRIMITIVES(DECLARE_BINARY)
#undef DECLARE_UNARY
#undef DECLARE_BINARY

// ---- operators ----

#define SYMBOLIC_OPERATOR(symbol, name)                                        \
  template <class A, class B>                                                  \
    requires((Symbolic<A> || Symbolic<B>) && Operand<A> && Operand<B>)         \
  [[gnu::always_inline]] inline auto operator symbol(const A& a, const B& b) { \
    return name(a, b);                                                         \
  }
SYMBOLIC_OPERATOR(+, add)
SYMBOLIC_OPERATOR(-, sub)
SYMBOLIC_OPERATOR(*, mul)
SYMBOLIC_OPERATOR(/, div)
SYMBOLIC_OPERATOR(<, lt)
SYMBOLIC_OPERATOR(<=, le)
SYMBOLIC_OPERATOR(>, gt)
SYMBOLIC_OPERATOR(>=, ge)
SYMBOLIC_OPERATOR(==, eq)
SYMBOLIC_OPERATOR(!=, ne)
SYMBOLIC_OPERATOR(&, logical_and)
SYMBOLIC_OPERATOR(|, logical_or)
SYMBOLIC_OPERATOR(^, logical_xor)
#undef SYMBOLIC_OPERATOR
template <Symbolic A>
[[gnu::always_inline]] inline auto operator-(const A& a) {
  return neg(a);
}
template <std::same_as<Expr> A>
A operator!(const A& a) {
  return A::make(Primitive::logical_not, a);
}

template <std::same_as<Expr> C, class A, class B>
  requires(!is_dual<A> && !is_dual<B>)
C select(const C& c, const A& a, const B& b) {
  return C::make(Primitive::where, c, a, b);
}
template <class T>
[[gnu::always_inline]] inline auto isnan(const T& x) {
  return x != x;
}

// ---- the primitives: plain values go to lanes or to the graph, a Dual takes its derivative from the list ----

#define DEFINE_UNARY(name, dx)                                                                                   \
  template <class T>                                                                                             \
  [[gnu::always_inline]] inline T derivative_of_##name([[maybe_unused]] const T& g, [[maybe_unused]] const T& x, \
                                                       [[maybe_unused]] const T& y) {                            \
    return dx;                                                                                                   \
  }                                                                                                              \
  template <class A>                                                                                             \
    requires(Symbolic<A> || Lanes<A>)                                                                            \
  [[gnu::always_inline]] inline auto name(const A& x) {                                                          \
    if constexpr (is_dual<A>) {                                                                                  \
      auto y = name(x.v);                                                                                        \
      return A{y, derivative_of_##name(x.d, x.v, y)};                                                            \
    } else if constexpr (Lanes<A>) {                                                                             \
      return lane_math::name(x);                                                                                 \
    } else {                                                                                                     \
      return A::make(Primitive::name, x);                                                                        \
    }                                                                                                            \
  }

// Derivative 0 by x, 1 by y. A predicate of Duals is a predicate of their values.
#define DEFINE_BINARY(name, dx, dy)                                                                                \
  template <int operand, class T>                                                                                  \
  [[gnu::always_inline]] inline T derivative_of_##name([[maybe_unused]] const T& g, [[maybe_unused]] const T& x,   \
                                                       [[maybe_unused]] const T& y, [[maybe_unused]] const T& z) { \
    if constexpr (operand == 0)                                                                                    \
      return dx;                                                                                                   \
    else                                                                                                           \
      return dy;                                                                                                   \
  }                                                                                                                \
  template <class A, class B>                                                                                      \
    requires(Operand<A> && Operand<B> && !(Number<A> && Number<B>))                                                \
  [[gnu::always_inline]] inline auto name(const A& x, const B& y) {                                                \
    using T = value_type<A, B>;                                                                                    \
    const T a = value_of<T>(x), b = value_of<T>(y);                                                                \
    if constexpr (is_dual<A> || is_dual<B>) {                                                                      \
      auto z = name(a, b);                                                                                         \
      if constexpr (is_predicate(Primitive::name))                                                                 \
        return z;                                                                                                  \
      else if constexpr (!is_dual<B>)                                                                              \
        return Dual<T>{z, derivative_of_##name<0>(x.d, a, b, z)};                                                  \
      else if constexpr (!is_dual<A>)                                                                              \
        return Dual<T>{z, derivative_of_##name<1>(y.d, a, b, z)};                                                  \
      else                                                                                                         \
        return Dual<T>{z, derivative_of_##name<0>(x.d, a, b, z) + derivative_of_##name<1>(y.d, a, b, z)};          \
    } else if constexpr (Lanes<T>) {                                                                               \
      return lane_math::name(a, b);                                                                                \
    } else {                                                                                                       \
      return T::make(Primitive::name, a, b);                                                                       \
    }                                                                                                              \
  }
FACULA_UNARY_PRIMITIVES(DEFINE_UNARY)
FACULA_BINARY_PRIMITIVES(DEFINE_BINARY)
#undef DEFINE_UNARY
#undef DEFINE_BINARY

}  // namespace facula::formula
