// Indexing kernels: see index.h for the contract. Moves are typed by size only; combining knows the dtype.
#include "cpu/index.h"

#include <atomic>
#include <bit>
#include <cstring>
#include <type_traits>

#include "runtime/parallel.h"
#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace facula::cpu::FACULA_ISA {
namespace {

constexpr int64_t kGrainBytes = 1 << 16;  // random rows miss caches: smaller than the grain of a plain copy
constexpr int64_t kGrain = 1 << 14;       // elements of scattered work worth a second thread

inline int64_t wrap(int64_t index, int64_t size) { return index < 0 ? index + size : index; }
inline int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
constexpr int64_t kGathered = 1024;  // places kept on the stack
inline int64_t grain_for(int64_t bytes_per_item) { return kGrainBytes / (bytes_per_item + 8) + 1; }

// What is moved as one piece, whatever its type and alignment.
template <int Bytes>
struct Piece {
  struct [[gnu::may_alias, gnu::packed]] type {
    uint64_t words[Bytes / 8];
  };
};
template <>
struct Piece<1> {
  typedef uint8_t type __attribute__((may_alias));
};
template <>
struct Piece<2> {
  typedef uint16_t type __attribute__((may_alias, aligned(1)));
};
template <>
struct Piece<4> {
  typedef uint32_t type __attribute__((may_alias, aligned(1)));
};
template <>
struct Piece<8> {
  typedef uint64_t type __attribute__((may_alias, aligned(1)));
};
template <int Bytes>
using piece = typename Piece<Bytes>::type;
template <int Bytes>
struct Size {
  static constexpr int value = Bytes;
};

// Calls body(Size<item>()) for the five item sizes.
template <class F>
inline auto with_size(int64_t item, F&& body) {
  switch (item) {
    case 1: return body(Size<1>());
    case 2: return body(Size<2>());
    case 4: return body(Size<4>());
    case 8: return body(Size<8>());
    default: return body(Size<16>());
  }
}

// The first place outside [least, size), or -1.
int64_t check_range(const int64_t* index, int64_t begin, int64_t stop, int64_t least, int64_t size) {
  const uint64_t count = static_cast<uint64_t>(size) - static_cast<uint64_t>(least);
  for (int64_t i = begin; i < stop; i += 1024) {
    const int64_t end = min(stop, i + 1024);
    uint64_t bad = 0;
    for (int64_t j = i; j < end; ++j) bad |= static_cast<uint64_t>(index[j]) - static_cast<uint64_t>(least) >= count;
    if (bad)
      for (int64_t j = i; j < end; ++j)
        if (index[j] < least || index[j] >= size) return j;
  }
  return -1;
}
int64_t check(int64_t n, const int64_t* index, int64_t least, int64_t size) {
  constexpr int64_t kSerial = 1 << 16;
  if (n <= kSerial) return check_range(index, 0, n, least, size);
  std::atomic<int64_t> first{n};
  parallel_for(n, kSerial / 4, [&](int64_t begin, int64_t end) {
    const int64_t bad = check_range(index, begin, end, least, size);
    for (int64_t seen = first; bad >= 0 && bad < seen && !first.compare_exchange_weak(seen, bad);) {}
  });
  return first == n ? -1 : first.load();
}

// ---- rows ---------------------------------------------------------------------------------------------------------

void gather_rows(int64_t n, const int64_t* index, int64_t size, const void* src_, int64_t src_stride, int64_t row_bytes,
                 void* out_) {
  const char* src = static_cast<const char*>(src_);
  char* out = static_cast<char*>(out_);
  if (row_bytes <= 16 && std::has_single_bit(static_cast<uint64_t>(row_bytes))) {
    with_size(row_bytes, [&](auto s) {
      constexpr int B = decltype(s)::value;
      parallel_for(n, grain_for(B), [=](int64_t begin, int64_t end) {
        piece<B>* o = reinterpret_cast<piece<B>*>(out);
        for (int64_t i = begin; i < end; ++i)
          o[i] = *reinterpret_cast<const piece<B>*>(src + wrap(index[i], size) * src_stride);
      });
    });
    return;
  }
  parallel_for(n, grain_for(row_bytes), [=](int64_t begin, int64_t end) {
    constexpr int64_t ahead = 8;  // rows are at random places: ask for their first lines early
    for (int64_t i = begin; i < end; ++i) {
      if (i + ahead < end) __builtin_prefetch(src + wrap(index[i + ahead], size) * src_stride);
      std::memcpy(out + i * row_bytes, src + wrap(index[i], size) * src_stride, static_cast<size_t>(row_bytes));
    }
  });
}

constexpr int64_t kBlock = 256;  // offsets computed at once: 2 KB of stack

// body(from, stop): a thread owns places [from, stop) of `size` and passes over all n writes, so that of equal indices
// the last one wins whatever the number of threads.
template <class F>
inline void over_owners(int64_t n, int64_t size, F body) {
  constexpr int64_t kMostOwners = 8;  // each of them reads all indices
  const int64_t owners = n < 4 * kGrain || inside_parallel_region() ? 1 : min(num_threads(), kMostOwners);
  parallel_for(owners, 1, [=](int64_t first, int64_t last) {
    for (int64_t o = first; o < last; ++o) body(size / owners * o, o + 1 == owners ? size : size / owners * (o + 1));
  });
}
// Pieces to those of n <= kBlock places that lie in [from, stop).
template <int B>
[[gnu::noinline]] void put_owned(int64_t n, const int64_t* at, int64_t from, int64_t stop, const char* src,
                                 int64_t src_stride, void* dst) {
  piece<B>* to = static_cast<piece<B>*>(dst);
  int64_t mine[kBlock], count = 0;
  for (int64_t j = 0; j < n; ++j) {
    mine[count] = j;
    count += at[j] >= from && at[j] < stop;
  }
  for (int64_t c = 0; c < count; ++c) __builtin_prefetch(to + at[mine[c]], 1);
  for (int64_t c = 0; c < count; ++c) to[at[mine[c]]] = *reinterpret_cast<const piece<B>*>(src + mine[c] * src_stride);
}

void scatter_rows(int64_t n, const int64_t* index, int64_t size, const void* src_, int64_t src_stride,
                  int64_t row_bytes, void* dst_) {
  const char* src = static_cast<const char*>(src_);
  char* dst = static_cast<char*>(dst_);
  if (row_bytes <= 16 && std::has_single_bit(static_cast<uint64_t>(row_bytes))) {
    with_size(row_bytes, [&](auto s) {
      constexpr int B = decltype(s)::value;
      over_owners(n, size, [=](int64_t from, int64_t stop) {
        int64_t at[kBlock];
        for (int64_t i = 0; i < n; i += kBlock) {
          const int64_t m = min(n - i, kBlock);
          for (int64_t j = 0; j < m; ++j) at[j] = wrap(index[i + j], size);
          put_owned<B>(m, at, from, stop, src + i * src_stride, src_stride, dst);
        }
      });
    });
    return;
  }
  // serial: equal indices must resolve to the last one
  for (int64_t i = 0; i < n; ++i)
    std::memcpy(dst + wrap(index[i], size) * row_bytes, src + i * src_stride, static_cast<size_t>(row_bytes));
}

void gather_each(int64_t item_size, int64_t outer, int64_t n, const int64_t* index, int64_t size, const void* src,
                 void* out) {
  with_size(item_size, [&](auto s) {
    using T = piece<decltype(s)::value>;
    parallel_for(outer, kGrain / (n + 1) + 1, [=](int64_t begin, int64_t end) {
      int32_t at[kGathered];  // 32 bits, so that a vector of places is loaded at once
      for (int64_t j = 0; j < n; j += kGathered) {
        const int64_t m = min(kGathered, n - j);
        for (int64_t i = 0; i < m; ++i) at[i] = static_cast<int32_t>(wrap(index[j + i], size));
        for (int64_t o = begin; o < end; ++o) {
          const T* from = static_cast<const T*>(src) + o * size;
          T* to = static_cast<T*>(out) + o * n + j;
          for (int64_t i = 0; i < m; ++i) to[i] = from[at[i]];
        }
      }
    });
  });
}

// ---- advanced indexing --------------------------------------------------------------------------------------------

int64_t check_all(int64_t n, int ndim, const IndexedDim* dims, int* bad_dim) {
  for (int d = 0; d < ndim; ++d) {
    int64_t bad = check(n, dims[d].index, -dims[d].size, dims[d].size);
    if (bad >= 0) {
      *bad_dim = d;
      return bad;
    }
  }
  return -1;
}

// at[j] = where row first + j starts, in elements.
void offsets(int64_t first, int64_t n, int ndim, const IndexedDim* dims, int64_t* at) {
  for (int64_t j = 0; j < n; ++j) at[j] = 0;
  for (int d = 0; d < ndim; ++d) {
    const IndexedDim dim = dims[d];
    for (int64_t j = 0; j < n; ++j) at[j] += wrap(dim.index[first + j], dim.size) * dim.stride;
  }
}

int64_t index_get(int64_t item_size, int64_t n, int ndim, const IndexedDim* dims, int64_t row, const void* src,
                  void* out, int* bad_dim) {
  int64_t bad = check_all(n, ndim, dims, bad_dim);
  if (bad >= 0) return bad;
  with_size(item_size, [&](auto s) {
    constexpr int B = decltype(s)::value;
    const piece<B>* from = static_cast<const piece<B>*>(src);
    parallel_for(n, grain_for(row * B), [=](int64_t begin, int64_t end) {
      int64_t at[kBlock];
      for (int64_t i = begin; i < end; i += kBlock) {
        const int64_t m = min(end - i, kBlock);
        piece<B>* to = static_cast<piece<B>*>(out) + i * row;
        offsets(i, m, ndim, dims, at);
        if (row == 1)
          for (int64_t j = 0; j < m; ++j) to[j] = from[at[j]];
        else
          for (int64_t j = 0; j < m; ++j) std::memcpy(to + j * row, from + at[j], static_cast<size_t>(row * B));
      }
    });
  });
  return -1;
}

int64_t index_put(int64_t item_size, int64_t n, int ndim, const IndexedDim* dims, int64_t row, const void* values,
                  int64_t value_stride, void* dst, int* bad_dim) {
  int64_t bad = check_all(n, ndim, dims, bad_dim);
  if (bad >= 0) return bad;
  with_size(item_size, [&](auto s) {
    constexpr int B = decltype(s)::value;
    if (row == 1) {
      int64_t size = 1;
      for (int d = 0; d < ndim; ++d) size += (dims[d].size - 1) * dims[d].stride;
      return over_owners(n, size, [=](int64_t from, int64_t stop) {
        int64_t at[kBlock];
        for (int64_t i = 0; i < n; i += kBlock) {
          const int64_t m = min(n - i, kBlock);
          offsets(i, m, ndim, dims, at);
          put_owned<B>(m, at, from, stop, static_cast<const char*>(values) + i * value_stride * B, value_stride * B,
                       dst);
        }
      });
    }
    piece<B>* to = static_cast<piece<B>*>(dst);
    int64_t at[kBlock];
    for (int64_t i = 0; i < n; i += kBlock) {
      const int64_t m = min(n - i, kBlock);
      const piece<B>* from = static_cast<const piece<B>*>(values) + i * value_stride;
      offsets(i, m, ndim, dims, at);
      for (int64_t j = 0; j < m; ++j) std::memcpy(to + at[j], from + j * value_stride, static_cast<size_t>(row * B));
    }
  });
  return -1;
}

// ---- combining ----------------------------------------------------------------------------------------------------

template <class T>
inline constexpr bool is_complex_v = false;
template <class T>
inline constexpr bool is_complex_v<Complex<T>> = true;

template <Combine how, class T>
inline T combine(T a, T b) {
  if constexpr (std::is_same_v<T, Half>) {
    return to_half(combine<how>(to_float(a), to_float(b)));  // rounded at every step, as PyTorch does
  } else if constexpr (std::is_same_v<T, BFloat>) {
    return to_bfloat(combine<how>(to_float(a), to_float(b)));
  } else if constexpr (std::is_same_v<T, bool>) {
    return how == Combine::Add || how == Combine::Maximum ? a || b : a && b;
  } else if constexpr (is_complex_v<T>) {
    if constexpr (how == Combine::Multiply)
      return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
    else
      return {a.re + b.re, a.im + b.im};  // callers refuse to order complex numbers
  } else if constexpr (std::is_integral_v<T>) {
    using U = uint64_t;  // wraps without undefined behaviour
    if constexpr (how == Combine::Add) return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
    if constexpr (how == Combine::Multiply) return static_cast<T>(static_cast<U>(a) * static_cast<U>(b));
    if constexpr (how == Combine::Minimum) return b < a ? b : a;
    return b > a ? b : a;
  } else {
    if constexpr (how == Combine::Add) return a + b;
    if constexpr (how == Combine::Multiply) return a * b;
    if constexpr (how == Combine::Minimum) return a != a ? a : (b < a || b != b ? b : a);
    return a != a ? a : (b > a || b != b ? b : a);
  }
}

// dst[at[i]] (combine)= src[i * src_step], in order of i. The one loop that every type and every way of combining has.
using ScatterBlock = void (*)(int64_t n, const int64_t* at, const void* src, int64_t src_step, void* dst);
template <class T, Combine how>
void scatter_block(int64_t n, const int64_t* at, const void* src, int64_t src_step, void* dst) {
  const T* s = static_cast<const T*>(src);
  T* d = static_cast<T*>(dst);
  for (int64_t i = 0; i < n; ++i) d[at[i]] = combine<how>(d[at[i]], s[i * src_step]);
}
template <int D>
struct ScatterBlocks {
  using T = c_type<static_cast<DType>(D)>;
  static constexpr ScatterBlock of[4] = {scatter_block<T, Combine::Add>, scatter_block<T, Combine::Multiply>,
                                         scatter_block<T, Combine::Minimum>, scatter_block<T, Combine::Maximum>};
};
constexpr const ScatterBlock* kScatterBlocks[kNumKernelDTypes] = {
    ScatterBlocks<0>::of, ScatterBlocks<1>::of, ScatterBlocks<2>::of,  ScatterBlocks<3>::of,
    ScatterBlocks<4>::of, ScatterBlocks<5>::of, ScatterBlocks<6>::of,  ScatterBlocks<7>::of,
    ScatterBlocks<8>::of, ScatterBlocks<9>::of, ScatterBlocks<10>::of, ScatterBlocks<11>::of};
inline ScatterBlock scatter_block_for(DType dtype, Combine how) {
  return kScatterBlocks[index_of(dtype)][static_cast<int>(how)];
}

template <class T>
void add_row(int64_t n, const void* src, void* dst) {
  const T* s = static_cast<const T*>(src);
  T* d = static_cast<T*>(dst);
  for (int64_t i = 0; i < n; ++i) d[i] += s[i];
}

struct Iota {
  int64_t at[kBlock];
  constexpr Iota() : at() {
    for (int64_t i = 0; i < kBlock; ++i) at[i] = i;
  }
};
constexpr Iota kIota;

// dst[0..n) (combine)= src[0..n)
void combine_row(DType dtype, Combine how, int64_t n, const void* src, void* dst) {
  if (how == Combine::Add && dtype == DType::Float32) return add_row<float>(n, src, dst);
  if (how == Combine::Add && dtype == DType::Float64) return add_row<double>(n, src, dst);
  const ScatterBlock block = scatter_block_for(dtype, how);
  const int64_t item = item_size(dtype);
  for (int64_t i = 0; i < n; i += kBlock)
    block(min(n - i, kBlock), kIota.at, static_cast<const char*>(src) + i * item, 1,
          static_cast<char*>(dst) + i * item);
}

int64_t index_put_add(DType dtype, int64_t n, int ndim, const IndexedDim* dims, int64_t row, const void* values_,
                      int64_t value_stride, void* dst_, int* bad_dim) {
  int64_t bad = check_all(n, ndim, dims, bad_dim);
  if (bad >= 0) return bad;
  const char* values = static_cast<const char*>(values_);
  char* dst = static_cast<char*>(dst_);
  const int64_t item = item_size(dtype);
  const ScatterBlock block = scatter_block_for(dtype, Combine::Add);
  int64_t at[kBlock];
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t m = min(n - i, kBlock);
    const char* from = values + i * value_stride * item;
    offsets(i, m, ndim, dims, at);
    if (row == 1)
      block(m, at, from, value_stride, dst);
    else
      for (int64_t j = 0; j < m; ++j)
        combine_row(dtype, Combine::Add, row, from + j * value_stride * item, dst + at[j] * item);
  }
  return -1;
}

