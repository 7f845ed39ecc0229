// Backward: nodes run on the calling thread, latest first, each when all its gradients have arrived.
#include "autograd/engine.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <vector>

#include "base/gil.h"
#include "ops/batch.h"
#include "ops/ops.h"

namespace facula {

HookCalls hook_calls = {};

struct BackwardTask {
  Node* node = nullptr;
  uint64_t run = 0;               // which walk this belongs to
  BackwardTask* outer = nullptr;  // task of a walk that this one is nested in (a hook or Function that runs backward)
  int dependencies = 0;
  bool is_root = false;
  bool needed = true;
  Gradients gradients;
  SmallVector<std::pair<uint32_t, uint32_t>, 1> captures;  // (gradient number, number among the inputs)
};

namespace {

// Two Python threads may walk graphs that share nodes; one waits (without the GIL) for the other.
std::recursive_mutex engine_mutex;
class EngineLock {
 public:
  EngineLock() {
    if (engine_mutex.try_lock()) return;
    GilRelease unlocked(true);
    engine_mutex.lock();
  }
  ~EngineLock() { engine_mutex.unlock(); }
};

struct Earlier {
  bool operator()(const BackwardTask* a, const BackwardTask* b) const { return a->node->sequence < b->node->sequence; }
};

// A gradient is summed over what broadcasting stretched and cast to the type of what it is the gradient of.
Tensor fit(const OutputMeta& meta, Tensor g) {
  if (!(g->sizes == meta.sizes)) g = ops::sum_to_size(g, meta.sizes);
  if (g->dtype == meta.dtype || !is_differentiable(meta.dtype)) return g;
  if (!is_complex(meta.dtype)) g = ops::real_part(g);
  if (g->dtype != meta.dtype) g = ops::to_dtype(g, meta.dtype);
  return g;
}

bool is_nobody_elses(const Tensor& g) {
  return Py_REFCNT(g.object()) == 1 && g->storage->references == 1 && !g->node && !is_batched(g.get());
}

// Tasks of walks that are over, for reuse; the engine's lock is held. The number kept is that of a mid-sized network.
constexpr size_t kSpareTasks = 256;
std::vector<BackwardTask*> spare_tasks;
BackwardTask* take() {
  if (spare_tasks.empty()) return new BackwardTask;
  BackwardTask* t = spare_tasks.back();
  spare_tasks.pop_back();
  t->dependencies = 0;
  t->is_root = false;
  t->needed = true;
  return t;
}
void give_back(BackwardTask* t) {
  t->gradients.clear();
  t->captures.clear();
  if (spare_tasks.size() < kSpareTasks)
    spare_tasks.push_back(t);
  else
    delete t;
}

class Run {
 public:
  Run(const TensorList& inputs, const SmallVector<Edge, 2>* edges, BackwardOptions options)
      : inputs_(inputs), edges_(edges), options_(options), results_(inputs.size()), id_(++last_id_), outer_(current_) {
    current_ = this;
  }
  ~Run() {
    current_ = outer_;
    for (BackwardTask* t : tasks_) {
      t->node->task = t->outer;
      give_back(t);
    }
  }

  Gradients run(const SmallVector<Edge, 2>& roots, const Gradients& gradients) {
    discover(roots);
    if (!inputs_.empty()) mark_needed();
    GradMode grad(options_.create_graph);
    for (size_t i = 0; i < roots.size(); ++i)
      if (roots[i].node)
        collect(*roots[i].node->task, roots[i].index, fit(roots[i].node->outputs[roots[i].index], gradients[i]));
    for (BackwardTask* t : tasks_)
      if (t->is_root && t->dependencies == 0) make_ready(t);
    for (int step = 1; !ready_.empty(); ++step) {
      std::pop_heap(ready_.begin(), ready_.end(), Earlier());
      BackwardTask* task = ready_.back();
      ready_.pop_back();
      evaluate(*task);
      if ((step & 255) == 0 && PyErr_CheckSignals() != 0) throw PythonError();
    }
    return std::move(results_);
  }

  uint64_t number() const { return id_; }
  bool needs(const Node* n) const { return is_mine(n) && n->task->needed; }
  static const Run* current() { return current_; }

