// See linalg_householder.h. The cut into blocks depends on sizes only, so the bits do not depend on the number of
// threads.
#include "ops/linalg_householder.h"

#include <algorithm>

#include "cpu/householder.h"
#include "cpu/triangle.h"
#include "ops/linalg_memory.h"
#include "runtime/gemm.h"
#include "runtime/lapack.h"

namespace facula::householder {

namespace {

constexpr int64_t kBlock = 32;            // reflections that are applied together
constexpr int64_t kCacheBytes = 1 << 20;  // what passes over a matrix step by step may hold: a usual second level

template <class T>
int64_t round_up(int64_t n) {
  constexpr int64_t line = cpu::kColumnBytes / static_cast<int64_t>(sizeof(T));
  return (n + line - 1) / line * line;
}

template <class T>
bool suits_steps(int64_t n) {
  return round_up<T>(n) * n * static_cast<int64_t>(sizeof(T)) <= kCacheBytes;
}

// [m, n] as the kernels want it, and back.
template <class T>
void to_padded(int64_t m, int64_t n, const T* a, int64_t lda, T* to, int64_t lead) {
  for (int64_t j = 0; j < n; ++j) std::fill(std::copy_n(a + j * lda, m, to + j * lead), to + (j + 1) * lead, T(0));
}
template <class T>
void from_padded(int64_t m, int64_t n, const T* from, int64_t lead, T* a, int64_t lda) {
  for (int64_t j = 0; j < n; ++j) std::copy_n(from + j * lead, m, a + j * lda);
}

// Up to kBlock reflections of up to m rows as I - V T V^T with an upper triangle T.
template <class T>
struct Reflections {
  static constexpr int64_t kPanel = cpu::kPanelBytes / static_cast<int64_t>(sizeof(T));
  int64_t lead, own = 0, rows = 0, count = 0;  // own: of the columns of a block, which may have fewer rows
  Memory<T> memory;
  T *v, *product, *triangle, *panel;
  explicit Reflections(int64_t m)
      : lead(round_up<T>(m)),
        memory(2 * lead * kBlock + 2 * kBlock * kBlock + kBlock * kPanel),
        v(memory.data),
        product(v + lead * kBlock),
        triangle(product + lead * kBlock),
        panel(triangle + 2 * kBlock * kBlock) {}

