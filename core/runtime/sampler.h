// Samplers of the distributions that draw a varying number of uniforms: one element after the other, in PyTorch's order
// of consumption. Plain memory; which types an operation takes is decided by core/ops/distribution.cpp.
#pragma once
#include <cstdint>

#include "runtime/random.h"

namespace facula {

double sample_uniform(Generator&);  // 53 bits, in [0, 1)
double sample_normal(Generator&);   // Box-Muller in double; the second of a pair stays in the generator
// n of them, as one after the other.
void sample_uniforms(Generator&, double* out, int64_t n);
void sample_normals(Generator&, double* out, int64_t n);
void sample_poisson(Generator&, const double* rate, const double* exp_minus_rate, double* out, int64_t n);
double sample_binomial(Generator&, double count, double p);
double sample_gamma(Generator&, double alpha);  // of rate 1
double sample_gamma(Generator&, float alpha);

}  // namespace facula
