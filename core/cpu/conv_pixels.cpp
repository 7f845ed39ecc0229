// Convolution as a product of matrices that are never made: see Note [Pixels]. Refuses groups and float64, which
// conv.cpp computes.
//
// Note [Pixels]: the source is copied once, padded, with its channels innermost, so that neighbouring taps of a window
// are one run of numbers. A register tile is some positions times some vectors of target channels: each step reads the
// weights of one source channel and tap as vectors, and one number of the source at each position. The stride only
// moves where a position's window begins, and positions are numbered through all images, so that small images fill the
// tile. The gradient to the input is, for each phase of its own positions, such a product over the output's gradient.
// That to the weight has runs of the window in place of positions, and sums over positions.
#include "cpu/conv_pixels.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "cpu/conv_planes.h"
#include "cpu/gemm_vector.h"
#include "runtime/parallel.h"

namespace facula::cpu::FACULA_ISA {
namespace {

using V = Vector<float>;
constexpr int N = kLanes<float>;
#if defined(__AVX512F__)
constexpr int kMostVectors = 4;                            // of target channels in a tile
constexpr int tile_rows(int w) { return w == 4 ? 6 : 8; }  // its sums are at most 24 of 32 registers
#else
constexpr int kMostVectors = 3;
constexpr int tile_rows(int w) { return w == 3 ? 4 : w == 2 ? 6 : 8; }  // 12 of 16
#endif
constexpr int64_t kBlock = 48;                            // positions computed before they are stored: whole tiles
constexpr int64_t kDeep = 2048, kDeepBlock = 4 * kBlock;  // numbers of a window whose weights are met more than once
constexpr int64_t kSteps = 256;      // a sum of so many products is added to the result, for the sake of rounding
constexpr int64_t kGrain = 1 << 14;  // numbers moved that are worth a second thread

// ---- transposition ------------------------------------------------------------------------------------------------

// Four lines of L numbers, transposed in registers and stored by fours.
template <int L>
struct Square {
  typedef float Part __attribute__((vector_size(L * sizeof(float))));
  typedef float Quad __attribute__((vector_size(4 * sizeof(float))));
  static constexpr auto lanes = std::make_index_sequence<L>();
  static Part load(const float* p) {
    Part part;
    std::memcpy(&part, p, sizeof part);
    return part;
  }
  // Quarter by quarter (a0 b0 a1 b1), or with the high halves.
  template <bool kHigh, size_t... I>
  static Part interleave(Part a, Part b, std::index_sequence<I...>) {
    return __builtin_shufflevector(a, b,
                                   (static_cast<int>(I / 4 * 4 + I % 4 / 2 + (kHigh ? 2 : 0) + (I % 2 ? L : 0)))...);
  }
  // (a0 a1 b0 b1), or (a2 a3 b2 b3).
  template <bool kHigh, size_t... I>
  static Part join(Part a, Part b, std::index_sequence<I...>) {
    return __builtin_shufflevector(a, b,
                                   (static_cast<int>(I / 4 * 4 + I % 2 + (kHigh ? 2 : 0) + (I % 4 >= 2 ? L : 0)))...);
  }
  template <size_t kAt>
  static void store_quad(float* to, Part v) {
    constexpr int at = static_cast<int>(4 * kAt);
    const Quad quad = __builtin_shufflevector(v, v, at, at + 1, at + 2, at + 3);
    std::memcpy(to, &quad, sizeof quad);
  }
  template <class To, size_t... Q>
  static void store(To to, const Part (&r)[4], std::index_sequence<Q...>) {
    ((store_quad<Q>(to(4 * Q), r[0]), store_quad<Q>(to(4 * Q + 1), r[1]), store_quad<Q>(to(4 * Q + 2), r[2]),
      store_quad<Q>(to(4 * Q + 3), r[3])),
     ...);
  }
  // to(j)[i] = from(i)[j]
  template <class From, class To>
  static void run(From from, To to) {
    const Part x[4] = {load(from(0)), load(from(1)), load(from(2)), load(from(3))};
    const Part low = interleave<false>(x[0], x[1], lanes), low2 = interleave<false>(x[2], x[3], lanes);
    const Part high = interleave<true>(x[0], x[1], lanes), high2 = interleave<true>(x[2], x[3], lanes);
    store(to,
          {join<false>(low, low2, lanes), join<true>(low, low2, lanes), join<false>(high, high2, lanes),
           join<true>(high, high2, lanes)},
          std::make_index_sequence<L / 4>());
  }
};

template <int L, class From, class To>
inline void transpose_squares(int64_t m, int64_t n, From from, To to) {
  for (int64_t j = 0; j < n; j += L)
    for (int64_t i = 0; i < m; i += 4) {  // the last squares overlap those before
      const int64_t row = min(i, m - 4), column = min(j, n - L);
      Square<L>::run([=](int64_t k) { return from(row + k, column); }, [=](int64_t k) { return to(column + k) + row; });
    }
}

// to(j)[i] = *from(i, j) for i < m, j < n.
template <class From, class To>
inline void transpose(int64_t m, int64_t n, From from, To to) {
  if (m < 4 || n < 4) {
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j) to(j)[i] = *from(i, j);
    return;
  }
  if (N == 16 && n >= 16) return transpose_squares<N>(m, n, from, to);
  n >= 8 ? transpose_squares<8>(m, n, from, to) : transpose_squares<4>(m, n, from, to);
}

// ---- the source ---------------------------------------------------------------------------------------------------

// A padded image [extent...][channels].
struct Image {
  int64_t channels, in[3], low[3], extent[3];  // low: padding in front; negative crops
  int64_t size() const { return volume(extent) * channels; }
  int64_t at(int64_t a, int64_t b, int64_t c) const { return ((a * extent[1] + b) * extent[2] + c) * channels; }
};

// Row `row` of all rows of the image.
void lay_out_row(const Image& g, int64_t row, const float* x, float* to) {
  const int64_t width = g.extent[2], i = row / g.extent[1] - g.low[0], j = row % g.extent[1] - g.low[1];
  to += row * width * g.channels;
  const bool inside = i >= 0 && i < g.in[0] && j >= 0 && j < g.in[1];
  const int64_t low = inside ? min(width, max(0, g.low[2])) : 0;
  const int64_t high = inside ? max(low, min(width, g.in[2] + g.low[2])) : 0;
  const size_t pixel = static_cast<size_t>(g.channels) * sizeof(float);
  std::memset(to, 0, static_cast<size_t>(low) * pixel);
  std::memset(to + high * g.channels, 0, static_cast<size_t>(width - high) * pixel);
  if (low == high) return;
  const float* const from = x + (i * g.in[1] + j) * g.in[2] + low - g.low[2];
  float* const first = to + low * g.channels;
  const int64_t line = volume(g.in);
  transpose(
      g.channels, high - low,
      [=](int64_t c, int64_t p) {
        __builtin_prefetch(from + c * line + p + 2 * g.in[2]);  // rows are too far apart to be fetched ahead unasked
        return from + c * line + p;
      },
      [=](int64_t p) { return first + p * g.channels; });
}

void lay_out(const Image& g, int64_t images, const float* x, float* to) {
  const int64_t rows = g.extent[0] * g.extent[1], source = g.channels * volume(g.in);
  parallel_for(images * rows, kGrain / (g.extent[2] * g.channels) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) lay_out_row(g, i % rows, x + i / rows * source, to + i / rows * g.size());
  });
}

