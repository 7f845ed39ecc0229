// Pooling over the last two dimensions: maximum with indices, average, adaptive average; adaptive maximum over two or
// three. One dimension is a height of 1.
#include "cpu/pool.h"

#include "base/gil.h"
#include "ops/axis.h"

namespace facula {

namespace {

// Integers are exact in double up to 2^53; half types are computed in float.
DType compute_type(const char* name, DType t) {
  FACULA_CHECK(!is_complex(t) && t != DType::Bool, NotImplemented, "\"", name, "\" not implemented for '",
               scalar_type_name(t), "'");
  return t == DType::Float64 || is_integral(t) ? DType::Float64 : DType::Float32;
}
Tensor operand(const char* name, const Tensor& t) {
  return ops::contiguous_memory(ops::converted_memory(t, compute_type(name, t->dtype)));
}

Dims pair_of(const char* name, const char* what, const Dims& given) {
  if (given.size() == 1) return {given[0], given[0]};
  FACULA_CHECK(given.size() == 2, Runtime, name, ": ", what, " must either be a single int, or a tuple of two ints");
  return given;
}
void check_input(const char* name, const Dims& x) {
  bool good = x.size() == 3 || x.size() == 4;
  for (size_t d = x.size() == 4 ? 1 : 0; good && d < x.size(); ++d) good = x[d] > 0;
  FACULA_CHECK(good, Runtime, name, ": non-empty 3D or 4D (batch mode) tensor expected for input, but got size ", x);
}
int64_t planes_of(const Dims& x) { return x.size() == 4 ? x[0] * x[1] : x[0]; }
Dims with_plane(const Dims& x, int64_t h, int64_t w) {
  Dims out = x;
  out[x.size() - 2] = h;
  out[x.size() - 1] = w;
  return out;
}

cpu::PoolShape shape_of(const char* name, const Dims& x, const Dims& kernel_size, const Dims& given_stride,
                        const Dims& padding, const Dims& dilation, bool ceil_mode) {
  check_input(name, x);
  Dims kernel = pair_of(name, "kernel_size", kernel_size), pad = pair_of(name, "padding", padding);
  Dims stride = given_stride.empty() ? kernel : pair_of(name, "stride", given_stride);
  Dims gap = pair_of(name, "dilation", dilation);
  Dims in{x[x.size() - 2], x[x.size() - 1]}, out(2);
  for (int i = 0; i < 2; ++i) {
    FACULA_CHECK(kernel[i] > 0, Runtime, "kernel size should be greater than zero, but got kernel_size=", kernel);
    FACULA_CHECK(stride[i] > 0, Runtime, "stride should not be zero");
    FACULA_CHECK(gap[i] > 0, Runtime, "dilation should be greater than zero, but got dilation=", gap);
    FACULA_CHECK(pad[i] >= 0, Runtime, "pad must be non-negative, but got pad: ", pad[i]);
    FACULA_CHECK(pad[i] <= ((kernel[i] - 1) * gap[i] + 1) / 2, Runtime,
                 "pad should be at most half of effective kernel "
                 "size, but got pad=",
                 pad[i], ", kernel_size=", kernel[i], " and dilation=", gap[i]);
    out[i] = cpu::pool_output_size(in[i], kernel[i], stride[i], pad[i], gap[i], ceil_mode);
  }
  int64_t channels = x[x.size() - 3];
  FACULA_CHECK(out[0] >= 1 && out[1] >= 1, Runtime, "Given input size: (", channels, "x", in[0], "x", in[1],
               "). Calculated output size: (", channels, "x", out[0], "x", out[1], "). Output size is too small");
  return {planes_of(x), in[0],     in[1],  out[0], out[1], kernel[0], kernel[1],
          stride[0],    stride[1], pad[0], pad[1], gap[0], gap[1]};
}

// ---- maximum ----

std::tuple<Tensor, Tensor> max_pool(const Tensor& x, const Dims& kernel, const Dims& stride, const Dims& padding,
                                    const Dims& dilation, bool ceil_mode) {
  cpu::PoolShape s = shape_of("max_pool2d", x->sizes, kernel, stride, padding, dilation, ceil_mode);
  Tensor in = operand("max_pool2d", x), out = empty(with_plane(x->sizes, s.out_h, s.out_w), in->dtype);
  Tensor index = empty(out->sizes, DType::Int64);
  if (out->numel > 0) {
    GilRelease unlocked(x->numel > kLongWork / 4);
    cpu::pool().max_pool(in->dtype, s, in->data(), out->data(), index->ptr<int64_t>());
  }
  return {ops::converted_memory(out, x->dtype), index};
}
Tensor max_pool_backward(const Tensor& g, const Tensor& index, const Dims& sizes) {
  Tensor grad = operand("max_pool2d_backward", g), places = ops::contiguous_memory(index),
         out = ops::zeros(sizes, grad->dtype);
  int64_t planes = planes_of(sizes);
  if (out->numel > 0) {
    GilRelease unlocked(out->numel > kLongWork);
    cpu::pool().max_pool_backward(grad->dtype, planes, out->numel / planes, g->numel / planes, grad->data(),
                                  places->ptr<int64_t>(), out->data());
  }
  return ops::converted_memory(out, g->dtype);
}
void max_pool_vjp(Backward& b) {
  static const OpDef& op = find_op("_max_pool2d_backward");
  if (b.has_grad(0)) b.set(0, call(op, b.grad(), b.result(1), b.sizes(0)));
}
void max_pool_backward_vjp(Backward& b) {
  Dims in = *b.arg(2).ints, out = b.sizes(0);
  auto flat = [](const Dims& sizes) { return Dims{planes_of(sizes), sizes[sizes.size() - 2] * sizes.back()}; };
  if (count_elements(in) == 0) return b.set(0, ops::zeros(out, b.meta(0).dtype));
  Tensor picked = ops::gather(ops::reshape(b.grad(), flat(in)), 1, ops::reshape(b.input(1), flat(out)));
  b.set(0, ops::reshape(picked, out));
}

// ---- average ----

cpu::PoolShape average_shape(const Dims& x, const Dims& kernel, const Dims& stride, const Dims& padding, bool ceil_mode,
                             std::optional<int64_t> divisor) {
  FACULA_CHECK(!divisor || *divisor != 0, Runtime, "divisor must be not zero");
  return shape_of("avg_pool2d", x, kernel, stride, padding, {1, 1}, ceil_mode);
}
Tensor avg_pool(const Tensor& x, const Dims& kernel, const Dims& stride, const Dims& padding, bool ceil_mode,
                bool count_include_pad, std::optional<int64_t> divisor) {
  cpu::PoolShape s = average_shape(x->sizes, kernel, stride, padding, ceil_mode, divisor);
  Tensor in = operand("avg_pool2d", x), out = empty(with_plane(x->sizes, s.out_h, s.out_w), in->dtype);
  if (out->numel > 0) {
    GilRelease unlocked(x->numel > kLongWork / 4);
    cpu::pool().avg_pool(in->dtype, s, count_include_pad, divisor.value_or(0), in->data(), out->data());
  }
  return ops::converted_memory(out, x->dtype);
}
Tensor avg_pool_backward(const Tensor& g, const Dims& sizes, const Dims& kernel, const Dims& stride,
                         const Dims& padding, bool ceil_mode, bool count_include_pad, std::optional<int64_t> divisor) {
  cpu::PoolShape s = average_shape(sizes, kernel, stride, padding, ceil_mode, divisor);
  Tensor grad = operand("avg_pool2d_backward", g), out = empty(sizes, grad->dtype);
  if (out->numel > 0) {
    GilRelease unlocked(out->numel > kLongWork / 4);
    cpu::pool().avg_pool_backward(grad->dtype, s, count_include_pad, divisor.value_or(0), grad->data(), out->data());
  }
  return ops::converted_memory(out, g->dtype);
}
void avg_pool_vjp(Backward& b) {
  static const OpDef& op = find_op("_avg_pool2d_backward");
  b.set(0, call(op, b.grad(), b.sizes(0), b.arg(1), b.arg(2), b.arg(3), b.arg(4), b.arg(5), b.arg(6)));
}
void avg_pool_backward_vjp(Backward& b) {
  static const OpDef& op = find_op("_avg_pool2d");
  b.set(0, call(op, b.grad(), b.arg(2), b.arg(3), b.arg(4), b.arg(5), b.arg(6), b.arg(7)));
}

// ---- adaptive average ----

Dims adaptive_sizes(const Dims& x, const Dims& wanted) {
  FACULA_CHECK(wanted.size() == 2, Runtime, "adaptive_avg_pool2d: output_size must be 2");
  FACULA_CHECK(x.size() == 3 || x.size() == 4, Runtime, "adaptive_avg_pool2d(): Expected 3D or 4D tensor, but got ", x);
  for (size_t d = x.size() - 2; d < x.size(); ++d)
    FACULA_CHECK(x[d] > 0, Runtime,
                 "adaptive_avg_pool2d(): Expected input to have non-zero size for non-batch dimensions, "
                 "but input has sizes ",
                 x, " with dimension ", d, " being empty");
  for (int64_t v : wanted)
    FACULA_CHECK(v >= 0, Runtime,
                 "adaptive_avg_pool2d: elements of output_size must be greater than or equal to 0 but "
                 "received ",
                 wanted);
  return with_plane(x, wanted[0], wanted[1]);
}
Tensor adaptive_avg_pool(const Tensor& x, const Dims& output_size) {
  Dims sizes = adaptive_sizes(x->sizes, output_size);
  FACULA_CHECK(is_floating(x->dtype), NotImplemented, "\"adaptive_avg_pool2d\" not implemented for '",
               scalar_type_name(x->dtype), "'");
  Tensor in = operand("adaptive_avg_pool2d", x), out = empty(sizes, in->dtype);
  if (out->numel > 0) {
    GilRelease unlocked(x->numel > kLongWork);
    cpu::pool().adaptive_avg_pool(in->dtype, planes_of(sizes), x->size(-2), x->size(-1), output_size[0], output_size[1],
                                  in->data(), out->data());
  }
  return ops::converted_memory(out, x->dtype);
}
Tensor adaptive_avg_pool_backward(const Tensor& g, const Dims& sizes) {
  Tensor grad = operand("adaptive_avg_pool2d_backward", g);
  if (g->numel == 0) return ops::zeros(sizes, g->dtype);
  Tensor out = empty(sizes, grad->dtype);
  {
    GilRelease unlocked(out->numel > kLongWork);
    cpu::pool().adaptive_avg_pool_backward(grad->dtype, planes_of(sizes), out->size(-2), out->size(-1), g->size(-2),
                                           g->size(-1), grad->data(), out->data());
  }
  return ops::converted_memory(out, g->dtype);
}
void adaptive_vjp(Backward& b) {
  static const OpDef& op = find_op("_adaptive_avg_pool2d_backward");
  b.set(0, call(op, b.grad(), b.sizes(0)));
}
void adaptive_backward_vjp(Backward& b) {
  static const OpDef& op = find_op("_adaptive_avg_pool2d");
  const Dims& out = b.sizes(0);
  b.set(0, call(op, b.grad(), Dims{out[out.size() - 2], out.back()}));
}

// ---- adaptive maximum, over as many dimensions as the output has sizes ----

std::tuple<Tensor, Tensor> adaptive_max_pool(const Tensor& x, const Dims& wanted) {
  const int64_t n = static_cast<int64_t>(wanted.size()), before = x->ndim() - n;
  FACULA_CHECK(n >= 1 && n <= 3 && (before == 1 || before == 2), Runtime, "adaptive_max_pool", n, "d(): Expected ",
               n + 1, "D or ", n + 2, "D tensor, but got ", x->sizes);
  FACULA_CHECK(is_floating(x->dtype), NotImplemented, "\"adaptive_max_pool", n, "d\" not implemented for '",
               scalar_type_name(x->dtype), "'");
  int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1};
  Dims sizes = x->sizes;
  for (int64_t d = 0; d < n; ++d) {
    in[3 - n + d] = x->sizes[before + d];
    out[3 - n + d] = sizes[before + d] = wanted[d];
    FACULA_CHECK(x->sizes[before + d] > 0 && wanted[d] >= 0, Runtime, "adaptive_max_pool", n,
                 "d(): expected positive input and non-negative output sizes, but got ", x->sizes, " and ", wanted);
  }
  Tensor from = operand("adaptive_max_pool", x), values = empty(sizes, from->dtype), index = empty(sizes, DType::Int64);
  if (values->numel > 0) {
    GilRelease unlocked(x->numel > kLongWork / 4);
    cpu::pool().adaptive_max_pool(from->dtype, before == 2 ? x->sizes[0] * x->sizes[1] : x->sizes[0], in, out,
                                  from->data(), values->data(), index->ptr<int64_t>());
  }
  return {ops::converted_memory(values, x->dtype), index};
}
void adaptive_max_vjp(Backward& b) {
  static const OpDef& op = find_op("_max_pool2d_backward");
  if (!b.has_grad(0)) return;
  const Dims &in = b.sizes(0), &out = b.result_sizes();
  if (count_elements(out) == 0) return b.set(0, ops::zeros(in, b.meta(0).dtype));
  const int64_t n = static_cast<int64_t>(b.arg(1).ints->size());
  int64_t planes = 1;
  for (size_t d = 0; d + static_cast<size_t>(n) < in.size(); ++d) planes *= in[d];
  const Dims flat{planes, 1, count_elements(out) / planes}, whole{planes, 1, count_elements(in) / planes};
  Tensor g = call(op, ops::reshape(b.grad(), flat), ops::reshape(b.result(1), flat), whole);
  b.set(0, ops::reshape(g, in));
}

const OpDef kOps[] = {
    FACULA_OP("_max_pool2d_with_indices", Contraction, "MaxPool2DWithIndicesBackward0", max_pool, .vjp = max_pool_vjp,
              .saves = {kSaveResult1}),
    FACULA_OP("_max_pool2d_backward", Contraction, "MaxPool2DWithIndicesBackwardBackward0", max_pool_backward,
              .vjp = max_pool_backward_vjp, .saves = {1 << 1}),
    FACULA_OP("_avg_pool2d", Contraction, "AvgPool2DBackward0", avg_pool, .vjp = avg_pool_vjp),
    FACULA_OP("_avg_pool2d_backward", Contraction, "AvgPool2DBackwardBackward0", avg_pool_backward,
              .vjp = avg_pool_backward_vjp),
    FACULA_OP("_adaptive_max_pool2d", Contraction, "AdaptiveMaxPool2DBackward0", adaptive_max_pool,
              .vjp = adaptive_max_vjp, .saves = {kSaveResult1}),
    FACULA_OP("_adaptive_max_pool3d", Contraction, "AdaptiveMaxPool3DBackward0", adaptive_max_pool,
              .vjp = adaptive_max_vjp, .saves = {kSaveResult1}),
    FACULA_OP("_adaptive_avg_pool2d", Contraction, "AdaptiveAvgPool2DBackward0", adaptive_avg_pool,
              .vjp = adaptive_vjp),
    FACULA_OP("_adaptive_avg_pool2d_backward", Contraction, "AdaptiveAvgPool2DBackwardBackward0",
              adaptive_avg_pool_backward, .vjp = adaptive_backward_vjp),
};

}  // namespace

extern const OpFamily kPoolFamily;
const OpFamily kPoolFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
