// The reduction driver: puts the dimensions in order, cuts the work into tiles at places that depend on shapes only,
// and lets a fold (reduce_fold.h) absorb them. Knows layouts and types, not operations.
#include <cstdlib>

#include "cpu/reduce_fold.h"
#include "runtime/parallel.h"

namespace facula::cpu::FACULA_ISA {
namespace {

constexpr int kMaxDims = 64;               // PyTorch's limit
constexpr int64_t kSmall = 256;            // contiguous whole-array reductions up to here skip all set-up
constexpr int64_t kUnitElements = 16384;   // elements that one unit of outputs should read, when it can
constexpr int64_t kGrainElements = 65536;  // about 20 us of work at 4 bytes an element
constexpr int64_t kMaxChunks = 64;         // pieces that one output's elements may be split into
constexpr int64_t kBufferBytes = 16384;    // converted elements, half of a 32 KiB L1
constexpr int64_t kStateBytes = kColumnTile * kMaxStateSize;

struct Dim {
  int64_t size, in, out;  // strides in elements
};
// How far apart elements are in memory; a broadcast dimension counts as the farthest, so that it is walked outside.
inline int64_t distance(int64_t stride) { return stride == 0 ? INT64_MAX : stride < 0 ? -stride : stride; }
inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// What to compute: a fold, how its elements are loaded and its results leave.
struct Job {
  const Fold* fold;
  LoadKernel load;
  bool direct;        // elements have the fold's own type
  StoredTiles tiles;  // for tiles whose inner stride is 1; null where they have to be converted
  double power;       // exponent applied to loaded elements when `use_power`
  bool use_power;
  FinishArgs finish;
  DType in_dtype, out_dtype;
  char *out, *second;  // second: index (int64) or mean (out_dtype); either may be null
  DType second_dtype;
};

// The plan in the order of the walk. A tile is tile_kept x tile_reduced; the other dimensions are loops around it.
struct Walk {
  const char* in;
  Dim kept[kMaxDims], reduced[kMaxDims], tile_kept, tile_reduced;
  int nkept = 0, nreduced = 0;
  bool columns;  // the inner axis of a tile is the kept one
  int64_t outer_kept, outer_reduced, outputs, count;
  int64_t tile_outputs;  // outputs of one unit
  int64_t units_per_tile_dim;
  int64_t block, blocks_per_row, blocks;  // blocks along tile_reduced; blocks of all outer_reduced
  int64_t chunks, blocks_per_chunk;
};

// Drops dimensions of size 1 and merges neighbours that one stride covers.
int coalesce(Dim* d, int n) {
  int used = 0;
  for (int i = 0; i < n; ++i) {
    if (d[i].size == 1) continue;
    if (used > 0 && d[used - 1].in == d[i].in * d[i].size && d[used - 1].out == d[i].out * d[i].size)
      d[used - 1] = {d[used - 1].size * d[i].size, d[i].in, d[i].out};
    else
      d[used++] = d[i];
  }
  return used;
}

void sort_by_stride(Dim* d, int n) {
  for (int i = 1; i < n; ++i)
    for (int j = i; j > 0 && distance(d[j - 1].in) < distance(d[j].in); --j) {
      Dim t = d[j];
      d[j] = d[j - 1];
      d[j - 1] = t;
    }
}

Dim take(Dim* d, int& n, int at) {
  Dim taken = d[at];
  for (int i = at; i + 1 < n; ++i) d[i] = d[i + 1];
  --n;
  return taken;
}

void read_dims(const ReducePlan& plan, bool ordered, Walk& w) {
  w.outputs = w.count = 1;
  w.in = static_cast<const char*>(plan.in);
  int nk = static_cast<int>(plan.kept_sizes.size()), nr = static_cast<int>(plan.reduced_sizes.size());
  const int64_t *ks = plan.kept_sizes.data(), *kt = plan.kept_strides.data();
  const int64_t *rs = plan.reduced_sizes.data(), *rt = plan.reduced_strides.data();
  for (int i = nk - 1; i >= 0; --i) {
    w.kept[i] = {ks[i], kt[i], w.outputs};
    w.outputs *= ks[i];
  }
  for (int i = nr - 1; i >= 0; --i) {
    w.reduced[i] = {rs[i], rt[i], 0};
    w.count *= rs[i];
    if (!ordered && rt[i] < 0) {
      w.in += (rs[i] - 1) * rt[i] * item_size(plan.dtype);
      w.reduced[i].in = -rt[i];
    }
  }
  w.nkept = nk;
  w.nreduced = nr;
}

// Chooses the tile's two dimensions and the sizes of units, blocks and chunks. outputs and count are not 0.
void arrange(Walk& w, bool ordered) {
  w.nkept = coalesce(w.kept, w.nkept);
  if (!ordered) sort_by_stride(w.reduced, w.nreduced);
  w.nreduced = coalesce(w.reduced, w.nreduced);
  int best = -1;  // the kept dimension with the smallest stride; of two broadcast ones the last
  for (int i = 0; i < w.nkept; ++i)
    if (best < 0 || distance(w.kept[i].in) <= distance(w.kept[best].in)) best = i;
  w.tile_reduced = w.nreduced ? take(w.reduced, w.nreduced, w.nreduced - 1) : Dim{1, 1, 0};
  w.columns = best >= 0 && distance(w.kept[best].in) < distance(w.tile_reduced.in);
  if (!w.columns && best >= 0) best = w.nkept - 1;  // rows: the outputs that lie side by side
  w.tile_kept = best >= 0 ? take(w.kept, w.nkept, best) : Dim{1, 0, 1};
  w.outer_kept = w.outputs / w.tile_kept.size;
  w.outer_reduced = w.count / w.tile_reduced.size;

  int64_t wanted = w.columns ? kColumnTile : larger(1, smaller(kColumnTile, kUnitElements / w.count));
  w.tile_outputs = smaller(wanted, w.tile_kept.size);
  w.units_per_tile_dim = ceil_div(w.tile_kept.size, w.tile_outputs);
  w.block = w.columns ? larger(kColumnRows, 4096 / w.tile_outputs) : kRowBlock;
  w.blocks_per_row = ceil_div(w.tile_reduced.size, w.block);
  w.blocks = w.blocks_per_row * w.outer_reduced;
  w.chunks = 1;
  w.blocks_per_chunk = w.blocks;
  int64_t units = w.outer_kept * w.units_per_tile_dim;
  if (units < 16 && w.count * w.tile_outputs >= 2 * kGrainElements && w.blocks > 1) {
    int64_t wanted_chunks = smaller(kMaxChunks, w.count * w.tile_outputs / (kGrainElements / 2));
    w.blocks_per_chunk = ceil_div(w.blocks, larger(1, wanted_chunks));
    w.chunks = ceil_div(w.blocks, w.blocks_per_chunk);
  }
}

// Row-major position `linear` of the dimensions to an offset.
int64_t offset_of(const Dim* d, int n, int64_t linear, int64_t Dim::*stride) {
  int64_t offset = 0;
  for (int i = n - 1; i > 0; --i) {
    offset += linear % d[i].size * (d[i].*stride);
    linear /= d[i].size;
  }
  return n ? offset + linear * (d[0].*stride) : 0;
}

// A tile of `rows` x `cols` elements (strides in elements) of any type.
struct Tile {
  const char* at;
  int64_t rows, row_stride, cols, col_stride, base;
};

void convert(const Job& job, const char* from, int64_t stride, int64_t n, char* to) {
  job.load(from, stride, n, to);
  if (job.use_power) power_in_place(job.fold->column, to, n, job.power);
}

void absorb(const Job& job, const Tile& t, bool columns, char* states) {
  const Fold& fold = *job.fold;
  // Few columns are grouped where they lie side by side, which in a converted tile they always do.
  const bool apart = columns && !job.direct && t.cols <= kColumnTile / 8;
  TileKernel stored = t.col_stride != 1 || apart ? nullptr : columns ? job.tiles.columns : job.tiles.rows;
  if (stored && (job.direct || !columns)) return stored(t.at, t.row_stride, t.rows, t.cols, t.base, states);
  int64_t item = item_size(job.in_dtype), size = kColumnSize[static_cast<int>(fold.column)];
  int64_t batch = larger(1, kBufferBytes / (t.cols * size));
  if (stored) {  // as many rows at once as if they were converted: a sum does not depend on how its elements lie
    for (int64_t r = 0; r < t.rows; r += batch)
      stored(t.at + r * t.row_stride * item, t.row_stride, smaller(batch, t.rows - r), t.cols, t.base + r, states);
    return;
  }
  alignas(64) char buffer[kBufferBytes];
  for (int64_t r = 0; r < t.rows; r += batch) {
    int64_t n = smaller(batch, t.rows - r);
    const char* from = t.at + r * t.row_stride * item;
    if (t.col_stride == 1 && t.row_stride == t.cols)
      convert(job, from, 1, n * t.cols, buffer);
    else
      for (int64_t i = 0; i < n; ++i)
        convert(job, from + i * t.row_stride * item, t.col_stride, t.cols, buffer + i * t.cols * size);
    if (columns)
      fold.columns(buffer, t.cols, n, t.cols, t.base + r, states);
    else
      fold.rows(buffer, t.cols, n, t.cols, t.base, states + r * fold.state_size);
  }
}

// Blocks [first, last) of the reduced elements of the n outputs that start at `at`.
void accumulate(const Walk& w, const Job& job, const char* at, int64_t n, int64_t first, int64_t last, char* states) {
  int64_t item = item_size(job.in_dtype);
  // Wider than the buffer, a row of a converted tile would not fit.
  const bool stored = !job.direct && job.tiles.rows && w.tile_reduced.in == 1;
  int64_t widest = stored ? w.block : kBufferBytes / kColumnSize[static_cast<int>(job.fold->column)];
  for (int64_t b = first; b < last; ++b) {
    int64_t outer = b / w.blocks_per_row, start = b % w.blocks_per_row * w.block;
    int64_t length = smaller(w.block, w.tile_reduced.size - start), base = outer * w.tile_reduced.size + start;
    const char* p = at + (offset_of(w.reduced, w.nreduced, outer, &Dim::in) + start * w.tile_reduced.in) * item;
    if (w.columns) {
      absorb(job, {p, length, w.tile_reduced.in, n, w.tile_kept.in, base}, true, states);
      continue;
    }
    for (int64_t i = 0; i < length; i += widest)
      absorb(job,
             {p + i * w.tile_reduced.in * item, n, w.tile_kept.in, smaller(widest, length - i), w.tile_reduced.in,
              base + i},
             false, states);
  }
}

void emit(const Walk& w, const Job& job, const char* states, int64_t n, int64_t out_offset) {
  const Fold& fold = *job.fold;
  DType native = dtype_of(fold.column);
  int64_t size = item_size(native), out_size = item_size(job.out_dtype), second_size = item_size(job.second_dtype);
  alignas(64) char first[kColumnTile * 16], second[kColumnTile * 8];
  bool direct = job.out && native == job.out_dtype && w.tile_kept.out == 1;
  fold.finish(states, n, job.finish, direct ? job.out + out_offset * out_size : first, second);
  for (int64_t i = 0; i < n; ++i) {
    int64_t at = out_offset + i * w.tile_kept.out;
    if (!direct && job.out) store_element(fold.column, first + i * size, job.out_dtype, job.out + at * out_size);
    if (!job.second) {
      if (direct) break;
    } else if (fold.ordered) {
      std::memcpy(job.second + at * 8, second + i * 8, 8);
    } else {
      store_element(fold.column, second + i * size, job.second_dtype, job.second + at * second_size);
    }
  }
}

struct Unit {
  const char* at;
  int64_t n, out_offset;
};
Unit unit_of(const Walk& w, int64_t item, int64_t unit) {
  int64_t outer = unit / w.units_per_tile_dim, start = unit % w.units_per_tile_dim * w.tile_outputs;
  int64_t in = offset_of(w.kept, w.nkept, outer, &Dim::in) + start * w.tile_kept.in;
  int64_t out = offset_of(w.kept, w.nkept, outer, &Dim::out) + start * w.tile_kept.out;
  return {w.in + in * item, smaller(w.tile_outputs, w.tile_kept.size - start), out};
}

void run_units(const Walk& w, const Job& job) {
  int64_t cost = larger(1, w.tile_outputs * w.count), units = w.outer_kept * w.units_per_tile_dim;
  parallel_for(units, larger(1, kGrainElements / cost), [&](int64_t begin, int64_t end) {
    alignas(64) char states[kStateBytes];
    for (int64_t u = begin; u < end; ++u) {
      Unit unit = unit_of(w, item_size(job.in_dtype), u);
      job.fold->init(states, unit.n);
      accumulate(w, job, unit.at, unit.n, 0, w.blocks, states);
      emit(w, job, states, unit.n, unit.out_offset);
    }
  });
}

// Few outputs of many elements: chunks of blocks get states of their own, merged in order.
bool run_chunks(const Walk& w, const Job& job) {
  const Fold& fold = *job.fold;
  int64_t units = w.outer_kept * w.units_per_tile_dim, stride = w.tile_outputs * fold.state_size;
  char* states = static_cast<char*>(std::malloc(static_cast<size_t>(units * w.chunks * stride)));
  if (!states) return false;
  parallel_for(units * w.chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      Unit unit = unit_of(w, item_size(job.in_dtype), i / w.chunks);
      int64_t first = i % w.chunks * w.blocks_per_chunk;
      fold.init(states + i * stride, unit.n);
      accumulate(w, job, unit.at, unit.n, first, smaller(w.blocks, first + w.blocks_per_chunk), states + i * stride);
    }
  });
  for (int64_t u = 0; u < units; ++u) {
    Unit unit = unit_of(w, item_size(job.in_dtype), u);
    char* into = states + u * w.chunks * stride;
    for (int64_t c = 1; c < w.chunks; ++c) fold.merge(into, into + c * stride, unit.n);
    emit(w, job, into, unit.n, unit.out_offset);
  }
  std::free(states);
  return true;
}

