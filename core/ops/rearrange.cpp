// Copies of a tensor's elements in another order or with some left out: tril, triu, flip, roll, repeat.
#include <algorithm>
#include <cstring>

#include "base/gil.h"
#include "cpu/index.h"
#include "ops/axis.h"
#include "runtime/parallel.h"

namespace facula {

namespace {

// ---- triangles ----

Tensor triangle(const char* name, const Tensor& x, int64_t diagonal, bool lower) {
  FACULA_CHECK(x->ndim() >= 2, Runtime, name, ": input tensor must have at least 2 dimensions");
  Tensor src = ops::contiguous_memory(x), out = empty(x->sizes, x->dtype);
  if (out->numel == 0) return out;
  const int64_t rows = x->size(-2), columns = x->size(-1), item = x->item_size();
  const char* from = src->data();
  char* to = out->data();
  GilRelease unlocked(out->numel > kLongWork);
  parallel_for(out->numel / columns, kLongWork / (columns * 4) + 1, [=](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      // The first column above the kept lower part (of the kept upper part).
      int64_t border = r % rows + diagonal + (lower ? 1 : 0);
      border = border < 0 ? 0 : border > columns ? columns : border;
      const int64_t at = r * columns * item, left = border * item, right = (columns - border) * item;
      const int64_t kept = lower ? 0 : left, cleared = lower ? left : 0;
      std::memcpy(to + at + kept, from + at + kept, static_cast<size_t>(lower ? left : right));
      std::memset(to + at + cleared, 0, static_cast<size_t>(lower ? right : left));
    }
  });
  return out;
}
Tensor tril(const Tensor& x, int64_t diagonal) { return triangle("tril", x, diagonal, true); }
Tensor triu(const Tensor& x, int64_t diagonal) { return triangle("triu", x, diagonal, false); }
void tril_vjp(Backward& b) {
  static const OpDef& op = find_op("tril");
  b.set(0, call(op, b.grad(), b.arg(1)));
}
void triu_vjp(Backward& b) {
  static const OpDef& op = find_op("triu");
  b.set(0, call(op, b.grad(), b.arg(1)));
}

// ---- flip ----

// A copy of the view that walks the flipped dimensions backwards.
Tensor flip(const Tensor& x, const Dims& dims) {
  SmallVector<bool, 8> seen(static_cast<size_t>(x->ndim() > 0 ? x->ndim() : 1), false);
  Dims strides = x->strides;
  int64_t offset = x->byte_offset;
  for (int64_t given : dims) {
    int64_t d = wrap_dim(given, x->ndim());
    FACULA_CHECK(!seen[d], Runtime, "dim ", d, " appears multiple times in the list of dims");
    seen[d] = true;
    if (x->ndim() == 0 || x->sizes[d] < 2) continue;
    offset += (x->sizes[d] - 1) * strides[d] * x->item_size();
    strides[d] = -strides[d];
  }
  Tensor out = empty(x->sizes, x->dtype);
  if (out->numel) ops::copy_memory(out, alias(x, x->sizes, strides, offset));
  return out;
}
void flip_vjp(Backward& b) {
  static const OpDef& op = find_op("flip");
  b.set(0, call(op, b.grad(), b.arg(1)));
}

// ---- roll ----

constexpr int64_t kRollGrain = 1 << 17;  // bytes worth a second thread

// All dimensions in one pass. A row is what lies behind the last dimension that turns; runs of rows that stay together
// are copied at once. `shifts` is at least 0 and less than the size, for every dimension.
Tensor rolled(const Tensor& x, const Dims& shifts) {
  Tensor src = ops::contiguous_memory(x), out = empty(x->sizes, x->dtype);
  if (out->numel == 0) return out;
  int64_t last = 0;
  for (int64_t d = 0; d < x->ndim(); ++d)
    if (shifts[d]) last = d;
  const Axis a = axis_of(x->sizes, last);
  const int64_t row = a.inner * x->item_size(), shift = shifts[last];
  auto source_of = [&](int64_t outer) {  // which of the blocks before the last dimension
    int64_t place = 0, scale = 1;
    for (int64_t d = last; d-- > 0; scale *= x->sizes[d], outer /= x->sizes[d])
      place += (outer % x->sizes[d] + x->sizes[d] - shifts[d]) % x->sizes[d] * scale;
    return place;
  };
  GilRelease unlocked(out->numel > kLongWork);
  parallel_for(a.outer * a.size, kRollGrain / row + 1, [&](int64_t begin, int64_t end) {
    int64_t outer = begin / a.size, at = begin % a.size, place = source_of(outer) * a.size;
    for (int64_t to = begin, run; to < end; to += run) {
      const int64_t from = at < shift ? at + a.size - shift : at - shift;
      run = std::min({end - to, a.size - at, a.size - from});
      std::memcpy(out->data() + to * row, src->data() + (place + from) * row, static_cast<size_t>(run * row));
      at += run;
      if (at < a.size || to + run == end) continue;
      at = 0;
      place = source_of(++outer) * a.size;
    }
  });
  return out;
}
Tensor roll(const Tensor& x, const Dims& shifts, const Dims& dims) {
  FACULA_CHECK(!shifts.empty(), Runtime, "`shifts` required");
  FACULA_CHECK(shifts.size() == dims.size() || (dims.empty() && shifts.size() == 1), Runtime,
               "shifts and dimensions must align. shifts: ", shifts.size(), ", dims:", dims.size());
  auto turned = [](int64_t shift, int64_t size) { return size ? (shift % size + size) % size : 0; };
  if (dims.empty()) {
    Tensor all = ops::contiguous_memory(x);
    Tensor flat = rolled(alias(all, {x->numel}, {1}, all->byte_offset), {turned(shifts[0], x->numel)});
    return alias(flat, x->sizes, contiguous_strides(x->sizes), flat->byte_offset);
  }
  Dims by(static_cast<size_t>(x->ndim()), 0);
  for (size_t i = 0; i < dims.size(); ++i) {
    FACULA_CHECK(x->ndim() > 0, Index, "Dimension specified as ", dims[i], " but tensor has no dimensions");
    const int64_t d = wrap_dim(dims[i], x->ndim());
    by[d] = turned(by[d] + turned(shifts[i], x->sizes[d]), x->sizes[d]);
  }
  return rolled(x, by);
}
void roll_vjp(Backward& b) {
  static const OpDef& op = find_op("roll");
  Dims back = *b.arg(1).ints;
  for (int64_t& s : back) s = -s;
  b.set(0, call(op, b.grad(), back, b.arg(2)));
}

// ---- repeat ----

// The result's dimensions taken apart: how often, how much of the tensor, how often, ...
Dims repeat_blocks(const Dims& sizes, const Dims& repeats) {
  Dims blocks;
  size_t lead = repeats.size() - sizes.size();
  for (size_t i = 0; i < repeats.size(); ++i) {
    blocks.push_back(repeats[i]);
    blocks.push_back(i < lead ? 1 : sizes[i - lead]);
  }
  return blocks;
}
Tensor repeat(const Tensor& x, const Dims& repeats) {
  FACULA_CHECK(static_cast<int64_t>(repeats.size()) >= x->ndim(), Runtime,
               "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor");
  Dims blocks = repeat_blocks(x->sizes, repeats), sizes, strides(blocks.size(), 0);
  for (size_t i = 0; i < repeats.size(); ++i) sizes.push_back(blocks[2 * i] * blocks[2 * i + 1]);
  size_t lead = repeats.size() - x->sizes.size();
  for (size_t i = 0; i < x->sizes.size(); ++i) strides[2 * (lead + i) + 1] = x->strides[i];
  Tensor out = empty(sizes, x->dtype);
  if (out->numel > 0)
    ops::copy_memory(alias(out, blocks, contiguous_strides(blocks), out->byte_offset),
                     alias(x, blocks, strides, x->byte_offset));
  return out;
}
void repeat_vjp(Backward& b) {
  const Dims &repeats = *b.arg(1).ints, &sizes = b.sizes(0);
  if (repeats.empty()) return b.set(0, b.grad());
  Dims counts;
  for (size_t i = 0; i < repeats.size(); ++i) counts.push_back(static_cast<int64_t>(2 * i));
  Tensor g = ops::sum(ops::reshape(b.grad(), repeat_blocks(sizes, repeats)), &counts, false);
  b.set(0, ops::reshape(g, sizes));
}

const OpDef kOps[] = {
    FACULA_OP("tril", Copy, "TrilBackward0", tril, .vjp = tril_vjp),
    FACULA_OP("triu", Copy, "TriuBackward0", triu, .vjp = triu_vjp),
    FACULA_OP("flip", Indexing, "FlipBackward0", flip, .vjp = flip_vjp),
    FACULA_OP("roll", Indexing, "RollBackward0", roll, .vjp = roll_vjp),
    FACULA_OP("repeat", Indexing, "RepeatBackward0", repeat, .vjp = repeat_vjp),
};

}  // namespace

extern const OpFamily kRearrangeFamily;
const OpFamily kRearrangeFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
