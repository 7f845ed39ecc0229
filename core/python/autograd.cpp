// The graph as Python sees it: grad_fn nodes, .grad, hooks, backward, the recording modes.
#include "autograd/engine.h"

#include "ops/ops.h"
#include "python/python.h"

#include <structmember.h>

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace facula {

namespace {

inline TensorObject* raw(PyObject* o) { return reinterpret_cast<TensorObject*>(o); }
inline Node* node_of(PyObject* o) { return reinterpret_cast<Node*>(o); }

// ---- hooks ----

PyObject* attach_hook(PyObject*& dict, PyObject* hook) {
  FACULA_CHECK(PyCallable_Check(hook), Type, "a hook must be callable, not ", Py_TYPE(hook)->tp_name);
  Ref module = check(PyImport_ImportModule("facula.utils.hooks"));
  if (!dict) dict = check(PyObject_CallMethod(module.get(), "HookRegistry", nullptr)).release();
  Ref type = check(PyObject_GetAttrString(module.get(), "RemovableHandle"));
  Ref handle = check(PyObject_CallOneArg(type.get(), dict));
  Ref id = check(PyObject_GetAttrString(handle.get(), "id"));
  check(PyDict_SetItem(dict, id.get(), hook));
  return handle.release();
}

// A copy of the callables, so that a hook may remove itself.
Ref callables(PyObject* dict) { return check(PyDict_Values(dict)); }

Tensor run_tensor_hooks(PyObject* dict, const Tensor& gradient) {
  Tensor g = gradient;
  Ref hooks = callables(dict);
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(hooks.get()); ++i) {
    Ref r = check(PyObject_CallOneArg(PyList_GET_ITEM(hooks.get(), i), g.object()));
    if (r.get() == Py_None) continue;
    FACULA_CHECK(is_tensor(r.get()), Type, "expected Variable, but hook returned '", Py_TYPE(r.get())->tp_name, "'");
    Tensor replaced = as_tensor(r.get());
    FACULA_CHECK(replaced->sizes == g->sizes, Runtime, "hook '", "' has changed the size of value: from ", g->sizes,
                 " to ", replaced->sizes);
    g = replaced;
  }
  return g;
}

Ref tuple_of(const Gradients& g) {
  Ref t = check(PyTuple_New(static_cast<Py_ssize_t>(g.size())));
  for (size_t i = 0; i < g.size(); ++i) PyTuple_SET_ITEM(t.get(), i, give_maybe(g[i]));
  return t;
}
void replace_from(PyObject* result, Gradients& g, const char* what) {
  if (result == Py_None) return;
  Ref one;
  if (is_tensor(result)) {
    one = check(PyTuple_Pack(1, result));
    result = one.get();
  }
  FACULA_CHECK(PyTuple_Check(result) && PyTuple_GET_SIZE(result) == static_cast<Py_ssize_t>(g.size()), Runtime, what,
               " hook must return None or a tuple of ", g.size(), " gradients");
  for (size_t i = 0; i < g.size(); ++i) {
    PyObject* item = PyTuple_GET_ITEM(result, i);
    g[i] = is_tensor(item) ? as_tensor(item) : Tensor();
  }
}
void run_pre_hooks(Node*, PyObject* dict, Gradients& outputs) {
  Ref hooks = callables(dict);
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(hooks.get()); ++i) {
    Ref args = tuple_of(outputs);
    Ref r = check(PyObject_CallOneArg(PyList_GET_ITEM(hooks.get(), i), args.get()));
    replace_from(r.get(), outputs, "a pre");
  }
}
void run_post_hooks(Node*, PyObject* dict, Gradients& inputs, const Gradients& outputs) {
  Ref hooks = callables(dict), after = tuple_of(outputs);
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(hooks.get()); ++i) {
    Ref before = tuple_of(inputs);
    Ref r = check(PyObject_CallFunctionObjArgs(PyList_GET_ITEM(hooks.get(), i), before.get(), after.get(), nullptr));
    replace_from(r.get(), inputs, "a post");
  }
}
void run_accumulate_hooks(PyObject* dict, TensorObject* leaf) {
  Ref hooks = callables(dict);
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(hooks.get()); ++i)
    check(PyObject_CallOneArg(PyList_GET_ITEM(hooks.get(), i), reinterpret_cast<PyObject*>(leaf)));
}

