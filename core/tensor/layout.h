// The order of a new tensor's dimensions in memory, when it shall follow that of others. Sizes and strides only.
#pragma once
#include "tensor/tensor.h"

namespace facula {

// Strides without gaps in the order that PyTorch gives to the result of operands with these strides (one for each
// dimension, 0 where an operand is broadcast): the first operand that moves along both of two dimensions says which of
// them is the inner one; where none does, the order is that of a contiguous tensor.
Dims following_strides(const Dims& sizes, const Dims* operands, size_t n);

}  // namespace facula
