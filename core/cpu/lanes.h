// SIMD lanes of the instruction set being compiled: Vec<T>, Mask<T>, memory, and what GCC's vector extensions lack.
// Mathematics is in core/expr; nothing here knows about formulas.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/dtype.h"
#include "cpu/dispatch.h"

namespace facula::cpu::FACULA_ISA {

#define LANE_OP __attribute__((always_inline)) inline

template <class T>
using IntOf = std::conditional_t<
    sizeof(T) == 1, int8_t,
    std::conditional_t<sizeof(T) == 2, int16_t, std::conditional_t<sizeof(T) == 4, int32_t, int64_t>>>;
template <class T>
struct Vec;
// Integers wrap around: their arithmetic is done unsigned.
template <class T>
struct Wrapping {
  using type = T;
};
template <>
struct Wrapping<int8_t> {
  using type = uint8_t;
};
template <>
struct Wrapping<int16_t> {
  using type = uint16_t;
};
template <>
struct Wrapping<int32_t> {
  using type = uint32_t;
};
template <>
struct Wrapping<int64_t> {
  using type = uint64_t;
};

// One truth value a lane, all bits set or none.
template <class T>
struct Mask {
  using Int = IntOf<T>;
  typedef Int Native __attribute__((vector_size(kLaneBytes)));
  Native m;
  friend LANE_OP Mask operator&(Mask a, Mask b) { return {a.m & b.m}; }
  friend LANE_OP Mask operator|(Mask a, Mask b) { return {a.m | b.m}; }
  friend LANE_OP Mask operator^(Mask a, Mask b) { return {a.m ^ b.m}; }
  friend LANE_OP Mask operator!(Mask a) { return {~a.m}; }
  friend LANE_OP Vec<T> select(Mask c, Vec<T> a, Vec<T> b) { return {c.m ? a.v : b.v}; }
};

// Lanes of T. A plain number mixes in as a broadcast constant.
template <class T>
struct Vec {
  using Lane = T;
  using MaskType = Mask<T>;
  static constexpr int width = kLaneBytes / static_cast<int>(sizeof(T));
  typedef T Native __attribute__((vector_size(kLaneBytes)));
  typedef typename Wrapping<T>::type Wrap __attribute__((vector_size(kLaneBytes)));
  Native v;
  Vec() = default;
  LANE_OP Vec(Native native) : v(native) {}
  template <class N>
    requires(std::is_arithmetic_v<N>)
  LANE_OP Vec(N x) : v(static_cast<T>(x) - Native{}) {}

