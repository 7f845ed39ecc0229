// In which order the elements of a tensor receive random numbers, and from which generator.
#pragma once
#include <algorithm>

#include "ops/ops.h"
#include "runtime/random.h"

namespace facula {

inline Generator& chosen(Generator* g) { return g ? *g : default_generator(); }

// The order in which PyTorch fills `t`: dimensions by stride, the largest outermost, which for a dense tensor is the
// order of its memory.
inline SmallVector<int, 8> fill_order(const Tensor& t) {
  SmallVector<int, 8> order;
  for (int d = 0; d < t->ndim(); ++d) order.push_back(d);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return t->strides[a] > t->strides[b]; });
  return order;
}
inline Tensor in_order(const Tensor& t, const SmallVector<int, 8>& order) {
  Dims sizes, strides;
  for (int d : order) {
    sizes.push_back(t->sizes[d]);
    strides.push_back(t->strides[d]);
  }
  return alias(t, sizes, strides, t->byte_offset);
}

}  // namespace facula
