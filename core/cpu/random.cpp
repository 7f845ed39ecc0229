// mt19937 and the maps from its words to uniform, normal, exponential and Bernoulli values, in PyTorch's rounding.
// Refuses to keep a generator: it sees words only.
#include "cpu/random.h"

#include <cmath>
#include <cstring>
#include <initializer_list>

namespace facula::cpu::FACULA_ISA {
namespace {

// M. Matsumoto, T. Nishimura: Mersenne Twister, ACM TOMACS 8 (1998): N = 624, M = 397, and the matrix A.
constexpr int kN = 624, kM = 397;
constexpr uint32_t kMatrixA = 0x9908b0df, kUpper = 0x80000000, kLower = 0x7fffffff;

inline uint32_t mix(uint32_t high, uint32_t low, uint32_t far) {
  return far ^ (((high & kUpper) | (low & kLower)) >> 1) ^ ((0u - (low & 1u)) & kMatrixA);
}

// Every loop reads words at a distance that its own writes do not reach within one vector (227 words).
void twist(uint32_t* s) {
  for (int i = 0; i < kN - kM; ++i) s[i] = mix(s[i], s[i + 1], s[i + kM]);
#pragma GCC ivdep
  for (int i = kN - kM; i < 2 * (kN - kM); ++i) s[i] = mix(s[i], s[i + 1], s[i - (kN - kM)]);
#pragma GCC ivdep
  for (int i = 2 * (kN - kM); i < kN - 1; ++i) s[i] = mix(s[i], s[i + 1], s[i - (kN - kM)]);
  s[kN - 1] = mix(s[kN - 1], s[0], s[kM - 1]);
}

void temper(const uint32_t* __restrict raw, uint32_t* __restrict words, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    uint32_t y = raw[i];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    words[i] = y ^ (y >> 18);
  }
}

// 24 and 53 random bits: the significands of float and double.
inline float unit(uint32_t word) { return static_cast<float>(static_cast<int32_t>(word & 0xffffff)) * 0x1p-24f; }
inline uint64_t bits53(const uint32_t* pair) { return (uint64_t{pair[0] & 0x1fffff} << 32) | pair[1]; }
inline double unit64(const uint32_t* pair) {
  // Exact without a 64-bit integer conversion: both halves are exact, and so is their sum.
  return (static_cast<double>(static_cast<int32_t>(pair[0] & 0x1fffff)) * 0x1p32 +
          (static_cast<double>(static_cast<int32_t>(pair[1] ^ kUpper)) + 0x1p31)) *
         0x1p-53;
}

// a * b + c in one rounding where the processor has it, as PyTorch's kernels for that processor: seeds give its bits.
template <class T>
inline T multiply_add(T a, T b, T c) {
#ifdef __FMA__
  if constexpr (sizeof(T) == 8)
    return __builtin_fma(a, b, c);
  else
    return __builtin_fmaf(a, b, c);
#else
  return a * b + c;
#endif
}

// A value that rounds up to `to` becomes `from`: the interval is half open.
template <class T, class Make>
void uniform_as(T* out, int64_t n, double from, double to, Make&& make) {
  using Compute = std::remove_reference_t<decltype(make(0))>;
  const Compute low = static_cast<Compute>(from), width = static_cast<Compute>(to) - low;
  const Compute high = static_cast<Compute>(to);
  for (int64_t i = 0; i < n; ++i) {
    Compute x = multiply_add(make(i), width, low);
    out[i] = x >= high ? low : x;
  }
}

template <class T, class Round>
void uniform_reduced(const uint32_t* words, T* out, int64_t n, float from, float to, Round&& round) {
  const float width = to - from, high = to_float(round(to));
  for (int64_t i = 0; i < n; ++i) {
    T x = round(multiply_add(unit(words[i]), width, from));
    out[i] = to_float(x) >= high ? round(from) : x;
  }
}

void uniform(DType dtype, const uint32_t* words, void* out, int64_t n, double from, double to) {
  switch (dtype) {
    case DType::Float64:
      return uniform_as(static_cast<double*>(out), n, from, to, [=](int64_t i) { return unit64(words + 2 * i); });
    case DType::Float16:
      return uniform_reduced(words, static_cast<Half*>(out), n, static_cast<float>(from), static_cast<float>(to),
                             [](float x) { return to_half(x); });
    case DType::BFloat16:
      return uniform_reduced(words, static_cast<BFloat*>(out), n, static_cast<float>(from), static_cast<float>(to),
                             [](float x) { return to_bfloat(x); });
    default: return uniform_as(static_cast<float*>(out), n, from, to, [=](int64_t i) { return unit(words[i]); });
  }
}

typedef float F8 __attribute__((vector_size(32)));
typedef int32_t I8 __attribute__((vector_size(32)));
template <class To, class From>
inline To bit_cast(From x) {
  To y;
  std::memcpy(&y, &x, sizeof y);
  return y;
}
inline F8 splat(float x) { return F8{} + x; }
inline F8 select(I8 mask, F8 a, F8 b) { return bit_cast<F8>((bit_cast<I8>(a) & mask) | (bit_cast<I8>(b) & ~mask)); }

// S. L. Moshier, Cephes library, single precision logf, sinf and cosf: range reduction and coefficients. The order of
// the operations is part of the contract: seeds must give PyTorch's bits, which come from the same scheme.
inline F8 log_positive(F8 x) {
  I8 bits = bit_cast<I8>(select(bit_cast<I8>(x > splat(0x1p-126f)), x, splat(0x1p-126f)));
  F8 e = __builtin_convertvector((bits >> 23) - 0x7f, F8) + 1.0f;
  x = bit_cast<F8>((bits & ~0x7f800000) | bit_cast<I8>(splat(0.5f)));
  I8 small = x < splat(0.707106781186547524f);
  F8 extra = select(small, x, F8{});
  x = x - 1.0f;
  e = e - select(small, splat(1.0f), F8{});
  x = x + extra;
  F8 z = x * x;
  F8 y = splat(7.0376836292e-2f);
  for (float c : {-1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f, 1.4249322787e-1f, -1.6668057665e-1f,
                  2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f})
    y = y * x + c;
  y = y * x;
  y = y * z;
  y = e * -2.12194440e-4f + y;
  y = y - z * 0.5f;
  x = x + y;
  return e * 0.693359375f + x;
}

// x >= 0.
inline void sine_cosine(F8 x, F8& sine, F8& cosine) {
  I8 octant = (__builtin_convertvector(x * 1.27323954473516f, I8) + 1) & ~1;
  F8 y = __builtin_convertvector(octant, F8);
  I8 sine_sign = (octant & 4) << 29, cosine_sign = (~(octant - 2) & 4) << 29;
  I8 plain = (octant & 2) == 0;
  x = y * -0.78515625f + x;
  x = y * -2.4187564849853515625e-4f + x;
  x = y * -3.77489497744594108e-8f + x;
  F8 z = x * x;
  F8 c = splat(2.443315711809948e-5f) * z + -1.388731625493765e-3f;
  c = c * z + 4.166664568298827e-2f;
  c = c * z;
  c = c * z;
  c = c - z * 0.5f;
  c = c + 1.0f;
  F8 s = splat(-1.9515295891e-4f) * z + 8.3321608736e-3f;
  s = s * z + -1.6666654611e-1f;
  s = s * z;
  s = s * x + x;
  sine = bit_cast<F8>(bit_cast<I8>(select(plain, s, c)) ^ sine_sign);
  cosine = bit_cast<F8>(bit_cast<I8>(select(plain, c, s)) ^ cosine_sign);
}

inline F8 square_root(F8 x) {
  float lanes[8];
  std::memcpy(lanes, &x, sizeof lanes);
  for (float& lane : lanes) lane = __builtin_sqrtf(lane);
  std::memcpy(&x, lanes, sizeof lanes);
  return x;
}

void normal_float(float* data, int64_t blocks, float mean, float std) {
  for (int64_t b = 0; b < blocks; ++b, data += 16) {
    F8 u1, u2, sine, cosine;
    std::memcpy(&u1, data, sizeof u1);
    std::memcpy(&u2, data + 8, sizeof u2);
    F8 radius = square_root(log_positive(1.0f - u1) * -2.0f);
    sine_cosine(u2 * static_cast<float>(2.0 * M_PI), sine, cosine);
    F8 first = radius * cosine, second = radius * sine;
    first = first * std + mean;
    second = second * std + mean;
    std::memcpy(data, &first, sizeof first);
    std::memcpy(data + 8, &second, sizeof second);
  }
}

void normal_double(double* data, int64_t blocks, double mean, double std) {
  for (int64_t b = 0; b < blocks; ++b, data += 16)
    for (int j = 0; j < 8; ++j) {
      double radius = std::sqrt(-2 * std::log(1 - data[j])), theta = 2.0 * M_PI * data[j + 8];
      data[j] = radius * std::cos(theta) * std + mean;
      data[j + 8] = radius * std::sin(theta) * std + mean;
    }
}

double normal_pair(double u1, double u2, double mean, double std, double* spare) {
  double radius = std::sqrt(-2.0 * std::log1p(-u2)), theta = 2.0 * M_PI * u1;
  *spare = radius * std::sin(theta);
  return radius * std::cos(theta) * std + mean;
}

double normal_from_spare(double spare, double mean, double std) { return spare * std + mean; }

// 1 - u is exact, so its plain logarithm is the same number as log1p(-u), at a third of the cost.
void exponential64(const uint32_t* words, double* out, int64_t n, double lambda, bool exact) {
  for (int64_t i = 0; i < n; ++i) {
    double u = unit64(words + 2 * i);
    double logarithm = u >= 1 - 0x1p-53 ? -0x1p-53 : exact ? std::log1p(-u) : std::log(1 - u);
    out[i] = -1.0 / lambda * logarithm;
  }
}

template <class U>
void choose(const uint32_t* __restrict words, U* __restrict out, int64_t n, uint64_t threshold, U one) {
  for (int64_t i = 0; i < n; ++i) out[i] = bits53(words + 2 * i) < threshold ? one : U(0);
}

void bernoulli64(const uint32_t* words, void* out, int64_t n, uint64_t threshold, int64_t item_size, uint64_t one) {
  switch (item_size) {
    case 1: return choose(words, static_cast<uint8_t*>(out), n, threshold, static_cast<uint8_t>(one));
    case 2: return choose(words, static_cast<uint16_t*>(out), n, threshold, static_cast<uint16_t>(one));
    case 4: return choose(words, static_cast<uint32_t*>(out), n, threshold, static_cast<uint32_t>(one));
    default: return choose(words, static_cast<uint64_t*>(out), n, threshold, one);
  }
}

}  // namespace

KERNELS(RandomKernels, random_kernels) = {
    twist, temper, uniform, normal_float, normal_double, normal_pair, normal_from_spare, exponential64, bernoulli64};

}  // namespace facula::cpu::FACULA_ISA
