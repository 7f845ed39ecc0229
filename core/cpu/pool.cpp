// Pooling kernels: see pool.h. Output rows are computed in blocks of columns, one kernel tap at a time over a whole
// block, so that every tap is one vector loop whatever the kernel size.
#include "cpu/pool.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "cpu/lanes.h"
#include "cpu/reduce_fold.h"
#include "runtime/parallel.h"

namespace facula::cpu::FACULA_ISA {
namespace {

constexpr int64_t kBlock = 256;      // output columns worked on at a time; their state stays in L1
constexpr int64_t kGrain = 1 << 15;  // input elements worth a second thread

inline int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }
inline int64_t grain_for(int64_t work) { return kGrain / (work + 1) + 1; }

template <size_t Size>
struct IndexOf {
  using type = int32_t;
};
template <>
struct IndexOf<8> {
  using type = int64_t;
};

// The outputs [lo, hi) of [0, n) whose input position o * stride + shift lies in [0, in).
struct Range {
  int64_t lo, hi;
  // steps instead of dividing: only the few outputs at the edges are outside
  Range(int64_t n, int64_t in, int64_t stride, int64_t shift) : lo(0), hi(n) {
    while (lo < n && lo * stride + shift < 0) ++lo;
    while (hi > lo && (hi - 1) * stride + shift >= in) --hi;
  }
};

// ---- maximum ------------------------------------------------------------------------------------------------------

// Offsets of maxima are kept relative to the window's first row, so that 32 bits suffice beside a float.
template <class T>
struct MaxState {
  using I = typename IndexOf<sizeof(T)>::type;
  alignas(64) T best[kBlock];
  alignas(64) I at[kBlock];
};

// Steps of 1 or 2 and narrow windows take whole vectors of outputs: a row with what lies beside it is laid out in
// `staged`, so that short rows, of which networks are full, have no rest that is done number by number.
constexpr int64_t kStagedReach = 64;  // columns between the first and the last of a window

template <class T, int S, size_t... i>
LANE_OP Vec<T> load_every(const T* x, std::index_sequence<i...>) {
  if constexpr (S == 1) return load(x);
  const Vec<T> a = load(x), b = load(x + Vec<T>::width);
  return __builtin_shufflevector(a.v, b.v, 2 * static_cast<int>(i)...);
}
template <class T, int S>
inline void max_whole_taps(const PoolShape& p, int64_t n, const T* staged, int64_t first, MaxState<T>& s) {
  using I = typename MaxState<T>::I;
  constexpr int W = Vec<T>::width;
  alignas(kLaneBytes) I steps[W];
  for (int k = 0; k < W; ++k) steps[k] = static_cast<I>(k * S);
  for (int64_t o = 0; o < n; o += W) {
    Vec<T> best = load(s.best + o);
    Vec<I> at = load(s.at + o);
    for (int64_t j = 0, shift = o * S; j < p.kernel_w; ++j, shift += p.dilation_w) {
      const Vec<T> x =
          load_every<T, S>(staged + o * S + j * p.dilation_w, std::make_index_sequence<static_cast<size_t>(W)>());
      const Mask<T> better = (x > best) | (x != x);
      best = select(better, x, best);
      at = select(Mask<I>{better.m}, load(steps) + Vec<I>(first + shift), at);
    }
    store(s.best + o, best);
    store(s.at + o, at);
  }
}
template <class T>
void max_staged_row(const PoolShape& p, const T* row, int64_t left, int64_t n, int64_t first, MaxState<T>& s) {
  T staged[2 * kBlock + kStagedReach];
  constexpr int64_t W = Vec<T>::width;
  const int64_t whole = (n + W - 1) / W * W;
  const int64_t count = whole * p.stride_w + (p.kernel_w - 1) * p.dilation_w;
  const int64_t begin = min(max(-left, 0), count), end = max(min(p.in_w - left, count), begin);
  std::fill_n(staged, begin, -std::numeric_limits<T>::infinity());
  std::memcpy(staged + begin, row + left + begin, static_cast<size_t>(end - begin) * sizeof(T));
  std::fill_n(staged + end, count - end, -std::numeric_limits<T>::infinity());
  p.stride_w == 1 ? max_whole_taps<T, 1>(p, whole, staged, first + left, s)
                  : max_whole_taps<T, 2>(p, whole, staged, first + left, s);
}

template <class T>
inline void max_tap(int64_t lo, int64_t hi, int64_t stride, const T* __restrict x, int64_t first, MaxState<T>& s) {
  using I = typename MaxState<T>::I;
  for (int64_t o = lo; o < hi; ++o) {
    const T v = x[o * stride];
    const bool better = (v > s.best[o]) | (v != v);
    s.best[o] = better ? v : s.best[o];
    s.at[o] = better ? static_cast<I>(first + o * stride) : s.at[o];
  }
}

// Output columns [block, block + n) of the window row that starts at input row `top` (which may be negative).
template <class T>
void max_block(const PoolShape& p, const T* x, int64_t top, int64_t block, int64_t n, T* y, int64_t* index) {
  using I = typename MaxState<T>::I;
  MaxState<T> s;
  int64_t skipped = 0;  // taps above the plane
  if (top < 0) skipped = (-top + p.dilation_h - 1) / p.dilation_h;
  const int64_t row0 = top + skipped * p.dilation_h;
  const int64_t left = block * p.stride_w - p.pad_w;
  const bool whole = p.stride_w <= 2 && (p.kernel_w - 1) * p.dilation_w <= kStagedReach;
  const int64_t lanes = Vec<T>::width, filled = whole ? (n + lanes - 1) / lanes * lanes : n;
  for (int64_t o = 0; o < filled; ++o) {
    s.best[o] = -std::numeric_limits<T>::infinity();
    s.at[o] = static_cast<I>(left + o * p.stride_w);
  }
  for (int64_t o = 0; o < n && left + o * p.stride_w < 0; ++o)  // to the first tap inside
    while (s.at[o] < 0) s.at[o] += static_cast<I>(p.dilation_w);
  for (int64_t i = skipped; i < p.kernel_h; ++i) {
    const int64_t row = top + i * p.dilation_h;
    if (row >= p.in_h) break;
    if (whole) {
      max_staged_row(p, x + row * p.in_w, left, n, (row - row0) * p.in_w, s);
      continue;
    }
    for (int64_t j = 0; j < p.kernel_w; ++j) {
      const int64_t shift = block * p.stride_w - p.pad_w + j * p.dilation_w;
      const Range r(n, p.in_w, p.stride_w, shift);
      const T* from = x + row * p.in_w + shift;
      const int64_t first = (row - row0) * p.in_w + shift;
      max_tap(r.lo, r.hi, p.stride_w, from, first, s);
    }
  }
  std::memcpy(y, s.best, static_cast<size_t>(n) * sizeof(T));
  if (index)
    for (int64_t o = 0; o < n; ++o) index[o] = row0 * p.in_w + s.at[o];
}

// The common 2 x 2 window with stride 2 and no padding: all four taps at once. For a window of one row, the second row
// is the first again, which changes nothing.
template <class T>
void max_row_2x2(const PoolShape& p, const T* __restrict x, int64_t at, T* __restrict y, int64_t* __restrict index) {
  using I = typename MaxState<T>::I;
  const int64_t width = p.kernel_h == 2 ? p.in_w : 0;
  const I w = static_cast<I>(width);
  for (int64_t o = 0; o < p.out_w; ++o) {
    const T a = x[2 * o], b = x[2 * o + 1], c = x[width + 2 * o], d = x[width + 2 * o + 1];
    T best = a;
    I where = 0;
    bool better = (b > best) | (b != b);
    best = better ? b : best;
    where = better ? I(1) : where;
    better = (c > best) | (c != c);
    best = better ? c : best;
    where = better ? w : where;
    better = (d > best) | (d != d);
    best = better ? d : best;
    where = better ? static_cast<I>(w + 1) : where;
    y[o] = best;
    index[o] = at + 2 * o + where;
  }
}

template <class T>
void max_pool(const PoolShape& p, const T* x, T* y, int64_t* index) {
  const bool common = index && p.kernel_h <= 2 && p.kernel_w == 2 && p.stride_w == 2 && p.pad_h == 0 && p.pad_w == 0 &&
                      p.dilation_h == 1 && p.dilation_w == 1 && (p.out_h - 1) * p.stride_h + p.kernel_h <= p.in_h &&
                      2 * p.out_w <= p.in_w;
  parallel_for(p.planes * p.out_h, grain_for(p.out_w * p.kernel_h * p.kernel_w), [&](int64_t begin, int64_t end) {
    int64_t row = begin % p.out_h;
    const T* plane = x + begin / p.out_h * p.in_h * p.in_w;
    for (int64_t r = begin; r < end; ++r, ++row) {
      if (row == p.out_h) row = 0, plane += p.in_h * p.in_w;
      const int64_t top = row * p.stride_h - p.pad_h;
      if (common) {
        max_row_2x2(p, plane + top * p.in_w, top * p.in_w, y + r * p.out_w, index + r * p.out_w);
        continue;
      }
      for (int64_t o = 0; o < p.out_w; o += kBlock)
        max_block(p, plane, top, o, min(kBlock, p.out_w - o), y + r * p.out_w + o,
                  index ? index + r * p.out_w + o : nullptr);
    }
  });
}

template <class T>
void max_pool_backward(int64_t planes, int64_t in_size, int64_t out_size, const T* dy, const int64_t* index, T* dx) {
  parallel_for(planes, grain_for(in_size + out_size), [=](int64_t begin, int64_t end) {
    std::memset(dx + begin * in_size, 0, static_cast<size_t>((end - begin) * in_size) * sizeof(T));
    for (int64_t p = begin; p < end; ++p) {
      T* out = dx + p * in_size;
      // a dilated window can miss a tiny plane altogether; its index then lies outside and receives nothing
      for (int64_t i = p * out_size; i < (p + 1) * out_size; ++i)
        if (static_cast<uint64_t>(index[i]) < static_cast<uint64_t>(in_size)) out[index[i]] += dy[i];
    }
  });
}

// ---- average ------------------------------------------------------------------------------------------------------

// One dimension of one window: the part inside the input, and its length with padding.
struct Window {
  int64_t begin, end, padded;
  Window(int64_t o, int64_t in, int64_t kernel, int64_t stride, int64_t pad) {
    const int64_t first = o * stride - pad, last = min(first + kernel, in + pad);
    padded = last - first;
    begin = max(first, 0);
    end = max(begin, min(last, in));
  }
};

// The divisors of a block of output columns, in the type of the data as PyTorch divides.
template <class T>
void divisors(const PoolShape& p, const Window& h, bool include_pad, int64_t divisor, int64_t block, int64_t n,
              T* out) {
  const int64_t height = include_pad ? h.padded : h.end - h.begin;
  if (p.pad_w == 0 && (block + n - 1) * p.stride_w + p.kernel_w <= p.in_w) {  // every window is whole
    const T by = static_cast<T>(divisor ? divisor : max(height * p.kernel_w, 1));
    for (int64_t o = 0; o < n; ++o) out[o] = by;
    return;
  }
  for (int64_t o = 0; o < n; ++o) {
    const Window w(block + o, p.in_w, p.kernel_w, p.stride_w, p.pad_w);
    const int64_t count = height * (include_pad ? w.padded : w.end - w.begin);
    out[o] = static_cast<T>(divisor ? divisor : max(count, 1));  // an empty window gives 0 / 1
  }
}

template <class T, int S>
inline void add_tap(Range r, int64_t stride, const T* __restrict x, T* __restrict sum) {
  for (int64_t o = r.lo; o < r.hi; ++o) sum[o] += x[o * (S ? S : stride)];
}
template <class T, int S>
inline void spread_tap(Range r, int64_t stride, const T* __restrict d, T* __restrict x) {
  for (int64_t o = r.lo; o < r.hi; ++o) x[o * (S ? S : stride)] += d[o];
}

// The common 2 x 2 window with stride 2 and no padding: all four taps at once, added in the order of the others.
template <class T>
void avg_row_2x2(const PoolShape& p, const T* __restrict x, T by, T* __restrict y) {
  const int64_t width = p.in_w;
  for (int64_t o = 0; o < p.out_w; ++o)
    y[o] = ((((T(0) + x[2 * o]) + x[2 * o + 1]) + x[width + 2 * o]) + x[width + 2 * o + 1]) / by;
}

template <class T>
void avg_pool(const PoolShape& p, bool include_pad, int64_t divisor, const T* x, T* y) {
  const bool common = p.kernel_h == 2 && p.kernel_w == 2 && p.stride_w == 2 && p.pad_h == 0 && p.pad_w == 0 &&
                      (p.out_h - 1) * p.stride_h + 2 <= p.in_h && 2 * p.out_w <= p.in_w;
  parallel_for(p.planes * p.out_h, grain_for(p.out_w * p.kernel_h * p.kernel_w), [&](int64_t begin, int64_t end) {
    alignas(64) T sum[kBlock], by[kBlock];
    for (int64_t r = begin; r < end; ++r) {
      const T* plane = x + r / p.out_h * p.in_h * p.in_w;
      if (common) {
        avg_row_2x2(p, plane + r % p.out_h * p.stride_h * p.in_w, static_cast<T>(divisor ? divisor : 4),
                    y + r * p.out_w);
        continue;
      }
      const Window h(r % p.out_h, p.in_h, p.kernel_h, p.stride_h, p.pad_h);
      for (int64_t block = 0; block < p.out_w; block += kBlock) {
        const int64_t n = min(kBlock, p.out_w - block);
        for (int64_t o = 0; o < n; ++o) sum[o] = T(0);
        for (int64_t i = h.begin; i < h.end; ++i)
          for (int64_t j = 0; j < p.kernel_w; ++j) {
            const int64_t shift = block * p.stride_w - p.pad_w + j;
            const Range range(n, p.in_w, p.stride_w, shift);
            const T* from = plane + i * p.in_w + shift;
            if (p.stride_w == 1)
              add_tap<T, 1>(range, 1, from, sum);
            else if (p.stride_w == 2)
              add_tap<T, 2>(range, 2, from, sum);
            else
              add_tap<T, 0>(range, p.stride_w, from, sum);
          }
        divisors(p, h, include_pad, divisor, block, n, by);
        T* out = y + r * p.out_w + block;
        for (int64_t o = 0; o < n; ++o) out[o] = sum[o] / by[o];
      }
    }
  });
}

template <class T>
void avg_pool_backward(const PoolShape& p, bool include_pad, int64_t divisor, const T* dy, T* dx) {
  const int64_t in_size = p.in_h * p.in_w;
  parallel_for(p.planes, grain_for(in_size + p.out_h * p.out_w * p.kernel_h * p.kernel_w),
               [&](int64_t begin, int64_t end) {
                 alignas(64) T share[kBlock];
                 std::memset(dx + begin * in_size, 0, static_cast<size_t>((end - begin) * in_size) * sizeof(T));
                 for (int64_t r = begin * p.out_h; r < end * p.out_h; ++r) {
                   T* plane = dx + r / p.out_h * in_size;
                   const Window h(r % p.out_h, p.in_h, p.kernel_h, p.stride_h, p.pad_h);
                   for (int64_t block = 0; block < p.out_w; block += kBlock) {
                     const int64_t n = min(kBlock, p.out_w - block);
                     divisors(p, h, include_pad, divisor, block, n, share);
                     for (int64_t o = 0; o < n; ++o) share[o] = dy[r * p.out_w + block + o] / share[o];
                     for (int64_t i = h.begin; i < h.end; ++i)
                       for (int64_t j = p.kernel_w - 1; j >= 0;
                            --j) {  // downwards: an input meets its outputs from left to right
                         const int64_t shift = block * p.stride_w - p.pad_w + j;
                         const Range range(n, p.in_w, p.stride_w, shift);
                         T* to = plane + i * p.in_w + shift;
                         if (p.stride_w == 1)
                           spread_tap<T, 1>(range, 1, share, to);
                         else if (p.stride_w == 2)
                           spread_tap<T, 2>(range, 2, share, to);
                         else
                           spread_tap<T, 0>(range, p.stride_w, share, to);
                       }
                   }
                 }
               });
}

// ---- adaptive average ---------------------------------------------------------------------------------------------

// the division costs more than a small plane's sum, and most planes are averaged as a whole
inline int64_t adaptive_begin(int64_t o, int64_t in, int64_t out) { return out == 1 ? 0 : o * in / out; }
inline int64_t adaptive_end(int64_t o, int64_t in, int64_t out) {
  return out == 1 ? in : ((o + 1) * in + out - 1) / out;
}

// The first maximum of n elements, or the last NaN, joined to `best` at `at`. A long row is searched in two steps: for
// its maximum in vectors, then for the place of it.
template <class T>
inline void join_row(int64_t n, const T* x, int64_t first, T& best, int64_t& at) {
  constexpr int64_t kLong = 16;
  if (n >= kLong) {
    const T top = fold_contiguous<MaxOp>(x, n);
    if (top == top) {
      if (!(top > best)) return;
      best = top;
      for (int64_t i = 0;; ++i)
        if (x[i] == top) return void(at = first + i);
    }
  }
  for (int64_t i = 0; i < n; ++i) {
    const T v = x[i];
    if ((v > best) | (v != v)) best = v, at = first + i;
  }
}

// Begins and ends of the windows of one dimension.
struct AdaptiveWindows {
  std::vector<int64_t> begin, end;
  AdaptiveWindows(int64_t in, int64_t out) {
    for (int64_t o = 0; o < out; ++o)
      begin.push_back(adaptive_begin(o, in, out)), end.push_back(adaptive_end(o, in, out));
  }
};

template <class T>
void adaptive_max_pool(int64_t planes, const int64_t* in, const int64_t* out, const T* x, T* y, int64_t* index) {
  const int64_t all = in[0] * in[1] * in[2], width = in[2];
  const AdaptiveWindows depths(in[0], out[0]), heights(in[1], out[1]), widths(in[2], out[2]);
  auto window = [&](const T* plane, size_t i, size_t j, size_t k, T& best, int64_t& at) {
    const int64_t h0 = heights.begin[j], h1 = heights.end[j], w0 = widths.begin[k], n = widths.end[k] - w0;
    for (int64_t d = depths.begin[i]; d < depths.end[i]; ++d) {
      const int64_t first = (d * in[1] + h0) * width + w0;
      if (d == depths.begin[i]) at = first;
      if (n == width)
        join_row((h1 - h0) * width, plane + first, first, best, at);
      else
        for (int64_t h = 0; h < h1 - h0; ++h) join_row(n, plane + first + h * width, first + h * width, best, at);
    }
  };
  parallel_for(planes, grain_for(all), [&](int64_t begin, int64_t end) {
    int64_t r = begin * out[0] * out[1] * out[2];
    for (int64_t p = begin; p < end; ++p)
      for (size_t i = 0; i < depths.begin.size(); ++i)
        for (size_t j = 0; j < heights.begin.size(); ++j)
          for (size_t k = 0; k < widths.begin.size(); ++k, ++r) {
            T best = -std::numeric_limits<T>::infinity();
            int64_t at = 0;
            window(x + p * all, i, j, k, best, at);
            y[r] = best;
            index[r] = at;
          }
  });
}

// A sum in eight interleaved parts: it vectorises, and the order is the same everywhere.
template <class T>
struct Parts {
  typedef T V __attribute__((vector_size(8 * sizeof(T))));
  V part{};
  T rest = 0;
  void add(const T* x, int64_t n) {
    int64_t i = 0;
    for (V v; i + 8 <= n; i += 8) {
      std::memcpy(&v, x + i, sizeof v);
      part += v;
    }
    for (; i < n; ++i) rest += x[i];
  }
  T sum() const {
    return ((part[0] + part[4]) + (part[1] + part[5])) + ((part[2] + part[6]) + (part[3] + part[7])) + rest;
  }
};

template <class T>
void adaptive_avg_pool(int64_t planes, int64_t in_h, int64_t in_w, int64_t out_h, int64_t out_w, const T* x, T* y) {
  parallel_for(planes, grain_for(in_h * in_w), [=](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p)
      for (int64_t i = 0; i < out_h; ++i) {
        const int64_t top = adaptive_begin(i, in_h, out_h), bottom = adaptive_end(i, in_h, out_h);
        for (int64_t j = 0; j < out_w; ++j) {
          const int64_t left = adaptive_begin(j, in_w, out_w), width = adaptive_end(j, in_w, out_w) - left;
          const T* from = x + (p * in_h + top) * in_w + left;
          Parts<T> parts;
          if (width == in_w)
            parts.add(from, (bottom - top) * in_w);
          else
            for (int64_t h = top; h < bottom; ++h, from += in_w) parts.add(from, width);
          y[(p * out_h + i) * out_w + j] = parts.sum() / static_cast<T>(bottom - top) / static_cast<T>(width);
        }
      }
  });
}

