// What the reductions of real matrices share: scratch memory that begins at a cache line, and the type for products.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "runtime/allocator.h"

namespace facula {

template <class T>
struct Memory {
  explicit Memory(int64_t n) : bytes(static_cast<size_t>(n) * sizeof(T)), data(static_cast<T*>(allocate(bytes))) {}
  ~Memory() { deallocate(data, bytes); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  size_t bytes;
  T* data;
};

template <class T>
inline constexpr DType kRealType = sizeof(T) == 4 ? DType::Float32 : DType::Float64;

// The member of a kernel family for T.
template <class T, class Family>
const auto& kernels_of(const Family& family) {
  if constexpr (sizeof(T) == 4)
    return family.of_float;
  else
    return family.of_double;
}

}  // namespace facula
