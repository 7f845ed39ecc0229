// embedding_bag: rows of a table summed, averaged or maximised bag by bag, with gradients of any order for the table
// and the factors. Renormalisation and the forms of arguments are the Python function's.
#include "cpu/embedding.h"

#include "base/gil.h"
#include "ops/ops.h"

namespace facula {

namespace {

using cpu::BagMode;

DType compute_type(DType t) { return t == DType::Float64 ? DType::Float64 : DType::Float32; }

// A call in the kernels' terms. `input` is (positions) with offsets, or (bags, length).
struct BagCall {
  cpu::Bags bags;
  Tensor index, offsets, factors;

  BagCall(const Tensor& input, MaybeTensor given, MaybeTensor per_sample, int64_t rows, int64_t width, int64_t mode,
          int64_t padding, bool include_last, DType dtype) {
    FACULA_CHECK(mode >= 0 && mode <= 2, Runtime, "embedding_bag(): there is no mode number ", mode);
    FACULA_CHECK(is_floating(dtype), Runtime, "embedding_bag(): expected a table of a floating type, but got ",
                 scalar_type_name(dtype));
    FACULA_CHECK(input->dtype == DType::Int64 || input->dtype == DType::Int32, Runtime,
                 "embedding_bag(): expected indices of type Long or Int, but got ", scalar_type_name(input->dtype));
    FACULA_CHECK(input->ndim() == (given ? 1 : 2), Value,
                 "embedding_bag(): input has to be 1D with offsets, or 2D, but got ", input->ndim(), "D");
    FACULA_CHECK(!per_sample || (*per_sample)->numel == input->numel, Value, "embedding_bag(): per_sample_weights has ",
                 per_sample ? (*per_sample)->numel : 0, " elements and input ", input->numel);
    index = ops::contiguous_memory(ops::converted_memory(input, DType::Int64));
    set_offsets(input, given, include_last);
    if (per_sample) factors = ops::contiguous_memory(ops::converted_memory(*per_sample, dtype));
    bags = {dtype,
            static_cast<BagMode>(mode),
            offsets->numel - 1,
            index->numel,
            rows,
            width,
            padding,
            index->ptr<int64_t>(),
            offsets->ptr<int64_t>(),
            factors ? factors->data() : nullptr};
    const int64_t bad = cpu::embedding().check(bags);
    FACULA_CHECK(bad < 0, Runtime, "embedding_bag(): index ", bad, " of input takes value ", index->ptr<int64_t>()[bad],
                 " which is not in the valid range [0, ", rows, ")");
  }
  void set_offsets(const Tensor& input, MaybeTensor given, bool include_last) {
    if (!given) {
      const int64_t n = input->sizes[0], length = input->sizes[1];
      offsets = empty({n + 1}, DType::Int64);
      for (int64_t i = 0; i <= n; ++i) offsets->ptr<int64_t>()[i] = i * length;
      return;
    }
    Tensor start = ops::contiguous_memory(ops::converted_memory(*given, DType::Int64));
    const int64_t n = start->numel, total = index->numel;
    FACULA_CHECK(!include_last || n > 0, Runtime, "include_last_offset: number of offset should be at least 1");
    offsets = empty({include_last ? n : n + 1}, DType::Int64);
    int64_t* to = offsets->ptr<int64_t>();
    for (int64_t i = 0; i < n; ++i) {
      to[i] = start->ptr<int64_t>()[i];
      FACULA_CHECK(i > 0 || to[0] == 0, Runtime,
                   "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. "
                   "However, got ",
                   to[0]);
      FACULA_CHECK(to[i] <= total, Runtime, "offsets[-1] can not be greater than input's length(", total,
                   ") but got offsets[-1] of ", to[i]);
      FACULA_CHECK(i == 0 || to[i] >= to[i - 1], Runtime, "embedding_bag(): offsets must not decrease, but got ",
                   to[i - 1], " before ", to[i]);
    }
    if (!include_last) to[n] = total;
  }
  int64_t work() const { return bags.positions * bags.width; }
};

void check_table(const Tensor& table) {
  FACULA_CHECK(table->ndim() == 2, Value, "weight has to be a 2D Tensor, but got Tensor of dimension ", table->ndim());
}

std::tuple<Tensor, Tensor> embedding_bag(const Tensor& table, const Tensor& input, MaybeTensor offsets,
                                         MaybeTensor factors, int64_t mode, int64_t padding, bool include_last, bool) {
  check_table(table);
  const int64_t width = table->sizes[1];
  BagCall c(input, offsets, factors, table->sizes[0], width, mode, padding, include_last, table->dtype);
  const bool max = c.bags.mode == BagMode::Max;
  Tensor rows = ops::contiguous_memory(table), out = empty({c.bags.bags, width}, table->dtype);
  Tensor largest = empty(max ? out->sizes : Dims{0}, DType::Int64);
  GilRelease unlocked(c.work() > kLongWork);
  cpu::embedding().bag(c.bags, rows->data(), out->data(), max ? largest->ptr<int64_t>() : nullptr);
  return {out, largest};
}

Tensor embedding_bag_backward(const Tensor& g, const Tensor& input, MaybeTensor offsets, MaybeTensor factors,
                              MaybeTensor largest, int64_t rows, int64_t mode, int64_t padding, bool include_last,
                              bool by_frequency) {
  FACULA_CHECK(g->ndim() == 2 && rows >= 0, Runtime, "embedding_bag(): a gradient of shape ", g->sizes);
  const int64_t width = g->sizes[1];
  const DType type = compute_type(g->dtype);
  BagCall c(input, offsets, factors, rows, width, mode, padding, include_last, type);
  FACULA_CHECK(
      c.bags.bags == g->sizes[0] && (c.bags.mode != BagMode::Max || (largest && (*largest)->sizes == g->sizes)),
      Runtime, "embedding_bag(): a gradient of shape ", g->sizes, " for ", c.bags.bags, " bags");
  Tensor grad = ops::contiguous_memory(ops::converted_memory(g, type)), out = empty({rows, width}, type), counts;
  if (by_frequency) {
    counts = ops::zeros({rows}, DType::Int64);
    for (int64_t i = 0; i < c.bags.positions; ++i) ++counts->ptr<int64_t>()[c.bags.index[i]];
  }
  {
    GilRelease unlocked(c.work() + out->numel > kLongWork);
    cpu::embedding().bag_backward(c.bags, grad->data(), largest ? (*largest)->ptr<int64_t>() : nullptr,
                                  counts ? counts->ptr<int64_t>() : nullptr, out->data());
  }
  return ops::converted_memory(out, g->dtype);
}

Tensor embedding_bag_factor_backward(const Tensor& g, const Tensor& table, const Tensor& input, MaybeTensor offsets,
                                     int64_t padding, bool include_last) {
  check_table(table);
  const DType type = compute_type(g->dtype);
  BagCall c(input, offsets, nullptr, table->sizes[0], table->sizes[1], 0, padding, include_last, type);
  FACULA_CHECK(g->ndim() == 2 && g->sizes[0] == c.bags.bags && g->sizes[1] == c.bags.width, Runtime,
               "embedding_bag(): a gradient of shape ", g->sizes, " for ", c.bags.bags, " bags");
  Tensor grad = ops::contiguous_memory(ops::converted_memory(g, type));
  Tensor rows = ops::contiguous_memory(ops::converted_memory(table, type)), out = ops::zeros(input->sizes, type);
  {
    GilRelease unlocked(c.work() > kLongWork);
    cpu::embedding().factor_backward(c.bags, grad->data(), rows->data(), out->data());
  }
  return ops::converted_memory(out, g->dtype);
}

// ---- derivatives. All three maps are linear in each of their tensors, so each is a derivative of the others ----

void bag_vjp(Backward& b) {
  static const OpDef &table = find_op("_embedding_bag_backward"), &factor = find_op("_embedding_bag_factor_backward");
  Tensor input = b.input(1), offsets = b.input(2);
  if (!b.has_grad(0)) return;
  if (b.needs(0))
    b.set(0, call(table, b.grad(), input, offsets, b.input(3), b.result(1), b.sizes(0)[0], b.arg(4), b.arg(5), b.arg(6),
                  b.arg(7)));
  if (b.needs(3)) b.set(3, call(factor, b.grad(), b.input(0), input, offsets, b.arg(5), b.arg(6)));
}
void bag_backward_vjp(Backward& b) {
  static const OpDef &bag = find_op("_embedding_bag"), &factor = find_op("_embedding_bag_factor_backward");
  const bool max = b.arg(6).number.i == static_cast<int64_t>(BagMode::Max);
  Tensor input = b.input(1), offsets = b.input(2);
  FACULA_CHECK(!b.arg(9).number.to_bool(), NotImplemented,
               "embedding_bag(): the second derivative is not implemented with scale_grad_by_freq=True");
  if (b.needs(0) && max) {
    Tensor largest = b.input(4), empty_bag = ops::eq(largest, Scalar(int64_t{-1}));
    Tensor from = ops::where(empty_bag, Scalar(int64_t{0}), largest);
    b.set(0, ops::where(empty_bag, Scalar(0.0), ops::gather(b.grad(), 0, from)));
  } else if (b.needs(0)) {
    b.set(0, call(bag, b.grad(), input, offsets, b.input(3), b.arg(6), b.arg(7), b.arg(8), false));
  }
  if (b.needs(3)) b.set(3, call(factor, b.input(0), b.grad(), input, offsets, b.arg(7), b.arg(8)));
}
void factor_backward_vjp(Backward& b) {
  static const OpDef &bag = find_op("_embedding_bag"), &table = find_op("_embedding_bag_backward");
  const int64_t sum = static_cast<int64_t>(BagMode::Sum);
  Tensor input = b.input(2), offsets = b.input(3);
  if (b.needs(0)) b.set(0, call(bag, b.input(1), input, offsets, b.grad(), sum, b.arg(4), b.arg(5), false));
  if (b.needs(1))
    b.set(1, call(table, b.input(0), input, offsets, b.grad(), nullptr, b.sizes(1)[0], sum, b.arg(4), b.arg(5), false));
}

const OpDef kOps[] = {
    FACULA_OP("_embedding_bag", Indexing, "EmbeddingBagBackward0", embedding_bag, .vjp = bag_vjp,
              .saves = {0b1110 | kSaveResult1, 0, 0, 0b0111}),
    FACULA_OP("_embedding_bag_backward", Indexing, "EmbeddingBagDenseBackwardBackward0", embedding_bag_backward,
              .vjp = bag_backward_vjp, .saves = {0b11110, 0, 0, 0b00111}),
    FACULA_OP("_embedding_bag_factor_backward", Indexing, "EmbeddingBagPerSampleWeightsBackwardBackward0",
              embedding_bag_factor_backward, .vjp = factor_backward_vjp, .saves = {0b1110, 0b1101}),
};

}  // namespace

extern const OpFamily kEmbeddingFamily;
const OpFamily kEmbeddingFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
