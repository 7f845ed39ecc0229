// Life of graph nodes, saved tensors, and the link between a tensor and its node.
#include "tensor/node.h"

#include <new>

namespace facula {

PyTypeObject* node_type = nullptr;
Node* (*renew_view_node)(const Tensor&) = nullptr;
void (*accumulate_grad)(Node*, Gradients&) = nullptr;
PyObject* (*capture_stack)() = nullptr;
__thread Mode mode __attribute__((tls_model("initial-exec")));
uint8_t detours = 0;
Packing packing = {};

static constexpr int kFreeNodes = 512;
static Node* free_nodes[kFreeNodes];
static int num_free_nodes = 0;
static uint64_t next_sequence = 0;

Node* new_node(const NodeClass* cls) {
  Node* n;
  if (num_free_nodes > 0) {
    n = free_nodes[--num_free_nodes];
    revive(n->object());
  } else {
    n = PyObject_GC_New(Node, node_type);
    if (!n) throw PythonError();
  }
  n->cls = cls;
  n->op = nullptr;
  n->sequence = cls == &kAccumulateGrad ? UINT64_MAX : next_sequence++;
  new (&n->edges) decltype(n->edges);
  new (&n->outputs) decltype(n->outputs);
  new (&n->saved) decltype(n->saved);
  new (&n->args) OwnedArgs;
  n->python = nullptr;
  n->hooks = nullptr;
  n->task = nullptr;
  n->trace = mode.anomaly && capture_stack ? capture_stack() : nullptr;
  n->dict = nullptr;
  n->weakrefs = nullptr;
  n->released = false;
  n->tracked = false;
  return n;
}

void clear_node(Node* n) {
  if (n->cls->forget) n->cls->forget(n);
  n->saved.clear();
  n->edges.clear();
  Py_CLEAR(n->python);
  Py_CLEAR(n->trace);
  Py_CLEAR(n->dict);
  if (NodeHooks* h = n->hooks) {
    n->hooks = nullptr;
    for (auto& t : h->tensor_hooks) Py_DECREF(t.dict);
    Py_XDECREF(h->pre_hooks);
    Py_XDECREF(h->post_hooks);
    delete h;
  }
}

// Freeing a node may free the tensors it kept, their nodes, and so on: a chain of any length must not recurse. The
// outermost call frees in a loop what the inner ones queue.
void free_node_object(Node* n) {
  using Queue = SmallVector<Node*, 32>;
  static __thread Queue* pending __attribute__((tls_model("initial-exec"))) = nullptr;
  if (pending) {
    pending->push_back(n);
    return;
  }
  Queue queue;
  pending = &queue;
  for (;;) {
    clear_node(n);
    n->edges.~SmallVector();
    n->outputs.~SmallVector();
    n->saved.~SmallVector();
    n->args.~OwnedArgs();
    PyTypeObject* type = Py_TYPE(n);
    if (num_free_nodes < kFreeNodes) {
      if (type != node_type) {  // it was shown to Python under the class of its name
        Py_INCREF(node_type);
        Py_SET_TYPE(n->object(), node_type);
        Py_DECREF(type);
      }
      free_nodes[num_free_nodes++] = n;
    } else {
      PyObject_GC_Del(n);
      Py_DECREF(type);
    }
    if (queue.empty()) break;
    n = queue.back();
    queue.pop_back();
  }
  pending = nullptr;
}

void track(Node* n) {
  if (n->tracked) return;
  n->tracked = true;
  PyObject_GC_Track(n);
}

NodeHooks& hooks_of(Node* n) {
  if (!n->hooks) n->hooks = new NodeHooks;
  return *n->hooks;
}

// Note [Views and in-place]: a write through a view changes its base, so the base gets a new node (CopySlices) and
// every other view of it must lead there. A view therefore remembers the base's version at which its node was made;
// when the base has been written to since, its node is made anew: as_strided of the base as it is now.
Node* grad_fn(const Tensor& t) {
  if (t->base && t->base->requires_grad() && t->node_version != t->version() && t->base->node && renew_view_node) {
    Node* n = renew_view_node(t);
    if (n) {
      if (t->node) Py_DECREF(t->node->object());
      t->node = n;
      t->output_index = 0;
      t->node_version = t->version();
    }
  }
  return t->node;
}

static const char* accumulate_name(const Node*) { return "AccumulateGrad"; }
static void accumulate_apply(Node* n, Gradients& outputs, Gradients&) { accumulate_grad(n, outputs); }
static void accumulate_forget(Node* n) {
  if (!n->saved.empty() && n->saved[0].tensor->meta) n->saved[0].tensor->meta->accumulator = nullptr;
}
const NodeClass kAccumulateGrad = {accumulate_name, accumulate_apply, accumulate_forget};

Node* accumulator_of(const Tensor& leaf) {
  AutogradMeta& meta = leaf->autograd();
  if (meta.accumulator) {
    Py_INCREF(meta.accumulator->object());
    return meta.accumulator;
  }
  Node* n = new_node(&kAccumulateGrad);
  n->saved.push_back({leaf, 0, 0});
  add_output(n, leaf);
  meta.accumulator = n;
  return n;
}

Edge gradient_edge(const Tensor& t) {
  Edge e;
  if (!t->node && !t->base) {  // the common leaf
    if (t->flags & kRequiresGrad) e.node = accumulator_of(t);
    return e;
  }
  if (Node* n = grad_fn(t)) return Edge(n, t->output_index);
  if (t->flags & kRequiresGrad) e.node = accumulator_of(t);
  return e;
}

Edge& add_edge(Node* n, const Tensor& t) {
  n->edges.push_back(gradient_edge(t));
  Edge& e = n->edges.back();
  if (e.node && e.node->sequence >= n->sequence && e.node->cls != &kAccumulateGrad) n->sequence = next_sequence++;
  return e;
}

void add_output(Node* n, const Tensor& t) { n->outputs.push_back({t->sizes, t->dtype, t->device}); }

void set_history(const Tensor& t, Node* n, uint32_t index) {
  Py_INCREF(n->object());
  if (t->node) Py_DECREF(t->node->object());
  t->node = n;
  t->output_index = index;
  if (n->tracked) track(t.get());
}

// A tensor without elements takes the place of t. Its history is t's, for the tensor that unpacking gives.
static void save_packed(Node* n, const Tensor& t, int32_t slot) {
  GradMode off(false);
  const uint32_t before = t->version();
  track(n);  // whatever pack gives may lead back here
  Tensor given = t;
  if (slot < 0) {  // t itself is still on its way to the program
    given = alias(t);
    set_history(given, n, static_cast<uint32_t>(-1 - slot));
  }
  PyObject* packed = packing.pack(given);
  Tensor holder = empty(Dims{0}, t->dtype);
  holder->flags |= kPacked;
  holder->autograd().packed = packed;
  FACULA_CHECK(t->version() == before, Runtime,
               "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook can "
               "not be modified by in-place operations as this can lead to unexpected side-effects.");
  if (slot >= 0) {
    Edge e = gradient_edge(t);
    if (e.node) set_history(holder, e.node, e.index);
  }
  track(holder.get());
  n->saved.push_back({std::move(holder), 0, slot});
}

void save_tensor(Node* n, const Tensor& t, int32_t slot) {
  FACULA_CHECK(
      !(t->flags & kInference), Runtime,
      "Inference tensors cannot be saved for backward. Please do not use "
      "Tensors created in inference mode in computation tracked by autograd; make a clone to get a normal tensor.");
  if (mode.saved_hooks) return save_packed(n, t, slot);
  if (slot < 0) {
    Tensor bare = alias(t);
    n->saved.push_back({std::move(bare), t->version(), slot});
  } else {
    n->saved.push_back({t, t->version(), slot});
  }
}

static void check_released(Node* n) {
  FACULA_CHECK(
      !n->released, Runtime,
      "Trying to backward through the graph a second time (or directly access saved tensors after they have "
      "already been freed). Saved intermediate values of the graph are freed when you call .backward() or "
      "autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if "
      "you need to access saved tensors after calling backward.");
}

static Tensor unpack_packed(Node* n, const SavedTensor& s) {
  const Tensor holder = s.tensor;  // the hook may run anything
  const int32_t slot = s.slot;
  Tensor data = packing.unpack(holder->meta->packed);
  Node* history = slot < 0 ? n : holder->node;
  if (!history || (!mode.grad && n->op)) return data;
  Tensor result = alias(data);
  set_history(result, history, slot < 0 ? static_cast<uint32_t>(-1 - slot) : holder->output_index);
  return result;
}

Tensor unpack_saved(Node* n, const SavedTensor& s) {
  check_released(n);
  if (s.tensor->flags & kPacked) return unpack_packed(n, s);
  uint32_t now = s.tensor->version();
  if (now != s.version) {
    std::ostringstream what;
    Node* maker = s.slot < 0 ? n : s.tensor->node;
    what << "one of the variables needed for gradient computation has been modified by an inplace operation: ["
         << tensor_type_text(s.tensor.get()) << " " << s.tensor->sizes << "]";
    if (maker) {
      uint32_t output = s.slot < 0 ? static_cast<uint32_t>(-1 - s.slot) : s.tensor->output_index;
      what << ", which is output " << output << " of " << maker->cls->name(maker) << ",";
    }
    what << " is at version " << now << "; expected version " << s.version << " instead.";
    if (mode.anomaly)
      what
          << " Hint: the backtrace further above shows the operation that failed to compute its gradient. The variable "
             "in question was changed in there or anywhere later.";
    else
      what << " Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
              "torch.autograd.set_detect_anomaly(True).";
    fail(ErrorKind::Runtime, what.str());
  }
  if (s.slot >= 0 || (!mode.grad && n->op)) return s.tensor;
  Tensor result = alias(s.tensor);
  if (mode.grad) set_history(result, n, static_cast<uint32_t>(-1 - s.slot));
  return result;
}

Tensor unpack_slot(Node* n, int32_t slot) {
  check_released(n);
  for (const SavedTensor& s : n->saved)
    if (s.slot == slot) return unpack_saved(n, s);
  return Tensor();
}

}  // namespace facula
