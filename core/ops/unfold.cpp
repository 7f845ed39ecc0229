// unfold and fold: the windows of images as columns, and columns added back. Each is the gradient of the other. Forms
// of arguments and their messages are the Python functions'.
#include "base/gil.h"
#include "cpu/conv.h"
#include "ops/ops.h"

namespace facula {

namespace {

DType compute_type(const char* name, DType t) {
  FACULA_CHECK(is_floating(t) || t == DType::Bool, NotImplemented, "\"", name, "_out_cpu\" not implemented for '",
               scalar_type_name(t), "'");
  return t == DType::Float64 ? DType::Float64 : DType::Float32;
}

// Windows of images (N, C, H, W), as those of a convolution with one output channel.
cpu::ConvShape shape_of(const char* name, const Dims& image, const Dims& kernel, const Dims& dilation,
                        const Dims& padding, const Dims& stride) {
  FACULA_CHECK(
      image.size() == 4 && kernel.size() == 2 && dilation.size() == 2 && padding.size() == 2 && stride.size() == 2,
      Runtime, name, ": expected images of 4 dimensions and pairs, but got ", image);
  cpu::ConvShape s = {image[0], 1, image[1], 1, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {1, 1, 1}};
  constexpr int64_t kMost = int64_t{1} << 40;  // no span below overflows
  for (int64_t d = 0; d < 2; ++d) {
    FACULA_CHECK(kernel[d] > 0 && dilation[d] > 0 && padding[d] >= 0 && stride[d] > 0 &&
                     kernel[d] < kMost / dilation[d] && padding[d] < kMost && image[2 + d] > 0 && image[2 + d] < kMost,
                 Runtime, name, ": kernel, dilation and stride must be positive and padding not negative, but got ",
                 kernel, ", ", dilation, ", ", stride, " and ", padding, " for images of sizes ", image);
    s.in[1 + d] = image[2 + d];
    s.kernel[1 + d] = kernel[d];
    s.dilation[1 + d] = dilation[d];
    s.pad[1 + d] = padding[d];
    s.stride[1 + d] = stride[d];
    const int64_t span = image[2 + d] + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1;
    FACULA_CHECK(span >= 0, Runtime, name, ": a window of ", kernel, " does not fit into images of sizes ", image);
    s.out[1 + d] = span / stride[d] + 1;
  }
  FACULA_CHECK(cpu::limit_padded_image(s), Runtime, name, ": images of sizes ", image, " with padding ", padding,
               " are too large");
  return s;
}
Dims columns_of(const cpu::ConvShape& s) {
  // Two dimensions of the result are products of others, which must not overflow unseen.
  return {s.batch, count_elements({s.in_channels, s.kernel[1], s.kernel[2]}), count_elements({s.out[1], s.out[2]})};
}

Tensor im2col(const Tensor& x, const Dims& kernel, const Dims& dilation, const Dims& padding, const Dims& stride) {
  const cpu::ConvShape s = shape_of("im2col", x->sizes, kernel, dilation, padding, stride);
  const DType type = compute_type("im2col", x->dtype);
  Tensor in = ops::contiguous_memory(ops::converted_memory(x, type)), out = empty(columns_of(s), type);
  if (out->numel > 0) {
    GilRelease unlocked(out->numel > kLongWork);
    cpu::conv().unfold(type, s, in->data(), out->data());
  }
  return ops::converted_memory(out, x->dtype);
}
Tensor col2im(const Tensor& columns, const Dims& image, const Dims& kernel, const Dims& dilation, const Dims& padding,
              const Dims& stride) {
  const cpu::ConvShape s = shape_of("col2im", image, kernel, dilation, padding, stride);
  FACULA_CHECK(columns->sizes == columns_of(s), Runtime, "col2im: expected columns of sizes ", columns_of(s),
               ", but got ", columns->sizes);
  const DType type = compute_type("col2im", columns->dtype);
  Tensor in = ops::contiguous_memory(ops::converted_memory(columns, type)), out = empty(image, type);
  if (out->numel > 0) {
    GilRelease unlocked(in->numel > kLongWork);
    cpu::conv().fold(type, s, in->data(), out->data());
  }
  return ops::converted_memory(out, columns->dtype);
}
void im2col_vjp(Backward& b) {
  static const OpDef& op = find_op("_col2im");
  b.set(0, call(op, b.grad(), b.sizes(0), b.arg(1), b.arg(2), b.arg(3), b.arg(4)));
}
void col2im_vjp(Backward& b) {
  static const OpDef& op = find_op("_im2col");
  b.set(0, call(op, b.grad(), b.arg(2), b.arg(3), b.arg(4), b.arg(5)));
}

const OpDef kOps[] = {
    FACULA_OP("_im2col", Contraction, "Im2ColBackward0", im2col, .vjp = im2col_vjp),
    FACULA_OP("_col2im", Contraction, "Col2ImBackward0", col2im, .vjp = col2im_vjp),
};

}  // namespace

extern const OpFamily kUnfoldFamily;
const OpFamily kUnfoldFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
