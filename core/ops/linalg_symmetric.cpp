// See linalg_symmetric.h. Nothing depends on the number of threads: a matrix is torn by its size alone, and each root
// and each element of a product is one thread's.
#include "ops/linalg_symmetric.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "cpu/secular.h"
#include "ops/linalg_householder.h"
#include "ops/linalg_memory.h"
#include "runtime/gemm.h"
#include "runtime/lapack.h"
#include "runtime/parallel.h"

namespace facula::symmetric {

namespace {

// One allocation, cut into arrays that begin at cache lines.
struct Arena {
  explicit Arena(size_t bytes) : bytes(bytes), data(static_cast<char*>(allocate(bytes))), next(data) {}
  ~Arena() { deallocate(data, bytes); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  template <class T>
  T* take(int64_t n) {
    char* now = next;
    next += size_of<T>(n);
    return reinterpret_cast<T*>(now);
  }
  template <class T>
  static size_t size_of(int64_t n) {
    constexpr size_t line = 64;
    return (static_cast<size_t>(n) * sizeof(T) + line - 1) / line * line;
  }
  size_t bytes;
  char *data, *next;
};

// Note [Divide and conquer]
// A tridiagonal matrix is two smaller ones plus rho z z^T, which touches their corners. With their eigenvectors Q it is
// Q (D + rho z z^T) Q^T. Entries of z that are negligible, and one of two entries whose d nearly agree (a rotation
// makes it zero), leave their eigenpairs as they are: deflation. The others' eigenvalues are the roots of the secular
// equation; the vectors come from the z for which these roots are exact, which makes them orthogonal. Source: J.
// Cuppen, 1981; M. Gu and S. Eisenstat, A divide-and-conquer algorithm for the symmetric tridiagonal eigenproblem,
// 1995; LAPACK's laed2 for the tolerance.
template <class T>
struct Problem {
  int64_t side;
  T *d, *e;
  T *q, *packed, *s;      // [side, side] each; q begins as zeros
  T* values;              // [6, side]
  int32_t* numbers;       // [3, side]
  int64_t *order, *kept;  // [side] each; order: the columns of q by ascending d
  std::atomic<bool> failed{false};
};

template <class T>
struct Merge {
  enum Place : int32_t { kTop, kBoth, kBottom, kDeflated };  // where a column of q has numbers
  Problem<T>& whole;
  const int64_t first, n, half;
  int64_t count = 0, tops = 0, boths = 0;  // columns that take part
  T *d, *z, *poles, *squares, *shift, *rows, *weights, *upper, *lower, *s;
  int64_t *order, *kept;
  int32_t *place, *origin, *pole_of_row;

  // All indices count from the block's first.
  Merge(Problem<T>& p, int64_t first, int64_t n) : whole(p), first(first), n(n), half(n / 2) {
    d = p.d + first;
    z = p.values + 6 * first;
    poles = z + n;
    squares = z + 2 * n;
    shift = z + 3 * n;
    rows = z + 4 * n;
    weights = z + 5 * n;
    place = p.numbers + 3 * first;
    origin = place + n;
    pole_of_row = place + 2 * n;
    order = p.order + first;
    kept = p.kept + first;
    upper = lower = p.packed + first * p.side;
    s = p.s + first * p.side;
  }
  T* column(int64_t j) const { return whole.q + (first + j) * whole.side + first; }

  void run(T beside) {
    const T scale = std::sqrt(T(0.5));  // makes z's norm 1
    for (int64_t j = 0; j < n; ++j) {
      place[j] = j < half ? kTop : kBottom;
      z[j] = j < half ? column(j)[half - 1] * scale : column(j)[half] * (beside < 0 ? -scale : scale);
    }
    for (int64_t i = half; i < n; ++i) order[i] += half;  // both halves count from 0
    std::inplace_merge(order, order + half, order + n, [&](int64_t i, int64_t j) { return d[i] < d[j]; });
    const T rho = 2 * std::abs(beside);
    deflate(rho);
    if (count > 0) {
      pack();
      find(rho);
      multiply();
    }
    sort();
  }

