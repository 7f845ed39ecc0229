// Pointwise operations on tensors: promote, broadcast, allocate, run the formula's kernel block by block, record.
// Formulas and kernels are elsewhere (ops/pointwise.h, cpu/pointwise*.cpp); this file knows none of them.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <string>

#include "cpu/copy.h"
#include "cpu/pointwise.h"
#include "expr/program.h"
#include "ops/barebones.h"
#include "ops/batch.h"
#include "ops/checked.h"
#include "ops/pointwise_run.h"
#include "ops/promote.h"
#include "ops/record.h"
#include "tensor/layout.h"

namespace facula {

void store_scalar(const Scalar& s, DType dtype, void* to) {
  double re = s.to_double();
  switch (dtype) {
    case DType::Float32: *static_cast<float*>(to) = static_cast<float>(re); break;
    case DType::Float64: *static_cast<double*>(to) = re; break;
    case DType::Int64: *static_cast<int64_t*>(to) = s.to_int(); break;
    case DType::Complex64:
      *static_cast<Complex<float>*>(to) = {static_cast<float>(re), static_cast<float>(s.im)};
      break;
    default: *static_cast<Complex<double>*>(to) = {re, s.im}; break;
  }
}

// ---- running a kernel over blocks ----

// One operand (or the result) over the loop's dimensions.
struct Stream {
  enum Mode : uint8_t { Direct, Constant, Strided } mode = Direct;
  char* data = nullptr;
  DType dtype{};
  int64_t item = 0;
  Dims strides;                     // elements, in loop order (outermost first), coalesced
  alignas(16) char value[16] = {};  // Constant, in the column's type
};

struct Loop {
  const PointwiseOp* op;
  Column column;
  int num_sources;
  Stream sources[kMaxSources];
  Stream out;
  DType out_type;  // what the kernel writes: the column's type, or bool
  Dims sizes;
  int64_t numel;
};

void run_kernel(const PointwiseOp& op, Column column, int64_t n, void* out, const void* const* in) {
  if (PointwiseKernel kernel = op.kernel[static_cast<int>(column)]) {
    if (op.kernel_arity == op.arity) return kernel(n, out, in);
    const void* spread[kMaxDerivedOperands + 1];
    for (int i = 0; i < op.kernel_arity; ++i) spread[i] = in[0];
    for (int i = 0; i < op.arity; ++i) spread[op.kernel_slot[i]] = in[i];
    return kernel(n, out, spread);
  }
  const Program* program = column >= Column::C64 ? op.complex_form(column) : op.program[column == Column::F64];
  program->run(n, out, in);
}

// Position of linear index `start` in the loop's dimensions; returns the element offset of a stream there.
static int64_t locate(const Dims& sizes, const Dims& strides, int64_t start, int64_t* at) {
  int64_t offset = 0;
  for (size_t d = sizes.size(); d-- > 0;) {
    at[d] = start % sizes[d];
    start /= sizes[d];
    offset += at[d] * strides[d];
  }
  return offset;
}

// Calls run(count, offset, done) for every run along the innermost dimension of [start, start + n).
template <class F>
static void for_runs(const Dims& sizes, const Dims& strides, int64_t start, int64_t n, F&& run) {
  int64_t at[kMaxDims];
  int64_t offset = locate(sizes, strides, start, at);
  size_t last = sizes.size() - 1;
  for (int64_t done = 0; done < n;) {
    int64_t count = std::min(n - done, sizes[last] - at[last]);
    run(count, offset, done);
    done += count;
    at[last] += count;
    offset += count * strides[last];
    for (size_t d = last; at[d] == sizes[d] && d > 0; --d) {
      offset += strides[d - 1] - at[d] * strides[d];
      at[d] = 0;
      ++at[d - 1];
    }
  }
}

// Rows in which every operand either lies side by side or is one value need no block but that of the value, and not
// even that where the formula has a kernel for them; without one they have to be long.
constexpr int64_t kLongRow = 128, kShortRow = 8;
static RowKernel row_kernel(const Loop& loop) {
  return loop.column <= Column::F64 ? loop.op->rows[loop.column == Column::F64] : nullptr;
}
static bool has_plain_rows(const Loop& loop) {
  if (loop.sizes.back() < (row_kernel(loop) ? kShortRow : kLongRow)) return false;
  if (loop.out.dtype != loop.out_type || loop.out.strides.back() != 1) return false;
  for (int i = 0; i < loop.num_sources; ++i) {
    const Stream& s = loop.sources[i];
    if (s.mode == Stream::Constant) continue;
    if (s.dtype != type_of(loop.column) || (s.strides.back() != 1 && s.strides.back() != 0)) return false;
  }
  return true;
}

// How the operands of rows lie, and the walk from row to row.
struct Rows {
  const Loop& loop;
  const size_t last;                   // dimension, along the row; the one before it counts rows
  uint32_t values = 0, constants = 0;  // bits of operands: one value for a row, or for all of them
  uint32_t ahead = 0;                  // kernel bits: what is asked for ahead of use
  char* at[kMaxSources + 1] = {};      // what is left of the row: of operands, and of the result
  int64_t step[kMaxSources + 1] = {};  // bytes from row to row
  int64_t index[kMaxDims];