  friend LANE_OP Vec operator+(Vec a, Vec b) { return (Native)((Wrap)a.v + (Wrap)b.v); }
  friend LANE_OP Vec operator-(Vec a, Vec b) { return (Native)((Wrap)a.v - (Wrap)b.v); }
  friend LANE_OP Vec operator*(Vec a, Vec b) { return (Native)((Wrap)a.v * (Wrap)b.v); }
  friend LANE_OP Vec operator/(Vec a, Vec b) { return a.v / b.v; }
  friend LANE_OP Vec operator-(Vec a) { return (Native)(-(Wrap)a.v); }
  friend LANE_OP Mask<T> operator<(Vec a, Vec b) { return {a.v < b.v}; }
  friend LANE_OP Mask<T> operator<=(Vec a, Vec b) { return {a.v <= b.v}; }
  friend LANE_OP Mask<T> operator>(Vec a, Vec b) { return {a.v > b.v}; }
  friend LANE_OP Mask<T> operator>=(Vec a, Vec b) { return {a.v >= b.v}; }
  friend LANE_OP Mask<T> operator==(Vec a, Vec b) { return {a.v == b.v}; }
  friend LANE_OP Mask<T> operator!=(Vec a, Vec b) { return {a.v != b.v}; }
};

// ---- bits ----

template <class T>
LANE_OP Vec<IntOf<T>> bits_of(Vec<T> x) {
  return (typename Vec<IntOf<T>>::Native)x.v;
}
template <class T>
LANE_OP Vec<T> from_bits(Vec<IntOf<T>> x) {
  return (typename Vec<T>::Native)x.v;
}
template <class T>
LANE_OP Vec<T> bit_and(Vec<T> a, Vec<T> b) {
  return a.v & b.v;
}
template <class T>
LANE_OP Vec<T> bit_or(Vec<T> a, Vec<T> b) {
  return a.v | b.v;
}
template <class T>
LANE_OP Vec<T> bit_xor(Vec<T> a, Vec<T> b) {
  return a.v ^ b.v;
}
template <class T>
LANE_OP Vec<T> shift_left(Vec<T> a, int n) {
  return (typename Vec<T>::Native)((typename Vec<T>::Wrap)a.v << n);
}
template <class T>
LANE_OP Vec<T> shift_right_logical(Vec<T> a, int n) {
  return (typename Vec<T>::Native)((typename Vec<T>::Wrap)a.v >> n);
}
// Each lane by its own count, which is less than the lane's number of bits.
template <class T>
LANE_OP Vec<T> shift_left(Vec<T> a, Vec<T> n) {
  return (typename Vec<T>::Native)((typename Vec<T>::Wrap)a.v << (typename Vec<T>::Wrap)n.v);
}
template <class T>
LANE_OP Vec<T> shift_right(Vec<T> a, Vec<T> n) {
  return a.v >> n.v;
}
template <class T>
LANE_OP Vec<T> shift_right(Vec<T> a, int n) {
  return a.v >> n;
}
// x, and NaN in the lanes of m.
template <class T>
LANE_OP Vec<T> nan_where(Mask<T> m, Vec<T> x) {
  return (typename Vec<T>::Native)((typename Mask<T>::Native)x.v | m.m);
}
template <class T>
LANE_OP Mask<T> retype(Mask<IntOf<T>> m) {
  return {m.m};
}

// ---- memory ----

#if defined(__AVX512F__)
// The unmasked forms leave their unused operand uninitialised in GCC 12's header, which it then warns about.
inline constexpr __mmask16 kAll16 = 0xffff;
inline constexpr __mmask8 kAll8 = 0xff;
#endif

template <class T>
LANE_OP Vec<T> load(const T* p) {
  Vec<T> x;
  std::memcpy(&x.v, p, sizeof x.v);
  return x;
}
template <class T>
LANE_OP void store(T* p, Vec<T> x) {
  std::memcpy(p, &x.v, sizeof x.v);
}

#if defined(__AVX2__) && !defined(__AVX512F__)
// The first n lanes of 4 or 8 bytes.
alignas(32) inline constexpr int64_t kFirstLanes[8] = {-1, -1, -1, -1, 0, 0, 0, 0};
template <int bytes>
LANE_OP __m256i first_lanes(int n) {
  return _mm256_loadu_si256(
      reinterpret_cast<const __m256i*>(reinterpret_cast<const char*>(kFirstLanes + 4) - bytes * n));
}
#endif

// The first n < width lanes; the rest are `fill`, so that no lane computes on garbage (denormals are slow).
template <class T>
LANE_OP Vec<T> load_partial(const T* p, int n, T fill) {
#if defined(__AVX512F__)
  const unsigned mask = (1u << n) - 1;
  if constexpr (sizeof(T) == 4)
    return (typename Vec<T>::Native)_mm512_mask_loadu_ps((__m512)Vec<T>(fill).v, static_cast<__mmask16>(mask), p);
  if constexpr (sizeof(T) == 8)
    return (typename Vec<T>::Native)_mm512_mask_loadu_pd((__m512d)Vec<T>(fill).v, static_cast<__mmask8>(mask), p);
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4 || sizeof(T) == 8) {
    const __m256i mask = first_lanes<sizeof(T)>(n);
    __m256i x;
    if constexpr (sizeof(T) == 4)
      x = _mm256_maskload_epi32(reinterpret_cast<const int*>(p), mask);
    else
      x = _mm256_maskload_epi64(reinterpret_cast<const long long*>(p), mask);
    return (typename Vec<T>::Native)_mm256_blendv_epi8((__m256i)Vec<T>(fill).v, x, mask);
  }
#endif
  alignas(kLaneBytes) T lanes[Vec<T>::width];
  store(lanes, Vec<T>(fill));
  std::memcpy(lanes, p, static_cast<size_t>(n) * sizeof(T));
  return load(lanes);
}
// The first n < width of a staged vector.
template <class T>
LANE_OP void store_partial(T* p, const T* staged, int n) {
#if defined(__AVX512F__)
  const unsigned mask = (1u << n) - 1;
  if constexpr (sizeof(T) == 4) return _mm512_mask_storeu_ps(p, static_cast<__mmask16>(mask), _mm512_load_ps(staged));
  if constexpr (sizeof(T) == 8) return _mm512_mask_storeu_pd(p, static_cast<__mmask8>(mask), _mm512_load_pd(staged));
#elif defined(__AVX2__)
  const __m256i* from = reinterpret_cast<const __m256i*>(staged);
  if constexpr (sizeof(T) == 4)
    return _mm256_maskstore_epi32(reinterpret_cast<int*>(p), first_lanes<4>(n), _mm256_load_si256(from));
  if constexpr (sizeof(T) == 8)
    return _mm256_maskstore_epi64(reinterpret_cast<long long*>(p), first_lanes<8>(n), _mm256_load_si256(from));
#endif
  std::memcpy(p, staged, static_cast<size_t>(n) * sizeof(T));
}
// ---- 16-bit floats: float lanes in registers ----

