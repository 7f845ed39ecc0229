// Sorting and selection along a dimension: sort, topk, kthvalue, median, mode, and what is built on sorted order:
// unique, searchsorted. The loops are in cpu/sort.cpp, cpu/select.cpp and cpu/search.cpp.
#include "cpu/sort.h"

#include <limits>

#include "base/gil.h"
#include "ops/axis.h"
#include "runtime/parallel.h"

namespace facula {

namespace {

// A dimension of a tensor as rows of contiguous memory.
struct Rows {
  Tensor memory;
  Dims sizes;  // of the memory: the dimension is the last one
  cpu::RowsShape shape;
};

// Dimension `dim` as the last one, and its opposite. Plain memory.
Tensor dim_last(const Tensor& x, int64_t dim) {
  Dims sizes = x->sizes, strides = x->strides;
  int64_t size = sizes[dim], stride = strides[dim];
  sizes.erase(dim), strides.erase(dim);
  sizes.push_back(size), strides.push_back(stride);
  return alias(x, sizes, strides, x->byte_offset);
}
Tensor dim_back(const Tensor& rows, int64_t dim) {
  const int64_t last = rows->ndim() - 1;
  if (dim >= last) return rows;
  Dims sizes = rows->sizes, strides = rows->strides;
  int64_t size = sizes[last], stride = strides[last];
  sizes.pop_back(), strides.pop_back();
  sizes.insert(dim, size), strides.insert(dim, stride);
  return ops::contiguous_memory(alias(rows, sizes, strides, rows->byte_offset));
}

Rows rows_of(const char* name, const Tensor& x, int64_t dim) {
  Rows r;
  const bool last = x->ndim() == 0 || dim == x->ndim() - 1;
  r.memory = ops::contiguous_memory(last ? x : dim_last(x, dim));
  r.sizes = r.memory->sizes;
  const int64_t n = r.sizes.empty() ? 1 : r.sizes[r.sizes.size() - 1];
  r.shape = {x->dtype, n > 0 ? r.memory->numel / n : 0, n, num_threads()};
  FACULA_CHECK(n <= std::numeric_limits<uint32_t>::max(), Runtime, name, "(): dimension ", dim, " has ", n,
               " elements; at most 2^32 - 1 are supported");
  return r;
}
Tensor scratch_memory(int64_t bytes) { return empty({(bytes + 7) / 8}, DType::Int64); }

// ---- sort ----

std::tuple<Tensor, Tensor> sort(const Tensor& x, int64_t dim, bool descending) {
  FACULA_CHECK(!is_complex(x->dtype), Runtime, "sort(): Sort does not support complex dtypes on CPU; got ",
               scalar_type_name(x->dtype));
  dim = wrap_dim(dim, x->ndim());
  Rows r = rows_of("sort", x, dim);
  Tensor values = empty(r.sizes, x->dtype), index = empty(r.sizes, DType::Int64);
  if (values->numel > 0) {
    Tensor scratch = scratch_memory(cpu::sort().scratch(r.shape));
    GilRelease unlocked(values->numel > kLongWork / 16);
    cpu::sort().sort(r.shape, descending, r.memory->data(), scratch->data(), values->data(), index->ptr<int64_t>());
  }
  return {dim_back(values, dim), dim_back(index, dim)};
}

Tensor sort_rows(const Tensor& x) {
  FACULA_CHECK(x->ndim() == 2, Runtime, "_sort_rows(): expected two dimensions, got shape ", x->sizes);
  FACULA_CHECK(!is_complex(x->dtype), NotImplemented, "\"unique_dim\" not implemented for '",
               scalar_type_name(x->dtype), "'");
  Tensor memory = ops::contiguous_memory(x), order = empty({x->sizes[0]}, DType::Int64);
  Tensor scratch = scratch_memory(x->numel * 8);
  GilRelease unlocked(x->numel > kLongWork / 16);
  cpu::sort().sort_rows({x->dtype, x->sizes[0], x->sizes[1], 1}, memory->data(), scratch->data(),
                        order->ptr<int64_t>());
  return order;
}

// ---- selection ----

std::tuple<Tensor, Tensor> topk(const Tensor& x, int64_t k, int64_t dim, bool largest, bool sorted) {
  dim = wrap_dim(dim, x->ndim());
  const int64_t size = x->ndim() > 0 ? x->sizes[dim] : 1;
  FACULA_CHECK(k >= 0 && k <= size, Runtime, "topk(): selected index k out of range: k is ", k, ", dimension ", dim,
               " has ", size, " elements");
  FACULA_CHECK(!is_complex(x->dtype), Runtime, "topk(): topk does not support complex dtypes on CPU; got ",
               scalar_type_name(x->dtype));
  FACULA_CHECK(x->dtype != DType::Bool, Runtime, "topk(): topk does not support bool dtypes on CPU; use x.int()");
  Rows r = rows_of("topk", x, dim);
  if (!r.sizes.empty()) r.sizes[r.sizes.size() - 1] = k;
  Tensor values = empty(r.sizes, x->dtype), index = empty(r.sizes, DType::Int64);
  if (values->numel > 0) {
    Tensor scratch = scratch_memory(cpu::select().scratch(r.shape));
    GilRelease unlocked(x->numel > kLongWork);
    cpu::select().topk(r.shape, r.sizes.empty() ? 1 : k, largest, sorted, r.memory->data(), scratch->data(),
                       values->data(), index->ptr<int64_t>());
  }
  return {dim_back(values, dim), dim_back(index, dim)};
}

// One element of each row, by `kernel(shape, in, scratch, values, index)`.
template <class Kernel>
std::tuple<Tensor, Tensor> one_of_row(const char* name, const char* kernel_name, const Tensor& x, int64_t dim,
                                      bool keepdim, Kernel kernel) {
  dim = wrap_dim(dim, x->ndim());
  FACULA_CHECK(x->ndim() == 0 || x->sizes[dim] > 0, Index, name, "(): Expected reduction dim ", dim,
               " to have non-zero size.");
  FACULA_CHECK(!is_complex(x->dtype), NotImplemented, "\"", kernel_name, "\" not implemented for '",
               scalar_type_name(x->dtype), "'");
  Rows r = rows_of(name, x, dim);
  Dims sizes = x->sizes;
  if (!sizes.empty() && keepdim) sizes[dim] = 1;
  if (!sizes.empty() && !keepdim) sizes.erase(dim);
  Tensor values = empty(sizes, x->dtype), index = empty(sizes, DType::Int64);
  if (values->numel == 0) return {values, index};
  Tensor scratch = scratch_memory(cpu::select().scratch(r.shape));
  GilRelease unlocked(x->numel > kLongWork / 4);
  kernel(r.shape, r.memory->data(), scratch->data(), values->data(), index->ptr<int64_t>());
  return {values, index};
}
void refuse_bool(const char* kernel_name, const Tensor& x) {
  FACULA_CHECK(x->dtype != DType::Bool, NotImplemented, "\"", kernel_name, "\" not implemented for 'Bool'");
}

std::tuple<Tensor, Tensor> kthvalue(const Tensor& x, int64_t k, int64_t dim, bool keepdim) {
  dim = wrap_dim(dim, x->ndim());
  const int64_t size = x->ndim() > 0 ? x->sizes[dim] : 1;
  FACULA_CHECK(size == 0 || (k >= 1 && k <= size), Runtime, "kthvalue(): selected number k out of range for dimension ",
               dim, ": k is ", k, ", expected 1 to ", size);
  refuse_bool("kthvalue_cpu", x);
  return one_of_row("kthvalue", "kthvalue_cpu", x, dim, keepdim,
                    [k](const auto& shape, auto... memory) { cpu::select().kth(shape, k - 1, memory...); });
}

template <bool ignore_nan>
std::tuple<Tensor, Tensor> median_dim(const Tensor& x, int64_t dim, bool keepdim) {
  refuse_bool("median_out", x);
  return one_of_row(ignore_nan ? "nanmedian" : "median", "median_out", x, dim, keepdim,
                    [](const auto& shape, auto... memory) { cpu::select().median(shape, ignore_nan, memory...); });
}
template <bool ignore_nan>
Tensor median_all(const Tensor& x) {
  refuse_bool("median_cpu", x);
  if (x->numel == 0) {  // what PyTorch's conversion of NaN gives
    if (is_floating(x->dtype)) return ops::full({}, Scalar(std::numeric_limits<double>::quiet_NaN()), x->dtype);
    const bool wide = x->dtype == DType::Int64, full = x->dtype == DType::Int32;
    return ops::full({}, Scalar(wide ? INT64_MIN : full ? int64_t{INT32_MIN} : int64_t{0}), x->dtype);
  }
  Tensor flat = ops::contiguous_memory(x);
  flat = alias(flat, {flat->numel}, {1}, flat->byte_offset);
  auto select = [](const auto& shape, auto... memory) { cpu::select().median(shape, ignore_nan, memory...); };
  return std::get<0>(one_of_row("median", "median_cpu", flat, 0, false, select));
}

std::tuple<Tensor, Tensor> mode_dim(const Tensor& x, int64_t dim, bool keepdim) {
  return one_of_row("mode", "mode_cpu", x, dim, keepdim,
                    [](const auto& shape, auto... memory) { cpu::select().mode(shape, memory...); });
}

// ---- derivatives ----

// The gradient of the chosen elements goes back to where they came from.
void back_to_places(Backward& b, int64_t dim, const Tensor& g, const Tensor& index) {
  if (b.sizes(0).empty()) return b.set(0, ops::reshape(g, {}));
  b.set(0, ops::scatter_add(ops::zeros(b.sizes(0), g->dtype), dim, index, g));
}
template <int dim_arg>
void chosen_vjp(Backward& b) {
  if (b.has_grad(0)) back_to_places(b, b.arg(dim_arg).number.i, b.grad(), b.result(1));
}
template <int dim_arg>
void chosen_one_vjp(Backward& b) {
  if (!b.has_grad(0)) return;
  const int64_t dim = wrap_dim(b.arg(dim_arg).number.i, static_cast<int64_t>(b.sizes(0).size()));
  const bool keepdim = b.arg(dim_arg + 1).number.to_bool() || b.sizes(0).empty();
  auto restored = [&](const Tensor& t) { return keepdim ? t : ops::unsqueeze(t, dim); };
  back_to_places(b, dim, restored(b.grad()), restored(b.result(1)));
}
// All elements that equal the median share its gradient.
void median_all_vjp(Backward& b) {
  Tensor x = b.input(0), y = b.result(), share;
  {
    GradMode off(false);
    static const OpDef &either = find_op("logical_or"), &both = find_op("logical_and");
    Tensor equal = call(either, ops::eq(x, y), call(both, ops::ne(x, x), ops::ne(y, y)));
    share = ops::to_dtype(equal, x->dtype);
    share = ops::div(share, ops::sum(share, nullptr, false));
  }
  b.set(0, ops::mul(share, b.grad()));
}

// ---- repetitions ----

// values, and as wanted: the number of the value that each element is, and how often each value occurs.
TensorList unique(const Tensor& x, bool consecutive, bool with_inverse, bool with_counts) {
  FACULA_CHECK(!is_complex(x->dtype), NotImplemented, "\"unique\" not implemented for '", scalar_type_name(x->dtype),
               "'");
  Tensor values = ops::contiguous_memory(x), order, inverse;
  values = alias(values, {values->numel}, {1}, values->byte_offset);
  if (!consecutive) std::tie(values, order) = sort(values, 0, false);
  const int64_t n = x->numel;
  Tensor before = empty({cpu::sort().unique_blocks(n)}, DType::Int64), starts;
  const int64_t count = cpu::sort().unique_count(x->dtype, n, values->data(), before->ptr<int64_t>());
  Tensor kept = empty({count}, x->dtype);
  if (with_inverse) inverse = empty(x->sizes, DType::Int64);
  if (with_counts) starts = empty({count}, DType::Int64);
  auto places = [](const Tensor& t) { return t ? t->ptr<int64_t>() : nullptr; };
  cpu::sort().unique_write(x->dtype, n, values->data(), before->ptr<int64_t>(), count, places(order), kept->data(),
                           places(starts), places(inverse));
  TensorList out{kept};
  if (inverse) out.push_back(inverse);
  if (!with_counts) return out;
  Tensor counts = empty({count}, DType::Int64);
  const int64_t* start = starts->ptr<int64_t>();
  for (int64_t i = 0; i < count; ++i) counts->ptr<int64_t>()[i] = (i + 1 < count ? start[i + 1] : x->numel) - start[i];
  out.push_back(counts);
  return out;
}

// ---- search ----

void check_search(const Tensor& bounds, const Tensor& values, const Tensor* sorter) {
  constexpr const char* name = "torch.searchsorted(): ";
  FACULA_CHECK(bounds->ndim() > 0, Runtime, name,
               "boundaries tensor should have positive dimension, but got 0 dimension");
  FACULA_CHECK(bounds->dtype == values->dtype, Runtime, name,
               "boundary tensor and input value tensor should have same dtype, but got boundary tensor dtype ",
               name_of(bounds->dtype), " and input value tensor dtype ", name_of(values->dtype));
  bool fits = bounds->ndim() == 1 || bounds->ndim() == values->ndim();
  for (int64_t d = 0; fits && bounds->ndim() > 1 && d + 1 < bounds->ndim(); ++d)
    fits = bounds->sizes[d] == values->sizes[d];
  FACULA_CHECK(bounds->ndim() == 1 || values->ndim() > 0, Runtime, name,
               "input value can be a scalar only when boundaries tensor dimension is 1, but we got boundaries tensor "
               "dim(",
               bounds->ndim(), ") and input value's dim(0) numel(1)");
  FACULA_CHECK(fits, Runtime, name,
               "boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input "
               "value tensor must match, but we got boundaries tensor ",
               bounds->sizes, " and input value tensor ", values->sizes);
  if (!sorter) return;
  FACULA_CHECK((*sorter)->sizes == bounds->sizes, Runtime, name,
               "boundary and sorter must have the same size, but got boundary tensor ", bounds->sizes,
               " and got sorter tensor ", (*sorter)->sizes);
  FACULA_CHECK((*sorter)->dtype == DType::Int64, Runtime, name, "sorter must be a tensor of long dtype but got dtype ",
               scalar_type_name((*sorter)->dtype));
}

Tensor searchsorted(const Tensor& sorted, const Tensor& input, bool out_int32, bool right, MaybeTensor sorter) {
  check_search(sorted, input, sorter);
  Tensor bounds = ops::contiguous_memory(sorted), values = ops::contiguous_memory(input), places;
  const int64_t n = bounds->sizes[bounds->ndim() - 1];
  if (sorter) {
    places = ops::contiguous_memory(*sorter);
    for (int64_t i = 0; i < places->numel; ++i)
      FACULA_CHECK(places->ptr<int64_t>()[i] >= 0 && places->ptr<int64_t>()[i] < n, Runtime,
                   "torch.searchsorted(): sorter index out of range: ", places->ptr<int64_t>()[i],
                   " for a boundaries tensor of size ", n);
  }
  FACULA_CHECK(!out_int32 || n < INT32_MAX, Runtime,
               "torch.searchsorted(): the size of boundaries' last dimension "
               "should be less than ",
               INT32_MAX, " when out_int32 is True, but we got ", n);
  Tensor out = empty(values->sizes, out_int32 ? DType::Int32 : DType::Int64);
  const bool shared = bounds->ndim() == 1;
  const int64_t each = shared ? values->numel : values->sizes[values->ndim() - 1];
  cpu::SearchShape shape{bounds->dtype, shared || each == 0 ? 1 : values->numel / each, n, each, right, out_int32};
  bool done;
  {
    GilRelease unlocked(values->numel > kLongWork / 16);
    done = cpu::search().search(shape, bounds->data(), values->data(), places ? places->ptr<int64_t>() : nullptr,
                                out->data());
  }
  FACULA_CHECK(done, NotImplemented, "\"searchsorted_out_cpu\" not implemented for '", scalar_type_name(bounds->dtype),
               "'");
  return out;
}

const OpDef kOps[] = {
    FACULA_OP("_sort", Indexing, "SortBackward0", sort, .vjp = chosen_vjp<1>, .saves = {kSaveResult1}),
    FACULA_OP("_sort_rows", Indexing, nullptr, sort_rows),
    FACULA_OP("_topk", Indexing, "TopkBackward0", topk, .vjp = chosen_vjp<2>, .saves = {kSaveResult1}),
    FACULA_OP("_kthvalue", Indexing, "KthvalueBackward0", kthvalue, .vjp = chosen_one_vjp<2>, .saves = {kSaveResult1}),
    FACULA_OP("_median_all", Reduction, "MedianBackward0", median_all<false>, .vjp = median_all_vjp,
              .saves = {1 << 0 | kSaveResult}),
    FACULA_OP("_nanmedian_all", Reduction, "NanmedianBackward0", median_all<true>, .vjp = median_all_vjp,
              .saves = {1 << 0 | kSaveResult}),
    FACULA_OP("_median_dim", Reduction, "MedianBackward1", median_dim<false>, .vjp = chosen_one_vjp<1>,
              .saves = {kSaveResult1}),
    FACULA_OP("_nanmedian_dim", Reduction, "NanmedianBackward1", median_dim<true>, .vjp = chosen_one_vjp<1>,
              .saves = {kSaveResult1}),
    FACULA_OP("_mode", Reduction, "ModeBackward0", mode_dim, .vjp = chosen_one_vjp<1>, .saves = {kSaveResult1}),
    FACULA_OP("_unique", Indexing, nullptr, unique),
    FACULA_OP("_searchsorted", Indexing, nullptr, searchsorted),
};

}  // namespace

extern const OpFamily kSortFamily;
const OpFamily kSortFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
