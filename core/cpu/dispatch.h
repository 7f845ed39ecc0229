// How a kernel family is compiled for several instruction sets and how one is chosen at import.
//
// Every core/cpu/*.cpp is compiled once for each instruction set, inside `namespace facula::cpu::FACULA_ISA`. A family
// declares a struct of function pointers in its header (core/cpu/<family>.h), fills one constant of it in its .cpp:
//     KERNELS(ReduceKernels, reduce_kernels) = {...};
// and the rest of the core calls through `cpu::reduce()`, which FACULA_FAMILY declares.
#pragma once

#ifndef FACULA_ISA
#define FACULA_ISA baseline
#endif

// A family that gains nothing from AVX-512 says FACULA_AVX2_FAMILY instead, stands in AVX2_KERNELS of
// core/CMakeLists.txt, and has two copies.
#define FACULA_DECLARE_KERNELS(set, Struct, constant) \
  namespace set {                                     \
  extern const Struct constant;                       \
  }

#if defined(__x86_64__) && !defined(FACULA_ONLY_ISA)
#define FACULA_CHOOSE_KERNELS(Struct, constant, accessor, best)                     \
  FACULA_DECLARE_KERNELS(baseline, Struct, constant)                                \
  FACULA_DECLARE_KERNELS(avx2, Struct, constant)                                    \
  FACULA_DECLARE_KERNELS(best, Struct, constant)                                    \
  inline const Struct& accessor() {                                                 \
    static const Struct* const chosen = isa() == Isa::Avx512 ? &best::constant      \
                                        : isa() == Isa::Avx2 ? &avx2::constant      \
                                                             : &baseline::constant; \
    return *chosen;                                                                 \
  }
#define FACULA_FAMILY(Struct, constant, accessor) FACULA_CHOOSE_KERNELS(Struct, constant, accessor, avx512)
#define FACULA_AVX2_FAMILY(Struct, constant, accessor) FACULA_CHOOSE_KERNELS(Struct, constant, accessor, avx2)
#else  // one set, whatever the processor: another architecture, or a build for developers and sanitizers
#ifdef FACULA_ONLY_ISA
#define FACULA_THE_ISA FACULA_ONLY_ISA
#else
#define FACULA_THE_ISA baseline
#endif
#define FACULA_FAMILY(Struct, constant, accessor)          \
  FACULA_DECLARE_KERNELS(FACULA_THE_ISA, Struct, constant) \
  inline const Struct& accessor() { return FACULA_THE_ISA::constant; }
#define FACULA_AVX2_FAMILY FACULA_FAMILY
#endif

#define KERNELS(Struct, constant) \
  extern const Struct constant;   \
  const Struct constant

namespace facula::cpu {
enum class Isa { Baseline, Avx2, Avx512 };
// The best set this processor has; FACULA_ISA_LIMIT=baseline|avx2|avx512 in the environment lowers it (for tests).
Isa isa();
const char* isa_name(Isa);
}  // namespace facula::cpu

namespace facula::cpu::FACULA_ISA {
#if defined(__AVX512F__)
inline constexpr int kLaneBytes = 64;  // of a vector of the instruction set being compiled
#elif defined(__AVX2__)
inline constexpr int kLaneBytes = 32;
#else
inline constexpr int kLaneBytes = 16;
#endif
}  // namespace facula::cpu::FACULA_ISA
