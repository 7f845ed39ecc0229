// Softmax, log-softmax and their derivatives. A row, or a panel of columns, stays in L1 over its passes.
#include "cpu/softmax.h"

#include "cpu/reduce_exp.h"
#include "cpu/reduce_row.h"
#include "runtime/parallel.h"

namespace facula::cpu::FACULA_ISA {
namespace {

constexpr int64_t kGrain = 16384;  // elements in about 20 us of exponentials
constexpr int64_t kPanel = 128;    // columns of one pass when inner > 1
constexpr int64_t kStaged = 4096;  // elements of a 16-bit row that are converted once, 16 KB
constexpr int64_t kRun = 64;       // terms of a column added before they join the sum of the others

inline int64_t grain_of(int64_t elements) { return elements >= kGrain ? 1 : kGrain / (elements < 1 ? 1 : elements); }

template <class A>
struct Softmax {
  using In = Reader<A>;
  using Out = Writer<A>;

  // The row's largest element and the sum of exp(x - largest); with `keep` the exponentials are left in y (possible
  // where y needs no conversion).
  static A exponentials(const In& x, int64_t at, int64_t n, A& largest, A* keep) {
    A buffer[kBlock];
    largest = MaxOp::template identity<A>();
    for_blocks(n, [&](int64_t i, int64_t m) {
      largest = MaxOp::join(largest, fold_contiguous<MaxOp>(x.at(at + i, m, buffer), m));
    });
    double sum = 0;
    for_blocks(n, [&](int64_t i, int64_t m) {
      const A* block = x.at(at + i, m, buffer);
      sum += keep ? exp_block<true>(block, m, largest, keep + i) : exp_block<false>(block, m, largest, keep);
    });
    return static_cast<A>(sum);
  }

  // A row that one vector holds never leaves it.
  static void short_row(bool log, const A* x, int n, const Out& y, int64_t at, A* buffer) {
    Vec<A> v = load_partial(x, n, MaxOp::template identity<A>());
    v = v - Vec<A>(join_lanes<MaxOp>(v));
    Vec<A> e = exp(v), sum = join_lanes<SumOp>(e);
    A* place = y.place(at, buffer);
    store_tail(place, log ? v - lane_math::log(sum) : e / sum, n);
    y.done(at, n, place);
  }
  static void row(bool log, const In& x, int64_t at, int64_t n, const Out& y) {
    A buffer[kBlock], largest;
    if (n <= Vec<A>::width) return short_row(log, x.at(at, n, buffer), static_cast<int>(n), y, at, buffer);
    if (!y.same && n <= kStaged) return staged_row(log, x, at, n, y);
    A* keep = log ? nullptr : y.place(at, nullptr);
    A sum = exponentials(x, at, n, largest, keep), scale = 1 / sum, shift = log ? std::log(sum) : 0;
    for_blocks(n, [&](int64_t i, int64_t m) {
      A* place = y.place(at + i, buffer);
      if (keep) {
        map_block([=](auto e) { return e * scale; }, m, place, static_cast<const A*>(place));
        return;
      }
      const A* block = x.at(at + i, m, buffer);
      if (log)
        map_block([=](auto v) { return (v - largest) - shift; }, m, place, block);
      else
        map_block([=](auto v) { return exp(v - largest) * scale; }, m, place, block);
      y.done(at + i, m, place);
    });
  }

  static void staged_row(bool log, const In& x, int64_t at, int64_t n, const Out& y) {
    A staged[kStaged];
    x.at(at, n, staged);
    row(log, In(staged), 0, n, Out(staged));
    y.done(at, n, staged);
  }

  static void row_backward(bool log, const In& g, const In& y, int64_t at, int64_t n, const Out& out) {
    A gb[kBlock], yb[kBlock];
    double total = 0;
    for_blocks(n, [&](int64_t i, int64_t m) {
      const A *gs = g.at(at + i, m, gb), *ys = y.at(at + i, m, yb);
      total +=
          log ? sum_block([](auto a) { return a; }, m, gs) : sum_block([](auto a, auto b) { return a * b; }, m, gs, ys);
    });
    A sum = static_cast<A>(total);
    for_blocks(n, [&](int64_t i, int64_t m) {
      const A *gs = g.at(at + i, m, gb), *ys = y.at(at + i, m, yb);
      A* place = out.place(at + i, gb);
      if (log)
        map_block([=](auto a, auto b) { return a - exp(b) * sum; }, m, place, gs, ys);
      else
        map_block([=](auto a, auto b) { return b * (a - sum); }, m, place, gs, ys);
      out.done(at + i, m, place);
    });
  }