void index_combine(DType dtype, Combine how, int64_t outer, int64_t length, int64_t inner, int64_t size,
                   const int64_t* index, const void* src_, void* dst_) {
  const char* src = static_cast<const char*>(src_);
  char* dst = static_cast<char*>(dst_);
  const int64_t item = item_size(dtype);
  if (inner == 1) {
    const ScatterBlock block = scatter_block_for(dtype, how);
    parallel_for(outer, kGrain / (length + 1) + 1, [=](int64_t begin, int64_t end) {
      int64_t at[kBlock];
      for (int64_t o = begin; o < end; ++o)
        for (int64_t k = 0; k < length; k += kBlock) {
          const int64_t m = min(length - k, kBlock);
          for (int64_t j = 0; j < m; ++j) at[j] = wrap(index[k + j], size);
          for (int64_t j = 0; j < m; ++j) __builtin_prefetch(dst + (o * size + at[j]) * item, 1);
          block(m, at, src + (o * length + k) * item, 1, dst + o * size * item);
        }
    });
    return;
  }
  // a thread owns columns (whole cache lines), not rows: each destination element is met in the order of k
  const int64_t line = 64 / item, lines = (inner + line - 1) / line;
  parallel_for(outer * lines, kGrain / (length * line + 1) + 1, [=](int64_t begin, int64_t end) {
    for (int64_t piece = begin; piece < end;) {
      const int64_t o = piece / lines, stop = min(end, (o + 1) * lines);
      const int64_t from = piece % lines * line, width = min(inner, (stop - o * lines) * line) - from;
      for (int64_t k = 0; k < length; ++k)
        combine_row(dtype, how, width, src + ((o * length + k) * inner + from) * item,
                    dst + ((o * size + wrap(index[k], size)) * inner + from) * item);
      piece = stop;
    }
  });
}