template <class T>
void adaptive_avg_pool_backward(int64_t planes, int64_t in_h, int64_t in_w, int64_t out_h, int64_t out_w, const T* dy,
                                T* dx) {
  parallel_for(planes, grain_for(in_h * in_w), [=](int64_t begin, int64_t end) {
    std::memset(dx + begin * in_h * in_w, 0, static_cast<size_t>((end - begin) * in_h * in_w) * sizeof(T));
    for (int64_t p = begin; p < end; ++p)
      for (int64_t i = 0; i < out_h; ++i) {
        const int64_t top = adaptive_begin(i, in_h, out_h), bottom = adaptive_end(i, in_h, out_h);
        for (int64_t j = 0; j < out_w; ++j) {
          const int64_t left = adaptive_begin(j, in_w, out_w), right = adaptive_end(j, in_w, out_w);
          const T share = dy[(p * out_h + i) * out_w + j] / static_cast<T>(bottom - top) / static_cast<T>(right - left);
          for (int64_t h = top; h < bottom; ++h)
            for (int64_t w = left; w < right; ++w) dx[(p * in_h + h) * in_w + w] += share;
        }
      }
  });
}

// ---- by dtype -----------------------------------------------------------------------------------------------------

// Calls body with a null pointer of the element type.
template <class F>
inline void with_type(DType t, F&& body) {
  if (t == DType::Float64)
    body(static_cast<double*>(nullptr));
  else
    body(static_cast<float*>(nullptr));
}
template <class T>
inline const T* in(const void* p, T*) {
  return static_cast<const T*>(p);
}
template <class T>
inline T* out(void* p, T*) {
  return static_cast<T*>(p);
}

