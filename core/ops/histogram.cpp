// bincount and histc. Histograms over given edges are composed in Python.
#include "cpu/histogram.h"

#include <cmath>

#include "base/gil.h"
#include "ops/ops.h"

namespace facula {

namespace {

Tensor bincount(const Tensor& x, MaybeTensor weights, int64_t minlength) {
  FACULA_CHECK(is_integral(x->dtype) && x->dtype != DType::Bool, NotImplemented,
               "\"bincount_cpu\" not implemented for '", scalar_type_name(x->dtype), "'");
  FACULA_CHECK(minlength >= 0, Runtime, "minlength should be >= 0, got ", minlength);
  if (x->ndim() == 1 && x->numel == 0) return ops::zeros({minlength}, DType::Int64);
  Tensor index = ops::contiguous_memory(ops::converted_memory(x, DType::Int64));
  int64_t low = -1, high = -1;
  if (x->ndim() == 1) cpu::histogram().bounds(x->numel, index->ptr<int64_t>(), &low, &high);
  FACULA_CHECK(low >= 0, Runtime, "bincount only supports 1-d non-negative integral inputs, got shape ", x->sizes,
               x->ndim() == 1 ? " with the number " : "", x->ndim() == 1 ? std::to_string(low) : "");
  FACULA_CHECK(!weights || (*weights)->sizes == x->sizes, Runtime,
               "weights should be 1-d and have the same length as input: expected ", x->sizes, ", got ",
               weights ? (*weights)->sizes : Dims());
  const int64_t bins = std::max(high + 1, minlength);
  if (!weights) {
    Tensor out = ops::zeros({bins}, DType::Int64);
    GilRelease unlocked(x->numel > kLongWork);
    cpu::histogram().count(x->numel, index->ptr<int64_t>(), bins, out->ptr<int64_t>());
    return out;
  }
  const DType type = (*weights)->dtype == DType::Float32 ? DType::Float32 : DType::Float64;
  Tensor values = ops::contiguous_memory(ops::converted_memory(*weights, type)), out = ops::zeros({bins}, type);
  GilRelease unlocked(x->numel > kLongWork);
  cpu::histogram().weigh(type, x->numel, index->ptr<int64_t>(), values->data(), out->data());
  return out;
}

// How many elements of a float or double tensor lie in each of `bins` equal parts of [low, high].
Tensor histc(const Tensor& x, int64_t bins, double low, double high) {
  FACULA_CHECK(x->dtype == DType::Float32 || x->dtype == DType::Float64, NotImplemented,
               "\"histogram_cpu\" not implemented for '", scalar_type_name(x->dtype), "'");
  FACULA_CHECK(bins > 0 && std::isfinite(low) && std::isfinite(high) && low < high, Runtime,
               "torch.histc: expected bins > 0 and a finite range, got ", bins, " bins of [", low, ", ", high, "]");
  Tensor memory = ops::contiguous_memory(x), counts = ops::zeros({bins + 1}, DType::Int64);
  {
    GilRelease unlocked(x->numel > kLongWork);
    cpu::histogram().equal_bins(x->dtype, x->numel, memory->data(), bins, low, high, counts->ptr<int64_t>());
  }
  return ops::converted_memory(alias(counts, {bins}, {1}, counts->byte_offset), x->dtype);
}

const OpDef kOps[] = {
    FACULA_OP("bincount", Indexing, nullptr, bincount),
    FACULA_OP("_histc", Indexing, nullptr, histc),
};

}  // namespace

extern const OpFamily kHistogramFamily;
const OpFamily kHistogramFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
