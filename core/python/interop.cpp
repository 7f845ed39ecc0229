// Memory shared with other libraries: buffer protocol, NumPy's __array_interface__, DLPack. NumPy is never imported
// here unless the caller asked for an array.
#include <cstring>

#include "ops/ops.h"
#include "python/python.h"

namespace facula {

namespace {

inline TensorObject* raw(PyObject* o) { return reinterpret_cast<TensorObject*>(o); }

// struct-module codes and NumPy type strings, by dtype; bfloat16 has none.
const char* const kFormats[kNumDTypes] = {"?", "B", "b",  "h",  "i", "q", "e", nullptr,
                                          "f", "d", "Zf", "Zd", "H", "I", "Q"};
const char* const kTypeStrings[kNumDTypes] = {"|b1", "|u1", "|i1", "<i2",  "<i4", "<i8", "<f2", nullptr,
                                              "<f4", "<f8", "<c8", "<c16", "<u2", "<u4", "<u8"};

void check_exportable(const Tensor& t) {
  refuse_batched(t.get(), ".numpy()");
  FACULA_CHECK(!(t->requires_grad() && mode.grad) && !t->requires_grad(), Runtime,
               "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.");
  FACULA_CHECK(t->dtype != DType::BFloat16, Type, "Got unsupported ScalarType BFloat16");
}

struct ExportedShape {
  Py_ssize_t shape[kMaxDims], strides[kMaxDims];
};

// ---- DLPack (dlpack.h, version 0.8: the structures that `__dlpack__` capsules hold) ----

struct DLDevice {
  int32_t type;
  int32_t id;
};
struct DLDataType {
  uint8_t code, bits;
  uint16_t lanes;
};
struct DLTensor {
  void* data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t* shape;
  int64_t* strides;
  uint64_t byte_offset;
};
struct DLManagedTensor {
  DLTensor tensor;
  void* context;
  void (*deleter)(DLManagedTensor*);
};
enum : uint8_t { kDLInt = 0, kDLUInt = 1, kDLFloat = 2, kDLBfloat = 4, kDLComplex = 5, kDLBool = 6 };

DLDataType dl_type(DType t) {
  uint8_t bits = static_cast<uint8_t>(item_size(t) * 8);
  if (t == DType::Bool) return {kDLBool, 8, 1};
  if (is_unsigned(t)) return {kDLUInt, bits, 1};
  if (t == DType::BFloat16) return {kDLBfloat, 16, 1};
  if (is_complex(t)) return {kDLComplex, bits, 1};
  return {is_floating(t) ? kDLFloat : kDLInt, bits, 1};
}
DType from_dl_type(DLDataType d) {
  for (int i = 0; i < kNumDTypes; ++i) {
    DLDataType k = dl_type(static_cast<DType>(i));
    if (k.code == d.code && k.bits == d.bits && d.lanes == 1) return announced(static_cast<DType>(i));
  }
  fail(ErrorKind::Runtime, "from_dlpack: unsupported type: code ", int{d.code}, ", ", int{d.bits}, " bits, ", d.lanes,
       " lanes");
}

void delete_managed(DLManagedTensor* m) {
  PyGILState_STATE state = PyGILState_Ensure();
  Py_DECREF(static_cast<PyObject*>(m->context));
  PyGILState_Release(state);
  delete[] m->tensor.shape;
  delete[] m->tensor.strides;
  delete m;
}
void destroy_capsule(PyObject* capsule) {
  if (!PyCapsule_IsValid(capsule, "dltensor")) return;  // consumed
  auto* m = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule, "dltensor"));
  m->deleter(m);
}

PyObject* to_dlpack(PyObject* o, PyObject*, PyObject*) {
  return guarded([&] {
    Tensor t = as_tensor(o);
    refuse_batched(t.get(), ".__dlpack__()");
    FACULA_CHECK(!t->requires_grad(), Runtime, "Can't export tensors that require gradient, use tensor.detach()");
    auto* m = new DLManagedTensor;
    m->tensor.data = t->data();
    m->tensor.device = {1, 0};
    m->tensor.ndim = static_cast<int32_t>(t->ndim());
    m->tensor.dtype = dl_type(t->dtype);
    m->tensor.shape = new int64_t[t->ndim() + 1];
    m->tensor.strides = new int64_t[t->ndim() + 1];
    for (int64_t i = 0; i < t->ndim(); ++i) {
      m->tensor.shape[i] = t->sizes[i];
      m->tensor.strides[i] = t->strides[i];
    }
    m->tensor.byte_offset = 0;
    m->context = Py_NewRef(o);
    m->deleter = delete_managed;
    t->storage->resizable = false;
    return PyCapsule_New(m, "dltensor", destroy_capsule);
  });
}
PyObject* dlpack_device(PyObject*, PyObject*) { return Py_BuildValue("(ii)", 1, 0); }

