// The compiler's vectors as the matrix products use them: numbers of one type, no masks. Included by those kernels;
// formulas have richer lanes (cpu/lanes.h).
#pragma once
#include <cstring>

#include "cpu/dispatch.h"

namespace facula::cpu::FACULA_ISA {
namespace {

template <class T>
struct VectorOf {
  typedef T type __attribute__((vector_size(kLaneBytes)));
};
template <class T>
using Vector = typename VectorOf<T>::type;
template <class T>
constexpr int kLanes = kLaneBytes / static_cast<int>(sizeof(T));

template <class T>
inline Vector<T> load(const T* p) {
  Vector<T> v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class T>
inline void store(T* p, Vector<T> v) {
  std::memcpy(p, &v, sizeof v);
}

}  // namespace
}  // namespace facula::cpu::FACULA_ISA
