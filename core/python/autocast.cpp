// Autocast as Python sees it: its state, and the function object of a composition that has a rule. Called without
// autocast, such a function costs one test more than the def. What is no tensor is looked for only after a failure.
#include "ops/autocast.h"

#include <structmember.h>

#include <cstring>

#include "python/python.h"

namespace facula {
namespace {

struct CastFunction {
  PyObject_HEAD
  vectorcallfunc vectorcall;
  Cast policy;
  PyObject* def;
  PyObject* dict;
};
PyTypeObject* cast_function_type;

bool is_sequence(PyObject* o) { return PyList_CheckExact(o) || PyTuple_CheckExact(o); }

void see(ArgumentCasts& casts, PyObject* o) {
  if (is_tensor(o)) return casts.see(as_tensor(o));
  if (!is_sequence(o)) return;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); ++i) {
    PyObject* item = PySequence_Fast_GET_ITEM(o, i);
    if (is_tensor(item)) casts.see(as_tensor(item));
  }
}

// The argument itself, or with its tensors cast.
Ref cast_argument(const ArgumentCasts& casts, PyObject* o) {
  if (is_tensor(o)) return Ref(give_tensor(casts.cast(as_tensor(o))));
  if (!is_sequence(o)) return Ref(Py_NewRef(o));
  bool any = false;
  const Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
  for (Py_ssize_t i = 0; i < n; ++i) any |= is_tensor(PySequence_Fast_GET_ITEM(o, i));
  if (!any) return Ref(Py_NewRef(o));
  Ref items = check(PyTuple_New(n));
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyObject* item = PySequence_Fast_GET_ITEM(o, i);
    PyTuple_SET_ITEM(items.get(), i, is_tensor(item) ? give_tensor(casts.cast(as_tensor(item))) : Py_NewRef(item));
  }
  return items;
}

// The argument for a parameter of the def; null where the default stands for it.
PyObject* argument(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames, Py_ssize_t position, PyObject* name) {
  if (position < nargs) return args[position];
  for (Py_ssize_t i = 0; kwnames && i < PyTuple_GET_SIZE(kwnames); ++i)
    if (PyUnicode_Compare(PyTuple_GET_ITEM(kwnames, i), name) == 0) return args[nargs + i];
  return nullptr;
}
// A def that found no attribute of a tensor was given something else for one: that is the error to report.
PyObject* explain_failure(PyObject* def, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return nullptr;
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyObject* annotations = PyFunction_GetAnnotations(def);  // borrowed
  Ref names(PyObject_GetAttrString(PyFunction_GetCode(def), "co_varnames"));
  Py_ssize_t position = 0;
  for (; annotations && names.get() && position < PyTuple_GET_SIZE(names.get()); ++position) {
    PyObject* name = PyTuple_GET_ITEM(names.get(), position);
    PyObject* wanted = PyDict_GetItemWithError(annotations, name);
    if (!wanted) break;
    if (!PyUnicode_Check(wanted) || PyUnicode_CompareWithASCIIString(wanted, "Tensor") != 0) continue;
    PyObject* given = argument(args, nargs, kwnames, position, name);
    if (!given || is_tensor(given)) continue;
    Py_XDECREF(type), Py_XDECREF(value), Py_XDECREF(traceback);
    PyErr_Clear();
    PyErr_Format(PyExc_TypeError,
                 "%U(): argument '%U' (position %zd) must be Tensor, not %s; torch.tensor(value) makes it a Tensor",
                 reinterpret_cast<PyFunctionObject*>(def)->func_name, name, position + 1, Py_TYPE(given)->tp_name);
    return nullptr;
  }
  PyErr_Clear();
  PyErr_Restore(type, value, traceback);
  return nullptr;
}

PyObject* call(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  const auto* f = reinterpret_cast<CastFunction*>(self);
  if (!mode.autocast || f->policy == Cast::None) {
    PyObject* result = PyObject_Vectorcall(f->def, args, nargsf, kwnames);
    return result ? result : explain_failure(f->def, args, PyVectorcall_NARGS(nargsf), kwnames);
  }
  return guarded([&]() -> PyObject* {
    const Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    const Py_ssize_t total = nargs + (kwnames ? PyTuple_GET_SIZE(kwnames) : 0);
    for (Py_ssize_t i = nargs; i < total; ++i) {  // a call that names its result is not cast
      PyObject* name = PyTuple_GET_ITEM(kwnames, i - nargs);
      if (args[i] == Py_None || PyUnicode_CompareWithASCIIString(name, "out") != 0) continue;
      AutocastOff off;
      return PyObject_Vectorcall(f->def, args, nargsf, kwnames);
    }
    ArgumentCasts casts(f->policy);
    for (Py_ssize_t i = 0; i < total; ++i) see(casts, args[i]);
    AutocastOff parts;
    SmallVector<PyObject*, 12> cast;
    SmallVector<Ref, 12> held;
    for (Py_ssize_t i = 0; i < total; ++i) {
      held.push_back(cast_argument(casts, args[i]));
      cast.push_back(held.back().get());
    }
    return PyObject_Vectorcall(f->def, cast.data(), static_cast<size_t>(nargs), kwnames);
  });
}

