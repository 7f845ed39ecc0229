// Normalisation kernels. A row, group or channel is read twice for its moments (mean first, so that the variance does
// not cancel) and once to be written; sums over rows are added in fixed chunks, whatever the number of threads.
#include "cpu/normalize.h"

#include <cmath>
#include <vector>

#include "cpu/reduce_row.h"
#include "runtime/parallel.h"

namespace facula::cpu::FACULA_ISA {
namespace {

constexpr int64_t kGrain = 16384;      // elements in about 10 us
constexpr int64_t kMostChunks = 64;    // of rows whose sums are added apart
constexpr int64_t kRowsInSingle = 32;  // added in the type of the data, 5 bits of whose digits that may cost
constexpr int64_t kStaged = 4096;      // elements of a 16-bit row that are converted once, 16 KB
constexpr int64_t kPanel = 128;        // columns of one pass when a channel is a column

inline int64_t grain_of(int64_t elements) { return elements >= kGrain ? 1 : kGrain / (elements < 1 ? 1 : elements); }

constexpr int64_t kShort = 64;  // elements of a channel that are scaled in line

template <class A>
struct Norm {
  using In = Reader<A>;
  using Out = Writer<A>;

  // Pieces of equal length at equal distance: a row is one, a channel of a batch several.
  struct Pieces {
    int64_t at, count, stride, length;
    template <class F>
    void each(F body) const {
      for (int64_t p = 0; p < count; ++p)
        for_blocks(length, [&](int64_t i, int64_t m) { body(at + p * stride + i, m); });
    }
    double size() const { return static_cast<double>(count * length); }
  };
  static void moments(const In& x, const Pieces& pieces, bool centred, A* mean, double* variance) {
    A buffer[kBlock];
    double sum = 0, square = 0;
    if (centred) {
      pieces.each([&](int64_t at, int64_t m) { sum += sum_block([](auto v) { return v; }, m, x.at(at, m, buffer)); });
      sum /= pieces.size();
    }
    const A centre = static_cast<A>(sum);
    pieces.each([&](int64_t at, int64_t m) {
      const A* block = x.at(at, m, buffer);
      // Lanes past the end are zero, not the centre: only whole vectors may be summed shifted.
      const int64_t whole = m - m % Vec<A>::width;
      square += sum_block([=](auto v) { return (v - centre) * (v - centre); }, whole, block);
      for (int64_t i = whole; i < m; ++i) square += static_cast<double>((block[i] - centre) * (block[i] - centre));
    });
    *mean = centre;
    *variance = square / pieces.size();
  }
  static A inverse_deviation(double variance, double eps) { return static_cast<A>(1 / std::sqrt(variance + eps)); }

  // y = x a + b over pieces, for numbers a and b.
  static void scale(const In& x, const Out& y, const Pieces& pieces, A a, A b) {
    A buffer[kBlock];
    pieces.each([&](int64_t at, int64_t m) {
      A* place = y.place(at, buffer);
      map_block([=](auto v) { return v * a + b; }, m, place, x.at(at, m, buffer));
      y.done(at, m, place);
    });
  }
  // The same for one short piece in the type of the computation, without a call for each.
  static void scale_short(const A* __restrict x, A* __restrict y, int64_t n, A a, A b) {
    for (int64_t i = 0; i < n; i += Vec<A>::width) store_up_to(y + i, load_up_to(x + i, n - i, A(0)) * a + b, n - i);
  }
  // Sums of dy and of dy (x - mean) rstd.
  static void sums(const In& dy, const In& x, const Pieces& pieces, A mean, A rstd, double* plain, double* scaled) {
    A gb[kBlock], xb[kBlock];
    double s = 0, t = 0;
    pieces.each([&](int64_t at, int64_t m) {
      const A *g = dy.at(at, m, gb), *v = x.at(at, m, xb);
      s += sum_block([](auto a) { return a; }, m, g);
      t += sum_block([=](auto a, auto b) { return a * (b - mean); }, m, g, v);
    });
    *plain = s;
    *scaled = t * static_cast<double>(rstd);
  }
  // dx = dy a + x b + c over pieces.
  static void combine(const In& dy, const In& x, const Out& dx, const Pieces& pieces, A a, A b, A c) {
    A gb[kBlock], xb[kBlock];
    pieces.each([&](int64_t at, int64_t m) {
      const A *g = dy.at(at, m, gb), *v = x.at(at, m, xb);
      A* place = dx.place(at, gb);
      map_block([=](auto p, auto q) { return p * a + (q * b + c); }, m, place, g, v);
      dx.done(at, m, place);
    });
  }

