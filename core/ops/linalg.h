// What the families of linear algebra share: batches of column-major matrices for LAPACK, checks with PyTorch's words,
// and the matrix algebra that derivatives are written in. No operation here.
#pragma once
#include <algorithm>
#include <string>

#include "base/gil.h"
#include "ops/ops.h"
#include "ops/promote.h"
#include "runtime/allocator.h"
#include "runtime/lapack.h"
#include "runtime/parallel.h"

namespace facula {

// ---- memory ----

inline Dims batch_sizes(const Tensor& x) { return Dims(x->sizes.begin(), x->sizes.end() - 2); }
inline int64_t rows_of(const Tensor& x) { return x->sizes[x->sizes.size() - 2]; }
inline int64_t columns_of(const Tensor& x) { return x->sizes.back(); }
inline int64_t smaller_side(const Tensor& x) { return std::min(rows_of(x), columns_of(x)); }
inline Dims with_sizes(Dims batch, std::initializer_list<int64_t> more) {
  for (int64_t n : more) batch.push_back(n);
  return batch;
}

// Batches of matrices, each column-major: what LAPACK reads and writes, and the strides that PyTorch's results have.
Tensor empty_columns(const Dims& batch, int64_t rows, int64_t columns, DType dtype);
Tensor copied_columns(const Tensor& x);                     // always fresh memory
Tensor copied_columns(const Tensor& x, const Dims& batch);  // broadcast
Tensor column_memory(const Tensor& x);                      // x itself when it is laid out so
Tensor identity_columns(const Dims& batch, int64_t n, DType dtype);

// A batch as LAPACK counts it.
struct Columns {
  int64_t count;
  int rows, columns, lead;
  int64_t step;  // elements from one matrix to the next
  explicit Columns(const Tensor& x);
};

// Memory of LAPACK for one call.
template <class T>
struct Scratch {
  explicit Scratch(int64_t n)
      : bytes(static_cast<size_t>(std::max<int64_t>(n, 1)) * sizeof(T)), data(static_cast<T*>(allocate(bytes))) {}
  ~Scratch() { deallocate(data, bytes); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  size_t bytes;
  T* data;
};
// The workspace size that a query wrote.
template <class T>
int work_size(const T& answer) {
  return std::max(1, static_cast<int>(std::real(answer)));
}

// f(T{}) with the element type; anything else is PyTorch's refusal.
template <class F>
void with_element_type(const char* name, DType dtype, F&& f) {
  switch (dtype) {
    case DType::Float32: return f(float{});
    case DType::Float64: return f(double{});
    case DType::Complex64: return f(std::complex<float>{});
    case DType::Complex128: return f(std::complex<double>{});
    default: fail(ErrorKind::NotImplemented, "\"", name, "\" not implemented for '", scalar_type_name(dtype), "'");
  }
}

// body(begin, end) over the matrices of a batch, `work` multiply-adds each. The first runs on the caller: it resolves
// the library's functions, and may throw.
template <class F>
void over_batch(int64_t count, double work, F&& body) {
  if (count <= 0) return;
  work = std::max(work, 64.0);
  GilRelease unlocked(work * static_cast<double>(count) > static_cast<double>(kLongWork));
  body(int64_t{0}, int64_t{1});
  if (count > 1)
    parallel_for(count - 1, static_cast<int64_t>((1 << 16) / work) + 1,
                 [&](int64_t begin, int64_t end) { body(begin + 1, end + 1); });
}
inline double cube(int64_t n) { return static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n); }

// ---- checks ----

void check_matrices(const char* name, const Tensor& x, const char* argument = "A");
void check_square(const char* name, const Tensor& x, const char* argument = "A");
void check_float(const char* name, const Tensor& x,
                 bool low_precision);  // low_precision: half types are the kernel's matter
// For calls inside the core: entries that take a name for their error messages leave errors to info without one.
inline Arg unnamed() {
  Arg a;
  a.tag = Arg::Text;
  a.text = {"", 0};
  return a;
}
// The first nonzero info of a batch: its place in words ("(Batch element 3): ") and value; value 0 when there is none.
struct Failure {
  std::string where;
  int info = 0;
};
Failure first_failure(const Tensor& info);

// ---- algebra of derivatives, recorded ----

namespace matrix {

using ops::matmul;
inline Tensor matmul(const Tensor& a, const Tensor& b, const Tensor& c) { return matmul(matmul(a, b), c); }
Tensor tril(const Tensor& x, int64_t diagonal = 0);
Tensor triu(const Tensor& x, int64_t diagonal = 0);
Tensor conj(const Tensor& x);  // x itself when it is real
Tensor mT(const Tensor& x);
Tensor mH(const Tensor& x);
Tensor real(const Tensor& x);       // x itself when it is real
Tensor imaginary(const Tensor& x);  // of a complex tensor
Tensor times_i(const Tensor& x);    // i x of a real tensor
Tensor diagonal(const Tensor& x);
Tensor diagonal_matrix(const Tensor& d);  // diag_embed
Tensor columns(const Tensor& x, int64_t begin, int64_t end);
Tensor rows(const Tensor& x, int64_t begin, int64_t end);
Tensor column_scale(const Tensor& d);            // [.., k] as [.., 1, k]: multiplies columns
Tensor row_scale(const Tensor& d);               // [.., k] as [.., k, 1]
Tensor solve(const Tensor& a, const Tensor& b);  // singular matrices give inf and nan
Tensor solve_triangular(const Tensor& a, const Tensor& b, bool upper, bool left = true, bool unit = false);
Tensor lu_solve(const Tensor& lu, const Tensor& pivots, const Tensor& b, bool left, bool adjoint);
struct Svd {
  Tensor u, s, vh;
};
Svd svd(const Tensor& a);  // reduced
// Whether a real tensor is zero within what rounding explains (PyTorch's 1e-2, absolute).
bool is_about_zero(const Tensor& x);

}  // namespace matrix

}  // namespace facula