PyObject* get(PyObject* self, PyObject* object, PyObject*) {
  return object ? PyMethod_New(self, object) : Py_NewRef(self);
}
// Everything but calling is the def's.
PyObject* getattr(PyObject* self, PyObject* name) {
  PyObject* def = reinterpret_cast<CastFunction*>(self)->def;
  if (PyUnicode_CompareWithASCIIString(name, "__wrapped__") == 0) return Py_NewRef(def);
  if (PyUnicode_CompareWithASCIIString(name, "__class__") == 0 ||
      PyUnicode_CompareWithASCIIString(name, "__dict__") == 0)
    return PyObject_GenericGetAttr(self, name);
  return PyObject_GetAttr(def, name);
}
PyObject* repr(PyObject* self) { return PyObject_Repr(reinterpret_cast<CastFunction*>(self)->def); }
PyObject* reduce(PyObject* self, PyObject*) {
  return PyObject_GetAttrString(reinterpret_cast<CastFunction*>(self)->def, "__qualname__");
}
PyMethodDef methods[] = {{"__reduce__", reduce, METH_NOARGS, nullptr}, {}};
PyMemberDef members[] = {{"__vectorcalloffset__", T_PYSSIZET, offsetof(CastFunction, vectorcall), READONLY, nullptr},
                         {"__dictoffset__", T_PYSSIZET, offsetof(CastFunction, dict), READONLY, nullptr},
                         {}};
PyType_Slot slots[] = {{Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                       {Py_tp_descr_get, reinterpret_cast<void*>(get)},
                       {Py_tp_repr, reinterpret_cast<void*>(repr)},
                       {Py_tp_getattro, reinterpret_cast<void*>(getattr)},
                       {Py_tp_members, members},
                       {Py_tp_methods, methods},
                       {0, nullptr}};
PyType_Spec spec = {
    "facula.composed_function", sizeof(CastFunction), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    slots};

Cast policy_from(const char* name) {
  static const std::pair<const char*, Cast> names[] = {{"lower", Cast::Lower},     {"float32", Cast::Full},
                                                       {"promote", Cast::Promote}, {"first", Cast::First},
                                                       {"off", Cast::Off},         {"none", Cast::None}};
  for (auto& [known, policy] : names)
    if (!std::strcmp(name, known)) return policy;
  fail(ErrorKind::Value, "autocast rule must be 'lower', 'float32', 'promote', 'first', 'off' or 'none', not '", name,
       "'");
}

PyObject* make_function(PyObject*, PyObject* args) {
  PyObject* def;
  const char* policy;
  if (!PyArg_ParseTuple(args, "O!s:_cast_function", &PyFunction_Type, &def, &policy)) return nullptr;
  return guarded([&] {
    const Cast rule = policy_from(policy);
    auto* f = PyObject_New(CastFunction, cast_function_type);
    if (!f) throw PythonError();
    f->vectorcall = call;
    f->policy = rule;
    f->def = Py_NewRef(def);
    f->dict = nullptr;
    return reinterpret_cast<PyObject*>(f);
  });
}

// ---- state ----

PyObject* get_state(PyObject*, PyObject*) {
  return Py_BuildValue("(NNN)", PyBool_FromLong(mode.autocast), give_dtype(autocast.dtype),
                       PyBool_FromLong(autocast.cache));
}
PyObject* set_enabled(PyObject*, PyObject* on) {
  const int value = PyObject_IsTrue(on);
  if (value < 0) return nullptr;
  set_autocast(value);
  Py_RETURN_NONE;
}
PyObject* set_dtype(PyObject*, PyObject* dtype) {
  return guarded([&] {
    autocast.dtype = dtype_from(dtype, "dtype");
    return Py_NewRef(Py_None);
  });
}
PyObject* set_cache(PyObject*, PyObject* on) {
  const int value = PyObject_IsTrue(on);
  if (value < 0) return nullptr;
  autocast.cache = value;
  Py_RETURN_NONE;
}
PyObject* enter(PyObject*, PyObject*) { return PyLong_FromLong(++autocast.nesting); }
PyObject* leave(PyObject*, PyObject*) { return PyLong_FromLong(--autocast.nesting); }
PyObject* clear_cache(PyObject*, PyObject*) {
  clear_autocast_cache();
  Py_RETURN_NONE;
}

PyMethodDef module_methods[] = {
    {"_cast_function", make_function, METH_VARARGS, "_cast_function(def, rule): the def under a rule of autocast."},
    {"_autocast_state", get_state, METH_NOARGS, "(enabled, dtype, cache_enabled) of this thread."},
    {"_set_autocast", set_enabled, METH_O, "Switches autocast in this thread."},
    {"_set_autocast_dtype", set_dtype, METH_O, "The type that autocast casts to."},
    {"_set_autocast_cache", set_cache, METH_O, "Whether cast weights are kept."},
    {"autocast_increment_nesting", enter, METH_NOARGS, "Counts a region that begins; returns how many are open."},
    {"autocast_decrement_nesting", leave, METH_NOARGS, "Counts a region that ends; returns how many are open."},
    {"clear_autocast_cache", clear_cache, METH_NOARGS, "Forgets the weights that autocast has cast."},
    {}};

}  // namespace

bool init_autocast(PyObject* module) {
  cast_function_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return cast_function_type && PyModule_AddFunctions(module, module_methods) == 0;
}

}  // namespace facula
