// Random numbers: mt19937 with PyTorch's exact consumption, over plain memory. Seeds give PyTorch's numbers.
#pragma once
#include <cstdint>

#include "base/dtype.h"

namespace facula {

// The engine and what PyTorch keeps beside it: one cached normal of each precision.
struct Generator {
  explicit Generator(uint64_t seed = 67280421310721ull);  // PyTorch's default_rng_seed_val
  void manual_seed(uint64_t seed);
  uint64_t initial_seed() const { return seed; }
  uint64_t random64();
  // The uniforms of 53 bits that come next, at most so many, without drawing them: how many there are before new words
  // have to be made. And drawing the first n of them.
  int uniforms_ahead(double* out, int most) const;
  void draw_ahead(int n) {
    next += 2 * n;
    left -= 2 * n;
  }
  // PyTorch's CPU get_state layout, 5056 bytes, so that states can be exchanged.
  static constexpr int64_t kStateBytes = 5056;
  void get_state(uint8_t* out) const;
  void set_state(const uint8_t* in);  // throws Error(Runtime) when the bytes are no valid state

  uint64_t seed;
  uint32_t state[624];
  int left, next;
  bool seeded;
  bool has_float_normal = false, has_double_normal = false;
  float float_normal = 0;
  double double_normal = 0;
};
Generator& default_generator();

// Fills of n elements of a contiguous block with the values that PyTorch 2.13's CPU kernels give for this generator.
// `dtype` is any that PyTorch takes for that fill; unsupported ones throw Error(NotImplemented) with PyTorch's text.
void fill_uniform(Generator&, void* out, int64_t n, DType dtype, double from, double to);
// `contiguous` false: PyTorch's stream for a destination that is not contiguous (one by one, whatever n is).
void fill_normal(Generator&, void* out, int64_t n, DType dtype, double mean, double std, bool contiguous = true);
void fill_random_from_to(Generator&, void* out, int64_t n, DType dtype, int64_t from,
                         uint64_t range);  // randint, random_; a range of 0 stands for all 2^64 values
void fill_random_full(Generator&, void* out, int64_t n, DType dtype);  // random_()
void fill_bernoulli(Generator&, void* out, int64_t n, DType dtype, double p);
void fill_bernoulli_each(Generator&, void* out, const void* p, int64_t n, DType dtype, DType p_dtype);  // p per element
void fill_exponential(Generator&, void* out, int64_t n, DType dtype, double lambda);
void fill_randperm(Generator&, void* out, int64_t n, DType dtype);

}  // namespace facula
