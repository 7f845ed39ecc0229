// Pointwise operations on types narrower than those formulas are compiled for, where the line has kernels over the
// elements as they are stored: operands that run along the result, or are one value. Anything else goes block by block.
#include <algorithm>
#include <cstring>

#include "cpu/copy.h"
#include "cpu/pointwise.h"
#include "ops/pointwise_run.h"

namespace facula {

// Bytes of one operand in a piece for the pool: about 20 us of a cheap operation.
static constexpr int64_t kGrainBytes = 1 << 17;

namespace {
struct Stored {
  int arity;
  StoredKernel kernel;
  int64_t item, out_item;
  const char* in[kMaxOperands];
  alignas(8) char value[kMaxOperands][8];
  uint32_t constants = 0;
  char* out;
};
}  // namespace

// Whole steps where they lie, the rest in a step of its own.
static void run(const Stored& s, int64_t begin, int64_t end) {
  const void* in[kMaxOperands];
  for (int i = 0; i < s.arity; ++i) in[i] = s.in[i] + (s.constants >> i & 1 ? 0 : begin * s.item);
  const int64_t rest = (end - begin) % cpu::kStoredStep, whole = end - begin - rest;
  char* out = s.out + begin * s.out_item;
  s.kernel(whole, out, in, s.constants);
  if (rest == 0) return;
  alignas(64) char step[kMaxOperands + 1][cpu::kStoredStep * 4];
  for (int i = 0; i < s.arity; ++i) {
    if (s.constants >> i & 1) continue;
    std::memset(step[i], 0, static_cast<size_t>(cpu::kStoredStep * s.item));
    std::memcpy(step[i], static_cast<const char*>(in[i]) + whole * s.item, static_cast<size_t>(rest * s.item));
    in[i] = step[i];
  }
  s.kernel(cpu::kStoredStep, step[kMaxOperands], in, s.constants);
  std::memcpy(out + whole * s.out_item, step[kMaxOperands], static_cast<size_t>(rest * s.out_item));
}

// A number as a lane of the type holds it: float for a 16-bit float; an integer only where it fits.
static bool store_number(const Scalar& s, DType type, void* to) {
  if (s.kind == Category::Bool || s.kind > category(type)) return false;
  if (is_floating(type)) {
    *static_cast<float*>(to) = static_cast<float>(s.to_double());
    return true;
  }
  const int64_t x = s.to_int(), bits = 8 * item_size(type);
  const int64_t lowest = type == DType::UInt8 ? 0 : -(int64_t{1} << (bits - 1));
  if (type == DType::Bool || x < lowest || x > lowest + (int64_t{1} << bits) - 1) return false;
  cpu::copy().convert[index_of(DType::Int64)][index_of(type)](1, &x, 1, to, 1);
  return true;
}

// Sorts the operands into streams and single values; false: one of them broadcasts or changes the type.
static bool sort_operands(const Arg* args, size_t n, const TensorObject* first, Stored& s) {
  const DType type = first->dtype, lane = is_floating(type) ? DType::Float32 : type;
  for (size_t i = 0; i < n; ++i) {
    s.in[i] = s.value[i];
    if (args[i].tag != Arg::Tensor_) {
      if (!store_number(args[i].number, type, s.value[i])) return false;
      s.constants |= 1u << i;
      continue;
    }
    const TensorObject* t = args[i].tensor;
    if (t->dtype != type) return false;
    if (t->is_contiguous() && t->sizes == first->sizes) {
      s.in[i] = t->data();
    } else if (t->ndim() == 0) {
      cpu::copy().convert[index_of(type)][index_of(lane)](1, t->data(), 1, s.value[i], 1);
      s.constants |= 1u << i;
    } else {
      return false;
    }
  }
  return true;
}

static const TensorObject* leading_tensor(const Arg* args, size_t n) {
  const TensorObject* first = nullptr;
  for (size_t i = 0; i < n; ++i)
    if (args[i].tag == Arg::Tensor_ && (!first || (first->ndim() == 0 && args[i].tensor->ndim() > 0)))
      first = args[i].tensor;
  return first;
}

bool run_stored(const OpDef& op, const Arg* args, size_t n, const Tensor& out, Tensor& result) {
  static const OpDef &invert = find_op("bitwise_not"), &logical_not = find_op("logical_not");
  const TensorObject* first = leading_tensor(args, n);
  if (!first || index_of(first->dtype) >= kOwnTypes || !first->is_contiguous()) return false;
  const DType type = first->dtype;
  const PointwiseOp* p = (&op == &invert && type == DType::Bool ? logical_not : op).pointwise;
  if (const PointwiseOp* power = known_power(op, args, column_of(type))) p = power;
  Stored s;
  s.kernel = p->own[index_of(type)];
  if (!s.kernel || !sort_operands(args, n, first, s)) return false;
  s.arity = p->arity;
  const DType out_type = p->result == ResultType::Bool ? DType::Bool : type;
  if (out && !can_write(out, out_type, first, args, n)) return false;
  result = out ? out : empty(first->sizes, out_type);
  s.out = result->data();
  s.item = item_size(type);
  s.out_item = item_size(out_type);
  const int64_t numel = first->numel, steps = (numel + cpu::kStoredStep - 1) / cpu::kStoredStep;
  GilRelease unlocked(numel > kLongWork);
  parallel_for(steps, kGrainBytes / (cpu::kStoredStep * s.item), [&](int64_t begin, int64_t end) {
    run(s, begin * cpu::kStoredStep, std::min(end * cpu::kStoredStep, numel));
  });
  return true;
}

}  // namespace facula