// ---- along a dimension --------------------------------------------------------------------------------------------

struct Along {
  int64_t outer, length, inner, size;
};

// Fills at[0..n) for the elements of index from `first` on, which are row-major in [outer, length, inner].
void offsets_along(Along s, const int64_t* index, int64_t first, int64_t n, int64_t* at) {
  int64_t column = first % s.inner, k = first / s.inner % s.length;
  int64_t base = first / s.inner / s.length * s.size * s.inner;
  for (int64_t i = 0; i < n;) {
    // a run shares base and k (or, with inner 1, base)
    const bool flat = s.inner == 1;
    const int64_t run = min(n - i, flat ? s.length - k : s.inner - column);
    if (flat) {
      for (int64_t j = 0; j < run; ++j) at[i + j] = base + wrap(index[first + i + j], s.size);
      k += run;
    } else {
      for (int64_t j = 0; j < run; ++j) at[i + j] = base + wrap(index[first + i + j], s.size) * s.inner + column + j;
      column += run;
      if (column == s.inner) column = 0, ++k;
    }
    if (k == s.length) k = 0, base += s.size * s.inner;
    i += run;
  }
}

// Visits index in blocks: body(first element of index, n, offsets into the [outer, size, inner] memory). A thread owns
// whole outer rows, or column ranges of them, so that all writes to one place come from one thread, in order.
template <class F>
inline void along(Along s, const int64_t* index, F body) {
  auto visit = [=](int64_t first, int64_t end) {
    int64_t at[kBlock];
    for (; first < end; first += kBlock) {
      const int64_t n = min(end - first, kBlock);
      offsets_along(s, index, first, n, at);
      body(first, n, static_cast<const int64_t*>(at));
    }
  };
  const int64_t row = s.length * s.inner;
  if (row == 0) return;
  if (s.outer > 8 || s.inner < 16) {
    parallel_for(s.outer, kGrain / row + 1, [=](int64_t begin, int64_t end) { visit(begin * row, end * row); });
  } else {
    parallel_for(s.outer * s.inner, kGrain / s.length + 1, [=](int64_t begin, int64_t end) {
      for (int64_t piece = begin; piece < end;) {
        const int64_t o = piece / s.inner, from = piece % s.inner, stop = min(end, (o + 1) * s.inner);
        for (int64_t k = 0; k < s.length; ++k) {
          const int64_t first = (o * s.length + k) * s.inner + from;
          visit(first, first + stop - piece);
        }
        piece = stop;
      }
    });
  }
}

