// The small types: dtype, device, Size, layout and memory_format constants, Generator. And errors.
#include <cstring>
#include <unordered_map>

#include "python/python.h"

namespace facula {

PyTypeObject *dtype_type, *device_type, *size_type, *generator_type, *named_type;
PyObject* dtype_objects[kNumDTypes];
static PyObject* linalg_error;

// ---- errors ----

static PyObject* exception_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Value: return PyExc_ValueError;
    case ErrorKind::Type: return PyExc_TypeError;
    case ErrorKind::Index: return PyExc_IndexError;
    case ErrorKind::NotImplemented: return PyExc_NotImplementedError;
    case ErrorKind::Memory: return PyExc_MemoryError;
    case ErrorKind::Assertion: return PyExc_AssertionError;
    case ErrorKind::LinAlg: return linalg_error;
    default: return PyExc_RuntimeError;
  }
}

void set_python_error() {
  try {
    throw;
  } catch (const PythonError&) {
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_SystemError, "facula: an error was reported without an exception");
  } catch (const Error& e) { PyErr_SetString(exception_of(e.kind), e.text.c_str()); } catch (const std::bad_alloc&) {
    PyErr_SetString(PyExc_MemoryError, "facula: out of memory");
  } catch (const std::exception& e) { PyErr_SetString(PyExc_RuntimeError, e.what()); }
}

// ---- dtype ----

static PyObject* dtype_repr(PyObject* o) {
  return PyUnicode_FromFormat("torch.%s", name_of(reinterpret_cast<DTypeObject*>(o)->dtype));
}
// What pickle calls is found in the package: these types and constants have PyTorch's module name, "torch".
static PyObject* reduce_to(const char* function, PyObject* owned_argument) {
  Ref argument(owned_argument);
  return guarded([&] {
    if (!argument.get()) throw PythonError();
    Ref module = check(PyImport_ImportModule("facula._tensor.storage"));
    Ref callable = check(PyObject_GetAttrString(module.get(), function));
    return check(Py_BuildValue("(O(O))", callable.get(), argument.get())).release();
  });
}
static PyObject* reduce_to_name(const char* name) { return reduce_to("constant", PyUnicode_FromString(name)); }
static PyObject* dtype_reduce(PyObject* o, PyObject*) {
  return reduce_to_name(name_of(reinterpret_cast<DTypeObject*>(o)->dtype));
}
static DType dtype_of(PyObject* o) { return reinterpret_cast<DTypeObject*>(o)->dtype; }
static PyGetSetDef dtype_attributes[] = {
    {"is_floating_point", [](PyObject* o, void*) { return PyBool_FromLong(is_floating(dtype_of(o))); }, nullptr,
     nullptr, nullptr},
    {"is_complex", [](PyObject* o, void*) { return PyBool_FromLong(is_complex(dtype_of(o))); }, nullptr, nullptr,
     nullptr},
    {"is_signed",
     [](PyObject* o, void*) { return PyBool_FromLong(dtype_of(o) != DType::Bool && !is_unsigned(dtype_of(o))); },
     nullptr, nullptr, nullptr},
    {"itemsize", [](PyObject* o, void*) { return PyLong_FromLongLong(item_size(dtype_of(o))); }, nullptr, nullptr,
     nullptr},
    {"_scalar_name", [](PyObject* o, void*) { return PyUnicode_FromString(scalar_type_name(dtype_of(o))); }, nullptr,
     nullptr, nullptr},
    {}};
static PyMethodDef dtype_methods[] = {
    {"__reduce__", dtype_reduce, METH_NOARGS, nullptr},
    {"to_real", [](PyObject* o, PyObject*) { return give_dtype(real_of(dtype_of(o))); }, METH_NOARGS, nullptr},
    {"to_complex",
     [](PyObject* o, PyObject*) {
       return guarded([&] {
         FACULA_CHECK(!is_barebones(dtype_of(o)), Runtime, "Unknown Complex ScalarType for ",
                      scalar_type_name(dtype_of(o)));
         return give_dtype(complex_of(dtype_of(o)));
       });
     },
     METH_NOARGS, nullptr},
    {}};
static PyType_Slot dtype_slots[] = {{Py_tp_repr, reinterpret_cast<void*>(dtype_repr)},
                                    {Py_tp_getset, dtype_attributes},
                                    {Py_tp_methods, dtype_methods},
                                    {0, nullptr}};