  Rows(const Loop& l, int64_t begin) : loop(l), last(l.sizes.size() - 1) {
    int64_t bytes = loop.out.item;
    for (int i = 0; i < loop.num_sources; ++i) {
      const Stream& s = loop.sources[i];
      if (s.mode == Stream::Constant) {
        constants |= 1u << i;
        at[i] = const_cast<char*>(s.value);
        continue;
      }
      place(i, s, begin);
      if (s.strides[last] == 0) {
        values |= 1u << i;
      } else if (step[i] != 0) {
        ahead |= cpu::kAhead << i;
        bytes += s.item;
      }
    }
    place(loop.num_sources, loop.out, begin);
    ahead = bytes * loop.numel > kSecondCache * num_threads() ? ahead | cpu::kAheadOut : 0;
  }
  void place(int i, const Stream& s, int64_t begin) {
    at[i] = s.data + s.item * locate(loop.sizes, s.strides, begin, index);
    step[i] = s.item * s.strides[last - 1];
  }
  void move(size_t d, int64_t by) {
    for (int i = 0; i <= loop.num_sources; ++i) {
      const Stream& s = i < loop.num_sources ? loop.sources[i] : loop.out;
      if (s.mode != Stream::Constant) at[i] += s.item * s.strides[d] * by;
    }
  }
  // Elements of the row that are left, of `most`.
  int64_t left(int64_t most) const { return std::min(most, loop.sizes[last] - index[last]); }
  // Rows that are left before another dimension moves, of those that `most` elements fill; 1 for a part of a row.
  int64_t rows_left(int64_t most) const {
    if (index[last] || most < loop.sizes[last]) return 1;
    return std::min(most / loop.sizes[last], loop.sizes[last - 1] - index[last - 1]);
  }
  void next(int64_t rows) {
    if (index[last]) move(last, -index[last]);
    index[last] = 0;
    for (int i = 0; i <= loop.num_sources; ++i) at[i] += step[i] * rows;
    size_t d = last - 1;
    for (index[d] += rows; index[d] == loop.sizes[d] && d > 0; --d, ++index[d]) {
      move(d, -index[d]);
      move(d - 1, 1);
      index[d] = 0;
    }
  }
};

static void run_rows(const Loop& loop, int64_t begin, int64_t end) {
  Rows r(loop, begin);
  const uint32_t filled = r.values | r.constants;
  char*& to = r.at[loop.num_sources];
  if (const RowKernel kernel = row_kernel(loop)) {
    for (int64_t start = begin; start < end;) {
      const int64_t rows = r.rows_left(end - start), n = r.left(end - start);
      kernel(rows, n, to, r.step[loop.num_sources], reinterpret_cast<void**>(r.at), r.step, filled | r.ahead);
      start += rows * n;
      r.next(rows);
    }
    return;
  }
  alignas(64) char blocks[kMaxSources][kBlockBytes];
  const int64_t item = item_size(type_of(loop.column)), block = filled ? kBlockBytes / item : loop.sizes.back();
  const auto& kernels = cpu::copy();
  for (int i = 0; i < loop.num_sources; ++i)
    if (r.constants >> i & 1) kernels.fill_contiguous(item, block, blocks[i], r.at[i]);
  for (int64_t start = begin, length; start < end; start += length, r.next(1)) {
    length = r.left(end - start);
    for (int i = 0; i < loop.num_sources; ++i)
      if (r.values >> i & 1) kernels.fill_contiguous(item, std::min(block, length), blocks[i], r.at[i]);
    for (int64_t k = 0; k < length; k += block) {
      const void* in[kMaxSources];
      for (int i = 0; i < loop.num_sources; ++i) in[i] = filled >> i & 1 ? blocks[i] : r.at[i] + k * item;
      run_kernel(*loop.op, loop.column, std::min(block, length - k), to + k * loop.out.item, in);
    }
  }
}

static void run_range(const Loop& loop, int64_t begin, int64_t end) {
  if (loop.sizes.size() > 1 && has_plain_rows(loop)) return run_rows(loop, begin, end);
  alignas(64) char blocks[kMaxSources + 1][kBlockBytes];
  const int64_t item = item_size(type_of(loop.column));
  const int64_t block = kBlockBytes / item;
  const DType column_type = type_of(loop.column);
  const auto& kernels = cpu::copy();
  bool all_direct = loop.out.mode == Stream::Direct;
  const void* in[kMaxSources];
  for (int i = 0; i < loop.num_sources; ++i) {
    all_direct &= loop.sources[i].mode == Stream::Direct;
    in[i] = blocks[i];
    if (loop.sources[i].mode == Stream::Constant)
      kernels.fill_contiguous(item, std::min(block, end - begin), blocks[i], loop.sources[i].value);
  }
  int64_t step = all_direct ? end - begin : block;
  for (int64_t start = begin; start < end; start += step) {
    int64_t n = std::min(step, end - start);
    for (int i = 0; i < loop.num_sources; ++i) {
      const Stream& s = loop.sources[i];
      if (s.mode == Stream::Direct) {
        in[i] = s.data + start * s.item;
      } else if (s.mode == Stream::Strided) {
        auto convert = kernels.convert[index_of(s.dtype)][index_of(column_type)];
        for_runs(loop.sizes, s.strides, start, n, [&](int64_t count, int64_t offset, int64_t done) {
          convert(count, s.data + offset * s.item, s.strides.back(), blocks[i] + done * item, 1);
        });
      }
    }
    if (loop.out.mode == Stream::Direct) {
      run_kernel(*loop.op, loop.column, n, loop.out.data + start * loop.out.item, in);
      continue;
    }
    char* result = blocks[kMaxSources];
    run_kernel(*loop.op, loop.column, n, result, in);
    auto convert = kernels.convert[index_of(loop.out_type)][index_of(loop.out.dtype)];
    int64_t result_item = item_size(loop.out_type);
    for_runs(loop.sizes, loop.out.strides, start, n, [&](int64_t count, int64_t offset, int64_t done) {
      convert(count, result + done * result_item, 1, loop.out.data + offset * loop.out.item, loop.out.strides.back());
    });
  }
}

static void run_loop(const Loop& loop) {
  if (loop.numel == 0) return;
  if (loop.numel <= kGrain) return run_range(loop, 0, loop.numel);
  GilRelease unlocked(loop.numel > kLongWork);
  parallel_for(loop.numel, kGrain, [&](int64_t b, int64_t e) { run_range(loop, b, e); });
}

// ---- building the loop ----

// Strides of t as seen from the broadcast shape.
static Dims broadcast_strides(const Tensor& t, const Dims& sizes) {
  Dims out(sizes.size(), 0);
  size_t lead = sizes.size() - t->sizes.size();
  for (size_t i = 0; i < t->sizes.size(); ++i) out[lead + i] = t->sizes[i] == 1 ? 0 : t->strides[i];
  return out;
}

// Dimensions in the order of the result's memory, neighbours merged where every stream allows.
static void order_and_coalesce(Loop& loop) {
  size_t ndim = loop.sizes.size();
  SmallVector<int, 8> order;
  for (size_t i = 0; i < ndim; ++i)
    if (loop.sizes[i] != 1) order.push_back(static_cast<int>(i));
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return loop.out.strides[a] > loop.out.strides[b]; });
  Stream* streams[kMaxSources + 1];
  int n = 0;
  streams[n++] = &loop.out;
  for (int i = 0; i < loop.num_sources; ++i)
    if (loop.sources[i].mode != Stream::Constant) streams[n++] = &loop.sources[i];
  Dims sizes;
  SmallVector<Dims, 4> strides(static_cast<size_t>(n));
  for (int d : order) {
    bool merge = !sizes.empty();
    for (int s = 0; s < n && merge; ++s) merge = strides[s].back() == streams[s]->strides[d] * loop.sizes[d];
    if (merge) {
      sizes.back() *= loop.sizes[d];
      for (int s = 0; s < n; ++s) strides[s].back() = streams[s]->strides[d];
    } else {
      sizes.push_back(loop.sizes[d]);
      for (int s = 0; s < n; ++s) strides[s].push_back(streams[s]->strides[d]);
    }
  }
  if (sizes.empty()) {
    sizes.push_back(1);
    for (int s = 0; s < n; ++s) strides[s].push_back(1);
  }
  loop.sizes = std::move(sizes);
  for (int s = 0; s < n; ++s) streams[s]->strides = std::move(strides[s]);
  // A stream without gaps needs no block of its own, whatever the others look like.
  const Dims gapless = contiguous_strides(loop.sizes);
  auto mode_of = [&](const Stream& s, DType wanted) {
    return s.strides == gapless && s.dtype == wanted ? Stream::Direct : Stream::Strided;
  };
  loop.out.mode = mode_of(loop.out, loop.out_type);
  for (int s = 1; s < n; ++s) streams[s]->mode = mode_of(*streams[s], type_of(loop.column));
}