PyObject* from_dlpack(PyObject*, PyObject* source) {
  return guarded([&] {
    Ref capsule = PyCapsule_CheckExact(source) ? Ref::borrowed(source)
                                               : check(PyObject_CallMethod(source, "__dlpack__", nullptr));
    FACULA_CHECK(
        PyCapsule_IsValid(capsule.get(), "dltensor"), Runtime,
        "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only once, so you "
        "might have already constructed a tensor from it once.");
    auto* m = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule.get(), "dltensor"));
    const DLTensor& d = m->tensor;
    FACULA_CHECK(d.device.type == 1, Runtime, "from_dlpack: the memory is on device type ", d.device.type,
                 ", not on the CPU");
    FACULA_CHECK(d.ndim >= 0 && d.ndim <= kMaxDims, Runtime, "from_dlpack: ", d.ndim, " dimensions");
    DType dtype = from_dl_type(d.dtype);
    Dims sizes, strides;
    int64_t last = 0;
    for (int i = 0; i < d.ndim; ++i) sizes.push_back(d.shape[i]);
    Dims plain = contiguous_strides(sizes);
    for (int i = 0; i < d.ndim; ++i) {
      strides.push_back(d.strides ? d.strides[i] : plain[i]);
      FACULA_CHECK(strides[i] >= 0, Value, "from_dlpack: negative strides are not supported");
      last += (sizes[i] - 1) * strides[i];
    }
    int64_t n = count_elements(sizes);
    // The storage keeps a capsule whose end calls the producer's deleter.
    Ref keeper = check(PyCapsule_New(m, "facula_dltensor", [](PyObject* c) {
      auto* held = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(c, "facula_dltensor"));
      if (held->deleter) held->deleter(held);
    }));
    PyCapsule_SetName(capsule.get(), "used_dltensor");
    Storage* s =
        borrow_storage(static_cast<char*>(d.data) + d.byte_offset, n ? (last + 1) * item_size(dtype) : 0, keeper.get());
    return give_tensor(wrap_storage(s, sizes, strides, 0, dtype));
  });
}

// ---- NumPy ----

}  // namespace

PyObject* array_interface_getter(PyObject* o, void*) {
  return guarded([&] {
    Tensor t = as_tensor(o);
    check_exportable(t);
    int64_t item = t->item_size();
    Ref shape = check(PyTuple_New(t->ndim())), strides = check(PyTuple_New(t->ndim()));
    for (int64_t i = 0; i < t->ndim(); ++i) {
      PyTuple_SET_ITEM(shape.get(), i, PyLong_FromLongLong(t->sizes[i]));
      PyTuple_SET_ITEM(strides.get(), i, PyLong_FromLongLong(t->strides[i] * item));
    }
    t->storage->resizable = false;
    return Py_BuildValue("{s:i,s:s,s:O,s:O,s:(NO)}", "version", 3, "typestr", kTypeStrings[index_of(t->dtype)], "shape",
                         shape.get(), "strides", strides.get(), "data", PyLong_FromVoidPtr(t->data()), Py_False);
  });
}

namespace {

PyObject* to_numpy(PyObject* o, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"force", nullptr};
  int force = 0;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$p:numpy", const_cast<char**>(names), &force)) return nullptr;
  return guarded([&] {
    Tensor t = as_tensor(o);
    if (force) t = alias(t);
    check_exportable(t);
    Ref numpy = check(PyImport_ImportModule("numpy"));
    if (t->numel == 0) {  // an empty array's pointer means nothing
      Ref shape = check(give_size(t->sizes));
      return PyObject_CallMethod(numpy.get(), "empty", "OO", shape.get(),
                                 check(PyUnicode_FromString(kTypeStrings[index_of(t->dtype)])).get());
    }
    Ref asarray = check(PyObject_GetAttrString(numpy.get(), "asarray"));
    // through the buffer protocol of a plain tensor, so that __array__ of a subclass is not asked again
    Ref view = check(PyMemoryView_FromObject(t.object()));
    return PyObject_CallOneArg(asarray.get(), view.get());
  });
}

