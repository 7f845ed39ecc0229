// Convolution as shifted products, without an im2col matrix. See Note [Shifted products].
//
// Note [Shifted products]: the source image is copied once into a padded plane of row pitch E. With stride 1 the output
// at linear position p = row * E + column needs, for tap (i, j), the source at p + i * E + j: a constant shift. So the
// output is a sum over taps of weight * shifted plane, computed over *linear* positions in full vectors; the positions
// past the end of an output row are garbage and never stored. A stride s splits the plane into s * s phases, each of
// which is stride 1 again; the gradient to the input is, for each phase of its own positions, such a product over the
// output's gradient. The same form holds in three dimensions. The copy is 1 / taps of what im2col would write.
// Many channels go to conv_pixels.cpp, large images of them under a 3 x 3 kernel to winograd.cpp, few small ones to
// conv_lowered.cpp, single channels to conv_depthwise.cpp, 1 x 1 kernels to a matrix product.
#include "cpu/conv.h"

#include <cstring>
#include <utility>

#include "cpu/conv_depthwise.h"
#include "cpu/conv_lowered.h"
#include "cpu/conv_pixels.h"
#include "cpu/conv_planes.h"
#include "cpu/winograd.h"
#include "runtime/gemm.h"
#include "runtime/parallel.h"

namespace facula::cpu::FACULA_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kWide = 3;                           // vectors of positions per register tile: 8 x 3 sums of 32 registers
constexpr int kChannelBlocks[] = {8, 6, 4, 2, 1};  // output channels per register tile
constexpr int kGradChannels = 4, kGradTaps = 6;    // register tile of the weight gradient
#elif defined(__AVX2__)
constexpr int kWide = 2;  // 6 x 2 sums of 16 registers
constexpr int kChannelBlocks[] = {6, 4, 2, 1};
constexpr int kGradChannels = 2, kGradTaps = 5;
#else
constexpr int kWide = 2;
constexpr int kChannelBlocks[] = {6, 4, 2, 1};
constexpr int kGradChannels = 2, kGradTaps = 5;
#endif
constexpr int kLong = 8;             // vectors of positions where there is one channel only: as many chains of sums
constexpr int64_t kGrain = 1 << 17;  // multiply-adds worth a second thread: about 5 us
constexpr int64_t kGradBytes = 16 << 10;  // half of L1
constexpr int64_t kChunkBytes = 1 << 20;  // padded images prepared at a time stay within L2

template <class T>
struct Lanes {
  static constexpr int N = kLaneBytes / sizeof(T);
  typedef T V __attribute__((vector_size(kLaneBytes)));
  static V load(const T* p) {
    V v;
    std::memcpy(&v, p, sizeof v);
    return v;
  }
};

// The sum of the lanes, by halves.
template <class T, int N, class V, size_t... I>
inline T sum_halves(V v, std::index_sequence<I...>) {
  if constexpr (N == 2) {
    return v[0] + v[1];
  } else {
    typedef T H __attribute__((vector_size(sizeof(V) / 2)));
    const H low = __builtin_shufflevector(v, v, static_cast<int>(I)...);
    const H high = __builtin_shufflevector(v, v, static_cast<int>(I + N / 2)...);
    return sum_halves<T, N / 2, H>(low + high, std::make_index_sequence<N / 4>());
  }
}
template <class T>
inline T sum_lanes(typename Lanes<T>::V v) {
  return sum_halves<T, Lanes<T>::N>(v, std::make_index_sequence<Lanes<T>::N / 2>());
}

// Where the results of linear positions go.
struct Target {
  int64_t size[3];  // of the outputs computed
  int64_t step[3];  // elements between neighbours of each dimension
  int64_t base;     // offset of the first output in its channel
  int64_t channel;  // elements between channels
};

// A sum of shifted products for one batch of images.
struct Product {
  int64_t batch, groups, source_channels, target_channels;  // channels of one group
  Planes planes;
  Target target;
  int64_t taps;
  const int64_t* shift;         // of each tap, within a channel's planes
  const int64_t* weight_index;  // of each tap, within the kernel
  // offset of weight (group, target channel, source channel, tap 0)
  int64_t weight_group, weight_target, weight_source;
  int64_t positions() const {
    const Target& t = target;
    return ((t.size[0] - 1) * planes.extent[1] + t.size[1] - 1) * planes.extent[2] + t.size[2];
  }
};

