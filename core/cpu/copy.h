// Moving and converting elements of plain memory: the conversions between all types, strided copies, transpositions,
// fills. Knows nothing of tensors; allocates nothing. Strides are in elements; source and destination must not overlap.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "cpu/dispatch.h"

namespace facula::cpu {

// n elements; a source stride of 0 fills with one value. Values are those of PyTorch's CPU casts: floats truncate
// towards zero, what does not fit wraps as on x86, everything but zero is true, complex to real drops the imaginary
// part.
using Convert = void (*)(int64_t n, const void* src, int64_t src_stride, void* dst, int64_t dst_stride);

struct CopyKernels {
  Convert convert[kNumDTypes][kNumDTypes];  // [source][destination]
  Convert move[5];                          // same element type, by log2 of its size: 1, 2, 4, 8, 16 bytes
  // Any number of dimensions up to 64, any layout on both sides (source strides may be 0). Threaded when large.
  void (*strided_copy)(int64_t item_size, int ndim, const int64_t* sizes, void* dst, const int64_t* dst_strides,
                       const void* src, const int64_t* src_strides);
  void (*convert_copy)(DType src_type, DType dst_type, int ndim, const int64_t* sizes, void* dst,
                       const int64_t* dst_strides, const void* src, const int64_t* src_strides);
  void (*fill)(int64_t item_size, int ndim, const int64_t* sizes, void* dst, const int64_t* dst_strides,
               const void* value);
  void (*fill_contiguous)(int64_t item_size, int64_t n, void* dst, const void* value);
};

FACULA_FAMILY(CopyKernels, copy_kernels, copy)

}  // namespace facula::cpu