// Numbers of a window that lie side by side.
struct Run {
  int64_t offset, length;
};

// The taps of a window in the order of memory.
struct Taps {
  std::vector<int64_t> index;  // within the kernel
  std::vector<Run> runs;
  int64_t depth = 0;  // numbers of a window
  void add(int64_t offset, int64_t channels, int64_t tap) {
    index.push_back(tap);
    depth += channels;
    for (int64_t end = offset + channels, length; offset < end; offset += length) {
      const bool follows = !runs.empty() && runs.back().offset + runs.back().length == offset;
      if (!follows || runs.back().length == kSteps) runs.push_back({offset, 0});
      length = min(end - offset, kSteps - runs.back().length);
      runs.back().length += length;
    }
  }
};

Image forward_image(const ConvShape& s) {
  Image g;
  g.channels = s.in_channels;
  for (int d = 0; d < 3; ++d) {
    g.in[d] = s.in[d];
    g.low[d] = s.pad[d];
    g.extent[d] = (s.out[d] - 1) * s.stride[d] + (s.kernel[d] - 1) * s.dilation[d] + 1;
  }
  return g;
}
Taps forward_taps(const ConvShape& s, const Image& g) {
  Taps taps;
  for (int64_t i = 0, tap = 0; i < s.kernel[0]; ++i)
    for (int64_t j = 0; j < s.kernel[1]; ++j)
      for (int64_t k = 0; k < s.kernel[2]; ++k, ++tap)
        taps.add(g.at(i * s.dilation[0], j * s.dilation[1], k * s.dilation[2]), g.channels, tap);
  return taps;
}
// Where the windows of an image begin.
std::vector<int64_t> forward_windows(const ConvShape& s, const Image& g) {
  std::vector<int64_t> at;
  at.reserve(static_cast<size_t>(volume(s.out)));
  for (int64_t i = 0; i < s.out[0]; ++i)
    for (int64_t j = 0; j < s.out[1]; ++j)
      for (int64_t k = 0; k < s.out[2]; ++k) at.push_back(g.at(i * s.stride[0], j * s.stride[1], k * s.stride[2]));
  return at;
}

