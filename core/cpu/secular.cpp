// See secular.h. Roots lie in the lanes, each with its own pair of poles; none depends on its neighbours.
#include "cpu/secular.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cpu/lanes.h"

namespace facula::cpu::FACULA_ISA {
namespace {

// ---- small matrices ----

// x and y become c x - s y and s x + c y.
template <class T>
LANE_OP void rotate(int64_t n, T* x, T* y, T c, T s) {
  constexpr int64_t w = Vec<T>::width;
  for (int64_t i = 0; i < n; i += w) {
    const Vec<T> a = load(x + i), b = load(y + i);
    store(x + i, Vec<T>(c) * a - Vec<T>(s) * b);
    store(y + i, Vec<T>(s) * a + Vec<T>(c) * b);
  }
}
// Less than this is nothing beside the other numbers, and its quotients would be imprecise.
template <class T>
constexpr double kNegligible = std::numeric_limits<T>::min() / std::numeric_limits<T>::epsilon();

// An implicit QL sweep over [l, m]. Source: A. Dubrulle, R. Martin and J. Wilkinson, The implicit QL algorithm, 1968.
template <class T>
void sweep(int64_t l, int64_t m, double* d, double* e, int64_t padded, T* q) {
  double g = (d[l + 1] - d[l]) / (2 * e[l]), r = std::hypot(g, 1.0), s = 1, c = 1, p = 0;
  g = d[m] - d[l] + e[l] / (g + std::copysign(r, g));
  for (int64_t i = m - 1; i >= l; --i) {
    const double f = s * e[i], b = c * e[i];
    r = sizeof(T) == 4 ? std::sqrt(f * f + g * g) : std::hypot(f, g);
    e[i + 1] = r;
    if (r <= kNegligible<T>) {
      d[i + 1] -= p;
      e[m] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    g = d[i + 1] - p;
    r = (d[i] - g) * s + 2 * c * b;
    p = s * r;
    d[i + 1] = g + p;
    g = c * r - b;
    rotate(padded, q + i * kSmallTridiagonal, q + (i + 1) * kSmallTridiagonal, static_cast<T>(c), static_cast<T>(s));
  }
  d[l] -= p;
  e[l] = g;
  e[m] = 0;
}
template <class T>
bool small(int64_t n, T* d, T* e, T* q, int64_t lead) {
  constexpr int64_t side = kSmallTridiagonal, w = Vec<T>::width;
  constexpr int kFineSweeps = 15, kMostSweeps = 60;  // for an eigenvalue, which takes less than two; LAPACK allows 30
  const double epsilon = std::numeric_limits<T>::epsilon() / 2;
  alignas(kLaneBytes) T vectors[side * side] = {};
  double diagonal[side], beside[side] = {};
  // Graded matrices want their small end first, and what cannot be small beside its neighbours is so beside the norm.
  const bool turned = std::fabs(d[0]) > std::fabs(d[n - 1]);
  double most = 0;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t from = turned ? n - 1 - i : i;
    diagonal[i] = d[from];
    if (i + 1 < n) beside[i] = e[turned ? from - 1 : from];
    most = std::max({most, std::fabs(diagonal[i]), std::fabs(beside[i])});
    vectors[i * side + from] = 1;
  }
  for (int64_t l = 0; l < n; ++l) {
    for (int sweeps = 0;; ++sweeps) {
      int64_t m = l;
      const double floor = sweeps < kFineSweeps ? kNegligible<T> : epsilon * most;
      while (m + 1 < n &&
             std::fabs(beside[m]) > epsilon * (std::fabs(diagonal[m]) + std::fabs(diagonal[m + 1])) + floor)
        ++m;
      if (m == l) break;
      if (sweeps == kMostSweeps) return false;
      sweep(l, m, diagonal, beside, (n + w - 1) / w * w, vectors);
    }
  }
  for (int64_t j = 0; j < n; ++j) {
    d[j] = static_cast<T>(diagonal[j]);
    std::copy_n(vectors + j * side, n, q + j * lead);
  }
  return true;
}

// ---- roots ----

// f(x) = 1 / rho + psi + phi, psi the sum of z^2 / (d - x) up to the first of a root's two poles, phi that of the
// others.
template <class T>
struct Sums {
  Vec<T> psi, psi_slope, phi, phi_slope, error;
};
// A group of roots in the lanes. The last root has the poles of the one before it, both of them below it.
template <class T>
struct Group {
  static constexpr int w = Vec<T>::width;
  int64_t k, least, most;  // of the first poles of the lanes
  const T *d, *square;
  Vec<T> pole;                  // the number of the first pole
  Vec<T> below, above, origin;  // d of the two poles, and of the nearer one
  Vec<T> low_square, high_square;
  Mask<T> is_last;