// ---- the register tile --------------------------------------------------------------------------------------------

template <class T>
struct TileArgs {
  const T* x;  // at the first position
  int64_t channels, channel_size, taps;
  const int64_t* shift;
  const T* weights;  // [channels * taps][C]
  const T* bias;     // C values, or null
  T* out;            // [C][vectors * N]
};

template <class T, int C, int W>
void tile(const TileArgs<T>& a) {
  using L = Lanes<T>;
  using V = typename L::V;
  V sum[C][W];
  for (int c = 0; c < C; ++c)
    for (int w = 0; w < W; ++w) sum[c][w] = V{} + (a.bias ? a.bias[c] : T(0));
  const T* weights = a.weights;
  const T* x = a.x;
  for (int64_t k = 0; k < a.channels; ++k, x += a.channel_size) {
    for (int64_t t = 0; t < a.taps; ++t, weights += C) {
      const T* from = x + a.shift[t];
      V v[W];
      for (int w = 0; w < W; ++w) v[w] = L::load(from + w * L::N);
      for (int c = 0; c < C; ++c)
        for (int w = 0; w < W; ++w) sum[c][w] += weights[c] * v[w];
    }
  }
  for (int c = 0; c < C; ++c)
    for (int w = 0; w < W; ++w) std::memcpy(a.out + (c * W + w) * L::N, &sum[c][w], sizeof(V));
}

template <class T>
using Tile = void (*)(const TileArgs<T>&);
template <class T, int W>
Tile<T> tile_for(int64_t channels) {
  switch (channels) {
    case 8: return kChannelBlocks[0] == 8 ? tile<T, kChannelBlocks[0], W> : nullptr;
    case 6: return tile<T, 6, W>;
    case 4: return tile<T, 4, W>;
    case 2: return tile<T, 2, W>;
    default: return tile<T, 1, W>;
  }
}

inline int64_t channel_block(int64_t left) {
  for (int c : kChannelBlocks)
    if (c <= left) return c;
  return 1;
}

// Weights in the order in which tiles read them: [group][block of target channels][source channel][tap][C].
template <class T>
void pack_weights(const Product& p, const T* weight, T* out) {
  for (int64_t g = 0; g < p.groups; ++g)
    for (int64_t o = 0, c; o < p.target_channels; o += c) {
      c = channel_block(p.target_channels - o);
      for (int64_t s = 0; s < p.source_channels; ++s)
        for (int64_t t = 0; t < p.taps; ++t) {
          const T* w = weight + g * p.weight_group + o * p.weight_target + s * p.weight_source + p.weight_index[t];
          for (int64_t j = 0; j < c; ++j) *out++ = w[j * p.weight_target];
        }
    }
}

// Writes tile rows of n positions from linear position `first` to their places.
template <class T>
void store_tile(const Product& p, const T* tile, int64_t c, int64_t first, int64_t n, T* y) {
  using L = Lanes<T>;
  const Target& t = p.target;
  const int64_t e1 = p.planes.extent[1], e2 = p.planes.extent[2], width = t.size[2];
  int64_t column = first % e2, row = first / e2 % e1, depth = first / e2 / e1;
  for (int64_t at = 0; at < n;) {
    const int64_t run = min(n - at, e2 - column);  // to the end of this row of the plane
    if (depth >= t.size[0]) return;
    if (row < t.size[1] && column < width) {
      const int64_t valid = min(run, width - column);
      T* out = y + t.base + depth * t.step[0] + row * t.step[1] + column * t.step[2];
      const T* from = tile + at;
      if (t.step[2] == 1) {
        // reads past the run stay inside the tile, which has a spare vector at its end
        for (int64_t i = 0; i < valid; i += L::N)
          for (int64_t k = 0; k < c; ++k) store_up_to(out + k * t.channel + i, load(from + k * n + i), valid - i);
      } else {
        for (int64_t k = 0; k < c; ++k)
          for (int64_t i = 0; i < valid; ++i) out[k * t.channel + i * t.step[2]] = from[k * n + i];
      }
    }
    at += run;
    column = 0;
    if (++row == e1) row = 0, ++depth;
  }
}

