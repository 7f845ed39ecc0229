// Numbers, sequences and results between Python and the core; `torch.tensor(...)` from nested sequences, `tolist`.
#include <algorithm>
#include <cstring>

#include "cpu/copy.h"
#include "ops/checked.h"
#include "ops/ops.h"
#include "python/python.h"

namespace facula {

PyObject* give_maybe(const Tensor& t) {
  if (!t) Py_RETURN_NONE;
  return Py_NewRef(t.object());
}

PyObject* give_result(Result& r) {
  if (r.value.tag == Arg::Number) return give_scalar(r.value.number);
  if (!r.is_sequence) return r.tensors.empty() ? Py_NewRef(Py_None) : give_tensor(std::move(r.tensors[0]));
  PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(r.tensors.size()));
  if (!tuple) return nullptr;
  for (size_t i = 0; i < r.tensors.size(); ++i) PyTuple_SET_ITEM(tuple, i, give_tensor(std::move(r.tensors[i])));
  return tuple;
}

const Tensor& expect_tensor(PyObject* const& o, const char* function, const char* argument) {
  FACULA_CHECK(is_tensor(o), Type, function, "(): argument '", argument, "' must be Tensor, not ", Py_TYPE(o)->tp_name);
  return reinterpret_cast<const Tensor&>(o);
}

// ---- numbers ----

static bool is_numpy_scalar(PyObject* o) {
  const char* name = Py_TYPE(o)->tp_name;
  return !std::strncmp(name, "numpy.", 6) && std::strcmp(name, "numpy.ndarray") != 0;
}

// An integer of at most 64 bits, with or without a sign.
static Scalar whole_from(PyObject* o) {
  int overflow;
  const long long v = PyLong_AsLongLongAndOverflow(o, &overflow);
  if (!overflow) return Scalar(int64_t{v});
  const unsigned long long u = PyLong_AsUnsignedLongLong(o);
  if (!PyErr_Occurred()) {
    detours |= kBarebones;
    return Scalar::of_unsigned(u);
  }
  PyErr_Clear();
  PyErr_SetString(PyExc_OverflowError, "int too big to convert: the integer does not fit in 64 bits");
  throw PythonError();
}

bool scalar_from(PyObject* o, Scalar& out, bool tensors) {
  if (PyFloat_Check(o)) {
    out = Scalar(PyFloat_AS_DOUBLE(o));
    return true;
  }
  if (PyBool_Check(o)) {
    out = Scalar(o == Py_True);
    return true;
  }
  if (PyLong_Check(o)) {
    out = whole_from(o);
    return true;
  }
  if (PyComplex_Check(o)) {
    out = Scalar(PyComplex_RealAsDouble(o), PyComplex_ImagAsDouble(o));
    return true;
  }
  if (is_tensor(o)) {
    Tensor t = as_tensor(o);
    if (!tensors || t->numel != 1 || t->ndim() != 0) return false;
    FACULA_CHECK(!t->requires_grad() || !mode.grad, Type,
                 "a Tensor that requires grad cannot be used as a number here; use .item()");
    out = ops::item(t);
    return true;
  }
  if (!is_numpy_scalar(o)) return false;
  if (std::strstr(Py_TYPE(o)->tp_name, "bool")) {
    out = Scalar(PyObject_IsTrue(o) == 1);
    return true;
  }
  if (PyIndex_Check(o)) {
    out = whole_from(check(PyNumber_Index(o)).get());
    return true;
  }
  PyObject* f = PyNumber_Float(o);
  if (!f) throw PythonError();
  out = Scalar(PyFloat_AS_DOUBLE(f));
  Py_DECREF(f);
  return true;
}

PyObject* give_scalar(const Scalar& s) {
  switch (s.kind) {
    case Category::Bool: return PyBool_FromLong(s.i != 0);
    case Category::Integer:
      return s.is_unsigned ? PyLong_FromUnsignedLongLong(static_cast<uint64_t>(s.i)) : PyLong_FromLongLong(s.i);
    case Category::Float: return PyFloat_FromDouble(s.re);
    default: return PyComplex_FromDoubles(s.re, s.im);
  }
}

