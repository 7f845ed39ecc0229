// facula._C._formulas: the table's formulas for tests and tools, on buffers. Not part of the public API.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/error.h"
#include "ops/formula_probe.h"

namespace facula {
namespace {

PyObject* raise(const Error& e) {
  PyObject* type = e.kind == ErrorKind::NotImplemented ? PyExc_NotImplementedError
                   : e.kind == ErrorKind::Value        ? PyExc_ValueError
                                                       : PyExc_RuntimeError;
  PyErr_SetString(type, e.what());
  return nullptr;
}

PyObject* names(PyObject*, PyObject*) {
  int count;
  const PointwiseDef* defs = pointwise_defs(&count);
  PyObject* list = PyList_New(count);
  for (int i = 0; list && i < count; ++i) PyList_SET_ITEM(list, i, PyUnicode_FromString(defs[i].name));
  return list;
}

PyObject* info(PyObject*, PyObject* name) {
  const char* text = PyUnicode_AsUTF8(name);
  if (!text) return nullptr;
  try {
    const PointwiseDef& d = probe::find(text);
    int columns = 0, ahead = 0, own = 0;
    for (int t = 0; t < kOwnTypes; ++t) own |= (d.own[t] != nullptr) << t;
    for (int c = 0; c < kColumns; ++c) columns |= (d.kernel[c] != nullptr) << c;
    for (int j = 0; j < kMaxOperands; ++j) ahead |= (d.derivative[j][0] != nullptr) << j;
    const char* result = d.result == ResultType::Promoted ? "promoted"
                         : d.result == ResultType::Own    ? "own"
                         : d.result == ResultType::Float  ? "float"
                                                          : "bool";
    return Py_BuildValue("{s:i,s:s,s:N,s:i,s:i,s:z,s:i,s:N,s:i}", "arity", d.arity, "result", result, "saves_result",
                         PyBool_FromLong(d.saves_result), "differentiable", d.differentiable, "columns", columns,
                         "node_name", d.node_name, "ahead", ahead, "may_divide_by_zero",
                         PyBool_FromLong(d.may_divide_by_zero), "own", own);
  } catch (const Error& e) { return raise(e); }
}

// -1, j or (j, k).
bool parse_order(PyObject* o, probe::Order& order) {
  if (PyTuple_Check(o)) return PyArg_ParseTuple(o, "ii", &order.j, &order.k);
  order.j = static_cast<int>(PyLong_AsLong(o));
  return !PyErr_Occurred();
}

struct Buffers {
  std::vector<Py_buffer> views;
  ~Buffers() {
    for (Py_buffer& v : views) PyBuffer_Release(&v);
  }
};

struct ColumnFormat {
  const char* format;
  Column column;
};
constexpr ColumnFormat kFormats[] = {{"f", Column::F32}, {"d", Column::F64},  {"q", Column::I64},
                                     {"l", Column::I64}, {"Zf", Column::C64}, {"Zd", Column::C128}};

// evaluate(name, how, order, *buffers) -> bytes
PyObject* evaluate(PyObject*, PyObject* args) {
  Py_ssize_t given = PyTuple_GET_SIZE(args);
  if (given < 4) return PyErr_Format(PyExc_TypeError, "evaluate(name, how, order, *buffers): too few arguments");
  const char* name = PyUnicode_AsUTF8(PyTuple_GET_ITEM(args, 0));
  const char* how = name ? PyUnicode_AsUTF8(PyTuple_GET_ITEM(args, 1)) : nullptr;
  probe::Order order;
  if (!how || !parse_order(PyTuple_GET_ITEM(args, 2), order)) return nullptr;
  Buffers buffers;
  std::vector<const void*> in;
  for (Py_ssize_t i = 3; i < given; ++i) {
    Py_buffer view;
    if (PyObject_GetBuffer(PyTuple_GET_ITEM(args, i), &view, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)) return nullptr;
    buffers.views.push_back(view);
    in.push_back(view.buf);
    const Py_buffer& first = buffers.views.front();
    if (view.len != first.len || std::strcmp(view.format, first.format))
      return PyErr_Format(PyExc_ValueError, "evaluate: buffers of different sizes or types");
  }
  try {
    const PointwiseDef& d = probe::find(name);
    FACULA_CHECK(static_cast<int>(in.size()) == probe::operand_count(d, order), Value, "evaluate: ", name, " takes ",
                 probe::operand_count(d, order), " buffers, given ", in.size());
    const Py_buffer& first = buffers.views.front();
    const ColumnFormat* format = nullptr;
    for (const ColumnFormat& f : kFormats)
      if (!std::strcmp(f.format, first.format)) format = &f;
    FACULA_CHECK(format, Value, "evaluate: buffers of float, double, int64 or complex expected, given '", first.format,
                 "'");
    const bool bytes = d.result == ResultType::Bool && order.j < 0;
    const Py_ssize_t n = first.len / first.itemsize;
    PyObject* out = PyBytes_FromStringAndSize(nullptr, bytes ? n : first.len);
    if (!out) return nullptr;
    try {
      probe::How form = std::strcmp(how, "kernel") == 0 ? probe::How::Kernel : probe::How::Interpreter;
      probe::evaluate(d, form, order, format->column, n, PyBytes_AS_STRING(out), in.data());
    } catch (...) {
      Py_DECREF(out);
      throw;
    }
    return out;
  } catch (const Error& e) { return raise(e); }
}

bool parse_dtype(const char* text, DType& dtype) {
  for (DType t : {DType::Float32, DType::Float64, DType::Int64})
    if (!std::strcmp(text, name_of(t))) {
      dtype = t;
      return true;
    }
  PyErr_Format(PyExc_ValueError, "cuda_source: dtype must be float32, float64 or int64, given '%s'", text);
  return false;
}

// cuda_source(name, order, dtype, kernel_name=None): a whole translation unit, or one kernel when it is named.
PyObject* cuda_source(PyObject*, PyObject* args) {
  const char *name, *type, *kernel_name = nullptr;
  PyObject* which;
  probe::Order order;
  DType dtype;
  if (!PyArg_ParseTuple(args, "sOs|z", &name, &which, &type, &kernel_name) || !parse_order(which, order) ||
      !parse_dtype(type, dtype))
    return nullptr;
  try {
    std::string text = probe::cuda_source(probe::find(name), order, dtype, kernel_name ? kernel_name : "pointwise");
    if (!kernel_name) text = cuda_prelude() + text;
    return PyUnicode_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
  } catch (const Error& e) { return raise(e); }
}

// expression(name, order): the simplified formula as text.
PyObject* expression(PyObject*, PyObject* args) {
  const char* name;
  PyObject* which;
  probe::Order order;
  if (!PyArg_ParseTuple(args, "sO", &name, &which) || !parse_order(which, order)) return nullptr;
  try {
    return PyUnicode_FromString(to_string(probe::expression(probe::find(name), order)).c_str());
  } catch (const Error& e) { return raise(e); }
}

PyObject* prelude(PyObject*, PyObject*) { return PyUnicode_FromString(cuda_prelude()); }

PyMethodDef kMethods[] = {{"names", names, METH_NOARGS, nullptr},
                          {"info", info, METH_O, nullptr},
                          {"evaluate", evaluate, METH_VARARGS, nullptr},
                          {"expression", expression, METH_VARARGS, nullptr},
                          {"cuda_source", cuda_source, METH_VARARGS, nullptr},
                          {"cuda_prelude", prelude, METH_NOARGS, nullptr},
                          {nullptr, nullptr, 0, nullptr}};
PyModuleDef kModule = {PyModuleDef_HEAD_INIT, "facula._C._formulas", nullptr, -1, kMethods};

}  // namespace

// Adds the submodule to `module`; false with a Python exception set.
bool init_formulas(PyObject* module) {
  PyObject* formulas = PyModule_Create(&kModule);
  if (!formulas) return false;
  if (PyModule_AddObject(module, "_formulas", formulas) == 0) return true;
  Py_DECREF(formulas);
  return false;
}

}  // namespace facula
