// Conversions from and to uint16, uint32 and uint64, out of those between the other types: where only bits count those
// of the signed type of the same width, else in two steps. For cpu/copy.cpp alone; correct, not fast.
#pragma once
#include "cpu/copy.h"

namespace facula::cpu::FACULA_ISA {
namespace {

// n elements from type S to D through blocks of M.
void convert_staged(DType from, DType middle, DType to, int64_t n, const void* src, int64_t src_stride, void* dst,
                    int64_t dst_stride) {
  constexpr int64_t kBlock = 256;
  alignas(64) char block[kBlock * 8];
  const Convert first = copy_kernels.convert[index_of(from)][index_of(middle)],
                second = copy_kernels.convert[index_of(middle)][index_of(to)];
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t m = n - i < kBlock ? n - i : kBlock;
    first(m, static_cast<const char*>(src) + i * src_stride * item_size(from), src_stride, block, 1);
    second(m, block, 1, static_cast<char*>(dst) + i * dst_stride * item_size(to), dst_stride);
  }
}
template <DType S, DType M, DType D>
void through(int64_t n, const void* src, int64_t src_stride, void* dst, int64_t dst_stride) {
  convert_staged(S, M, D, n, src, src_stride, dst, dst_stride);
}
template <DType S, DType M, DType... D>
constexpr void go_through(CopyKernels& k) {
  ((k.convert[index_of(S)][index_of(D)] = through<S, M, D>), ...);
}

// One rounding from uint64; to it what lies outside wraps or saturates as x86 does it in two halves.
template <class S, class D>
D cast_unsigned(S x) {
  if constexpr (std::is_same_v<S, double>) {
    constexpr double kHalf = 9223372036854775808.0;  // 2^63
    auto part = [](double v) { return v >= -kHalf && v < kHalf ? static_cast<int64_t>(v) : INT64_MIN; };
    return x >= kHalf ? static_cast<D>(part(x - kHalf)) ^ (uint64_t{1} << 63) : static_cast<D>(part(x));
  } else {
    return static_cast<D>(x);
  }
}
template <class S, class D>
void convert_unsigned(int64_t n, const void* src, int64_t src_stride, void* dst, int64_t dst_stride) {
  const S* s = static_cast<const S*>(src);
  D* d = static_cast<D*>(dst);
  for (int64_t i = 0; i < n; ++i) d[i * dst_stride] = cast_unsigned<S, D>(s[i * src_stride]);
}

constexpr void fill_unsigned(CopyKernels& k) {
  using enum DType;
  auto& c = k.convert;
  for (DType u : {UInt16, UInt32, UInt64}) {
    const int at = index_of(u), same = index_of(signed_of(u));
    for (int t = 0; t < kNumDTypes; ++t) {  // the bits of the other type are kept, extended or cut
      const int other = index_of(signed_of(static_cast<DType>(t)));
      c[t][at] = c[other][same];
      c[at][t] = c[same][other];
    }
  }
  c[index_of(UInt16)][index_of(Int64)] = c[index_of(UInt16)][index_of(UInt64)] = convert_unsigned<uint16_t, int64_t>;
  c[index_of(UInt32)][index_of(Int64)] = c[index_of(UInt32)][index_of(UInt64)] = convert_unsigned<uint32_t, int64_t>;
  c[index_of(UInt64)][index_of(Float32)] = convert_unsigned<uint64_t, float>;
  c[index_of(UInt64)][index_of(Float64)] = convert_unsigned<uint64_t, double>;
  c[index_of(Float64)][index_of(UInt64)] = convert_unsigned<double, uint64_t>;
  go_through<UInt16, Int64, Int32, UInt32, Float16, BFloat16, Float32, Float64, Complex64, Complex128>(k);
  go_through<UInt32, Int64, Float16, BFloat16, Float32, Float64, Complex64, Complex128>(k);
  go_through<UInt64, Float32, Float16, BFloat16, Complex64>(k);
  go_through<UInt64, Float64, Complex128>(k);
  go_through<Float16, Int64, UInt32>(k);
  go_through<BFloat16, Int64, UInt32>(k);
  go_through<Float32, Int64, UInt32>(k);
  go_through<Float64, Int64, UInt32>(k);
  go_through<Complex64, Int64, UInt32>(k);
  go_through<Complex128, Int64, UInt32>(k);
  go_through<Float16, Float64, UInt64>(k);
  go_through<BFloat16, Float64, UInt64>(k);
  go_through<Float32, Float64, UInt64>(k);
  go_through<Complex64, Float64, UInt64>(k);
  go_through<Complex128, Float64, UInt64>(k);
}

}  // namespace
}  // namespace facula::cpu::FACULA_ISA