  // sum[j] of the terms that add(d, part) adds to part, d in [0, dim).
  template <class F>
  static void sum_in_runs(int64_t dim, int64_t w, A* sum, F add) {
    A part[kPanel];
    for (int64_t j = 0; j < w; ++j) sum[j] = 0;
    for (int64_t d = 0; d < dim; d += kRun) {
      for (int64_t j = 0; j < w; ++j) part[j] = 0;
      for (int64_t k = d; k < dim && k < d + kRun; ++k) add(k, part);
      for (int64_t j = 0; j < w; ++j) sum[j] += part[j];
    }
  }
  // Columns [0, w) of a [dim, inner] matrix, w <= kPanel.
  static void panel(bool log, const In& x, int64_t at, int64_t dim, int64_t inner, int64_t w, const Out& y) {
    A buffer[kPanel], largest[kPanel], sum[kPanel];
    for (int64_t j = 0; j < w; ++j) largest[j] = MaxOp::template identity<A>();
    for (int64_t d = 0; d < dim; ++d)
      map_block([](auto m, auto v) { return MaxOp::join(m, v); }, w, largest, largest, x.at(at + d * inner, w, buffer));
    sum_in_runs(dim, w, sum, [&](int64_t d, A* part) { add_exp(x.at(at + d * inner, w, buffer), largest, w, part); });
    if (log)
      map_block([](auto s) { return lane_math::log(s); }, w, sum, sum);
    else
      map_block([](auto s) { return 1.0 / s; }, w, sum, sum);
    for (int64_t d = 0; d < dim; ++d) {
      const A* block = x.at(at + d * inner, w, buffer);
      A* place = y.place(at + d * inner, buffer);
      if (log)
        map_block([](auto v, auto m, auto s) { return (v - m) - s; }, w, place, block, largest, sum);
      else
        map_block([](auto v, auto m, auto s) { return exp(v - m) * s; }, w, place, block, largest, sum);
      y.done(at + d * inner, w, place);
    }
  }

  static void panel_backward(bool log, const In& g, const In& y, int64_t at, int64_t dim, int64_t inner, int64_t w,
                             const Out& out) {
    A gb[kPanel], yb[kPanel], sum[kPanel];
    sum_in_runs(dim, w, sum, [&](int64_t d, A* part) {
      const A *gs = g.at(at + d * inner, w, gb), *ys = y.at(at + d * inner, w, yb);
      if (log)
        map_block([](auto s, auto a) { return s + a; }, w, part, part, gs);
      else
        map_block([](auto s, auto a, auto b) { return s + a * b; }, w, part, part, gs, ys);
    });
    for (int64_t d = 0; d < dim; ++d) {
      const A *gs = g.at(at + d * inner, w, gb), *ys = y.at(at + d * inner, w, yb);
      A* place = out.place(at + d * inner, gb);
      if (log)
        map_block([](auto a, auto b, auto s) { return a - exp(b) * s; }, w, place, gs, ys, sum);
      else
        map_block([](auto a, auto b, auto s) { return b * (a - s); }, w, place, gs, ys, sum);
      out.done(at + d * inner, w, place);
    }
  }

  // Rows, or panels of columns, over the threads: row(offset) and panel(offset, width).
  template <class Row, class Panel>
  static void walk(const SoftmaxShape& s, Row row, Panel panel) {
    if (s.dim == 0) return;
    if (s.inner == 1)
      return parallel_for(s.outer, grain_of(s.dim), [&](int64_t b, int64_t e) {
        for (int64_t i = b; i < e; ++i) row(i * s.dim);
      });
    int64_t panels = (s.inner + kPanel - 1) / kPanel;
    parallel_for(s.outer * panels, grain_of(s.dim * (s.inner < kPanel ? s.inner : kPanel)), [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) {
        int64_t start = i % panels * kPanel, left = s.inner - start;
        panel(i / panels * s.dim * s.inner + start, left < kPanel ? left : kPanel);
      }
    });
  }
  static void forward(bool log, const SoftmaxShape& s, const void* in, void* out) {
    In x(s.dtype, in);
    Out y(s.dtype, out);
    walk(
        s, [&](int64_t at) { row(log, x, at, s.dim, y); },
        [&](int64_t at, int64_t w) { panel(log, x, at, s.dim, s.inner, w, y); });
  }
  static void backward(bool log, const SoftmaxShape& s, const void* grad, const void* out, void* grad_in) {
    In g(s.dtype, grad), y(s.dtype, out);
    Out to(s.dtype, grad_in);
    walk(
        s, [&](int64_t at) { row_backward(log, g, y, at, s.dim, to); },
        [&](int64_t at, int64_t w) { panel_backward(log, g, y, at, s.dim, s.inner, w, to); });
  }
};

bool forward(bool log, const SoftmaxShape& shape, const void* in, void* out) {
  if (!is_floating(shape.dtype)) return false;
  (shape.dtype == DType::Float64 ? Softmax<double>::forward : Softmax<float>::forward)(log, shape, in, out);
  return true;
}
bool backward(bool log, const SoftmaxShape& shape, const void* grad, const void* out, void* grad_in) {
  if (!is_floating(shape.dtype)) return false;
  (shape.dtype == DType::Float64 ? Softmax<double>::backward : Softmax<float>::backward)(log, shape, grad, out,
                                                                                         grad_in);
  return true;
}

}  // namespace

KERNELS(SoftmaxKernels, softmax_kernels) = {forward, backward};

}  // namespace facula::cpu::FACULA_ISA