// np.asarray(tensor, dtype): NumPy 2 passes copy=.
PyObject* to_array(PyObject* o, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"dtype", "copy", nullptr};
  PyObject *dtype = Py_None, *copy = Py_None;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:__array__", const_cast<char**>(names), &dtype, &copy))
    return nullptr;
  Ref none(PyTuple_New(0));
  Ref array(to_numpy(o, none.get(), nullptr));
  if (!array) return nullptr;
  if (dtype != Py_None)
    array = Ref(PyObject_CallMethod(array.get(), "astype", "O", dtype));
  else if (copy == Py_True)
    array = Ref(PyObject_CallMethod(array.get(), "copy", nullptr));
  return array.release();
}

DType from_format(const char* format, Py_ssize_t item) {
  const char* f = format ? format : "B";
  if (*f == '@' || *f == '=' || *f == '<') ++f;
  FACULA_CHECK(*f != '>' && *f != '!', Value,
               "given buffer has a byte order different from the native one; convert it first, e.g. "
               "array.astype(array.dtype.newbyteorder('='))");
  for (int i = 0; i < kNumDTypes; ++i)
    if (kFormats[i] && !std::strcmp(f, kFormats[i])) return announced(static_cast<DType>(i));
  if ((*f == 'l' || *f == 'n') && item == 8) return DType::Int64;
  if (*f == 'l' && item == 4) return DType::Int32;
  if (*f == 'L' || *f == 'N') return announced(item == 8 ? DType::UInt64 : DType::UInt32);
  if (*f == 'c' || *f == 's') return DType::UInt8;
  fail(
      ErrorKind::Type, "can't convert a buffer of format '", format ? format : "B",
      "' to a Tensor. The only supported types are: "
      "float64, float32, float16, complex64, complex128, int64, int32, int16, int8, uint64, uint32, uint16, uint8, and "
      "bool.");
}

}  // namespace

// Shares the memory of anything with the buffer protocol; a read-only one is shared too, as PyTorch warns about.
Tensor tensor_from_buffer(PyObject* o) {
  Ref view = check(PyMemoryView_FromObject(o));
  Py_buffer* b = PyMemoryView_GET_BUFFER(view.get());
  DType dtype = from_format(b->format, b->itemsize);
  Dims sizes, strides;
  int64_t n = 1, last = 0;
  for (int i = 0; i < b->ndim; ++i) {
    int64_t step = b->strides ? b->strides[i] : 0;
    FACULA_CHECK(
        step >= 0, Value,
        "At least one stride in the given numpy array is negative, and tensors with negative "
        "strides are not currently supported. (You can probably work around this by making a copy of your array "
        "with array.copy().)");
    FACULA_CHECK(step % b->itemsize == 0, Value,
                 "given numpy array strides not a multiple of the element byte size. Copy the "
                 "numpy array to reallocate the memory.");
    sizes.push_back(b->shape[i]);
    strides.push_back(step / b->itemsize);
    n *= b->shape[i];
  }
  if (!b->strides) strides = contiguous_strides(sizes);
  for (size_t i = 0; i < sizes.size(); ++i) last += (sizes[i] - 1) * strides[i];
  Storage* s = borrow_storage(b->buf, n ? (last + 1) * b->itemsize : 0, view.get());
  return wrap_storage(s, sizes, strides, 0, dtype);
}

static PyObject* from_buffer(PyObject*, PyObject* o) {
  return guarded([&] {
    FACULA_CHECK(!is_tensor(o), Type, "expected np.ndarray (got Tensor)");
    FACULA_CHECK(PyObject_CheckBuffer(o), Type, "expected np.ndarray (got ", Py_TYPE(o)->tp_name, ")");
    return give_tensor(tensor_from_buffer(o));
  });
}

