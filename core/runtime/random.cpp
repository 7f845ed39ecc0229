// PyTorch's CPU random streams: how many mt19937 words every fill draws, in which order, and what stays cached.
// Which values are drawn is the contract; the words are made in blocks and the costly maps run on the pool.
#include "runtime/random.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "base/error.h"
#include "cpu/random.h"
#include "runtime/parallel.h"

namespace facula {
namespace {

constexpr int kN = 624;  // words of mt19937's state

// The next n words, tempered.
void draw(Generator& g, uint32_t* out, int64_t n) {
  const cpu::RandomKernels& kernels = cpu::random();
  while (n > 0) {
    if (g.left == 1) {
      kernels.twist(g.state);
      g.left = kN + 1;
      g.next = 0;
    }
    int64_t count = std::min<int64_t>(n, g.left - 1);
    kernels.temper(g.state + g.next, out, count);
    g.next += static_cast<int>(count);
    g.left -= static_cast<int>(count);
    out += count;
    n -= count;
  }
}

// Calls body(words, first, count) over pieces of [0, n), each value with `per` words; pieces fit the first cache level.
constexpr int64_t kPieceWords = 4096;
template <class Body>
void in_pieces(Generator& g, int64_t n, int per, Body&& body) {
  alignas(64) uint32_t words[kPieceWords];
  for (int64_t i = 0; i < n;) {
    int64_t count = std::min(n - i, kPieceWords / per);
    draw(g, words, count * per);
    body(static_cast<const uint32_t*>(words), i, count);
    i += count;
  }
}

// The same with large pieces, each split over the pool: for maps that cost far more than the words.
constexpr int64_t kSharedWords = 1 << 17, kSharedGrain = 2048;
template <class Body>
void in_shared_pieces(Generator& g, int64_t n, Body&& body) {
  if (n <= kPieceWords / 2) return in_pieces(g, n, 2, body);
  auto words = std::make_unique<uint32_t[]>(static_cast<size_t>(std::min(2 * n, kSharedWords)));
  for (int64_t i = 0; i < n;) {
    int64_t count = std::min(n - i, kSharedWords / 2);
    draw(g, words.get(), count * 2);
    const uint32_t* first = words.get();
    parallel_for(count, kSharedGrain, [&](int64_t b, int64_t e) { body(first + 2 * b, i + b, e - b); });
    i += count;
  }
}

template <class T, class V>
inline T value_as(V x) {
  if constexpr (std::is_same_v<T, Half>)
    return to_half(static_cast<float>(x));
  else if constexpr (std::is_same_v<T, BFloat>)
    return to_bfloat(static_cast<float>(x));
  else
    return static_cast<T>(x);
}

// Calls f with a null pointer of the C type; the types of `kernel`'s message are those that PyTorch refuses.
template <class F>
void with_type(DType dtype, const char* kernel, F&& f) {
  switch (dtype) {
    case DType::Bool: return f(static_cast<bool*>(nullptr));
    case DType::UInt8: return f(static_cast<uint8_t*>(nullptr));
    case DType::Int8: return f(static_cast<int8_t*>(nullptr));
    case DType::Int16: return f(static_cast<int16_t*>(nullptr));
    case DType::Int32: return f(static_cast<int32_t*>(nullptr));
    case DType::Int64: return f(static_cast<int64_t*>(nullptr));
    case DType::Float16: return f(static_cast<Half*>(nullptr));
    case DType::BFloat16: return f(static_cast<BFloat*>(nullptr));
    case DType::Float32: return f(static_cast<float*>(nullptr));
    case DType::Float64: return f(static_cast<double*>(nullptr));
    default: fail(ErrorKind::NotImplemented, '"', kernel, "\" not implemented for '", scalar_type_name(dtype), "'");
  }
}

void check_floating(DType dtype, const char* kernel) {
  FACULA_CHECK(is_floating(dtype), NotImplemented, '"', kernel, "\" not implemented for '", scalar_type_name(dtype),
               "'");
}

template <class Body>
void in_blocks_of_16(int64_t blocks, Body&& body) {
  parallel_for(blocks, 256, body);  // 256 blocks: about 10 us
}

// From 16 elements on: blocks of 16 uniforms become 16 normals; a ragged tail redraws the last 16 elements.
template <class T, class Kernel>
void normal_blocks(Generator& g, T* out, int64_t n, DType dtype, T mean, T std, Kernel kernel) {
  fill_uniform(g, out, n, dtype, 0, 1);
  in_blocks_of_16(n / 16, [=](int64_t b, int64_t e) { kernel(out + 16 * b, e - b, mean, std); });
  if (n % 16 == 0) return;
  fill_uniform(g, out + n - 16, 16, dtype, 0, 1);
  kernel(out + n - 16, 1, mean, std);
}

// Half precision: whole blocks only are drawn before the tail's own 16.
template <class T>
void normal_blocks_reduced(Generator& g, T* out, int64_t n, float mean, float std) {
  const cpu::RandomKernels& kernels = cpu::random();
  auto fill = [&](T* to, int64_t count) {
    in_pieces(g, count, 1, [&](const uint32_t* words, int64_t first, int64_t m) {
      alignas(64) float values[kPieceWords];
      kernels.uniform(DType::Float32, words, values, m, 0, 1);
      kernels.normal_float(values, m / 16, mean, std);
      for (int64_t i = 0; i < m; ++i) to[first + i] = value_as<T>(values[i]);
    });
  };
  fill(out, n / 16 * 16);
  if (n % 16 != 0) fill(out + n - 16, 16);
}

// Below 16 elements: normals one by one in double, two from a pair of uniforms, the second kept in the generator.
template <class T>
void normal_each(Generator& g, T* out, int64_t n, double mean, double std) {
  const cpu::RandomKernels& kernels = cpu::random();
  for (int64_t i = 0; i < n; ++i) {
    if (g.has_double_normal) {
      g.has_double_normal = false;
      out[i] = value_as<T>(kernels.normal_from_spare(g.double_normal, mean, std));
      continue;
    }
    double u1 = static_cast<double>(g.random64() & ((uint64_t{1} << 53) - 1)) * 0x1p-53;
    double u2 = static_cast<double>(g.random64() & ((uint64_t{1} << 53) - 1)) * 0x1p-53;
    out[i] = value_as<T>(kernels.normal_pair(u1, u2, mean, std, &g.double_normal));
    g.has_double_normal = true;
  }
}

// x mod d without a division: D. Lemire, O. Kaser, N. Kurz, Faster remainder by direct computation (2019). d > 0.
struct Remainder32 {
  explicit Remainder32(uint32_t d) : magic(~uint64_t{0} / d + 1), divisor(d) {}
  uint32_t operator()(uint32_t x) const {
    return static_cast<uint32_t>((static_cast<unsigned __int128>(magic * x) * divisor) >> 64);
  }
  uint64_t magic;
  uint32_t divisor;
};

// x mod d by a multiplication: T. Granlund, P. Montgomery, Division by invariant integers (1994), figure 4.1. d > 1.
struct Remainder64 {
  explicit Remainder64(uint64_t d) : divisor(d), shift(63 - __builtin_clzll(d - 1)) {
    unsigned __int128 power = static_cast<unsigned __int128>(1) << (shift + 1);  // the first power of two >= d
    magic = static_cast<uint64_t>(((power - d) << 64) / d) + 1;
  }
  uint64_t operator()(uint64_t x) const {
    uint64_t high = static_cast<uint64_t>((static_cast<unsigned __int128>(magic) * x) >> 64);
    return x - ((high + ((x - high) >> 1)) >> shift) * divisor;
  }
  uint64_t divisor, magic;
  int shift;
};

uint64_t word64(const uint32_t* pair) { return (uint64_t{pair[0]} << 32) | pair[1]; }

}  // namespace

Generator::Generator(uint64_t s) { manual_seed(s); }

void Generator::manual_seed(uint64_t s) {
  seed = s;
  state[0] = static_cast<uint32_t>(s);
  for (uint32_t i = 1; i < kN; ++i)  // Knuth's recurrence, TAOCP volume 2, 3rd edition, page 106
    state[i] = 1812433253u * (state[i - 1] ^ (state[i - 1] >> 30)) + i;
  left = 1;
  next = 0;
  seeded = true;
  has_float_normal = has_double_normal = false;
}

// One word of the state as it is given out: Matsumoto & Nishimura 1998, table II.
static uint32_t tempered(uint32_t y) {
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

int Generator::uniforms_ahead(double* out, int most) const {
  const int pairs = left > 2 ? std::min(most, (left - 1) / 2) : 0;
  for (int i = 0; i < pairs; ++i) {
    const uint64_t word = (uint64_t{tempered(state[next + 2 * i])} << 32) | tempered(state[next + 2 * i + 1]);
    out[i] = static_cast<double>(static_cast<int64_t>(word & ((uint64_t{1} << 53) - 1))) * 0x1p-53;
  }
  return pairs;
}

uint64_t Generator::random64() {
  if (left > 2) {  // both words are in the block: the case that samplers wait for
    uint64_t word = (uint64_t{tempered(state[next])} << 32) | tempered(state[next + 1]);
    next += 2;
    left -= 2;
    return word;
  }
  uint32_t pair[2];
  draw(*this, pair, 2);
  return word64(pair);
}

namespace {
// PyTorch's CPU generator state: little endian, 64-bit state words, then the cached normals.
struct StateBytes {
  uint64_t seed;
  int32_t left, seeded;
  uint64_t next, state[kN];
  double normal_x, double_normal, normal_rho;
  int32_t has_double_normal, padding;
  float float_normal;
  bool has_float_normal;
  char tail[3];
};
static_assert(sizeof(StateBytes) == Generator::kStateBytes);
}  // namespace

void Generator::get_state(uint8_t* out) const {
  StateBytes bytes{};
  bytes.seed = seed;
  bytes.left = left;
  bytes.seeded = seeded;
  bytes.next = static_cast<uint64_t>(next);
  std::copy(state, state + kN, bytes.state);
  if (has_double_normal) bytes.double_normal = double_normal;
  if (has_float_normal) bytes.float_normal = float_normal;
  bytes.has_double_normal = has_double_normal;
  bytes.has_float_normal = has_float_normal;
  std::memcpy(out, &bytes, sizeof bytes);
}

void Generator::set_state(const uint8_t* in) {
  StateBytes bytes;
  std::memcpy(&bytes, in, offsetof(StateBytes, has_float_normal));
  FACULA_CHECK(bytes.seeded && bytes.left > 0 && bytes.left <= kN && bytes.next <= kN, Runtime,
               "Invalid mt19937 state");
  // The two counters name the same position; one that disagrees would read past the block.
  FACULA_CHECK(bytes.left == 1 || bytes.next + static_cast<uint64_t>(bytes.left) == kN + 1, Runtime,
               "Invalid mt19937 state: left = ", bytes.left, " does not match next = ", bytes.next);
  seed = bytes.seed;
  left = bytes.left;
  next = static_cast<int>(bytes.next);
  seeded = true;
  for (int i = 0; i < kN; ++i) state[i] = static_cast<uint32_t>(bytes.state[i]);
  has_double_normal = bytes.has_double_normal != 0;
  has_float_normal = in[offsetof(StateBytes, has_float_normal)] != 0;
  double_normal = has_double_normal ? bytes.double_normal : 0;
  float_normal = has_float_normal ? bytes.float_normal : 0;
}

Generator& default_generator() {
  static Generator* generator = new Generator;  // never destroyed: threads may outlive static destruction
  return *generator;
}

void fill_uniform(Generator& g, void* out, int64_t n, DType dtype, double from, double to) {
  check_floating(dtype, "check_uniform_bounds");
  const cpu::RandomKernels& kernels = cpu::random();
  int64_t size = item_size(dtype);
  in_pieces(g, n, dtype == DType::Float64 ? 2 : 1, [&](const uint32_t* words, int64_t first, int64_t count) {
    kernels.uniform(dtype, words, static_cast<char*>(out) + first * size, count, from, to);
  });
}

void fill_normal(Generator& g, void* out, int64_t n, DType dtype, double mean, double std, bool contiguous) {
  check_floating(dtype, "normal_kernel_cpu");
  const cpu::RandomKernels& kernels = cpu::random();
  const bool blocks = contiguous && n >= 16;
  const float mean_float = static_cast<float>(mean), std_float = static_cast<float>(std);
  with_type(dtype, "normal_kernel_cpu", [&]<class T>(T*) {
    T* to = static_cast<T*>(out);
    if (!blocks)
      normal_each(g, to, n, mean, std);
    else if constexpr (std::is_same_v<T, float>)
      normal_blocks(g, to, n, dtype, mean_float, std_float, kernels.normal_float);
    else if constexpr (std::is_same_v<T, double>)
      normal_blocks(g, to, n, dtype, mean, std, kernels.normal_double);
    else
      normal_blocks_reduced(g, to, n, mean_float, std_float);
  });
}

void fill_random_from_to(Generator& g, void* out, int64_t n, DType dtype, int64_t from, uint64_t range) {
  constexpr uint64_t kWideRange = uint64_t{1} << 28;  // from here on 32 bits would skew the remainder visibly
  with_type(dtype, "random_from_to_kernel_cpu", [&]<class T>(T*) {
    T* to = static_cast<T*>(out);
    auto shifted = [from](uint64_t x) { return static_cast<int64_t>(x + static_cast<uint64_t>(from)); };
    if (range == 0 || range >= kWideRange) {
      const Remainder64 remainder(range ? range : 2);
      in_pieces(g, n, 2, [=](const uint32_t* words, int64_t first, int64_t count) {
        for (int64_t i = 0; i < count; ++i) {
          uint64_t x = word64(words + 2 * i);
          to[first + i] = value_as<T>(shifted(range ? remainder(x) : x));
        }
      });
      return;
    }
    const Remainder32 remainder(static_cast<uint32_t>(range));
    const bool one = range == 1;  // the magic number of 1 does not fit 64 bits
    in_pieces(g, n, 1, [=](const uint32_t* words, int64_t first, int64_t count) {
      for (int64_t i = 0; i < count; ++i) to[first + i] = value_as<T>(shifted(one ? 0 : remainder(words[i])));
    });
  });
}

void fill_random_full(Generator& g, void* out, int64_t n, DType dtype) {
  with_type(dtype, "random_kernel_cpu", [&]<class T>(T*) {
    T* to = static_cast<T*>(out);
    if constexpr (std::is_same_v<T, int64_t> || std::is_same_v<T, double>) {
      in_pieces(g, n, 2, [=](const uint32_t* words, int64_t first, int64_t count) {
        for (int64_t i = 0; i < count; ++i) {
          uint64_t x = word64(words + 2 * i);
          to[first + i] = std::is_same_v<T, double> ? value_as<T>(x % ((uint64_t{1} << 53) + 1))
                                                    : value_as<T>(x & (~uint64_t{0} >> 1));
        }
      });
    } else {
      // Integers: their maximum + 1 values. Floating: every integer up to two to the number of significand bits.
      uint64_t values = 2;
      if constexpr (std::is_same_v<T, Half>)
        values = (1 << 11) + 1;
      else if constexpr (std::is_same_v<T, BFloat>)
        values = (1 << 8) + 1;
      else if constexpr (std::is_same_v<T, float>)
        values = (1 << 24) + 1;
      else if constexpr (!std::is_same_v<T, bool>)
        values = uint64_t{std::numeric_limits<T>::max()} + 1;
      const Remainder32 remainder(static_cast<uint32_t>(values));
      in_pieces(g, n, 1, [=](const uint32_t* words, int64_t first, int64_t count) {
        for (int64_t i = 0; i < count; ++i) to[first + i] = value_as<T>(remainder(words[i]));
      });
    }
  });
}

void fill_bernoulli(Generator& g, void* out, int64_t n, DType dtype, double p) {
  FACULA_CHECK(p >= 0 && p <= 1, Runtime, "bernoulli_ expects p to be in [0, 1], but got p=", p);
  const cpu::RandomKernels& kernels = cpu::random();
  // A uniform of 53 bits below p, without leaving the integers.
  const uint64_t threshold = static_cast<uint64_t>(std::ceil(std::ldexp(p, 53)));
  uint64_t one = 0;
  with_type(dtype, "bernoulli_scalar_cpu_", [&]<class T>(T*) {
    const T value = value_as<T>(1);
    std::memcpy(&one, &value, sizeof value);  // little endian
  });
  const int64_t size = item_size(dtype);
  in_pieces(g, n, 2, [=, &kernels](const uint32_t* words, int64_t first, int64_t count) {
    kernels.bernoulli64(words, static_cast<char*>(out) + first * size, count, threshold, size, one);
  });
}

void fill_bernoulli_each(Generator& g, void* out, const void* p, int64_t n, DType dtype, DType p_dtype) {
  check_floating(p_dtype, "bernoulli_tensor_cpu_p_");
  const bool wide = p_dtype == DType::Float64;
  auto chance = [=](int64_t i) -> double {
    switch (p_dtype) {
      case DType::Float64: return static_cast<const double*>(p)[i];
      case DType::Float32: return static_cast<const float*>(p)[i];
      case DType::Float16: return to_float(static_cast<const Half*>(p)[i]);
      default: return to_float(static_cast<const BFloat*>(p)[i]);
    }
  };
  for (int64_t i = 0; i < n; ++i)
    FACULA_CHECK(chance(i) >= 0 && chance(i) <= 1, Runtime,
                 "Expected p_in >= 0 && p_in <= 1 to be true, but got false: ", "bernoulli: probability ", i, " is ",
                 chance(i), "; give values in [0, 1]");
  with_type(dtype, "bernoulli_tensor_cpu_self_", [&]<class T>(T*) {
    T* to = static_cast<T*>(out);
    in_pieces(g, n, wide ? 2 : 1, [=](const uint32_t* words, int64_t first, int64_t count) {
      for (int64_t i = 0; i < count; ++i) {
        double u = wide ? static_cast<double>(word64(words + 2 * i) & ((uint64_t{1} << 53) - 1)) * 0x1p-53
                        : static_cast<double>(words[i] & 0xffffff) * 0x1p-24;
        to[first + i] = value_as<T>(u < chance(first + i) ? 1 : 0);
      }
    });
  });
}

void fill_exponential(Generator& g, void* out, int64_t n, DType dtype, double lambda) {
  FACULA_CHECK(lambda > 0, Runtime, "exponential_ expects lambda > 0.0, but found lambda=", lambda);
  FACULA_CHECK(is_floating(dtype), Runtime, "Exponential distribution is a continuous probability distribution. ",
               "dtype must be a floating point but you specified ", scalar_type_name(dtype));
  const cpu::RandomKernels& kernels = cpu::random();
  with_type(dtype, "exponential_cpu", [&]<class T>(T*) {
    T* to = static_cast<T*>(out);
    in_shared_pieces(g, n, [=, &kernels](const uint32_t* words, int64_t first, int64_t count) {
      alignas(64) double values[512];
      for (int64_t i = 0; i < count; i += 512) {
        int64_t m = std::min<int64_t>(512, count - i);
        kernels.exponential64(words + 2 * i, values, m, lambda, std::is_same_v<T, double>);
        for (int64_t j = 0; j < m; ++j) to[first + i + j] = value_as<T>(values[j]);
      }
    });
  });
}

void fill_randperm(Generator& g, void* out, int64_t n, DType dtype) {
  FACULA_CHECK(dtype != DType::Bool && !is_complex(dtype), NotImplemented, "\"randperm\" not implemented for '",
               scalar_type_name(dtype), "'");
  // Up to here 32 bits leave no visible skew in the remainder.
  constexpr int64_t kNarrow = std::numeric_limits<uint32_t>::max() / 20;
  with_type(dtype, "randperm", [&]<class T>(T*) {
    T* to = static_cast<T*>(out);
    for (int64_t i = 0; i < n; ++i) to[i] = value_as<T>(i);
    if (n < kNarrow) {
      in_pieces(g, std::max<int64_t>(n - 1, 0), 1, [=](const uint32_t* words, int64_t first, int64_t count) {
        for (int64_t i = 0; i < count; ++i) {
          T* at = to + first + i;
          std::swap(*at, at[words[i] % static_cast<uint32_t>(n - first - i)]);
        }
      });
      return;
    }
    in_pieces(g, n - 1, 2, [=](const uint32_t* words, int64_t first, int64_t count) {
      for (int64_t i = 0; i < count; ++i) {
        T* at = to + first + i;
        std::swap(*at, at[word64(words + 2 * i) % static_cast<uint64_t>(n - first - i)]);
      }
    });
  });
}

}  // namespace facula