[[gnu::noinline]] void run(const ReducePlan& plan, const Job& job) {
  Walk w;
  read_dims(plan, job.fold->ordered, w);
  if (w.outputs == 0) return;
  if (w.count == 0) {  // nothing to walk: every output is the finished identity
    for (int i = 0; i < w.nkept; ++i) w.kept[i].in = 0;
    w.nreduced = 0;
    w.count = 1;
    arrange(w, false);
    w.blocks = 0;
    w.chunks = 1;
    w.count = 0;
    return run_units(w, job);
  }
  arrange(w, job.fold->ordered);
  if (w.chunks == 1 || !run_chunks(w, job)) {
    w.chunks = 1;
    run_units(w, job);
  }
}

// The whole array, contiguous and small: no walk.
bool run_small(const ReducePlan& plan, const Job& job) {
  if (!job.direct || plan.kept_sizes.size() != 0 || plan.reduced_sizes.size() > 1) return false;
  int64_t n = plan.reduced_sizes.size() ? plan.reduced_sizes[0] : 1;
  if (n > kSmall || n == 0 || (n != 1 && plan.reduced_strides[0] != 1)) return false;
  if (job.second || !job.out || dtype_of(job.fold->column) != job.out_dtype) return false;
  alignas(64) char state[kMaxStateSize], unused[16];
  job.fold->init(state, 1);
  job.fold->rows(plan.in, n, 1, n, 0, state);
  job.fold->finish(state, 1, job.finish, job.out, unused);
  return true;
}

