// Derivative of any expression as an expression, from the same list of primitive derivatives that Dual uses.
#include <unordered_map>

#include "expr/dual.h"
#include "expr/expr.h"

namespace facula {

// g * d p / d child k at the node y.
static Expr partial(Primitive p, int k, const Expr& g, std::span<const Expr> c, const Expr& y) {
  using namespace formula;
  switch (p) {
#define UNARY_PARTIAL(name, dx) \
  case Primitive::name: return derivative_of_##name(g, c[0], y);
#define BINARY_PARTIAL(name, dx, dy) \
  case Primitive::name:              \
    return k == 0 ? derivative_of_##name<0>(g, c[0], c[1], y) : derivative_of_##name<1>(g, c[0], c[1], y);
    FACULA_UNARY_PRIMITIVES(UNARY_PARTIAL)
    FACULA_BINARY_PRIMITIVES(BINARY_PARTIAL)
    case Primitive::where: break;  // has two derivatives at once: below
  }
  return {};
}

static bool is_zero(const Expr& e) { return e.is_constant() && e.constant() == 0; }

Expr differentiate(const Expr& e, int operand, const Expr& seed) {
  std::unordered_map<const void*, Expr> derivative;  // absent: zero
  for (const Expr& x : in_order(e)) {
    if (is_operand(x, operand)) derivative.emplace(x.id(), seed);
    if (x.children().empty()) continue;
    Expr sum;
    const Expr* d[3] = {};
    for (size_t k = 0; k < x.children().size(); ++k)
      if (auto it = derivative.find(x.children()[k].id()); it != derivative.end()) d[k] = &it->second;
    if (x.primitive() == Primitive::where) {  // one selection of both derivatives
      if (d[1] || d[2]) sum = formula::select(x.children()[0], d[1] ? *d[1] : Expr(0.0), d[2] ? *d[2] : Expr(0.0));
    } else {
      for (size_t k = 0; k < x.children().size(); ++k) {
        if (!d[k]) continue;
        Expr part = partial(x.primitive(), static_cast<int>(k), *d[k], x.children(), x);
        if (!is_zero(part)) sum = sum ? formula::add(sum, part) : part;
      }
    }
    if (sum && !is_zero(sum)) derivative.emplace(x.id(), std::move(sum));
  }
  auto it = derivative.find(e.id());
  return it == derivative.end() ? Expr(0.0) : it->second;
}

}  // namespace facula
