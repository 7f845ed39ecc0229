// Conversions between all pairs of element types, and strided copies built on them. See copy.h for the contract.
// One vectorised loop per distinct pair; half types go through float, complex ones through their real type.
#include "cpu/copy.h"

#include <array>
#include <bit>
#include <cstring>
#include <type_traits>
#include <utility>

#include "cpu/copy_unsigned.h"
#include "cpu/lanes.h"
#include "runtime/parallel.h"

namespace facula::cpu::FACULA_ISA {
namespace {

// ---- conversion of contiguous runs --------------------------------------------------------------------------------
// Each run is kept out of line: it is both called by a row and composed into staged runs, and must exist once.

using Run = void (*)(int64_t n, const void* src, void* dst);
constexpr int64_t kBlock = 256;  // elements staged through the stack: at most 4 KB, well inside L1

template <class T>
inline constexpr bool is_complex_v = false;
template <class T>
inline constexpr bool is_complex_v<Complex<T>> = true;
template <class T>
inline constexpr bool is_small_float_v = std::is_same_v<T, Half> || std::is_same_v<T, BFloat>;

// x86 conversion gives the most negative integer for what does not fit; selecting it first makes that defined.
template <class I, class F>
inline I truncate(F x) {
  constexpr F limit = F(uint64_t{1} << (8 * sizeof(I) - 1));
  return static_cast<I>((x >= -limit) & (x < limit) ? x : -limit);
}

template <class D, class S>
inline D cast(S x) {
  if constexpr (std::is_same_v<D, bool>) {
    return x != S(0);
  } else if constexpr (std::is_floating_point_v<S> && std::is_integral_v<D>) {
    // PyTorch takes uint8 through int64; from float the low byte is the same through int32.
    constexpr bool wide = std::is_same_v<D, int64_t> || (std::is_same_v<D, uint8_t> && std::is_same_v<S, double>);
    return static_cast<D>(truncate<std::conditional_t<wide, int64_t, int32_t>>(x));
  } else {
    return static_cast<D>(x);
  }
}

template <class S, class D>
[[gnu::noinline]] void run_direct(int64_t n, const void* src, void* dst) {
  // a stored bool may hold any byte: read it as one and compare
  using Stored = std::conditional_t<std::is_same_v<S, bool>, uint8_t, S>;
  const Stored* __restrict s = static_cast<const Stored*>(src);
  D* __restrict d = static_cast<D*>(dst);
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (std::is_same_v<S, bool>)
      d[i] = static_cast<D>(s[i] != 0);
    else
      d[i] = cast<D>(s[i]);
  }
}

[[gnu::noinline]] void run_half_to_float(int64_t n, const void* src, void* dst) {
  widen_block(static_cast<const Half*>(src), n, static_cast<float*>(dst));
}
[[gnu::noinline]] void run_float_to_half(int64_t n, const void* src, void* dst) {
  narrow_block(static_cast<const float*>(src), n, static_cast<Half*>(dst));
}
[[gnu::noinline]] void run_bfloat_to_float(int64_t n, const void* src, void* dst) {
  widen_block(static_cast<const BFloat*>(src), n, static_cast<float*>(dst));
}
[[gnu::noinline]] void run_float_to_bfloat(int64_t n, const void* src, void* dst) {
  narrow_block(static_cast<const float*>(src), n, static_cast<BFloat*>(dst));
}

// Two conversions with a block of M between them.
template <class S, class M, class D>
void run_staged(int64_t n, const void* src, void* dst);
template <class S, class D>
constexpr Run run_for();

template <class T>
[[gnu::noinline]] void run_complex_to_bool(int64_t n, const void* src, void* dst) {
  const Complex<T>* __restrict s = static_cast<const Complex<T>*>(src);
  uint8_t* __restrict d = static_cast<uint8_t*>(dst);
  for (int64_t i = 0; i < n; ++i) d[i] = static_cast<uint8_t>((s[i].re != 0) | (s[i].im != 0));
}
template <class T>
[[gnu::noinline]] void run_real_part(int64_t n, const void* src, void* dst) {
  const Complex<T>* __restrict s = static_cast<const Complex<T>*>(src);
  T* __restrict d = static_cast<T*>(dst);
  for (int64_t i = 0; i < n; ++i) d[i] = s[i].re;
}
template <class T>
[[gnu::noinline]] void run_real_to_complex(int64_t n, const void* src, void* dst) {
  const T* __restrict s = static_cast<const T*>(src);
  Complex<T>* __restrict d = static_cast<Complex<T>*>(dst);
  for (int64_t i = 0; i < n; ++i) d[i] = {s[i], T(0)};
}
template <class S, class D>
void run_complex_pairs(int64_t n, const void* src, void* dst) {
  run_direct<S, D>(2 * n, src, dst);
}

// Integers of one size differ in sign only: truncation and bit copies need no loop of their own for unsigned.
template <class T>
using signed_of = std::conditional_t<std::is_same_v<T, uint8_t>, int8_t, T>;
template <class T>
struct real_type {
  using type = T;
};
template <class T>
struct real_type<Complex<T>> {
  using type = T;
};

template <class S, class D>
constexpr Run run_for() {
  if constexpr (is_complex_v<S> && is_complex_v<D>) {
    return run_complex_pairs<typename real_type<S>::type, typename real_type<D>::type>;
  } else if constexpr (is_complex_v<S>) {
    using R = typename real_type<S>::type;
    if constexpr (std::is_same_v<D, bool>)
      return run_complex_to_bool<R>;
    else if constexpr (std::is_same_v<D, R>)
      return run_real_part<R>;
    else
      return run_staged<S, R, D>;
  } else if constexpr (is_complex_v<D>) {
    using R = typename real_type<D>::type;
    if constexpr (std::is_same_v<S, R>)
      return run_real_to_complex<R>;
    else
      return run_staged<S, R, D>;
  } else if constexpr (std::is_same_v<S, float> && is_small_float_v<D>) {
    return std::is_same_v<D, Half> ? run_float_to_half : run_float_to_bfloat;
  } else if constexpr (is_small_float_v<S> && std::is_same_v<D, float>) {
    return std::is_same_v<S, Half> ? run_half_to_float : run_bfloat_to_float;
  } else if constexpr (is_small_float_v<S> || is_small_float_v<D>) {
    return run_staged<S, float, D>;
  } else if constexpr (std::is_integral_v<S> && std::is_integral_v<D> && !std::is_same_v<D, bool>) {
    return run_direct<S, signed_of<D>>;
  } else {
    return run_direct<S, D>;
  }
}

template <class S, class M, class D>
[[gnu::noinline]] void run_staged(int64_t n, const void* src, void* dst) {
  alignas(64) M block[kBlock];
  const char* s = static_cast<const char*>(src);
  char* d = static_cast<char*>(dst);
  for (int64_t i = 0; i < n; i += kBlock) {
    int64_t m = n - i < kBlock ? n - i : kBlock;
    run_for<S, M>()(m, s + i * static_cast<int64_t>(sizeof(S)), block);
    run_for<M, D>()(m, block, d + i * static_cast<int64_t>(sizeof(D)));
  }
}

// ---- rows with strides --------------------------------------------------------------------------------------------

// What is moved as one piece: of any type and alignment. 32 and 64 bytes serve short contiguous rows (see widen).
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
constexpr int64_t kLargestPiece = 64;

template <int Bytes>
void move_row(int64_t n, const void* src, int64_t src_stride, void* dst, int64_t dst_stride) {
  using T = typename Piece<Bytes>::type;
  const T* __restrict s = static_cast<const T*>(src);
  T* __restrict d = static_cast<T*>(dst);
  if (dst_stride == 1 && src_stride == 1) {
    std::memcpy(d, s, static_cast<size_t>(n) * sizeof(T));
  } else if (src_stride == 0) {
    if (n <= 0) return;
    const T value = *s;
    if (dst_stride == 1)
      for (int64_t i = 0; i < n; ++i) d[i] = value;
    else
      for (int64_t i = 0; i < n; ++i) d[i * dst_stride] = value;
  } else if (dst_stride == 1 && src_stride == -1) {  // a flip, which the compiler vectorises
    for (int64_t i = 0; i < n; ++i) d[i] = s[-i];
  } else if (dst_stride == 1) {
    for (int64_t i = 0; i < n; ++i) d[i] = s[i * src_stride];
  } else {
    for (int64_t i = 0; i < n; ++i) d[i * dst_stride] = s[i * src_stride];
  }
}

constexpr Convert kMove[7] = {move_row<1>,  move_row<2>,  move_row<4>, move_row<8>,
                              move_row<16>, move_row<32>, move_row<64>};
inline int log2_size(int64_t item) { return std::countr_zero(static_cast<uint64_t>(item)); }

[[gnu::noinline]] void convert_strided(Run run, int64_t src_size, int64_t dst_size, int64_t n, const void* src,
                                       int64_t src_stride, void* dst, int64_t dst_stride) {
  alignas(64) char in[kBlock * 16], out[kBlock * 16];
  if (n <= 0) return;
  Convert gather = kMove[log2_size(src_size)], scatter = kMove[log2_size(dst_size)];
  if (src_stride == 0) {
    run(1, src, out);
    scatter(n, out, 0, dst, dst_stride);
    return;
  }
  const char* s = static_cast<const char*>(src);
  char* d = static_cast<char*>(dst);
  for (int64_t i = 0; i < n; i += kBlock) {
    int64_t m = n - i < kBlock ? n - i : kBlock;
    const void* from = s + i * src_stride * src_size;
    if (src_stride != 1) {
      gather(m, from, src_stride, in, 1);
      from = in;
    }
    char* to = d + i * dst_stride * dst_size;
    if (dst_stride == 1) {
      run(m, from, to);
    } else {
      run(m, from, out);
      scatter(m, out, 1, to, dst_stride);
    }
  }
}

// Long runs ask for what they write two pieces ahead (Note [Ahead], cpu/pointwise_loop.h).
constexpr int64_t kPiece = 1024, kFarBytes = 1 << 18;
[[gnu::noinline]] void convert_contiguous(Run run, int64_t src_size, int64_t dst_size, int64_t n, const void* src,
                                          void* dst) {
  if (n * dst_size < kFarBytes) return run(n, src, dst);
  const char* s = static_cast<const char*>(src);
  char* d = static_cast<char*>(dst);
  for (int64_t i = 0; i < n; i += kPiece) {
    const int64_t m = n - i < kPiece ? n - i : kPiece, ahead = i + 2 * kPiece;
    const int64_t next = n - ahead < kPiece ? n - ahead : kPiece;
    for (int64_t b = 0; b < next * dst_size; b += 64) __builtin_prefetch(d + ahead * dst_size + b, 1);
    run(m, s + i * src_size, d + i * dst_size);
  }
}

template <class S, class D>
void convert_row(int64_t n, const void* src, int64_t src_stride, void* dst, int64_t dst_stride) {
  constexpr Run run = run_for<S, D>();
  if (src_stride == 1 && dst_stride == 1)
    convert_contiguous(run, sizeof(S), sizeof(D), n, src, dst);
  else
    convert_strided(run, sizeof(S), sizeof(D), n, src, src_stride, dst, dst_stride);
}

template <int S, int D>
constexpr Convert convert_entry() {
  if constexpr (S == D) {
    return kMove[std::countr_zero(kItemSize[S])];
  } else {
    return convert_row<c_type<static_cast<DType>(S)>, c_type<static_cast<DType>(D)>>;
  }
}

// ---- walks over many dimensions -----------------------------------------------------------------------------------

constexpr int kMaxDims = 64;              // PyTorch's limit
constexpr int64_t kGrainBytes = 1 << 17;  // about 20 us of copying: less stays on the caller
constexpr int64_t kChunk = 1 << 15;       // elements of one row that make a unit of parallel work

struct Dim {
  int64_t size, dst, src;
};

// Outermost first. `count` is the number of elements.
struct Walk {
  int ndim = 0;
  int64_t count = 1;
  int64_t dst_size, src_size;
  Dim dims[kMaxDims];
};

inline int64_t magnitude(int64_t x) { return x < 0 ? -x : x; }
inline bool outside(const Dim& a, const Dim& b) {
  int64_t da = magnitude(a.dst), db = magnitude(b.dst);
  return da != db ? da > db : magnitude(a.src) > magnitude(b.src);
}

// Drops dimensions of size 1, orders by destination stride, merges neighbours that step as one.
void plan(Walk& w, int ndim, const int64_t* sizes, const int64_t* dst_strides, const int64_t* src_strides) {
  int n = 0;
  for (int i = 0; i < ndim; ++i) {
    w.count *= sizes[i];
    if (sizes[i] == 1) continue;
    Dim dim{sizes[i], dst_strides[i], src_strides ? src_strides[i] : 0};
    int j = n++;
    for (; j > 0 && outside(dim, w.dims[j - 1]); --j) w.dims[j] = w.dims[j - 1];
    w.dims[j] = dim;
  }
  int m = 0;
  for (int i = 0; i < n; ++i) {
    const Dim d = w.dims[i];
    if (m > 0 && w.dims[m - 1].dst == d.dst * d.size && w.dims[m - 1].src == d.src * d.size) {
      w.dims[m - 1] = {w.dims[m - 1].size * d.size, d.dst, d.src};
    } else {
      w.dims[m++] = d;
    }
  }
  if (m == 0) w.dims[m++] = {1, 1, 1};
  w.ndim = m;
}

// Position in the outer `ndim` dimensions of a walk: element offsets, advanced like an odometer.
struct Cursor {
  int64_t dst = 0, src = 0;
  int64_t at[kMaxDims];
  Cursor(const Dim* dims, int ndim, int64_t index) {
    for (int i = ndim - 1; i >= 0; --i) {
      at[i] = index % dims[i].size;
      index /= dims[i].size;
      dst += at[i] * dims[i].dst;
      src += at[i] * dims[i].src;
    }
  }
  void next(const Dim* dims, int ndim) {
    for (int i = ndim - 1; i >= 0; --i) {
      dst += dims[i].dst;
      src += dims[i].src;
      if (++at[i] < dims[i].size) return;
      dst -= at[i] * dims[i].dst;
      src -= at[i] * dims[i].src;
      at[i] = 0;
    }
  }
};

void walk_rows(const Walk& w, Convert row, char* dst, const char* src) {
  const int outer = w.ndim - 1;
  const Dim inner = w.dims[outer];
  const int64_t chunk = inner.size < kChunk ? inner.size : kChunk;
  const int64_t chunks = (inner.size + chunk - 1) / chunk;
  const int64_t unit_bytes = chunk * (w.dst_size > w.src_size ? w.dst_size : w.src_size);
  const int64_t grain = kGrainBytes / unit_bytes + 1;
  parallel_for(w.count / inner.size * chunks, grain, [&](int64_t begin, int64_t end) {
    Cursor at(w.dims, outer, begin / chunks);
    int64_t part = begin % chunks;
    for (int64_t u = begin; u < end;) {
      // consecutive chunks of one row that this thread holds go in one call
      int64_t parts = chunks - part < end - u ? chunks - part : end - u;
      int64_t from = part * chunk;
      int64_t n = (part + parts == chunks ? inner.size : (part + parts) * chunk) - from;
      row(n, src + (at.src + from * inner.src) * w.src_size, inner.src, dst + (at.dst + from * inner.dst) * w.dst_size,
          inner.dst);
      u += parts;
      part = 0;
      at.next(w.dims, outer);
    }
  });
}

// ---- transposition ------------------------------------------------------------------------------------------------
// dst[a * dst_stride + b] = src[a + b * src_stride], in square tiles held in registers.

// One exchange stage of an N x N register transposition: off-diagonal squares of side S change places.
template <int S, class V, int N, size_t... I>
inline void exchange(V (&v)[N], std::index_sequence<I...>) {
#pragma GCC unroll 16  // indices must be constants, or v lives in memory
  for (int i = 0; i < N; ++i) {
    if (i & S) continue;
    V a = v[i], b = v[i + S];
    v[i] = __builtin_shufflevector(a, b, (I & S ? static_cast<int>(I) - S + N : static_cast<int>(I))...);
    v[i + S] = __builtin_shufflevector(a, b, (I & S ? static_cast<int>(I) + N : static_cast<int>(I) + S)...);
  }
}

template <int Bytes>
struct Tile {
  using T = typename Piece<Bytes>::type;
  static constexpr int N = kLaneBytes / Bytes;
  typedef std::conditional_t<Bytes == 4, uint32_t, uint64_t> V __attribute__((vector_size(kLaneBytes)));

