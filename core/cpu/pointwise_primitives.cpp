// One kernel for each scalar primitive, for the block interpreter (expr/program.h), and the family's constant.
#include "cpu/pointwise_loop.h"

namespace facula::cpu::FACULA_ISA {

// Predicates give 1 and 0 in the operands' type, so that every block of a program has one type.
template <class V, class X>
LANE_OP V as_number(X x) {
  if constexpr (std::is_same_v<X, V>)
    return x;
  else
    return select(x, V(1), V(0));
}

// Long chains of operations, which leave the registers and units of AVX2 idle when they run alone: where this was
// measured to gain 5 to 40 percent and PyTorch was the faster one. And the root that two units of AVX-512 share.
template <class T>
constexpr bool is_long(Primitive p) {
  switch (p) {
    case Primitive::log:
    case Primitive::erf:
    case Primitive::erfc:
    case Primitive::erfinv: return kLaneBytes == 32;
    case Primitive::sin:
    case Primitive::cos:
    case Primitive::asin:
    case Primitive::acos: return kLaneBytes == 32 && std::is_same_v<T, float>;
    case Primitive::log2:
    case Primitive::log10:
    case Primitive::atan:
    case Primitive::tanh: return kLaneBytes == 32 && std::is_same_v<T, double>;
    case Primitive::sqrt: return kLaneBytes == 64 && std::is_same_v<T, double>;
    default: return false;
  }
}
template <class T, int arity, class F>
void primitive_kernel(int64_t n, void* out, const void* const* in) {
  using Lanes = typename LanesOf<T>::type;
  using V = std::conditional_t<is_long<T>(F::primitive) && lane_math::RealLanes<Lanes>, Twin<T>, Lanes>;
  loop_over_lanes<T, arity, V>([](auto... x) { return as_number<V>(F::value(x...)); }, n, out, in);
}
// Null where the primitive does not exist for the type.
template <class T, int arity, class F>
constexpr BlockKernel kernel_for() {
  using V = typename LanesOf<T>::type;
  if constexpr ([]<size_t... k>(std::index_sequence<k...>) {
                  return requires(V x) { F::value((void(k), x)...); };
                }(std::make_index_sequence<arity>()))
    return primitive_kernel<T, arity, F>;
  else
    return nullptr;
}

#define NAMED_PRIMITIVE(name)                               \
  struct name##_primitive {                                 \
    static constexpr Primitive primitive = Primitive::name; \
    template <class... V>                                   \
      requires(requires(V... x) { lane_math::name(x...); }) \
    LANE_OP static auto value(V... x) {                     \
      return lane_math::name(x...);                         \
    }                                                       \
  };
#define NAMED_UNARY(name, dx) NAMED_PRIMITIVE(name)
#define NAMED_BINARY(name, dx, dy) NAMED_PRIMITIVE(name)
FACULA_UNARY_PRIMITIVES(NAMED_UNARY)
FACULA_BINARY_PRIMITIVES(NAMED_BINARY)
NAMED_PRIMITIVE(where)

#define EVERY_TYPE(name, arity)                                                                 \
  {kernel_for<float, arity, name##_primitive>(), kernel_for<double, arity, name##_primitive>(), \
   kernel_for<Complex<float>, arity, name##_primitive>(), kernel_for<Complex<double>, arity, name##_primitive>()},
#define UNARY_KERNELS(name, dx) EVERY_TYPE(name, 1)
#define BINARY_KERNELS(name, dx, dy) EVERY_TYPE(name, 2)
constexpr BlockKernel primitive_kernels[][4] = {FACULA_UNARY_PRIMITIVES(UNARY_KERNELS)
                                                    FACULA_BINARY_PRIMITIVES(BINARY_KERNELS) EVERY_TYPE(where, 3)};

KERNELS(PointwiseKernels, pointwise_kernels) = {primitive_kernels, arithmetic_kernels, predicate_kernels,
                                                function_kernels,  activation_kernels, special_kernels};

}  // namespace facula::cpu::FACULA_ISA
