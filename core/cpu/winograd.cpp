// Convolution with 3 x 3 kernels in the transformed domain: 16 multiplications for 2 x 2 outputs in place of 36.
//
// Note [Winograd]: F(2 x 2, 3 x 3) of A. Lavin and S. Gray, Fast algorithms for convolutional neural networks, 2015:
//     Y = A' [(G g G') . (B' d B)] A      for every 4 x 4 piece d of the input, of which neighbours overlap by 2.
// Summed over channels the products in the brackets are 16 matrix products of [targets, sources] by [sources, pieces].
// Pieces are numbered along rows of a padded plane, one more to a row than there are (as the positions of conv.cpp):
// all planes of one parity of rows and columns are then read in full vectors, and the piece too many is never stored.
// The gradient to the input is the same with the kernel turned round. (That to the weight by the transposed chain was
// slower than the direct kernel: its products are as deep as a block of pieces only.)
// All matrices hold 0, 1 and 1/2 only, so that rounding grows by a small factor; an infinite input can give NaN in the
// outputs of the same piece.
#include "cpu/winograd.h"

#include <cstring>
#include <utility>

#include "cpu/conv_planes.h"
#include "cpu/gemm_packed.h"
#include "cpu/gemm_vector.h"
#include "runtime/parallel.h"

namespace facula::cpu::FACULA_ISA {
namespace {

using V = Vector<float>;
constexpr int N = kLanes<float>;
constexpr int kProducts = 16;
constexpr int64_t kPieces = 48;           // pieces transformed at a time: whole slivers of columns of every tile
constexpr int64_t kPlaneBytes = 4 << 20;  // planes prepared at a time
constexpr int64_t kGrain = 1 << 15;       // numbers moved that are worth a second thread

// v -> B' v B, for the 4 x 4 numbers of N pieces.
inline void transform_source(V (&v)[4][4]) {
  for (int j = 0; j < 4; ++j) {
    const V a = v[0][j] - v[2][j], b = v[1][j] + v[2][j], c = v[2][j] - v[1][j], d = v[1][j] - v[3][j];
    v[0][j] = a, v[1][j] = b, v[2][j] = c, v[3][j] = d;
  }
  for (int i = 0; i < 4; ++i) {
    const V a = v[i][0] - v[i][2], b = v[i][1] + v[i][2], c = v[i][2] - v[i][1], d = v[i][1] - v[i][3];
    v[i][0] = a, v[i][1] = b, v[i][2] = c, v[i][3] = d;
  }
}
// y = A' m A
inline void transform_result(const V (&m)[4][4], V (&y)[2][2]) {
  V t[2][4];
  for (int j = 0; j < 4; ++j) {
    t[0][j] = m[0][j] + m[1][j] + m[2][j];
    t[1][j] = m[1][j] - m[2][j] - m[3][j];
  }
  for (int i = 0; i < 2; ++i) {
    y[i][0] = t[i][0] + t[i][1] + t[i][2];
    y[i][1] = t[i][1] - t[i][2] - t[i][3];
  }
}
// u = G g G'
inline void transform_kernel(const V (&g)[3][3], V (&u)[4][4]) {
  V t[4][3];
  for (int j = 0; j < 3; ++j) {
    const V outer = (g[0][j] + g[2][j]) * 0.5f, middle = g[1][j] * 0.5f;
    t[0][j] = g[0][j];
    t[1][j] = outer + middle;
    t[2][j] = outer - middle;
    t[3][j] = g[2][j];
  }
  for (int i = 0; i < 4; ++i) {
    const V outer = (t[i][0] + t[i][2]) * 0.5f, middle = t[i][1] * 0.5f;
    u[i][0] = t[i][0];
    u[i][1] = outer + middle;
    u[i][2] = outer - middle;
    u[i][3] = t[i][2];
  }
}
// One correlation of `sources` with `targets` channels: y[h, w] = sum over taps of g[i, j] * x[h + i - low, w + j -
// low].
struct Correlation {
  int64_t batch, sources, targets, in[2], out[2], low[2];
  int64_t rows() const { return ceil_div(out[0], 2); }  // of pieces
  int64_t columns() const { return ceil_div(out[1], 2); }
  int64_t pitch() const { return columns() + 1; }
  // Of one image.
  int64_t pieces() const { return (rows() - 1) * pitch() + columns(); }
  // Four planes of one channel, by parity of row and column.
  Planes planes() const { return {{1, in[0], in[1]}, {1, 2, 2}, {0, low[0], low[1]}, {1, rows() + 1, pitch()}}; }
  int64_t chunk(int64_t channel_size) const {
    return min(batch, max(1, kPlaneBytes / (sources * channel_size * static_cast<int64_t>(sizeof(float)))));
  }
};

// Rows i and columns j of the pieces q .. q + N of one channel.
inline void load_pieces(const float* planes, int64_t plane, int64_t pitch, int64_t q, V (&v)[4][4]) {
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j) v[i][j] = load(planes + (i % 2 * 2 + j % 2) * plane + q + i / 2 * pitch + j / 2);
}

void prepare(const Planes& planes, int64_t channels, const float* x, float* to) {
  const int64_t size = planes.channel_size(), source = planes.in[1] * planes.in[2];
  parallel_for(channels, kGrain / size + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) prepare_channel(planes, x + i * source, to + i * size);
  });
}

