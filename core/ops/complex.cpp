// What is particular to complex tensors: views of their parts, conjugation, and the functions that are not holomorphic,
// whose gradients therefore are not those of a formula (see Note [Complex derivatives]).
#include "cpu/complex.h"

#include <cmath>

#include "base/gil.h"
#include "ops/ops.h"
#include "ops/promote.h"
#include "runtime/parallel.h"

namespace facula {

namespace ops {

Tensor real_part(const Tensor& x) { return is_complex(x->dtype) ? select(view_as_real(x), -1, 0) : x; }

}  // namespace ops

namespace {

Tensor imaginary_part(const Tensor& x) { return ops::select(ops::view_as_real(x), -1, 1); }

// ---- views ----

Tensor alias_as(const Tensor& x, DType dtype, const Dims& sizes, const Dims& strides) {
  Tensor v = alias(x, sizes, strides, x->byte_offset);
  v->dtype = dtype;
  return v;
}
Tensor view_as_real(const Tensor& x) {
  FACULA_CHECK(is_complex(x->dtype), Runtime, "view_as_real is only supported for complex tensors");
  Dims sizes = x->sizes, strides = x->strides;
  for (int64_t& s : strides) s *= 2;
  sizes.push_back(2);
  strides.push_back(1);
  return alias_as(x, real_of(x->dtype), sizes, strides);
}
Tensor view_as_complex(const Tensor& x) {
  FACULA_CHECK(
      x->dtype == DType::Float32 || x->dtype == DType::Float64, Runtime,
      "view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar type: ",
      scalar_type_name(x->dtype));
  FACULA_CHECK(x->ndim() > 0, Runtime, "Input tensor must have one or more dimensions");
  FACULA_CHECK(x->sizes.back() == 2, Runtime, "Tensor must have a last dimension of size 2, got shape ", x->sizes);
  FACULA_CHECK(x->strides.back() == 1, Runtime, "Tensor must have a last dimension with stride 1");
  Dims sizes(x->sizes.begin(), x->sizes.end() - 1), strides;
  for (size_t i = 0; i < sizes.size(); ++i) {
    FACULA_CHECK(x->strides[i] % 2 == 0, Runtime,
                 "Tensor must have a stride divisible by 2 for all but last dimension");
    strides.push_back(x->strides[i] / 2);
  }
  FACULA_CHECK(x->offset() % 2 == 0, Runtime, "Tensor must have a storage_offset divisible by 2");
  return alias_as(x, complex_of(x->dtype), sizes, strides);
}
void view_as_real_vjp(Backward& b) { b.set(0, ops::view_as_complex(ops::contiguous(b.grad()))); }
void view_as_complex_vjp(Backward& b) { b.set(0, ops::view_as_real(b.grad())); }

Tensor imag(const Tensor& x) {
  FACULA_CHECK(is_complex(x->dtype), Runtime, "imag is not implemented for tensors with non-complex dtypes.");
  return imaginary_part(x);
}

// ---- conjugate, magnitude, angle, sign ----

template <class Kernel>
Tensor map_numbers(Kernel kernel, const Tensor& x, DType dtype) {
  Tensor src = is_dense(x) ? x : ops::contiguous_memory(x), out = empty_like(src, dtype);
  GilRelease unlocked(x->numel > kLongWork);
  const int64_t from = src->item_size(), to = out->item_size();
  parallel_for(x->numel, 32768, [&](int64_t begin, int64_t end) {
    kernel(src->dtype, end - begin, src->data() + begin * from, out->data() + begin * to);
  });
  return out;
}
Tensor conj(const Tensor& x) {
  return is_complex(x->dtype) ? map_numbers(cpu::complex_numbers().conj, x, x->dtype) : x;
}
void conj_vjp(Backward& b) { b.set(0, ops::conj(b.grad())); }

Tensor magnitude(const Tensor& x) { return map_numbers(cpu::complex_numbers().abs, x, real_of(x->dtype)); }
void magnitude_vjp(Backward& b) { b.set(0, ops::mul(b.grad(), ops::sgn(b.input(0)))); }

// value where `at` is not 0; no gradient passes elsewhere.
Tensor zero_where_zero(const Tensor& at, const Tensor& value) {
  return ops::where(ops::eq(at, Scalar(0)), Scalar(0), value);
}
Tensor never_zero(const Tensor& size) { return ops::where(ops::eq(size, Scalar(0)), Scalar(1), size); }

Tensor sgn(const Tensor& x) {
  GradMode off(false);
  Tensor size = magnitude(x);
  return zero_where_zero(size, ops::div(x, never_zero(size)));
}
// The part of g across the direction of x, over |x|.
void sgn_vjp(Backward& b) {
  Tensor g = b.grad(), x = b.input(0), s = ops::sgn(x), size = ops::abs(x);
  Tensor along = ops::mul(ops::real_part(ops::mul(g, ops::conj(s))), s);
  b.set(0, zero_where_zero(size, ops::div(ops::sub(g, along), never_zero(size))));
}

Tensor angle(const Tensor& x) {
  GradMode off(false);
  static const OpDef &atan2 = find_op("atan2"), &lt = find_op("lt");
  if (is_complex(x->dtype)) return call(atan2, imaginary_part(x), ops::real_part(x));
  Tensor value = is_integral(x->dtype) ? ops::to_dtype(x, default_dtype) : x;
  Tensor pi = ops::full({}, Scalar(M_PI), value->dtype);
  return ops::where(ops::ne(value, value), value, ops::where(call(lt, value, Scalar(0)), pi, Scalar(0)));
}
// i x / |x|^2 for complex x; a real number's angle does not move.
void angle_vjp(Backward& b) {
  Tensor x = b.input(0), g = b.grad();
  if (!is_complex(x->dtype)) return b.set(0, ops::zeros(b.sizes(0), x->dtype));
  Tensor size = ops::abs(x);
  Tensor turn = ops::div(ops::mul(x, Scalar(0.0, 1.0)), never_zero(ops::mul(size, size)));
  b.set(0, zero_where_zero(size, ops::mul(g, turn)));
}

// ---- from two real tensors ----

void check_parts(const char* name, const Tensor& a, const Tensor& b) {
  auto suits = [](DType t) { return t == DType::Float32 || t == DType::Float64; };
  FACULA_CHECK(suits(a->dtype) && suits(b->dtype), Runtime,
               "Expected both inputs to be Half, Float or Double tensors "
               "but got ",
               scalar_type_name(a->dtype), " and ", scalar_type_name(b->dtype), ": ", name, "()");
  FACULA_CHECK(a->dtype == b->dtype, Runtime, "Expected object of scalar type ", scalar_type_name(a->dtype),
               " but got scalar type ", scalar_type_name(b->dtype), " for second argument: ", name, "()");
}
Tensor joined(const Tensor& re, const Tensor& im) {
  Dims sizes = re->sizes;
  broadcast_into(sizes, im->sizes);
  Tensor out = empty(sizes, complex_of(re->dtype)), parts = view_as_real(out);
  Dims strides(parts->strides.begin(), parts->strides.end() - 1);
  ops::copy_memory(alias(parts, sizes, strides, 0), re);
  ops::copy_memory(alias(parts, sizes, strides, parts->item_size()), im);
  return out;
}
Tensor complex(const Tensor& re, const Tensor& im) {
  check_parts("complex", re, im);
  return joined(re, im);
}
void complex_vjp(Backward& b) {
  if (b.needs(0)) b.set(0, ops::real_part(b.grad()));
  if (b.needs(1)) b.set(1, imaginary_part(b.grad()));
}
Tensor polar(const Tensor& size, const Tensor& angle) {
  check_parts("polar", size, angle);
  GradMode off(false);
  static const OpDef &cos = find_op("cos"), &sin = find_op("sin");
  return joined(ops::mul(size, call(cos, angle)), ops::mul(size, call(sin, angle)));
}
void polar_vjp(Backward& b) {
  static const OpDef& op = find_op("polar");
  Tensor g = ops::conj(b.grad()), size = b.input(0), angle = b.input(1);
  Tensor one = ops::full({}, Scalar(1), size->dtype), unit = call(op, one, angle);
  if (b.needs(0)) b.set(0, ops::real_part(ops::mul(g, unit)));
  if (b.needs(1)) b.set(1, ops::real_part(ops::mul(g, ops::mul(ops::mul(unit, size), Scalar(0.0, 1.0)))));
}

// ---- what a table formula is for complex numbers where it is not holomorphic ----

Tensor softsign(const Tensor& x) { return ops::div(x, ops::add(ops::abs(x), Scalar(1))); }
Tensor nan_to_num(const Tensor& x, Operand nan, Operand high, Operand low) {
  static const OpDef& op = find_op("nan_to_num");
  return ops::view_as_complex(call(op, ops::view_as_real(x), nan.arg, high.arg, low.arg));
}
[[noreturn]] Tensor sign(const Tensor&) {
  fail(ErrorKind::Runtime,
       "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead.");
}

const OpDef kOps[] = {
    FACULA_OP("view_as_real", View, "ViewAsRealBackward0", view_as_real, .vjp = view_as_real_vjp),
    FACULA_OP("view_as_complex", View, "ViewAsComplexBackward0", view_as_complex, .vjp = view_as_complex_vjp),
    FACULA_OP("real", Copy, nullptr, ops::real_part),
    FACULA_OP("imag", Copy, nullptr, imag),
    FACULA_OP("_conj", Copy, "ConjBackward0", conj, .vjp = conj_vjp),
    FACULA_OP("conj_physical", Copy, "ConjPhysicalBackward0", conj, .vjp = conj_vjp),
    FACULA_OP("_complex_abs", Copy, "AbsBackward0", magnitude, .vjp = magnitude_vjp, .saves = {1}),
    FACULA_OP("_complex_sgn", Copy, "SgnBackward0", sgn, .vjp = sgn_vjp, .saves = {1}),
    FACULA_OP("_complex_sign", Copy, nullptr, sign),
    FACULA_OP("_complex_softsign", Copy, nullptr, softsign),
    FACULA_OP("_complex_nan_to_num", Copy, nullptr, nan_to_num),
    FACULA_OP("angle", Copy, "AngleBackward0", angle, .vjp = angle_vjp, .saves = {1}),
    FACULA_OP("complex", Copy, "ComplexBackward0", complex, .vjp = complex_vjp),
    FACULA_OP("polar", Copy, "PolarBackward0", polar, .vjp = polar_vjp, .saves = {0b11, 0b11}),
};

}  // namespace

extern const OpFamily kComplexFamily;
const OpFamily kComplexFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
