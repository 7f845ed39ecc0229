// A Python number on its way into an operation: bool, integer, float or complex, untyped until promotion.
#pragma once
#include <cmath>
#include <cstdint>

#include "base/dtype.h"
#include "base/error.h"

namespace facula {

struct Scalar {
  Category kind = Category::Integer;
  bool is_unsigned = false;  // an integer from 2^63 on: `i` holds its bits
  union {
    int64_t i;
    double re;
  };
  double im = 0;

  Scalar() : i(0) {}
  Scalar(bool v) : kind(Category::Bool), i(v) {}
  Scalar(int v) : kind(Category::Integer), i(v) {}
  Scalar(int64_t v) : kind(Category::Integer), i(v) {}
  Scalar(double v) : kind(Category::Float), re(v) {}
  Scalar(double re, double im) : kind(Category::Complex), re(re), im(im) {}

  static Scalar of_unsigned(uint64_t v) {
    Scalar s(static_cast<int64_t>(v));
    s.is_unsigned = s.i < 0;
    return s;
  }

  bool is_integral() const { return kind <= Category::Integer; }
  double to_double() const {
    if (!is_integral()) return re;
    return is_unsigned ? static_cast<double>(static_cast<uint64_t>(i)) : static_cast<double>(i);
  }
  // What is above int64 wraps, as PyTorch's numbers do. Truncates as a C cast does, but an out-of-range value saturates
  // instead of being undefined.
  int64_t to_int() const {
    if (is_integral()) return i;
    if (std::isnan(re)) return INT64_MIN;
    if (re >= 9.2233720368547758e18) return INT64_MAX;
    if (re <= -9.2233720368547758e18) return INT64_MIN;
    return static_cast<int64_t>(re);
  }
  bool to_bool() const { return is_integral() ? i != 0 : (re != 0 || im != 0); }
  bool equals(double v) const { return kind != Category::Complex && to_double() == v; }
};

}  // namespace facula