// Target channels are cut into slivers of at most kMostVectors, as equal as can be.
struct Slivers {
  int64_t vectors, count;
  explicit Slivers(int64_t targets) : vectors(ceil_div(targets, N)), count(ceil_div(vectors, kMostVectors)) {}
  int64_t first(int64_t sliver) const { return (sliver * (vectors / count) + min(sliver, vectors % count)) * N; }
  int64_t width(int64_t sliver) const { return (vectors / count + (sliver < vectors % count)) * N; }
  int64_t lanes() const { return vectors * N; }
};

// ---- the tile of positions ----------------------------------------------------------------------------------------

struct TileArgs {
  const float* source;
  const int64_t* at;  // of each position's window
  int rows;           // positions that exist
  const Run* runs;
  const Run* runs_end;
  const float* weights;  // [window][vectors]
  const float* start;    // what the sums start with; null: what they are
  float* out;            // [position][vectors]
};

constexpr int kAhead = 16;  // steps of weights: hides the second cache level

template <int R, int W>
void tile(const TileArgs& a) {
  const float* row[R];
  for (int r = 0; r < R; ++r) row[r] = a.source + a.at[r < a.rows ? r : 0];
  const float *weights = a.weights, *start = a.start;
  const Run* run = a.runs;
  do {  // without any run the sums are what they start with
    V sum[R * W];
#pragma GCC unroll 24
    for (int i = 0; i < R * W; ++i) sum[i] = V{};
    int64_t steps = 0;
    for (; run < a.runs_end && (steps == 0 || steps + run->length <= kSteps); steps += run++->length)
      for (int64_t p = run->offset, end = p + run->length; p < end; ++p, weights += W * N) {
        V v[W];
        for (int w = 0; w < W; ++w) {
          v[w] = load(weights + w * N);
          if (w * kLaneBytes % 64 == 0) __builtin_prefetch(weights + (kAhead * W + w) * N);
        }
#pragma GCC unroll 24
        for (int r = 0; r < R; ++r) {
          const float x = row[r][p];
          for (int w = 0; w < W; ++w) sum[r * W + w] += v[w] * x;
        }
      }
#pragma GCC unroll 24
    for (int i = 0; i < R * W; ++i) store(a.out + i * N, load(start ? start + i % W * N : a.out + i * N) + sum[i]);
    start = nullptr;
  } while (run < a.runs_end);
}

struct TileKind {
  int rows;
  void (*run)(const TileArgs&);
};
inline TileKind tile_of(int64_t lanes) {
  switch (lanes / N) {
    case 1: return {tile_rows(1), tile<tile_rows(1), 1>};
    case 2: return {tile_rows(2), tile<tile_rows(2), 2>};
    case 3: return {tile_rows(3), tile<tile_rows(3), 3>};
    default: return {tile_rows(kMostVectors), tile<tile_rows(kMostVectors), kMostVectors>};
  }
}

// ---- a sum over windows -------------------------------------------------------------------------------------------

// The positions of one phase of the result.
struct Windows {
  Taps taps;
  std::vector<int64_t> from, to;  // of each position: its window in the image, its place in a channel of the result
  int64_t weights = 0;            // offset of its packed weights
};

struct Product {
  int64_t batch, targets, image, channel;  // elements of an image of the source, and of a channel of the result
  const float *source, *weights, *start;
  float* result;
};

// Results [position][lanes] of `count` positions to their places. Channels may lie a multiple of 4 KiB apart, where few
// lines fit into the first cache level at a time: each line is written once.
void store_block(const Product& p, const float* block, int64_t width, int64_t first, const int64_t* to, int64_t count) {
  alignas(64) float lines[N * (kBlock + N)];
  for (int64_t lane = 0; lane < width; lane += N) {
    const float* const from = block + lane;
    transpose(
        ceil_div(count, 4) * 4, N, [=](int64_t k, int64_t j) { return from + k * width + j; },
        [&](int64_t k) { return lines + k * kBlock; });
    const int64_t targets = min(N, p.targets - first - lane);
    float* const y = p.result + (first + lane) * p.channel;
    for (int64_t i = 0, run; i < count; i += run) {
      for (run = 1; i + run < count && to[i + run] == to[i] + run;) ++run;
      for (int64_t k = 0; k < targets; ++k) {
        float* const place = y + k * p.channel + to[i];
        const float* const line = lines + k * kBlock + i;
        for (int64_t j = 0; j < run; j += N) store_up_to(place + j, Vec<float>(load(line + j)), run - j);
      }
    }
  }
}

