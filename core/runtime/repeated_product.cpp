// Slivers of columns are shared out in the same way each time, so that a thread finds its own in its cache. The order
// of an element's sum depends on k alone.
#include "runtime/repeated_product.h"

#include <algorithm>

#include "cpu/gemm_packed.h"
#include "runtime/allocator.h"
#include "runtime/parallel.h"

namespace facula {
namespace {

const cpu::PackedGemm& kernels_of(DType dtype) {
  return dtype == DType::Float64 ? cpu::packed_gemm().of_double : cpu::packed_gemm().of_float;
}

}  // namespace

RepeatedProduct::RepeatedProduct(DType dtype, int64_t n, int64_t k, const void* b, int64_t row, int64_t column)
    : dtype_(dtype), n_(n), k_(k) {
  constexpr int64_t kElements = 1 << 14;  // a piece of a thread: about 5 us
  const cpu::PackedGemm& kernels = kernels_of(dtype);
  const int64_t width = kernels.columns, size = item_size(dtype);
  slivers_ = (n + width - 1) / width;
  bytes_ = static_cast<size_t>(slivers_ * width * k * size);
  packed_ = static_cast<char*>(allocate(bytes_));
  parallel_for(slivers_, 1 + kElements / (width * k + 1), [&](int64_t begin, int64_t end) {
    const char* from = static_cast<const char*>(b) + size * begin * width * column;
    kernels.pack_columns({from, column, row}, std::min(end * width, n) - begin * width, k,
                         packed_ + size * begin * width * k);
  });
}
RepeatedProduct::~RepeatedProduct() { deallocate(packed_, bytes_); }

void RepeatedProduct::multiply(int64_t m, const void* a, int64_t lda, double beta, void* c, int64_t ldc) const {
  constexpr int64_t kLeastWork = 1 << 19;  // multiply-adds: about 5 us
  const cpu::PackedGemm& kernels = kernels_of(dtype_);
  const int64_t width = kernels.columns, size = item_size(dtype_);
  const int64_t parts = std::max<int64_t>(1, (k_ - 1) / kernels.depth + 1), depth = (k_ - 1) / parts + 1;
  parallel_for(slivers_, 1 + kLeastWork / (width * k_ * m + 1), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      for (int64_t p = 0; p < k_; p += depth) {
        cpu::PackedBlock g{m, std::min(width, n_ - i * width), std::min(depth, k_ - p)};
        g.a = static_cast<const char*>(a) + size * p;
        g.a_sliver = kernels.rows * lda;
        g.a_row = lda;
        g.a_column = 1;
        g.b = packed_ + size * width * (i * k_ + p);
        g.b_sliver = width * k_;
        g.b_row = width;
        g.alpha = 1;
        g.beta = p > 0 ? 1 : beta;
        g.c = static_cast<char*>(c) + size * i * width;
        g.c_row = ldc;
        g.c_column = 1;
        kernels.multiply(g);
      }
  });
}

}  // namespace facula