  void deflate(T rho) {
    T most = 0;
    for (int64_t j = 0; j < n; ++j) most = std::max({most, std::abs(d[j]), std::abs(z[j])});
    const T tolerance = 4 * std::numeric_limits<T>::epsilon() * most;  // LAPACK's 8 units of rounding
    int64_t before = -1;
    for (int64_t i = 0; i < n; ++i) {
      const int64_t j = order[i];
      if (rho * std::abs(z[j]) <= tolerance) {
        place[j] = kDeflated;
        continue;
      }
      if (before >= 0 && !joins(before, j, tolerance)) kept[count++] = before;
      before = j;
    }
    if (before >= 0) kept[count++] = before;
  }
  // Rotates the entry of column i into that of column j where their d are as good as equal.
  bool joins(int64_t i, int64_t j, T tolerance) {
    const T both = std::hypot(z[i], z[j]), c = z[j] / both, s = z[i] / both;
    if (!(std::abs((d[j] - d[i]) * c * s) <= tolerance)) return false;
    z[j] = both;
    T *x = column(i), *y = column(j);
    for (int64_t r = 0; r < n; ++r) {
      const T a = x[r], b = y[r];
      x[r] = c * a - s * b;
      y[r] = s * a + c * b;
    }
    const T low = d[i] * c * c + d[j] * s * s;
    d[j] = d[i] * s * s + d[j] * c * c;
    d[i] = low;
    if (place[i] != place[j]) place[j] = kBoth;
    place[i] = kDeflated;
    return true;
  }

  // The columns that take part leave q: tops, then boths, then bottoms. The deflated ones go to its end.
  void pack() {
    int64_t counts[3] = {};
    for (int64_t i = 0; i < count; ++i) ++counts[place[kept[i]]];
    tops = counts[kTop];
    boths = counts[kBoth];
    lower = upper + half * (tops + boths);
    int64_t next[3] = {0, tops, tops + boths};
    for (int64_t i = 0; i < count; ++i) {
      const int64_t j = kept[i], row = next[place[j]]++;
      poles[i] = d[j];
      squares[i] = z[j] * z[j];
      pole_of_row[row] = static_cast<int32_t>(i);
      if (place[j] != kBottom) std::copy_n(column(j), half, upper + row * half);
      if (place[j] != kTop) std::copy_n(column(j) + half, n - half, lower + (row - tops) * (n - half));
    }
    T* rest = lower + (n - half) * (count - tops);
    int64_t deflated = 0;
    for (int64_t j = 0; j < n; ++j) {
      if (place[j] != kDeflated) continue;
      std::copy_n(column(j), n, rest + deflated * n);
      shift[deflated++] = d[j];
    }
    for (int64_t i = 0; i < deflated; ++i) std::copy_n(rest + i * n, n, column(count + i));
    std::copy_n(shift, deflated, d + count);
  }

  // Roots, and their vectors with rows in the order of the packed columns.
  void find(T rho) {
    if (count == 1) {
      d[0] = poles[0] + rho * squares[0];
      s[0] = 1;
      return;
    }
    const cpu::SecularOf<T>& k = kernels_of<T>(cpu::secular());
    const int64_t grain = 1 + (1 << 14) / count;  // a root takes some ten nanoseconds for each pole
    parallel_for(count, grain,
                 [&](int64_t begin, int64_t end) { k.roots(count, poles, squares, rho, begin, end, origin, shift); });
    parallel_for(count, 4 * grain,
                 [&](int64_t begin, int64_t end) { k.weights(count, poles, origin, shift, begin, end, weights); });
    T* ordered = squares;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t pole = pole_of_row[i], j = kept[pole];
      rows[i] = poles[pole];
      ordered[i] = std::copysign(weights[pole], z[j]);
    }
    parallel_for(count, 4 * grain, [&](int64_t begin, int64_t end) {
      k.vectors(count, poles, origin, shift, rows, ordered, begin, end, s, count);
    });
    for (int64_t i = 0; i < count; ++i) d[i] = poles[origin[i]] + shift[i];
  }
  void multiply() {  // row-major products see all matrices transposed
    gemm(kRealType<T>, false, false, count, half, tops + boths, 1, s, count, upper, half, 0, column(0), whole.side);
    gemm(kRealType<T>, false, false, count, n - half, count - tops, 1, s + tops, count, lower, n - half, 0,
         column(0) + half, whole.side);
  }
  void sort() {
    std::iota(order, order + n, int64_t{0});
    std::sort(order, order + n, [&](int64_t i, int64_t j) { return d[i] < d[j] || (d[i] == d[j] && i < j); });
  }
};

template <class T>
void divide(Problem<T>& p, int64_t first, int64_t n) {
  if (n <= cpu::kSmallTridiagonal) {
    T* d = p.d + first;
    int64_t* order = p.order + first;
    if (!kernels_of<T>(cpu::secular()).small(n, d, p.e + first, p.q + first * (p.side + 1), p.side)) p.failed = true;
    std::iota(order, order + n, int64_t{0});
    return std::sort(order, order + n, [&](int64_t i, int64_t j) { return d[i] < d[j] || (d[i] == d[j] && i < j); });
  }
  const int64_t half = n / 2, corner = first + half;
  const T beside = p.e[corner - 1];
  p.d[corner - 1] -= std::abs(beside);
  p.d[corner] -= std::abs(beside);
  parallel_for(2, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) divide(p, i ? corner : first, i ? n - half : half);
  });
  if (!p.failed) Merge<T>(p, first, n).run(beside);
}

