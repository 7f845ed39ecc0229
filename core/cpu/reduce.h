// Reductions over plain memory with any strides. No tensors, no type promotion, no shape checks: those are in core/ops.
// Every result is independent of the number of threads: work is split at places that depend on shapes only.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "base/small_vector.h"
#include "cpu/dispatch.h"

namespace facula::cpu {

enum class ReduceOp : uint8_t {
  Sum,
  Mean,
  Prod,
  NanSum,  // computed in the type of `out`: elements are converted to it first
  Amax,
  Amin,  // computed in the type of `in`; a NaN wins
  Any,
  All,
  CountNonzero,  // elements become 0 or 1 first
  SumSquares,
  Norm,  // of absolute values, so complex input is allowed; Norm takes the order p
};

// The input viewed as kept dimensions x reduced dimensions. Strides are in elements and may be 0 or negative.
struct ReducePlan {
  const void* in;
  DType dtype;
  void* out;  // contiguous over the kept dimensions in row-major order
  DType out_dtype;
  SmallVector<int64_t, 5> kept_sizes, kept_strides, reduced_sizes, reduced_strides;
};

// No function throws. `false`: this combination of types does not exist (Amax of a complex type); nothing was written.
// An empty reduction gives the identity: 0, 1, NaN (mean, variance), false, true, -inf (logsumexp, Amax), +inf (Amin).
struct ReduceKernels {
  bool (*reduce)(ReduceOp op, const ReducePlan& plan, double p);
  // Largest (or smallest) element, and where: its row-major position within the reduced dimensions, the first one of
  // equals, a NaN before everything. `out` or `index` may be null. The reduction may not be empty.
  bool (*extreme)(bool largest, const ReducePlan& plan, int64_t* index);
  // Smallest element to `out`, largest to `most`, both of the type of `in`; a NaN wins. Not empty.
  bool (*ends)(const ReducePlan& plan, void* most);
  // Variance (or standard deviation) with divisor max(0, count - correction), and the mean unless `mean` is null.
  // Both have out_dtype; computed in float or double, whichever holds out_dtype.
  bool (*var_mean)(const ReducePlan& plan, double correction, bool standard_deviation, void* mean);
  bool (*logsumexp)(const ReducePlan& plan);
};
FACULA_FAMILY(ReduceKernels, reduce_kernels, reduce)

}  // namespace facula::cpu
