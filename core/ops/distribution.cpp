// Draws whose consumption of the generator depends on the numbers drawn: one element after the other, with PyTorch's
// numbers. The fills with a fixed consumption are random.cpp's.
#include <cmath>
#include <limits>

#include "expr/special.h"
#include "ops/axis.h"
#include "ops/fill_order.h"
#include "ops/pointwise_op.h"
#include "runtime/parallel.h"
#include "runtime/sampler.h"

namespace facula {

namespace {

// ---- in place ----

// Numbers drawn in order by `draw(generator, memory, n)`, then each mapped by itself.
template <class Draw, class F>
void fill_each(const Tensor& self, Generator* g, Draw&& draw, F&& map) {
  if (self->numel == 0) return;
  Tensor ordered = in_order(self, fill_order(self)), values = empty(ordered->sizes, DType::Float64);
  double* v = values->ptr<double>();
  draw(chosen(g), v, self->numel);
  constexpr int64_t kGrain = 512;  // logarithms or tangents in about 15 us
  parallel_for(self->numel, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) v[i] = map(v[i]);
  });
  ops::copy_memory(ordered, values);
}

void cauchy_into(const Tensor& self, double median, double sigma, Generator* g) {
  FACULA_CHECK(sigma > 0, Runtime, "cauchy_ expects sigma > 0.0, but found sigma=", sigma);
  FACULA_CHECK(is_floating(self->dtype), Runtime,
               "Cauchy distribution is a continuous probability distribution. dtype must be a floating point but you "
               "specified ",
               name_of(self->dtype));
  fill_each(self, g, sample_uniforms,
            [=](double u) { return std::fma(sigma, std::tan(M_PI * (u - 0.5)), median); });  // as PyTorch contracts it
}
void geometric_into(const Tensor& self, double p, Generator* g) {
  FACULA_CHECK(p > 0 && p < 1, Runtime, "geometric_ expects p to be in (0, 1), but got p=", p);
  FACULA_CHECK(self->dtype != DType::Bool && !is_complex(self->dtype), NotImplemented,
               "\"geometric_cpu\" not implemented for '", scalar_type_name(self->dtype), "'");
  constexpr double kMost = 9.2e18;  // what an integer holds
  const double divisor = std::log1p(-p);
  fill_each(self, g, sample_uniforms, [=](double u) { return std::min(std::ceil(std::log(u) / divisor), kMost); });
}
void log_normal_into(const Tensor& self, double mean, double std, Generator* g) {
  FACULA_CHECK(std > 0, Runtime, "log_normal_ expects std > 0.0, but found std=", std);
  FACULA_CHECK(is_floating(self->dtype), NotImplemented, "\"log_normal_cpu\" not implemented for '",
               scalar_type_name(self->dtype), "'");
  fill_each(self, g, sample_normals, [=](double z) { return std::exp(z * std + mean); });
}

// ---- one draw for each element of a parameter ----

Tensor as_doubles(const Tensor& t) { return ops::contiguous_memory(ops::converted_memory(t, DType::Float64)); }

Tensor poisson(const Tensor& rate, Generator* g) {
  FACULA_CHECK(is_floating(rate->dtype), NotImplemented, "\"poisson_cpu\" not implemented for '",
               scalar_type_name(rate->dtype), "'");
  Tensor given = as_doubles(rate), values = empty(rate->sizes, DType::Float64);
  const double* r = given->ptr<double>();
  for (int64_t i = 0; i < rate->numel; ++i)
    FACULA_CHECK(r[i] >= 0, Runtime, "invalid Poisson rate, expected rate to be non-negative, got ", r[i]);
  static const auto exp = find_op("exp").pointwise->kernel[static_cast<int>(Column::F64)];
  constexpr int64_t kBlock = 256;
  double limits[kBlock];
  for (int64_t start = 0; start < rate->numel; start += kBlock) {
    const int64_t n = std::min(kBlock, rate->numel - start);
    for (int64_t i = 0; i < n; ++i) limits[i] = -r[start + i];
    const void* in[1] = {limits};
    exp(n, limits, in);
    sample_poisson(chosen(g), r + start, limits, values->ptr<double>() + start, n);
  }
  return ops::converted_memory(values, rate->dtype);
}

// `count` and `p` of one shape.
Tensor binomial(const Tensor& count, const Tensor& p, Generator* g) {
  FACULA_CHECK(is_floating(count->dtype), Value,
               "binomial only supports floating-point dtypes for count, got: ", scalar_type_name(count->dtype));
  FACULA_CHECK(is_floating(p->dtype), Value,
               "binomial only supports floating-point dtypes for prob, got: ", scalar_type_name(p->dtype));
  FACULA_CHECK(count->dtype == p->dtype, Runtime, "binomial: Found dtype ", scalar_type_name(p->dtype),
               " for prob but expected ", scalar_type_name(count->dtype), ", that of count");
  FACULA_CHECK(count->sizes == p->sizes, Runtime, "_binomial expects count and prob of one shape, got ", count->sizes,
               " and ", p->sizes);
  Tensor n = as_doubles(count), chance = as_doubles(p), values = empty(count->sizes, DType::Float64);
  for (int64_t i = 0; i < count->numel; ++i)
    values->ptr<double>()[i] = sample_binomial(chosen(g), n->ptr<double>()[i], chance->ptr<double>()[i]);
  return ops::converted_memory(values, count->dtype);
}

