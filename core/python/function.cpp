// Custom autograd functions: the context object, and the node that calls Python's backward.
#include "ops/ops.h"
#include "python/python.h"

#include <structmember.h>

namespace facula {

namespace {

struct ContextObject {
  PyObject_HEAD
  Node* node;         // not owned; null before the node exists and after it died
  PyObject* to_save;  // tuple from save_for_backward
  PyObject* dirty;    // tuple from mark_dirty
  PyObject* fixed;    // tuple from mark_non_differentiable
  PyObject* needs;    // needs_input_grad
  PyObject* cls;      // the Function subclass
  bool materialize;
  PyObject* dict;
  PyObject* weakrefs;
};
PyTypeObject* context_type;
inline ContextObject* context(PyObject* o) { return reinterpret_cast<ContextObject*>(o); }

int context_traverse(PyObject* o, visitproc visit, void* arg) {
  ContextObject* c = context(o);
  Py_VISIT(Py_TYPE(o));
  Py_VISIT(c->to_save);
  Py_VISIT(c->dirty);
  Py_VISIT(c->fixed);
  Py_VISIT(c->needs);
  Py_VISIT(c->cls);
  Py_VISIT(c->dict);
  return 0;
}
int context_clear(PyObject* o) {
  ContextObject* c = context(o);
  Py_CLEAR(c->to_save);
  Py_CLEAR(c->dirty);
  Py_CLEAR(c->fixed);
  Py_CLEAR(c->needs);
  Py_CLEAR(c->cls);
  Py_CLEAR(c->dict);
  return 0;
}
void context_dealloc(PyObject* o) {
  PyObject_GC_UnTrack(o);
  if (context(o)->weakrefs) PyObject_ClearWeakRefs(o);
  context_clear(o);
  PyTypeObject* type = Py_TYPE(o);
  type->tp_free(o);
  Py_DECREF(type);
}
PyObject* context_new(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* o = type->tp_alloc(type, 0);
  if (o) context(o)->materialize = true;
  return o;
}

PyObject* store_tuple(PyObject*& field, PyObject* args) {
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); ++i) {
    PyObject* item = PyTuple_GET_ITEM(args, i);
    if (item != Py_None && !is_tensor(item)) {
      PyErr_Format(PyExc_TypeError, "save_for_backward can only save variables, but argument %zd is of type %s", i,
                   Py_TYPE(item)->tp_name);
      return nullptr;
    }
  }
  Py_XSETREF(field, Py_NewRef(args));
  Py_RETURN_NONE;
}
PyObject* save_for_backward(PyObject* o, PyObject* args) { return store_tuple(context(o)->to_save, args); }
PyObject* mark_dirty(PyObject* o, PyObject* args) { return store_tuple(context(o)->dirty, args); }
PyObject* mark_non_differentiable(PyObject* o, PyObject* args) { return store_tuple(context(o)->fixed, args); }
PyObject* set_materialize_grads(PyObject* o, PyObject* on) {
  context(o)->materialize = PyObject_IsTrue(on);
  Py_RETURN_NONE;
}

PyObject* get_saved(PyObject* o, void*) {
  return guarded([&]() -> PyObject* {
    ContextObject* c = context(o);
    if (!c->to_save && !c->node) return PyTuple_New(0);
    if (!c->node) return Py_NewRef(c->to_save);
    Node* n = c->node;
    FACULA_CHECK(
        !n->released, Runtime,
        "Trying to backward through the graph a second time (or directly access saved tensors after they have "
        "already been freed). Saved intermediate values of the graph are freed when you call .backward() or "
        "autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or "
        "if you need to access saved tensors after calling backward.");
    // args[0] is the number of saved values; entry i of the tuple has |slot| recorded in args[1 + i]: 0 for None
    Ref tuple = check(PyTuple_New(n->args.size() ? n->args[0].number.i : 0));
    size_t next = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple.get()); ++i) {
      bool present = n->args[1 + i].number.to_bool();
      PyTuple_SET_ITEM(tuple.get(), i, present ? give_tensor(unpack_saved(n, n->saved[next++])) : Py_NewRef(Py_None));
    }
    return tuple.release();
  });
}
PyObject* get_needs(PyObject* o, void*) { return Py_NewRef(context(o)->needs ? context(o)->needs : Py_None); }
int set_needs(PyObject* o, PyObject* v, void*) {
  Py_XSETREF(context(o)->needs, Py_XNewRef(v));
  return 0;
}
PyObject* get_next(PyObject* o, void*) {
  if (!context(o)->node) return PyTuple_New(0);
  return PyObject_GetAttrString(context(o)->node->object(), "next_functions");
}

PyMethodDef context_methods[] = {
    {"save_for_backward", save_for_backward, METH_VARARGS,
     "Keeps tensors for backward; ctx.saved_tensors gives them back."},
    {"mark_dirty", mark_dirty, METH_VARARGS, "Names the inputs that forward wrote into."},
    {"mark_non_differentiable", mark_non_differentiable, METH_VARARGS, "Names outputs without gradient."},
    {"set_materialize_grads", set_materialize_grads, METH_O, "False: backward gets None instead of zeros."},
    {}};
