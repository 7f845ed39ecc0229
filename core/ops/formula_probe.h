// Access to single formulas for tests and tools: every form of a table entry, on plain memory.
#pragma once
#include <string>

#include "ops/pointwise_def.h"

namespace facula::probe {

enum class How : uint8_t { Kernel, Interpreter };

// What to compute: the value (j < 0), the gradient of operand j, or its derivative again by operand k.
struct Order {
  int j = -1, k = -1;
};

const PointwiseDef& find(const std::string& name);  // throws Error: no such formula
// Operands of that order: the formula's own, with the incoming gradient in front when j >= 0.
int operand_count(const PointwiseDef& def, Order order);
// As an expression over (gradient, operands...): a derivative in terms of the result has it replaced by the formula.
Expr expression(const PointwiseDef& def, Order order);
// Writes n results, bytes for a predicate. A derivative kernel that takes the result gets it computed first.
void evaluate(const PointwiseDef& def, How how, Order order, Column column, int64_t n, void* out,
              const void* const* in);
// One kernel without the prelude; dtype: Float32, Float64 or Int64.
std::string cuda_source(const PointwiseDef& def, Order order, DType dtype, const std::string& kernel_name);

}  // namespace facula::probe
