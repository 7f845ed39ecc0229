// torch.autograd.graph as the core serves it: hooks that pack what the graph keeps, edges, versions, the present walk.
#include "autograd/engine.h"
#include "ops/record.h"
#include "python/python.h"

namespace facula {
namespace {

// (pack, unpack) of this thread, or null. `mode.saved_hooks` says whether there is one.
__thread PyObject* saved_hooks __attribute__((tls_model("initial-exec"))) = nullptr;
// Called with a tensor that is about to be written to; `mode.write_guard` says whether there is one.
__thread PyObject* write_guard __attribute__((tls_model("initial-exec"))) = nullptr;

PyObject* pack(const Tensor& t) {
  Ref hooks(Py_NewRef(saved_hooks));
  Ref packed = check(PyObject_CallOneArg(PyTuple_GET_ITEM(hooks.get(), 0), t.object()));
  return check(PyTuple_Pack(2, packed.get(), PyTuple_GET_ITEM(hooks.get(), 1))).release();
}
Tensor unpack(PyObject* packed) {
  Ref kept(Py_NewRef(packed));
  Ref t = check(PyObject_CallOneArg(PyTuple_GET_ITEM(packed, 1), PyTuple_GET_ITEM(packed, 0)));
  FACULA_CHECK(is_tensor(t.get()), Type,
               "Output of saved tensor unpack_hook expected to be a Tensor but got result of type ",
               Py_TYPE(t.get())->tp_name);
  return as_tensor(t.get());
}
void guard_write(const Tensor& t) {
  Ref guard(Py_NewRef(write_guard));
  check(PyObject_CallOneArg(guard.get(), t.object()));
}

// Puts a callable (or None) into a thread's place; gives what was there.
PyObject* exchange(PyObject*& place, bool Mode::*flag, PyObject* value) {
  PyObject* before = place ? place : Py_NewRef(Py_None);
  place = value == Py_None ? nullptr : Py_NewRef(value);
  mode.*flag = place != nullptr;
  return before;
}
PyObject* set_saved_hooks(PyObject*, PyObject* pair) {
  if (pair != Py_None && !(PyTuple_Check(pair) && PyTuple_GET_SIZE(pair) == 2)) {
    PyErr_SetString(PyExc_TypeError, "expected (pack_hook, unpack_hook) or None");
    return nullptr;
  }
  return exchange(saved_hooks, &Mode::saved_hooks, pair);
}
PyObject* set_write_guard(PyObject*, PyObject* guard) { return exchange(write_guard, &Mode::write_guard, guard); }

PyObject* edge_of(PyObject*, PyObject* o) {
  return guarded([&]() -> PyObject* {
    Edge e = gradient_edge(expect_tensor(o, "get_gradient_edge", "tensor"));
    if (!e.node) return Py_BuildValue("(OI)", Py_None, 0u);
    return Py_BuildValue("(OI)", show_node(e.node), e.index);
  });
}
PyObject* increment_version(PyObject*, PyObject* o) {
  return guarded([&] {
    const Tensor& t = expect_tensor(o, "increment_version", "tensor");
    if (!(t->flags & kInference)) ++t->version();
    return Py_NewRef(Py_None);
  });
}
PyObject* current_walk_number(PyObject*, PyObject*) { return PyLong_FromLongLong(current_walk()); }
PyObject* will_run(PyObject*, PyObject* node) {
  return guarded([&] {
    FACULA_CHECK(PyObject_TypeCheck(node, node_type), Type, "expected a Node, not ", Py_TYPE(node)->tp_name);
    FACULA_CHECK(current_walk() >= 0, Runtime, "_get_gradient_walk: there is no backward pass");
    return PyBool_FromLong(walk_needs(reinterpret_cast<Node*>(node)));
  });
}

PyMethodDef module_methods[] = {
    {"_set_saved_hooks", set_saved_hooks, METH_O, "(pack, unpack) or None, of this thread; returns what it was."},
    {"_set_write_guard", set_write_guard, METH_O, "guard(tensor) before every write in place; returns what it was."},
    {"_gradient_edge", edge_of, METH_O, "(node, number) that the gradient of a tensor goes to."},
    {"_increment_version", increment_version, METH_O, "Counts a write that the core has not seen."},
    {"_current_walk", current_walk_number, METH_NOARGS, "The number of the backward pass of this thread; -1: none."},
    {"_walk_needs", will_run, METH_O, "Whether the present backward pass runs a node."},
    {}};

}  // namespace

bool init_graph(PyObject* module) {
  packing = {pack, unpack, guard_write};
  return PyModule_AddFunctions(module, module_methods) == 0;
}

}  // namespace facula
