// Layer, root-mean-square, group and batch normalisation, fused. Each gives its result and its statistics; derivatives
// of the derivative come from the composed form below.
#include "cpu/normalize.h"

#include <cmath>

#include "base/gil.h"
#include "ops/axis.h"

namespace facula {

namespace {

constexpr int64_t kShare = 8;  // a normalisation counts as this part of kLongWork's operations for each element

DType statistics_type(DType t) { return t == DType::Float64 ? DType::Float64 : DType::Float32; }
void check_type(const char* name, const Tensor& x) {
  FACULA_CHECK(is_floating(x->dtype), NotImplemented, "\"", name, "\" not implemented for '",
               scalar_type_name(x->dtype), "'");
}
// weight and bias in one type: x's, or float32 beside a half type.
void check_affine(const Tensor& x, MaybeTensor weight, MaybeTensor bias) {
  for (MaybeTensor t : {weight, bias}) {
    if (!t) continue;
    const bool mixed = item_size(x->dtype) == 2 && (*t)->dtype == DType::Float32;
    FACULA_CHECK((*t)->dtype == x->dtype || mixed, Runtime, "expected scalar type ", scalar_type_name(x->dtype),
                 " but found ", scalar_type_name((*t)->dtype), " (the weight or bias of a normalisation)");
  }
}
struct Affine {
  Tensor weight, bias;
  DType dtype;
  Affine(const Tensor& x, MaybeTensor w, MaybeTensor b) : dtype(w ? (*w)->dtype : b ? (*b)->dtype : x->dtype) {
    if (w) weight = ops::contiguous_memory(*w);
    if (b) bias = ops::contiguous_memory(ops::converted_memory(*b, dtype));
  }
  const void* w() const { return weight ? weight->data() : nullptr; }
  const void* b() const { return bias ? bias->data() : nullptr; }
};

// ---- shapes ----

cpu::NormShape rows_shape(const Tensor& x, MaybeTensor weight, MaybeTensor bias, const Dims& shape, double eps) {
  const char* names[] = {"weight", "bias"};
  const MaybeTensor given[] = {weight, bias};
  FACULA_CHECK(!shape.empty(), Runtime,
               "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
               "normalized_shape = ",
               shape);
  for (int i = 0; i < 2; ++i)
    FACULA_CHECK(!given[i] || (*given[i])->sizes == shape, Runtime, "Expected ", names[i],
                 " to be of same shape as normalized_shape, but got ", names[i], " of shape ", (*given[i])->sizes,
                 " and normalized_shape = ", shape);
  const size_t extra = x->sizes.size() - shape.size();
  const bool fits = x->sizes.size() >= shape.size() && Dims(x->sizes.begin() + extra, x->sizes.end()) == shape;
  if (!fits) {
    std::ostringstream wanted;
    for (int64_t s : shape) wanted << ", " << s;
    fail(ErrorKind::Runtime, "Given normalized_shape=", shape, ", expected input with shape [*", wanted.str(),
         "], but got input of size", x->sizes);
  }
  const int64_t inner = count_elements(shape);
  return {x->dtype, x->dtype, inner ? x->numel / inner : 0, 1, 1, inner, eps};
}
cpu::NormShape channels_shape(const Tensor& x, int64_t groups, double eps) {
  const int64_t channels = x->sizes[1];
  int64_t inner = 1;
  for (size_t d = 2; d < x->sizes.size(); ++d) inner *= x->sizes[d];
  return {x->dtype, x->dtype, x->sizes[0], groups, channels / groups, inner, eps};
}
void check_channels(const char* what, const Tensor& t, int64_t channels) {
  FACULA_CHECK(t->numel == channels, Runtime, what, " should contain ", channels, " elements not ", t->numel);
}

// ---- forward ----

using Pair = std::tuple<Tensor, Tensor>;

Tensor new_statistics(const Tensor& x, int64_t count) { return empty({2, count}, statistics_type(x->dtype)); }
template <class F>
Pair run_forward(const Tensor& x, MaybeTensor weight, MaybeTensor bias, cpu::NormShape s, const Tensor& stats,
                 F kernel) {
  check_affine(x, weight, bias);
  Affine affine(x, weight, bias);
  s.affine = affine.dtype;
  Tensor in = ops::contiguous_memory(x), out = empty(x->sizes, x->dtype);
  if (out->numel == 0) {
    ops::fill_memory(stats, Scalar(0.0));
    return {out, stats};
  }
  GilRelease unlocked(out->numel > kLongWork / kShare);
  kernel(s, cpu::NormForward{in->data(), affine.w(), affine.b(), out->data(), stats->data()});
  return {out, stats};
}

Pair layer_norm(const Tensor& x, MaybeTensor weight, MaybeTensor bias, const Dims& shape, double eps) {
  check_type("LayerNormKernelImpl", x);
  cpu::NormShape s = rows_shape(x, weight, bias, shape, eps);
  return run_forward(x, weight, bias, s, new_statistics(x, s.batch),
                     [](const auto& n, const auto& f) { cpu::norm().rows(n, true, f); });
}
Pair rms_norm(const Tensor& x, MaybeTensor weight, const Dims& shape, double eps) {
  check_type("rms_norm", x);
  cpu::NormShape s = rows_shape(x, weight, nullptr, shape, eps);
  return run_forward(x, weight, nullptr, s, new_statistics(x, s.batch),
                     [](const auto& n, const auto& f) { cpu::norm().rows(n, false, f); });
}
Pair group_norm(const Tensor& x, MaybeTensor weight, MaybeTensor bias, int64_t groups, double eps) {
  check_type("GroupNormKernelImpl", x);
  FACULA_CHECK(x->ndim() >= 2, Runtime, "Expected at least 2 dimensions for input tensor but received ", x->ndim());
  FACULA_CHECK(groups > 0, Runtime, "Expected num groups to be greater than 0, got ", groups);
  FACULA_CHECK(x->sizes[1] % groups == 0, Runtime,
               "Expected number of channels in input to be divisible by num_groups, but got input of shape ", x->sizes,
               " and num_groups=", groups);
  const char* names[] = {"weight", "bias"};
  const MaybeTensor given[] = {weight, bias};
  for (int i = 0; i < 2; ++i)
    FACULA_CHECK(!given[i] || ((*given[i])->ndim() == 1 && (*given[i])->numel == x->sizes[1]), Runtime, "Expected ",
                 names[i], " to be a vector of size equal to the number of channels in input, but got ", names[i],
                 " of shape ", (*given[i])->sizes, " and input of shape ", x->sizes);
  cpu::NormShape s = channels_shape(x, groups, eps);
  return run_forward(x, weight, bias, s, new_statistics(x, s.batch * groups),
                     [](const auto& n, const auto& f) { cpu::norm().groups(n, f); });
}

// running = (1 - momentum) running + momentum batch, in double.
void update_running(MaybeTensor running, const Tensor& batch, double momentum, double factor) {
  if (!running) return;
  Tensor old = ops::converted_memory(*running, DType::Float64), now = ops::converted_memory(batch, DType::Float64);
  Tensor next = empty((*running)->sizes, DType::Float64);
  Tensor before = ops::contiguous_memory(old);
  for (int64_t i = 0; i < next->numel; ++i)
    next->ptr<double>()[i] = before->ptr<double>()[i] * (1 - momentum) + now->ptr<double>()[i] * factor * momentum;
  ops::copy_memory(*running, next);
  ++(*running)->version();
}
// Statistics that are given: mean, 1 / sqrt(variance + eps).
void fill_statistics(const Tensor& stats, const Tensor& mean, const Tensor& variance, double eps) {
  Tensor m = ops::contiguous_memory(ops::converted_memory(mean, DType::Float64));
  Tensor v = ops::contiguous_memory(ops::converted_memory(variance, DType::Float64));
  const int64_t n = stats->sizes[1];
  for (int64_t i = 0; i < n; ++i) {
    const double pair[] = {m->ptr<double>()[i], 1 / std::sqrt(v->ptr<double>()[i] + eps)};
    for (int k = 0; k < 2; ++k) {
      if (stats->dtype == DType::Float64)
        stats->ptr<double>()[k * n + i] = pair[k];
      else
        stats->ptr<float>()[k * n + i] = static_cast<float>(pair[k]);
    }
  }
}
void check_batch(const Tensor& x, MaybeTensor weight, MaybeTensor bias, MaybeTensor mean, MaybeTensor var,
                 bool training) {
  check_type("batch_norm", x);
  FACULA_CHECK(x->ndim() >= 2, Runtime, "batch_norm: expected an input of at least 2 dimensions, but got ", x->sizes);
  const int64_t channels = x->sizes[1];
  FACULA_CHECK(training || mean, Runtime, "Expected running_mean to be defined when training=False");
  FACULA_CHECK(training || var, Runtime, "Expected running_var to be defined when training=False");
  const char* names[] = {"running_mean", "running_var", "weight", "bias"};
  const MaybeTensor given[] = {mean, var, weight, bias};
  for (int i = 0; i < 4; ++i)
    if (given[i]) check_channels(names[i], *given[i], channels);
}
Pair batch_norm(const Tensor& x, MaybeTensor weight, MaybeTensor bias, MaybeTensor running_mean,
                MaybeTensor running_var, bool training, double momentum, double eps) {
  check_batch(x, weight, bias, running_mean, running_var, training);
  cpu::NormShape s = channels_shape(x, 1, eps);
  Tensor variance = training ? empty({s.channels}, statistics_type(x->dtype)) : Tensor();
  Tensor stats = new_statistics(x, s.channels);
  if (!training) fill_statistics(stats, *running_mean, *running_var, eps);
  Pair result = run_forward(x, weight, bias, s, stats, [&](const auto& n, const auto& f) {
    cpu::norm().batch(n, training, f, variance ? variance->data() : nullptr);
  });
  if (!training && x->numel == 0) fill_statistics(stats, *running_mean, *running_var, eps);
  if (training && x->numel > 0) {
    const double n = static_cast<double>(s.batch * s.inner);
    update_running(running_mean, alias(stats, {s.channels}, {1}, stats->byte_offset), momentum, 1);
    update_running(running_var, variance, momentum, n / (n > 1 ? n - 1 : 1));
  }
  return result;
}

// ---- backward ----

template <class F>
void fused(Backward& b, cpu::NormShape s, F kernel) {
  Tensor x = ops::contiguous_memory(b.input(0)), weight = b.input(1), stats = b.result(1);
  Tensor g = ops::contiguous_memory(ops::converted_memory(b.grad(), x->dtype));
  if (weight) {
    weight = ops::contiguous_memory(weight);
    s.affine = weight->dtype;
  }
  Tensor dx = empty(x->sizes, x->dtype), parameters[2];
  for (size_t i = 0; i < 2; ++i)
    if (b.needs(1 + i)) parameters[i] = ops::zeros(b.sizes(1 + i), stats->dtype);
  auto memory = [](const Tensor& t) { return t ? t->data() : nullptr; };
  if (x->numel > 0) {
    GilRelease unlocked(x->numel > kLongWork / kShare);
    kernel(s, cpu::NormBackward{g->data(), x->data(), memory(weight), stats->data(), dx->data(), memory(parameters[0]),
                                memory(parameters[1])});
  }
  if (b.needs(0)) b.set(0, dx);
  for (size_t i = 0; i < 2; ++i)
    if (parameters[i]) b.set(1 + i, parameters[i]);
}

// The same in tensor operations: x and its gradient seen as `view`, statistics over `dims`, parameters as `shape`.
struct Composed {
  Dims view, shape, dims;
  double eps;
  bool centred = true;
  Tensor mean, rstd;  // statistics that are given
};
void composed(Backward& b, const Composed& c) {
  Tensor x = ops::reshape(b.input(0), c.view), g = ops::reshape(b.grad(), c.view);
  int64_t n = 1;
  for (int64_t d : c.dims) n *= c.view[d];
  auto mean = [&](const Tensor& t) { return ops::mul(ops::sum(t, &c.dims, true), 1.0 / static_cast<double>(n)); };
  Tensor centred = c.rstd ? ops::sub(x, c.mean) : c.centred ? ops::sub(x, mean(x)) : x;
  Tensor rstd = c.rstd ? c.rstd : ops::pow(ops::add(mean(ops::mul(centred, centred)), c.eps), -0.5);
  Tensor unit = ops::mul(centred, rstd), weight = b.input(1);
  Tensor gw = weight ? ops::mul(g, ops::reshape(weight, c.shape)) : g;
  if (b.needs(0)) {
    Tensor d = c.rstd ? gw : ops::sub(gw, ops::mul(unit, mean(ops::mul(gw, unit))));
    if (!c.rstd && c.centred) d = ops::sub(d, mean(gw));
    b.set(0, ops::reshape(ops::mul(d, rstd), b.sizes(0)));
  }
  if (b.needs(1)) b.set(1, ops::reshape(ops::sum_to_size(ops::mul(g, unit), c.shape), b.sizes(1)));
  if (b.needs(2)) b.set(2, ops::reshape(ops::sum_to_size(g, c.shape), b.sizes(2)));
}

void rows_vjp(Backward& b, size_t shape_at, bool centred) {
  const Dims& shape = *b.arg(shape_at).ints;
  const double eps = b.arg(shape_at + 1).number.to_double();
  const int64_t inner = count_elements(shape), rows = inner ? count_elements(b.result_sizes()) / inner : 0;
  if (mode.grad) return composed(b, {{rows, inner}, {1, inner}, {1}, eps, centred, {}, {}});
  const DType dtype = b.node->outputs[0].dtype;
  fused(b, {dtype, dtype, rows, 1, 1, inner, eps},
        [=](const auto& s, const auto& f) { cpu::norm().rows_backward(s, centred, f); });
}
void layer_norm_vjp(Backward& b) { rows_vjp(b, 3, true); }
void rms_norm_vjp(Backward& b) { rows_vjp(b, 2, false); }
void group_norm_vjp(Backward& b) {
  Tensor x = b.input(0);
  cpu::NormShape s = channels_shape(x, b.arg(3).number.i, b.arg(4).number.to_double());
  if (mode.grad)
    return composed(
        b, {{s.batch, s.groups, s.channels, s.inner}, {1, s.groups, s.channels, 1}, {2, 3}, s.eps, true, {}, {}});
  fused(b, s, [](const auto& n, const auto& f) { cpu::norm().groups_backward(n, f); });
}
void batch_norm_vjp(Backward& b) {
  Tensor x = b.input(0);
  cpu::NormShape s = channels_shape(x, 1, b.arg(7).number.to_double());
  const bool training = b.arg(5).number.to_bool();
  if (!mode.grad) return fused(b, s, [=](const auto& n, const auto& f) { cpu::norm().batch_backward(n, training, f); });
  Composed c = {{s.batch, s.channels, s.inner}, {1, s.channels, 1}, {0, 2}, s.eps, true, {}, {}};
  if (!training) {
    Tensor stats = ops::detach(b.result(1));
    c.mean = ops::reshape(ops::select(stats, 0, 0), c.shape);
    c.rstd = ops::reshape(ops::select(stats, 0, 1), c.shape);
  }
  composed(b, c);
}

constexpr uint32_t kEverything = 1 << 0 | 1 << 1 | kSaveResult1;
const OpDef kOps[] = {
    FACULA_OP("_layer_norm", Fused, "NativeLayerNormBackward0", layer_norm, .vjp = layer_norm_vjp,
              .saves = {kEverything, kEverything, kEverything, kEverything}),
    FACULA_OP("_rms_norm", Fused, "MulBackward0", rms_norm, .vjp = rms_norm_vjp,
              .saves = {kEverything, kEverything, kEverything, kEverything}),
    FACULA_OP("_group_norm", Fused, "NativeGroupNormBackward0", group_norm, .vjp = group_norm_vjp,
              .saves = {kEverything, kEverything, kEverything, kEverything}),
    FACULA_OP("_batch_norm", Fused, "NativeBatchNormBackward0", batch_norm, .vjp = batch_norm_vjp,
              .saves = {kEverything, kEverything, kEverything, kEverything}),
};

}  // namespace

extern const OpFamily kNormFamily;
const OpFamily kNormFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
