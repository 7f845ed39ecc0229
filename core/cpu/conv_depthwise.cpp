// Depthwise convolution by rows of one channel. A channel is copied into a padded plane whose borders were cleared once
// for all channels of a thread; a stride of two splits its columns into even and odd ones. A register tile is some rows
// of the result by one vector of columns: a row of the plane, shifted by a tap, is read once for all rows it adds to.
// The gradient to the input is such a correlation of the output's gradient, spread by the stride, with the kernel
// turned round. Refuses all but float32, kernels of 3, 5 or 7, strides of 1 or 2: the rest is conv.cpp's.
#include "cpu/conv_depthwise.h"

#include <cstring>
#include <utility>

#include "cpu/conv_planes.h"
#include "cpu/lanes.h"
#include "runtime/parallel.h"

namespace facula::cpu::FACULA_ISA {
namespace {

using V = Vec<float>;
constexpr int N = V::width;
constexpr int64_t kGrain = 1 << 17;  // multiply-adds worth a second thread

struct Plane {
  int64_t rows, columns;  // padded
  int64_t low;            // padding in front, of both
  int64_t stride;         // columns of one phase lie side by side
  int64_t pitch;          // of a phase
  Plane(int64_t rows, int64_t columns, int64_t low, int64_t stride)
      : rows(rows), columns(columns), low(low), stride(stride), pitch(ceil_div(columns, stride)) {}
  int64_t row() const { return stride * pitch; }
  int64_t size() const { return rows * row() + 2 * N; }  // a vector reads past the last column
  int64_t column(int64_t k) const { return stride == 1 ? k : k % 2 * pitch + k / 2; }
};

// The source in the plane's middle. What the borders hold stays.
void copy_inside(const Plane& g, int64_t height, int64_t width, const float* x, float* plane) {
  const int64_t pitch = width, odd = g.low % 2;  // the first column that is even in the plane
  height = min(height, g.rows - g.low);
  width = min(width, g.columns - g.low);
  float *to = plane + g.low * g.row(), *const even = to + g.column(odd + g.low),
        *const rest = to + g.column(1 - odd + g.low);
  for (int64_t i = 0; i < height; ++i, x += pitch) {
    const int64_t at = i * g.row();
    if (g.stride == 1) {
      copy_row(width, x, to + g.low + at);
    } else {
      copy_every_second((width - odd + 1) / 2, x + odd, even + at);
      copy_every_second((width + odd) / 2, x + 1 - odd, rest + at);
    }
  }
}

template <size_t... I>
inline V spread_half(V v, int high, std::index_sequence<I...>) {
  const V zero(0.0f);
  return V(high ? __builtin_shufflevector(v.v, zero.v, (N / 2 + static_cast<int>(I) / 2 + (I % 2 ? N : 0))...)
                : __builtin_shufflevector(v.v, zero.v, (static_cast<int>(I) / 2 + (I % 2 ? N : 0))...));
}
// The source with zeros between its columns, and rows cleared between its rows.
void spread_inside(const Plane& g, int64_t height, int64_t width, int64_t step, const float* x, float* plane) {
  constexpr auto lanes = std::make_index_sequence<N>();
  for (int64_t i = 0; i < height; ++i, x += width) {
    float* const to = plane + (i * step + g.low) * g.row() + g.low;
    if (step == 1) {
      copy_row(width, x, to);
      continue;
    }
    for (int64_t j = 0; j < width; j += N) {
      const int64_t left = 2 * (width - j) - 1;
      const V v = load_up_to(x + j, width - j, 0.0f);
      store_up_to(to + 2 * j, spread_half(v, 0, lanes), left);
      if (left > N) store_up_to(to + 2 * j + N, spread_half(v, 1, lanes), left - N);
    }
  }
}

struct Rows {
  const float* plane;   // at the first row and column
  int64_t row;          // elements from one to the next
  const int64_t* taps;  // offset of each column of the kernel
  const float* weight;  // [K][K]
  float bias;
  float* y;
  int64_t pitch, columns;  // of y, and how many of them to write
};

// R rows of a vector of columns, with a kernel of K by K and a stride of S between rows.
template <int K, int S, int R>
void rows(const Rows& a) {
  V sum[R];
  for (int r = 0; r < R; ++r) sum[r] = V(a.bias);
  for (int64_t k = 0; k < K; ++k) {
    const float* const from = a.plane + a.taps[k];
    V w[K];
    for (int i = 0; i < K; ++i) w[i] = V(a.weight[i * K + k]);
#pragma GCC unroll 32
    for (int i = 0; i < (R - 1) * S + K; ++i) {
      const V v = load(from + i * a.row);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r)
        if (i - r * S >= 0 && i - r * S < K) sum[r] = sum[r] + w[i - r * S] * v;
    }
  }
  for (int r = 0; r < R; ++r) store_up_to(a.y + r * a.pitch, sum[r], a.columns);
}

// How many rows a tile has, of `height`; the last tile overlaps the one before. None: there are too few.
struct Tile {
  int64_t rows;
  void (*run)(const Rows&);
};
template <int K, int S>
Tile tile_with(int64_t height) {
  constexpr int kRows = K == 7 ? 7 : 8;  // with K weights and a vector of the source at most 15 registers
  if (height >= kRows) return {kRows, rows<K, S, kRows>};
  if (K == 3 && height >= 4) return {4, rows<K, S, 4>};
  return {0, nullptr};
}
Tile tile_of(int64_t kernel, int64_t stride, int64_t height) {
  if (stride == 1)
    return kernel == 3 ? tile_with<3, 1>(height) : kernel == 5 ? tile_with<5, 1>(height) : tile_with<7, 1>(height);
  return kernel == 3 ? tile_with<3, 2>(height) : tile_with<5, 2>(height);
}

// One channel of the result.
void correlate(const Tile& tile, int64_t kernel, int64_t stride, const Plane& g, const float* plane,
               const float* weight, float bias, int64_t height, int64_t width, float* y) {
  int64_t taps[7];
  for (int64_t k = 0; k < kernel; ++k) taps[k] = g.column(k);
  for (int64_t i = 0; i < height; i += tile.rows) {
    const int64_t first = min(i, height - tile.rows);
    for (int64_t j = 0; j < width; j += N)
      tile.run(
          {plane + first * stride * g.row() + j, g.row(), taps, weight, bias, y + first * width + j, width, width - j});
  }
}

// Calls body(plane, begin, end) for a part of the items with a cleared plane for each thread.
template <class F>
void with_planes(const Plane& g, int64_t items, int64_t work, F&& body) {
  const int64_t workers = min(items, max(1, min(num_threads(), items * work / kGrain)));
  Workspace<float> planes(workers * g.size());
  parallel_for(workers, 1, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      float* const plane = planes.data + k * g.size();
      std::memset(plane, 0, static_cast<size_t>(g.size()) * sizeof(float));
      body(plane, items * k / workers, items * (k + 1) / workers);
    }
  });
}

