// Special function kernels: the group of ops/pointwise_special.h. No formula is written here.
#include "cpu/pointwise_loop.h"

namespace facula::cpu::FACULA_ISA {

constexpr FormulaKernels special_kernels[] = {FACULA_SPECIAL_FORMULAS(KERNELS_OF_LINE)};

}  // namespace facula::cpu::FACULA_ISA
