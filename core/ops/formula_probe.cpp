// Single formulas for tests and tools.
#include "ops/formula_probe.h"

#include <memory>
#include <vector>

#include "base/error.h"
#include "expr/program.h"

namespace facula::probe {

const PointwiseDef& find(const std::string& name) {
  int count;
  const PointwiseDef* defs = pointwise_defs(&count);
  for (int i = 0; i < count; ++i)
    if (name == defs[i].name) return defs[i];
  fail(ErrorKind::Value, "formula: there is no formula named '", name, "'");
}

int operand_count(const PointwiseDef& def, Order order) { return def.arity + (order.j >= 0); }

static void check(const PointwiseDef& def, Order order) {
  FACULA_CHECK(order.j < def.arity && order.k < def.arity, Value, "formula: ", def.name, " has ", def.arity,
               " operands, a derivative by operand ", order.j < def.arity ? order.k : order.j, " was asked for");
}

Expr expression(const PointwiseDef& def, Order order) {
  check(def, order);
  Expr x[kMaxOperands + 1];
  for (int i = 0; i <= def.arity; ++i) x[i] = Expr::operand(i);
  if (order.j < 0) return def.expr(x);
  if (def.saves_result) x[1] = def.expr(x + 1);
  Expr first = def.derivative_expr(order.j, x);
  return order.k < 0 ? first : differentiate(first, order.k + 1);
}

void evaluate(const PointwiseDef& def, How how, Order order, Column column, int64_t n, void* out,
              const void* const* in) {
  check(def, order);
  const int c = static_cast<int>(column);
  const bool real = column == Column::F32 || column == Column::F64;
  if (how == How::Interpreter) {
    FACULA_CHECK(real, NotImplemented, "formula: the interpreter computes float32 and float64");
    Program(expression(def, order), column == Column::F32 ? DType::Float32 : DType::Float64, true).run(n, out, in);
    return;
  }
  FACULA_CHECK(order.k < 0, NotImplemented, "formula: second derivatives have no kernel, only the interpreter");
  PointwiseKernel kernel = order.j < 0 ? def.kernel[c] : real ? def.derivative[order.j][c] : nullptr;
  FACULA_CHECK(kernel, NotImplemented, "formula: ", def.name, " has no such kernel");
  if (order.j < 0 || !def.saves_result) return kernel(n, out, in);
  std::unique_ptr<double[]> result(new double[n]);
  def.kernel[c](n, result.get(), in + 1);
  const void* operands[] = {in[0], result.get()};
  kernel(n, out, operands);
}

std::string cuda_source(const PointwiseDef& def, Order order, DType dtype, const std::string& kernel_name) {
  return cuda_kernel(expression(def, order), dtype, kernel_name);
}

}  // namespace facula::probe
