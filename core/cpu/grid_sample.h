// Values of images and volumes at given places, and the gradients of the images and of the places. Plain contiguous
// memory, float32 and float64.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "cpu/dispatch.h"

namespace facula::cpu {

enum class Sampling : uint8_t { Linear, Nearest, Cubic };  // Cubic: images only
enum class Beyond : uint8_t { Zeros, Border, Reflection };

// x (batch, channels, *size), grid (batch, points, dims) with the innermost dimension's coordinate first, y (batch,
// channels, points). An image has fewer than 2^31 places.
struct GridSampling {
  DType dtype;
  Sampling sampling;
  Beyond beyond;
  bool align_corners;
  int64_t batch, channels, points;
  int dims;         // 2 or 3
  int64_t size[3];  // outermost first
};

struct GridSampleKernels {
  void (*forward)(const GridSampling&, const void* x, const void* grid, void* y);
  void (*input_backward)(const GridSampling&, const void* dy, const void* grid, void* dx);  // dx is overwritten
  void (*grid_backward)(const GridSampling&, const void* dy, const void* x, const void* grid, void* dgrid);
};

FACULA_AVX2_FAMILY(GridSampleKernels, grid_sample_kernels, grid_sample)

}  // namespace facula::cpu