template <class T>
void gather_block(int64_t n, const int64_t* __restrict index, const T* __restrict from, T* __restrict to) {
  for (int64_t j = 0; j < n; ++j) to[j] = from[index[j]];
}
// Indices of rows are checked block by block while they are in L1: where one is bad, what is written is not the result.
int64_t gather_along_rows(int64_t item_size, int64_t outer, int64_t length, int64_t size, const int64_t* index,
                          const void* src, void* out) {
  std::atomic<int64_t> first{outer * length};
  with_size(item_size, [&](auto s) {
    using T = piece<decltype(s)::value>;
    parallel_for(outer, kGrain / (length + 1) + 1, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) {
        const T* from = static_cast<const T*>(src) + o * size;
        for (int64_t i = o * length, stop = i + length; i < stop; i += kGathered) {
          const int64_t m = min(kGathered, stop - i), bad = check_range(index, i, i + m, 0, size);
          for (int64_t seen = first; bad >= 0 && bad < seen && !first.compare_exchange_weak(seen, bad);) {}
          if (bad >= 0) return;
          gather_block(m, index + i, from, static_cast<T*>(out) + i);
        }
      }
    });
  });
  return first == outer * length ? -1 : first.load();
}

int64_t gather(int64_t item_size, int64_t outer, int64_t length, int64_t inner, int64_t size, const int64_t* index,
               const void* src, void* out) {
  if (inner == 1 && outer > 1) return gather_along_rows(item_size, outer, length, size, index, src, out);
  const int64_t bad = check(outer * length * inner, index, 0, size);
  if (bad >= 0) return bad;
  if (outer * inner == 1) {
    gather_rows(length, index, size, src, item_size, item_size, out);
    return -1;
  }
  with_size(item_size, [&](auto s) {
    using T = piece<decltype(s)::value>;
    along({outer, length, inner, size}, index, [=](int64_t first, int64_t n, const int64_t* at) {
      const T* from = static_cast<const T*>(src);
      T* to = static_cast<T*>(out) + first;
      for (int64_t i = 0; i < n; ++i) to[i] = from[at[i]];
    });
  });
  return -1;
}

