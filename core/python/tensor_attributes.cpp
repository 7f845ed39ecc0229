// Attributes and C methods of Tensor: what describes a tensor and what costs too much as Python. Operations are bound
// by `@native` instead, from src/facula.
#include "ops/ops.h"
#include "python/native.h"

namespace facula {

namespace {

inline TensorObject* raw(PyObject* o) { return reinterpret_cast<TensorObject*>(o); }

#define GETTER(name) PyObject* name(PyObject* self, void*)

GETTER(get_shape) { return give_size(raw(self)->sizes); }
GETTER(get_dtype) { return give_dtype(raw(self)->dtype); }
GETTER(get_device) { return give_device(raw(self)->device); }
PyObject* get_layout(PyObject*, void*) { return Py_NewRef(named_constant("strided")); }
GETTER(get_ndim) { return PyLong_FromLongLong(raw(self)->ndim()); }
GETTER(get_itemsize) { return PyLong_FromLongLong(raw(self)->item_size()); }
GETTER(get_nbytes) { return PyLong_FromLongLong(raw(self)->item_size() * raw(self)->numel); }
PyObject* get_false(PyObject*, void*) { Py_RETURN_FALSE; }
GETTER(get_is_cpu) { return PyBool_FromLong(raw(self)->device.type == DeviceType::CPU); }
GETTER(get_is_cuda) { return PyBool_FromLong(raw(self)->device.type == DeviceType::CUDA); }
GETTER(get_version) {
  return guarded([&] {
    FACULA_CHECK(!(raw(self)->flags & kInference), Runtime, "Inference tensors do not track version counter.");
    return PyLong_FromUnsignedLong(raw(self)->version());
  });
}
GETTER(get_base) { return give_maybe(raw(self)->base); }

PyObject* run_view(const char* name, PyObject* self, std::initializer_list<Arg> rest) {
  return guarded([&] {
    SmallVector<Arg, 4> args;
    args.push_back(Arg(raw(self)));
    for (const Arg& a : rest) args.push_back(a);
    return run_op(find_op(name), Form::Functional, args.data(), args.size(), Tensor());
  });
}
GETTER(get_T) {
  return raw(self)->ndim() == 2 ? run_view("transpose", self, {Arg(0), Arg(1)}) : run_view("_reverse_dims", self, {});
}
GETTER(get_mT) {
  if (raw(self)->ndim() == 0) return Py_NewRef(self);
  if (raw(self)->ndim() < 2) {
    PyErr_Format(PyExc_RuntimeError, "tensor.mT is only supported on matrices or batches of matrices. Got %d-D tensor.",
                 static_cast<int>(raw(self)->ndim()));
    return nullptr;
  }
  return run_view("transpose", self, {Arg(-2), Arg(-1)});
}

// x.data: the same memory, no history, and its own version counter.
GETTER(get_data) {
  return guarded([&] {
    if (is_batched(raw(self))) return give_tensor(ops::detach(as_tensor(self)));
    Tensor t = alias(as_tensor(self));
    give_private_version(t);
    if (Py_TYPE(self) != tensor_type && Py_TYPE(self) != parameter_type) return give_tensor(t);
    return give_tensor(t);
  });
}
int set_data(PyObject* self, PyObject* value, void*) {
  return guarded_int([&] {
    FACULA_CHECK(value && is_tensor(value), Type, "Variable data has to be a tensor, but got ",
                 value ? Py_TYPE(value)->tp_name : "nothing");
    Tensor t = as_tensor(self), from = as_tensor(value);
    refuse_batched(t.get(), "x.data = y");
    refuse_batched(from.get(), "x.data = y");
    FACULA_CHECK(!t->requires_grad() || is_differentiable(from->dtype), Runtime,
                 "data set to a tensor that requires gradients must be floating point or complex dtype");
    assign_memory(t, from);
    return 0;
  });
}

PyObject* size(PyObject* self, PyObject* const* args, Py_ssize_t n) {
  return guarded([&]() -> PyObject* {
    if (n == 0 || args[0] == Py_None) return give_size(raw(self)->sizes);
    return PyLong_FromLongLong(raw(self)->size(int_from(args[0])));
  });
}
PyObject* stride(PyObject* self, PyObject* const* args, Py_ssize_t n) {
  return guarded([&]() -> PyObject* {
    TensorObject* t = raw(self);
    if (n > 0 && args[0] != Py_None) return PyLong_FromLongLong(t->strides[wrap_dim(int_from(args[0]), t->ndim())]);
    Ref tuple = check(PyTuple_New(t->ndim()));
    for (int64_t i = 0; i < t->ndim(); ++i) PyTuple_SET_ITEM(tuple.get(), i, PyLong_FromLongLong(t->strides[i]));
    return tuple.release();
  });
}
PyObject* dim(PyObject* self, PyObject*) { return PyLong_FromLongLong(raw(self)->ndim()); }
PyObject* numel(PyObject* self, PyObject*) { return PyLong_FromLongLong(raw(self)->numel); }
PyObject* storage_offset(PyObject* self, PyObject*) { return PyLong_FromLongLong(raw(self)->offset()); }
PyObject* data_ptr(PyObject* self, PyObject*) {
  return guarded([&] {
    refuse_batched(raw(self), ".data_ptr()");
    return PyLong_FromVoidPtr(raw(self)->numel ? raw(self)->data() : nullptr);
  });
}
PyObject* is_floating_point(PyObject* self, PyObject*) { return PyBool_FromLong(is_floating(raw(self)->dtype)); }
PyObject* is_complex_method(PyObject* self, PyObject*) { return PyBool_FromLong(is_complex(raw(self)->dtype)); }
PyObject* is_signed(PyObject* self, PyObject*) {
  return PyBool_FromLong(raw(self)->dtype != DType::Bool && !is_unsigned(raw(self)->dtype));
}
PyObject* is_inference(PyObject* self, PyObject*) { return PyBool_FromLong(raw(self)->flags & kInference); }
PyObject* is_view(PyObject* self, PyObject*) { return PyBool_FromLong(static_cast<bool>(raw(self)->base)); }
PyObject* always_true(PyObject*, PyObject*) { Py_RETURN_TRUE; }
PyObject* always_false(PyObject*, PyObject*) { Py_RETURN_FALSE; }
PyObject* return_self(PyObject* self, PyObject*) { return Py_NewRef(self); }

// Channels-last strides: those of a contiguous tensor whose channel dimension comes last.
bool is_channels_last(TensorObject* t, int64_t rank) {
  if (t->ndim() != rank) return false;
  int64_t step = 1;
  auto follows = [&](int64_t d) {
    const bool fits = t->sizes[d] == 1 || t->strides[d] == step;
    step *= t->sizes[d];
    return fits;
  };
  if (!follows(1)) return false;
  for (int64_t d = rank - 1; d > 1; --d)
    if (!follows(d)) return false;
  return follows(0);
}
PyObject* is_contiguous_method(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"memory_format", nullptr};
  PyObject* format = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:is_contiguous", const_cast<char**>(names), &format))
    return nullptr;
  if (format && format == named_constant("channels_last")) return PyBool_FromLong(is_channels_last(raw(self), 4));
  if (format && format == named_constant("channels_last_3d")) return PyBool_FromLong(is_channels_last(raw(self), 5));
  return PyBool_FromLong(raw(self)->is_contiguous());
}

PyObject* item(PyObject* self, PyObject*) {
  return guarded([&] { return give_scalar(ops::item(as_tensor(self))); });
}

PyObject* resize(PyObject* self, PyObject* args, PyObject*) {
  return guarded([&]() -> PyObject* {
    Dims sizes;
    PyObject* what =
        PyTuple_GET_SIZE(args) == 1 && !PyLong_Check(PyTuple_GET_ITEM(args, 0)) ? PyTuple_GET_ITEM(args, 0) : args;
    FACULA_CHECK(ints_from(what, sizes), Type, "resize_(): argument 'size' must be tuple of ints, not ",
                 Py_TYPE(what)->tp_name);
    Tensor t = as_tensor(self);
    refuse_batched(t.get(), ".resize_()");
    FACULA_CHECK(!t->requires_grad(), Runtime, "cannot resize variables that require grad");
    count_elements(sizes);
    if (t->sizes != sizes) resize_memory(t, sizes);  // the strides stay where the shape does
    return Py_NewRef(self);
  });
}

// set_(source, offset, size, stride): self becomes a view of the source's storage.
PyObject* set_source(PyObject* self, PyObject* args) {
  PyObject *source, *size = nullptr, *strides = nullptr;
  long long offset = 0;
  if (!PyArg_ParseTuple(args, "O|LOO:set_", &source, &offset, &size, &strides)) return nullptr;
  return guarded([&]() -> PyObject* {
    Tensor t = as_tensor(self), from = expect_tensor(source, "set_", "source");
    refuse_batched(t.get(), ".set_()");
    refuse_batched(from.get(), ".set_()");
    if (!size) {
      assign_memory(t, from);
      return Py_NewRef(self);
    }
    Dims s, st;
    FACULA_CHECK(ints_from(size, s), Type, "set_(): argument 'size' must be tuple of ints");
    if (strides)
      ints_from(strides, st);
    else
      st = contiguous_strides(s);
    GradMode off(false);
    assign_memory(t, ops::as_strided(ops::detach(from), s, st, offset));
    return Py_NewRef(self);
  });
}

// Tensor._make_subclass(cls, data, requires_grad=False): an object of cls over data's memory.
PyObject* make_subclass(PyObject*, PyObject* args) {
  PyTypeObject* type;
  PyObject* data;
  int requires_grad = 0;
  if (!PyArg_ParseTuple(args, "O!O|p:_make_subclass", &PyType_Type, &type, &data, &requires_grad)) return nullptr;
  return guarded([&] {
    FACULA_CHECK(PyType_IsSubtype(type, tensor_type), Type, "cls must be a subclass of Tensor");
    Tensor from = expect_tensor(data, "_make_subclass", "data");
    refuse_batched(from.get(), "_make_subclass()");
    FACULA_CHECK(!requires_grad || is_differentiable(from->dtype), Runtime,
                 "Only Tensors of floating point and complex dtype can require gradients");
    Tensor t = Tensor::steal(new_tensor_object(type));
    t->storage = nullptr;
    assign_memory(t, from);
    if (requires_grad) t->flags |= kRequiresGrad;
    return give_tensor(t);
  });
}

// x.as_subclass(cls): the same tensor as another type, history kept.
PyObject* as_subclass(PyObject* self, PyObject* cls) {
  return guarded([&] {
    FACULA_CHECK(PyType_Check(cls) && PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(cls), tensor_type), Type,
                 "cls must be a type (a subclass of Tensor)");
    Tensor from = as_tensor(self);
    refuse_batched(from.get(), ".as_subclass()");
    if (reinterpret_cast<PyObject*>(Py_TYPE(self)) == cls) return Py_NewRef(self);
    Tensor t = Tensor::steal(new_tensor_object(reinterpret_cast<PyTypeObject*>(cls)));
    assign_memory(t, from);
    t->flags |= from->flags & (kRequiresGrad | kInference);
    if (Node* n = grad_fn(from)) set_history(t, n, from->output_index);
    return give_tensor(t);
  });
}

