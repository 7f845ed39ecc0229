// What the ways of running a pointwise operation share: pointwise.cpp walks any layout, pointwise_flat.cpp only what
// lies side by side, pointwise_stored.cpp that of narrow types. Private to them.
#pragma once
#include "base/gil.h"
#include "ops/ops.h"
#include "ops/pointwise_op.h"
#include "runtime/parallel.h"

namespace facula {

// Elements of one block of an operand: with a handful of operands all blocks stay in a 32 KiB L1 cache.
inline constexpr int64_t kBlockBytes = 512 * 8;
inline constexpr int kMaxSources = kMaxDerivedOperands;
// Pieces for the pool: about 20 us of a cheap operation.
inline constexpr int64_t kGrain = 32768;
// Bytes beyond which a thread asks for memory ahead of use.
inline constexpr int64_t kSecondCache = 1 << 20;

inline Column column_of(DType t) {
  switch (t) {
    case DType::Float64: return Column::F64;
    case DType::Complex64: return Column::C64;
    case DType::Complex128: return Column::C128;
    default: return is_integral(t) ? Column::I64 : Column::F32;
  }
}
inline constexpr DType kColumnType[kColumns] = {DType::Float32, DType::Float64, DType::Int64, DType::Complex64,
                                                DType::Complex128};
inline DType type_of(Column c) { return kColumnType[static_cast<int>(c)]; }
inline bool is_native(DType t) { return type_of(column_of(t)) == t; }

// A number as an element of a column's type.
void store_scalar(const Scalar& s, DType dtype, void* to);
void run_kernel(const PointwiseOp& op, Column column, int64_t n, void* out, const void* const* in);
// Raises the error of an integer division by zero.
void check_divisor(const OpDef& op, const Arg& divisor, DType type);  // of the whole call
// What a power with a number for an exponent is computed as; null: as a power.
const PointwiseOp* known_power(const OpDef& op, const Arg* args, Column column);
// One element seen through zero strides: what the gradient of a sum looks like.
bool is_expanded_value(const TensorObject* t);

// May the result be written over `out` while the operands are read?
bool can_write(const Tensor& out, DType dtype, const TensorObject* first, const Arg* args, size_t n);
// False: the call needs the general way, and nothing was written.
bool run_simple(const OpDef& op, const Arg* args, size_t n, const Tensor& out, Tensor& result);
bool run_stored(const OpDef& op, const Arg* args, size_t n, const Tensor& out, Tensor& result);
bool run_bitwise(const OpDef& op, const Arg* args, size_t n, const Tensor& out, Tensor& result);

}  // namespace facula