void scatter(int64_t item_size, int64_t outer, int64_t length, int64_t inner, int64_t size, const int64_t* index,
             const void* src, int64_t src_step, void* dst) {
  with_size(item_size, [&](auto s) {
    using T = piece<decltype(s)::value>;
    along({outer, length, inner, size}, index, [=](int64_t first, int64_t n, const int64_t* at) {
      const T* from = static_cast<const T*>(src) + first * src_step;
      T* to = static_cast<T*>(dst);
      for (int64_t i = 0; i < n; ++i) to[at[i]] = from[i * src_step];
    });
  });
}

void scatter_combine(DType dtype, Combine how, int64_t outer, int64_t length, int64_t inner, int64_t size,
                     const int64_t* index, const void* src, int64_t src_step, void* dst) {
  const ScatterBlock block = scatter_block_for(dtype, how);
  const int64_t item = item_size(dtype);
  along({outer, length, inner, size}, index, [=](int64_t first, int64_t n, const int64_t* at) {
    block(n, at, static_cast<const char*>(src) + first * src_step * item, src_step, dst);
  });
}

// ---- masks --------------------------------------------------------------------------------------------------------

constexpr int64_t kWord = 64;            // mask bytes read as one word of bits
constexpr int64_t kMaskBlock = 1 << 15;  // mask bytes that make a unit of parallel work
constexpr int64_t kMaxBlocks = 64;       // block counts kept on the stack: larger masks get larger blocks

