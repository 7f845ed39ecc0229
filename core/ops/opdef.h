// The form of a table entry: what one operation is, and how a typed C++ function becomes one.
#pragma once
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "tensor/node.h"

namespace facula {

enum class Kind : uint8_t { Pointwise, Reduction, View, Contraction, Indexing, Scan, Random, Creation, Fused, Copy };

// What the parser turns a Python argument into.
enum class ArgKind : uint8_t {
  Tensor,
  MaybeTensor,
  Operand,
  MaybeOperand,
  TensorList,
  MaybeTensorList,
  Number,
  MaybeNumber,
  Int,
  MaybeInt,
  Double,
  MaybeDouble,
  Bool,
  MaybeBool,
  Ints,
  MaybeInts,
  Type,
  MaybeType,
  MaybePlace,
  Text,
  MaybeGenerator,
  Condition,
};

// What a call gives: tensors, or one plain value.
struct Result {
  SmallVector<Tensor, 2> tensors;
  Arg value;
  bool is_sequence = false;  // a tuple in Python even when it holds one tensor
};

struct PointwiseOp;

// Access of a derivative to its call. Slots number the tensors of the call in order, lists flattened.
struct Backward {
  Node* node;
  Gradients& outputs;  // gradients of the results, absent where nothing arrived
  Gradients& inputs;   // to be filled
  bool needs(size_t slot) const { return slot < node->edges.size() && node->edges[slot].node; }
  size_t num_inputs() const { return node->edges.size(); }
  const Dims& sizes(size_t slot) const { return meta(slot).sizes; }
  const OutputMeta& meta(size_t slot) const {
    const Edge& e = node->edges[slot];
    return e.node->outputs[e.index];
  }
  const Dims& result_sizes(size_t i = 0) const { return node->outputs[i].sizes; }
  Tensor input(int slot) const { return unpack_slot(node, slot); }
  Tensor result(int i = 0) const { return unpack_slot(node, -1 - i); }
  bool has_grad(size_t i) const { return static_cast<bool>(outputs[i]); }
  Tensor grad(size_t i = 0) const;  // zeros when nothing arrived
  const Arg& arg(size_t i) const { return node->args[i]; }
  void set(size_t slot, Tensor g) { inputs[slot] = std::move(g); }
};

inline constexpr uint32_t kSaveResult = 1u << 31;
inline constexpr uint32_t kSaveResult1 = 1u << 30;
inline constexpr uint32_t kSaveResult2 = 1u << 29;
inline constexpr int kMaxSaveRules = 4;
inline constexpr int kMaxArgs = 20;

struct Signature {
  const ArgKind* kinds;
  size_t count;
};

struct OpDef {
  const char* name;
  Kind kind;
  const char* node_name;  // what grad_fn shows, PyTorch's name; null: not differentiable
  Signature signature;
  void (*body)(const Arg* args, Result& result);
  void (*vjp)(Backward& b);
  // saves[i]: what the gradient of input slot i needs: bits of slots, kSaveResult. Slots beyond the list use the last.
  uint32_t saves[kMaxSaveRules];
  bool mutates;       // the body writes into argument 0; the form without underscore works on a clone
  bool returns_self;  // a mutating operation that has no other form: copy_, zero_
  const PointwiseOp* pointwise;
};

// ---- from a typed function to an entry ----

struct Operand {
  const Arg& arg;
};  // a tensor or a number
struct MaybeOperand {
  const Arg& arg;
};  // ... or None
using MaybeTensor = const Tensor*;
struct MaybeTensorList {
  const TensorList& list;
};

template <class T>
struct FromArg;
#define FACULA_FROM_ARG(TYPE, KIND, EXPRESSION)          \
  template <>                                            \
  struct FromArg<TYPE> {                                 \
    static constexpr ArgKind kind = ArgKind::KIND;       \
    static TYPE get(const Arg& a) { return EXPRESSION; } \
  };
FACULA_FROM_ARG(const Tensor&, Tensor, a.as_tensor())
FACULA_FROM_ARG(MaybeTensor, MaybeTensor, a.is_none() ? nullptr : &a.as_tensor())
FACULA_FROM_ARG(Operand, Operand, Operand{a})
FACULA_FROM_ARG(MaybeOperand, MaybeOperand, MaybeOperand{a})
FACULA_FROM_ARG(const TensorList&, TensorList, *a.list)
FACULA_FROM_ARG(MaybeTensorList, MaybeTensorList, MaybeTensorList{*a.list})
FACULA_FROM_ARG(Scalar, Number, a.number)
FACULA_FROM_ARG(std::optional<Scalar>, MaybeNumber, a.is_none() ? std::nullopt : std::optional(a.number))
FACULA_FROM_ARG(int64_t, Int, a.number.i)
FACULA_FROM_ARG(std::optional<int64_t>, MaybeInt, a.is_none() ? std::nullopt : std::optional(a.number.i))
FACULA_FROM_ARG(double, Double, a.number.to_double())
FACULA_FROM_ARG(std::optional<double>, MaybeDouble, a.is_none() ? std::nullopt : std::optional(a.number.to_double()))
FACULA_FROM_ARG(bool, Bool, a.number.to_bool())
FACULA_FROM_ARG(std::optional<bool>, MaybeBool, a.is_none() ? std::nullopt : std::optional(a.number.to_bool()))
FACULA_FROM_ARG(const Dims&, Ints, *a.ints)
FACULA_FROM_ARG(const Dims*, MaybeInts, a.is_none() ? nullptr : a.ints)
FACULA_FROM_ARG(DType, Type, a.dtype)
FACULA_FROM_ARG(std::optional<DType>, MaybeType, a.is_none() ? std::nullopt : std::optional(a.dtype))
FACULA_FROM_ARG(std::optional<Device>, MaybePlace, a.is_none() ? std::nullopt : std::optional(a.device))
FACULA_FROM_ARG(std::string_view, Text, std::string_view(a.text.chars, a.text.length))
FACULA_FROM_ARG(Generator*, MaybeGenerator, a.is_none() ? nullptr : a.generator)
#undef FACULA_FROM_ARG

inline void give(Result& r, Tensor t) { r.tensors.push_back(std::move(t)); }
inline void give(Result& r, std::tuple<Tensor, Tensor> t) {
  r.tensors.push_back(std::move(std::get<0>(t)));
  r.tensors.push_back(std::move(std::get<1>(t)));
  r.is_sequence = true;
}
inline void give(Result& r, TensorList l) {
  for (Tensor& t : l) r.tensors.push_back(std::move(t));
  r.is_sequence = true;
}
inline void give(Result& r, bool v) { r.value = Arg(v); }
inline void give(Result& r, int64_t v) { r.value = Arg(v); }
inline void give(Result& r, double v) { r.value = Arg(v); }

template <auto function>
struct Typed;
template <class R, class... A, R (*function)(A...)>
struct Typed<function> {
  static constexpr ArgKind kinds[sizeof...(A) + 1] = {FromArg<A>::kind..., ArgKind::Tensor};
  static constexpr Signature signature = {kinds, sizeof...(A)};
  static void body(const Arg* args, Result& result) { call(args, result, std::index_sequence_for<A...>()); }
  template <size_t... I>
  static void call(const Arg* args, Result& result, std::index_sequence<I...>) {
    if constexpr (std::is_void_v<R>)
      function(FromArg<A>::get(args[I])...);
    else
      give(result, function(FromArg<A>::get(args[I])...));
  }
};
// One entry: name, kind, grad_fn name, function, then .vjp, .saves, .mutates as needed.
#define FACULA_OP(NAME, KIND, NODE, FUNCTION, ...) \
  {.name = NAME,                                   \
   .kind = Kind::KIND,                             \
   .node_name = NODE,                              \
   .signature = Typed<FUNCTION>::signature,        \
   .body = Typed<FUNCTION>::body __VA_OPT__(, ) __VA_ARGS__}

// ---- calling ----

const OpDef& find_op(std::string_view name);    // throws Error(Runtime) when there is none
const OpDef* lookup_op(std::string_view name);  // null when there is none
struct OpFamily {
  const OpDef* ops;
  size_t count;
};
const OpFamily* op_families(size_t* count);

enum class Form : uint8_t { Functional, InPlace };

// The one path of every call that is not pointwise: runs the body and records a node.
void apply(const OpDef& op, const Arg* args, size_t nargs, Form form, Result& result);
// The same for pointwise operations. `out`: absent, or where the result goes (argument 0 when in place).
Tensor apply_pointwise(const OpDef& op, const Arg* operands, size_t n, const Tensor& out, Form form);

template <class... A>
Result call_all(const OpDef& op, const A&... a) {
  const Arg args[] = {Arg(a)...};
  Result r;
  apply(op, args, sizeof...(A), Form::Functional, r);
  return r;
}
template <class... A>
Tensor call(const OpDef& op, const A&... a) {
  const Arg args[] = {Arg(a)...};
  if (op.pointwise) return apply_pointwise(op, args, sizeof...(A), Tensor(), Form::Functional);
  Result r;
  apply(op, args, sizeof...(A), Form::Functional, r);
  return std::move(r.tensors[0]);
}
template <class... A>
Tensor call_inplace(const OpDef& op, const Tensor& self, const A&... a) {
  const Arg args[] = {Arg(self), Arg(a)...};
  if (op.pointwise) return apply_pointwise(op, args, 1 + sizeof...(A), self, Form::InPlace);
  Result r;
  apply(op, args, 1 + sizeof...(A), Form::InPlace, r);
  return self;
}

}  // namespace facula