// Kernels in the transformed domain, [product][target][source]. Element (target, source, tap) of the weight is at
// target * target_step + source * source_step + tap, taps in reverse order if `turned`.
void transform_kernels(const Correlation& c, const float* weight, int64_t target_step, int64_t source_step, bool turned,
                       float* to) {
  parallel_for(c.targets, kGrain / (kProducts * c.sources) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k)
      for (int64_t s = 0; s < c.sources; s += N) {
        const int count = static_cast<int>(min(N, c.sources - s));
        V g[3][3], u[4][4];
        for (int tap = 0; tap < 9; ++tap)
          for (int lane = 0; lane < N; ++lane)
            g[tap / 3][tap % 3][lane] =
                lane < count ? weight[k * target_step + (s + lane) * source_step + (turned ? 8 - tap : tap)] : 0;
        transform_kernel(g, u);
        for (int e = 0; e < kProducts; ++e)
          std::memcpy(to + (e * c.targets + k) * c.sources + s, &u[e / 4][e % 4], static_cast<size_t>(count) * 4);
      }
  });
}

// Pieces [q, q + count) of a target channel: rows of twice as many outputs, cut where a row of pieces ends.
void store_pieces(const Correlation& c, const float (&lines)[2][2 * kPieces], int64_t q, int64_t count, float* y) {
  const int64_t pitch = c.pitch();
  for (int64_t at = 0; at < count;) {
    const int64_t row = (q + at) / pitch, column = (q + at) % pitch, run = min(pitch - column, count - at);
    const int64_t width = min(2 * run, c.out[1] - 2 * column);
    for (int64_t a = 0; a < 2 && 2 * row + a < c.out[0]; ++a) {
      float* to = y + (2 * row + a) * c.out[1] + 2 * column;
      const float* from = lines[a] + 2 * at;
      int64_t i = 0;
      for (; i + N <= width; i += N) store(to + i, load(from + i));
      for (; i < width; ++i) to[i] = from[i];
    }
    at += run;
  }
}

template <size_t... I>
inline void interleave(V a, V b, float* to, std::index_sequence<I...>) {
  store(to, __builtin_shufflevector(a, b, (static_cast<int>(I) / 2 + (I % 2 ? N : 0))...));
  store(to + N, __builtin_shufflevector(a, b, (static_cast<int>(I) / 2 + N / 2 + (I % 2 ? N : 0))...));
}