bool is_expanded_value(const TensorObject* t) {
  if (t->numel == 0) return false;
  for (size_t d = 0; d < t->sizes.size(); ++d)
    if (t->strides[d] != 0 && t->sizes[d] != 1) return false;
  return true;
}

// The dimensions lie in memory as those of the operands do.
static Tensor allocate_result(const Arg* args, size_t n, const Dims& sizes, DType dtype) {
  bool plain = true;
  SmallVector<Dims, 4> strides;
  for (size_t i = 0; i < n; ++i) {
    if (args[i].tag != Arg::Tensor_) continue;
    const Tensor& t = args[i].as_tensor();
    plain &= t->is_contiguous();
    if (t->sizes == sizes && strides.empty() && !(!t->is_contiguous() && is_expanded_value(t.get()))) {
      if (t->is_contiguous()) break;  // it alone decides
      if (is_dense(t)) return empty_strided(sizes, t->strides, dtype);
    }
    Dims own(sizes.size(), 0);
    const size_t front = sizes.size() - t->sizes.size();
    for (size_t d = 0; d < t->sizes.size(); ++d)
      if (t->sizes[d] == sizes[front + d]) own[front + d] = t->strides[d];
    strides.push_back(std::move(own));
  }
  return plain ? empty(sizes, dtype)
               : empty_strided(sizes, following_strides(sizes, &strides[0], strides.size()), dtype);
}

