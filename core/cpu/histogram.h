// Counting how often numbers occur, and in which of equal parts of a range they lie. Plain memory.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "cpu/dispatch.h"

namespace facula::cpu {

struct HistogramKernels {
  // Smallest and largest of n >= 1 numbers.
  void (*bounds)(int64_t n, const int64_t* x, int64_t* low, int64_t* high);
  // counts[x[i]] += 1, or the weight of type `dtype` (float32, float64). 0 <= x[i] < bins.
  void (*count)(int64_t n, const int64_t* x, int64_t bins, int64_t* counts);
  void (*weigh)(DType dtype, int64_t n, const int64_t* x, const void* weights, void* sums);
  // counts[bin of x[i]] += 1 for elements of type float32 or float64 in [low, high].
  void (*equal_bins)(DType dtype, int64_t n, const void* x, int64_t bins, double low, double high, int64_t* counts);
};
FACULA_AVX2_FAMILY(HistogramKernels, histogram_kernels, histogram)

}  // namespace facula::cpu