  // ---- rows: layer norm and RMS norm ----

  static void rows(const NormShape& s, bool centred, const NormForward& f) {
    const In x(s.dtype, f.x), weight(s.affine, f.weight), bias(s.affine, f.bias);
    const Out y(s.dtype, f.y);
    A *means = static_cast<A*>(f.stats), *rstds = means + s.batch;
    parallel_for(s.batch, grain_of(s.inner), [&](int64_t begin, int64_t end) {
      A xb[kBlock], wb[kBlock], bb[kBlock], staged[kStaged];
      const bool stage = !x.same && s.inner <= kStaged;
      const In row = stage ? In(staged) : x;
      for (int64_t r = begin; r < end; ++r) {
        double variance;
        if (stage) x.at(r * s.inner, s.inner, staged);
        const int64_t at = stage ? 0 : r * s.inner;
        moments(row, {at, 1, 0, s.inner}, centred, &means[r], &variance);
        const A mean = means[r], rstd = rstds[r] = inverse_deviation(variance, s.eps);
        for_blocks(s.inner, [&](int64_t i, int64_t m) {
          const A* v = row.at(at + i, m, xb);
          A* place = y.place(r * s.inner + i, xb);
          if (f.weight && f.bias)
            map_block([=](auto p, auto w, auto b) { return (p - mean) * rstd * w + b; }, m, place, v,
                      weight.at(i, m, wb), bias.at(i, m, bb));
          else if (f.weight)
            map_block([=](auto p, auto w) { return (p - mean) * rstd * w; }, m, place, v, weight.at(i, m, wb));
          else if (f.bias)
            map_block([=](auto p, auto b) { return (p - mean) * rstd + b; }, m, place, v, bias.at(i, m, bb));
          else
            map_block([=](auto p) { return (p - mean) * rstd; }, m, place, v);
          y.done(r * s.inner + i, m, place);
        });
      }
    });
  }
  // One row of dx; its terms of the parameters' gradients are added to dw and db.
  static void row_backward(const NormShape& s, bool centred, const NormBackward& b, int64_t r, A* dw, A* db) {
    const In dy(s.dtype, b.dy), x(s.dtype, b.x), weight(s.affine, b.weight);
    const Out dx(s.dtype, b.dx);
    const A mean = static_cast<const A*>(b.stats)[r], rstd = static_cast<const A*>(b.stats)[s.batch + r];
    A gb[kBlock], xb[kBlock], wb[kBlock];
    double first = 0, second = 0;
    for_blocks(s.inner, [&](int64_t i, int64_t m) {
      const A *g = dy.at(r * s.inner + i, m, gb), *v = x.at(r * s.inner + i, m, xb);
      if (dw) map_block([=](auto t, auto p, auto q) { return t + p * (q - mean) * rstd; }, m, dw + i, dw + i, g, v);
      if (db) map_block([=](auto t, auto p) { return t + p; }, m, db + i, db + i, g);
      if (b.weight) {
        const A* w = weight.at(i, m, wb);
        first += sum_block([=](auto p, auto q) { return p * q; }, m, g, w);
        second += sum_block([=](auto p, auto q, auto z) { return p * q * (z - mean); }, m, g, w, v);
      } else {
        first += sum_block([=](auto p) { return p; }, m, g);
        second += sum_block([=](auto p, auto z) { return p * (z - mean); }, m, g, v);
      }
    });
    const double n = static_cast<double>(s.inner), q = static_cast<double>(rstd);
    const A shift = centred ? static_cast<A>(first / n) : 0, slope = static_cast<A>(second * q * q / n);
    for_blocks(s.inner, [&](int64_t i, int64_t m) {
      const A *g = dy.at(r * s.inner + i, m, gb), *v = x.at(r * s.inner + i, m, xb);
      A* place = dx.place(r * s.inner + i, gb);
      if (b.weight)
        map_block([=](auto p, auto z, auto w) { return (p * w - shift - (z - mean) * slope) * rstd; }, m, place, g, v,
                  weight.at(i, m, wb));
      else
        map_block([=](auto p, auto z) { return (p - shift - (z - mean) * slope) * rstd; }, m, place, g, v);
      dx.done(r * s.inner + i, m, place);
    });
  }
  // Sums of a few rows join those of many, which would lose digits in A.
  static void widen(int64_t n, A* few, double* many) {
    for (int64_t i = 0; i < n; ++i) {
      many[i] += static_cast<double>(few[i]);
      few[i] = 0;
    }
  }
  static void rows_backward(const NormShape& s, bool centred, const NormBackward& b) {
    const int64_t per_chunk = (s.batch + kMostChunks - 1) / kMostChunks, wanted = kGrain / (s.inner + 1) + 1;
    const int64_t size = per_chunk > wanted ? per_chunk : wanted, chunks = (s.batch + size - 1) / size;
    const int64_t sums = (b.dweight ? s.inner : 0) + (b.dbias ? s.inner : 0);
    std::vector<A> few(static_cast<size_t>(chunks * sums), A(0));
    std::vector<double> partial(few.size(), 0);
    parallel_for(chunks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c) {
        A* own = few.data() + c * sums;
        A *dw = b.dweight ? own : nullptr, *db = b.dbias ? own + sums - s.inner : nullptr;
        for (int64_t r = c * size; r < s.batch && r < (c + 1) * size; ++r) {
          row_backward(s, centred, b, r, dw, db);
          if ((r & (kRowsInSingle - 1)) == kRowsInSingle - 1 || r + 1 == s.batch || r + 1 == (c + 1) * size)
            widen(sums, own, partial.data() + c * sums);
        }
      }
    });
    auto total = [&](void* to, int64_t offset) {
      A* out = static_cast<A*>(to);
      for (int64_t i = 0; i < s.inner; ++i) {
        double sum = 0;
        for (int64_t c = 0; c < chunks; ++c) sum += partial[static_cast<size_t>(c * sums + offset + i)];
        out[i] = static_cast<A>(sum);
      }
    };
    if (b.dweight) total(b.dweight, 0);
    if (b.dbias) total(b.dbias, sums - s.inner);
  }

