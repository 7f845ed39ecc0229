// Samplers of the distributions that draw a varying number of uniforms: one element after the other, in PyTorch's order
// of consumption. Plain memory; which types an operation takes is decided by core/ops/distribution.cpp.
#pragma once
#include <cstdint>

#include "runtime/random.h"

namespace facula {

double sample_uniform(Generator&);  // 53 bits, in [0, 1)
double sample_normal(Generator&);   // Box-Muller in double; the second of a pair stays in the generator
double sample_cauchy(Generator&, double median, double sigma);
double sample_geometric(Generator&, double p);
double sample_poisson(Generator&, double rate);
double sample_binomial(Generator&, double count, double p);
double sample_gamma(Generator&, double alpha);  // of rate 1
double sample_gamma(Generator&, float alpha);

}  // namespace facula