// Who lent the memory: a memoryview, an array, a capsule; None when it is our own.
PyObject* storage_owner(PyObject* self, PyObject*) {
  PyObject* owner = facula::storage_owner(raw(self)->storage);
  return Py_NewRef(owner ? owner : Py_None);
}
// Moves the whole storage into a writable buffer of its size; False when it is not our own memory.
PyObject* storage_move(PyObject* self, PyObject* buffer) {
  return guarded([&]() -> PyObject* {
    refuse_batched(raw(self), ".share_memory_()");
    Storage* s = raw(self)->storage;
    Ref view = check(PyMemoryView_FromObject(buffer));
    Py_buffer* b = PyMemoryView_GET_BUFFER(view.get());
    FACULA_CHECK(!b->readonly && b->len == s->nbytes && PyBuffer_IsContiguous(b, 'C'), Value,
                 "expected a writable contiguous buffer of ", s->nbytes, " bytes, got ", b->len);
    return PyBool_FromLong(move_storage(s, b->buf, view.get()));
  });
}

// Whether two tensors look at the same storage (for saving).
PyObject* storage_key(PyObject* self, PyObject*) { return PyLong_FromVoidPtr(raw(self)->storage->data); }
PyObject* storage_nbytes(PyObject* self, PyObject*) { return PyLong_FromLongLong(raw(self)->storage->nbytes); }
// The whole storage as a uint8 tensor sharing its memory.
PyObject* storage_bytes(PyObject* self, PyObject*) {
  return guarded([&] {
    refuse_batched(raw(self), ".untyped_storage()");
    Storage* s = raw(self)->storage;
    retain(s);
    return give_tensor(wrap_storage(s, {s->nbytes}, {1}, 0, DType::UInt8));
  });
}
// Reinterprets the bytes of a tensor as another type of the same width or one that divides it: view(dtype).
PyObject* view_as_dtype(PyObject* self, PyObject* type) {
  return guarded([&]() -> PyObject* {
    Tensor t = as_tensor(self);
    if (is_batched(t.get())) {  // the batch dimension is never the last but for samples without dimensions
      FACULA_CHECK(t->ndim() > 0 || item_size(dtype_from(type, "view(): argument 'dtype'")) == t->item_size(), Runtime,
                   "self.dim() cannot be 0 to view ", name_of(t->dtype), " as a type of another size");
      Ref all = check(view_as_dtype(physical_of(t.get()).object(), type));
      return give_tensor(make_batched(as_tensor(all.get()), level_of(t.get())));
    }
    DType to = dtype_from(type, "view(): argument 'dtype'");
    int64_t from_size = t->item_size(), to_size = item_size(to);
    Dims sizes = t->sizes, strides = t->strides;
    if (from_size != to_size) {
      FACULA_CHECK(t->ndim() > 0, Runtime, "self.dim() cannot be 0 to view ", name_of(t->dtype), " as ", name_of(to),
                   " (different element sizes)");
      FACULA_CHECK(strides.back() == 1 || t->sizes.back() == 1, Runtime, "self.stride(-1) must be 1 to view ",
                   name_of(t->dtype), " as ", name_of(to), " (different element sizes), but got ", strides.back());
      int64_t bytes = sizes.back() * from_size;
      FACULA_CHECK(bytes % to_size == 0 && t->byte_offset % to_size == 0, Runtime,
                   "self.size(-1) must be divisible by ", to_size / from_size, " to view ", name_of(t->dtype), " as ",
                   name_of(to), " (different element sizes), but got ", sizes.back());
      sizes.back() = bytes / to_size;
      for (size_t i = 0; i + 1 < strides.size(); ++i) {
        FACULA_CHECK(strides[i] * from_size % to_size == 0, Runtime, "self.stride(", i, ") must be divisible by ",
                     to_size / from_size, " to view ", name_of(t->dtype), " as ", name_of(to), ", but got ",
                     strides[i]);
        strides[i] = strides[i] * from_size / to_size;
      }
    }
    Tensor v = alias(t);
    v->dtype = to;
    set_shape(v.get(), sizes, strides);
    return give_tensor(v);
  });
}

}  // namespace

