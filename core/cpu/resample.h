// Separable resampling of planes of plain memory: an output is a weighted sum of inputs along each dimension in turn.
// float32 and float64; copies of any element for weights of one; 8-bit images in fixed point. Which inputs and which
// weights is the caller's business.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "cpu/dispatch.h"

namespace facula::cpu {

// One dimension: output o is the sum over e in [first[o], first[o + 1]) of weight[e] * input index[e]. A null `index`
// is the identity (in == out).
struct Taps {
  int64_t in, out;
  const int32_t* first;
  const int32_t* index;
  const double* weight;
};

// `planes` volumes of depth x height x width, `inner` channels behind each place (1: channels are planes).
struct Resampling {
  int64_t planes, inner;
  Taps depth, height, width;
};

struct ResampleKernels {
  void (*weighted)(DType, const Resampling&, const void* x, void* y);
  // Every output is one input: element e of `index` for output e, weights not read.
  void (*nearest)(int64_t item_size, const Resampling&, const void* x, void* y);
  // dx[index[o]] += dy[o]; dx is overwritten. For taps that mostly stay neighbours.
  void (*nearest_backward)(DType, const Resampling&, const void* dy, void* dx);
  // Height and width only, width first, each rounded to 8 bits. Weights are integers: 2^precision is one.
  void (*bytes)(const Resampling&, int height_precision, int width_precision, const uint8_t* x, uint8_t* y);
};

FACULA_AVX2_FAMILY(ResampleKernels, resample_kernels, resample)

}  // namespace facula::cpu
