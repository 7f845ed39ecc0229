// The rules of uint16, uint32 and uint64. No kernel knows them: where only bits count the signed type of the same width
// stands in, else int64 or a floating type. What is not named here refuses them, whatever its body could do.
#include "ops/barebones.h"

#include <string>
#include <string_view>

#include "ops/ops.h"
#include "ops/pointwise_op.h"
#include "ops/promote.h"
#include "ops/record.h"

namespace facula {

namespace {

enum class Way : uint8_t {
  Refused,
  Moved,      // the body only moves or checks elements
  Widened,    // in the type asked for, else in int64
  Converted,  // in the type asked for; refused without
  Floating,   // in the default floating type
  Ordered,    // by the signed type, after the highest bit is inverted
  Drawn,      // drawn as int64
  Bits,       // by the signed type
  Kept,       // whole numbers stay as they are
  Never,      // false for all whole numbers
  Always,     // true for all of them
  Power,      // only where no number has to be multiplied
  Unfit,      // for floating types alone
};
// Which entries go which way. Names stand between blanks.
struct Rule {
  Way way;
  std::string_view names;
};
constexpr Rule kRules[] = {
    {Way::Moved,
     " real _conj conj_physical imag clone contiguous to_dtype copy_ fill_ zero_ reshape flatten movedim"
     " _embed _reverse_dims narrow _unfold as_strided detach empty zeros ones _empty_strided _full _empty_like"
     " _full_like cat stack _cat_recorded index flip roll repeat equal _constant_pad index_select"
     " _circular_pad _mse_loss _l1_loss _smooth_l1_loss _huber_loss _pair_loss_backward "},
    {Way::Widened, " sum nansum _prod mean any all cumsum cumprod _var _std _norm sum_to_size "},
    {Way::Floating, " angle logsumexp "},
    {Way::Ordered, " _sort _sort_rows _unique "},
    {Way::Drawn, " _randint _random_ "},
    {Way::Bits, " mul eq ne where bitwise_and bitwise_or bitwise_xor "},
    {Way::Kept, " floor ceil trunc round positive nan_to_num "},
    {Way::Never, " isnan isinf isposinf isneginf signbit "},
    {Way::Always, " isfinite "},
    {Way::Power, " pow "},
    {Way::Refused, " softsign "},
    {Way::Converted, " _softmax _log_softmax "},
    {Way::Unfit, " complex polar multinomial _frexp exponential_ "},
};

bool has_name(std::string_view names, const OpDef& op) {
  return names.find(std::string(" ") + op.name + " ") != std::string_view::npos;
}

Way way_of(const OpDef& op, Way otherwise) {
  for (const Rule& r : kRules)
    if (has_name(r.names, op)) return r.way;
  return otherwise;
}

[[noreturn]] void refuse(const OpDef& op, DType t) {
  fail(ErrorKind::NotImplemented, "\"", op.name, "\" not implemented for '", scalar_type_name(t),
       "': PyTorch has it for few operations; convert it first, e.g. x.to(torch.int64)");
}

bool is_barebones_tensor(const Arg& a) { return a.tag == Arg::Tensor_ && is_barebones(a.tensor->dtype); }

// The same memory under another type of the same width.
Tensor relabelled(const Tensor& t, DType dtype) {
  Tensor same = alias(t);
  same->dtype = dtype;
  return same;
}

// Copies of a call's arguments, with the tensors among them changed.
struct Changed {
  Arg args[kMaxArgs];
  Tensor held[kMaxArgs];
  template <class F>
  Changed(const Arg* from, size_t n, F&& change) {
    for (size_t i = 0; i < n; ++i) {
      args[i] = from[i];
      if (from[i].tag != Arg::Tensor_) continue;
      held[i] = change(from[i].as_tensor(), i);
      args[i] = Arg(held[i]);
    }
  }
};
Changed converted(const Arg* args, size_t n, DType to) {
  return Changed(args, n,
                 [to](const Tensor& t, size_t) { return is_barebones(t->dtype) ? ops::converted_memory(t, to) : t; });
}

// ---- numbers from 2^63 on, among operands of other types ----

bool is_wide(const Arg& a) { return a.tag == Arg::Number && a.number.is_unsigned; }

bool meets_type(const Arg* args, size_t n, const Tensor& out) {
  if (out && is_barebones(out->dtype)) return true;
  for (size_t i = 0; i < n; ++i) {
    if (is_barebones_tensor(args[i])) return true;
    if (args[i].tag == Arg::Type && is_barebones(args[i].dtype)) return true;
    if (args[i].tag != Arg::List) continue;
    for (const Tensor& t : *args[i].list)
      if (t && is_barebones(t->dtype)) return true;
  }
  return false;
}

// The operations in which PyTorch wraps such a number; the others refuse it.
constexpr std::string_view kWrapping =
    " add sub rsub mul eq ne lt le gt ge remainder fmod floor_divide bitwise_and bitwise_or bitwise_xor "
    "bitwise_left_shift"
    " bitwise_right_shift ";
// Those that check it against the type of what they write.
constexpr std::string_view kChecking = " fill_ _full _full_like masked_fill index_fill _constant_pad ";

// The number as one that all types know: a double beside floats, else as many low bits as the type has.
Scalar narrowed(const OpDef& op, const Scalar& s, DType type) {
  if (!is_integral(type)) return Scalar(s.to_double());
  FACULA_CHECK(has_name(kWrapping, op) && type != DType::Bool, Runtime,
               "value cannot be converted to type int64_t without overflow: ", op.name, "() was given ",
               static_cast<uint64_t>(s.i));
  const int unused = static_cast<int>(64 - 8 * item_size(type));
  const uint64_t bits = static_cast<uint64_t>(s.i) << unused;
  return type == DType::UInt8 ? Scalar(static_cast<int64_t>(bits >> unused))
                              : Scalar(static_cast<int64_t>(bits) >> unused);
}
struct Narrowed {
  Arg args[kMaxArgs];
  Narrowed(const OpDef& op, const Arg* from, size_t n, DType type) {
    for (size_t i = 0; i < n; ++i) args[i] = is_wide(from[i]) ? Arg(narrowed(op, from[i].number, type)) : from[i];
  }
};

// The type that decides about numbers in an operation that is not pointwise.
DType deciding_type(const Arg* args, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    if (args[i].tag == Arg::Type) return args[i].dtype;
    if (args[i].tag == Arg::Tensor_) return args[i].tensor->dtype;
  }
  return DType::Int64;
}

// ---- operations that are not pointwise ----

DType first_type(const Arg* args, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    if (is_barebones_tensor(args[i])) return args[i].tensor->dtype;
    if (args[i].tag == Arg::Type && is_barebones(args[i].dtype)) return args[i].dtype;
    if (args[i].tag != Arg::List) continue;
    for (const Tensor& t : *args[i].list)
      if (t && is_barebones(t->dtype)) return t->dtype;
  }
  return DType::UInt16;
}

