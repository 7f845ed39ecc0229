// vmap as Python sees it: batched tensors made and opened, and calls handed to the rules of src/facula/func.
#include "ops/batch.h"
#include "ops/ops.h"
#include "python/native.h"

#include <unordered_map>

namespace facula {

namespace {

constexpr const char* kCapsule = "facula.OpDef";
PyObject* rule_function = nullptr;  // rule(entry, in_place, args, level), entry = (capsule, name, kind)

// Entries live for ever, so their Python faces may too.
PyObject* entry_of(const OpDef& op) {
  static std::unordered_map<const OpDef*, PyObject*> faces;  // under the GIL
  PyObject*& face = faces[&op];
  if (!face) {
    PyObject* capsule = PyCapsule_New(const_cast<OpDef*>(&op), kCapsule, nullptr);
    face = check(Py_BuildValue("(Nsi)", capsule, op.name, static_cast<int>(op.kind))).release();
  }
  return face;
}

PyObject* list_to_python(const TensorList& list) {
  PyObject* tuple = check(PyTuple_New(static_cast<Py_ssize_t>(list.size()))).release();
  for (size_t i = 0; i < list.size(); ++i) PyTuple_SET_ITEM(tuple, i, give_maybe(list[i]));
  return tuple;
}

PyObject* to_python(const Arg& a) {
  switch (a.tag) {
    case Arg::Tensor_: return Py_NewRef(reinterpret_cast<PyObject*>(a.tensor));
    case Arg::Number: return give_scalar(a.number);
    case Arg::Ints: return give_size(*a.ints);
    case Arg::List: return list_to_python(*a.list);
    case Arg::Type: return give_dtype(a.dtype);
    case Arg::Place: return give_device(a.device);
    case Arg::Text: return PyUnicode_FromStringAndSize(a.text.chars, static_cast<Py_ssize_t>(a.text.length));
    case Arg::Random: return PyCapsule_New(a.generator, kGeneratorCapsule, nullptr);  // lives as long as the call
    case Arg::Object: return Py_NewRef(a.object);
    case Arg::None: break;
  }
  Py_RETURN_NONE;
}

void from_python(PyObject* given, Result& result) {
  Scalar s;
  if (is_tensor(given)) {
    result.tensors.push_back(as_tensor(given));
  } else if (PyTuple_Check(given) || PyList_Check(given)) {
    Ref items = check(PySequence_Tuple(given));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items.get()); ++i)
      result.tensors.push_back(expect_tensor(PyTuple_GET_ITEM(items.get(), i), "vmap", "result"));
    result.is_sequence = true;
  } else if (scalar_from(given, s, false)) {
    result.value = Arg(s);
  }
}

void run_rule(const OpDef& op, const Arg* args, size_t n, Form form, int level, Result& result) {
  FACULA_CHECK(rule_function, Runtime, "vmap: facula.func is not imported");
  Ref tuple = check(PyTuple_New(static_cast<Py_ssize_t>(n)));
  for (size_t i = 0; i < n; ++i) PyTuple_SET_ITEM(tuple.get(), i, check(to_python(args[i])).release());
  Ref number = check(PyLong_FromLong(level));
  PyObject* call[] = {entry_of(op), form == Form::InPlace ? Py_True : Py_False, tuple.get(), number.get()};
  Ref given = check(PyObject_Vectorcall(rule_function, call, 4, nullptr));
  from_python(given.get(), result);
}

// ---- the module's functions ----