// The 16 matrix products of kPieces pieces of an image starting at q, and their results.
void correlate_pieces(const Correlation& c, const float* planes, const float* kernels, const float* bias, int64_t q,
                      float* work, float* y) {
  const PackedGemm& gemm = packed_gemm_kernels.of_float;
  const Planes layout = c.planes();
  const int64_t plane = layout.phase_size(), columns = gemm.columns;
  const int64_t count = min(kPieces, c.pieces() - q), width = ceil_div(count, N) * N;
  float *const sources = work, *const results = work + kProducts * c.sources * kPieces;
  for (int64_t s = 0; s < c.sources; ++s)
    for (int64_t at = 0; at < width; at += N) {
      V v[4][4];
      load_pieces(planes + s * layout.channel_size(), plane, c.pitch(), q + at, v);
      transform_source(v);
      float* to = sources + (at / columns * c.sources + s) * columns + at % columns;
      for (int e = 0; e < kProducts; ++e) store(to + e * c.sources * kPieces, v[e / 4][e % 4]);
    }
  PackedBlock g{c.targets, width, c.sources};
  g.a_sliver = gemm.rows * c.sources;
  g.a_row = c.sources;
  g.a_column = 1;
  g.b_sliver = columns * c.sources;
  g.b_row = columns;
  g.alpha = 1;
  g.c_row = kPieces;
  g.c_column = 1;
  for (int e = 0; e < kProducts; ++e) {
    g.a = kernels + e * c.targets * c.sources;
    g.b = sources + e * c.sources * kPieces;
    g.c = results + e * c.targets * kPieces;
    gemm.multiply(g);
  }
  for (int64_t k = 0; k < c.targets; ++k) {
    alignas(64) float lines[2][2 * kPieces];
    const V start = V{} + (bias ? bias[k] : 0.0f);
    for (int64_t at = 0; at < width; at += N) {
      V m[4][4], r[2][2];
      for (int e = 0; e < kProducts; ++e) m[e / 4][e % 4] = load(results + (e * c.targets + k) * kPieces + at);
      transform_result(m, r);
      for (int a = 0; a < 2; ++a)
        interleave(r[a][0] + start, r[a][1] + start, lines[a] + 2 * at, std::make_index_sequence<N>());
    }
    store_pieces(c, lines, q, count, y + k * c.out[0] * c.out[1]);
  }
}

void correlate(const Correlation& c, const float* x, const float* kernels, const float* bias, float* y) {
  const Planes layout = c.planes();
  const int64_t image = c.sources * layout.channel_size(), images = c.chunk(layout.channel_size());
  const int64_t slack = kPieces + N;
  const int64_t work = kProducts * (c.sources + c.targets) * kPieces;
  Workspace<float> planes(images * image + slack), works(work * num_threads());
  std::memset(planes.data + images * image, 0, static_cast<size_t>(slack) * sizeof(float));
  for (int64_t n = 0; n < c.batch; n += images) {
    const int64_t now = min(images, c.batch - n);
    prepare(layout, now * c.sources, x + n * c.sources * c.in[0] * c.in[1], planes.data);
    const int64_t blocks = ceil_div(c.pieces(), kPieces);
    share_out(now * blocks, [&](int64_t worker, int64_t item) {
      const int64_t i = item / blocks;
      correlate_pieces(c, planes.data + i * image, kernels, bias, item % blocks * kPieces, works.data + worker * work,
                       y + (n + i) * c.targets * c.out[0] * c.out[1]);
    });
  }
}

Correlation forward_correlation(const ConvShape& s) {
  return {s.batch, s.in_channels, s.out_channels, {s.in[1], s.in[2]}, {s.out[1], s.out[2]}, {s.pad[1], s.pad[2]}};
}

}  // namespace

bool winograd_takes(const ConvShape& s) {
  if (s.in[0] != 1 || s.out[0] != 1 || s.kernel[0] != 1 || s.groups != 1) return false;
  for (int d = 1; d < 3; ++d)
    if (s.kernel[d] != 3 || s.stride[d] != 1 || s.dilation[d] != 1 || s.pad[d] < 0 || s.pad[d] > 2) return false;
  // Worth it (measured): enough channels to pay for the transforms, enough pieces to pay for the kernels' and to meet
  // them again while they are in a cache, and few pieces that are no outputs.
  constexpr int64_t kChannels = 64, kOutputs = 400;
  const Correlation c = forward_correlation(s);
  if (s.in_channels < kChannels || s.out_channels < kChannels || s.out[1] * s.out[2] < kOutputs) return false;
  return s.out[1] * s.out[2] >= 3 * ceil_div(c.pieces(), N) * N;
}

void winograd_forward(const ConvShape& s, const float* x, const float* weight, const float* bias, float* y) {
  const Correlation c = forward_correlation(s);
  Workspace<float> kernels(kProducts * c.targets * c.sources);
  transform_kernels(c, weight, c.sources * 9, 9, false, kernels.data);
  correlate(c, x, kernels.data, bias, y);
}

void winograd_grad_input(const ConvShape& s, const float* dy, const float* weight, const float* bias, float* dx) {
  const Correlation c{
      s.batch, s.out_channels, s.in_channels, {s.out[1], s.out[2]}, {s.in[1], s.in[2]}, {2 - s.pad[1], 2 - s.pad[2]}};
  Workspace<float> kernels(kProducts * c.targets * c.sources);
  transform_kernels(c, weight, 9, c.targets * 9, true, kernels.data);
  correlate(c, dy, kernels.data, bias, dx);
}

}  // namespace facula::cpu::FACULA_ISA
