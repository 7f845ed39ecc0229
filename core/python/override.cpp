// __torch_function__: which arguments want to see a call, and asking them in PyTorch's order. Objects that are not
// tensors are looked at only when the argument parser could not use them, so calls with tensors pay nothing.
#include <algorithm>
#include <string>
#include <vector>

#include "python/native.h"

namespace facula {

__thread bool torch_function_enabled __attribute__((tls_model("initial-exec"))) = true;
PyObject* function_hook = nullptr;

namespace {

PyObject* protocol_name() {
  static PyObject* name = PyUnicode_InternFromString("__torch_function__");
  return name;
}

bool wants_calls(PyObject* o) {
  if (is_tensor(o)) return !is_plain(o);
  return _PyType_Lookup(Py_TYPE(o), protocol_name()) != nullptr;  // unlike PyObject_HasAttr it makes no exception
}

// One object of each type: subclasses before what they derive from, else from left to right.
class Overriders {
 public:
  void see(PyObject* o) {
    if (!wants_calls(o)) return;
    auto same = [&](PyObject* other) { return Py_TYPE(other) == Py_TYPE(o); };
    if (std::any_of(found.begin(), found.end(), same)) return;
    auto base = [&](PyObject* other) { return PyType_IsSubtype(Py_TYPE(o), Py_TYPE(other)) != 0; };
    found.insert(std::find_if(found.begin(), found.end(), base), o);
  }
  void see_with_items(PyObject* o) {
    see(o);
    if (!PyList_Check(o) && !PyTuple_Check(o)) return;
    for (Py_ssize_t k = 0; k < PySequence_Fast_GET_SIZE(o); ++k) see(PySequence_Fast_GET_ITEM(o, k));
  }
  Ref types() const {
    Ref types = check(PyTuple_New(static_cast<Py_ssize_t>(found.size())));
    for (size_t i = 0; i < found.size(); ++i)
      PyTuple_SET_ITEM(types.get(), static_cast<Py_ssize_t>(i), Py_NewRef(Py_TYPE(found[i])));
    return types;
  }
  std::vector<PyObject*> found;
};

// Asks the entered modes, then the objects; null when nobody is there to be asked.
PyObject* ask(const Overriders& overriders, PyObject* function, PyObject* args, PyObject* kwargs) {
  Ref types = overriders.types();
  if (function_hook) {
    Ref hook = Ref::borrowed(function_hook);
    Ref r = check(PyObject_CallFunctionObjArgs(hook.get(), function, types.get(), args, kwargs, nullptr));
    if (r.get() != Py_NotImplemented) return r.release();
  }
  if (overriders.found.empty()) return nullptr;
  std::string names;
  for (PyObject* o : overriders.found) {
    Ref handler = check(PyObject_GetAttr(o, protocol_name()));
    Ref r = check(PyObject_CallFunctionObjArgs(handler.get(), function, types.get(), args, kwargs, nullptr));
    if (r.get() != Py_NotImplemented) return r.release();
    names += (names.empty() ? "" : ", ") + std::string(Py_TYPE(o)->tp_name);
  }
  Ref name = check(PyObject_Str(function));
  fail(ErrorKind::Type, "no implementation found for '", PyUnicode_AsUTF8(name.get()),
       "' on types that implement __torch_function__: [", names, "]");
}

// What programs call: torch.add for the entry _add.
Ref public_function(PyObject* function) {
  static PyObject* translate = [] {
    Ref module = check(PyImport_ImportModule("facula.overrides"));
    return check(PyObject_GetAttrString(module.get(), "_public_function")).release();
  }();
  return check(PyObject_CallOneArg(translate, function));
}

PyObject* has_torch_function(PyObject*, PyObject* relevant) {
  return guarded([&]() -> PyObject* {
    Ref items = check(PySequence_Tuple(relevant));
    Overriders overriders;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items.get()); ++i) overriders.see(PyTuple_GET_ITEM(items.get(), i));
    return PyBool_FromLong(torch_function_enabled && (function_hook || !overriders.found.empty()));
  });
}

