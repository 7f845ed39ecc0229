// Special functions that are computed one number at a time, in double, whatever the instruction set.
#pragma once
#include <cstdint>

namespace facula::special {

// special.cpp
double lgamma(double x);               // log |gamma(x)|, without the C library's global sign
double digamma(double x);              // -inf at 0 (its sign turned), NaN at negative integers, as PyTorch
double polygamma(double n, double x);  // n-th derivative of digamma, n >= 1
double erfinv(double y);               // +-inf at +-1, NaN beyond

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