 private:
  bool is_mine(const Node* n) const { return n->task && n->task->run == id_; }
  void make_ready(BackwardTask* task) {
    ready_.push_back(task);
    std::push_heap(ready_.begin(), ready_.end(), Earlier());
  }
  void enter(Node* n) {
    BackwardTask* t = take();
    tasks_.push_back(t);
    t->node = n;
    t->run = id_;
    t->outer = n->task;
    t->gradients.resize(n->outputs.size());
    n->task = t;
  }

  void discover(const SmallVector<Edge, 2>& roots) {
    SmallVector<Node*, 16> stack;
    for (const Edge& r : roots) {
      if (!r.node) continue;
      if (!is_mine(r.node)) {
        enter(r.node);
        stack.push_back(r.node);
      }
      r.node->task->is_root = true;
    }
    while (!stack.empty()) {
      Node* n = stack.back();
      stack.pop_back();
      for (const Edge& e : n->edges) {
        if (!e.node) continue;
        if (!is_mine(e.node)) {
          enter(e.node);
          stack.push_back(e.node);
        }
        ++e.node->task->dependencies;
      }
    }
  }

  // A node is needed when it is one of the inputs' or leads to a needed one. Nodes only lead to earlier ones.
  void mark_needed() {
    for (BackwardTask* t : tasks_) t->needed = false;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      Edge e = inputs_[i] ? gradient_edge(inputs_[i]) : (*edges_)[i];
      if (!e.node || !is_mine(e.node)) continue;
      e.node->task->needed = true;
      e.node->task->captures.push_back({e.index, static_cast<uint32_t>(i)});
    }
    std::vector<BackwardTask*> order(tasks_.begin(), tasks_.end());
    auto rank = [](const BackwardTask* t) { return t->node->sequence + 1; };  // accumulators (the maximum) become 0
    std::sort(order.begin(), order.end(), [&](auto* a, auto* b) { return rank(a) < rank(b); });
    for (BackwardTask* t : order)
      for (const Edge& e : t->node->edges)
        if (e.node && e.node->task->needed) t->needed = true;
  }

  void collect(BackwardTask& task, uint32_t index, Tensor g) {
    Tensor& slot = task.gradients[index];
    if (!slot) {
      slot = std::move(g);
    } else if (!options_.create_graph && is_nobody_elses(slot) && slot->is_contiguous() && !is_batched(g.get())) {
      static const OpDef& add = find_op("add");
      call_inplace(add, slot, g);
    } else {
      slot = ops::add(slot, g);
    }
  }

  void deliver(const Edge& edge, Tensor g) {
    BackwardTask& task = *edge.node->task;
    if (g && task.needed) collect(task, edge.index, fit(edge.node->outputs[edge.index], std::move(g)));
    if (--task.dependencies == 0) make_ready(&task);
  }

  void call_hooks(Node* n, Gradients& g) {
    NodeHooks& h = *n->hooks;
    for (auto& t : h.tensor_hooks)
      if (g[t.index]) g[t.index] = hook_calls.on_tensor(t.dict, g[t.index]);
    if (h.pre_hooks) hook_calls.before_node(n, h.pre_hooks, g);
    for (auto& r : h.retained)
      if (Tensor& mine = g[r.index]) {
        AutogradMeta& meta = r.tensor->autograd();
        meta.grad = meta.grad ? ops::add(meta.grad, mine) : mine;
      }
  }

  void evaluate(BackwardTask& task) {
    Node* n = task.node;
    if (!task.needed) {
      for (const Edge& e : n->edges)
        if (e.node) deliver(e, Tensor());
      return;
    }
    Gradients g = std::move(task.gradients);
    if (n->hooks) call_hooks(n, g);
    if (n->cls == &kAccumulateGrad && g[0]) {
      AutogradMeta* meta = n->saved[0].tensor->meta;
      if (meta && meta->hooks) g[0] = hook_calls.on_tensor(meta->hooks, g[0]);
    }
    for (auto [index, input] : task.captures)
      if (!options_.accumulate) results_[input] = g[index];
    bool is_leaf = n->cls == &kAccumulateGrad;
    if (is_leaf && !options_.accumulate) return;
    if (!is_leaf && !task.captures.empty() && options_.accumulate) keep_at_inputs(task, g);
    Gradients inputs(n->edges.size());
    compute(n, g, inputs);
    if (n->hooks && n->hooks->post_hooks) hook_calls.after_node(n, n->hooks->post_hooks, inputs, g);
    if (!options_.keep_graph && !is_leaf) release_saved(n);
    g.clear();
    for (size_t i = 0; i < n->edges.size(); ++i)
      if (n->edges[i].node) deliver(n->edges[i], std::move(inputs[i]));
  }

