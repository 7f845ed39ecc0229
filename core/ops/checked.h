// Numbers that are written into a tensor, checked against its type.
#pragma once
#include "ops/ops.h"

namespace facula::ops {

void check_fits(Scalar value, DType dtype);        // refuses a number that the type cannot hold (copy.cpp)
Scalar wrapped(const Scalar& value, DType dtype);  // the integer that its low bits are in an integer type

}  // namespace facula::ops
