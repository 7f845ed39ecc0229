// Views: functions on shapes and strides. Nothing is computed or copied here, except that reshape may have to.
#include "ops/view.h"

#include <algorithm>

#include "ops/ops.h"

namespace facula {

Dims infer_sizes(const char* name, const Dims& wanted, int64_t numel) {
  int64_t known = 1, unknown = -1;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == -1) {
      FACULA_CHECK(unknown < 0, Runtime, "only one dimension can be inferred: ", name, " got ", wanted);
      unknown = static_cast<int64_t>(i);
    } else {
      FACULA_CHECK(wanted[i] >= 0, Runtime, "invalid shape dimension ", wanted[i], " in ", wanted, " for ", name, "()");
      FACULA_CHECK(!__builtin_mul_overflow(known, wanted[i], &known), Runtime, "the shape ", wanted, " overflows");
    }
  }
  Dims sizes = wanted;
  if (unknown >= 0 && known > 0 && numel % known == 0) {
    sizes[unknown] = numel / known;
    return sizes;
  }
  FACULA_CHECK(unknown < 0 || known != 0, Runtime, "cannot reshape tensor of ", numel, " elements into shape ", wanted,
               " because the unspecified dimension size -1 can be any value and is ambiguous");
  FACULA_CHECK(unknown < 0 && known == numel, Runtime, "shape '", wanted, "' is invalid for input of size ", numel);
  return sizes;
}

// Strides of the new shape over the same memory, walking both shapes from the inside and matching runs that are
// contiguous with each other; none when some run would have to be broken.
std::optional<Dims> view_strides(const Dims& sizes, const Dims& strides, const Dims& wanted) {
  if (is_contiguous(sizes, strides)) return contiguous_strides(wanted);
  Dims out(wanted.size(), 1);
  int64_t n = 1;
  for (int64_t s : sizes) n *= s;
  if (n == 0) return contiguous_strides(wanted);
  int64_t w = static_cast<int64_t>(wanted.size()) - 1;
  int64_t base = strides.empty() ? 1 : strides.back();
  int64_t run = 1, filled = 1;
  for (int64_t d = static_cast<int64_t>(sizes.size()) - 1; d >= 0; --d) {
    run *= sizes[d];
    bool ends = d == 0 || (sizes[d - 1] != 1 && strides[d - 1] != run * base);
    if (!ends) continue;
    while (w >= 0 && (filled < run || wanted[w] == 1)) {
      out[w] = filled * base;
      filled *= wanted[w];
      --w;
    }
    if (filled != run) return std::nullopt;
    if (d > 0) {
      base = strides[d - 1];
      run = filled = 1;
    }
  }
  return w < 0 ? std::optional(out) : std::nullopt;
}

