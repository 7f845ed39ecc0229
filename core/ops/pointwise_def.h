// What the table knows about a pointwise operation: its formula in every form. Tensors are handled in apply.cpp.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "expr/expr.h"

namespace facula {

// The types that formulas are computed in. Half and bfloat16 go through F32, every integer type and bool through I64
// (wrap-around arithmetic survives the truncation on the way out), block by block in L1. The most used formulas have
// kernels of those types as well, which convert in registers or need not.
enum class Column : uint8_t { F32, F64, I64, C64, C128 };
inline constexpr int kColumns = 5;
inline constexpr int kOwnTypes = 8;  // bool to bfloat16 (DType's order)
inline constexpr int kMaxOperands = 4;

// Contiguous block of n results from contiguous blocks of operands, all of the column's type. `out` may be one of `in`.
// A comparison or predicate writes bool (one byte) instead of the column's type.
using PointwiseKernel = void (*)(int64_t n, void* out, const void* const* in);

// The same over elements as they are stored in a narrower type, a multiple of cpu::kStoredStep (cpu/pointwise.h).
using StoredKernel = void (*)(int64_t n, void* out, const void* const* in, uint32_t constants);

// Rows of results from rows of operands or one value a row (cpu/pointwise.h).
using RowKernel = void (*)(int64_t rows, int64_t n, void* out, int64_t out_step, const void* const* in,
                           const int64_t* in_step, uint32_t how);

enum class ResultType : uint8_t {
  Promoted,  // the promoted type of the operands: add
  Own,       // the type of operand 0, which the others are converted to: leaky_relu
  Float,     // integers become the default float type first: exp
  Bool,      // a predicate; operands are compared in their promoted type: lt, isnan
};

struct PointwiseDef {
  const char* name;       // "gelu_tanh"
  const char* node_name;  // "GeluBackward0": what grad_fn shows, PyTorch's name
  uint8_t arity;          // operands; parameters such as leaky_relu's slope are operands too
  ResultType result;
  bool saves_result;        // derivative is a formula of (gradient, result) instead of (gradient, operands...)
  uint8_t differentiable;   // bit j: operand j has a derivative (a zero derivative counts: floor)
  bool may_divide_by_zero;  // I64: the kernel gives 0 for a zero divisor (operand 1); the caller raises the error
  bool refuses_bool;        // computed as integers, but not for truth values
  uint8_t fits, fits_float, fits_wide, aside;  // bits of operands: how numbers are checked (ops/pointwise.h)
  PointwiseKernel kernel[kColumns];            // null: this column is not supported
  StoredKernel own[kOwnTypes];                 // of contiguous elements of these types; null: by way of a column
  RowKernel rows[2];                           // F32, F64; null: values are spread over blocks
  StoredKernel held[2];                        // F32, F64, single values in registers; null: spread over blocks
  // Gradient of operand j: kernel over the blocks (gradient, operands...) or (gradient, result).
  // Null: the interpreter runs derivative_expr(j).
  PointwiseKernel derivative[kMaxOperands][2];  // [j][F32 or F64]
  Expr (*expr)(const Expr* operands);
  // gradient * d formula / d operand j, over operands (gradient, x0..) or (gradient, result) as saves_result says.
  Expr (*derivative_expr)(int j, const Expr* operands);
};

// All formulas of ops/pointwise.h in its order, with the kernels of the chosen instruction set.
const PointwiseDef* pointwise_defs(int* count);

}  // namespace facula