// Where the results of a block are to go is fetched to the second level, a share with each tile: see store_block.
void prefetch_results(const float* y, int64_t channel, int64_t begin, int64_t end, const int64_t* to, int64_t count) {
  for (int64_t k = begin; k < end; ++k)
    for (int64_t j = 0; j < count; j += N) __builtin_prefetch(y + k * channel + to[j], 1, 2);
}

// A sliver of `count` positions from `first`. Deep windows are cut into parts whose weights stay within L2.
void compute_block(const Product& p, const Windows& w, int64_t lane, int64_t width, int64_t first, int64_t count) {
  alignas(64) float block[kDeepBlock * kMostVectors * N];
  int64_t at[kDeepBlock], to[kDeepBlock];
  const int64_t positions = static_cast<int64_t>(w.from.size());
  for (int64_t i = 0, image = first / positions, position = first % positions; i < count; ++i) {
    at[i] = image * p.image + w.from[static_cast<size_t>(position)];
    to[i] = image * p.targets * p.channel + w.to[static_cast<size_t>(position)];
    if (++position == positions) position = 0, ++image;
  }
  const TileKind kind = tile_of(width);
  const int64_t targets = min(width, p.targets - lane), share = ceil_div(targets * kind.rows, count);
  const Run *run = w.taps.runs.data(), *const end = run + w.taps.runs.size();
  const float *weights = p.weights + w.weights + lane * w.taps.depth, *start = p.start + lane;
  do {
    const Run* last = run;
    int64_t depth = 0;
    while (last < end && depth < kDeep) depth += last++->length;
    for (int64_t i = 0, k = 0; i < count; i += kind.rows, k += share) {
      if (start) prefetch_results(p.result + lane * p.channel, p.channel, k, min(targets, k + share), to, count);
      kind.run({p.source, at + i, static_cast<int>(min(kind.rows, count - i)), run, last, weights, start,
                block + i * width});
    }
    run = last;
    weights += depth * width;
    start = nullptr;
  } while (run < end);
  for (int64_t i = 0; i < count; i += kBlock)
    store_block(p, block + i * width, width, lane, to + i, min(kBlock, count - i));
}

// All blocks of a sliver follow each other, while its weights are in L2.
void compute(const Product& p, const std::vector<Windows>& windows) {
  const Slivers slivers(p.targets);
  std::vector<int64_t> items(1, 0);  // the first of each phase
  auto side = [](const Windows& w) { return w.taps.depth > kDeep ? kDeepBlock : kBlock; };
  for (const Windows& w : windows)
    items.push_back(items.back() + slivers.count * ceil_div(p.batch * static_cast<int64_t>(w.from.size()), side(w)));
  share_out(items.back(), [&](int64_t, int64_t item) {
    const size_t k = static_cast<size_t>(std::upper_bound(items.begin(), items.end(), item) - items.begin() - 1);
    const int64_t all = p.batch * static_cast<int64_t>(windows[k].from.size());
    const int64_t most = side(windows[k]), blocks = ceil_div(all, most);
    const int64_t sliver = (item - items[k]) / blocks, first = (item - items[k]) % blocks * most;
    compute_block(p, windows[k], slivers.first(sliver), slivers.width(sliver), first, min(most, all - first));
  });
}

// Images are laid out and computed so many at a time that they stay within L2 and use the weights they bring there, by
// one thread where there are enough of them: what one thread lays out another would read from the first one's cache.
struct Chunks {
  int64_t batch, images, count, workers;
  Chunks(int64_t batch, int64_t image, int64_t positions) : batch(batch) {
    constexpr int64_t kElements = 1 << 16;  // 256 KiB
    images = min(ceil_div(batch, num_threads()), max(ceil_div(kDeepBlock, positions), kElements / (image + 1)));
    count = ceil_div(batch, images);
    const bool enough = count % num_threads() == 0 || count >= 4 * num_threads();
    workers = enough ? min(count, num_threads()) : 1;
  }
  // body(worker, first, images); where one thread calls it, it may be parallel itself.
  template <class F>
  void each(F&& body) const {
    auto one = [&](int64_t worker, int64_t i) { body(worker, i * images, min(images, batch - i * images)); };
    if (workers > 1) return share_out(count, one);
    for (int64_t i = 0; i < count; ++i) one(0, i);
  }
};

// What the sums of all lanes start with.
void fill_start(const float* bias, int64_t targets, int64_t lanes, float* start) {
  for (int64_t i = 0; i < lanes; ++i) start[i] = bias && i < targets ? bias[i] : 0.0f;
}

// ---- forward ------------------------------------------------------------------------------------------------------

