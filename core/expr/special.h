// Special functions that are computed one number at a time, in double, whatever the instruction set.
#pragma once
#include <cstdint>

namespace facula::special {

// special.cpp
double lgamma(double x);               // log |gamma(x)|, without the C library's global sign
double digamma(double x);              // -inf at 0 (its sign turned), NaN at negative integers, as PyTorch
double polygamma(double n, double x);  // n-th derivative of digamma, n >= 1

// psi(x) / (x - root) in x - 1.5 on [1, 2]: minimax fit (Remez exchange, mpmath), 2^-58. Keeps the relative accuracy at
// the root, where the asymptotic series loses all digits. The root is in two parts.
inline constexpr double kDigammaRoot = 1.4616321449683622, kDigammaRootLow = 9.549995429965697e-17;
inline constexpr int kDigammaTerms = 23;
inline constexpr double kDigammaNearRoot[kDigammaTerms] = {
    0.95105587603183284,    -0.42362742128146058,    0.24054248424078722,    -0.14840492305388028,
    0.094988724452850032,   -0.061922133275543627,   0.040760833943376637,   -0.026975796657587182,
    0.017907248235981554,   -0.011908220154029307,   0.0079270233208046572,  -0.0052799366243587971,
    0.0035180887721182937,  -0.002345499932739234,   0.0015635029670300667,  -0.0010364315101552427,
    0.00069028391417604712, -0.00048603626162821369, 0.00032587625819550161, -0.00014465345732231005,
    9.3301498203493061e-05, -0.0001783356336030291,  0.00012116940835080111};

// special_gamma.cpp
double igamma(double a, double x);   // the regularised lower incomplete gamma function P
double igammac(double a, double x);  // Q = 1 - P
double gamma_slope(double a, double x);
double beta_slope(double x, double a, double b);  // as gamma_slope, of a beta variate, divided by 1 - x
double zeta(double s, double x);                  // Hurwitz; +inf at s = 1 and at the poles, NaN below s = 1
double zeta_slope(double s, double x);
double hurwitz_zeta(double s, double x);

// special_bessel.cpp
double i0(double x);
double i0e(double x);
double i1(double x);
double i1e(double x);
double k0(double x);
double k1(double x);
double scaled_k0(double x);
double scaled_k1(double x);
double bessel_j0(double x);
double bessel_j1(double x);
double bessel_y0(double x);
double bessel_y1(double x);
double spherical_j0(double x);
double airy_ai(double x);

// special_normal.cpp
double erfcx(double x);
double ndtri(double p);
double log_ndtr(double x);
double entr(double x);

// special_polynomial.cpp; the degree comes second, fractions cut off
double chebyshev_t(double x, double n);
double chebyshev_u(double x, double n);
double chebyshev_v(double x, double n);
double chebyshev_w(double x, double n);
double hermite_h(double x, double n);
double hermite_he(double x, double n);
double laguerre_l(double x, double n);
double legendre_p(double x, double n);

}  // namespace facula::special
