// Layer, root-mean-square, group and batch normalisation over plain contiguous memory: forward and backward.
// Half types are computed in float. Shapes are checked by the caller; nothing here allocates results.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "cpu/dispatch.h"

namespace facula::cpu {

// x is [batch, groups, channels, inner] of `dtype`; weight and bias are of `affine`. Rows: [batch, inner], the
// others 1.
struct NormShape {
  DType dtype, affine;
  int64_t batch, groups, channels, inner;
  double eps;
};
// Any of weight, bias, dweight and dbias may be null. Statistics are float, or double for Float64: `count` means, then
// `count` values of 1 / sqrt(variance + eps).
struct NormForward {
  const void *x, *weight, *bias;
  void *y, *stats;
};
struct NormBackward {
  const void *dy, *x, *weight, *stats;
  void *dx, *dweight, *dbias;  // dweight and dbias in the type of the statistics
};

struct NormKernels {
  // Statistics for each row; without `centred` the mean is taken as zero (RMS). weight and bias are [inner].
  void (*rows)(const NormShape&, bool centred, const NormForward&);
  void (*rows_backward)(const NormShape&, bool centred, const NormBackward&);
  // Statistics for each of batch x groups; weight and bias are [groups * channels].
  void (*groups)(const NormShape&, const NormForward&);
  void (*groups_backward)(const NormShape&, const NormBackward&);
  // Statistics for each channel (groups = 1), computed when `training`, given otherwise. variance: biased; may be null.
  void (*batch)(const NormShape&, bool training, const NormForward&, void* variance);
  void (*batch_backward)(const NormShape&, bool training, const NormBackward&);
};
FACULA_FAMILY(NormKernels, norm_kernels, norm)

}  // namespace facula::cpu
