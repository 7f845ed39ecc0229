// Convolutions with 3 x 3 kernels by fewer multiplications, for conv.cpp: float32, two dimensions, stride 1.
#pragma once
#include "cpu/conv.h"

namespace facula::cpu::FACULA_ISA {

bool winograd_takes(const ConvShape& s);  // and is quicker than the direct kernels
void winograd_forward(const ConvShape& s, const float* x, const float* weight, const float* bias, float* y);
void winograd_grad_input(const ConvShape& s, const float* dy, const float* weight, const float* bias, float* dx);

}  // namespace facula::cpu::FACULA_ISA