static void unsupported(const OpDef& op, DType t) {
  static const OpDef &addcdiv = find_op("addcdiv"), &hardtanh = find_op("hardtanh");
  FACULA_CHECK(&op != &hardtanh || t != DType::Bool, Runtime,
               "Bool inputs not supported for hardtanh; convert with x.float() first");
  FACULA_CHECK(&op != &addcdiv, Runtime,
               "Integer division with addcdiv is no longer supported; use input + value * "
               "torch.trunc(tensor1 / tensor2), or floats");
  fail(ErrorKind::NotImplemented, "\"", op.name, "\" not implemented for '", scalar_type_name(t), "'");
}

static Column choose_column(const OpDef& op, DType common) {
  const PointwiseOp& p = *op.pointwise;
  Column c = p.result == ResultType::Float && is_integral(common) ? column_of(default_dtype) : column_of(common);
  if (!p.supports(c)) unsupported(op, common);
  return c;
}

static DType result_type(const OpDef& op, DType common) {
  static const OpDef& square = find_op("square");
  if (&op == &square && common == DType::Bool) return DType::Int64;  // as pow with a number
  switch (op.pointwise->result) {
    case ResultType::Bool: return DType::Bool;
    case ResultType::Float: return is_integral(common) ? default_dtype : common;
    default: return common;
  }
}