extern PyGetSetDef tensor_attributes[];
PyGetSetDef tensor_attributes[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {"shape", get_shape, nullptr, "The sizes, as torch.Size.", nullptr},
    {"dtype", get_dtype, nullptr, "The element type.", nullptr},
    {"device", get_device, nullptr, "Where the memory is.", nullptr},
    {"layout", get_layout, nullptr, "Always torch.strided.", nullptr},
    {"ndim", get_ndim, nullptr, "The number of dimensions.", nullptr},
    {"itemsize", get_itemsize, nullptr, "Bytes of one element.", nullptr},
    {"nbytes", get_nbytes, nullptr, "Bytes of all elements.", nullptr},
    {"is_cpu", get_is_cpu, nullptr, "Whether the memory is the CPU's.", nullptr},
    {"is_cuda", get_is_cuda, nullptr, "Whether the memory is a GPU's.", nullptr},
    {"is_sparse", get_false, nullptr, "Always False.", nullptr},
    {"is_quantized", get_false, nullptr, "Always False.", nullptr},
    {"is_meta", get_false, nullptr, "Always False.", nullptr},
    {"is_mkldnn", get_false, nullptr, "Always False.", nullptr},
    {"is_nested", get_false, nullptr, "Always False.", nullptr},
    {"T", get_T, nullptr, "The dimensions reversed.", nullptr},
    {"mT", get_mT, nullptr, "The last two dimensions swapped.", nullptr},
    {"data", get_data, set_data, "The same memory without history.", nullptr},
    {"_version", get_version, nullptr, "How often the memory has been written to in place.", nullptr},
    {"_base", get_base, nullptr, "The tensor that this is a view of, or None.", nullptr},
    {"__array_interface__", array_interface_getter, nullptr, "For NumPy.", nullptr},
    {"grad", autograd_attributes[0].get, autograd_attributes[0].set, "The collected gradient, or None.", nullptr},
    {"requires_grad", autograd_attributes[1].get, autograd_attributes[1].set, "Whether operations on it are recorded.",
     nullptr},
    {"grad_fn", autograd_attributes[2].get, nullptr, "The graph node that made it, or None.", nullptr},
    {"is_leaf", autograd_attributes[3].get, nullptr, "Whether no recorded operation made it.", nullptr},
    {"retains_grad", autograd_attributes[4].get, nullptr, "Whether retain_grad() was called on this non-leaf.",
     nullptr},
    {"output_nr", autograd_attributes[5].get, nullptr, "Which output of grad_fn it is.", nullptr},
    {"_backward_hooks", autograd_attributes[6].get, autograd_attributes[6].set, "The dict of tensor hooks, or None.",
     nullptr},
    {}};

