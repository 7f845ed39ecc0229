// Elementary and special function kernels: the function group of ops/pointwise.h. No formula is written here.
#include "cpu/pointwise_loop.h"

namespace facula::cpu::FACULA_ISA {

constexpr FormulaKernels function_kernels[] = {FACULA_FUNCTION_FORMULAS(KERNELS_OF_LINE)};

}  // namespace facula::cpu::FACULA_ISA