// Anomaly mode: where in the forward program the failing node was made.
void warn_about(Node* n) {
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  std::string text = std::string("Error detected in ") + n->cls->name(n) + ".";
  if (n->trace && PyUnicode_Check(n->trace))
    text += std::string(" Traceback of forward call that caused the error:\n") + PyUnicode_AsUTF8(n->trace);
  else
    text += " No forward pass information available. Enable detect anomaly during forward pass for more information.";
  if (PyErr_WarnEx(PyExc_UserWarning, text.c_str(), 1) < 0) PyErr_Clear();
  PyErr_Restore(type, value, trace);
}
PyObject* forward_stack() {
  PyObject* module = PyImport_ImportModule("traceback");
  PyObject* lines = module ? PyObject_CallMethod(module, "format_stack", nullptr) : nullptr;
  PyObject* empty_text = PyUnicode_FromString("");
  PyObject* text = lines && empty_text ? PyUnicode_Join(empty_text, lines) : nullptr;
  Py_XDECREF(module);
  Py_XDECREF(lines);
  Py_XDECREF(empty_text);
  if (!text) PyErr_Clear();
  return text;
}

// ---- the node type ----

void node_dealloc(PyObject* o) {
  Node* n = node_of(o);
  if (n->tracked) PyObject_GC_UnTrack(o);
  if (n->weakrefs) PyObject_ClearWeakRefs(o);
  free_node_object(n);
}
int node_traverse(PyObject* o, visitproc visit, void* arg) {
  Node* n = node_of(o);
  Py_VISIT(Py_TYPE(o));
  for (const Edge& e : n->edges)
    if (e.node) Py_VISIT(e.node->object());
  for (const SavedTensor& s : n->saved) Py_VISIT(s.tensor.object());
  Py_VISIT(n->python);
  Py_VISIT(n->dict);
  if (n->hooks) {
    for (auto& t : n->hooks->tensor_hooks) Py_VISIT(t.dict);
    Py_VISIT(n->hooks->pre_hooks);
    Py_VISIT(n->hooks->post_hooks);
  }
  return 0;
}
int node_clear(PyObject* o) {
  clear_node(node_of(o));
  return 0;
}
PyObject* node_repr(PyObject* o) {
  return PyUnicode_FromFormat("<%s object at %p>", node_of(o)->cls->name(node_of(o)), o);
}
PyObject* node_name(PyObject* o, PyObject*) { return PyUnicode_FromString(node_of(o)->cls->name(node_of(o))); }

