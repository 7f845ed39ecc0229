// Padding with a constant: rows of the tensor and what lies between them, written from front to back. What a tensor
// pads with its own elements is resample.cpp's.
#include <array>
#include <cstring>

#include "base/gil.h"
#include "ops/channels_last.h"
#include "ops/checked.h"
#include "runtime/parallel.h"

namespace facula {

namespace {

// One dimension, in the order of memory: `kept` places from `first` on, with `before` new ones in front.
struct Side {
  int64_t in, out, first, kept, before;
};

struct Padding {
  SmallVector<Side, 5> sides;  // at least two; the last is a row
  int64_t item;
  int64_t rows() const {
    int64_t n = 1;
    for (size_t d = 0; d + 1 < sides.size(); ++d) n *= sides[d].out;
    return n;
  }
};

constexpr int64_t kChunk = 64;  // bytes moved at once; every size of an element divides it

// Writes a range of memory from front to back. A chunk may write past what it is for: what follows is written later.
class Writer {
 public:
  Writer(char* to, char* end, const char* source_end, const std::array<char, kChunk>& blank)
      : to_(to), end_(end), source_end_(source_end), blank_(blank) {}
  void skip(int64_t bytes) { gap_ += bytes; }
  void copy(const char* from, int64_t bytes) {
    constexpr int64_t kLong = 1024;  // a call of memcpy is cheaper
    fill();
    if (bytes > kLong || end_ - to_ < bytes + kChunk || source_end_ - from < bytes + kChunk)
      std::memcpy(to_, from, static_cast<size_t>(bytes));
    else
      for (int64_t i = 0; i < bytes; i += kChunk) std::memcpy(to_ + i, from + i, kChunk);
    to_ += bytes;
  }
  void fill() {
    for (; end_ - to_ >= kChunk && gap_ > 0; gap_ -= kChunk, to_ += kChunk) std::memcpy(to_, blank_.data(), kChunk);
    if (gap_ > 0) std::memcpy(to_, blank_.data(), static_cast<size_t>(gap_));
    to_ += gap_;  // back to the end of the gap, if a chunk has gone past it
    gap_ = 0;
  }