void widen(const OpDef& op, const Arg* args, size_t n, Form form, DType to, Result& result) {
  for (size_t i = 0; i < n; ++i)
    if (args[i].tag == Arg::Type) to = args[i].dtype;
  if (std::string_view(op.name) == "sum_to_size" && args[0].tensor->sizes == *args[1].ints) {  // nothing to sum
    result.tensors.push_back(args[0].as_tensor());
    return;
  }
  if (is_barebones(to) || form == Form::InPlace) refuse(op, first_type(args, n));
  apply(op, converted(args, n, to).args, n, form, result);
}

// Numbers without a sign are in the order of those with one, once the highest bit is inverted.
Tensor inverted(const Tensor& t, DType label) {
  static const OpDef& exclusive = find_op("bitwise_xor");
  const int64_t highest = INT64_MIN >> (64 - 8 * t->item_size());
  GradMode off(false);
  return relabelled(call(exclusive, relabelled(t, signed_of(t->dtype)), highest), label);
}
void order(const OpDef& op, const Arg* args, size_t n, Form form, Result& result) {
  const DType type = first_type(args, n);
  const Changed signed_ones(args, n, [](const Tensor& t, size_t) { return inverted(t, signed_of(t->dtype)); });
  apply(op, signed_ones.args, n, form, result);
  Tensor& first = result.tensors[0];
  if (first->dtype == signed_of(type) && std::string_view(op.name) != "_sort_rows") first = inverted(first, type);
}

