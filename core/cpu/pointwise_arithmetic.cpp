// Arithmetic and predicate kernels: two groups of ops/pointwise.h. No formula is written here.
#include "cpu/pointwise_loop.h"

namespace facula::cpu::FACULA_ISA {

constexpr FormulaKernels arithmetic_kernels[] = {FACULA_ARITHMETIC_FORMULAS(KERNELS_OF_LINE)};
constexpr FormulaKernels predicate_kernels[] = {FACULA_PREDICATE_FORMULAS(KERNELS_OF_LINE)};

}  // namespace facula::cpu::FACULA_ISA
