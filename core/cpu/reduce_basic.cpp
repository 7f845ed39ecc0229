// Sum, product, maximum, minimum and sum of squares: the folds whose state is one number.
#include "cpu/reduce_fold.h"

namespace facula::cpu::FACULA_ISA {
namespace {

template <class A>
inline constexpr bool kComplex = requires(A z) { z.re; };

// A sum of doubles with its rounding error (Knuth's TwoSum), so that long reductions need no tree.
struct Compensated {
  double sum, error;
};
inline Compensated operator+(Compensated a, Compensated b) {
  double s = a.sum + b.sum, t = s - a.sum;
  return {s, a.error + b.error + ((a.sum - (s - t)) + (b.sum - t))};
}
template <class T>
T plain(T x) {
  return x;
}
inline double plain(Compensated x) { return std::isfinite(x.sum) ? x.sum + x.error : x.sum; }

// State of a fold in type A: float tiles are joined in double.
template <class Op, class A>
struct StateOf {
  using type = A;
};
template <class Op>
struct StateOf<Op, float> {
  using type = double;
};
template <>
struct StateOf<SumOp, double> {
  using type = Compensated;
};
template <>
struct StateOf<NanSumOp, double> {
  using type = Compensated;
};
template <>
struct StateOf<SumSquaresOp, double> {
  using type = Compensated;
};
template <class Op>
struct StateOf<Op, Complex<float>> {
  using type = Complex<double>;
};
template <>
struct StateOf<SumOp, Complex<double>> {
  using type = Complex<double>;
};

template <class S, class A>
S state_from(A x) {
  if constexpr (std::is_same_v<S, Compensated>)
    return {static_cast<double>(x), 0.0};
  else if constexpr (kComplex<A>)
    return {x.re, x.im};
  else
    return static_cast<S>(x);
}
template <class Op, class A>
A identity_of() {
  if constexpr (kComplex<A>)
    return {Op::template identity<decltype(A::re)>(), 0};
  else
    return Op::template identity<A>();
}

// The sum of n / 2 complex numbers: even and odd lanes stay apart.
template <class T>
Complex<T> sum_pairs(const T* x, int64_t n) {
  constexpr int W = Vec<T>::width;
  Vec<T> a = T(0), b = T(0);
  int64_t i = 0;
  for (; i + 2 * W <= n; i += 2 * W) {
    a = a + load(x + i);
    b = b + load(x + i + W);
  }
  T lane[W];
  store(lane, a + b);
  Complex<T> sum{0, 0};
  for (int j = 0; j < W; j += 2) sum = SumOp::join(sum, Complex<T>{lane[j], lane[j + 1]});
  for (; i < n; i += 2) {
    sum = SumOp::join(sum, Complex<T>{x[i], x[i + 1]});
    FACULA_SCALAR_LOOP;
  }
  return sum;
}

// In: the type that elements are stored in, A: that of the lanes, S: of the state.
template <class Op, class A, class S, class In = A>
struct BasicFold {
  static void init(void* states, int64_t n) {
    S* s = static_cast<S*>(states);
    for (int64_t i = 0; i < n; ++i) {
      s[i] = state_from<S>(identity_of<Op, A>());
      FACULA_SCALAR_LOOP;
    }
  }
  static S join(S a, S b) {
    if constexpr (std::is_same_v<S, Compensated>)
      return a + b;
    else
      return Op::join(a, b);
  }
  static A fold_row(const In* x, int64_t n) {
    if constexpr (kComplex<A> && std::is_same_v<Op, SumOp>) {
      return sum_pairs(reinterpret_cast<const decltype(x->re)*>(x), 2 * n);
    } else if constexpr (kComplex<A>) {  // four chains hide the latency
      A a[4] = {identity_of<Op, A>(), a[0], a[0], a[0]};
      int64_t i = 0;
      for (; i + 4 <= n; i += 4)
        for (int k = 0; k < 4; ++k) a[k] = Op::join(a[k], x[i + k]);
      for (; i < n; ++i) a[0] = Op::join(a[0], x[i]);
      return Op::join(Op::join(a[0], a[1]), Op::join(a[2], a[3]));
    } else {
      return fold_contiguous<Op>(x, n);
    }
  }
  static void rows(const void* tile, int64_t ld, int64_t rows, int64_t n, int64_t, void* states) {
    const In* x = static_cast<const In*>(tile);
    S* s = static_cast<S*>(states);
    for (int64_t r = 0; r < rows; ++r) s[r] = join(s[r], state_from<S>(fold_row(x + r * ld, n)));
  }