  // T^-1 is the upper triangle of V^T V with 1 / tau on the diagonal (C. Puglisi, Modification of the Householder
  // method based on the compact WY representation, 1992). A reflection with tau = 0 has infinity there and zeros in T.
  void take(int64_t m, int64_t k, const T* a, int64_t lda, const T* tau) {
    rows = m;
    count = k;
    own = round_up<T>(m);
    for (int64_t c = 0; c < k; ++c) {
      T* to = v + c * own;
      std::fill(to, to + c, T(0));
      to[c] = 1;
      std::fill(std::copy(a + c * lda + c + 1, a + c * lda + m, to + c + 1), to + own, T(0));
    }
    T* inverse = triangle + kBlock * kBlock;
    kernels_of<T>(cpu::householder()).products(k, v, own, inverse, kBlock);
    for (int64_t c = 0; c < k; ++c) inverse[c * (kBlock + 1)] = 1 / tau[c];
    for (int64_t first = 0; first < k; first += kPanel) {
      std::fill(panel, panel + k * kPanel, T(0));
      for (int64_t c = first; c < std::min(k, first + kPanel); ++c) panel[c * kPanel + c - first] = 1;
      cpu::triangle().solve(sizeof(T) == 8, false, false, k, inverse, kBlock, 1, panel);
      for (int64_t i = 0; i < k; ++i) std::copy_n(panel + i * kPanel, kPanel, triangle + i * kBlock + first);
    }
  }
  // c [rows, n] = Q c or Q^T c; row-major products see all matrices transposed.
  void apply(bool transposed, int64_t n, T* c, int64_t ldc) {
    Memory<T> inner(n * kBlock);
    gemm(kRealType<T>, !transposed, false, count, rows, count, 1, triangle, kBlock, v, own, 0, product, own);
    gemm(kRealType<T>, false, true, n, count, rows, 1, c, ldc, v, own, 0, inner.data, kBlock);
    gemm(kRealType<T>, false, false, n, rows, count, -1, inner.data, kBlock, product, own, 1, c, ldc);
  }
};

}  // namespace

template <class T>
void factor(int m, int n, T* a, int lda, T* tau) {
  const int64_t k = std::min(m, n), lead = round_up<T>(m), step = lda;
  Memory<T> panel(lead * (kBlock + 1));
  Reflections<T> block(m);
  for (int64_t j = 0; j < k; j += kBlock) {
    const int64_t width = std::min(kBlock, k - j), rows = m - j, right = n - j - width, own = round_up<T>(rows);
    T* at = a + j * (step + 1);
    to_padded(rows, width, at, step, panel.data, own);
    kernels_of<T>(cpu::householder()).factor(rows, width, panel.data, own, tau + j, panel.data + own * kBlock);
    from_padded(rows, width, panel.data, own, at, step);
    if (right == 0) continue;
    block.take(rows, width, at, step, tau + j);
    block.apply(true, right, at + width * step, step);
  }
}

template <class T>
void generate(int m, int n, int k, T* a, int lda, const T* tau) {
  const int64_t step = lda;
  auto to_identity = [&](int64_t first, int64_t last) {
    for (int64_t c = first; c < last; ++c) {
      std::fill(a + c * step, a + c * step + m, T(0));
      a[c * (step + 1)] = 1;
    }
  };
  Reflections<T> block(m);
  to_identity(k, n);
  for (int64_t j = (k - 1) / kBlock * kBlock; j >= 0; j -= kBlock) {
    const int64_t width = std::min(kBlock, k - j);
    T* at = a + j * (step + 1);
    block.take(m - j, width, at, step, tau + j);
    to_identity(j, j + width);
    block.apply(false, n - j, at, step);
  }
}

template <class T>
void apply(bool transposed, int m, int n, int k, const T* a, int lda, const T* tau, T* c, int ldc) {
  Reflections<T> block(m);
  const int64_t blocks = (k - 1) / kBlock + 1;
  for (int64_t i = 0; i < blocks; ++i) {
    const int64_t j = (transposed ? i : blocks - 1 - i) * kBlock;
    block.take(m - j, std::min(kBlock, k - j), a + j * (int64_t{lda} + 1), lda, tau + j);
    block.apply(transposed, n, c + j, ldc);
  }
}

template <class T>
void tridiagonal(int n, T* a, int lda, T* d, T* e, T* tau) {
  if (!suits_steps<T>(n)) {
    T answer{};
    lapack::sytrd('L', n, a, lda, d, e, tau, &answer, -1);
    const int lwork = std::max(1, static_cast<int>(answer));
    Memory<T> space(lwork);
    lapack::sytrd('L', n, a, lda, d, e, tau, space.data, lwork);
    return;
  }
  const int64_t lead = round_up<T>(n), step = lda;
  Memory<T> work(lead * (lead + 6));
  to_padded(n, n, a, step, work.data, lead);
  std::fill(work.data + n * lead, work.data + lead * lead, T(0));
  for (int64_t j = 0; j < n; ++j)
    for (int64_t i = round_up<T>(j + 1) - 1; i > j; --i) work.data[i * lead + j] = work.data[j * lead + i];
  kernels_of<T>(cpu::householder()).tridiagonal(n, work.data, lead, d, e, tau, work.data + lead * lead);
  from_padded(n, n, work.data, lead, a, step);
}

template <class T>
void hessenberg(int n, T* a, int lda, T* tau) {
  if (!suits_steps<T>(n)) {
    T answer{};
    lapack::gehrd(n, a, lda, tau, &answer, -1);
    const int lwork = std::max(1, static_cast<int>(answer));
    Memory<T> space(lwork);
    lapack::gehrd(n, a, lda, tau, space.data, lwork);
    return;
  }
  const int64_t lead = round_up<T>(n);
  Memory<T> work(lead * (lead + 6));
  to_padded(n, n, a, lda, work.data, lead);
  std::fill(work.data + n * lead, work.data + lead * lead, T(0));
  kernels_of<T>(cpu::householder()).hessenberg(n, work.data, lead, tau, work.data + lead * lead);
  from_padded(n, n, work.data, lead, a, lda);
}

#define FOR_TYPE(T)                                                           \
  template void factor(int, int, T*, int, T*);                                \
  template void generate(int, int, int, T*, int, const T*);                   \
  template void apply(bool, int, int, int, const T*, int, const T*, T*, int); \
  template void tridiagonal(int, T*, int, T*, T*, T*);                        \
  template void hessenberg(int, T*, int, T*);
FOR_TYPE(float)
FOR_TYPE(double)
#undef FOR_TYPE

}  // namespace facula::householder