void max_pool_any(DType t, const PoolShape& p, const void* x, void* y, int64_t* index) {
  with_type(t, [&](auto* k) { max_pool(p, in(x, k), out(y, k), index); });
}
void max_pool_backward_any(DType t, int64_t planes, int64_t in_size, int64_t out_size, const void* dy,
                           const int64_t* index, void* dx) {
  with_type(t, [&](auto* k) { max_pool_backward(planes, in_size, out_size, in(dy, k), index, out(dx, k)); });
}
void avg_pool_any(DType t, const PoolShape& p, bool include_pad, int64_t divisor, const void* x, void* y) {
  with_type(t, [&](auto* k) { avg_pool(p, include_pad, divisor, in(x, k), out(y, k)); });
}
void avg_pool_backward_any(DType t, const PoolShape& p, bool include_pad, int64_t divisor, const void* dy, void* dx) {
  with_type(t, [&](auto* k) { avg_pool_backward(p, include_pad, divisor, in(dy, k), out(dx, k)); });
}
void adaptive_max_any(DType t, int64_t planes, const int64_t* sizes, const int64_t* wanted, const void* x, void* y,
                      int64_t* index) {
  with_type(t, [&](auto* k) { adaptive_max_pool(planes, sizes, wanted, in(x, k), out(y, k), index); });
}
void adaptive_any(DType t, int64_t planes, int64_t in_h, int64_t in_w, int64_t out_h, int64_t out_w, const void* x,
                  void* y) {
  with_type(t, [&](auto* k) { adaptive_avg_pool(planes, in_h, in_w, out_h, out_w, in(x, k), out(y, k)); });
}
void adaptive_backward_any(DType t, int64_t planes, int64_t in_h, int64_t in_w, int64_t out_h, int64_t out_w,
                           const void* dy, void* dx) {
  with_type(t, [&](auto* k) { adaptive_avg_pool_backward(planes, in_h, in_w, out_h, out_w, in(dy, k), out(dx, k)); });
}

}  // namespace

KERNELS(PoolKernels, pool_kernels) = {max_pool_any,          max_pool_backward_any, avg_pool_any,
                                      avg_pool_backward_any, adaptive_max_any,      adaptive_any,
                                      adaptive_backward_any};

}  // namespace facula::cpu::FACULA_ISA