// Bit i of the result: mask byte i is not 0.
inline uint64_t mask_bits(const uint8_t* p) {
#if defined(__AVX512BW__)
  __m512i v = _mm512_loadu_si512(p);
  return _mm512_test_epi8_mask(v, v);
#elif defined(__AVX2__)
  auto half = [](const uint8_t* q) {
    __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(q));
    return static_cast<uint32_t>(~_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_setzero_si256())));
  };
  return half(p) | static_cast<uint64_t>(half(p + 32)) << 32;
#elif defined(__SSE2__)
  uint64_t bits = 0;
  for (int i = 0; i < 4; ++i) {
    __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * i));
    bits |= static_cast<uint64_t>(~_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_setzero_si128())) & 0xffff) << (16 * i);
  }
  return bits;
#else
  uint64_t bits = 0;
  for (int i = 0; i < kWord; ++i) bits |= static_cast<uint64_t>(p[i] != 0) << i;
  return bits;
#endif
}
inline uint64_t mask_bits(const uint8_t* p, int64_t n) {
  if (n >= kWord) return mask_bits(p);
  alignas(64) uint8_t tail[kWord] = {};
  std::memcpy(tail, p, static_cast<size_t>(n));
  return mask_bits(tail);
}

int64_t count_range(const uint8_t* mask, int64_t begin, int64_t end) {
  int64_t total = 0;
  for (int64_t i = begin; i < end; i += kWord) total += std::popcount(mask_bits(mask + i, end - i));
  return total;
}