void check_gamma(const Tensor& alpha, const char* kernel) {
  FACULA_CHECK(is_floating(alpha->dtype), NotImplemented, '"', kernel, "\" not implemented for '",
               scalar_type_name(alpha->dtype), "'");
  Tensor given = as_doubles(alpha);
  for (int64_t i = 0; i < given->numel; ++i)
    FACULA_CHECK(given->ptr<double>()[i] >= 0, Runtime, kernel, ": expected a concentration that is not negative, got ",
                 given->ptr<double>()[i]);
}
double smallest(DType t) {
  switch (t) {
    case DType::Float64: return std::numeric_limits<double>::min();
    case DType::Float16: return 0x1p-14;
    default: return std::numeric_limits<float>::min();  // bfloat16 has float's exponents
  }
}
Tensor standard_gamma(const Tensor& alpha, Generator* g) {
  check_gamma(alpha, "gamma_cpu");
  Tensor given = as_doubles(alpha), values = empty(alpha->sizes, DType::Float64);
  const double least = smallest(alpha->dtype);
  const bool narrow = alpha->dtype != DType::Float64;
  for (int64_t i = 0; i < alpha->numel; ++i) {
    double a = given->ptr<double>()[i];
    double drawn = narrow ? sample_gamma(chosen(g), static_cast<float>(a)) : sample_gamma(chosen(g), a);
    values->ptr<double>()[i] = std::max(least, drawn);
  }
  return ops::converted_memory(values, alpha->dtype);
}
// Gammas of every row of `alpha`, divided by their sum, inside (0, 1).
Tensor sample_dirichlet(const Tensor& alpha, Generator* g) {
  check_gamma(alpha, "dirichlet");
  FACULA_CHECK(alpha->ndim() > 0, Runtime, "_sample_dirichlet expects at least one dimension");
  Tensor given = as_doubles(alpha), values = empty(alpha->sizes, DType::Float64);
  double *v = values->ptr<double>(), least = smallest(alpha->dtype);
  const double most = alpha->dtype == DType::Float64 ? std::nextafter(1.0, 0.0) : std::nextafter(1.0f, 0.0f);
  for (int64_t i = 0; i < alpha->numel; ++i) v[i] = sample_gamma(chosen(g), given->ptr<double>()[i]);
  const int64_t n = alpha->sizes.back();
  for (int64_t row = 0; row < alpha->numel; row += n) {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += v[row + i];
    for (int64_t i = 0; i < n; ++i) v[row + i] = std::min(std::max(v[row + i] / sum, least), most);
  }
  return ops::converted_memory(values, alpha->dtype);
}

// The derivative of each coordinate by its concentration, over one minus it; `total`: the sum of all concentrations.
Tensor dirichlet_grad(const Tensor& x, const Tensor& alpha, const Tensor& total) {
  FACULA_CHECK(is_floating(x->dtype) && x->sizes == alpha->sizes && x->sizes == total->sizes, Runtime,
               "_dirichlet_grad expects three floating-point tensors of one shape, got ", x->sizes, ", ", alpha->sizes,
               " and ", total->sizes);
  Tensor at = as_doubles(x), a = as_doubles(alpha), sum = as_doubles(total), values = empty(x->sizes, DType::Float64);
  for (int64_t i = 0; i < x->numel; ++i)
    values->ptr<double>()[i] =
        special::beta_slope(at->ptr<double>()[i], a->ptr<double>()[i], sum->ptr<double>()[i] - a->ptr<double>()[i]);
  return ops::converted_memory(values, x->dtype);
}

void zero_vjp(Backward& b) {
  for (size_t i = 0; i < b.num_inputs(); ++i)
    if (b.needs(i)) b.set(i, ops::zeros(b.sizes(i), b.meta(i).dtype));
}
void standard_gamma_vjp(Backward& b) {
  static const OpDef& slope = find_op("_standard_gamma_grad");
  if (b.needs(0)) b.set(0, ops::mul(b.grad(), call(slope, b.input(0), b.result())));
}

#define FACULA_FILL(NAME, NODE, FUNCTION) \
  FACULA_OP(NAME, Random, NODE, FUNCTION, .vjp = zero_vjp, .mutates = true, .returns_self = true)
const OpDef kOps[] = {
    FACULA_FILL("cauchy_", "CauchyBackward0", cauchy_into),
    FACULA_FILL("geometric_", "GeometricBackward0", geometric_into),
    FACULA_FILL("log_normal_", "LogNormalBackward0", log_normal_into),
    FACULA_OP("poisson", Random, "PoissonBackward0", poisson, .vjp = zero_vjp),
    FACULA_OP("_binomial", Random, nullptr, binomial),
    FACULA_OP("_standard_gamma", Random, "StandardGammaBackward0", standard_gamma, .vjp = standard_gamma_vjp,
              .saves = {kSaveResult | 1u}),
    FACULA_OP("_sample_dirichlet", Random, nullptr, sample_dirichlet),
    FACULA_OP("_dirichlet_grad", Random, nullptr, dirichlet_grad),
};
#undef FACULA_FILL

}  // namespace

extern const OpFamily kDistributionFamily;
const OpFamily kDistributionFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