int64_t int_from(PyObject* o) {
  if (!PyLong_Check(o)) {
    Ref index = check(PyNumber_Index(o));
    return int_from(index.get());
  }
  int overflow;
  long long v = PyLong_AsLongLongAndOverflow(o, &overflow);
  FACULA_CHECK(overflow == 0, Value, "Overflow when unpacking long long: the integer does not fit in 64 bits");
  if (v == -1 && PyErr_Occurred()) throw PythonError();
  return v;
}

bool ints_from(PyObject* o, Dims& out) {
  if (!PyTuple_Check(o) && !PyList_Check(o)) return false;
  Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyObject* item = PySequence_Fast_GET_ITEM(o, i);
    if (!PyIndex_Check(item)) return false;
    out.push_back(int_from(item));
  }
  return true;
}

// ---- tensor(data) ----

namespace {

// What the elements of nested sequences have in common.
struct Survey {
  Dims sizes;
  int kind = -1;   // highest Category of Python numbers, -1: none yet
  int dtype = -1;  // promoted type of tensors and NumPy scalars among them
};

constexpr int kMaxDepth = 64;

bool is_sequence(PyObject* o) {
  return PyList_Check(o) || PyTuple_Check(o) ||
         (PySequence_Check(o) && !PyUnicode_Check(o) && !PyBytes_Check(o) && !is_tensor(o) && !is_numpy_scalar(o) &&
          !PyDict_Check(o));
}

// NumPy's arrays. Other buffers (bytearray, array.array) are sequences of numbers, as for PyTorch.
bool is_array(PyObject* o) {
  return !is_tensor(o) && !PyBytes_Check(o) && PyObject_CheckBuffer(o) && !is_numpy_scalar(o) &&
         PyObject_HasAttrString(o, "__array_interface__");
}

void survey_leaf(PyObject* o, Survey& s) {
  if (is_tensor(o)) {
    Tensor t = as_tensor(o);
    FACULA_CHECK(t->numel == 1, Value, "only one element tensors can be converted to Python scalars");
    s.dtype = s.dtype < 0 ? index_of(t->dtype) : index_of(promote_types(static_cast<DType>(s.dtype), t->dtype));
    return;
  }
  Scalar v;
  if (PyLong_Check(o) && !PyBool_Check(o)) {
    s.kind = std::max(s.kind, static_cast<int>(Category::Integer));
    return;
  }
  if (is_numpy_scalar(o)) {
    const char* name = Py_TYPE(o)->tp_name + 6;
    for (int i = 0; i < kNumDTypes; ++i)
      if (!std::strcmp(name, kDTypeName[i]) || (i == 0 && !std::strncmp(name, "bool", 4)) ||
          (static_cast<DType>(i) == DType::UInt64 && !std::strcmp(name, "ulonglong"))) {
        announced(static_cast<DType>(i));
        s.dtype = s.dtype < 0 ? i : index_of(promote_types(static_cast<DType>(s.dtype), static_cast<DType>(i)));
        return;
      }
  }
  FACULA_CHECK(!PyUnicode_Check(o), Type, "new(): invalid data type 'str': a tensor holds numbers");
  FACULA_CHECK(scalar_from(o, v, false), Runtime, "Could not infer dtype of ", Py_TYPE(o)->tp_name);
  s.kind = std::max(s.kind, static_cast<int>(v.kind));
}

void survey(PyObject* o, Survey& s, int depth) {
  if (!is_sequence(o)) {
    FACULA_CHECK(depth == static_cast<int>(s.sizes.size()), Type, "not a sequence: expected sequence of length ",
                 depth < static_cast<int>(s.sizes.size()) ? s.sizes[depth] : 0, " at dim ", depth, " (got a ",
                 Py_TYPE(o)->tp_name, ")");
    return survey_leaf(o, s);
  }
  FACULA_CHECK(depth < kMaxDepth, Value, "too many dimensions '", Py_TYPE(o)->tp_name, "'");
  Ref fast = check(PySequence_Fast(o, "expected a sequence"));
  Py_ssize_t n = PySequence_Fast_GET_SIZE(fast.get());
  FACULA_CHECK(depth < static_cast<int>(s.sizes.size()), Type, "'", Py_TYPE(o)->tp_name,
               "' object cannot be interpreted as a number: elements before it at dim ", depth, " are no sequences");
  FACULA_CHECK(n == s.sizes[depth], Value, "expected sequence of length ", s.sizes[depth], " at dim ", depth, " (got ",
               n, ")");
  for (Py_ssize_t i = 0; i < n; ++i) survey(PySequence_Fast_GET_ITEM(fast.get(), i), s, depth + 1);
}

Dims shape_of(PyObject* o) {
  Dims sizes;
  Ref held = Ref::borrowed(o);
  while (is_sequence(held.get())) {
    Py_ssize_t n = PySequence_Size(held.get());
    if (n < 0) throw PythonError();
    sizes.push_back(n);
    FACULA_CHECK(sizes.size() <= kMaxDepth, Value, "too many dimensions '", Py_TYPE(o)->tp_name, "'");
    if (n == 0) break;
    held = check(PySequence_GetItem(held.get(), 0));
  }
  FACULA_CHECK(sizes.empty() || !PyUnicode_Check(held.get()), Value,
               "too many dimensions 'str': a tensor holds numbers");
  return sizes;
}

// PyTorch fills a uint64 tensor by Python's own conversion, which takes no fractions and no negative numbers.
void check_unsigned(const Scalar& s) {
  FACULA_CHECK(s.is_integral(), Type, "an integer is required to fill a uint64 tensor");
  if (s.is_unsigned || s.i >= 0) return;
  PyErr_SetString(PyExc_OverflowError, "can't convert negative int to unsigned");
  throw PythonError();
}

template <class T>
struct Fill {
  T* out;
  std::optional<DType> narrow = std::nullopt;  // the integers that every number must fit
  void leaf(PyObject* o) {
    if (is_tensor(o)) return store(ops::item(as_tensor(o)));
    if (std::is_same_v<T, double> && PyLong_Check(o)) {  // also those of more than 64 bits
      double v = PyLong_AsDouble(o);
      if (v == -1 && PyErr_Occurred()) throw PythonError();
      return store(Scalar(v));
    }
    if (std::is_same_v<T, int64_t> && PyLong_Check(o) && narrow != DType::UInt64) return store(Scalar(int_from(o)));
    Scalar s;
    FACULA_CHECK(scalar_from(o, s, false), Type, "new(): invalid data type '", Py_TYPE(o)->tp_name, "'");
    store(s);
  }
  void store(const Scalar& s) {
    constexpr bool whole = std::is_same_v<T, int64_t>;
    FACULA_CHECK(!whole || !s.is_unsigned || narrow == DType::UInt64, Value,
                 "Overflow when unpacking long long: the integer does not fit in 64 bits with a sign; "
                 "dtype=torch.uint64 holds it");
    if (narrow == DType::UInt64) check_unsigned(s);
    if (narrow) ops::check_fits(s, *narrow);
    if constexpr (whole)
      *out++ = s.to_int();
    else if constexpr (std::is_same_v<T, double>)
      *out++ = s.to_double();
    else
      *out++ = {s.to_double(), s.im};
  }
  void walk(PyObject* o, size_t depth) {
    if (depth == 0) return leaf(o);
    Ref fast = check(PySequence_Fast(o, "expected a sequence"));
    Py_ssize_t n = PySequence_Fast_GET_SIZE(fast.get());
    for (Py_ssize_t i = 0; i < n; ++i) walk(PySequence_Fast_GET_ITEM(fast.get(), i), depth - 1);
  }
};

DType type_of(const Survey& s) {
  int t = -1;
  if (s.kind >= 0) {
    Category c = static_cast<Category>(s.kind);
    t = index_of(c == Category::Bool      ? DType::Bool
                 : c == Category::Integer ? DType::Int64
                 : c == Category::Float   ? default_dtype
                                          : complex_of(default_dtype));
  }
  if (s.dtype >= 0) t = t < 0 ? s.dtype : index_of(promote_types(static_cast<DType>(s.dtype), static_cast<DType>(t)));
  return t < 0 ? default_dtype : static_cast<DType>(t);
}

}  // namespace

