// Scaled dot-product attention, fused: the matrix of scores is never made. Derivatives of the derivative are composed.
#include "cpu/attention.h"

#include <limits>

#include "base/gil.h"
#include "ops/axis.h"

namespace facula {

namespace {

DType compute_type(DType t) { return t == DType::Float64 ? DType::Float64 : DType::Float32; }
Tensor operand(const Tensor& t) { return ops::contiguous_memory(ops::converted_memory(t, compute_type(t->dtype))); }

// What is added to the scores: a mask of bools says which keys are seen. Strides are those of the broadcast mask.
Tensor additive(const Tensor& mask, DType dtype) {
  if (mask->dtype != DType::Bool) return operand(ops::converted_memory(mask, dtype));
  Tensor seen = ops::contiguous_memory(mask), out = ops::zeros(mask->sizes, dtype);
  for (int64_t i = 0; i < out->numel; ++i) {
    if (seen->ptr<uint8_t>()[i]) continue;
    if (dtype == DType::Float64)
      out->ptr<double>()[i] = -std::numeric_limits<double>::infinity();
    else
      out->ptr<float>()[i] = -std::numeric_limits<float>::infinity();
  }
  return out;
}

cpu::AttentionShape shape_of(const Tensor& q, const Tensor& k, const Tensor& v, bool causal, double scale) {
  for (const Tensor* t : {&q, &k, &v})
    FACULA_CHECK(
        (*t)->ndim() == 4 && is_floating((*t)->dtype) && (*t)->dtype == q->dtype, Runtime,
        "scaled_dot_product_attention: expected query, key and value of four dimensions and one floating-point "
        "type, but got ",
        (*t)->sizes, " of ", scalar_type_name((*t)->dtype));
  const int64_t heads = q->sizes[1], kv_heads = k->sizes[1];
  FACULA_CHECK(k->sizes[0] == q->sizes[0] && v->sizes[0] == q->sizes[0] && v->sizes[1] == kv_heads &&
                   v->sizes[2] == k->sizes[2] && k->sizes[3] == q->sizes[3] && kv_heads > 0 && heads % kv_heads == 0,
               Runtime, "scaled_dot_product_attention: the sizes of query, key and value do not fit: ", q->sizes, ", ",
               k->sizes, ", ", v->sizes);
  return {q->sizes[0], heads, heads / kv_heads, q->sizes[2], k->sizes[2], q->sizes[3], v->sizes[3],
          causal,      scale, nullptr,          {0, 0, 0, 0}};
}
void set_mask(cpu::AttentionShape& s, const Tensor& mask) {
  const int64_t full[] = {s.batch, s.heads, s.queries, s.keys};
  FACULA_CHECK(mask->ndim() <= 4, Runtime, "scaled_dot_product_attention: a mask of ", mask->ndim(), " dimensions");
  s.mask = mask->data();
  for (int64_t d = 0; d < mask->ndim(); ++d) {
    const int64_t to = 4 - mask->ndim() + d;
    FACULA_CHECK(mask->sizes[d] == full[to] || mask->sizes[d] == 1, Runtime,
                 "scaled_dot_product_attention: a mask of size ", mask->sizes, " does not broadcast to scores of size ",
                 Dims{s.batch, s.heads, s.queries, s.keys});
    s.mask_strides[to] = mask->sizes[d] == 1 ? 0 : mask->strides[d];
  }
}
int64_t work_of(const cpu::AttentionShape& s) { return s.batch * s.heads * s.queries * s.keys * (s.depth + s.width); }

std::tuple<Tensor, Tensor> attention(const Tensor& q, const Tensor& k, const Tensor& v, MaybeTensor mask, bool causal,
                                     double scale) {
  cpu::AttentionShape s = shape_of(q, k, v, causal, scale);
  const DType dtype = compute_type(q->dtype);
  Tensor added = mask ? additive(*mask, dtype) : Tensor();
  if (added) set_mask(s, added);
  Tensor a = operand(q), b = operand(k), c = operand(v);
  Tensor y = empty({s.batch, s.heads, s.queries, s.width}, dtype), lse = empty({s.batch, s.heads, s.queries}, dtype);
  if (s.keys == 0) {
    ops::fill_memory(y, Scalar(0.0));
    ops::fill_memory(lse, Scalar(0.0));
  } else if (y->numel > 0) {
    GilRelease unlocked(work_of(s) > kLongWork);
    cpu::attention().forward(dtype, s, a->data(), b->data(), c->data(), y->data(), lse->data());
  }
  return {ops::converted_memory(y, q->dtype), lse};
}

// Keys and values repeated for the heads that share them: [batch, kv heads, 1, keys, *] beside [.., group, queries, *].
void composed(Backward& b, const cpu::AttentionShape& s, const Tensor& mask) {
  static const OpDef& softmax = find_op("_softmax");
  const int64_t kv = s.heads / s.group;
  auto split = [&](const Tensor& t) { return ops::reshape(t, {s.batch, kv, s.group, s.queries, t->sizes[3]}); };
  Tensor q = split(b.input(0)), k = ops::unsqueeze(b.input(1), 2), v = ops::unsqueeze(b.input(2), 2);
  Tensor dy = split(b.grad());
  Tensor scores = ops::mul(ops::matmul(q, ops::transpose(k, 3, 4)), s.scale);
  if (mask) {
    Tensor full = ops::broadcast_memory(mask, {s.batch, s.heads, s.queries, s.keys});
    scores = ops::add(scores, ops::reshape(full, {s.batch, kv, s.group, s.queries, s.keys}));
  }
  if (s.causal) {
    Tensor hidden = ops::zeros({s.queries, s.keys}, compute_type(q->dtype));
    for (int64_t i = 0; i < s.queries; ++i)
      for (int64_t j = i + 1; j < s.keys; ++j) {
        if (hidden->dtype == DType::Float64)
          hidden->ptr<double>()[i * s.keys + j] = -std::numeric_limits<double>::infinity();
        else
          hidden->ptr<float>()[i * s.keys + j] = -std::numeric_limits<float>::infinity();
      }
    scores = ops::add(scores, hidden);
  }
  Tensor p = call(softmax, scores, int64_t{-1}, nullptr);
  Tensor dp = ops::matmul(dy, ops::transpose(v, 3, 4));
  const Dims last{4};
  Tensor ds = ops::mul(ops::mul(p, ops::sub(dp, ops::sum(ops::mul(dp, p), &last, true))), s.scale);
  auto shared = [&](const Tensor& t, size_t slot) {
    Dims sizes = t->sizes;
    sizes[2] = 1;
    return ops::reshape(ops::sum_to_size(t, sizes), b.sizes(slot));
  };
  if (b.needs(0)) b.set(0, ops::reshape(ops::matmul(ds, k), b.sizes(0)));
  if (b.needs(1)) b.set(1, shared(ops::matmul(ops::transpose(ds, 3, 4), q), 1));
  if (b.needs(2)) b.set(2, shared(ops::matmul(ops::transpose(p, 3, 4), dy), 2));
}

void attention_vjp(Backward& b) {
  Tensor q = b.input(0), k = b.input(1), v = b.input(2), mask = b.input(3);
  cpu::AttentionShape s = shape_of(q, k, v, b.arg(4).number.to_bool(), b.arg(5).number.to_double());
  const DType dtype = compute_type(q->dtype);
  Tensor added = mask ? additive(mask, dtype) : Tensor();
  if (added) set_mask(s, added);
  if (mode.grad) return composed(b, s, added);
  Tensor a = operand(q), c = operand(k), d = operand(v), y = operand(b.result(0)), g = operand(b.grad());
  Tensor lse = b.result(1), dq = empty(q->sizes, dtype), dk = empty(k->sizes, dtype), dv = empty(v->sizes, dtype);
  if (s.keys == 0 || b.result(0)->numel == 0) {
    for (const Tensor* t : {&dq, &dk, &dv}) ops::fill_memory(*t, Scalar(0.0));
  } else {
    GilRelease unlocked(work_of(s) > kLongWork);
    cpu::attention().backward(dtype, s, g->data(), a->data(), c->data(), d->data(), y->data(), lse->data(), dq->data(),
                              dk->data(), dv->data());
  }
  for (size_t i = 0; i < 3; ++i)
    if (b.needs(i)) b.set(i, i == 0 ? dq : i == 1 ? dk : dv);
}

constexpr uint32_t kEverything = 0xf | kSaveResult | kSaveResult1;
const OpDef kOps[] = {
    FACULA_OP("_attention", Fused, "ScaledDotProductFlashAttentionForCpuBackward0", attention, .vjp = attention_vjp,
              .saves = {kEverything, kEverything, kEverything, 0}),
};

}  // namespace

extern const OpFamily kAttentionFamily;
const OpFamily kAttentionFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