template <class T>
static bool any_zero(const void* data, int64_t n) {
  std::atomic<bool> found{false};
  parallel_for(n, kGrain, [&](int64_t begin, int64_t end) {
    const T* p = static_cast<const T*>(data);
    T zero = 0;
    for (int64_t i = begin; i < end; ++i) zero |= p[i] == 0;
    if (zero) found = true;
  });
  return found;
}
void check_divisor(const OpDef& op, const Arg& divisor, DType type) {
  static const OpDef& pow = find_op("pow");
  if (&op == &pow) {
    FACULA_CHECK(divisor.tag != Arg::Number || divisor.number.to_int() >= 0, Runtime,
                 "Integers to negative integer powers are not allowed.");
    if (divisor.tag == Arg::Number) ops::check_fits(divisor.number, type);
    return;
  }
  bool zero = false;
  if (divisor.tag == Arg::Number) {
    zero = ops::wrapped(divisor.number, type).i == 0;
  } else {
    Tensor t = ops::contiguous_memory(divisor.as_tensor());
    switch (t->item_size()) {
      case 1: zero = any_zero<uint8_t>(t->data(), t->numel); break;
      case 2: zero = any_zero<uint16_t>(t->data(), t->numel); break;
      case 4: zero = any_zero<uint32_t>(t->data(), t->numel); break;
      default: zero = any_zero<uint64_t>(t->data(), t->numel); break;
    }
  }
  FACULA_CHECK(!zero, Runtime, "ZeroDivisionError: ", op.name, "(): an integer tensor was divided by zero");
}

const PointwiseOp* known_power(const OpDef& op, const Arg* args, Column column) {
  static const OpDef &pow = find_op("pow"), &square = find_op("square"), &sqrt = find_op("sqrt"),
                     &reciprocal = find_op("reciprocal"), &rsqrt = find_op("rsqrt");
  if (&op != &pow || args[1].tag != Arg::Number || column > Column::I64) return nullptr;
  const Scalar& exponent = args[1].number;
  if (exponent.equals(2)) return square.pointwise;
  if (column == Column::I64) return nullptr;
  if (exponent.equals(-0.5)) return rsqrt.pointwise;
  return exponent.equals(0.5) ? sqrt.pointwise : exponent.equals(-1) ? reciprocal.pointwise : nullptr;
}

static void check_overlap(const Tensor& out, const Tensor& in) {
  if (!may_overlap(out, in) || same_memory_layout(out, in)) return;
  if (is_dense(out) && is_dense(in))
    fail(ErrorKind::Runtime,
         "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory "
         "location. Please clone() the tensor before performing the operation.");
}

// Where the result goes: a new tensor, or the one given, checked before anything is written.
static Tensor prepare_out(const OpDef& op, const Arg* args, size_t n, const Tensor& out, Form form, const Dims& sizes,
                          DType dtype) {
  if (!out) return allocate_result(args, n, sizes, dtype);
  FACULA_CHECK(category(dtype) <= category(out->dtype), Runtime, "result type ", scalar_type_name(dtype),
               " can't be cast to the desired output type ", scalar_type_name(out->dtype));
  if (out->sizes != sizes) {
    FACULA_CHECK(form != Form::InPlace, Runtime, "output with shape ", out->sizes,
                 " doesn't match the broadcast shape ", sizes, ": ", op.name,
                 "_() cannot change the shape of the tensor it writes to");
    resize_memory(out, sizes);
  }
  for (size_t i = 0; i < n; ++i)
    if (args[i].tag == Arg::Tensor_) check_overlap(out, args[i].as_tensor());
  return out;
}

// A difference with truth values has no meaning in any type.
static void refuse_bool_difference(const OpDef& op, const Arg* args, size_t n) {
  static const OpDef &sub = find_op("sub"), &rsub = find_op("rsub"), &scaled = find_op("sub_alpha");
  if (&op != &sub && &op != &rsub && &op != &scaled) return;
  for (size_t i = 0; i < n; ++i)
    FACULA_CHECK(
        args[i].tag == Arg::Tensor_ ? args[i].tensor->dtype != DType::Bool : args[i].number.kind != Category::Bool,
        Runtime,
        "Subtraction, the `-` operator, with a bool tensor is not supported. Use the `^` or `logical_xor()` "
        "operator, or convert it first.");
}

// Truth values are computed as integers, which is wrong for bitwise_not; what PyTorch refuses is refused.
static const OpDef& for_bool(const OpDef& op) {
  static const OpDef &invert = find_op("bitwise_not"), &logical_not = find_op("logical_not"), &neg = find_op("neg");
  FACULA_CHECK(&op != &neg, Runtime,
               "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to "
               "invert a mask, use the `~` or `logical_not()` operator instead.");
  if (op.pointwise->def && op.pointwise->def->refuses_bool) unsupported(op, DType::Bool);
  return &op == &invert ? logical_not : op;
}

