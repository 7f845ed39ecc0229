// The block interpreter: order, registers, and the loop over blocks.
#include "expr/program.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <unordered_map>

#include "base/error.h"
#include "cpu/pointwise.h"

namespace facula {

static constexpr int64_t kMaxBlock = 512;             // elements
static constexpr int64_t kRegisterBytes = 32 * 1024;  // all registers together stay in L1

Program::Program(const Expr& e, DType dtype, bool bool_result)
    : dtype_(dtype), bool_result_(bool_result && e.is_predicate()) {
  FACULA_CHECK(dtype >= DType::Float32 && !is_barebones(dtype), NotImplemented,
               "Program: the interpreter computes float32, float64, complex64 and complex128, given ", name_of(dtype));
  compile(e);
}

// Linear scan: a register is free again after the last reader of its value. The last instruction writes the result.
void Program::compile(const Expr& e) {
  const std::vector<Expr> order = in_order(e);
  std::unordered_map<const void*, size_t> last_use;
  for (size_t t = 0; t < order.size(); ++t)
    for (const Expr& c : order[t].children()) last_use[c.id()] = t;

  std::unordered_map<const void*, Slot> slot;
  std::vector<uint16_t> free;
  auto take = [&]() -> uint16_t {
    if (free.empty()) return static_cast<uint16_t>(registers_++);
    uint16_t r = free.back();
    free.pop_back();
    return r;
  };
  for (const Expr& x : order)
    if (x.is_constant()) {
      slot[x.id()] = {Place::Register, take()};
      constants_.emplace_back(slot[x.id()].index, x.constant());
    } else if (x.is_operand()) {
      slot[x.id()] = {Place::Operand, static_cast<uint16_t>(x.operand_index())};
    }
  const auto* kernels = cpu::pointwise().primitives;
  for (size_t t = 0; t < order.size(); ++t) {
    const Expr& x = order[t];
    if (x.children().empty()) continue;
    Instruction i{};
    i.kernel = kernels[static_cast<int>(x.primitive())][index_of(dtype_) - index_of(DType::Float32)];
    FACULA_CHECK(i.kernel, NotImplemented, "Program: ", name_of(x.primitive()), " is not defined on ",
                 facula::name_of(dtype_));
    i.arity = static_cast<uint8_t>(x.children().size());
    for (int k = 0; k < i.arity; ++k) i.in[k] = slot[x.children()[k].id()];
    for (int k = 0; k < i.arity; ++k) {  // a kernel may write over an operand, so its register is free already
      const Expr& c = x.children()[k];
      bool again = false;
      for (int m = 0; m < k; ++m) again |= c.same(x.children()[m]);
      if (!again && !c.is_constant() && !c.is_operand() && last_use[c.id()] == t) free.push_back(slot[c.id()].index);
    }
    bool last = t + 1 == order.size();
    i.out = last && !bool_result_ ? Slot{Place::Result, 0} : Slot{Place::Register, take()};
    slot[x.id()] = i.out;
    code_.push_back(i);
  }
  result_ = slot[e.id()];
}

template <class T>
static T number(double x) {
  if constexpr (std::is_floating_point_v<T>)
    return static_cast<T>(x);
  else
    return {static_cast<decltype(T::re)>(x), 0};
}

template <class T>
void Program::run_blocks(int64_t n, void* out, const void* const* in) const {
  const int64_t fits = kRegisterBytes / (std::max(registers_, 1) * static_cast<int64_t>(sizeof(T)));
  const int64_t block = std::min(n, std::clamp<int64_t>(fits & -64, 64, kMaxBlock));
  const size_t bytes = static_cast<size_t>(registers_) * block * sizeof(T);
  alignas(64) unsigned char on_stack[4096];
  std::unique_ptr<unsigned char[]> on_heap;
  unsigned char* registers = on_stack;
  if (bytes > sizeof on_stack) {
    on_heap.reset(new unsigned char[bytes]);
    registers = on_heap.get();
  }
  auto register_at = [&](int i) { return reinterpret_cast<T*>(registers + i * block * sizeof(T)); };
  for (auto [index, value] : constants_) std::fill_n(register_at(index), block, number<T>(value));

  for (int64_t start = 0; start < n; start += block) {
    const int64_t count = std::min(block, n - start);
    auto read = [&](Slot s) -> const void* {
      return s.place == Place::Operand    ? static_cast<const T*>(in[s.index]) + start
             : s.place == Place::Register ? register_at(s.index)
                                          : static_cast<T*>(out) + start;
    };
    for (const Instruction& i : code_) {
      const void* operands[3];
      for (int k = 0; k < i.arity; ++k) operands[k] = read(i.in[k]);
      i.kernel(count, const_cast<void*>(read(i.out)), operands);
    }
    if (bool_result_) {
      const T* truth = static_cast<const T*>(read(result_));
      uint8_t* to = static_cast<uint8_t*>(out) + start;
      for (int64_t k = 0; k < count; ++k) to[k] = truth[k] != number<T>(0);
    } else if (result_.place != Place::Result) {  // an operand or a constant by itself
      std::memmove(static_cast<T*>(out) + start, read(result_), static_cast<size_t>(count) * sizeof(T));
    }
  }
}

void Program::run(int64_t n, void* out, const void* const* in) const {
  if (n <= 0) return;
  switch (dtype_) {
    case DType::Float32: return run_blocks<float>(n, out, in);
    case DType::Float64: return run_blocks<double>(n, out, in);
    case DType::Complex64: return run_blocks<Complex<float>>(n, out, in);
    default: return run_blocks<Complex<double>>(n, out, in);
  }
}

}  // namespace facula
