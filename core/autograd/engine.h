// The walk backwards through the graph.
#pragma once
#include "tensor/node.h"

namespace facula {

struct BackwardOptions {
  bool keep_graph = false;    // saved tensors stay
  bool create_graph = false;  // the gradients' own computation is recorded
  bool accumulate = true;     // leaves collect into .grad; otherwise only `inputs` are returned
};

// From each root edge with its gradient. With `inputs`, only what they need is computed: with `accumulate` it goes to
// their .grad, otherwise it is returned in order (absent where the roots do not depend on one).
// An input that is given as an edge is an absent tensor with its place in `edges`.
Gradients run_backward(const SmallVector<Edge, 2>& roots, const Gradients& gradients, const TensorList& inputs,
                       BackwardOptions options, const SmallVector<Edge, 2>* edges = nullptr);

// The walk that this thread is in: its number (-1: none), and whether it runs a node.
int64_t current_walk();
bool walk_needs(const Node* n);

// Python callables on gradients; set by core/python. A hook may replace the gradient.
struct HookCalls {
  Tensor (*on_tensor)(PyObject* hooks, const Tensor& g);
  void (*before_node)(Node* n, PyObject* hooks, Gradients& outputs);
  void (*after_node)(Node* n, PyObject* hooks, Gradients& inputs, const Gradients& outputs);
  void (*after_accumulate)(PyObject* hooks, TensorObject* leaf);
  void (*warn_about)(Node* n);  // anomaly mode: shows the forward line
};
extern HookCalls hook_calls;

}  // namespace facula