  // Both prefetches are for the next tile. Without the second the stores, each to a page of its own, wait one by one
  // for their cache lines: measured, a 1000 x 1000 transposition takes five times as long.
  static inline void square(const T* src, int64_t src_stride, T* dst, int64_t dst_stride) {
    V v[N];
#pragma GCC unroll 16
    for (int i = 0; i < N; ++i) {
      std::memcpy(&v[i], src + i * src_stride, sizeof(V));
      __builtin_prefetch(src + (i + N) * src_stride + N - 1);
    }
    for (int i = 0; i < N; ++i) __builtin_prefetch(dst + i * dst_stride + 2 * N - 1, 1);
    constexpr auto lanes = std::make_index_sequence<N>();
    if constexpr (N >= 2) exchange<1>(v, lanes);
    if constexpr (N >= 4) exchange<2>(v, lanes);
    if constexpr (N >= 8) exchange<4>(v, lanes);
    if constexpr (N >= 16) exchange<8>(v, lanes);
#pragma GCC unroll 16
    for (int i = 0; i < N; ++i) std::memcpy(dst + i * dst_stride, &v[i], sizeof(V));
  }
};

template <int Bytes>
void transpose_block(int64_t na, int64_t nb, const void* src_, int64_t src_stride, void* dst_, int64_t dst_stride) {
  using T = typename Piece<Bytes>::type;
  const T* __restrict src = static_cast<const T*>(src_);
  T* __restrict dst = static_cast<T*>(dst_);
  if constexpr (Bytes == 4 || Bytes == 8) {
    constexpr int64_t N = Tile<Bytes>::N;
    if (na >= N && nb >= N) {
      for (int64_t b = 0; b < nb; b += N) {
        if (b > nb - N) b = nb - N;  // the last tile overlaps the one before: no ragged edge
        for (int64_t a = 0; a < na; a += N) {
          if (a > na - N) a = na - N;
          Tile<Bytes>::square(src + a + b * src_stride, src_stride, dst + a * dst_stride + b, dst_stride);
        }
      }
      return;
    }
  }
  for (int64_t b0 = 0; b0 < nb; b0 += 16) {
    int64_t b1 = b0 + 16 < nb ? b0 + 16 : nb;
    for (int64_t a = 0; a < na; ++a)
      for (int64_t b = b0; b < b1; ++b) dst[a * dst_stride + b] = src[a + b * src_stride];
  }
}

using Transpose = void (*)(int64_t na, int64_t nb, const void* src, int64_t src_stride, void* dst, int64_t dst_stride);
constexpr Transpose kTranspose[7] = {transpose_block<1>,  transpose_block<2>,  transpose_block<4>, transpose_block<8>,
                                     transpose_block<16>, transpose_block<32>, transpose_block<64>};

constexpr int64_t kBlockA = 32;    // source-contiguous side of a unit: two cache lines of float, few destination pages
constexpr int64_t kBlockB = 1024;  // destination-contiguous side

// Transposes a small block into the stack, then converts its rows.
void convert_block(Transpose transpose, Convert row, int64_t na, int64_t nb, int64_t src_size, const char* src,
                   int64_t src_stride, int64_t dst_size, char* dst, int64_t dst_stride) {
  constexpr int64_t step = 16;
  alignas(64) char tile[2 * kBlockA * step * 16];
  for (int64_t b = 0; b < nb; b += step) {
    int64_t m = nb - b < step ? nb - b : step;
    transpose(na, m, src + b * src_stride * src_size, src_stride, tile, step);
    for (int64_t a = 0; a < na; ++a) row(m, tile + a * step * src_size, 1, dst + (a * dst_stride + b) * dst_size, 1);
  }
}

// The dimension to pair with the innermost one for a transposition, or -1.
int transposed_dim(const Walk& w) {
  const Dim inner = w.dims[w.ndim - 1];
  if (inner.dst != 1 || inner.src == 0 || inner.src == 1 || inner.size < 4) return -1;
  for (int i = 0; i < w.ndim - 1; ++i)
    if (w.dims[i].src == 1 && w.dims[i].size >= 4) return i;
  return -1;
}

void walk_transposed(Walk& w, int which, Convert row, char* dst, const char* src) {
  const Dim da = w.dims[which], db = w.dims[w.ndim - 1];
  for (int i = which; i < w.ndim - 2; ++i) w.dims[i] = w.dims[i + 1];
  const int outer = w.ndim - 2;
  const int64_t blocks_a = da.size < kBlockA ? 1 : da.size / kBlockA;  // each kBlockA .. 2 * kBlockA - 1 wide
  const int64_t blocks_b = (db.size + kBlockB - 1) / kBlockB;
  const int64_t blocks = blocks_a * blocks_b;
  const int64_t units = w.count / (da.size * db.size) * blocks;
  const Transpose transpose = kTranspose[log2_size(w.src_size)];
  parallel_for(units, kGrainBytes * units / (w.count * w.src_size) + 1, [&](int64_t begin, int64_t end) {
    Cursor at(w.dims, outer, begin / blocks);
    for (int64_t u = begin; u < end; ++u) {
      int64_t i = u % blocks / blocks_b, j = u % blocks_b;
      int64_t a = da.size * i / blocks_a, b = kBlockB * j;
      int64_t na = da.size * (i + 1) / blocks_a - a, nb = db.size - b < kBlockB ? db.size - b : kBlockB;
      const char* s = src + (at.src + a + b * db.src) * w.src_size;
      char* d = dst + (at.dst + a * da.dst + b) * w.dst_size;
      if (row)
        convert_block(transpose, row, na, nb, w.src_size, s, db.src, w.dst_size, d, da.dst);
      else
        transpose(na, nb, s, db.src, d, da.dst);
      if (u % blocks == blocks - 1) at.next(w.dims, outer);
    }
  });
}

// Every element of a row `times` times, side by side. A small number is known to the compiler, which makes vectors of
// it.
template <int Bytes, int times>
void repeat_row(int64_t n, const void* src, int64_t repeats, void* dst) {
  using T = typename Piece<Bytes>::type;
  const T* __restrict s = static_cast<const T*>(src);
  T* __restrict d = static_cast<T*>(dst);
  const int64_t each = times ? times : repeats;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t k = 0; k < each; ++k) d[i * each + k] = s[i];
}
template <int Bytes>
void repeat_elements(int64_t n, const void* src, int64_t times, void* dst) {
  switch (times) {
    case 2: return repeat_row<Bytes, 2>(n, src, times, dst);
    case 3: return repeat_row<Bytes, 3>(n, src, times, dst);
    case 4: return repeat_row<Bytes, 4>(n, src, times, dst);
    default: return repeat_row<Bytes, 0>(n, src, times, dst);
  }
}
constexpr void (*kRepeat[5])(int64_t, const void*, int64_t, void*) = {
    repeat_elements<1>, repeat_elements<2>, repeat_elements<4>, repeat_elements<8>, repeat_elements<16>};

