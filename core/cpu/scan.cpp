// Scans: blocks are converted to double, int64 or complex double in L1, scanned with the carry of the block before, and
// converted back. Rows (inner == 1) are serial in dim; panels of columns run side by side.
#include "cpu/scan.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "cpu/copy.h"
#include "cpu/reduce_exp.h"
#include "cpu/reduce_fold.h"
#include "cpu/reduce_row.h"
#include "expr/complex_math.h"
#include "runtime/parallel.h"

namespace facula::cpu::FACULA_ISA {
namespace {

constexpr int64_t kGrain = 16384;  // elements of one chain that take about 20 us
constexpr int64_t kPanel = 256;

using Z = Complex<double>;
inline double nan_of() { return std::numeric_limits<double>::quiet_NaN(); }

// log(exp(a) + exp(b)) as max + log1p(exp(-|a - b|)); equal infinities are themselves.
inline double log_add(double a, double b) {
  if (a != a || b != b) return nan_of();
  double high = a > b ? a : b, low = a > b ? b : a;
  return std::isinf(high) && (high > 0 || low == high) ? high : high + std::log1p(std::exp(low - high));
}
inline Z log_add(Z a, Z b) { return complex_math::logaddexp(a, b); }
template <ScanOp op, class A>
inline A combine(A a, A b) {
  if constexpr (op == ScanOp::LogSumExp)
    return log_add(a, b);
  else if constexpr (op == ScanOp::Sum)
    return a + b;
  else
    return a * b;
}
template <ScanOp op, class A>
inline A identity() {
  if constexpr (std::is_same_v<A, Z> && op == ScanOp::LogSumExp)
    return {-std::numeric_limits<double>::infinity(), 0.0};
  else if constexpr (op == ScanOp::LogSumExp)
    return -std::numeric_limits<double>::infinity();
  else if constexpr (std::is_same_v<A, Z>)
    return {op == ScanOp::Prod ? 1.0 : 0.0, 0.0};
  else
    return op == ScanOp::Prod ? A(1) : A(0);
}

template <class A>
inline constexpr Column kColumnOf = std::is_same_v<A, Z>        ? Column::C128
                                    : std::is_same_v<A, float>  ? Column::F32
                                    : std::is_same_v<A, double> ? Column::F64
                                                                : Column::I64;

template <class A>
void store_block(DType to, const A* x, int64_t n, char* out) {
  constexpr Column column = kColumnOf<A>;
  if (to == dtype_of(column))
    std::memcpy(out, x, static_cast<size_t>(n) * sizeof(A));
  else
    cpu::copy().convert[index_of(dtype_of(column))][index_of(to)](n, x, 1, out, 1);
}

// y = running values of x; y may be x. By `fours`, the chain of dependent operations is one in four elements; not for
// products of doubles, which could overflow where the running product does not.
template <ScanOp op, class A>
A scan_block(const A* x, A* y, int64_t n, A carry, bool fours) {
  int64_t i = 0;
  if constexpr (op != ScanOp::LogSumExp && !std::is_integral_v<A>)
    for (; fours && i + 4 <= n; i += 4) {
      A a = x[i], b = x[i + 1], c = x[i + 2], d = x[i + 3];
      A ab = combine<op>(a, b), abc = combine<op>(ab, c), abcd = combine<op>(ab, combine<op>(c, d));
      y[i] = combine<op>(carry, a);
      y[i + 1] = combine<op>(carry, ab);
      y[i + 2] = combine<op>(carry, abc);
      y[i + 3] = carry = combine<op>(carry, abcd);
      FACULA_SCALAR_LOOP;
    }
  for (; i < n; ++i) {
    y[i] = carry = combine<op>(carry, x[i]);
    FACULA_SCALAR_LOOP;
  }
  return carry;
}

// Eight numbers at a time, each with the sum of those before it (three steps of doubling distance).
constexpr int64_t kLanes = 8;
typedef double Lanes __attribute__((vector_size(64)));
typedef int64_t Places __attribute__((vector_size(64)));
[[gnu::always_inline]] inline Lanes running_lanes(const double* from) {
  Lanes x;
  const Lanes zero = {};
  std::memcpy(&x, from, sizeof(x));
  x += __builtin_shuffle(zero, x, Places{0, 8, 9, 10, 11, 12, 13, 14});
  x += __builtin_shuffle(zero, x, Places{0, 1, 8, 9, 10, 11, 12, 13});
  return x + __builtin_shuffle(zero, x, Places{0, 1, 2, 3, 8, 9, 10, 11});
}
// Running sums of a block, raised by `carry`. Gives the block's total, which does not depend on `carry`.
template <bool write>
double sum_block(const double* x, double* y, int64_t n, double carry) {
  double total = 0;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Lanes sums = running_lanes(x + i);
    if constexpr (write) {
      const Lanes raised = sums + (total + carry);
      std::memcpy(y + i, &raised, sizeof(raised));
    }
    total += sums[kLanes - 1];
  }
  for (; i < n; ++i) {
    total += x[i];
    if constexpr (write) y[i] = carry + total;
  }
  return total;
}
// Where the numbers of a block are near each other, their exponentials are taken against the largest at once and
// summed. Else one after the other.
double log_sum_block(const double* x, double* y, int64_t n, double carry) {
  constexpr double kNear = 32;  // exponentials of that span lose no more than 5 bits of the sum's logarithm
  const double nothing = identity<ScanOp::LogSumExp, double>();
  double low = carry == nothing ? x[0] : carry, high = low, finite = 0;
  for (int64_t i = 0; i < n; ++i) {
    low = x[i] < low ? x[i] : low;
    high = x[i] > high ? x[i] : high;
    finite += x[i] - x[i];
  }
  if (!(finite + (high - high) == 0 && high - low <= kNear))
    return scan_block<ScanOp::LogSumExp>(x, y, n, carry, false);
  exp_block<true>(x, n, high, y);
  sum_block<true>(y, y, n, carry == nothing ? 0 : std::exp(carry - high));
  for (int64_t i = 0; i < n; i += Vec<double>::width)
    store_up_to(y + i, log(load_up_to(y + i, n - i, 1.0)) + high, n - i);
  return y[n - 1];
}
template <ScanOp op, class A>
A scan_any_block(const A* x, A* y, int64_t n, A carry, bool fours) {
  if constexpr (op == ScanOp::LogSumExp && std::is_same_v<A, double>)
    return log_sum_block(x, y, n, carry);
  else
    return scan_block<op>(x, y, n, carry, fours);
}

// Rows, or panels of columns: row(offset), panel(offset, width); offsets in elements.
template <class Row, class Panel>
void walk(const ScanShape& s, Row row, Panel panel) {
  int64_t width = s.inner < kPanel ? s.inner : kPanel, cost = s.dim * width < 1 ? 1 : s.dim * width;
  int64_t panels = s.inner == 0 ? 0 : (s.inner + kPanel - 1) / kPanel;
  parallel_for(s.outer * panels, cost >= kGrain ? 1 : kGrain / cost, [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) {
      int64_t start = i % panels * kPanel, left = s.inner - start, at = i / panels * s.dim * s.inner + start;
      if (s.inner == 1)
        row(at);
      else
        panel(at, left < kPanel ? left : kPanel);
    }
  });
}