bool is_tensor_argument(const Node* n, size_t slot) {
  if (!n->op || slot >= n->op->signature.count) return true;
  switch (n->op->signature.kinds[slot]) {
    case ArgKind::Tensor:
    case ArgKind::MaybeTensor:
    case ArgKind::Operand:
    case ArgKind::MaybeOperand:
    case ArgKind::TensorList:
    case ArgKind::MaybeTensorList: return true;
    default: return false;
  }
}
// Pairs (node, index), one for each tensor argument.
PyObject* node_next(PyObject* o, void*) {
  return guarded([&] {
    Node* n = node_of(o);
    Ref list = check(PyList_New(0));
    bool has_list = n->op && n->op->signature.count && (n->op->signature.kinds[0] == ArgKind::TensorList);
    for (size_t i = 0; i < n->edges.size(); ++i) {
      const Edge& e = n->edges[i];
      if (!e.node && (has_list ? i + n->op->signature.count > n->edges.size() : !is_tensor_argument(n, i))) continue;
      PyObject* next = e.node ? show_node(e.node) : Py_None;
      Ref pair = check(Py_BuildValue("(OI)", next, e.index));
      check(PyList_Append(list.get(), pair.get()));
    }
    return PyList_AsTuple(list.get());
  });
}
PyObject* node_variable(PyObject* o, void*) {
  Node* n = node_of(o);
  if (n->cls != &kAccumulateGrad) {
    PyErr_Format(PyExc_AttributeError, "'%s' object has no attribute 'variable'", n->cls->name(n));
    return nullptr;
  }
  return give_maybe(n->saved.empty() ? Tensor() : n->saved[0].tensor);
}
PyObject* node_metadata(PyObject* o, void*) {
  Node* n = node_of(o);
  if (!n->dict) n->dict = PyDict_New();
  track(n);
  return Py_XNewRef(n->dict);
}
PyObject* node_sequence(PyObject* o, PyObject*) { return PyLong_FromUnsignedLongLong(node_of(o)->sequence); }
PyObject* node_register_hook(PyObject* o, PyObject* hook) {
  return guarded([&] {
    track(node_of(o));
    return attach_hook(hooks_of(node_of(o)).post_hooks, hook);
  });
}
PyObject* node_register_prehook(PyObject* o, PyObject* hook) {
  return guarded([&] {
    track(node_of(o));
    return attach_hook(hooks_of(node_of(o)).pre_hooks, hook);
  });
}
PyObject* node_saved(PyObject* o, void*) {
  return guarded([&] {
    Node* n = node_of(o);
    Gradients all;
    for (const SavedTensor& s : n->saved) all.push_back(unpack_saved(n, s));
    return tuple_of(all).release();
  });
}
PyObject* node_python(PyObject* o, void*) {
  PyObject* p = node_of(o)->python;
  return Py_NewRef(p && !PyObject_TypeCheck(p, node_type) ? p : Py_None);
}
PyMethodDef node_methods[] = {
    {"name", node_name, METH_NOARGS, "The name that is printed as grad_fn."},
    {"register_hook", node_register_hook, METH_O,
     "register_hook(fn): fn(grad_inputs, grad_outputs) after the node ran."},
    {"register_prehook", node_register_prehook, METH_O, "register_prehook(fn): fn(grad_outputs) before the node runs."},
    {"_sequence_nr", node_sequence, METH_NOARGS, "Order of creation."},
    {}};
PyGetSetDef node_attributes[] = {
    {"next_functions", node_next, nullptr, "Where gradients go: pairs of node and input number.", nullptr},
    {"variable", node_variable, nullptr, "The leaf, for AccumulateGrad.", nullptr},
    {"metadata", node_metadata, nullptr, "A dict for free use.", nullptr},
    {"_saved_tensors", node_saved, nullptr, "What the derivative keeps.", nullptr},
    {"_context", node_python, nullptr, "The ctx of a custom Function, or None.", nullptr},
    {}};
PyMemberDef node_members[] = {{"__weaklistoffset__", T_PYSSIZET, offsetof(Node, weakrefs), READONLY, nullptr}, {}};
PyType_Slot node_slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(node_dealloc)},
                            {Py_tp_traverse, reinterpret_cast<void*>(node_traverse)},
                            {Py_tp_clear, reinterpret_cast<void*>(node_clear)},
                            {Py_tp_repr, reinterpret_cast<void*>(node_repr)},
                            {Py_tp_methods, node_methods},
                            {Py_tp_getset, node_attributes},
                            {Py_tp_members, node_members},
                            {0, nullptr}};
PyType_Spec node_spec = {
    "torch.autograd.graph.Node", sizeof(Node), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_BASETYPE, node_slots};

}  // namespace