#define FAST(name, function, doc) \
  {name, reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(function)), METH_FASTCALL, doc}
#define WORDS(name, function, doc) \
  {name, reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(function)), METH_VARARGS | METH_KEYWORDS, doc}
static PyMethodDef own_methods[] = {
    FAST("size", size, "size(dim=None): the sizes, or one of them."),
    FAST("stride", stride, "stride(dim=None): steps between elements, in elements."),
    {"dim", dim, METH_NOARGS, "The number of dimensions."},
    {"ndimension", dim, METH_NOARGS, "The number of dimensions."},
    {"numel", numel, METH_NOARGS, "The number of elements."},
    {"nelement", numel, METH_NOARGS, "The number of elements."},
    {"storage_offset", storage_offset, METH_NOARGS, "Index of the first element in the storage."},
    {"data_ptr", data_ptr, METH_NOARGS, "Address of the first element."},
    {"element_size", [](PyObject* o, PyObject*) { return get_itemsize(o, nullptr); }, METH_NOARGS,
     "Bytes of one element."},
    {"is_floating_point", is_floating_point, METH_NOARGS, "Whether the type is a floating one."},
    {"is_complex", is_complex_method, METH_NOARGS, "Whether the type is complex."},
    {"is_signed", is_signed, METH_NOARGS, "Whether the type has negative values."},
    {"is_inference", is_inference, METH_NOARGS, "Whether it was made in inference mode."},
    {"is_conj", always_false, METH_NOARGS, "Always False: conj() computes."},
    {"is_neg", always_false, METH_NOARGS, "Always False."},
    {"is_pinned", always_false, METH_NOARGS, "Always False."},
    {"is_coalesced", always_true, METH_NOARGS, "Always True."},
    {"_is_view", is_view, METH_NOARGS, "Whether it is a view of another tensor."},
    WORDS("is_contiguous", is_contiguous_method, "Whether the elements lie in order without gaps."),
    {"item", item, METH_NOARGS, "The value of a tensor of one element, as a Python number."},
    {"tolist", tensor_tolist, METH_NOARGS, "Nested lists of Python numbers; a number for a 0-d tensor."},
    WORDS("resize_", resize, "resize_(*sizes): changes the shape; new elements are uninitialised."),
    {"set_", set_source, METH_VARARGS,
     "set_(source, storage_offset=0, size=None, stride=None): shares the source's memory."},
    {"_make_subclass", make_subclass, METH_VARARGS | METH_STATIC, "_make_subclass(cls, data, requires_grad=False)"},
    {"as_subclass", as_subclass, METH_O, "as_subclass(cls): the same tensor as another type."},
    {"_storage_owner", storage_owner, METH_NOARGS, "Who lent the memory, or None."},
    {"_storage_move", storage_move, METH_O, "_storage_move(buffer): moves the whole storage there."},
    {"resolve_conj", return_self, METH_NOARGS, "Returns the tensor."},
    {"resolve_neg", return_self, METH_NOARGS, "Returns the tensor."},
    {"_storage_key", storage_key, METH_NOARGS, "Identifies the storage."},
    {"_storage_nbytes", storage_nbytes, METH_NOARGS, "Bytes of the storage."},
    {"_storage_bytes", storage_bytes, METH_NOARGS, "The whole storage as a uint8 tensor."},
    {"_view_dtype", view_as_dtype, METH_O, "view(dtype)"},
};

extern PyMethodDef tensor_methods[];
PyMethodDef tensor_methods[128];

// Methods of several files in one table, before the type is made.
void collect_tensor_methods() {
  int n = 0;
  for (PyMethodDef& m : own_methods) tensor_methods[n++] = m;
  for (PyMethodDef* m = interop_methods; m->ml_name; ++m) tensor_methods[n++] = *m;
  for (PyMethodDef* m = autograd_methods; m->ml_name; ++m) tensor_methods[n++] = *m;
  tensor_methods[n] = {};
}

}  // namespace facula
