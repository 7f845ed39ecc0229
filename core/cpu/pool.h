// Pooling over planes of plain contiguous memory: maximum with indices, average, adaptive average, and their gradients.
// float32 and float64. Output sizes are computed and checked by the caller; pool_output_size has PyTorch's rule.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "cpu/dispatch.h"

namespace facula::cpu {

// `planes` images of in_h x in_w give as many of out_h x out_w. Average pooling ignores the dilation.
struct PoolShape {
  int64_t planes, in_h, in_w, out_h, out_w, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h,
      dilation_w;
};

// PyTorch's rule: with ceil_mode the last window must start inside the input or its left padding.
inline int64_t pool_output_size(int64_t in, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation,
                                bool ceil_mode) {
  const int64_t span = in + 2 * pad - dilation * (kernel - 1) - 1 + (ceil_mode ? stride - 1 : 0);
  const int64_t out = (span >= 0 ? span / stride : -((-span + stride - 1) / stride)) + 1;
  return ceil_mode && (out - 1) * stride >= in + pad ? out - 1 : out;
}

struct PoolKernels {
  // index: flat position in the in_h x in_w plane of the first maximum, or of the last NaN; may be null.
  void (*max_pool)(DType, const PoolShape&, const void* x, void* y, int64_t* index);
  // dx[plane, index[i]] += dy[i]; dx is overwritten.
  void (*max_pool_backward)(DType, int64_t planes, int64_t in_size, int64_t out_size, const void* dy,
                            const int64_t* index, void* dx);
  // divisor 0: the number of elements, padding included when asked.
  void (*avg_pool)(DType, const PoolShape&, bool count_include_pad, int64_t divisor, const void* x, void* y);
  void (*avg_pool_backward)(DType, const PoolShape&, bool count_include_pad, int64_t divisor, const void* dy, void* dx);
  // Over windows in three dimensions chosen so that the result has a given size; index as for max_pool.
  void (*adaptive_max_pool)(DType, int64_t planes, const int64_t* in, const int64_t* out, const void* x, void* y,
                            int64_t* index);
  void (*adaptive_avg_pool)(DType, int64_t planes, int64_t in_h, int64_t in_w, int64_t out_h, int64_t out_w,
                            const void* x, void* y);
  void (*adaptive_avg_pool_backward)(DType, int64_t planes, int64_t in_h, int64_t in_w, int64_t out_h, int64_t out_w,
                                     const void* dy, void* dx);
};

FACULA_FAMILY(PoolKernels, pool_kernels, pool)

}  // namespace facula::cpu
