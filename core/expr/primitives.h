// The scalar primitives: the one list of what formulas are made of, each with its derivative beside it.
// Values: on lanes in lane_*.h, on expressions a graph node (expr.h), on Dual value and derivative (dual.h).
#pragma once
#include <cstdint>

namespace facula {

// The special functions among them, whose lanes call expr/special.h. NAN: this derivative is not available.
// clang-format off
#define FACULA_SPECIAL_UNARY(U) \
  U(entr, -g * (1.0 + log(x))) \
  U(erfcx, g * (2.0 * x * y - M_2_SQRTPI)) \
  U(ndtri, g * (M_SQRT2 / M_2_SQRTPI * 2.0) * exp(0.5 * y * y)) \
  U(log_ndtr, g * (M_2_SQRTPI * M_SQRT1_2) / erfcx(-x * M_SQRT1_2)) \
  U(i0, g * i1(x)) \
  U(i0e, g * (i1e(x) - sign(x) * y)) \
  U(i1, g * select(x == 0.0, 0.5, i0(x) - y / x)) \
  U(i1e, g * select(x == 0.0, 0.5, i0e(x) - y * (sign(x) + 1.0 / x))) \
  U(k0, T(NAN)) \
  U(k1, T(NAN)) \
  U(scaled_k0, T(NAN)) \
  U(scaled_k1, T(NAN)) \
  U(bessel_j0, T(NAN)) \
  U(bessel_j1, T(NAN)) \
  U(bessel_y0, T(NAN)) \
  U(bessel_y1, T(NAN)) \
  U(spherical_j0, T(NAN)) \
  U(airy_ai, T(NAN))
#define FACULA_SPECIAL_BINARY(B) \
  B(igamma, -g * (exp((x - 1.0) * log(y) - y - lgamma(x)) * gamma_slope(x, y)), \
            g * exp((x - 1.0) * log(y) - y - lgamma(x))) \
  B(igammac, g * (exp((x - 1.0) * log(y) - y - lgamma(x)) * gamma_slope(x, y)), \
             -g * exp((x - 1.0) * log(y) - y - lgamma(x))) \
  B(gamma_slope, T(NAN), -g * (log(y) - digamma(x) + z * ((x - 1.0) / y - 1.0))) \
  B(zeta, g * zeta_slope(x, y), -g * (x * zeta(x + 1.0, y))) \
  B(zeta_slope, T(NAN), -g * (zeta(x + 1.0, y) + x * zeta_slope(x + 1.0, y))) \
  B(chebyshev_t, T(NAN), T(NAN)) \
  B(chebyshev_u, T(NAN), T(NAN)) \
  B(chebyshev_v, T(NAN), T(NAN)) \
  B(chebyshev_w, T(NAN), T(NAN)) \
  B(hermite_h, T(NAN), T(NAN)) \
  B(hermite_he, T(NAN), T(NAN)) \
  B(laguerre_l, T(NAN), T(NAN)) \
  B(legendre_p, T(NAN), T(NAN))
// clang-format on

// U(name, dx): g * d name / dx, in terms of the gradient g, the operand x and the result y.
// T is the type of all of them. At ties, borders and poles the derivative is PyTorch's.
// clang-format off
#define FACULA_UNARY_PRIMITIVES(U) \
  U(neg, -g) \
  U(abs, g * sign(x)) \
  U(sign, T(0.0)) \
  U(floor, T(0.0)) \
  U(ceil, T(0.0)) \
  U(trunc, T(0.0)) \
  U(round, T(0.0)) \
  U(sqrt, g / (2.0 * y)) \
  U(rsqrt, -0.5 * g * (y * y * y)) \
  U(exp, g * y) \
  U(exp2, g * y * M_LN2) \
  U(expm1, g * (y + 1.0)) \
  U(log, g / x) \
  U(log2, g / (x * M_LN2)) \
  U(log10, g / (x * M_LN10)) \
  U(log1p, g / (x + 1.0)) \
  U(sin, g * cos(x)) \
  U(cos, g * -sin(x)) \
  U(tan, g * (1.0 + y * y)) \
  U(asin, g * rsqrt(1.0 - x * x)) \
  U(acos, -g * rsqrt(1.0 - x * x)) \
  U(atan, g / (x * x + 1.0)) \
  U(sinh, g * cosh(x)) \
  U(cosh, g * sinh(x)) \
  U(tanh, g * (1.0 - y * y)) \
  U(asinh, g * rsqrt(x * x + 1.0)) \
  U(acosh, g * rsqrt(x * x - 1.0)) \
  U(atanh, g / (1.0 - x * x)) \
  U(sigmoid, g * (1.0 - y) * y) \
  U(softplus, g * sigmoid(x)) \
  U(logit, select((x < 0.0) | (x > 1.0), NAN, g / (x * (1.0 - x)))) \
  U(sinc, select(M_PI * x * x == 0.0, 0.0, g * ((M_PI * x * cos(M_PI * x) - sin(M_PI * x)) / (M_PI * x * x)))) \
  U(erf, M_2_SQRTPI * exp(-(x * x)) * g) \
  U(erfc, -M_2_SQRTPI * exp(-(x * x)) * g) \
  U(erfinv, (1.0 / M_2_SQRTPI) * exp(y * y) * g) \
  U(lgamma, g * digamma(x)) \
  U(digamma, g * polygamma(1.0, x)) \
  U(logical_not, T(0.0)) \
  U(bitwise_not, T(0.0)) \
  FACULA_SPECIAL_UNARY(U)

// B(name, dx, dy): in terms of the gradient g, the operands x and y and the result z.
#define FACULA_BINARY_PRIMITIVES(B) \
  B(add, g, g) \
  B(sub, g, -g) \
  B(mul, g * y, g * x) \
  B(div, g / y, -g * (z / y)) \
  B(pow, select(y == 0.0, 0.0, g * (y * pow(x, y - 1.0))), select((x == 0.0) & (y >= 0.0), 0.0, g * (z * log(x)))) \
  B(fmod, g, -g * trunc_divide(x, y)) \
  B(remainder, g, -g * floor_divide(x, y)) \
  B(floor_divide, T(0.0), T(0.0)) \
  B(trunc_divide, T(0.0), T(0.0)) \
  B(atan2, select((x == 0.0) & (y == 0.0), 0.0, g * (y / (x * x + y * y))), \
           select((x == 0.0) & (y == 0.0), 0.0, -g * (x / (x * x + y * y)))) \
  B(hypot, g * (x / z), g * (y / z)) \
  B(maximum, select(x == y, 0.5 * g, select(x < y, 0.0, g)), select(x == y, 0.5 * g, select(y < x, 0.0, g))) \
  B(minimum, select(x == y, 0.5 * g, select(x > y, 0.0, g)), select(x == y, 0.5 * g, select(y > x, 0.0, g))) \
  B(fmax, select((x >= y) | isnan(y), g, 0.0), select((x >= y) | isnan(y), 0.0, g)) \
  B(fmin, select((x <= y) | isnan(y), g, 0.0), select((x <= y) | isnan(y), 0.0, g)) \
  B(copysign, select(x == 0.0, 0.0, g * (z / x)), T(0.0)) \
  B(nextafter, select(x == y, 0.0, g), T(0.0)) \
  B(logaddexp, g * sigmoid(x - y), g * sigmoid(y - x)) \
  B(logaddexp2, g * sigmoid((x - y) * M_LN2), g * sigmoid((y - x) * M_LN2)) \
  B(xlogy, select((x == 0.0) & (y <= 0.0), 0.0, xlogy(g, y)), g * x / y) \
  B(xlog1py, select((x == 0.0) & (y <= -1.0), 0.0, xlog1py(g, y)), g * x / (y + 1.0)) \
  B(polygamma, T(0.0), g * polygamma(x + 1.0, y)) \
  B(lt, T(0.0), T(0.0)) \
  B(le, T(0.0), T(0.0)) \
  B(gt, T(0.0), T(0.0)) \
  B(ge, T(0.0), T(0.0)) \
  B(eq, T(0.0), T(0.0)) \
  B(ne, T(0.0), T(0.0)) \
  B(logical_and, T(0.0), T(0.0)) \
  B(logical_or, T(0.0), T(0.0)) \
  B(logical_xor, T(0.0), T(0.0)) \
  B(bitwise_and, T(0.0), T(0.0)) \
  B(bitwise_or, T(0.0), T(0.0)) \
  B(bitwise_xor, T(0.0), T(0.0)) \
  B(bitwise_left_shift, T(0.0), T(0.0)) \
  B(bitwise_right_shift, T(0.0), T(0.0)) \
  B(gcd, T(0.0), T(0.0)) \
  B(lcm, T(0.0), T(0.0)) \
  FACULA_SPECIAL_BINARY(B)
// clang-format on

#define FACULA_NAME_OF_UNARY(name, dx) name,
#define FACULA_NAME_OF_BINARY(name, dx, dy) name,
// `where` is the one ternary primitive: formulas write select(condition, x, y).
enum class Primitive : uint8_t {
  FACULA_UNARY_PRIMITIVES(FACULA_NAME_OF_UNARY) FACULA_BINARY_PRIMITIVES(FACULA_NAME_OF_BINARY) where
};
#undef FACULA_NAME_OF_UNARY
#undef FACULA_NAME_OF_BINARY
inline constexpr int kPrimitives = static_cast<int>(Primitive::where) + 1;

const char* name_of(Primitive p);
inline constexpr int arity_of(Primitive p) { return p == Primitive::where ? 3 : p >= Primitive::add ? 2 : 1; }
// The result is a truth value.
inline constexpr bool is_predicate(Primitive p) {
  return (p >= Primitive::lt && p <= Primitive::logical_xor) || p == Primitive::logical_not;
}

}  // namespace facula