// frombuffer(buffer, dtype, count, offset): one dimension over the bytes.
static PyObject* frombuffer(PyObject*, PyObject* args) {
  PyObject *o, *type;
  long long count, offset;
  if (!PyArg_ParseTuple(args, "OOLL:frombuffer", &o, &type, &count, &offset)) return nullptr;
  return guarded([&] {
    DType dtype = dtype_from(type, "frombuffer(): argument 'dtype'");
    Ref view = check(PyMemoryView_FromObject(o));
    Py_buffer* b = PyMemoryView_GET_BUFFER(view.get());
    int64_t item = item_size(dtype), length = b->len;
    FACULA_CHECK(length > 0, Value, "both buffer length (", length, ") and count (", count, ") must not be 0");
    FACULA_CHECK(offset >= 0 && offset < length, Value, "offset (", offset,
                 " bytes) must be non-negative and no greater than "
                 "buffer length (",
                 length, " bytes) minus 1");
    FACULA_CHECK(count != 0, Value, "both buffer length (", length, ") and count (", count, ") must not be 0");
    FACULA_CHECK(count > 0 || (length - offset) % item == 0, Value, "buffer length (", length - offset,
                 " bytes) after offset (", offset, " bytes) must be a multiple of element size (", item, ")");
    int64_t n = count > 0 ? count : (length - offset) / item;
    FACULA_CHECK(n <= (length - offset) / item, Value, "requested buffer length (", n, " * ", item,
                 " bytes) after offset (", offset, " bytes) must not be greater than actual buffer length (", length,
                 " bytes)");
    Storage* s = borrow_storage(static_cast<char*>(b->buf) + offset, n * item, view.get());
    return give_tensor(wrap_storage(s, {n}, {1}, 0, dtype));
  });
}

static PyObject* tensor_from_python(PyObject*, PyObject* args) {
  PyObject *data, *type;
  if (!PyArg_ParseTuple(args, "OO:_tensor", &data, &type)) return nullptr;
  return guarded([&] {
    return give_tensor(tensor_from_data(
        data, type == Py_None ? std::nullopt : std::optional(dtype_from(type, "tensor(): argument 'dtype'"))));
  });
}

int tensor_getbuffer(PyObject* self, Py_buffer* view, int flags) {
  view->obj = nullptr;
  return guarded_int([&] {
    Tensor t = as_tensor(self);
    check_exportable(t);
    if ((flags & PyBUF_C_CONTIGUOUS) == PyBUF_C_CONTIGUOUS || !(flags & PyBUF_STRIDES)) {
      if (!t->is_contiguous()) {
        PyErr_SetString(PyExc_BufferError, "the tensor is not contiguous; use x.contiguous()");
        throw PythonError();
      }
    }
    auto* shape = new ExportedShape;
    for (int64_t i = 0; i < t->ndim(); ++i) {
      shape->shape[i] = t->sizes[i];
      shape->strides[i] = t->strides[i] * t->item_size();
    }
    t->storage->resizable = false;
    view->buf = t->data();
    view->obj = Py_NewRef(self);
    view->len = t->numel * t->item_size();
    view->itemsize = t->item_size();
    view->readonly = 0;
    view->ndim = static_cast<int>(t->ndim());
    view->format = flags & PyBUF_FORMAT ? const_cast<char*>(kFormats[index_of(t->dtype)]) : nullptr;
    view->shape = flags & PyBUF_ND ? shape->shape : nullptr;
    view->strides = flags & PyBUF_STRIDES ? shape->strides : nullptr;
    view->suboffsets = nullptr;
    view->internal = shape;
    return 0;
  });
}
void tensor_releasebuffer(PyObject*, Py_buffer* view) { delete static_cast<ExportedShape*>(view->internal); }

#define FUNCTION(f) reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(f))
PyMethodDef interop_methods[] = {
    {"numpy", FUNCTION(to_numpy), METH_VARARGS | METH_KEYWORDS,
     "numpy(*, force=False): an array over the same memory."},
    {"__array__", FUNCTION(to_array), METH_VARARGS | METH_KEYWORDS, "For np.asarray."},
    {"__dlpack__", FUNCTION(to_dlpack), METH_VARARGS | METH_KEYWORDS, "A DLPack capsule over the same memory."},
    {"__dlpack_device__", dlpack_device, METH_NOARGS, "(1, 0): the CPU."},
    {}};

static PyMethodDef module_methods[] = {
    {"from_numpy", from_buffer, METH_O, "from_numpy(array): a tensor over the same memory."},
    {"_frombuffer", frombuffer, METH_VARARGS, "_frombuffer(buffer, dtype, count, offset)"},
    {"_from_dlpack", from_dlpack, METH_O, "_from_dlpack(source): a tensor over the same memory."},
    {"_tensor", tensor_from_python, METH_VARARGS, "_tensor(data, dtype or None): a copy."},
    {}};

bool init_interop(PyObject* module) { return PyModule_AddFunctions(module, module_methods) == 0; }

}  // namespace facula