PyGetSetDef context_attributes[] = {
    {"saved_tensors", get_saved, nullptr, "What save_for_backward kept.", nullptr},
    {"needs_input_grad", get_needs, set_needs, "One bool for each argument of forward.", nullptr},
    {"next_functions", get_next, nullptr, "As of the node.", nullptr},
    {}};
PyMemberDef context_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(ContextObject, dict), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(ContextObject, weakrefs), READONLY, nullptr},
    {"materialize_grads", T_BOOL, offsetof(ContextObject, materialize), 0, nullptr},
    {}};
PyType_Slot context_slots[] = {{Py_tp_new, reinterpret_cast<void*>(context_new)},
                               {Py_tp_dealloc, reinterpret_cast<void*>(context_dealloc)},
                               {Py_tp_traverse, reinterpret_cast<void*>(context_traverse)},
                               {Py_tp_clear, reinterpret_cast<void*>(context_clear)},
                               {Py_tp_methods, context_methods},
                               {Py_tp_getset, context_attributes},
                               {Py_tp_members, context_members},
                               {0, nullptr}};
PyType_Spec context_spec = {"facula.FunctionContext", sizeof(ContextObject), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, context_slots};

// ---- the node ----

constexpr uint32_t kNotATensor = 1;  // index of an edge to nothing, whose input was no tensor

const char* python_node_name(const Node* n) {
  PyObject* name = n->python ? PyObject_GetAttrString(context(n->python)->cls, "_node_name") : nullptr;
  if (!name) {
    PyErr_Clear();
    return "FunctionBackward";
  }
  const char* text = PyUnicode_AsUTF8(name);  // lives as long as the class keeps the attribute
  Py_DECREF(name);
  return text;
}

void python_node_apply(Node* n, Gradients& outputs, Gradients& inputs) {
  ContextObject* c = context(n->python);
  Ref args = check(PyTuple_New(static_cast<Py_ssize_t>(outputs.size()) + 1));
  PyTuple_SET_ITEM(args.get(), 0, Py_NewRef(n->python));
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i] && c->materialize) outputs[i] = ops::zeros(n->outputs[i].sizes, n->outputs[i].dtype);
    PyTuple_SET_ITEM(args.get(), static_cast<Py_ssize_t>(i) + 1, give_maybe(outputs[i]));
  }
  Ref backward = check(PyObject_GetAttrString(c->cls, "_call_backward"));
  Ref result = check(PyObject_CallObject(backward.get(), args.get()));
  if (!PyTuple_Check(result.get())) result = check(PyTuple_Pack(1, result.get()));
  Py_ssize_t given = PyTuple_GET_SIZE(result.get()), wanted = static_cast<Py_ssize_t>(inputs.size());
  bool only_nones = true;  // more gradients than inputs are accepted when the rest is None
  for (Py_ssize_t i = wanted; i < given; ++i) only_nones &= PyTuple_GET_ITEM(result.get(), i) == Py_None;
  FACULA_CHECK(given >= wanted && only_nones, Runtime, "function ", python_node_name(n),
               " returned an incorrect number of gradients (expected ", wanted, ", got ", given, ")");
  for (Py_ssize_t i = 0; i < wanted; ++i) {
    PyObject* g = PyTuple_GET_ITEM(result.get(), i);
    FACULA_CHECK(g == Py_None || n->edges[i].node || n->edges[i].index != kNotATensor, Runtime, "function ",
                 python_node_name(n), " returned a gradient different than None at position ", i + 1,
                 ", but the corresponding forward input was not a Variable");
    if (g == Py_None || !n->edges[i].node) continue;
    FACULA_CHECK(is_tensor(g), Type, "expected Variable or None (got ", Py_TYPE(g)->tp_name, ")");
    Tensor t = as_tensor(g);
    const OutputMeta& meta = n->edges[i].node->outputs[n->edges[i].index];
    bool fits = t->sizes.size() >= meta.sizes.size();
    for (size_t k = 0; fits && k < meta.sizes.size(); ++k)
      fits = meta.sizes[k] == 1 || meta.sizes[k] == t->sizes[t->sizes.size() - meta.sizes.size() + k];
    FACULA_CHECK(fits, Runtime, "Function ", python_node_name(n), " returned an invalid gradient at index ", i,
                 " - got ", t->sizes, " but expected shape compatible with ", meta.sizes);
    inputs[i] = t;
  }
}
void python_node_forget(Node* n) {
  if (n->python) context(n->python)->node = nullptr;
}
const NodeClass kPythonNode = {python_node_name, python_node_apply, python_node_forget};

bool contains(PyObject* tuple, PyObject* o) {
  for (Py_ssize_t i = 0; tuple && i < PyTuple_GET_SIZE(tuple); ++i)
    if (PyTuple_GET_ITEM(tuple, i) == o) return true;
  return false;
}