// One image, one group: the positions [first, last) of the channels of all blocks.
template <class T>
void multiply_positions(const Product& p, const T* x, const T* weights, const T* bias, T* y, int64_t first,
                        int64_t last) {
  constexpr int N = Lanes<T>::N;
  alignas(64) T out[(8 * kWide + 1) * N];
  const int64_t per_channel = p.source_channels * p.taps;
  for (int64_t at = first; at < last;) {
    const bool single = p.target_channels == 1 && last - at > N * kWide;
    const int w = single ? kLong : last - at > N * (kWide - 1) ? kWide : 1;
    for (int64_t o = 0, c; o < p.target_channels; o += c) {
      c = channel_block(p.target_channels - o);
      const TileArgs<T> args{x + at,  p.source_channels,         p.planes.channel_size(),   p.taps,
                             p.shift, weights + o * per_channel, bias ? bias + o : nullptr, out};
      (single ? tile<T, 1, kLong> : w == kWide ? tile_for<T, kWide>(c) : tile_for<T, 1>(c))(args);
      store_tile(p, out, c, at, w * N, y + o * p.target.channel);
    }
    at += w * N;
  }
}

// y = product of x and weight, in chunks of images: first all padded planes of the chunk, then all its positions.
template <class T>
void multiply(const Product& p, const T* x, const T* weight, const T* bias, T* y) {
  constexpr int64_t slack = (kLong + 1) * Lanes<T>::N;  // the last tile reads past the last plane
  const int64_t channels = p.groups * p.source_channels, planes = p.planes.channel_size();
  const int64_t source = p.planes.in[0] * p.planes.in[1] * p.planes.in[2];
  const int64_t fit = kChunkBytes * num_threads() / (channels * planes * static_cast<int64_t>(sizeof(T)) + 1);
  const int64_t chunk = min(p.batch, max(fit, 1));
  Workspace<T> padded(chunk * channels * planes + slack);
  Workspace<T> packed(p.groups * p.target_channels * p.source_channels * p.taps);
  pack_weights(p, weight, packed.data);
  std::memset(padded.data + chunk * channels * planes, 0, slack * sizeof(T));

  const int64_t block = (p.target_channels == 1 ? kLong : kWide) * Lanes<T>::N, positions = p.positions(),
                blocks = ceil_div(positions, block);
  const int64_t work = block * p.target_channels * (p.source_channels * p.taps + 4);
  const int64_t target_image = p.groups * p.target_channels * p.target.channel;
  for (int64_t n0 = 0; n0 < p.batch; n0 += chunk) {
    const int64_t images = min(chunk, p.batch - n0);
    parallel_for(images * channels, kGrain / (4 * planes) + 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        prepare_channel(p.planes, x + (n0 * channels + i) * source, padded.data + i * planes);
    });
    parallel_for(images * p.groups * blocks, kGrain / work + 1, [&](int64_t begin, int64_t end) {
      while (begin < end) {
        const int64_t image_group = begin / blocks, n = image_group / p.groups, g = image_group % p.groups;
        const int64_t from = begin % blocks, to = min(blocks, from + end - begin);
        multiply_positions(p, padded.data + image_group * p.source_channels * planes,
                           packed.data + g * p.target_channels * p.source_channels * p.taps,
                           bias ? bias + g * p.target_channels : nullptr,
                           y + (n0 + n) * target_image + g * p.target_channels * p.target.channel, from * block,
                           min(positions, to * block));
        begin += to - from;
      }
    });
  }
}

// ---- forward ------------------------------------------------------------------------------------------------------

// A kernel of one tap with stride 1 and no padding is a plain matrix product.
inline bool is_pointwise(const ConvShape& s) {
  bool yes = true;
  for (int i = 0; i < 3; ++i) yes = yes && s.kernel[i] == 1 && s.stride[i] == 1 && s.pad[i] == 0;
  return yes;
}

template <class T>
constexpr DType kType = sizeof(T) == 4 ? DType::Float32 : DType::Float64;

template <class T>
void fill_bias(int64_t images, int64_t channels, int64_t size, const T* bias, T* y) {
  for (int64_t i = 0; i < images * channels; ++i, y += size)
    for (int64_t j = 0; j < size; ++j) y[j] = bias[i % channels];
}

