// Expr: a scalar formula as data. A handle to an immutable, hash-consed node: equal formulas are the same node.
// It simplifies only where IEEE arithmetic gives the same bits; it evaluates nothing (program.h) and knows no tensors.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "expr/primitives.h"

namespace facula {

namespace expr {
struct Node;
}

class Expr {
 public:
  Expr() = default;
  Expr(double constant);
  Expr(const Expr& o) noexcept;
  Expr(Expr&& o) noexcept : node_(o.node_) { o.node_ = nullptr; }
  Expr& operator=(Expr o) noexcept;
  ~Expr();

  static Expr operand(int index);  // 0 <= index < 32
  static Expr make(Primitive p, const Expr& x) { return make(p, std::initializer_list<Expr>{x}); }
  static Expr make(Primitive p, const Expr& x, const Expr& y) { return make(p, std::initializer_list<Expr>{x, y}); }
  static Expr make(Primitive p, const Expr& x, const Expr& y, const Expr& z) {
    return make(p, std::initializer_list<Expr>{x, y, z});
  }
  static Expr make(Primitive p, std::span<const Expr> children);
  static Expr make(Primitive p, std::initializer_list<Expr> c) { return make(p, std::span(c.begin(), c.size())); }

  explicit operator bool() const { return node_ != nullptr; }
  bool is_constant() const;
  bool is_operand() const;
  double constant() const;      // of a constant
  int operand_index() const;    // of an operand
  Primitive primitive() const;  // of neither
  std::span<const Expr> children() const;
  bool is_predicate() const;                                   // a truth value, 1 or 0
  bool same(const Expr& o) const { return node_ == o.node_; }  // == builds the comparison
  const void* id() const { return node_; }

 private:
  explicit Expr(expr::Node* node) : node_(node) {}
  expr::Node* node_ = nullptr;
};

// Bit i: operand i occurs.
uint32_t uses(const Expr& e);
inline bool is_operand(const Expr& e, int i) { return e.is_operand() && e.operand_index() == i; }
inline bool is_constant(const Expr& e) { return e.is_constant(); }
// Nodes below and including e, children before parents, each once.
std::vector<Expr> in_order(const Expr& e);
// e with operand i replaced by operands[i].
Expr substitute(const Expr& e, std::span<const Expr> operands);
// seed * d e / d operand; the constant 0 where e does not depend on it.
Expr differentiate(const Expr& e, int operand, const Expr& seed);
inline Expr differentiate(const Expr& e, int operand) { return differentiate(e, operand, Expr(1.0)); }
// A line for people: "mul(x0, tanh(x1))".
std::string to_string(const Expr& e);

// The device functions that rendered kernels call; once before the kernels of a translation unit.
const char* cuda_prelude();
// extern "C" __global__ void NAME(long long n, T* out, const T* in0, ...): out[i] = e(in0[i], ...), for the operands
// 0 .. highest used. T: float, double or long long; a predicate writes bool. `out` may be one of the inputs.
std::string cuda_kernel(const Expr& e, DType dtype, const std::string& name);

class Program;  // expr/program.h

}  // namespace facula