// Rows of the packed weights, in the order of the kernel's memory [channel][tap].
std::vector<int64_t> kernel_order(const Taps& taps, int64_t channels) {
  const int64_t count = static_cast<int64_t>(taps.index.size());
  std::vector<int64_t> row(static_cast<size_t>(count * channels));
  for (int64_t t = 0; t < count; ++t)
    for (int64_t c = 0; c < channels; ++c) row[static_cast<size_t>(c * count + taps.index[t])] = t * channels + c;
  return row;
}

// Calls body(first target, lanes, targets, begin, end) for parts of the slivers' windows.
template <class F>
void each_part(const Slivers& slivers, int64_t targets, int64_t depth, F&& body) {
  constexpr int64_t kPart = 256;
  const int64_t parts = ceil_div(depth, kPart);
  parallel_for(slivers.count * parts, kGrain / (kPart * slivers.width(0)) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t sliver = i / parts, from = i % parts * kPart, first = slivers.first(sliver);
      const int64_t width = slivers.width(sliver);
      body(first, width, min(width, targets - first), from, min(depth, from + kPart));
    }
  });
}

void pack_forward(const Taps& taps, const ConvShape& s, const float* weight, float* to) {
  const Slivers slivers(s.out_channels);
  const int64_t depth = taps.depth;
  const std::vector<int64_t> rows = kernel_order(taps, s.in_channels);
  if (s.out_channels < slivers.lanes())
    std::memset(to, 0, static_cast<size_t>(slivers.lanes() * depth) * sizeof(float));
  each_part(slivers, s.out_channels, depth,
            [&](int64_t first, int64_t width, int64_t targets, int64_t begin, int64_t end) {
              const float* const from = weight + first * depth + begin;
              float* const out = to + first * depth;
              const int64_t* const row = rows.data() + begin;
              transpose(
                  targets, end - begin, [=](int64_t o, int64_t q) { return from + o * depth + q; },
                  [=](int64_t q) { return out + row[q] * width; });
            });
}

}  // namespace

void pixels_forward(const ConvShape& s, const float* x, const float* weight, const float* bias, float* y) {
  const Image image = forward_image(s);
  std::vector<Windows> windows(1);
  Windows& w = windows[0];
  w.taps = forward_taps(s, image);
  w.from = forward_windows(s, image);
  for (int64_t i = 0; i < volume(s.out); ++i) w.to.push_back(i);
  const Slivers slivers(s.out_channels);
  const int64_t channel = volume(s.out);
  const Chunks chunks(s.batch, image.size(), channel);
  const int64_t own = chunks.images * image.size();
  Workspace<float> source(chunks.workers * own), packed(slivers.lanes() * w.taps.depth), start(slivers.lanes());
  pack_forward(w.taps, s, weight, packed.data);
  fill_start(bias, s.out_channels, slivers.lanes(), start.data);
  chunks.each([&](int64_t worker, int64_t first, int64_t images) {
    float* const laid_out = source.data + worker * own;
    lay_out(image, images, x + first * s.in_channels * volume(s.in), laid_out);
    compute({images, s.out_channels, image.size(), channel, laid_out, packed.data, start.data,
             y + first * s.out_channels * channel},
            windows);
  });
}

