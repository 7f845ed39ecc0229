// Conjugates and magnitudes of complex numbers in plain memory.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "cpu/dispatch.h"

namespace facula::cpu {

struct ComplexKernels {
  // n contiguous numbers of type Complex64 or Complex128; `abs` writes numbers of the real type.
  void (*conj)(DType type, int64_t n, const void* in, void* out);
  void (*abs)(DType type, int64_t n, const void* in, void* out);
};
FACULA_FAMILY(ComplexKernels, complex_kernels, complex_numbers)

}  // namespace facula::cpu