void keep_saved(Node* n, ContextObject* c, const SmallVector<Tensor, 4>& outputs) {
  if (!c->to_save) return;
  Py_ssize_t count = PyTuple_GET_SIZE(c->to_save);
  FACULA_CHECK(count < 200, Runtime, "save_for_backward: at most 200 tensors can be saved, got ", count);
  SmallVector<Arg, 8> present;
  present.push_back(Arg(static_cast<int64_t>(count)));
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* item = PyTuple_GET_ITEM(c->to_save, i);
    present.push_back(Arg(item != Py_None));
    if (item == Py_None) continue;
    int32_t slot = static_cast<int32_t>(i);
    for (size_t k = 0; k < outputs.size(); ++k)
      if (outputs[k].object() == item) slot = -1 - static_cast<int32_t>(k);
    save_tensor(n, as_tensor(item), slot);
  }
  n->args.assign(present.data(), present.size());
  Py_CLEAR(c->to_save);
}

// needs_input_grad, and whether the call is recorded.
bool note_needs(ContextObject* c, PyObject* inputs) {
  Py_ssize_t n = PyTuple_GET_SIZE(inputs);
  Ref needs = check(PyTuple_New(n));
  bool recording = false;
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyObject* item = PyTuple_GET_ITEM(inputs, i);
    bool need = is_tensor(item) && as_tensor(item)->requires_grad();
    recording |= need && mode.grad;
    PyTuple_SET_ITEM(needs.get(), i, PyBool_FromLong(need));
  }
  Py_XSETREF(c->needs, needs.release());
  return recording;
}

// The node of a call, owned by the caller, with the edges of before: forward may write into its inputs.
Node* new_python_node(PyObject* ctx, PyObject* inputs) {
  Node* node = new_node(&kPythonNode);
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(inputs); ++i) {
    PyObject* item = PyTuple_GET_ITEM(inputs, i);
    if (is_tensor(item))
      add_edge(node, as_tensor(item));
    else
      node->edges.push_back(Edge(nullptr, kNotATensor));
  }
  node->python = Py_NewRef(ctx);
  track(node);
  return node;
}

// A result becomes the node's next output. An untouched input, and what has a history already, becomes an alias.
Tensor record_output(Node* node, const ContextObject* c, PyObject* inputs, PyObject* item) {
  auto index = static_cast<uint32_t>(node->outputs.size());
  if (!is_tensor(item)) {
    node->outputs.push_back({Dims{}, default_dtype, {}});
    return Tensor();
  }
  Tensor t = as_tensor(item);
  bool dirty = contains(c->dirty, item), is_input = contains(inputs, item);
  if (is_input && !dirty) t = alias(t);
  if (dirty) {
    FACULA_CHECK(!(t->flags & kRequiresGrad) || t->node, Runtime,
                 "a leaf Variable that requires grad is being used in an in-place operation.");
    ++t->version();
  }
  add_output(node, t);
  if (!contains(c->fixed, item) && is_differentiable(t->dtype)) {
    if (!dirty && t->node && !is_input) t = alias(t);
    set_history(t, node, index);
    track(t.get());
  }
  return t;
}

// _apply_function(ctx, cls, forward_args, run): run(ctx, *forward_args) without recording, then the node.
PyObject* apply_function(PyObject*, PyObject* args) {
  PyObject *ctx, *cls, *inputs, *run;
  if (!PyArg_ParseTuple(args, "O!OO!O:_apply_function", context_type, &ctx, &cls, &PyTuple_Type, &inputs, &run))
    return nullptr;
  return guarded([&]() -> PyObject* {
    ContextObject* c = context(ctx);
    Py_XSETREF(c->cls, Py_NewRef(cls));
    Node* node = note_needs(c, inputs) ? new_python_node(ctx, inputs) : nullptr;
    Ref owner(node ? node->object() : nullptr);
    Ref result;
    {
      GradMode off(false);
      result = check(PyObject_CallObject(run, inputs));
    }
    if (!node) return result.release();
    bool single = !PyTuple_Check(result.get());
    if (single) result = check(PyTuple_Pack(1, result.get()));
    Py_ssize_t count = PyTuple_GET_SIZE(result.get());
    Ref given = check(PyTuple_New(count));
    SmallVector<Tensor, 4> outputs;
    for (Py_ssize_t i = 0; i < count; ++i) {
      PyObject* item = PyTuple_GET_ITEM(result.get(), i);
      outputs.push_back(record_output(node, c, inputs, item));
      PyTuple_SET_ITEM(given.get(), i, Py_NewRef(outputs.back() ? outputs.back().object() : item));
    }
    keep_saved(node, c, outputs);
    c->node = node;
    return single ? Py_NewRef(PyTuple_GET_ITEM(given.get(), 0)) : given.release();
  });
}

PyMethodDef module_methods[] = {
    {"_apply_function", apply_function, METH_VARARGS, "Runs a custom Function and records its node."}, {}};

}  // namespace

bool init_function(PyObject* module) {
  context_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&context_spec));
  return context_type &&
         PyModule_AddObjectRef(module, "FunctionContext", reinterpret_cast<PyObject*>(context_type)) == 0 &&
         PyModule_AddFunctions(module, module_methods) == 0;
}

}  // namespace facula
