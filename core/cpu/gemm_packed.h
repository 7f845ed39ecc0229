// Large matrix products from packed operands: the two packing loops and the loop over register tiles. One thread, plain
// memory; cutting the product into blocks and sharing them out is runtime/gemm.cpp's.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "cpu/dispatch.h"

namespace facula::cpu {

// Lines (rows of A, columns of B) are packed in slivers of a fixed number of lines: [depth][lines], so that the
// register tile reads both operands from front to back. The last sliver is filled up with zeros.
struct Lines {
  const void* data;
  int64_t line, step;  // elements between lines, and along one
};

// C[m, n] = alpha * A B + beta * D, `depth` deep. beta == 0 never reads D.
struct PackedBlock {
  int64_t m, n, depth;
  const void* a;
  int64_t a_sliver;         // elements between slivers of rows
  int64_t a_row, a_column;  // elements between the rows and the columns of a sliver; one of them is 1
  const void* b;
  int64_t b_sliver, b_row;  // elements between slivers, and between the rows of one: kColumns of it where B is packed
  double alpha, beta;
  void* c;
  int64_t c_row, c_column;          // one of them is 1
  const void* d = nullptr;          // null: C
  int64_t d_row = 0, d_column = 0;  // one is 1 where C's is
};

struct PackedGemm {
  int rows, columns;  // lines of a sliver of A and of B
  int lanes;          // columns are read so many at a time
  int64_t depth;      // the most that a block may be deep: a sliver of A stays in L1 and a block of B in L2
  int64_t block_columns;
  void (*pack_rows)(Lines, int64_t count, int64_t depth, void* to);
  void (*pack_columns)(Lines, int64_t count, int64_t depth, void* to);
  void (*multiply)(const PackedBlock&);
};

struct PackedGemmKernels {
  PackedGemm of_float, of_double;
};
FACULA_FAMILY(PackedGemmKernels, packed_gemm_kernels, packed_gemm)

}  // namespace facula::cpu