// ---- gradient to the input ----------------------------------------------------------------------------------------
namespace {

// dy padded for all phases.
Image gradient_image(const ConvShape& s) {
  Image g;
  g.channels = s.out_channels;
  for (int d = 0; d < 3; ++d) {
    int64_t low = INT64_MIN, high = 0;  // the first and last position read, of dy
    for (int64_t r = 0; r < s.stride[d]; ++r) {
      const Phase phase(s, d, r);
      if (phase.count == 0) continue;
      low = max(low, phase.reach - phase.first);
      high = max(high, phase.first + phase.count);
    }
    g.in[d] = s.out[d];
    g.low[d] = low;
    g.extent[d] = high + low;
  }
  return g;
}

using Phases = std::vector<std::array<Phase, 3>>;
Phases phases_of(const ConvShape& s) {
  Phases all;
  for (int64_t i = 0; i < s.stride[0]; ++i)
    for (int64_t j = 0; j < s.stride[1]; ++j)
      for (int64_t k = 0; k < s.stride[2]; ++k) all.push_back({Phase{s, 0, i}, Phase{s, 1, j}, Phase{s, 2, k}});
  return all;
}

// The windows of a phase, whose results follow those of the phases before.
Windows phase_windows(const ConvShape& s, const Image& g, const std::array<Phase, 3>& phase, int64_t base) {
  Windows w;
  int64_t begin[3];
  for (int d = 0; d < 3; ++d) begin[d] = phase[d].first + g.low[d] - phase[d].reach;  // the first window
  for (int64_t i = 0; i < phase[0].count; ++i)
    for (int64_t j = 0; j < phase[1].count; ++j)
      for (int64_t k = 0; k < phase[2].count; ++k) {
        w.from.push_back(g.at(begin[0] + i, begin[1] + j, begin[2] + k));
        w.to.push_back(base++);
      }
  for (int64_t flat = volume(s.kernel) - 1; flat >= 0; --flat) {
    const int64_t tap[3] = {flat / s.kernel[2] / s.kernel[1] * s.dilation[0],
                            flat / s.kernel[2] % s.kernel[1] * s.dilation[1], flat % s.kernel[2] * s.dilation[2]};
    int64_t at[3];
    bool touches = true;
    for (int d = 0; d < 3; ++d) {
      touches = touches && tap[d] % s.stride[d] == phase[d].r;
      at[d] = phase[d].reach - tap[d] / s.stride[d];
    }
    if (touches) w.taps.add(g.at(at[0], at[1], at[2]), g.channels, flat);
  }
  return w;
}

void pack_turned(const Taps& taps, const ConvShape& s, const float* weight, float* to) {
  const Slivers slivers(s.in_channels);
  const int64_t kernel = volume(s.kernel), count = static_cast<int64_t>(taps.index.size());
  for (int64_t i = 0; i < slivers.count; ++i) {
    const int64_t first = slivers.first(i), width = slivers.width(i), targets = min(width, s.in_channels - first);
    float* const out = to + first * taps.depth;
    parallel_for(s.out_channels, kGrain / (width * count + 1) + 1, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o)
        for (int64_t t = 0; t < count; ++t) {
          const float* from = weight + (o * s.in_channels + first) * kernel + taps.index[static_cast<size_t>(t)];
          float* row = out + (t * s.out_channels + o) * width;
          for (int64_t c = 0; c < targets; ++c) row[c] = from[c * kernel];
          for (int64_t c = targets; c < width; ++c) row[c] = 0;
        }
    });
  }
}

template <size_t... I>
inline Vec<float> woven(Vec<float> a, Vec<float> b, int high, std::index_sequence<I...>) {
  constexpr int W = Vec<float>::width;
  return Vec<float>(high ? __builtin_shufflevector(a.v, b.v, (W / 2 + static_cast<int>(I) / 2 + (I % 2 ? W : 0))...)
                         : __builtin_shufflevector(a.v, b.v, (static_cast<int>(I) / 2 + (I % 2 ? W : 0))...));
}
// to[2 i] = even[i], to[2 i + 1] = odd[i]
inline void weave(int64_t n, const float* even, const float* odd, float* to) {
  constexpr int64_t W = Vec<float>::width;
  constexpr auto lanes = std::make_index_sequence<Vec<float>::width>();
  for (int64_t i = 0; i < n; i += 2 * W) {
    const int64_t left = n - i;
    const Vec<float> a = load_up_to(even + i / 2, (left + 1) / 2, 0.0f), b = load_up_to(odd + i / 2, left / 2, 0.0f);
    store_up_to(to + i, woven(a, b, 0, lanes), left);
    if (left > W) store_up_to(to + i + W, woven(a, b, 1, lanes), left - W);
  }
}

// One channel of dx from its phases, which lie one behind the other.
void join_phases(const ConvShape& s, const Phases& phases, const float* from, float* to) {
  const int64_t width = s.in[2];
  const float* even = from;  // of two columns, what the phase before computed
  for (const std::array<Phase, 3>& phase : phases) {
    const int64_t count = phase[2].count, column = phase[2].first * s.stride[2] + phase[2].r - s.pad[2];
    const float* before = even;
    even = from;
    for (int64_t i = 0; i < phase[0].count; ++i)
      for (int64_t j = 0; j < phase[1].count; ++j, from += count) {
        const int64_t depth = (phase[0].first + i) * s.stride[0] + phase[0].r - s.pad[0];
        const int64_t row = (phase[1].first + j) * s.stride[1] + phase[1].r - s.pad[1];
        float* const line = to + (depth * s.in[1] + row) * width;
        if (s.stride[2] != 2) {
          for (int64_t k = 0; k < count; ++k) line[column + k * s.stride[2]] = from[k];
        } else if (phase[2].r == 1) {
          column == 0 ? weave(width, from, before, line) : weave(width, before, from, line);
          before += width - count;
        }
      }
  }
}

}  // namespace

