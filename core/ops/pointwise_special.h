// The special functions among the pointwise formulas: one line each, in the form that pointwise.h explains. Formulas
// are over single primitives, computed number by number in double (expr/special.h).
#pragma once

// clang-format off
#define FACULA_SPECIAL_FORMULAS(F) \
  F(entr, SpecialEntrBackward0, Float, R, 0b1, 0, OPERANDS, (auto x), entr(x)) \
  F(erfcx, SpecialErfcxBackward0, Float, R, 0b1, 0, OPERANDS, (auto x), erfcx(x)) \
  F(ndtri, SpecialNdtriBackward0, Float, R, 0b1, 0, OPERANDS, (auto x), ndtri(x)) \
  F(log_ndtr, SpecialLogNdtrBackward0, Float, R, 0b1, 0, OPERANDS, (auto x), log_ndtr(x)) \
  F(i0, I0Backward0, Float, R, 0b1, 0, OPERANDS, (auto x), i0(x)) \
  F(i0e, SpecialI0EBackward0, Float, R, 0b1, 0, OPERANDS, (auto x), i0e(x)) \
  F(i1, SpecialI1Backward0, Float, R, 0b1, 0, OPERANDS, (auto x), i1(x)) \
  F(i1e, SpecialI1EBackward0, Float, R, 0b1, 0, OPERANDS, (auto x), i1e(x)) \
  F(modified_bessel_i0, NONE, Float, R, 0, 0, OPERANDS, (auto x), i0(x)) \
  F(modified_bessel_i1, NONE, Float, R, 0, 0, OPERANDS, (auto x), i1(x)) \
  F(modified_bessel_k0, NONE, Float, R, 0, 0, OPERANDS, (auto x), k0(x)) \
  F(modified_bessel_k1, NONE, Float, R, 0, 0, OPERANDS, (auto x), k1(x)) \
  F(scaled_modified_bessel_k0, NONE, Float, R, 0, 0, OPERANDS, (auto x), scaled_k0(x)) \
  F(scaled_modified_bessel_k1, NONE, Float, R, 0, 0, OPERANDS, (auto x), scaled_k1(x)) \
  F(bessel_j0, NONE, Float, R, 0, 0, OPERANDS, (auto x), bessel_j0(x)) \
  F(bessel_j1, NONE, Float, R, 0, 0, OPERANDS, (auto x), bessel_j1(x)) \
  F(bessel_y0, NONE, Float, R, 0, 0, OPERANDS, (auto x), bessel_y0(x)) \
  F(bessel_y1, NONE, Float, R, 0, 0, OPERANDS, (auto x), bessel_y1(x)) \
  F(spherical_bessel_j0, NONE, Float, R, 0, 0, OPERANDS, (auto x), spherical_j0(x)) \
  F(airy_ai, NONE, Float, R, 0, 0, OPERANDS, (auto x), airy_ai(x)) \
  F(igamma, IgammaBackward0, Promoted, R, 0b11, 0, OPERANDS, (auto a, auto x), igamma(a, x)) \
  F(igammac, IgammacBackward0, Promoted, R, 0b11, 0, OPERANDS, (auto a, auto x), igammac(a, x)) \
  F(_standard_gamma_grad, StandardGammaGradBackward0, Promoted, R, 0b11, 0, OPERANDS, (auto a, auto x), \
    gamma_slope(a, x)) \
  F(zeta, SpecialZetaBackward0, Float, R, 0b11, 0, OPERANDS, (auto s, auto x), zeta(s, x)) \
  F(chebyshev_polynomial_t, NONE, Float, R, 0, 0, OPERANDS, (auto x, auto n), chebyshev_t(x, n)) \
  F(chebyshev_polynomial_u, NONE, Float, R, 0, 0, OPERANDS, (auto x, auto n), chebyshev_u(x, n)) \
  F(chebyshev_polynomial_v, NONE, Float, R, 0, 0, OPERANDS, (auto x, auto n), chebyshev_v(x, n)) \
  F(chebyshev_polynomial_w, NONE, Float, R, 0, 0, OPERANDS, (auto x, auto n), chebyshev_w(x, n)) \
  F(shifted_chebyshev_polynomial_t, NONE, Float, R, 0, 0, OPERANDS, (auto x, auto n), chebyshev_t(2.0 * x - 1.0, n)) \
  F(shifted_chebyshev_polynomial_u, NONE, Float, R, 0, 0, OPERANDS, (auto x, auto n), chebyshev_u(2.0 * x - 1.0, n)) \
  F(shifted_chebyshev_polynomial_v, NONE, Float, R, 0, 0, OPERANDS, (auto x, auto n), chebyshev_v(2.0 * x - 1.0, n)) \
  F(shifted_chebyshev_polynomial_w, NONE, Float, R, 0, 0, OPERANDS, (auto x, auto n), chebyshev_w(2.0 * x - 1.0, n)) \
  F(hermite_polynomial_h, NONE, Float, R, 0, 0, OPERANDS, (auto x, auto n), hermite_h(x, n)) \
  F(hermite_polynomial_he, NONE, Float, R, 0, 0, OPERANDS, (auto x, auto n), hermite_he(x, n)) \
  F(laguerre_polynomial_l, NONE, Float, R, 0, 0, OPERANDS, (auto x, auto n), laguerre_l(x, n)) \
  F(legendre_polynomial_p, NONE, Float, R, 0, 0, OPERANDS, (auto x, auto n), legendre_p(x, n))
// clang-format on
