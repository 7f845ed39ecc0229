// Fourier transforms over any dimensions: three entries, as PyTorch's, whose derivatives are transforms again. Here the
// dimensions become batches of one-dimensional transforms (core/cpu/fft.h); arguments are Python's matter.
#include "cpu/fft.h"

#include <algorithm>
#include <cmath>

#include "base/gil.h"
#include "ops/ops.h"

namespace facula {

namespace {

// ---- arguments ----

Dims checked_dims(const char* name, const Tensor& x, const Dims& dims) {
  FACULA_CHECK(!dims.empty(), Runtime, name, " must transform at least one dimension");
  Dims found;
  for (int64_t d : dims) {
    FACULA_CHECK(x->ndim() > 0, Index, name, ": dimension ", d, " of a tensor that has none");
    d = wrap_dim(d, x->ndim());
    FACULA_CHECK(std::find(found.begin(), found.end(), d) == found.end(), Runtime, name, ": dims must be unique, got ",
                 dims);
    FACULA_CHECK(x->sizes[d] > 0, Runtime, name, ": Invalid number of data points (", x->sizes[d], ") specified");
    found.push_back(d);
  }
  return found;
}
bool is_transformable(DType real) { return real == DType::Float32 || real == DType::Float64; }

// What the sums are multiplied by: 0 nothing, 1 by the square root of the number of points, 2 by that number.
double scale_of(const char* name, int64_t normalization, double points) {
  FACULA_CHECK(normalization >= 0 && normalization <= 2, Runtime, name,
               ": normalization must be 0 (none), 1 (by the square root of the number of points) or 2 (by that number),"
               " but got ",
               normalization);
  return normalization == 0 ? 1 : normalization == 1 ? 1 / std::sqrt(points) : 1 / points;
}
double points_of(const Tensor& x, const Dims& dims) {
  double points = 1;
  for (int64_t d : dims) points *= static_cast<double>(x->sizes[d]);
  return points;
}

// ---- memory ----

// PyTorch's layout of a result: the dimensions that are not transformed by stride, then those that are; among these
// `last`, unless negative, comes last.
Dims memory_order(const Tensor& x, const Dims& dims, int64_t last) {
  Dims batch, transformed, order;
  for (int64_t d = 0; d < x->ndim(); ++d)
    if (std::find(dims.begin(), dims.end(), d) == dims.end()) batch.push_back(d);
  for (int64_t d : dims)
    if (d != last) transformed.push_back(d);
  auto by_stride = [&](int64_t a, int64_t b) { return x->strides[a] > x->strides[b]; };
  for (Dims* part : {&batch, &transformed}) {
    std::stable_sort(part->begin(), part->end(), by_stride);
    for (int64_t d : *part) order.push_back(d);
  }
  if (last >= 0) order.push_back(last);
  return order;
}
Tensor empty_in_order(const Dims& sizes, const Dims& order, DType dtype) {
  Dims strides(sizes.size());
  int64_t step = 1;
  for (size_t i = order.size(); i-- > 0; step *= std::max<int64_t>(sizes[order[i]], 1)) strides[order[i]] = step;
  return empty_strided(sizes, strides, dtype);
}

struct Side {
  int64_t size, src, dst;  // strides
};

// Places of a transform along the innermost dimension of `out`, read from x where it lies. False: x must be copied.
bool find_places(const Tensor& x, const Tensor& out, const Dims& order, cpu::FftShape& s) {
  const int64_t dim = order.back();
  SmallVector<Side, 5> batch;
  for (size_t i = order.size() - 1; i-- > 0;) {  // innermost first
    const Side side{x->sizes[order[i]], x->strides[order[i]], out->strides[order[i]]};
    if (side.size == 1) continue;
    if (!batch.empty()) {
      Side& inner = batch.back();
      if (side.src == inner.src * inner.size && side.dst == inner.dst * inner.size) {
        inner.size *= side.size;
        continue;
      }
    }
    batch.push_back(side);
  }
  s.src_step = x->sizes[dim] == 1 ? 1 : x->strides[dim];
  s.dst_step = 1;
  s.outer = s.inner = 1;
  s.src_outer = s.dst_outer = s.src_inner = s.dst_inner = 0;
  if (s.src_step == 1) {  // rows
    if (batch.size() > 1) return false;
  } else {
    size_t columns = batch.size();
    for (size_t i = 0; i < batch.size(); ++i)
      if (batch[i].src == 1) columns = i;
    if (columns == batch.size() || batch.size() > 2) return false;
    s.inner = batch[columns].size;
    s.src_inner = 1;
    s.dst_inner = batch[columns].dst;
    batch.erase(columns);
  }
  if (!batch.empty()) {
    s.outer = batch[0].size;
    s.src_outer = batch[0].src;
    s.dst_outer = batch[0].dst;
  }
  return true;
}

void transform(const cpu::FftShape& s, const Tensor& x, const Tensor& out) {
  GilRelease unlocked(out->numel > kLongWork / 16);
  cpu::fft().transform(s, x->data(), out->data());
}
// Along the innermost dimension of `out`, from x.
void transform_rows(Tensor x, const Tensor& out, const Dims& order, cpu::FftShape s) {
  if (!find_places(x, out, order, s)) {
    const bool in_place = s.kind == cpu::FftKind::Complex;
    Tensor copy = in_place ? out : empty_in_order(x->sizes, order, x->dtype);
    ops::copy_memory(copy, x);
    x = copy;
    find_places(x, out, order, s);
  }
  transform(s, x, out);
}
// Complex numbers along dimension order[place] of `out`, from x, which has the same strides.
void transform_columns(const Tensor& x, const Tensor& out, const Dims& order, size_t place, cpu::FftShape s) {
  const int64_t dim = order[place], step = out->strides[dim];
  s.kind = cpu::FftKind::Complex;
  s.n = out->sizes[dim];
  s.inner = step;
  s.outer = out->numel / (step * s.n);
  s.src_outer = s.dst_outer = step * s.n;
  s.src_inner = s.dst_inner = 1;
  s.src_step = s.dst_step = step;
  transform(s, x, out);
}

// ---- the transforms ----

Tensor fft_c2c(const Tensor& x, const Dims& dims_, int64_t normalization, bool forward) {
  FACULA_CHECK(is_complex(x->dtype), Runtime, "_fft_c2c expects a complex input tensor, but got ",
               scalar_type_name(x->dtype));
  const Dims dims = checked_dims("_fft_c2c", x, dims_), order = memory_order(x, dims, -1);
  Tensor out = empty_in_order(x->sizes, order, x->dtype);
  cpu::FftShape s{cpu::FftKind::Complex, x->dtype == DType::Complex128, !forward, x->sizes[order.back()],
                  scale_of("_fft_c2c", normalization, points_of(x, dims))};
  if (out->numel == 0) return out;
  transform_rows(x, out, order, s);
  s.scale = 1;
  for (size_t i = order.size() - 1; i-- > order.size() - dims.size();) transform_columns(out, out, order, i, s);
  return out;
}
void fft_c2c_vjp(Backward& b) {
  static const OpDef& op = find_op("_fft_c2c");
  b.set(0, call(op, b.grad(), *b.arg(1).ints, b.arg(2), !b.arg(3).number.to_bool()));
}

Tensor fft_r2c(const Tensor& x, const Dims& dims_, int64_t normalization, bool onesided) {
  FACULA_CHECK(is_transformable(x->dtype), Runtime, "_fft_r2c expects a float32 or float64 input tensor, but got ",
               scalar_type_name(x->dtype));
  const Dims dims = checked_dims("_fft_r2c", x, dims_), order = memory_order(x, dims, dims.back());
  Dims sizes = x->sizes;
  if (onesided) sizes[dims.back()] = sizes[dims.back()] / 2 + 1;
  Tensor out = empty_in_order(sizes, order, complex_of(x->dtype));
  cpu::FftShape s{onesided ? cpu::FftKind::Half : cpu::FftKind::Whole, x->dtype == DType::Float64, false,
                  x->sizes[dims.back()], scale_of("_fft_r2c", normalization, points_of(x, dims))};
  if (out->numel == 0) return out;
  transform_rows(x, out, order, s);
  s.scale = 1;
  for (size_t i = order.size() - 1; i-- > order.size() - dims.size();) transform_columns(out, out, order, i, s);
  return out;
}

// Numbers of half a spectrum that stand for a conjugate too count `twice`, the others once.
Tensor counted(const Tensor& half, int64_t dim, int64_t n, double twice) {
  Dims sizes(static_cast<size_t>(half->ndim() - dim));
  std::fill(sizes.begin(), sizes.end(), 1);
  sizes[0] = half->sizes[dim];
  Tensor weights = ops::full(sizes, Scalar(twice), real_of(half->dtype));
  auto count_once = [&](int64_t i) {
    if (weights->dtype == DType::Float64)
      weights->ptr<double>()[i] = 1;
    else
      weights->ptr<float>()[i] = 1;
  };
  count_once(0);
  if (n % 2 == 0) count_once(n / 2);
  return ops::mul(half, weights);
}
void fft_r2c_vjp(Backward& b) {
  static const OpDef &c2c = find_op("_fft_c2c"), &c2r = find_op("_fft_c2r");
  const Dims& dims = *b.arg(1).ints;
  if (!b.arg(3).number.to_bool()) return b.set(0, ops::real_part(call(c2c, b.grad(), dims, b.arg(2), false)));
  const int64_t last = wrap_dim(dims.back(), static_cast<int64_t>(b.sizes(0).size())), n = b.sizes(0)[last];
  b.set(0, call(c2r, counted(b.grad(), last, n, 0.5), dims, b.arg(2), n));
}

Tensor fft_c2r(const Tensor& x, const Dims& dims_, int64_t normalization, int64_t last_dim_size) {
  FACULA_CHECK(is_complex(x->dtype), Runtime, "_fft_c2r expects a complex input tensor, but got ",
               scalar_type_name(x->dtype));
  const Dims dims = checked_dims("_fft_c2r", x, dims_), order = memory_order(x, dims, dims.back());
  const int64_t last = dims.back(), n = last_dim_size;
  FACULA_CHECK(n >= 1, Runtime, "_fft_c2r: Invalid number of data points (", n, ") specified");
  FACULA_CHECK(x->sizes[last] == n / 2 + 1, Runtime, "_fft_c2r: expected n / 2 + 1 = ", n / 2 + 1,
               " numbers along dimension ", last, " for last_dim_size = ", n, ", but got ", x->sizes[last]);
  Dims sizes = x->sizes;
  sizes[last] = n;
  Tensor out = empty_in_order(sizes, order, real_of(x->dtype)), half = x;
  cpu::FftShape s{cpu::FftKind::FromHalf, out->dtype == DType::Float64, true, n,
                  scale_of("_fft_c2r", normalization, points_of(out, dims))};
  if (out->numel == 0) return out;
  if (dims.size() > 1) half = empty_in_order(x->sizes, order, x->dtype);
  if (dims.size() > 1) {
    const bool in_place = x->strides != half->strides;
    if (in_place) ops::copy_memory(half, x);
    cpu::FftShape other = s;
    other.scale = 1;
    for (size_t i = order.size() - 1; i-- > order.size() - dims.size();)
      transform_columns(in_place || i + 2 < order.size() ? half : x, half, order, i, other);
  }
  transform_rows(half, out, order, s);
  return out;
}
void fft_c2r_vjp(Backward& b) {
  static const OpDef& r2c = find_op("_fft_r2c");
  const Dims& dims = *b.arg(1).ints;
  const int64_t last = wrap_dim(dims.back(), static_cast<int64_t>(b.sizes(0).size())), n = b.result_sizes()[last];
  b.set(0, counted(call(r2c, b.grad(), dims, b.arg(2), true), last, n, 2));
}

const OpDef kOps[] = {
    FACULA_OP("_fft_c2c", Contraction, "FftC2CBackward0", fft_c2c, .vjp = fft_c2c_vjp),
    FACULA_OP("_fft_r2c", Contraction, "FftR2CBackward0", fft_r2c, .vjp = fft_r2c_vjp),
    FACULA_OP("_fft_c2r", Contraction, "FftC2RBackward0", fft_c2r, .vjp = fft_c2r_vjp),
};

}  // namespace

extern const OpFamily kFftFamily;
const OpFamily kFftFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