void pixels_grad_input(const ConvShape& s, const float* dy, const float* weight, const float* bias, float* dx) {
  const Image image = gradient_image(s);
  const Slivers slivers(s.in_channels);
  std::vector<Windows> windows;
  int64_t depth = 0, base = 0;
  const Phases phases = phases_of(s);
  for (const std::array<Phase, 3>& phase : phases) {
    windows.push_back(phase_windows(s, image, phase, base));
    windows.back().weights = depth * slivers.lanes();
    depth += windows.back().taps.depth;
    base += phase[0].count * phase[1].count * phase[2].count;
  }
  const bool one_phase = windows.size() == 1;
  const int64_t channel = volume(s.in), size = s.in_channels * channel;
  const Chunks chunks(s.batch, one_phase ? image.size() : image.size() + size, channel);
  const int64_t own = chunks.images * image.size(), own_planes = one_phase ? 0 : chunks.images * size;
  Workspace<float> source(chunks.workers * own), planes(chunks.workers * own_planes), packed(slivers.lanes() * depth),
      start(slivers.lanes());
  for (const Windows& w : windows) pack_turned(w.taps, s, weight, packed.data + w.weights);
  fill_start(bias, s.in_channels, slivers.lanes(), start.data);
  chunks.each([&](int64_t worker, int64_t first, int64_t images) {
    float *const laid_out = source.data + worker * own, *const to = dx + first * size;
    float* const result = one_phase ? to : planes.data + worker * own_planes;
    lay_out(image, images, dy + first * s.out_channels * volume(s.out), laid_out);
    compute({images, s.in_channels, image.size(), channel, laid_out, packed.data, start.data, result}, windows);
    if (one_phase) return;
    parallel_for(images * s.in_channels, kGrain / channel + 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) join_phases(s, phases, result + i * channel, to + i * channel);
    });
  });
}

// ---- gradient to the weight ---------------------------------------------------------------------------------------
namespace {

struct WeightTile {
  const float* source;  // at the first number of the window
  const int64_t* at;    // of each position's window
  int64_t positions;
  int rows;
  const float* dy;  // [position][vectors]
  float* out;       // [number of the window][vectors], added to
};

template <int R, int W>
void weight_tile(const WeightTile& a) {
  V sum[R * W];
#pragma GCC unroll 24
  for (int i = 0; i < R * W; ++i) sum[i] = V{};
  const float* dy = a.dy;
  for (int64_t p = 0; p < a.positions; ++p, dy += W * N) {
    const float* x = a.source + a.at[p];
    V v[W];
    for (int w = 0; w < W; ++w) { v[w] = load(dy + w * N); }
#pragma GCC unroll 24
    for (int r = 0; r < R; ++r)
      for (int w = 0; w < W; ++w) sum[r * W + w] += v[w] * x[r];
  }
#pragma GCC unroll 24
  for (int r = 0; r < R; ++r) {
    if (r >= a.rows) break;
    for (int w = 0; w < W; ++w) {
      float* to = a.out + (r * W + w) * N;
      store(to, load(to) + sum[r * W + w]);
    }
  }
}

struct WeightTileKind {
  int rows;
  void (*run)(const WeightTile&);
};
inline WeightTileKind weight_tile_of(int64_t lanes) {
  switch (lanes / N) {
    case 1: return {tile_rows(1), weight_tile<tile_rows(1), 1>};
    case 2: return {tile_rows(2), weight_tile<tile_rows(2), 2>};
    case 3: return {tile_rows(3), weight_tile<tile_rows(3), 3>};
    default: return {tile_rows(kMostVectors), weight_tile<tile_rows(kMostVectors), kMostVectors>};
  }
}

constexpr int64_t kPositions = 64;        // positions summed at a time: their gradients stay in L1
constexpr int64_t kChunkBytes = 1 << 19;  // images at a time stay within L2
constexpr int64_t kItemRows = 48;         // of the window, whole tiles: what an item reads pays for them (measured)
constexpr int64_t kItemSteps = 1 << 13;   // steps of a tile that are an item of a thread

// dy of some images as [sliver][image, position][lanes].
void pack_gradients(const ConvShape& s, const Slivers& slivers, int64_t images, const float* dy, float* to) {
  const int64_t size = volume(s.out), all = images * size;
  parallel_for(images * slivers.count, kGrain / (size * slivers.width(0)) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t image = i / slivers.count, sliver = i % slivers.count, first = slivers.first(sliver);
      const int64_t width = slivers.width(sliver), targets = min(width, s.out_channels - first);
      const float* const from = dy + (image * s.out_channels + first) * size;
      float* const out = to + first * all + image * size * width;
      if (targets < width) std::memset(out, 0, static_cast<size_t>(size * width) * sizeof(float));
      transpose(
          targets, size,
          [=](int64_t c, int64_t p) {
            __builtin_prefetch(from + c * size + p + 2 * N);
            return from + c * size + p;
          },
          [=](int64_t p) { return out + p * width; });
    }
  });
}