Tensor tensor_from_data(PyObject* data, std::optional<DType> dtype) {
  if (is_tensor(data)) {
    GradMode off(false);
    Tensor t = as_tensor(data);
    return dtype && *dtype != t->dtype ? ops::converted_memory(t, *dtype) : ops::clone(t);
  }
  if (is_array(data)) {
    GradMode off(false);
    Tensor shared = tensor_from_buffer(data);
    return dtype && *dtype != shared->dtype ? ops::converted_memory(shared, *dtype) : ops::clone(shared);
  }
  FACULA_CHECK(!PyUnicode_Check(data) && !PyBytes_Check(data), Type, "new(): invalid data type '",
               Py_TYPE(data)->tp_name, "'");
  Survey s;
  s.sizes = shape_of(data);
  survey(data, s, 0);
  DType type = dtype.value_or(type_of(s));
  bool complex = s.kind == static_cast<int>(Category::Complex) ||
                 (s.dtype >= 0 && is_complex(static_cast<DType>(s.dtype))) || is_complex(type);
  FACULA_CHECK(!complex || is_complex(type), Type, "can't convert complex to ", name_of(type));
  bool integral =
      s.kind <= static_cast<int>(Category::Integer) && (s.dtype < 0 || is_integral(static_cast<DType>(s.dtype)));
  // Integers that become floats go through a double, as PyTorch's do.
  integral =
      integral && (category(type) == Category::Integer || s.kind < static_cast<int>(Category::Integer) || s.dtype >= 0);
  std::optional<DType> narrow = std::nullopt;
  if (category(type) == Category::Integer && (type != DType::Int64 || !integral)) narrow = type;
  size_t depth = s.sizes.size();
  Tensor raw = empty(s.sizes, complex ? DType::Complex128 : integral ? DType::Int64 : DType::Float64);
  if (raw->numel > 0) {
    if (complex)
      Fill<Complex<double>>{raw->ptr<Complex<double>>()}.walk(data, depth);
    else if (integral)
      Fill<int64_t>{raw->ptr<int64_t>(), narrow}.walk(data, depth);
    else
      Fill<double>{raw->ptr<double>(), narrow}.walk(data, depth);
  }
  return ops::converted_memory(raw, type);
}

