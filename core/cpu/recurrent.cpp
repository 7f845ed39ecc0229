// Recurrent cells: gates in one pass over lanes.
#include "cpu/recurrent.h"

#include "cpu/reduce_row.h"
#include "expr/lane_exponential.h"
#include "expr/lane_pieces.h"
#include "runtime/parallel.h"

namespace facula::cpu::FACULA_ISA {
namespace {

using lane_math::sigmoid;
using lane_math::tanh;

constexpr int64_t kGrain = 4096;  // elements of hidden state in about 20 us

inline int64_t grain_of(int64_t hidden) { return hidden >= kGrain ? 1 : kGrain / (hidden < 1 ? 1 : hidden); }

template <class A>
struct Cells {
  static constexpr int W = Vec<A>::width;
  static Vec<A> get(const A* p, int64_t left) { return load_up_to(p, left, A(0)); }
  static void put(A* p, Vec<A> v, int64_t left) { store_up_to(p, v, left); }
  // body(row, column, left) over vectors of the rows.
  template <class F>
  static void each(int64_t rows, int64_t hidden, F body) {
    parallel_for(rows, grain_of(hidden), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r)
        for (int64_t j = 0; j < hidden; j += W) body(r, j, hidden - j);
    });
  }

  static void lstm(int64_t rows, int64_t H, void* gates, const void* c_before, void* c, void* raw) {
    A *g = static_cast<A*>(gates), *now = static_cast<A*>(c), *out = static_cast<A*>(raw);
    const A* before = static_cast<const A*>(c_before);
    each(rows, H, [=](int64_t r, int64_t j, int64_t left) {
      A* at = g + r * 4 * H + j;
      Vec<A> i = sigmoid(get(at, left)), f = sigmoid(get(at + H, left)), n = tanh(get(at + 2 * H, left)),
             o = sigmoid(get(at + 3 * H, left));
      Vec<A> cell = f * get(before + r * H + j, left) + i * n;
      put(at, i, left);
      put(at + H, f, left);
      put(at + 2 * H, n, left);
      put(at + 3 * H, o, left);
      put(now + r * H + j, cell, left);
      put(out + r * H + j, o * tanh(cell), left);
    });
  }
  static void lstm_backward(int64_t rows, int64_t H, const void* gates, const void* c_before, const void* c,
                            const void* draw, void* dc, void* dgates) {
    const A *g = static_cast<const A*>(gates), *before = static_cast<const A*>(c_before),
            *now = static_cast<const A*>(c), *dr = static_cast<const A*>(draw);
    A *dcell = static_cast<A*>(dc), *dg = static_cast<A*>(dgates);
    each(rows, H, [=](int64_t r, int64_t j, int64_t left) {
      const A* at = g + r * 4 * H + j;
      A* to = dg + r * 4 * H + j;
      const int64_t k = r * H + j;
      Vec<A> i = get(at, left), f = get(at + H, left), n = get(at + 2 * H, left), o = get(at + 3 * H, left);
      Vec<A> t = tanh(get(now + k, left)), d = get(dr + k, left);
      Vec<A> cell = get(dcell + k, left) + d * o * (1 - t * t);
      put(to, cell * n * i * (1 - i), left);
      put(to + H, cell * get(before + k, left) * f * (1 - f), left);
      put(to + 2 * H, cell * i * (1 - n * n), left);
      put(to + 3 * H, d * t * o * (1 - o), left);
      put(dcell + k, cell * f, left);
    });
  }