static PyType_Spec dtype_spec = {"torch.dtype", sizeof(DTypeObject), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, dtype_slots};

DType dtype_from(PyObject* o, const char* what) {
  if (Py_TYPE(o) == dtype_type) return announced(dtype_of(o));
  // Python's own types name the types that tensors of them get.
  if (o == reinterpret_cast<PyObject*>(&PyFloat_Type)) return DType::Float64;
  if (o == reinterpret_cast<PyObject*>(&PyLong_Type)) return DType::Int64;
  if (o == reinterpret_cast<PyObject*>(&PyBool_Type)) return DType::Bool;
  if (o == reinterpret_cast<PyObject*>(&PyComplex_Type)) return DType::Complex128;
  fail(ErrorKind::Type, what, " must be torch.dtype, not ", Py_TYPE(o)->tp_name);
}

// ---- device ----

static Device parse_device(const char* text) {
  const char* colon = std::strchr(text, ':');
  std::string type = colon ? std::string(text, colon) : text;
  Device d;
  if (type == "cpu")
    d.type = DeviceType::CPU;
  else if (type == "cuda")
    d.type = DeviceType::CUDA;
  else if (type == "meta")
    d.type = DeviceType::Meta;
  else
    fail(ErrorKind::Runtime, "Expected one of cpu, cuda, meta device type at start of device string: ", text);
  if (colon) {
    char* end;
    long index = std::strtol(colon + 1, &end, 10);
    FACULA_CHECK(*end == 0 && end != colon + 1 && index >= 0 && index < 128, Runtime, "Invalid device string: '", text,
                 "'");
    d.index = static_cast<int8_t>(index);
  }
  return d;
}
static PyObject* new_device(PyTypeObject* type, Device device) {
  auto* o = reinterpret_cast<DeviceObject*>(type->tp_alloc(type, 0));
  if (o) o->device = device;
  return reinterpret_cast<PyObject*>(o);
}
PyObject* give_device(Device d) { return new_device(device_type, d); }
bool is_device_like(PyObject* o) { return Py_TYPE(o) == device_type || PyUnicode_Check(o); }
Device device_from(PyObject* o) {
  if (Py_TYPE(o) == device_type) return reinterpret_cast<DeviceObject*>(o)->device;
  if (PyUnicode_Check(o)) {
    const char* text = PyUnicode_AsUTF8(o);
    if (!text) throw PythonError();
    return parse_device(text);
  }
  if (PyLong_Check(o)) return {DeviceType::CUDA, static_cast<int8_t>(int_from(o))};
  fail(ErrorKind::Type, "argument 'device' must be torch.device, not ", Py_TYPE(o)->tp_name);
}
static PyObject* device_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"type", "index", nullptr};
  PyObject *what, *index = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:device", const_cast<char**>(names), &what, &index))
    return nullptr;
  return guarded([&] {
    Device d = device_from(what);
    if (index && index != Py_None) {
      FACULA_CHECK(d.index < 0, Runtime,
                   "type (string) must not include an index because index was passed explicitly: ", d.text());
      d.index = static_cast<int8_t>(int_from(index));
    }
    return new_device(type, d);
  });
}
static Device device_of(PyObject* o) { return reinterpret_cast<DeviceObject*>(o)->device; }
static PyObject* device_str(PyObject* o) { return PyUnicode_FromString(device_of(o).text().c_str()); }
static PyObject* device_repr(PyObject* o) {
  Device d = device_of(o);
  std::string text = "device(type='" + Device{d.type}.text() + "'";
  if (d.index >= 0) text += ", index=" + std::to_string(d.index);
  return PyUnicode_FromString((text + ")").c_str());
}
static PyObject* device_compare(PyObject* a, PyObject* b, int op) {
  if (Py_TYPE(b) != device_type || (op != Py_EQ && op != Py_NE)) Py_RETURN_NOTIMPLEMENTED;
  return PyBool_FromLong((device_of(a) == device_of(b)) == (op == Py_EQ));
}
static Py_hash_t device_hash(PyObject* o) { return static_cast<int>(device_of(o).type) * 257 + device_of(o).index + 2; }
static PyObject* device_reduce(PyObject* o, PyObject*) {
  return reduce_to("make_device", PyUnicode_FromString(device_of(o).text().c_str()));
}
static PyGetSetDef device_attributes[] = {
    {"type", [](PyObject* o, void*) { return PyUnicode_FromString(Device{device_of(o).type}.text().c_str()); }, nullptr,
     nullptr, nullptr},
    {"index",
     [](PyObject* o, void*) -> PyObject* {
       int i = device_of(o).index;
       if (i < 0) Py_RETURN_NONE;
       return PyLong_FromLong(i);
     },
     nullptr, nullptr, nullptr},
    {}};