// Cuts the mask into blocks, counts them in parallel, then calls body(begin, end, number of true before begin) for
// each in parallel.
template <class F>
inline int64_t over_blocks(const uint8_t* mask, int64_t n, F&& body) {
  int64_t block = kMaskBlock;
  if (n > kMaskBlock * kMaxBlocks) block = (n / kMaxBlocks + kWord) / kWord * kWord;
  const int64_t blocks = (n + block - 1) / block;
  int64_t before[kMaxBlocks + 1] = {};
  if (blocks > 1) {
    parallel_for(blocks, 1, [&, block](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) before[i + 1] = count_range(mask, i * block, min(n, (i + 1) * block));
    });
    for (int64_t i = 1; i < blocks; ++i) before[i + 1] += before[i];
  }
  parallel_for(blocks, 1, [&, block](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) body(i * block, min(n, (i + 1) * block), before[i]);
  });
  return before[blocks];
}

int64_t count(int64_t n, const void* mask_) {
  const uint8_t* mask = static_cast<const uint8_t*>(mask_);
  if (n <= kMaskBlock) return count_range(mask, 0, n);
  return over_blocks(mask, n, [](int64_t, int64_t, int64_t) {});
}

// Calls visit(i) for each set bit, lowest first.
template <class F>
inline void each_bit(uint64_t bits, F visit) {
  for (; bits; bits &= bits - 1) visit(static_cast<int64_t>(std::countr_zero(bits)));
}

// Writes the elements of 64 sources whose bit is set; returns how many.
template <int B>
inline int64_t compress(uint64_t bits, const piece<B>* src, int64_t n, piece<B>* out) {
  if (bits == ~uint64_t{0}) {
    std::memcpy(out, src, kWord * B);
    return kWord;
  }
#if defined(__AVX512F__)
  // compress to a register and store masked: compressing stores are microcoded on some processors
  if constexpr (B == 4) {
    int64_t k = 0;
    for (int64_t i = 0; i < n; i += 16) {
      __mmask16 m = static_cast<__mmask16>(bits >> i);
      int c = std::popcount(static_cast<unsigned>(m));
      __mmask16 live = n - i >= 16 ? 0xffff : static_cast<__mmask16>((1u << (n - i)) - 1);
      __m512i v = _mm512_maskz_compress_epi32(m, _mm512_maskz_loadu_epi32(live, src + i));
      _mm512_mask_storeu_epi32(out + k, static_cast<__mmask16>((1u << c) - 1), v);
      k += c;
    }
    return k;
  }
  if constexpr (B == 8) {
    int64_t k = 0;
    for (int64_t i = 0; i < n; i += 8) {
      __mmask8 m = static_cast<__mmask8>(bits >> i);
      int c = std::popcount(static_cast<unsigned>(m));
      __mmask8 live = n - i >= 8 ? 0xff : static_cast<__mmask8>((1u << (n - i)) - 1);
      __m512i v = _mm512_maskz_compress_epi64(m, _mm512_maskz_loadu_epi64(live, src + i));
      _mm512_mask_storeu_epi64(out + k, static_cast<__mmask8>((1u << c) - 1), v);
      k += c;
    }
    return k;
  }
#endif
  (void)n;
  int64_t k = 0;
  each_bit(bits, [&](int64_t i) { out[k++] = src[i]; });
  return k;
}

void masked_select(int64_t item_size, int64_t n, const void* mask_, const void* src_, void* out_) {
  const uint8_t* mask = static_cast<const uint8_t*>(mask_);
  with_size(item_size, [&](auto s) {
    constexpr int B = decltype(s)::value;
    const piece<B>* src = static_cast<const piece<B>*>(src_);
    piece<B>* out = static_cast<piece<B>*>(out_);
    over_blocks(mask, n, [=](int64_t begin, int64_t end, int64_t k) {
      for (int64_t i = begin; i < end; i += kWord) {
        uint64_t bits = mask_bits(mask + i, end - i);
        if (bits) k += compress<B>(bits, src + i, min(end - i, kWord), out + k);
      }
    });
  });
}

