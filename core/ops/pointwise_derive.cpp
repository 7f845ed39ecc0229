// Pointwise entries from the formulas, and the operations that their derivatives are. A derivative is an operation like
// any other, so it has derivatives itself: every order exists without a line written by hand.
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "expr/program.h"
#include "ops/pointwise_op.h"

namespace facula {

const PointwiseDef* pointwise_defs(int* count);  // pointwise_table.cpp

namespace {

std::mutex derivation_mutex;

constexpr ArgKind kOperandKinds[kMaxArgs] = {ArgKind::Operand, ArgKind::Operand, ArgKind::Operand, ArgKind::Operand,
                                             ArgKind::Operand, ArgKind::Operand, ArgKind::Operand, ArgKind::Operand};
constexpr ArgKind kWhereKinds[kMaxArgs] = {ArgKind::Condition, ArgKind::Operand, ArgKind::Operand};

// "MulBackward0" -> "MulBackwardBackward0", "PowBackward1|0" -> "PowBackwardBackward0"
const char* derived_node_name(const char* node) {
  static std::deque<std::string> names;
  std::string name = node;
  if (size_t bar = name.find('|'); bar != std::string::npos) name.resize(bar);
  if (!name.empty() && name.back() >= '0' && name.back() <= '9') name.pop_back();
  names.push_back(name + "Backward0");
  return names.back().c_str();
}

// What the derivative of operand j is, over (gradient, operands...) or (gradient, result).
Expr full_derivative(const PointwiseOp& p, int j) {
  Expr operands[kMaxDerivedOperands + 1];
  for (int i = 0; i <= kMaxDerivedOperands; ++i) operands[i] = Expr::operand(i);
  if (p.def) return p.def->derivative_expr(j, operands);
  // A derived operation: shift its own operands behind the arriving gradient.
  Expr shifted = substitute(p.formula, std::span<const Expr>(operands + 1, p.arity));
  return differentiate(shifted, j + 1, operands[0]);
}

const OpDef* make_derived(const OpDef& parent, int j, const Expr& full, PointwiseDerivative& d) {
  const PointwiseOp& p = *parent.pointwise;
  Expr renamed[kMaxDerivedOperands + 1];
  for (int i = 0; i <= kMaxDerivedOperands; ++i) renamed[i] = Expr(0.0);
  for (size_t k = 0; k < d.operands.size(); ++k) renamed[d.operands[k]] = Expr::operand(static_cast<int>(k));
  auto* op = new PointwiseOp{};
  static std::deque<std::string> names;
  names.push_back(std::string(parent.name) + "_backward");
  op->name = names.back().c_str();
  op->arity = static_cast<uint8_t>(d.operands.size());
  op->result = ResultType::Promoted;
  op->differentiable = static_cast<uint8_t>((1u << op->arity) - 1);
  op->formula = substitute(full, std::span<const Expr>(renamed, kMaxDerivedOperands + 1));
  op->kernel_arity = op->arity;
  for (int k = 0; k < op->arity; ++k) op->kernel_slot[k] = static_cast<uint8_t>(k);
  if (p.def) {
    for (int c = 0; c < 2; ++c) op->kernel[c] = p.def->derivative[j][c];
    if (op->kernel[0]) {
      op->kernel_arity = static_cast<uint8_t>(p.saves_result ? 2 : p.arity + 1);
      for (int k = 0; k < op->arity; ++k) op->kernel_slot[k] = d.operands[k];
    }
  }
  op->program[0] = new Program(op->formula, DType::Float32);
  op->program[1] = new Program(op->formula, DType::Float64);
  return new OpDef{.name = op->name,
                   .kind = Kind::Pointwise,
                   .node_name = derived_node_name(parent.node_name),
                   .signature = {kOperandKinds, op->arity},
                   .pointwise = op};
}

const PointwiseDerivative* derive(const OpDef& parent, int j) {
  const PointwiseOp& p = *parent.pointwise;
  auto* d = new PointwiseDerivative;
  Expr full = full_derivative(p, j);
  uint32_t used = uses(full);
  if (used == 0 || full.is_constant()) {
    d->shape = PointwiseDerivative::Zero;
    return d;
  }
  for (int i = 0; i <= kMaxDerivedOperands; ++i) {
    if (!(used >> i & 1)) continue;
    d->operands.push_back(static_cast<uint8_t>(i));
    if (i > 0) d->saves |= p.saves_result ? kSaveResult : 1u << (i - 1);
  }
  FACULA_CHECK(d->operands.size() <= static_cast<size_t>(kMaxDerivedOperands), Runtime, parent.name,
               ": this derivative has too many operands");
  if (is_operand(full, 0)) {
    d->shape = PointwiseDerivative::Identity;
  } else if (full.same(Expr::make(Primitive::neg, Expr::operand(0)))) {
    d->shape = PointwiseDerivative::Negated;
  } else {
    d->shape = PointwiseDerivative::General;
    d->op = make_derived(parent, j, full, *d);
  }
  return d;
}

}  // namespace

const PointwiseDerivative& derivative_of(const OpDef& op, int j) {
  auto& slot = op.pointwise->derivative[j];
  if (const PointwiseDerivative* d = slot.load(std::memory_order_acquire)) return *d;
  std::lock_guard<std::mutex> lock(derivation_mutex);
  if (const PointwiseDerivative* d = slot.load(std::memory_order_acquire)) return *d;
  const PointwiseDerivative* d = derive(op, j);
  slot.store(d, std::memory_order_release);
  return *d;
}

const Program* PointwiseOp::complex_form(Column c) const {
  auto& slot = complex_program[c == Column::C128];
  if (const Program* p = slot.load(std::memory_order_acquire)) return p;
  std::lock_guard<std::mutex> lock(derivation_mutex);
  if (const Program* p = slot.load(std::memory_order_acquire)) return p;
  const Program* p = new Program(formula, c == Column::C128 ? DType::Complex128 : DType::Complex64);
  slot.store(p, std::memory_order_release);
  return p;
}

const OpFamily& pointwise_family() {
  static const OpFamily family = [] {
    int n;
    const PointwiseDef* defs = pointwise_defs(&n);
    auto* pointwise = new PointwiseOp[static_cast<size_t>(n)]{};
    auto* ops = new OpDef[static_cast<size_t>(n)]{};
    for (int i = 0; i < n; ++i) {
      PointwiseOp& p = pointwise[i];
      const PointwiseDef& d = defs[i];
      p.name = d.name;
      p.arity = p.kernel_arity = d.arity;
      p.result = d.result;
      p.saves_result = d.saves_result;
      p.differentiable = d.differentiable;
      for (int k = 0; k < d.arity; ++k) p.kernel_slot[k] = static_cast<uint8_t>(k);
      for (int c = 0; c < kColumns; ++c) p.kernel[c] = d.kernel[c];
      for (int t = 0; t < kOwnTypes; ++t) p.own[t] = d.own[t];
      for (int t = 0; t < 2; ++t) p.rows[t] = d.rows[t], p.held[t] = d.held[t];
      p.def = &d;
      ops[i] = {.name = d.name,
                .kind = Kind::Pointwise,
                .node_name = d.node_name,
                .signature = {std::string_view(d.name) == "where" ? kWhereKinds : kOperandKinds, d.arity},
                .pointwise = &p};
    }
    return OpFamily{ops, static_cast<size_t>(n)};
  }();
  return family;
}

}  // namespace facula