constexpr int64_t kSegment = 1 << 16;  // elements of a long row that one thread takes

// Sums of doubles. A row is cut into fixed segments, and the sum before an element is (that of the segments before) +
// (that of the blocks before in its segment), so that threads may start anywhere and all of them get the same bits.
struct SumRows {
  ScanShape s;
  LoadKernel load;
  const char* in;
  char* out;

  // From the element `at` on; with `write` the running sums, which start at `before`. Gives the total of the range.
  template <bool write>
  double range(int64_t at, int64_t length, double before) const {
    const int64_t from = item_size(s.dtype), to = item_size(s.out_dtype);
    const bool native_in = s.dtype == DType::Float64, native_out = s.out_dtype == DType::Float64;
    double block[kBlock], total = 0;
    for_blocks(length, [&](int64_t i, int64_t n) {
      const double* x = native_in ? reinterpret_cast<const double*>(in) + at + i : block;
      double* y = native_out ? reinterpret_cast<double*>(out) + at + i : block;
      if (!native_in) load(in + (at + i) * from, 1, n, block);
      total += sum_block<write>(x, y, n, before + total);
      if (write && !native_out) store_block(s.out_dtype, block, n, out + (at + i) * to);
    });
    return total;
  }
  template <bool write>
  double segment(int64_t row, int64_t number, double before) const {
    const int64_t start = number * kSegment, left = s.dim - start;
    return range<write>(row * s.dim + start, left < kSegment ? left : kSegment, before);
  }
  void run() const {
    const int64_t segments = (s.dim + kSegment - 1) / kSegment;
    if (segments > 1 && s.outer < num_threads()) return run_segments(segments);
    parallel_for(s.outer, kGrain / (s.dim + 1) + 1, [this, segments](int64_t b, int64_t e) {
      for (int64_t row = b; row < e; ++row) {
        double before = 0;
        for (int64_t i = 0; i < segments; ++i) before += segment<true>(row, i, before);
      }
    });
  }
  void run_segments(int64_t segments) const {
    std::vector<double> before(static_cast<size_t>(s.outer * segments));
    parallel_for(s.outer * segments, 1, [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) before[i] = segment<false>(i / segments, i % segments, 0);
    });
    for (int64_t row = 0; row < s.outer; ++row) {
      double sum = 0;
      for (int64_t i = row * segments; i < (row + 1) * segments; ++i) sum += std::exchange(before[i], sum);
    }
    parallel_for(s.outer * segments, 1, [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) segment<true>(i / segments, i % segments, before[i]);
    });
  }
};