namespace {

Tensor view(const Tensor& x, const Dims& wanted) {
  Dims sizes = infer_sizes("view", wanted, x->numel);
  auto strides = view_strides(x->sizes, x->strides, sizes);
  FACULA_CHECK(
      strides, Runtime,
      "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
      "contiguous subspaces). Use .reshape(...) instead. (view of a tensor of shape ",
      x->sizes, " with strides ", x->strides, " as ", sizes, ")");
  return alias(x, sizes, *strides, x->byte_offset);
}
Tensor unsafe_view(const Tensor& x, const Dims& sizes) {
  return alias(x, sizes, contiguous_strides(sizes), x->byte_offset);
}
void same_elements_vjp(Backward& b) { b.set(0, ops::reshape(b.grad(), b.sizes(0))); }

Tensor reshape(const Tensor& x, const Dims& wanted) {
  Dims sizes = infer_sizes("reshape", wanted, x->numel);
  if (view_strides(x->sizes, x->strides, sizes)) return ops::view(x, sizes);
  static const OpDef& op = find_op("_unsafe_view");
  return call(op, ops::contiguous(x), sizes);
}

Tensor flatten(const Tensor& x, int64_t start, int64_t end) {
  start = wrap_dim(start, x->ndim());
  end = wrap_dim(end, x->ndim());
  FACULA_CHECK(start <= end, Runtime, "flatten() has invalid args: start_dim cannot come after end_dim");
  if (x->ndim() == 0) return ops::reshape(x, {1});
  if (start == end) return x;
  Dims sizes(x->sizes.begin(), x->sizes.begin() + start);
  int64_t product = 1;
  for (int64_t d = start; d <= end; ++d) product *= x->sizes[d];
  sizes.push_back(product);
  for (int64_t d = end + 1; d < x->ndim(); ++d) sizes.push_back(x->sizes[d]);
  return ops::reshape(x, sizes);
}

Tensor permute(const Tensor& x, const Dims& dims) {
  FACULA_CHECK(static_cast<int64_t>(dims.size()) == x->ndim(), Runtime,
               "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
               "ordering of dimensions i.e. input.dim() = ",
               x->ndim(), " is not equal to len(dims) = ", dims.size());
  Dims sizes, strides;
  SmallVector<bool, 8> seen(dims.size(), false);
  for (int64_t dim : dims) {
    int64_t d = wrap_dim(dim, x->ndim());
    FACULA_CHECK(!seen[d], Runtime, "permute(): duplicate dims are not allowed.");
    seen[d] = true;
    sizes.push_back(x->sizes[d]);
    strides.push_back(x->strides[d]);
  }
  return alias(x, sizes, strides, x->byte_offset);
}
void permute_vjp(Backward& b) {
  const Dims& dims = *b.arg(0 + 1).ints;
  Dims inverse(dims.size());
  int64_t n = static_cast<int64_t>(dims.size());
  for (int64_t i = 0; i < n; ++i) inverse[wrap_dim(dims[i], n)] = i;
  b.set(0, ops::permute(b.grad(), inverse));
}

Tensor reverse_dims(const Tensor& x) {
  Dims dims;
  for (int64_t d = x->ndim(); d-- > 0;) dims.push_back(d);
  return ops::permute(x, dims);
}

Tensor movedim(const Tensor& x, const Dims& source, const Dims& destination) {
  FACULA_CHECK(source.size() == destination.size(), Runtime, "movedim: Invalid source or destination dims: source (",
               source,
               " dims) should contain the same number of "
               "dims as destination (",
               destination, " dims)");
  int64_t n = x->ndim();
  Dims order(static_cast<size_t>(n), -1);
  SmallVector<bool, 8> taken(static_cast<size_t>(n), false);
  for (size_t i = 0; i < source.size(); ++i) {
    int64_t from = wrap_dim(source[i], n), to = wrap_dim(destination[i], n);
    FACULA_CHECK(!taken[from] && order[to] < 0, Runtime, "movedim: repeated dim in `source` (", source,
                 ") or `destination` (", destination, ")");
    order[to] = from;
    taken[from] = true;
  }
  int64_t next = 0;
  for (int64_t& d : order) {
    if (d >= 0) continue;
    while (taken[next]) ++next;
    d = next++;
  }
  return ops::permute(x, order);
}

Tensor transpose(const Tensor& x, int64_t a, int64_t b) {
  a = wrap_dim(a, x->ndim());
  b = wrap_dim(b, x->ndim());
  Dims sizes = x->sizes, strides = x->strides;
  if (x->ndim() > 0) {
    std::swap(sizes[a], sizes[b]);
    std::swap(strides[a], strides[b]);
  }
  return alias(x, sizes, strides, x->byte_offset);
}
void transpose_vjp(Backward& b) { b.set(0, ops::transpose(b.grad(), b.arg(1).number.i, b.arg(2).number.i)); }

Tensor t(const Tensor& x) {
  FACULA_CHECK(x->ndim() <= 2, Runtime, "t() expects a tensor with <= 2 dimensions, but self is ", x->ndim(),
               "D; use transpose(dim0, dim1) or permute(...)");
  return x->ndim() < 2 ? alias(x) : transpose(x, 0, 1);
}
void t_vjp(Backward& b) { b.set(0, ops::t(b.grad())); }

Tensor squeeze_where(const Tensor& x, const SmallVector<bool, 8>& drop) {
  Dims sizes, strides;
  for (int64_t d = 0; d < x->ndim(); ++d) {
    if (drop[d] && x->sizes[d] == 1) continue;
    sizes.push_back(x->sizes[d]);
    strides.push_back(x->strides[d]);
  }
  return alias(x, sizes, strides, x->byte_offset);
}
Tensor squeeze(const Tensor& x) { return squeeze_where(x, SmallVector<bool, 8>(x->sizes.size(), true)); }
Tensor squeeze_dims(const Tensor& x, const Dims& dims) {
  SmallVector<bool, 8> drop(x->sizes.size(), false);
  for (int64_t d : dims) {
    int64_t w = wrap_dim(d, x->ndim());
    if (x->ndim() == 0) continue;
    FACULA_CHECK(!drop[w], Runtime, "dim ", w, " appears multiple times in the list of dims: squeeze()");
    drop[w] = true;
  }
  return squeeze_where(x, drop);
}

Tensor unsqueeze(const Tensor& x, int64_t dim) {
  dim = wrap_dim(dim, x->ndim() + 1);
  Dims sizes = x->sizes, strides = x->strides;
  int64_t stride = dim < x->ndim() ? sizes[dim] * strides[dim] : 1;
  sizes.insert(dim, 1);
  strides.insert(dim, stride);
  return alias(x, sizes, strides, x->byte_offset);
}

Tensor expand(const Tensor& x, const Dims& wanted) {
  size_t n = wanted.size(), lead = n - x->sizes.size();
  FACULA_CHECK(n >= x->sizes.size(), Runtime, "expand(", tensor_type_text(x.get()), "{", x->sizes, "}, size=", wanted,
               "): the number of sizes provided (", n,
               ") must be greater or equal to the number of dimensions in the "
               "tensor (",
               x->ndim(), ")");
  Dims sizes(n), strides(n, 0);
  for (size_t i = 0; i < n; ++i) {
    if (i < lead) {
      FACULA_CHECK(wanted[i] >= 0, Runtime, "The expanded size of the tensor (", wanted[i],
                   ") isn't allowed in a leading, non-existing dimension ", i);
      sizes[i] = wanted[i];
      continue;
    }
    int64_t have = x->sizes[i - lead];
    sizes[i] = wanted[i] == -1 ? have : wanted[i];
    FACULA_CHECK(sizes[i] == have || have == 1, Runtime, "The expanded size of the tensor (", sizes[i],
                 ") must match the existing size (", have, ") at non-singleton dimension ", i,
                 ".  Target sizes: ", wanted, ".  Tensor sizes: ", x->sizes);
    FACULA_CHECK(sizes[i] >= 0, Runtime, "expand(): negative size ", sizes[i], " in ", wanted);
    strides[i] = have == 1 && sizes[i] != 1 ? 0 : x->strides[i - lead];
  }
  count_elements(sizes);  // refuses sizes whose product overflows
  return alias(x, sizes, strides, x->byte_offset);
}
void expand_vjp(Backward& b) { b.set(0, b.grad()); }  // the engine sums to the input's shape

// The gradient of a region of a tensor: zeros with the region set. Strides and offset are those of the region in a
// contiguous tensor of `sizes`.
Tensor as_strided(const Tensor& x, const Dims& sizes, const Dims& strides, std::optional<int64_t> wanted);
Tensor embed(const Tensor& g, const Dims& sizes, const Dims& strides, int64_t offset) {
  Tensor out = ops::zeros(sizes, g->dtype);
  ops::copy_memory(as_strided(out, g->sizes, strides, offset), g);
  return out;
}
void embed_vjp(Backward& b) {
  Tensor g = ops::contiguous(b.grad());  // which may be a part of a larger one
  b.set(0, ops::as_strided(g, b.sizes(0), *b.arg(2).ints, g->offset() + b.arg(3).number.i));
}
Tensor embed_gradient(const Tensor& g, const Dims& sizes, const Dims& strides, int64_t offset) {
  static const OpDef& op = find_op("_embed");
  return call(op, g, sizes, strides, offset);
}

Tensor select(const Tensor& x, int64_t dim, int64_t index) {
  FACULA_CHECK(x->ndim() > 0, Index, "select() cannot be applied to a 0-dim tensor.");
  dim = wrap_dim(dim, x->ndim());
  int64_t n = x->sizes[dim];
  FACULA_CHECK(index >= -n && index < n, Index, "select(): index ", index, " out of range for tensor of size ",
               x->sizes, " at dimension ", dim);
  if (index < 0) index += n;
  Dims sizes = x->sizes, strides = x->strides;
  int64_t offset = index * strides[dim];
  sizes.erase(dim);
  strides.erase(dim);
  return alias(x, sizes, strides, x->byte_offset + offset * x->item_size());
}
void select_vjp(Backward& b) {
  const Dims& sizes = b.sizes(0);
  int64_t dim = wrap_dim(b.arg(1).number.i, static_cast<int64_t>(sizes.size())), index = b.arg(2).number.i;
  Dims strides = contiguous_strides(sizes);
  int64_t offset = (index < 0 ? index + sizes[dim] : index) * strides[dim];
  strides.erase(dim);
  b.set(0, embed_gradient(b.grad(), sizes, strides, offset));
}

void clip_slice(int64_t n, int64_t& start, int64_t& end) {
  if (start < 0) start += n;
  if (end < 0) end += n;
  start = start < 0 ? 0 : start > n ? n : start;
  end = end < start ? start : end > n ? n : end;
}
Tensor slice(const Tensor& x, int64_t dim, int64_t start, int64_t end, int64_t step) {
  FACULA_CHECK(x->ndim() > 0, Runtime, "slice() cannot be applied to a 0-dim tensor.");
  FACULA_CHECK(step > 0, Value, "slice step must be positive");
  dim = wrap_dim(dim, x->ndim());
  clip_slice(x->sizes[dim], start, end);
  Dims sizes = x->sizes, strides = x->strides;
  sizes[dim] = (end - start + step - 1) / step;
  int64_t offset = start * strides[dim];
  strides[dim] *= step;
  return alias(x, sizes, strides, x->byte_offset + offset * x->item_size());
}
void slice_vjp(Backward& b) {
  const Dims& sizes = b.sizes(0);
  int64_t dim = wrap_dim(b.arg(1).number.i, static_cast<int64_t>(sizes.size()));
  int64_t start = b.arg(2).number.i, end = b.arg(3).number.i;
  clip_slice(sizes[dim], start, end);
  Dims strides = contiguous_strides(sizes);
  int64_t offset = start * strides[dim];
  strides[dim] *= b.arg(4).number.i;
  b.set(0, embed_gradient(b.grad(), sizes, strides, offset));
}

Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length) {
  FACULA_CHECK(x->ndim() > 0, Runtime, "narrow() cannot be applied to a 0-dim tensor.");
  FACULA_CHECK(length >= 0, Runtime, "narrow(): length must be non-negative.");
  int64_t n = x->size(dim);
  FACULA_CHECK(start >= -n && start <= n, Index, "start out of range (expected to be in range of [", -n, ", ", n,
               "], but got ", start, ")");
  if (start < 0) start += n;
  FACULA_CHECK(start <= n - length, Runtime, "start (", start, ") + length (", length, ") exceeds dimension size (", n,
               ").");
  return ops::slice(x, dim, start, start + length, 1);
}

