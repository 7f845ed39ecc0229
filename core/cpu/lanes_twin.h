// Two vectors computed side by side, for long formulas on sets with few short registers: while one result is awaited,
// the other one's operation runs. Real lanes and what formulas of one operand use; no memory but whole pairs.
#pragma once
#include "cpu/lanes.h"

namespace facula::cpu::FACULA_ISA {

template <class T>
struct TwinMask {
  Mask<T> a, b;
  friend LANE_OP TwinMask operator&(TwinMask x, TwinMask y) { return {x.a & y.a, x.b & y.b}; }
  friend LANE_OP TwinMask operator|(TwinMask x, TwinMask y) { return {x.a | y.a, x.b | y.b}; }
  friend LANE_OP TwinMask operator^(TwinMask x, TwinMask y) { return {x.a ^ y.a, x.b ^ y.b}; }
  friend LANE_OP TwinMask operator!(TwinMask x) { return {!x.a, !x.b}; }
};

template <class T>
struct Twin {
  using Lane = T;
  using MaskType = TwinMask<T>;
  static constexpr int width = 2 * Vec<T>::width;
  Vec<T> a, b;
  Twin() = default;
  LANE_OP Twin(Vec<T> a, Vec<T> b) : a(a), b(b) {}
  template <class N>
    requires(std::is_arithmetic_v<N>)
  LANE_OP Twin(N x) : a(x), b(x) {}
  // clang-format off
#define OF_BOTH(op) \
  friend LANE_OP Twin operator op(Twin x, Twin y) { return {x.a op y.a, x.b op y.b}; }
  OF_BOTH(+) OF_BOTH(-) OF_BOTH(*) OF_BOTH(/)
#undef OF_BOTH
  friend LANE_OP Twin operator-(Twin x) { return {-x.a, -x.b}; }
#define OF_BOTH(op) \
  friend LANE_OP TwinMask<T> operator op(Twin x, Twin y) { return {x.a op y.a, x.b op y.b}; }
  OF_BOTH(<) OF_BOTH(<=) OF_BOTH(>) OF_BOTH(>=) OF_BOTH(==) OF_BOTH(!=)
#undef OF_BOTH
  friend LANE_OP Twin select(TwinMask<T> c, Twin x, Twin y) { return {select(c.a, x.a, y.a), select(c.b, x.b, y.b)}; }
};

#define OF_BOTH(function) \
  template <class T> LANE_OP Twin<T> function(Twin<T> x) { return {function(x.a), function(x.b)}; }
OF_BOTH(rough_reciprocal) OF_BOTH(fast_reciprocal)
#undef OF_BOTH
#define OF_BOTH(function) \
  template <class T> LANE_OP Twin<T> function(Twin<T> x, Twin<T> y) { return {function(x.a, y.a), function(x.b, y.b)}; }
OF_BOTH(bit_and) OF_BOTH(bit_or) OF_BOTH(bit_xor) OF_BOTH(limit_above) OF_BOTH(limit_below) OF_BOTH(quotient)
OF_BOTH(scale_normal) OF_BOTH(scale_by_power)
#undef OF_BOTH
#define OF_BOTH(function) \
  template <class T> LANE_OP Twin<T> function(Twin<T> x, int n) { return {function(x.a, n), function(x.b, n)}; }
OF_BOTH(shift_left) OF_BOTH(shift_right) OF_BOTH(shift_right_logical)
#undef OF_BOTH
    // clang-format on

    // Roots of double by the divider and by products at the same time.
    template <class T>
    LANE_OP Twin<T> sqrt_lanes(Twin<T> x) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 8) return {sqrt_lanes(x.a), root_by_products(x.b)};
#endif
  return {sqrt_lanes(x.a), sqrt_lanes(x.b)};
}
template <class T>
LANE_OP Twin<IntOf<T>> bits_of(Twin<T> x) {
  return {bits_of(x.a), bits_of(x.b)};
}
template <class T>
LANE_OP Twin<T> from_bits(Twin<IntOf<T>> x) {
  return {from_bits<T>(x.a), from_bits<T>(x.b)};
}
template <class T>
LANE_OP TwinMask<T> retype(TwinMask<IntOf<T>> m) {
  return {retype<T>(m.a), retype<T>(m.b)};
}
LANE_OP Twin<float> to_float(Twin<int32_t> x) { return {to_float(x.a), to_float(x.b)}; }
template <class T>
LANE_OP bool any(TwinMask<T> m) {
  return any(m.a | m.b);
}
template <class T>
LANE_OP bool all_within(Twin<T> x, double bound) {
  const Vec<T> magnitudes = from_bits<T>(bits_of(Vec<T>(T(-0.0))) - Vec<IntOf<T>>(1));
  auto outside = [&](Vec<T> v) { return !(from_bits<T>(bit_and(bits_of(v), bits_of(magnitudes))) < Vec<T>(bound)); };
  return !any(outside(x.a) | outside(x.b));
}
template <class T>
LANE_OP Twin<T> residual(Twin<T> a, Twin<T> b, Twin<T> c) {
  return {residual(a.a, b.a, c.a), residual(a.b, b.b, c.b)};
}
template <class F, class T>
LANE_OP Twin<T> per_lane(F f, Twin<T> x) {
  return {per_lane(f, x.a), per_lane(f, x.b)};
}

template <class T>
LANE_OP Twin<T> load_twin(const T* p) {
  return {load(p), load(p + Vec<T>::width)};
}
template <class T>
LANE_OP void store_lanes(T* p, Twin<T> x) {
  store(p, x.a);
  store(p + Vec<T>::width, x.b);
}

}  // namespace facula::cpu::FACULA_ISA
