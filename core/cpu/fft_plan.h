// What a Fourier transform of one length needs besides the signal: its passes, its factors, its tables; and the row
// transform itself. Plans are immutable once made.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "cpu/fft_lanes.h"
#include "runtime/allocator.h"
#include "runtime/parallel.h"

namespace facula::cpu::FACULA_ISA::fft {

inline constexpr int64_t kParallelNumbers = 1 << 15;  // complex numbers from which a transform is split over threads
inline constexpr int64_t kLargestBlock = 4 << 20;     // bytes of a block of lanes: more would leave every cache
inline constexpr int64_t kEasyBlock = 256 << 10;      // ... that stays in L2 beside its twin
inline constexpr int64_t kFactorTable = 128 << 10;    // bytes up to which all factors between two steps are kept

template <class T>
struct Memory {
  size_t bytes;
  T* data;
  explicit Memory(int64_t n) : bytes(static_cast<size_t>(n) * sizeof(T)), data(static_cast<T*>(allocate(bytes))) {}
  ~Memory() { deallocate(data, bytes); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
};

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// exp(-2 pi i k / n), 0 <= k < n: the angle is brought into an eighth of the circle in integers.
inline std::pair<double, double> root_of_unity(int64_t k, int64_t n) {
  const int64_t eighth = 8 * k / n, rest = 8 * k - eighth * n;
  const double angle = M_PI_4 * (static_cast<double>(eighth % 2 ? n - rest : rest) / static_cast<double>(n));
  double c = std::cos(angle), s = std::sin(angle);
  if (((eighth + 1) / 2) % 2) std::swap(c, s);
  if (eighth >= 2 && eighth < 6) c = -c;
  if (eighth >= 4) s = -s;
  return {c, -s};
}
template <class T>
void put_root(T* to, int64_t k, int64_t n) {
  const auto [c, s] = root_of_unity(k, n);
  to[0] = static_cast<T>(c);
  to[1] = static_cast<T>(s);
}

// ---- lanes ----

// Radices of the passes, empty when a factor is too large for one.
inline std::vector<int> radices(int64_t n) {
  std::vector<int> found;
  int twos = 0;
  for (; n % 2 == 0; n /= 2) ++twos;
  for (; twos > 4 || twos == 3; twos -= 3) found.push_back(8);
  for (; twos > 1; twos -= 2) found.push_back(4);
  if (twos) found.push_back(2);
  for (int r = 3; r <= kLargestRadix && n > 1; r += 2)
    for (; n % r == 0; n /= r) found.push_back(r);
  if (n > 1) return {};
  if (found.empty()) found.push_back(1);
  return found;
}
// Vector instructions for one number in each lane, roughly.
inline double pass_cost(int radix) {
  switch (radix) {
    case 2: return 7;
    case 3:
    case 4: return 9;
    case 5:
    case 8: return 12;
    default: return 8 + 2 * radix;
  }
}
inline double lanes_cost(int64_t n) {  // of W transforms; infinite when lanes cannot
  double cost = 0;
  const std::vector<int> all = radices(n);
  for (int r : all) cost += pass_cost(r);
  return all.empty() ? INFINITY : cost * static_cast<double>(n);
}
template <class T>
double block_cost(int64_t n) {
  const int64_t bytes = n * 2 * W<T> * static_cast<int64_t>(sizeof(T));
  return bytes > kLargestBlock ? INFINITY : bytes > kEasyBlock ? 1.5 * lanes_cost(n) : lanes_cost(n);
}

template <class T>
struct LanePlan {
  int64_t n;
  std::vector<Pass<T>> passes;
  std::unique_ptr<Memory<T>> tables;

