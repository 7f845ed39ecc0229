// Advanced indexing and masks: x[i, j], x[i, j] = v, nonzero, masked_*. Basic indices (slices, integers) are views.
#include "cpu/index.h"

#include <algorithm>

#include "base/gil.h"
#include "ops/axis.h"
#include "ops/checked.h"
#include "ops/promote.h"

namespace facula {

namespace {

// ---- masks as memory ----

// Contiguous bytes, true when not 0.
Tensor mask_bytes(const Tensor& mask) {
  bool bytes = mask->dtype == DType::Bool || mask->dtype == DType::UInt8;
  return ops::contiguous_memory(bytes ? mask : ops::converted_memory(mask, DType::Bool));
}
Tensor mask_bytes(const Tensor& mask, const Dims& sizes) {
  return ops::contiguous_memory(ops::broadcast_memory(mask, sizes));
}

Tensor nonzero(const Tensor& x) {
  Tensor mask = mask_bytes(x);
  int64_t count = cpu::index().count(mask->numel, mask->data());
  Tensor out = empty({count, x->ndim()}, DType::Int64);
  if (out->numel > 0)
    cpu::index().nonzero(static_cast<int>(x->ndim()), mask->sizes.data(), mask->data(), out->ptr<int64_t>());
  return out;
}
TensorList nonzero_columns(const Tensor& mask) {
  Tensor rows = nonzero(mask);
  int64_t count = rows->sizes[0], ndim = rows->sizes[1];
  Tensor all = ops::contiguous_memory(alias(rows, {ndim, count}, {1, ndim}, 0));
  TensorList columns;
  for (int64_t d = 0; d < ndim; ++d) columns.push_back(alias(all, {count}, {1}, d * count * all->item_size()));
  return columns;
}

// ---- the plan of an advanced index ----

// Every selected row is `row` contiguous elements of x that start at a sum of index * stride.
struct IndexPlan {
  Dims result;                   // shape of x[indices]
  int64_t n = 1, row = 1;        // rows, and elements of each
  int64_t repeat = 1, step = 0;  // the whole plan applies `repeat` times, `step` elements of x apart
  SmallVector<cpu::IndexedDim, 4> dims;
  SmallVector<int64_t, 4> dim_of_x;
  TensorList held;  // the memory of the indices
};

TensorList without_masks(const Tensor& x, const TensorList& given) {
  TensorList out;
  for (const Tensor& t : given) {
    if (!t) {
      out.push_back(Tensor());
    } else if (t->dtype == DType::Bool || t->dtype == DType::UInt8) {
      for (int64_t d = 0; d < t->ndim(); ++d) {
        int64_t at = static_cast<int64_t>(out.size()) + d;
        FACULA_CHECK(at < x->ndim() && t->sizes[d] == x->sizes[at], Index, "The shape of the mask ", t->sizes,
                     " at index ", d, " does not match the shape of the indexed tensor ", x->sizes, " at index ", at);
      }
      for (Tensor& column : nonzero_columns(t)) out.push_back(std::move(column));
    } else {
      FACULA_CHECK(is_integral(t->dtype) && !is_barebones(t->dtype), Index,
                   "tensors used as indices must be long, int, byte or bool tensors");
      out.push_back(ops::converted_memory(t, DType::Int64));
    }
  }
  FACULA_CHECK(static_cast<int64_t>(out.size()) <= x->ndim(), Index, "too many indices for tensor of dimension ",
               x->ndim(), " (got ", out.size(), ")");
  return out;
}

Dims broadcast_indices(const TensorList& indices) {
  Dims common;
  for (const Tensor& t : indices) {
    if (!t) continue;
    Dims sizes = t->sizes;
    while (sizes.size() < common.size()) sizes.insert(0, 1);
    while (common.size() < sizes.size()) common.insert(0, 1);
    bool fits = true;
    for (size_t i = 0; i < sizes.size(); ++i) {
      fits &= sizes[i] == common[i] || sizes[i] == 1 || common[i] == 1;
      if (common[i] == 1) common[i] = sizes[i];
    }
    if (fits) continue;
    std::ostringstream shapes;
    for (const Tensor& u : indices)
      if (u) shapes << (shapes.tellp() > 0 ? ", " : "") << u->sizes;
    fail(ErrorKind::Index, "shape mismatch: indexing tensors could not be broadcast together with shapes ",
         shapes.str());
  }
  return common;
}

// The memory of one index over the rows: `t` stretched over `lead`, its dimensions ending before `end`.
Tensor spread(const Tensor& t, const Dims& lead, size_t end) {
  Dims strides(lead.size(), 0);
  size_t begin = end - t->sizes.size();
  for (size_t i = 0; i < t->sizes.size(); ++i) strides[begin + i] = t->sizes[i] == 1 ? 0 : t->strides[i];
  return ops::contiguous_memory(alias(t, lead, strides, t->byte_offset));
}

Tensor iota(int64_t n) {
  Tensor out = empty({n}, DType::Int64);
  for (int64_t i = 0; i < n; ++i) out->ptr<int64_t>()[i] = i;
  return out;
}

// Rows are the longest contiguous run of dimensions behind the last index. A dimension before it without an index gets
// one that counts, unless the plan can simply be repeated along it.
IndexPlan plan_index(const Tensor& x, const TensorList& given) {
  constexpr int64_t kWorthRepeating = 16;  // elements: below, a call of the kernel costs more than an index array
  TensorList indices = without_masks(x, given);
  Dims common = broadcast_indices(indices);
  int64_t ndim = x->ndim(), first = -1, last = -1, used = 0;
  for (size_t d = 0; d < indices.size(); ++d) {
    if (!indices[d]) continue;
    if (first < 0) first = static_cast<int64_t>(d);
    last = static_cast<int64_t>(d);
    ++used;
  }
  FACULA_CHECK(used > 0, Index, "at least one index must be provided");
  IndexPlan p;
  int64_t row_begin = ndim;
  while (row_begin - 1 > last && (x->sizes[row_begin - 1] == 1 || x->strides[row_begin - 1] == p.row))
    p.row *= x->sizes[--row_begin];
  bool adjacent = last - first + 1 == used;
  int64_t picked = count_elements(common), start = 0;
  if (adjacent && first > 0 && x->is_contiguous() && picked * p.row >= kWorthRepeating) {
    start = first;
    for (int64_t d = 0; d < start; ++d) p.repeat *= x->sizes[d];
    p.step = 1;
    for (int64_t d = start; d < ndim; ++d) p.step *= x->sizes[d];
  }
  Dims lead;  // the result's dimensions that are neither repeated nor in the row
  SmallVector<size_t, 8> place(static_cast<size_t>(ndim), 0);
  size_t block_end = 0;
  auto put_block = [&] {
    for (int64_t s : common) lead.push_back(s), p.result.push_back(s);
    block_end = lead.size();
  };
  if (!adjacent) put_block();
  for (int64_t d = 0; d < ndim; ++d) {
    if (adjacent && d == first) put_block();
    if (d < static_cast<int64_t>(indices.size()) && indices[d]) continue;
    p.result.push_back(x->sizes[d]);
    if (d < start || d >= row_begin) continue;
    lead.push_back(x->sizes[d]);
    place[d] = lead.size();
  }
  p.n = count_elements(lead);
  for (int64_t d = start; d < row_begin; ++d) {
    bool indexed = d < static_cast<int64_t>(indices.size()) && indices[d];
    if (!indexed && x->sizes[d] == 1) continue;
    p.held.push_back(indexed ? spread(indices[d], lead, block_end) : spread(iota(x->sizes[d]), lead, place[d]));
    p.dims.push_back({p.held.back()->ptr<int64_t>(), x->sizes[d], x->strides[d]});
    p.dim_of_x.push_back(d);
  }
  return p;
}

void refuse_index(const IndexPlan& p, int64_t position, int bad_dim) {
  const cpu::IndexedDim& d = p.dims[bad_dim];
  FACULA_CHECK(d.size > 0, Index, "index is out of bounds for dimension with size 0");
  fail(ErrorKind::Index, "index ", d.index[position], " is out of bounds for dimension ", p.dim_of_x[bad_dim],
       " with size ", d.size);
}

// ---- reading ----

// Whether x[indices] is one mask of the shape of x.
bool is_full_mask(const Tensor& x, const TensorList& indices) {
  return indices.size() == 1 && indices[0] && indices[0]->dtype == DType::Bool && indices[0]->sizes == x->sizes;
}
Tensor masked_select(const Tensor& x, const Tensor& mask);

Tensor index(const Tensor& x, MaybeTensorList indices) {
  if (is_full_mask(x, indices.list)) return masked_select(x, indices.list[0]);
  IndexPlan p = plan_index(x, indices.list);
  Tensor out = empty(p.result, x->dtype);
  const int64_t item = x->item_size();
  int64_t bad = -1;
  int bad_dim = 0;
  {
    GilRelease unlocked(out->numel > kLongWork);
    for (int64_t r = 0; r < p.repeat && bad < 0; ++r)
      bad = cpu::index().index_get(item, p.n, static_cast<int>(p.dims.size()), p.dims.data(), p.row,
                                   x->data() + r * p.step * item, out->data() + r * p.n * p.row * item, &bad_dim);
  }
  if (bad >= 0) refuse_index(p, bad, bad_dim);
  return out;
}

// ---- writing ----

// self[mask] = one number.
void fill_masked(const Tensor& self, const Tensor& mask, const Tensor& element) {
  if (self->numel == 0) return;
  Tensor bytes = apart(mask, self), value = apart(element, self);
  Written to(self);
  {
    GilRelease unlocked(self->numel > kLongWork);
    cpu::index().masked_fill(self->item_size(), 1, self->numel, bytes->data(), to.memory->data(), value->data(),
                             to.memory->data());
  }
  to.store();
}

void put(const Tensor& self, const TensorList& indices, const Tensor& given, bool accumulate) {
  if (!accumulate && given->ndim() == 0 && is_full_mask(self, indices)) return fill_masked(self, indices[0], given);
  IndexPlan p = plan_index(self, indices);
  Tensor values = given;
  bool fits = given->sizes.size() <= p.result.size();
  for (size_t i = 0, lead = p.result.size() - given->sizes.size(); fits && i < given->sizes.size(); ++i)
    fits = given->sizes[i] == 1 || given->sizes[i] == p.result[lead + i];
  FACULA_CHECK(fits, Runtime, "shape mismatch: value tensor of shape ", given->sizes,
               " cannot be broadcast to indexing result of shape ", p.result);
  if (self->numel == 0 && p.n * p.row == 0) return;
  for (Tensor& t : p.held) t = apart(t, self);
  for (size_t i = 0; i < p.held.size(); ++i) p.dims[i].index = p.held[i]->ptr<int64_t>();
  values = ops::broadcast_memory(given, p.result);
  // One row for all places when the value does not vary over the rows.
  size_t row_dims = 0;
  for (int64_t run = 1; row_dims < p.result.size() && run < p.row;) run *= p.result[p.result.size() - 1 - row_dims++];
  bool one_row = p.row > 0;
  for (size_t i = 0; i + row_dims < p.result.size(); ++i) one_row &= p.result[i] == 1 || values->strides[i] == 0;
  if (one_row) {
    Dims sizes(p.result.end() - row_dims, p.result.end()),
        strides(values->strides.end() - row_dims, values->strides.end());
    values = alias(values, sizes, strides, values->byte_offset);
  }
  values = apart(values, self);
  const int64_t item = self->item_size(), value_stride = one_row ? 0 : p.row;
  const int ndim = static_cast<int>(p.dims.size());
  int64_t bad = -1;
  int bad_dim = 0;
  {
    GilRelease unlocked(p.repeat * p.n * p.row > kLongWork);
    for (int64_t r = 0; r < p.repeat && bad < 0; ++r) {
      char* to = self->data() + r * p.step * item;
      const char* from = values->data() + r * p.n * value_stride * item;
      bad = accumulate
                ? cpu::index().index_put_add(self->dtype, p.n, ndim, p.dims.data(), p.row, from, value_stride, to,
                                             &bad_dim)
                : cpu::index().index_put(item, p.n, ndim, p.dims.data(), p.row, from, value_stride, to, &bad_dim);
    }
  }
  if (bad >= 0) refuse_index(p, bad, bad_dim);
}

void index_put(const Tensor& self, MaybeTensorList indices, const Tensor& values, bool accumulate) {
  FACULA_CHECK(self->dtype == values->dtype, Runtime,
               "Index put requires the source and destination dtypes match, got ", scalar_type_name(self->dtype),
               " for the destination and ", scalar_type_name(values->dtype), " for the source.");
  put(self, indices.list, values, accumulate);
}

// The indices of a call that its node kept: slots 1 to `end`.
TensorList kept_indices(const Backward& b, size_t end) {
  TensorList indices;
  for (size_t slot = 1; slot < end; ++slot) indices.push_back(b.input(static_cast<int>(slot)));
  return indices;
}
constexpr uint32_t kSaveIndices = kSaveResult1 - 2;  // every slot but the first

Tensor index_backward(const Tensor& g, MaybeTensorList indices, const Dims& sizes) {
  Tensor out = ops::zeros(sizes, g->dtype);
  put(out, indices.list, g, true);
  return out;
}
void index_vjp(Backward& b) {
  static const OpDef& op = find_op("_index_backward");
  b.set(0, call(op, b.grad(), kept_indices(b, b.num_inputs()), b.sizes(0)));
}
void index_backward_vjp(Backward& b) { b.set(0, ops::index(b.grad(), kept_indices(b, b.num_inputs() - 1))); }

void index_put_vjp(Backward& b) {
  static const OpDef& op = find_op("index_put");
  size_t value_slot = b.num_inputs() - 2;
  TensorList indices = kept_indices(b, value_slot);
  bool accumulate = b.arg(3).number.to_bool();
  Tensor g = b.grad();
  if (b.needs(0)) b.set(0, accumulate ? g : call(op, g, indices, ops::zeros({}, g->dtype), false));
  if (b.needs(value_slot)) b.set(value_slot, ops::index(g, indices));
}

// ---- masks ----

void check_value(const char* name, const Tensor& self, const Arg& value) {
  if (value.tag == Arg::Number) {
    ops::check_fits(value.number, self->dtype);
    return;
  }
  const Tensor& v = value.as_tensor();
  FACULA_CHECK(!is_complex(v->dtype) || is_complex(self->dtype), Runtime, "value cannot be converted to type ",
               name_of(self->dtype), " without overflow");
  FACULA_CHECK(v->ndim() == 0, Runtime, name, " only supports a 0-dimensional value tensor, but got tensor with ",
               v->ndim(), " dimension(s).");
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, Operand value) {
  FACULA_CHECK(mask->dtype == DType::Bool, Runtime,
               "masked_fill_ only supports boolean masks, but got mask with dtype ", name_of(mask->dtype));
  check_value("masked_fill_", x, value.arg);
  Dims sizes = x->sizes;
  broadcast_into(sizes, mask->sizes);
  Tensor src = ops::contiguous_memory(ops::broadcast_memory(x, sizes));
  Tensor element = value.arg.tag == Arg::Number ? ops::full({}, value.arg.number, x->dtype)
                                                : ops::converted_memory(value.arg.as_tensor(), x->dtype);
  // A mask over the last dimensions is applied again and again instead of being stretched.
  Dims small = mask->sizes;
  while (!small.empty() && small[0] == 1) small.erase(0);
  bool is_suffix = std::equal(small.begin(), small.end(), sizes.end() - small.size());
  Tensor bytes = is_suffix ? ops::contiguous_memory(mask) : mask_bytes(mask, sizes);
  Tensor out = empty(sizes, x->dtype);
  if (out->numel == 0) return out;
  GilRelease unlocked(out->numel > kLongWork);
  cpu::index().masked_fill(x->item_size(), out->numel / bytes->numel, bytes->numel, bytes->data(), src->data(),
                           element->data(), out->data());
  return out;
}
Tensor filled(const Tensor& x, const Tensor& mask, const Arg& value) {
  static const OpDef& op = find_op("masked_fill");
  return call(op, x, mask, value);
}
void masked_fill_vjp(Backward& b) {
  Tensor g = b.grad(), mask = b.input(1);
  if (b.needs(0)) b.set(0, filled(g, mask, Scalar(0)));
  if (b.needs(2)) b.set(2, ops::where(mask, g, Scalar(0)));
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  FACULA_CHECK(mask->dtype == DType::Bool, Runtime, "masked_select: expected BoolTensor for mask");
  Dims sizes = mask->sizes;
  broadcast_into(sizes, x->sizes);
  Tensor bytes = mask_bytes(mask, sizes), src = ops::contiguous_memory(ops::broadcast_memory(x, sizes));
  Tensor out = empty({cpu::index().count(bytes->numel, bytes->data())}, x->dtype);
  if (out->numel == 0) return out;
  GilRelease unlocked(src->numel > kLongWork);
  cpu::index().masked_select(x->item_size(), src->numel, bytes->data(), src->data(), out->data());
  return out;
}

Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source) {
  FACULA_CHECK(x->dtype == source->dtype, Runtime,
               "masked_scatter: expected self and source to have same dtypes but got ", scalar_type_name(x->dtype),
               " and ", scalar_type_name(source->dtype));
  FACULA_CHECK(mask->dtype == DType::Bool, Runtime,
               "masked_scatter_ only supports boolean masks, but got mask with dtype ", name_of(mask->dtype));
  Dims sizes = x->sizes;
  broadcast_into(sizes, mask->sizes);
  Tensor bytes = mask_bytes(mask, sizes), values = ops::contiguous_memory(source), out = empty(sizes, x->dtype);
  FACULA_CHECK(cpu::index().count(bytes->numel, bytes->data()) <= source->numel, Runtime,
               "Number of elements of source < number of ones in mask");
  if (out->numel == 0) return out;
  ops::copy_memory(out, x);
  GilRelease unlocked(out->numel > kLongWork);
  cpu::index().masked_scatter(x->item_size(), out->numel, bytes->data(), values->data(), out->data());
  return out;
}
Tensor scattered(const Tensor& x, const Tensor& mask, const Tensor& source) {
  static const OpDef& op = find_op("masked_scatter");
  return call(op, x, mask, source);
}
Tensor selected(const Tensor& x, const Tensor& mask) {
  static const OpDef& op = find_op("masked_select");
  return call(op, x, mask);
}
void masked_select_vjp(Backward& b) {
  Dims sizes = b.input(1)->sizes;
  broadcast_into(sizes, b.sizes(0));
  Tensor g = b.grad();
  b.set(0, scattered(ops::zeros(sizes, g->dtype), b.input(1), g));
}
void masked_scatter_vjp(Backward& b) {
  static const OpDef& embed = find_op("_embed");
  Tensor g = b.grad(), mask = b.input(1);
  if (b.needs(0)) b.set(0, filled(g, mask, Scalar(0)));
  if (!b.needs(2)) return;
  // What the mask did not take from the source has gradient 0.
  Tensor taken = selected(g, mask);
  Tensor flat = call(embed, taken, Dims{count_elements(b.sizes(2))}, Dims{1}, int64_t{0});
  b.set(2, ops::reshape(flat, b.sizes(2)));
}

const OpDef kOps[] = {
    FACULA_OP("index", Indexing, "IndexBackward0", index, .vjp = index_vjp, .saves = {kSaveIndices}),
    FACULA_OP("_index_backward", Indexing, "IndexPutBackward0", index_backward, .vjp = index_backward_vjp,
              .saves = {kSaveIndices}),
    FACULA_OP("index_put", Indexing, "IndexPutBackward0", index_put, .vjp = index_put_vjp,
              .saves = {kSaveIndices, kSaveIndices, kSaveIndices, kSaveIndices}, .mutates = true),
    FACULA_OP("nonzero", Indexing, nullptr, nonzero),
    FACULA_OP("_nonzero_columns", Indexing, nullptr, nonzero_columns),
    FACULA_OP("masked_fill", Indexing, "MaskedFillBackward0", masked_fill, .vjp = masked_fill_vjp,
              .saves = {1 << 1, 0, 1 << 1}),
    FACULA_OP("masked_select", Indexing, "MaskedSelectBackward0", masked_select, .vjp = masked_select_vjp,
              .saves = {1 << 1}),
    FACULA_OP("masked_scatter", Indexing, "MaskedScatterBackward0", masked_scatter, .vjp = masked_scatter_vjp,
              .saves = {1 << 1, 0, 1 << 1}),
};

}  // namespace

extern const OpFamily kIndexFamily;
const OpFamily kIndexFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