static PyMethodDef device_methods[] = {{"__reduce__", device_reduce, METH_NOARGS, nullptr}, {}};
static PyType_Slot device_slots[] = {{Py_tp_new, reinterpret_cast<void*>(device_new)},
                                     {Py_tp_str, reinterpret_cast<void*>(device_str)},
                                     {Py_tp_repr, reinterpret_cast<void*>(device_repr)},
                                     {Py_tp_richcompare, reinterpret_cast<void*>(device_compare)},
                                     {Py_tp_hash, reinterpret_cast<void*>(device_hash)},
                                     {Py_tp_getset, device_attributes},
                                     {Py_tp_methods, device_methods},
                                     {0, nullptr}};
static PyType_Spec device_spec = {"torch.device", sizeof(DeviceObject), 0, Py_TPFLAGS_DEFAULT, device_slots};

// ---- Size: a tuple of integers that knows its product ----

PyObject* give_size(const Dims& d) {
  PyObject* o = size_type->tp_alloc(size_type, static_cast<Py_ssize_t>(d.size()));
  if (!o) return nullptr;
  for (size_t i = 0; i < d.size(); ++i) {
    PyObject* n = PyLong_FromLongLong(d[i]);
    if (!n) {
      Py_DECREF(o);
      return nullptr;
    }
    PyTuple_SET_ITEM(o, i, n);
  }
  return o;
}
static PyObject* size_from_tuple(PyObject* tuple) {  // steals
  if (!tuple) return nullptr;
  Py_ssize_t n = PyTuple_GET_SIZE(tuple);
  PyObject* o = size_type->tp_alloc(size_type, n);
  for (Py_ssize_t i = 0; o && i < n; ++i) PyTuple_SET_ITEM(o, i, Py_NewRef(PyTuple_GET_ITEM(tuple, i)));
  Py_DECREF(tuple);
  return o;
}
static PyObject* size_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  PyObject* o = PyTuple_Type.tp_new(type, args, kwargs);
  if (!o) return nullptr;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(o); ++i) {
    PyObject* item = PyTuple_GET_ITEM(o, i);
    PyObject* index = PyNumber_Index(item);
    if (!index) {
      PyErr_Format(PyExc_TypeError, "torch.Size() takes an iterable of 'int' (item %zd is '%s')", i,
                   Py_TYPE(item)->tp_name);
      Py_DECREF(o);
      return nullptr;
    }
    PyTuple_SET_ITEM(o, i, index);
    Py_DECREF(item);
  }
  return o;
}
static PyObject* size_repr(PyObject* o) {
  std::string text = "torch.Size([";
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(o); ++i)
    text += (i ? ", " : "") + std::to_string(PyLong_AsLongLong(PyTuple_GET_ITEM(o, i)));
  return PyUnicode_FromString((text + "])").c_str());
}
static PyObject* size_numel(PyObject* o, PyObject*) {
  long long n = 1;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(o); ++i) n *= PyLong_AsLongLong(PyTuple_GET_ITEM(o, i));
  return PyLong_FromLongLong(n);
}
static PyObject* size_concat(PyObject* a, PyObject* b) {
  if (!PyTuple_Check(a) || !PyTuple_Check(b)) Py_RETURN_NOTIMPLEMENTED;
  return size_from_tuple(PyTuple_Type.tp_as_sequence->sq_concat(a, b));
}
static PyObject* size_repeat(PyObject* o, Py_ssize_t n) {
  return size_from_tuple(PyTuple_Type.tp_as_sequence->sq_repeat(o, n));
}
static PyObject* size_subscript(PyObject* o, PyObject* key) {
  PyObject* got = PyTuple_Type.tp_as_mapping->mp_subscript(o, key);
  return got && PySlice_Check(key) ? size_from_tuple(got) : got;
}
static PyObject* size_reduce(PyObject* o, PyObject*) {
  PyObject* plain = PySequence_Tuple(o);
  PyObject* copy = plain ? PyTuple_GetSlice(o, 0, PyTuple_GET_SIZE(o)) : nullptr;
  Py_XDECREF(plain);
  return copy ? reduce_to("make_size", copy) : nullptr;
}
static PyMethodDef size_methods[] = {
    {"numel", size_numel, METH_NOARGS, nullptr}, {"__reduce__", size_reduce, METH_NOARGS, nullptr}, {}};
