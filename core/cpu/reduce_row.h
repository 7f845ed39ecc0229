// Arrays of float, double or a 16-bit type as blocks of the type they are computed in: a pointer where the types agree,
// a converted copy in L1 where they do not. Private to core/cpu.
#pragma once
#include "cpu/reduce_fold.h"

namespace facula::cpu::FACULA_ISA {

inline constexpr int64_t kBlock = 1024;

// Elements of dtype read as A (float or double), in blocks of at most kBlock.
template <class A>
struct Reader {
  const char* base;
  int64_t item;
  LoadKernel load;
  bool same;  // no conversion
  Reader(DType dtype, const void* p)
      : base(static_cast<const char*>(p)),
        item(item_size(dtype)),
        load(load_kernel(dtype, std::is_same_v<A, double> ? Column::F64 : Column::F32, Map::None)),
        same(dtype == (std::is_same_v<A, double> ? DType::Float64 : DType::Float32)) {}
  explicit Reader(const A* p) : Reader(std::is_same_v<A, double> ? DType::Float64 : DType::Float32, p) {}
  const A* at(int64_t i, int64_t n, A* buffer) const {
    if (same) return reinterpret_cast<const A*>(base) + i;
    load(base + i * item, 1, n, buffer);
    return buffer;
  }
  const A* strided(int64_t i, int64_t stride, int64_t n, A* buffer) const {
    load(base + i * item, stride, n, buffer);
    return buffer;
  }
  A operator[](int64_t i) const {
    A x;
    if (same) return reinterpret_cast<const A*>(base)[i];
    load(base + i * item, 1, 1, &x);
    return x;
  }
};

// The way back: a block is computed in place(), then done() stores it.
template <class A>
struct Writer {
  char* base;
  DType dtype;
  bool same;
  Writer(DType dtype, void* p)
      : base(static_cast<char*>(p)),
        dtype(dtype),
        same(dtype == (std::is_same_v<A, double> ? DType::Float64 : DType::Float32)) {}
  explicit Writer(A* p) : Writer(std::is_same_v<A, double> ? DType::Float64 : DType::Float32, p) {}
  A* place(int64_t i, A* buffer) const { return same ? reinterpret_cast<A*>(base) + i : buffer; }
  void done(int64_t i, int64_t n, const A* buffer) const {
    if (!same) convert(i, n, buffer);
  }
  void put(int64_t i, A x) const {
    store_element(std::is_same_v<A, double> ? Column::F64 : Column::F32, &x, dtype, base + i * item_size(dtype));
  }

 private:
  [[gnu::noinline]] void convert(int64_t i, int64_t n, const A* buffer) const {
    if constexpr (std::is_same_v<A, float>)
      dtype == DType::BFloat16 ? narrow_block(buffer, n, reinterpret_cast<BFloat*>(base) + i)
                               : narrow_block(buffer, n, reinterpret_cast<Half*>(base) + i);
  }
};

// out = f(x, ...) over vectors of n elements, the last partial. `out` may be one of the inputs.
template <class F, class A, class... More>
inline void map_block(F f, int64_t n, A* out, const A* x, const More*... more) {
  for (int64_t i = 0; i < n; i += Vec<A>::width) {
    Vec<A> y = f(load_up_to(x + i, n - i, A(0)), load_up_to(more + i, n - i, A(0))...);
    store_up_to(out + i, y, n - i);
  }
}
// Sum of f(x, ...); f of zeros must be zero.
template <class F, class A, class... More>
inline A sum_block(F f, int64_t n, const A* x, const More*... more) {
  constexpr int W = Vec<A>::width;
  Vec<A> sum = A(0), other = A(0);  // two chains of additions
  for (int64_t i = 0; i < n; i += W) {
    Vec<A> next = other + f(load_up_to(x + i, n - i, A(0)), load_up_to(more + i, n - i, A(0))...);
    other = sum;
    sum = next;
  }
  return join_lanes<SumOp>(sum + other);
}

// Calls body(begin, length) over [0, n) in blocks.
template <class F>
inline void for_blocks(int64_t n, F body) {
  for (int64_t i = 0; i < n; i += kBlock) body(i, n - i < kBlock ? n - i : kBlock);
}

}  // namespace facula::cpu::FACULA_ISA