PyObject* make_batched_python(PyObject*, PyObject* const* args, Py_ssize_t n) {
  return guarded([&] {
    FACULA_CHECK(n == 2, Type, "_make_batched(physical, level)");
    int64_t level = int_from(args[1]);
    return give_tensor(make_batched(expect_tensor(args[0], "_make_batched", "physical"), static_cast<int>(level)));
  });
}
// _physical(x, level): all samples when x is batched at that level, else None.
PyObject* physical(PyObject*, PyObject* const* args, Py_ssize_t n) {
  return guarded([&]() -> PyObject* {
    FACULA_CHECK(n == 2, Type, "_physical(x, level)");
    if (!is_tensor(args[0])) Py_RETURN_NONE;
    auto* t = reinterpret_cast<TensorObject*>(args[0]);
    if (!is_batched(t) || level_of(t) != int_from(args[1])) Py_RETURN_NONE;
    return Py_NewRef(physical_of(t).object());
  });
}
// A copy of r for every sample that x stands for, at all of its levels.
Tensor batched_like(const TensorObject* x, const Tensor& r) {
  if (level_of(r.get()) >= level_of(x)) return r;
  const Tensor& all = physical_of(x);
  Dims sizes{all->sizes[0]};
  for (int64_t s : r->sizes) sizes.push_back(s);
  BatchDepth outside(level_of(x) - 1);
  return make_batched(batched_like(all.get(), ops::clone(ops::expand(r, sizes))), level_of(x));
}
PyObject* batched_like_python(PyObject*, PyObject* const* args, Py_ssize_t n) {
  return guarded([&] {
    FACULA_CHECK(n == 2, Type, "_batched_like(x, result)");
    const Tensor& x = expect_tensor(args[0], "_batched_like", "x");
    return give_tensor(batched_like(x.get(), expect_tensor(args[1], "_batched_like", "result")));
  });
}
PyObject* level(PyObject*, PyObject* o) {
  return PyLong_FromLong(is_tensor(o) ? level_of(reinterpret_cast<TensorObject*>(o)) : 0);
}
PyObject* set_depth(PyObject*, PyObject* depth) {
  return guarded([&] {
    int before = batch_depth;
    batch_depth = static_cast<int>(int_from(depth));
    return PyLong_FromLong(before);
  });
}
PyObject* get_depth(PyObject*, PyObject*) { return PyLong_FromLong(batch_depth); }
PyObject* set_rule(PyObject*, PyObject* function) {
  Py_XSETREF(rule_function, Py_NewRef(function));
  batch_rule = run_rule;
  Py_RETURN_NONE;
}
// _call_entry(capsule, in_place, args): a table entry by its positional arguments.
PyObject* call_entry(PyObject*, PyObject* const* args, Py_ssize_t n) {
  return guarded([&]() -> PyObject* {
    FACULA_CHECK(n == 3 && PyTuple_Check(args[2]), Type, "_call_entry(capsule, in_place, args)");
    auto* op = static_cast<const OpDef*>(PyCapsule_GetPointer(args[0], kCapsule));
    if (!op) throw PythonError();
    Frame frame;
    parse_positional(*op, args[2], frame);
    Form form = args[1] == Py_True ? Form::InPlace : Form::Functional;
    return run_op(*op, form, frame.args(), op->signature.count, Tensor());
  });
}
PyObject* entry_named(PyObject*, PyObject* name) {
  return guarded([&] {
    const char* text = PyUnicode_AsUTF8(name);
    if (!text) throw PythonError();
    return Py_NewRef(entry_of(find_op(text)));
  });
}

#define FAST(f) reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(f))
PyMethodDef module_methods[] = {
    {"_make_batched", FAST(make_batched_python), METH_FASTCALL, "_make_batched(physical, level)"},
    {"_physical", FAST(physical), METH_FASTCALL, "_physical(x, level): all samples, or None."},
    {"_batched_like", FAST(batched_like_python), METH_FASTCALL,
     "_batched_like(x, result): result for each sample that x stands for; result itself when x is no batch."},
    {"_level", level, METH_O, "The level of a batched tensor, 0 for others."},
    {"_set_batch_depth", set_depth, METH_O, "How many vmaps operations run under; returns what it was."},
    {"_batch_depth", get_depth, METH_NOARGS, "How many vmaps operations run under."},
    {"_set_batch_rule", set_rule, METH_O, "rule(entry, in_place, args, level) for operations that are not pointwise."},
    {"_call_entry", FAST(call_entry), METH_FASTCALL, "_call_entry(capsule, in_place, args)"},
    {"_entry", entry_named, METH_O, "(capsule, name, kind) of a table entry."},
    {}};

}  // namespace

bool init_batching(PyObject* module) { return PyModule_AddFunctions(module, module_methods) == 0; }

}  // namespace facula
