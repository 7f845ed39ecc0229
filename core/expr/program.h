// Program: an expression compiled for the block interpreter. Runs block by block in L1, one primitive kernel at a time;
// several threads may run one program at once.
#pragma once
#include <cstdint>
#include <vector>

#include "base/dtype.h"
#include "expr/expr.h"

namespace facula {

class Program {
 public:
  // A floating or complex type of 4 bytes or more. With `bool_result` a predicate is written as bytes 0 and 1,
  // otherwise in the column's type.
  Program(const Expr& e, DType dtype, bool bool_result = false);
  // out[i] = e(in[0][i], ...) for contiguous columns; operands that are not used may be null. `out` may be one of in.
  void run(int64_t n, void* out, const void* const* in) const;
  size_t instruction_count() const { return code_.size(); }

 private:
  // Where a block lives: a column of the caller, a register, a constant (a register filled once), or the result.
  enum class Place : uint8_t { Operand, Register, Result };
  struct Slot {
    Place place;
    uint16_t index;
  };
  struct Instruction {
    void (*kernel)(int64_t n, void* out, const void* const* in);
    Slot out, in[3];
    uint8_t arity;
  };
  void compile(const Expr& e);
  template <class T>
  void run_blocks(int64_t n, void* out, const void* const* in) const;

  DType dtype_;
  bool bool_result_;
  int registers_ = 0;
  Slot result_{};
  std::vector<std::pair<uint16_t, double>> constants_;  // register, value
  std::vector<Instruction> code_;
};

}  // namespace facula
