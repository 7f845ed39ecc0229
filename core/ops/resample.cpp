// upsample: images, signals and volumes at another size. Decides for each dimension which inputs an output is made of
// and with what weights; the gradient is the same map transposed. Kernels are in cpu/resample.cpp.
#include "cpu/resample.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/gil.h"
#include "ops/channels_last.h"

namespace facula {

namespace {

enum Mode : int64_t { Nearest, NearestExact, Linear, Cubic, LinearFiltered, CubicFiltered, kModes };
constexpr double kCubic = -0.75;         // Keys 1981, as PyTorch and OpenCV have it
constexpr double kCubicFiltered = -0.5;  // as Pillow has it
constexpr int64_t kLongest = INT32_MAX / 8;

using Factor = std::optional<double>;

// The taps of one dimension.
struct Line {
  int64_t in, out;
  bool identity = false;
  std::vector<int32_t> first, index;
  std::vector<double> weight;
  int precision = 0;  // of integer weights

  Line(int64_t in, int64_t out) : in(in), out(out), identity(in == out) {}
  void start() {
    identity = false;
    first.reserve(static_cast<size_t>(out) + 1);
    first.push_back(0);
  }
  void add(int64_t from, double w) {
    index.push_back(static_cast<int32_t>(from));
    weight.push_back(w);
  }
  void close() { first.push_back(static_cast<int32_t>(index.size())); }
  cpu::Taps taps() const { return {in, out, first.data(), identity ? nullptr : index.data(), weight.data()}; }