void masked_scatter(int64_t item_size, int64_t n, const void* mask_, const void* src_, void* dst_) {
  const uint8_t* mask = static_cast<const uint8_t*>(mask_);
  with_size(item_size, [&](auto s) {
    constexpr int B = decltype(s)::value;
    const piece<B>* src = static_cast<const piece<B>*>(src_);
    piece<B>* dst = static_cast<piece<B>*>(dst_);
    over_blocks(mask, n, [=](int64_t begin, int64_t end, int64_t k) {
      for (int64_t i = begin; i < end; i += kWord)
        each_bit(mask_bits(mask + i, end - i), [&](int64_t j) { dst[i + j] = src[k++]; });
    });
  });
}

// At most kBlock elements, by way of the stack: on memory that may overlap the loop would branch on a random mask.
template <class T>
inline void fill_block(int64_t n, const uint8_t* mask, const T* x, T value, T* y) {
  if constexpr (sizeof(T) <= 8) {
    using U = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
    U taken[kBlock], block[kBlock];
    for (int64_t i = 0; i < n; ++i) taken[i] = U(0) - U(mask[i] != 0);
    for (int64_t i = 0; i < n; ++i) block[i] = x[i];
    for (int64_t i = 0; i < n; ++i) block[i] = (block[i] & ~taken[i]) | (U(value) & taken[i]);
    for (int64_t i = 0; i < n; ++i) y[i] = static_cast<T>(block[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) y[i] = mask[i] ? value : x[i];
  }
}

void masked_fill(int64_t item_size, int64_t repeat, int64_t n, const void* mask_, const void* src_, const void* value_,
                 void* dst_) {
  const uint8_t* mask = static_cast<const uint8_t*>(mask_);
  with_size(item_size, [&](auto s) {
    constexpr int B = decltype(s)::value;
    using T = piece<B>;
    const T* src = static_cast<const T*>(src_);
    T* dst = static_cast<T*>(dst_);
    const T value = *static_cast<const T*>(value_);
    parallel_for(repeat * n, 2 * kGrainBytes / B, [=](int64_t begin, int64_t end) {
      for (int64_t at = begin; at < end;) {
        const int64_t from = at % n, m = min(n - from, end - at);
        const T* x = src + at;
        T* y = dst + at;
        const uint8_t* keep = mask + from;
        for (int64_t i = 0; i < m; i += kBlock) fill_block(min(m - i, kBlock), keep + i, x + i, value, y + i);
        at += m;
      }
    });
  });
}

// Row-major coordinates, moved forward by steps.
struct Coordinates {
  int ndim;
  const int64_t* sizes;
  int64_t at[64];  // PyTorch's limit on dimensions
  void advance(int64_t step) {
    for (int d = ndim - 1; step > 0 && d >= 0; --d) {
      at[d] += step;
      if (at[d] < sizes[d]) return;
      step = at[d] / sizes[d];
      at[d] %= sizes[d];
    }
  }
};

void nonzero(int ndim, const int64_t* sizes, const void* mask_, int64_t* out) {
  const uint8_t* mask = static_cast<const uint8_t*>(mask_);
  int64_t n = 1;
  for (int d = 0; d < ndim; ++d) n *= sizes[d];
  if (ndim == 0) return;  // the result is [count, 0]
  over_blocks(mask, n, [=](int64_t begin, int64_t end, int64_t k) {
    Coordinates c{ndim, sizes, {}};
    int64_t last = 0;
    for (int64_t i = begin; i < end; i += kWord) {
      each_bit(mask_bits(mask + i, end - i), [&](int64_t j) {
        if (ndim == 1) {
          out[k++] = i + j;
          return;
        }
        c.advance(i + j - last);
        last = i + j;
        for (int d = 0; d < ndim; ++d) out[k * ndim + d] = c.at[d];
        ++k;
      });
    }
  });
}

}  // namespace

KERNELS(IndexKernels, index_kernels) = {
    check,   gather_rows,     gather_each,   scatter_rows, index_get,     index_put,      index_put_add, gather,
    scatter, scatter_combine, index_combine, count,        masked_select, masked_scatter, masked_fill,   nonzero};

}  // namespace facula::cpu::FACULA_ISA
