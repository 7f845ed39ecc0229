// Convolution by lowering (Chellapilla, Puri and Simard 2006): for every tap of every source channel one row of a
// matrix, for every output of every image one column. Its rows are as long as the batch is large, which is what a
// product of matrices needs and what the shifted products of conv.cpp do not find in a small image.
#include "cpu/conv_lowered.h"

#include <cstring>
#include <type_traits>

#include "cpu/conv_planes.h"
#include "cpu/lanes.h"
#include "runtime/gemm.h"
#include "runtime/parallel.h"

namespace facula::cpu::FACULA_ISA {
namespace {

constexpr int64_t kColumnBytes = 1 << 19;  // the matrix of so many images at a time stays within L2
constexpr int64_t kGrain = 1 << 14;        // elements copied that are worth a second thread

template <class T>
constexpr DType kType = std::is_same_v<T, float> ? DType::Float32 : DType::Float64;

// One row of n elements to `to`. Whole vectors are moved: both sides have room behind, and what is written there is
// written again by the next row.
template <class T>
inline void move_row(int64_t n, const T* from, T* to) {
  constexpr int64_t N = kLaneBytes / sizeof(T);
  if (n <= N / 2) return void(std::memcpy(to, from, kLaneBytes / 2));  // does not cross cache lines as often
  for (int64_t i = 0; i < n; i += N) std::memcpy(to + i, from + i, kLaneBytes);
}

// Adds one channel's planes to the source that prepare_channel made them of.
template <class T>
void restore_channel(const Planes& g, const T* planes, T* to) {
  const int64_t s2 = g.stride[2], e2 = g.extent[2];
  for (int64_t f0 = 0; f0 < g.stride[0]; ++f0)
    for (int64_t f1 = 0; f1 < g.stride[1]; ++f1)
      for (int64_t f2 = 0; f2 < s2; ++f2) {
        const int64_t shift = f2 - g.low[2];
        const int64_t lo = min(e2, shift < 0 ? ceil_div(-shift, s2) : 0);
        const int64_t hi = max(lo, min(e2, floor_div(g.in[2] - 1 - shift, s2) + 1));
        for (int64_t a = 0; a < g.extent[0]; ++a)
          for (int64_t b = 0; b < g.extent[1]; ++b, planes += e2) {
            const int64_t i = a * g.stride[0] + f0 - g.low[0], j = b * g.stride[1] + f1 - g.low[1];
            if (i < 0 || i >= g.in[0] || j < 0 || j >= g.in[1]) continue;
            T* row = to + (i * g.in[1] + j) * g.in[2] + shift;
            for (int64_t c = lo; c < hi; ++c) row[c * s2] += planes[c];
          }
      }
}

struct Lowering {
  const ConvShape& s;
  const Planes planes;
  int64_t in, out, taps, rows, chunk;  // elements of a channel's image and result, rows of the matrix, images at a time
  Workspace<int64_t> shift;            // of each tap within a channel's planes

  Lowering(const ConvShape& s, int64_t item)
      : s(s),
        planes(forward_planes(s)),
        in(volume(s.in)),
        out(volume(s.out)),
        taps(volume(s.kernel)),
        rows(s.in_channels * taps),
        shift(taps) {
    const int64_t most = max(kColumnBytes, rows * s.out_channels * item);  // no chunk is less work than its weights
    const int64_t parts = ceil_div(s.batch, min(s.batch, max(1, most / (rows * out * item))));
    chunk = ceil_div(s.batch, parts);
    forward_shifts(s, planes, shift.data);
  }
  // One tap at the source itself: the rows are every stride-th element.
  bool is_subsampling() const { return taps == 1 && s.pad[0] == 0 && s.pad[1] == 0 && s.pad[2] == 0; }
  template <class F>
  void each_sample(F body) const {
    for (int64_t a = 0, to = 0; a < s.out[0]; ++a)
      for (int64_t b = 0; b < s.out[1]; ++b)
        for (int64_t c = 0; c < s.out[2]; ++c, ++to)
          body(((a * s.stride[0]) * s.in[1] + b * s.stride[1]) * s.in[2] + c * s.stride[2], to);
  }
  int64_t columns_size() const { return rows * chunk * out; }
  template <class T>
  static constexpr int64_t slack = kLaneBytes / sizeof(T);

