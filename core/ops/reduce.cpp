// Reductions on tensors: which dimensions, which type, and their derivatives. The loops are in cpu/reduce*.cpp.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/gil.h"
#include "cpu/reduce.h"
#include "ops/ops.h"

namespace facula {

namespace {

using cpu::ReduceOp;
using cpu::ReducePlan;

// Which dimensions are reduced: none given (or an empty list) means all.
SmallVector<bool, 8> reduced_mask(const char* name, int64_t ndim, const Dims* dims) {
  bool all = !dims || dims->empty();
  SmallVector<bool, 8> mask(static_cast<size_t>(ndim), all);
  if (all) return mask;
  FACULA_CHECK(ndim <= kMaxDims, Runtime, name, "(): only tensors with up to ", kMaxDims, " dims are supported, got ",
               ndim);
  FACULA_CHECK(ndim > 0 || dims->size() == 1, Runtime, "dim 0 appears multiple times in the list of dims: ", name,
               "()");
  for (int64_t d : *dims) {
    int64_t w = wrap_dim(d, ndim);
    if (ndim == 0) continue;
    FACULA_CHECK(!mask[w], Runtime, "dim ", w, " appears multiple times in the list of dims: ", name, "()");
    mask[w] = true;
  }
  return mask;
}

struct Reduction {
  ReducePlan plan;
  Dims out_sizes;
  int64_t reduced = 1;  // elements that each result stands for
};

Reduction plan_reduction(const char* name, const Tensor& x, const Dims* dims, bool keepdim) {
  Reduction r;
  auto mask = reduced_mask(name, x->ndim(), dims);
  r.plan.in = x->data();
  r.plan.dtype = x->dtype;
  for (int64_t d = 0; d < x->ndim(); ++d) {
    if (mask[d]) {
      r.plan.reduced_sizes.push_back(x->sizes[d]);
      r.plan.reduced_strides.push_back(x->strides[d]);
      r.reduced *= x->sizes[d];
      if (keepdim) r.out_sizes.push_back(1);
    } else {
      r.plan.kept_sizes.push_back(x->sizes[d]);
      r.plan.kept_strides.push_back(x->strides[d]);
      r.out_sizes.push_back(x->sizes[d]);
    }
  }
  return r;
}

[[noreturn]] void unsupported(const char* name, DType t) {
  fail(ErrorKind::NotImplemented, "\"", name, "\" not implemented for '", scalar_type_name(t), "'");
}

Tensor reduce(const char* name, ReduceOp op, const Tensor& x, const Dims* dims, bool keepdim, DType out_type,
              double p = 0) {
  Reduction r = plan_reduction(name, x, dims, keepdim);
  Tensor out = empty(r.out_sizes, out_type);
  r.plan.out = out->data();
  r.plan.out_dtype = out_type;
  bool done;
  {
    GilRelease unlocked(x->numel > kLongWork);
    done = cpu::reduce().reduce(op, r.plan, p);
  }
  if (!done) unsupported(name, x->dtype);
  return out;
}

// The shape that a reduced gradient is expanded from: size 1 where a dimension was reduced.
Tensor restore_dims(const Tensor& g, const Dims& sizes, const Dims* dims, bool keepdim) {
  if (keepdim || g->ndim() == 0) return g;  // one value expands to any shape as it is
  auto mask = reduced_mask("backward", static_cast<int64_t>(sizes.size()), dims);
  Dims kept = sizes;
  for (size_t i = 0; i < sizes.size(); ++i)
    if (mask[i]) kept[i] = 1;
  return ops::reshape(g, kept);
}
const Dims* dims_arg(const Backward& b, size_t i) { return b.arg(i).is_none() ? nullptr : b.arg(i).ints; }
Tensor restored_grad(const Backward& b) {
  return restore_dims(b.grad(), b.sizes(0), dims_arg(b, 1), b.arg(2).number.to_bool());
}
int64_t reduced_count(const Backward& b) {
  auto mask = reduced_mask("backward", static_cast<int64_t>(b.sizes(0).size()), dims_arg(b, 1));
  int64_t n = 1;
  for (size_t i = 0; i < mask.size(); ++i)
    if (mask[i]) n *= b.sizes(0)[i];
  return n;
}

// ---- sum and its relatives ----

Tensor sum(const Tensor& x, const Dims* dims, bool keepdim, std::optional<DType> dtype) {
  DType out = dtype.value_or(is_integral(x->dtype) ? DType::Int64 : x->dtype);
  return reduce("sum", ReduceOp::Sum, x, dims, keepdim, out);
}
void sum_vjp(Backward& b) { b.set(0, ops::expand(restored_grad(b), b.sizes(0))); }

Tensor nansum(const Tensor& x, const Dims* dims, bool keepdim, std::optional<DType> dtype) {
  DType out = dtype.value_or(is_integral(x->dtype) ? DType::Int64 : x->dtype);
  return reduce("nansum", ReduceOp::NanSum, x, dims, keepdim, out);
}
void nansum_vjp(Backward& b) {
  Tensor x = b.input(0);
  b.set(0, ops::mul(ops::expand(restored_grad(b), b.sizes(0)), ops::to_dtype(ops::eq(x, x), x->dtype)));
}

Tensor mean(const Tensor& x, const Dims* dims, bool keepdim, std::optional<DType> dtype) {
  DType out = dtype.value_or(x->dtype);
  FACULA_CHECK(!is_integral(out), Runtime,
               "mean(): could not infer output dtype. Input dtype must be either a floating "
               "point or complex dtype. Got: ",
               scalar_type_name(out), "; convert first, e.g. x.float().mean()");
  return reduce("mean", ReduceOp::Mean, x, dims, keepdim, out);
}
void mean_vjp(Backward& b) {
  Tensor g = ops::div(restored_grad(b), Scalar(reduced_count(b)));
  b.set(0, ops::expand(g, b.sizes(0)));
}

Tensor prod(const Tensor& x, const Dims* dims, bool keepdim, std::optional<DType> dtype) {
  DType out = dtype.value_or(is_integral(x->dtype) ? DType::Int64 : x->dtype);
  return reduce("prod", ReduceOp::Prod, x, dims, keepdim, out);
}
// Products of all other elements: exclusive products from both ends, which need no division and so bear zeros.
void prod_vjp(Backward& b) {
  Tensor x = ops::conj(b.input(0)), g = b.grad();
  const Dims& sizes = b.sizes(0);
  if (sizes.empty()) return b.set(0, g);
  const Dims* dims = dims_arg(b, 1);
  bool all = !dims || dims->empty();
  Tensor rows = all ? ops::reshape(x, {1, -1}) : ops::transpose(x, (*dims)[0], -1);
  Tensor grads = all ? ops::reshape(g, {1, 1}) : ops::transpose(restored_grad(b), (*dims)[0], -1);
  static const OpDef &cumprod = find_op("cumprod"), &flip = find_op("flip");
  int64_t last = rows->ndim() - 1, n = rows->sizes[last];
  if (n == 0) return b.set(0, ops::zeros(sizes, x->dtype));
  Dims edge = rows->sizes;
  edge[last] = 1;
  Tensor one = ops::full(edge, Scalar(1), x->dtype);
  auto exclusive = [&](const Tensor& t) {
    return call(cumprod, ops::cat({one, ops::slice(t, last, 0, n - 1, 1)}, last), last, nullptr);
  };
  Dims axis{last};
  Tensor others = ops::mul(exclusive(rows), call(flip, exclusive(call(flip, rows, axis)), axis));
  Tensor out = ops::mul(others, grads);
  b.set(0, all ? ops::reshape(out, sizes) : ops::transpose(out, (*dims)[0], -1));
}

Tensor sum_to_size(const Tensor& x, const Dims& sizes) {
  if (x->sizes == sizes && !(sizes.empty() && is_integral(x->dtype))) return x;  // PyTorch sums a number all the same
  FACULA_CHECK(sizes.size() <= x->sizes.size(), Runtime, "size {", sizes, "} is not expandable to size {", x->sizes,
               "}.");
  Dims dims;
  size_t lead = x->sizes.size() - sizes.size();
  for (size_t i = 0; i < x->sizes.size(); ++i) {
    bool stretched = i < lead || (sizes[i - lead] == 1 && x->sizes[i] != 1);
    if (stretched) dims.push_back(static_cast<int64_t>(i));
    FACULA_CHECK(stretched || sizes[i - lead] == x->sizes[i], Runtime, "size {", sizes, "} is not expandable to size {",
                 x->sizes, "}.");
  }
  if (dims.empty() && !sizes.empty()) return ops::reshape(x, sizes);
  static const OpDef& op = find_op("sum");
  return ops::reshape(call(op, x, dims, true, is_integral(x->dtype) ? DType::Int64 : x->dtype), sizes);
}

Tensor any(const Tensor& x, const Dims* dims, bool keepdim) {
  return reduce("any", ReduceOp::Any, x, dims, keepdim, x->dtype == DType::UInt8 ? DType::UInt8 : DType::Bool);
}
Tensor all(const Tensor& x, const Dims* dims, bool keepdim) {
  return reduce("all", ReduceOp::All, x, dims, keepdim, x->dtype == DType::UInt8 ? DType::UInt8 : DType::Bool);
}
Tensor count_nonzero(const Tensor& x, const Dims* dims) {
  return reduce("count_nonzero", ReduceOp::CountNonzero, x, dims, false, DType::Int64);
}

// ---- largest and smallest ----

void refuse_empty(const char* name, const Tensor& x, const Reduction& r, const Dims* dims) {
  if (r.reduced > 0) return;
  bool all = !dims || dims->empty();
  if (all)
    fail(std::string_view(name).substr(0, 3) == "arg" ? ErrorKind::Index : ErrorKind::Runtime, name,
         "(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' "
         "argument.");
  int64_t d = wrap_dim((*dims)[0], x->ndim());
  fail(ErrorKind::Index, name, "(): Expected reduction dim ", d, " to have non-zero size.");
}

template <bool largest>
Tensor extreme_value(const Tensor& x, const Dims* dims, bool keepdim) {
  const char* name = largest ? "amax" : "amin";
  refuse_empty(name, x, plan_reduction(name, x, dims, keepdim), dims);
  return reduce(name, largest ? ReduceOp::Amax : ReduceOp::Amin, x, dims, keepdim, x->dtype);
}
std::tuple<Tensor, Tensor> ends(const Tensor& x, const Dims* dims, bool keepdim) {
  Reduction r = plan_reduction("aminmax", x, dims, keepdim);
  refuse_empty("aminmax", x, r, dims);
  Tensor least = empty(r.out_sizes, x->dtype), most = empty(r.out_sizes, x->dtype);
  r.plan.out = least->data();
  r.plan.out_dtype = x->dtype;
  GilRelease unlocked(x->numel > kLongWork);
  if (!cpu::reduce().ends(r.plan, most->data())) unsupported("aminmax", x->dtype);
  return {least, most};
}
// Ties share the gradient evenly.
void extreme_value_vjp(Backward& b) {
  Tensor x = b.input(0), y = restore_dims(b.result(), b.sizes(0), dims_arg(b, 1), b.arg(2).number.to_bool());
  Tensor g = restored_grad(b), hits;
  {
    GradMode off(false);
    hits = ops::to_dtype(ops::eq(x, y), x->dtype);
    const Dims* dims = dims_arg(b, 1);
    static const OpDef& op = find_op("sum");
    hits = ops::div(hits, call(op, hits, dims, true, nullptr));
    if (b.sizes(0).empty()) hits = ops::reshape(hits, {});
  }
  b.set(0, ops::mul(ops::broadcast_memory(hits, b.sizes(0)), g));
}

template <bool largest>
Tensor extreme_all(const Tensor& x) {
  const char* name = largest ? "max" : "min";
  refuse_empty(name, x, plan_reduction(name, x, nullptr, false), nullptr);
  return reduce(name, largest ? ReduceOp::Amax : ReduceOp::Amin, x, nullptr, false, x->dtype);
}
void extreme_all_vjp(Backward& b) {
  Tensor x = b.input(0), y = b.result(), hits;
  {
    GradMode off(false);
    hits = ops::to_dtype(ops::eq(x, y), x->dtype);
    hits = ops::div(hits, ops::sum(hits, nullptr, false));
  }
  b.set(0, ops::mul(hits, b.grad()));
}

template <bool largest>
std::tuple<Tensor, Tensor> extreme_dim(const Tensor& x, int64_t dim, bool keepdim) {
  const char* name = largest ? "max" : "min";
  Dims dims{wrap_dim(dim, x->ndim())};
  Reduction r = plan_reduction(name, x, &dims, keepdim);
  refuse_empty(name, x, r, &dims);
  Tensor values = empty(r.out_sizes, x->dtype), indices = empty(r.out_sizes, DType::Int64);
  r.plan.out = values->data();
  r.plan.out_dtype = x->dtype;
  if (!cpu::reduce().extreme(largest, r.plan, indices->ptr<int64_t>())) unsupported(name, x->dtype);
  return {values, indices};
}
void extreme_dim_vjp(Backward& b) {
  const Dims& sizes = b.sizes(0);
  Dims dims{b.arg(1).number.i};
  bool keepdim = b.arg(2).number.to_bool();
  if (sizes.empty()) return b.set(0, b.grad());
  Tensor g = restore_dims(b.grad(), sizes, &dims, keepdim);
  Tensor index = restore_dims(b.result(1), sizes, &dims, keepdim);
  b.set(0, ops::scatter_add(ops::zeros(sizes, g->dtype), dims[0], index, g));
}

template <bool largest>
Tensor arg_extreme(const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  const char* name = largest ? "argmax" : "argmin";
  FACULA_CHECK(x->dtype != DType::Bool, Runtime, name, "(): does not support bool input; use x.int()");
  Dims dims;
  if (dim) dims.push_back(wrap_dim(*dim, x->ndim()));
  Reduction r = plan_reduction(name, x, dim ? &dims : nullptr, keepdim);
  refuse_empty(name, x, r, dim ? &dims : nullptr);
  Tensor out = empty(r.out_sizes, DType::Int64);
  r.plan.out = nullptr;
  r.plan.out_dtype = x->dtype;
  if (!cpu::reduce().extreme(largest, r.plan, out->ptr<int64_t>())) unsupported(name, x->dtype);
  return out;
}

// ---- moments, norms, logsumexp ----

DType float_type(const char* name, const Tensor& x) {
  FACULA_CHECK(!is_integral(x->dtype), Runtime, name, ": only support floating point and complex dtypes, but got ",
               scalar_type_name(x->dtype));
  return x->dtype;
}

// The sum of the variances of both parts.
Tensor complex_moment(bool standard, const Tensor& x, const Dims* dims, bool keepdim, double correction) {
  GradMode off(false);
  static const OpDef &var = find_op("_var"), &sqrt = find_op("sqrt");
  Tensor parts = ops::view_as_real(x);
  auto of_part = [&](int64_t part) { return call(var, ops::select(parts, -1, part), dims, keepdim, correction); };
  Tensor sum = ops::add(of_part(0), of_part(1));
  return standard ? call(sqrt, sum) : sum;
}
template <bool standard>
Tensor moment(const Tensor& x, const Dims* dims, bool keepdim, double correction) {
  const char* name = standard ? "std" : "var";
  DType type = float_type(name, x);
  if (is_complex(type)) return complex_moment(standard, x, dims, keepdim, correction);
  Reduction r = plan_reduction(name, x, dims, keepdim);
  Tensor out = empty(r.out_sizes, type);
  r.plan.out = out->data();
  r.plan.out_dtype = type;
  GilRelease unlocked(x->numel > kLongWork);
  cpu::reduce().var_mean(r.plan, correction, standard, nullptr);
  return out;
}
// d var / d x = 2 (x - mean) / (n - correction)
Tensor centred_over(const Backward& b, double correction) {
  Tensor x = b.input(0);
  static const OpDef& op = find_op("mean");
  const Dims* dims = dims_arg(b, 1);
  Tensor centre = ops::sub(x, call(op, x, dims, true, nullptr));
  return ops::div(centre, Scalar(std::max(0.0, static_cast<double>(reduced_count(b)) - correction)));
}
void var_vjp(Backward& b) {
  double correction = b.arg(3).number.to_double();
  b.set(0, ops::mul(ops::mul(restored_grad(b), Scalar(2.0)), centred_over(b, correction)));
}
void std_vjp(Backward& b) {
  double correction = b.arg(3).number.to_double();
  Tensor y = restore_dims(b.result(), b.sizes(0), dims_arg(b, 1), b.arg(2).number.to_bool());
  Tensor scaled = ops::div(restored_grad(b), y);
  // at a deviation of 0 the gradient is 0, as in PyTorch
  scaled = ops::where(ops::eq(y, Scalar(0)), Scalar(0), scaled);
  b.set(0, ops::mul(scaled, centred_over(b, correction)));
}

Tensor norm(const Tensor& x, double p, const Dims* dims, bool keepdim, std::optional<DType> dtype) {
  FACULA_CHECK(!is_integral(dtype.value_or(x->dtype)), Runtime,
               "linalg.vector_norm: Expected a floating point or complex "
               "tensor as input. Got ",
               scalar_type_name(x->dtype));
  DType out = real_of(dtype.value_or(x->dtype));
  Tensor in = is_complex(x->dtype) ? ops::converted_memory(x, complex_of(out)) : x;
  const SmallVector<bool, 8> reduced = reduced_mask("norm", x->ndim(), dims);
  int64_t together = 1;
  for (size_t d = 0; d < reduced.size(); ++d) together *= reduced[d] ? x->sizes[d] : 1;
  if (together == 1 && p != 0) {  // no power that could leave the range
    GradMode off(false);
    Tensor y = ops::to_dtype(ops::abs(in), out);
    Dims sizes;
    for (size_t d = 0; d < reduced.size(); ++d)
      if (!reduced[d] || keepdim) sizes.push_back(x->sizes[d]);
    return ops::reshape(y, sizes);
  }
  return reduce("norm", ReduceOp::Norm, in, dims, keepdim, out, p);
}
// Subgradient 0 wherever the formula divides by zero, as in PyTorch.
void norm_vjp(Backward& b) {
  Tensor x = b.input(0);
  double p = b.arg(1).number.to_double();
  const Dims* dims = dims_arg(b, 2);
  bool keepdim = b.arg(3).number.to_bool();
  Tensor g = restore_dims(b.grad(), b.sizes(0), dims, keepdim), y = restore_dims(b.result(), b.sizes(0), dims, keepdim);
  auto where_nonzero = [](const Tensor& at, const Tensor& value) {
    return ops::where(ops::eq(at, Scalar(0)), Scalar(0), value);
  };
  if (p == 0) return b.set(0, ops::zeros(b.sizes(0), x->dtype));
  if (p == 1) return b.set(0, ops::mul(ops::sgn(x), g));
  if (p == 2) return b.set(0, ops::mul(x, where_nonzero(y, ops::div(g, y))));
  if (std::isinf(p)) {
    Tensor hits = ops::to_dtype(ops::eq(ops::abs(x), y), y->dtype);
    Tensor count = ops::sum(hits, dims, true);
    return b.set(0, ops::mul(ops::mul(ops::sgn(x), hits), ops::div(g, count)));
  }
  Tensor scale = where_nonzero(y, ops::div(g, ops::pow(y, Scalar(p - 1))));
  Tensor power =
      p < 1 || p < 2 ? where_nonzero(x, ops::pow(ops::abs(x), Scalar(p - 1))) : ops::pow(ops::abs(x), Scalar(p - 1));
  b.set(0, ops::mul(ops::mul(ops::sgn(x), power), scale));
}

// Shifted by the largest real part, where that is finite.
Tensor complex_logsumexp(const Tensor& x, const Dims& dims, bool keepdim) {
  GradMode off(false);
  static const OpDef &amax = find_op("amax"), &isinf = find_op("isinf");
  Tensor high = call(amax, ops::real_part(x), dims, true);
  high = ops::where(call(isinf, high), Scalar(0.0), high);
  Tensor result = ops::add(ops::log(ops::sum(ops::exp(ops::sub(x, high)), &dims, true)), high);
  return keepdim ? result : ops::reshape(result, plan_reduction("logsumexp", x, &dims, false).out_sizes);
}
Tensor logsumexp(const Tensor& x, const Dims& dims, bool keepdim) {
  if (is_complex(x->dtype)) return complex_logsumexp(x, dims, keepdim);
  Tensor in = is_integral(x->dtype) ? ops::to_dtype(x, default_dtype) : x;
  Reduction r = plan_reduction("logsumexp", in, &dims, keepdim);
  Tensor out = empty(r.out_sizes, in->dtype);
  r.plan.out = out->data();
  r.plan.out_dtype = in->dtype;
  if (!cpu::reduce().logsumexp(r.plan)) unsupported("logsumexp", in->dtype);
  return out;
}
void logsumexp_vjp(Backward& b) {
  const Dims* dims = dims_arg(b, 1);
  bool keepdim = b.arg(2).number.to_bool();
  Tensor y = restore_dims(b.result(), b.sizes(0), dims, keepdim);
  b.set(0, ops::mul(restored_grad(b), ops::conj(ops::exp(ops::sub(b.input(0), y)))));
}

bool equal(const Tensor& a, const Tensor& b) {
  if (a->sizes != b->sizes) return false;
  GradMode off(false);
  return ops::item(all(ops::eq(a, b), nullptr, false)).to_bool();
}

constexpr uint32_t kInput = 1;
const OpDef kOps[] = {
    FACULA_OP("sum", Reduction, "SumBackward0|1", sum, .vjp = sum_vjp),
    FACULA_OP("nansum", Reduction, "NansumBackward0", nansum, .vjp = nansum_vjp, .saves = {kInput}),
    FACULA_OP("mean", Reduction, "MeanBackward0|1", mean, .vjp = mean_vjp),
    FACULA_OP("_prod", Reduction, "ProdBackward0|1", prod, .vjp = prod_vjp, .saves = {kInput}),
    FACULA_OP("sum_to_size", Reduction, nullptr, sum_to_size),
    FACULA_OP("any", Reduction, nullptr, any),
    FACULA_OP("all", Reduction, nullptr, all),
    FACULA_OP("_count_nonzero", Reduction, nullptr, count_nonzero),
    FACULA_OP("amax", Reduction, "AmaxBackward0", extreme_value<true>, .vjp = extreme_value_vjp,
              .saves = {kInput | kSaveResult}),
    FACULA_OP("amin", Reduction, "AminBackward0", extreme_value<false>, .vjp = extreme_value_vjp,
              .saves = {kInput | kSaveResult}),
    FACULA_OP("_aminmax", Reduction, nullptr, ends),
    FACULA_OP("_max_all", Reduction, "MaxBackward1", extreme_all<true>, .vjp = extreme_all_vjp,
              .saves = {kInput | kSaveResult}),
    FACULA_OP("_min_all", Reduction, "MinBackward1", extreme_all<false>, .vjp = extreme_all_vjp,
              .saves = {kInput | kSaveResult}),
    FACULA_OP("_max_dim", Reduction, "MaxBackward0", extreme_dim<true>, .vjp = extreme_dim_vjp,
              .saves = {kSaveResult1}),
    FACULA_OP("_min_dim", Reduction, "MinBackward0", extreme_dim<false>, .vjp = extreme_dim_vjp,
              .saves = {kSaveResult1}),
    FACULA_OP("argmax", Reduction, nullptr, arg_extreme<true>),
    FACULA_OP("argmin", Reduction, nullptr, arg_extreme<false>),
    FACULA_OP("_var", Reduction, "VarBackward0", moment<false>, .vjp = var_vjp, .saves = {kInput}),
    FACULA_OP("_std", Reduction, "StdBackward0", moment<true>, .vjp = std_vjp, .saves = {kInput | kSaveResult}),
    FACULA_OP("_norm", Reduction, "LinalgVectorNormBackward0", norm, .vjp = norm_vjp, .saves = {kInput | kSaveResult}),
    FACULA_OP("logsumexp", Reduction, "LogsumexpBackward0", logsumexp, .vjp = logsumexp_vjp,
              .saves = {kInput | kSaveResult}),
    FACULA_OP("equal", Reduction, nullptr, equal),
};

}  // namespace

extern const OpFamily kReduceFamily;
const OpFamily kReduceFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
