// Products of many matrices with one that is packed once: the steps of a recurrent layer.
#pragma once
#include <cstdint>

#include "base/dtype.h"

namespace facula {

class RepeatedProduct {
 public:
  // B[k, n] of float32 or float64 has element (i, j) at i * row + j * column, one of which is 1.
  RepeatedProduct(DType dtype, int64_t n, int64_t k, const void* b, int64_t row, int64_t column);
  ~RepeatedProduct();
  RepeatedProduct(const RepeatedProduct&) = delete;
  RepeatedProduct& operator=(const RepeatedProduct&) = delete;
  // Row-major C[m, n] = A[m, k] B + beta * C. beta == 0 never reads C.
  void multiply(int64_t m, const void* a, int64_t lda, double beta, void* c, int64_t ldc) const;

 private:
  DType dtype_;
  int64_t n_, k_, slivers_;
  size_t bytes_;
  char* packed_;
};

}  // namespace facula
