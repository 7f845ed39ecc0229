// Discrete Fourier transforms of any length over plain memory, batched; real signals by half of their spectrum.
#pragma once
#include <cstdint>

#include "cpu/dispatch.h"

namespace facula::cpu {

enum class FftKind : uint8_t {
  Complex,   // n complex numbers to as many
  Half,      // n real numbers to the first n / 2 + 1 complex ones
  Whole,     // n real numbers to n complex ones
  FromHalf,  // n / 2 + 1 complex numbers, which stand for their conjugates too, to n real ones
};

// outer * inner transforms. Distances count numbers of the side's type. Each side is either rows (step 1) or, with
// inner distance 1, columns; a side of rows with inner != 1 is not supported beside columns, and results that
// are not `Complex` are rows. src may be dst when both have the same places.
struct FftShape {
  FftKind kind;
  bool is_double, inverse;  // inverse: exponents +i; FromHalf has no other, Half and Whole none
  int64_t n;
  double scale;
  int64_t outer, inner;
  int64_t src_outer, src_inner, src_step;
  int64_t dst_outer, dst_inner, dst_step;
};

struct FftKernels {
  void (*transform)(const FftShape& shape, const void* src, void* dst);
};
FACULA_FAMILY(FftKernels, fft_kernels, fft)

}  // namespace facula::cpu