struct WeightSum {
  int64_t positions;  // of all images at hand
  const int64_t* at;
  const float *source, *dy;
  float* sums;  // [sliver][window][lanes]
};

// Adds to rows [begin, end) of a sliver's sums.
void add_rows(const WeightSum& g, const Taps& taps, int64_t first, int64_t width, int64_t begin, int64_t end) {
  const WeightTileKind kind = weight_tile_of(width);
  for (int64_t p = 0; p < g.positions; p += kPositions) {
    WeightTile args;
    args.at = g.at + p;
    args.positions = min(kPositions, g.positions - p);
    args.dy = g.dy + first * g.positions + p * width;
    int64_t row = 0;
    for (const Run& run : taps.runs) {
      const int64_t from = max(0, begin - row), to = min(run.length, end - row);
      for (int64_t k = from; k < to; k += kind.rows) {
        args.source = g.source + run.offset + k;
        args.rows = static_cast<int>(min(kind.rows, to - k));
        args.out = g.sums + first * taps.depth + (row + k) * width;
        kind.run(args);
      }
      row += run.length;
    }
  }
}

}  // namespace

void pixels_grad_weight(const ConvShape& s, const float* x, const float* dy, float* dweight) {
  const Image image = forward_image(s);
  const Taps taps = forward_taps(s, image);
  const std::vector<int64_t> from = forward_windows(s, image);
  const Slivers slivers(s.out_channels);
  const int64_t size = volume(s.out), lanes = slivers.lanes(), depth = taps.depth;
  const int64_t bytes = (image.size() + size * lanes) * static_cast<int64_t>(sizeof(float));
  const int64_t chunk = min(s.batch, max(1, kChunkBytes / bytes));
  Workspace<float> source(chunk * image.size() + 8), packed(chunk * size * lanes), sums(depth * lanes);
  Workspace<int64_t> at(chunk * size);
  for (int64_t i = 0; i < chunk; ++i)
    for (int64_t k = 0; k < size; ++k) at.data[i * size + k] = i * image.size() + from[static_cast<size_t>(k)];
  std::memset(source.data + chunk * image.size(), 0, 8 * sizeof(float));  // a tile reads past the last window
  std::memset(sums.data, 0, sums.bytes);
  // an item reads all gradients of its sliver: a large image's come from beyond L2
  const int64_t rows = ceil_div(max(kItemRows, min(depth, kItemSteps * 8 / (chunk * size))), 8) * 8;
  const int64_t parts = ceil_div(depth, rows);
  for (int64_t n = 0; n < s.batch; n += chunk) {
    const int64_t images = min(chunk, s.batch - n);
    lay_out(image, images, x + n * s.in_channels * volume(s.in), source.data);
    pack_gradients(s, slivers, images, dy + n * s.out_channels * size, packed.data);
    const WeightSum sum{images * size, at.data, source.data, packed.data, sums.data};
    share_out(slivers.count * parts, [&](int64_t, int64_t item) {
      const int64_t sliver = item / parts, begin = item % parts * rows;
      add_rows(sum, taps, slivers.first(sliver), slivers.width(sliver), begin, min(depth, begin + rows));
    });
  }
  const std::vector<int64_t> order = kernel_order(taps, s.in_channels);
  each_part(slivers, s.out_channels, depth,
            [&](int64_t first, int64_t width, int64_t targets, int64_t begin, int64_t end) {
              const float* const sum = sums.data + first * depth;
              float* const to = dweight + first * depth + begin;
              const int64_t* const row = order.data() + begin;
              transpose(
                  end - begin, targets, [=](int64_t q, int64_t o) { return sum + row[q] * width + o; },
                  [=](int64_t o) { return to + o * depth; });
            });
}

// Measured: below these bounds packing the weights and laying out the source costs more than the product gains.
namespace {
bool takes(const ConvShape& s, int64_t targets, int64_t depth, int64_t positions) {
  constexpr int64_t kTargets = 32, kDepth = 64, kPositions = 512;
  return s.groups == 1 && targets >= kTargets && depth >= kDepth && s.batch * positions >= kPositions;
}
}  // namespace
bool pixels_take_forward(const ConvShape& s) {
  return volume(s.kernel) > 1 && takes(s, s.out_channels, s.in_channels * volume(s.kernel), volume(s.out));
}
bool pixels_take_input(const ConvShape& s) {
  constexpr int64_t kPhases = 64;  // each has its windows listed
  return volume(s.kernel) > 1 && volume(s.stride) <= kPhases &&
         takes(s, s.in_channels, s.out_channels * volume(s.kernel), volume(s.in));
}
bool pixels_take_weight(const ConvShape& s) { return s.groups == 1 && s.out_channels >= 16; }

}  // namespace facula::cpu::FACULA_ISA
