// How a convolution's source is laid out before it is multiplied: padded planes, one for each phase of the stride.
// Included by the kernels that convolve.
#pragma once
#include <atomic>
#include <cstring>
#include <utility>

#include "cpu/conv.h"
#include "cpu/reduce_fold.h"
#include "runtime/allocator.h"
#include "runtime/parallel.h"

namespace facula::cpu::FACULA_ISA {
namespace {

inline int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }
inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

// Memory for one call, given back at its end.
template <class T>
struct Workspace {
  size_t bytes;
  T* data;
  explicit Workspace(int64_t n) : bytes(static_cast<size_t>(n) * sizeof(T)), data(static_cast<T*>(allocate(bytes))) {}
  ~Workspace() { deallocate(data, bytes); }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
};

// Calls body(worker, item) for every item, as threads become free: items take different time.
template <class F>
void share_out(int64_t items, F&& body) {
  std::atomic<int64_t> next{0};
  parallel_for(min(num_threads(), items), 1, [&](int64_t begin, int64_t end) {
    for (int64_t worker = begin; worker < end; ++worker)
      for (int64_t item; (item = next.fetch_add(1, std::memory_order_relaxed)) < items;) body(worker, item);
  });
}

// How source planes are laid out for shifted products: for each channel `phases` planes of extent E.
struct Planes {
  int64_t in[3];      // of the source
  int64_t stride[3];  // phases per dimension
  int64_t low[3];     // padding in front; negative crops
  int64_t extent[3];
  int64_t phase_size() const { return extent[0] * extent[1] * extent[2]; }
  int64_t channel_size() const { return phase_size() * stride[0] * stride[1] * stride[2]; }
};

inline int64_t volume(const int64_t (&s)[3]) { return s[0] * s[1] * s[2]; }

// The layout in which output position p and tap k meet source position p + shift[k].
inline Planes forward_planes(const ConvShape& s) {
  Planes g;
  for (int i = 0; i < 3; ++i) {
    g.in[i] = s.in[i];
    g.stride[i] = s.stride[i];
    g.low[i] = s.pad[i];
    g.extent[i] = s.out[i] + (s.kernel[i] - 1) * s.dilation[i] / s.stride[i];
  }
  return g;
}

// One dimension of one phase of dx: positions i with (i + pad) % stride == r, that is i = q * stride + r - pad for
// q in [first, first + count). Tap k touches it when k * dilation = m * stride + r, and then reads dy at q - m.
struct Phase {
  int64_t r, first, count, reach;  // reach: the largest m
  Phase(const ConvShape& s, int d, int64_t r) : r(r), reach(0) {
    first = floor_div(s.pad[d] - r + s.stride[d] - 1, s.stride[d]);
    count = max(0, floor_div(s.in[d] - 1 + s.pad[d] - r, s.stride[d]) - first + 1);
    for (int64_t k = 0; k < s.kernel[d]; ++k)
      if (k * s.dilation[d] % s.stride[d] == r) reach = k * s.dilation[d] / s.stride[d];
  }
};

inline void forward_shifts(const ConvShape& s, const Planes& g, int64_t* shift) {
  for (int64_t i = 0; i < s.kernel[0]; ++i)
    for (int64_t j = 0; j < s.kernel[1]; ++j)
      for (int64_t k = 0; k < s.kernel[2]; ++k) {
        const int64_t tap[3] = {i * s.dilation[0], j * s.dilation[1], k * s.dilation[2]};
        int64_t phase = 0, at = 0;
        for (int d = 0; d < 3; ++d) {
          phase = phase * s.stride[d] + tap[d] % s.stride[d];
          at = at * g.extent[d] + tap[d] / s.stride[d];
        }
        *shift++ = phase * g.phase_size() + at;
      }
}

// Rows of planes are short: calls of the C library for their edges and insides took longer than the copies.
template <class T>
inline void zero_row(int64_t n, T* to) {
  for (int64_t i = 0; i < n; i += Vec<T>::width) store_up_to(to + i, Vec<T>(T(0)), n - i);
}
template <class T>
inline void copy_row(int64_t n, const T* from, T* to) {
  for (int64_t i = 0; i < n; i += Vec<T>::width) store_up_to(to + i, load_up_to(from + i, n - i, T(0)), n - i);
}
template <class T, size_t... I>
inline Vec<T> even_lanes(Vec<T> a, Vec<T> b, std::index_sequence<I...>) {
  return Vec<T>(__builtin_shufflevector(a.v, b.v, (2 * static_cast<int>(I))...));
}
// to[i] = from[2 i]; nothing is read past the last of them.
template <class T>
inline void copy_every_second(int64_t n, const T* from, T* to) {
  constexpr int64_t W = Vec<T>::width;
  for (int64_t i = 0; i < n; i += W) {
    const int64_t left = 2 * (n - i) - 1;
    const Vec<T> a = load_up_to(from + 2 * i, left, T(0));
    const Vec<T> b = left > W ? load_up_to(from + 2 * i + W, left - W, T(0)) : Vec<T>(T(0));
    store_up_to(to + i, even_lanes(a, b, std::make_index_sequence<W>()), n - i);
  }
}

// Copies one channel: plane[phase][e] = src[e * stride + phase - low], 0 outside.
template <class T>
void prepare_channel(const Planes& g, const T* src, T* out) {
  const int64_t s2 = g.stride[2], e2 = g.extent[2];
  for (int64_t f0 = 0; f0 < g.stride[0]; ++f0)
    for (int64_t f1 = 0; f1 < g.stride[1]; ++f1)
      for (int64_t f2 = 0; f2 < s2; ++f2) {
        // columns [lo, hi) of a row of this phase lie inside the source
        const int64_t shift = f2 - g.low[2];
        const int64_t lo = min(e2, shift < 0 ? ceil_div(-shift, s2) : 0);
        const int64_t hi = max(lo, min(e2, floor_div(g.in[2] - 1 - shift, s2) + 1));
        for (int64_t a = 0; a < g.extent[0]; ++a)
          for (int64_t b = 0; b < g.extent[1]; ++b, out += e2) {
            const int64_t i = a * g.stride[0] + f0 - g.low[0], j = b * g.stride[1] + f1 - g.low[1];
            if (i < 0 || i >= g.in[0] || j < 0 || j >= g.in[1]) {
              zero_row(e2, out);
              continue;
            }
            const T* row = src + (i * g.in[1] + j) * g.in[2] + shift;
            zero_row(lo, out);
            if (s2 == 1)
              copy_row(hi - lo, row + lo, out + lo);
            else if (s2 == 2)
              copy_every_second(hi - lo, row + 2 * lo, out + lo);
            else
              for (int64_t c = lo; c < hi; ++c) out[c] = row[c * s2];
            zero_row(e2 - hi, out + hi);
          }
      }
}

}  // namespace
}  // namespace facula::cpu::FACULA_ISA
