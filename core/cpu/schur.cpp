// See schur.h. An eigenvector, or the first of a pair, has a lane; all go up the matrix together.
#include "cpu/schur.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cpu/lanes.h"

namespace facula::cpu::FACULA_ISA {
namespace {

template <class T>
LANE_OP Vec<T> magnitude(Vec<T> x) {
  return select(x < Vec<T>(0), -x, x);
}
template <class T>
LANE_OP Vec<T> larger(Vec<T> x, Vec<T> y) {
  return select(x > y, x, y);
}

template <class T>
struct Pair {  // complex numbers
  Vec<T> re, im;
  LANE_OP Vec<T> size() const { return larger(magnitude(re), magnitude(im)); }
  friend LANE_OP Pair operator+(Pair a, Pair b) { return {a.re + b.re, a.im + b.im}; }
  friend LANE_OP Pair operator-(Pair a, Pair b) { return {a.re - b.re, a.im - b.im}; }
  friend LANE_OP Pair operator*(Pair a, Pair b) { return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }
  friend LANE_OP Pair operator*(Vec<T> a, Pair b) { return {a * b.re, a * b.im}; }
  friend LANE_OP Pair pick(Mask<T> m, Pair a, Pair b) { return {select(m, a.re, b.re), select(m, a.im, b.im)}; }
  // a / b; b is at least `least` in size, or becomes that.
  friend LANE_OP Pair divide(Pair a, Pair b, Vec<T> least) {
    const Mask<T> small = b.size() < least;
    b = {select(small, least, b.re), select(small, Vec<T>(0), b.im)};
    const Vec<T> inverse = Vec<T>(1) / b.size(), re = b.re * inverse, im = b.im * inverse;
    return (inverse / (re * re + im * im)) * (a * Pair{re, -im});
  }
};

// Components [row][lane], real and imaginary part in turn.
template <class T>
struct Lanes {
  static constexpr int64_t w = Vec<T>::width;
  int64_t n, rows = 0;  // rows: of the longest vector
  const T* t;
  T* x;
  int64_t count = 0, column[w], block[w];  // of each lane: where it goes, and how many rows its own block has
  Vec<T> re, im, start, least;             // the eigenvalue, the first row of its block, the smallest denominator