  // ---- groups of channels of one sample ----

  static void groups(const NormShape& s, const NormForward& f) {
    const In x(s.dtype, f.x), weight(s.affine, f.weight), bias(s.affine, f.bias);
    const Out y(s.dtype, f.y);
    const int64_t count = s.batch * s.groups, size = s.channels * s.inner;
    A *means = static_cast<A*>(f.stats), *rstds = means + count;
    parallel_for(count, grain_of(size), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        double variance;
        moments(x, {r * size, 1, 0, size}, true, &means[r], &variance);
        rstds[r] = inverse_deviation(variance, s.eps);
        const int64_t first = r % s.groups * s.channels;
        for (int64_t c = 0; c < s.channels; ++c) {
          const int64_t channel = first + c;
          const A a = rstds[r] * (f.weight ? weight[channel] : A(1));
          const A b = (f.bias ? bias[channel] : A(0)) - means[r] * a;
          const int64_t at = r * size + c * s.inner;
          if (x.same && s.inner <= kShort)
            scale_short(x.at(at, s.inner, nullptr), y.place(at, nullptr), s.inner, a, b);
          else
            scale(x, y, {at, 1, 0, s.inner}, a, b);
        }
      }
    });
  }
  static void groups_backward(const NormShape& s, const NormBackward& b) {
    const In dy(s.dtype, b.dy), x(s.dtype, b.x), weight(s.affine, b.weight);
    const Out dx(s.dtype, b.dx);
    const int64_t count = s.batch * s.groups, size = s.channels * s.inner, all = s.groups * s.channels;
    const A *means = static_cast<const A*>(b.stats), *rstds = means + count;
    std::vector<double> plain(static_cast<size_t>(s.batch * all)), scaled(plain.size());
    parallel_for(count, grain_of(size), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const A mean = means[r], rstd = rstds[r];
        double first = 0, second = 0;
        const int64_t channel = r % s.groups * s.channels;
        auto factor = [&](int64_t c) { return b.weight ? weight[channel + c] : A(1); };
        for (int64_t c = 0; c < s.channels; ++c) {
          const size_t at = static_cast<size_t>(r * s.channels + c);
          sums(dy, x, {r * size + c * s.inner, 1, 0, s.inner}, mean, rstd, &plain[at], &scaled[at]);
          first += plain[at] * static_cast<double>(factor(c));
          second += scaled[at] * static_cast<double>(factor(c));
        }
        const double n = static_cast<double>(size), q = static_cast<double>(rstd);
        const A slope = static_cast<A>(-q * q * second / n);
        const A shift = static_cast<A>(-q * first / n - static_cast<double>(slope) * static_cast<double>(mean));
        for (int64_t c = 0; c < s.channels; ++c)
          combine(dy, x, dx, {r * size + c * s.inner, 1, 0, s.inner}, rstd * factor(c), slope, shift);
      }
    });
    for (int64_t c = 0; c < all; ++c) {
      double w = 0, v = 0;
      for (int64_t n = 0; n < s.batch; ++n) {
        w += scaled[static_cast<size_t>(n * all + c)];
        v += plain[static_cast<size_t>(n * all + c)];
      }
      if (b.dweight) static_cast<A*>(b.dweight)[c] = static_cast<A>(w);
      if (b.dbias) static_cast<A*>(b.dbias)[c] = static_cast<A>(v);
    }
  }

  // ---- channels of a batch ----

  static void batch(const NormShape& s, bool training, const NormForward& f, void* variances) {
    const In x(s.dtype, f.x), weight(s.affine, f.weight), bias(s.affine, f.bias);
    const Out y(s.dtype, f.y);
    A *means = static_cast<A*>(f.stats), *rstds = means + s.channels;
    auto affine = [&](int64_t c, A* a, A* b) {
      *a = rstds[c] * (f.weight ? weight[c] : A(1));
      *b = (f.bias ? bias[c] : A(0)) - means[c] * *a;
    };
    auto keep = [&](int64_t c, double variance) {
      rstds[c] = inverse_deviation(variance, s.eps);
      if (variances) static_cast<A*>(variances)[c] = static_cast<A>(variance);
    };
    if (s.inner > 1)
      return parallel_for(s.channels, grain_of(s.batch * s.inner), [&](int64_t begin, int64_t end) {
        for (int64_t c = begin; c < end; ++c) {
          const Pieces pieces = {c * s.inner, s.batch, s.channels * s.inner, s.inner};
          double variance;
          if (training) {
            moments(x, pieces, true, &means[c], &variance);
            keep(c, variance);
          }
          A a, b;
          affine(c, &a, &b);
          scale(x, y, pieces, a, b);
        }
      });
    const int64_t panels = (s.channels + kPanel - 1) / kPanel;
    parallel_for(panels, grain_of(s.batch * kPanel), [&](int64_t begin, int64_t end) {
      A buffer[kPanel], sum[kPanel], square[kPanel], a[kPanel], b[kPanel];
      for (int64_t p = begin; p < end; ++p) {
        const int64_t from = p * kPanel, w = s.channels - from < kPanel ? s.channels - from : kPanel;
        if (training) {
          panel_moments(x, s, from, w, means + from, square, sum, buffer);
          for (int64_t j = 0; j < w; ++j) keep(from + j, static_cast<double>(square[j]));
        }
        for (int64_t j = 0; j < w; ++j) affine(from + j, &a[j], &b[j]);
        for (int64_t n = 0; n < s.batch; ++n) {
          const int64_t at = n * s.channels + from;
          A* place = y.place(at, buffer);
          map_block([](auto v, auto m, auto o) { return v * m + o; }, w, place, x.at(at, w, buffer), a, b);
          y.done(at, w, place);
        }
      }
    });
  }
  static void panel_moments(const In& x, const NormShape& s, int64_t from, int64_t w, A* mean, A* variance, A* sum,
                            A* buffer) {
    const A n = static_cast<A>(s.batch);
    for (int64_t j = 0; j < w; ++j) sum[j] = variance[j] = 0;
    for (int64_t r = 0; r < s.batch; ++r)
      map_block([](auto t, auto v) { return t + v; }, w, sum, sum, x.at(r * s.channels + from, w, buffer));
    for (int64_t j = 0; j < w; ++j) mean[j] = sum[j] / n;
    for (int64_t r = 0; r < s.batch; ++r)
      map_block([](auto t, auto v, auto m) { return t + (v - m) * (v - m); }, w, variance, variance,
                x.at(r * s.channels + from, w, buffer), mean);
    for (int64_t j = 0; j < w; ++j) variance[j] /= n;
  }

  // dx = a dy + b x + c for one channel, from its two sums.
  struct Line {
    A a, b, c;
  };
  static Line line_of(const NormShape& s, bool training, A weight, A mean, A rstd, double plain, double scaled) {
    if (!training) return {weight * rstd, 0, 0};
    const double n = static_cast<double>(s.batch * s.inner), q = static_cast<double>(rstd),
                 wq = static_cast<double>(weight) * q;
    const double slope = -wq * q * scaled / n;
    return {weight * rstd, static_cast<A>(slope), static_cast<A>(-wq * plain / n - slope * static_cast<double>(mean))};
  }
  static void batch_backward(const NormShape& s, bool training, const NormBackward& b) {
    const In dy(s.dtype, b.dy), x(s.dtype, b.x), weight(s.affine, b.weight);
    const Out dx(s.dtype, b.dx);
    const A *means = static_cast<const A*>(b.stats), *rstds = means + s.channels;
    auto finish = [&](int64_t c, double plain, double scaled) {
      if (b.dweight) static_cast<A*>(b.dweight)[c] = static_cast<A>(scaled);
      if (b.dbias) static_cast<A*>(b.dbias)[c] = static_cast<A>(plain);
      return line_of(s, training, b.weight ? weight[c] : A(1), means[c], rstds[c], plain, scaled);
    };
    if (s.inner > 1)
      return parallel_for(s.channels, grain_of(s.batch * s.inner), [&](int64_t begin, int64_t end) {
        for (int64_t c = begin; c < end; ++c) {
          const Pieces pieces = {c * s.inner, s.batch, s.channels * s.inner, s.inner};
          double plain, scaled;
          sums(dy, x, pieces, means[c], rstds[c], &plain, &scaled);
          const Line line = finish(c, plain, scaled);
          combine(dy, x, dx, pieces, line.a, line.b, line.c);
        }
      });
    const int64_t panels = (s.channels + kPanel - 1) / kPanel;
    parallel_for(panels, grain_of(s.batch * kPanel), [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        const int64_t from = p * kPanel, w = s.channels - from < kPanel ? s.channels - from : kPanel;
        panel_backward(dy, x, dx, s, from, w, means + from, rstds + from, finish);
      }
    });
  }
  template <class F>
  static void panel_backward(const In& dy, const In& x, const Out& dx, const NormShape& s, int64_t from, int64_t w,
                             const A* mean, const A* rstd, F finish) {
    A gb[kPanel], xb[kPanel], plain[kPanel], scaled[kPanel], a[kPanel], b[kPanel], c[kPanel];
    for (int64_t j = 0; j < w; ++j) plain[j] = scaled[j] = 0;
    for (int64_t r = 0; r < s.batch; ++r) {
      const int64_t at = r * s.channels + from;
      const A *g = dy.at(at, w, gb), *v = x.at(at, w, xb);
      map_block([](auto t, auto p) { return t + p; }, w, plain, plain, g);
      map_block([](auto t, auto p, auto q, auto m) { return t + p * (q - m); }, w, scaled, scaled, g, v, mean);
    }
    for (int64_t j = 0; j < w; ++j) {
      const Line line = finish(from + j, static_cast<double>(plain[j]), static_cast<double>(scaled[j] * rstd[j]));
      a[j] = line.a;
      b[j] = line.b;
      c[j] = line.c;
    }
    for (int64_t r = 0; r < s.batch; ++r) {
      const int64_t at = r * s.channels + from;
      const A *g = dy.at(at, w, gb), *v = x.at(at, w, xb);
      A* place = dx.place(at, gb);
      map_block([](auto p, auto q, auto i, auto k, auto o) { return p * i + (q * k + o); }, w, place, g, v, a, b, c);
      dx.done(at, w, place);
    }
  }
};

#define BY_TYPE(s, call) ((s).dtype == DType::Float64 ? Norm<double>::call : Norm<float>::call)

void rows(const NormShape& s, bool centred, const NormForward& f) { BY_TYPE(s, rows(s, centred, f)); }
void rows_backward(const NormShape& s, bool centred, const NormBackward& b) {
  BY_TYPE(s, rows_backward(s, centred, b));
}
void groups(const NormShape& s, const NormForward& f) { BY_TYPE(s, groups(s, f)); }
void groups_backward(const NormShape& s, const NormBackward& b) { BY_TYPE(s, groups_backward(s, b)); }
void batch(const NormShape& s, bool training, const NormForward& f, void* variance) {
  BY_TYPE(s, batch(s, training, f, variance));
}
void batch_backward(const NormShape& s, bool training, const NormBackward& b) {
  BY_TYPE(s, batch_backward(s, training, b));
}

}  // namespace

KERNELS(NormKernels, norm_kernels) = {rows, rows_backward, groups, groups_backward, batch, batch_backward};

}  // namespace facula::cpu::FACULA_ISA
