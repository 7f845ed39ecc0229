// Copies and creation: clone, conversion, copy_, fills, joins, and tensors made from nothing.
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstring>

#include "base/gil.h"
#include "cpu/copy.h"
#include "ops/checked.h"
#include "ops/ops.h"
#include "ops/promote.h"
#include "runtime/parallel.h"
#include "tensor/batched.h"

namespace facula {

namespace ops {

static void broadcast_check(const Tensor& to, const Tensor& from) {
  size_t n = to->sizes.size(), m = from->sizes.size();
  bool fits = m <= n;
  for (size_t i = 0; fits && i < m; ++i) fits = from->sizes[i] == 1 || from->sizes[i] == to->sizes[n - m + i];
  if (!fits) {  // leading sizes of 1 are dropped, as PyTorch does
    size_t extra = m > n ? m - n : 0;
    fits = true;
    for (size_t i = 0; i < m && fits; ++i)
      fits = from->sizes[i] == 1 || (i >= extra && from->sizes[i] == to->sizes[n - m + i]);
  }
  FACULA_CHECK(fits, Runtime, "The expanded size of the tensor ", to->sizes, " must match the existing size ",
               from->sizes,
               " at non-singleton dimensions: the value cannot be broadcast to the place it is written to");
}

// Whoever comes here reads memory, which a batched tensor does not have: rules come before, in apply.
static void refuse_samples(const Tensor& t) { refuse_batched(t.get(), "an operation on memory"); }

void copy_memory(const Tensor& to, const Tensor& from) {
  refuse_samples(to);
  refuse_samples(from);
  if (to->numel == 0 && from->numel == 0) return;
  broadcast_check(to, from);
  if (to->numel == 0) return;
  if (to->is_contiguous() && from->is_contiguous() && to->numel == from->numel) {
    if (to->data() == from->data() && to->dtype == from->dtype) return;
    if (to->numel < 4096) {
      cpu::copy().convert[index_of(from->dtype)][index_of(to->dtype)](to->numel, from->data(), 1, to->data(), 1);
      return;
    }
  }
  size_t n = to->sizes.size(), m = from->sizes.size();
  Dims strides(n, 0);
  for (size_t i = 0; i < n; ++i)
    if (i + m >= n && from->sizes[i + m - n] != 1) strides[i] = from->strides[i + m - n];
  GilRelease unlocked(to->numel > kLongWork);
  cpu::copy().convert_copy(from->dtype, to->dtype, static_cast<int>(n), to->sizes.data(), to->data(),
                           to->strides.data(), from->data(), strides.data());
}

Tensor contiguous_memory(const Tensor& t) {
  refuse_samples(t);
  if (t->is_contiguous()) return t;
  Tensor out = empty(t->sizes, t->dtype);
  copy_memory(out, t);
  return out;
}

Tensor converted_memory(const Tensor& t, DType dtype) {
  refuse_samples(t);
  if (t->dtype == dtype) return t;
  Tensor out = empty_like(t, dtype);
  copy_memory(out, t);
  return out;
}

void fill_memory(const Tensor& t, Scalar value) {
  if (t->numel == 0) return;
  alignas(16) char number[16], element[16];
  DType from = value.kind == Category::Complex ? DType::Complex128
               : value.is_unsigned             ? DType::UInt64
               : value.is_integral()           ? DType::Int64
                                               : DType::Float64;
  if (value.is_integral())
    std::memcpy(number, &value.i, 8);
  else
    std::memcpy(number, &value.re, 8), std::memcpy(number + 8, &value.im, 8);
  cpu::copy().convert[index_of(from)][index_of(t->dtype)](1, number, 1, element, 1);
  if (t->is_contiguous())
    cpu::copy().fill_contiguous(t->item_size(), t->numel, t->data(), element);
  else
    cpu::copy().fill(t->item_size(), static_cast<int>(t->ndim()), t->sizes.data(), t->data(), t->strides.data(),
                     element);
}

Tensor zeros(const Dims& sizes, DType dtype) {
  Tensor t = empty(sizes, dtype);
  const int64_t bytes = t->numel * t->item_size();
  char* p = t->data();
  parallel_for(bytes, int64_t{1} << 18,
               [p](int64_t begin, int64_t end) { std::memset(p + begin, 0, static_cast<size_t>(end - begin)); });
  return t;
}
Tensor full(const Dims& sizes, Scalar value, DType dtype) {
  Tensor t = empty(sizes, dtype);
  fill_memory(t, value);
  return t;
}
// As PyTorch's checked conversion: integers take what lies within their limits, unsigned ones also the
// negative integers of it; floats what is not larger than their largest number, and infinities.
static bool fits_integer(const Scalar& value, DType dtype) {
  if (value.is_unsigned) return dtype == DType::UInt64;
  if (dtype == DType::Int64 && value.is_integral()) return true;
  const double v = value.to_double();
  const bool positive = is_unsigned(dtype);
  const double end = std::ldexp(1.0, static_cast<int>(8 * item_size(dtype)) - !positive);  // the first one too large
  const double first = !positive ? -end : value.is_integral() ? 1 - end : 0;
  return v >= first && (item_size(dtype) == 8 ? v < end : v <= end - 1);
}
static bool fits_floating(double v, DType dtype) {
  constexpr double kLargestHalf = 65504, kLargestBFloat = 3.3895313892515355e38;
  if (std::isinf(v) || dtype == DType::Float64) return true;
  return !(std::fabs(v) > (dtype == DType::Float16    ? kLargestHalf
                           : dtype == DType::BFloat16 ? kLargestBFloat
                                                      : FLT_MAX));
}
Scalar wrapped(const Scalar& value, DType dtype) {
  const int64_t x = value.to_int();
  switch (dtype) {
    case DType::Bool: return Scalar(int64_t{value.to_bool()});
    case DType::UInt8: return Scalar(int64_t{static_cast<uint8_t>(x)});
    case DType::Int8: return Scalar(int64_t{static_cast<int8_t>(x)});
    case DType::Int16: return Scalar(int64_t{static_cast<int16_t>(x)});
    case DType::Int32: return Scalar(int64_t{static_cast<int32_t>(x)});
    default: return Scalar(x);
  }
}
void check_fits(Scalar value, DType dtype) {
  const bool complex = value.kind == Category::Complex;
  bool fits = !complex || value.im == 0;
  switch (category(dtype)) {
    case Category::Bool: return;
    case Category::Integer: fits = fits && fits_integer(complex ? Scalar(value.re) : value, dtype); break;
    case Category::Float: fits = fits && fits_floating(value.to_double(), dtype); break;
    case Category::Complex:
      fits = fits_floating(complex ? value.re : value.to_double(), real_of(dtype)) &&
             (!complex || fits_floating(value.im, real_of(dtype)));
  }
  FACULA_CHECK(fits, Runtime, "value cannot be converted to type ", name_of(dtype), " without overflow");
}
Tensor broadcast_memory(const Tensor& t, const Dims& sizes) {
  refuse_samples(t);
  Dims strides(sizes.size(), 0);
  size_t lead = sizes.size() - t->sizes.size();
  for (size_t i = 0; i < t->sizes.size(); ++i) strides[lead + i] = t->sizes[i] == 1 ? 0 : t->strides[i];
  return alias(t, sizes, strides, t->byte_offset);
}

Scalar item(const Tensor& t) {
  refuse_batched(t.get(), ".item()");
  FACULA_CHECK(t->numel == 1, Runtime, "a Tensor with ", t->numel, " elements cannot be converted to Scalar");
  const auto& convert = cpu::copy().convert[index_of(t->dtype)];
  if (t->dtype == DType::Bool) return Scalar(*t->ptr<bool>());
  if (t->dtype == DType::UInt64) return Scalar::of_unsigned(*t->ptr<uint64_t>());
  if (is_integral(t->dtype)) {
    int64_t v;
    convert[index_of(DType::Int64)](1, t->data(), 1, &v, 1);
    return Scalar(v);
  }
  double v[2];
  if (is_complex(t->dtype)) {
    convert[index_of(DType::Complex128)](1, t->data(), 1, v, 1);
    return Scalar(v[0], v[1]);
  }
  convert[index_of(DType::Float64)](1, t->data(), 1, v, 1);
  return Scalar(v[0]);
}

}  // namespace ops

namespace {

Tensor clone(const Tensor& x) {
  Tensor out = empty_like(x);
  ops::copy_memory(out, x);
  return out;
}
void identity_vjp(Backward& b) { b.set(0, b.grad()); }
Tensor contiguous(const Tensor& x) { return ops::contiguous_memory(x); }

// Once in a process, as PyTorch.
void warn_of_lost_parts(DType from, DType to) {
  static bool warned = false;
  if (warned || !is_complex(from) || is_complex(to) || to == DType::Bool) return;
  warned = true;
  const char* text = "Casting complex values to real discards the imaginary part";
  if (PyErr_WarnEx(PyExc_UserWarning, text, 1) < 0) throw PythonError();
}
Tensor to_dtype(const Tensor& x, DType dtype) {
  warn_of_lost_parts(x->dtype, dtype);
  return ops::converted_memory(x, dtype);
}

void copy_into(const Tensor& self, const Tensor& from) {
  warn_of_lost_parts(from->dtype, self->dtype);
  if (may_overlap(self, from) && !same_memory_layout(self, from)) {
    GradMode off(false);
    ops::copy_memory(self, ops::clone(from));
  } else {
    ops::copy_memory(self, from);
  }
}
void copy_vjp(Backward& b) {
  if (b.needs(0)) b.set(0, ops::zeros(b.sizes(0), b.meta(0).dtype));
  if (b.needs(1)) b.set(1, b.grad());
}
void fill(const Tensor& self, Operand value) {
  if (value.arg.tag == Arg::Number) {
    ops::check_fits(value.arg.number, self->dtype);
    return ops::fill_memory(self, value.arg.number);
  }
  const Tensor& v = value.arg.as_tensor();
  FACULA_CHECK(v->ndim() == 0, Runtime, "fill_ only supports 0-dimension value tensor but got tensor with ", v->ndim(),
               " dimensions.");
  ops::copy_memory(self, v);
}
void zero(const Tensor& self) { ops::fill_memory(self, Scalar(0)); }
void zero_vjp(Backward& b) {
  if (b.needs(0)) b.set(0, ops::zeros(b.sizes(0), b.meta(0).dtype));
}

// ---- joining ----

// Elements below which a copy gains nothing from threads: about 20 us.
constexpr int64_t kOneThread = 32768;

Tensor cat(const TensorList& list, int64_t dim) {
  FACULA_CHECK(!list.empty(), Value, "expected a non-empty list of Tensors");
  const Tensor* like = nullptr;  // the first that is not the legacy empty vector
  TypePromotion promotion;
  for (const Tensor& t : list) {
    promotion.add(t);
    FACULA_CHECK(t->ndim() > 0, Runtime, "zero-dimensional tensor (at position ", &t - list.begin(),
                 ") cannot be concatenated; use stack() or give it a dimension with x.view(1)");
    if (!like && !(t->ndim() == 1 && t->numel == 0)) like = &t;
  }
  if (!like) return empty({0}, promotion.result());  // nothing to join, along whatever dimension
  dim = wrap_dim(dim, (*like)->ndim());
  Dims sizes = (*like)->sizes;
  sizes[dim] = 0;
  for (const Tensor& t : list) {
    if (t->ndim() == 1 && t->numel == 0) continue;
    FACULA_CHECK(t->ndim() == (*like)->ndim(), Runtime, "Tensors must have same number of dimensions: got ",
                 (*like)->ndim(), " and ", t->ndim());
    for (int64_t d = 0; d < t->ndim(); ++d)
      FACULA_CHECK(d == dim || t->sizes[d] == sizes[d], Runtime, "Sizes of tensors must match except in dimension ",
                   dim, ". Expected size ", sizes[d], " but got size ", t->sizes[d], " for tensor number ",
                   &t - list.begin(), " in the list.");
    sizes[dim] += t->sizes[dim];
  }
  Tensor out = empty(sizes, promotion.result());
  int64_t at = 0;
  for (const Tensor& t : list) {
    if (t->ndim() == 1 && t->numel == 0) continue;
    const int64_t offset = at * out->strides[dim] * out->item_size();
    at += t->sizes[dim];
    if (dim == 0 && t->is_contiguous() && t->dtype == out->dtype && t->numel <= kOneThread) {
      std::memcpy(out->data() + offset, t->data(), static_cast<size_t>(t->numel * t->item_size()));
    } else if (t->numel) {
      Dims part = sizes;
      part[dim] = t->sizes[dim];
      ops::copy_memory(alias(out, part, out->strides, offset), t);
    }
  }
  return out;
}
void cat_vjp(Backward& b) {
  int64_t ndim = static_cast<int64_t>(b.result_sizes().size());
  int64_t dim = wrap_dim(b.arg(1).number.i, ndim), at = 0;
  Tensor g = b.grad();
  const Dims& lengths = *b.arg(2).ints;
  for (size_t i = 0; i < lengths.size(); ++i) {
    if (b.needs(i)) b.set(i, ops::slice(g, dim, at, at + lengths[i], 1));
    at += lengths[i];
  }
}
// The recorded form carries each part's length along `dim`, because parts without gradient leave no shape behind.
Tensor cat_recorded(const TensorList& list, int64_t dim, const Dims&) { return cat(list, dim); }
Tensor cat_front(const TensorList& list, int64_t dim) {
  bool records = false;
  if (mode.grad)
    for (const Tensor& t : list) records |= t->requires_grad();
  if (!records) return cat(list, dim);
  Dims lengths;
  int64_t ndim = 1;
  for (const Tensor& t : list) ndim = std::max(ndim, t->ndim());
  for (const Tensor& t : list)
    lengths.push_back(t->ndim() == 1 && t->numel == 0 ? 0 : t->ndim() == ndim ? t->size(dim) : 0);
  static const OpDef& op = find_op("_cat_recorded");
  return call(op, list, dim, lengths);
}

Tensor stack(const TensorList& list, int64_t dim) {
  FACULA_CHECK(!list.empty(), Runtime, "stack expects a non-empty TensorList");
  dim = wrap_dim(dim, list[0]->ndim() + 1);
  TypePromotion promotion;
  for (const Tensor& t : list) {
    FACULA_CHECK(t->sizes == list[0]->sizes, Runtime, "stack expects each tensor to be equal size, but got ",
                 list[0]->sizes, " at entry 0 and ", t->sizes, " at entry ", &t - list.begin());
    promotion.add(t);
  }
  Dims sizes = list[0]->sizes;
  sizes.insert(dim, static_cast<int64_t>(list.size()));
  Tensor out = empty(sizes, promotion.result());
  Dims strides = out->strides;
  int64_t step = strides[dim] * out->item_size();
  strides.erase(dim);
  if (out->numel)
    for (size_t i = 0; i < list.size(); ++i)
      ops::copy_memory(alias(out, list[0]->sizes, strides, static_cast<int64_t>(i) * step), list[i]);
  return out;
}
void stack_vjp(Backward& b) {
  for (size_t i = 0; i + 1 < b.num_inputs(); ++i)
    if (b.needs(i)) b.set(i, ops::select(b.grad(), b.arg(1).number.i, static_cast<int64_t>(i)));
}

// ---- creation ----

Tensor iota(int64_t n) {
  Tensor out = empty({n}, DType::Int64);
  int64_t* p = out->ptr<int64_t>();
  for (int64_t i = 0; i < n; ++i) p[i] = i;
  return out;
}

// p[i] = value(i) for i in [first, last). Blocks whose length the compiler knows, counted in 32 bits: it vectorises
// them.
template <class T, class F>
void count_into(T* p, int64_t first, int64_t last, F value) {
  constexpr int kBlock = 64;
  for (; last - first >= kBlock; first += kBlock) {
    const double base = static_cast<double>(first);
    for (int j = 0; j < kBlock; ++j) p[first + j] = static_cast<T>(value(base + j));
  }
  for (; first < last; ++first) p[first] = static_cast<T>(value(static_cast<double>(first)));
}
template <class T, class F>
void generate_into(const Tensor& to, F value) {
  T* p = to->ptr<T>();
  parallel_for(to->numel, kOneThread, [=](int64_t begin, int64_t end) {
    if constexpr (std::is_integral_v<T>)
      for (int64_t i = begin; i < end; ++i) p[i] = value(i);
    else
      count_into(p, begin, end, value);
  });
}
template <class F>
Tensor generate_whole(int64_t n, DType dtype, F value) {
  Tensor raw = empty({n}, DType::Int64);
  generate_into<int64_t>(raw, value);
  return ops::converted_memory(raw, dtype);
}
// Of a floating point type: value takes and gives double.
template <class F>
Tensor generate(int64_t n, DType dtype, F value) {
  Tensor raw = empty({n}, dtype == DType::Float32 ? dtype : DType::Float64);
  if (dtype == DType::Float32)
    generate_into<float>(raw, value);
  else
    generate_into<double>(raw, value);
  return ops::converted_memory(raw, dtype);
}

Tensor arange(Scalar start, Scalar end, Scalar step, DType dtype) {
  FACULA_CHECK(dtype != DType::Bool && !is_complex(dtype), NotImplemented, "\"arange\" not implemented for '",
               scalar_type_name(dtype), "'");
  double lo = start.to_double(), hi = end.to_double(), by = step.to_double();
  FACULA_CHECK(by != 0, Runtime, "step must be nonzero");
  FACULA_CHECK(std::isfinite(lo) && std::isfinite(hi), Runtime, "unsupported range: ", lo, " -> ", hi);
  for (const Scalar& s : {start, end, step})
    ops::check_fits(s, is_integral(dtype) ? DType::Int64 : item_size(dtype) == 2 ? DType::Float32 : DType::Float64);
  FACULA_CHECK(by > 0 ? hi >= lo : hi <= lo, Runtime, "upper bound and lower bound inconsistent with step sign");
  if (start.is_integral() && end.is_integral() && step.is_integral()) {
    int64_t span = by > 0 ? end.i - start.i : start.i - end.i, stride = std::abs(step.i);
    int64_t n = (span + stride - 1) / stride;
    if (is_integral(dtype)) return generate_whole(n, dtype, [s = start.i, d = step.i](int64_t i) { return s + i * d; });
    return generate(n, dtype, [=](double i) { return lo + i * by; });
  }
  bool whole = dtype == DType::Int64;  // PyTorch counts in the type of the result, but only in this one
  double count = whole && step.to_int() ? std::ceil(static_cast<double>(end.to_int() - start.to_int()) / step.to_int())
                                        : std::ceil((hi - lo) / by);
  FACULA_CHECK(count < 9.2e18, Runtime, "invalid size, possible overflow?");
  int64_t n = static_cast<int64_t>(count);
  if (is_integral(dtype)) {
    int64_t s = start.to_int(), d = step.to_int();
    return generate_whole(n, dtype, [=](int64_t i) { return s + i * d; });
  }
  return generate(n, dtype, [=](double i) { return lo + i * by; });
}

// Both ends exact, each half counted from its own end, in the type of the result and with one rounding,
// as PyTorch does: a grid of affine_grid may lie on pixels, where grid_sample has a corner.
template <class T>
void fill_linspace(T* p, int64_t n, T start, T end) {
  const double step = (end - start) / static_cast<T>(n - 1);
  parallel_for(n, kOneThread, [=](int64_t first, int64_t last) {
    const double upper = static_cast<double>(n - 1);
    count_into(p, first, std::min(last, n / 2), [=](double i) { return start + step * i; });
    count_into(p, std::max(first, n / 2), last, [=](double i) { return end - step * (upper - i); });
  });
}
Tensor linspace(double start, double end, int64_t steps, DType dtype) {
  FACULA_CHECK(steps >= 0, Runtime, "number of steps must be non-negative");
  DType compute = dtype == DType::Float32 ? DType::Float32 : DType::Float64;
  FACULA_CHECK(dtype != DType::Bool, NotImplemented, "\"linspace\" not implemented for 'Bool'");
  for (double edge : {start, end})
    ops::check_fits(is_integral(dtype) && edge == std::trunc(edge) && std::fabs(edge) < 9e18
                        ? Scalar(static_cast<int64_t>(edge))
                        : Scalar(edge),
                    dtype);
  if (is_integral(dtype)) start = std::trunc(start), end = std::trunc(end);
  Tensor out = empty({steps}, compute);
  if (steps == 1)
    ops::fill_memory(out, Scalar(start));
  else if (compute == DType::Float32)
    fill_linspace(out->ptr<float>(), steps, static_cast<float>(start), static_cast<float>(end));
  else
    fill_linspace(out->ptr<double>(), steps, start, end);
  return ops::converted_memory(out, dtype);
}
Tensor logspace(double start, double end, int64_t steps, double base, DType dtype) {
  if (is_integral(dtype)) start = std::trunc(start), end = std::trunc(end);
  Tensor exponents = linspace(start, end, steps, DType::Float64);
  double* p = exponents->ptr<double>();
  for (int64_t i = 0; i < steps; ++i) p[i] = std::pow(base, p[i]);
  return ops::converted_memory(exponents, dtype);
}
// Whole numbers times 1 / divisor, rounded as PyTorch does: 0, 1, .., `wrap` - 1, then `wrap` - count, .., -1.
Tensor frequencies(int64_t count, int64_t wrap, double divisor, DType dtype) {
  FACULA_CHECK(count >= 0, Runtime, "fftfreq: the number of points must not be negative, got ", count);
  const bool direct = dtype == DType::Float32 || dtype == DType::Float64;
  const double unit = direct ? 1 / divisor : 1;
  Tensor out = empty({count}, direct ? dtype : DType::Float64);
  auto fill = [&](auto* p) {
    using T = std::remove_pointer_t<decltype(p)>;
    parallel_for(count, kOneThread, [=](int64_t first, int64_t last) {
      const T scale = static_cast<T>(unit);
      const double back = static_cast<double>(count);
      count_into(p, first, std::min(last, wrap), [=](double i) { return static_cast<T>(i) * scale; });
      count_into(p, std::max(first, wrap), last, [=](double i) { return static_cast<T>(i - back) * scale; });
    });
  };
  if (dtype == DType::Float32)
    fill(out->ptr<float>());
  else
    fill(out->ptr<double>());
  return direct ? out : ops::mul(ops::converted_memory(out, dtype), Scalar(1 / divisor));
}
Tensor eye(int64_t n, std::optional<int64_t> m, DType dtype) {
  FACULA_CHECK(n >= 0, Runtime, "n must be greater or equal to 0, got ", n);
  FACULA_CHECK(m.value_or(0) >= 0, Runtime, "m must be greater or equal to 0, got ", *m);
  Tensor out = ops::zeros({n, m.value_or(n)}, dtype);
  int64_t columns = out->sizes[1], diagonal = std::min(n, columns);
  if (diagonal) ops::fill_memory(alias(out, {diagonal}, {columns + 1}, 0), Scalar(1));
  return out;
}
Tensor empty_op(const Dims& sizes, std::optional<DType> dtype, std::optional<Device> device) {
  return empty(sizes, dtype.value_or(default_dtype), device.value_or(Device{}));
}
Tensor zeros_op(const Dims& sizes, std::optional<DType> dtype, std::optional<Device> device) {
  check_device(device.value_or(Device{}));
  return ops::full(sizes, Scalar(0), dtype.value_or(default_dtype));
}
Tensor ones_op(const Dims& sizes, std::optional<DType> dtype, std::optional<Device> device) {
  check_device(device.value_or(Device{}));
  return ops::full(sizes, Scalar(1), dtype.value_or(default_dtype));
}
Tensor empty_strided_op(const Dims& sizes, const Dims& strides, DType dtype) {
  return empty_strided(sizes, strides, dtype);
}
Tensor full_op(const Dims& sizes, Scalar value, DType dtype) {
  ops::check_fits(value, dtype);
  return ops::full(sizes, value, dtype);
}
Tensor empty_like_op(const Tensor& x, DType dtype) { return empty_like(x, dtype); }
Tensor full_like(const Tensor& x, Scalar value, DType dtype) {
  ops::check_fits(value, dtype);
  Tensor out = empty_like(x, dtype);
  ops::fill_memory(out, value);
  return out;
}

const OpDef kOps[] = {
    FACULA_OP("clone", Copy, "CloneBackward0", clone, .vjp = identity_vjp),
    FACULA_OP("contiguous", Copy, "CloneBackward0", contiguous, .vjp = identity_vjp),
    FACULA_OP("to_dtype", Copy, "ToCopyBackward0", to_dtype, .vjp = identity_vjp),  // the engine casts back
    FACULA_OP("copy_", Copy, "CopyBackwards", copy_into, .vjp = copy_vjp, .mutates = true, .returns_self = true),
    FACULA_OP("fill_", Copy, "FillBackward0", fill, .vjp = zero_vjp, .mutates = true, .returns_self = true),
    FACULA_OP("zero_", Copy, "ZeroBackward0", zero, .vjp = zero_vjp, .mutates = true, .returns_self = true),
    FACULA_OP("cat", Indexing, nullptr, cat_front),
    FACULA_OP("_cat_recorded", Indexing, "CatBackward0", cat_recorded, .vjp = cat_vjp),
    FACULA_OP("stack", Indexing, "StackBackward0", stack, .vjp = stack_vjp),
    FACULA_OP("_iota", Creation, nullptr, iota),
    FACULA_OP("_arange", Creation, nullptr, arange),
    FACULA_OP("_linspace", Creation, nullptr, linspace),
    FACULA_OP("_logspace", Creation, nullptr, logspace),
    FACULA_OP("_frequencies", Creation, nullptr, frequencies),
    FACULA_OP("_eye", Creation, nullptr, eye),
    FACULA_OP("empty", Creation, nullptr, empty_op),
    FACULA_OP("zeros", Creation, nullptr, zeros_op),
    FACULA_OP("ones", Creation, nullptr, ones_op),
    FACULA_OP("_empty_strided", Creation, nullptr, empty_strided_op),
    FACULA_OP("_full", Creation, nullptr, full_op),
    FACULA_OP("_empty_like", Creation, nullptr, empty_like_op),
    FACULA_OP("_full_like", Creation, nullptr, full_like),
};

}  // namespace

extern const OpFamily kCopyFamily;
const OpFamily kCopyFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