  LANE_OP Pair<T> at(int64_t row) const { return {load(x + 2 * row * w), load(x + (2 * row + 1) * w)}; }
  LANE_OP void put(int64_t row, Pair<T> value) const {
    store(x + 2 * row * w, value.re);
    store(x + (2 * row + 1) * w, value.im);
  }
  // Fills the lanes with eigenvalues from i on; the result is the first that found no place.
  int64_t take(int64_t i, int64_t last, const T* values_re, const T* values_im) {
    // Beside 1, the largest number of t, this is nothing, and quotients by it do not overflow.
    constexpr T kNothing = sizeof(T) == 4 ? T(0x1p-60) : T(0x1p-500);
    alignas(kLaneBytes) T lane_re[w] = {}, lane_im[w] = {}, lane_start[w] = {}, lane_least[w];
    std::fill(lane_least, lane_least + w, T(1));
    for (count = 0; count < w && i < last; ++count) {
      column[count] = i;
      block[count] = values_im[i] != 0 && i + 1 < n ? 2 : 1;
      lane_re[count] = values_re[i];
      lane_im[count] = block[count] == 2 ? values_im[i] : T(0);
      lane_start[count] = static_cast<T>(i);
      const T size = std::fabs(lane_re[count]) + std::fabs(lane_im[count]);
      lane_least[count] = std::max(kNothing, size * std::numeric_limits<T>::epsilon() / 2);
      i += block[count];
    }
    rows = i;
    re = load(lane_re);
    im = load(lane_im);
    start = load(lane_start);
    least = load(lane_least);
    std::fill(x, x + 2 * rows * w, T(0));
    for (int64_t lane = 0; lane < count; ++lane) begin(lane, lane_im[lane]);
    return i;
  }
  // The eigenvector of the lane's own block, of which t's is [a b; c a]: (1, i beta / b) or (-beta / c, i).
  void begin(int64_t lane, T beta) const {
    const int64_t p = column[lane];
    T *first = x + 2 * p * w + lane, *second = first + 2 * w;
    if (block[lane] == 1) {
      *first = 1;
      return;
    }
    const T b = t[p * n + p + 1], c = t[(p + 1) * n + p];
    if (std::fabs(b) >= std::fabs(c)) {
      *first = 1;
      second[w] = beta / b;
    } else {
      *first = -beta / c;
      second[w] = 1;
    }
  }
  template <int count_rows>
  LANE_OP void sums(int64_t row, int64_t from, Pair<T> (&out)[count_rows]) const {
    for (int r = 0; r < count_rows; ++r) out[r] = {T(0), T(0)};
    for (int64_t i = from; i < rows; ++i) {
      const Pair<T> value = at(i);
      for (int r = 0; r < count_rows; ++r) out[r] = out[r] + Vec<T>(t[(row + r) * n + i]) * value;
    }
  }
  // Lanes whose block is further down get (t - lambda) x = 0 in this row, or these two rows.
  void solve_one(int64_t row) const {
    Pair<T> sum[1];
    sums(row, row + 1, sum);
    const Pair<T> diagonal{Vec<T>(t[row * n + row]) - re, -im};
    const Pair<T> found = divide(Pair<T>{-sum[0].re, -sum[0].im}, diagonal, least);
    const Pair<T> own = pick(start > Vec<T>(T(row)), found, at(row));
    put(row, own);
    keep_moderate(row, own.size());
  }
  void solve_two(int64_t row) const {
    Pair<T> sum[2];
    sums(row, row + 2, sum);
    const Vec<T> b = t[row * n + row + 1], c = t[(row + 1) * n + row];
    const Pair<T> up{Vec<T>(t[row * n + row]) - re, -im}, low{Vec<T>(t[(row + 1) * n + row + 1]) - re, -im};
    Pair<T> determinant = up * low;
    determinant.re = determinant.re - b * c;
    const Vec<T> most = larger(larger(up.size(), low.size()), larger(magnitude(b), magnitude(c)));
    const Vec<T> floor = least * most;
    const Pair<T> first = divide(b * sum[1] - low * sum[0], determinant, floor);
    const Pair<T> second = divide(c * sum[0] - up * sum[1], determinant, floor);
    const Mask<T> active = start > Vec<T>(T(row));
    const Pair<T> one = pick(active, first, at(row)), two = pick(active, second, at(row + 1));
    put(row, one);
    put(row + 1, two);
    keep_moderate(row, larger(one.size(), two.size()));
  }
  // Lanes that have grown are scaled down, by powers of two.
  void keep_moderate(int64_t row, Vec<T> size) const {
    constexpr T kMuch = 0x1p30;
    if (!any(size > Vec<T>(kMuch))) return;
    alignas(kLaneBytes) T factor[w];
    for (int lane = 0; lane < w; ++lane)
      factor[lane] = size.v[lane] > kMuch ? std::ldexp(T(1), -std::ilogb(size.v[lane])) : T(1);
    for (int64_t i = row; i < rows; ++i) put(i, load(factor) * at(i));
  }
  void solve() const {
    for (int64_t row = rows - 1; row >= 0; --row) {
      if (row > 0 && t[row * n + row - 1] != 0)
        solve_two(--row);
      else
        solve_one(row);
    }
  }
  void write(T* out) const {
    Vec<T> most = T(0);
    for (int64_t i = 0; i < rows; ++i) most = larger(most, at(i).size());
    for (int64_t lane = 0; lane < count; ++lane) {
      const T factor = std::ldexp(T(0.5), -std::ilogb(most.v[lane]));
      for (int64_t part = 0; part < block[lane]; ++part) {
        T* to = out + (column[lane] + part) * n;
        for (int64_t i = 0; i < rows; ++i) to[i] = x[(2 * i + part) * w + lane] * factor;
        std::fill(to + rows, to + n, T(0));
      }
    }
  }
};

template <class T>
int64_t work_size(int64_t n) {
  return 2 * n * Vec<T>::width;
}
template <class T>
void vectors(int64_t n, const T* t, const T* re, const T* im, int64_t first, int64_t last, T* x, T* work) {
  Lanes<T> lanes;
  lanes.n = n;
  lanes.t = t;
  lanes.x = work;
  for (int64_t i = first; i < last;) {
    i = lanes.take(i, last, re, im);
    lanes.solve();
    lanes.write(x);
  }
}

}  // namespace

KERNELS(SchurKernels, schur_kernels) = {{work_size<float>, vectors<float>}, {work_size<double>, vectors<double>}};

}  // namespace facula::cpu::FACULA_ISA
