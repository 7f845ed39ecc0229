// Operations that keep channels behind the places of an image, when a tensor has them there. Strides and copies only.
#pragma once
#include <algorithm>

#include "ops/ops.h"

namespace facula {

inline bool has_channels_last(const Tensor& t) {
  if (t->ndim() < 4 || t->is_contiguous()) return false;
  int64_t least = 0;
  for (int64_t d : t->ndim() == 4 ? Dims{1, 3, 2, 0} : Dims{1, 4, 3, 2, 0}) {
    if (t->sizes[d] == 0 || t->strides[d] < least || (d == 1 && t->strides[d] == 0)) return false;
    if (d == 0 && least == t->strides[1]) return false;
    least = t->strides[d] * std::max<int64_t>(t->sizes[d], 1);
  }
  return true;
}
inline Tensor new_tensor(const Dims& sizes, DType dtype, bool channels_last) {
  if (!channels_last) return empty(sizes, dtype);
  Dims strides = sizes;
  int64_t step = sizes[1];
  for (size_t d = sizes.size() - 1; d >= 2; --d) strides[d] = step, step *= sizes[d];
  strides[0] = step;
  strides[1] = 1;
  return empty_strided(sizes, strides, dtype);
}
// Memory of t in that order and type; t's own when it fits.
inline Tensor memory_of(const Tensor& t, DType dtype, bool channels_last) {
  if (!channels_last) return ops::contiguous_memory(ops::converted_memory(t, dtype));
  Tensor copy = new_tensor(t->sizes, dtype, true);
  if (t->dtype == dtype && t->strides == copy->strides) return t;
  ops::copy_memory(copy, t);
  return copy;
}

}  // namespace facula