// C = W X (or W^T X) of every image and group.
template <class T>
void pointwise(const ConvShape& s, bool transposed, const T* x, const T* weight, const T* bias, T* y) {
  const int64_t size = volume(s.in), k = transposed ? s.out_channels : s.in_channels;
  const int64_t m = transposed ? s.in_channels : s.out_channels;
  if (bias) fill_bias(s.batch, s.groups * m, size, bias, y);
  for (int64_t g = 0; g < s.groups; ++g)
    gemm_batched(kType<T>, transposed, false, s.batch, m, size, k, 1.0, weight + g * m * k, s.in_channels, 0,
                 x + g * k * size, size, s.groups * k * size, bias ? 1.0 : 0.0, y + g * m * size, size,
                 s.groups * m * size);
}

template <class T>
void forward(const ConvShape& s, const T* x, const T* weight, const T* bias, T* y) {
  if (s.batch * s.groups * s.out_channels * volume(s.out) == 0) return;
  if (is_pointwise(s) && s.groups == 1) return pointwise(s, false, x, weight, bias, y);
  if constexpr (std::is_same_v<T, float>) {
    if (depthwise_takes_forward(s)) return depthwise_forward(s, x, weight, bias, y);
    if (winograd_takes(s)) return winograd_forward(s, x, weight, bias, y);
    if (pixels_take_forward(s)) return pixels_forward(s, x, weight, bias, y);
  }
  if (lowered_takes(s)) return lowered_forward(s, x, weight, bias, y);
  const int64_t taps = volume(s.kernel);
  Workspace<int64_t> shift(2 * taps);
  Product p;
  p.batch = s.batch;
  p.groups = s.groups;
  p.source_channels = s.in_channels;
  p.target_channels = s.out_channels;
  p.planes = forward_planes(s);
  p.target = {{s.out[0], s.out[1], s.out[2]}, {s.out[1] * s.out[2], s.out[2], 1}, 0, volume(s.out)};
  p.taps = taps;
  forward_shifts(s, p.planes, shift.data);
  for (int64_t t = 0; t < taps; ++t) shift.data[taps + t] = t;
  p.shift = shift.data;
  p.weight_index = shift.data + taps;
  p.weight_source = taps;
  p.weight_target = s.in_channels * taps;
  p.weight_group = s.out_channels * p.weight_target;
  multiply(p, x, weight, bias, y);
}

// ---- gradient to the input ----------------------------------------------------------------------------------------

template <class T>
void grad_input_phase(const ConvShape& s, const int64_t (&r)[3], int64_t* taps, const T* dy, const T* weight,
                      const T* bias, T* dx) {
  const Phase phase[3] = {{s, 0, r[0]}, {s, 1, r[1]}, {s, 2, r[2]}};
  Product p;
  p.batch = s.batch;
  p.groups = s.groups;
  p.source_channels = s.out_channels;
  p.target_channels = s.in_channels;
  p.target.base = 0;
  p.target.channel = volume(s.in);
  int64_t step = 1;
  for (int d = 2; d >= 0; --d) {
    p.planes.in[d] = s.out[d];
    p.planes.stride[d] = 1;
    p.planes.low[d] = phase[d].reach - phase[d].first;
    p.planes.extent[d] = phase[d].count + phase[d].reach;
    p.target.size[d] = phase[d].count;
    p.target.step[d] = step * s.stride[d];
    p.target.base += step * (phase[d].first * s.stride[d] + r[d] - s.pad[d]);
    step *= s.in[d];
  }
  if (volume(p.target.size) == 0) return;
  int64_t *shift = taps, *index = taps + volume(s.kernel), count = 0, flat = 0;
  for (int64_t i = 0; i < s.kernel[0]; ++i)
    for (int64_t j = 0; j < s.kernel[1]; ++j)
      for (int64_t k = 0; k < s.kernel[2]; ++k, ++flat) {
        const int64_t tap[3] = {i * s.dilation[0], j * s.dilation[1], k * s.dilation[2]};
        int64_t at = 0;
        bool touches = true;
        for (int d = 0; d < 3; ++d) {
          touches = touches && tap[d] % s.stride[d] == r[d];
          at = at * p.planes.extent[d] + phase[d].reach - tap[d] / s.stride[d];
        }
        if (!touches) continue;
        shift[count] = at;
        index[count++] = flat;
      }
  p.taps = count;
  p.shift = shift;
  p.weight_index = index;
  p.weight_target = flat;
  p.weight_source = s.in_channels * flat;
  p.weight_group = s.out_channels * p.weight_source;
  multiply(p, dy, weight, bias, dx);
}

