// Elements as unsigned integers of the same order: NaN last, -0.0 equal to 0.0. Included by the kernels that compare.
#pragma once
#include <algorithm>
#include <bit>

#include "base/dtype.h"
#include "cpu/sort.h"
#include "runtime/parallel.h"

namespace facula::cpu::FACULA_ISA {
namespace {

inline uint32_t key_of(uint8_t v) { return v; }
inline uint32_t key_of(int8_t v) { return static_cast<uint32_t>(v) ^ 0x80000000u; }
inline uint32_t key_of(int16_t v) { return static_cast<uint32_t>(v) ^ 0x80000000u; }
inline uint32_t key_of(int32_t v) { return static_cast<uint32_t>(v) ^ 0x80000000u; }
inline uint64_t key_of(int64_t v) { return static_cast<uint64_t>(v) ^ (uint64_t{1} << 63); }

// IEEE formats: a set sign reverses the order of the rest. `infinity` is the pattern above which there is only NaN.
template <class U>
inline U float_key(U bits, U infinity) {
  constexpr U sign = U(U(1) << (sizeof(U) * 8 - 1));
  U ordered = bits & sign ? static_cast<U>(~bits) : static_cast<U>(bits | sign);
  ordered = bits == sign ? sign : ordered;
  return static_cast<U>(bits & ~sign) > infinity ? static_cast<U>(~U(0)) : ordered;
}
// Half formats take the upper bits, so that NaN is the largest key in every type.
inline uint32_t key_of(Half h) { return uint32_t{float_key<uint16_t>(h.bits, 0x7c00)} * 0x10001u; }
inline uint32_t key_of(BFloat h) { return uint32_t{float_key<uint16_t>(h.bits, 0x7f80)} * 0x10001u; }
inline uint32_t key_of(float v) { return float_key(std::bit_cast<uint32_t>(v), uint32_t{0x7f800000}); }
inline uint64_t key_of(double v) { return float_key(std::bit_cast<uint64_t>(v), uint64_t{0x7ff0000000000000}); }

// keys[i] = key of in[i]; inverted, their order is the opposite.
template <class K>
using LoadKeys = void (*)(const void* in, int64_t n, bool invert, K* keys);
template <class T, class K>
void load_keys(const void* in, int64_t n, bool invert, K* __restrict keys) {
  const T* x = static_cast<const T*>(in);
  const K flip = invert ? ~K(0) : K(0);
  for (int64_t i = 0; i < n; ++i) keys[i] = key_of(x[i]) ^ flip;
}
inline bool is_wide(DType t) { return t == DType::Int64 || t == DType::Float64; }
template <class K>
LoadKeys<K> loader(DType t) {
  if constexpr (sizeof(K) == 8) {
    return t == DType::Int64 ? load_keys<int64_t, K> : load_keys<double, K>;
  } else {
    switch (t) {
      case DType::Int8: return load_keys<int8_t, K>;
      case DType::Int16: return load_keys<int16_t, K>;
      case DType::Int32: return load_keys<int32_t, K>;
      case DType::Float16: return load_keys<Half, K>;
      case DType::BFloat16: return load_keys<BFloat, K>;
      case DType::Float32: return load_keys<float, K>;
      default: return load_keys<uint8_t, K>;  // bool and uint8
    }
  }
}
// body(K()) for the type of the keys of `t`.
template <class F>
inline void with_key(DType t, F&& body) {
  if (is_wide(t))
    body(uint64_t());
  else
    body(uint32_t());
}

template <class K>
struct KeyRange {
  K low, high;
};
template <class K>
KeyRange<K> range_of(const K* keys, int64_t n) {
  K low = ~K(0), high = 0;
  for (int64_t i = 0; i < n; ++i) {
    low = keys[i] < low ? keys[i] : low;
    high = keys[i] > high ? keys[i] : high;
  }
  return {low, high};
}

// out[j] = in[place(j)] for elements of that size.
template <class Place>
inline void pick(int64_t item, const void* in, int64_t n, void* out, Place place) {
  auto move = [&](auto type) {
    using V = decltype(type);
    const V* from = static_cast<const V*>(in);
    V* to = static_cast<V*>(out);
    for (int64_t j = 0; j < n; ++j) to[j] = from[place(j)];
  };
  switch (item) {
    case 1: return move(uint8_t());
    case 2: return move(uint16_t());
    case 4: return move(uint32_t());
    default: return move(uint64_t());
  }
}

constexpr int64_t kRowGrain = 8192;  // elements whose sorting is worth a second thread

// How many rows are worked on at once, each with scratch memory of its own.
inline int64_t row_slots(const RowsShape& s) { return s.rows < s.threads || s.rows * s.n < kRowGrain ? 1 : s.threads; }
// body(row, slot) for all rows; the rows of one slot run one after the other.
template <class F>
inline void for_rows(const RowsShape& s, F&& body) {
  int64_t slots = row_slots(s);
  parallel_for(slots, 1, [&](int64_t begin, int64_t end) {
    for (int64_t slot = begin; slot < end; ++slot)
      for (int64_t row = s.rows * slot / slots; row < s.rows * (slot + 1) / slots; ++row) body(row, slot);
  });
}

}  // namespace
}  // namespace facula::cpu::FACULA_ISA