  Line transposed() const {
    Line t(out, in);
    if (identity) return t;
    t.identity = false;
    t.first.assign(static_cast<size_t>(in) + 1, 0);
    for (int32_t i : index) ++t.first[static_cast<size_t>(i) + 1];
    for (size_t i = 0; i < static_cast<size_t>(in); ++i) t.first[i + 1] += t.first[i];
    t.index.resize(index.size());
    t.weight.resize(index.size());
    std::vector<int32_t> next(t.first.begin(), t.first.end() - 1);
    for (int64_t o = 0; o < out; ++o)
      for (int32_t e = first[static_cast<size_t>(o)]; e < first[static_cast<size_t>(o) + 1]; ++e) {
        const auto to = static_cast<size_t>(next[static_cast<size_t>(index[static_cast<size_t>(e)])]++);
        t.index[to] = static_cast<int32_t>(o);
        t.weight[to] = weight[static_cast<size_t>(e)];
      }
    return t;
  }
};

// How far apart in the input two neighbours of the output are.
template <class T>
T scale_of(int64_t in, int64_t out, bool align, const Factor& factor) {
  if (align) return out > 1 ? static_cast<T>(in - 1) / static_cast<T>(out - 1) : T(0);
  if (factor && *factor > 0) return static_cast<T>(1.0 / *factor);
  return static_cast<T>(in) / static_cast<T>(out);
}
template <class T>
T position(T scale, int64_t o, bool align) {
  return align ? scale * static_cast<T>(o) : scale * (static_cast<T>(o) + T(0.5)) - T(0.5);
}

template <class T>
T cubic_near(T x, T a) {
  return ((a + 2) * x - (a + 3)) * x * x + 1;
}
template <class T>
T cubic_far(T x, T a) {
  return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
}
template <class T>
T filter(T x, bool cubic, T a) {
  x = std::abs(x);
  if (!cubic) return x < 1 ? 1 - x : T(0);
  return x < 1 ? cubic_near(x, a) : x < 2 ? cubic_far(x, a) : T(0);
}

template <class T>
void nearest_line(Line& l, bool exact, const Factor& factor) {
  const T scale = scale_of<T>(l.in, l.out, false, factor);
  for (int64_t o = 0; o < l.out; ++o) {
    const T at = exact ? std::max(position(scale, o, false), T(0)) + T(0.5) : scale * static_cast<T>(o);
    l.add(std::min(static_cast<int64_t>(std::floor(static_cast<float>(at))), l.in - 1), 1.0);
    l.close();
  }
}

template <class T>
void smooth_line(Line& l, bool cubic, bool align, const Factor& factor) {
  const T scale = scale_of<T>(l.in, l.out, align, factor);
  for (int64_t o = 0; o < l.out; ++o) {
    const T at = cubic ? position(scale, o, align) : std::max(position(scale, o, align), T(0));
    const int64_t low = std::min(static_cast<int64_t>(std::floor(at)), l.in - 1);
    const T t = std::min(std::max(at - static_cast<T>(low), T(0)), T(1)), a = T(kCubic);
    if (cubic) {
      const T w[] = {cubic_far(t + 1, a), cubic_near(t, a), cubic_near(1 - t, a), cubic_far(2 - t, a)};
      for (int64_t k = 0; k < 4; ++k) l.add(std::clamp(low + k - 1, int64_t{0}, l.in - 1), static_cast<double>(w[k]));
    } else {
      l.add(low, static_cast<double>(1 - t));
      l.add(std::min(low + 1, l.in - 1), static_cast<double>(t));
    }
    l.close();
  }
}

// A filter as wide as the step between outputs, as Pillow's resize has it.
template <class T>
void filtered_line(Line& l, bool cubic, bool align, const Factor& factor) {
  const T scale = scale_of<T>(l.in, l.out, align, factor);
  const T support = (cubic ? T(2) : T(1)) * std::max(scale, T(1)), shrink = scale >= 1 ? 1 / scale : T(1);
  const int64_t most = static_cast<int64_t>(std::ceil(support)) * 2 + 1;
  std::vector<T> w;
  for (int64_t o = 0; o < l.out; ++o) {
    const T centre = scale * (static_cast<T>(o) + T(0.5));
    const int64_t begin = std::max(static_cast<int64_t>(centre - support + T(0.5)), int64_t{0});
    const int64_t n =
        std::clamp(std::min(static_cast<int64_t>(centre + support + T(0.5)), l.in) - begin, int64_t{0}, most);
    FACULA_CHECK(l.index.size() + static_cast<size_t>(n) < INT32_MAX, Runtime, "interpolate(): antialiasing from ",
                 l.in, " to ", l.out, " elements is too large");
    T total = 0;
    w.assign(static_cast<size_t>(n), T(0));
    for (int64_t j = 0; j < n; ++j)
      total += w[static_cast<size_t>(j)] =
          filter((static_cast<T>(j + begin) - centre + T(0.5)) * shrink, cubic, T(kCubicFiltered));
    for (int64_t j = 0; j < n; ++j)
      l.add(begin + j, static_cast<double>(total != 0 ? w[static_cast<size_t>(j)] / total : w[static_cast<size_t>(j)]));
    l.close();
  }
}

// Weights as integers of 16 bits, as precise as the largest allows: what PyTorch computes 8-bit images with.
void quantise(Line& l) {
  if (l.identity) return;
  // Taps on the same input count as one, so that they are rounded once.
  std::vector<int32_t> first{0}, index;
  std::vector<double> weight;
  for (int64_t o = 0; o < l.out; ++o) {
    for (int32_t e = l.first[static_cast<size_t>(o)]; e < l.first[static_cast<size_t>(o) + 1]; ++e) {
      const auto at = static_cast<size_t>(e);
      const bool again = static_cast<int32_t>(index.size()) > first.back() && index.back() == l.index[at];
      if (!again) index.push_back(l.index[at]), weight.push_back(0);
      weight.back() += l.weight[at];
    }
    first.push_back(static_cast<int32_t>(index.size()));
  }
  double largest = 0;
  for (double w : weight) largest = std::max(largest, w);
  int p = 0;
  while (p < 22 && static_cast<int>(0.5 + largest * (1 << (p + 1))) < 1 << 15) ++p;
  for (double& w : weight) w = std::trunc(w * (1 << p) + (w < 0 ? -0.5 : 0.5));
  l.first = std::move(first);
  l.index = std::move(index);
  l.weight = std::move(weight);
  l.precision = p;
}

template <class T>
Line line_of(Mode mode, int64_t in, int64_t out, bool align, const Factor& factor, bool integers, bool plain) {
  Line l(in, out);
  const bool same = in == out, unit = !factor || *factor == 1.0 || plain;
  const bool filtered = mode == LinearFiltered || mode == CubicFiltered;
  if (same && (filtered || integers || mode == Linear || (mode == Cubic && align) || unit)) return l;
  l.start();
  if (mode == Nearest || mode == NearestExact)
    nearest_line<T>(l, mode == NearestExact, factor);
  else if (filtered)
    filtered_line<T>(l, mode == CubicFiltered, align, factor);
  else
    smooth_line<T>(l, mode == Cubic, align, factor);
  if (integers) quantise(l);
  return l;
}

// ---- a call ----

struct Upsampling {
  Mode mode;
  bool align;
  Factor factors[3];
  // PyTorch's second way to find neighbours, which it takes for small images and for channels inside: an unchanged size
  // is unchanged, whatever the factor. Both are followed, because the results differ.
  bool plain = false;
  void choose(const Dims& x, const Dims& to, bool channels_last) {
    const bool inside = channels_last && x[1] > 3;
    plain = mode == Nearest && (x.size() == 4 ? inside || to[2] + to[3] <= 128 : x.size() == 5 && inside);
  }
};

// The lines of a call, outermost dimension first, padded to three.
std::vector<Line> lines_of(const Upsampling& u, const Dims& from, const Dims& to, DType compute, bool integers) {
  std::vector<Line> lines;
  const size_t n = from.size() - 2;
  for (size_t d = n; d < 3; ++d) lines.emplace_back(1, 1);
  for (size_t d = 0; d < n; ++d)
    lines.push_back(compute == DType::Float64 || integers
                        ? line_of<double>(u.mode, from[d + 2], to[d + 2], u.align, u.factors[d], integers, u.plain)
                        : line_of<float>(u.mode, from[d + 2], to[d + 2], u.align, u.factors[d], false, u.plain));
  return lines;
}
cpu::Resampling shape_of(const std::vector<Line>& lines, const Dims& sizes, bool channels_last) {
  const int64_t planes = channels_last ? sizes[0] : sizes[0] * sizes[1];
  return {planes, channels_last ? sizes[1] : 1, lines[0].taps(), lines[1].taps(), lines[2].taps()};
}

void check_sizes(const Dims& from, const Dims& to) {
  FACULA_CHECK(
      from.size() >= 3 && from.size() <= 5 && to.size() == from.size(), Runtime,
      "interpolate(): expected an input of 3, 4 or 5 dimensions and as many sizes as it has behind the second, "
      "but got input sizes ",
      from, " and output sizes ", to);
  for (size_t d = 2; d < from.size(); ++d)
    FACULA_CHECK(from[d] > 0 && to[d] > 0, Runtime, "Input and output sizes should be greater than 0, but got input ",
                 from, " and output ", to);
  for (size_t d = 2; d < from.size(); ++d)
    FACULA_CHECK(from[d] < kLongest && to[d] < kLongest, Runtime, "interpolate(): a size of ", std::max(from[d], to[d]),
                 " is too large");
  FACULA_CHECK(from[1] > 0, Runtime, "Non-empty ", from.size(), "D data tensor expected but got a tensor with sizes ",
               from);
}
void check_type(const Upsampling& u, const Dims& sizes, DType t) {
  const bool filtered = u.mode == LinearFiltered || u.mode == CubicFiltered;
  const bool nearest = u.mode == Nearest || u.mode == NearestExact;
  bool good = is_floating(t) && !(filtered && (t == DType::Float16 || t == DType::BFloat16));
  good |= t == DType::UInt8 && (nearest || sizes.size() == 4);
  FACULA_CHECK(good, NotImplemented, filtered ? "\"compute_index_ranges_weights\"" : "\"upsample_generic_Nd\"",
               " not implemented for '", scalar_type_name(t), "'");
}
int64_t work_of(const Dims& from, const Dims& to) { return std::max(count_elements(from), count_elements(to)); }

Tensor upsample_bytes(const Upsampling& u, const Tensor& x, const Dims& to) {
  const bool last = has_channels_last(x);
  std::vector<Line> lines = lines_of(u, x->sizes, to, DType::Float64, true);
  Tensor in = memory_of(x, DType::UInt8, last), out = new_tensor(to, DType::UInt8, last);
  if (lines[1].identity && lines[2].identity) {
    ops::copy_memory(out, in);
    return out;
  }
  GilRelease unlocked(work_of(x->sizes, to) > kLongWork / 4);
  cpu::resample().bytes(shape_of(lines, to, last), lines[1].precision, lines[2].precision, in->ptr<uint8_t>(),
                        out->ptr<uint8_t>());
  return out;
}

Tensor upsample(const Tensor& x, const Dims& size, int64_t mode, bool align, Factor first, Factor second,
                Factor third) {
  FACULA_CHECK(mode >= 0 && mode < kModes, Runtime, "interpolate(): there is no mode number ", mode);
  Dims to{x->ndim() > 0 ? x->sizes[0] : 0, x->ndim() > 1 ? x->sizes[1] : 0};
  for (int64_t s : size) to.push_back(s);
  check_sizes(x->sizes, to);
  Upsampling u{static_cast<Mode>(mode), align, {first, second, third}};
  check_type(u, x->sizes, x->dtype);
  const bool last = has_channels_last(x), nearest = mode == Nearest || mode == NearestExact;
  u.choose(x->sizes, to, last);
  if (count_elements(to) == 0) return new_tensor(to, x->dtype, last);
  if (x->dtype == DType::UInt8 && !nearest) return upsample_bytes(u, x, to);
  const DType compute = x->dtype == DType::Float64 ? DType::Float64 : DType::Float32;
  const std::vector<Line> lines = lines_of(u, x->sizes, to, compute, false);
  Tensor in = memory_of(x, nearest ? x->dtype : compute, last);
  Tensor out = new_tensor(to, in->dtype, last);
  {
    GilRelease unlocked(work_of(x->sizes, to) > kLongWork / 4);
    if (nearest)
      cpu::resample().nearest(x->item_size(), shape_of(lines, to, last), in->data(), out->data());
    else
      cpu::resample().weighted(compute, shape_of(lines, to, last), in->data(), out->data());
  }
  return ops::converted_memory(out, x->dtype);
}

Tensor upsample_backward(const Tensor& g, const Dims& sizes, int64_t mode, bool align, Factor first, Factor second,
                         Factor third) {
  FACULA_CHECK(mode >= 0 && mode < kModes, Runtime, "interpolate(): there is no mode number ", mode);
  check_sizes(sizes, g->sizes);
  Upsampling u{static_cast<Mode>(mode), align, {first, second, third}};
  u.choose(sizes, g->sizes, has_channels_last(g));
  const bool last = mode <= Linear && has_channels_last(g);  // PyTorch's other gradients are contiguous
  if (count_elements(sizes) == 0) return new_tensor(sizes, g->dtype, last);
  const DType compute = g->dtype == DType::Float64 ? DType::Float64 : DType::Float32;
  std::vector<Line> lines = lines_of(u, sizes, g->sizes, compute, false);
  for (Line& l : lines) l = l.transposed();
  Tensor in = memory_of(g, compute, last), out = new_tensor(sizes, compute, last);
  {
    GilRelease unlocked(work_of(sizes, g->sizes) > kLongWork / 4);
    cpu::resample().weighted(compute, shape_of(lines, sizes, last), in->data(), out->data());
  }
  return ops::converted_memory(out, g->dtype);
}

void upsample_vjp(Backward& b) {
  static const OpDef& op = find_op("_upsample_backward");
  b.set(0, call(op, b.grad(), b.sizes(0), b.arg(2), b.arg(3), b.arg(4), b.arg(5), b.arg(6)));
}
// The map is linear: the gradient of the gradient is the map itself.
void upsample_backward_vjp(Backward& b) {
  static const OpDef& op = find_op("_upsample");
  Dims size = b.sizes(0);
  size.erase(0);
  size.erase(0);
  b.set(0, call(op, b.grad(), size, b.arg(2), b.arg(3), b.arg(4), b.arg(5), b.arg(6)));
}

// By mode and number of dimensions, because grad_fn is named after them.
#define FACULA_UPSAMPLE(NAME, NODE) FACULA_OP("_upsample_" NAME, Contraction, NODE, upsample, .vjp = upsample_vjp)
constexpr const char* kEntries[kModes][3] = {
    {"_upsample_nearest1d", "_upsample_nearest2d", "_upsample_nearest3d"},
    {"_upsample_nearest_exact1d", "_upsample_nearest_exact2d", "_upsample_nearest_exact3d"},
    {"_upsample_linear1d", "_upsample_bilinear2d", "_upsample_trilinear3d"},
    {nullptr, "_upsample_bicubic2d", nullptr},
    {nullptr, "_upsample_bilinear2d_aa", nullptr},
    {nullptr, "_upsample_bicubic2d_aa", nullptr},
};
Tensor upsample_any(const Tensor& x, const Dims& size, int64_t mode, bool align, Factor first, Factor second,
                    Factor third) {
  const bool known = mode >= 0 && mode < kModes && x->ndim() >= 3 && x->ndim() <= 5;
  const char* name = known ? kEntries[mode][x->ndim() - 3] : nullptr;
  FACULA_CHECK(name, NotImplemented, "interpolate(): mode number ", mode, " does not take an input of ", x->ndim(),
               " dimensions");
  auto arg = [](const Factor& f) { return f ? Arg(*f) : Arg(); };
  return call(find_op(name), x, size, mode, align, arg(first), arg(second), arg(third));
}

// ---- adaptive mean over three dimensions: every output is a mean of neighbours along each ----

std::vector<Line> mean_lines(const Dims& from, const Dims& wanted) {
  std::vector<Line> lines;
  for (size_t d = 0; d < 3; ++d) {
    Line l(from[from.size() - 3 + d], wanted[d]);
    FACULA_CHECK(l.in < kLongest && l.out < kLongest, Runtime, "adaptive_avg_pool3d(): a size of ",
                 std::max(l.in, l.out), " is too large");
    if (!l.identity) {
      l.start();
      for (int64_t o = 0; o < l.out; ++o) {
        const int64_t begin = o * l.in / l.out, end = ((o + 1) * l.in + l.out - 1) / l.out;
        for (int64_t i = begin; i < end; ++i) l.add(i, 1.0 / static_cast<double>(end - begin));
        l.close();
      }
    }
    lines.push_back(std::move(l));
  }
  return lines;
}
Dims with_volume(const Dims& x, const Dims& wanted) {
  FACULA_CHECK((x.size() == 4 || x.size() == 5) && wanted.size() == 3, Runtime,
               "adaptive_avg_pool3d(): Expected 4D or 5D tensor and three sizes, but got ", x, " and ", wanted);
  Dims out = x;
  for (size_t d = 0; d < 3; ++d) {
    const size_t dim = x.size() - 3 + d;
    FACULA_CHECK(
        x[dim] > 0 && wanted[d] >= 0, Runtime,
        "adaptive_avg_pool3d(): Expected input to have non-zero size for non-batch dimensions and output sizes "
        "that are not negative, but got ",
        x, " and ", wanted);
    out[dim] = wanted[d];
  }
  return out;
}
Tensor adaptive_mean(const Tensor& x, const Dims& sizes, std::vector<Line> lines) {
  const DType compute = x->dtype == DType::Float64 ? DType::Float64 : DType::Float32;
  Tensor in = memory_of(x, compute, false), out = empty(sizes, compute);
  const int64_t planes = sizes.size() == 5 ? sizes[0] * sizes[1] : sizes[0];
  if (planes > 0) {
    GilRelease unlocked(std::max(in->numel, out->numel) > kLongWork);
    cpu::resample().weighted(compute, {planes, 1, lines[0].taps(), lines[1].taps(), lines[2].taps()}, in->data(),
                             out->data());
  }
  return ops::converted_memory(out, x->dtype);
}
Tensor adaptive_avg_pool3d(const Tensor& x, const Dims& wanted) {
  const Dims sizes = with_volume(x->sizes, wanted);
  FACULA_CHECK(is_floating(x->dtype), NotImplemented, "\"adaptive_avg_pool3d_cpu\" not implemented for '",
               scalar_type_name(x->dtype), "'");
  if (count_elements(sizes) == 0) return empty(sizes, x->dtype);
  return adaptive_mean(x, sizes, mean_lines(x->sizes, wanted));
}
Tensor adaptive_avg_pool3d_backward(const Tensor& g, const Dims& sizes) {
  FACULA_CHECK(g->ndim() == static_cast<int64_t>(sizes.size()) && g->ndim() >= 4, Runtime,
               "adaptive_avg_pool3d(): a gradient of shape ", g->sizes);
  if (g->numel == 0) return ops::zeros(sizes, g->dtype);
  const Dims wanted{g->size(-3), g->size(-2), g->size(-1)};
  with_volume(sizes, wanted);
  std::vector<Line> lines = mean_lines(sizes, wanted);
  double share = 1;
  bool even = true;  // every input is in one mean, and all means are of as many
  for (Line& l : lines) {
    even &= l.in % l.out == 0;
    share /= static_cast<double>(l.in / l.out);
    l = l.transposed();
  }
  if (!even) return adaptive_mean(g, sizes, std::move(lines));
  GradMode off(false);
  const DType compute = g->dtype == DType::Float64 ? DType::Float64 : DType::Float32;
  const Tensor in = ops::contiguous_memory(ops::mul(ops::converted_memory(g, compute), share));
  Tensor out = empty(sizes, compute);
  if (out->numel > 0) {
    GilRelease unlocked(out->numel > kLongWork);
    cpu::resample().nearest(in->item_size(),
                            {out->numel / (sizes[sizes.size() - 3] * sizes[sizes.size() - 2] * sizes.back()), 1,
                             lines[0].taps(), lines[1].taps(), lines[2].taps()},
                            in->data(), out->data());
  }
  return ops::converted_memory(out, g->dtype);
}
void adaptive_mean_vjp(Backward& b) {
  static const OpDef& op = find_op("_adaptive_avg_pool3d_backward");
  b.set(0, call(op, b.grad(), b.sizes(0)));
}
void adaptive_mean_backward_vjp(Backward& b) {
  static const OpDef& op = find_op("_adaptive_avg_pool3d");
  const Dims& out = b.sizes(0);
  b.set(0, call(op, b.grad(), Dims{out[out.size() - 3], out[out.size() - 2], out.back()}));
}

// ---- padding with what the tensor has: of each dimension the sizes before and after, or nothing where it stays ----

enum class Padding : int64_t { Reflect, Replicate, Circular, kModes };

Line padding_line(Padding mode, int64_t in, const Dims& sizes) {
  FACULA_CHECK(sizes.size() == 2, Runtime, "pad(): expected a pair of sizes, but got ", sizes);
  const int64_t before = sizes[0], after = sizes[1];
  FACULA_CHECK(in < kLongest && std::max(before, after) < kLongest && std::min(before, after) > -kLongest, Runtime,
               "pad(): sizes of ", sizes, " are too large for a dimension of ", in);
  const int64_t grown = std::max(before, int64_t{0}), cut = std::max(-before, int64_t{0});
  const int64_t kept = in - cut + std::min(after, int64_t{0}), most = std::max(before, after);
  bool fits = in > 0 && in + before + after > 0;
  if (mode == Padding::Reflect) fits &= most < in;
  if (mode == Padding::Circular) fits &= most <= in && kept > 0;
  FACULA_CHECK(fits, Runtime, "pad(): sizes of ", sizes, " do not fit a dimension of ", in);
  Line l(in, in + before + after);
  l.start();
  for (int64_t o = 0; o < l.out; ++o) {
    int64_t place = o - before;
    if (mode == Padding::Reflect) place = in - 1 - std::abs(in - 1 - std::abs(place));
    if (mode == Padding::Replicate) place = std::clamp(place, int64_t{0}, in - 1);
    // What a negative size takes off is gone before the rest is joined into a circle.
    if (mode == Padding::Circular) place = cut + ((o - grown) % kept + kept) % kept;
    l.index.push_back(static_cast<int32_t>(place));
    l.close();
  }
  return l;
}

std::vector<Line> padding_lines(const Dims& from, int64_t mode, const Dims* const (&sizes)[3], Dims& to) {
  const int64_t n = static_cast<int64_t>(from.size()) - 2;
  FACULA_CHECK(n >= 1 && n <= 3, Runtime, "pad(): expected an input of 3 to 5 dimensions, but got sizes ", from);
  FACULA_CHECK(mode >= 0 && mode < static_cast<int64_t>(Padding::kModes), Runtime, "pad(): there is no mode number ",
               mode);
  std::vector<Line> lines;
  to = from;
  for (int64_t d = 0; d < 3; ++d) {
    const size_t dim = static_cast<size_t>(d + n - 1);  // of the tensor
    if (d < 3 - n || !sizes[d]) {
      lines.emplace_back(d < 3 - n ? 1 : from[dim], d < 3 - n ? 1 : from[dim]);
      continue;
    }
    lines.push_back(padding_line(static_cast<Padding>(mode), from[dim], *sizes[d]));
    to[dim] = lines.back().out;
  }
  return lines;
}
// A complex number is two channels.
cpu::Resampling shape_of_numbers(const std::vector<Line>& lines, const Dims& sizes, bool channels_last, DType t) {
  cpu::Resampling r = shape_of(lines, sizes, channels_last);
  if (is_complex(t)) r.inner *= 2;
  return r;
}

Tensor pad(const Tensor& x, int64_t mode, const Dims* depth, const Dims* height, const Dims* width) {
  Dims to;
  const std::vector<Line> lines = padding_lines(x->sizes, mode, {depth, height, width}, to);
  const bool last = has_channels_last(x);
  Tensor in = memory_of(x, x->dtype, last), out = new_tensor(to, x->dtype, last);
  if (out->numel == 0) return out;
  GilRelease unlocked(out->numel > kLongWork);
  cpu::resample().nearest(x->item_size(), shape_of(lines, to, last), in->data(), out->data());
  return out;
}
Tensor pad_backward(const Tensor& g, const Dims& sizes, int64_t mode, const Dims* depth, const Dims* height,
                    const Dims* width) {
  Dims to;
  const std::vector<Line> lines = padding_lines(sizes, mode, {depth, height, width}, to);
  FACULA_CHECK(g->sizes == to, Runtime, "pad(): a gradient of sizes ", g->sizes, " for a result of sizes ", to);
  const bool last = has_channels_last(g), wide = g->dtype == DType::Float64 || g->dtype == DType::Complex128;
  const DType compute = wide ? DType::Float64 : DType::Float32, given = is_complex(g->dtype) ? g->dtype : compute;
  Tensor in = memory_of(g, given, last), out = new_tensor(sizes, given, last);
  if (out->numel > 0) {
    GilRelease unlocked(g->numel > kLongWork);
    cpu::resample().nearest_backward(compute, shape_of_numbers(lines, sizes, last, given), in->data(), out->data());
  }
  return ops::converted_memory(out, g->dtype);
}
void pad_vjp(Backward& b) {
  static const OpDef& op = find_op("_pad_backward");
  b.set(0, call(op, b.grad(), b.sizes(0), b.arg(1), b.arg(2), b.arg(3), b.arg(4)));
}
void pad_backward_vjp(Backward& b) {
  static const OpDef& op = find_op("_circular_pad");
  b.set(0, call(op, b.grad(), b.arg(2), b.arg(3), b.arg(4), b.arg(5)));
}

const OpDef kOps[] = {
    FACULA_OP("_upsample", Contraction, nullptr, upsample_any),
    FACULA_UPSAMPLE("nearest1d", "UpsampleNearest1DBackward0"),
    FACULA_UPSAMPLE("nearest2d", "UpsampleNearest2DBackward0"),
    FACULA_UPSAMPLE("nearest3d", "UpsampleNearest3DBackward0"),
    FACULA_UPSAMPLE("nearest_exact1d", "UpsampleNearestExact1DBackward0"),
    FACULA_UPSAMPLE("nearest_exact2d", "UpsampleNearestExact2DBackward0"),
    FACULA_UPSAMPLE("nearest_exact3d", "UpsampleNearestExact3DBackward0"),
    FACULA_UPSAMPLE("linear1d", "UpsampleLinear1DBackward0"),
    FACULA_UPSAMPLE("bilinear2d", "UpsampleBilinear2DBackward0"),
    FACULA_UPSAMPLE("trilinear3d", "UpsampleTrilinear3DBackward0"),
    FACULA_UPSAMPLE("bicubic2d", "UpsampleBicubic2DBackward0"),
    FACULA_UPSAMPLE("bilinear2d_aa", "UpsampleBilinear2DAaBackward0"),
    FACULA_UPSAMPLE("bicubic2d_aa", "UpsampleBicubic2DAaBackward0"),
    FACULA_OP("_upsample_backward", Contraction, "UpsampleBackwardBackward0", upsample_backward,
              .vjp = upsample_backward_vjp),
    FACULA_OP("_adaptive_avg_pool3d", Contraction, "AdaptiveAvgPool3DBackward0", adaptive_avg_pool3d,
              .vjp = adaptive_mean_vjp),
    FACULA_OP("_adaptive_avg_pool3d_backward", Contraction, "AdaptiveAvgPool3DBackwardBackward0",
              adaptive_avg_pool3d_backward, .vjp = adaptive_mean_backward_vjp),
    FACULA_OP("_reflection_pad1d", Indexing, "ReflectionPad1DBackward0", pad, .vjp = pad_vjp),
    FACULA_OP("_reflection_pad2d", Indexing, "ReflectionPad2DBackward0", pad, .vjp = pad_vjp),
    FACULA_OP("_reflection_pad3d", Indexing, "ReflectionPad3DBackward0", pad, .vjp = pad_vjp),
    FACULA_OP("_replication_pad1d", Indexing, "ReplicationPad1DBackward0", pad, .vjp = pad_vjp),
    FACULA_OP("_replication_pad2d", Indexing, "ReplicationPad2DBackward0", pad, .vjp = pad_vjp),
    FACULA_OP("_replication_pad3d", Indexing, "ReplicationPad3DBackward0", pad, .vjp = pad_vjp),
    FACULA_OP("_circular_pad", Indexing, "CopySlices", pad, .vjp = pad_vjp),
    FACULA_OP("_pad_backward", Indexing, "PadBackwardBackward0", pad_backward, .vjp = pad_backward_vjp),
};

}  // namespace

extern const OpFamily kResampleFamily;
const OpFamily kResampleFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
