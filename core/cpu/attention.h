// Scaled dot-product attention over plain contiguous memory, in blocks: the scores of a block are all that ever exists
// of them. float32 and float64. Shapes are checked by the caller; nothing here allocates results.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "cpu/dispatch.h"

namespace facula::cpu {

// q [batch, heads, queries, depth], k [batch, heads / group, keys, depth], v [batch, heads / group, keys, width]:
// `group` heads share keys and values. mask is added to the scores, in the same type; its strides may be 0.
struct AttentionShape {
  int64_t batch, heads, group, queries, keys, depth, width;
  bool causal;  // query i sees keys 0 to i
  double scale;
  const void* mask;  // may be null
  int64_t mask_strides[4];
};

struct AttentionKernels {
  // y [batch, heads, queries, width]; lse [batch, heads, queries]: the logarithm of each row's sum of exponentials.
  // A row that sees no key gives zeros.
  void (*forward)(DType, const AttentionShape&, const void* q, const void* k, const void* v, void* y, void* lse);
  // dq, dk, dv are overwritten.
  void (*backward)(DType, const AttentionShape&, const void* dy, const void* q, const void* k, const void* v,
                   const void* y, const void* lse, void* dq, void* dk, void* dv);
};
FACULA_FAMILY(AttentionKernels, attention_kernels, attention)

}  // namespace facula::cpu