LANE_OP Vec<float> load(const Half* p) {
#if defined(__AVX512F__)
  return _mm512_maskz_cvtph_ps(kAll16, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
#elif defined(__F16C__)
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
#else
  Vec<float> x;
  for (int i = 0; i < Vec<float>::width; ++i) x.v[i] = to_float(p[i]);
  return x;
#endif
}
LANE_OP void store_lanes(Half* p, Vec<float> x) {
#if defined(__AVX512F__)
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_maskz_cvtps_ph(kAll16, x.v, _MM_FROUND_TO_NEAREST_INT));
#elif defined(__F16C__)
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT));
#else
  for (int i = 0; i < Vec<float>::width; ++i) p[i] = to_half(x.v[i]);
#endif
}
typedef uint16_t HalfWords __attribute__((vector_size(kLaneBytes / 2)));
typedef uint32_t FloatWords __attribute__((vector_size(kLaneBytes)));
LANE_OP Vec<float> load(const BFloat* p) {
#if defined(__AVX512F__)
  const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return (Vec<float>::Native)((FloatWords)_mm512_maskz_cvtepu16_epi32(kAll16, halves) << 16);
#elif defined(__AVX2__)
  const __m256i words = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  return (Vec<float>::Native)_mm256_slli_epi32(words, 16);
#else
  HalfWords words;
  std::memcpy(&words, p, sizeof words);
  return (Vec<float>::Native)(__builtin_convertvector(words, FloatWords) << 16);
#endif
}
LANE_OP void store_lanes(BFloat* p, Vec<float> x) {
#if defined(__AVX512F__)
  // Rounded in the upper words, which are picked by a permutation; the last bit decides by a mask. Other ways wait for
  // the one unit that shifts.
  typedef uint16_t Words __attribute__((vector_size(64)));
  const __m512i u = (__m512i)x.v, up = _mm512_maskz_add_epi32(kAll16, u, _mm512_set1_epi32(0x7fff));
  const __mmask16 odd = _mm512_test_epi32_mask(u, _mm512_set1_epi32(0x10000));
  const __m512i even = _mm512_mask_add_epi32(up, odd, up, _mm512_set1_epi32(1));
  const __m512i rounded =
      _mm512_mask_mov_epi32(even, _mm512_cmp_ps_mask(x.v, x.v, _CMP_UNORD_Q), _mm512_set1_epi32(0x7fc00000));
  constexpr Words kUpper = {1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31};
  const __m512i words = _mm512_maskz_permutexvar_epi16(~0u, (__m512i)kUpper, rounded);
  std::memcpy(p, &words, sizeof words / 2);
#else
  FloatWords u = (FloatWords)x.v, nearest_even = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
  FloatWords rounded = x.v != x.v ? FloatWords{} + 0x7fc0u : nearest_even;
  HalfWords words = __builtin_convertvector(rounded, HalfWords);
  std::memcpy(p, &words, sizeof words);
#endif
}
// n elements one way or the other.
template <class S>
LANE_OP void widen_block(const S* x, int64_t n, float* out) {
  constexpr int W = Vec<float>::width;
  int64_t i = 0;
  for (; i + W <= n; i += W) store(out + i, load(x + i));
  if (i == n) return;
  S staged[W] = {};
  float rest[W];
  std::memcpy(staged, x + i, static_cast<size_t>(n - i) * sizeof(S));
  store(rest, load(staged));
  std::memcpy(out + i, rest, static_cast<size_t>(n - i) * sizeof(float));
}
template <class S>
  requires(std::is_same_v<S, Half> || std::is_same_v<S, BFloat>)
LANE_OP Vec<float> load_partial(const S* p, int n, float fill) {
  float lanes[Vec<float>::width];
  store(lanes, Vec<float>(fill));
  widen_block(p, n, lanes);
  return load(lanes);
}
template <class S>
LANE_OP void narrow_block(const float* x, int64_t n, S* out) {
  constexpr int W = Vec<float>::width;
  int64_t i = 0;
  for (; i + W <= n; i += W) store_lanes(out + i, load(x + i));
  if (i == n) return;
  float staged[W] = {};
  S rest[W];
  std::memcpy(staged, x + i, static_cast<size_t>(n - i) * sizeof(float));
  store_lanes(rest, load(staged));
  std::memcpy(out + i, rest, static_cast<size_t>(n - i) * sizeof(S));
}
// A result vector: lanes as they are, truth values as one byte 0 or 1 each.
template <class T>
LANE_OP void store_lanes(T* p, Vec<T> x) {
  store(p, x);
}
template <class T>
LANE_OP void store_lanes(uint8_t* p, Mask<T> m) {
#if defined(__AVX2__) && !defined(__AVX512F__)
  // GCC 12 narrows such vectors lane by lane.
  if constexpr (sizeof(T) > 1) {
    __m128i low = _mm256_castsi256_si128((__m256i)m.m), high = _mm256_extracti128_si256((__m256i)m.m, 1);
    if constexpr (sizeof(T) == 8)
      low = high = (__m128i)_mm_shuffle_ps((__m128)low, (__m128)high, 0x88);  // the even halves
    if constexpr (sizeof(T) >= 4) low = high = _mm_packs_epi32(low, high);
    low = _mm_and_si128(_mm_packs_epi16(low, high), _mm_set1_epi8(1));
    return void(std::memcpy(p, &low, kLaneBytes / sizeof(T)));
  }
#endif
  typedef int8_t Bytes __attribute__((vector_size(kLaneBytes / sizeof(T))));
  Bytes bytes = __builtin_convertvector(m.m, Bytes) & 1;
  std::memcpy(p, &bytes, sizeof bytes);
}

