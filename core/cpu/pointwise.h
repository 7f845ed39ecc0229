// Kernels of the pointwise operations and of the scalar primitives, for one instruction set: plain memory, no tensors.
#pragma once
#include <cstdint>

#include "cpu/dispatch.h"

namespace facula::cpu {

// n results from blocks of operands; a primitive's kernel has its operands in in[0..2].
using BlockKernel = void (*)(int64_t n, void* out, const void* const* in);

// The same over elements as they are stored, n a multiple of kStoredStep. Bit k of `constants`: in[k] is one value, of
// the type of the lanes (float for 16-bit floats), for all n.
using StoredKernel = void (*)(int64_t n, void* out, const void* const* in, uint32_t constants);
inline constexpr int64_t kStoredStep = 64;  // as many elements as the widest vector holds bytes

// Rows of n results; steps from row to row in bytes. Bits of `how`: k, in[k] is one value for a row; kAhead << k, in[k]
// is asked for ahead of use, as in long calls of the others; kAheadOut, so is the result.
using RowKernel = void (*)(int64_t rows, int64_t n, void* out, int64_t out_step, const void* const* in,
                           const int64_t* in_step, uint32_t how);
inline constexpr uint32_t kAhead = 1u << 16, kAheadOut = 1u << 31;

struct FormulaKernels {
  int primitive;                 // that the formula consists of, whose floating kernels serve it as well; or -1
  int columns;                   // bit c: Column c exists
  BlockKernel value[5];          // by Column
  StoredKernel own[8];           // by DType up to BFloat16, of elements of that type; null: by way of a column
  RowKernel rows[2];             // F32, F64; null: values are spread over blocks
  StoredKernel held[2];          // F32, F64, single values in registers; null: they are spread over blocks
  BlockKernel derivative[4][2];  // by operand; F32, F64
};

struct PointwiseKernels {
  const BlockKernel (*primitives)[4];  // by Primitive; F32, F64, C64, C128. Null: does not exist for the type
  // In the order of the groups of ops/pointwise.h.
  const FormulaKernels *arithmetic, *predicates, *functions, *activations, *specials;
};

FACULA_FAMILY(PointwiseKernels, pointwise_kernels, pointwise)

}  // namespace facula::cpu