// A node takes the class of its name when Python first sees it: programs that draw graphs read type(grad_fn).__name__.
PyObject* show_node(Node* n) {
  static auto* const classes = new std::unordered_map<std::string, PyTypeObject*>;
  PyObject* o = n->object();
  if (Py_TYPE(o) != node_type) return o;
  auto [place, is_new] = classes->try_emplace(std::string("torch.autograd.") + n->cls->name(n), nullptr);
  if (is_new) {
    PyType_Slot slots[] = {{Py_tp_base, node_type},
                           {Py_tp_dealloc, reinterpret_cast<void*>(node_dealloc)},
                           {Py_tp_traverse, reinterpret_cast<void*>(node_traverse)},
                           {Py_tp_clear, reinterpret_cast<void*>(node_clear)},
                           {}};
    PyType_Spec spec = {place->first.c_str(), sizeof(Node), 0, static_cast<unsigned>(node_spec.flags), slots};
    place->second = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
    if (!place->second) {
      classes->erase(place);
      throw PythonError();
    }
  }
  Py_INCREF(place->second);
  Py_SET_TYPE(o, place->second);
  Py_DECREF(node_type);
  return o;
}

namespace {

// ---- attributes of tensors ----

constexpr const char* kNotALeaf =
    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be "
    "populated "
    "during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf Tensor, use "
    ".retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you access the "
    "leaf "
    "Tensor instead.";
PyObject* get_grad(PyObject* o, void*) {
  TensorObject* t = raw(o);
  bool never_filled = !(t->meta && (t->meta->grad || t->meta->retains_grad)) && grad_fn(Tensor::borrow(t));
  if (never_filled && PyErr_WarnEx(PyExc_UserWarning, kNotALeaf, 1) < 0) return nullptr;
  return give_maybe(t->meta ? t->meta->grad : Tensor());
}
int set_grad(PyObject* o, PyObject* value, void*) {
  return guarded_int([&] {
    Tensor t = as_tensor(o);
    if (!value || value == Py_None) {
      if (t->meta) t->meta->grad = Tensor();
      return 0;
    }
    FACULA_CHECK(is_tensor(value), Type, "assigned grad expected to be a Tensor or None but got grad of type ",
                 Py_TYPE(value)->tp_name);
    Tensor g = as_tensor(value);
    FACULA_CHECK(!g.is(t), Runtime, "can't assign Variable as its own grad");
    FACULA_CHECK(g->dtype == t->dtype, Runtime, "assigned grad has data of a different type: ", name_of(g->dtype),
                 " for a tensor of type ", name_of(t->dtype));
    FACULA_CHECK(g->sizes == t->sizes, Runtime, "assigned grad has data of a different size: ", g->sizes,
                 " for a tensor of size ", t->sizes);
    t->autograd().grad = g;
    return 0;
  });
}
// Where the history of a tensor is: a batched one has that of all its samples.
TensorObject* bearer(PyObject* o) {
  TensorObject* t = raw(o);
  while (is_batched(t)) t = physical_of(t).get();
  return t;
}
PyObject* get_requires_grad(PyObject* o, void*) {
  o = reinterpret_cast<PyObject*>(bearer(o));
  return PyBool_FromLong(raw(o)->requires_grad());
}
void set_requires_grad_flag(const Tensor& t, bool on) {
  if (on) {
    FACULA_CHECK(is_differentiable(t->dtype), Runtime,
                 "only Tensors of floating point dtype can require gradients (got ", name_of(t->dtype),
                 "; convert with x.float())");
    FACULA_CHECK(!(t->flags & kInference) || mode.inference, Runtime,
                 "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.");
    t->flags |= kRequiresGrad;
  } else {
    FACULA_CHECK(
        !t->node, Runtime,
        "you can only change requires_grad flags of leaf variables. If you want to use a "
        "computed variable in a subgraph that doesn't require differentiation use var_no_grad = var.detach().");
    t->flags = static_cast<uint8_t>(t->flags & ~kRequiresGrad);
  }
}
int set_requires_grad(PyObject* o, PyObject* value, void*) {
  return guarded_int([&] {
    FACULA_CHECK(value && PyBool_Check(value), Runtime, "requires_grad must be a bool");
    set_requires_grad_flag(Tensor::borrow(bearer(o)), value == Py_True);
    return 0;
  });
}
PyObject* get_grad_fn(PyObject* o, void*) {
  return guarded([&]() -> PyObject* {
    Tensor t = Tensor::borrow(bearer(o));
    Node* n = grad_fn(t);
    if (!n) Py_RETURN_NONE;
    return Py_NewRef(show_node(n));
  });
}
PyObject* get_is_leaf(PyObject* o, void*) { return PyBool_FromLong(bearer(o)->node == nullptr); }
PyObject* get_retains_grad(PyObject* o, void*) { return PyBool_FromLong(raw(o)->meta && raw(o)->meta->retains_grad); }
PyObject* get_output_nr(PyObject* o, void*) { return PyLong_FromUnsignedLong(raw(o)->output_index); }
PyObject* get_hooks(PyObject* o, void*) {
  AutogradMeta* meta = raw(o)->meta;
  return Py_NewRef(meta && meta->hooks ? meta->hooks : Py_None);
}
int set_hooks(PyObject* o, PyObject* value, void*) {
  PyObject* dict = value && value != Py_None ? Py_NewRef(value) : nullptr;
  Py_XSETREF(raw(o)->autograd().hooks, dict);
  if (dict) track(raw(o));
  return 0;
}

PyObject* requires_grad_method(PyObject* o, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"requires_grad", nullptr};
  int on = 1;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|p:requires_grad_", const_cast<char**>(names), &on)) return nullptr;
  return guarded([&] {
    set_requires_grad_flag(Tensor::borrow(bearer(o)), on);
    return Py_NewRef(o);
  });
}

