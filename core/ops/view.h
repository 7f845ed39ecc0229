// Arithmetic of view shapes that other families use too.
#pragma once
#include <optional>

#include "base/dims.h"
#include "ops/opdef.h"

namespace facula {

// Replaces one -1; refuses a shape that does not hold `numel` elements.
Dims infer_sizes(const char* name, const Dims& wanted, int64_t numel);
std::optional<Dims> view_strides(const Dims& sizes, const Dims& strides, const Dims& wanted);

extern const OpFamily kViewFamily;

}  // namespace facula