// ---- lane by lane: the way to libm ----

template <class F, class T, class... More>
LANE_OP Vec<T> map_lanes(F f, Vec<T> x, More... more) {
  Vec<T> r;
#pragma GCC unroll 1
  for (int i = 0; i < Vec<T>::width; ++i) r.v[i] = f(x.v[i], more.v[i]...);
  return r;
}
// f computes in double; a float result is rounded once.
template <class F, class T, class... More>
LANE_OP Vec<T> per_lane(F f, Vec<T> x, More... more) {
  return map_lanes([&](auto... a) { return static_cast<T>(f(static_cast<double>(a)...)); }, x, more...);
}

// ---- float <-> double ----

template <size_t... i>
LANE_OP auto pick_lanes(Vec<float> x, int, std::index_sequence<i...>, auto offset) {
  return __builtin_shufflevector(x.v, x.v, static_cast<int>(i + offset())...);
}
#if defined(__AVX2__) && !defined(__AVX512F__)
LANE_OP Vec<double> widen_low(Vec<float> x) { return _mm256_cvtps_pd(_mm256_castps256_ps128(x.v)); }
LANE_OP Vec<double> widen_high(Vec<float> x) { return _mm256_cvtps_pd(_mm256_extractf128_ps(x.v, 1)); }
#else
LANE_OP Vec<double> widen_low(Vec<float> x) {
  auto half = pick_lanes(x, 0, std::make_index_sequence<Vec<double>::width>(), [] { return 0; });
  return __builtin_convertvector(half, Vec<double>::Native);
}
LANE_OP Vec<double> widen_high(Vec<float> x) {
  auto half = pick_lanes(x, 0, std::make_index_sequence<Vec<double>::width>(), [] { return Vec<double>::width; });
  return __builtin_convertvector(half, Vec<double>::Native);
}
#endif
template <size_t... i>
LANE_OP Vec<float> join(auto low, auto high, std::index_sequence<i...>) {
  return __builtin_shufflevector(low, high, static_cast<int>(i)...);
}
LANE_OP Vec<float> narrow(Vec<double> low, Vec<double> high) {
  typedef float Half __attribute__((vector_size(kLaneBytes / 2)));
  return join(__builtin_convertvector(low.v, Half), __builtin_convertvector(high.v, Half),
              std::make_index_sequence<Vec<float>::width>());
}
// f on double lanes, whatever the lanes are: the cheap way to half an ulp in float.
template <class F, class... More>
LANE_OP Vec<double> through_double(F f, Vec<double> x, More... more) {
  return f(x, more...);
}
template <class F, class... More>
LANE_OP Vec<float> through_double(F f, Vec<float> x, More... more) {
  return narrow(f(widen_low(x), widen_low(more)...), f(widen_high(x), widen_high(more)...));
}

// ---- integers <-> double, float: exact for numbers of up to 53, 24 bits ----

LANE_OP Vec<float> to_float(Vec<int32_t> x) { return __builtin_convertvector(x.v, Vec<float>::Native); }
LANE_OP Vec<double> to_double(Vec<int64_t> x) { return __builtin_convertvector(x.v, Vec<double>::Native); }
LANE_OP Vec<int64_t> to_integer(Vec<double> x) { return __builtin_convertvector(x.v, Vec<int64_t>::Native); }

// ---- what needs an instruction of its own ----

template <class T>
LANE_OP bool any(Mask<T> m) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) <= 2) return _mm512_movepi8_mask((__m512i)m.m);
  if constexpr (sizeof(T) == 4) return _mm512_movepi32_mask((__m512i)m.m);
  if constexpr (sizeof(T) == 8) return _mm512_movepi64_mask((__m512i)m.m);
#elif defined(__AVX2__)
  return _mm256_movemask_epi8((__m256i)m.m);
#elif defined(__x86_64__)
  return _mm_movemask_epi8((__m128i)m.m);
#else
  IntOf<T> r = 0;
  for (int i = 0; i < Vec<T>::width; ++i) r |= m.m[i];
  return r;
#endif
}