static PyType_Slot size_slots[] = {{Py_tp_new, reinterpret_cast<void*>(size_new)},
                                   {Py_tp_repr, reinterpret_cast<void*>(size_repr)},
                                   {Py_nb_add, reinterpret_cast<void*>(size_concat)},
                                   {Py_sq_concat, reinterpret_cast<void*>(size_concat)},
                                   {Py_sq_repeat, reinterpret_cast<void*>(size_repeat)},
                                   {Py_mp_subscript, reinterpret_cast<void*>(size_subscript)},
                                   {Py_tp_methods, size_methods},
                                   {Py_tp_base, &PyTuple_Type},
                                   {0, nullptr}};
static PyType_Spec size_spec = {"torch.Size", 0, 0, Py_TPFLAGS_DEFAULT, size_slots};

// ---- layout and memory_format ----

struct NamedObject {
  PyObject_HEAD
  const char* name;
};
static std::unordered_map<std::string, PyObject*>& constants() {
  static std::unordered_map<std::string, PyObject*> table;
  return table;
}
PyObject* named_constant(const char* name) {
  auto found = constants().find(name);
  return found == constants().end() ? nullptr : found->second;
}
static PyObject* named_repr(PyObject* o) {
  return PyUnicode_FromFormat("torch.%s", reinterpret_cast<NamedObject*>(o)->name);
}
static PyObject* named_reduce(PyObject* o, PyObject*) {
  return reduce_to_name(reinterpret_cast<NamedObject*>(o)->name);
}
static PyMethodDef named_methods[] = {{"__reduce__", named_reduce, METH_NOARGS, nullptr}, {}};
static PyType_Slot named_slots[] = {
    {Py_tp_repr, reinterpret_cast<void*>(named_repr)}, {Py_tp_methods, named_methods}, {0, nullptr}};
static PyType_Spec layout_spec = {"torch.layout", sizeof(NamedObject), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, named_slots};
static PyType_Spec format_spec = {"torch.memory_format", sizeof(NamedObject), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, named_slots};
static bool add_named(PyObject* module, PyType_Spec* spec, const char* type_name,
                      std::initializer_list<const char*> names) {
  auto* type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(spec));
  if (!type || PyModule_AddObjectRef(module, type_name, reinterpret_cast<PyObject*>(type)) < 0) return false;
  for (const char* name : names) {
    auto* o = PyObject_New(NamedObject, type);
    o->name = name;
    constants()[name] = reinterpret_cast<PyObject*>(o);
    if (PyModule_AddObjectRef(module, name, reinterpret_cast<PyObject*>(o)) < 0) return false;
  }
  return true;
}

// ---- Generator ----