bool is_depthwise(const ConvShape& s, int64_t most_stride) {
  const int64_t k = s.kernel[1];
  return s.groups > 1 && s.in_channels == 1 && s.in[0] == 1 && s.kernel[0] == 1 && s.pad[0] == 0 && s.kernel[2] == k &&
         (k == 3 || k == 5 || k == 7) && s.stride[1] == s.stride[2] && s.stride[1] <= most_stride &&
         s.pad[1] == s.pad[2] && s.pad[1] < k && s.dilation[1] == 1 && s.dilation[2] == 1 && s.stride[0] == 1;
}
Plane forward_plane(const ConvShape& s) {
  return {(s.out[1] - 1) * s.stride[1] + s.kernel[1], (s.out[2] - 1) * s.stride[2] + s.kernel[2], s.pad[1],
          s.stride[2]};
}

}  // namespace

bool depthwise_takes_forward(const ConvShape& s) {
  return is_depthwise(s, s.kernel[1] == 7 ? 1 : 2) && tile_of(s.kernel[1], s.stride[1], s.out[1]).rows > 0;
}
void depthwise_forward(const ConvShape& s, const float* x, const float* weight, const float* bias, float* y) {
  const Plane g = forward_plane(s);
  const int64_t kernel = s.kernel[1], in = s.in[1] * s.in[2], out = s.out[1] * s.out[2], channels = s.out_channels;
  const Tile tile = tile_of(kernel, s.stride[1], s.out[1]);
  with_planes(g, s.batch * s.groups, channels * out * kernel * kernel, [&](float* plane, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      copy_inside(g, s.in[1], s.in[2], x + i * in, plane);
      for (int64_t o = 0; o < channels; ++o) {
        const int64_t channel = i % s.groups * channels + o;
        correlate(tile, kernel, s.stride[1], g, plane, weight + channel * kernel * kernel, bias ? bias[channel] : 0.0f,
                  s.out[1], s.out[2], y + (i * channels + o) * out);
      }
    }
  });
}

