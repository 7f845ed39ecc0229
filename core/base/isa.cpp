// Chooses the instruction set of the kernels, once, at import.
#include <cstdlib>
#include <cstring>

#include "cpu/dispatch.h"

namespace facula::cpu {

static Isa detect() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  Isa best = Isa::Baseline;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))
    best = Isa::Avx2;
  if (best == Isa::Avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    best = Isa::Avx512;
  if (const char* limit = std::getenv("FACULA_ISA_LIMIT")) {
    if (!std::strcmp(limit, "baseline")) best = Isa::Baseline;
    if (!std::strcmp(limit, "avx2") && best == Isa::Avx512) best = Isa::Avx2;
  }
  return best;
#else
  return Isa::Baseline;
#endif
}

Isa isa() {
  static const Isa chosen = detect();
  return chosen;
}

const char* isa_name(Isa isa) { return isa == Isa::Avx512 ? "avx512" : isa == Isa::Avx2 ? "avx2" : "baseline"; }

}  // namespace facula::cpu
