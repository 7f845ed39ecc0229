// Special functions that are computed one number at a time, in double, whatever the instruction set.
#pragma once

namespace facula::special {

double lgamma(double x);               // log |gamma(x)|, without the C library's global sign
double digamma(double x);              // -inf at 0 (its sign turned), NaN at negative integers, as PyTorch
double polygamma(double n, double x);  // n-th derivative of digamma, n >= 1
double erfinv(double y);               // +-inf at +-1, NaN beyond

}  // namespace facula::special
