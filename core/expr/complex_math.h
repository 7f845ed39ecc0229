// Functions of a complex number in double: what a complex lane of either type calls. Branch cuts, infinities and NaN
// are C99's (annex G), as in PyTorch. Compiled once, not for each instruction set.
#pragma once
#include "base/dtype.h"

namespace facula::complex_math {

using Z = Complex<double>;
// clang-format off
#define FACULA_COMPLEX_FUNCTIONS(F) \
  F(sqrt) F(rsqrt) F(exp) F(exp2) F(expm1) F(log) F(log2) F(log10) F(log1p) \
  F(sin) F(cos) F(tan) F(asin) F(acos) F(atan) \
  F(sinh) F(cosh) F(tanh) F(asinh) F(acosh) F(atanh) \
  F(sigmoid) F(sinc)
// clang-format on
#define DECLARE(name) Z name(Z x);
FACULA_COMPLEX_FUNCTIONS(DECLARE)
#undef DECLARE
Z pow(Z x, Z y);
Z logaddexp(Z x, Z y);
double abs(Z x);
Z sign(Z x);  // x / |x|, 0 at 0

}  // namespace facula::complex_math
