// Resampling kernels: see resample.h; 8-bit images are in resample_bytes.cpp. Rows are combined first, which is
// contiguous work, then the columns of the one row that results, from L1.
#include "cpu/resample.h"

#include <cstring>
#include <vector>

#include "cpu/lanes.h"
#include "runtime/parallel.h"

namespace facula::cpu::FACULA_ISA {

void resample_bytes(const Resampling&, int height_precision, int width_precision, const uint8_t* x, uint8_t* y);

namespace {

constexpr int64_t kBlock = 1024;      // outputs of a row worked on at a time
constexpr int64_t kGrain = 1 << 14;   // outputs worth a second thread
constexpr int64_t kFewChannels = 16;  // fewer than these are gathered one by one
constexpr size_t kDirect = 8;         // so many products of taps are added at once, without a row in between
constexpr int64_t kWaste = 4;         // how much longer than its sums a padded table may be

inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t length_of(const Taps& t) { return t.index ? t.first[t.out] : t.out; }

template <class T>
struct WeightedRow {
  const T* row;
  T weight;
  friend bool operator==(const WeightedRow&, const WeightedRow&) = default;
};

template <int N, bool Add, class T>
inline void join(const WeightedRow<T>* r, int64_t n, T* __restrict y) {
  const T* __restrict a = r[0].row, * __restrict b = r[N > 1].row, * __restrict c = r[N > 2 ? 2 : 0].row;
  const T* __restrict d = r[N > 3 ? 3 : 0].row;
  const T wa = r[0].weight, wb = r[N > 1].weight, wc = r[N > 2 ? 2 : 0].weight, wd = r[N > 3 ? 3 : 0].weight;
  for (int64_t i = 0; i < n; ++i) {
    T sum = wa * a[i];
    if constexpr (N > 1) sum += wb * b[i];
    if constexpr (N > 2) sum += wc * c[i];
    if constexpr (N > 3) sum += wd * d[i];
    y[i] = Add ? y[i] + sum : sum;
  }
}
template <bool Add, class T>
inline void join_some(size_t k, const WeightedRow<T>* r, int64_t n, T* y) {
  (k == 1 ? join<1, Add, T> : k == 2 ? join<2, Add, T> : k == 3 ? join<3, Add, T> : join<4, Add, T>)(r, n, y);
}
// Weighted sum of rows of n elements.
template <class T>
void join_rows(const std::vector<WeightedRow<T>>& rows, int64_t n, T* y) {
  if (rows.empty()) {
    std::memset(y, 0, static_cast<size_t>(n) * sizeof(T));
    return;
  }
  join_some<false>(rows.size(), rows.data(), n, y);
  for (size_t k = 4; k < rows.size(); k += 4) join_some<true>(rows.size() - k, rows.data() + k, n, y);
}

// The last dimension: a block of outputs needs the inputs [low, high). Tap k of output o is index[at + k * n + o],
// relative to low; outputs with fewer taps than others take the element behind the last one, which is zero.
template <class T>
struct Columns {
  struct Block {
    int64_t begin, end, low, high;
    size_t at;
  };
  const Taps& taps;
  int64_t inner, most = 1;  // taps of an output
  bool identity, padded = false, tabled = false;
  std::vector<Block> blocks;
  std::vector<int32_t> index;
  std::vector<T> weight;