// One contiguous row whose elements are repeated a few times: repeat_interleave. False: the copy is none.
bool copy_repeated(const Walk& w, char* dst, const char* src) {
  constexpr int64_t kFew = 32;
  if (w.ndim != 2 || w.src_size > 16) return false;
  const Dim outer = w.dims[0], inner = w.dims[1];
  if (inner.src != 0 || inner.dst != 1 || outer.src != 1 || outer.dst != inner.size || inner.size > kFew) return false;
  const auto run = kRepeat[log2_size(w.src_size)];
  parallel_for(outer.size, kGrainBytes / (inner.size * w.dst_size) + 1, [=](int64_t begin, int64_t end) {
    run(end - begin, src + begin * w.src_size, inner.size, dst + begin * inner.size * w.dst_size);
  });
  return true;
}

// Short rows that are contiguous on both sides become the elements: (B, T, heads, 16) floats move 64 bytes at a time.
void widen(Walk& w) {
  const Dim inner = w.dims[w.ndim - 1];
  if (w.ndim < 2 || inner.dst != 1 || inner.src != 1) return;
  const int64_t bytes = inner.size * w.src_size;
  if (bytes > kLargestPiece || !std::has_single_bit(static_cast<uint64_t>(bytes))) return;
  for (int i = 0; i < w.ndim - 1; ++i)
    if (w.dims[i].dst % inner.size != 0 || w.dims[i].src % inner.size != 0) return;
  --w.ndim;
  for (int i = 0; i < w.ndim; ++i) w.dims[i] = {w.dims[i].size, w.dims[i].dst / inner.size, w.dims[i].src / inner.size};
  w.count /= inner.size;
  w.dst_size = w.src_size = bytes;
}

