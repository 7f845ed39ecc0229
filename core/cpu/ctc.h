// Connectionist temporal classification (Graves et al. 2006) in log space: the loss by the forward variables, the
// gradient by the backward ones. Plain contiguous memory, float32 and float64; lengths and labels are checked by the
// caller.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "cpu/dispatch.h"

namespace facula::cpu {

struct Ctc {
  DType dtype;
  int64_t steps, batch, classes, longest, blank;
  const void* log_probs;  // (steps, batch, classes)
  const int64_t* labels;  // all of them
  const int64_t* starts;  // (batch): where a sample's labels begin
  const int64_t* input_lengths;
  const int64_t* target_lengths;
};

struct CtcKernels {
  // loss (batch): minus the log probability; alpha (batch, steps, 2 longest + 1), equation 6, valid in a sample's
  // lengths.
  void (*forward)(const Ctc&, void* loss, void* alpha);
  // grad like log_probs: of a softmax before the loss, as PyTorch has it. zero_infinity: impossible samples get zeros.
  void (*backward)(const Ctc&, const void* g, const void* loss, const void* alpha, bool zero_infinity, void* grad);
};

FACULA_FAMILY(CtcKernels, ctc_kernels, ctc)

}  // namespace facula::cpu