  explicit LanePlan(int64_t n) : n(n) {
    const std::vector<int> all = radices(n);
    int64_t size = 0, m = n;
    for (int r : all) {
      m /= r;
      size += 2 * m * (r - 1) + (r % 2 ? 2 * r : 0);
    }
    tables = std::make_unique<Memory<T>>(size);
    T* at = tables->data;
    int64_t s = 1;
    m = n;
    for (int r : all) {
      m /= r;
      Pass<T> pass{r, m, s, at, nullptr};
      for (int64_t p = 0; p < m; ++p)
        for (int64_t k = 1; k < r; ++k, at += 2) put_root(at, p * k, m * r);
      if (r % 2) {
        pass.cosines = at;
        for (int j = 0; j < r; ++j, at += 2) {
          put_root(at, j, r);
          at[1] = -at[1];
        }
      }
      passes.push_back(pass);
      s *= r;
    }
  }
  size_t bytes() const { return tables->bytes; }
  // See run_passes. The blocks hold n + 1 numbers a lane.
  T* run(const Lines<T>* in, T* block_in, const Lines<T>* out, T* a, T* b) const {
    return run_passes(passes.data(), static_cast<int>(passes.size()), in, block_in, out, a, b);
  }
};
// Two blocks of lanes of n numbers, and of one more.
template <class T>
struct Blocks {
  T *a, *b;
  Blocks(T* memory, int64_t n) : a(memory), b(memory + size(n) / 2) {}
  static int64_t size(int64_t n) { return 4 * W<T> * (n + 1); }
};

// ---- rows ----

// Transforms of n complex numbers that lie one behind the other; dst may be src.
template <class T>
struct RowPlan {
  int64_t scratch = 0;  // T that run() is given; plans of many points take theirs themselves, and use the pool
  virtual ~RowPlan() = default;
  // Exponents +i when `inverse`.
  virtual void run(const T* src, T* dst, bool inverse, T scale, T* scratch) const = 0;
  virtual size_t bytes() const = 0;
  virtual double cost() const = 0;  // in the unit of lanes_cost
};

// Few points: one lane of a block.
template <class T>
struct SmallRow : RowPlan<T> {
  LanePlan<T> plan;
  explicit SmallRow(int64_t n) : plan(n) { this->scratch = Blocks<T>::size(n); }
  void run(const T* src, T* dst, bool inverse, T scale, T* scratch) const override {
    const Blocks<T> blocks(scratch, plan.n);
    const T sign = inverse ? -1 : 1;
    T* x = blocks.a;
    for (int64_t i = 0; i < plan.n; ++i) put(block(x), i, Numbers<T>{src[2 * i], sign * src[2 * i + 1]});
    x = plan.run(nullptr, x, nullptr, blocks.a, blocks.b);
    for (int64_t i = 0; i < plan.n; ++i) {
      dst[2 * i] = scale * x[2 * W<T> * i];
      dst[2 * i + 1] = sign * scale * x[2 * W<T> * i + W<T>];
    }
  }
  size_t bytes() const override { return plan.bytes(); }
  double cost() const override { return cost_of(plan.n); }
  static double cost_of(int64_t n) { return block_cost<T>(n) + 6.0 * static_cast<double>(n); }
};

// n = first * second: transforms of the columns of a [first, second] matrix, W side by side, turned and transposed;
// then those of what were its rows, W side by side again (Bailey 1990).
template <class T>
struct TwoStepRow : RowPlan<T> {
  LanePlan<T> first, second;
  int64_t column_blocks, row_blocks;
  bool few;  // points: every factor is kept
  // exp(-2 pi i j k / n), j the column, k < first: `fine` for each column of a block, of each block when few, else of
  // the first one; then `coarse` for each block.
  Memory<T> fine, coarse;

