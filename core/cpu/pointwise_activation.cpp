// Activation kernels: the activation group of ops/pointwise.h. No formula is written here.
#include "cpu/pointwise_loop.h"

namespace facula::cpu::FACULA_ISA {

constexpr FormulaKernels activation_kernels[] = {FACULA_ACTIVATION_FORMULAS(KERNELS_OF_LINE)};

}  // namespace facula::cpu::FACULA_ISA