// Are all magnitudes less than a bound?
#if defined(__AVX512F__)
LANE_OP bool all_within(Vec<float> x, double bound) {
  return _mm512_cmp_ps_mask(_mm512_abs_ps(x.v), Vec<float>(bound).v, _CMP_LT_OQ) == kAll16;
}
LANE_OP bool all_within(Vec<double> x, double bound) {
  return _mm512_cmp_pd_mask(_mm512_abs_pd(x.v), Vec<double>(bound).v, _CMP_LT_OQ) == kAll8;
}
#else
template <class T>
LANE_OP bool all_within(Vec<T> x, double bound) {
  const Vec<T> magnitude = from_bits<T>(bit_and(bits_of(x), bits_of(Vec<T>(T(-0.0))) - Vec<IntOf<T>>(1)));
  return !any(!(magnitude < Vec<T>(bound)));
}
#endif

#if defined(__AVX512F__)
LANE_OP Vec<float> sqrt_lanes(Vec<float> x) { return _mm512_maskz_sqrt_ps(kAll16, x.v); }
LANE_OP Vec<double> sqrt_lanes(Vec<double> x) { return _mm512_maskz_sqrt_pd(kAll8, x.v); }
template <int mode>
LANE_OP Vec<float> round_lanes(Vec<float> x) {
  return _mm512_maskz_roundscale_ps(kAll16, x.v, mode);
}
template <int mode>
LANE_OP Vec<double> round_lanes(Vec<double> x) {
  return _mm512_maskz_roundscale_pd(kAll8, x.v, mode);
}
#elif defined(__AVX2__)
LANE_OP Vec<float> sqrt_lanes(Vec<float> x) { return _mm256_sqrt_ps(x.v); }
LANE_OP Vec<double> sqrt_lanes(Vec<double> x) { return _mm256_sqrt_pd(x.v); }
template <int mode>
LANE_OP Vec<float> round_lanes(Vec<float> x) {
  return _mm256_round_ps(x.v, mode | 8);
}
template <int mode>
LANE_OP Vec<double> round_lanes(Vec<double> x) {
  return _mm256_round_pd(x.v, mode | 8);
}
#else
template <class T>
LANE_OP Vec<T> sqrt_lanes(Vec<T> x) {
#if defined(__x86_64__)
  if constexpr (std::is_same_v<T, float>)
    return _mm_sqrt_ps(x.v);
  else
    return _mm_sqrt_pd(x.v);
#else
  return map_lanes([](T a) { return std::sqrt(a); }, x);
#endif
}
// mode as in x86: 0 nearest even, 1 down, 2 up, 3 towards zero. Adding 2^(p-1) rounds to an integer; the sign is kept.
template <int mode, class T>
LANE_OP Vec<T> round_lanes(Vec<T> x) {
  constexpr T big = sizeof(T) == 4 ? T(0x1p23) : T(0x1p52);
  Vec<IntOf<T>> sign_bit = bits_of(Vec<T>(T(-0.0)));
  Vec<T> a = from_bits<T>(bit_and(bits_of(x), Vec<IntOf<T>>(~sign_bit.v)));
  Vec<T> r = (a + big) - big, one = T(1), zero = T(0);
  Mask<T> negative = x < zero;
  if constexpr (mode == 3) r = r - select(r > a, one, zero);
  if constexpr (mode == 1) r = r - select((r > a) & !negative, one, zero) + select((r < a) & negative, one, zero);
  if constexpr (mode == 2) r = r - select((r > a) & negative, one, zero) + select((r < a) & !negative, one, zero);
  r = from_bits<T>(bit_or(bits_of(r), bit_and(bits_of(x), sign_bit)));
  return select(a < Vec<T>(big), r, x);
}
#endif

#if defined(__AVX2__) && !defined(__AVX512F__)
// 1 / sqrt(x) to 2^-11 for normal x.
LANE_OP Vec<float> rough_inverse_root(Vec<float> x) { return _mm256_rsqrt_ps(x.v); }
#endif

// c - a * b rounded once.
#if defined(__AVX512F__)
LANE_OP Vec<float> residual(Vec<float> a, Vec<float> b, Vec<float> c) { return _mm512_fnmadd_ps(a.v, b.v, c.v); }
LANE_OP Vec<double> residual(Vec<double> a, Vec<double> b, Vec<double> c) { return _mm512_fnmadd_pd(a.v, b.v, c.v); }
#elif defined(__FMA__)
LANE_OP Vec<float> residual(Vec<float> a, Vec<float> b, Vec<float> c) { return _mm256_fnmadd_ps(a.v, b.v, c.v); }
LANE_OP Vec<double> residual(Vec<double> a, Vec<double> b, Vec<double> c) { return _mm256_fnmadd_pd(a.v, b.v, c.v); }
#elif defined(__ARM_FEATURE_FMA)
template <class T>
LANE_OP Vec<T> residual(Vec<T> a, Vec<T> b, Vec<T> c) {
  return map_lanes([](T x, T y, T z) { return std::fma(-x, y, z); }, a, b, c);
}
#else
LANE_OP Vec<double> residual(Vec<double> a, Vec<double> b, Vec<double> c) {
  // Dekker 1971: halves of 26 bits make the products exact.
  Vec<double> ca = 0x1.0000002p27 * a, ah = ca - (ca - a), al = a - ah;
  Vec<double> cb = 0x1.0000002p27 * b, bh = cb - (cb - b), bl = b - bh;
  Vec<double> p = a * b, e = ((ah * bh - p) + ah * bl + al * bh) + al * bl;
  return (c - p) - e;
}
LANE_OP Vec<float> residual(Vec<float> a, Vec<float> b, Vec<float> c) {
  return through_double([](auto x, auto y, auto z) { return z - x * y; }, a, b, c);
}
#endif