struct Diagonal {
  int64_t offset, length, stride;
};
Diagonal diagonal_geometry(const Dims& sizes, const Dims& strides, int64_t offset, int64_t a, int64_t b) {
  int64_t length = offset >= 0 ? std::min(sizes[a], sizes[b] - offset) : std::min(sizes[a] + offset, sizes[b]);
  int64_t start = length <= 0 ? 0 : offset >= 0 ? offset * strides[b] : -offset * strides[a];
  return {start, length < 0 ? 0 : length, strides[a] + strides[b]};
}
void drop_pair(Dims& d, int64_t a, int64_t b, int64_t value) {
  d.erase(std::max(a, b));
  d.erase(std::min(a, b));
  d.push_back(value);
}
Tensor diagonal(const Tensor& x, int64_t offset, int64_t a, int64_t b) {
  a = wrap_dim(a, x->ndim());
  b = wrap_dim(b, x->ndim());
  FACULA_CHECK(a != b, Runtime, "diagonal dimensions cannot be identical ", a, ", ", b);
  Diagonal d = diagonal_geometry(x->sizes, x->strides, offset, a, b);
  Dims sizes = x->sizes, strides = x->strides;
  drop_pair(sizes, a, b, d.length);
  drop_pair(strides, a, b, d.stride);
  return alias(x, sizes, strides, x->byte_offset + d.offset * x->item_size());
}
void diagonal_vjp(Backward& b) {
  const Dims& sizes = b.sizes(0);
  int64_t n = static_cast<int64_t>(sizes.size());
  int64_t i = wrap_dim(b.arg(2).number.i, n), j = wrap_dim(b.arg(3).number.i, n);
  Dims strides = contiguous_strides(sizes);
  Diagonal d = diagonal_geometry(sizes, strides, b.arg(1).number.i, i, j);
  drop_pair(strides, i, j, d.stride);
  b.set(0, embed_gradient(b.grad(), sizes, strides, d.offset));
}

