// Indexing along one dimension: index_select and its writing relatives, gather, scatter, take, embedding.
#include <algorithm>

#include "ops/checked.h"
#include "ops/scatter.h"

namespace facula {

namespace {

// ---- checks ----

// The index of an operation that takes a vector of places along `dim`.
Tensor vector_index(const char* name, const Tensor& index, const Tensor& written = {}) {
  FACULA_CHECK(index->ndim() <= 1, Index, name, "(): Index is supposed to be a vector");
  FACULA_CHECK(is_index(index), Runtime, name, "(): Expected dtype int32 or int64 for index");
  return index_memory(index, written);
}
void check_source(const char* name, const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                  ErrorKind kind) {
  int64_t given = source->ndim() == 0 ? 1 : dim < source->ndim() ? source->sizes[dim] : -1;
  if (given != index->numel)
    fail(kind, name, "_(): Number of indices (", index->numel, ") should be equal to source.size(dim): (", given,
         "), for dim: ", dim);
  Dims a = self->sizes, b = source->sizes;
  if (!a.empty()) a.erase(dim);
  if (!b.empty()) b.erase(dim);
  if (a != b)
    fail(kind, "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = ",
         self->sizes, " source.shape = ", source->sizes);
}

Tensor zeros_then(const OpDef& op, const Dims& sizes, int64_t dim, const Tensor& index, const Tensor& g) {
  Tensor out = ops::zeros(sizes, g->dtype);
  call_inplace(op, out, dim, index, g);
  return out;
}

// ---- index_select and the writes along a dimension ----

Tensor index_select(const Tensor& x, int64_t dim, const Tensor& given) {
  dim = wrap_dim(dim, x->ndim());
  Tensor index = vector_index("index_select", given);
  Axis a = axis_of(x->sizes, dim);
  FACULA_CHECK(first_outside(index, a.size) < 0, Index, "index out of range in self");
  Dims sizes = x->sizes;
  if (!sizes.empty())
    sizes[dim] = index->numel;
  else
    FACULA_CHECK(index->numel == 1, Index, "index_select(): Index to scalar can have only 1 value, got ", index->numel,
                 " value(s)");
  Tensor out = empty(sizes, x->dtype), src = ops::contiguous_memory(x);
  if (out->numel == 0) return out;
  const int64_t row = a.inner * x->item_size();
  GilRelease unlocked(out->numel > kLongWork);
  if (a.inner == 1 && a.outer > 1 && a.size <= INT32_MAX) {
    cpu::index().gather_each(x->item_size(), a.outer, index->numel, index->ptr<int64_t>(), a.size, src->data(),
                             out->data());
    return out;
  }
  for (int64_t o = 0; o < a.outer; ++o)
    cpu::index().gather_rows(index->numel, index->ptr<int64_t>(), a.size, src->data() + o * a.size * row, row, row,
                             out->data() + o * index->numel * row);
  return out;
}
void index_select_vjp(Backward& b) {
  static const OpDef& add = find_op("_index_add");
  b.set(0, zeros_then(add, b.sizes(0), b.arg(1).number.i, b.input(2), b.grad()));
}

void index_add_into(const Tensor& self, int64_t dim, const Tensor& given, const Tensor& source) {
  dim = wrap_dim(dim, self->ndim());
  FACULA_CHECK(given->ndim() <= 1, Index,
               "index_add_(): Index is supposed to be a vector, but got dim: ", given->ndim(),
               " with type: ", scalar_type_name(given->dtype), " and size: ", given->sizes);
  FACULA_CHECK(is_index(given), Runtime,
               "index_add_(): Expected dtype int32/int64 for index but got: ", scalar_type_name(given->dtype));
  FACULA_CHECK(self->dtype == source->dtype, Runtime, "index_add_(): self (", scalar_type_name(self->dtype),
               ") and source (", scalar_type_name(source->dtype), ") must have the same scalar type");
  Tensor index = index_memory(given, self);
  check_source("index_add", self, dim, index, source, ErrorKind::Runtime);
  Axis a = axis_of(self->sizes, dim);
  check_bounds(index, a.size, dim, ErrorKind::Index);
  if (self->numel == 0 || index->numel == 0) return;
  Written to(self);
  Tensor from = apart(source, to.memory);
  {
    GilRelease unlocked(from->numel > kLongWork);
    cpu::index().index_combine(self->dtype, cpu::Combine::Add, a.outer, index->numel, a.inner, a.size,
                               index->ptr<int64_t>(), from->data(), to.memory->data());
  }
  to.store();
}
void index_add(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha) {
  FACULA_CHECK(alpha.kind != Category::Complex || is_complex(self->dtype), Runtime,
               "For non-complex input tensors, argument alpha must not be a complex number.");
  ops::check_fits(alpha, source->dtype);
  if (is_integral(source->dtype)) {
    alpha = ops::wrapped(alpha, source->dtype);
    if (source->dtype == DType::Bool) alpha = Scalar(alpha.i != 0);
  }
  GradMode off(false);
  index_add_into(self, dim, index, alpha.equals(1) ? source : ops::mul(source, alpha));
}
// source may be 0-d, and then its gradient is.
Tensor like_source(const Backward& b, size_t slot, const Tensor& g) {
  return g->sizes == b.sizes(slot) ? g : ops::reshape(g, b.sizes(slot));
}
void index_add_vjp(Backward& b) {
  Tensor g = b.grad();
  if (b.needs(0)) b.set(0, g);
  if (!b.needs(3)) return;
  Tensor picked = like_source(b, 3, ops::index_select(g, b.arg(1).number.i, b.input(2)));
  bool plain = b.node->args.size() <= 4 || b.arg(4).number.equals(1);
  b.set(3, plain ? picked : ops::mul(picked, ops::conj(b.arg(4).number)));
}

// dst[..., index, ...] = rows of src; src_rows 0 writes one row everywhere.
void write_rows(const Tensor& self, const Axis& a, const Tensor& index, const Tensor& src, bool one_row) {
  Written to(self);
  const int64_t row = a.inner * self->item_size();
  const int64_t stride = one_row ? 0 : row, block = one_row ? 0 : index->numel * row;
  for (int64_t o = 0; o < a.outer; ++o)
    cpu::index().scatter_rows(index->numel, index->ptr<int64_t>(), a.size, src->data() + o * block, stride, row,
                              to.memory->data() + o * a.size * row);
  to.store();
}

void index_copy(const Tensor& self, int64_t dim, const Tensor& given, const Tensor& source) {
  dim = wrap_dim(dim, self->ndim());
  FACULA_CHECK(self->dtype == source->dtype, Runtime,
               "index_copy_(): self and source expected to have the same dtype, but got (self) ",
               scalar_type_name(self->dtype), " and (source) ", scalar_type_name(source->dtype));
  FACULA_CHECK(given->ndim() <= 1, Index, "index_copy_(): Index should have dimension 1 or 0 (got ", given->ndim(),
               ")");
  FACULA_CHECK(given->dtype == DType::Int64, Runtime, "index_copy_(): Expected a long tensor for index, but got ",
               scalar_type_name(given->dtype));
  Tensor index = index_memory(given, self);
  check_source("index_copy", self, dim, index, source, ErrorKind::Index);
  Axis a = axis_of(self->sizes, dim);
  int64_t bad = first_outside(index, a.size);
  FACULA_CHECK(bad < 0, Index, "index_copy_(): index ", index->ptr<int64_t>()[bad], " is out of bounds for dimension ",
               dim, " with size ", a.size);
  if (self->numel > 0) write_rows(self, a, index, apart(source, self), false);
}
Tensor zero_at(const Tensor& g, int64_t dim, const Tensor& index) {
  static const OpDef& op = find_op("index_fill");
  return call(op, g, dim, index, Scalar(0));
}
void index_copy_vjp(Backward& b) {
  Tensor g = b.grad(), index = b.input(2);
  int64_t dim = b.arg(1).number.i;
  if (b.needs(0)) b.set(0, zero_at(g, dim, index));
  if (b.needs(3)) b.set(3, like_source(b, 3, ops::index_select(g, dim, index)));
}

// A number or a 0-d tensor as one element of the type written to.
Tensor element(const char* name, const Arg& value, DType dtype) {
  if (value.tag == Arg::Number) {
    ops::check_fits(value.number, dtype);
    return ops::full({}, value.number, dtype);
  }
  const Tensor& v = value.as_tensor();
  FACULA_CHECK(v->ndim() == 0, Runtime, name, " only supports a 0-dimensional value tensor, but got tensor with ",
               v->ndim(), " dimension(s).");
  return ops::converted_memory(v, dtype);
}

void index_fill(const Tensor& self, int64_t dim, const Tensor& given, Operand value) {
  dim = wrap_dim(dim, self->ndim());
  FACULA_CHECK(given->dtype == DType::Int64, Index, "index_fill_(): Expected dtype int64 for index, got ",
               name_of(given->dtype));
  FACULA_CHECK(given->ndim() <= 1, Index, "Index has to be a vector/scalar");
  Tensor index = index_memory(given, self), one = element("index_fill_", value.arg, self->dtype);
  Axis a = axis_of(self->sizes, dim);
  int64_t bad = cpu::index().check(index->numel, index->ptr<int64_t>(), -a.size, a.size);
  FACULA_CHECK(bad < 0, Index, "index ", index->ptr<int64_t>()[bad], " is out of bounds for dimension ", dim,
               " with size ", a.size);
  if (self->numel == 0) return;
  write_rows(self, a, index, ops::contiguous_memory(ops::broadcast_memory(one, {a.inner})), true);
}
void index_fill_vjp(Backward& b) {
  Tensor g = b.grad(), index = b.input(2);
  int64_t dim = b.arg(1).number.i;
  if (b.needs(0)) b.set(0, zero_at(g, dim, index));
  if (!b.needs(3)) return;
  // index_fill lets indices be negative, index_select does not; masking needs no indices at all.
  Tensor chosen = ops::zeros(g->sizes, g->dtype);
  index_fill(chosen, dim, index, Operand{Arg(Scalar(1))});
  b.set(3, ops::mul(g, chosen));
}

// ---- gather and scatter ----

void check_gather(const char* name, const Tensor& self, int64_t dim, const Tensor& index) {
  if (index->numel == 0) return;
  FACULA_CHECK(is_index(index), Runtime, name, "(): Expected dtype int32/int64 for index");
  Dims a = at_least_1d(self->sizes), b = at_least_1d(index->sizes);
  FACULA_CHECK(a.size() == b.size(), Runtime, "Index tensor must have the same number of dimensions as input tensor");
  for (int64_t d = 0; d < static_cast<int64_t>(a.size()); ++d)
    FACULA_CHECK(d == dim || b[d] <= a[d], Runtime, "Size does not match at dimension ", d, " expected index ",
                 index->sizes, " to be no larger than self ", self->sizes, " apart from dimension ", dim);
}

Tensor gather(const Tensor& x, int64_t dim, const Tensor& given) {
  dim = wrap_dim(dim, x->ndim());
  check_gather("gather", x, dim, given);
  Tensor out = empty(given->sizes, x->dtype);
  if (out->numel == 0) return out;
  Tensor index = index_memory(given, Tensor()),
         src = ops::contiguous_memory(covered(x, at_least_1d(given->sizes), dim));
  Axis a = axis_of(src->sizes, dim);
  int64_t bad = -1;
  {
    GilRelease unlocked(out->numel > kLongWork);
    bad = cpu::index().gather(x->item_size(), a.outer, axis_of(index->sizes, dim).size, a.inner, a.size,
                              index->ptr<int64_t>(), src->data(), out->data());
  }
  if (bad >= 0) refuse_index(index, bad, a.size, dim, ErrorKind::Runtime);
  return out;
}
void gather_vjp(Backward& b) {
  static const OpDef& add = find_op("scatter_add");
  if (b.needs(0))  // not when an index of no elements, of any type, is what requires grad
    b.set(0, zeros_then(add, b.sizes(0), b.arg(1).number.i, b.input(2), b.grad()));
}

void scatter(const Tensor& self, int64_t dim, const Tensor& index, Operand src) {
  bool number = src.arg.tag == Arg::Number;
  Scatter s(self, dim, index, src.arg.as_tensor());
  if (s.empty) return;
  Tensor values = number ? element("scatter_", src.arg, self->dtype) : s.values(src.arg.as_tensor());
  Written to(s.region);
  {
    GilRelease unlocked(s.index->numel > kLongWork);
    cpu::index().scatter(self->item_size(), s.axis.outer, s.length, s.axis.inner, s.axis.size, s.index->ptr<int64_t>(),
                         values->data(), number ? 0 : 1, to.memory->data());
  }
  to.store();
}
void scatter_add(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src) {
  combine_into(self, dim, index, src, cpu::Combine::Add);
}

Tensor scattered(const Tensor& g, int64_t dim, const Tensor& index, const Arg& src) {
  static const OpDef& op = find_op("_scatter");
  return call(op, g, dim, index, src);
}
// Gradient of a source that may be larger than the index: what the index does not cover has gradient 0.
Tensor source_gradient(const Backward& b, const Tensor& g, int64_t dim, const Tensor& index) {
  static const OpDef& embed = find_op("_embed");
  Tensor picked = ops::gather(g, dim, index);
  return picked->sizes == b.sizes(3) ? picked
                                     : call(embed, picked, b.sizes(3), contiguous_strides(b.sizes(3)), int64_t{0});
}
void scatter_vjp(Backward& b) {
  Tensor g = b.grad(), index = b.input(2);
  int64_t dim = b.arg(1).number.i;
  if (b.needs(0)) b.set(0, scattered(g, dim, index, Scalar(0)));
  if (b.needs(3)) b.set(3, source_gradient(b, g, dim, index));
}
void scatter_add_vjp(Backward& b) {
  if (b.needs(0)) b.set(0, b.grad());
  if (b.needs(3)) b.set(3, source_gradient(b, b.grad(), b.arg(1).number.i, b.input(2)));
}

// ---- take and embedding ----

Tensor take(const Tensor& x, const Tensor& given) {
  FACULA_CHECK(given->dtype == DType::Int64, Runtime, "take(): Expected a long tensor for index, but got ",
               scalar_type_name(given->dtype));
  FACULA_CHECK(x->numel > 0 || given->numel == 0, Index, "take(): tried to take from an empty tensor");
  Tensor index = ops::contiguous_memory(given), src = ops::contiguous_memory(x), out = empty(given->sizes, x->dtype);
  const int64_t item = x->item_size();
  int64_t bad = cpu::index().check(index->numel, index->ptr<int64_t>(), -x->numel, x->numel);
  FACULA_CHECK(bad < 0, Index, "out of range: tried to access index ", index->ptr<int64_t>()[bad], " on a tensor of ",
               x->numel, " elements.");
  cpu::index().gather_rows(index->numel, index->ptr<int64_t>(), x->numel, src->data(), item, item, out->data());
  return out;
}
void take_vjp(Backward& b) {
  static const OpDef& op = find_op("_index_backward");
  TensorList flat{b.input(1)};
  Tensor g = call(op, b.grad(), flat, Dims{count_elements(b.sizes(0))});
  b.set(0, ops::reshape(g, b.sizes(0)));
}

Tensor embedding(const Tensor& weight, const Tensor& indices, int64_t, bool) {
  FACULA_CHECK(weight->ndim() == 2, Runtime, "'weight' must be 2-D, but got ", weight->ndim(), "-D");
  FACULA_CHECK(is_index(indices), Runtime,
               "Expected tensor for argument #1 'indices' to have one of the following scalar "
               "types: Long, Int; but got ",
               tensor_type_text(indices.get()),
               " instead (while checking arguments for "
               "embedding)");
  Tensor index = index_memory(indices, Tensor()), src = ops::contiguous_memory(weight);
  Dims sizes = indices->sizes;
  sizes.push_back(weight->sizes[1]);
  Tensor out = empty(sizes, weight->dtype);
  FACULA_CHECK(first_outside(index, weight->sizes[0]) < 0, Index, "index out of range in self");
  const int64_t row = weight->sizes[1] * weight->item_size();
  GilRelease unlocked(out->numel > kLongWork);
  cpu::index().gather_rows(index->numel, index->ptr<int64_t>(), weight->sizes[0], src->data(), row, row, out->data());
  return out;
}

// 1 / how often each index occurs, shaped to scale the rows of an embedding.
Tensor inverse_frequency(const Tensor& index, int64_t num_weights, DType dtype) {
  Tensor scale = empty({index->numel, 1}, DType::Float64), counts = ops::zeros({num_weights}, DType::Int64);
  const int64_t* p = index->ptr<int64_t>();
  for (int64_t i = 0; i < index->numel; ++i) ++counts->ptr<int64_t>()[p[i]];
  for (int64_t i = 0; i < index->numel; ++i)
    scale->ptr<double>()[i] = 1.0 / static_cast<double>(counts->ptr<int64_t>()[p[i]]);
  return ops::converted_memory(scale, dtype);
}

Tensor embedding_backward(const Tensor& g, const Tensor& indices, int64_t num_weights, int64_t padding_idx,
                          bool scale) {
  GradMode off(false);
  Tensor index = index_memory(indices, Tensor());
  FACULA_CHECK(first_outside(index, num_weights) < 0, Index, "index out of range in self");
  int64_t width = g->sizes.back();
  Tensor dense = ops::contiguous_memory(g);
  Tensor rows = alias(dense, {index->numel, width}, {width, 1}, dense->byte_offset);
  if (scale) rows = ops::mul(rows, inverse_frequency(index, num_weights, g->dtype));
  Tensor out = ops::zeros({num_weights, width}, g->dtype);
  {
    GilRelease unlocked(g->numel > kLongWork);
    cpu::index().index_combine(g->dtype, cpu::Combine::Add, 1, index->numel, width, num_weights, index->ptr<int64_t>(),
                               rows->data(), out->data());
  }
  if (padding_idx >= 0) ops::fill_memory(alias(out, {width}, {1}, padding_idx * width * out->item_size()), Scalar(0));
  return out;
}
void embedding_vjp(Backward& b) {
  static const OpDef& op = find_op("_embedding_backward");
  b.set(0, call(op, b.grad(), b.input(1), b.sizes(0)[0], b.arg(2), b.arg(3)));
}
void embedding_backward_vjp(Backward& b) {
  static const OpDef& op = find_op("embedding");
  Tensor indices = b.input(1), index = index_memory(indices, Tensor());
  int64_t num_weights = b.arg(2).number.i, padding = b.arg(3).number.i;
  Tensor g = call(op, b.grad(), indices, int64_t{-1}, false);
  Dims per_index = indices->sizes;
  per_index.push_back(1);
  if (padding >= 0) {
    Tensor is_padding = ops::eq(ops::reshape(index, per_index), Scalar(padding));
    g = ops::where(is_padding, Scalar(0.0), g);
  }
  if (b.arg(4).number.to_bool())
    g = ops::mul(g, ops::reshape(inverse_frequency(index, num_weights, g->dtype), per_index));
  b.set(0, g);
}

TensorList gather_batch(const TensorList& tensors, const Tensor& index) {
  FACULA_CHECK(index->ndim() == 1 && index->dtype == DType::Int64, Type,
               "_gather_batch(): indices must be a 1-D int64 tensor, got ", name_of(index->dtype), " of shape ",
               index->sizes);
  TensorList out;
  Tensor rows = ops::contiguous_memory(index);
  for (const Tensor& tensor : tensors) {
    FACULA_CHECK(tensor->ndim() > 0, Index, "_gather_batch(): a 0-d tensor has no rows");
    Tensor t = ops::contiguous_memory(tensor);
    Dims sizes = t->sizes;
    sizes[0] = index->numel;
    Tensor batch = empty(sizes, t->dtype);
    int64_t row = t->sizes[0] ? t->numel / t->sizes[0] * t->item_size() : 0;
    int64_t bad = cpu::index().check(index->numel, rows->ptr<int64_t>(), -t->sizes[0], t->sizes[0]);
    FACULA_CHECK(bad < 0, Index, "index ", rows->ptr<int64_t>()[bad], " is out of range for a data set of ",
                 t->sizes[0], " rows");
    cpu::index().gather_rows(index->numel, rows->ptr<int64_t>(), t->sizes[0], t->data(), row, row, batch->data());
    out.push_back(batch);
  }
  return out;
}

const OpDef kOps[] = {
    FACULA_OP("index_select", Indexing, "IndexSelectBackward0", index_select, .vjp = index_select_vjp,
              .saves = {1 << 2}),
    FACULA_OP("index_add", Indexing, "IndexAddBackward0", index_add, .vjp = index_add_vjp, .saves = {0, 0, 0, 1 << 2},
              .mutates = true),
    FACULA_OP("_index_add", Indexing, "IndexAddBackward0", index_add_into, .vjp = index_add_vjp,
              .saves = {0, 0, 0, 1 << 2}, .mutates = true),
    FACULA_OP("index_copy", Indexing, "IndexCopyBackward0", index_copy, .vjp = index_copy_vjp,
              .saves = {1 << 2, 0, 0, 1 << 2}, .mutates = true),
    FACULA_OP("index_fill", Indexing, "IndexFillBackward0", index_fill, .vjp = index_fill_vjp,
              .saves = {1 << 2, 0, 0, 1 << 2}, .mutates = true),
    FACULA_OP("gather", Indexing, "GatherBackward0", gather, .vjp = gather_vjp, .saves = {1 << 2}),
    FACULA_OP("_scatter", Indexing, "ScatterBackward0", scatter, .vjp = scatter_vjp, .saves = {1 << 2, 0, 0, 1 << 2},
              .mutates = true),
    FACULA_OP("scatter_add", Indexing, "ScatterAddBackward0", scatter_add, .vjp = scatter_add_vjp,
              .saves = {0, 0, 0, 1 << 2}, .mutates = true),
    FACULA_OP("take", Indexing, "TakeBackward0", take, .vjp = take_vjp, .saves = {1 << 1}),
    FACULA_OP("embedding", Indexing, "EmbeddingBackward0", embedding, .vjp = embedding_vjp, .saves = {1 << 1}),
    FACULA_OP("_embedding_backward", Indexing, "EmbeddingDenseBackward0", embedding_backward,
              .vjp = embedding_backward_vjp, .saves = {1 << 1}),
    FACULA_OP("_gather_batch", Indexing, nullptr, gather_batch),
};

}  // namespace

extern const OpFamily kIndexScatterFamily;
const OpFamily kIndexScatterFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