template <class T>
void grad_input(const ConvShape& s, const T* dy, const T* weight, const T* bias, T* dx) {
  if (s.batch * s.groups * s.in_channels * volume(s.in) == 0) return;
  if (is_pointwise(s) && s.groups == 1) return pointwise(s, true, dy, weight, bias, dx);
  if constexpr (std::is_same_v<T, float>) {
    if (depthwise_takes_input(s)) return depthwise_grad_input(s, dy, weight, bias, dx);
    if (winograd_takes(s)) return winograd_grad_input(s, dy, weight, bias, dx);
    if (pixels_take_input(s)) return pixels_grad_input(s, dy, weight, bias, dx);
  }
  if (lowered_takes(s)) return lowered_grad_input(s, dy, weight, bias, dx);
  Workspace<int64_t> taps(2 * volume(s.kernel));
  int64_t r[3];
  for (r[0] = 0; r[0] < s.stride[0]; ++r[0])
    for (r[1] = 0; r[1] < s.stride[1]; ++r[1])
      for (r[2] = 0; r[2] < s.stride[2]; ++r[2]) grad_input_phase(s, r, taps.data, dy, weight, bias, dx);
}

// ---- gradient to the weight ---------------------------------------------------------------------------------------
// dweight[o, c, k] = sum over images and positions p of dy[o, p] * x[c, p + shift[k]], dy laid out with x's pitch and
// zeros in the positions between rows. A thread owns whole weights and meets images in order: the sum does not depend
// on the number of threads.

template <class T>
struct GradArgs {
  int64_t images, positions;     // positions: rounded up to vectors
  const T* dy;                   // of the first target channel
  int64_t dy_channel, dy_image;  // elements from one to the next
  const T* x;
  int64_t x_image;
  const int64_t* shift;  // of each tap from x, channels included
  T* out;                // [target channel][tap], added to
  int64_t out_channel;
};

template <class T, int C, int K>
void grad_tile(const GradArgs<T>& a) {
  using L = Lanes<T>;
  using V = typename L::V;
  V sum[C][K] = {};
  for (int64_t n = 0; n < a.images; ++n) {
    const T* dy = a.dy + n * a.dy_image;
    const T* x = a.x + n * a.x_image;
    for (int64_t p = 0; p < a.positions; p += L::N) {
      V d[C];
      for (int c = 0; c < C; ++c) d[c] = L::load(dy + c * a.dy_channel + p);
      for (int k = 0; k < K; ++k) {
        const V v = L::load(x + a.shift[k] + p);
        for (int c = 0; c < C; ++c) sum[c][k] += d[c] * v;
      }
    }
  }
  for (int c = 0; c < C; ++c)
    for (int k = 0; k < K; ++k) a.out[c * a.out_channel + k] += sum_lanes<T>(sum[c][k]);
}

template <class T>
using GradTile = void (*)(const GradArgs<T>&);
template <class T, int K>
GradTile<T> grad_tile_for(int64_t channels) {
  if (channels == kGradChannels) return grad_tile<T, kGradChannels, K>;
  return channels == 2 ? grad_tile<T, 2, K> : grad_tile<T, 1, K>;
}

template <class T>
struct GradPlan {
  Planes x, dy;
  int64_t x_image, dy_image;       // padded elements per image
  int64_t dy_channel;              // from one channel to the next: whole vectors, so that half of the loads are aligned
  int64_t chunk, positions, taps;  // taps: of one group, channels included
  const int64_t* shift;
};

