// The table of pointwise operations: one line each. Kernels, derivatives, CUDA text and tests are derived from it.
// No tensors, no broadcasting, no types of the public API here: those are apply.cpp's.
#pragma once
#include <cmath>
#include <limits>

#include "expr/dual.h"
#include "ops/pointwise_special.h"

namespace facula::formula {

// F(name, node, result, columns, differentiable, ahead, saved, (operands), formula)
//   node            what grad_fn shows in PyTorch, |digit: that of the overload with a number; NONE: not differentiable
//   result          Promoted, Float (integers become floats first), Bool; Own: operand 0 alone decides the type
//   columns         R float and double, I integer, C complex; Z: the integer form has forbidden operands 1 (caller
//   checks);
//                   W: whole numbers yes, truth values no
//                   Kernels over elements as they are stored as well, not block by block (docs/notes/formulas.md):
//                   integers of 8, 16 and 32 bits N without and O with regard to their sign, J of 32 bits alone, B
//                   truth values, H 16-bit floats, in float lanes. N, O and J give the low bits of what int64 gives.
//                   L: float and double rows of which an operand may be one value each, as in x * y[:, None]
//                   K: float and double kernels that hold single values in registers, as L's rows of two operands do
//                   Numbers that do not fit the type of the call are refused in fits(slots), fits_float(slots) and
//                   fits_wide(slots); they need not fit 16-bit floats but float, or nothing, in the latter two.
//                   aside(slots): parameters, whose type does not count in that of the call
//   differentiable  bit j: operand j
//   ahead           bit j: its derivative is compiled ahead of time, otherwise the interpreter computes it
//   saved           OPERANDS, or RESULT(derivative in terms of the gradient g and the result y), as PyTorch saves
inline constexpr int R = 0b00011, I = 0b00100, C = 0b11000, RI = R | I, RC = R | C, RIC = R | I | C, Z = 0b100000,
                     W = 0b1000000, N = 1 << 7, O = 1 << 8, J = 1 << 9, B = 1 << 10, H = 1 << 11, L = 1 << 12,
                     K = 1 << 29;
constexpr int fits(int slots) { return slots << 13; }
constexpr int fits_float(int slots) { return slots << 17; }
constexpr int fits_wide(int slots) { return slots << 21; }
constexpr int aside(int slots) { return slots << 25; }
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
inline constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();
// Klambauer et al. 2017, appendix: the fixed point of mean 0 and variance 1.
inline constexpr double kSeluAlpha = 1.6732632423543772848170429916717, kSeluScale = 1.0507009873554804934193349852946;

// clang-format off
#define FACULA_ARITHMETIC_FORMULAS(F) \
  F(add, AddBackward0, Promoted, RIC | N | H | L, 0b11, 0, OPERANDS, (auto x, auto y), x + y) \
  F(sub, SubBackward0, Promoted, RIC | W | N | H | L, 0b11, 0, OPERANDS, (auto x, auto y), x - y) \
  F(rsub, RsubBackward0, Promoted, RIC | W | N | H, 0b11, 0, OPERANDS, (auto x, auto y), y - x) \
  F(mul, MulBackward0, Promoted, RIC | N | H | L, 0b11, 0b11, OPERANDS, (auto x, auto y), x * y) \
  F(div, DivBackward0, Float, RC | H | L, 0b11, 0b11, OPERANDS, (auto x, auto y), x / y) \
  F(div_floor, DivBackward2, Promoted, RI | Z | W, 0b11, 0, OPERANDS, (auto x, auto y), floor_divide(x, y)) \
  F(div_trunc, DivBackward2, Promoted, RI | Z | W, 0b11, 0, OPERANDS, (auto x, auto y), trunc_divide(x, y)) \
  F(floor_divide, NONE, Promoted, RI | Z | W, 0, 0, OPERANDS, (auto x, auto y), floor_divide(x, y)) \
  F(remainder, RemainderBackward1|0, Promoted, RI | Z | W, 0b11, 0, OPERANDS, (auto x, auto y), remainder(x, y)) \
  F(fmod, FmodBackward1|0, Promoted, RI | Z | W, 0b11, 0, OPERANDS, (auto x, auto y), fmod(x, y)) \
  F(add_alpha, AddBackward0, Promoted, RIC | fits(0b100) | aside(0b100), 0b11, 0, OPERANDS, (auto x, auto y, auto alpha), x + alpha * y) \
  F(sub_alpha, SubBackward0, Promoted, RIC | W | fits(0b100) | aside(0b100), 0b11, 0, OPERANDS, (auto x, auto y, auto alpha), x - alpha * y) \
  F(lerp, LerpBackward1|0, Own, RC | K | fits_float(0b100), 0b111, 0, OPERANDS, (auto start, auto end, auto weight), \
    select(abs(weight) < 0.5, start + weight * (end - start), end - (end - start) * (1.0 - weight))) \
  F(addcmul, AddcmulBackward0, Promoted, RIC | W | K | fits_float(0b1000) | aside(0b1000), 0b111, 0, OPERANDS, (auto x, auto t1, auto t2, auto value), \
    x + value * t1 * t2) \
  F(addcdiv, AddcdivBackward0, Promoted, RC | fits_float(0b1000) | aside(0b1000), 0b111, 0, OPERANDS, (auto x, auto t1, auto t2, auto value), \
    x + value * t1 / t2) \
  F(neg, NegBackward0, Promoted, RIC | N | H, 0b1, 0, OPERANDS, (auto x), -x) \
  F(positive, NONE, Promoted, RIC, 0b1, 0, OPERANDS, (auto x), x) \
  F(abs, AbsBackward0, Promoted, RI | W | O | H, 0b1, 0b1, OPERANDS, (auto x), abs(x)) \
  F(sign, SignBackward0, Promoted, RI | O, 0b1, 0, OPERANDS, (auto x), sign(x)) \
  F(sgn, SgnBackward0, Promoted, RI, 0b1, 0, OPERANDS, (auto x), sign(x)) \
  F(square, PowBackward0, Promoted, RIC | N | H, 0b1, 0b1, OPERANDS, (auto x), x * x) \
  F(reciprocal, ReciprocalBackward0, Float, RC, 0b1, 0b1, RESULT(-g * (y * y)), (auto x), 1.0 / x) \
  F(floor, FloorBackward0, Promoted, RI | W, 0b1, 0, OPERANDS, (auto x), floor(x)) \
  F(ceil, CeilBackward0, Promoted, RI | W, 0b1, 0, OPERANDS, (auto x), ceil(x)) \
  F(trunc, TruncBackward0, Promoted, RI | W, 0b1, 0, OPERANDS, (auto x), trunc(x)) \
  F(round, RoundBackward0, Promoted, RI | W, 0b1, 0, OPERANDS, (auto x), round(x)) \
  F(frac, FracBackward0, Promoted, R, 0b1, 0, OPERANDS, (auto x), x - trunc(x)) \
  F(deg2rad, Deg2RadBackward0, Float, R, 0b1, 0, OPERANDS, (auto x), x * (M_PI / 180.0)) \
  F(rad2deg, Rad2DegBackward0, Float, R, 0b1, 0, OPERANDS, (auto x), x * (180.0 / M_PI)) \
  F(maximum, MaximumBackward0, Promoted, RI | O | H, 0b11, 0b11, OPERANDS, (auto x, auto y), maximum(x, y)) \
  F(minimum, MinimumBackward0, Promoted, RI | O | H, 0b11, 0b11, OPERANDS, (auto x, auto y), minimum(x, y)) \
  F(fmax, FmaxBackward0, Promoted, RI, 0b11, 0, OPERANDS, (auto x, auto y), fmax(x, y)) \
  F(fmin, FminBackward0, Promoted, RI, 0b11, 0, OPERANDS, (auto x, auto y), fmin(x, y)) \
  F(copysign, CopysignBackward0, Float, R, 0b11, 0, OPERANDS, (auto x, auto y), copysign(x, y)) \
  F(nextafter, NextafterBackward0, Promoted, R, 0b11, 0, OPERANDS, (auto x, auto y), nextafter(x, y)) \
  F(heaviside, NONE, Promoted, RI, 0, 0, OPERANDS, (auto x, auto value), \
    select(x == 0.0, value, select(x > 0.0, 1.0, 0.0))) \
  F(clamp, ClampBackward0|1, Promoted, RI | W | O | H | K | fits(0b110), 0b111, 0b001, OPERANDS, (auto x, auto lo, auto hi), \
    at_most(at_least(x, lo), hi)) \
  F(clamp_min, ClampMinBackward1|0, Promoted, RI | O | fits(0b10), 0b11, 0b01, OPERANDS, (auto x, auto lo), at_least(x, lo)) \
  F(clamp_max, ClampMaxBackward1|0, Promoted, RI | O | fits(0b10), 0b11, 0b01, OPERANDS, (auto x, auto hi), at_most(x, hi)) \
  F(nan_to_num, NanToNumBackward0, Promoted, RI, 0b1, 0, OPERANDS, (auto x, auto nan, auto posinf, auto neginf), \
    select(x != x, nan, select(is_value(x, kInfinity), posinf, select(is_value(x, -kInfinity), neginf, x)))) \
  F(where, WhereBackward0, Promoted, RIC | fits_wide(0b110), 0b110, 0b110, OPERANDS, (auto condition, auto x, auto y), \
    select(condition != 0.0, x, y)) \
  F(masked_fill_kernel, MaskedFillBackward0, Promoted, RIC, 0b101, 0b001, OPERANDS, (auto x, auto mask, auto value), \
    select(mask != 0.0, value, x))

#define FACULA_PREDICATE_FORMULAS(F) \
  F(eq, NONE, Bool, RIC | N | H, 0, 0, OPERANDS, (auto x, auto y), x == y) \
  F(ne, NONE, Bool, RIC | N | H, 0, 0, OPERANDS, (auto x, auto y), x != y) \
  F(lt, NONE, Bool, RI | O | H, 0, 0, OPERANDS, (auto x, auto y), x < y) \
  F(le, NONE, Bool, RI | O | H, 0, 0, OPERANDS, (auto x, auto y), x <= y) \
  F(gt, NONE, Bool, RI | O | H, 0, 0, OPERANDS, (auto x, auto y), x > y) \
  F(ge, NONE, Bool, RI | O | H, 0, 0, OPERANDS, (auto x, auto y), x >= y) \
  F(logical_and, NONE, Bool, RIC | N | B, 0, 0, OPERANDS, (auto x, auto y), (x != 0.0) & (y != 0.0)) \
  F(logical_or, NONE, Bool, RIC | N | B, 0, 0, OPERANDS, (auto x, auto y), (x != 0.0) | (y != 0.0)) \
  F(logical_xor, NONE, Bool, RIC | N | B, 0, 0, OPERANDS, (auto x, auto y), (x != 0.0) ^ (y != 0.0)) \
  F(logical_not, NONE, Bool, RIC | N | B, 0, 0, OPERANDS, (auto x), x == 0.0) \
  F(isnan, NONE, Bool, RIC, 0, 0, OPERANDS, (auto x), x != x) \
  F(isinf, NONE, Bool, RIC, 0, 0, OPERANDS, (auto x), is_value(x, kInfinity) | is_value(x, -kInfinity)) \
  F(isfinite, NONE, Bool, RIC, 0, 0, OPERANDS, (auto x), x - x == 0.0) \
  F(isposinf, NONE, Bool, RI, 0, 0, OPERANDS, (auto x), is_value(x, kInfinity)) \
  F(isneginf, NONE, Bool, RI, 0, 0, OPERANDS, (auto x), is_value(x, -kInfinity)) \
  F(signbit, NONE, Bool, RI, 0, 0, OPERANDS, (auto x), has_sign(x)) \
  F(bitwise_and, NONE, Promoted, I, 0, 0, OPERANDS, (auto x, auto y), bitwise_and(x, y)) \
  F(bitwise_or, NONE, Promoted, I, 0, 0, OPERANDS, (auto x, auto y), bitwise_or(x, y)) \
  F(bitwise_xor, NONE, Promoted, I, 0, 0, OPERANDS, (auto x, auto y), bitwise_xor(x, y)) \
  F(bitwise_not, NONE, Promoted, I | N, 0, 0, OPERANDS, (auto x), bitwise_not(x)) \
  F(bitwise_left_shift, NONE, Promoted, I | W | J, 0, 0, OPERANDS, (auto x, auto y), bitwise_left_shift(x, y)) \
  F(bitwise_right_shift, NONE, Promoted, I | W | J, 0, 0, OPERANDS, (auto x, auto y), bitwise_right_shift(x, y)) \
  F(gcd, NONE, Promoted, I | W, 0, 0, OPERANDS, (auto x, auto y), gcd(x, y)) \
  F(lcm, NONE, Promoted, I | W, 0, 0, OPERANDS, (auto x, auto y), lcm(x, y))

#define FACULA_FUNCTION_FORMULAS(F) \
  F(pow, PowBackward1|0, Promoted, RIC | Z | W, 0b11, 0b01, OPERANDS, (auto x, auto y), pow(x, y)) \
  F(atan2, Atan2Backward0, Float, R, 0b11, 0, OPERANDS, (auto y, auto x), atan2(y, x)) \
  F(hypot, HypotBackward0, Promoted, R, 0b11, 0, OPERANDS, (auto x, auto y), hypot(x, y)) \
  F(logaddexp, LogaddexpBackward0, Promoted, RC, 0b11, 0, OPERANDS, (auto x, auto y), logaddexp(x, y)) \
  F(logaddexp2, Logaddexp2Backward0, Promoted, R, 0b11, 0, OPERANDS, (auto x, auto y), logaddexp2(x, y)) \
  F(xlogy, XlogyBackward0, Float, R, 0b11, 0, OPERANDS, (auto x, auto y), xlogy(x, y)) \
  F(xlog1py, SpecialXlog1PyBackward0, Float, R, 0b11, 0, OPERANDS, (auto x, auto y), xlog1py(x, y)) \
  F(sqrt, SqrtBackward0, Float, RC | H, 0b1, 0b1, RESULT(g / (2.0 * y)), (auto x), sqrt(x)) \
  F(rsqrt, RsqrtBackward0, Float, RC | H, 0b1, 0b1, RESULT(-0.5 * g * (y * y * y)), (auto x), rsqrt(x)) \
  F(exp, ExpBackward0, Float, RC | H, 0b1, 0b1, RESULT(g * y), (auto x), exp(x)) \
  F(exp2, Exp2Backward0, Float, RC, 0b1, 0, RESULT(g * y * M_LN2), (auto x), exp2(x)) \
  F(expm1, Expm1Backward0, Float, RC, 0b1, 0, RESULT(g * (y + 1.0)), (auto x), expm1(x)) \
  F(log, LogBackward0, Float, RC | H, 0b1, 0b1, OPERANDS, (auto x), log(x)) \
  F(log2, Log2Backward0, Float, RC, 0b1, 0, OPERANDS, (auto x), log2(x)) \
  F(log10, Log10Backward0, Float, RC, 0b1, 0, OPERANDS, (auto x), log10(x)) \
  F(log1p, Log1PBackward0, Float, RC, 0b1, 0, OPERANDS, (auto x), log1p(x)) \
  F(sin, SinBackward0, Float, RC, 0b1, 0b1, OPERANDS, (auto x), sin(x)) \
  F(cos, CosBackward0, Float, RC, 0b1, 0b1, OPERANDS, (auto x), cos(x)) \
  F(tan, TanBackward0, Float, RC, 0b1, 0, RESULT(g * (1.0 + y * y)), (auto x), tan(x)) \
  F(asin, AsinBackward0, Float, RC, 0b1, 0, OPERANDS, (auto x), asin(x)) \
  F(acos, AcosBackward0, Float, RC, 0b1, 0, OPERANDS, (auto x), acos(x)) \
  F(atan, AtanBackward0, Float, RC, 0b1, 0, OPERANDS, (auto x), atan(x)) \
  F(sinh, SinhBackward0, Float, RC, 0b1, 0, OPERANDS, (auto x), sinh(x)) \
  F(cosh, CoshBackward0, Float, RC, 0b1, 0, OPERANDS, (auto x), cosh(x)) \
  F(tanh, TanhBackward0, Float, RC | H, 0b1, 0b1, RESULT(g * (1.0 - y * y)), (auto x), tanh(x)) \
  F(asinh, AsinhBackward0, Float, RC, 0b1, 0, OPERANDS, (auto x), asinh(x)) \
  F(acosh, AcoshBackward0, Float, R, 0b1, 0, OPERANDS, (auto x), acosh(x)) \
  F(_complex_acosh, AcoshBackward0, Float, C, 0b1, 0, RESULT(g / sinh(y)), (auto x), acosh(x)) \
  F(atanh, AtanhBackward0, Float, RC, 0b1, 0, OPERANDS, (auto x), atanh(x)) \
  F(sinc, SincBackward0, Float, RC, 0b1, 0, OPERANDS, (auto x), sinc(x)) \
  F(erf, ErfBackward0, Float, R, 0b1, 0b1, OPERANDS, (auto x), erf(x)) \
  F(erfc, ErfcBackward0, Float, R, 0b1, 0, OPERANDS, (auto x), erfc(x)) \
  F(erfinv, ErfinvBackward0, Float, R, 0b1, 0, OPERANDS, (auto x), erfinv(x)) \
  F(lgamma, LgammaBackward0, Float, R, 0b1, 0, OPERANDS, (auto x), lgamma(x)) \
  F(digamma, DigammaBackward0, Float, R, 0b1, 0, OPERANDS, (auto x), digamma(x)) \
  F(polygamma, PolygammaBackward0, Float, R, 0b10, 0, OPERANDS, (auto n, auto x), polygamma(n, x)) \
  F(logit, LogitBackward0, Float, R, 0b1, 0, OPERANDS, (auto x), logit(x)) \
  F(logit_eps, LogitBackward0, Float, R | fits(0b10), 0b1, 0, OPERANDS, (auto x, auto eps), \
    select(x < eps, logit(eps), select(x > 1.0 - eps, logit(1.0 - eps), select(x != x, kNotANumber, logit(x)))))

#define FACULA_ACTIVATION_FORMULAS(F) \
  F(sigmoid, SigmoidBackward0, Float, RC | H, 0b1, 0b1, RESULT(g * (1.0 - y) * y), (auto x), sigmoid(x)) \
  F(logsigmoid, LogSigmoidBackward0, Promoted, R, 0b1, 0b1, OPERANDS, (auto x), -softplus(-x)) \
  F(relu, ReluBackward0, Promoted, RI | W | O | H, 0b1, 0b1, RESULT(select(y <= 0.0, 0.0, g)), (auto x), select(x <= 0.0, 0.0, x)) \
  F(relu6, HardtanhBackward0, Promoted, RI | W, 0b1, 0b1, OPERANDS, (auto x), between(x, 0.0, 6.0)) \
  F(hardtanh, HardtanhBackward0, Own, RI | W | fits(0b110), 0b1, 0b1, OPERANDS, (auto x, auto lo, auto hi), between(x, lo, hi)) \
  F(leaky_relu, LeakyReluBackward0, Own, R | fits_float(0b10), 0b1, 0b1, OPERANDS, (auto x, auto slope), \
    select(x > 0.0, x, x * slope)) \
  F(prelu_kernel, PreluKernelBackward0, Promoted, R, 0b11, 0b11, OPERANDS, (auto x, auto w), \
    select(x > 0.0, x, w * x)) \
  F(elu, EluBackward0, Own, R | fits_float(0b1110), 0b1, 0b1, OPERANDS, (auto x, auto alpha, auto scale, auto input_scale), \
    select(x > 0.0, scale * x, scale * alpha * expm1(input_scale * x))) \
  F(selu, EluBackward0, Promoted, R, 0b1, 0b1, OPERANDS, (auto x), \
    select(x > 0.0, kSeluScale * x, kSeluScale * kSeluAlpha * expm1(x))) \
  F(celu, CeluBackward0, Own, R | fits_float(0b10), 0b1, 0, OPERANDS, (auto x, auto alpha), \
    select(x > 0.0, x, alpha * expm1(x / alpha))) \
  F(gelu, GeluBackward0, Promoted, R | H, 0b1, 0b1, OPERANDS, (auto x), 0.5 * x * erf(x * M_SQRT1_2) + 0.5 * x) \
  F(gelu_tanh, GeluBackward0, Promoted, R, 0b1, 0b1, OPERANDS, (auto x), \
    0.5 * x * (1.0 + tanh(M_SQRT1_2 * M_2_SQRTPI * (x + 0.044715 * (x * x * x))))) \
  F(silu, SiluBackward0, Promoted, RC | H, 0b1, 0b1, OPERANDS, (auto x), x * sigmoid(x)) \
  F(mish, MishBackward0, Promoted, R, 0b1, 0, OPERANDS, (auto x), x * tanh(softplus(x))) \
  F(softplus, SoftplusBackward0, Own, R | fits_float(0b110), 0b1, 0b1, OPERANDS, (auto x, auto beta, auto threshold), \
    select(x * beta > threshold, x, softplus(x * beta) / beta)) \
  F(softsign, DivBackward0, Float, R | W, 0b1, 0, OPERANDS, (auto x), x / (1.0 + abs(x))) \
  F(hardswish, HardswishBackward0, Promoted, R, 0b1, 0b1, OPERANDS, (auto x), \
    select(x <= -3.0, x * 0.0, select(x >= 3.0, x, x * (x + 3.0) / 6.0))) \
  F(hardsigmoid, HardsigmoidBackward0, Promoted, R, 0b1, 0b1, OPERANDS, (auto x), between(x + 3.0, 0.0, 6.0) / 6.0) \
  F(hardshrink, HardshrinkBackward0, Own, R | fits(0b10), 0b1, 0, OPERANDS, (auto x, auto lambd), \
    select((x >= -lambd) & (x <= lambd), 0.0, select(x != x, kNotANumber, x))) \
  F(softshrink, SoftshrinkBackward0, Own, R | fits(0b10), 0b1, 0, OPERANDS, (auto x, auto lambd), \
    select(x > lambd, x - lambd, select(x < -lambd, x + lambd, 0.0 * x))) \
  F(tanhshrink, SubBackward0, Float, RC | W, 0b1, 0, OPERANDS, (auto x), x - tanh(x)) \
  F(threshold, ThresholdBackward0, Own, RI | W | fits(0b100) | fits_float(0b10), 0b1, 0b1, OPERANDS, (auto x, auto threshold, auto value), \
    select(x <= threshold, value, x))
// clang-format on

#define FACULA_FORMULAS(F)      \
  FACULA_ARITHMETIC_FORMULAS(F) \
  FACULA_PREDICATE_FORMULAS(F)  \
  FACULA_FUNCTION_FORMULAS(F)   \
  FACULA_ACTIVATION_FORMULAS(F) \
  FACULA_SPECIAL_FORMULAS(F)

// ---- the vocabulary of the lines that is not a primitive ----

// One of three by order: below, equal or above; NaN, without a gradient, where the operands have no order.
template <class X>
auto by_order(const X& x, const auto& border, const auto& below, const auto& equal, const auto& above) {
  if constexpr (lane_math::IntLanes<X>)
    return select(x < border, below, select(x == border, equal, above));
  else
    return select(x < border, below, select(x == border, equal, select(x > border, above, kNotANumber)));
}
// Values of short lanes, whose comparisons cost as much as arithmetic, take one instruction and another for borders
// that are NaN; AVX-512 was measured to gain nothing from it.
template <class X>
concept ShortRealLanes = lane_math::RealLanes<X> && requires(X x) { requires sizeof x.v < 64; };
// The gradient at the border goes to x.
template <class X, class Border>
auto at_least(const X& x, const Border& lo) {
  if constexpr (ShortRealLanes<X> && (lane_math::RealLanes<Border> || std::is_arithmetic_v<Border>))
    return nan_where(X(lo) != X(lo), limit_below(x, X(lo)));
  else
    return by_order(x, lo, lo, x, x);
}
template <class X, class Border>
auto at_most(const X& x, const Border& hi) {
  if constexpr (ShortRealLanes<X> && (lane_math::RealLanes<Border> || std::is_arithmetic_v<Border>))
    return nan_where(X(hi) != X(hi), limit_above(x, X(hi)));
  else
    return by_order(x, hi, x, x, hi);
}
// The gradient at a border is 0.
inline auto between(auto x, auto lo, auto hi) { return by_order(x, lo, lo, lo, by_order(x, hi, x, hi, hi)); }
template <class T>
auto is_value(const T& x, double value) {
  if constexpr (lane_math::IntLanes<T>)
    return x != x;
  else if constexpr (lane_math::ComplexLanes<T>)
    return x.re == value || x.im == value;
  else
    return x == value;
}
template <class T>
auto has_sign(const T& x) {
  if constexpr (lane_math::IntLanes<T>)
    return x < 0;
  else
    return copysign(1.0, x) < 0.0;
}

constexpr int count_operands(const char* list) {
  int n = 1;
  for (; *list; ++list) n += *list == ',';
  return n;
}

#define OPERANDS                              \
  static constexpr bool saves_result = false; \
  static auto from_result(auto g, auto) { return g; }
#define RESULT(...)                          \
  static constexpr bool saves_result = true; \
  static auto from_result(auto g, auto y) { return __VA_ARGS__; }

#define FORMULA(NAME, NODE, KIND, COLUMNS, DIFFERENTIABLE, AHEAD, SAVED, LIST, ...) \
  struct NAME##_formula {                                                           \
    static constexpr const char *name = #NAME, *operands = #LIST;                   \
    static constexpr const char* text = #__VA_ARGS__;                               \
    static constexpr const char* node_name = #NODE;                                 \
    static constexpr int columns = (COLUMNS) & 0b11111;                             \
    static constexpr bool may_divide_by_zero = ((COLUMNS) & Z) != 0;                \
    static constexpr bool refuses_bool = ((COLUMNS) & W) != 0;                      \
    static constexpr int stored = (COLUMNS) & (N | O | J | B | H);                  \
    static constexpr bool rows = ((COLUMNS) & L) != 0, held = ((COLUMNS) & K) != 0; \
    static constexpr int fits_slots = (COLUMNS) >> 13 & 15;                         \
    static constexpr int float_slots = (COLUMNS) >> 17 & 15;                        \
    static constexpr int wide_slots = (COLUMNS) >> 21 & 15;                         \
    static constexpr int aside_slots = (COLUMNS) >> 25 & 15;                        \
    static constexpr int differentiable = DIFFERENTIABLE, ahead = AHEAD;            \
    static constexpr int arity = count_operands(#LIST);                             \
    [[gnu::always_inline]] static auto value LIST { return __VA_ARGS__; }           \
    SAVED                                                                           \
  };
FACULA_FORMULAS(FORMULA)
#undef FORMULA
#undef OPERANDS
#undef RESULT

}  // namespace facula::formula
