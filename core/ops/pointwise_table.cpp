// The table of pointwise operations as data: names and formulas from ops/pointwise.h, kernels of the chosen
// instruction set. Copies constants on the first call; builds no expression.
#include <string_view>

#include "cpu/pointwise.h"
#include "ops/pointwise.h"
#include "ops/pointwise_def.h"

namespace facula {

using namespace formula;

template <class F>
static Expr value_expr(const Expr* x) {
  return [&]<size_t... k>(std::index_sequence<k...>) {
    return Expr(F::value(x[k]...));
  }(std::make_index_sequence<F::arity>());
}

template <class F>
static Expr derivative_expr(int j, const Expr* operands) {
  if constexpr (F::saves_result) return F::from_result(operands[0], operands[1]);
  Expr x[F::arity], all[F::arity + 1];  // differentiated by leaves, so that equal operands stay apart
  for (int k = 0; k <= F::arity; ++k) all[k] = operands[k];
  for (int k = 0; k < F::arity; ++k) x[k] = Expr::operand(k + 1);
  return substitute(differentiate(value_expr<F>(x), j + 1, Expr::operand(0)), all);
}

template <class F>
static constexpr PointwiseDef definition_of(ResultType result) {
  PointwiseDef d{};
  d.name = F::name;
  d.node_name = std::string_view(F::node_name) == "NONE" ? nullptr : F::node_name;
  d.arity = F::arity;
  d.result = result;
  d.saves_result = F::saves_result;
  d.differentiable = F::differentiable;
  d.may_divide_by_zero = F::may_divide_by_zero;
  d.refuses_bool = F::refuses_bool;
  d.fits = F::fits_slots;
  d.fits_float = F::float_slots;
  d.fits_wide = F::wide_slots;
  d.aside = F::aside_slots;
  d.expr = value_expr<F>;
  d.derivative_expr = derivative_expr<F>;
  return d;
}

#define DEFINITION(NAME, NODE, KIND, ...) definition_of<NAME##_formula>(ResultType::KIND),
static PointwiseDef definitions[] = {FACULA_FORMULAS(DEFINITION)};
static constexpr int kFormulas = sizeof definitions / sizeof definitions[0];

#define ONE(...) +1
static bool fill_kernels() {
  const cpu::PointwiseKernels& family = cpu::pointwise();
  const struct {
    const cpu::FormulaKernels* kernels;
    int count;
  } groups[] = {{family.arithmetic, FACULA_ARITHMETIC_FORMULAS(ONE)},
                {family.predicates, FACULA_PREDICATE_FORMULAS(ONE)},
                {family.functions, FACULA_FUNCTION_FORMULAS(ONE)},
                {family.activations, FACULA_ACTIVATION_FORMULAS(ONE)},
                {family.specials, FACULA_SPECIAL_FORMULAS(ONE)}};
  PointwiseDef* d = definitions;
  for (const auto& group : groups)
    for (int i = 0; i < group.count; ++i, ++d) {
      const cpu::FormulaKernels& kernels = group.kernels[i];
      for (int c = 0; c < kColumns; ++c) {
        const bool shared = kernels.primitive >= 0 && c != static_cast<int>(Column::I64) && (kernels.columns >> c & 1);
        d->kernel[c] = shared ? family.primitives[kernels.primitive][c < 2 ? c : c - 1] : kernels.value[c];
      }
      for (int t = 0; t < kOwnTypes; ++t) d->own[t] = kernels.own[t];
      for (int t = 0; t < 2; ++t) d->rows[t] = kernels.rows[t], d->held[t] = kernels.held[t];
      for (int j = 0; j < kMaxOperands; ++j)
        for (int t = 0; t < 2; ++t) d->derivative[j][t] = kernels.derivative[j][t];
    }
  return true;
}

const PointwiseDef* pointwise_defs(int* count) {
  static const bool filled = fill_kernels();
  *count = filled ? kFormulas : 0;
  return definitions;
}

}  // namespace facula
