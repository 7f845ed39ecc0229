// The operations as C++ functions, for derivatives and compositions inside the core. Each goes through the table, so it
// is recorded when gradients are. An entry needs a line here only when the core itself calls it.
#pragma once
#include "ops/opdef.h"

namespace facula::ops {

#define FACULA_FRONT(name, parameters, ...)  \
  inline Tensor name parameters {            \
    static const OpDef& op = find_op(#name); \
    return call(op, __VA_ARGS__);            \
  }

// pointwise
FACULA_FRONT(add, (const Arg& a, const Arg& b), a, b)
FACULA_FRONT(sub, (const Arg& a, const Arg& b), a, b)
FACULA_FRONT(mul, (const Arg& a, const Arg& b), a, b)
FACULA_FRONT(div, (const Arg& a, const Arg& b), a, b)
FACULA_FRONT(pow, (const Arg& a, const Arg& b), a, b)
FACULA_FRONT(neg, (const Arg& a), a)
FACULA_FRONT(exp, (const Arg& a), a)
FACULA_FRONT(log, (const Arg& a), a)
FACULA_FRONT(sign, (const Arg& a), a)
FACULA_FRONT(abs, (const Arg& a), a)
FACULA_FRONT(eq, (const Arg& a, const Arg& b), a, b)
FACULA_FRONT(ne, (const Arg& a, const Arg& b), a, b)
FACULA_FRONT(ge, (const Arg& a, const Arg& b), a, b)
FACULA_FRONT(where, (const Tensor& condition, const Arg& a, const Arg& b), condition, a, b)
// complex numbers; `conj` of a real tensor is itself
FACULA_FRONT(view_as_real, (const Tensor& x), x)
FACULA_FRONT(view_as_complex, (const Tensor& x), x)
FACULA_FRONT(sgn, (const Arg& a), a)
inline Tensor conj(const Tensor& x) {
  static const OpDef& op = find_op("_conj");
  return is_complex(x->dtype) ? call(op, x) : x;
}
inline Scalar conj(const Scalar& s) { return s.kind == Category::Complex ? Scalar(s.re, -s.im) : s; }
Tensor real_part(const Tensor& x);  // a view; x itself when it is real
// views
FACULA_FRONT(view, (const Tensor& x, const Dims& sizes), x, sizes)
FACULA_FRONT(reshape, (const Tensor& x, const Dims& sizes), x, sizes)
FACULA_FRONT(permute, (const Tensor& x, const Dims& dims), x, dims)
FACULA_FRONT(transpose, (const Tensor& x, int64_t a, int64_t b), x, a, b)
FACULA_FRONT(t, (const Tensor& x), x)
FACULA_FRONT(unsqueeze, (const Tensor& x, int64_t dim), x, dim)
FACULA_FRONT(squeeze_dims, (const Tensor& x, const Dims& dims), x, dims)
FACULA_FRONT(expand, (const Tensor& x, const Dims& sizes), x, sizes)
FACULA_FRONT(select, (const Tensor& x, int64_t dim, int64_t index), x, dim, index)
FACULA_FRONT(slice, (const Tensor& x, int64_t dim, int64_t start, int64_t end, int64_t step), x, dim, start, end, step)
FACULA_FRONT(as_strided, (const Tensor& x, const Dims& sizes, const Dims& strides, int64_t offset), x, sizes, strides,
             offset)
FACULA_FRONT(detach, (const Tensor& x), x)
// copies
FACULA_FRONT(clone, (const Tensor& x), x)
FACULA_FRONT(contiguous, (const Tensor& x), x)
FACULA_FRONT(to_dtype, (const Tensor& x, DType dtype), x, dtype)
FACULA_FRONT(cat, (const TensorList& l, int64_t dim), l, dim)
FACULA_FRONT(stack, (const TensorList& l, int64_t dim), l, dim)
// reductions
FACULA_FRONT(sum, (const Tensor& x, const Dims* dims, bool keepdim), x, dims, keepdim, nullptr)
FACULA_FRONT(sum_to_size, (const Tensor& x, const Dims& sizes), x, sizes)
// products
FACULA_FRONT(mm, (const Tensor& a, const Tensor& b), a, b)
FACULA_FRONT(bmm, (const Tensor& a, const Tensor& b), a, b)
FACULA_FRONT(matmul, (const Tensor& a, const Tensor& b), a, b)
// indexing
FACULA_FRONT(index_select, (const Tensor& x, int64_t dim, const Tensor& index), x, dim, index)
FACULA_FRONT(gather, (const Tensor& x, int64_t dim, const Tensor& index), x, dim, index)
FACULA_FRONT(index_add, (const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source), x, dim, index,
             source, 1.0)
FACULA_FRONT(scatter_add, (const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source), x, dim, index,
             source)
FACULA_FRONT(index, (const Tensor& x, const TensorList& indices), x, indices)

inline void copy_(const Tensor& to, const Tensor& from) {
  static const OpDef& op = find_op("copy_");
  call_inplace(op, to, from);
}

// Plain memory, never recorded: the kernels behind the entries (copy.cpp).
void copy_memory(const Tensor& to, const Tensor& from);  // converts and broadcasts
Tensor contiguous_memory(const Tensor& t);               // t itself when it is contiguous
Tensor converted_memory(const Tensor& t, DType dtype);   // t itself when it has that type
void fill_memory(const Tensor& t, Scalar value);
Tensor zeros(const Dims& sizes, DType dtype);
Tensor full(const Dims& sizes, Scalar value, DType dtype);
Tensor broadcast_memory(const Tensor& t, const Dims& sizes);  // expanded alias
Scalar item(const Tensor& t);

}  // namespace facula::ops