  TwoStepRow(int64_t n1, int64_t n2)
      : first(n1),
        second(n2),
        column_blocks(ceil_div(n2, W<T>)),
        row_blocks(ceil_div(n1, W<T>)),
        few(static_cast<int64_t>(sizeof(T)) * 2 * W<T> * n1 * column_blocks <= kFactorTable),
        fine(2 * W<T> * n1 * (few ? column_blocks : 1)),
        coarse(few ? 0 : 2 * n1 * column_blocks) {
    const int64_t n = n1 * n2;
    T root[2], *at = fine.data;
    for (int64_t b = 0; b < (few ? column_blocks : 1); ++b)
      for (int64_t k = 0; k < n1; ++k, at += 2 * W<T>)
        for (int j = 0; j < W<T>; ++j) {
          put_root(root, (b * W<T> + j) * k % n, n);
          at[j] = root[0];
          at[W<T> + j] = root[1];
        }
    for (int64_t b = 0; !few && b < column_blocks; ++b)
      for (int64_t k = 0; k < n1; ++k) put_root(coarse.data + 2 * (b * n1 + k), b * W<T> * k % n, n);
    if (n1 * n2 <= kParallelNumbers) this->scratch = turned_size() + Blocks<T>::size(std::max(n1, n2));
  }
  size_t bytes() const override { return first.bytes() + second.bytes() + fine.bytes + coarse.bytes; }
  double cost() const override { return cost_of(first.n, second.n); }
  static double cost_of(int64_t n1, int64_t n2) {
    const auto columns = static_cast<double>(ceil_div(n2, W<T>)), rows = static_cast<double>(ceil_div(n1, W<T>));
    return columns * (block_cost<T>(n1) + 10.0 * static_cast<double>(n1)) + rows * block_cost<T>(n2) + 200;
  }

  void run(const T* src, T* dst, bool inverse, T scale, T* scratch) const override {
    if (scratch) {
      columns(src, 0, column_blocks, inverse, scratch + turned_size(), scratch);
      return rows(scratch, 0, row_blocks, dst, inverse, scale, scratch + turned_size());
    }
    Memory<T> turned(turned_size());
    const int64_t grain = kParallelNumbers / W<T>;
    parallel_for(column_blocks, ceil_div(grain, first.n), [&](int64_t begin, int64_t end) {
      Memory<T> blocks(Blocks<T>::size(first.n));
      columns(src, begin, end, inverse, blocks.data, turned.data);
    });
    parallel_for(row_blocks, ceil_div(grain, second.n), [&](int64_t begin, int64_t end) {
      Memory<T> blocks(Blocks<T>::size(second.n));
      rows(turned.data, begin, end, dst, inverse, scale, blocks.data);
    });
  }

 private:
  int64_t turned_size() const { return row_blocks * second.n * 2 * W<T>; }

  void columns(const T* src, int64_t begin, int64_t end, bool inverse, T* memory, T* turned) const {
    const Blocks<T> blocks(memory, first.n);
    for (int64_t b = begin; b < end; ++b) {
      const int lanes = static_cast<int>(std::min<int64_t>(W<T>, second.n - b * W<T>));
      const Lines<T> in{const_cast<T*>(src) + 2 * b * W<T>, 2 * second.n, lanes, 1, inverse ? T(-1) : T(1)};
      Lines<T> out = block<T>(nullptr);
      out.fine = fine.data + (few ? b * first.n * 2 * W<T> : 0);
      out.coarse = few ? nullptr : coarse.data + 2 * b * first.n;
      const T* x = first.run(&in, nullptr, &out, blocks.a, blocks.b);
      for (int64_t r = 0; r < row_blocks; ++r)
        turn_block(x + r * W<T> * 2 * W<T>, first.n - r * W<T>, lanes, turned + (r * second.n + b * W<T>)*2 * W<T>);
    }
  }
  void rows(T* turned, int64_t begin, int64_t end, T* dst, bool inverse, T scale, T* memory) const {
    const Blocks<T> blocks(memory, second.n);
    for (int64_t b = begin; b < end; ++b) {
      const int lanes = static_cast<int>(std::min<int64_t>(W<T>, first.n - b * W<T>));
      const Lines<T> out{dst + 2 * b * W<T>, 2 * first.n, lanes, scale, inverse ? -scale : scale};
      second.run(nullptr, turned + b * second.n * 2 * W<T>, &out, blocks.a, blocks.b);
    }
  }
};

// out = a * b, number by number, times `scale`; either side conjugated. n interleaved numbers, on the pool.
template <class T>
void multiply(int64_t n, const T* a, bool conj_a, const T* b, T scale, bool conj_out, T* out) {
  const Vec<T> sign_a = conj_a ? T(-1) : T(1), re = scale, im = conj_out ? -scale : scale;
  parallel_for(ceil_div(n, W<T>), kParallelNumbers / W<T>, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * W<T>; i < n && i < end * W<T>; i += W<T>) {
      const int few = static_cast<int>(std::min<int64_t>(W<T>, n - i));
      const Numbers<T> x = load_numbers(a + 2 * i, few);
      const Numbers<T> y = Numbers<T>{x.re, sign_a * x.im} * load_numbers(b + 2 * i, few);
      store_numbers(out + 2 * i, few, {re * y.re, im * y.im});
    }
  });
}