PyObject* register_hook(PyObject* o, PyObject* hook) {
  return guarded([&] {
    Tensor t = as_tensor(o);
    FACULA_CHECK(t->requires_grad(), Runtime, "cannot register a hook on a tensor that doesn't require gradient");
    Node* n = grad_fn(t);
    if (!n) {
      track(t.get());
      return attach_hook(t->autograd().hooks, hook);
    }
    track(n);
    NodeHooks& h = hooks_of(n);
    for (auto& on : h.tensor_hooks)
      if (on.index == t->output_index) return attach_hook(on.dict, hook);
    PyObject* dict = nullptr;
    Ref handle(attach_hook(dict, hook));
    h.tensor_hooks.push_back({t->output_index, dict});
    return handle.release();
  });
}
PyObject* register_accumulate_hook(PyObject* o, PyObject* hook) {
  return guarded([&] {
    Tensor t = as_tensor(o);
    FACULA_CHECK(t->requires_grad(), Runtime, "cannot register a hook on a tensor that doesn't require gradient");
    FACULA_CHECK(!t->node, Runtime, "post accumulate grad hooks cannot be registered on non-leaf tensors");
    track(t.get());
    return attach_hook(t->autograd().post_hooks, hook);
  });
}
PyObject* retain_grad(PyObject* o, PyObject*) {
  return guarded([&]() -> PyObject* {
    Tensor t = as_tensor(o);
    FACULA_CHECK(t->requires_grad(), Runtime, "can't retain_grad on Tensor that has requires_grad=False");
    Node* n = grad_fn(t);
    if (n && !t->autograd().retains_grad) {
      t->meta->retains_grad = true;
      hooks_of(n).retained.push_back({t->output_index, t.get()});
    }
    Py_RETURN_NONE;
  });
}
// detach_(): forgets the history in place.
PyObject* detach_in_place(PyObject* o, PyObject*) {
  return guarded([&] {
    Tensor t = Tensor::borrow(bearer(o));
    FACULA_CHECK(!t->base || !t->node, Runtime, "Can't detach views in-place. Use detach() instead.");
    if (t->node) Py_DECREF(t->node->object());
    t->node = nullptr;
    t->flags = static_cast<uint8_t>(t->flags & ~kRequiresGrad);
    return Py_NewRef(o);
  });
}

// ---- backward ----

// Stands for a result of which only shape and type are known.
Tensor broadcastable_zero(const OutputMeta& meta) {
  return ops::broadcast_memory(ops::zeros({}, meta.dtype), meta.sizes);
}

