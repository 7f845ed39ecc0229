// Sizes and strides: in-line up to five dimensions, and the arithmetic on them that needs no tensor.
#pragma once
#include <ostream>

#include "base/error.h"
#include "base/small_vector.h"

namespace facula {

using Dims = SmallVector<int64_t, 5>;
inline constexpr int kMaxDims = 64;

inline std::ostream& operator<<(std::ostream& out, const Dims& d) {
  out << '[';
  for (size_t i = 0; i < d.size(); ++i) out << (i ? ", " : "") << d[i];
  return out << ']';
}

// Product of sizes; refuses negative sizes and overflow.
inline int64_t count_elements(const Dims& sizes) {
  int64_t n = 1;
  bool overflow = false;
  for (int64_t s : sizes) {
    FACULA_CHECK(s >= 0, Runtime, "Trying to create tensor with negative dimension ", s, ": ", sizes);
    overflow |= __builtin_mul_overflow(n, s, &n);
  }
  if (overflow) {  // an empty tensor may have huge other sizes
    for (int64_t s : sizes)
      if (s == 0) return 0;
    fail(ErrorKind::Runtime, "the size ", sizes, " overflows: a tensor cannot have that many elements");
  }
  return n;
}

inline Dims contiguous_strides(const Dims& sizes) {
  Dims strides(sizes.size());
  int64_t step = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    strides[i] = step;
    step *= sizes[i] > 1 ? sizes[i] : 1;
  }
  return strides;
}

inline bool is_contiguous(const Dims& sizes, const Dims& strides) {
  int64_t step = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    if (sizes[i] == 0) return true;
    if (sizes[i] != 1) {
      if (strides[i] != step) return false;
      step *= sizes[i];
    }
  }
  return true;
}

// Python's negative dimension; a 0-d tensor accepts 0 and -1.
inline int64_t wrap_dim(int64_t dim, int64_t ndim) {
  int64_t bound = ndim > 0 ? ndim : 1;
  FACULA_CHECK(dim >= -bound && dim < bound, Index, "Dimension out of range (expected to be in range of [", -bound,
               ", ", bound - 1, "], but got ", dim, ")");
  return dim < 0 ? dim + bound : dim;
}

}  // namespace facula
