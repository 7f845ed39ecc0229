// See linalg_iterate.h.
#include "ops/linalg_iterate.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "ops/linalg_memory.h"
#include "runtime/lapack.h"

namespace facula::general {

namespace {

// Note [Windows]
// LAPACK looks for converged eigenvalues in a window of 24 and sweeps with 24 shifts at n = 200 (iparmq). The window is
// worked on number by number, in time that grows with its cube: 8.1 ms in 31 windows beside 5.8 ms in 9 sweeps, against
// 4.5 ms in 47 and 6.7 ms in 18 with 16 of both (measured at 100, 200 and 300: a quarter to a third of the time).
constexpr int kWindow = 16, kShifts = 16;
// Up to a side of 75 LAPACK shifts twice at a time, without windows (lahqr). That pays further up, above all where only
// eigenvalues are wanted; in large matrices LAPACK's windows are as good as ours (measured, both types).
constexpr int kLeastSide = 76, kMostAlone = 88, kMostValuesAlone = 160, kMostSide = 400;
// Rounds without an eigenvalue after which the window grows, and after which LAPACK's driver begins anew, with its
// shifts for such cases.
constexpr int kSlowRounds = 5, kMostRounds = 12;

// Source: K. Braman, R. Byers and R. Mathias, The multishift QR algorithm, II: Aggressive early deflation, 2002, and
// LAPACK's laqr0. Rows and columns count from 1.
template <class T>
struct Iteration {
  bool schur;
  int n;
  T *h, *re, *im, *z;
  Memory<T> scratch;
  T *v, *t, *u, *tall, *wide, *work;

  Iteration(bool schur, int n, T* h, T* w, T* z)
      : schur(schur),
        n(n),
        h(h),
        re(w),
        im(w + n),
        z(z),
        scratch(int64_t{n} * (7 * n + 4 * kShifts)),
        v(scratch.data),
        t(v + n * n),
        u(t + n * n),
        tall(u + n * n),
        wide(tall + n * n),
        work(wide + n * n) {}
  T& at(int i, int j) const { return h[(j - 1) * int64_t{n} + i - 1]; }

  bool run() const {
    int bottom = n, slow = 0, window = kWindow;
    while (bottom >= 1) {
      int top = bottom;
      while (top > 1 && at(top, top - 1) != 0) --top;
      const int size = bottom - top + 1;
      window = std::min(size, slow < kSlowRounds ? kWindow : 2 * window);
      if (window >= size - 1) {
        window = size;
      } else {  // begins where the matrix is more nearly torn
        const int first = bottom - window + 1;
        if (std::abs(at(first, first - 1)) > std::abs(at(first - 1, first - 2))) ++window;
      }
      int shifts = 0, found = 0;
      lapack::laqr2(schur, n, top, bottom, window, h, z, &shifts, &found, re, im, v, n, n, t, n, tall, work, 2 * n * n);
      bottom -= found;
      slow = found ? 0 : slow + 1;
      if (slow > kMostRounds || (found == 0 && window == size)) return false;
      // LAPACK's nibble: a window that gave more than 14 % of its eigenvalues is followed by another one.
      const bool enough = 100 * found > 14 * window || (found && bottom - top + 1 <= kWindow);
      if (!enough && bottom > top && !sweep(top, bottom, bottom - shifts + 1)) return false;
    }
    return true;
  }
  // With the shifts that the window left in [first, bottom], or if those are few, with others.
  bool sweep(int top, int bottom, int first) const {
    int count = std::min(kShifts, std::max(2, bottom - top)) / 2 * 2;
    if (bottom - first + 1 <= count / 2) {
      first = bottom - count + 1;
      for (int j = 0; j < count; ++j)
        for (int i = 0; i < count; ++i) t[j * count + i] = i <= j + 1 ? at(first + i, first + j) : T(0);
      first += lapack::lahqr(false, count, t, re + first - 1, im + first - 1, t);
      if (first >= bottom) return false;
    }
    if (bottom - first + 1 > count) sort(first, bottom);
    pair(first, bottom);
    count = std::min(count, bottom - first + 1) / 2 * 2;
    const int from = bottom - count;
    if (count == 2 && im[from] == 0) {  // two real ones: the nearer one twice
      const T corner = at(bottom, bottom);
      const bool last = std::abs(re[from + 1] - corner) < std::abs(re[from] - corner);
      re[from] = re[from + 1] = last ? re[from + 1] : re[from];
    }
    lapack::laqr5(schur, n, top, bottom, count, re + from, im + from, h, z, v, u, tall, wide);
    return true;
  }
  // The large ones first, conjugate pairs together: of equal size, they keep their order.
  void sort(int first, int last) const {
    auto size = [&](int i) { return std::abs(re[i - 1]) + std::abs(im[i - 1]); };
    for (int end = last; end > first; --end)
      for (int i = first; i < end; ++i)
        if (size(i) < size(i + 1)) {
          std::swap(re[i - 1], re[i]);
          std::swap(im[i - 1], im[i]);
        }
  }
  // Pairs of shifts, from the last one on, are conjugate or both real.
  void pair(int first, int last) const {
    for (int i = last - 1; i >= first + 1; i -= 2)
      if (im[i] != -im[i - 1]) {
        std::rotate(re + i - 2, re + i - 1, re + i + 1);
        std::rotate(im + i - 2, im + i - 1, im + i + 1);
      }
  }
};

}  // namespace

template <class T>
int iterate(bool schur, int n, T* h, T* w, T* z) {
  const int64_t side = n, square = side * side;
  for (int64_t j = 0; j + 2 < side; ++j) std::fill(h + j * side + j + 2, h + (j + 1) * side, T(0));
  if (n >= kLeastSide && n <= kMostSide) {
    Memory<T> kept(2 * square);
    std::copy_n(h, square, kept.data);
    if (schur) std::copy_n(z, square, kept.data + square);
    const bool alone = n <= (schur ? kMostAlone : kMostValuesAlone);
    if (alone ? !lapack::lahqr(schur, n, h, w, w + n, z) : Iteration<T>(schur, n, h, w, z).run()) return 0;
    std::copy_n(kept.data, square, h);
    if (schur) std::copy_n(kept.data + square, square, z);
  }
  T answer{};
  lapack::hseqr(schur, n, h, w, z, &answer, -1);
  const int lwork = std::max(1, static_cast<int>(answer));
  Memory<T> work(lwork);
  return lapack::hseqr(schur, n, h, w, z, work.data, lwork);
}

template int iterate(bool, int, float*, float*, float*);
template int iterate(bool, int, double*, double*, double*);

}  // namespace facula::general
