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

#if defined(FACULA_ONLY_ISA)  // a build for developers and sanitizers: one set, whatever the processor
#define FACULA_FAMILY(Struct, constant, accessor) \
  namespace FACULA_ONLY_ISA {                     \
  extern const Struct constant;                   \
  }                                               \
  inline const Struct& accessor() { return FACULA_ONLY_ISA::constant; }
#elif defined(__x86_64__)
#define FACULA_FAMILY(Struct, constant, accessor)                                   \
  namespace baseline {                                                              \
  extern const Struct constant;                                                     \
  }                                                                                 \
  namespace avx2 {                                                                  \
  extern const Struct constant;                                                     \
  }                                                                                 \
  namespace avx512 {                                                                \
  extern const Struct constant;                                                     \
  }                                                                                 \
  inline const Struct& accessor() {                                                 \
    static const Struct* const chosen = isa() == Isa::Avx512 ? &avx512::constant    \
                                        : isa() == Isa::Avx2 ? &avx2::constant      \
                                                             : &baseline::constant; \
    return *chosen;                                                                 \
  }
#else
#define FACULA_FAMILY(Struct, constant, accessor) \
  namespace baseline {                            \
  extern const Struct constant;                   \
  }                                               \
  inline const Struct& accessor() { return baseline::constant; }
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
