// A pointwise operation as the table runs it: a formula from ops/pointwise.h, or one derived from it for higher
// derivatives. Derived ones are made when first needed and live for ever; the interpreter computes them.
#pragma once
#include <atomic>
#include <memory>

#include "expr/expr.h"
#include "expr/program.h"
#include "ops/opdef.h"
#include "ops/pointwise_def.h"

namespace facula {

inline constexpr int kMaxDerivedOperands = 8;

struct PointwiseOp;

// Gradient of one operand: gradient * d f / d x_j as an operation on (gradient, x0, ...) or (gradient, result).
struct PointwiseDerivative {
  enum Shape : uint8_t { Zero, Identity, Negated, General } shape = Zero;
  const OpDef* op = nullptr;         // General: over those of (gradient, x...) that it uses
  SmallVector<uint8_t, 5> operands;  // which: 0 the gradient, 1 + i the operand i (or 1: the result)
  uint32_t saves = 0;                // bits of operand slots, or kSaveResult
};

struct PointwiseOp {
  const char* name;
  uint8_t arity;
  ResultType result;
  bool saves_result;
  uint8_t differentiable;
  uint8_t kernel_arity;                      // blocks that the kernel expects, unused ones included
  uint8_t kernel_slot[kMaxDerivedOperands];  // where operand i goes among them
  PointwiseKernel kernel[kColumns];          // null: the interpreter, where the column is a float one
  StoredKernel own[kOwnTypes] = {};
  RowKernel rows[2] = {};
  StoredKernel held[2] = {};
  const PointwiseDef* def;                                      // null for a derived operation
  Expr formula;                                                 // derived operations; empty otherwise
  const Program* program[2] = {};                               // F32, F64: derived operations
  mutable std::atomic<const Program*> complex_program[2] = {};  // C64, C128: made when first asked for
  mutable std::atomic<const PointwiseDerivative*> derivative[kMaxDerivedOperands] = {};

  bool supports(Column c) const {
    return kernel[static_cast<int>(c)] || (!def && (c <= Column::F64 || (c >= Column::C64 && complex_form(c))));
  }
  const Program* complex_form(Column c) const;  // of a derived operation; fails where some primitive has none
};

const PointwiseDerivative& derivative_of(const OpDef& op, int j);
const OpFamily& pointwise_family();

}  // namespace facula
