// Calls that meet uint16, uint32 or uint64 (docs/notes/unsigned.md): every operation passes here, and takes part only
// where it is named.
#pragma once
#include "ops/opdef.h"

namespace facula {

// Whether an operand, the result or a wanted type is one of them, or a number lies above those of int64.
bool concerns_barebones(const Arg* args, size_t n, const Tensor& out);
// Makes the call. False: the operation runs as it is, for it only moves elements; refuses what is named nowhere.
bool apply_barebones(const OpDef& op, const Arg* args, size_t n, Form form, Result& result);
Tensor apply_barebones_pointwise(const OpDef& op, const Arg* args, size_t n, const Tensor& out, Form form);

}  // namespace facula
