// Sampling at places: see grid_sample.h. For a block of points the neighbours and their weights are found once and then
// used for every channel.
#include "cpu/grid_sample.h"

#include <cmath>
#include <cstring>
#include <memory>

#include "runtime/parallel.h"

namespace facula::cpu::FACULA_ISA {
namespace {

constexpr int64_t kPoints = 128;     // points of a block
constexpr int64_t kGrain = 1 << 12;  // values worth a second thread
constexpr int kMostTaps = 16;
constexpr double kCubic = -0.75;  // Keys 1981, as PyTorch has it

// A coordinate in pixels brought inside; `slope` is the derivative, with PyTorch's choice of 0 at the border itself.
template <class T>
inline T clipped(T v, T most, T& slope) {
  slope = v > 0 && v < most ? slope : T(0);
  v = v > 0 ? v : T(0);  // NaN becomes 0
  return v < most ? v : most;
}
template <class T>
inline T reflected(T v, T low, T span, T& slope) {
  v = v - low;
  slope = v < 0 ? -slope : slope;
  v = std::fabs(v);
  const T twice = 2 * span, extra = v - std::trunc(v / twice) * twice, other = twice - extra;
  slope = extra < span ? slope : -slope;
  return (extra < other ? extra : other) + low;
}
template <class T>
inline T padded(T v, int64_t size, Beyond beyond, bool align, T& slope) {
  if (beyond == Beyond::Zeros) return v;
  if (beyond == Beyond::Reflection) {
    const T low = align ? T(0) : T(-0.5), span = static_cast<T>(align ? size - 1 : size);
    if (span == 0) return slope = 0, T(0);
    v = reflected(v, low, span, slope);
  }
  return clipped(v, static_cast<T>(size - 1), slope);
}

// Neighbours of a block of points along one dimension: their index or -1, weight, and the weight's derivative by the
// given coordinate.
template <class T>
struct Line {
  alignas(64) int32_t index[4][kPoints];
  alignas(64) T weight[4][kPoints];
  alignas(64) T slope[4][kPoints];

  static int32_t place(T v, T length) {
    const bool inside = (v >= 0) & (v < length);
    const int32_t whole = static_cast<int32_t>(inside ? v : T(0));
    return inside ? whole : -1;
  }
  // The branches are decided outside of the loop, which is then one of vectors.
  template <Sampling sampling, Beyond beyond, bool align>
  void find(int64_t size, int64_t stride, int64_t n, const T* __restrict grid) {
    const T length = static_cast<T>(size), scale = align ? (length - 1) / 2 : length / 2;
    for (int64_t p = 0; p < n; ++p) {
      const T g = grid[p * stride];
      T at = align ? (g + 1) / 2 * (length - 1) : ((g + 1) * length - 1) / 2, by = scale;
      if constexpr (sampling == Sampling::Cubic) {
        cubic<beyond, align>(size, p, at, by);
        continue;
      }
      at = padded(at, size, beyond, align, by);
      if constexpr (sampling == Sampling::Nearest) {
        index[0][p] = place(std::nearbyint(at), length);
        weight[0][p] = 1;
        slope[0][p] = 0;
      } else {
        const T low = std::floor(at);
        index[0][p] = place(low, length);
        index[1][p] = place(low + 1, length);
        weight[0][p] = low + 1 - at;
        weight[1][p] = at - low;
        slope[0][p] = -by;
        slope[1][p] = by;
      }
    }
  }
  template <Beyond beyond, bool align>
  void cubic(int64_t size, int64_t p, T at, T by) {
    const T low = std::floor(at), t = at - low, a = T(kCubic);
    auto near = [a](T x) { return ((a + 2) * x - (a + 3)) * x * x + 1; };
    auto far = [a](T x) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; };
    auto near_slope = [a](T x) { return (3 * (a + 2) * x - 2 * (a + 3)) * x; };
    auto far_slope = [a](T x) { return (3 * a * x - 10 * a) * x + 8 * a; };
    const T w[] = {far(t + 1), near(t), near(1 - t), far(2 - t)};
    const T d[] = {far_slope(t + 1), near_slope(t), -near_slope(1 - t), -far_slope(2 - t)};
    for (int k = 0; k < 4; ++k) {
      T unused = 1;
      const T v = padded(low + static_cast<T>(k - 1), size, beyond, align, unused);
      index[k][p] = place(v, static_cast<T>(size));
      weight[k][p] = w[k];
      slope[k][p] = d[k] * by;
    }
  }
  template <Sampling sampling, Beyond beyond>
  void choose_align(const GridSampling& s, int64_t size, int64_t n, const T* grid) {
    s.align_corners ? find<sampling, beyond, true>(size, s.dims, n, grid)
                    : find<sampling, beyond, false>(size, s.dims, n, grid);
  }
  template <Sampling sampling>
  void choose_beyond(const GridSampling& s, int64_t size, int64_t n, const T* grid) {
    if (s.beyond == Beyond::Zeros) choose_align<sampling, Beyond::Zeros>(s, size, n, grid);
    if (s.beyond == Beyond::Border) choose_align<sampling, Beyond::Border>(s, size, n, grid);
    if (s.beyond == Beyond::Reflection) choose_align<sampling, Beyond::Reflection>(s, size, n, grid);
  }
  void find(const GridSampling& s, int64_t size, int64_t n, const T* grid) {
    if (s.sampling == Sampling::Linear) choose_beyond<Sampling::Linear>(s, size, n, grid);
    if (s.sampling == Sampling::Nearest) choose_beyond<Sampling::Nearest>(s, size, n, grid);
    if (s.sampling == Sampling::Cubic) choose_beyond<Sampling::Cubic>(s, size, n, grid);
  }
};

// All neighbours of a block of points in the image, and the derivatives of their weights by each coordinate.
template <class T>
struct Block {
  const GridSampling& s;
  Line<T> lines[3];
  int taps = 1, each = 1;  // neighbours of a point, and along one dimension
  alignas(64) int32_t index[kMostTaps][kPoints];
  alignas(64) T weight[kMostTaps][kPoints];
  alignas(64) T slope[3][kMostTaps][kPoints];