 private:
  char *to_, *end_;
  const char* source_end_;
  const std::array<char, kChunk>& blank_;
  int64_t gap_ = 0;
};

// Where plane number p comes from, or nowhere.
const char* source_plane(const Padding& s, const char* x, int64_t p) {
  const size_t outer = s.sides.size() - 2;
  int64_t step = s.item * s.sides[outer].in * s.sides[outer + 1].in;
  for (size_t d = outer; d-- > 0; step *= s.sides[d].in) {
    const Side& side = s.sides[d];
    const int64_t at = p % side.out - side.before;
    p /= side.out;
    if (at < 0 || at >= side.kept) return nullptr;
    x += (side.first + at) * step;
  }
  return x;
}

void write_rows(const Padding& s, const char* x, const char* x_end, char* y, const std::array<char, kChunk>& blank,
                int64_t begin, int64_t end) {
  const Side &height = s.sides[s.sides.size() - 2], &width = s.sides.back();
  const int64_t in = width.in * s.item, out = width.out * s.item;
  const int64_t before = width.before * s.item, kept = width.kept * s.item, after = out - before - kept;
  Writer to(y + begin * out, y + end * out, x_end, blank);
  const char* plane = nullptr;
  for (int64_t r = begin, h = begin % height.out - height.before; r < end; ++r, ++h) {
    if (h == height.out - height.before) h = -height.before;
    if (r == begin || h == -height.before) plane = source_plane(s, x, r / height.out);
    if (!plane || h < 0 || h >= height.kept || kept == 0) {
      to.skip(out);
      continue;
    }
    to.skip(before);
    to.copy(plane + (height.first + h) * in + width.first * s.item, kept);
    to.skip(after);
  }
  to.fill();
}

Side side_of(int64_t in, int64_t before, int64_t after, int64_t dim) {
  constexpr int64_t kMost = int64_t{1} << 60;
  FACULA_CHECK(std::max(before, after) < kMost && std::min(before, after) > -kMost && in < kMost, Runtime,
               "pad(): sizes of ", before, " and ", after, " are too large");
  const int64_t first = std::max(-before, int64_t{0}), kept = in - first - std::max(-after, int64_t{0});
  FACULA_CHECK(kept >= 0, Runtime, "The input size ", in, ", plus negative padding ", before, " and ", after,
               " resulted in a negative output size, which is invalid. Check dimension ", dim, " of your input.");
  before = std::max(before, int64_t{0});
  return {in, before + kept + std::max(after, int64_t{0}), first, kept, before};
}

// The sides in the order of memory; a trailing dimension that stays is part of the row.
Padding padding_of(const SmallVector<Side, 5>& sides, bool channels_last, int64_t item) {
  Padding s{{}, item};
  const size_t n = sides.size();
  s.sides.push_back({1, 1, 0, 1, 0});
  s.sides.push_back({1, 1, 0, 1, 0});
  for (size_t i = 0; i < n; ++i) s.sides.push_back(sides[!channels_last || i == 0 ? i : i + 1 < n ? i + 1 : 1]);
  while (s.sides.size() > 2) {
    const Side last = s.sides.back();
    if (last.kept != last.in || last.kept != last.out) break;
    s.sides.pop_back();
    Side& row = s.sides.back();
    for (int64_t* size : {&row.in, &row.out, &row.first, &row.kept, &row.before}) *size *= last.in;
  }
  return s;
}

// Nothing is added: a copy in the order of x's dimensions.
Tensor cropped(const Tensor& x, const Dims& to, const SmallVector<Side, 5>& sides) {
  int64_t offset = x->byte_offset;
  for (size_t d = 0; d < to.size() && count_elements(to) > 0; ++d)
    offset += sides[d].first * x->strides[d] * x->item_size();
  const Tensor part = alias(x, to, x->strides, offset), out = empty_like(part);
  ops::copy_memory(out, part);
  return out;
}

// `pad` has pairs (before, after), last dimension first.
Tensor constant_pad(const Tensor& x, const Dims& pad, Scalar value) {
  FACULA_CHECK(pad.size() % 2 == 0 && static_cast<int64_t>(pad.size()) <= 2 * x->ndim(), Runtime,
               "pad(): expected at most ", x->ndim(), " pairs of sizes, but got ", pad);
  Dims to = x->sizes;
  SmallVector<Side, 5> sides;
  for (int64_t d = 0; d < x->ndim(); ++d) {
    const size_t at = static_cast<size_t>(2 * (x->ndim() - 1 - d));
    sides.push_back(at < pad.size() ? side_of(to[d], pad[at], pad[at + 1], d) : side_of(to[d], 0, 0, d));
    to[d] = sides[static_cast<size_t>(d)].out;
  }
  bool grows = false;
  for (int64_t size : pad) grows |= size > 0;
  if (!grows) return cropped(x, to, sides);
  const bool last = has_channels_last(x);
  Tensor in = memory_of(x, x->dtype, last), one = ops::full({1}, value, x->dtype), out = new_tensor(to, x->dtype, last);
  ops::check_fits(value, x->dtype);
  if (out->numel == 0) return out;
  const Padding s = padding_of(sides, last, x->item_size());
  std::array<char, kChunk> blank;
  for (int64_t i = 0; i < kChunk; i += s.item) std::memcpy(blank.data() + i, one->data(), static_cast<size_t>(s.item));
  const char *from = in->data(), *from_end = from + in->numel * s.item;
  char* y = out->data();
  constexpr int64_t kBytes = 1 << 16;  // worth a second thread
  GilRelease unlocked(out->numel > kLongWork);
  parallel_for(s.rows(), kBytes / (s.sides.back().out * s.item) + 1,
               [&](int64_t begin, int64_t end) { write_rows(s, from, from_end, y, blank, begin, end); });
  return out;
}
void constant_pad_vjp(Backward& b) {
  static const OpDef& op = find_op("_constant_pad");
  Dims taken = *b.arg(1).ints;
  for (int64_t& size : taken) size = -size;
  b.set(0, call(op, b.grad(), taken, Scalar(0)));
}

const OpDef kOps[] = {
    FACULA_OP("_constant_pad", Indexing, "ConstantPadNdBackward0", constant_pad, .vjp = constant_pad_vjp),
};

}  // namespace

extern const OpFamily kPadFamily;
const OpFamily kPadFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