Tensor initial_gradient(const Tensor& root, PyObject* given, size_t i) {
  if (given == Py_None || !given) {
    FACULA_CHECK(root->numel == 1, Runtime, "grad can be implicitly created only for scalar outputs");
    FACULA_CHECK(is_floating(root->dtype), Runtime,
                 "grad can be implicitly created only for real scalar outputs but got ", scalar_type_name(root->dtype));
    return ops::full(root->sizes, Scalar(1), root->dtype);
  }
  FACULA_CHECK(is_tensor(given), Type, "gradients can be either Tensors or None, but got ", Py_TYPE(given)->tp_name);
  Tensor g = as_tensor(given);
  FACULA_CHECK(g->sizes == root->sizes, Runtime, "Mismatch in shape: grad_output[", i, "] has a shape of torch.Size(",
               g->sizes, ") and output[", i, "] has a shape of torch.Size(", root->sizes, ").");
  FACULA_CHECK(is_complex(g->dtype) == is_complex(root->dtype), Runtime,
               "For complex Tensors, both grad_output and output are required to have the same dtype.");
  return g;
}

// What autograd.graph.GradientEdge is: a tuple whose first item is a node.
bool is_edge(PyObject* o) {
  return PyTuple_Check(o) && PyTuple_GET_SIZE(o) >= 2 && PyObject_TypeCheck(PyTuple_GET_ITEM(o, 0), node_type);
}
Edge edge_from(PyObject* o) {
  Node* n = node_of(PyTuple_GET_ITEM(o, 0));
  const int64_t index = int_from(PyTuple_GET_ITEM(o, 1));
  FACULA_CHECK(index >= 0 && index < static_cast<int64_t>(n->outputs.size()), Index, "GradientEdge: ", n->cls->name(n),
               " has ", n->outputs.size(), " outputs, not one of number ", index);
  return Edge(n, static_cast<uint32_t>(index));
}
void add_edge_root(PyObject* o, PyObject* gradient, SmallVector<Edge, 2>& roots, Gradients& gradients) {
  Edge e = edge_from(o);
  const OutputMeta& meta = e.node->outputs[e.index];
  gradients.push_back(initial_gradient(broadcastable_zero(meta), gradient, roots.size()));
  roots.push_back(std::move(e));
}

void add_root(const Tensor& t, PyObject* gradient, SmallVector<Edge, 2>& roots, Gradients& gradients) {
  size_t i = roots.size();
  FACULA_CHECK(t->requires_grad(), Runtime, "element ", i,
               " of tensors does not require grad and does not have a grad_fn");
  gradients.push_back(initial_gradient(t, gradient, i));
  roots.push_back(gradient_edge(t));
}

// x.backward(gradient=None, retain_graph=None, create_graph=False, inputs=None)
PyObject* tensor_backward(PyObject* o, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return guarded([&]() -> PyObject* {
    static const char* const names[] = {"gradient", "retain_graph", "create_graph", "inputs"};
    PyObject* given[4] = {};
    FACULA_CHECK(nargs <= 4, Type, "backward() takes from 1 to 5 positional arguments but ", nargs + 1, " were given");
    for (Py_ssize_t i = 0; i < nargs; ++i) given[i] = args[i];
    for (Py_ssize_t k = 0; kwnames && k < PyTuple_GET_SIZE(kwnames); ++k) {
      int found = -1;
      for (int i = 0; i < 4; ++i)
        if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, k), names[i]) == 0) found = i;
      FACULA_CHECK(found >= 0, Type, "backward() got an unexpected keyword argument '",
                   PyUnicode_AsUTF8(PyTuple_GET_ITEM(kwnames, k)), "'");
      given[found] = args[nargs + k];
    }
    SmallVector<Edge, 2> roots;
    Gradients gradients;
    add_root(as_tensor(o), given[0], roots, gradients);
    BackwardOptions options;
    options.create_graph = given[2] && PyObject_IsTrue(given[2]);
    options.keep_graph = given[1] && given[1] != Py_None ? PyObject_IsTrue(given[1]) : options.create_graph;
    TensorList inputs;
    if (given[3] && given[3] != Py_None) {
      if (is_tensor(given[3])) {
        inputs.push_back(as_tensor(given[3]));
      } else {
        Ref list = check(PySequence_Fast(given[3], "inputs must be a Tensor or a sequence of Tensors"));
        FACULA_CHECK(PySequence_Fast_GET_SIZE(list.get()) > 0, Runtime,
                     "`inputs` argument to `backward()` cannot be empty.");
        for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(list.get()); ++i) {
          PyObject* item = PySequence_Fast_GET_ITEM(list.get(), i);
          inputs.push_back(expect_tensor(item, "backward", "inputs"));
        }
      }
      for (const Tensor& t : inputs)
        FACULA_CHECK(t->requires_grad(), Runtime, "One of the differentiated Tensors does not require grad");
    }
    run_backward(roots, gradients, inputs, options);
    Py_RETURN_NONE;
  });
}

