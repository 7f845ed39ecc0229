// Convolution and transposed convolution in one to three dimensions, batched or not, and their gradients. Each gradient
// is an entry whose own gradients are the other two, so that any order of derivative exists.
#include "cpu/conv.h"

#include <algorithm>

#include "base/gil.h"
#include "ops/axis.h"

namespace facula {

namespace {

// Integers are exact in double up to 2^53; half types are computed in float.
DType compute_type(DType t) {
  FACULA_CHECK(!is_complex(t), NotImplemented, "convolution of complex tensors");
  return t == DType::Float64 || is_integral(t) ? DType::Float64 : DType::Float32;
}
Tensor operand(const Tensor& t) { return ops::contiguous_memory(ops::converted_memory(t, compute_type(t->dtype))); }

struct Settings {
  Dims stride, padding, dilation;
  int64_t groups;
};

Dims per_dimension(const Dims& given, int64_t n, const char* what) {
  FACULA_CHECK(static_cast<int64_t>(given.size()) == n, Runtime, "expected ", what, " to be a list of ", n,
               " values to match the convolution dimensions, but got ", what, "=", given);
  return given;
}
Settings settings(int64_t n, const Dims& stride, const Dims& padding, const Dims& dilation, int64_t groups) {
  Settings s{per_dimension(stride, n, "stride"), per_dimension(padding, n, "padding"),
             per_dimension(dilation, n, "dilation"), groups};
  for (int64_t v : s.padding) FACULA_CHECK(v >= 0, Runtime, "negative padding is not supported");
  for (int64_t v : s.stride) FACULA_CHECK(v > 0, Runtime, "non-positive stride is not supported");
  for (int64_t v : s.dilation)
    FACULA_CHECK(v > 0, Runtime, "dilation should be greater than zero, but got ", s.dilation);
  FACULA_CHECK(groups > 0, Runtime, "non-positive groups is not supported");
  constexpr int64_t kMost = int64_t{1} << 40;  // no span of a window overflows
  for (const Dims* values : {&s.stride, &s.padding, &s.dilation})
    for (int64_t v : *values)
      FACULA_CHECK(v < kMost, Runtime, "convolution: a stride, padding or dilation of ", v, " is too large");
  return s;
}
int64_t spatial_dims(const Tensor& weight, const char* name) {
  int64_t n = weight->ndim() - 2;
  FACULA_CHECK(n >= 1 && n <= 3, Runtime, name,
               ": expected a weight of 3 to 5 dimensions, but got size: ", weight->sizes);
  return n;
}
void check_input(const char* name, const Tensor& x, int64_t n) {
  FACULA_CHECK(x->ndim() == n + 1 || x->ndim() == n + 2, Runtime, "Expected ", n + 1, "D (unbatched) or ", n + 2,
               "D (batched) input to ", name, n, "d, but got input of size: ", x->sizes);
}
void check_types(const Tensor& x, const Tensor& weight, MaybeTensor bias) {
  FACULA_CHECK(x->dtype == weight->dtype, Runtime, "expected scalar type ", scalar_type_name(x->dtype), " but found ",
               scalar_type_name(weight->dtype), " (input and weight of a convolution must have the same type)");
  FACULA_CHECK(!bias || (*bias)->dtype == x->dtype, Runtime, "expected scalar type ", scalar_type_name(x->dtype),
               " but found ", bias ? scalar_type_name((*bias)->dtype) : "", " (the bias of a convolution)");
}
void check_bias(MaybeTensor bias, const Tensor& weight, int64_t channels) {
  FACULA_CHECK(!bias || ((*bias)->ndim() == 1 && (*bias)->numel == channels), Runtime, "Given weight of size ",
               weight->sizes, ", expected bias to be 1-dimensional with ", channels, " elements, but got bias of size ",
               bias ? (*bias)->sizes : Dims{}, " instead");
}
std::string joined(const Dims& d) {
  std::ostringstream text;
  for (size_t i = 0; i < d.size(); ++i) text << (i ? " x " : "") << d[i];
  return text.str();
}

// Sizes of images in front of their channels and spatial dimensions; an unbatched one counts as a batch of one.
Dims spatial(const Dims& sizes, int64_t n) { return Dims(sizes.end() - n, sizes.end()); }
int64_t batch_of(const Dims& sizes, int64_t n) { return static_cast<int64_t>(sizes.size()) == n + 2 ? sizes[0] : 1; }
Dims image_sizes(const Dims& like, int64_t n, int64_t channels, const Dims& space) {
  Dims out;
  if (static_cast<int64_t>(like.size()) == n + 2) out.push_back(like[0]);
  out.push_back(channels);
  for (int64_t s : space) out.push_back(s);
  return out;
}

// The shape of the convolution from x to y, in the kernels' terms.
cpu::ConvShape shape_of(const Dims& x, const Dims& weight, const Dims& y, const Settings& s) {
  int64_t n = static_cast<int64_t>(weight.size()) - 2;
  cpu::ConvShape c = {batch_of(x, n), s.groups,  weight[1], weight[0] / s.groups, {1, 1, 1}, {1, 1, 1}, {1, 1, 1},
                      {1, 1, 1},      {0, 0, 0}, {1, 1, 1}};
  for (int64_t d = 0; d < n; ++d) {
    int64_t k = 3 - n + d;
    c.in[k] = x[x.size() - n + d];
    c.out[k] = y[y.size() - n + d];
    c.kernel[k] = weight[2 + d];
    c.stride[k] = s.stride[d];
    c.pad[k] = s.padding[d];
    c.dilation[k] = s.dilation[d];
  }
  FACULA_CHECK(cpu::limit_padded_image(c), Runtime, "convolution: an image of sizes ", x, " with padding ", s.padding,
               " is too large");
  return c;
}
int64_t work_of(const cpu::ConvShape& c) {
  return c.batch * c.groups * c.in_channels * c.out_channels * c.out[0] * c.out[1] * c.out[2] * c.kernel[0] *
         c.kernel[1] * c.kernel[2];
}

// ---- forward ----

void check_convolution(const Tensor& x, const Tensor& weight, MaybeTensor bias, const Settings& s, int64_t n) {
  check_input("conv", x, n);
  check_types(x, weight, bias);
  int64_t channels = x->sizes[x->ndim() - n - 1];
  FACULA_CHECK(weight->sizes[0] >= s.groups, Runtime, "Given groups=", s.groups, ", expected weight to be at least ",
               s.groups, " at dimension 0, but got weight of size ", weight->sizes, " instead");
  FACULA_CHECK(weight->sizes[0] % s.groups == 0, Runtime, "Given groups=", s.groups,
               ", expected weight to be divisible by ", s.groups, " at dimension 0, but got weight of size [",
               weight->sizes, "] instead");
  FACULA_CHECK(channels == weight->sizes[1] * s.groups, Runtime, "Given groups=", s.groups, ", weight of size ",
               weight->sizes, ", expected input", x->sizes, " to have ", weight->sizes[1] * s.groups,
               " channels, but got ", channels, " channels instead");
  check_bias(bias, weight, weight->sizes[0]);
  Dims padded, kernel;
  bool fits = true;
  for (int64_t d = 0; d < n; ++d) {
    FACULA_CHECK(weight->sizes[2 + d] > 0, Runtime, "non-positive kernel size is not supported: ", weight->sizes);
    padded.push_back(x->sizes[x->ndim() - n + d] + 2 * s.padding[d]);
    kernel.push_back(s.dilation[d] * (weight->sizes[2 + d] - 1) + 1);
    fits &= padded[d] >= kernel[d];
  }
  FACULA_CHECK(fits, Runtime, "Calculated padded input size per channel: (", joined(padded), "). Kernel size: (",
               joined(kernel), "). Kernel size can't be greater than actual input size");
}

// ---- complex numbers ----

// A bilinear map by four of the parts, and a bias.
template <class Map>
Tensor by_parts(Map map, const Tensor& x, const Tensor& y) {
  GradMode off(false);
  static const OpDef &complex = find_op("complex"), &imag = find_op("imag");
  Tensor xr = ops::real_part(x), xi = call(imag, x), yr = ops::real_part(y), yi = call(imag, y);
  return call(complex, ops::sub(map(xr, yr), map(xi, yi)), ops::add(map(xr, yi), map(xi, yr)));
}
Tensor with_bias(const Tensor& out, MaybeTensor bias, int64_t n) {
  if (!bias) return out;
  GradMode off(false);
  Dims per_channel(static_cast<size_t>(n + 1), 1);
  per_channel[0] = (*bias)->numel;
  return ops::add(out, ops::reshape(*bias, per_channel));
}

Tensor convolution(const Tensor& x, const Tensor& weight, MaybeTensor bias, const Dims& stride, const Dims& padding,
                   const Dims& dilation, int64_t groups) {
  int64_t n = spatial_dims(weight, "conv");
  Settings s = settings(n, stride, padding, dilation, groups);
  check_convolution(x, weight, bias, s, n);
  if (is_complex(x->dtype)) {
    auto map = [&](const Tensor& a, const Tensor& b) {
      return convolution(a, b, nullptr, stride, padding, dilation, groups);
    };
    return with_bias(by_parts(map, x, weight), bias, n);
  }
  Dims space;
  for (int64_t d = 0; d < n; ++d)
    space.push_back((x->sizes[x->ndim() - n + d] + 2 * s.padding[d] - s.dilation[d] * (weight->sizes[2 + d] - 1) - 1) /
                        s.stride[d] +
                    1);
  Tensor in = operand(x), w = operand(weight), b = bias ? operand(*bias) : Tensor();
  Tensor out = empty(image_sizes(x->sizes, n, weight->sizes[0], space), in->dtype);
  if (out->numel > 0) {
    cpu::ConvShape shape = shape_of(x->sizes, weight->sizes, out->sizes, s);
    GilRelease unlocked(work_of(shape) > kLongWork);
    cpu::conv().forward(in->dtype, shape, in->data(), w->data(), b ? b->data() : nullptr, out->data());
  }
  return ops::converted_memory(out, x->dtype);
}

// ---- gradients, which are also the transposed convolution ----

Tensor backward_input(const Tensor& dy, const Tensor& weight, MaybeTensor bias, const Dims& x_sizes,
                      const Settings& s) {
  if (is_complex(dy->dtype)) {
    auto map = [&](const Tensor& a, const Tensor& b) { return backward_input(a, b, nullptr, x_sizes, s); };
    return with_bias(by_parts(map, dy, weight), bias, weight->ndim() - 2);
  }
  Tensor g = operand(dy), w = operand(weight), b = bias ? operand(*bias) : Tensor();
  if (g->numel == 0 || w->numel == 0) {
    Tensor out = ops::zeros(x_sizes, dy->dtype);
    if (bias && out->numel > 0) {
      Dims per_channel(static_cast<size_t>(weight->ndim() - 1), 1);
      per_channel[0] = (*bias)->numel;
      ops::copy_memory(out, alias(b, per_channel, contiguous_strides(per_channel), b->byte_offset));
    }
    return out;
  }
  Tensor out = empty(x_sizes, g->dtype);
  if (out->numel > 0) {
    cpu::ConvShape shape = shape_of(x_sizes, weight->sizes, dy->sizes, s);
    GilRelease unlocked(work_of(shape) > kLongWork);
    cpu::conv().grad_input(g->dtype, shape, g->data(), w->data(), b ? b->data() : nullptr, out->data());
  }
  return ops::converted_memory(out, dy->dtype);
}
Tensor grad_input(const Tensor& dy, const Tensor& weight, const Dims& x_sizes, const Dims& stride, const Dims& padding,
                  const Dims& dilation, int64_t groups) {
  Settings s = settings(spatial_dims(weight, "conv"), stride, padding, dilation, groups);
  return backward_input(dy, weight, nullptr, x_sizes, s);
}
Tensor grad_weight(const Tensor& x, const Tensor& dy, const Dims& weight_sizes, const Dims& stride, const Dims& padding,
                   const Dims& dilation, int64_t groups) {
  Settings s = settings(static_cast<int64_t>(weight_sizes.size()) - 2, stride, padding, dilation, groups);
  if (is_complex(x->dtype)) {
    auto map = [&](const Tensor& a, const Tensor& b) {
      return grad_weight(a, b, weight_sizes, stride, padding, dilation, groups);
    };
    return by_parts(map, x, dy);
  }
  Tensor in = operand(x), g = operand(dy);
  if (in->numel == 0 || g->numel == 0) return ops::zeros(weight_sizes, x->dtype);
  Tensor out = empty(weight_sizes, in->dtype);
  {
    cpu::ConvShape shape = shape_of(x->sizes, weight_sizes, dy->sizes, s);
    GilRelease unlocked(work_of(shape) > kLongWork);
    cpu::conv().grad_weight(in->dtype, shape, in->data(), g->data(), out->data());
  }
  return ops::converted_memory(out, x->dtype);
}

// The three maps of one convolution, recorded. Settings are arguments `first` to `first` + 3 of the call.
struct Maps {
  const Backward& b;
  size_t first;
  Tensor to_output(const Tensor& x, const Tensor& weight) const {
    static const OpDef& op = find_op("_convolution");
    return call(op, x, weight, nullptr, b.arg(first), b.arg(first + 1), b.arg(first + 2), b.arg(first + 3));
  }
  Tensor to_input(const Tensor& dy, const Tensor& weight, const Dims& x_sizes) const {
    static const OpDef& op = find_op("_conv_grad_input");
    return call(op, dy, weight, x_sizes, b.arg(first), b.arg(first + 1), b.arg(first + 2), b.arg(first + 3));
  }
  Tensor to_weight(const Tensor& x, const Tensor& dy, const Dims& weight_sizes) const {
    static const OpDef& op = find_op("_conv_grad_weight");
    return call(op, x, dy, weight_sizes, b.arg(first), b.arg(first + 1), b.arg(first + 2), b.arg(first + 3));
  }
};
// Sum over everything but the channels.
Tensor bias_gradient(const Tensor& g, int64_t n) {
  Dims dims;
  for (int64_t d = 0; d < g->ndim(); ++d)
    if (d != g->ndim() - n - 1) dims.push_back(d);
  return ops::sum(g, &dims, false);
}

void convolution_vjp(Backward& b) {
  Tensor g = b.grad();
  Maps maps{b, 3};
  if (b.needs(0)) b.set(0, maps.to_input(g, ops::conj(b.input(1)), b.sizes(0)));
  if (b.needs(1)) b.set(1, maps.to_weight(ops::conj(b.input(0)), g, b.sizes(1)));
  if (b.needs(2)) b.set(2, bias_gradient(g, static_cast<int64_t>(b.arg(3).ints->size())));
}
// Slots: dy, weight.
void grad_input_vjp(Backward& b) {
  Tensor gg = b.grad();
  Maps maps{b, 3};
  if (b.needs(0)) b.set(0, maps.to_output(gg, ops::conj(b.input(1))));
  if (b.needs(1)) b.set(1, maps.to_weight(gg, ops::conj(b.input(0)), b.sizes(1)));
}
// Slots: x, dy.
void grad_weight_vjp(Backward& b) {
  Tensor gg = b.grad();
  Maps maps{b, 3};
  if (b.needs(0)) b.set(0, maps.to_input(ops::conj(b.input(1)), gg, b.sizes(0)));
  if (b.needs(1)) b.set(1, maps.to_output(ops::conj(b.input(0)), gg));
}

// ---- transposed convolution ----

void check_transposed(const Tensor& x, const Tensor& weight, MaybeTensor bias, const Settings& s, const Dims& extra,
                      int64_t n) {
  check_input("conv_transpose", x, n);
  check_types(x, weight, bias);
  int64_t channels = x->sizes[x->ndim() - n - 1];
  FACULA_CHECK(weight->sizes[0] % s.groups == 0, Runtime, "Given groups=", s.groups,
               ", expected weight to be divisible by ", s.groups, " at dimension 0, but got weight of size [",
               weight->sizes, "] instead");
  FACULA_CHECK(channels == weight->sizes[0], Runtime, "Given transposed=1, weight of size ", weight->sizes,
               ", expected input", x->sizes, " to have ", weight->sizes[0], " channels, but got ", channels,
               " channels instead");
  check_bias(bias, weight, weight->sizes[1] * s.groups);
  for (int64_t d = 0; d < n; ++d) {
    FACULA_CHECK(extra[d] >= 0, Runtime, "negative output_padding is not supported");
    FACULA_CHECK(extra[d] < std::max(s.stride[d], s.dilation[d]), Runtime,
                 "output padding must be smaller than either stride or dilation, but got output_padding: ", extra,
                 " stride: ", s.stride, " dilation: ", s.dilation);
  }
}
Tensor conv_transpose(const Tensor& x, const Tensor& weight, MaybeTensor bias, const Dims& stride, const Dims& padding,
                      const Dims& dilation, int64_t groups, const Dims& output_padding) {
  int64_t n = spatial_dims(weight, "conv_transpose");
  Settings s = settings(n, stride, padding, dilation, groups);
  Dims extra = per_dimension(output_padding, n, "output_padding"), space;
  check_transposed(x, weight, bias, s, extra, n);
  for (int64_t d = 0; d < n; ++d)
    space.push_back((x->sizes[x->ndim() - n + d] - 1) * s.stride[d] - 2 * s.padding[d] +
                    s.dilation[d] * (weight->sizes[2 + d] - 1) + extra[d] + 1);
  Dims sizes = image_sizes(x->sizes, n, weight->sizes[1] * groups, space);
  for (int64_t v : space)
    FACULA_CHECK(v > 0, Runtime, "Given input size per channel: (", joined(spatial(x->sizes, n)),
                 "). Calculated output size per channel: (", joined(space), "). Output size is too small");
  return backward_input(x, weight, bias, sizes, s);
}
void conv_transpose_vjp(Backward& b) {
  Tensor g = b.grad();
  Maps maps{b, 3};
  if (b.needs(0)) {
    Tensor dx = maps.to_output(g, ops::conj(b.input(1)));
    const Dims& sizes = b.sizes(0);
    for (size_t d = 0; d < sizes.size(); ++d)  // an output padding of a stride or more has room for further inputs
      if (dx->sizes[d] > sizes[d]) dx = ops::slice(dx, static_cast<int64_t>(d), int64_t{0}, sizes[d], int64_t{1});
    b.set(0, dx);
  }
  if (b.needs(1)) b.set(1, maps.to_weight(g, ops::conj(b.input(0)), b.sizes(1)));
  if (b.needs(2)) b.set(2, bias_gradient(g, static_cast<int64_t>(b.arg(3).ints->size())));
}

constexpr uint32_t kFirst = 1 << 0, kSecond = 1 << 1;
const OpDef kOps[] = {
    FACULA_OP("_convolution", Contraction, "ConvolutionBackward0", convolution, .vjp = convolution_vjp,
              .saves = {kSecond, kFirst}),
    FACULA_OP("_conv_transpose2d", Contraction, "ConvolutionBackward0", conv_transpose, .vjp = conv_transpose_vjp,
              .saves = {kSecond, kFirst}),
    FACULA_OP("_conv_grad_input", Contraction, "ConvolutionBackward0", grad_input, .vjp = grad_input_vjp,
              .saves = {kSecond, kFirst}),
    FACULA_OP("_conv_grad_weight", Contraction, "ConvolutionBackwardBackward0", grad_weight, .vjp = grad_weight_vjp,
              .saves = {kSecond, kFirst}),
};

}  // namespace

extern const OpFamily kConvFamily;
const OpFamily kConvFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
