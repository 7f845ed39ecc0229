// The one path of every call that is not pointwise: body, then (when gradients are recorded) a node.
#include <cstring>
#include <set>
#include <string>

#include "ops/autocast.h"
#include "ops/barebones.h"
#include "ops/batch.h"
#include "ops/opdef.h"
#include "ops/ops.h"
#include "ops/record.h"

namespace facula {

Tensor Backward::grad(size_t i) const {
  if (outputs[i]) return outputs[i];
  return ops::zeros(node->outputs[i].sizes, node->outputs[i].dtype);
}

const char* overload_name(const char* node_name, bool overload) {
  const char* bar = std::strchr(node_name, '|');
  if (!bar) return node_name;
  static std::set<std::string> names;  // under the GIL; a handful
  std::string name(node_name, bar);
  if (overload) name.back() = bar[1];
  return names.insert(std::move(name)).first->c_str();
}
static const char* op_node_name(const Node* n) {
  return overload_name(n->op->node_name, n->args.size() > 1 && !n->args[1].is_none());
}
static void op_node_apply(Node* n, Gradients& outputs, Gradients& inputs) {
  bool any = false;
  for (const Tensor& g : outputs) any |= static_cast<bool>(g);
  if (!any) return;
  Backward b{n, outputs, inputs};
  n->op->vjp(b);
}
static const NodeClass kOpNode = {op_node_name, op_node_apply};

Node* new_op_node(const NodeClass* cls, const OpDef* op, const Slots& slots) {
  Node* n = new_node(cls);
  n->op = op;
  bool tracked = false;
  for (const Tensor* t : slots) {
    if (!*t || !is_differentiable((*t)->dtype)) {
      n->edges.emplace_back();
      continue;
    }
    const Edge& e = add_edge(n, *t);
    tracked |= e.node && e.node->tracked;
  }
  if (tracked) track(n);
  return n;
}

// ---- writing in place ----

void check_inplace(const Tensor& self, bool recording) {
  if (mode.write_guard) packing.before_write(self);
  if (recording && self->requires_grad()) {
    bool leaf = grad_fn(self) == nullptr;
    FACULA_CHECK(!leaf || !(self->flags & kRequiresGrad), Runtime,
                 "a leaf Variable that requires grad is being used in an in-place operation.");
  }
  if (recording && self->base && !self->base->node && (self->base->flags & kRequiresGrad) && self->node)
    fail(ErrorKind::Runtime, "a view of a leaf Variable that requires grad is being used in an in-place operation.");
  FACULA_CHECK(
      !recording || !self->base || !(self->flags & kOneOfSeveralViews), Runtime,
      "This view is one of several outputs of a function (split, chunk, unbind) and is being modified inplace, "
      "which is not recorded. Use the out-of-place form, or index the tensor instead.");
  FACULA_CHECK(!(self->flags & kViewWithoutGrad) || !mode.grad || !self->base || !self->base->requires_grad(), Runtime,
               "A view was created in no_grad mode and is being modified inplace with grad mode enabled. Make both the "
               "view and the change inside the no_grad block, or both outside.");
  FACULA_CHECK(!(self->flags & kInference) || mode.inference, Runtime,
               "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a "
               "normal tensor before doing inplace update.");
  FACULA_CHECK(!has_internal_overlap(self), Runtime,
               "unsupported operation: more than one element of the written-to tensor refers to a single memory "
               "location. Please clone() the tensor before performing the operation.");
}

// base' = base with the region of a view replaced by fn(view). args: base strides and offset, view sizes, strides,
// offset, type.
static const char* copy_slices_name(const Node*) { return "CopySlices"; }
// Where the view is in a gradient of the base. One of the two may be complex and the other its parts.
static Tensor region_of(const Tensor& g, const OwnedArgs& args) {
  Dims sizes = *args[2].ints, strides = *args[3].ints;
  int64_t offset = args[4].number.i, base_offset = args[1].number.i;
  const bool parts = is_complex(args[5].dtype);
  if (parts == is_complex(g->dtype)) return ops::as_strided(g, sizes, strides, offset - base_offset);
  if (!parts) return ops::as_strided(ops::view_as_real(g), sizes, strides, offset - 2 * base_offset);
  for (int64_t& s : strides) s *= 2;
  sizes.push_back(2);
  strides.push_back(1);
  return ops::view_as_complex(ops::as_strided(g, sizes, strides, 2 * offset - base_offset));
}
static void copy_slices_apply(Node* n, Gradients& outputs, Gradients& inputs) {
  if (!outputs[0]) return;
  refuse_batched(outputs[0].get(), "CopySlices");  // the engine then takes the samples one by one
  const Dims& base_strides = *n->args[0].ints;
  Node* inner = reinterpret_cast<Node*>(n->python);
  Tensor g = empty_strided(n->outputs[0].sizes, base_strides, n->outputs[0].dtype);
  if (mode.grad)
    ops::copy_(g, outputs[0]);
  else
    ops::copy_memory(g, outputs[0]);
  Tensor region = region_of(g, n->args);
  Gradients from{ops::clone(region)}, to(inner->edges.size());
  inner->cls->apply(inner, from, to);
  if (!to.empty() && to[0] && inner->edges[0].node) {
    if (to[0]->sizes != region->sizes) to[0] = ops::sum_to_size(to[0], region->sizes);
    ops::copy_(region, to[0]);
  } else {
    ops::copy_(region, ops::zeros(region->sizes, region->dtype));
  }
  if (n->edges[0].node) inputs[0] = g;
  for (size_t i = 1; i < to.size(); ++i) inputs[i] = std::move(to[i]);
}
static const NodeClass kCopySlices = {copy_slices_name, copy_slices_apply};

static void write_through_view(const Tensor& view, Node* inner) {
  Tensor base = view->base;
  Node* n = new_node(&kCopySlices);
  n->edges.push_back(gradient_edge(base));
  for (size_t i = 1; i < inner->edges.size(); ++i) n->edges.push_back(inner->edges[i]);
  const Arg args[] = {Arg(base->strides), Arg(base->offset()), Arg(view->sizes),
                      Arg(view->strides), Arg(view->offset()), Arg(view->dtype)};
  n->args.assign(args, 6);
  Py_INCREF(inner->object());
  n->python = inner->object();
  // The region keeps its own edge only as a mark that a gradient is wanted there.
  add_output(n, base);
  if (inner->tracked) track(n);
  set_history(base, n, 0);
  Py_DECREF(n->object());
}

void finish_inplace(const Tensor& self, Node* n) {
  ++self->version();
  if (!n) return;
  add_output(n, self);
  if (self->meta && self->meta->retains_grad && self->node && self->node->hooks) {
    auto& kept = self->node->hooks->retained;
    for (size_t i = 0; i < kept.size(); ++i)
      if (kept[i].tensor == self.get()) kept.erase(i--);
    hooks_of(n).retained.push_back({0, self.get()});
  }
  if (self->base) {
    write_through_view(self, n);
    self->node_version = self->version() - 1;  // anything but the present one: renewed at the next look
    grad_fn(self);
  } else {
    set_history(self, n, 0);
  }
}

static Node* strided_view_node(const Tensor& view) {
  static const OpDef& op = find_op("_as_strided_of");
  Tensor base = view->base;
  Slots slots{&base};
  Node* n = new_op_node(&kOpNode, &op, slots);
  const Arg args[] = {Arg(base),          Arg(view->sizes),    Arg(view->strides), Arg(view->offset()),
                      Arg(base->strides), Arg(base->offset()), Arg(view->dtype)};
  n->args.assign(args, 7);
  add_output(n, view);
  return n;
}
static const bool renewal_is_set = (renew_view_node = strided_view_node, true);

// ---- the path ----

static uint32_t needed(const OpDef& op, const Slots& slots) {
  uint32_t mask = 0;
  for (size_t i = 0; i < slots.size(); ++i)
    if (*slots[i] && (*slots[i])->requires_grad()) mask |= op.saves[i < kMaxSaveRules ? i : kMaxSaveRules - 1];
  return mask;
}

static Node* record_inputs(const OpDef& op, const Arg* args, size_t nargs, const Slots& slots, const Tensor& mutated) {
  uint32_t mask = needed(op, slots);
  Node* n = new_op_node(&kOpNode, &op, slots);
  try {
    for (size_t i = 0; i < slots.size() && i < 29; ++i) {
      if (!(mask >> i & 1) || !*slots[i]) continue;
      bool overwritten = mutated && slots[i]->get() == mutated.get();
      if (overwritten) {
        GradMode off(false);
        save_tensor(n, ops::clone(*slots[i]), static_cast<int32_t>(i));
      } else {
        save_tensor(n, *slots[i], static_cast<int32_t>(i));
      }
    }
    n->args.assign(args, nargs);
  } catch (...) {
    Py_DECREF(n->object());
    throw;
  }
  return n;
}

static void finish_results(const OpDef& op, Node* n, const Slots& slots, Result& result) {
  uint32_t mask = needed(op, slots);
  for (size_t i = 0; i < result.tensors.size(); ++i) {
    Tensor& t = result.tensors[i];
    add_output(n, t);
    if (!is_differentiable(t->dtype)) continue;
    set_history(t, n, static_cast<uint32_t>(i));
    if (i == 0 && (mask & kSaveResult)) save_tensor(n, t, -1);
  }
  if ((mask & kSaveResult1) && result.tensors.size() > 1) save_tensor(n, result.tensors[1], -2);
  if ((mask & kSaveResult2) && result.tensors.size() > 2) save_tensor(n, result.tensors[2], -3);
}

static void mark_views(const Tensor& self, Result& result) {
  for (Tensor& v : result.tensors) {
    if (v->storage != self->storage) continue;  // reshape that had to copy
    v->base = self->base ? self->base : self;
    v->node_version = v->version();
    v->flags |= self->flags & (kOneOfSeveralViews | kViewWithoutGrad);
    if (result.is_sequence) v->flags |= kOneOfSeveralViews;
    if (!mode.grad && !mode.inference) v->flags |= kViewWithoutGrad;
    if (v->base->flags & kTracked) track(v.get());
  }
}

// Runs `op` writing into args[0], which is the result. An operation that does not mutate by nature is computed and
// copied.
static void run_in_place(const OpDef& op, const Arg* args, Result& result) {
  const Tensor& self = args[0].as_tensor();
  if (op.mutates) {
    op.body(args, result);
  } else {
    Result fresh;
    GradMode off(false);
    op.body(args, fresh);
    Tensor& value = fresh.tensors[0];
    FACULA_CHECK(value->sizes == self->sizes, Runtime, op.name, "_(): the result has shape ", value->sizes,
                 " but the tensor written to has shape ", self->sizes, "; use ", op.name, "() instead");
    FACULA_CHECK(category(value->dtype) <= category(self->dtype), Runtime, "result type ",
                 scalar_type_name(value->dtype), " can't be cast to the desired output type ",
                 scalar_type_name(self->dtype));
    ops::copy_memory(self, value);
  }
  result.tensors.clear();
  result.is_sequence = false;
  result.tensors.push_back(self);
}

static void apply_in_place(const OpDef& op, const Arg* args, size_t nargs, Result& result) {
  const Tensor self = args[0].as_tensor();
  Slots slots;
  collect_slots(args, nargs, slots);
  bool recording = false;
  if (mode.grad && is_differentiable(self->dtype))
    for (const Tensor* t : slots) recording |= *t && (*t)->requires_grad();
  check_inplace(self, recording);
  Node* n = nullptr;
  if (recording && op.node_name) n = record_inputs(op, args, nargs, slots, self);
  try {
    run_in_place(op, args, result);
    finish_inplace(self, n);
    if (n && (needed(op, slots) & kSaveResult)) save_tensor(n, self, -1);
  } catch (...) {
    if (n) Py_DECREF(n->object());
    throw;
  }
  if (n) Py_DECREF(n->object());
}

// Some operations give an argument back unchanged: contiguous, to.
static bool is_argument(const Tensor& t, const Arg* args, size_t nargs) {
  for (size_t i = 0; i < nargs; ++i)
    if (args[i].tag == Arg::Tensor_ && args[i].tensor == t.get()) return true;
  return false;
}

static bool wants_gradient(const Arg* args, size_t nargs) {
  for (size_t i = 0; i < nargs; ++i) {
    if (args[i].tag == Arg::Tensor_ && args[i].tensor->requires_grad()) return true;
    if (args[i].tag != Arg::List) continue;
    for (const Tensor& t : *args[i].list)
      if (t && t->requires_grad()) return true;
  }
  return false;
}

// Whether the call was autocast's, vmap's or one with uint16, uint32 or uint64, and has been made.
static bool detoured(const OpDef& op, const Arg* args, size_t nargs, Form form, Result& result) {
  if (mode.autocast && form == Form::Functional && apply_autocast(op, args, nargs, result)) return true;
  if ((detours & kBatching) && concerns_batch(op, args, nargs)) {
    apply_batched(op, args, nargs, form, Tensor(), result);
    return true;
  }
  return (detours & kBarebones) && concerns_barebones(args, nargs, Tensor()) &&
         apply_barebones(op, args, nargs, form, result);
}

void apply(const OpDef& op, const Arg* args, size_t nargs, Form form, Result& result) {
  if (detours && detoured(op, args, nargs, form, result)) return;
  if (form == Form::InPlace) return apply_in_place(op, args, nargs, result);
  if (op.mutates) {  // the functional form writes into a clone, whose history leads to the original
    Arg with_clone[kMaxArgs];
    Tensor copy;
    {
      GradMode off(false);
      copy = ops::clone(args[0].as_tensor());
    }
    for (size_t i = 0; i < nargs; ++i) with_clone[i] = args[i];
    with_clone[0] = Arg(copy);
    op.body(with_clone, result);
    result.tensors.clear();
    result.tensors.push_back(copy);
  } else {
    op.body(args, result);
  }
  if (op.kind == Kind::View && !result.tensors.empty()) mark_views(args[0].as_tensor(), result);
  if (mode.inference)
    for (Tensor& t : result.tensors)
      if (!is_argument(t, args, nargs)) t->flags |= kInference;
  if (!mode.grad || !op.node_name || result.tensors.empty()) return;
  if (!wants_gradient(args, nargs)) return;
  // An operation that gave its own argument back (contiguous, to) records nothing.
  if (op.kind == Kind::Copy && result.tensors[0].is(args[0].as_tensor())) return;
  if (!is_differentiable(result.tensors[0]->dtype) && result.tensors.size() == 1) return;
  Slots slots;
  collect_slots(args, nargs, slots);
  Node* n = record_inputs(op, args, nargs, slots, Tensor());
  try {
    finish_results(op, n, slots, result);
  } catch (...) {
    Py_DECREF(n->object());
    throw;
  }
  Py_DECREF(n->object());
}

}  // namespace facula
