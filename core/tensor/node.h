// A step of the derivative graph: what a tensor's grad_fn is. Structure only; autograd/ walks it, ops/ fills it.
// A Python object like Tensor, so that identity, reference counts and cycle collection work across both worlds.
#pragma once
#include "tensor/arg.h"
#include "tensor/tensor.h"

namespace facula {

struct OpDef;
struct Node;
struct BackwardTask;  // the engine's scratch while the node waits for gradients

using Gradients = SmallVector<Tensor, 3>;

// Where the gradient of an input goes: into gradient number `index` of `node`. Null: that input needs none.
struct Edge {
  Node* node = nullptr;
  uint32_t index = 0;
  Edge() = default;
  Edge(Node* n, uint32_t i) : node(n), index(i) { Py_XINCREF(reinterpret_cast<PyObject*>(n)); }
  Edge(const Edge& o) : Edge(o.node, o.index) {}
  Edge(Edge&& o) noexcept : node(o.node), index(o.index) { o.node = nullptr; }
  Edge& operator=(Edge o) noexcept {
    std::swap(node, o.node);
    index = o.index;
    return *this;
  }
  ~Edge() { Py_XDECREF(reinterpret_cast<PyObject*>(node)); }
};

// What the forward result was: a gradient that arrives is summed to this shape and cast to this type (un-broadcast).
struct OutputMeta {
  Dims sizes;
  DType dtype;
  Device device;
};

// A tensor kept for the derivative. slot >= 0: that input; slot < 0: result number -1 - slot, kept without its node
// because node and result would own each other.
struct SavedTensor {
  Tensor tensor;
  uint32_t version;
  int32_t slot;
};

struct NodeClass {
  const char* (*name)(const Node*);
  // Computes the gradients of the inputs (one for each edge, absent where not needed) from those of the outputs.
  void (*apply)(Node*, Gradients& outputs, Gradients& inputs);
  void (*forget)(Node*) = nullptr;  // the node dies: whoever points to it without owning it is told
};

// Python callables on the way in and out, and tensors that asked to retain their gradient (not owned).
struct NodeHooks {
  struct OnTensor {
    uint32_t index;
    PyObject* dict;
  };
  SmallVector<OnTensor, 2> tensor_hooks;
  PyObject* pre_hooks = nullptr;
  PyObject* post_hooks = nullptr;
  struct Retained {
    uint32_t index;
    TensorObject* tensor;
  };
  SmallVector<Retained, 2> retained;
};

struct Node {
  PyObject_HEAD
  const NodeClass* cls;
  const OpDef* op;
  uint64_t sequence;  // order of creation: backward runs from the latest
  SmallVector<Edge, 3> edges;
  SmallVector<OutputMeta, 1> outputs;
  SmallVector<SavedTensor, 3> saved;
  OwnedArgs args;
  PyObject* python;  // a custom Function's context
  NodeHooks* hooks;
  BackwardTask* task;
  PyObject* trace;  // anomaly mode: the forward stack
  PyObject* dict;   // metadata
  PyObject* weakrefs;
  bool released;  // saved tensors were freed by a backward without retain_graph
  bool tracked;

  PyObject* object() { return reinterpret_cast<PyObject*>(this); }
};

extern PyTypeObject* node_type;
Node* new_node(const NodeClass* cls);  // owned by the caller
void clear_node(Node* n);
void free_node_object(Node* n);
void track(Node* n);
NodeHooks& hooks_of(Node* n);

// grad_fn of a tensor; renews that of a view whose base was written to in place since (see Note [Views and in-place]).
Node* grad_fn(const Tensor& t);
// The edge that gradients of t take: its grad_fn, or the accumulator of a leaf (made on demand), or none.
Edge gradient_edge(const Tensor& t);
// Gives n the edge of t. n then counts as later than the node there, which may have been made for this (a renewed
// view).
Edge& add_edge(Node* n, const Tensor& t);
Node* accumulator_of(const Tensor& leaf);  // a new reference
extern const NodeClass kAccumulateGrad;
// t becomes output `index` of n. n's outputs get the shape.
void set_history(const Tensor& t, Node* n, uint32_t index);
void add_output(Node* n, const Tensor& t);
// Keeps t for the derivative.
void save_tensor(Node* n, const Tensor& t, int32_t slot);
// A kept tensor, checked against later in-place writes; results get their node back.
Tensor unpack_saved(Node* n, const SavedTensor& s);
Tensor unpack_slot(Node* n, int32_t slot);  // absent when not kept

// Set by ops/: makes the AsStrided node that leads from a view to its (rewritten) base.
extern Node* (*renew_view_node)(const Tensor& view);
// Set by autograd/: adds an arriving gradient to a leaf.
extern void (*accumulate_grad)(Node* n, Gradients& outputs);

// Per thread: is the graph recorded, are tensors made for inference only.
struct Mode {
  bool grad = true;
  bool inference = false;
  bool anomaly = false;
  bool autocast = false;
  bool saved_hooks = false;  // what nodes keep passes through packing.pack
  bool write_guard = false;  // writes in place are announced to packing.before_write
};
extern __thread Mode mode __attribute__((tls_model("initial-exec")));
struct GradMode {  // sets the recording mode for a scope
  explicit GradMode(bool on) : before(mode.grad) { mode.grad = on; }
  ~GradMode() { mode.grad = before; }
  bool before;
};
// Whether calls may have to leave the direct way: until one of these was used in the process, nobody looks further.
enum Detour : uint8_t { kBatching = 1, kAutocast = 2, kBarebones = 4 };
extern uint8_t detours;
// Every way by which a program comes to a type passes here: the first of uint16, uint32, uint64 is announced.
inline DType announced(DType t) {
  if (is_barebones(t)) detours |= kBarebones;
  return t;
}
// Set by core/python: hooks of programs on what nodes keep.
struct Packing {
  PyObject* (*pack)(const Tensor& t);  // a new reference
  Tensor (*unpack)(PyObject* packed);
  void (*before_write)(const Tensor& t);
};
extern Packing packing;
extern PyObject* (*capture_stack)();  // set by core/python for anomaly mode

}  // namespace facula
