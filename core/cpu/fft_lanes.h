// Fourier transforms of as many signals as there are lanes, one a lane: butterflies, the passes of Stockham's algorithm
// (Van Loan 1992, section 1.7) and the moves between signals in memory and lanes. Exponents are -i; no plans here.
#pragma once
#include <cstdint>

#include "cpu/lanes.h"

namespace facula::cpu::FACULA_ISA::fft {

template <class T>
inline constexpr int W = Vec<T>::width;
inline constexpr int kLargestRadix = 61;  // odd; Bluestein's algorithm is faster from about 100 on

// One complex number in each lane.
template <class T>
struct Numbers {
  Vec<T> re, im;
  friend LANE_OP Numbers operator+(Numbers a, Numbers b) { return {a.re + b.re, a.im + b.im}; }
  friend LANE_OP Numbers operator-(Numbers a, Numbers b) { return {a.re - b.re, a.im - b.im}; }
  friend LANE_OP Numbers operator*(Numbers a, Numbers b) {
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
  }
  friend LANE_OP Numbers operator*(Vec<T> s, Numbers a) { return {s * a.re, s * a.im}; }
};
template <class T>
LANE_OP Numbers<T> conj(Numbers<T> a) {
  return {a.re, -a.im};
}
template <class T>
LANE_OP Numbers<T> turn_back(Numbers<T> a) {  // -i a
  return {a.im, -a.re};
}

// ---- butterflies: a becomes its transform of length r ----

template <class T>
LANE_OP void butterfly2(Numbers<T>& a, Numbers<T>& b) {
  const Numbers<T> sum = a + b;
  b = a - b;
  a = sum;
}
template <class T>
LANE_OP void butterfly4(Numbers<T>& a, Numbers<T>& b, Numbers<T>& c, Numbers<T>& d) {
  const Numbers<T> s = a + c, t = a - c, u = b + d, v = turn_back(b - d);
  a = s + u;
  b = t + v;
  c = s - u;
  d = t - v;
}

template <int r, class T>
LANE_OP void butterfly(Numbers<T>* a) {
  using V = Vec<T>;
  if constexpr (r == 2) {
    butterfly2(a[0], a[1]);
  } else if constexpr (r == 3) {
    const V half = T(0.5), root = T(0.86602540378443864676);  // sqrt(3) / 2
    const Numbers<T> sum = a[1] + a[2], s = turn_back(root * (a[1] - a[2]));
    const Numbers<T> m = a[0] - half * sum;
    a[0] = a[0] + sum;
    a[1] = m + s;
    a[2] = m - s;
  } else if constexpr (r == 4) {
    butterfly4(a[0], a[1], a[2], a[3]);
  } else if constexpr (r == 5) {
    const V c1 = T(0.30901699437494742410), c2 = T(-0.80901699437494742410);  // cos(2 pi k / 5)
    const V s1 = T(0.95105651629515357212), s2 = T(0.58778525229247312917);   // sin(2 pi k / 5)
    const Numbers<T> t1 = a[1] + a[4], t2 = a[2] + a[3], d1 = a[1] - a[4], d2 = a[2] - a[3];
    const Numbers<T> m1 = a[0] + c1 * t1 + c2 * t2, m2 = a[0] + c2 * t1 + c1 * t2;
    const Numbers<T> n1 = turn_back(s1 * d1 + s2 * d2), n2 = turn_back(s2 * d1 - s1 * d2);
    a[0] = a[0] + t1 + t2;
    a[1] = m1 + n1;
    a[2] = m2 + n2;
    a[3] = m2 - n2;
    a[4] = m1 - n1;
  } else if constexpr (r == 8) {
    const V root = T(0.70710678118654752440);  // sqrt(1/2)
    butterfly4(a[0], a[2], a[4], a[6]);
    butterfly4(a[1], a[3], a[5], a[7]);
    a[3] = root * Numbers<T>{a[3].re + a[3].im, a[3].im - a[3].re};
    a[5] = turn_back(a[5]);
    a[7] = root * Numbers<T>{a[7].im - a[7].re, -(a[7].re + a[7].im)};
    const Numbers<T> b[8] = {a[0] + a[1], a[2] + a[3], a[4] + a[5], a[6] + a[7],
                             a[0] - a[1], a[2] - a[3], a[4] - a[5], a[6] - a[7]};
    for (int i = 0; i < 8; ++i) a[i] = b[i];
  }
}

// ---- memory ----

// Signals side by side: number i of the signal in lane l is at base + i * step + 2 * l (in T). Lanes from `lanes` on
// are absent. In a block of lanes, all are there: the real parts of W numbers, then the imaginary ones, and step is 2
// W.
template <class T>
struct Lines {
  T* base;
  int64_t step;
  int lanes;
  T scale, scale_im;  // of what is stored; what is loaded is only conjugated, by scale_im = -1
  const T *fine = nullptr,
          *coarse = nullptr;  // factors of what is stored turned: number i's, lane by lane; common ones
};
enum class Place : uint8_t { Block, Lines, Turned };  // the last: in a block, times factors
template <class T>
LANE_OP Lines<T> block(T* base) {
  return {base, 2 * W<T>, W<T>, 1, 1};
}

template <class T, size_t... i>
LANE_OP Vec<T> shuffled(Vec<T> a, Vec<T> b, std::index_sequence<i...>, auto place) {
  return __builtin_shufflevector(a.v, b.v, place(static_cast<int>(i))...);
}
template <class T>
LANE_OP Vec<T> shuffle(Vec<T> a, Vec<T> b, auto place) {
  return shuffled(a, b, std::make_index_sequence<W<T>>(), place);
}
template <class T>
LANE_OP Vec<T> evens(Vec<T> a, Vec<T> b) {
  return shuffle(a, b, [](int i) { return 2 * i; });
}
template <class T>
LANE_OP Vec<T> odds(Vec<T> a, Vec<T> b) {
  return shuffle(a, b, [](int i) { return 2 * i + 1; });
}
template <class T>
LANE_OP Vec<T> zip_low(Vec<T> a, Vec<T> b) {
  return shuffle(a, b, [](int i) { return i / 2 + (i % 2) * W<T>; });
}
template <class T>
LANE_OP Vec<T> zip_high(Vec<T> a, Vec<T> b) {
  return shuffle(a, b, [](int i) { return W<T> / 2 + i / 2 + (i % 2) * W<T>; });
}
// The first n < W of W T; absent ones are zero.
template <class T>
__attribute__((noinline)) void load_few(const T* p, int n, T* out) {
  for (int i = 0; i < 2 * W<T>; ++i) out[i] = i < 2 * n ? p[i] : T(0);
}
// Interleaved numbers.
template <class T>
LANE_OP Numbers<T> load_numbers(const T* p, int lanes) {
  alignas(kLaneBytes) T few[2 * W<T>];
  if (__builtin_expect(lanes < W<T>, 0)) {
    load_few(p, lanes, few);
    p = few;
  }
  const Vec<T> a = load(p), b = load(p + W<T>);
  return {evens(a, b), odds(a, b)};
}
template <class T>
LANE_OP void store_numbers(T* p, int lanes, Numbers<T> x) {
  const Vec<T> a = zip_low(x.re, x.im), b = zip_high(x.re, x.im);
  if (__builtin_expect(lanes < W<T>, 0)) {
    alignas(kLaneBytes) T few[2 * W<T>];
    store(few, a);
    store(few + W<T>, b);
    std::memcpy(p, few, static_cast<size_t>(2 * lanes) * sizeof(T));
    return;
  }
  store(p, a);
  store(p + W<T>, b);
}
// The last number first; lanes from n < W on are absent.
template <class T>
LANE_OP Numbers<T> load_backwards(const T* p, int n) {
  if (__builtin_expect(n < W<T>, 0)) {
    alignas(kLaneBytes) T few[2 * W<T>] = {};
    for (int i = 0; i < n; ++i) std::memcpy(few + 2 * i, p + 2 * (n - 1 - i), 2 * sizeof(T));
    return load_numbers(few, W<T>);
  }
  const Vec<T> a = load(p), b = load(p + W<T>);
  return {shuffle(a, b, [](int i) { return 2 * (W<T> - 1 - i); }),
          shuffle(a, b, [](int i) { return 2 * (W<T> - 1 - i) + 1; })};
}
template <class T>
LANE_OP void store_backwards(T* p, int n, Numbers<T> x) {
  if (__builtin_expect(n < W<T>, 0)) {
    alignas(kLaneBytes) T few[2 * W<T>];
    store_numbers(few, W<T>, x);
    for (int i = 0; i < n; ++i) std::memcpy(p + 2 * (n - 1 - i), few + 2 * i, 2 * sizeof(T));
    return;
  }
  store(p, shuffle(x.re, x.im, [](int i) { return W<T> - 1 - i / 2 + (i % 2) * W<T>; }));
  store(p + W<T>, shuffle(x.re, x.im, [](int i) { return W<T> / 2 - 1 - i / 2 + (i % 2) * W<T>; }));
}
template <Place place = Place::Block, class T>
LANE_OP int64_t step_of(const Lines<T>& x) {
  return place == Place::Lines ? x.step : 2 * W<T>;
}
template <Place place = Place::Block, class T>
LANE_OP Numbers<T> get_at(const Lines<T>& x, const T* at) {
  if constexpr (place == Place::Lines) {
    const Numbers<T> value = load_numbers(at, x.lanes);
    return {value.re, x.scale_im * value.im};
  }
  return {load(at), load(at + W<T>)};
}
// `at` is the place of number i.
template <Place place = Place::Block, class T>
LANE_OP void put_at(const Lines<T>& x, T* at, int64_t i, Numbers<T> value) {
  if constexpr (place == Place::Lines) return store_numbers(at, x.lanes, {x.scale * value.re, x.scale_im * value.im});
  if constexpr (place == Place::Turned) {
    const T* f = x.fine + 2 * W<T> * i;
    value = value * Numbers<T>{load(f), load(f + W<T>)};
    if (x.coarse) value = value * Numbers<T>{x.coarse[2 * i], x.coarse[2 * i + 1]};
  }
  store(at, value.re);
  store(at + W<T>, value.im);
}
template <Place place = Place::Block, class T>
LANE_OP Numbers<T> get(const Lines<T>& x, int64_t i) {
  return get_at<place>(x, x.base + i * step_of<place>(x));
}
template <Place place = Place::Block, class T>
LANE_OP void put(const Lines<T>& x, int64_t i, Numbers<T> value) {
  put_at<place>(x, x.base + i * step_of<place>(x), i, value);
}

// A number that a pass over lines comes to soon: they lie far apart, where the processor does not look ahead.
template <bool writes, class T>
LANE_OP void fetch(const T* at) {
  __builtin_prefetch(at, writes);
  __builtin_prefetch(at + W<T>, writes);
}
inline constexpr int64_t kAhead = 3;  // butterflies

// ---- passes ----

// One pass over n = s * m * radix numbers: butterflies of numbers s * m apart; number p of m is turned by
// exp(-2 pi i p k / (m * radix)), k < radix.
template <class T>
struct Pass {
  int radix;
  int64_t m, s;
  const T* turns;    // (re, im) for k = 1 .. radix - 1 of each p
  const T* cosines;  // of an odd radix: (cos, sin)(2 pi j / radix) for j < radix
};

// Places `step` apart, counted from the first and the fifth: the processor multiplies by 1, 2, 4 and 8 only.
template <class T>
struct Spread {
  T *first, *fifth;
  int64_t step, thrice;
  LANE_OP Spread(T* first, int64_t step) : first(first), fifth(first + 4 * step), step(step), thrice(3 * step) {}
  LANE_OP T* operator[](int j) const { return (j < 4 ? first : fifth) + (j % 4 == 3 ? thrice : (j % 4) * step); }
};

// `in` and `out` are copies, which no store can change. Lines are read by the first pass, which has s = 1, unless it is
// the last as well, and written by the last one, which has m = 1 (see run_passes).
template <int r, Place from, Place to, class T>
void fixed_pass(const Pass<T>& pass, Lines<T> in, Lines<T> out) {
  const int64_t m = pass.m, s = from == Place::Lines ? 1 : pass.s;
  const int64_t in_step = step_of<from>(in), out_step = step_of<to>(out);
  Numbers<T> a[r];
  if constexpr (from == Place::Block) {
    for (int64_t q = 0; m == 1 && q < s; ++q) {
      const Spread<T> source(in.base + q * in_step, s * in_step), target(out.base + q * out_step, s * out_step);
      for (int j = 0; j < r; ++j) a[j] = get_at(in, source[j]);
      if (to == Place::Lines && q + kAhead < s)
        for (int k = 0; k < r; ++k) fetch<true>(target[k] + kAhead * out_step);
      butterfly<r>(a);
      for (int k = 0; k < r; ++k) put_at<to>(out, target[k], q + s * k, a[k]);
    }
    if (m == 1) return;
  }
  if constexpr (to == Place::Block) {
    const T* w = pass.turns;
    for (int64_t p = 0; p < m; ++p, w += 2 * (r - 1)) {
      const Spread<T> sources(in.base + s * p * in_step, s * m * in_step);
      const Spread<T> targets(out.base + s * r * p * out_step, s * out_step);
      for (int64_t q = 0; q < s; ++q) {
        for (int j = 0; j < r; ++j) a[j] = get_at<from>(in, sources[j] + q * in_step);
        if (from == Place::Lines && p + kAhead < m)
          for (int j = 0; j < r; ++j) fetch<false>(sources[j] + kAhead * in_step);
        butterfly<r>(a);
        put_at(out, targets[0] + q * out_step, 0, a[0]);
        for (int k = 1; k < r; ++k)
          put_at(out, targets[k] + q * out_step, 0, a[k] * Numbers<T>{w[2 * k - 2], w[2 * k - 1]});
      }
    }
  }
}

// Any odd radix, by the definition: sums and differences of numbers j and r - j meet cosines and sines.
template <Place from, Place to, class T>
void odd_pass(const Pass<T>& pass, const Lines<T>& in, const Lines<T>& out) {
  const int64_t m = pass.m, s = pass.s;
  const int r = pass.radix, h = r / 2;
  Numbers<T> sum[kLargestRadix / 2 + 1], difference[kLargestRadix / 2 + 1];
  for (int64_t p = 0; p < m; ++p) {
    const T* w = pass.turns + p * 2 * (r - 1);
    for (int64_t q = 0; q < s; ++q) {
      const Numbers<T> first = get<from>(in, q + s * p);
      Numbers<T> total = first;
      for (int j = 1; j <= h; ++j) {
        const Numbers<T> a = get<from>(in, q + s * (p + m * j)), b = get<from>(in, q + s * (p + m * (r - j)));
        sum[j] = a + b;
        difference[j] = turn_back(a - b);
        total = total + sum[j];
      }
      put<to>(out, q + s * r * p, total);
      for (int k = 1; k <= h; ++k) {
        Numbers<T> even = first, odd = {0, 0};
        for (int j = 1, jk = k; j <= h; ++j, jk += k) {
          if (jk >= r) jk -= r;
          even = even + Vec<T>(pass.cosines[2 * jk]) * sum[j];
          odd = odd + Vec<T>(pass.cosines[2 * jk + 1]) * difference[j];
        }
        Numbers<T> low = even + odd, high = even - odd;
        if (m > 1) {
          low = low * Numbers<T>{w[2 * k - 2], w[2 * k - 1]};
          high = high * Numbers<T>{w[2 * (r - k) - 2], w[2 * (r - k) - 1]};
        }
        put<to>(out, q + s * (r * p + k), low);
        put<to>(out, q + s * (r * p + r - k), high);
      }
    }
  }
}

template <Place from, Place to, class T>
void run_pass(const Pass<T>& pass, const Lines<T>& in, const Lines<T>& out) {
  switch (pass.radix) {
    case 2: return fixed_pass<2, from, to>(pass, in, out);
    case 3: return fixed_pass<3, from, to>(pass, in, out);
    case 4: return fixed_pass<4, from, to>(pass, in, out);
    case 5: return fixed_pass<5, from, to>(pass, in, out);
    case 8: return fixed_pass<8, from, to>(pass, in, out);
    default: return odd_pass<from, to>(pass, in, out);
  }
}

// All passes. `a` and `b` are blocks of lanes for what lies between; the numbers are in `lines`, or in a block `at`
// (which may be `a`), and go to `out`, or where none is given, to `a` or `b`, which is returned.
template <class T>
T* run_passes(const Pass<T>* passes, int count, const Lines<T>* lines, T* at, const Lines<T>* out, T* a, T* b) {
  if (lines && count == 1) {  // only passes that are not the last are compiled to read lines
    for (int i = 0; i < passes[0].radix; ++i) put(block(a), i, get<Place::Lines>(*lines, i));
    at = a;
    lines = nullptr;
  }
  for (int i = 0; i < count; ++i, lines = nullptr) {
    T* to = at == a ? b : a;
    if (i == count - 1 && out && out->fine) {
      Lines<T> turned = *out;
      turned.base = to;
      run_pass<Place::Block, Place::Turned>(passes[i], block(at), turned);
    } else if (i == count - 1 && out) {
      run_pass<Place::Block, Place::Lines>(passes[i], block(at), *out);
    } else if (lines) {
      run_pass<Place::Lines, Place::Block>(passes[i], *lines, block(to));
    } else {
      run_pass<Place::Block, Place::Block>(passes[i], block(at), block(to));
    }
    at = to;
  }
  return at;
}

// ---- between rows and lanes ----

// A square of numbers, each of `unit` T, transposed by halving: vector i meets vector i + count / 2, log2(count) times.
template <int unit, class T>
LANE_OP void transpose(Vec<T>* v) {
  constexpr int count = W<T> / unit;
  Vec<T> t[count];
#pragma GCC unroll 8
  for (int half = 1; half < count; half *= 2) {
    for (int i = 0; i < count / 2; ++i) {
      const Vec<T> a = v[i], b = v[i + count / 2];
      auto zip = [](int lane, int from) {
        return ((lane / unit / 2) + from) * unit + lane % unit + (lane / unit % 2) * W<T>;
      };
      t[2 * i] = shuffle(a, b, [=](int lane) { return zip(lane, 0); });
      t[2 * i + 1] = shuffle(a, b, [=](int lane) { return zip(lane, count / 2); });
    }
    for (int i = 0; i < count; ++i) v[i] = t[i];
  }
}

// The first 2 * n < W of W T; absent ones are zero.
template <class T>
LANE_OP Vec<T> load_units(const T* p, int n) {
  return 2 * n < W<T> ? load_partial(p, n > 0 ? 2 * n : 0, T(0)) : load(p);
}
template <class T>
LANE_OP void store_units(T* p, int n, Vec<T> x) {
  if (2 * n >= W<T>) return store(p, x);
  alignas(kLaneBytes) T few[W<T>];
  store(few, x);
  if (n > 0) std::memcpy(p, few, static_cast<size_t>(2 * n) * sizeof(T));
}
// n numbers of each of `rows` rows, `pitch` T apart, into lanes; the imaginary parts times `sign`. Half a vector of
// columns at once: first numbers change places, then their parts.
template <class T>
void load_rows(const T* src, int64_t pitch, int rows, int64_t n, T sign, T* to) {
  constexpr int H = W<T> / 2;
  for (int64_t i = 0; i < n; i += H) {
    const int few = n - i < H ? static_cast<int>(n - i) : H;
    Vec<T> low[H], high[H];
    for (int l = 0; l < H; ++l) low[l] = load_units(src + l * pitch + 2 * i, l < rows ? few : 0);
    transpose<2>(low);
    for (int l = 0; l < H; ++l) high[l] = load_units(src + (l + H) * pitch + 2 * i, l + H < rows ? few : 0);
    transpose<2>(high);
    for (int l = 0; l < few; ++l) put(block(to), i + l, {evens(low[l], high[l]), Vec<T>(sign) * odds(low[l], high[l])});
  }
}
template <class T>
void store_rows(T* from, int64_t n, T scale, T scale_im, T* dst, int64_t pitch, int rows) {
  constexpr int H = W<T> / 2;
  for (int64_t i = 0; i < n; i += H) {
    const int few = n - i < H ? static_cast<int>(n - i) : H;
    Vec<T> low[H], high[H];
    for (int l = 0; l < H; ++l) {
      const Numbers<T> x = l < few ? get(block(from), i + l) : Numbers<T>{0, 0};
      const Vec<T> re = scale * x.re, im = scale_im * x.im;
      low[l] = zip_low(re, im);
      high[l] = zip_high(re, im);
    }
    transpose<2>(low);
    transpose<2>(high);
    for (int l = 0; l < H && l < rows; ++l) store_units(dst + l * pitch + 2 * i, few, low[l]);
    for (int l = H; l < rows; ++l) store_units(dst + l * pitch + 2 * i, few, high[l - H]);
  }
}
// W numbers of each of W rows, transposed: halves of vectors change places as they are loaded, which is no shuffle for
// the processor, then zips within halves, log2(W / 2) times.
template <class T, size_t... i>
LANE_OP Vec<T> load_halves(const T* low, const T* high, std::index_sequence<i...>) {
  typedef T Half __attribute__((vector_size(kLaneBytes / 2)));
  Half a, b;
  std::memcpy(&a, low, sizeof(Half));
  std::memcpy(&b, high, sizeof(Half));
  return __builtin_shufflevector(a, b, static_cast<int>(i)...);
}
template <class T>
LANE_OP void load_transposed(auto row, Vec<T>* v) {
  constexpr int H = W<T> / 2;
  for (int part = 0; part < 2; ++part) {
    Vec<T> t[H], u[H];
    for (int i = 0; i < H; ++i)
      t[i] = load_halves(row(i) + part * H, row(i + H) + part * H, std::make_index_sequence<W<T>>());
#pragma GCC unroll 4
    for (int half = 1; half < H; half *= 2) {
      auto zip = [](int lane, int at) {
        const int in_half = lane % H, base = lane - in_half;
        return base + in_half / 2 + at + (in_half % 2) * W<T>;
      };
      for (int i = 0; i < H / 2; ++i) {
        u[2 * i] = shuffle(t[i], t[i + H / 2], [=](int lane) { return zip(lane, 0); });
        u[2 * i + 1] = shuffle(t[i], t[i + H / 2], [=](int lane) { return zip(lane, H / 2); });
      }
      for (int i = 0; i < H; ++i) t[i] = u[i];
    }
    for (int i = 0; i < H; ++i) v[part * H + i] = t[i];
  }
}
// A block of k < W numbers in `lanes` lanes becomes a block of `lanes` numbers in k lanes.
template <class T>
void turn_block(const T* from, int64_t k, int lanes, T* to) {
  alignas(kLaneBytes) static const T nothing[2 * W<T>] = {};
  for (int part = 0; part < 2 * W<T>; part += W<T>) {
    Vec<T> v[W<T>];
    load_transposed([=](int i) { return (i < k ? from + 2 * W<T> * i : nothing) + part; }, v);
    for (int l = 0; l < lanes; ++l) store(to + 2 * W<T> * l + part, v[l]);
  }
}
// Real numbers, imaginary parts 0 and left out.
template <class T>
void load_real_rows(const T* src, int64_t pitch, int rows, int64_t n, T* to) {
  for (int64_t i = 0; i < n; ++i, to += 2 * W<T>)
    for (int l = 0; l < W<T>; ++l) {
      to[l] = l < rows ? src[l * pitch + i] : T(0);
      to[W<T> + l] = 0;
    }
}
template <class T>
void store_real_rows(const T* from, int64_t n, T scale, T* dst, int64_t pitch, int rows) {
  for (int l = 0; l < rows; ++l)
    for (int64_t i = 0; i < n; ++i) dst[l * pitch + i] = scale * from[i * 2 * W<T> + l];
}

// Numbers i of columns; and of real columns, numbers 2 i and 2 i + 1 (pairs), or i with imaginary part 0.
template <class T>
void load_columns(const Lines<T>& src, int64_t n, T* to) {
  for (int64_t i = 0; i < n; ++i) put(block(to), i, get<Place::Lines>(src, i));
}
template <class T>
void load_real_columns(const Lines<T>& src, int64_t n, bool pairs, T* to) {
  auto row = [&](int64_t i) {
    const T* at = src.base + i * src.step;
    return src.lanes < W<T> ? load_partial(at, src.lanes, T(0)) : load(at);
  };
  for (int64_t i = 0; i < n; ++i) put(block(to), i, {row(pairs ? 2 * i : i), pairs ? row(2 * i + 1) : Vec<T>(0)});
}

// ---- real signals in lanes ----

// Even n = 2 h: z, the transform of x[2i] + i x[2i+1], becomes the first h + 1 numbers of x's; w[k] = exp(-2 pi i k /
// n).
template <class T>
void separate(T* z, int64_t h, const T* w) {
  const Lines<T> x = block(z);
  const Numbers<T> first = get(x, 0);
  put(x, 0, {first.re + first.im, 0});
  put(x, h, {first.re - first.im, 0});
  const Vec<T> half = T(0.5);
  for (int64_t k = 1; k <= h - k; ++k) {
    const Numbers<T> a = get(x, k), b = conj(get(x, h - k));
    const Numbers<T> even = half * (a + b), odd = turn_back(half * (a - b)) * Numbers<T>{w[2 * k], w[2 * k + 1]};
    put(x, k, even + odd);
    put(x, h - k, conj(even - odd));
  }
}
// The inverse, times 2, and conjugated: the transform of that is the conjugate of the signal.
template <class T>
void unite(T* z, int64_t h, const T* w) {
  const Lines<T> x = block(z);
  const Vec<T> first = get(x, 0).re, last = get(x, h).re;
  put(x, 0, {first + last, last - first});
  for (int64_t k = 1; k <= h - k; ++k) {
    const Numbers<T> a = get(x, k), b = conj(get(x, h - k));
    // i (a - b) conj(w)
    const Numbers<T> even = a + b, odd = turn_back(b - a) * Numbers<T>{w[2 * k], -w[2 * k + 1]};
    put(x, k, conj(even + odd));
    put(x, h - k, even - odd);
  }
}
// A Hermitian signal of n numbers from the first half; `conjugated`: from that half's conjugates.
template <class T>
void mirror(T* x, int64_t n, bool conjugated) {
  const Lines<T> at = block(x);
  if (conjugated) put(at, 0, {get(at, 0).re, 0});
  for (int64_t i = 1; i < n - i; ++i) {
    const Numbers<T> value = get(at, i);
    put(at, n - i, conjugated ? value : conj(value));
    if (conjugated) put(at, i, conj(value));
  }
}

}  // namespace facula::cpu::FACULA_ISA::fft
