// What the reduction driver (reduce.cpp) knows of an operation: how its partial results, "states", absorb a tile of
// elements already converted to the type of the computation. Private to core/cpu/reduce*.cpp.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "cpu/lanes.h"
#include "cpu/reduce.h"

namespace facula::cpu::FACULA_ISA {

// The first n < width lanes.
template <class A>
inline void store_tail(A* p, Vec<A> v, int n) {
  alignas(kLaneBytes) A staged[Vec<A>::width];
  store(staged, v);
  store_partial(p, staged, n);
}

// A vector of min(n, width) elements, so that a loop needs one copy of its body for the tail as well.
template <class A>
inline Vec<A> load_up_to(const A* p, int64_t n, A fill) {
  return __builtin_expect(n >= Vec<A>::width, 1) ? load(p) : load_partial(p, static_cast<int>(n), fill);
}
template <class A>
inline void store_up_to(A* p, Vec<A> v, int64_t n) {
  if (__builtin_expect(n >= Vec<A>::width, 1))
    store(p, v);
  else
    store_tail(p, v, static_cast<int>(n));
}

// In the body of a loop: keeps the compiler from vectorising one that is short or rare (half of the code otherwise).
#define FACULA_SCALAR_LOOP __asm__ volatile("")

// The types that reductions are computed in.
enum class Column : uint8_t { F32, F64, I64, C64, C128 };
inline constexpr int64_t kColumnSize[5] = {4, 8, 8, 8, 16};
inline constexpr Column column_of(DType t) {
  return t == DType::Float64      ? Column::F64
         : t == DType::Complex64  ? Column::C64
         : t == DType::Complex128 ? Column::C128
         : is_floating(t)         ? Column::F32
                                  : Column::I64;
}
inline constexpr DType dtype_of(Column c) {
  constexpr DType types[5] = {DType::Float32, DType::Float64, DType::Int64, DType::Complex64, DType::Complex128};
  return types[static_cast<int>(c)];
}

// A tile is a matrix of elements whose inner stride is 1. `rows` folds each of its rows into one state, `columns` each
// of its columns. `base` is the row-major position of the tile's first element within the reduced dimensions. A row
// given to `rows` has at most kRowBlock elements; `columns` gets at most kColumnTile columns.
inline constexpr int64_t kRowBlock = 64 * kLaneBytes;  // 64 sums in a row a lane; both passes of two hit L1
inline constexpr int64_t kColumnTile = 512;
inline constexpr int64_t kColumnRows = 64;  // rows added in the element type before the state, of higher precision
inline constexpr int64_t kMaxStateSize = 32;
using TileKernel = void (*)(const void* tile, int64_t ld, int64_t rows, int64_t cols, int64_t base, void* states);

// How states become results in the type of the computation.
enum class Finish : uint8_t { Plain, Mean, Sqrt, Root, AnyOf, AllOf, Variance, Deviation };
struct FinishArgs {
  Finish kind;
  int64_t count;  // elements per result
  double param;   // p of Root, correction of Variance
};

struct Fold {
  Column column;
  bool ordered;  // `base` matters: tiles arrive in row-major order
  int64_t state_size;
  void (*init)(void* states, int64_t n);
  TileKernel rows, columns;
  void (*merge)(void* into, const void* from, int64_t n);
  // `second` is the index or the mean; null unless the operation has one.
  void (*finish)(const void* states, int64_t n, const FinishArgs& args, void* first, void* second);
};

enum class Basic : uint8_t { Sum, Prod, Max, Min, SumSquares, NanSum };
const Fold* basic_fold(Basic op, Column column);  // null: does not exist
// `rows` and `columns` of basic_fold(op, column) for tiles as they are stored; null where they have to be converted.
struct StoredTiles {
  TileKernel rows, columns;
};
StoredTiles stored_tiles(const Fold* fold, DType dtype);
const Fold* extreme_fold(bool largest, Column column);  // null for complex
const Fold* ends_fold(Column column);                   // null for complex
const Fold* variance_fold(Column column);               // float and double only
const Fold* logsumexp_fold(Column column);              // float and double only

// Conversion of n elements, `stride` elements apart, to the type of the computation.
enum class Map : uint8_t { None, Nonzero, Abs, AbsPower };
using LoadKernel = void (*)(const void* in, int64_t stride, int64_t n, void* out);
LoadKernel load_kernel(DType from, Column to, Map map);  // for a complex `from`, Abs and AbsPower give real numbers
void power_in_place(Column column, void* x, int64_t n, double p);
void store_element(Column from, const void* value, DType to, void* out);

template <class T>
inline Complex<T> operator+(Complex<T> a, Complex<T> b) {
  return {a.re + b.re, a.im + b.im};
}
template <class T>
inline Complex<T> operator*(Complex<T> a, Complex<T> b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

template <class A>
  requires(std::is_arithmetic_v<A>)
inline A select(bool c, A a, A b) {
  return c ? a : b;
}
struct SumOp {
  template <class A>
  static constexpr A identity() {
    return A(0);
  }
  template <class X>
  static X map(X x) {
    return x;
  }
  template <class X>
  static X join(X a, X b) {
    return a + b;
  }
};
struct NanSumOp : SumOp {
  template <class X>
  static X map(X x) {
    return select(x == x, x, X(0));
  }
};
struct SumSquaresOp : SumOp {
  template <class X>
  static X map(X x) {
    return x * x;
  }
};
struct ProdOp {
  template <class A>
  static constexpr A identity() {
    return A(1);
  }
  template <class X>
  static X map(X x) {
    return x;
  }
  template <class X>
  static X join(X a, X b) {
    return a * b;
  }
};
// Maximum and minimum in which a NaN wins (`a != a` holds for NaN only), else the first one of equals. An instruction
// for lanes keeps the first where it is NaN.
template <class X>
concept FloatLanes = requires(X x) {
  requires std::is_floating_point_v<typename X::Lane>;
  limit_below(x, x);
};
struct MaxOp {
  template <class A>
  static constexpr A identity() {
    return std::is_floating_point_v<A> ? -std::numeric_limits<A>::infinity() : std::numeric_limits<A>::lowest();
  }
  template <class X>
  static X map(X x) {
    return x;
  }
  template <class X>
  static X join(X a, X b) {
    if constexpr (FloatLanes<X>)
      return select(b != b, b, limit_below(a, b));
    else
      return select((a >= b) | (a != a), a, b);
  }
};
struct MinOp {
  template <class A>
  static constexpr A identity() {
    return std::is_floating_point_v<A> ? std::numeric_limits<A>::infinity() : std::numeric_limits<A>::max();
  }
  template <class X>
  static X map(X x) {
    return x;
  }
  template <class X>
  static X join(X a, X b) {
    if constexpr (FloatLanes<X>)
      return select(b != b, b, limit_above(a, b));
    else
      return select((a <= b) | (a != a), a, b);
  }
};

// All lanes joined into each, by halves.
template <int h, class A, size_t... i>
inline Vec<A> rotate_lanes(Vec<A> v, std::index_sequence<i...>) {
  return __builtin_shufflevector(v.v, v.v, static_cast<int>(i ^ h)...);
}
template <class Op, int h = 0, class A>
inline A join_lanes(Vec<A> v) {
  constexpr int half = h ? h : Vec<A>::width / 2;
  v = Op::join(v, rotate_lanes<half>(v, std::make_index_sequence<Vec<A>::width>()));
  if constexpr (half > 1)
    return join_lanes<Op, half / 2>(v);
  else
    return v.v[0];
}
// An element as the lanes hold it.
template <class S>
inline auto lane_of(S x) {
  if constexpr (std::is_same_v<S, Half> || std::is_same_v<S, BFloat>)
    return to_float(x);
  else
    return x;
}
// Folds n contiguous elements into one; Op has identity<A>(), map(x) and join(a, b) on scalars and on vectors.
template <class Op, class S>
inline auto fold_contiguous(const S* x, int64_t n) {
  using A = decltype(lane_of(*x));
  using V = Vec<A>;
  constexpr int W = V::width;
  constexpr A identity = Op::template identity<A>();
  if (n < 4) {
    A result = identity;
    for (int64_t i = 0; i < n; ++i) {
      result = Op::join(result, Op::map(lane_of(x[i])));
      FACULA_SCALAR_LOOP;
    }
    return result;
  }
  V a = identity;
  int64_t i = 0;
  if (n >= 4 * W) {
    a = Op::map(load(x));
    V b = Op::map(load(x + W)), c = Op::map(load(x + 2 * W)), d = Op::map(load(x + 3 * W));
    for (i = 4 * W; i + 4 * W <= n; i += 4 * W) {
      for (int k = 0; k < 4 * kLaneBytes; k += 64) __builtin_prefetch(reinterpret_cast<const char*>(x + i) + k + 2048);
      a = Op::join(a, Op::map(load(x + i)));
      b = Op::join(b, Op::map(load(x + i + W)));
      c = Op::join(c, Op::map(load(x + i + 2 * W)));
      d = Op::join(d, Op::map(load(x + i + 3 * W)));
    }
    a = Op::join(Op::join(a, b), Op::join(c, d));
  }
  for (; i + W <= n; i += W) a = Op::join(a, Op::map(load(x + i)));
  if (i < n) a = Op::join(a, Op::map(load_partial(x + i, static_cast<int>(n - i), identity)));
  return join_lanes<Op>(a);
}

}  // namespace facula::cpu::FACULA_ISA