Tensor unfold(const Tensor& x, int64_t dim, int64_t size, int64_t step) {
  dim = wrap_dim(dim, x->ndim());
  int64_t n = x->ndim() ? x->sizes[dim] : 1, stride = x->ndim() ? x->strides[dim] : 1;
  FACULA_CHECK(size >= 0 && size <= n, Runtime, "maximum size for tensor at dimension ", dim, " is ", n,
               " but size is ", size);
  FACULA_CHECK(step > 0, Runtime, "step is ", step, " but must be > 0");
  Dims sizes = x->sizes, strides = x->strides;
  if (x->ndim()) {
    sizes[dim] = (n - size) / step + 1;
    strides[dim] *= step;
  }
  sizes.push_back(size);
  strides.push_back(stride);
  return ops::as_strided(x, sizes, strides, x->offset());
}

// ---- as_strided: any view of the storage ----

Tensor as_strided_of(const Tensor& x, const Dims& sizes, const Dims& strides, int64_t offset, const Dims&, int64_t) {
  return alias(x, sizes, strides, offset * x->item_size());
}
Tensor as_strided(const Tensor& x, const Dims& sizes, const Dims& strides, std::optional<int64_t> wanted) {
  int64_t offset = wanted.value_or(x->offset());
  FACULA_CHECK(sizes.size() == strides.size(), Runtime, "mismatch in length of strides and shape");
  FACULA_CHECK(offset >= 0, Runtime, "Tensor: invalid storage offset ", offset);
  int64_t last = offset, n = count_elements(sizes);
  bool overflow = false;
  for (size_t i = 0; i < sizes.size() && n > 0; ++i) {
    FACULA_CHECK(strides[i] >= 0, Runtime,
                 "as_strided: Negative strides are not supported at the moment, got strides: ", strides);
    int64_t extent;
    overflow |=
        __builtin_mul_overflow(sizes[i] - 1, strides[i], &extent) || __builtin_add_overflow(last, extent, &last);
  }
  FACULA_CHECK(!overflow && (n == 0 || last < x->storage->nbytes / x->item_size()), Runtime, "setStorage: sizes ",
               sizes, ", strides ", strides, ", storage offset ", offset, ", and itemsize ", x->item_size(),
               " are out of bounds for storage of size ", x->storage->nbytes);
  static const OpDef& op = find_op("_as_strided_of");
  return call(op, x, sizes, strides, offset, x->strides, x->offset());
}
struct Geometry {
  Dims sizes, strides;
  int64_t offset;
  int64_t end() const {
    int64_t last = offset;
    for (size_t i = 0; i < sizes.size(); ++i) last += (sizes[i] - 1) * strides[i];
    return last + 1;
  }
  void in_parts() {  // of complex numbers
    for (int64_t& s : strides) s *= 2;
    sizes.push_back(2);
    strides.push_back(1);
    offset *= 2;
  }
};
// Gradient in the storage's own geometry; elements that the view shows several times collect all their gradients.
// Where only one of view and input is complex, it is seen as its parts.
void as_strided_vjp(Backward& b) {
  Geometry view{*b.arg(1).ints, *b.arg(2).ints, b.arg(3).number.i};
  Geometry input{b.sizes(0), *b.arg(4).ints, b.arg(5).number.i};
  Tensor g = b.grad();
  const bool view_in_parts = is_complex(g->dtype) && !is_complex(b.meta(0).dtype);
  const bool input_in_parts = !is_complex(g->dtype) && is_complex(b.meta(0).dtype);
  if (view_in_parts) {
    view.in_parts();
    g = ops::view_as_real(g);
  }
  if (input_in_parts) input.in_parts();
  int64_t low = std::min(view.offset, input.offset), span = std::max(view.end(), input.end()) - low;
  Tensor flat = ops::zeros({std::max<int64_t>(span, 0)}, g->dtype);
  if (g->numel > 0) {
    static const OpDef& arange = find_op("_iota");
    Tensor index = alias(call(arange, span), view.sizes, view.strides, (view.offset - low) * 8);
    flat = ops::index_add(flat, 0, ops::reshape(index, {-1}), ops::reshape(g, {-1}));
  }
  Tensor result = ops::as_strided(flat, input.sizes, input.strides, input.offset - low);
  b.set(0, input_in_parts ? ops::view_as_complex(result) : result);
}