template <ScanOp op, class A>
bool scan_as(const ScanShape& s, LoadKernel load, const char* in, char* out) {
  int64_t from = item_size(s.dtype), to = item_size(s.out_dtype);
  bool native_in = s.dtype == dtype_of(kColumnOf<A>), native_out = s.out_dtype == dtype_of(kColumnOf<A>);
  bool fours = op == ScanOp::Sum || (s.dtype != DType::Float64 && s.dtype != DType::Complex128);
  if constexpr (op == ScanOp::Sum && std::is_same_v<A, double>)
    if (s.inner == 1) {
      SumRows{s, load, in, out}.run();
      return true;
    }
  auto row = [=](int64_t at) {
    A block[kBlock], carry = identity<op, A>();
    for_blocks(s.dim, [&](int64_t i, int64_t n) {
      const A* x = native_in ? reinterpret_cast<const A*>(in) + at + i : block;
      A* y = native_out ? reinterpret_cast<A*>(out) + at + i : block;
      if (!native_in) load(in + (at + i) * from, 1, n, block);
      carry = scan_any_block<op>(x, y, n, carry, fours);
      if (!native_out) store_block(s.out_dtype, block, n, out + (at + i) * to);
    });
  };
  auto panel = [=](int64_t at, int64_t w) {
    A block[kPanel], carry[kPanel];
    for (int64_t j = 0; j < w; ++j) carry[j] = identity<op, A>();
    for (int64_t d = 0; d < s.dim; ++d) {
      load(in + (at + d * s.inner) * from, 1, w, block);
      for (int64_t j = 0; j < w; ++j) carry[j] = combine<op>(carry[j], block[j]);
      store_block(s.out_dtype, carry, w, out + (at + d * s.inner) * to);
    }
  };
  walk(s, row, panel);
  return true;
}

bool scan_op(ScanOp op, const ScanShape& s, const void* from, void* to) {
  const char* in = static_cast<const char*>(from);
  char* out = static_cast<char*>(to);
  bool sum = op == ScanOp::Sum;
  if (op == ScanOp::LogSumExp) {
    if (is_complex(s.dtype) && is_complex(s.out_dtype))
      return scan_as<ScanOp::LogSumExp, Z>(s, load_kernel(s.dtype, Column::C128, Map::None), in, out);
    if (!is_floating(s.dtype) || !is_floating(s.out_dtype)) return false;
    return scan_as<ScanOp::LogSumExp, double>(s, load_kernel(s.dtype, Column::F64, Map::None), in, out);
  }
  if (is_complex(s.out_dtype)) {
    LoadKernel load = load_kernel(s.dtype, Column::C128, Map::None);
    return sum ? scan_as<ScanOp::Sum, Z>(s, load, in, out) : scan_as<ScanOp::Prod, Z>(s, load, in, out);
  }
  if (is_floating(s.out_dtype)) {
    LoadKernel load = load_kernel(s.dtype, Column::F64, Map::None);
    return sum ? scan_as<ScanOp::Sum, double>(s, load, in, out) : scan_as<ScanOp::Prod, double>(s, load, in, out);
  }
  LoadKernel load = load_kernel(s.dtype, Column::I64, Map::None);  // uint64_t: the same bits, and overflow is defined
  return sum ? scan_as<ScanOp::Sum, uint64_t>(s, load, in, out) : scan_as<ScanOp::Prod, uint64_t>(s, load, in, out);
}

// x replaces best when it is at least as large (small) and best is no NaN, or when it is a NaN itself.
template <bool largest, class A>
inline bool replaces(A x, A best) {
  return (x != x) | (largest ? x >= best : x <= best);
}
constexpr int64_t kGroup = 16;  // elements of which, in most data, none replaces the best
template <bool largest, class A>
inline bool any_replaces(const A* x, A best) {
  int64_t any = 0;
  for (int64_t j = 0; j < kGroup; ++j) any |= replaces<largest>(x[j], best) ? 1 : 0;
  return any;
}
template <bool largest, class A>
inline void running_group(const A* x, A* y, int64_t n, int64_t first, A& best, int64_t& where, int64_t* index) {
  for (int64_t j = 0; j < n; ++j) {
    if (replaces<largest>(x[j], best)) {
      best = x[j];
      where = first + j;
    }
    y[j] = best;
    index[j] = where;
  }
}
// Rows of running extremes. A long row is cut into segments; their extremes are found first.
template <bool largest, class A>
struct ExtremeRows {
  ScanShape s;
  LoadKernel load;
  const char* in;
  char* out;
  int64_t* index;