// 1 / x for moderate x, to 2^-13 (float) and 2^-40 (double); a / b to about one ulp.
LANE_OP Vec<float> rough_reciprocal(Vec<float> x) {
#if defined(__AVX512F__)
  return _mm512_maskz_rcp14_ps(kAll16, x.v);
#else
  return 1.0 / x;
#endif
}
LANE_OP Vec<double> rough_reciprocal(Vec<double> x) {
#if defined(__AVX512F__)
  Vec<double> y = _mm512_maskz_rcp14_pd(kAll8, x.v), e = residual(y, x, Vec<double>(1));
  return y + y * (e + e * e);  // e < 2^-14: the next term of the series is e^3
#else
  return 1.0 / x;
#endif
}
#if defined(__AVX512F__)
LANE_OP Vec<double> coarse_reciprocal(Vec<double> x) { return _mm512_maskz_rcp14_pd(kAll8, x.v); }  // to 2^-14
#endif
template <class T>
LANE_OP Vec<T> quotient(Vec<T> a, Vec<T> b) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 8) {
    Vec<T> inverse = rough_reciprocal(b), q = a * inverse;
    return q + inverse * residual(q, b, a);
  }
#endif
  return a / b;
}
LANE_OP Vec<float> fast_reciprocal(Vec<float> x) {
#if defined(__AVX512F__)
  Vec<float> y = rough_reciprocal(x);
  return y + y * residual(y, x, Vec<float>(1));
#else
  return 1.0 / x;
#endif
}

// x limited from one side; NaN stays. (x86's minimum gives its second operand where one is NaN.)
#if defined(__AVX512F__)
LANE_OP Vec<float> limit_above(Vec<float> x, Vec<float> c) { return _mm512_maskz_min_ps(kAll16, c.v, x.v); }
LANE_OP Vec<double> limit_above(Vec<double> x, Vec<double> c) { return _mm512_maskz_min_pd(kAll8, c.v, x.v); }
LANE_OP Vec<float> limit_below(Vec<float> x, Vec<float> c) { return _mm512_maskz_max_ps(kAll16, c.v, x.v); }
LANE_OP Vec<double> limit_below(Vec<double> x, Vec<double> c) { return _mm512_maskz_max_pd(kAll8, c.v, x.v); }
#elif defined(__AVX2__)
LANE_OP Vec<float> limit_above(Vec<float> x, Vec<float> c) { return _mm256_min_ps(c.v, x.v); }
LANE_OP Vec<double> limit_above(Vec<double> x, Vec<double> c) { return _mm256_min_pd(c.v, x.v); }
LANE_OP Vec<float> limit_below(Vec<float> x, Vec<float> c) { return _mm256_max_ps(c.v, x.v); }
LANE_OP Vec<double> limit_below(Vec<double> x, Vec<double> c) { return _mm256_max_pd(c.v, x.v); }
#else
template <class T>
LANE_OP Vec<T> limit_above(Vec<T> x, Vec<T> c) {
  return select(x > c, c, x);
}
template <class T>
LANE_OP Vec<T> limit_below(Vec<T> x, Vec<T> c) {
  return select(x < c, c, x);
}
#endif

// p * 2^n where both are normal numbers; t is n + 1.5 * 2^(p-1), which has the integer in its low bits.
template <class T>
LANE_OP Vec<T> scale_normal(Vec<T> p, Vec<T> t) {
  return from_bits<T>(bits_of(p) + shift_left(bits_of(t), sizeof(T) == 4 ? 23 : 52));
}
// p * 2^n for an integral n beyond the exponent range as well, one rounding.
#if defined(__AVX512F__)
LANE_OP Vec<float> scale_by_power(Vec<float> p, Vec<float> n) { return _mm512_maskz_scalef_ps(kAll16, p.v, n.v); }
LANE_OP Vec<double> scale_by_power(Vec<double> p, Vec<double> n) { return _mm512_maskz_scalef_pd(kAll8, p.v, n.v); }
#else
template <class T>
LANE_OP Vec<T> power_of_two(Vec<T> n) {
  constexpr int mantissa = sizeof(T) == 4 ? 23 : 52, bias = sizeof(T) == 4 ? 127 : 1023;
  constexpr T magic = sizeof(T) == 4 ? T(0x1.8p23) : T(0x1.8p52);  // puts the integer into the low bits
  return from_bits<T>(shift_left(bits_of(n + (magic + bias)), mantissa));
}
template <class T>
LANE_OP Vec<T> scale_by_power(Vec<T> p, Vec<T> n) {
  constexpr T magic = sizeof(T) == 4 ? T(0x1.8p23) : T(0x1.8p52);
  Vec<T> half = (n * T(0.5) + magic) - magic;
  return p * power_of_two(half) * power_of_two(n - half);
}
#endif

