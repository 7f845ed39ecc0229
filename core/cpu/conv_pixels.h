// Convolutions whose lanes are the channels of the result, for conv.cpp: float32, one group.
#pragma once
#include "cpu/conv.h"

namespace facula::cpu::FACULA_ISA {

bool pixels_take_forward(const ConvShape& s);  // and are quicker than the kernels whose lanes are positions
bool pixels_take_input(const ConvShape& s);
bool pixels_take_weight(const ConvShape& s);
void pixels_forward(const ConvShape& s, const float* x, const float* weight, const float* bias, float* y);
void pixels_grad_input(const ConvShape& s, const float* dy, const float* weight, const float* bias, float* dx);
void pixels_grad_weight(const ConvShape& s, const float* x, const float* dy, float* dweight);

}  // namespace facula::cpu::FACULA_ISA
