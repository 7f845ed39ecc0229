// The rule of pointwise operations under vmap, and the choice of the level that a call belongs to.
#include "ops/batch.h"

#include "ops/ops.h"
#include "ops/promote.h"

namespace facula {

void (*batch_rule)(const OpDef&, const Arg*, size_t, Form, int, Result&) = nullptr;

namespace {

template <class F>
void each_tensor(const Arg* args, size_t n, F&& f) {
  for (size_t i = 0; i < n; ++i) {
    if (args[i].tag == Arg::Tensor_) f(args[i].tensor);
    if (args[i].tag != Arg::List) continue;
    for (const Tensor& t : *args[i].list)
      if (t) f(t.get());
  }
}

// Dimensions of size 1 behind the batch dimension, so that samples of fewer dimensions broadcast from the right.
Tensor with_rank(const Tensor& physical, int64_t rank) {
  int64_t missing = rank - (physical->ndim() - 1);
  if (missing <= 0) return physical;
  Dims sizes{physical->sizes[0]};
  for (int64_t i = 0; i < missing; ++i) sizes.push_back(1);
  for (int64_t d = 1; d < physical->ndim(); ++d) sizes.push_back(physical->sizes[d]);
  return ops::view(physical, sizes);
}

Tensor pointwise_rule(const OpDef& op, const Arg* args, size_t n, Form form, int level) {
  int64_t rank = 0;
  TypePromotion types;
  for (size_t i = 0; i < n; ++i) {
    types.add(args[i]);
    if (args[i].tag == Arg::Tensor_) rank = std::max(rank, args[i].tensor->ndim());
  }
  Arg moved[kMaxArgs];
  Tensor held[kMaxArgs];
  for (size_t i = 0; i < n; ++i) {
    moved[i] = args[i];
    if (args[i].tag != Arg::Tensor_ || level_of(args[i].tensor) != level) continue;
    held[i] = with_rank(physical_of(args[i].tensor), rank);
    // A sample without dimensions does not decide the type beside one that has some, though its batch looks like it.
    bool decides = args[i].tensor->ndim() > 0 || types.dimensioned < 0 || op.signature.kinds[i] == ArgKind::Condition;
    if (!decides && held[i]->dtype != types.result()) held[i] = ops::to_dtype(held[i], types.result());
    moved[i] = Arg(held[i]);
  }
  if (form == Form::Functional) return make_batched(apply_pointwise(op, moved, n, Tensor(), Form::Functional), level);
  const TensorObject* self = args[0].tensor;
  FACULA_CHECK(level_of(self) == level, Runtime, "vmap: ", op.name,
               "_(self, *extra_args) is not possible because there exists a Tensor in extra_args that has more "
               "elements than `self`: the argument is batched and `self` is not. Use the out-of-place form, or make "
               "`self` batched by creating it with zeros_like or clone of a batched tensor.");
  FACULA_CHECK(self->ndim() == rank, Runtime, "output with shape ", self->sizes,
               " doesn't match the broadcast shape of ", rank, " dimensions");
  apply_pointwise(op, moved, n, held[0], Form::InPlace);
  return args[0].as_tensor();
}

int top_level(const Gradients& list) {
  int level = 0;
  for (const Tensor& t : list)
    if (t) level = std::max(level, level_of(t.get()));
  return level;
}

// One more level of batched gradients is taken apart at a time.
void derive(Node* n, Gradients& outputs, Gradients& inputs) {
  if (top_level(outputs) > 0)
    derive_by_sample(n, outputs, inputs);
  else
    n->cls->apply(n, outputs, inputs);
}

}  // namespace

bool concerns_batch(const OpDef& op, const Arg* args, size_t n) {
  if (op.kind == Kind::Random && batch_depth > 0) return true;
  bool any = false;
  each_tensor(args, n, [&](const TensorObject* t) { any |= is_batched(t); });
  return any;
}

void derive_by_sample(Node* n, const Gradients& outputs, Gradients& inputs) {
  const int level = top_level(outputs);
  BatchDepth outside(level - 1);
  int64_t count = 0;
  for (const Tensor& t : outputs)
    if (t && level_of(t.get()) == level) count = physical_of(t.get())->sizes[0];
  SmallVector<TensorList, 3> columns(n->edges.size());
  for (int64_t i = 0; i < count; ++i) {
    Gradients sample, found(n->edges.size());
    for (const Tensor& t : outputs)
      sample.push_back(t && level_of(t.get()) == level ? ops::select(physical_of(t.get()), 0, i) : t);
    derive(n, sample, found);
    for (size_t k = 0; k < found.size(); ++k)
      if (found[k]) columns[k].push_back(std::move(found[k]));
  }
  for (size_t k = 0; k < columns.size(); ++k) {
    inputs[k] = Tensor();
    if (!columns[k].empty()) inputs[k] = make_batched(ops::stack(columns[k], 0), level);
  }
}

void apply_batched(const OpDef& op, const Arg* args, size_t n, Form form, const Tensor& out, Result& result) {
  int level = 0;
  each_tensor(args, n, [&](const TensorObject* t) { level = std::max(level, level_of(t)); });
  if (level == 0) level = batch_depth;
  FACULA_CHECK(level <= batch_depth, Runtime, op.name,
               "(): a Tensor of a vmap that has ended is used: it escaped from the function that vmap ran. Return it "
               "from that function instead.");
  FACULA_CHECK(!out, Runtime, "vmap: ", op.name, "(..., out=) is not supported: use the form without out=");
  BatchDepth outside(level - 1);
  if (op.pointwise)
    result.tensors.push_back(pointwise_rule(op, args, n, form, level));
  else
    batch_rule(op, args, n, form, level, result);
}

}  // namespace facula