  struct Best {
    A value;
    int64_t where;
  };
  // From element `first` of the row that begins at `at`. Without `write` only the best of the range is found.
  template <bool write>
  Best range(int64_t at, int64_t first, int64_t length, Best best) const {
    const int64_t size = item_size(s.dtype);
    const bool native = s.dtype == dtype_of(kColumnOf<A>);  // read and written in place
    A block[kBlock];
    int64_t places[kGroup];
    for_blocks(length, [&](int64_t i, int64_t n) {
      const int64_t start = first + i;
      const A* x = native ? reinterpret_cast<const A*>(in) + at + start : block;
      A* y = native && write ? reinterpret_cast<A*>(out) + at + start : block;
      if (!native) load(in + (at + start) * size, 1, n, block);
      for (int64_t k = 0; k < n; k += kGroup) {
        const int64_t width = n - k < kGroup ? n - k : kGroup;
        int64_t* to = write ? index + at + start + k : places;
        if (width < kGroup || any_replaces<largest>(x + k, best.value)) {
          running_group<largest>(x + k, y + k, width, start + k, best.value, best.where, to);
        } else if (write) {
          std::fill(y + k, y + k + kGroup, best.value);
          std::fill(to, to + kGroup, best.where);
        }
      }
      if (write && !native) store_block(s.dtype, block, n, out + (at + start) * size);
    });
    return best;
  }
  Best first_of(int64_t at) const {
    Best best{A(), 0};
    load(in + at * item_size(s.dtype), 1, 1, &best.value);
    return best;
  }
  void row(int64_t at) const {
    const int64_t segments = (s.dim + kSegment - 1) / kSegment;
    if (segments == 1 || s.outer >= num_threads()) {
      range<true>(at, 0, s.dim, first_of(at));
      return;
    }
    std::vector<Best> before(static_cast<size_t>(segments));
    auto length = [this](int64_t i) { return std::min(kSegment, s.dim - i * kSegment); };
    parallel_for(segments, 1, [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) {
        Best start = first_of(at + i * kSegment);
        start.where = i * kSegment;
        before[i] = range<false>(at, i * kSegment, length(i), start);
      }
    });
    Best best = first_of(at);
    for (Best& own : before) {
      const Best next = replaces<largest>(own.value, best.value) ? own : best;
      own = std::exchange(best, next);
    }
    parallel_for(segments, 1, [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) range<true>(at, i * kSegment, length(i), before[i]);
    });
  }
};

template <bool largest, class A>
bool extreme_as(const ScanShape& s, Column column, const char* in, char* out, int64_t* index) {
  LoadKernel load = load_kernel(s.dtype, column, Map::None);
  int64_t size = item_size(s.dtype);
  const ExtremeRows<largest, A> rows{s, load, in, out, index};
  if (s.inner == 1 && s.outer < num_threads()) {
    for (int64_t row = 0; row < s.outer; ++row) rows.row(row * s.dim);
    return true;
  }
  auto row = [=](int64_t at) { rows.template range<true>(at, 0, s.dim, rows.first_of(at)); };
  auto panel = [=](int64_t at, int64_t w) {
    A block[kPanel], best[kPanel];
    int64_t where[kPanel];
    for (int64_t d = 0; d < s.dim; ++d) {
      load(in + (at + d * s.inner) * size, 1, w, block);
      for (int64_t j = 0; j < w; ++j) {
        bool replace = d == 0 || replaces<largest>(block[j], best[j]);
        best[j] = replace ? block[j] : best[j];
        where[j] = replace ? d : where[j];
      }
      store_block(s.dtype, best, w, out + (at + d * s.inner) * size);
      std::memcpy(index + at + d * s.inner, where, static_cast<size_t>(w) * 8);
    }
  };
  walk(s, row, panel);
  return true;
}
bool extreme_op(bool largest, const ScanShape& s, const void* from, void* to, int64_t* index) {
  const char* in = static_cast<const char*>(from);
  char* out = static_cast<char*>(to);
  if (is_complex(s.dtype)) return false;
  if (is_floating(s.dtype) && s.dtype != DType::Float64)
    return largest ? extreme_as<true, float>(s, Column::F32, in, out, index)
                   : extreme_as<false, float>(s, Column::F32, in, out, index);
  if (is_floating(s.dtype))
    return largest ? extreme_as<true, double>(s, Column::F64, in, out, index)
                   : extreme_as<false, double>(s, Column::F64, in, out, index);
  return largest ? extreme_as<true, int64_t>(s, Column::I64, in, out, index)
                 : extreme_as<false, int64_t>(s, Column::I64, in, out, index);
}

}  // namespace

KERNELS(ScanKernels, scan_kernels) = {scan_op, extreme_op};

}  // namespace facula::cpu::FACULA_ISA
