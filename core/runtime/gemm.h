// Matrix products over plain memory, of any size and type, shared out over the pool.
#pragma once
#include <cstdint>

#include "base/dtype.h"

namespace facula {

// Row-major C[m,n] = alpha * op(A)[m,k] op(B)[k,n] + beta * C. With transpose_a, A is stored as [k,m] with leading
// dimension lda. beta == 0 never reads C. k == 0 gives beta * C. Float32 and Float64 by our own kernels, complex types
// by BLAS where it is there; Float16 and BFloat16 accumulated in float; integers by a blocked loop (wrap-around).
void gemm(DType dtype, bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, double alpha, const void* a,
          int64_t lda, const void* b, int64_t ldb, double beta, void* c, int64_t ldc);
// The same with beta * D in place of beta * C, which is only written; ldd == 0: one row for all.
void gemm_add(DType dtype, bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, double alpha,
              const void* a, int64_t lda, const void* b, int64_t ldb, double beta, const void* d, int64_t ldd, void* c,
              int64_t ldc);
// `batch` products; strides in elements between the matrices of each operand (0: the same matrix).
void gemm_batched(DType dtype, bool transpose_a, bool transpose_b, int64_t batch, int64_t m, int64_t n, int64_t k,
                  double alpha, const void* a, int64_t lda, int64_t stride_a, const void* b, int64_t ldb,
                  int64_t stride_b, double beta, void* c, int64_t ldc, int64_t stride_c);

}  // namespace facula
