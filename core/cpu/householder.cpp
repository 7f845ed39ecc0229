// See householder.h. A step passes over the matrix once: what the step before changes is changed and read together.
#include "cpu/householder.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cpu/lanes.h"

namespace facula::cpu::FACULA_ISA {
namespace {

// Columns that one pass takes together, as many as the registers hold.
constexpr int kReflected = kLaneBytes == 64 ? 8 : 4, kUpdated = kLaneBytes == 64 ? 4 : 2;

template <class T, size_t... i>
LANE_OP Vec<T> exchange_lanes(Vec<T> x, auto distance, std::index_sequence<i...>) {
  return __builtin_shufflevector(x.v, x.v, static_cast<int>(i ^ static_cast<size_t>(distance()))...);
}
template <int distance, class T>
LANE_OP Vec<T> sum_over(Vec<T> x) {
  if constexpr (distance == 0)
    return x;
  else
    return sum_over<distance / 2>(
        x + exchange_lanes(x, [] { return distance; }, std::make_index_sequence<Vec<T>::width>()));
}
// The sum of the lanes, in every lane.
template <class T>
LANE_OP Vec<T> sum_lanes(Vec<T> x) {
  return sum_over<Vec<T>::width / 2>(x);
}

// Of whole vectors [first, end), as what follows.
template <class T>
T dot(int64_t first, int64_t end, const T* x, const T* y) {
  constexpr int64_t w = Vec<T>::width;
  Vec<T> even = T(0), odd = T(0);
  int64_t i = first;
  for (; i + 2 * w <= end; i += 2 * w) {
    even = even + load(x + i) * load(y + i);
    odd = odd + load(x + i + w) * load(y + i + w);
  }
  for (; i < end; i += w) even = even + load(x + i) * load(y + i);
  return sum_lanes(even + odd).v[0];
}
// Less than this has an inverse that overflows, or nearly; a power of two, as LAPACK's larfg has it.
template <class T>
constexpr T kTiny = std::numeric_limits<T>::min() / (std::numeric_limits<T>::epsilon() / 2);
template <class T>
T norm(int64_t first, int64_t end, const T* x) {
  // The squares' sum is good where what underflows does not show in it: safe minimum / epsilon^2.
  constexpr T epsilon = std::numeric_limits<T>::epsilon(), least = std::numeric_limits<T>::min() / epsilon / epsilon;
  const T sum = dot(first, end, x, x);
  if (sum > least && sum <= std::numeric_limits<T>::max()) return std::sqrt(sum);
  T largest = 0;
  for (int64_t i = first; i < end; ++i) largest = std::fabs(x[i]) > largest ? std::fabs(x[i]) : largest;
  if (sum == sum && largest == 0) return 0;
  if (!(largest <= std::numeric_limits<T>::max()) || sum != sum) return largest + sum;  // inf or NaN
  const T up = largest < kTiny<T> ? 1 / kTiny<T> : T(1);
  const Vec<T> exact = up, factor = 1 / (largest * up);
  Vec<T> scaled = T(0);
  for (int64_t i = first; i < end; i += Vec<T>::width) {
    const Vec<T> part = load(x + i) * exact * factor;
    scaled = scaled + part * part;
  }
  return largest * std::sqrt(sum_lanes(scaled).v[0]);
}

template <class T>
LANE_OP int64_t vector_before(int64_t i) {
  return i / Vec<T>::width * Vec<T>::width;
}

// The reflection of column[k..] to a multiple of e_k: the column keeps it, v [end] has it from vector_before(k) on with
// zeros before its 1. LAPACK's way of tiny numbers: they are made larger first. Result: tau.
template <class T>
T reflection(int64_t k, int64_t end, T* column, T* v) {
  constexpr int64_t w = Vec<T>::width;
  constexpr int kMostTimes = 20;  // LAPACK's larfg
  const int64_t first = vector_before<T>(k);
  std::copy(column + first, column + end, v + first);
  std::fill(v + first, v + k + 1, T(0));
  T rest = norm(first, end, v), alpha = column[k];
  if (rest == 0) {
    v[k] = 1;
    return 0;
  }
  T beta = -std::copysign(std::hypot(alpha, rest), alpha), scale_back = 1;
  for (int times = 0; std::fabs(beta) < kTiny<T> && times < kMostTimes; ++times) {
    for (int64_t i = first; i < end; ++i) v[i] *= 1 / kTiny<T>;
    alpha *= 1 / kTiny<T>;
    scale_back *= kTiny<T>;
    rest = norm(first, end, v);
    beta = -std::copysign(std::hypot(alpha, rest), alpha);
  }
  const Vec<T> factor = 1 / (alpha - beta);
  for (int64_t i = first; i < end; i += w) store(v + i, load(v + i) * factor);
  std::copy(v + k + 1, v + end, column + k + 1);
  v[k] = 1;
  column[k] = beta * scale_back;
  return (beta - alpha) / beta;
}

// `columns` columns of a lose tau v (v^T a). The next columns are asked for meanwhile: in a matrix that only the second
// level of the cache holds, that saves an eighth.
template <int columns, class T>
LANE_OP void reflect_columns(int64_t first, int64_t end, const T* v, T tau, T* a, int64_t lead) {
  constexpr int64_t w = Vec<T>::width;
  Vec<T> factor[columns];
  for (int c = 0; c < columns; ++c) factor[c] = T(0);
  for (int64_t i = first; i < end; i += w) {
    const Vec<T> x = load(v + i);
    for (int c = 0; c < columns; ++c) factor[c] = factor[c] + x * load(a + c * lead + i);
  }
  for (int c = 0; c < columns; ++c) factor[c] = sum_lanes(factor[c]) * Vec<T>(tau);
  for (int64_t i = first; i < end; i += w) {
    const Vec<T> x = load(v + i);
    for (int c = 0; c < columns; ++c) {
      if constexpr (columns > 1) __builtin_prefetch(a + (c + columns) * lead + i);
      store(a + c * lead + i, load(a + c * lead + i) - factor[c] * x);
    }
  }
}
template <class T>
void reflect(int64_t first, int64_t end, const T* v, T tau, int64_t n, T* a, int64_t lead) {
  int64_t j = 0;
  for (; j + kReflected <= n; j += kReflected) reflect_columns<kReflected>(first, end, v, tau, a + j * lead, lead);
  for (; j < n; ++j) reflect_columns<1>(first, end, v, tau, a + j * lead, lead);
}

template <class T>
void factor(int64_t m, int64_t n, T* a, int64_t lead, T* tau, T* v) {
  for (int64_t k = 0; k < std::min(m, n); ++k) {
    T* column = a + k * lead;
    tau[k] = reflection(k, lead, column, v);
    if (tau[k] != 0) reflect(vector_before<T>(k), lead, v, tau[k], n - k - 1, column + lead, lead);
  }
}

template <class T>
void products(int64_t n, const T* a, int64_t lead, T* out, int64_t step) {
  constexpr int64_t w = Vec<T>::width, together = 4;
  for (int64_t i = 0; i < n; ++i) {
    int64_t j = i;
    for (; j + together <= n; j += together) {
      Vec<T> sums[together];
      for (int c = 0; c < together; ++c) sums[c] = T(0);
      for (int64_t r = 0; r < lead; r += w)
        for (int c = 0; c < together; ++c) sums[c] = sums[c] + load(a + i * lead + r) * load(a + (j + c) * lead + r);
      for (int c = 0; c < together; ++c) out[i * step + j + c] = sum_lanes(sums[c]).v[0];
    }
    for (; j < n; ++j) out[i * step + j] = dot(0, lead, a + i * lead, a + j * lead);
  }
}

// A matrix is to lose p r^T + q s^T, all four whole columns.
template <class T>
struct Change {
  T *p, *r, *q, *s;
};

// Columns [j, j + columns) from row `begin` on are changed; of the result A, y gets A u and z[j..] becomes u^T A, the
// latter over rows from `middle` on.
template <int columns, class T>
LANE_OP void change_columns(int64_t begin, int64_t middle, int64_t end, T* a, int64_t lead, int64_t j,
                            const Change<T>& x, const T* u, T* y, T* z) {
  constexpr int64_t w = Vec<T>::width;
  Vec<T> r[columns], s[columns], factor[columns], sums[columns];
  for (int c = 0; c < columns; ++c) {
    r[c] = x.r[j + c];
    s[c] = x.s[j + c];
    factor[c] = u[j + c];
    sums[c] = T(0);
  }
  a += j * lead;
  for (int64_t i = begin; i < end; i += w) {
    const Vec<T> p = load(x.p + i), q = load(x.q + i), own = load(u + i);
    Vec<T> out = load(y + i);
    for (int c = 0; c < columns; ++c) {
      const Vec<T> value = load(a + c * lead + i) - p * r[c] - q * s[c];
      store(a + c * lead + i, value);
      out = out + value * factor[c];
      if (i >= middle) sums[c] = sums[c] + value * own;
    }
    store(y + i, out);
  }
  for (int c = 0; c < columns; ++c) z[j + c] = sum_lanes(sums[c]).v[0];
}
// Of a symmetric matrix only rows from the diagonal's vector on.
template <bool symmetric, int columns, class T>
LANE_OP void change_some(int64_t first, int64_t end, T* a, int64_t lead, int64_t j, const Change<T>& x, const T* u,
                         T* y, T* z) {
  const int64_t diagonal = vector_before<T>(j);
  change_columns<columns>(symmetric ? diagonal : 0, symmetric ? diagonal + Vec<T>::width : first, end, a, lead, j, x, u,
                          y, z);
}
template <bool symmetric, class T>
void change(int64_t k, int64_t end, T* a, int64_t lead, const Change<T>& x, const T* u, T* y, T* z) {
  const int64_t first = vector_before<T>(k);
  std::fill(y, y + end, T(0));
  int64_t j = k;
  for (; j % kUpdated; ++j) change_some<symmetric, 1>(first, end, a, lead, j, x, u, y, z);
  for (; j < end; j += kUpdated) change_some<symmetric, kUpdated>(first, end, a, lead, j, x, u, y, z);
}
template <class T>
void change_column(int64_t begin, int64_t end, T* column, int64_t j, const Change<T>& x) {
  for (int64_t i = begin; i < end; i += Vec<T>::width)
    store(column + i, load(column + i) - load(x.p + i) * Vec<T>(x.r[j]) - load(x.q + i) * Vec<T>(x.s[j]));
}

// With y = A v and tau (v^T y) = s: H A H = A - v w^T - w v^T, w = tau (y - s / 2 v).
template <class T>
void tridiagonal(int64_t n, T* a, int64_t lead, T* d, T* e, T* tau, T* work) {
  constexpr int64_t w = Vec<T>::width;
  T *v = work, *next = v + lead, *y = next + lead, *z = y + lead, *other = z + lead;
  std::fill(work, work + 5 * lead, T(0));
  for (int64_t k = 0; k < n; ++k) {
    T* column = a + k * lead;
    const Change<T> before{v, other, other, v};
    change_column(vector_before<T>(k), lead, column, k, before);
    d[k] = column[k];
    if (k + 1 == n) break;
    std::fill(next, next + k + 1, T(0));
    tau[k] = reflection(k + 1, lead, column, next);
    e[k] = column[k + 1];
    change<true>(k + 1, lead, a, lead, before, next, y, z);
    std::swap(v, next);
    const int64_t first = vector_before<T>(k + 1);
    std::fill(y + first, y + k + 1, T(0));
    std::fill(z + first, z + k + 1, T(0));
    for (int64_t i = first; i < lead; i += w) store(y + i, load(y + i) + load(z + i));
    const Vec<T> factor = tau[k], half = tau[k] * dot(first, lead, v, y) / 2;
    for (int64_t i = first; i < lead; i += w) store(other + i, factor * (load(y + i) - half * load(v + i)));
    std::fill(other, other + first, T(0));
  }
}

// With y = A v, z = A^T v and tau (v^T y) = s: H A H = A - v r^T - q v^T, r = tau (z - s / 2 v), q = tau (y - s / 2 v).
template <class T>
void hessenberg(int64_t n, T* a, int64_t lead, T* tau, T* work) {
  constexpr int64_t w = Vec<T>::width;
  T *v = work, *next = v + lead, *y = next + lead, *z = y + lead, *r = z + lead, *q = r + lead;
  std::fill(work, work + 6 * lead, T(0));
  for (int64_t k = 0; k < n; ++k) {
    T* column = a + k * lead;
    const Change<T> before{v, r, q, v};
    change_column(0, lead, column, k, before);
    if (k + 1 >= n) break;
    std::fill(next, next + k + 1, T(0));
    tau[k] = reflection(k + 1, lead, column, next);
    change<false>(k + 1, lead, a, lead, before, next, y, z);
    std::swap(v, next);
    std::fill(z, z + k + 1, T(0));
    const Vec<T> factor = tau[k], half = tau[k] * dot(vector_before<T>(k + 1), lead, v, y) / 2;
    for (int64_t i = 0; i < lead; i += w) {
      store(r + i, factor * (load(z + i) - half * load(v + i)));
      store(q + i, factor * (load(y + i) - half * load(v + i)));
    }
  }
}

}  // namespace

KERNELS(HouseholderKernels, householder_kernels) = {
    {factor<float>, products<float>, tridiagonal<float>, hessenberg<float>},
    {factor<double>, products<double>, tridiagonal<double>, hessenberg<double>}};

}  // namespace facula::cpu::FACULA_ISA