// _run_backward(tensors, gradients, keep_graph, create_graph, inputs, accumulate) -> tuple of gradients or None
PyObject* run_backward_python(PyObject*, PyObject* args) {
  PyObject *tensors, *grads, *input_tuple;
  int keep, create, accumulate;
  if (!PyArg_ParseTuple(args, "O!O!ppO!p:_run_backward", &PyTuple_Type, &tensors, &PyTuple_Type, &grads, &keep, &create,
                        &PyTuple_Type, &input_tuple, &accumulate))
    return nullptr;
  return guarded([&]() -> PyObject* {
    SmallVector<Edge, 2> roots;
    Gradients gradients;
    Py_ssize_t n = PyTuple_GET_SIZE(tensors);
    FACULA_CHECK(PyTuple_GET_SIZE(grads) == n, Runtime, "got ", n, " tensors and ", PyTuple_GET_SIZE(grads),
                 " gradients");
    for (Py_ssize_t i = 0; i < n; ++i) {
      PyObject* item = PyTuple_GET_ITEM(tensors, i);
      if (is_edge(item))
        add_edge_root(item, PyTuple_GET_ITEM(grads, i), roots, gradients);
      else
        add_root(expect_tensor(item, "backward", "tensors"), PyTuple_GET_ITEM(grads, i), roots, gradients);
    }
    TensorList inputs;
    SmallVector<Edge, 2> edges;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(input_tuple); ++i) {
      PyObject* item = PyTuple_GET_ITEM(input_tuple, i);
      edges.push_back(is_edge(item) ? edge_from(item) : Edge());
      if (edges.back().node) {
        inputs.push_back(Tensor());
        continue;
      }
      inputs.push_back(expect_tensor(item, "grad", "inputs"));
      FACULA_CHECK(inputs.back()->requires_grad(), Runtime, "One of the differentiated Tensors does not require grad");
    }
    BackwardOptions options;
    options.keep_graph = keep;
    options.create_graph = create;
    options.accumulate = accumulate;
    Gradients results = run_backward(roots, gradients, inputs, options, &edges);
    return tuple_of(results).release();
  });
}

// _reaches_others(tensors, own): whether the history of the tensors has a leaf besides `own`.
PyObject* reaches_others(PyObject*, PyObject* args) {
  PyObject *tensors, *own;
  if (!PyArg_ParseTuple(args, "O!O!:_reaches_others", &PyTuple_Type, &tensors, &PyTuple_Type, &own)) return nullptr;
  return guarded([&] {
    std::unordered_set<const Node*> seen;
    SmallVector<Edge, 8> held;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(own); ++i) {
      const Tensor& t = expect_tensor(PyTuple_GET_ITEM(own, i), "_reaches_others", "own");
      if (t->node) continue;  // not a leaf: its history belongs to somebody else
      held.push_back(gradient_edge(t));
      seen.insert(held.back().node);
    }
    std::vector<const Node*> stack;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tensors); ++i) {
      held.push_back(gradient_edge(expect_tensor(PyTuple_GET_ITEM(tensors, i), "_reaches_others", "tensors")));
      if (const Node* n = held.back().node; n && seen.insert(n).second) stack.push_back(n);
    }
    while (!stack.empty()) {
      const Node* n = stack.back();
      stack.pop_back();
      if (n->cls == &kAccumulateGrad) return Py_NewRef(Py_True);
      for (const Edge& e : n->edges)
        if (e.node && seen.insert(e.node).second) stack.push_back(e.node);
    }
    return Py_NewRef(Py_False);
  });
}

