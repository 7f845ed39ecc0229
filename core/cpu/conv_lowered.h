// Convolutions of small images with many channels as one matrix product over the whole batch, for conv.cpp. One group.
#pragma once
#include "cpu/conv.h"

namespace facula::cpu::FACULA_ISA {

bool lowered_takes(const ConvShape& s);         // and is quicker than the direct kernels
bool lowered_takes_weight(const ConvShape& s);  // for the gradient of the weight
template <class T>
void lowered_forward(const ConvShape& s, const T* x, const T* weight, const T* bias, T* y);
template <class T>
void lowered_grad_input(const ConvShape& s, const T* dy, const T* weight, const T* bias, T* dx);
template <class T>
void lowered_grad_weight(const ConvShape& s, const T* x, const T* dy, T* dweight);

template <class T>
void unfold(const ConvShape& s, const T* x, T* columns);
template <class T>
void fold(const ConvShape& s, const T* columns, T* x);

}  // namespace facula::cpu::FACULA_ISA