// As PyTorch draws them: like int64 numbers, whose limits hold for uint64 too.
void draw(const OpDef& op, const Arg* args, size_t n, Form form, Result& result) {
  const DType type = first_type(args, n);
  const int64_t highest = INT64_MAX >> (type == DType::UInt64 ? 0 : 63 - 8 * item_size(type));
  const bool fresh = args[0].tag != Arg::Tensor_;
  const Arg* bounds = fresh ? args : args + 1;
  if (bounds[1].is_none()) refuse(op, type);
  const int64_t from = bounds[0].is_none() ? 0 : bounds[0].number.i, to = bounds[1].number.i;
  FACULA_CHECK(from >= 0 && from <= highest, Runtime, "from is out of bounds for ", name_of(type));
  FACULA_CHECK(to <= from || to - 1 <= highest, Runtime, "to - 1 is out of bounds for ", name_of(type));
  Arg wide[kMaxArgs];
  for (size_t i = 0; i < n; ++i) wide[i] = args[i].tag == Arg::Type ? Arg(DType::Int64) : args[i];
  Tensor numbers;
  if (!fresh) {
    check_inplace(args[0].as_tensor(), false);
    numbers = empty(args[0].tensor->sizes, DType::Int64);
    wide[0] = Arg(numbers);
  }
  apply(op, wide, n, form, result);
  Tensor& drawn = result.tensors[0];
  if (fresh) {
    drawn = ops::converted_memory(drawn, type);
    return;
  }
  drawn = args[0].as_tensor();
  ops::copy_memory(drawn, numbers);
  ++drawn->version();
}

// ---- pointwise operations ----

// A value that was computed apart goes where the call wanted it.
Tensor write(const OpDef& op, const Tensor& value, const Tensor& out, Form form) {
  FACULA_CHECK(category(value->dtype) <= category(out->dtype), Runtime, "result type ", scalar_type_name(value->dtype),
               " can't be cast to the desired output type ", scalar_type_name(out->dtype));
  if (out->sizes != value->sizes) {
    FACULA_CHECK(form != Form::InPlace, Runtime, "output with shape ", out->sizes,
                 " doesn't match the broadcast shape ", value->sizes, ": ", op.name,
                 "_() cannot change the shape of the tensor it writes to");
    resize_memory(out, value->sizes);
  }
  FACULA_CHECK(!has_internal_overlap(out), Runtime,
               "unsupported operation: more than one element of the written-to tensor refers to a single memory "
               "location. Please clone() the tensor before performing the operation.");
  ops::copy_memory(out, value);
  ++out->version();
  return out;
}

DType common_type(const OpDef& op, const Arg* args, size_t n) {
  TypePromotion promotion;
  for (size_t i = 0; i < n; ++i)
    if (op.signature.kinds[i] != ArgKind::Condition) promotion.add(args[i]);
  return promotion.result();
}

// All operands in the signed type of `common`'s width; numbers wrap.
Tensor by_bits(const OpDef& op, const Arg* args, size_t n, DType common) {
  const DType stand_in = signed_of(common);
  Changed same(args, n, [&](const Tensor& t, size_t i) {
    if (op.signature.kinds[i] == ArgKind::Condition) return t;
    return relabelled(ops::converted_memory(t, common), stand_in);
  });
  const int unused = static_cast<int>(64 - 8 * item_size(common));
  for (size_t i = 0; i < n; ++i)
    if (args[i].tag == Arg::Number)
      same.args[i] = Arg(static_cast<int64_t>(static_cast<uint64_t>(args[i].number.to_int()) << unused) >> unused);
  Tensor value = apply_pointwise(op, same.args, n, Tensor(), Form::Functional);
  if (value->dtype == stand_in) value->dtype = common;
  return value;
}

// As PyTorch, which copies or fills for these: x**1, x**0, 1**x.
Tensor power(const OpDef& op, const Arg* args, DType common) {
  const Arg &base = args[0], &exponent = args[1];
  if (exponent.tag == Arg::Number && exponent.number.equals(1)) return ops::clone(base.as_tensor());
  const bool one = base.tag == Arg::Number && base.number.kind == Category::Integer && base.number.equals(1);
  const bool ones = exponent.tag == Arg::Number ? exponent.number.equals(0) : one;
  if (!ones) refuse(op, common);
  return ops::full((base.tag == Arg::Tensor_ ? base : exponent).tensor->sizes, Scalar(1), common);
}