#if defined(__AVX512F__)
// row[index % 16], and of a row in two registers row[index % 32], or row[index % 16] of doubles.
LANE_OP Vec<float> lookup16(const float* row, Vec<int32_t> index) {
  return _mm512_maskz_permutexvar_ps(kAll16, (__m512i)index.v, _mm512_load_ps(row));
}
LANE_OP Vec<float> lookup_two(const float* row, Vec<int32_t> index) {
  return _mm512_permutex2var_ps(_mm512_load_ps(row), (__m512i)index.v, _mm512_load_ps(row + 16));
}
LANE_OP Vec<double> lookup16(const double* row, Vec<int64_t> index) {
  return _mm512_permutex2var_pd(_mm512_load_pd(row), (__m512i)index.v, _mm512_load_pd(row + 8));
}
LANE_OP Vec<double> lookup_two(const double* row, Vec<int64_t> index) { return lookup16(row, index); }
#endif

#if defined(__AVX512F__)
// |x| = 2^k m with m in [3/4, 3/2), also for subnormal x.
LANE_OP Vec<float> significand(Vec<float> x) {
  return _mm512_maskz_getmant_ps(kAll16, x.v, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_zero);
}
LANE_OP Vec<double> significand(Vec<double> x) {
  return _mm512_maskz_getmant_pd(kAll8, x.v, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_zero);
}
// 1 / sqrt(x) to 2^-14, also for subnormal x.
LANE_OP Vec<float> rough_inverse_root(Vec<float> x) { return _mm512_maskz_rsqrt14_ps(kAll16, x.v); }
LANE_OP Vec<double> rough_inverse_root(Vec<double> x) { return _mm512_maskz_rsqrt14_pd(kAll8, x.v); }
// sqrt(x) as the instruction gives it, in three quarters of its time. The last correction rounds correctly (Markstein
// 1990): what it rounds is wrong by less than 2^-105, and where a root is closer than that to the middle of two numbers
// is known and tested. Lanes out of range, and their neighbours, are left to the instruction.
LANE_OP Vec<double> root_by_products(Vec<double> x) {
  const __mmask8 zero = _mm512_cmp_pd_mask(x.v, _mm512_setzero_pd(), _CMP_EQ_OQ);
  const Vec<double> smallest = 0x1p-960, largest = 0x1.fffffffffffffp1023;
  const __mmask8 regular =
      _mm512_cmp_pd_mask(x.v, smallest.v, _CMP_GE_OQ) & _mm512_cmp_pd_mask(x.v, largest.v, _CMP_LE_OQ);
  if (__builtin_expect((regular | zero) != kAll8, 0)) return sqrt_lanes(x);
  Vec<double> y = _mm512_maskz_rsqrt14_pd(regular, x.v), s = x * y, e = residual(s, y, Vec<double>(1));
  y = y + y * e * (0.5 + 0.375 * e);
  Vec<double> half = 0.5 * y;
  s = x * y;
  s = s + residual(s, s, x) * half;
  half = half + half * residual(s, y, Vec<double>(1));
  return s + residual(s, s, x) * half;
}
// sqrt(x) to 2^-22: its rounding to 16 bits is the root's for each number of 16 bits. An answer for each class of x as
// in fix_logarithm: the zero itself (1) for zero, inf (5) for inf, NaN (2, 3) for NaN and negative ones.
LANE_OP Vec<float> short_root(Vec<float> x) {
  const Vec<float> y = rough_inverse_root(x), s = x * y;
  return _mm512_fixupimm_ps((s + residual(s, s, x) * (0.5 * y)).v, x.v, _mm512_set1_epi32(0x03530122), 0);
}
// The exponent: 2^k <= |x| < 2^(k + 1).
LANE_OP Vec<float> exponent_of(Vec<float> x) { return _mm512_maskz_getexp_ps(kAll16, x.v); }
LANE_OP Vec<double> exponent_of(Vec<double> x) { return _mm512_maskz_getexp_pd(kAll8, x.v); }
// The k of |x| = 2^k m, given m.
LANE_OP Vec<float> exponent_to(Vec<float> x, Vec<float> m) {
  __m512 k = _mm512_maskz_getexp_ps(kAll16, x.v), one = _mm512_set1_ps(1);
  return _mm512_mask_add_ps(k, _mm512_cmp_ps_mask(m.v, one, _CMP_LT_OQ), k, one);
}
LANE_OP Vec<double> exponent_to(Vec<double> x, Vec<double> m) {
  __m512d k = _mm512_maskz_getexp_pd(kAll8, x.v), one = _mm512_set1_pd(1);
  return _mm512_mask_add_pd(k, _mm512_cmp_pd_mask(m.v, one, _CMP_LT_OQ), k, one);
}
// p * 2^n, but 0 where x < low and infinity where x > high.
LANE_OP Vec<float> scale_inside(Vec<float> p, Vec<float> n, Vec<float> x, double low, double high) {
  __m512 y = _mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(x.v, Vec<float>(low).v, _CMP_NLT_UQ), p.v, n.v);
  return _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask(x.v, Vec<float>(high).v, _CMP_GT_OQ), Vec<float>(__builtin_inff()).v);
}
LANE_OP Vec<double> scale_inside(Vec<double> p, Vec<double> n, Vec<double> x, double low, double high) {
  __m512d y = _mm512_maskz_scalef_pd(_mm512_cmp_pd_mask(x.v, Vec<double>(low).v, _CMP_NLT_UQ), p.v, n.v);
  return _mm512_mask_mov_pd(y, _mm512_cmp_pd_mask(x.v, Vec<double>(high).v, _CMP_GT_OQ),
                            Vec<double>(__builtin_inf()).v);
}
// r, but the logarithm's special values where x is none of the positive numbers. An answer for each class of x, four
// bits each: NaN itself (2) for NaN, -inf (4) for zero, NaN (3) for negative ones, inf (5) for inf, else r (0).
inline constexpr int kLogarithmAnswers = 0x03530422;
LANE_OP Vec<float> fix_logarithm(Vec<float> x, Vec<float> r) {
  return _mm512_fixupimm_ps(r.v, x.v, _mm512_set1_epi32(kLogarithmAnswers), 0);
}
LANE_OP Vec<double> fix_logarithm(Vec<double> x, Vec<double> r) {
  return _mm512_fixupimm_pd(r.v, x.v, _mm512_set1_epi64(kLogarithmAnswers), 0);
}
#endif

