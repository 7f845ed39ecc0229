// Softmax and log-softmax over the middle of a contiguous [outer, dim, inner] array. Nothing is fused with a loss here:
// cross entropy is in loss.h.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "cpu/dispatch.h"

namespace facula::cpu {

struct SoftmaxShape {
  DType dtype;  // Float16, BFloat16 (computed in float), Float32, Float64
  int64_t outer, dim, inner;
};

// `out` may be `in`, `grad_in` may be `grad` or `out`. A row of -inf only gives NaN. Other types: false, nothing
// written.
struct SoftmaxKernels {
  bool (*forward)(bool log, const SoftmaxShape& shape, const void* in, void* out);
  // softmax: y (g - sum(g y)); log-softmax: g - exp(y) sum(g); y is the result of forward.
  bool (*backward)(bool log, const SoftmaxShape& shape, const void* grad, const void* out, void* grad_in);
};
FACULA_FAMILY(SoftmaxKernels, softmax_kernels, softmax)

}  // namespace facula::cpu
