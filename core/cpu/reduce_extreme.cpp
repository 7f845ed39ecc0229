// Largest and smallest element with its position: the first of equals, a NaN before everything; both values at once.
#include "cpu/reduce_fold.h"

namespace facula::cpu::FACULA_ISA {
namespace {

constexpr int64_t kSearch = 256;  // elements among which the winner is looked up after its value is known

template <class A>
struct Best {
  A value;
  int64_t index;  // -1: no element yet
};
template <class A>
inline bool is_nan(A x) {
  return x != x;
}

template <class Op, class A>
struct ExtremeFold {
  using S = Best<A>;
  using I = std::conditional_t<sizeof(A) == 4, int32_t, int64_t>;

  static bool beats(A x, A best) { return Op::join(x, best) != best ? !is_nan(best) : false; }
  static void init(void* states, int64_t n) {
    S* s = static_cast<S*>(states);
    for (int64_t i = 0; i < n; ++i) s[i] = {Op::template identity<A>(), -1};
  }
  static void take(S& into, A value, int64_t index) {
    if (into.index < 0 || beats(value, into.value)) into = {value, index};
  }

  // First position of the value among n: a minimum over lanes and no early exit. When it is no NaN, there is none.
  static I find(const A* x, I n, A value) {
    using VI = Vec<I>;
    constexpr int W = Vec<A>::width;
    VI at = n, here;
    for (int k = 0; k < W; ++k) here.v[k] = k;
    for (I i = 0; i < n; i += W, here = here + I(W)) {
      Vec<A> v = i + W <= n ? load(x + i) : load_partial(x + i, static_cast<int>(n - i), value);
      Mask<A> found = (v == Vec<A>(value)) | (v != v);
      VI candidate = select(Mask<I>{found.m}, here, VI(n));
      at = select(candidate < at, candidate, at);
    }
    return join_lanes<MinOp>(at);
  }
  static void rows(const void* tile, int64_t ld, int64_t rows, int64_t n, int64_t base, void* states) {
    S* s = static_cast<S*>(states);
    for (int64_t r = 0; r < rows; ++r) {
      const A* x = static_cast<const A*>(tile) + r * ld;
      S best = s[r];
      int64_t winner = -1;
      for (int64_t i = 0; i < n; i += kSearch) {
        A value = fold_contiguous<Op>(x + i, n - i < kSearch ? n - i : kSearch);
        if (best.index < 0 || beats(value, best.value)) {
          best = {value, base};
          winner = i;
        }
      }
      if (winner < 0) continue;
      I length = static_cast<I>(n - winner < kSearch ? n - winner : kSearch);
      s[r] = {best.value, base + winner + find(x + winner, length, best.value)};
    }
  }

  static void columns(const void* tile, int64_t ld, int64_t rows, int64_t cols, int64_t base, void* states) {
    const A* x = static_cast<const A*>(tile);
    S* s = static_cast<S*>(states);
    A value[kColumnTile];
    I at[kColumnTile];
    for (int64_t j = 0; j < cols; ++j) {
      value[j] = x[j];
      at[j] = 0;
    }
    for (int64_t r = 1; r < rows; ++r) {
      const A* row = x + r * ld;
      for (int64_t j = 0; j < cols; ++j) {
        A v = row[j], m = value[j];
        bool wins = Op::join(v, m) != m && m == m;
        value[j] = wins ? v : m;
        at[j] = wins ? static_cast<I>(r) : at[j];
      }
    }
    for (int64_t j = 0; j < cols; ++j) take(s[j], value[j], base + at[j]);
  }
  static void merge(void* into, const void* from, int64_t n) {
    const S* b = static_cast<const S*>(from);
    for (int64_t i = 0; i < n; ++i)
      if (b[i].index >= 0) take(static_cast<S*>(into)[i], b[i].value, b[i].index);
  }
  static void finish(const void* states, int64_t n, const FinishArgs&, void* first, void* second) {
    const S* s = static_cast<const S*>(states);
    for (int64_t i = 0; i < n; ++i) {
      static_cast<A*>(first)[i] = s[i].value;
      static_cast<int64_t*>(second)[i] = s[i].index;
    }
  }
};

template <class Op, class A>
constexpr Fold make(Column column) {
  using F = ExtremeFold<Op, A>;
  return {column, true, sizeof(Best<A>), F::init, F::rows, F::columns, F::merge, F::finish};
}
// Smallest and largest value: the folds of each take a tile in turn, while it is in the first cache.
template <Column column>
struct EndsFold {
  struct Ends {
    int64_t least, most;  // states of the two folds, eight bytes each
  };
  static const Fold& smallest() { return *basic_fold(Basic::Min, column); }
  static const Fold& largest() { return *basic_fold(Basic::Max, column); }