  static void gru(int64_t rows, int64_t H, const void* input, const void* state, const void* h_before, void* work,
                  void* h) {
    const A *x = static_cast<const A*>(input), *s = static_cast<const A*>(state), *b = static_cast<const A*>(h_before);
    A *w = static_cast<A*>(work), *out = static_cast<A*>(h);
    each(rows, H, [=](int64_t k, int64_t j, int64_t left) {
      const A *xi = x + k * 3 * H + j, *si = s + k * 3 * H + j;
      A* to = w + k * 4 * H + j;
      Vec<A> r = sigmoid(get(xi, left) + get(si, left)), z = sigmoid(get(xi + H, left) + get(si + H, left));
      Vec<A> q = get(si + 2 * H, left), n = tanh(get(xi + 2 * H, left) + r * q);
      put(to, r, left);
      put(to + H, z, left);
      put(to + 2 * H, n, left);
      put(to + 3 * H, q, left);
      put(out + k * H + j, n + z * (get(b + k * H + j, left) - n), left);
    });
  }
  static void gru_backward(int64_t rows, int64_t H, const void* work, const void* h_before, void* dh, void* dinput,
                           void* dstate) {
    const A *w = static_cast<const A*>(work), *b = static_cast<const A*>(h_before);
    A *d = static_cast<A*>(dh), *dx = static_cast<A*>(dinput), *ds = static_cast<A*>(dstate);
    each(rows, H, [=](int64_t k, int64_t j, int64_t left) {
      const A* at = w + k * 4 * H + j;
      A *xi = dx + k * 3 * H + j, *si = ds + k * 3 * H + j, *place = d + k * H + j;
      Vec<A> r = get(at, left), z = get(at + H, left), n = get(at + 2 * H, left), q = get(at + 3 * H, left);
      Vec<A> g = get(place, left), dn = g * (1 - z) * (1 - n * n);
      Vec<A> dz = g * (get(b + k * H + j, left) - n) * z * (1 - z), dr = dn * q * r * (1 - r);
      put(xi, dr, left);
      put(xi + H, dz, left);
      put(xi + 2 * H, dn, left);
      put(si, dr, left);
      put(si + H, dz, left);
      put(si + 2 * H, dn * r, left);
      put(place, g * z, left);
    });
  }

  static void plain(bool relu, int64_t n, void* h) {
    A* p = static_cast<A*>(h);
    parallel_for(n, kGrain, [=](int64_t begin, int64_t end) {
      if (relu)
        map_block([](auto v) { return select(v < decltype(v)(A(0)), decltype(v)(A(0)), v); }, end - begin, p + begin,
                  p + begin);
      else
        map_block([](auto v) { return tanh(v); }, end - begin, p + begin, p + begin);
    });
  }
  static void plain_backward(bool relu, int64_t n, const void* h, const void* dh, void* dsums) {
    const A *y = static_cast<const A*>(h), *g = static_cast<const A*>(dh);
    A* out = static_cast<A*>(dsums);
    if (relu)
      map_block([](auto v, auto d) { return select(v > decltype(v)(A(0)), d, decltype(v)(A(0))); }, n, out, y, g);
    else
      map_block([](auto v, auto d) { return d * (1 - v * v); }, n, out, y, g);
  }
  static void add(int64_t n, void* to, const void* what) {
    A* out = static_cast<A*>(to);
    map_block([](auto a, auto b) { return a + b; }, n, out, out, static_cast<const A*>(what));
  }
  static void column_sums(int64_t rows, int64_t columns, const void* from, void* to) {
    const A* in = static_cast<const A*>(from);
    A* out = static_cast<A*>(to);
    for (int64_t j = 0; j < columns; ++j) out[j] = 0;
    for (int64_t r = 0; r < rows; ++r)
      map_block([](auto a, auto b) { return a + b; }, columns, out, out, in + r * columns);
  }
};

#define BY_TYPE(name, ...) (t == DType::Float64 ? Cells<double>::name : Cells<float>::name)(__VA_ARGS__)

void lstm(DType t, int64_t rows, int64_t H, void* gates, const void* before, void* c, void* raw) {
  BY_TYPE(lstm, rows, H, gates, before, c, raw);
}
void lstm_backward(DType t, int64_t rows, int64_t H, const void* gates, const void* before, const void* c,
                   const void* draw, void* dc, void* dgates) {
  BY_TYPE(lstm_backward, rows, H, gates, before, c, draw, dc, dgates);
}
void gru(DType t, int64_t rows, int64_t H, const void* input, const void* state, const void* before, void* work,
         void* h) {
  BY_TYPE(gru, rows, H, input, state, before, work, h);
}
void gru_backward(DType t, int64_t rows, int64_t H, const void* work, const void* before, void* dh, void* dinput,
                  void* dstate) {
  BY_TYPE(gru_backward, rows, H, work, before, dh, dinput, dstate);
}
void plain(DType t, bool relu, int64_t n, void* h) { BY_TYPE(plain, relu, n, h); }
void plain_backward(DType t, bool relu, int64_t n, const void* h, const void* dh, void* dsums) {
  BY_TYPE(plain_backward, relu, n, h, dh, dsums);
}
void add(DType t, int64_t n, void* to, const void* what) { BY_TYPE(add, n, to, what); }
void column_sums(DType t, int64_t rows, int64_t columns, const void* from, void* to) {
  BY_TYPE(column_sums, rows, columns, from, to);
}

}  // namespace

KERNELS(RecurrentKernels, recurrent_kernels) = {lstm,  lstm_backward,  gru, gru_backward,
                                                plain, plain_backward, add, column_sums};

}  // namespace facula::cpu::FACULA_ISA
