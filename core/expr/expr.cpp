// The table of expression nodes, construction with exact simplification, walks and substitution.
#include "expr/expr.h"

#include <atomic>
#include <bit>
#include <cmath>
#include <mutex>
#include <sstream>
#include <unordered_map>

#include "base/error.h"

namespace facula {
namespace expr {

enum class Kind : uint8_t { Constant, Operand, Call };

// Immutable but for its count. A node whose count has reached 0 is dead: a lookup never revives it.
struct Node {
  std::atomic<int64_t> count{1};
  Kind kind;
  Primitive primitive{};
  uint8_t arity = 0;
  int operand = 0;
  double constant = 0;
  uint32_t uses = 0;
  uint64_t hash = 0;
  Expr children[3];
};

static uint64_t mix(uint64_t h, uint64_t x) {  // the finaliser of splitmix64 (Steele, Lea, Flood 2014)
  h ^= x + 0x9e3779b97f4a7c15u;
  h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
  h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
  return h ^ (h >> 31);
}

static bool equal(const Node& a, const Node& b) {
  if (a.kind != b.kind || a.primitive != b.primitive || a.operand != b.operand || a.arity != b.arity) return false;
  if (std::bit_cast<uint64_t>(a.constant) != std::bit_cast<uint64_t>(b.constant)) return false;
  for (int i = 0; i < a.arity; ++i)
    if (!a.children[i].same(b.children[i])) return false;
  return true;
}

struct Table {
  std::mutex lock;
  std::unordered_multimap<uint64_t, Node*> nodes;
};
// Never destroyed: expressions in static storage outlive any order of destruction.
static Table& table() {
  static Table* const t = new Table;
  return *t;
}

static bool retain_if_alive(Node* n) {
  int64_t count = n->count.load(std::memory_order_relaxed);
  while (count > 0)
    if (n->count.compare_exchange_weak(count, count + 1, std::memory_order_relaxed)) return true;
  return false;
}

static Node* intern(Node&& wanted) {
  uint64_t h = mix(static_cast<uint64_t>(wanted.kind), static_cast<uint64_t>(wanted.primitive));
  h = mix(mix(h, static_cast<uint64_t>(wanted.operand)), std::bit_cast<uint64_t>(wanted.constant));
  for (int i = 0; i < wanted.arity; ++i) h = mix(h, reinterpret_cast<uintptr_t>(wanted.children[i].id()));
  Table& t = table();
  std::lock_guard guard(t.lock);
  auto [first, last] = t.nodes.equal_range(h);
  for (auto it = first; it != last; ++it)
    if (equal(*it->second, wanted) && retain_if_alive(it->second)) return it->second;
  Node* n = new Node{.kind = wanted.kind,
                     .primitive = wanted.primitive,
                     .arity = wanted.arity,
                     .operand = wanted.operand,
                     .constant = wanted.constant,
                     .uses = wanted.uses,
                     .hash = h};
  for (int i = 0; i < n->arity; ++i) n->children[i] = std::move(wanted.children[i]);
  t.nodes.emplace(h, n);
  return n;
}

static void release(Node* n) {
  if (n->count.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  {
    Table& t = table();
    std::lock_guard guard(t.lock);
    auto [first, last] = t.nodes.equal_range(n->hash);
    for (auto it = first; it != last; ++it)
      if (it->second == n) {
        t.nodes.erase(it);
        break;
      }
  }
  delete n;
}

}  // namespace expr

static constexpr const char* kPrimitiveName[] = {
#define UNARY_NAME(name, dx) #name,
#define BINARY_NAME(name, dx, dy) #name,
    FACULA_UNARY_PRIMITIVES(UNARY_NAME) FACULA_BINARY_PRIMITIVES(BINARY_NAME) "where"};
const char* name_of(Primitive p) { return kPrimitiveName[static_cast<int>(p)]; }

// ---- the handle ----

Expr::Expr(double constant) : node_(expr::intern(expr::Node{.kind = expr::Kind::Constant, .constant = constant})) {}
Expr::Expr(const Expr& o) noexcept : node_(o.node_) {
  if (node_) node_->count.fetch_add(1, std::memory_order_relaxed);
}
Expr& Expr::operator=(Expr o) noexcept {
  std::swap(node_, o.node_);
  return *this;
}
Expr::~Expr() {
  if (node_) expr::release(node_);
}
Expr Expr::operand(int index) {
  FACULA_CHECK(index >= 0 && index < 32, Value, "Expr: operand index ", index, " given, 0 to 31 expected");
  return Expr(expr::intern(expr::Node{.kind = expr::Kind::Operand, .operand = index, .uses = uint32_t{1} << index}));
}
bool Expr::is_constant() const { return node_->kind == expr::Kind::Constant; }
bool Expr::is_operand() const { return node_->kind == expr::Kind::Operand; }
double Expr::constant() const { return node_->constant; }
int Expr::operand_index() const { return node_->operand; }
Primitive Expr::primitive() const { return node_->primitive; }
std::span<const Expr> Expr::children() const { return {node_->children, node_->arity}; }
bool Expr::is_predicate() const { return node_->kind == expr::Kind::Call && facula::is_predicate(node_->primitive); }
uint32_t uses(const Expr& e) { return reinterpret_cast<const expr::Node*>(e.id())->uses; }

// ---- simplification: only what gives the same bits for every operand (a NaN may change its payload) ----

static bool is(const Expr& e, double value) {
  return e.is_constant() && std::bit_cast<uint64_t>(e.constant()) == std::bit_cast<uint64_t>(value);
}
static bool is_call(const Expr& e, Primitive p) { return !e.is_constant() && !e.is_operand() && e.primitive() == p; }

// Constants fold only where double and float agree after rounding, or where the formula's author would fold them.
static Expr fold_constants(Primitive p, double x, double y) {
  switch (p) {
    case Primitive::add: return x + y;
    case Primitive::sub: return x - y;
    case Primitive::mul: return x * y;
    case Primitive::div: return y != 0 ? Expr(x / y) : Expr();
    case Primitive::lt: return x < y;
    case Primitive::le: return x <= y;
    case Primitive::gt: return x > y;
    case Primitive::ge: return x >= y;
    case Primitive::eq: return x == y;
    case Primitive::ne: return x != y;
    default: return {};
  }
}

static Expr simplify(Primitive p, std::span<const Expr> c) {
  if (c.size() == 2 && c[0].is_constant() && c[1].is_constant())
    return fold_constants(p, c[0].constant(), c[1].constant());
  switch (p) {
    case Primitive::neg:
      if (c[0].is_constant()) return -c[0].constant();
      if (is_call(c[0], Primitive::neg)) return c[0].children()[0];
      return {};
    case Primitive::add:
      if (is(c[0], -0.0)) return c[1];
      if (is(c[1], -0.0)) return c[0];
      return {};
    case Primitive::sub: return is(c[1], 0.0) ? c[0] : Expr();
    case Primitive::mul:
      if (is(c[0], 1.0)) return c[1];
      if (is(c[1], 1.0)) return c[0];
      if (is(c[0], -1.0)) return Expr::make(Primitive::neg, c[1]);
      if (is(c[1], -1.0)) return Expr::make(Primitive::neg, c[0]);
      return {};
    case Primitive::div: return is(c[1], 1.0) ? c[0] : Expr();
    case Primitive::where:
      if (c[0].is_constant()) return c[0].constant() != 0 ? c[1] : c[2];
      return c[1].same(c[2]) ? c[1] : Expr();
    case Primitive::ne:  // a predicate tested again
      return c[0].is_predicate() && is(c[1], 0.0) ? c[0] : Expr();
    default: return {};
  }
}

Expr Expr::make(Primitive p, std::span<const Expr> children) {
  if (Expr simple = simplify(p, children)) return simple;
  expr::Node wanted{.kind = expr::Kind::Call, .primitive = p, .arity = static_cast<uint8_t>(children.size())};
  for (size_t i = 0; i < children.size(); ++i) {
    wanted.children[i] = children[i];
    wanted.uses |= facula::uses(children[i]);
  }
  return Expr(expr::intern(std::move(wanted)));
}

// ---- walks ----

std::vector<Expr> in_order(const Expr& e) {
  std::vector<Expr> order;
  std::unordered_map<const void*, bool> done;
  std::vector<std::pair<Expr, bool>> stack{{e, false}};
  while (!stack.empty()) {
    auto [x, expanded] = std::move(stack.back());
    stack.pop_back();
    if (expanded) {
      order.push_back(x);
      continue;
    }
    if (!done.emplace(x.id(), true).second) continue;
    stack.push_back({x, true});
    for (size_t i = x.children().size(); i-- > 0;) stack.push_back({x.children()[i], false});
  }
  return order;
}

Expr substitute(const Expr& e, std::span<const Expr> operands) {
  std::unordered_map<const void*, Expr> made;
  for (const Expr& x : in_order(e)) {
    Expr y = x;
    if (x.is_operand()) {
      FACULA_CHECK(static_cast<size_t>(x.operand_index()) < operands.size(), Value,
                   "substitute: the formula uses operand ", x.operand_index(), ", but only ", operands.size(),
                   " are given");
      y = operands[x.operand_index()];
    } else if (!x.is_constant()) {
      Expr c[3];
      for (size_t i = 0; i < x.children().size(); ++i) c[i] = made[x.children()[i].id()];
      y = Expr::make(x.primitive(), std::span<const Expr>(c, x.children().size()));
    }
    made.emplace(x.id(), std::move(y));
  }
  return made[e.id()];
}

std::string to_string(const Expr& e) {
  std::ostringstream text;
  text.precision(17);
  if (e.is_constant())
    text << e.constant();
  else if (e.is_operand())
    text << 'x' << e.operand_index();
  else {
    text << name_of(e.primitive()) << '(';
    for (size_t i = 0; i < e.children().size(); ++i) text << (i ? ", " : "") << to_string(e.children()[i]);
    text << ')';
  }
  return text.str();
}

}  // namespace facula
