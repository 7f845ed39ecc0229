// Calls that meet a batched tensor: every operation passes here, whether Python or a derivative in C++ made the call.
// Pointwise operations have their rule here; the rules of other kinds are Python's (src/facula/func).
#pragma once
#include "ops/opdef.h"
#include "tensor/batched.h"

namespace facula {

// Whether a call is vmap's: an argument is batched, or it draws random numbers under a vmap.
bool concerns_batch(const OpDef& op, const Arg* args, size_t n);
// Runs it on all samples. `out` is the destination of out=, which vmap refuses.
void apply_batched(const OpDef& op, const Arg* args, size_t n, Form form, const Tensor& out, Result& result);

// The gradients of a node whose derivative cannot take batched gradients (it reads memory, or writes into something
// that is not batched): one sample at a time.
void derive_by_sample(Node* n, const Gradients& outputs, Gradients& inputs);

// Set by core/python: the rule of an operation that is not pointwise, at the given level.
extern void (*batch_rule)(const OpDef& op, const Arg* args, size_t n, Form form, int level, Result& result);

}  // namespace facula