template <class T>
T power_of_two_below(T x) {
  return std::ldexp(T(1), std::ilogb(x));
}

// Blocks between negligible entries beside the diagonal, each scaled, so that none shows in another one's accuracy.
template <class T>
bool divide_blocks(Problem<T>& p) {
  const T epsilon = std::numeric_limits<T>::epsilon() / 2;
  for (int64_t first = 0, end; first < p.side; first = end) {
    end = first + 1;
    while (end < p.side &&
           std::abs(p.e[end - 1]) > epsilon * std::sqrt(std::abs(p.d[end - 1])) * std::sqrt(std::abs(p.d[end])))
      ++end;
    const int64_t n = end - first;
    T most = 0;
    for (int64_t i = first; i < end; ++i) most = std::max(most, std::abs(p.d[i]));
    for (int64_t i = first; i + 1 < end; ++i) most = std::max(most, std::abs(p.e[i]));
    const T scale = most > 0 ? power_of_two_below(most) : T(1);
    for (int64_t i = first; i < end; ++i) p.d[i] /= scale;
    for (int64_t i = first; i + 1 < end; ++i) p.e[i] /= scale;
    divide(p, first, n);
    for (int64_t i = first; i < end; ++i) {
      p.d[i] *= scale;
      p.order[i] += first;
    }
  }
  std::sort(p.order, p.order + p.side,
            [&](int64_t i, int64_t j) { return p.d[i] < p.d[j] || (p.d[i] == p.d[j] && i < j); });
  return !p.failed;
}

// The eigenvectors of Q T Q^T into a, which holds the reflections of Q.
template <class T>
bool find_vectors(int n, T* a, T* d, T* e, const T* tau, T* w) {
  const int64_t side = n, square = side * side;
  Arena memory(3 * Arena::size_of<T>(square) + Arena::size_of<T>(6 * side) + Arena::size_of<int32_t>(3 * side) +
               2 * Arena::size_of<int64_t>(side));
  Problem<T> p{.side = side, .d = d, .e = e};
  p.q = memory.take<T>(square);
  p.packed = memory.take<T>(square);
  p.s = memory.take<T>(square);
  p.values = memory.take<T>(6 * side);
  p.numbers = memory.take<int32_t>(3 * side);
  p.order = memory.take<int64_t>(side);
  p.kept = memory.take<int64_t>(side);
  std::fill(p.q, p.q + square, T(0));
  if (!divide_blocks(p)) return false;
  householder::apply(false, n - 1, n, n - 1, a + 1, n, tau, p.q + 1, n);
  for (int64_t j = 0; j < side; ++j) {
    w[j] = d[p.order[j]];
    std::copy_n(p.q + p.order[j] * side, side, a + j * side);
  }
  return true;
}

// The largest magnitude of the lower triangle; inf or NaN where there is one.
template <class T>
T largest_of(int64_t n, const T* a) {
  using Bits = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
  Bits most = 0;
  for (int64_t j = 0; j < n; ++j)
    for (int64_t i = j; i < n; ++i) most = std::max(most, std::bit_cast<Bits>(std::abs(a[j * n + i])));
  return std::bit_cast<T>(most);
}

}  // namespace

template <class T>
int solve(bool vectors, bool upper, int n, T* a, T* w) {
  const int64_t side = n;
  if (upper)
    for (int64_t j = 0; j < side; ++j)
      for (int64_t i = j + 1; i < side; ++i) a[j * side + i] = a[i * side + j];
  const T most = largest_of(side, a);
  if (!(most <= std::numeric_limits<T>::max())) return n;
  // Between the bounds of LAPACK's syevd no square of an eigenvalue overflows, and none that counts underflows.
  const T least = std::sqrt(std::numeric_limits<T>::min() / (std::numeric_limits<T>::epsilon() / 2));
  const T scale = most > 0 && (most < least || most > 1 / least) ? power_of_two_below(most) : T(1);
  if (scale != 1)
    for (int64_t i = 0; i < side * side; ++i) a[i] /= scale;
  Arena memory(3 * Arena::size_of<T>(side));
  T *d = memory.take<T>(side), *e = memory.take<T>(side), *tau = memory.take<T>(side);
  householder::tridiagonal(n, a, n, d, e, tau);
  int info = 0;
  if (vectors) {
    info = find_vectors(n, a, d, e, tau, w) ? 0 : n;
  } else {
    info = lapack::sterf(n, d, e);
    std::copy_n(d, n, w);
  }
  if (scale != 1)
    for (int64_t i = 0; i < side; ++i) w[i] *= scale;
  return info;
}

template int solve(bool, bool, int, float*, float*);
template int solve(bool, bool, int, double*, double*);

}  // namespace facula::symmetric