// ---- modes ----

PyObject* set_flag(PyObject* on, bool Mode::*flag) {
  int value = PyObject_IsTrue(on);
  if (value < 0) return nullptr;
  bool before = mode.*flag;
  mode.*flag = value;
  return PyBool_FromLong(before);
}
PyMethodDef module_methods[] = {
    {"_set_grad_enabled", [](PyObject*, PyObject* on) { return set_flag(on, &Mode::grad); }, METH_O,
     "Returns what it was."},
    {"is_grad_enabled", [](PyObject*, PyObject*) { return PyBool_FromLong(mode.grad); }, METH_NOARGS,
     "Whether operations are recorded."},
    {"_set_inference", [](PyObject*, PyObject* on) { return set_flag(on, &Mode::inference); }, METH_O,
     "Returns what it was."},
    {"is_inference_mode_enabled", [](PyObject*, PyObject*) { return PyBool_FromLong(mode.inference); }, METH_NOARGS,
     "Whether inference mode is on."},
    {"_set_anomaly", [](PyObject*, PyObject* on) { return set_flag(on, &Mode::anomaly); }, METH_O,
     "Returns what it was."},
    {"is_anomaly_enabled", [](PyObject*, PyObject*) { return PyBool_FromLong(mode.anomaly); }, METH_NOARGS,
     "Whether anomaly mode is on."},
    {"_run_backward", run_backward_python, METH_VARARGS, "The engine."},
    {"_reaches_others", reaches_others, METH_VARARGS, "Whether a history has a leaf besides the given ones."},
    {}};

}  // namespace

PyGetSetDef autograd_attributes[] = {{"grad", get_grad, set_grad, nullptr, nullptr},
                                     {"requires_grad", get_requires_grad, set_requires_grad, nullptr, nullptr},
                                     {"grad_fn", get_grad_fn, nullptr, nullptr, nullptr},
                                     {"is_leaf", get_is_leaf, nullptr, nullptr, nullptr},
                                     {"retains_grad", get_retains_grad, nullptr, nullptr, nullptr},
                                     {"output_nr", get_output_nr, nullptr, nullptr, nullptr},
                                     {"_backward_hooks", get_hooks, set_hooks, nullptr, nullptr},
                                     {}};

#define FUNCTION(f) reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(f))
PyMethodDef autograd_methods[] = {
    {"requires_grad_", FUNCTION(requires_grad_method), METH_VARARGS | METH_KEYWORDS,
     "requires_grad_(requires_grad=True): sets the flag; returns the tensor."},
    {"register_hook", register_hook, METH_O,
     "register_hook(fn): fn(grad) -> Tensor or None, when the gradient of this tensor is known."},
    {"register_post_accumulate_grad_hook", register_accumulate_hook, METH_O, "fn(tensor) after its .grad was updated."},
    {"retain_grad", retain_grad, METH_NOARGS, "Keeps .grad of a non-leaf."},
    {"detach_", detach_in_place, METH_NOARGS, "Forgets the history in place."},
    {"backward", FUNCTION(tensor_backward), METH_FASTCALL | METH_KEYWORDS,
     "backward(gradient=None, retain_graph=None, create_graph=False, inputs=None): gradients of the leaves of this "
     "tensor's graph."},
    {}};

bool init_autograd(PyObject* module) {
  node_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&node_spec));
  if (!node_type || PyModule_AddObjectRef(module, "Node", reinterpret_cast<PyObject*>(node_type)) < 0) return false;
  hook_calls = {run_tensor_hooks, run_pre_hooks, run_post_hooks, run_accumulate_hooks, warn_about};
  capture_stack = forward_stack;
  return PyModule_AddFunctions(module, module_methods) == 0;
}

}  // namespace facula