static Tensor run_general(const OpDef& table_op, const Arg* args, size_t n, const Tensor& out, Form form) {
  TypePromotion promotion;
  const bool own = table_op.pointwise->result == ResultType::Own;
  const uint32_t aside = table_op.pointwise->def ? table_op.pointwise->def->aside : 0;
  Dims sizes;
  bool first = true;
  for (size_t i = 0; i < n; ++i) {
    if ((i == 0 || !own) && !(aside >> i & 1)) promotion.add(args[i]);
    if (args[i].tag != Arg::Tensor_) continue;
    FACULA_CHECK(!own || i == 0 || args[i].tensor->dtype == promotion.result(), Runtime, table_op.name,
                 "(): expected dtype ", name_of(promotion.result()), " for argument ", i + 1, " but got dtype ",
                 name_of(args[i].tensor->dtype), "; convert it first");
    const Dims& s = args[i].as_tensor()->sizes;
    if (first)
      sizes = s;
    else
      broadcast_into(sizes, s);
    first = false;
  }
  DType common = promotion.result();
  refuse_bool_difference(table_op, args, n);
  const OpDef& op = common == DType::Bool ? for_bool(table_op) : table_op;
  Loop loop;
  loop.op = op.pointwise;
  loop.column = choose_column(op, common);
  if (loop.column == Column::I64 && op.pointwise->def && op.pointwise->def->may_divide_by_zero)
    check_divisor(op, args[1], common);
  DType dtype = result_type(op, common);
  Tensor result = prepare_out(op, args, n, out, form, sizes, dtype);
  loop.out_type = op.pointwise->result == ResultType::Bool ? DType::Bool : type_of(loop.column);
  loop.numel = result->numel;
  loop.sizes = sizes;
  const bool wraps = loop.column == Column::I64 && op.pointwise->result != ResultType::Bool;
  loop.num_sources = static_cast<int>(n);
  loop.out.data = result->data();
  loop.out.dtype = result->dtype;
  loop.out.item = result->item_size();
  loop.out.strides = result->strides;
  Tensor keep[kMaxSources];
  for (size_t i = 0; i < n; ++i) {
    Stream& s = loop.sources[i];
    if (args[i].tag == Arg::Tensor_) {
      const Tensor* t = &args[i].as_tensor();
      if ((*t)->numel == 1) {
        s.mode = Stream::Constant;
        cpu::copy().convert[index_of((*t)->dtype)][index_of(type_of(loop.column))](1, (*t)->data(), 1, s.value, 1);
        continue;
      }
      if (out && may_overlap(out, *t) && !same_memory_layout(out, *t)) {
        GradMode off(false);
        keep[i] = ops::clone(*t);
        t = &keep[i];
      }
      s.mode = Stream::Strided;
      s.data = (*t)->data();
      s.dtype = (*t)->dtype;
      s.item = (*t)->item_size();
      s.strides = broadcast_strides(*t, sizes);
    } else {
      s.mode = Stream::Constant;
      store_scalar(wraps ? ops::wrapped(args[i].number, common) : args[i].number, type_of(loop.column), s.value);
    }
  }
  if (const PointwiseOp* power = known_power(op, args, loop.column)) {
    loop.op = power;
    loop.num_sources = 1;
  }
  if (loop.numel > 0) {
    order_and_coalesce(loop);
    run_loop(loop);
  }
  return result;
}

// ---- complex operands of a formula whose derivative holds for real ones only: another entry (ops/complex.cpp) ----

static const OpDef* complex_form(const OpDef& op, const Arg* args, size_t n) {
  if (!op.pointwise->def || op.pointwise->supports(Column::C64)) return nullptr;
  for (size_t i = 0; i < n; ++i)
    if (args[i].tag == Arg::Tensor_ && is_complex(args[i].tensor->dtype))
      return lookup_op(std::string("_complex_") + op.name);
  return nullptr;
}

static Tensor run_complex_form(const OpDef& form_op, const Arg* args, size_t n, const Tensor& out, Form form) {
  static const OpDef& magnitude = find_op("_complex_abs");
  FACULA_CHECK(form != Form::InPlace || &form_op != &magnitude, Runtime,
               "In-place abs is not supported for complex tensors.");
  if (form_op.pointwise) return apply_pointwise(form_op, args, n, out, form);
  Result r;
  apply(form_op, args, n, form, r);
  Tensor value = r.tensors[0];
  if (!out || form == Form::InPlace) return value;
  FACULA_CHECK(category(value->dtype) <= category(out->dtype), Runtime, "result type ", scalar_type_name(value->dtype),
               " can't be cast to the desired output type ", scalar_type_name(out->dtype));
  if (out->sizes != value->sizes) resize_memory(out, value->sizes);
  ops::copy_memory(out, value);
  ++out->version();
  return out;
}