// ---- several views at once ----

TensorList split_with_sizes(const Tensor& x, const Dims& lengths, int64_t dim) {
  FACULA_CHECK(x->ndim() > 0, Runtime, "split expects at least a 1-dimensional tensor");
  dim = wrap_dim(dim, x->ndim());
  int64_t total = 0;
  for (int64_t n : lengths) {
    FACULA_CHECK(n >= 0, Runtime,
                 "split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes=", lengths);
    total += n;
  }
  FACULA_CHECK(total == x->sizes[dim], Runtime, "split_with_sizes expects split_sizes to sum exactly to ",
               x->sizes[dim], " (input tensor's size at dimension ", dim, "), but got split_sizes=", lengths);
  TensorList out;
  int64_t start = 0;
  for (int64_t n : lengths) {
    out.push_back(slice(x, dim, start, start + n, 1));
    start += n;
  }
  return out;
}
TensorList split(const Tensor& x, int64_t length, int64_t dim) {
  FACULA_CHECK(x->ndim() > 0, Runtime, "split expects at least a 1-dimensional tensor");
  FACULA_CHECK(length >= 0, Runtime, "split expects split_size be non-negative, but got split_size=", length);
  int64_t n = x->size(dim);
  FACULA_CHECK(length > 0 || n == 0, Runtime,
               "split_size can only be 0 if dimension size is 0, but got dimension size of ", n);
  Dims lengths;
  for (int64_t at = 0; at < n; at += length) lengths.push_back(std::min(length, n - at));
  if (lengths.empty()) lengths.push_back(0);
  return split_with_sizes(x, lengths, dim);
}
TensorList chunk(const Tensor& x, int64_t chunks, int64_t dim) {
  FACULA_CHECK(x->ndim() > 0, Runtime, "chunk expects at least a 1-dimensional tensor");
  FACULA_CHECK(chunks > 0, Runtime, "chunk expects `chunks` to be greater than 0, got: ", chunks);
  int64_t n = x->size(dim), length = (n + chunks - 1) / chunks;
  if (n == 0) return split_with_sizes(x, Dims(static_cast<size_t>(chunks), 0), dim);
  return split(x, length, dim);
}
void split_vjp(Backward& b) {
  TensorList parts;
  for (size_t i = 0; i < b.outputs.size(); ++i) parts.push_back(b.grad(i));
  b.set(0, ops::cat(parts, b.arg(2).number.i));
}
TensorList unbind(const Tensor& x, int64_t dim) {
  dim = wrap_dim(dim, x->ndim());
  FACULA_CHECK(x->ndim() > 0, Index, "Dimension specified as 0 but tensor has no dimensions");
  TensorList out;
  for (int64_t i = 0; i < x->sizes[dim]; ++i) out.push_back(select(x, dim, i));
  return out;
}
void unbind_vjp(Backward& b) {
  TensorList parts;
  for (size_t i = 0; i < b.outputs.size(); ++i) parts.push_back(b.grad(i));
  b.set(0, ops::stack(parts, b.arg(1).number.i));
}

