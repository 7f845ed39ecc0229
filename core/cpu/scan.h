// Running sums, products, extremes and log-sum-exps over the middle of a contiguous [outer, dim, inner] array.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "cpu/dispatch.h"

namespace facula::cpu {

enum class ScanOp : uint8_t { Sum, Prod, LogSumExp };

struct ScanShape {
  DType dtype, out_dtype;
  int64_t outer, dim, inner;
};

// Floating types are accumulated in double, complex ones in complex double, integers and bool in int64 (wrapping).
// `out` may be `in` when the types are equal. false: no such combination, nothing written.
struct ScanKernels {
  // Elements are converted to the category of out_dtype first. LogSumExp: real floating types only.
  bool (*scan)(ScanOp op, const ScanShape& shape, const void* in, void* out);
  // cummax, cummin: of equal elements the last position; a NaN, once met, stays, at the position of the latest NaN.
  // out_dtype is dtype. Not for complex types.
  bool (*extreme)(bool largest, const ScanShape& shape, const void* in, void* out, int64_t* index);
};
FACULA_FAMILY(ScanKernels, scan_kernels, scan)

}  // namespace facula::cpu