int64_t count_of(const ReducePlan& plan) {
  int64_t n = 1;
  for (size_t i = 0; i < plan.reduced_sizes.size(); ++i) n *= plan.reduced_sizes[i];
  return n;
}

bool start(const ReducePlan& plan, const Fold* fold, Map map, FinishArgs finish, void* second, DType second_dtype,
           double p = 0) {
  if (!fold || plan.kept_sizes.size() > kMaxDims || plan.reduced_sizes.size() > kMaxDims) return false;
  LoadKernel load = load_kernel(plan.dtype, fold->column, map);
  if (!load) return false;
  bool direct = map == Map::None && plan.dtype == dtype_of(fold->column);
  Job job = {fold,
             load,
             direct,
             direct             ? StoredTiles{fold->rows, fold->columns}
             : map == Map::None ? stored_tiles(fold, plan.dtype)
                                : StoredTiles{},
             p,
             map == Map::AbsPower,
             finish,
             plan.dtype,
             plan.out_dtype,
             static_cast<char*>(plan.out),
             static_cast<char*>(second),
             second_dtype};
  if (!run_small(plan, job)) run(plan, job);
  return true;
}

bool norm(const ReducePlan& plan, double p) {
  Column column =
      column_of(real_of(plan.out_dtype) == DType::Float64 || real_of(plan.dtype) == DType::Float64 ? DType::Float64
                                                                                                   : DType::Float32);
  FinishArgs plain{Finish::Plain, count_of(plan), 0};
  DType none = DType::Int64;
  bool real = !is_complex(plan.dtype);
  if (p == 0) return start(plan, basic_fold(Basic::Sum, Column::I64), Map::Nonzero, plain, nullptr, none);
  if (std::isinf(p))
    return start(plan, basic_fold(p > 0 ? Basic::Max : Basic::Min, column), Map::Abs, plain, nullptr, none);
  if (p == 1) return start(plan, basic_fold(Basic::Sum, column), Map::Abs, plain, nullptr, none);
  if (p == 2) {
    FinishArgs root{Finish::Sqrt, plain.count, 0};
    return start(plan, basic_fold(Basic::SumSquares, column), real ? Map::None : Map::Abs, root, nullptr, none);
  }
  return start(plan, basic_fold(Basic::Sum, column), Map::AbsPower, {Finish::Root, plain.count, p}, nullptr, none, p);
}