// A short innermost dimension changes places with one whose elements are neighbours in the source, so that rows are
// long.
void lengthen_rows(Walk& w) {
  constexpr int64_t kShort = 8;
  Dim& inner = w.dims[w.ndim - 1];
  if (inner.size >= kShort || inner.src == 1) return;
  for (int i = 0; i < w.ndim - 1; ++i)
    if (w.dims[i].src == 1 && w.dims[i].size > inner.size) return std::swap(w.dims[i], inner);
}

void strided_copy(int64_t item_size, int ndim, const int64_t* sizes, void* dst, const int64_t* dst_strides,
                  const void* src, const int64_t* src_strides) {
  Walk w;
  w.dst_size = w.src_size = item_size;
  plan(w, ndim, sizes, dst_strides, src_strides);
  if (w.count == 0 || copy_repeated(w, static_cast<char*>(dst), static_cast<const char*>(src))) return;
  widen(w);
  int which = transposed_dim(w);
  if (which >= 0)
    walk_transposed(w, which, nullptr, static_cast<char*>(dst), static_cast<const char*>(src));
  else
    lengthen_rows(w),
        walk_rows(w, kMove[log2_size(w.src_size)], static_cast<char*>(dst), static_cast<const char*>(src));
}

void fill(int64_t item_size, int ndim, const int64_t* sizes, void* dst, const int64_t* dst_strides, const void* value) {
  Walk w;
  w.dst_size = w.src_size = item_size;
  plan(w, ndim, sizes, dst_strides, nullptr);
  if (w.count == 0) return;
  for (int i = 0; i < w.ndim; ++i) w.dims[i].src = 0;
  walk_rows(w, kMove[log2_size(item_size)], static_cast<char*>(dst), static_cast<const char*>(value));
}

