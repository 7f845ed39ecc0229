// Writes by index along a dimension (scatter and its relatives): the checks of a call, and the memory its kernel takes.
#pragma once
#include "base/gil.h"
#include "cpu/index.h"
#include "ops/axis.h"
#include "runtime/parallel.h"

namespace facula {

// Contiguous int64 indices, not in the memory of `written` (absent: nothing is written).
inline Tensor index_memory(const Tensor& index, const Tensor& written) {
  Tensor wide = ops::converted_memory(index, DType::Int64);
  return written ? apart(wide, written) : ops::contiguous_memory(wide);
}
inline bool is_index(const Tensor& t) { return t->dtype == DType::Int64 || t->dtype == DType::Int32; }

// Position of the first index outside [0, size), or -1. Most kernels wrap negative ones, most operations here must not.
inline int64_t first_outside(const Tensor& index, int64_t size) {
  return cpu::index().check(index->numel, index->ptr<int64_t>(), 0, size);
}
[[noreturn]] inline void refuse_index(const Tensor& index, int64_t at, int64_t size, int64_t dim, ErrorKind kind) {
  fail(kind, "index ", index->ptr<int64_t>()[at], " is out of bounds for dimension ", dim, " with size ", size);
}
inline void check_bounds(const Tensor& index, int64_t size, int64_t dim, ErrorKind kind = ErrorKind::Runtime) {
  int64_t bad = first_outside(index, size);
  if (bad >= 0) refuse_index(index, bad, size, dim, kind);
}

// dims of `index` may be smaller than those of the tensor: the part of it that the index covers.
inline Tensor covered(const Tensor& t, const Dims& index_sizes, int64_t dim) {
  Dims sizes = t->sizes;
  for (int64_t d = 0; d < t->ndim(); ++d)
    if (d != dim) sizes[d] = index_sizes[d];
  return sizes == t->sizes ? t : alias(t, sizes, t->strides, t->byte_offset);
}
inline Dims at_least_1d(const Dims& sizes) { return sizes.empty() ? Dims{1} : sizes; }

// Everything a write by index needs, checked. `empty` when there is nothing to do.
struct Scatter {
  Axis axis;
  int64_t length = 0;
  Tensor index, region;
  bool empty;
  Scatter(const Tensor& self, int64_t& dim, const Tensor& given, const Tensor& src) : empty(given->numel == 0) {
    dim = wrap_dim(dim, self->ndim());
    FACULA_CHECK(empty || is_index(given), Runtime, "scatter(): Expected dtype int32/int64 for index");
    FACULA_CHECK(!src || self->dtype == src->dtype, Runtime, "scatter(): Expected self.dtype to be equal to src.dtype");
    if (empty) return;
    check_shapes(self, dim, given, src);
    index = index_memory(given, self);
    region = covered(self, at_least_1d(given->sizes), dim);
    axis = axis_of(region->sizes, dim);
    length = axis_of(given->sizes, dim).size;
    check_bounds(index, axis.size, dim);
  }
  static void check_shapes(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src) {
    Dims a = at_least_1d(self->sizes), i = at_least_1d(index->sizes), s = src ? at_least_1d(src->sizes) : i;
    FACULA_CHECK(a.size() == i.size(), Runtime, "Index tensor must have the same number of dimensions as self tensor");
    FACULA_CHECK(s.size() == i.size(), Runtime, "Index tensor must have the same number of dimensions as src tensor");
    bool fits = true;
    for (int64_t d = 0; d < static_cast<int64_t>(i.size()); ++d) fits &= i[d] <= s[d] && (d == dim || i[d] <= a[d]);
    if (fits) return;
    std::ostringstream and_src;
    if (src) and_src << " and to be no larger size than src " << src->sizes;
    fail(ErrorKind::Runtime, "Expected index ", index->sizes, " to be no larger than self ", self->sizes,
         " apart from dimension ", dim, and_src.str());
  }
  // The part of src that the index covers.
  Tensor values(const Tensor& src) const {
    Tensor part = src->ndim() == 0 ? src : alias(src, at_least_1d(index->sizes), src->strides, src->byte_offset);
    return apart(part, region);
  }
};

inline void combine_into(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src, cpu::Combine how) {
  Scatter s(self, dim, index, src);
  if (s.empty) return;
  Tensor values = s.values(src);
  Written to(s.region);
  {
    GilRelease unlocked(s.index->numel > kLongWork);
    cpu::index().scatter_combine(self->dtype, how, s.axis.outer, s.length, s.axis.inner, s.axis.size,
                                 s.index->ptr<int64_t>(), values->data(), 1, to.memory->data());
  }
  to.store();
}
}  // namespace facula