// ---- recording ----

static const char* pointwise_node_name(const Node* n) { return overload_name(n->op->node_name, n->args.size() != 0); }

// Note [Complex derivatives]
// A complex formula is holomorphic, and its gradient is PyTorch's: that of the conjugate Wirtinger derivative,
// g * conj(f'(x)) = conj(conj(g) * f'(x)). The derived operation computes the inner product, and is holomorphic itself.
// A real operand takes the real part, where the engine fits gradients to what they belong to.
static void pointwise_node_apply(Node* n, Gradients& outputs, Gradients& inputs) {
  const Tensor& g = outputs[0];
  if (!g) return;
  const bool complex = is_complex(n->outputs[0].dtype);
  Tensor conjugate;
  for (size_t j = 0; j < n->edges.size(); ++j) {
    if (!n->edges[j].node) continue;
    const PointwiseDerivative& d = derivative_of(*n->op, static_cast<int>(j));
    switch (d.shape) {
      case PointwiseDerivative::Zero: inputs[j] = ops::zeros(n->outputs[0].sizes, n->outputs[0].dtype); continue;
      case PointwiseDerivative::Identity: inputs[j] = g; continue;
      case PointwiseDerivative::Negated: inputs[j] = ops::neg(g); continue;
      case PointwiseDerivative::General: break;
    }
    Tensor kept[kMaxDerivedOperands];
    Arg args[kMaxDerivedOperands];
    for (size_t k = 0; k < d.operands.size(); ++k) {
      uint8_t which = d.operands[k];
      if (which == 0) {
        if (complex && !conjugate) conjugate = ops::conj(g);
        args[k] = Arg(complex ? conjugate : g);
      } else if (n->op->pointwise->saves_result) {
        kept[k] = unpack_slot(n, -1);
        args[k] = Arg(kept[k]);
      } else if (n->args[which - 1].tag == Arg::Number) {
        args[k] = n->args[which - 1];
      } else {
        kept[k] = unpack_slot(n, which - 1);
        args[k] = Arg(kept[k]);
      }
    }
    inputs[j] = apply_pointwise(*d.op, args, d.operands.size(), Tensor(), Form::Functional);
    if (complex) inputs[j] = ops::conj(inputs[j]);
  }
}
static const NodeClass kPointwiseNode = {pointwise_node_name, pointwise_node_apply};

// The node of a call, with what its derivatives need saved; the result is added by the caller.
static Node* record(const OpDef& op, const Arg* args, size_t n, uint32_t& saves, bool in_place) {
  Node* node = new_node(&kPointwiseNode);
  node->op = &op;
  saves = 0;
  bool numbers = false, tracked = false;
  for (size_t i = 0; i < n; ++i) {
    if (args[i].tag != Arg::Tensor_) {
      numbers = true;
      node->edges.emplace_back();
      continue;
    }
    const Tensor& t = args[i].as_tensor();
    bool wanted = (op.pointwise->differentiable >> i & 1) && is_differentiable(t->dtype);
    if (!wanted) {
      node->edges.emplace_back();
      continue;
    }
    if (Node* parent = add_edge(node, t).node) {
      saves |= derivative_of(op, static_cast<int>(i)).saves;
      tracked |= parent->tracked;
    }
  }
  try {
    for (size_t i = 0; i < n; ++i) {
      if (!(saves >> i & 1) || args[i].tag != Arg::Tensor_) continue;
      if (in_place && i == 0) {
        GradMode off(false);
        save_tensor(node, ops::clone(args[i].as_tensor()), static_cast<int32_t>(i));
      } else {
        save_tensor(node, args[i].as_tensor(), static_cast<int32_t>(i));
      }
    }
  } catch (...) {
    Py_DECREF(node->object());
    throw;
  }
  if (numbers) node->args.assign(args, n);
  if (tracked) track(node);
  return node;
}