void fill_contiguous(int64_t item_size, int64_t n, void* dst, const void* value) {
  const int64_t stride = 1;
  // Blocks of pointwise operations are filled again and again: planning costs more than 4 KiB.
  if (n * item_size <= kGrainBytes) return kMove[log2_size(item_size)](n, value, 0, dst, 1);
  fill(item_size, 1, &n, dst, &stride, value);
}

void convert_copy(DType src_type, DType dst_type, int ndim, const int64_t* sizes, void* dst, const int64_t* dst_strides,
                  const void* src, const int64_t* src_strides) {
  if (src_type == dst_type) {
    strided_copy(item_size(src_type), ndim, sizes, dst, dst_strides, src, src_strides);
    return;
  }
  Walk w;
  w.dst_size = item_size(dst_type);
  w.src_size = item_size(src_type);
  plan(w, ndim, sizes, dst_strides, src_strides);
  if (w.count == 0) return;
  Convert row = copy_kernels.convert[index_of(src_type)][index_of(dst_type)];
  int which = transposed_dim(w);
  if (which >= 0)
    walk_transposed(w, which, row, static_cast<char*>(dst), static_cast<const char*>(src));
  else
    walk_rows(w, row, static_cast<char*>(dst), static_cast<const char*>(src));
}

template <size_t... I>
constexpr CopyKernels make(std::index_sequence<I...>) {
  CopyKernels k{};
  constexpr size_t n = kNumKernelDTypes;
  ((k.convert[I / n][I % n] = convert_entry<I / n, I % n>()), ...);
  fill_unsigned(k);
  for (int i = 0; i < 5; ++i) k.move[i] = kMove[i];
  k.strided_copy = strided_copy;
  k.convert_copy = convert_copy;
  k.fill = fill;
  k.fill_contiguous = fill_contiguous;
  return k;
}

}  // namespace

KERNELS(CopyKernels, copy_kernels) = make(std::make_index_sequence<kNumKernelDTypes * kNumKernelDTypes>());

}  // namespace facula::cpu::FACULA_ISA
