// Random fills and creation, with PyTorch's numbers and consumption of the generator. The generator is used with the
// interpreter's lock held: nothing else orders the threads that share it.
#include "runtime/random.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <vector>

#include "ops/axis.h"
#include "ops/fill_order.h"

namespace facula {

namespace {

// Calls fill(memory, n) on the elements of self in that order.
template <class F>
void fill_elements(const Tensor& self, F&& fill) {
  if (self->numel == 0) return;
  if (is_dense(self)) return fill(static_cast<void*>(self->data()), self->numel);
  Tensor ordered = in_order(self, fill_order(self)), values = empty(ordered->sizes, self->dtype);
  fill(static_cast<void*>(values->data()), self->numel);
  ops::copy_memory(ordered, values);
}

// ---- fills ----

// A complex tensor as its real and imaginary parts.
Tensor real_parts(const Tensor& t) {
  Dims sizes = t->sizes, strides = t->strides;
  for (int64_t& s : strides) s *= 2;
  sizes.push_back(2);
  strides.push_back(1);
  retain(t->storage);
  return wrap_storage(t->storage, sizes, strides, t->offset() * 2, real_of(t->dtype));
}
void uniform_into(const Tensor& self, double from, double to, Generator* g) {
  if (is_complex(self->dtype)) return uniform_into(real_parts(self), from, to, g);
  FACULA_CHECK(is_floating(self->dtype), NotImplemented, "\"check_uniform_bounds\" not implemented for '",
               scalar_type_name(self->dtype), "'");
  const double most = self->dtype == DType::Float16    ? 65504
                      : self->dtype == DType::BFloat16 ? 3.3895313892515355e38
                      : self->dtype == DType::Float32  ? FLT_MAX
                                                       : DBL_MAX;
  FACULA_CHECK(std::fabs(from) <= most, Runtime, "from is out of bounds for ", name_of(self->dtype), ": ", from);
  FACULA_CHECK(std::fabs(to) <= most, Runtime, "to is out of bounds for ", name_of(self->dtype), ": ", to);
  FACULA_CHECK(from <= to, Runtime, "uniform_ expects to return a [from, to) range, but found from=", from,
               " > to=", to);
  fill_elements(self, [&](void* p, int64_t n) { fill_uniform(chosen(g), p, n, self->dtype, from, to); });
}

void normal_into(const Tensor& self, double mean, double std, Generator* g) {
  FACULA_CHECK(std >= 0, Runtime, "normal expects std >= 0.0, but found std ", std);
  if (is_complex(self->dtype)) {  // each part has half of the variance
    return normal_into(real_parts(self), mean, std / std::sqrt(2.0), g);
  }
  FACULA_CHECK(is_floating(self->dtype), NotImplemented, "\"normal_kernel_cpu\" not implemented for '",
               scalar_type_name(self->dtype), "'");
  bool contiguous = self->is_contiguous();
  fill_elements(self, [&](void* p, int64_t n) { fill_normal(chosen(g), p, n, self->dtype, mean, std, contiguous); });
}

void exponential_into(const Tensor& self, double lambda, Generator* g) {
  FACULA_CHECK(lambda > 0, Runtime, "exponential_ expects lambda > 0.0, but found lambda=", lambda);
  FACULA_CHECK(is_floating(self->dtype), NotImplemented,
               "Exponential distribution is a continuous probability "
               "distribution. dtype must be a floating point but you specified ",
               name_of(self->dtype));
  fill_elements(self, [&](void* p, int64_t n) { fill_exponential(chosen(g), p, n, self->dtype, lambda); });
}

void bernoulli_each(const Tensor& self, const Tensor& given, Generator* g) {
  FACULA_CHECK(is_floating(given->dtype), NotImplemented, "\"bernoulli_tensor_cpu_p_\" not implemented for '",
               scalar_type_name(given->dtype), "'");
  Dims joined = given->sizes;
  bool fits = joined.size() <= self->sizes.size();
  for (size_t i = 0; fits && i < joined.size(); ++i)
    fits = joined[i] == 1 || joined[i] == self->sizes[self->sizes.size() - joined.size() + i];
  FACULA_CHECK(fits, Runtime, "bernoulli_: p of shape ", joined, " does not broadcast to the shape written to ",
               self->sizes);
  Tensor check = ops::contiguous_memory(ops::converted_memory(given, DType::Float64));
  const double* p = check->ptr<double>();
  for (int64_t i = 0; i < check->numel; ++i)
    FACULA_CHECK(p[i] >= 0 && p[i] <= 1, Runtime,
                 "Expected p_in >= 0 && p_in <= 1 to be true, but got false: p=", p[i]);
  auto order = fill_order(self);
  Tensor ordered = in_order(self, order);
  Tensor each = apart(in_order(ops::broadcast_memory(given, self->sizes), order), self);
  Tensor values = ordered->is_contiguous() ? ordered : empty(ordered->sizes, self->dtype);
  if (self->numel == 0) return;
  fill_bernoulli_each(chosen(g), values->data(), each->data(), self->numel, self->dtype, each->dtype);
  if (!values.is(ordered)) ops::copy_memory(ordered, values);
}
void bernoulli_into(const Tensor& self, Operand p, Generator* g) {
  if (p.arg.tag == Arg::Tensor_) return bernoulli_each(self, p.arg.as_tensor(), g);
  double probability = p.arg.number.to_double();
  FACULA_CHECK(probability >= 0 && probability <= 1, Runtime,
               "bernoulli_ expects p to be in [0, 1], but got p=", probability);
  fill_elements(self, [&](void* to, int64_t n) { fill_bernoulli(chosen(g), to, n, self->dtype, probability); });
}

// ---- integers ----

struct IntegerRange {
  int64_t lowest, highest;
  int digits;
  const char* name;
};
// The integers a type holds exactly without gaps, and its name in PyTorch's messages.
IntegerRange range_of(DType t) {
  switch (t) {
    case DType::Bool: return {0, 1, 0, "bool"};
    case DType::UInt8: return {0, 255, 0, "unsigned char"};
    case DType::Int8: return {-128, 127, 0, "signed char"};
    case DType::Int16: return {INT16_MIN, INT16_MAX, 0, "short int"};
    case DType::Int32: return {INT32_MIN, INT32_MAX, 0, "int"};
    case DType::Int64: return {INT64_MIN, INT64_MAX, 0, "long int"};
    case DType::Float16: return {-65504, 65504, 11, "c10::Half"};
    case DType::BFloat16: return {INT64_MIN, INT64_MAX, 8, "c10::BFloat16"};
    case DType::Float32: return {INT64_MIN, INT64_MAX, 24, "float"};
    default: return {INT64_MIN, INT64_MAX, 53, "double"};
  }
}
int64_t rounded(int64_t v, DType t) {
  switch (t) {
    case DType::Float16: return Scalar(double(to_float(to_half(static_cast<float>(v))))).to_int();
    case DType::BFloat16: return Scalar(double(to_float(to_bfloat(static_cast<float>(v))))).to_int();
    case DType::Float32: return Scalar(double(static_cast<float>(v))).to_int();
    default: return Scalar(static_cast<double>(v)).to_int();
  }
}
// Bounds that a floating type cannot hold move inwards to the next that it can, as in PyTorch.
int64_t spacing_at(int64_t v, int digits) {
  int log = 63 - __builtin_clzll(static_cast<uint64_t>(v < 0 ? -v : v) | 1);
  return int64_t{1} << std::max(0, log - digits + 1);
}
void fit_bounds(DType t, int digits, int64_t& from, int64_t& to) {
  int64_t above = rounded(from + 1, t), below = rounded(to - 1, t);
  if (above < from) from = above + spacing_at(from + 1, digits);
  if (below >= to) to = below - spacing_at(to - 1, digits);
}

void random_into(const Tensor& self, std::optional<int64_t> given_from, std::optional<int64_t> given_to, Generator* g) {
  const DType t = self->dtype;
  FACULA_CHECK(!is_complex(t), NotImplemented, "\"random_from_to\" not implemented for '", scalar_type_name(t), "'");
  IntegerRange range = range_of(t);
  if (!given_from && !given_to)
    return fill_elements(self, [&](void* p, int64_t n) { fill_random_full(chosen(g), p, n, t); });
  int64_t from = given_from.value_or(0);
  uint64_t span;  // 0: all 2^64
  if (given_to) {
    int64_t to = *given_to;
    FACULA_CHECK(from < to, Runtime, "random_ expects 'from' to be less than 'to', but got from=", from, " >= to=", to);
    if (is_floating(t)) fit_bounds(t, range.digits, from, to);
    FACULA_CHECK(from < to, Runtime,
                 "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, but got "
                 "from=",
                 from, " >= to=", to);
    FACULA_CHECK(from >= range.lowest && from <= range.highest, Runtime, "from is out of bounds for ", range.name);
    FACULA_CHECK(to - 1 >= range.lowest && to - 1 <= range.highest, Runtime, "to - 1 is out of bounds for ",
                 range.name);
    span = static_cast<uint64_t>(to) - static_cast<uint64_t>(from);
  } else {
    int64_t last = range.digits ? int64_t{1} << range.digits : range.highest;
    FACULA_CHECK(from >= range.lowest && from <= last, Runtime, "from is out of bounds for ", range.name);
    span = static_cast<uint64_t>(last) - static_cast<uint64_t>(from) + 1;
  }
  fill_elements(self, [&](void* p, int64_t n) { fill_random_from_to(chosen(g), p, n, t, from, span); });
}

void zero_vjp(Backward& b) {
  for (size_t i = 0; i < b.num_inputs(); ++i)
    if (b.needs(i)) b.set(i, ops::zeros(b.sizes(i), b.meta(i).dtype));
}

// ---- new tensors ----

Tensor bernoulli_of(const Tensor& x, Generator* g) {
  Tensor out = empty(x->sizes, x->dtype);  // contiguous: numbers are drawn in the order of the elements
  bernoulli_each(out, x, g);
  return out;
}
Tensor rand(const Dims& sizes, std::optional<DType> dtype, std::optional<Device> device, Generator* g) {
  Tensor out = empty(sizes, dtype.value_or(default_dtype), device.value_or(Device{}));
  uniform_into(is_complex(out->dtype) ? real_parts(out) : out, 0, 1, g);
  return out;
}
Tensor randn(const Dims& sizes, std::optional<DType> dtype, std::optional<Device> device, Generator* g) {
  Tensor out = empty(sizes, dtype.value_or(default_dtype), device.value_or(Device{}));
  normal_into(out, 0, 1, g);
  return out;
}
Tensor randint(int64_t low, int64_t high, const Dims& sizes, DType dtype, Generator* g) {
  Tensor out = empty(sizes, dtype);
  random_into(out, low, high, g);
  return out;
}
Tensor randperm(int64_t n, DType dtype, Generator* g) {
  IntegerRange range = range_of(dtype);
  int64_t last = range.digits && dtype != DType::Float16 ? int64_t{1} << range.digits : range.highest;
  FACULA_CHECK(n <= last, Runtime, "value cannot be converted to type ", name_of(dtype),
               "_t without overflow: randperm of ", n, " elements needs a wider dtype");
  Tensor out = empty({n}, dtype);
  if (n > 0) fill_randperm(chosen(g), out->data(), n, dtype);
  return out;
}

// ---- multinomial ----

constexpr int64_t kMostCategories = 1 << 24;  // PyTorch's bound: float counts exactly up to there

void check_weights(const double* p, int64_t rows, int64_t n) {
  for (int64_t r = 0; r < rows; ++r) {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) {
      double v = p[r * n + i];
      FACULA_CHECK(v >= 0 && v < INFINITY, Runtime, "probability tensor contains either `inf`, `nan` or element < 0");
      sum += v;
    }
    FACULA_CHECK(sum > 0, Runtime, "invalid multinomial distribution (sum of probabilities <= 0)");
  }
}
// The largest of weight / exponential are a sample without replacement.
void sample_without(const Tensor& x, int64_t samples, Generator* g, int64_t* out) {
  GradMode off(false);
  Tensor noise = empty_like(x);
  exponential_into(noise, 1, g);
  Tensor keys = ops::contiguous_memory(ops::converted_memory(ops::div(x, noise), DType::Float64));
  const int64_t n = x->sizes.back(), rows = x->numel / n;
  std::vector<int64_t> order(static_cast<size_t>(n));
  for (int64_t r = 0; r < rows; ++r) {
    const double* key = keys->ptr<double>() + r * n;
    for (int64_t i = 0; i < n; ++i) order[i] = i;
    std::partial_sort(order.begin(), order.begin() + samples, order.end(),
                      [&](int64_t a, int64_t b) { return key[a] > key[b] || (key[a] == key[b] && a < b); });
    std::copy(order.begin(), order.begin() + samples, out + r * samples);
  }
}
// Inverse of the cumulated weights, which are summed in T as PyTorch does.
template <class T>
void sample_with(const double* p, int64_t rows, int64_t n, int64_t samples, Generator& g, int64_t* out) {
  constexpr uint64_t kMask53 = (uint64_t{1} << 53) - 1;
  std::vector<T> cumulated(static_cast<size_t>(n));
  for (int64_t r = 0; r < rows; ++r) {
    T sum = 0;
    for (int64_t i = 0; i < n; ++i) cumulated[i] = sum += static_cast<T>(p[r * n + i]);
    for (T& c : cumulated) c /= sum;
    cumulated.back() = 1;
    for (int64_t s = 0; s < samples; ++s) {
      double u = static_cast<double>(g.random64() & kMask53) * 0x1p-53;
      out[r * samples + s] = std::lower_bound(cumulated.begin(), cumulated.end(), u,
                                              [](T c, double v) { return static_cast<double>(c) < v; }) -
                             cumulated.begin();
    }
  }
}
Tensor multinomial(const Tensor& x, int64_t samples, bool replacement, Generator* g) {
  FACULA_CHECK(x->ndim() == 1 || x->ndim() == 2, Runtime, "prob_dist must be 1 or 2 dim");
  FACULA_CHECK(is_floating(x->dtype), Runtime,
               "multinomial only supports floating-point dtypes for input, got: ", scalar_type_name(x->dtype));
  FACULA_CHECK(samples > 0, Runtime, "cannot sample n_sample <= 0 samples");
  const int64_t n = x->sizes.back();
  FACULA_CHECK(replacement || samples <= n, Runtime,
               "cannot sample n_sample > prob_dist.size(-1) samples without replacement");
  FACULA_CHECK(n <= kMostCategories, Runtime, "number of categories cannot exceed 2^24");
  Dims sizes = x->sizes;
  sizes.back() = samples;
  Tensor out = empty(sizes, DType::Int64);
  if (out->numel == 0) return out;
  FACULA_CHECK(n > 0, Runtime, "invalid multinomial distribution (sum of probabilities <= 0)");
  Tensor weights = ops::contiguous_memory(ops::converted_memory(x, DType::Float64));
  const int64_t rows = x->numel / n;
  check_weights(weights->ptr<double>(), rows, n);
  if (!replacement || samples == 1)
    sample_without(x, samples, g, out->ptr<int64_t>());
  else if (x->dtype == DType::Float64)
    sample_with<double>(weights->ptr<double>(), rows, n, samples, chosen(g), out->ptr<int64_t>());
  else
    sample_with<float>(weights->ptr<double>(), rows, n, samples, chosen(g), out->ptr<int64_t>());
  return out;
}

#define FACULA_FILL(NAME, NODE, FUNCTION) \
  FACULA_OP(NAME, Random, NODE, FUNCTION, .vjp = zero_vjp, .mutates = true, .returns_self = true)
const OpDef kOps[] = {
    FACULA_FILL("uniform_", "UniformBackward0", uniform_into),
    FACULA_FILL("normal_", "NormalBackward0", normal_into),
    FACULA_FILL("exponential_", "ExponentialBackward0", exponential_into),
    FACULA_FILL("bernoulli_", "BernoulliBackward0", bernoulli_into),
    FACULA_FILL("_random_", "RandomBackward0", random_into),
    FACULA_OP("_bernoulli", Random, "BernoulliBackward0", bernoulli_of, .vjp = zero_vjp),
    FACULA_OP("rand", Random, nullptr, rand),
    FACULA_OP("randn", Random, nullptr, randn),
    FACULA_OP("_randint", Random, nullptr, randint),
    FACULA_OP("_randperm", Random, nullptr, randperm),
    FACULA_OP("multinomial", Random, nullptr, multinomial),
};
#undef FACULA_FILL

}  // namespace

extern const OpFamily kRandomFamily;
const OpFamily kRandomFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
