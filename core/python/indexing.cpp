// x[...] read and written: integers, slices, None, Ellipsis, integer tensors and lists, masks, mixed as in PyTorch.
#include "ops/checked.h"
#include "ops/ops.h"
#include "python/native.h"

namespace facula {

namespace {

struct Parsed {
  Tensor view;          // after all basic indices
  TensorList advanced;  // one for each dimension of the view, absent where there is none
  bool any_advanced = false;
};

bool is_array_like(PyObject* o) {
  if (is_tensor(o)) return true;
  const char* name = Py_TYPE(o)->tp_name;
  return name && std::string_view(name) == "numpy.ndarray";
}

// PyTorch (and old NumPy) read a list with sequences, slices, tensors, None or Ellipsis in it as a tuple of indices.
bool list_is_tuple(PyObject* o) {
  if (!PyList_Check(o)) return false;
  Py_ssize_t n = PyList_GET_SIZE(o);
  if (n >= 32) return false;
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyObject* item = PyList_GET_ITEM(o, i);
    if (is_tensor(item) || PySlice_Check(item) || item == Py_None || item == Py_Ellipsis) return true;
    if (PyList_Check(item) || PyTuple_Check(item)) return true;
  }
  return false;
}

int64_t slice_bound(PyObject* o, int64_t missing) {
  if (o == Py_None) return missing;
  Ref index = check(PyNumber_Index(o));
  int overflow;
  long long v = PyLong_AsLongLongAndOverflow(index.get(), &overflow);
  return overflow > 0 ? INT64_MAX : overflow < 0 ? INT64_MIN / 2 : v;
}

Tensor apply_slice(const Tensor& x, int64_t dim, PyObject* key) {
  auto* s = reinterpret_cast<PySliceObject*>(key);
  int64_t step = slice_bound(s->step, 1);
  FACULA_CHECK(step > 0, Value, "step must be greater than zero");
  int64_t start = slice_bound(s->start, 0), stop = slice_bound(s->stop, INT64_MAX);
  FACULA_CHECK(x->ndim() > 0, Index, "slice() cannot be applied to a 0-dim tensor.");
  if (start == 0 && step == 1 && stop >= x->sizes[dim]) return x;
  return ops::slice(x, dim, start, stop, step);
}

// How many dimensions of x an index uses up.
int64_t consumes(PyObject* item) {
  if (item == Py_None || item == Py_Ellipsis || PyBool_Check(item)) return 0;
  if (is_tensor(item)) {
    Tensor t = as_tensor(item);
    return t->dtype == DType::Bool || t->dtype == DType::UInt8 ? t->ndim() : 1;
  }
  return 1;
}

void add_advanced(Parsed& p, int64_t& dim, Tensor index) {
  while (static_cast<int64_t>(p.advanced.size()) < dim) p.advanced.push_back(Tensor());
  p.any_advanced = true;
  if (index->dtype == DType::Bool || index->dtype == DType::UInt8) {
    for (int64_t d = 0; d < index->ndim(); ++d)
      FACULA_CHECK(dim + d < p.view->ndim() && index->sizes[d] == p.view->sizes[dim + d], Index,
                   "The shape of the mask ", index->sizes, " at index ", d,
                   " does not match the shape of the indexed tensor ", p.view->sizes, " at index ", dim + d);
    static const OpDef& nonzero = find_op("_nonzero_columns");
    Result columns = call_all(nonzero, index);
    for (Tensor& c : columns.tensors) p.advanced.push_back(c);
    dim += index->ndim();
    return;
  }
  FACULA_CHECK(is_integral(index->dtype) && !is_barebones(index->dtype), Index,
               "tensors used as indices must be long, int, byte or bool tensors");
  p.advanced.push_back(ops::to_dtype(index, DType::Int64));
  ++dim;
}

void apply_one(Parsed& p, int64_t& dim, PyObject* item, int64_t used) {
  if (PyLong_Check(item) && !PyBool_Check(item)) {
    int64_t n = dim < p.view->ndim() ? p.view->sizes[dim] : 0, i = int_from(item);
    FACULA_CHECK(i >= -n && i < n, Index, "index ", i, " is out of bounds for dimension ", dim, " with size ", n);
    p.view = ops::select(p.view, dim, i);
  } else if (PySlice_Check(item)) {
    p.view = apply_slice(p.view, dim, item);
    ++dim;
  } else if (item == Py_None) {
    p.view = ops::unsqueeze(p.view, dim);
    ++dim;
  } else if (item == Py_Ellipsis) {
    dim += p.view->ndim() - used;
  } else if (PyBool_Check(item)) {
    p.view = ops::unsqueeze(p.view, dim);
    add_advanced(p, dim, ops::full({1}, Scalar(item == Py_True), DType::Bool));
  } else if (is_tensor(item)) {
    Tensor t = as_tensor(item);
    bool integral = is_integral(t->dtype) && t->dtype != DType::Bool && t->dtype != DType::UInt8;
    if (t->ndim() == 0 && integral && !is_batched(t.get())) {
      Ref number = check(give_scalar(ops::item(t)));
      return apply_one(p, dim, number.get(), used);
    }
    if (t->ndim() == 0 && t->dtype == DType::Bool) {
      p.view = ops::unsqueeze(p.view, dim);
      return add_advanced(p, dim, ops::full({1}, Scalar(ops::item(t).to_bool()), DType::Bool));
    }
    add_advanced(p, dim, t);
  } else if (PyList_Check(item) || PyTuple_Check(item) || is_array_like(item)) {
    Tensor t = tensor_from_data(item, std::nullopt);
    if (t->numel == 0 && is_floating(t->dtype)) t = ops::to_dtype(t, DType::Int64);
    add_advanced(p, dim, t);
  } else if (PyIndex_Check(item)) {
    Ref number = check(PyNumber_Index(item));
    apply_one(p, dim, number.get(), used);
  } else {
    FACULA_CHECK(!PyUnicode_Check(item), Type,
                 "new(): invalid data type 'str': a tensor cannot be indexed by a string");
    fail(ErrorKind::Index,
         "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid "
         "indices (got ",
         Py_TYPE(item)->tp_name, ")");
  }
}

Parsed parse_index(const Tensor& x, PyObject* key) {
  Parsed p;
  p.view = x;
  if (is_tensor(key) && as_tensor(key)->dtype == DType::Bool && x->ndim() > 0 && as_tensor(key)->sizes == x->sizes) {
    p.advanced.push_back(as_tensor(key));  // x[mask] needs no indices
    p.any_advanced = true;
    return p;
  }
  Ref tuple = PyTuple_Check(key)   ? Ref::borrowed(key)
              : list_is_tuple(key) ? check(PyList_AsTuple(key))
                                   : check(PyTuple_Pack(1, key));
  Py_ssize_t n = PyTuple_GET_SIZE(tuple.get());
  int64_t consumed = 0, ellipses = 0;
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyObject* item = PyTuple_GET_ITEM(tuple.get(), i);
    consumed += consumes(item);
    ellipses += item == Py_Ellipsis;
  }
  FACULA_CHECK(ellipses <= 1, Index, "an index can only have a single ellipsis ('...')");
  FACULA_CHECK(consumed <= x->ndim(), Index, "too many indices for tensor of dimension ", x->ndim(), " (got ", consumed,
               ")");
  int64_t dim = 0;
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyObject* item = PyTuple_GET_ITEM(tuple.get(), i);
    int64_t after = 0;  // dimensions that the items behind an ellipsis will use
    if (item == Py_Ellipsis)
      for (Py_ssize_t k = i + 1; k < n; ++k) after += consumes(PyTuple_GET_ITEM(tuple.get(), k));
    apply_one(p, dim, item, item == Py_Ellipsis ? dim + after : 0);
  }
  return p;
}

