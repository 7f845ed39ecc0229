// Indexing of plain contiguous memory: rows, takes, gather and scatter along a dimension, masks. No tensor here.
// Indices are int64 and may be negative (they wrap by the size). Functions that return a number check all of them
// before their first write and return the position of the first that is out of range, or -1 when they did their work;
// the others trust their caller to have checked. gather refuses negative ones and may have written some of `out` by
// then.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "cpu/dispatch.h"

namespace facula::cpu {

// How scattered values meet what is there. Minimum and Maximum propagate NaN. Bool adds as "or".
enum class Combine : uint8_t { Add, Multiply, Minimum, Maximum };

// One indexed dimension of an advanced index: `index` holds one entry per selected row.
struct IndexedDim {
  const int64_t* index;
  int64_t size;    // of the dimension
  int64_t stride;  // of the dimension in the indexed memory, in elements
};

struct IndexKernels {
  // Position of the first index outside [least, size), or -1.
  int64_t (*check)(int64_t n, const int64_t* index, int64_t least, int64_t size);

  // out[i, :] = src[index[i], :] for rows of row_bytes, src_stride bytes apart; row_bytes = item size is `take`.
  void (*gather_rows)(int64_t n, const int64_t* index, int64_t size, const void* src, int64_t src_stride,
                      int64_t row_bytes, void* out);
  // out[o, j] = src[o, index[j]] over [outer, size], size < 2^31.
  void (*gather_each)(int64_t item_size, int64_t outer, int64_t n, const int64_t* index, int64_t size, const void* src,
                      void* out);
  // dst[index[i], :] = src[i, :]; the last of equal indices wins. src_stride 0 writes one row everywhere.
  void (*scatter_rows)(int64_t n, const int64_t* index, int64_t size, const void* src, int64_t src_stride,
                       int64_t row_bytes, void* dst);

  // Advanced indexing: row i starts at the sum of index * stride over the dimensions and has `row` contiguous elements.
  // `bad_dim` receives the dimension of an index that is out of range. value_stride (elements) 0 puts one row.
  int64_t (*index_get)(int64_t item_size, int64_t n, int ndim, const IndexedDim* dims, int64_t row, const void* src,
                       void* out, int* bad_dim);
  int64_t (*index_put)(int64_t item_size, int64_t n, int ndim, const IndexedDim* dims, int64_t row, const void* values,
                       int64_t value_stride, void* dst, int* bad_dim);
  int64_t (*index_put_add)(DType dtype, int64_t n, int ndim, const IndexedDim* dims, int64_t row, const void* values,
                           int64_t value_stride, void* dst, int* bad_dim);

  // Along the middle of [outer, size, inner]; index (and out) are [outer, length, inner].
  int64_t (*gather)(int64_t item_size, int64_t outer, int64_t length, int64_t inner, int64_t size, const int64_t* index,
                    const void* src, void* out);
  // src_step 1: src is shaped like index; 0: one value for all.
  void (*scatter)(int64_t item_size, int64_t outer, int64_t length, int64_t inner, int64_t size, const int64_t* index,
                  const void* src, int64_t src_step, void* dst);
  void (*scatter_combine)(DType dtype, Combine how, int64_t outer, int64_t length, int64_t inner, int64_t size,
                          const int64_t* index, const void* src, int64_t src_step, void* dst);
  // dst[o, index[k], :] (combine)= src[o, k, :], in order of k whatever the number of threads.
  void (*index_combine)(DType dtype, Combine how, int64_t outer, int64_t length, int64_t inner, int64_t size,
                        const int64_t* index, const void* src, void* dst);

  // Masks are bytes, true when not 0.
  int64_t (*count)(int64_t n, const void* mask);
  void (*masked_select)(int64_t item_size, int64_t n, const void* mask, const void* src, void* out);
  void (*masked_scatter)(int64_t item_size, int64_t n, const void* mask, const void* src, void* dst);
  // dst = mask ? value : src over [repeat, n] with one mask of n; dst may be src.
  void (*masked_fill)(int64_t item_size, int64_t repeat, int64_t n, const void* mask, const void* src,
                      const void* value, void* dst);
  // out is [count(mask), ndim] in row-major order.
  void (*nonzero)(int ndim, const int64_t* sizes, const void* mask, int64_t* out);
};

FACULA_FAMILY(IndexKernels, index_kernels, index)

}  // namespace facula::cpu