  // With `nearest`, without the two poles of the lane.
  template <bool nearest>
  LANE_OP void add(Sums<T>& s, int64_t j, Vec<T> shift, bool is_below) const {
    const Vec<T> delta = (Vec<T>(d[j]) - origin) - shift, ratio = Vec<T>(square[j]) / delta;
    Mask<T> counts = is_below ? Vec<T>(T(j)) <= pole : Vec<T>(T(j)) > pole;
    if constexpr (!nearest) counts = counts & (Vec<T>(T(j)) != pole) & (Vec<T>(T(j)) != pole + Vec<T>(1));
    const Vec<T> term = select(counts, ratio, Vec<T>(0)), slope = select(counts, ratio / delta, Vec<T>(0));
    (is_below ? s.psi : s.phi) = (is_below ? s.psi : s.phi) + term;
    (is_below ? s.psi_slope : s.phi_slope) = (is_below ? s.psi_slope : s.phi_slope) + slope;
    s.error = s.error + magnitude(is_below ? s.psi : s.phi);
  }
  static LANE_OP Vec<T> magnitude(Vec<T> x) { return select(x < Vec<T>(0), -x, x); }
  // From the far poles to the near ones, on both sides.
  template <bool nearest>
  LANE_OP Sums<T> sums(Vec<T> shift) const {
    Sums<T> s{T(0), T(0), T(0), T(0), T(0)};
    for (int64_t j = 0; j <= most; ++j) add<nearest>(s, j, shift, true);
    for (int64_t j = k - 1; j > least; --j) add<nearest>(s, j, shift, false);
    return s;
  }
};
// The zero of c x^2 - a x + b that lies between the poles, of a last root beyond them.
template <class T>
LANE_OP Vec<T> quadratic(Vec<T> a, Vec<T> b, Vec<T> c, Mask<T> is_last) {
  const Vec<T> zero = T(0), two = T(2), signed_a = select(is_last, -a, a);
  Vec<T> inside = a * a - Vec<T>(4) * b * c;
  const Vec<T> root = sqrt_lanes(select(inside < zero, zero, inside));
  const Vec<T> x = select(signed_a > zero, two * b / (signed_a + root), (signed_a - root) / (two * c));
  return select(is_last, -x, x);
}
template <class T>
Group<T> group_of(int64_t k, const T* d, const T* square, int64_t first, int64_t last) {
  constexpr int w = Vec<T>::width;
  Group<T> g;
  g.k = k;
  g.d = d;
  g.square = square;
  g.least = std::min(first, k - 2);
  g.most = std::min(last - 1, k - 2);
  alignas(kLaneBytes) T pole[w], below[w], above[w], low[w], high[w], is_last[w];
  for (int64_t i = 0; i < w; ++i) {
    const int64_t root = std::min(first + i, last - 1), p = std::min(root, k - 2);
    pole[i] = static_cast<T>(p);
    below[i] = d[p];
    above[i] = d[p + 1];
    low[i] = square[p];
    high[i] = square[p + 1];
    is_last[i] = root == k - 1;
  }
  g.pole = load(pole);
  g.below = g.origin = load(below);
  g.above = load(above);
  g.low_square = load(low);
  g.high_square = load(high);
  g.is_last = load(is_last) != Vec<T>(0);
  return g;
}

// The half of the interval that the root lies in, the pole at its end as origin, and the zero of the function with what
// is beyond the two poles held constant. Source: R.-C. Li, Solving secular equations stably and efficiently, 1993.
template <class T>
LANE_OP Vec<T> start(Group<T>& g, Vec<T> rho, Vec<T>& low, Vec<T>& high) {
  const Vec<T> zero = T(0), half = T(0.5), gap = g.above - g.below, inverse = Vec<T>(1) / rho;
  g.origin = select(g.is_last, g.above, g.below);
  const Vec<T> middle = half * select(g.is_last, rho, gap);
  const Sums<T> s = g.template sums<false>(middle);
  const Vec<T> rest = inverse + s.psi + s.phi, to_low = (g.below - g.origin) - middle,
               to_high = (g.above - g.origin) - middle;
  const Mask<T> lower = rest + g.low_square / to_low + g.high_square / to_high > zero;
  const Mask<T> from_above = (!lower) & !g.is_last;
  g.origin = select(from_above, g.above, g.origin);
  low = select(from_above, -middle, select(lower, zero, middle));
  high = select(from_above, zero, select(g.is_last & !lower, rho, middle));
  const Vec<T> sum = g.low_square + g.high_square;
  const Mask<T> upper_pole = from_above | g.is_last;
  const Vec<T> a = select(upper_pole, sum - rest * gap, sum + rest * gap);
  const Vec<T> b = select(upper_pole, -(g.high_square * gap), g.low_square * gap);
  const Vec<T> x = quadratic(a, b, rest, g.is_last);
  return select((x > low) & (x < high), x, half * (low + high));
}

// Both halves of the function are interpolated by a pole and a constant (J. Bunch, C. Nielsen and D. Sorensen, 1978);
// what would leave the interval is bisected. A lane rests when its residual is rounding (LAPACK's laed4).
template <class T>
void solve_group(Group<T>& g, T rho, int64_t first, int64_t last, int32_t* origin, T* shift) {
  constexpr int kMostSteps = 100;  // bisections that exhaust any interval of moderate numbers
  const Vec<T> zero = T(0), half = T(0.5), inverse = Vec<T>(1) / Vec<T>(rho);
  const Vec<T> epsilon = std::numeric_limits<T>::epsilon() / 2;
  Vec<T> low, high, x = start(g, Vec<T>(rho), low, high);
  Mask<T> active = x == x;
  for (int step = 0; step < kMostSteps && any(active); ++step) {
    const Sums<T> s = g.template sums<true>(x);
    const Vec<T> f = inverse + s.psi + s.phi, slope = s.psi_slope + s.phi_slope;
    const Vec<T> terms = g.magnitude(s.psi) + g.magnitude(s.phi);
    const Vec<T> error = Vec<T>(8) * terms + s.error + inverse + g.magnitude(x) * slope;
    active = active & (g.magnitude(f) > epsilon * error);
    low = select(active & (f < zero), x, low);
    high = select(active & (f > zero), x, high);
    const Vec<T> to_low = (g.below - g.origin) - x, to_high = (g.above - g.origin) - x, both = to_low * to_high;
    const Vec<T> c = f - to_low * s.psi_slope - to_high * s.phi_slope, a = (to_low + to_high) * f - both * slope;
    Vec<T> next = x + quadratic(a, both * f, c, g.is_last);
    next = select((next > low) & (next < high), next, half * (low + high));
    active = active & (next > low) & (next < high);
    x = select(active, next, x);
  }
  alignas(kLaneBytes) T found[Vec<T>::width], at[Vec<T>::width];
  store(found, x);
  store(at, g.origin);
  for (int64_t i = first; i < last; ++i) {
    const int64_t p = std::min(i, g.k - 2);
    origin[i] = static_cast<int32_t>(at[i - first] == g.d[p] ? p : p + 1);
    shift[i] = found[i - first];
  }
}
template <class T>
void roots(int64_t k, const T* d, const T* square, T rho, int64_t first, int64_t last, int32_t* origin, T* shift) {
  for (int64_t i = first; i < last; i += Vec<T>::width) {
    const int64_t end = std::min(last, i + Vec<T>::width);
    Group<T> g = group_of(k, d, square, i, end);
    solve_group(g, rho, i, end, origin, shift);
  }
}

// ---- vectors ----

// z_j^2 = prod_i (root_i - d_j) / prod_{i != j} (d_i - d_j). Source: K. Loewner; M. Gu and S. Eisenstat, 1995.
template <class T>
void weights(int64_t k, const T* d, const int32_t* origin, const T* shift, int64_t first, int64_t last, T* z) {
  constexpr int64_t w = Vec<T>::width;
  alignas(kLaneBytes) T block[w];
  for (int64_t j = first; j < last; j += w) {
    for (int64_t i = 0; i < w; ++i) block[i] = d[std::min(j + i, last - 1)];
    const Vec<T> own = load(block);
    Vec<T> product = T(1);
    for (int64_t i = 0; i < k; ++i) {
      const Vec<T> apart = own - Vec<T>(d[i]);
      product =
          product * (((own - Vec<T>(d[origin[i]])) - Vec<T>(shift[i])) / select(apart == Vec<T>(0), Vec<T>(1), apart));
    }
    store(block, sqrt_lanes(select(product < Vec<T>(0), -product, product)));
    std::copy_n(block, std::min(w, last - j), z + j);
  }
}
template <class T>
void vectors(int64_t k, const T* d, const int32_t* origin, const T* shift, const T* rows, const T* z, int64_t first,
             int64_t last, T* s, int64_t lead) {
  constexpr int64_t w = Vec<T>::width;
  for (int64_t i = first; i < last; ++i) {
    const T from = d[origin[i]], by = shift[i];
    T* to = s + i * lead;
    Vec<T> squares = T(0);
    int64_t j = 0;
    for (; j + w <= k; j += w) {
      const Vec<T> x = load(z + j) / ((load(rows + j) - Vec<T>(from)) - Vec<T>(by));
      squares = squares + x * x;
      store(to + j, x);
    }
    T sum = 0;
    for (int lane = 0; lane < w; ++lane) sum += squares.v[lane];
    for (; j < k; ++j) {
      to[j] = z[j] / ((rows[j] - from) - by);
      sum += to[j] * to[j];
    }
    const T factor = 1 / std::sqrt(sum);
    for (j = 0; j < k; ++j) to[j] *= factor;
  }
}

}  // namespace

KERNELS(SecularKernels, secular_kernels) = {{small<float>, roots<float>, weights<float>, vectors<float>},
                                            {small<double>, roots<double>, weights<double>, vectors<double>}};

}  // namespace facula::cpu::FACULA_ISA