// Refuses numbers that the type of the call cannot hold, where PyTorch does.
static void check_numbers(const OpDef& op, const Arg* args, size_t n) {
  static const OpDef& hardtanh = find_op("hardtanh");
  const PointwiseDef* def = op.pointwise->def;
  if (!def || !(def->fits | def->fits_float | def->fits_wide)) return;
  uint32_t numbers = 0;
  for (size_t i = 0; i < n; ++i) numbers |= static_cast<uint32_t>(args[i].tag == Arg::Number) << i;
  numbers &= def->fits | def->fits_float | def->fits_wide;
  if (!numbers) return;
  TypePromotion promotion;
  for (size_t i = 0; i < (def->result == ResultType::Own ? 1 : n); ++i)
    if (!(def->aside >> i & 1)) promotion.add(args[i]);
  DType type = promotion.result();
  if (def->result == ResultType::Float && is_integral(type)) type = default_dtype;
  if (!op.pointwise->supports(column_of(type))) return;
  const bool is_short = type == DType::Float16 || type == DType::BFloat16;
  if (is_short) numbers &= def->fits | def->fits_float;
  for (size_t i = 0; i < n; ++i) {
    if (!(numbers >> i & 1)) continue;
    Scalar number = args[i].number;  // hardtanh refuses negative borders of unsigned integers, as of doubles
    if (&op == &hardtanh && is_integral(type)) number = Scalar(std::trunc(number.to_double()));
    ops::check_fits(number, is_short && def->fits_float >> i & 1 ? DType::Float32 : type);
  }
}

static bool wants_gradient(const OpDef& op, const Arg* args, size_t n) {
  for (size_t i = 0; i < n; ++i)
    if (args[i].tag == Arg::Tensor_ && args[i].tensor->requires_grad() && (op.pointwise->differentiable >> i & 1))
      return true;
  return false;
}

static Tensor pointwise_in_place(const OpDef& op, const Arg* args, size_t n, const Tensor& self) {
  if (is_complex(self->dtype))
    if (const OpDef* form = complex_form(op, args, n)) return run_complex_form(*form, args, n, self, Form::InPlace);
  bool recording = mode.grad && op.node_name && is_differentiable(self->dtype) && wants_gradient(op, args, n);
  check_inplace(self, recording);
  uint32_t saves = 0;
  Node* node = recording ? record(op, args, n, saves, true) : nullptr;
  Tensor result;
  try {
    if (!run_simple(op, args, n, self, result) && !run_stored(op, args, n, self, result) &&
        !run_bitwise(op, args, n, self, result))
      run_general(op, args, n, self, Form::InPlace);
    finish_inplace(self, node);
    if (saves & kSaveResult) save_tensor(node, self, -1);
  } catch (...) {
    if (node) Py_DECREF(node->object());
    throw;
  }
  if (node) Py_DECREF(node->object());
  return self;
}

Tensor apply_pointwise(const OpDef& op, const Arg* args, size_t n, const Tensor& out, Form form) {
  if (detours & (kBatching | kBarebones)) {
    if ((detours & kBatching) && concerns_batch(op, args, n)) {
      Result r;
      apply_batched(op, args, n, form, form == Form::InPlace ? Tensor() : out, r);
      return std::move(r.tensors[0]);
    }
    if ((detours & kBarebones) && concerns_barebones(args, n, out))
      return apply_barebones_pointwise(op, args, n, out, form);
  }
  check_numbers(op, args, n);
  if (form == Form::InPlace) return pointwise_in_place(op, args, n, out);
  bool recording = mode.grad && op.node_name && wants_gradient(op, args, n);
  FACULA_CHECK(!out || !((recording && is_differentiable(out->dtype)) || (mode.grad && out->requires_grad())), Runtime,
               op.name,
               "(): functions with out=... arguments don't support automatic differentiation, "
               "but one of the arguments requires grad.");
  Tensor result;
  if (!run_simple(op, args, n, out, result) && !run_stored(op, args, n, out, result) &&
      !run_bitwise(op, args, n, out, result)) {
    if (const OpDef* complex = complex_form(op, args, n)) return run_complex_form(*complex, args, n, out, form);
    result = run_general(op, args, n, out, form);
  }
  if (mode.inference) result->flags |= kInference;
  if (out) ++out->version();
  if (recording && !out && is_differentiable(result->dtype)) {
    uint32_t saves;
    Node* node = record(op, args, n, saves, false);
    add_output(node, result);
    set_history(result, node, 0);
    try {
      if (saves & kSaveResult) save_tensor(node, result, -1);
    } catch (...) {
      Py_DECREF(node->object());
      throw;
    }
    Py_DECREF(node->object());
  }
  return result;
}

}  // namespace facula
