// Sorting and selection in rows of contiguous memory. Order is PyTorch's: NaN is larger than every number, -0.0 equals
// 0.0. No tensors, no complex numbers; strided dimensions are the caller's to copy.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "cpu/dispatch.h"

namespace facula::cpu {

struct RowsShape {
  DType dtype;
  int64_t rows, n;  // n below 2^32
  int64_t threads;  // how many may work; the size of the scratch memory depends on it
};

struct SortKernels {
  int64_t (*scratch)(const RowsShape& shape);  // bytes of memory that `sort` works in
  // values and index are [rows, n]. Stable in both directions.
  void (*sort)(const RowsShape& shape, bool descending, const void* in, void* scratch, void* values, int64_t* index);
  // Order of rows by their elements, first element first; equal rows keep their order. Scratch: 8 bytes an element.
  void (*sort_rows)(const RowsShape& shape, const void* in, void* scratch, int64_t* order);
  // Repetitions dropped from n neighbours (NaN repeats nothing), in two steps: how many stay, and how many before each
  // of the blocks; then those `total` values and, unless null, starts: where each run begins, and inverse: for the
  // element order[i], or i when order is null, the number of its run.
  int64_t (*unique_blocks)(int64_t n);
  int64_t (*unique_count)(DType dtype, int64_t n, const void* in, int64_t* before);
  void (*unique_write)(DType dtype, int64_t n, const void* in, const int64_t* before, int64_t total,
                       const int64_t* order, void* values, int64_t* starts, int64_t* inverse);
};
FACULA_AVX2_FAMILY(SortKernels, sort_kernels, sort)

struct SelectKernels {
  int64_t (*scratch)(const RowsShape& shape);  // bytes of memory that the others work in
  // The k largest or smallest: values and index are [rows, k], k >= 1. Of equals at the edge, those that libstdc++'s
  // partial_sort and nth_element leave, which PyTorch calls.
  void (*topk)(const RowsShape& shape, int64_t k, bool largest, bool sorted, const void* in, void* scratch,
               void* values, int64_t* index);
  // The element at position k of the sorted row; which of equals is decided by Hoare's selection, as in PyTorch.
  void (*kth)(const RowsShape& shape, int64_t k, const void* in, void* scratch, void* values, int64_t* index);
  // The lower median, of equals as a stable sort has them. A NaN is the median of its row unless it is ignored.
  void (*median)(const RowsShape& shape, bool ignore_nan, const void* in, void* scratch, void* values, int64_t* index);
  // The most frequent element, the smallest of several.
  void (*mode)(const RowsShape& shape, const void* in, void* scratch, void* values, int64_t* index);
};
FACULA_FAMILY(SelectKernels, select_kernels, select)

struct SearchShape {
  DType dtype;
  int64_t rows, bounds, values;  // of each row; with shared bounds `rows` is 1
  bool right, narrow;            // upper bound; int32 results
};
struct SearchKernels {
  // Where each value would be inserted into its row of ascending bounds. sorter (may be null): positions that put the
  // bounds into order, all within them. Not for bool and complex types: false, nothing written.
  bool (*search)(const SearchShape& shape, const void* bounds, const void* values, const int64_t* sorter, void* out);
};
FACULA_AVX2_FAMILY(SearchKernels, search_kernels, search)

}  // namespace facula::cpu