bool reduce_op(ReduceOp op, const ReducePlan& plan, double p) {
  Column in = column_of(plan.dtype), out = column_of(plan.out_dtype);
  FinishArgs plain{Finish::Plain, 0, 0};
  DType none = DType::Int64;
  switch (op) {
    case ReduceOp::Sum: return start(plan, basic_fold(Basic::Sum, out), Map::None, plain, nullptr, none);
    case ReduceOp::Mean:
      return start(plan, basic_fold(Basic::Sum, out), Map::None, {Finish::Mean, count_of(plan), 0}, nullptr, none);
    case ReduceOp::Prod: return start(plan, basic_fold(Basic::Prod, out), Map::None, plain, nullptr, none);
    case ReduceOp::NanSum: {
      const bool possible = is_floating(plan.dtype) && out <= Column::F64;
      return start(plan, basic_fold(possible ? Basic::NanSum : Basic::Sum, out), Map::None, plain, nullptr, none);
    }
    case ReduceOp::Amax: return start(plan, basic_fold(Basic::Max, in), Map::None, plain, nullptr, none);
    case ReduceOp::Amin: return start(plan, basic_fold(Basic::Min, in), Map::None, plain, nullptr, none);
    case ReduceOp::Any:
    case ReduceOp::All: {
      FinishArgs args{op == ReduceOp::Any ? Finish::AnyOf : Finish::AllOf, count_of(plan), 0};
      return start(plan, basic_fold(Basic::Sum, Column::I64), Map::Nonzero, args, nullptr, none);
    }
    case ReduceOp::CountNonzero:
      return start(plan, basic_fold(Basic::Sum, Column::I64), Map::Nonzero, plain, nullptr, none);
    case ReduceOp::SumSquares: {
      Column real = real_of(plan.out_dtype) == DType::Float64 ? Column::F64 : Column::F32;
      return start(plan, basic_fold(Basic::SumSquares, real), is_complex(plan.dtype) ? Map::Abs : Map::None, plain,
                   nullptr, none);
    }
    case ReduceOp::Norm: return norm(plan, p);
  }
  return false;
}

bool extreme_op(bool largest, const ReducePlan& plan, int64_t* index) {
  return start(plan, extreme_fold(largest, column_of(plan.dtype)), Map::None, {Finish::Plain, 0, 0}, index,
               DType::Int64);
}
bool ends_op(const ReducePlan& plan, void* most) {
  return start(plan, ends_fold(column_of(plan.dtype)), Map::None, {Finish::Plain, 0, 0}, most, plan.dtype);
}
bool var_mean_op(const ReducePlan& plan, double correction, bool standard_deviation, void* mean) {
  FinishArgs args{standard_deviation ? Finish::Deviation : Finish::Variance, count_of(plan), correction};
  return start(plan, variance_fold(column_of(plan.out_dtype)), Map::None, args, mean, plan.out_dtype);
}
bool logsumexp_op(const ReducePlan& plan) {
  return start(plan, logsumexp_fold(column_of(plan.out_dtype)), Map::None, {Finish::Plain, 0, 0}, nullptr,
               DType::Int64);
}

}  // namespace

KERNELS(ReduceKernels, reduce_kernels) = {reduce_op, extreme_op, ends_op, var_mean_op, logsumexp_op};

}  // namespace facula::cpu::FACULA_ISA
