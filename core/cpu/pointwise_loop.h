// From a formula to kernels: the loop over lanes, and which instances a line of the table asks for.
#pragma once
#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "cpu/lanes_twin.h"
#include "cpu/pointwise.h"
#include "ops/pointwise.h"

namespace facula::cpu::FACULA_ISA {

// Note [Ahead]
// Operands beyond the first cache levels are asked for 2 KiB before they are read or written: the processor's own
// prefetching stops at each page and does not ask for lines to be written. Measured on Cascade Lake, two operands of
// 4 MB: a sum takes 0.55 to 0.8 of the time, as it does with 1 or 4 KiB; asking for a block at a time instead costs
// what it gains where the formula computes much, because the requests wait for each other.
constexpr int64_t kAheadBytes = 2048, kFarBytes = int64_t{1} << 16;

// out[i] = f(in[0][i], ...). The last, partial vector is staged in local memory and goes through the same loop, so that
// the formula is compiled once. f returns lanes or a mask.
template <class T, int arity, class V = typename LanesOf<T>::type, class F>
LANE_OP void loop_over_lanes(F f, int64_t n, void* out, const void* const* in) {
  constexpr int W = V::width;
  auto compute = [&]<size_t... k>(std::index_sequence<k...>, auto& p, int64_t i) {
    if constexpr (W * sizeof(T) > kLaneBytes)
      return f(load_twin(p[k] + i)...);
    else
      return f(load(p[k] + i)...);
  };
  constexpr auto operands = std::make_index_sequence<arity>();
  const T* p[arity];
  for (int k = 0; k < arity; ++k) p[k] = static_cast<const T*>(in[k]);
  using Result = decltype(compute(operands, p, 0));
  using Out = std::conditional_t<std::is_same_v<Result, V>, T, uint8_t>;
  Out* to = static_cast<Out*>(out);
  int64_t i = 0;
  if constexpr (W == 1) {
#pragma GCC ivdep  // `out` may be one of the operands, element by element
    for (; i < n; ++i) store_lanes(to + i, compute(operands, p, i));
  } else {
    alignas(kLaneBytes) T stage[arity][W];
    alignas(kLaneBytes) Out staged_out[W];
    Out* rest_to = nullptr;
    int rest = 0;
    bool far = n >= kFarBytes / static_cast<int64_t>(sizeof(T));
    for (;;) {
      for (int64_t last = n - W; i <= last; i += W) {
        asm("" : "+r"(far));  // one loop, not one for each of its values
        if (__builtin_expect(far, 0)) {
          for (int k = 0; k < arity; ++k) __builtin_prefetch(reinterpret_cast<const char*>(p[k] + i) + kAheadBytes);
          __builtin_prefetch(reinterpret_cast<const char*>(to + i) + kAheadBytes, 1);
        }
        store_lanes(to + i, compute(operands, p, i));
      }
      if (i == n) break;
      rest = static_cast<int>(n - i);
      rest_to = to + i;
      for (int k = 0; k < arity; ++k) {
        if constexpr (W * sizeof(T) == kLaneBytes) {
          store(stage[k], load_partial(p[k] + i, rest, T(1)));
        } else {
          std::fill_n(stage[k], W, T(1));
          std::memcpy(stage[k], p[k] + i, static_cast<size_t>(rest) * sizeof(T));
        }
        p[k] = stage[k];
      }
      to = staged_out;
      i = 0;
      n = W;
    }
    if constexpr (W * sizeof(T) == kLaneBytes) {
      if (rest) store_partial(rest_to, staged_out, rest);
    } else {
      if (rest) std::memcpy(rest_to, staged_out, static_cast<size_t>(rest) * sizeof(Out));
    }
  }
}

template <class F, class T>
void value_kernel(int64_t n, void* out, const void* const* in) {
  loop_over_lanes<T, F::arity>([](auto... x) { return F::value(x...); }, n, out, in);
}

// g * derivative by operand j, over (g, x0, ...) or (g, result).
template <class F, int j, class T>
void derivative_kernel(int64_t n, void* out, const void* const* in) {
  if constexpr (F::saves_result) {
    loop_over_lanes<T, 2>([](auto g, auto y) { return F::from_result(g, y); }, n, out, in);
  } else {
    loop_over_lanes<T, F::arity + 1>(
        [](auto g, auto... x) {
          auto operand = [&]<size_t k>(std::integral_constant<size_t, k>, auto a) {
            if constexpr (k == j)
              return formula::Dual<decltype(a)>{a, g};
            else
              return a;
          };
          return [&]<size_t... k>(std::index_sequence<k...>) {
            return F::value(operand(std::integral_constant<size_t, k>(), x)...).d;
          }(std::make_index_sequence<F::arity>());
        },
        n, out, in);
  }
}

// out[i] = f(in[0][i], ...) over whole vectors of elements as they are stored, or one value for all where `constants`
// says so.
template <class S, int arity, class F>
LANE_OP void loop_over_stored(F f, int64_t n, void* out, const void* const* in, uint32_t constants) {
  using V = typename LanesOf<S>::type;
  using T = typename V::Lane;
  const S* p[arity];
  V value[arity];
  for (int k = 0; k < arity; ++k) {
    p[k] = static_cast<const S*>(in[k]);
    value[k] = constants >> k & 1 ? *static_cast<const T*>(in[k]) : T(0);
  }
  // What tells operands from constants is asked once for two vectors of 16-bit floats, which are soon computed.
  constexpr int together = arity > 1 && sizeof(S) == 2 && std::is_same_v<T, float> ? 2 : 1;
  static_assert(kStoredStep % (together * V::width) == 0);
  auto compute = [&]<size_t... k>(std::index_sequence<k...>, const V* x) { return f(x[k]...); };
  constexpr auto operands = std::make_index_sequence<arity>();
  using Out = std::conditional_t<std::is_same_v<decltype(compute(operands, value)), V>, S, uint8_t>;
  Out* to = static_cast<Out*>(out);
  bool far = n >= kFarBytes / static_cast<int64_t>(sizeof(S));
  for (int64_t i = 0; i < n; i += together * V::width) {
    asm("" : "+r"(far));
    if (__builtin_expect(far, 0)) {
      for (int k = 0; k < arity; ++k)
        if (!(constants >> k & 1)) __builtin_prefetch(reinterpret_cast<const char*>(p[k] + i) + kAheadBytes);
      __builtin_prefetch(reinterpret_cast<const char*>(to + i) + kAheadBytes, 1);
    }
    V x[together][arity];
    if constexpr (arity > 1) asm("" : "+r"(constants));  // one loop, not one for every set of constants
#pragma GCC unroll 3
    for (int k = 0; k < arity; ++k) {
      const bool one = arity > 1 && (constants >> k & 1);
#pragma GCC unroll 2
      for (int t = 0; t < together; ++t) x[t][k] = one ? value[k] : load(p[k] + i + t * V::width);
    }
#pragma GCC unroll 2
    for (int t = 0; t < together; ++t) store_lanes(to + i + t * V::width, compute(operands, x[t]));
  }
}
// Where a shorter way gives the same 16 bits.
template <class F, class... V>
LANE_OP auto stored_value(V... x) {
#if defined(__AVX512F__)
  if constexpr (F::text == std::string_view("sqrt(x)")) return short_root(x...);
  if constexpr (F::text == std::string_view("sigmoid(x)")) return lane_math::short_sigmoid(x...);
#endif
  return F::value(x...);
}
template <class F, class S>
void stored_kernel(int64_t n, void* out, const void* const* in, uint32_t constants) {
  loop_over_stored<S, F::arity>([](auto... x) { return stored_value<F>(x...); }, n, out, in, constants);
}
// Narrow lanes pay where there are many of them: the baseline converts.
template <class F>
constexpr void add_stored([[maybe_unused]] StoredKernel (&kernel)[8]) {
#if defined(__F16C__)
  constexpr bool signs = (F::stored & formula::O) != 0, integers = signs || (F::stored & formula::N) != 0;
  if constexpr (integers) {
    kernel[index_of(DType::UInt8)] = stored_kernel<F, std::conditional_t<signs, uint8_t, int8_t>>;
    kernel[index_of(DType::Int8)] = stored_kernel<F, int8_t>;
    kernel[index_of(DType::Int16)] = stored_kernel<F, int16_t>;
  }
  if constexpr (integers || (F::stored & formula::J) != 0) kernel[index_of(DType::Int32)] = stored_kernel<F, int32_t>;
  if constexpr ((F::stored & formula::B) != 0) kernel[index_of(DType::Bool)] = stored_kernel<F, int8_t>;
  if constexpr ((F::stored & formula::H) != 0) {
    kernel[index_of(DType::Float16)] = stored_kernel<F, Half>;
    kernel[index_of(DType::BFloat16)] = stored_kernel<F, BFloat>;
  }
#endif
}
template <class F>
constexpr void add_held([[maybe_unused]] StoredKernel (&kernel)[2]) {
#if defined(__F16C__)
  if constexpr (F::held) {
    kernel[0] = stored_kernel<F, float>;
    kernel[1] = stored_kernel<F, double>;
  }
#endif
}

// Rows of two operands, of which one may be one value for a row: written once, and neither spread nor read again. What
// the bits say is asked once for two vectors.
template <class F, class T>
void row_kernel(int64_t rows, int64_t n, void* out, int64_t out_step, const void* const* in, const int64_t* in_step,
                uint32_t how) {
  using V = Vec<T>;
  constexpr int W = V::width, line = 64 / sizeof(T);
  const char *a = static_cast<const char*>(in[0]), *b = static_cast<const char*>(in[1]);
  char* to = static_cast<char*>(out);
  for (int64_t r = 0; r < rows; ++r, a += in_step[0], b += in_step[1], to += out_step) {
    const T *p = reinterpret_cast<const T*>(a), *q = reinterpret_cast<const T*>(b);
    T* o = reinterpret_cast<T*>(to);
    V x[2], y[2];
    x[0] = x[1] = *p;
    y[0] = y[1] = *q;
    int64_t i = 0;
    for (; i + 2 * W <= n; i += 2 * W) {
      for (int64_t at = i; how & kAheadOut && at < i + 2 * W; at += line) {
        if (how & kAhead) __builtin_prefetch(reinterpret_cast<const char*>(p + at) + kAheadBytes);
        if (how & kAhead << 1) __builtin_prefetch(reinterpret_cast<const char*>(q + at) + kAheadBytes);
        __builtin_prefetch(reinterpret_cast<const char*>(o + at) + kAheadBytes, 1);
      }
      asm("" : "+r"(how));  // one loop, not one for each set of bits
      if (!(how & 1)) x[0] = load(p + i), x[1] = load(p + i + W);
      if (!(how & 2)) y[0] = load(q + i), y[1] = load(q + i + W);
      store(o + i, V(F::value(x[0], y[0])));
      store(o + i + W, V(F::value(x[1], y[1])));
    }
    for (; i < n; i += W) {
      const int rest = static_cast<int>(std::min<int64_t>(n - i, W));
      if (!(how & 1)) x[0] = rest == W ? load(p + i) : load_partial(p + i, rest, T(1));
      if (!(how & 2)) y[0] = rest == W ? load(q + i) : load_partial(q + i, rest, T(1));
      const V z = F::value(x[0], y[0]);
      if (rest == W) {
        store(o + i, z);
      } else {
        alignas(kLaneBytes) T staged[W];
        store(staged, z);
        store_partial(o + i, staged, rest);
      }
    }
  }
}
template <class F>
constexpr void add_rows([[maybe_unused]] RowKernel (&kernel)[2]) {
#if defined(__F16C__)
  if constexpr (F::rows) {
    kernel[0] = row_kernel<F, float>;
    kernel[1] = row_kernel<F, double>;
  }
#endif
}

// The primitive that a formula consists of, such as exp(x) or x + y, or -1. Its kernels are compiled once, there.
constexpr int primitive_of(std::string_view operands, std::string_view text) {
#define NAME(name, ...) #name,
  constexpr const char* names[] = {FACULA_UNARY_PRIMITIVES(NAME) FACULA_BINARY_PRIMITIVES(NAME)};
#undef NAME
  constexpr std::string_view infix[][2] = {
      {"-x", "neg(x)"}, {"x + y", "add(x, y)"}, {"x - y", "sub(x, y)"}, {"x * y", "mul(x, y)"}, {"x / y", "div(x, y)"}};
  for (auto [form, call] : infix)
    if (text == form) text = call;
  const size_t length = text.find('(');
  if (length == text.npos) return -1;
  std::string_view arguments = text.substr(length);
  while (!operands.empty() && !arguments.empty()) {  // "(auto x, auto y)" and "(x, y)"
    if (operands.starts_with("auto ")) operands.remove_prefix(5);
    if (operands.front() != arguments.front()) return -1;
    operands.remove_prefix(1);
    arguments.remove_prefix(1);
  }
  if (operands.size() != arguments.size()) return -1;
  for (int p = 0; p < static_cast<int>(std::size(names)); ++p)
    if (text.substr(0, length) == names[p]) return is_predicate(static_cast<Primitive>(p)) ? -1 : p;
  return -1;
}

template <class F>
constexpr FormulaKernels kernels_of() {
  FormulaKernels k{};
  constexpr int primitive = primitive_of(F::operands, F::text);
  k.primitive = primitive;
  k.columns = F::columns;
  if constexpr (primitive < 0) {
    if constexpr (F::columns & 1) k.value[0] = value_kernel<F, float>;
    if constexpr (F::columns & 2) k.value[1] = value_kernel<F, double>;
    if constexpr (F::columns & 8) k.value[3] = value_kernel<F, Complex<float>>;
    if constexpr (F::columns & 16) k.value[4] = value_kernel<F, Complex<double>>;
  }
  if constexpr (F::columns & 4) k.value[2] = value_kernel<F, int64_t>;
  add_stored<F>(k.own);
  add_rows<F>(k.rows);
  add_held<F>(k.held);
  [&]<size_t... j>(std::index_sequence<j...>) {
    auto add = [&]<int operand>() {
      if constexpr (F::ahead >> operand & 1) {
        k.derivative[operand][0] = derivative_kernel<F, operand, float>;
        k.derivative[operand][1] = derivative_kernel<F, operand, double>;
      }
    };
    (add.template operator()<static_cast<int>(j)>(), ...);
  }(std::make_index_sequence<F::arity>());
  return k;
}

#define KERNELS_OF_LINE(NAME, ...) kernels_of<formula::NAME##_formula>(),

extern const BlockKernel primitive_kernels[][4];
extern const FormulaKernels arithmetic_kernels[], predicate_kernels[], function_kernels[], activation_kernels[],
    special_kernels[];

}  // namespace facula::cpu::FACULA_ISA
