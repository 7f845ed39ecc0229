// grid_sample: values of images and volumes at given places. PyTorch's second derivative does not exist; here that by
// the image does.
#include "cpu/grid_sample.h"

#include "base/gil.h"
#include "ops/ops.h"

namespace facula {

namespace {

using cpu::GridSampling;

GridSampling sampling_of(const Dims& x, const Tensor& grid, int64_t mode, int64_t padding, bool align) {
  const int64_t n = static_cast<int64_t>(x.size()) - 2;
  FACULA_CHECK(
      (n == 2 || n == 3) && grid->ndim() == n + 2 && grid->sizes[n + 1] == n && grid->sizes[0] == x[0], Runtime,
      "grid_sampler(): expected 4D or 5D input and grid with the same batch size and number of dimensions, and "
      "grid to have size ",
      n, " in last dimension, but got input with sizes ", x, " and grid with sizes ", grid->sizes);
  FACULA_CHECK(mode >= 0 && mode <= 2 && padding >= 0 && padding <= 2, Runtime,
               "grid_sampler(): there is no mode number ", mode, " with padding mode number ", padding);
  FACULA_CHECK(n == 2 || mode != 2, Runtime, "grid_sampler(): bicubic interpolation only supports 4D input");
  FACULA_CHECK(grid->dtype == DType::Float32 || grid->dtype == DType::Float64, NotImplemented,
               "grid_sampler(): not implemented for '", scalar_type_name(grid->dtype), "'");
  GridSampling s{grid->dtype,
                 static_cast<cpu::Sampling>(mode),
                 static_cast<cpu::Beyond>(padding),
                 align,
                 x[0],
                 x[1],
                 1,
                 static_cast<int>(n),
                 {1, 1, 1}};
  int64_t places = 1;
  for (int64_t d = 0; d < n; ++d) {
    s.size[d] = x[d + 2];
    s.points *= grid->sizes[d + 1];
    FACULA_CHECK(s.size[d] > 0, Runtime,
                 "grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes ", x,
                 " with dimension ", d + 2, " being empty");
    FACULA_CHECK(s.size[d] < INT32_MAX / places, Runtime, "grid_sampler(): an image of sizes ", x, " is too large");
    places *= s.size[d];
  }
  return s;
}
void check_types(const Tensor& a, const Tensor& grid) {
  FACULA_CHECK(a->dtype == grid->dtype, Runtime, "grid_sampler(): expected scalar type ", scalar_type_name(a->dtype),
               " but found ", scalar_type_name(grid->dtype), ": input and grid must have the same dtype");
}
Dims result_sizes(const Dims& x, const Tensor& grid) {
  Dims out{x[0], x[1]};
  for (int64_t d = 1; d + 1 < grid->ndim(); ++d) out.push_back(grid->sizes[d]);
  return out;
}
int64_t work_of(const GridSampling& s) { return s.batch * (s.channels + 4) * s.points * 4; }

Tensor grid_sample(const Tensor& x, const Tensor& grid, int64_t mode, int64_t padding, bool align) {
  check_types(x, grid);
  const GridSampling s = sampling_of(x->sizes, grid, mode, padding, align);
  Tensor in = ops::contiguous_memory(x), at = ops::contiguous_memory(grid);
  Tensor out = empty(result_sizes(x->sizes, grid), x->dtype);
  if (out->numel == 0) return out;
  GilRelease unlocked(work_of(s) > kLongWork);
  cpu::grid_sample().forward(s, in->data(), at->data(), out->data());
  return out;
}
Tensor grid_sample_input_backward(const Tensor& g, const Tensor& grid, const Dims& sizes, int64_t mode, int64_t padding,
                                  bool align) {
  check_types(g, grid);
  const GridSampling s = sampling_of(sizes, grid, mode, padding, align);
  FACULA_CHECK(g->sizes == result_sizes(sizes, grid), Runtime, "grid_sampler(): a gradient of shape ", g->sizes);
  if (g->numel == 0) return ops::zeros(sizes, g->dtype);
  Tensor grad = ops::contiguous_memory(g), at = ops::contiguous_memory(grid), out = empty(sizes, g->dtype);
  GilRelease unlocked(work_of(s) > kLongWork);
  cpu::grid_sample().input_backward(s, grad->data(), at->data(), out->data());
  return out;
}
Tensor grid_sample_grid_backward(const Tensor& g, const Tensor& x, const Tensor& grid, int64_t mode, int64_t padding,
                                 bool align) {
  check_types(g, grid);
  check_types(x, grid);
  const GridSampling s = sampling_of(x->sizes, grid, mode, padding, align);
  FACULA_CHECK(g->sizes == result_sizes(x->sizes, grid), Runtime, "grid_sampler(): a gradient of shape ", g->sizes);
  if (g->numel == 0 || s.sampling == cpu::Sampling::Nearest) return ops::zeros(grid->sizes, grid->dtype);
  Tensor grad = ops::contiguous_memory(g), in = ops::contiguous_memory(x), at = ops::contiguous_memory(grid);
  Tensor out = empty(grid->sizes, grid->dtype);
  GilRelease unlocked(work_of(s) > kLongWork);
  cpu::grid_sample().grid_backward(s, grad->data(), in->data(), at->data(), out->data());
  return out;
}

void grid_sample_vjp(Backward& b) {
  static const OpDef &input = find_op("_grid_sample_input_backward"), &places = find_op("_grid_sample_grid_backward");
  Tensor grid = b.input(1);
  if (b.needs(0)) b.set(0, call(input, b.grad(), grid, b.sizes(0), b.arg(2), b.arg(3), b.arg(4)));
  if (b.needs(1)) b.set(1, call(places, b.grad(), b.input(0), grid, b.arg(2), b.arg(3), b.arg(4)));
}
void input_backward_vjp(Backward& b) {
  static const OpDef &sample = find_op("_grid_sample2d"), &places = find_op("_grid_sample_grid_backward");
  Tensor grid = b.input(1);
  if (b.needs(0)) b.set(0, call(sample, b.grad(), grid, b.arg(3), b.arg(4), b.arg(5)));
  if (b.needs(1)) b.set(1, call(places, b.input(0), b.grad(), grid, b.arg(3), b.arg(4), b.arg(5)));
}
void grid_backward_vjp(Backward& b) {
  fail(ErrorKind::NotImplemented, "the derivative for 'grid_sampler_", b.sizes(0).size() - 2,
       "d_backward' is not implemented.");
}

// By the number of dimensions, because grad_fn is named after it.
Tensor grid_sample_any(const Tensor& x, const Tensor& grid, int64_t mode, int64_t padding, bool align) {
  static const OpDef &images = find_op("_grid_sample2d"), &volumes = find_op("_grid_sample3d");
  return call(x->ndim() == 5 ? volumes : images, x, grid, mode, padding, align);
}

const OpDef kOps[] = {
    FACULA_OP("_grid_sample", Contraction, nullptr, grid_sample_any),
    FACULA_OP("_grid_sample2d", Contraction, "GridSampler2DBackward0", grid_sample, .vjp = grid_sample_vjp,
              .saves = {0b10, 0b11}),
    FACULA_OP("_grid_sample3d", Contraction, "GridSampler3DBackward0", grid_sample, .vjp = grid_sample_vjp,
              .saves = {0b10, 0b11}),
    FACULA_OP("_grid_sample_input_backward", Contraction, "GridSamplerBackwardBackward0", grid_sample_input_backward,
              .vjp = input_backward_vjp, .saves = {0b10, 0b11}),
    FACULA_OP("_grid_sample_grid_backward", Contraction, "GridSamplerBackwardBackward0", grid_sample_grid_backward,
              .vjp = grid_backward_vjp),
};

}  // namespace

extern const OpFamily kGridSampleFamily;
const OpFamily kGridSampleFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