// Adds the chunk's images to the weights of target channels [o, o + c) of one group.
template <class T>
void grad_weight_channels(const ConvShape& s, const GradPlan<T>& plan, int64_t images, int64_t g, int64_t o, int64_t c,
                          const T* x, const T* dy, T* out) {
  const int64_t channel = plan.dy_channel, target = g * s.out_channels + o;
  // dy of as many images as stay in L1 while all taps pass over them
  const int64_t group = max(1, kGradBytes / (c * channel * static_cast<int64_t>(sizeof(T))));
  for (int64_t n = 0; n < images; n += group)
    for (int64_t t = 0, k; t < plan.taps; t += k) {
      k = plan.taps - t >= kGradTaps ? kGradTaps : 1;
      GradArgs<T> args;
      args.images = min(group, images - n);
      args.positions = plan.positions;
      args.dy = dy + n * plan.dy_image + target * channel;
      args.dy_channel = channel;
      args.dy_image = plan.dy_image;
      args.x = x + n * plan.x_image + g * s.in_channels * plan.x.channel_size();
      args.x_image = plan.x_image;
      args.shift = plan.shift + t;
      args.out = out + target * plan.taps + t;
      args.out_channel = plan.taps;
      (k == kGradTaps ? grad_tile_for<T, kGradTaps>(c) : grad_tile_for<T, 1>(c))(args);
    }
}

template <class T>
void grad_weight(const ConvShape& s, const T* x, const T* dy, T* out) {
  const int64_t kernel = volume(s.kernel), targets = s.groups * s.out_channels, sources = s.groups * s.in_channels;
  std::memset(out, 0, static_cast<size_t>(targets * s.in_channels * kernel) * sizeof(T));
  if (s.batch * targets * s.in_channels * volume(s.out) == 0) return;
  if constexpr (std::is_same_v<T, float>) {
    if (depthwise_takes_weight(s)) return depthwise_grad_weight(s, x, dy, out);
    if (pixels_take_weight(s)) return pixels_grad_weight(s, x, dy, out);
  }
  if (lowered_takes_weight(s)) return lowered_grad_weight(s, x, dy, out);
  constexpr int N = Lanes<T>::N;
  GradPlan<T> plan;
  plan.x = forward_planes(s);
  for (int i = 0; i < 3; ++i) {
    plan.dy.in[i] = s.out[i];
    plan.dy.stride[i] = 1;
    plan.dy.low[i] = 0;
    plan.dy.extent[i] = i == 0 ? s.out[0] : plan.x.extent[i];
  }
  // dy keeps x's pitch; its channels are cut or padded to whole vectors by the slack behind the last one
  plan.taps = s.in_channels * kernel;
  plan.positions = ceil_div(((s.out[0] - 1) * plan.x.extent[1] + s.out[1] - 1) * plan.x.extent[2] + s.out[2], N) * N;
  plan.dy.extent[0] += ceil_div(max(0, plan.positions - plan.dy.phase_size()), plan.dy.extent[1] * plan.dy.extent[2]);
  plan.x_image = sources * plan.x.channel_size();
  plan.dy_channel = ceil_div(plan.dy.channel_size(), N) * N;
  plan.dy_image = targets * plan.dy_channel;
  const int64_t image_bytes = (plan.x_image + plan.dy_image) * static_cast<int64_t>(sizeof(T));
  plan.chunk = min(s.batch, max(1, 2 * kChunkBytes / image_bytes));
  Workspace<T> px(plan.chunk * plan.x_image + 2 * N), pdy(plan.chunk * plan.dy_image);
  std::memset(px.data + plan.chunk * plan.x_image, 0, 2 * N * sizeof(T));
  Workspace<int64_t> shift(plan.taps);
  forward_shifts(s, plan.x, shift.data);
  for (int64_t t = kernel; t < plan.taps; ++t) shift.data[t] = shift.data[t - kernel] + plan.x.channel_size();
  plan.shift = shift.data;

  const int64_t in = volume(s.in), spatial = volume(s.out);
  const int64_t blocks = ceil_div(s.out_channels, kGradChannels);
  for (int64_t n0 = 0; n0 < s.batch; n0 += plan.chunk) {
    const int64_t images = min(plan.chunk, s.batch - n0);
    parallel_for(images * (sources + targets), kGrain / (4 * plan.x.channel_size()) + 1, [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) {
        const int64_t j = i - images * sources;
        if (j < 0)
          prepare_channel(plan.x, x + (n0 * sources + i) * in, px.data + i * plan.x.channel_size());
        else
          prepare_channel(plan.dy, dy + (n0 * targets + j) * spatial, pdy.data + j * plan.dy_channel);
      }
    });
    const int64_t work = images * plan.positions * plan.taps * kGradChannels;
    parallel_for(s.groups * blocks, kGrain / work + 1, [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) {
        const int64_t last = min(s.out_channels, (i % blocks + 1) * kGradChannels);
        for (int64_t o = i % blocks * kGradChannels, c; o < last; o += c) {
          c = last - o == kGradChannels ? kGradChannels : last - o >= 2 ? 2 : 1;
          grad_weight_channels(s, plan, images, i / blocks, o, c, px.data, pdy.data, out);
        }
      }
    });
  }
}

