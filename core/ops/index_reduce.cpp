// scatter_reduce: scattered values meet what is there by sum, product, mean, maximum or minimum. One entry for each, so
// that a recorded call knows which it was; `_scatter_reduce` chooses by name and has no in-place form.
#include "ops/scatter.h"

namespace facula {

namespace {

using cpu::Combine;

Tensor scattered(const Tensor& x, int64_t dim, const Tensor& index, const Arg& src) {
  static const OpDef& op = find_op("_scatter");
  return call(op, x, dim, index, src);
}
void scatter_into(const Tensor& x, int64_t dim, const Tensor& index, const Arg& src) {
  static const OpDef& op = find_op("_scatter");
  call_inplace(op, x, dim, index, src);
}
void reduce_into(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src, bool include_self,
                 Combine how) {
  GradMode off(false);
  FACULA_CHECK(!is_complex(self->dtype) || how == Combine::Add || how == Combine::Multiply, NotImplemented,
               "scatter_reduce(): amax and amin do not exist for complex tensors");
  Scatter checked(self, dim, index, src);
  if (checked.empty) return;
  // What is there is left out by starting from the identity; for an extreme, any of its values does.
  if (!include_self) {
    bool extreme = how == Combine::Minimum || how == Combine::Maximum;
    scatter_into(self, dim, index, extreme ? Arg(src) : Arg(Scalar(how == Combine::Multiply ? 1 : 0)));
  }
  combine_into(self, dim, index, src, how);
}
template <Combine how>
void reduce(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src, bool include_self) {
  reduce_into(self, dim, index, src, include_self, how);
}

// How many values meet at each place; at least 1, to divide by.
Tensor meeting(const Dims& sizes, DType dtype, int64_t dim, const Tensor& index, bool include_self) {
  Tensor counts = ops::full(sizes, Scalar(include_self ? 1 : 0), dtype);
  combine_into(counts, dim, index, ops::full(index->sizes, Scalar(1), dtype), Combine::Add);
  return ops::where(ops::eq(counts, Scalar(0)), Scalar(1), counts);
}
void mean(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src, bool include_self) {
  GradMode off(false);
  reduce_into(self, dim, index, src, include_self, Combine::Add);
  Tensor counts = meeting(self->sizes, self->dtype, dim, index, include_self);
  static const OpDef& floored = find_op("div_floor");
  ops::copy_memory(self, is_integral(self->dtype) ? call(floored, self, counts) : ops::div(self, counts));
}

// ---- derivatives ----

struct Call {
  Tensor g, index;
  int64_t dim;
  bool include_self;
  explicit Call(const Backward& b)
      : g(b.grad()), index(b.input(2)), dim(b.arg(1).number.i), include_self(b.arg(4).number.to_bool()) {}
  // What self was is gone where something was scattered without it.
  Tensor of_self(const Tensor& grad) const { return include_self ? grad : scattered(grad, dim, index, Scalar(0)); }
};

void sum_vjp(Backward& b) {
  Call c(b);
  if (b.needs(0)) b.set(0, c.of_self(c.g));
  if (b.needs(3)) b.set(3, ops::gather(c.g, c.dim, c.index));
}
void mean_vjp(Backward& b) {
  Call c(b);
  Tensor share = ops::div(c.g, meeting(c.g->sizes, c.g->dtype, c.dim, c.index, c.include_self));
  if (b.needs(0)) b.set(0, c.of_self(share));
  if (b.needs(3)) b.set(3, ops::gather(share, c.dim, c.index));
}

// Equals share the gradient; a self that takes no part counts all the same, as in PyTorch.
void extreme_vjp(Backward& b) {
  Call c(b);
  Tensor self = b.input(0), src = b.input(3), result = b.result();
  Tensor from_src = ops::to_dtype(ops::eq(src, ops::gather(result, c.dim, c.index)), c.g->dtype);
  Tensor from_self = ops::to_dtype(ops::eq(self, result), c.g->dtype);
  Tensor winners = ops::scatter_add(from_self, c.dim, c.index, from_src);
  winners = ops::where(ops::eq(winners, Scalar(0)), Scalar(1), winners);
  Tensor share = ops::div(c.g, winners);
  if (b.needs(0)) b.set(0, c.of_self(ops::mul(share, ops::to_dtype(ops::eq(self, result), c.g->dtype))));
  if (b.needs(3)) b.set(3, ops::mul(ops::gather(share, c.dim, c.index), from_src));
}

Tensor product(const Tensor& self, const Call& c, const Tensor& src) {
  static const OpDef& op = find_op("_scatter_reduce_prod");
  return call(op, self, c.dim, c.index, src, c.include_self);
}
// The product of the others: the result divided by the value, and where the value is 0, the product computed with 1 in
// its place (0 again when another factor is 0).
void prod_vjp(Backward& b) {
  Call c(b);
  Tensor self = ops::conj(b.input(0)), src = ops::conj(b.input(3)), result = ops::conj(b.result());
  if (b.needs(0)) {
    Tensor filled = ops::where(ops::eq(self, Scalar(0)), Scalar(1), self);
    b.set(0, c.of_self(ops::div(ops::mul(c.g, product(filled, c, src)), filled)));
  }
  if (!b.needs(3)) return;
  Tensor zero = ops::eq(src, Scalar(0)), zero_number = ops::to_dtype(zero, c.g->dtype);
  Tensor zeros = ops::scatter_add(ops::zeros(self->sizes, c.g->dtype), c.dim, c.index, zero_number);
  Tensor alone = ops::eq(ops::mul(ops::gather(zeros, c.dim, c.index), zero_number), Scalar(1));
  Tensor without = product(self, c, ops::where(alone, Scalar(1), src));
  Tensor nonzero = ops::where(zero, Scalar(1), src);
  b.set(3, ops::where(alone, ops::gather(ops::mul(c.g, without), c.dim, c.index),
                      ops::div(ops::gather(ops::mul(c.g, result), c.dim, c.index), nonzero)));
}

Tensor by_name(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src, std::string_view how,
               bool include_self) {
  bool known = how == "sum" || how == "prod" || how == "mean" || how == "amax" || how == "amin";
  FACULA_CHECK(known, Runtime, "reduce argument must be either sum, prod, mean, amax or amin, got ", how);
  const OpDef& op = find_op("_scatter_reduce_" + std::string(how));
  return call(op, self, dim, index, src, include_self);
}

constexpr uint32_t kIndex = 1 << 2, kAll = 1 << 0 | kIndex | 1 << 3 | kSaveResult;
const OpDef kOps[] = {
    FACULA_OP("_scatter_reduce", Indexing, nullptr, by_name),
    FACULA_OP("_scatter_reduce_sum", Indexing, "ScatterReduceBackward0", reduce<Combine::Add>, .vjp = sum_vjp,
              .saves = {kIndex, 0, 0, kIndex}, .mutates = true),
    FACULA_OP("_scatter_reduce_prod", Indexing, "ScatterReduceBackward0", reduce<Combine::Multiply>, .vjp = prod_vjp,
              .saves = {kAll, 0, 0, kAll}, .mutates = true),
    FACULA_OP("_scatter_reduce_mean", Indexing, "ScatterReduceBackward0", mean, .vjp = mean_vjp,
              .saves = {kIndex, 0, 0, kIndex}, .mutates = true),
    FACULA_OP("_scatter_reduce_amax", Indexing, "ScatterReduceBackward0", reduce<Combine::Maximum>, .vjp = extreme_vjp,
              .saves = {kAll, 0, 0, kAll}, .mutates = true),
    FACULA_OP("_scatter_reduce_amin", Indexing, "ScatterReduceBackward0", reduce<Combine::Minimum>, .vjp = extreme_vjp,
              .saves = {kAll, 0, 0, kAll}, .mutates = true),
};

}  // namespace

extern const OpFamily kIndexReduceFamily;
const OpFamily kIndexReduceFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