  // backward(inputs=[x]) with an x that is no leaf: its .grad collects too.
  void keep_at_inputs(BackwardTask& task, const Gradients& g) {
    for (auto [index, input] : task.captures) {
      if (!inputs_[input]) continue;
      AutogradMeta& meta = inputs_[input]->autograd();
      if (g[index]) meta.grad = meta.grad ? ops::add(meta.grad, g[index]) : g[index];
    }
  }

  static void release_saved(Node* n) {
    if (n->saved.empty()) return;
    n->saved.clear();
    n->released = true;
  }

  void compute(Node* n, Gradients& g, Gradients& inputs) {
    if (!mode.anomaly) return derive(n, g, inputs);
    try {
      derive(n, g, inputs);
      for (size_t i = 0; i < inputs.size(); ++i) refuse_nan(n, inputs[i], i);
    } catch (...) {
      hook_calls.warn_about(n);
      throw;
    }
  }
  // Batched gradients run through the same derivatives, which are made of operations. Where one is not, the samples are
  // taken one by one. The errors of a custom Function (the class that wants to be told of a node's death) stay.
  static void derive(Node* n, Gradients& g, Gradients& inputs) {
    auto batched = [](const Tensor& t) { return t && is_batched(t.get()); };
    if (!(detours & kBatching) || n->cls->forget || std::none_of(g.begin(), g.end(), batched))
      return n->cls->apply(n, g, inputs);
    Gradients untouched = g;
    try {
      n->cls->apply(n, g, inputs);
      return;
    } catch (const PythonError&) { PyErr_Clear(); } catch (const Error&) {
    }
    derive_by_sample(n, untouched, inputs);
  }
  static void refuse_nan(Node* n, const Tensor& t, size_t i) {
    if (!t || !is_floating(t->dtype)) return;
    GradMode off(false);
    Tensor different = ops::ne(t, t);
    const bool* p = different->ptr<bool>();
    FACULA_CHECK(!std::any_of(p, p + different->numel, [](bool b) { return b; }), Runtime, "Function '",
                 n->cls->name(n), "' returned nan values in its ", i, "th output.");
  }

  const TensorList& inputs_;
  const SmallVector<Edge, 2>* edges_;
  BackwardOptions options_;
  Gradients results_;
  uint64_t id_;
  Run* outer_;
  SmallVector<BackwardTask*, 16> tasks_;
  SmallVector<BackwardTask*, 16> ready_;  // a heap, the latest node on top
  static inline uint64_t last_id_ = 0;
  static inline __thread Run* current_ = nullptr;
};

// A gradient that nobody else holds becomes .grad itself; another is copied, so that later in-place sums are safe.
void add_to_leaf(Node* n, Gradients& outputs) {
  Tensor g = std::move(outputs[0]);
  if (!g) return;
  const Tensor leaf = n->saved[0].tensor;
  AutogradMeta& meta = leaf->autograd();
  if (!meta.grad) {
    if (mode.grad) {
      meta.grad = g;
    } else if (is_nobody_elses(g) && g->is_contiguous() == leaf->is_contiguous() && is_dense(g)) {
      meta.grad = std::move(g);
    } else {
      meta.grad = empty_like(leaf);
      ops::copy_memory(meta.grad, g);
    }
  } else if (mode.grad) {
    meta.grad = ops::add(meta.grad, g);
  } else {
    static const OpDef& add = find_op("add");
    call_inplace(add, meta.grad, g);
  }
  if (meta.post_hooks) hook_calls.after_accumulate(meta.post_hooks, leaf.get());
}
const bool accumulate_is_set = (accumulate_grad = add_to_leaf, true);

}  // namespace

Gradients run_backward(const SmallVector<Edge, 2>& roots, const Gradients& gradients, const TensorList& inputs,
                       BackwardOptions options, const SmallVector<Edge, 2>* edges) {
  EngineLock lock;
  return Run(inputs, edges, options).run(roots, gradients);
}

int64_t current_walk() { return Run::current() ? static_cast<int64_t>(Run::current()->number()) : -1; }
bool walk_needs(const Node* n) { return Run::current() && Run::current()->needs(n); }

}  // namespace facula