  explicit Block(const GridSampling& s) : s(s) {
    each = s.sampling == Sampling::Linear ? 2 : s.sampling == Sampling::Nearest ? 1 : 4;
    for (int d = 0; d < s.dims; ++d) taps *= each;
  }
  void find(const T* grid, int64_t n, bool slopes) {
    for (int d = 0; d < s.dims; ++d) lines[d].find(s, s.size[d], n, grid + (s.dims - 1 - d));
    for (int k = 0; k < taps; ++k) combine(k, n, slopes);
  }
  void combine(int k, int64_t n, bool slopes) {
    int own[3], rest = k;  // which neighbour along each dimension
    for (int d = s.dims - 1; d >= 0; --d, rest /= each) own[d] = rest % each;
    int32_t* __restrict to = index[k];
    T* __restrict w = weight[k];
    std::memcpy(to, lines[0].index[own[0]], sizeof index[k]);
    std::memcpy(w, lines[0].weight[own[0]], sizeof weight[k]);
    for (int d = 1; d < s.dims; ++d) {
      const int32_t size = static_cast<int32_t>(s.size[d]), *__restrict next = lines[d].index[own[d]];
      const T* __restrict factor = lines[d].weight[own[d]];
      for (int64_t p = 0; p < n; ++p) {
        to[p] = (to[p] | next[p]) < 0 ? -1 : to[p] * size + next[p];
        w[p] *= factor[p];
      }
    }
    // As PyTorch has it: a place that is no number is outside of a volume, but makes a value of an image no number.
    for (int64_t p = 0; s.dims == 3 && p < n; ++p) w[p] = to[p] < 0 ? T(0) : w[p];
    for (int e = 0; slopes && e < s.dims; ++e) {
      T* __restrict sl = slope[e][k];
      std::memcpy(sl, lines[e].slope[own[e]], sizeof slope[e][k]);
      for (int d = 0; d < s.dims; ++d)
        for (int64_t p = 0; d != e && p < n; ++p) sl[p] *= lines[d].weight[own[d]][p];
    }
  }
  // y[p] (+)= the sum of K taps from k on.
  template <int K, bool Add>
  void sample(int k, int64_t n, const T* __restrict x, T* __restrict y) const {
    for (int64_t p = 0; p < n; ++p) {
      T sum = Add ? y[p] : T(0);
      for (int j = 0; j < K; ++j) {
        const int32_t at = index[k + j][p];
        const T v = x[at < 0 ? 0 : at];
        sum += weight[k + j][p] * (at < 0 ? T(0) : v);
      }
      y[p] = sum;
    }
  }
  void sample(int64_t n, const T* x, T* y) const {
    if (taps == 1) {
      for (int64_t p = 0; p < n; ++p) {
        const T v = x[index[0][p] < 0 ? 0 : index[0][p]];
        y[p] = index[0][p] < 0 ? T(0) : v;
      }
      return;
    }
    sample<4, false>(0, n, x, y);
    for (int k = 4; k < taps; k += 4) sample<4, true>(k, n, x, y);
  }
  void spread(int64_t n, const T* dy, T* dx) const {
    for (int64_t p = 0; p < n; ++p)
      for (int k = 0; k < taps; ++k)
        if (index[k][p] >= 0) dx[index[k][p]] += weight[k][p] * dy[p];
  }
  // sums[d][p] += dy[p] * the derivative of the sampled value by coordinate d
  template <int D>
  void derive(int64_t n, const T* __restrict x, const T* __restrict dy, T (*sums)[kPoints]) const {
    T* __restrict a = sums[0], * __restrict b = sums[1], * __restrict c = sums[2];
    for (int k = 0; k < taps; ++k)
      for (int64_t p = 0; p < n; ++p) {
        const int32_t at = index[k][p];
        const T v = x[at < 0 ? 0 : at] * dy[p];
        const T da = v * slope[0][k][p], db = v * slope[1][k][p];
        a[p] += at < 0 ? T(0) : da;
        b[p] += at < 0 ? T(0) : db;
        if constexpr (D == 3) {
          const T dc = v * slope[2][k][p];
          c[p] += at < 0 ? T(0) : dc;
        }
      }
  }
};

inline int64_t places_of(const GridSampling& s) { return s.size[0] * s.size[1] * (s.dims == 3 ? s.size[2] : 1); }
inline int64_t blocks_of(const GridSampling& s) { return (s.points + kPoints - 1) / kPoints; }

// Calls body(block, sample, first point, points) over the blocks [begin, end) of all samples.
template <class T, class F>
void each_block(const GridSampling& s, const T* grid, bool slopes, int64_t begin, int64_t end, F body) {
  const auto block = std::make_unique<Block<T>>(s);
  const int64_t blocks = blocks_of(s);
  for (int64_t i = begin; i < end; ++i) {
    const int64_t b = i / blocks, first = i % blocks * kPoints;
    const int64_t n = s.points - first < kPoints ? s.points - first : kPoints;
    block->find(grid + (b * s.points + first) * s.dims, n, slopes);
    body(*block, b, first, n);
  }
}

template <class T>
void forward(const GridSampling& s, const T* x, const T* grid, T* y) {
  const int64_t places = places_of(s);
  parallel_for(s.batch * blocks_of(s), kGrain / (kPoints * (s.channels + 4)) + 1, [&](int64_t begin, int64_t end) {
    each_block(s, grid, false, begin, end, [&](const Block<T>& block, int64_t b, int64_t first, int64_t n) {
      for (int64_t c = b * s.channels; c < (b + 1) * s.channels; ++c)
        block.sample(n, x + c * places, y + c * s.points + first);
    });
  });
}
template <class T>
void input_backward(const GridSampling& s, const T* dy, const T* grid, T* dx) {
  const int64_t places = places_of(s), blocks = blocks_of(s);
  // a thread owns channels, so that every place is summed in the order of the points
  parallel_for(s.batch * s.channels, kGrain / (s.points + places + 1) + 1, [&](int64_t begin, int64_t end) {
    std::memset(dx + begin * places, 0, static_cast<size_t>((end - begin) * places) * sizeof(T));
    const int64_t last = (end + s.channels - 1) / s.channels;
    each_block(s, grid, false, begin / s.channels * blocks, last * blocks,
               [&](const Block<T>& block, int64_t b, int64_t first, int64_t n) {
                 const int64_t from = b * s.channels > begin ? b * s.channels : begin;
                 const int64_t to = (b + 1) * s.channels < end ? (b + 1) * s.channels : end;
                 for (int64_t c = from; c < to; ++c) block.spread(n, dy + c * s.points + first, dx + c * places);
               });
  });
}
template <class T>
void grid_backward(const GridSampling& s, const T* dy, const T* x, const T* grid, T* dgrid) {
  const int64_t places = places_of(s);
  parallel_for(s.batch * blocks_of(s), kGrain / (kPoints * (s.channels + 4)) + 1, [&](int64_t begin, int64_t end) {
    each_block(s, grid, true, begin, end, [&](const Block<T>& block, int64_t b, int64_t first, int64_t n) {
      alignas(64) T sums[3][kPoints] = {};
      for (int64_t c = b * s.channels; c < (b + 1) * s.channels; ++c)
        s.dims == 2 ? block.template derive<2>(n, x + c * places, dy + c * s.points + first, sums)
                    : block.template derive<3>(n, x + c * places, dy + c * s.points + first, sums);
      T* to = dgrid + (b * s.points + first) * s.dims;
      for (int64_t p = 0; p < n; ++p)
        for (int d = 0; d < s.dims; ++d) to[p * s.dims + s.dims - 1 - d] = sums[d][p];
    });
  });
}

template <class F>
inline void with_type(DType t, F&& body) {
  if (t == DType::Float64)
    body(static_cast<double*>(nullptr));
  else
    body(static_cast<float*>(nullptr));
}
void forward_any(const GridSampling& s, const void* x, const void* grid, void* y) {
  with_type(s.dtype, [&](auto* t) {
    using P = decltype(t);
    forward(s, static_cast<const std::remove_pointer_t<P>*>(x), static_cast<const std::remove_pointer_t<P>*>(grid),
            static_cast<P>(y));
  });
}
void input_backward_any(const GridSampling& s, const void* dy, const void* grid, void* dx) {
  with_type(s.dtype, [&](auto* t) {
    using P = decltype(t);
    input_backward(s, static_cast<const std::remove_pointer_t<P>*>(dy),
                   static_cast<const std::remove_pointer_t<P>*>(grid), static_cast<P>(dx));
  });
}
void grid_backward_any(const GridSampling& s, const void* dy, const void* x, const void* grid, void* dgrid) {
  with_type(s.dtype, [&](auto* t) {
    using P = decltype(t);
    using C = const std::remove_pointer_t<P>*;
    grid_backward(s, static_cast<C>(dy), static_cast<C>(x), static_cast<C>(grid), static_cast<P>(dgrid));
  });
}

}  // namespace

KERNELS(GridSampleKernels, grid_sample_kernels) = {forward_any, input_backward_any, grid_backward_any};

}  // namespace facula::cpu::FACULA_ISA