template <class T>
std::unique_ptr<RowPlan<T>> make_row(int64_t n);

// Lengths with a large prime factor, as a convolution with a chirp, of a length m that is easy (Bluestein 1970).
template <class T>
struct ChirpRow : RowPlan<T> {
  int64_t n, m;
  std::unique_ptr<RowPlan<T>> inner;
  Memory<T> chirp, filter;  // exp(-pi i k^2 / n); the transform of its conjugates, over m

  explicit ChirpRow(int64_t n) : n(n), m(easy_length(2 * n - 1)), inner(make_row<T>(m)), chirp(2 * n), filter(2 * m) {
    std::fill(filter.data, filter.data + 2 * m, T(0));
    for (int64_t k = 0, square = 0; k < n; square = (square + 2 * k + 1) % (2 * n), ++k) {
      T* c = chirp.data + 2 * k;
      put_root(c, square, 2 * n);
      T *front = filter.data + 2 * k, *back = filter.data + 2 * ((m - k) % m);
      front[0] = back[0] = c[0];
      front[1] = back[1] = -c[1];
    }
    const bool small = inner->scratch > 0;
    Memory<T> memory(inner->scratch);
    inner->run(filter.data, filter.data, false, static_cast<T>(1.0 / static_cast<double>(m)),
               small ? memory.data : nullptr);
    if (small) this->scratch = 2 * m + inner->scratch;
  }
  size_t bytes() const override { return inner->bytes() + chirp.bytes + filter.bytes; }
  double cost() const override { return 2 * inner->cost() + 20.0 * static_cast<double>(m) / W<T>; }

  void run(const T* src, T* dst, bool inverse, T scale, T* scratch) const override {
    Memory<T> spread(scratch ? 0 : 2 * m);
    T* x = scratch ? scratch + inner->scratch : spread.data;
    multiply(n, src, inverse, chirp.data, T(1), false, x);
    std::fill(x + 2 * n, x + 2 * m, T(0));
    inner->run(x, x, false, 1, scratch);
    multiply(m, x, false, filter.data, T(1), false, x);
    inner->run(x, x, true, 1, scratch);
    multiply(n, x, false, chirp.data, scale, inverse, dst);
  }

  // The cheapest of the next products of 2, 3, 5 and 7; from some size on it splits into whole blocks of lanes.
  static int64_t easy_length(int64_t least) {
    const int64_t unit = least >= 4 * W<T> * W<T> ? W<T> * W<T> : 1, limit = least + least / 2 + 16;
    int64_t best = 0;
    double best_cost = INFINITY;
    for (int64_t a = unit; a <= limit; a *= 2)
      for (int64_t b = a; b <= limit; b *= 3)
        for (int64_t c = b; c <= limit; c *= 5)
          for (int64_t d = c; d <= limit; d *= 7)
            if (d >= least && lanes_cost(d) < best_cost) {
              best = d;
              best_cost = lanes_cost(d);
            }
    return best;
  }
};

template <class T>
std::unique_ptr<RowPlan<T>> make_row(int64_t n) {
  double best = SmallRow<T>::cost_of(n);
  if (std::isinf(lanes_cost(n))) return std::make_unique<ChirpRow<T>>(n);
  int64_t split = 0;
  for (int64_t d = 2; d * d <= n; ++d) {
    if (n % d) continue;
    for (int64_t first : {d, n / d})
      if (const double cost = TwoStepRow<T>::cost_of(first, n / first); cost <= best) {
        best = cost;
        split = first;
      }
  }
  if (split) return std::make_unique<TwoStepRow<T>>(split, n / split);
  return std::make_unique<SmallRow<T>>(n);
}

}  // namespace facula::cpu::FACULA_ISA::fft