Tensor computed(const OpDef& op, const Arg* args, size_t n, DType common) {
  if (!is_barebones(common)) return apply_pointwise(op, converted(args, n, common).args, n, Tensor(), Form::Functional);
  const bool floating = op.pointwise->result == ResultType::Float;
  const Tensor& x = args[0].as_tensor();
  const Way way = way_of(op, floating ? Way::Floating : Way::Refused);
  if (!x && way >= Way::Kept && way != Way::Power) refuse(op, common);
  switch (way) {
    case Way::Bits: return by_bits(op, args, n, common);
    case Way::Floating:
      return apply_pointwise(op, converted(args, n, default_dtype).args, n, Tensor(), Form::Functional);
    case Way::Power: return power(op, args, common);
    case Way::Kept: return ops::clone(x);
    case Way::Never: return ops::full(x->sizes, Scalar(false), DType::Bool);
    case Way::Always: return ops::full(x->sizes, Scalar(true), DType::Bool);
    default: refuse(op, common);
  }
}

}  // namespace

bool concerns_barebones(const Arg* args, size_t n, const Tensor& out) {
  for (size_t i = 0; i < n; ++i)
    if (is_wide(args[i])) return true;
  return meets_type(args, n, out);
}

bool apply_barebones(const OpDef& op, const Arg* args, size_t n, Form form, Result& result) {
  if (!meets_type(args, n, Tensor())) {
    if (has_name(kChecking, op)) return false;
    apply(op, Narrowed(op, args, n, deciding_type(args, n)).args, n, form, result);
    return true;
  }
  switch (way_of(op, op.kind == Kind::View ? Way::Moved : Way::Refused)) {
    case Way::Moved: return false;
    case Way::Widened: widen(op, args, n, form, DType::Int64, result); break;
    case Way::Converted: widen(op, args, n, form, first_type(args, n), result); break;
    case Way::Unfit:
      fail(ErrorKind::Runtime, op.name, "() is for floating types, but got ", scalar_type_name(first_type(args, n)));
    case Way::Floating: apply(op, converted(args, n, default_dtype).args, n, form, result); break;
    case Way::Ordered: order(op, args, n, form, result); break;
    case Way::Drawn: draw(op, args, n, form, result); break;
    default: {
      const bool as_operand = is_barebones_tensor(args[0]) || args[0].tag != Arg::Tensor_;
      FACULA_CHECK(as_operand, Runtime, op.name, "(): expected indices or targets of another type than ",
                   name_of(first_type(args, n)), "; convert them first, e.g. index.to(torch.int64)");
      refuse(op, first_type(args, n));
    }
  }
  return true;
}

Tensor apply_barebones_pointwise(const OpDef& op, const Arg* args, size_t n, const Tensor& out, Form form) {
  if (!meets_type(args, n, out)) {
    const bool floating = op.pointwise->result == ResultType::Float;
    bool truth = true;  // of tensors of bool, which have no type in common with such a number
    for (size_t i = 0; i < n; ++i) truth &= args[i].tag != Arg::Tensor_ || args[i].tensor->dtype == DType::Bool;
    const DType type = floating ? DType::Float64 : truth ? DType::Bool : common_type(op, args, n);
    return apply_pointwise(op, Narrowed(op, args, n, type).args, n, out, form);
  }
  if (op.pointwise->result == ResultType::Own) {
    const Arg& first = args[0];
    if (is_barebones_tensor(first)) refuse(op, first.tensor->dtype);
    fail(ErrorKind::Runtime, op.name, "(): expected all operands to have the dtype of the first; convert them");
  }
  const DType common = common_type(op, args, n);
  if (!is_barebones(common) && !(out && is_barebones(out->dtype)))  // checked and recorded as any other
    return apply_pointwise(op, converted(args, n, common).args, n, out, form);
  if (form == Form::InPlace) check_inplace(out, false);
  FACULA_CHECK(!out || !mode.grad || !out->requires_grad(), Runtime, op.name,
               "(): functions with out=... arguments don't support automatic differentiation, but one of the arguments "
               "requires grad.");
  Tensor value = computed(op, args, n, common);
  return out ? write(op, value, out, form) : value;
}

}  // namespace facula