PyObject* handle_torch_function(PyObject*, PyObject* given) {
  PyObject *function, *relevant, *args, *kwargs;
  if (!PyArg_ParseTuple(given, "OOO!O!:_handle_torch_function", &function, &relevant, &PyTuple_Type, &args,
                        &PyDict_Type, &kwargs))
    return nullptr;
  return guarded([&]() -> PyObject* {
    Ref items = check(PySequence_Tuple(relevant));
    Overriders overriders;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items.get()); ++i) overriders.see(PyTuple_GET_ITEM(items.get(), i));
    PyObject* result = ask(overriders, function, args, kwargs);
    FACULA_CHECK(result, Type, "handle_torch_function(): none of the relevant arguments has a __torch_function__");
    return result;
  });
}

PyObject* set_torch_function(PyObject*, PyObject* on) {
  bool before = torch_function_enabled;
  torch_function_enabled = PyObject_IsTrue(on);
  return PyBool_FromLong(before);
}

PyObject* set_function_hook(PyObject*, PyObject* hook) {
  PyObject* before = function_hook;
  function_hook = hook == Py_None ? nullptr : Py_NewRef(hook);
  Py_XDECREF(before);
  Py_RETURN_NONE;
}

// What a class names as its __torch_function__ to be treated like a Tensor: (func, types, args, kwargs).
PyObject* disabled_torch_function(PyObject*, PyObject* given) {
  PyObject *function, *types, *args, *kwargs = nullptr;
  if (!PyArg_ParseTuple(given, "OOO!|O:_disabled_torch_function_impl", &function, &types, &PyTuple_Type, &args,
                        &kwargs))
    return nullptr;
  bool before = torch_function_enabled;
  torch_function_enabled = false;
  PyObject* result = PyObject_Call(function, args, kwargs == Py_None ? nullptr : kwargs);
  torch_function_enabled = before;
  return result;
}

PyMethodDef module_methods[] = {
    {"_has_torch_function", has_torch_function, METH_O, "Whether one of the objects wants to see calls."},
    {"_handle_torch_function", handle_torch_function, METH_VARARGS, "(func, relevant, args, kwargs): ask them."},
    {"_set_torch_function", set_torch_function, METH_O, "Switches __torch_function__ dispatch; returns what it was."},
    {"_set_function_hook", set_function_hook, METH_O, "What is asked about every call first; None: nothing."},
    {"_disabled_torch_function_impl", disabled_torch_function, METH_VARARGS, "Runs the function undispatched."},
    {}};

// What the public function takes by name only (torch.full_like's dtype), an entry has got by position. Returns how many
// arguments stay positional.
Py_ssize_t name_the_rest(PyObject* function, PyObject* const* args, Py_ssize_t nargs, PyObject* named) {
  if (!PyFunction_Check(function)) return nargs;
  PyObject* code = PyFunction_GET_CODE(function);
  Ref count = check(PyObject_GetAttrString(code, "co_argcount"));
  Ref names = check(PyObject_GetAttrString(code, "co_varnames"));
  const Py_ssize_t take = std::min(nargs, static_cast<Py_ssize_t>(PyLong_AsSsize_t(count.get())));
  for (Py_ssize_t i = take; i < nargs; ++i) check(PyDict_SetItem(named, PyTuple_GET_ITEM(names.get(), i), args[i]));
  return take;
}

}  // namespace

PyObject* intercept(PyObject* function, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  if (!torch_function_enabled) return nullptr;
  Overriders overriders;
  const Py_ssize_t keywords = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
  for (Py_ssize_t i = 0; i < nargs + keywords; ++i) overriders.see_with_items(args[i]);
  if (overriders.found.empty() && !function_hook) return nullptr;
  Ref called = public_function(function);
  Ref named = check(PyDict_New());
  const Py_ssize_t take = called.get() == function ? nargs : name_the_rest(called.get(), args, nargs, named.get());
  Ref positional = check(PyTuple_New(take));
  for (Py_ssize_t i = 0; i < take; ++i) PyTuple_SET_ITEM(positional.get(), i, Py_NewRef(args[i]));
  for (Py_ssize_t k = 0; k < keywords; ++k)
    check(PyDict_SetItem(named.get(), PyTuple_GET_ITEM(kwnames, k), args[nargs + k]));
  return ask(overriders, called.get(), positional.get(), named.get());
}

bool init_override(PyObject* module) { return PyModule_AddFunctions(module, module_methods) == 0; }

}  // namespace facula