// ---- complex numbers: one at a time ----

template <class T>
struct ComplexLane {
  using Lane = Complex<T>;
  using MaskType = bool;
  static constexpr int width = 1;
  T re, im;
  ComplexLane() = default;
  ComplexLane(T re, T im) : re(re), im(im) {}
  ComplexLane(double x) : re(static_cast<T>(x)), im(0) {}
  friend LANE_OP ComplexLane operator+(ComplexLane a, ComplexLane b) { return {a.re + b.re, a.im + b.im}; }
  friend LANE_OP ComplexLane operator-(ComplexLane a, ComplexLane b) { return {a.re - b.re, a.im - b.im}; }
  friend LANE_OP ComplexLane operator-(ComplexLane a) { return {-a.re, -a.im}; }
  friend LANE_OP ComplexLane operator*(ComplexLane a, ComplexLane b) {
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
  }
  // Smith 1962: scaled by the larger part of the divisor, so that its square cannot overflow.
  friend LANE_OP ComplexLane operator/(ComplexLane a, ComplexLane b) {
    if (__builtin_fabs(b.re) >= __builtin_fabs(b.im)) {
      if (b.re == 0 && b.im == 0) return {a.re / T(0), a.im / T(0)};
      T r = b.im / b.re, s = 1 / (b.re + b.im * r);
      return {(a.re + a.im * r) * s, (a.im - a.re * r) * s};
    }
    T r = b.re / b.im, s = 1 / (b.im + b.re * r);
    return {(a.re * r + a.im) * s, (a.im * r - a.re) * s};
  }
  friend LANE_OP bool operator==(ComplexLane a, ComplexLane b) { return a.re == b.re && a.im == b.im; }
  friend LANE_OP bool operator!=(ComplexLane a, ComplexLane b) { return !(a == b); }
  friend LANE_OP bool operator<(ComplexLane a, ComplexLane b) { return a.re < b.re; }  // of magnitudes
  friend LANE_OP ComplexLane select(bool c, ComplexLane a, ComplexLane b) { return c ? a : b; }
};
template <class T>
LANE_OP ComplexLane<T> load(const Complex<T>* p) {
  return {p->re, p->im};
}
template <class T>
LANE_OP void store(Complex<T>* p, ComplexLane<T> x) {
  *p = {x.re, x.im};
}
template <class T>
LANE_OP void store_lanes(Complex<T>* p, ComplexLane<T> x) {
  store(p, x);
}
LANE_OP void store_lanes(uint8_t* p, bool m) { *p = m; }

template <class T>
struct LanesOf {
  using type = Vec<T>;
};
template <>
struct LanesOf<Half> {
  using type = Vec<float>;
};
template <>
struct LanesOf<BFloat> {
  using type = Vec<float>;
};
template <class T>
struct LanesOf<Complex<T>> {
  using type = ComplexLane<T>;
};

}  // namespace facula::cpu::FACULA_ISA
