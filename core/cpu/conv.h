// Convolution over plain contiguous memory in up to three dimensions: forward, gradients, and the transposed form.
// float32 and float64; channels-first layout. Shapes are checked by the caller; nothing here allocates results.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "cpu/dispatch.h"

namespace facula::cpu {

// x [batch, groups * in_channels, in...], weight [groups * out_channels, in_channels, kernel...],
// y [batch, groups * out_channels, out...]; in_channels and out_channels are those of one group. Spatial sizes are
// {depth, height, width}; fewer dimensions are padded in front with in = out = kernel = stride = dilation = 1, pad = 0.
struct ConvShape {
  int64_t batch, groups, in_channels, out_channels;
  int64_t in[3], out[3], kernel[3], stride[3], pad[3], dilation[3];
};

// Kernels keep a channel's padded image in a phase for each step of the stride. A stride longer than that image has one
// output, and is as good as one of its length. False: the image would still be larger than any that is meant.
inline bool limit_padded_image(ConvShape& s) {
  constexpr int64_t kMost = int64_t{1} << 32;  // elements
  int64_t size = 1;
  for (int d = 0; d < 3; ++d) {
    const int64_t padded = s.in[d] + 2 * s.pad[d];
    if (s.stride[d] > padded) s.stride[d] = padded;
    if (padded > kMost || __builtin_mul_overflow(size, padded + s.stride[d], &size)) return false;
  }
  return size <= 8 * kMost;  // padded + stride is at most twice the image along each dimension
}

struct ConvKernels {
  void (*forward)(DType, const ConvShape&, const void* x, const void* weight, const void* bias, void* y);
  // dx from dy; with a bias (of groups * in_channels) this is the forward of a transposed convolution.
  void (*grad_input)(DType, const ConvShape&, const void* dy, const void* weight, const void* bias, void* dx);
  void (*grad_weight)(DType, const ConvShape&, const void* x, const void* dy, void* dweight);
  void (*grad_bias)(DType, const ConvShape&, const void* dy, void* dbias);
  // The windows of a shape of one group as columns [batch, in_channels * kernel..., out...], and columns added back.
  void (*unfold)(DType, const ConvShape&, const void* x, void* columns);
  void (*fold)(DType, const ConvShape&, const void* columns, void* x);
};  // a bias may be null

FACULA_FAMILY(ConvKernels, conv_kernels, conv)

}  // namespace facula::cpu
