// Blocks of any element type to the type a reduction is computed in, and single results back.
#include "cpu/reduce_fold.h"
#include "expr/lane_power.h"

namespace facula::cpu::FACULA_ISA {
namespace {

template <class T>
inline constexpr bool is_complex_v = std::is_same_v<T, Complex<float>> || std::is_same_v<T, Complex<double>>;
template <class T>
inline constexpr bool is_half_v = std::is_same_v<T, Half> || std::is_same_v<T, BFloat>;

// Float to integer of a value out of range is undefined in C++; the processor's answer is what PyTorch shows.
template <class A, class T>
inline A convert(T x) {
  if constexpr (is_half_v<T>)
    return convert<A>(to_float(x));
  else if constexpr (is_complex_v<T> && is_complex_v<A>)
    return {static_cast<decltype(A::re)>(x.re), static_cast<decltype(A::re)>(x.im)};
  else if constexpr (is_complex_v<T>)
    return static_cast<A>(x.re);
  else if constexpr (is_complex_v<A>)
    return {static_cast<decltype(A::re)>(x), 0};
  else
    return static_cast<A>(x);
}

template <class T>
inline void widen_twice(const T* x, int64_t n, double* out) {
  float block[256];
  for (int64_t i = 0; i < n; i += 256) {
    const int64_t m = n - i < 256 ? n - i : 256;
    widen_block(x + i, m, block);
    for (int64_t k = 0; k < m; ++k) out[i + k] = block[k];
  }
}

template <class T, class A>
void load(const void* in, int64_t stride, int64_t n, void* to) {
  const T* x = static_cast<const T*>(in);
  A* __restrict out = static_cast<A*>(to);
  // Pairs that occur in every program get a vectorised loop.
  constexpr bool common = !is_complex_v<T> && !is_complex_v<A> && (std::is_integral_v<T> || !std::is_integral_v<A>);
  if constexpr (common) {
    if (stride == 1) {
      if constexpr (is_half_v<T> && std::is_same_v<A, float>) return widen_block(x, n, out);
      if constexpr (is_half_v<T> && std::is_same_v<A, double>) return widen_twice(x, n, out);
      for (int64_t i = 0; i < n; ++i) out[i] = convert<A>(x[i]);
      return;
    }
  }
  for (int64_t i = 0; i < n; ++i) {
    out[i] = convert<A>(x[i * stride]);
    FACULA_SCALAR_LOOP;
  }
}

template <class T>
inline bool is_nonzero(T x) {
  if constexpr (is_half_v<T>)
    return (x.bits & 0x7fffu) != 0;
  else if constexpr (is_complex_v<T>)
    return x.re != 0 || x.im != 0;
  else
    return x != 0;
}
template <class T>
void load_nonzero(const void* in, int64_t stride, int64_t n, void* to) {
  const T* x = static_cast<const T*>(in);
  int64_t* __restrict out = static_cast<int64_t*>(to);
  if (stride == 1)
    for (int64_t i = 0; i < n; ++i) out[i] = is_nonzero(x[i]);
  else
    for (int64_t i = 0; i < n; ++i) out[i] = is_nonzero(x[i * stride]);
}
template <class T>
void load_magnitude(const void* in, int64_t stride, int64_t n, void* to) {
  const Complex<T>* x = static_cast<const Complex<T>*>(in);
  T* __restrict out = static_cast<T*>(to);
  for (int64_t i = 0; i < n; ++i) out[i] = std::hypot(x[i * stride].re, x[i * stride].im);
}

template <class T>
constexpr void fill_row(LoadKernel (&row)[5]) {
  row[0] = load<T, float>;
  row[1] = load<T, double>;
  row[2] = load<T, int64_t>;
  row[3] = load<T, Complex<float>>;
  row[4] = load<T, Complex<double>>;
}
struct LoadTable {
  LoadKernel plain[kNumKernelDTypes][5] = {}, nonzero[kNumKernelDTypes] = {};
  constexpr LoadTable() { fill<0>(); }
  template <int t>
  constexpr void fill() {
    if constexpr (t < kNumKernelDTypes) {
      using T = c_type<static_cast<DType>(t)>;
      fill_row<std::conditional_t<t == 0, uint8_t, T>>(plain[t]);  // bool is a byte 0 or 1
      nonzero[t] = load_nonzero<std::conditional_t<t == 0, uint8_t, T>>;
      fill<t + 1>();
    }
  }
};
constexpr LoadTable kLoad;

template <class T>
void absolute(void* data, int64_t n) {
  T* x = static_cast<T*>(data);
  for (int64_t i = 0; i < n; ++i) x[i] = std::fabs(x[i]);
}
template <class A, void (*map)(void*, int64_t)>
struct Mapped {
  template <DType t>
  static void load_kernel(const void* in, int64_t stride, int64_t n, void* out) {
    kLoad.plain[index_of(t)][std::is_same_v<A, double>](in, stride, n, out);
    map(out, n);
  }
  static constexpr LoadKernel of(DType t) {
    switch (t) {
      case DType::Float16: return load_kernel<DType::Float16>;
      case DType::BFloat16: return load_kernel<DType::BFloat16>;
      case DType::Float32: return load_kernel<DType::Float32>;
      case DType::Float64: return load_kernel<DType::Float64>;
      default: return nullptr;
    }
  }
};

template <class A>
void store_real(A x, DType to, void* out) {
  switch (to) {
    case DType::Bool: *static_cast<bool*>(out) = x != 0; break;
    case DType::UInt8: *static_cast<uint8_t*>(out) = static_cast<uint8_t>(static_cast<int64_t>(x)); break;
    case DType::Int8: *static_cast<int8_t*>(out) = static_cast<int8_t>(static_cast<int64_t>(x)); break;
    case DType::Int16: *static_cast<int16_t*>(out) = static_cast<int16_t>(static_cast<int64_t>(x)); break;
    case DType::Int32: *static_cast<int32_t*>(out) = static_cast<int32_t>(static_cast<int64_t>(x)); break;
    case DType::Int64: *static_cast<int64_t*>(out) = static_cast<int64_t>(x); break;
    case DType::UInt16: *static_cast<uint16_t*>(out) = static_cast<uint16_t>(static_cast<int64_t>(x)); break;
    case DType::UInt32: *static_cast<uint32_t*>(out) = static_cast<uint32_t>(static_cast<int64_t>(x)); break;
    case DType::UInt64: *static_cast<uint64_t*>(out) = static_cast<uint64_t>(static_cast<int64_t>(x)); break;
    case DType::Float16: *static_cast<Half*>(out) = to_half(static_cast<float>(x)); break;
    case DType::BFloat16: *static_cast<BFloat*>(out) = to_bfloat(static_cast<float>(x)); break;
    case DType::Float32: *static_cast<float*>(out) = static_cast<float>(x); break;
    case DType::Float64: *static_cast<double*>(out) = static_cast<double>(x); break;
    case DType::Complex64: *static_cast<Complex<float>*>(out) = {static_cast<float>(x), 0}; break;
    case DType::Complex128: *static_cast<Complex<double>*>(out) = {static_cast<double>(x), 0}; break;
  }
}
template <class T>
void store_complex(Complex<T> x, DType to, void* out) {
  if (to == DType::Complex64)
    *static_cast<Complex<float>*>(out) = {static_cast<float>(x.re), static_cast<float>(x.im)};
  else if (to == DType::Complex128)
    *static_cast<Complex<double>*>(out) = {x.re, x.im};
  else
    store_real(x.re, to, out);
}

}  // namespace

LoadKernel load_kernel(DType from, Column to, Map map) {
  bool wide = to == Column::F64;
  switch (map) {
    case Map::None: return kLoad.plain[index_of(from)][static_cast<int>(to)];
    case Map::Nonzero: return kLoad.nonzero[index_of(from)];
    case Map::Abs:
    case Map::AbsPower:
      if (from == DType::Complex64 && !wide) return load_magnitude<float>;
      if (from == DType::Complex128 && wide) return load_magnitude<double>;
      return wide ? Mapped<double, absolute<double>>::of(from) : Mapped<float, absolute<float>>::of(from);
  }
  return nullptr;
}

template <class A>
static void raise(A* x, int64_t n, double p) {
  Vec<A> exponent = p;
  constexpr int W = Vec<A>::width;
  for (int64_t i = 0; i < n; i += W) {
    if (i + W <= n)
      store(x + i, lane_math::pow(load(x + i), exponent));
    else
      store_tail(x + i, lane_math::pow(load_partial(x + i, static_cast<int>(n - i), A(1)), exponent),
                 static_cast<int>(n - i));
  }
}
void power_in_place(Column column, void* data, int64_t n, double p) {
  if (column == Column::F32)
    raise(static_cast<float*>(data), n, p);
  else
    raise(static_cast<double*>(data), n, p);
}

void store_element(Column from, const void* value, DType to, void* out) {
  switch (from) {
    case Column::F32: return store_real(*static_cast<const float*>(value), to, out);
    case Column::F64: return store_real(*static_cast<const double*>(value), to, out);
    case Column::I64: return store_real(*static_cast<const int64_t*>(value), to, out);
    case Column::C64: return store_complex(*static_cast<const Complex<float>*>(value), to, out);
    case Column::C128: return store_complex(*static_cast<const Complex<double>*>(value), to, out);
  }
}

}  // namespace facula::cpu::FACULA_ISA