static Generator& generator_of(PyObject* o) { return *reinterpret_cast<GeneratorObject*>(o)->generator; }
static void generator_dealloc(PyObject* o) {
  PyTypeObject* type = Py_TYPE(o);
  if (&generator_of(o) != &default_generator()) delete &generator_of(o);
  type->tp_free(o);
  Py_DECREF(type);
}
static PyObject* generator_new(PyTypeObject* type, PyObject*, PyObject*) {
  auto* o = reinterpret_cast<GeneratorObject*>(type->tp_alloc(type, 0));
  if (o) o->generator = new Generator();
  return reinterpret_cast<PyObject*>(o);
}
// Seeds wrap like PyTorch's: negative ones count from 2^64.
static PyObject* generator_seed_with(PyObject* o, PyObject* seed) {
  return guarded([&] {
    Ref index = check(PyNumber_Index(seed));
    uint64_t value;
    Ref zero(PyLong_FromLong(0));
    int negative = PyObject_RichCompareBool(index.get(), zero.get(), Py_LT);
    if (negative)
      value = static_cast<uint64_t>(PyLong_AsLongLong(index.get()));
    else
      value = PyLong_AsUnsignedLongLong(index.get());
    if (PyErr_Occurred()) {
      PyErr_Clear();
      fail(ErrorKind::Runtime, "Overflow when unpacking long long: the seed must fit in 64 bits");
    }
    generator_of(o).manual_seed(value);
    return Py_NewRef(o);
  });
}
static PyObject* generator_get_state(PyObject* o, PyObject*) {
  return guarded([&] {
    Tensor t = empty({Generator::kStateBytes}, DType::UInt8);
    generator_of(o).get_state(t->ptr<uint8_t>());
    return give_tensor(t);
  });
}
static PyObject* generator_set_state(PyObject* o, PyObject* state) {
  return guarded([&] {
    FACULA_CHECK(is_tensor(state), Type, "expected a torch.ByteTensor, but got ", Py_TYPE(state)->tp_name);
    Tensor t = as_tensor(state);
    FACULA_CHECK(t->dtype == DType::UInt8, Type, "RNG state must be a torch.ByteTensor");
    FACULA_CHECK(t->numel == Generator::kStateBytes && t->is_contiguous(), Runtime,
                 "RNG state is wrong size: expected ", Generator::kStateBytes, " bytes, got ", t->numel);
    generator_of(o).set_state(t->ptr<uint8_t>());
    return Py_NewRef(o);
  });
}
static PyMethodDef generator_methods[] = {
    {"manual_seed", generator_seed_with, METH_O, "Sets the seed; returns the generator."},
    {"initial_seed", [](PyObject* o, PyObject*) { return PyLong_FromUnsignedLongLong(generator_of(o).initial_seed()); },
     METH_NOARGS, "The seed."},
    {"get_state", generator_get_state, METH_NOARGS, "The state as a uint8 tensor, in PyTorch's layout."},
    {"set_state", generator_set_state, METH_O, "Sets the state from a uint8 tensor."},
    {}};
static PyGetSetDef generator_attributes[] = {
    {"device", [](PyObject*, void*) { return give_device({}); }, nullptr, nullptr, nullptr}, {}};
static PyType_Slot generator_slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(generator_dealloc)},
                                        {Py_tp_new, reinterpret_cast<void*>(generator_new)},
                                        {Py_tp_methods, generator_methods},
                                        {Py_tp_getset, generator_attributes},
                                        {0, nullptr}};
static PyType_Spec generator_spec = {"torch.Generator", sizeof(GeneratorObject), 0,
                                     Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, generator_slots};

static bool add_type(PyObject* module, PyType_Spec* spec, const char* name, PyTypeObject*& type) {
  type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(spec));
  return type && PyModule_AddObjectRef(module, name, reinterpret_cast<PyObject*>(type)) == 0;
}

bool init_types(PyObject* module) {
  linalg_error = PyErr_NewExceptionWithDoc("facula._C._LinAlgError", "Linear algebra has no answer for these values.",
                                           PyExc_RuntimeError, nullptr);
  if (!linalg_error || PyModule_AddObjectRef(module, "_LinAlgError", linalg_error) < 0) return false;
  if (!add_type(module, &dtype_spec, "dtype", dtype_type) || !add_type(module, &device_spec, "device", device_type) ||
      !add_type(module, &size_spec, "Size", size_type) ||
      !add_type(module, &generator_spec, "Generator", generator_type))
    return false;
  for (int i = 0; i < kNumDTypes; ++i) {
    auto* o = PyObject_New(DTypeObject, dtype_type);
    if (!o) return false;
    o->dtype = static_cast<DType>(i);
    dtype_objects[i] = reinterpret_cast<PyObject*>(o);
    if (PyModule_AddObjectRef(module, kDTypeName[i], dtype_objects[i]) < 0) return false;
  }
  auto* shared = reinterpret_cast<GeneratorObject*>(generator_type->tp_alloc(generator_type, 0));
  if (!shared) return false;
  shared->generator = &default_generator();
  if (PyModule_AddObjectRef(module, "default_generator", reinterpret_cast<PyObject*>(shared)) < 0) return false;
  return add_named(module, &layout_spec, "layout", {"strided", "sparse_coo"}) &&
         add_named(module, &format_spec, "memory_format",
                   {"contiguous_format", "preserve_format", "channels_last", "channels_last_3d"});
}

}  // namespace facula
