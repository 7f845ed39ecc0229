// Matrix products without a library: for sizes at which a call into BLAS costs more than the product, for matrix-vector
// products, for integers, and for everything when no BLAS can be loaded. One thread, plain memory.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "cpu/dispatch.h"

namespace facula::cpu {

// Row-major C[m,n] = alpha * op(A)[m,k] op(B)[k,n] + beta * C, as in runtime/gemm.h.
struct GemmArguments {
  bool transpose_a, transpose_b;
  int64_t m, n, k;
  double alpha;
  const void* a;
  int64_t lda;
  const void* b;
  int64_t ldb;
  double beta;
  void* c;
  int64_t ldc;
};

struct GemmKernels {
  void (*gemm_float)(const GemmArguments&);
  void (*gemm_double)(const GemmArguments&);
  void (*gemm_integer)(DType, const GemmArguments&);                // UInt8 to Int64; wraps around
  void (*to_float)(DType, const void* from, float* to, int64_t n);  // Float16 or BFloat16
  void (*from_float)(DType, const float* from, void* to, int64_t n);
};
FACULA_FAMILY(GemmKernels, gemm_kernels, gemm)

}  // namespace facula::cpu
