// Shared by the files of core/python: the types, conversions in both directions, and the translation of errors.
// This folder translates between Python and the core; it computes nothing.
#pragma once
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <new>
#include <string>

#include "ops/opdef.h"
#include "runtime/random.h"
#include "tensor/batched.h"
#include "tensor/node.h"

namespace facula {

// ---- errors ----

void set_python_error();  // inside a catch block: the current C++ exception becomes a Python one
template <class F>
PyObject* guarded(F&& f) noexcept {
  try {
    return f();
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}
template <class F>
int guarded_int(F&& f) noexcept {
  try {
    return f();
  } catch (...) {
    set_python_error();
    return -1;
  }
}
// Owned reference; throws when Python reported an error.
class Ref {
 public:
  Ref() = default;
  explicit Ref(PyObject* owned) : p_(owned) {}
  Ref(const Ref& o) : p_(o.p_) { Py_XINCREF(p_); }
  Ref(Ref&& o) noexcept : p_(o.p_) { o.p_ = nullptr; }
  Ref& operator=(Ref o) noexcept {
    std::swap(p_, o.p_);
    return *this;
  }
  ~Ref() { Py_XDECREF(p_); }
  static Ref borrowed(PyObject* p) {
    Py_XINCREF(p);
    return Ref(p);
  }
  PyObject* get() const { return p_; }
  PyObject* release() {
    PyObject* p = p_;
    p_ = nullptr;
    return p;
  }
  explicit operator bool() const { return p_ != nullptr; }

 private:
  PyObject* p_ = nullptr;
};
inline Ref check(PyObject* p) {
  if (!p) throw PythonError();
  return Ref(p);
}
inline void check(int status) {
  if (status < 0) throw PythonError();
}

// ---- tensors ----

inline bool is_tensor(PyObject* o) {  // a subclass is a heap type, which numbers, lists and None are not
  PyTypeObject* type = Py_TYPE(o);
  return type == tensor_type || (PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) && PyType_IsSubtype(type, tensor_type));
}
inline Tensor as_tensor(PyObject* o) { return Tensor::borrow(reinterpret_cast<TensorObject*>(o)); }
// A plain Tensor or Parameter: results of operations on it are plain tensors. Other subclasses keep their type.
inline bool is_plain(PyObject* o) { return Py_TYPE(o) == tensor_type || Py_TYPE(o) == parameter_type; }
inline PyObject* give_tensor(Tensor t) { return reinterpret_cast<PyObject*>(t.release()); }
PyObject* give_maybe(const Tensor& t);  // None when absent
PyObject* give_result(Result& r);
const Tensor& expect_tensor(PyObject* const& o, const char* function, const char* argument);

// ---- dtype, device, Size, layout, memory_format, Generator ----

struct DTypeObject {
  PyObject_HEAD
  DType dtype;
};
extern PyTypeObject* dtype_type;
extern PyObject* dtype_objects[kNumDTypes];
inline PyObject* give_dtype(DType t) { return Py_NewRef(dtype_objects[index_of(t)]); }
DType dtype_from(PyObject* o, const char* what);

struct DeviceObject {
  PyObject_HEAD
  Device device;
};
extern PyTypeObject* device_type;
PyObject* give_device(Device d);
Device device_from(PyObject* o);
bool is_device_like(PyObject* o);  // device, str or int

extern PyTypeObject* size_type;
PyObject* give_size(const Dims& d);

struct GeneratorObject {
  PyObject_HEAD
  Generator* generator;
};  // owned, except the process's default one
extern PyTypeObject* generator_type;

extern PyTypeObject* named_type;             // layout and memory_format: constants with a name
PyObject* named_constant(const char* name);  // "strided", "contiguous_format", ...; borrowed

// ---- numbers and sequences ----

// What counts as a number: Python's, NumPy scalars, 0-d tensors where `tensors` allows.
bool scalar_from(PyObject* o, Scalar& out, bool tensors);
PyObject* give_scalar(const Scalar& s);
int64_t int_from(PyObject* o);           // __index__; throws PythonError
bool ints_from(PyObject* o, Dims& out);  // a list or tuple of integers; false when it is something else

// ---- parts of the module, each in its own file ----

bool init_types(PyObject* module);
bool init_tensor(PyObject* module);
bool init_native(PyObject* module);
bool init_override(PyObject* module);
bool init_autograd(PyObject* module);
bool init_function(PyObject* module);
bool init_interop(PyObject* module);
bool init_formulas(PyObject* module);
bool init_batching(PyObject* module);
bool init_autocast(PyObject* module);
bool init_graph(PyObject* module);

PyObject* show_node(Node* n);  // the Python object of a node; borrowed
PyObject* tensor_getitem(PyObject* self, PyObject* key);
int tensor_setitem(PyObject* self, PyObject* key, PyObject* value);
PyObject* tensor_tolist(PyObject* self, PyObject*);
Tensor tensor_from_data(PyObject* data, std::optional<DType> dtype);  // nested sequences, numbers, arrays; copies
Tensor tensor_from_buffer(PyObject* o);  // shares the memory of anything with the buffer protocol
int tensor_getbuffer(PyObject* self, Py_buffer* view, int flags);
void tensor_releasebuffer(PyObject* self, Py_buffer* view);
PyObject* array_interface_getter(PyObject* self, void*);
extern PyMethodDef interop_methods[], autograd_methods[];
extern PyGetSetDef autograd_attributes[];

}  // namespace facula
