// The short way of a pointwise operation: contiguous operands of the result's shape, or single values, so that there
// are no dimensions to walk. Whatever broadcasts or changes the category of the type is left to pointwise.cpp.
#include <cstring>

#include "cpu/copy.h"
#include "cpu/pointwise.h"
#include "ops/pointwise_run.h"
#include "ops/promote.h"
#include "tensor/layout.h"

namespace facula {

// A call whose operands are contiguous and of the result's shape, or one value.
struct Flat {
  const PointwiseOp* op;
  Column column;
  DType type;
  int arity;
  uint32_t constants = 0, converted = 0;  // bits of operands: one value; of another type than the column's
  const char* data[kMaxSources];
  DType dtype[kMaxSources];
  alignas(16) char value[kMaxSources][16];
  char* out;
  int64_t out_item;
  bool ahead;  // more for each thread than the second cache level holds
};

// Kernels ask for memory ahead when a call is long (Note [Ahead], cpu/pointwise_loop.h); what the second cache level
// holds goes there in shorter calls. Blocks with a constant or converted operand are too short for that, so here two
// blocks of 1 KiB are asked for before they are read or written.
constexpr int64_t kAheadBytes = 1024, kNearBytes = 1 << 15;

// Inlined by force: GCC takes a function that only prefetches for one without effects and drops its calls.
[[gnu::always_inline]] static inline void ask_ahead(const Flat& f, int64_t start, int64_t n) {
  for (int i = 0; i < f.arity; ++i) {
    if (f.constants >> i & 1) continue;
    const int64_t item = item_size(f.converted >> i & 1 ? f.dtype[i] : f.type);
    for (const char *p = f.data[i] + start * item, *end = p + n * item; p < end; p += 64) __builtin_prefetch(p);
  }
  for (char *p = f.out + start * f.out_item, *end = p + n * f.out_item; p < end; p += 64) __builtin_prefetch(p, 1);
}

template <int64_t bytes>
static void run_blocks(const Flat& f, int64_t begin, int64_t end) {
  alignas(64) char blocks[kMaxSources][bytes];
  const DType type = f.type;
  const int64_t item = item_size(type), block = bytes / item;
  const auto& kernels = cpu::copy();
  const void* in[kMaxSources];
  for (int i = 0; i < f.arity; ++i) {
    in[i] = blocks[i];
    if (f.constants >> i & 1) kernels.fill_contiguous(item, std::min(block, end - begin), blocks[i], f.value[i]);
  }
  for (int64_t start = begin; start < end; start += block) {
    const int64_t n = std::min(block, end - start);
    if (f.ahead) ask_ahead(f, start + 2 * block, std::min(block, end - start - 2 * block));
    for (int i = 0; i < f.arity; ++i) {
      if (f.constants >> i & 1) continue;
      if (f.converted >> i & 1)
        kernels.convert[index_of(f.dtype[i])][index_of(type)](n, f.data[i] + start * item_size(f.dtype[i]), 1,
                                                              blocks[i], 1);
      else
        in[i] = f.data[i] + start * item;
    }
    run_kernel(*f.op, f.column, n, f.out + start * f.out_item, in);
  }
}

// Single values in registers, where the formula has kernels for them: from `begin` on, as far as returned.
static int64_t run_held(const Flat& f, int64_t begin, int64_t end) {
  if (f.converted || f.column > Column::F64) return begin;
  const int column = f.column == Column::F64;
  const StoredKernel held = f.op->held[column];
  const RowKernel rows = f.op->rows[column];
  if (!held && !rows) return begin;
  const int64_t item = item_size(f.type), whole = (end - begin) / cpu::kStoredStep * cpu::kStoredStep;
  const void* in[kMaxSources];
  for (int i = 0; i < f.arity; ++i) in[i] = f.constants >> i & 1 ? f.value[i] : f.data[i] + begin * item;
  char* out = f.out + begin * f.out_item;
  if (held) {
    held(whole, out, in, f.constants);
    return begin + whole;
  }
  const int64_t steps[2] = {};
  const uint32_t ahead = f.constants & 1 ? cpu::kAhead << 1 : cpu::kAhead;
  rows(1, end - begin, out, 0, in, steps, f.constants | (f.ahead ? ahead | cpu::kAheadOut : 0));
  return end;
}

static void run_flat(const Flat& f, int64_t begin, int64_t end) {
  if (f.constants && begin < end) begin = run_held(f, begin, end);  // a kernel of rows reads their first element
  if (begin == end) return;
  const int64_t item = item_size(f.type), n = end - begin;
  constexpr int64_t kSmall = 512;  // a few cache lines each, close together on the stack
  if (f.constants | f.converted)
    return n * item <= kSmall ? run_blocks<kSmall>(f, begin, end)
           : f.ahead          ? run_blocks<kAheadBytes>(f, begin, end)
                              : run_blocks<kBlockBytes>(f, begin, end);
  const void* in[kMaxSources];
  const int64_t step = f.ahead ? n : kNearBytes / item;
  for (int64_t start = begin; start < end; start += step) {
    for (int i = 0; i < f.arity; ++i) in[i] = f.data[i] + start * item;
    run_kernel(*f.op, f.column, std::min(step, end - start), f.out + start * f.out_item, in);
  }
}

// The operand that has the result's shape and the type of the whole call; null when the call needs the general way.
static TensorObject* leading_operand(const Arg* args, size_t n, DType& common) {
  TensorObject* first = nullptr;
  for (size_t i = 0; i < n; ++i) {
    if (args[i].tag != Arg::Tensor_) continue;
    TensorObject* t = args[i].tensor;
    if (!t->is_contiguous()) {
      if (!is_expanded_value(t)) return nullptr;
    } else if (!first || (first->ndim() == 0 && t->ndim() > 0)) {
      first = t;
    }
  }
  if (!first) return nullptr;
  common = first->dtype;
  for (size_t i = 0; i < n; ++i)
    if (args[i].tag == Arg::Tensor_ && args[i].tensor->dtype != common && args[i].tensor->ndim() == first->ndim())
      common = promote_types(common, args[i].tensor->dtype);
  return first;
}

// Sorts the operands into streams and single values; false: one of them broadcasts or changes the type.
static bool sort_operands(Flat& f, const Arg* args, size_t n, const TensorObject* first, DType common) {
  for (size_t i = 0; i < n; ++i) {
    if (args[i].tag != Arg::Tensor_) {
      if (args[i].number.kind > category(common) || args[i].number.kind == Category::Bool) return false;
      f.constants |= 1u << i;
      store_scalar(args[i].number, common, f.value[i]);
      continue;
    }
    TensorObject* t = args[i].tensor;
    f.data[i] = t->data();
    f.dtype[i] = t->dtype;
    const bool same = t->sizes == first->sizes;
    if (same && t->is_contiguous()) {
      if (t->dtype != common) f.converted |= 1u << i;
    } else if ((same || t->ndim() == 0) && t->dtype == common) {
      f.constants |= 1u << i;
      std::memcpy(f.value[i], f.data[i], static_cast<size_t>(item_size(common)));
    } else {
      return false;
    }
  }
  return true;
}

bool can_write(const Tensor& out, DType dtype, const TensorObject* first, const Arg* args, size_t n) {
  if (out->dtype != dtype || !(out->sizes == first->sizes) || !out->is_contiguous()) return false;
  for (size_t i = 0; i < n; ++i)
    if (args[i].tag == Arg::Tensor_ && args[i].tensor != out.get() && may_overlap(out, args[i].as_tensor()) &&
        (!same_memory_layout(out, args[i].as_tensor()) || args[i].tensor->dtype != dtype))
      return false;
  return true;
}

bool run_simple(const OpDef& op, const Arg* args, size_t n, const Tensor& out, Tensor& result) {
  const PointwiseOp& p = *op.pointwise;
  DType common;
  const TensorObject* first = leading_operand(args, n, common);
  if (!first || !is_native(common)) return false;
  if (p.result == ResultType::Own && (args[0].tag != Arg::Tensor_ || args[0].tensor->dtype != common)) return false;
  Flat f;
  f.op = &p;
  f.column = column_of(common);
  f.type = common;
  f.arity = static_cast<int>(n);
  if (!p.supports(f.column) || (f.column == Column::I64 && p.result == ResultType::Float)) return false;
  if (!sort_operands(f, args, n, first, common)) return false;
  if (f.converted && (p.result == ResultType::Own || (p.def && p.def->refuses_bool))) return false;
  if (f.column == Column::I64 && p.def && p.def->may_divide_by_zero) check_divisor(op, args[1], common);
  if (const PointwiseOp* power = known_power(op, args, f.column)) {
    f.op = power;
    f.arity = 1;
    f.constants = 0;
  }
  const DType out_dtype = p.result == ResultType::Bool ? DType::Bool : common;
  if (out) {
    if (!can_write(out, out_dtype, first, args, n)) return false;
    result = out;
  } else {
    result = empty(first->sizes, out_dtype);
  }
  f.out = result->data();
  f.out_item = item_size(out_dtype);
  const int64_t numel = first->numel;
  f.ahead = numel * (f.arity * item_size(f.type) + f.out_item) > kSecondCache * num_threads();
  if (numel <= kGrain) {
    run_flat(f, 0, numel);
  } else {
    GilRelease unlocked(numel > kLongWork);
    parallel_for(numel, kGrain, [&](int64_t b, int64_t e) { run_flat(f, b, e); });
  }
  return true;
}

// Bits are combined alike in every type: contiguous operands of one small type are taken eight bytes at a time.
bool run_bitwise(const OpDef& op, const Arg* args, size_t n, const Tensor& out, Tensor& result) {
  static const OpDef &both = find_op("bitwise_and"), &either = find_op("bitwise_or"), &one = find_op("bitwise_xor"),
                     &invert = find_op("bitwise_not");
  if (&op != &both && &op != &either && &op != &one && &op != &invert) return false;
  DType common;
  const TensorObject* first = leading_operand(args, n, common);
  if (!first || !is_integral(common) || (common == DType::Bool && &op == &invert)) return false;
  for (size_t i = 0; i < n; ++i)
    if (args[i].tag != Arg::Tensor_ || args[i].tensor->dtype != common || !args[i].tensor->is_contiguous() ||
        !(args[i].tensor->sizes == first->sizes))
      return false;
  if (out && !can_write(out, common, first, args, n)) return false;
  result = out ? out : empty(first->sizes, common);
  const int64_t bytes = first->numel * item_size(common), words = bytes / 8, rest = bytes % 8;
  const char* data[2] = {args[0].tensor->data(), args[n - 1].tensor->data()};
  char* to = result->data();
  parallel_for(words, kGrain, [&](int64_t begin, int64_t end) {
    const void* in[2] = {data[0] + begin * 8, data[1] + begin * 8};
    run_kernel(*op.pointwise, Column::I64, end - begin, to + begin * 8, in);
  });
  if (rest) {
    int64_t word[3] = {};
    for (int i = 0; i < 2; ++i) std::memcpy(&word[i], data[i] + words * 8, static_cast<size_t>(rest));
    const void* in[2] = {&word[0], &word[1]};
    run_kernel(*op.pointwise, Column::I64, 1, &word[2], in);
    std::memcpy(to + words * 8, &word[2], static_cast<size_t>(rest));
  }
  return true;
}

}  // namespace facula