Tensor value_tensor(PyObject* value, const Tensor& self) {
  if (is_tensor(value)) return as_tensor(value);
  Scalar s;
  if (scalar_from(value, s, false)) {
    FACULA_CHECK(!s.is_unsigned || self->dtype == DType::UInt64, Value,
                 "Overflow when unpacking long long: ", static_cast<uint64_t>(s.i),
                 " does not fit in 64 bits with a sign; use a float");
    const bool is_short = is_floating(self->dtype) && self->item_size() == 2;  // a number beyond it becomes infinite
    ops::check_fits(s, is_short ? DType::Float64 : self->dtype);
    return ops::full({}, s, self->dtype);
  }
  FACULA_CHECK(PyList_Check(value) || PyTuple_Check(value) || PyObject_CheckBuffer(value), Type, "can't assign a ",
               Py_TYPE(value)->tp_name, " to a ", tensor_type_text(self.get()));
  return tensor_from_data(value, self->dtype);
}

}  // namespace

namespace {

PyObject* get(PyObject* self, PyObject* key) {
  const Tensor x = as_tensor(self);
  if (PyLong_CheckExact(key) && x->ndim() > 0) {
    int64_t i = int_from(key), n = x->sizes[0];
    FACULA_CHECK(i >= -n && i < n, Index, "index ", i, " is out of bounds for dimension 0 with size ", n);
    return give_tensor(ops::select(x, 0, i));
  }
  if (PyLong_CheckExact(key))
    fail(ErrorKind::Index,
         "invalid index of a 0-dim tensor. Use `tensor.item()` in Python to convert a 0-dim tensor to "
         "a number");
  if (PySlice_Check(key)) {
    Tensor v = apply_slice(x, 0, key);
    return give_tensor(v.is(x) ? call(find_op("alias"), x) : v);
  }
  Parsed p = parse_index(x, key);
  if (p.any_advanced) return give_tensor(ops::index(p.view, p.advanced));
  return give_tensor(p.view.is(x) ? call(find_op("alias"), x) : p.view);
}

void set(PyObject* self, PyObject* key, PyObject* value) {
  const Tensor x = as_tensor(self);
  Parsed p = parse_index(x, key);
  Tensor v = value_tensor(value, x);
  if (!p.any_advanced) {
    ops::copy_(p.view, v);
    return;
  }
  static const OpDef& put = find_op("index_put");
  call_inplace(put, p.view, p.advanced, v->dtype == x->dtype ? v : ops::to_dtype(v, x->dtype), false);
}

// The result of a __torch_function__, or null when no argument has one.
PyObject* overridden(const char* method, PyObject* self, PyObject* key, PyObject* value = nullptr) {
  Ref function = check(PyObject_GetAttrString(reinterpret_cast<PyObject*>(tensor_type), method));
  PyObject* args[] = {self, key, value};
  return intercept(function.get(), args, value ? 3 : 2, nullptr);
}

}  // namespace

PyObject* tensor_getitem(PyObject* self, PyObject* key) {
  return guarded([&]() -> PyObject* {
    if (!is_plain(self) || function_hook)
      if (PyObject* result = overridden("__getitem__", self, key)) return result;
    try {
      return get(self, key);
    } catch (const Error&) {
      if (PyObject* result = overridden("__getitem__", self, key)) return result;
      throw;
    }
  });
}

int tensor_setitem(PyObject* self, PyObject* key, PyObject* value) {
  return guarded_int([&] {
    FACULA_CHECK(value, Type, "Tensor does not support deleting items");
    if (!is_plain(self) || function_hook || (is_tensor(value) && !is_plain(value)))
      if (Ref result = Ref(overridden("__setitem__", self, key, value))) return 0;
    try {
      set(self, key, value);
    } catch (const Error&) {
      if (!Ref(overridden("__setitem__", self, key, value))) throw;
    }
    return 0;
  });
}

}  // namespace facula
