// The pointwise part of recurrent cells over plain contiguous memory: one pass over a step's gates, forward and
// backward. float32 and float64. The matrix products and the walk through time are the caller's.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "cpu/dispatch.h"

namespace facula::cpu {

// Rows of H = hidden. Gates lie side by side: LSTM input, forget, cell, output; GRU reset, update, new.
struct RecurrentKernels {
  // gates [rows, 4 H]: sums on the way in, activations on the way out. raw: output gate x tanh(c).
  void (*lstm)(DType, int64_t rows, int64_t hidden, void* gates, const void* c_before, void* c, void* raw);
  // dc: gradient of c on the way in, of c_before on the way out. dgates: of the sums.
  void (*lstm_backward)(DType, int64_t rows, int64_t hidden, const void* gates, const void* c_before, const void* c,
                        const void* draw, void* dc, void* dgates);
  // input and state [rows, 3 H]: the two products with their biases. work [rows, 4 H]: the gates, and state's third
  // part.
  void (*gru)(DType, int64_t rows, int64_t hidden, const void* input, const void* state, const void* h_before,
              void* work, void* h);
  // dh: gradient of h on the way in; on the way out the part of h_before's that does not pass the product.
  void (*gru_backward)(DType, int64_t rows, int64_t hidden, const void* work, const void* h_before, void* dh,
                       void* dinput, void* dstate);
  // h [n]: sums on the way in, tanh or relu of them on the way out.
  void (*plain)(DType, bool relu, int64_t n, void* h);
  void (*plain_backward)(DType, bool relu, int64_t n, const void* h, const void* dh, void* dsums);
  void (*add)(DType, int64_t n, void* to, const void* what);
  // to[j] = sum over rows of from[., j]
  void (*column_sums)(DType, int64_t rows, int64_t columns, const void* from, void* to);
};
FACULA_FAMILY(RecurrentKernels, recurrent_kernels, recurrent)

}  // namespace facula::cpu
