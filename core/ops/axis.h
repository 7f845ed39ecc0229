// One dimension of contiguous memory as the middle of three, and operands of kernels that write in place.
#pragma once
#include "ops/ops.h"

namespace facula {

struct Axis {
  int64_t outer = 1, size = 1, inner = 1;
};

// A 0-d shape counts as one dimension of size 1. `dim` is wrapped already.
inline Axis axis_of(const Dims& sizes, int64_t dim) {
  Axis a;
  for (int64_t d = 0; d < static_cast<int64_t>(sizes.size()); ++d)
    (d < dim ? a.outer : d == dim ? a.size : a.inner) *= sizes[d];
  return a;
}

// Contiguous memory that stands for `self` while a kernel writes to it.
struct Written {
  Tensor self, memory;
  explicit Written(const Tensor& self) : self(self), memory(ops::contiguous_memory(self)) {}
  void store() const {
    if (!memory.is(self)) ops::copy_memory(self, memory);
  }
};

// `t` contiguous, and not in the memory that is about to be written.
inline Tensor apart(const Tensor& t, const Tensor& written) {
  Tensor c = ops::contiguous_memory(t);
  if (!may_overlap(c, written)) return c;
  Tensor copy = empty(c->sizes, c->dtype);
  ops::copy_memory(copy, c);
  return copy;
}

}  // namespace facula
