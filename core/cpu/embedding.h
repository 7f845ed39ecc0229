// Sums, means and maxima of bags of rows of a table, and their gradients, over plain contiguous memory. Tables of
// Float16, BFloat16 (computed in float), Float32, Float64. Indices are checked by the caller with `check`.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "cpu/dispatch.h"

namespace facula::cpu {

enum class BagMode : uint8_t { Sum, Mean, Max };

// Bag b has the positions [start(b), start(b + 1)); the last offset is the number of positions.
struct Bags {
  DType dtype;
  BagMode mode;
  int64_t bags, positions, rows, width, padding;  // padding: a row that does not count, or -1
  const int64_t* index;                           // (positions)
  const int64_t* offsets;                         // (bags + 1)
  const void* factors;                            // (positions), or null
};

struct EmbeddingKernels {
  int64_t (*check)(const Bags&);  // the first position whose index is not a row, or -1
  // largest (bags, width), for Max: the row each maximum came from, -1 in an empty bag.
  void (*bag)(const Bags&, const void* table, void* out, int64_t* largest);
  // grad (rows, width), overwritten. counts (rows) or null: a row's gradient is divided by its count.
  void (*bag_backward)(const Bags&, const void* g, const int64_t* largest, const int64_t* counts, void* grad);
  // grad (positions): of the factors.
  void (*factor_backward)(const Bags&, const void* g, const void* table, void* grad);
};

FACULA_FAMILY(EmbeddingKernels, embedding_kernels, embedding)

}  // namespace facula::cpu
