// See linalg_general.h.
#include "ops/linalg_general.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "cpu/schur.h"
#include "ops/linalg_householder.h"
#include "ops/linalg_iterate.h"
#include "ops/linalg_memory.h"
#include "runtime/gemm.h"
#include "runtime/lapack.h"

namespace facula::general {

namespace {

// In eight places, which need not wait for each other.
template <class T>
T largest(int64_t count, const T* a) {
  T most[8] = {};
  for (int64_t i = 0; i < count; ++i) most[i % 8] = std::max(most[i % 8], std::abs(a[i]));
  return *std::max_element(most, most + 8);
}
// Between the bounds inside of which geev does not scale.
template <class T>
bool is_moderate(const T* a, int64_t count) {
  const T most = largest(count, a),
          least = std::sqrt(std::numeric_limits<T>::min()) / std::numeric_limits<T>::epsilon();
  return most >= least && most <= 1 / least;
}

// The Schur form's basis, from the reflections that `hessenberg` left in a.
template <class T>
void generate_basis(int64_t n, const T* a, const T* tau, T* q) {
  std::fill(q, q + n, T(0));
  q[0] = 1;
  for (int64_t j = 1; j < n; ++j) {
    q[j * n] = 0;
    std::copy(a + (j - 1) * n + 1, a + j * n, q + j * n + 1);
  }
  const int side = static_cast<int>(n) - 1;
  householder::generate(side, side, side, q + n + 1, static_cast<int>(n), tau);
}

// q times the eigenvectors of the quasi-triangular t, which is spoilt, packed as real and imaginary parts.
template <class T>
void find_packed(int64_t n, T* t, const T* values, const T* q, T* scratch, T* packed) {
  const T most = largest(n * n, t);
  const T scale = most > 0 ? std::ldexp(T(0.5), -std::ilogb(most)) : T(1);
  T* rows = scratch;
  for (int64_t j = 0; j < n; ++j)
    for (int64_t i = 0; i < n; ++i) rows[i * n + j] = t[j * n + i] * scale;
  Memory<T> work(kernels_of<T>(cpu::schur()).work_size(n) + 2 * n);
  T* scaled = work.data + kernels_of<T>(cpu::schur()).work_size(n);
  for (int64_t i = 0; i < 2 * n; ++i) scaled[i] = values[i] * scale;
  kernels_of<T>(cpu::schur()).vectors(n, rows, scaled, scaled + n, 0, n, t, work.data);
  gemm(kRealType<T>, false, false, n, n, n, 1, t, n, q, n, 0, packed, n);  // row-major: all three transposed
}

// In eight sums, so that roundings of like numbers do not add up.
template <class T>
double sum_of_squares(int64_t n, const T* x) {
  double sums[8] = {};
  for (int64_t i = 0; i < n; ++i) sums[i % 8] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}
// The cosine and sine of the turn that makes the component of largest magnitude real.
template <class T>
std::pair<T, T> turn_of(int64_t n, const T* x, const T* y, int64_t* at) {
  T most = -1;
  for (int64_t i = 0; i < n; ++i)
    if (const T square = x[i] * x[i] + y[i] * y[i]; square > most) most = square, *at = i;
  const T re = x[*at], im = y[*at], length = std::hypot(re, im), sign = re < 0 ? T(-1) : T(1);
  return {sign * re / length, sign * im / length};
}
// Norm 1, and the component of largest magnitude of a complex vector real, as geev has them.
template <class T>
void write_vectors(int64_t n, T* packed, const T* balance, const T* imaginary, std::complex<T>* v) {
  for (int64_t j = 0; j < n; ++j) {
    T *x = packed + j * n, *y = x + n;
    std::complex<T>*first = v + j * n, *second = first + n;
    for (int64_t i = 0; i < n; ++i) x[i] *= balance[i];
    double squares = sum_of_squares(n, x);
    if (imaginary[j] == 0 || j + 1 == n) {
      const T size = static_cast<T>(std::sqrt(squares));
      for (int64_t i = 0; i < n; ++i) first[i] = {x[i] / size, 0};
      continue;
    }
    for (int64_t i = 0; i < n; ++i) y[i] *= balance[i];
    squares += sum_of_squares(n, y);
    int64_t at = 0;
    const auto [c, s] = turn_of(n, x, y, &at);
    const T size = static_cast<T>(std::sqrt(squares));
    for (int64_t i = 0; i < n; ++i) {
      const T re = (c * x[i] + s * y[i]) / size, im = i == at ? T(0) : (c * y[i] - s * x[i]) / size;
      first[i] = {re, im};
      second[i] = {re, -im};
    }
    ++j;
  }
}

}  // namespace

template <class T>
bool solve(bool vectors, int n, T* a, std::complex<T>* w, std::complex<T>* v, int* info) {
  const int64_t side = n, square = side * side;
  if (!is_moderate(a, square)) return false;
  Memory<T> memory(2 * square + 4 * side);
  T *q = memory.data, *scratch = q + square, *values = scratch + square, *balance = values + 2 * side,
    *tau = balance + side;
  std::copy_n(a, square, scratch);
  int low = 1, high = n;
  lapack::gebal(n, a, &low, &high, balance);
  if (low != 1 || high != n) {
    std::copy_n(scratch, square, a);
    return false;
  }
  householder::hessenberg(n, a, n, tau);
  if (vectors) generate_basis(side, a, tau, q);
  *info = iterate(vectors, n, a, values, q);
  for (int64_t j = 0; j < side; ++j) w[j] = {values[j], values[side + j]};
  if (*info || !vectors) return true;
  Memory<T> packed(square);
  find_packed(side, a, values, q, scratch, packed.data);
  write_vectors(side, packed.data, balance, values + side, v);
  return true;
}

template bool solve(bool, int, float*, std::complex<float>*, std::complex<float>*, int*);
template bool solve(bool, int, double*, std::complex<double>*, std::complex<double>*, int*);

}  // namespace facula::general
