// Convolutions of each channel by itself in two dimensions, for conv.cpp: float32, square kernels, no dilation.
#pragma once
#include "cpu/conv.h"

namespace facula::cpu::FACULA_ISA {

bool depthwise_takes_forward(const ConvShape& s);
bool depthwise_takes_input(const ConvShape& s);
bool depthwise_takes_weight(const ConvShape& s);
void depthwise_forward(const ConvShape& s, const float* x, const float* weight, const float* bias, float* y);
void depthwise_grad_input(const ConvShape& s, const float* dy, const float* weight, const float* bias, float* dx);
void depthwise_grad_weight(const ConvShape& s, const float* x, const float* dy, float* dweight);

}  // namespace facula::cpu::FACULA_ISA