  // Calls body(offset in the planes, offset in the result) for each row of a result.
  template <class F>
  void each_row(int64_t tap, F body) const {
    const int64_t depth = s.out[0], height = s.out[1], width = s.out[2], pitch = planes.extent[2];
    const int64_t gap = (planes.extent[1] - height) * pitch;
    int64_t from = shift.data[tap], to = 0;
    for (int64_t a = 0; a < depth; ++a, from += gap)
      for (int64_t b = 0; b < height; ++b, from += pitch, to += width) body(from, to);
  }
  // columns[row][image, output] of `images` images.
  template <class T>
  void lower(const T* x, int64_t images, T* columns) const {
    const int64_t width = images * out, size = planes.channel_size(), n = s.out[2];
    parallel_for(s.in_channels, kGrain / (width * taps + 1) + 1, [&](int64_t begin, int64_t end) {
      Workspace<T> padded(images * size + slack<T>), row(width + slack<T>);
      for (int64_t c = begin; c < end; ++c) {
        for (int64_t image = 0; is_subsampling() && image < images; ++image) {
          const T* source = x + (image * s.in_channels + c) * in;
          each_sample([&](int64_t from, int64_t to) { columns[c * width + image * out + to] = source[from]; });
        }
        if (is_subsampling()) continue;
        for (int64_t image = 0; image < images; ++image)
          prepare_channel(planes, x + (image * s.in_channels + c) * in, padded.data + image * size);
        for (int64_t tap = 0; tap < taps; ++tap) {
          T* const place = columns + (c * taps + tap) * width;
          const int64_t behind = (taps - tap - 1) * width;  // elements that this thread writes later; then another's
          T* const target = behind * static_cast<int64_t>(sizeof(T)) >= kLaneBytes ? place : row.data;
          for (int64_t image = 0; image < images; ++image) {
            const T* const source = padded.data + image * size;
            T* const result = target + image * out;
            each_row(tap, [=](int64_t from, int64_t to) { move_row(n, source + from, result + to); });
          }
          if (target != place) std::memcpy(place, target, static_cast<size_t>(width) * sizeof(T));
        }
      }
    });
  }
  // The way back: adds every column to where it was read. A thread owns channels.
  template <class T>
  void raise(const T* columns, int64_t images, T* dx) const {
    const int64_t width = images * out, size = planes.channel_size(), n = s.out[2];
    parallel_for(s.in_channels, kGrain / (width * taps + 1) + 1, [&](int64_t begin, int64_t end) {
      Workspace<T> padded(images * size);
      for (int64_t c = begin; c < end; ++c) {
        for (int64_t image = 0; is_subsampling() && image < images; ++image) {
          T* to = dx + (image * s.in_channels + c) * in;
          each_sample([&](int64_t at, int64_t from) { to[at] += columns[c * width + image * out + from]; });
        }
        if (is_subsampling()) continue;
        std::memset(padded.data, 0, padded.bytes);
        for (int64_t tap = 0; tap < taps; ++tap)
          for (int64_t image = 0; image < images; ++image)
            each_row(tap, [&](int64_t at, int64_t from) {
              T* __restrict to = padded.data + image * size + at;
              const T* __restrict row = columns + (c * taps + tap) * width + image * out + from;
              for (int64_t i = 0; i < n; ++i) to[i] += row[i];
            });
        for (int64_t image = 0; image < images; ++image)
          restore_channel(planes, padded.data + image * size, dx + (image * s.in_channels + c) * in);
      }
    });
  }
};

// [image][channel][size] as [channel][image][size], or back.
template <class T>
void exchange(int64_t first, int64_t second, int64_t size, const T* from, T* to) {
  for (int64_t i = 0; i < first; ++i)
    for (int64_t j = 0; j < second; ++j)
      std::memcpy(to + (j * first + i) * size, from + (i * second + j) * size, static_cast<size_t>(size) * sizeof(T));
}

// to[j][i] = from[i][j], in squares that stay in L1.
template <class T>
void transpose(int64_t m, int64_t n, const T* from, T* to) {
  constexpr int64_t kSide = 16;
  for (int64_t i0 = 0; i0 < m; i0 += kSide)
    for (int64_t j0 = 0; j0 < n; j0 += kSide)
      for (int64_t j = j0; j < min(n, j0 + kSide); ++j)
        for (int64_t i = i0; i < min(m, i0 + kSide); ++i) to[j * m + i] = from[i * n + j];
}

}  // namespace

// Measured: the copies pay where the rows of the direct kernels' planes are shortest, and for what has no taps to
// share.
bool lowered_takes(const ConvShape& s) {
  constexpr int64_t kSmallest = 25, kSmallestStrided = 64, kDeep = 64, kChannels = 48;
  const bool deep = s.groups == 1 && s.in_channels * volume(s.kernel) >= kDeep && s.out_channels >= kChannels;
  const bool strided = s.stride[0] * s.stride[1] * s.stride[2] > 1;
  return deep && (volume(s.kernel) == 1 || volume(s.out) <= (strided ? kSmallestStrided : kSmallest));
}
bool lowered_takes_weight(const ConvShape& s) {
  constexpr int64_t kLargest = 100, kDeep = 256, kChannels = 48, kColumns = 64;
  return lowered_takes(s) || (s.groups == 1 && volume(s.out) <= kLargest && s.in_channels * volume(s.kernel) >= kDeep &&
                              s.out_channels >= kChannels && s.batch * volume(s.out) >= kColumns);
}

template <class T>
void lowered_forward(const ConvShape& s, const T* x, const T* weight, const T* bias, T* y) {
  const Lowering l(s, sizeof(T));
  Workspace<T> columns(l.columns_size()), results(s.out_channels * l.chunk * l.out);
  for (int64_t n = 0; n < s.batch; n += l.chunk) {
    const int64_t images = min(l.chunk, s.batch - n), width = images * l.out;
    l.lower(x + n * s.in_channels * l.in, images, columns.data);
    if (bias)
      for (int64_t i = 0; i < s.out_channels * width; ++i) results.data[i] = bias[i / width];
    gemm(kType<T>, false, false, s.out_channels, width, l.rows, 1.0, weight, l.rows, columns.data, width,
         bias ? 1.0 : 0.0, results.data, width);
    exchange(s.out_channels, images, l.out, results.data, y + n * s.out_channels * l.out);
  }
}

template <class T>
void lowered_grad_input(const ConvShape& s, const T* dy, const T* weight, const T* bias, T* dx) {
  const Lowering l(s, sizeof(T));
  Workspace<T> columns(l.columns_size()), given(s.out_channels * l.chunk * l.out);
  for (int64_t i = 0; i < s.batch * s.in_channels; ++i)
    for (int64_t j = 0; j < l.in; ++j) dx[i * l.in + j] = bias ? bias[i % s.in_channels] : T(0);
  for (int64_t n = 0; n < s.batch; n += l.chunk) {
    const int64_t images = min(l.chunk, s.batch - n), width = images * l.out;
    exchange(images, s.out_channels, l.out, dy + n * s.out_channels * l.out, given.data);
    gemm(kType<T>, true, false, l.rows, width, s.out_channels, 1.0, weight, l.rows, given.data, width, 0.0,
         columns.data, width);
    l.raise(columns.data, images, dx + n * s.in_channels * l.in);
  }
}

// Transposed, so that the large matrix is read as it lies.
template <class T>
void lowered_grad_weight(const ConvShape& s, const T* x, const T* dy, T* dweight) {
  const Lowering l(s, sizeof(T));
  const int64_t channels = s.out_channels;
  Workspace<T> columns(l.columns_size()), given(channels * l.chunk * l.out), result(l.rows * channels);
  for (int64_t n = 0; n < s.batch; n += l.chunk) {
    const int64_t images = min(l.chunk, s.batch - n), width = images * l.out;
    l.lower(x + n * s.in_channels * l.in, images, columns.data);
    for (int64_t i = 0; i < images; ++i)
      transpose(channels, l.out, dy + (n + i) * channels * l.out, given.data + i * l.out * channels);
    gemm(kType<T>, false, false, l.rows, channels, width, 1.0, columns.data, width, given.data, channels,
         n > 0 ? 1.0 : 0.0, result.data, channels);
  }
  transpose(l.rows, channels, result.data, dweight);
}

// One image at a time: its columns are the whole matrix.
template <class T>
void unfold(const ConvShape& s, const T* x, T* columns) {
  const Lowering l(s, sizeof(T));
  for (int64_t n = 0; n < s.batch; ++n) l.lower(x + n * s.in_channels * l.in, 1, columns + n * l.rows * l.out);
}
template <class T>
void fold(const ConvShape& s, const T* columns, T* x) {
  const Lowering l(s, sizeof(T));
  std::memset(x, 0, static_cast<size_t>(s.batch * s.in_channels * l.in) * sizeof(T));
  for (int64_t n = 0; n < s.batch; ++n) l.raise(columns + n * l.rows * l.out, 1, x + n * s.in_channels * l.in);
}

template void lowered_forward(const ConvShape&, const float*, const float*, const float*, float*);
template void lowered_forward(const ConvShape&, const double*, const double*, const double*, double*);
template void lowered_grad_input(const ConvShape&, const float*, const float*, const float*, float*);
template void lowered_grad_input(const ConvShape&, const double*, const double*, const double*, double*);
template void lowered_grad_weight(const ConvShape&, const float*, const float*, float*);
template void lowered_grad_weight(const ConvShape&, const double*, const double*, double*);
template void unfold(const ConvShape&, const float*, float*);
template void unfold(const ConvShape&, const double*, double*);
template void fold(const ConvShape&, const float*, float*);
template void fold(const ConvShape&, const double*, double*);

}  // namespace facula::cpu::FACULA_ISA