// ---- gradient to the bias -----------------------------------------------------------------------------------------

template <class T>
T plane_sum(const T* p, int64_t n) {
  using L = Lanes<T>;
  typename L::V sum[4] = {};
  int64_t i = 0;
  for (; i + 4 * L::N <= n; i += 4 * L::N)
    for (int j = 0; j < 4; ++j) sum[j] += L::load(p + i + j * L::N);
  T total = sum_lanes<T>((sum[0] + sum[1]) + (sum[2] + sum[3]));
  for (; i < n; ++i) total += p[i];
  return total;
}

template <class T>
void grad_bias(const ConvShape& s, const T* dy, T* out) {
  const int64_t channels = s.groups * s.out_channels, size = volume(s.out);
  parallel_for(channels, kGrain / (s.batch * size + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      double total = 0;  // planes are summed in float lanes, images in double
      for (int64_t n = 0; n < s.batch; ++n)
        total += static_cast<double>(plane_sum(dy + (n * channels + c) * size, size));
      out[c] = static_cast<T>(total);
    }
  });
}

// ---- by dtype -----------------------------------------------------------------------------------------------------

void forward_any(DType t, const ConvShape& s, const void* x, const void* w, const void* b, void* y) {
  if (t == DType::Float64)
    forward(s, static_cast<const double*>(x), static_cast<const double*>(w), static_cast<const double*>(b),
            static_cast<double*>(y));
  else
    forward(s, static_cast<const float*>(x), static_cast<const float*>(w), static_cast<const float*>(b),
            static_cast<float*>(y));
}
void grad_input_any(DType t, const ConvShape& s, const void* dy, const void* w, const void* b, void* dx) {
  if (t == DType::Float64)
    grad_input(s, static_cast<const double*>(dy), static_cast<const double*>(w), static_cast<const double*>(b),
               static_cast<double*>(dx));
  else
    grad_input(s, static_cast<const float*>(dy), static_cast<const float*>(w), static_cast<const float*>(b),
               static_cast<float*>(dx));
}
void grad_weight_any(DType t, const ConvShape& s, const void* x, const void* dy, void* dw) {
  if (t == DType::Float64)
    grad_weight(s, static_cast<const double*>(x), static_cast<const double*>(dy), static_cast<double*>(dw));
  else
    grad_weight(s, static_cast<const float*>(x), static_cast<const float*>(dy), static_cast<float*>(dw));
}
void grad_bias_any(DType t, const ConvShape& s, const void* dy, void* db) {
  if (t == DType::Float64)
    grad_bias(s, static_cast<const double*>(dy), static_cast<double*>(db));
  else
    grad_bias(s, static_cast<const float*>(dy), static_cast<float*>(db));
}

void unfold_any(DType t, const ConvShape& s, const void* x, void* columns) {
  if (t == DType::Float64)
    unfold(s, static_cast<const double*>(x), static_cast<double*>(columns));
  else
    unfold(s, static_cast<const float*>(x), static_cast<float*>(columns));
}
void fold_any(DType t, const ConvShape& s, const void* columns, void* x) {
  if (t == DType::Float64)
    fold(s, static_cast<const double*>(columns), static_cast<double*>(x));
  else
    fold(s, static_cast<const float*>(columns), static_cast<float*>(x));
}

}  // namespace

KERNELS(ConvKernels, conv_kernels) = {forward_any,   grad_input_any, grad_weight_any,
                                      grad_bias_any, unfold_any,     fold_any};

}  // namespace facula::cpu::FACULA_ISA
