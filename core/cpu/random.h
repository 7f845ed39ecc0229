// Kernels under the random fills: the mt19937 block step and the maps from its words to values.
// No generator state beyond the 624 words: who draws how many words, and when, is core/runtime/random.cpp.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "cpu/dispatch.h"

namespace facula::cpu {

// Maps `n` values from words: one word a value, or two (the first drawn is the high half) where the name says 64.
// `from`, `to`, `mean`, `std` are already rounded to the precision that the map computes in.
struct RandomKernels {
  void (*twist)(uint32_t* state);  // the next 624 raw words, in place
  void (*temper)(const uint32_t* raw, uint32_t* words, int64_t n);
  void (*uniform)(DType, const uint32_t* words, void* out, int64_t n, double from, double to);  // Float64: 64
  // Box-Muller in place over `blocks` blocks of 16 uniforms: 8 radii and 8 angles become 16 normals.
  void (*normal_float)(float* data, int64_t blocks, float mean, float std);
  void (*normal_double)(double* data, int64_t blocks, double mean, double std);
  // One Box-Muller pair from two doubles in [0, 1): the first normal scaled, the second (*spare) not.
  double (*normal_pair)(double u1, double u2, double mean, double std, double* spare);
  double (*normal_from_spare)(double spare, double mean, double std);
  // `exact` asks for the last bit of log1p; without it the result is good for a rounding to float.
  void (*exponential64)(const uint32_t* words, double* out, int64_t n, double lambda, bool exact);
  // The bits `one` or zero in elements of item_size bytes, as 53 random bits are below `threshold` or not.
  void (*bernoulli64)(const uint32_t* words, void* out, int64_t n, uint64_t threshold, int64_t item_size, uint64_t one);
};
FACULA_FAMILY(RandomKernels, random_kernels, random)

}  // namespace facula::cpu
