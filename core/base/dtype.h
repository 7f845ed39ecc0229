// The element types: their sizes, names, categories and how two of them promote to a third. No tensor here.
#pragma once
#include <cstdint>
#include <cstring>

namespace facula {

enum class DType : uint8_t {
  Bool,
  UInt8,
  Int8,
  Int16,
  Int32,
  Int64,
  Float16,
  BFloat16,
  Float32,
  Float64,
  Complex64,
  Complex128,
  UInt16,
  UInt32,
  UInt64
};
inline constexpr int kNumDTypes = 15;
// Kernels know the types before UInt16. What the last three take part in is decided in ops/barebones.cpp.
inline constexpr int kNumKernelDTypes = 12;
inline constexpr int index_of(DType t) { return static_cast<int>(t); }

// The kinds a promotion climbs through: bool < integer < float < complex.
enum class Category : uint8_t { Bool, Integer, Float, Complex };

// IEEE binary16 and bfloat16 are storage formats: every computation on them is done in float.
struct Half {
  uint16_t bits;
};
struct BFloat {
  uint16_t bits;
};
template <class T>
struct Complex {
  T re, im;
  friend bool operator==(const Complex&, const Complex&) = default;
};

inline float to_float(BFloat h) {
  uint32_t u = static_cast<uint32_t>(h.bits) << 16;
  float f;
  std::memcpy(&f, &u, 4);
  return f;
}
// Round to nearest even; a NaN stays a (quiet) NaN.
inline BFloat to_bfloat(float f) {
  uint32_t u;
  std::memcpy(&u, &f, 4);
  if ((u & 0x7fffffffu) > 0x7f800000u) return {0x7fc0};
  return {static_cast<uint16_t>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16)};
}
[[gnu::always_inline]] inline float to_float(Half h) {  // two bodies under one name: never out of line
#if defined(__F16C__)
  return __builtin_ia32_vcvtph2ps(__extension__(__attribute__((vector_size(16))) short){static_cast<short>(h.bits)})[0];
#else
  uint32_t sign = (h.bits & 0x8000u) << 16, mag = h.bits & 0x7fffu, u;
  if (mag >= 0x7c00u) {
    u = sign | 0x7f800000u | ((mag & 0x3ffu) << 13);
  } else if (mag >= 0x400u) {
    u = sign | ((mag << 13) + (112u << 23));
  } else {  // zero and subnormals: mag * 2^-24, exact in float
    float f = static_cast<float>(mag) * 5.9604644775390625e-08f;
    std::memcpy(&u, &f, 4);
    u |= sign;
  }
  float f;
  std::memcpy(&f, &u, 4);
  return f;
#endif
}
// Round to nearest even, overflow to infinity.
[[gnu::always_inline]] inline Half to_half(float f) {
#if defined(__F16C__)
  return {
      static_cast<uint16_t>(__builtin_ia32_vcvtps2ph(__extension__(__attribute__((vector_size(16))) float){f}, 0)[0])};
#else
  uint32_t u;
  std::memcpy(&u, &f, 4);
  uint32_t sign = (u >> 16) & 0x8000u, mag = u & 0x7fffffffu;
  if (mag > 0x7f800000u) return {static_cast<uint16_t>(sign | 0x7e00u)};
  if (mag >= 0x477ff000u) return {static_cast<uint16_t>(sign | 0x7c00u)};
  if (mag < 0x38800000u) {  // subnormal: adding 0.5 aligns the significand so that hardware rounds it
    float a, half = 0.5f;
    std::memcpy(&a, &mag, 4);
    a += half;
    uint32_t r;
    std::memcpy(&r, &a, 4);
    return {static_cast<uint16_t>(sign | (r - 0x3f000000u))};
  }
  uint32_t r = mag + 0xfffu + ((mag >> 13) & 1u) - (112u << 23);
  return {static_cast<uint16_t>(sign | (r >> 13))};
#endif
}