  Columns(const Taps& t, int64_t inner) : taps(t), inner(inner), identity(!t.index) {
    for (int64_t o = 0; o < t.out && !identity; ++o) {
      const int64_t count = t.first[o + 1] - t.first[o];
      padded |= o > 0 && count != most;
      if (o == 0 || count > most) most = count;
    }
    const int64_t room = most * t.out * inner;
    tabled = !identity && inner < kFewChannels && room <= kWaste * length_of(t) * inner + kBlock && room < INT32_MAX;
    padded &= tabled;
    if (tabled) index.resize(static_cast<size_t>(room)), weight.resize(static_cast<size_t>(room));
    const int64_t step = kBlock / inner > 0 ? kBlock / inner : 1;
    for (int64_t o = 0; o < t.out; o += step) add_block(o, least(o + step, t.out));
  }
  void add_block(int64_t begin, int64_t end) {
    Block b{begin, end, begin, end, blocks.empty() ? 0 : blocks.back().at};
    if (!blocks.empty()) b.at += static_cast<size_t>((blocks.back().end - blocks.back().begin) * most * inner);
    if (!identity) {
      b.low = taps.in, b.high = 0;
      for (int32_t e = taps.first[begin]; e < taps.first[end]; ++e) {
        if (taps.index[e] < b.low) b.low = taps.index[e];
        if (taps.index[e] >= b.high) b.high = taps.index[e] + 1;
      }
      if (b.low > b.high) b.low = b.high = 0;
    }
    if (tabled) fill(b);
    blocks.push_back(b);
  }
  void fill(const Block& b) {
    const int64_t n = (b.end - b.begin) * inner;
    for (int64_t o = b.begin; o < b.end; ++o)
      for (int64_t k = 0; k < most; ++k) {
        const int32_t e = taps.first[o] + static_cast<int32_t>(k);
        const bool real = e < taps.first[o + 1];
        const int64_t from = ((real ? taps.index[e] : b.high) - b.low) * inner;
        const size_t to = b.at + static_cast<size_t>(k * n + (o - b.begin) * inner);
        for (int64_t c = 0; c < inner; ++c) {
          index[to + static_cast<size_t>(c)] = static_cast<int32_t>(from + (real ? c : 0));
          weight[to + static_cast<size_t>(c)] = real ? static_cast<T>(taps.weight[e]) : T(0);
        }
      }
  }
  template <int K, bool Add>
  static void gather(int64_t n, const T* __restrict x, const int32_t* __restrict at, const T* __restrict w,
                     T* __restrict y) {
    for (int64_t o = 0; o < n; ++o) {
      T sum = w[o] * x[at[o]];
      if constexpr (K > 1) sum += w[n + o] * x[at[n + o]];
      if constexpr (K > 2) sum += w[2 * n + o] * x[at[2 * n + o]];
      if constexpr (K > 3) sum += w[3 * n + o] * x[at[3 * n + o]];
      y[o] = Add ? y[o] + sum : sum;
    }
  }
  template <bool Add>
  static void gather_some(int64_t k, int64_t n, const T* x, const int32_t* at, const T* w, T* y) {
    (k == 1 ? gather<1, Add> : k == 2 ? gather<2, Add> : k == 3 ? gather<3, Add> : gather<4, Add>)(n, x, at, w, y);
  }
  // The outputs of a block from its inputs.
  void apply(const Block& b, const T* __restrict x, T* __restrict y) const {
    const int64_t n = (b.end - b.begin) * inner;
    if (identity) {
      std::memcpy(y, x, static_cast<size_t>(n) * sizeof(T));
      return;
    }
    if (!tabled) return apply_vectors(b, x, y);
    const int32_t* at = index.data() + b.at;
    const T* w = weight.data() + b.at;
    gather_some<false>(most, n, x, at, w, y);
    for (int64_t k = 4; k < most; k += 4) gather_some<true>(most - k, n, x, at + k * n, w + k * n, y);
  }
  void apply_vectors(const Block& b, const T* x, T* y) const {
    std::vector<WeightedRow<T>> parts;
    for (int64_t o = b.begin; o < b.end; ++o, y += inner) {
      parts.clear();
      for (int32_t e = taps.first[o]; e < taps.first[o + 1]; ++e)
        parts.push_back({x + (taps.index[e] - b.low) * inner, static_cast<T>(taps.weight[e])});
      join_rows(parts, inner, y);
    }
  }
};

// Calls body(input, weight) for the taps of one output.
template <class F>
inline void each_tap(const Taps& t, int64_t o, F body) {
  if (!t.index) return body(o, 1.0);
  for (int32_t e = t.first[o]; e < t.first[o + 1]; ++e) body(t.index[e], t.weight[e]);
}

template <class T>
struct Worker {
  const Resampling& s;
  const Columns<T>& columns;
  std::vector<WeightedRow<T>> rows, before, parts, products;
  std::vector<T> line;  // the rows joined, or the columns of each row where few columns are wanted

  Worker(const Resampling& s, const Columns<T>& c) : s(s), columns(c) {}

