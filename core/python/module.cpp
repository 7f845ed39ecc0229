// facula._C: the extension module, and what belongs to the process rather than to a tensor.
#include "base/gil.h"
#include "cpu/dispatch.h"
#include "python/python.h"
#include "runtime/allocator.h"
#include "runtime/blas.h"
#include "runtime/parallel.h"

namespace facula {

void collect_tensor_methods();

namespace {

PyObject* get_num_threads(PyObject*, PyObject*) { return PyLong_FromLong(num_threads()); }
PyObject* set_threads(PyObject*, PyObject* n) {
  return guarded([&]() -> PyObject* {
    FACULA_CHECK(PyLong_Check(n) && !PyBool_Check(n), Type, "set_num_threads expects an int, but got ",
                 Py_TYPE(n)->tp_name);
    int64_t count = int_from(n);
    FACULA_CHECK(count > 0 && count < 100000, Runtime, "set_num_threads expects a positive integer");
    set_num_threads(static_cast<int>(count));
    Py_RETURN_NONE;
  });
}
PyObject* isa_of(PyObject*, PyObject*) { return PyUnicode_FromString(cpu::isa_name(cpu::isa())); }
PyObject* set_blas(PyObject*, PyObject* path) {
  return guarded([&]() -> PyObject* {
    const char* text = PyUnicode_AsUTF8(path);
    if (!text) throw PythonError();
    set_blas_path(text);
    Py_RETURN_NONE;
  });
}
PyObject* memory(PyObject*, PyObject*) {
  AllocatorStats s = allocator_stats();
  return Py_BuildValue("{s:L,s:L,s:L,s:L}", "in_use", static_cast<long long>(s.in_use), "cached",
                       static_cast<long long>(s.cached), "peak", static_cast<long long>(s.peak), "made",
                       static_cast<long long>(s.made));
}
PyObject* empty_cached(PyObject*, PyObject*) {
  empty_cache();
  Py_RETURN_NONE;
}
PyObject* check_device_of(PyObject*, PyObject* o) {
  return guarded([&]() -> PyObject* {
    check_device(device_from(o));
    Py_RETURN_NONE;
  });
}
PyObject* get_default(PyObject*, PyObject*) { return give_dtype(default_dtype); }
PyObject* set_default(PyObject*, PyObject* o) {
  return guarded([&]() -> PyObject* {
    DType t = dtype_from(o, "set_default_dtype(): argument 'd'");
    FACULA_CHECK(is_floating(t), Type, "only floating-point types are supported as the default type");
    default_dtype = t;
    Py_RETURN_NONE;
  });
}
PyObject* promote(PyObject*, PyObject* args) {
  PyObject *a, *b;
  if (!PyArg_ParseTuple(args, "OO:promote_types", &a, &b)) return nullptr;
  return guarded([&] { return give_dtype(promote_types(dtype_from(a, "type1"), dtype_from(b, "type2"))); });
}
PyObject* set_parameter_type(PyObject*, PyObject* type) {
  if (!PyType_Check(type) || !PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(type), tensor_type)) {
    PyErr_SetString(PyExc_TypeError, "expected a subclass of Tensor");
    return nullptr;
  }
  Py_XSETREF(parameter_type, reinterpret_cast<PyTypeObject*>(Py_NewRef(type)));
  Py_RETURN_NONE;
}

// See Note [Threads at exit]. Threads that already wait for the lock get it once more, to reach a safe place. The
// number of tries is bounded, because the child of a fork counts threads that it does not have.
PyObject* at_exit(PyObject*, PyObject*) {
  process_is_ending = true;
  for (int tries = 0; tries < 1000 && threads_asking.load() > 0; ++tries) {
    PyThreadState* state = PyEval_SaveThread();
    usleep(500);
    PyEval_RestoreThread(state);
  }
  Py_RETURN_NONE;
}
bool register_at_exit(PyObject* module) {
  PyObject* atexit = PyImport_ImportModule("atexit");
  PyObject* callback = atexit ? PyObject_GetAttrString(module, "_at_exit") : nullptr;
  PyObject* done = callback ? PyObject_CallMethod(atexit, "register", "O", callback) : nullptr;
  Py_XDECREF(atexit);
  Py_XDECREF(callback);
  Py_XDECREF(done);
  return done != nullptr;
}

PyMethodDef methods[] = {
    {"_at_exit", at_exit, METH_NOARGS, "Before the interpreter ends."},
    {"get_num_threads", get_num_threads, METH_NOARGS, "get_num_threads() -> int: threads a large operation may use."},
    {"set_num_threads", set_threads, METH_O, "set_num_threads(n): how many threads a large operation may use."},
    {"_isa", isa_of, METH_NOARGS, "The instruction set of the kernels: baseline, avx2 or avx512."},
    {"_set_blas_path", set_blas, METH_O, "Where OpenBLAS is; loaded at the first large product."},
    {"_memory_stats", memory, METH_NOARGS, "Bytes in use, cached and at the peak; blocks made in this thread."},
    {"_empty_cache", empty_cached, METH_NOARGS, "Gives cached memory back to the system."},
    {"get_default_dtype", get_default, METH_NOARGS, "get_default_dtype() -> dtype: the type of Python floats."},
    {"set_default_dtype", set_default, METH_O, "set_default_dtype(d): the type of Python floats."},
    {"promote_types", promote, METH_VARARGS,
     "promote_types(type1, type2) -> dtype: the smallest type that holds both."},
    {"_check_device", check_device_of, METH_O, "Raises where there is no such device."},
    {"_set_parameter_type", set_parameter_type, METH_O, "The subclass whose results are plain tensors."},
    {}};
PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "facula._C", "The core of facula.", -1, methods, nullptr, nullptr, nullptr, nullptr};

}  // namespace
}  // namespace facula

PyMODINIT_FUNC PyInit__C() {
  using namespace facula;
  PyObject* module = PyModule_Create(&definition);
  if (!module) return nullptr;
#if defined(__SANITIZE_ADDRESS__)
  constexpr int sanitized = 1;  // nothing is cached, and memory that was given back stays resident for a while
#else
  constexpr int sanitized = 0;
#endif
  collect_tensor_methods();
  if (PyModule_AddIntConstant(module, "_sanitized", sanitized) < 0 || !init_types(module) || !init_tensor(module) ||
      !init_native(module) || !init_override(module) || !init_autograd(module) || !init_function(module) ||
      !init_interop(module) || !init_formulas(module) || !init_batching(module) || !init_autocast(module) ||
      !init_graph(module) || !register_at_exit(module)) {
    Py_DECREF(module);
    return nullptr;
  }
  return module;
}
