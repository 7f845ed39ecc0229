// A batched tensor: how a function under vmap sees one sample of a batch. It has the shape of a sample and keeps all
// samples, batch dimension first, as its physical tensor. Structure only; see docs/notes/transforms.md.
#pragma once
#include "tensor/node.h"

namespace facula {

// How many vmaps the present operation runs under.
extern __thread int batch_depth __attribute__((tls_model("initial-exec")));

inline bool is_batched(const TensorObject* t) { return t->flags & kBatched; }
inline const Tensor& physical_of(const TensorObject* t) { return t->meta->physical; }
inline int level_of(const TensorObject* t) { return is_batched(t) ? t->meta->level : 0; }

// Level `level` is that of the vmap whose batch dimension is dimension 0 of `physical`.
Tensor make_batched(const Tensor& physical, int level);
// For whoever reads memory: raises PyTorch's error when t is batched.
void refuse_batched(const TensorObject* t, const char* what);

struct BatchDepth {  // the depth for a scope
  explicit BatchDepth(int depth) : before(batch_depth) { batch_depth = depth; }
  ~BatchDepth() { batch_depth = before; }
  int before;
};

}  // namespace facula