  // Whether they are those of the row before.
  bool find_rows(const T* plane, int64_t row) {
    const int64_t width = s.width.in * s.inner;
    std::swap(rows, before);
    rows.clear();
    each_tap(s.depth, row / s.height.out, [&](int64_t d, double wd) {
      each_tap(s.height, row % s.height.out, [&](int64_t h, double wh) {
        rows.push_back({plane + (d * s.height.in + h) * width, static_cast<T>(wd * wh)});
      });
    });
    return rows == before;
  }
  void run(const typename Columns<T>::Block& b, T* y) {
    const int64_t n = (b.high - b.low) * s.inner, out = (b.end - b.begin) * s.inner;
    parts = rows;
    for (WeightedRow<T>& r : parts) r.row += b.low * s.inner;
    if (columns.identity) return join_rows(parts, out, y);
    if (parts.size() == 1 && parts[0].weight == T(1) && !columns.padded) return columns.apply(b, parts[0].row, y);
    if (!columns.padded && n > kWaste * columns.most * out) {
      line.resize(parts.size() * static_cast<size_t>(out));
      for (size_t k = 0; k < parts.size(); ++k) {
        T* part = line.data() + k * static_cast<size_t>(out);
        columns.apply(b, parts[k].row, part);
        parts[k].row = part;
      }
      return join_rows(parts, out, y);
    }
    if (!columns.tabled && parts.size() * static_cast<size_t>(columns.most) <= kDirect) return run_vectors(b, y);
    line.resize(static_cast<size_t>(n + 1));
    join_rows(parts, n, line.data());
    line[static_cast<size_t>(n)] = 0;
    columns.apply(b, line.data(), y);
  }
  // Many channels: every output place is one sum of vectors.
  void run_vectors(const typename Columns<T>::Block& b, T* y) {
    const Taps& t = columns.taps;
    for (int64_t o = b.begin; o < b.end; ++o, y += s.inner) {
      products.clear();
      for (const WeightedRow<T>& r : parts)
        for (int32_t e = t.first[o]; e < t.first[o + 1]; ++e)
          products.push_back({r.row + (t.index[e] - b.low) * s.inner, r.weight * static_cast<T>(t.weight[e])});
      join_rows(products, s.inner, y);
    }
  }
};

template <class T>
void weighted(const Resampling& s, const T* x, T* y) {
  const Columns<T> columns(s.width, s.inner);
  const int64_t rows = s.depth.out * s.height.out, blocks = static_cast<int64_t>(columns.blocks.size());
  const int64_t in = s.depth.in * s.height.in * s.width.in * s.inner, width = s.width.out * s.inner;
  const int64_t work = least(width, kBlock) * (length_of(s.height) / s.height.out + columns.most + 1);
  parallel_for(s.planes * rows * blocks, 4 * kGrain / (work + 1) + 1, [&](int64_t begin, int64_t end) {
    Worker<T> worker(s, columns);
    for (int64_t i = begin, last = -1; i < end; ++i) {
      const int64_t row = i / blocks, plane = row / rows;
      const bool same = row != last && worker.find_rows(x + plane * in, row % rows) && blocks == 1 && i > begin;
      last = row;
      const auto& b = columns.blocks[static_cast<size_t>(i % blocks)];
      T* to = y + row * width + b.begin * s.inner;
      if (same)
        std::memcpy(to, to - width, static_cast<size_t>(width) * sizeof(T));
      else
        worker.run(b, to);
    }
  });
}

// ---- one input for each output ------------------------------------------------------------------------------------

inline int64_t source(const Taps& t, int64_t o) { return t.index ? t.index[o] : o; }

// Neighbours that stay neighbours, of a dimension.
struct Run {
  int64_t to, from, length;
};
std::vector<Run> runs_of(const Taps& t) {
  std::vector<Run> runs;
  for (int64_t o = 0; o < t.out; ++o) {
    const int64_t from = source(t, o);
    if (!runs.empty() && runs.back().from + runs.back().length == from)
      ++runs.back().length;
    else
      runs.push_back({o, from, 1});
  }
  return runs;
}

// A call of memcpy costs more than a short run.
template <class T>
inline void copy_run(int64_t n, const T* from, T* to) {
  constexpr int64_t N = kLaneBytes / static_cast<int64_t>(sizeof(T));
  if (n > 8 * N) return void(std::memcpy(to, from, static_cast<size_t>(n) * sizeof(T)));
  int64_t i = 0;
  for (; i + N <= n; i += N) std::memcpy(to + i, from + i, kLaneBytes);
  if (i < n && n >= N) return void(std::memcpy(to + n - N, from + n - N, kLaneBytes));
  for (; i < n; ++i) to[i] = from[i];
}

// A row of outputs, by runs where they are long; what lies between long runs is copied one by one.
struct NearestRow {
  static constexpr int64_t kLong = 8;
  const Taps& taps;
  int64_t inner;
  std::vector<Run> runs, long_runs, elements;
  bool by_runs;
  NearestRow(const Taps& t, int64_t inner) : taps(t), inner(inner), runs(runs_of(t)) {
    for (const Run& r : runs) {
      const Run whole{r.to * inner, r.from * inner, r.length * inner};
      if (whole.length >= kLong)
        long_runs.push_back(whole);
      else
        for (int64_t i = 0; i < whole.length; ++i) elements.push_back({whole.to + i, whole.from + i, 1});
    }
    by_runs = !taps.index || taps.out * inner >= 2 * static_cast<int64_t>(elements.size());
  }
  template <class T>
  void copy(const T* __restrict x, T* __restrict y) const {
    if (by_runs) {
      for (const Run& r : long_runs) copy_run(r.length, x + r.from, y + r.to);
      for (const Run& r : elements) y[r.to] = x[r.from];
    } else if (inner == 1) {
      for (int64_t o = 0; o < taps.out; ++o) y[o] = x[taps.index[o]];
    } else {
      for (int64_t o = 0; o < taps.out; ++o)
        for (int64_t c = 0; c < inner; ++c) y[o * inner + c] = x[taps.index[o] * inner + c];
    }
  }
  template <class T>
  void add(const T* __restrict y, T* __restrict x) const {
    for (const Run& r : runs)
      for (int64_t i = 0; i < r.length * inner; ++i) x[r.from * inner + i] += y[r.to * inner + i];
  }
};

// The row of inputs that each row of outputs is made of.
std::vector<int64_t> source_rows(const Resampling& s) {
  std::vector<int64_t> rows;
  for (int64_t d = 0; d < s.depth.out; ++d)
    for (int64_t h = 0; h < s.height.out; ++h) rows.push_back(source(s.depth, d) * s.height.in + source(s.height, h));
  return rows;
}

template <class T>
void nearest(const Resampling& s, const T* x, T* y) {
  const std::vector<int64_t> sources = source_rows(s);
  const int64_t rows = static_cast<int64_t>(sources.size()), from = s.width.in * s.inner, to = s.width.out * s.inner;
  const NearestRow line(s.width, s.inner);
  parallel_for(s.planes * rows, kGrain / (to + 1) + 1, [&](int64_t begin, int64_t end) {
    const T *before = nullptr, *plane = x + begin / rows * s.depth.in * s.height.in * from;
    for (int64_t i = begin, row = begin % rows; i < end; ++i, ++row) {
      if (row == rows) row = 0, plane += s.depth.in * s.height.in * from;
      const T* in = plane + sources[static_cast<size_t>(row)] * from;
      if (in == before)  // the row above is the same, and still in L1
        copy_run(to, y + (i - 1) * to, y + i * to);
      else
        line.copy(in, y + i * to);
      before = in;
    }
  });
}
template <class T>
void nearest_backward(const Resampling& s, const T* dy, T* dx) {
  const std::vector<int64_t> sources = source_rows(s);
  const int64_t rows = static_cast<int64_t>(sources.size()), from = s.width.in * s.inner, to = s.width.out * s.inner;
  const int64_t plane = s.depth.in * s.height.in * from;
  const NearestRow line(s.width, s.inner);
  parallel_for(s.planes, kGrain / (rows * to + 1) + 1, [&](int64_t begin, int64_t end) {
    std::memset(dx + begin * plane, 0, static_cast<size_t>((end - begin) * plane) * sizeof(T));
    for (int64_t p = begin; p < end; ++p)
      for (int64_t row = 0; row < rows; ++row)
        line.add(dy + (p * rows + row) * to, dx + p * plane + sources[static_cast<size_t>(row)] * from);
  });
}

void nearest_any(int64_t item_size, const Resampling& s, const void* x, void* y) {
  if (item_size == 1) return nearest(s, static_cast<const uint8_t*>(x), static_cast<uint8_t*>(y));
  if (item_size == 2) return nearest(s, static_cast<const uint16_t*>(x), static_cast<uint16_t*>(y));
  if (item_size == 4) return nearest(s, static_cast<const uint32_t*>(x), static_cast<uint32_t*>(y));
  if (item_size == 8) return nearest(s, static_cast<const uint64_t*>(x), static_cast<uint64_t*>(y));
  nearest(s, static_cast<const Complex<double>*>(x), static_cast<Complex<double>*>(y));
}

void weighted_any(DType t, const Resampling& s, const void* x, void* y) {
  if (t == DType::Float64) return weighted(s, static_cast<const double*>(x), static_cast<double*>(y));
  weighted(s, static_cast<const float*>(x), static_cast<float*>(y));
}

}  // namespace

void nearest_backward_any(DType t, const Resampling& s, const void* dy, void* dx) {
  if (t == DType::Float64) return nearest_backward(s, static_cast<const double*>(dy), static_cast<double*>(dx));
  nearest_backward(s, static_cast<const float*>(dy), static_cast<float*>(dx));
}

KERNELS(ResampleKernels, resample_kernels) = {weighted_any, nearest_any, nearest_backward_any, resample_bytes};

}  // namespace facula::cpu::FACULA_ISA