// ---- tolist ----

static PyObject* list_of(const Tensor& t, int64_t dim, const char* at) {
  if (dim == t->ndim()) {
    Tensor one = alias(t, {}, {}, at - static_cast<char*>(t->storage->data));
    return give_scalar(ops::item(one));
  }
  int64_t n = t->sizes[dim], step = t->strides[dim] * t->item_size();
  Ref list = check(PyList_New(n));
  if (dim == t->ndim() - 1 && (t->dtype == DType::Float32 || t->dtype == DType::Int64)) {
    for (int64_t i = 0; i < n; ++i, at += step) {
      PyObject* v = t->dtype == DType::Float32 ? PyFloat_FromDouble(*reinterpret_cast<const float*>(at))
                                               : PyLong_FromLongLong(*reinterpret_cast<const int64_t*>(at));
      PyList_SET_ITEM(list.get(), i, check(v).release());
    }
    return list.release();
  }
  for (int64_t i = 0; i < n; ++i, at += step) PyList_SET_ITEM(list.get(), i, check(list_of(t, dim + 1, at)).release());
  return list.release();
}

PyObject* tensor_tolist(PyObject* self, PyObject*) {
  return guarded([&] {
    Tensor t = as_tensor(self);
    refuse_batched(t.get(), ".tolist()");
    return list_of(t, 0, t->data());
  });
}

}  // namespace facula