Tensor detach(const Tensor& x) { return alias(x); }
Tensor alias_of(const Tensor& x) { return alias(x); }

const OpDef kOps[] = {
    FACULA_OP("view", View, "ViewBackward0", view, .vjp = same_elements_vjp),
    FACULA_OP("_unsafe_view", View, "UnsafeViewBackward0", unsafe_view, .vjp = same_elements_vjp),
    FACULA_OP("reshape", Copy, nullptr, reshape),
    FACULA_OP("flatten", Copy, nullptr, flatten),
    FACULA_OP("permute", View, "PermuteBackward0", permute, .vjp = permute_vjp),
    FACULA_OP("_reverse_dims", Copy, nullptr, reverse_dims),
    FACULA_OP("movedim", Copy, nullptr, movedim),
    FACULA_OP("transpose", View, "TransposeBackward0", transpose, .vjp = transpose_vjp),
    FACULA_OP("t", View, "TBackward0", t, .vjp = t_vjp),
    FACULA_OP("_squeeze", View, "SqueezeBackward0", squeeze, .vjp = same_elements_vjp),
    FACULA_OP("squeeze_dims", View, "SqueezeBackward1", squeeze_dims, .vjp = same_elements_vjp),
    FACULA_OP("unsqueeze", View, "UnsqueezeBackward0", unsqueeze, .vjp = same_elements_vjp),
    FACULA_OP("expand", View, "ExpandBackward0", expand, .vjp = expand_vjp),
    FACULA_OP("_embed", Copy, "DiagEmbedBackward0", embed, .vjp = embed_vjp),
    FACULA_OP("select", View, "SelectBackward0", select, .vjp = select_vjp),
    FACULA_OP("slice", View, "SliceBackward0", slice, .vjp = slice_vjp),
    FACULA_OP("narrow", Copy, nullptr, narrow),
    FACULA_OP("diagonal", View, "DiagonalBackward0", diagonal, .vjp = diagonal_vjp),
    FACULA_OP("_unfold", Copy, nullptr, unfold),
    FACULA_OP("_as_strided_of", View, "AsStridedBackward0", as_strided_of, .vjp = as_strided_vjp),
    FACULA_OP("as_strided", Copy, nullptr, as_strided),
    FACULA_OP("_split_with_sizes", View, "SplitWithSizesBackward0", split_with_sizes, .vjp = split_vjp),
    FACULA_OP("_split", View, "SplitBackward0", split, .vjp = split_vjp),
    FACULA_OP("chunk", View, "SplitBackward0", chunk, .vjp = split_vjp),
    FACULA_OP("unbind", View, "UnbindBackward0", unbind, .vjp = unbind_vjp),
    FACULA_OP("detach", Copy, nullptr, detach),
    FACULA_OP("alias", View, "AliasBackward0", alias_of, .vjp = expand_vjp),
};

}  // namespace

const OpFamily kViewFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
