// OpenBLAS, loaded at first use: its functions by name for LAPACK callers, and its complex matrix product.
#pragma once
#include <cstdint>
#include <string>

#include "base/dtype.h"

namespace facula {

void set_blas_path(std::string path);  // where libscipy_openblas is; read at the first use

// runtime/gemm.h's product in Complex64 or Complex128 in one thread; false, and nothing done, when OpenBLAS cannot.
bool blas_complex_gemm(DType dtype, bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, double alpha,
                       const void* a, int64_t lda, const void* b, int64_t ldb, double beta, void* c, int64_t ldc);

void* blas_symbol(const char* name);  // "scipy_sgesv_"; for LAPACK callers; throws Error(Runtime) when absent

}  // namespace facula
