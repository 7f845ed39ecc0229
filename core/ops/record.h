// How a finished call enters the derivative graph: nodes for results, and what an in-place write does to history.
#pragma once
#include "ops/opdef.h"

namespace facula {

// The tensors of a call in order, lists flattened; absent ones keep their place.
using Slots = SmallVector<const Tensor*, 4>;
inline void collect_slots(const Arg* args, size_t nargs, Slots& slots) {
  static const Tensor absent;
  for (size_t i = 0; i < nargs; ++i) {
    if (args[i].tag == Arg::Tensor_)
      slots.push_back(&args[i].as_tensor());
    else if (args[i].tag == Arg::List)
      for (const Tensor& t : *args[i].list) slots.push_back(&t);
    else
      slots.push_back(&absent);
  }
}

// A table name such as "SumBackward0|1" ends in another digit for the overload: argument 1 given, or an operand a
// number.
const char* overload_name(const char* node_name, bool overload);
// A node with one edge for each slot; `tracked` follows from its parents.
Node* new_op_node(const NodeClass* cls, const OpDef* op, const Slots& slots);

// Refuses what PyTorch refuses: writing into a leaf that requires grad (or a view of one), overlapping memory,
// inference tensors outside inference mode.
void check_inplace(const Tensor& self, bool recording);
// self has been written by `n` (absent: by something without derivative): version, history, CopySlices for views.
void finish_inplace(const Tensor& self, Node* n);

}  // namespace facula
