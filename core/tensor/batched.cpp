// Making batched tensors, and refusing to read their memory as if it were one sample's.
#include "tensor/batched.h"

namespace facula {

__thread int batch_depth __attribute__((tls_model("initial-exec"))) = 0;

Tensor make_batched(const Tensor& physical, int level) {
  FACULA_CHECK(physical->ndim() > 0, Runtime, "vmap: a batch needs a dimension, but the tensor has none");
  Dims sizes, strides;
  for (int64_t d = 1; d < physical->ndim(); ++d) {
    sizes.push_back(physical->sizes[d]);
    strides.push_back(physical->strides[d]);
  }
  Tensor t = alias(physical, sizes, strides, physical->byte_offset);
  t->flags |= kBatched;
  AutogradMeta& meta = t->autograd();
  meta.physical = physical;
  meta.level = level;
  if (physical->flags & kTracked) track(t.get());  // a cycle may lead through it
  detours |= kBatching;
  return t;
}

void refuse_batched(const TensorObject* t, const char* what) {
  FACULA_CHECK(!is_batched(t), Runtime, "vmap: It looks like you're either (1) calling ", what,
               " on a Tensor or (2) attempting to use a Tensor in some data-dependent control flow. Inside vmap a "
               "tensor stands for a whole batch of values; use torch.where for choices, and return the tensor to "
               "read its values outside.");
}

}  // namespace facula