  static void init(void* states, int64_t n) {
    Ends* s = static_cast<Ends*>(states);
    for (int64_t i = 0; i < n; ++i) {
      smallest().init(&s[i].least, 1);
      largest().init(&s[i].most, 1);
    }
  }
  static void rows(const void* tile, int64_t ld, int64_t rows, int64_t n, int64_t base, void* states) {
    Ends* s = static_cast<Ends*>(states);
    for (int64_t r = 0; r < rows; ++r) {
      const void* row = static_cast<const char*>(tile) + r * ld * kColumnSize[static_cast<int>(column)];
      smallest().rows(row, ld, 1, n, base, &s[r].least);
      largest().rows(row, ld, 1, n, base, &s[r].most);
    }
  }
  static void columns(const void* tile, int64_t ld, int64_t rows, int64_t cols, int64_t base, void* states) {
    Ends* s = static_cast<Ends*>(states);
    int64_t part[kColumnTile];
    for (bool most : {false, true}) {
      for (int64_t j = 0; j < cols; ++j) part[j] = most ? s[j].most : s[j].least;
      (most ? largest() : smallest()).columns(tile, ld, rows, cols, base, part);
      for (int64_t j = 0; j < cols; ++j) (most ? s[j].most : s[j].least) = part[j];
    }
  }
  static void merge(void* into, const void* from, int64_t n) {
    Ends* a = static_cast<Ends*>(into);
    const Ends* b = static_cast<const Ends*>(from);
    for (int64_t i = 0; i < n; ++i) {
      smallest().merge(&a[i].least, &b[i].least, 1);
      largest().merge(&a[i].most, &b[i].most, 1);
    }
  }
  static void finish(const void* states, int64_t n, const FinishArgs& args, void* first, void* second) {
    const Ends* s = static_cast<const Ends*>(states);
    constexpr int64_t item = kColumnSize[static_cast<int>(column)];
    for (int64_t i = 0; i < n; ++i) {
      smallest().finish(&s[i].least, 1, args, static_cast<char*>(first) + i * item, nullptr);
      largest().finish(&s[i].most, 1, args, static_cast<char*>(second) + i * item, nullptr);
    }
  }
  static constexpr Fold fold = {column, false, sizeof(Ends), init, rows, columns, merge, finish};
};

constexpr Fold kFolds[2][3] = {
    {make<MinOp, float>(Column::F32), make<MinOp, double>(Column::F64), make<MinOp, int64_t>(Column::I64)},
    {make<MaxOp, float>(Column::F32), make<MaxOp, double>(Column::F64), make<MaxOp, int64_t>(Column::I64)},
};

}  // namespace

const Fold* extreme_fold(bool largest, Column column) {
  return column <= Column::I64 ? &kFolds[largest][static_cast<int>(column)] : nullptr;
}

const Fold* ends_fold(Column column) {
  constexpr const Fold* folds[] = {&EndsFold<Column::F32>::fold, &EndsFold<Column::F64>::fold,
                                   &EndsFold<Column::I64>::fold};
  return column <= Column::I64 ? folds[static_cast<int>(column)] : nullptr;
}

}  // namespace facula::cpu::FACULA_ISA