  // acc[j] absorbs columns j of four rows: four sequential streams and a small tree.
  template <class X>
  static X join_rows(X acc, X a, X b, X c, X d) {
    return Op::join(acc, Op::join(Op::join(Op::map(a), Op::map(b)), Op::join(Op::map(c), Op::map(d))));
  }
  static constexpr int kRowsAhead = 8;
  [[gnu::noinline]] static void fold_columns(const In* x, int64_t ld, int64_t rows, int64_t cols, A* acc) {
    constexpr int W = kLaneBytes / sizeof(A);
    int64_t r = 0, filled = 0;
    if constexpr (!kComplex<A>)
      for (; filled + W <= cols; filled += W) store(acc + filled, Vec<A>(identity_of<Op, A>()));
    for (; filled < cols; ++filled) {
      acc[filled] = identity_of<Op, A>();
      FACULA_SCALAR_LOOP;
    }
    for (; r + 4 <= rows; r += 4, x += 4 * ld) {
      int64_t j = 0;
      if constexpr (!kComplex<A>)
        for (; j + W <= cols; j += W) {
          if constexpr (sizeof(In) < sizeof(A))  // rows to come: the processor finds no short ones by itself
            for (int k = 0; k < 4; ++k) __builtin_prefetch(x + (kRowsAhead + k) * ld + j);
          store(acc + j,
                join_rows(load(acc + j), load(x + j), load(x + ld + j), load(x + 2 * ld + j), load(x + 3 * ld + j)));
        }
      for (; j < cols; ++j) {
        acc[j] = join_rows(acc[j], lane_of(x[j]), lane_of(x[ld + j]), lane_of(x[2 * ld + j]), lane_of(x[3 * ld + j]));
        FACULA_SCALAR_LOOP;
      }
    }
    for (; r < rows; ++r, x += ld) {
      int64_t j = 0;
      if constexpr (!kComplex<A>)
        for (; j + W <= cols; j += W) store(acc + j, Op::join(load(acc + j), Op::map(load(x + j))));
      for (; j < cols; ++j) {
        acc[j] = Op::join(acc[j], Op::map(lane_of(x[j])));
        FACULA_SCALAR_LOOP;
      }
    }
  }
  [[gnu::noinline]] static void absorb(S* __restrict s, const A* __restrict acc, int64_t n) {
    for (int64_t j = 0; j < n; ++j) s[j] = join(s[j], state_from<S>(acc[j]));
  }
  static void columns(const void* tile, int64_t ld, int64_t rows, int64_t cols, int64_t, void* states) {
    const In* x = static_cast<const In*>(tile);
    S* s = static_cast<S*>(states);
    // Rows may be whole pages apart. Sums that lie as far into a page as numbers soon to be read would delay these: the
    // processor compares the lower 12 bits of addresses first.
    alignas(64) char memory[kColumnTile * sizeof(A) + 4096];
    const auto far = reinterpret_cast<uintptr_t>(x) + 3072 - reinterpret_cast<uintptr_t>(memory);
    A* acc = reinterpret_cast<A*>(memory + far % 4096 / 64 * 64);
    // Few columns without gaps: a matrix of `group` times as many columns, each group folded at the end.
    int64_t group = ld == cols && cols <= kColumnTile / 8 ? kColumnTile / 2 / cols : 1, done = 0;
    if (group > 1 && rows >= 2 * group) {
      fold_columns(x, cols * group, rows / group, cols * group, acc);
      for (int64_t g = 0; g < group; ++g) absorb(s, acc + g * cols, cols);
      done = rows / group * group;
      if (done == rows) return;
    }
    fold_columns(x + done * ld, ld, rows - done, cols, acc);
    absorb(s, acc, cols);
  }
  static void merge(void* into, const void* from, int64_t n) {
    S* a = static_cast<S*>(into);
    const S* b = static_cast<const S*>(from);
    for (int64_t i = 0; i < n; ++i) {
      a[i] = join(a[i], b[i]);
      FACULA_SCALAR_LOOP;
    }
  }
  static void finish(const void* states, int64_t n, const FinishArgs& args, void* first, void*) {
    const S* s = static_cast<const S*>(states);
    A* out = static_cast<A*>(first);
    for (int64_t i = 0; i < n; ++i) {
      out[i] = finish_one(plain(s[i]), args);
      FACULA_SCALAR_LOOP;
    }
  }
  template <class X>
  static A finish_one(X x, const FinishArgs& args) {
    if constexpr (kComplex<X>) {
      using T = decltype(A::re);
      X y = args.kind == Finish::Mean ? X{x.re / args.count, x.im / args.count} : x;
      return {static_cast<T>(y.re), static_cast<T>(y.im)};
    } else if constexpr (std::is_integral_v<X>) {
      if (args.kind == Finish::AnyOf) return x > 0;
      if (args.kind == Finish::AllOf) return x == static_cast<X>(args.count);
      return x;
    } else {
      switch (args.kind) {
        case Finish::Mean: x /= static_cast<X>(args.count); break;
        case Finish::Sqrt: x = std::sqrt(x); break;
        case Finish::Root: x = std::pow(x, 1.0 / args.param); break;
        default: break;
      }
      return static_cast<A>(x);
    }
  }
};

template <class Op, class A>
constexpr Fold make(Column column) {
  using S = typename StateOf<Op, A>::type;
  using F = BasicFold<Op, A, S>;
  return {column, false, sizeof(S), F::init, F::rows, F::columns, F::merge, F::finish};
}

constexpr Fold kReal[6][2] = {
    {make<SumOp, float>(Column::F32), make<SumOp, double>(Column::F64)},
    {make<ProdOp, float>(Column::F32), make<ProdOp, double>(Column::F64)},
    {make<MaxOp, float>(Column::F32), make<MaxOp, double>(Column::F64)},
    {make<MinOp, float>(Column::F32), make<MinOp, double>(Column::F64)},
    {make<SumSquaresOp, float>(Column::F32), make<SumSquaresOp, double>(Column::F64)},
    {make<NanSumOp, float>(Column::F32), make<NanSumOp, double>(Column::F64)},
};
// uint64_t: signed overflow is undefined, and the bits of sums and products are the same.
constexpr Fold kInteger[4] = {make<SumOp, uint64_t>(Column::I64), make<ProdOp, uint64_t>(Column::I64),
                              make<MaxOp, int64_t>(Column::I64), make<MinOp, int64_t>(Column::I64)};
constexpr Fold kComplexFolds[2][2] = {
    {make<SumOp, Complex<float>>(Column::C64), make<SumOp, Complex<double>>(Column::C128)},
    {make<ProdOp, Complex<float>>(Column::C64), make<ProdOp, Complex<double>>(Column::C128)},
};

#if defined(__F16C__)
template <class Op, class In>
constexpr StoredTiles tiles() {
  if constexpr (std::is_integral_v<In>) {
    return {BasicFold<Op, In, int64_t>::rows, nullptr};
  } else {
    using F = BasicFold<Op, float, double, In>;
    return {F::rows, F::columns};
  }
}
constexpr struct {
  const Fold* fold;
  DType dtype;
  StoredTiles tiles;
} kStored[] = {
    {&kReal[0][0], DType::Float16, tiles<SumOp, Half>()},  {&kReal[0][0], DType::BFloat16, tiles<SumOp, BFloat>()},
    {&kReal[2][0], DType::Float16, tiles<MaxOp, Half>()},  {&kReal[2][0], DType::BFloat16, tiles<MaxOp, BFloat>()},
    {&kReal[3][0], DType::Float16, tiles<MinOp, Half>()},  {&kReal[3][0], DType::BFloat16, tiles<MinOp, BFloat>()},
    {&kInteger[2], DType::UInt8, tiles<MaxOp, uint8_t>()}, {&kInteger[3], DType::UInt8, tiles<MinOp, uint8_t>()},
    {&kInteger[2], DType::Int8, tiles<MaxOp, int8_t>()},   {&kInteger[3], DType::Int8, tiles<MinOp, int8_t>()},
    {&kInteger[2], DType::Int16, tiles<MaxOp, int16_t>()}, {&kInteger[3], DType::Int16, tiles<MinOp, int16_t>()},
    {&kInteger[2], DType::Int32, tiles<MaxOp, int32_t>()}, {&kInteger[3], DType::Int32, tiles<MinOp, int32_t>()},
};
#endif

}  // namespace

StoredTiles stored_tiles([[maybe_unused]] const Fold* fold, [[maybe_unused]] DType dtype) {
#if defined(__F16C__)
  for (const auto& entry : kStored)
    if (entry.fold == fold && entry.dtype == dtype) return entry.tiles;
#endif
  return {};
}

const Fold* basic_fold(Basic op, Column column) {
  int o = static_cast<int>(op), c = static_cast<int>(column);
  if (column <= Column::F64) return &kReal[o][c];
  if (column == Column::I64) return op >= Basic::SumSquares ? nullptr : &kInteger[o];
  return op <= Basic::Prod ? &kComplexFolds[o][c - static_cast<int>(Column::C64)] : nullptr;
}

}  // namespace facula::cpu::FACULA_ISA