template <DType>
struct CType;
template <>
struct CType<DType::Bool> {
  using type = bool;
};
template <>
struct CType<DType::UInt8> {
  using type = uint8_t;
};
template <>
struct CType<DType::Int8> {
  using type = int8_t;
};
template <>
struct CType<DType::Int16> {
  using type = int16_t;
};
template <>
struct CType<DType::Int32> {
  using type = int32_t;
};
template <>
struct CType<DType::Int64> {
  using type = int64_t;
};
template <>
struct CType<DType::Float16> {
  using type = Half;
};
template <>
struct CType<DType::BFloat16> {
  using type = BFloat;
};
template <>
struct CType<DType::Float32> {
  using type = float;
};
template <>
struct CType<DType::Float64> {
  using type = double;
};
template <>
struct CType<DType::Complex64> {
  using type = Complex<float>;
};
template <>
struct CType<DType::Complex128> {
  using type = Complex<double>;
};
template <>
struct CType<DType::UInt16> {
  using type = uint16_t;
};
template <>
struct CType<DType::UInt32> {
  using type = uint32_t;
};
template <>
struct CType<DType::UInt64> {
  using type = uint64_t;
};
template <DType t>
using c_type = typename CType<t>::type;

inline constexpr uint8_t kItemSize[kNumDTypes] = {1, 1, 1, 2, 4, 8, 2, 2, 4, 8, 8, 16, 2, 4, 8};
inline constexpr Category kCategory[kNumDTypes] = {
    Category::Bool,    Category::Integer, Category::Integer, Category::Integer, Category::Integer,
    Category::Integer, Category::Float,   Category::Float,   Category::Float,   Category::Float,
    Category::Complex, Category::Complex, Category::Integer, Category::Integer, Category::Integer};
// PyTorch's public names ("float32") and the names its messages use ("Float").
inline constexpr const char* kDTypeName[kNumDTypes] = {"bool",      "uint8",      "int8",     "int16",   "int32",
                                                       "int64",     "float16",    "bfloat16", "float32", "float64",
                                                       "complex64", "complex128", "uint16",   "uint32",  "uint64"};
inline constexpr const char* kScalarTypeName[kNumDTypes] = {
    "Bool",  "Byte",   "Char",         "Short",         "Int",    "Long",   "Half",  "BFloat16",
    "Float", "Double", "ComplexFloat", "ComplexDouble", "UInt16", "UInt32", "UInt64"};

inline constexpr int64_t item_size(DType t) { return kItemSize[index_of(t)]; }
inline constexpr Category category(DType t) { return kCategory[index_of(t)]; }
inline constexpr const char* name_of(DType t) { return kDTypeName[index_of(t)]; }
inline constexpr const char* scalar_type_name(DType t) { return kScalarTypeName[index_of(t)]; }
inline constexpr bool is_floating(DType t) { return category(t) == Category::Float; }
inline constexpr bool is_complex(DType t) { return category(t) == Category::Complex; }
inline constexpr bool is_integral(DType t) { return category(t) <= Category::Integer; }  // bool included
inline constexpr bool is_differentiable(DType t) { return category(t) >= Category::Float; }
// uint16, uint32 and uint64: moved, converted, compared and little else (PyTorch: "barebones unsigned types").
inline constexpr bool is_barebones(DType t) { return index_of(t) >= kNumKernelDTypes; }
inline constexpr bool is_unsigned(DType t) { return t == DType::UInt8 || is_barebones(t); }
// The signed type of the same width, for what depends on the bits alone.
inline constexpr DType signed_of(DType t) {
  return t == DType::UInt16 ? DType::Int16 : t == DType::UInt32 ? DType::Int32 : t == DType::UInt64 ? DType::Int64 : t;
}
inline constexpr DType real_of(DType t) {
  return t == DType::Complex64 ? DType::Float32 : t == DType::Complex128 ? DType::Float64 : t;
}
inline constexpr DType complex_of(DType t) {
  return t == DType::Float64 || t == DType::Complex128 ? DType::Complex128 : DType::Complex64;
}

DType promote_barebones(DType a, DType b);  // only floating types go with them; throws Error(Runtime)

// Least upper bound of two types in PyTorch's lattice (its torch.promote_types).
inline constexpr DType promote_types(DType a, DType b) {
  if (a == b) return a;
  if (index_of(a) > index_of(b)) {
    DType t = a;
    a = b;
    b = t;
  }  // a is the lower one
  if (is_barebones(b)) return promote_barebones(a, b);
  if (is_complex(b)) return a == DType::Float64 ? DType::Complex128 : b;
  if (is_floating(b)) return is_floating(a) && b == DType::BFloat16 ? DType::Float32 : b;  // half + bfloat16
  if (a == DType::UInt8 && b == DType::Int8) return DType::Int16;
  return b;  // bool < uint8 < int16 < int32 < int64 in declaration order
}

}  // namespace facula