bool depthwise_takes_input(const ConvShape& s) {
  return is_depthwise(s, 2) && s.out_channels == 1 && tile_of(s.kernel[1], 1, s.in[1]).rows > 0;
}
void depthwise_grad_input(const ConvShape& s, const float* dy, const float* weight, const float* bias, float* dx) {
  const int64_t kernel = s.kernel[1], in = s.in[1] * s.in[2], out = s.out[1] * s.out[2];
  const Plane g{s.in[1] + kernel - 1, s.in[2] + kernel - 1, kernel - 1 - s.pad[1], 1};
  const Tile tile = tile_of(kernel, 1, s.in[1]);
  with_planes(g, s.batch * s.groups, in * kernel * kernel, [&](float* plane, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t channel = i % s.groups, taps = kernel * kernel;
      float turned[49];
      for (int64_t k = 0; k < taps; ++k) turned[k] = weight[channel * taps + taps - 1 - k];
      spread_inside(g, s.out[1], s.out[2], s.stride[1], dy + i * out, plane);
      correlate(tile, kernel, 1, g, plane, turned, bias ? bias[channel] : 0.0f, s.in[1], s.in[2], dx + i * in);
    }
  });
}

// ---- gradient to the weight: kernels of 3 -------------------------------------------------------------------------
namespace {

// Adds the sums of one channel of an image, lane by lane.
template <int S>
void add_taps(const ConvShape& s, const Plane& g, const float* plane, const float* dy, V (&total)[9]) {
  const int64_t row = g.row(), taps[3] = {g.column(0), g.column(1), g.column(2)};
  V sum[9];
  for (V& v : sum) v = V(0.0f);
  for (int64_t i = 0; i < s.out[1]; ++i)
    for (int64_t j = 0; j < s.out[2]; j += N) {
      const V d = load_up_to(dy + i * s.out[2] + j, s.out[2] - j, 0.0f);
      const float* const from = plane + i * S * row + j;
#pragma GCC unroll 9
      for (int k = 0; k < 9; ++k) sum[k] = sum[k] + d * load(from + k / 3 * row + taps[k % 3]);
    }
  for (int k = 0; k < 9; ++k) total[k] = total[k] + sum[k];
}

}  // namespace

bool depthwise_takes_weight(const ConvShape& s) { return is_depthwise(s, 2) && s.kernel[1] == 3; }
void depthwise_grad_weight(const ConvShape& s, const float* x, const float* dy, float* dweight) {
  const Plane g = forward_plane(s);
  const int64_t in = s.in[1] * s.in[2], out = s.out[1] * s.out[2], channels = s.out_channels;
  with_planes(g, s.groups, s.batch * channels * out * 9, [&](float* plane, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      for (int64_t o = 0; o < channels; ++o) {
        V total[9];
        for (V& v : total) v = V(0.0f);
        for (int64_t n = 0; n < s.batch; ++n) {
          copy_inside(g, s.in[1], s.in[2], x + (n * s.groups + i) * in, plane);
          const float* const given = dy + ((n * s.groups + i) * channels + o) * out;
          s.stride[1] == 1 ? add_taps<1>(s, g, plane, given, total) : add_taps<2>(s, g, plane, given, total);
        }
        for (int k = 0; k < 9; ++k) {
          float lanes[N], sum = 0;
          store(lanes, total[k]);
          for (float lane : lanes) sum += lane;
          dweight[(i * channels + o) * 9 + k] = sum;
        }
      }
  });
}

}  // namespace facula::cpu::FACULA_ISA
