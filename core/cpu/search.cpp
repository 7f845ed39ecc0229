// Binary search in ascending bounds, a value at a time and without branches on what is compared.
#include <type_traits>

#include "cpu/sort.h"
#include "runtime/parallel.h"

namespace facula::cpu::FACULA_ISA {
namespace {

constexpr int64_t kGrain = 2048;  // searches worth a second thread

inline float number(Half h) { return to_float(h); }
inline float number(BFloat h) { return to_float(h); }
template <class T>
inline T number(T v) {
  return v;
}

// The first position whose bound is not below the value (right: is above it). Nothing is below or above a NaN here,
// which puts it last, as PyTorch does.
template <bool right, class T>
inline int64_t position(const T* bounds, const int64_t* sorter, int64_t n, T value) {
  const auto v = number(value);
  int64_t start = 0;
  while (n > 0) {
    const int64_t half = n >> 1, at = start + half;
    const auto bound = number(bounds[sorter ? sorter[at] : at]);
    const bool beyond = right ? !(bound > v) : !(bound >= v);
    start = beyond ? at + 1 : start;
    n = beyond ? n - half - 1 : half;
  }
  return start;
}

// Several values in step: the accesses of one do not wait for those of another.
constexpr int64_t kTogether = 16;
template <bool right, class T, class Out>
void search_together(const T* bounds, int64_t n, const T* values, Out* out) {
  decltype(number(T())) v[kTogether];
  int64_t at[kTogether] = {};
  for (int64_t k = 0; k < kTogether; ++k) v[k] = number(values[k]);
  auto beyond = [&](int64_t k, int64_t place) {
    const auto bound = number(bounds[place]);
    return right ? !(bound > v[k]) : !(bound >= v[k]);
  };
  for (; n > 1; n -= n >> 1)
    for (int64_t k = 0, half = n >> 1; k < kTogether; ++k) at[k] += beyond(k, at[k] + half - 1) ? half : 0;
  for (int64_t k = 0; k < kTogether; ++k) out[k] = static_cast<Out>(at[k] + beyond(k, at[k]));
}

template <bool right, class T, class Out>
void search_rows(const SearchShape& s, const T* bounds, const T* values, const int64_t* sorter, Out* out) {
  parallel_for(s.rows * s.values, kGrain, [=](int64_t begin, int64_t end) {
    int64_t i = begin;
    if (s.rows == 1 && !sorter && s.bounds > 0)
      for (; i + kTogether <= end; i += kTogether) search_together<right>(bounds, s.bounds, values + i, out + i);
    for (; i < end; ++i) {
      const int64_t first = i / s.values * s.bounds;
      out[i] =
          static_cast<Out>(position<right>(bounds + first, sorter ? sorter + first : nullptr, s.bounds, values[i]));
    }
  });
}

template <class T>
bool search_as(const SearchShape& s, const void* bounds_, const void* values_, const int64_t* sorter, void* out) {
  const T *bounds = static_cast<const T*>(bounds_), *values = static_cast<const T*>(values_);
  auto run = [&](auto* to) {
    if (s.right)
      search_rows<true>(s, bounds, values, sorter, to);
    else
      search_rows<false>(s, bounds, values, sorter, to);
  };
  if (s.narrow)
    run(static_cast<int32_t*>(out));
  else
    run(static_cast<int64_t*>(out));
  return true;
}

bool search_op(const SearchShape& s, const void* bounds, const void* values, const int64_t* sorter, void* out) {
  switch (s.dtype) {
    case DType::UInt8: return search_as<uint8_t>(s, bounds, values, sorter, out);
    case DType::Int8: return search_as<int8_t>(s, bounds, values, sorter, out);
    case DType::Int16: return search_as<int16_t>(s, bounds, values, sorter, out);
    case DType::Int32: return search_as<int32_t>(s, bounds, values, sorter, out);
    case DType::Int64: return search_as<int64_t>(s, bounds, values, sorter, out);
    case DType::Float16: return search_as<Half>(s, bounds, values, sorter, out);
    case DType::BFloat16: return search_as<BFloat>(s, bounds, values, sorter, out);
    case DType::Float32: return search_as<float>(s, bounds, values, sorter, out);
    case DType::Float64: return search_as<double>(s, bounds, values, sorter, out);
    default: return false;
  }
}

}  // namespace

KERNELS(SearchKernels, search_kernels) = {search_op};

}  // namespace facula::cpu::FACULA_ISA
