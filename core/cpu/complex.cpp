// Conjugates and magnitudes: loops that the compiler vectorises.
#include "cpu/complex.h"

#include <cmath>

namespace facula::cpu::FACULA_ISA {
namespace {

template <class T>
void conj_of(int64_t n, const void* in, void* out) {
  const Complex<T>* x = static_cast<const Complex<T>*>(in);
  Complex<T>* __restrict y = static_cast<Complex<T>*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = {x[i].re, -x[i].im};
}
void conj(DType type, int64_t n, const void* in, void* out) {
  type == DType::Complex64 ? conj_of<float>(n, in, out) : conj_of<double>(n, in, out);
}

// Squares of floats neither overflow nor vanish in double; a NaN beside an infinity is infinite, as in C99.
void abs_float(int64_t n, const Complex<float>* x, float* __restrict y) {
  for (int64_t i = 0; i < n; ++i) {
    const double re = x[i].re, im = x[i].im;
    const float size = static_cast<float>(__builtin_sqrt(re * re + im * im));
    const bool infinite = (__builtin_fabsf(x[i].re) == HUGE_VALF) | (__builtin_fabsf(x[i].im) == HUGE_VALF);
    y[i] = infinite ? HUGE_VALF : size;
  }
}
void abs(DType type, int64_t n, const void* in, void* out) {
  if (type == DType::Complex64) return abs_float(n, static_cast<const Complex<float>*>(in), static_cast<float*>(out));
  const Complex<double>* x = static_cast<const Complex<double>*>(in);
  for (int64_t i = 0; i < n; ++i) static_cast<double*>(out)[i] = std::hypot(x[i].re, x[i].im);
}

}  // namespace

KERNELS(ComplexKernels, complex_kernels) = {conj, abs};

}  // namespace facula::cpu::FACULA_ISA
