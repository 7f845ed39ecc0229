// The Tensor type: life cycle, operators, conversions to numbers. Attributes and methods are in tensor_attributes.cpp.
#include "ops/ops.h"
#include "python/native.h"
#include "python/python.h"

#include <structmember.h>

#include <cstring>

namespace facula {

extern PyGetSetDef tensor_attributes[];
extern PyMethodDef tensor_methods[];

namespace {

inline TensorObject* raw(PyObject* o) { return reinterpret_cast<TensorObject*>(o); }

// ---- life ----

void tensor_dealloc(PyObject* o) {
  TensorObject* t = raw(o);
  if (t->flags & kTracked) PyObject_GC_UnTrack(o);
  if (t->weakrefs) PyObject_ClearWeakRefs(o);
  if (t->meta && t->meta->retains_grad && t->node && t->node->hooks) {
    auto& kept = t->node->hooks->retained;
    for (size_t i = 0; i < kept.size(); ++i)
      if (kept[i].tensor == t) kept.erase(i--);
  }
  clear_tensor(t);
  free_tensor_object(t);
}

int tensor_traverse(PyObject* o, visitproc visit, void* arg) {
  TensorObject* t = raw(o);
  Py_VISIT(Py_TYPE(o));
  if (t->node) Py_VISIT(t->node->object());
  if (t->base) Py_VISIT(t->base.object());
  Py_VISIT(t->dict);
  if (t->meta) {
    if (t->meta->grad) Py_VISIT(t->meta->grad.object());
    if (t->meta->physical) Py_VISIT(t->meta->physical.object());
    Py_VISIT(t->meta->hooks);
    Py_VISIT(t->meta->post_hooks);
    Py_VISIT(t->meta->packed);
  }
  return 0;
}

int tensor_clear(PyObject* o) {
  TensorObject* t = raw(o);
  if (t->meta) t->meta->grad = Tensor();
  clear_tensor(t);
  return 0;
}

// A new attribute may close a cycle, so the object becomes visible to the garbage collector.
int tensor_setattr(PyObject* o, PyObject* name, PyObject* value) {
  bool had_dict = raw(o)->dict != nullptr;
  int status = PyObject_GenericSetAttr(o, name, value);
  if (!had_dict && raw(o)->dict) track(raw(o));
  return status;
}

// ---- operators ----

bool operand(PyObject* o, Arg& out) {
  if (is_tensor(o)) {
    out = Arg(raw(o));
    return true;
  }
  Scalar s;
  if (!scalar_from(o, s, false)) return false;
  out = Arg(s);
  return true;
}

// The other side of an operator may be a NumPy array: it takes part as the tensor over its memory.
bool operand_or_array(PyObject* o, Arg& out, Tensor& keep) {
  if (operand(o, out)) return true;
  if (std::strcmp(Py_TYPE(o)->tp_name, "numpy.ndarray") != 0) return false;
  keep = tensor_from_buffer(o);
  out = Arg(keep);
  return true;
}

// The call as __torch_function__ sees it: of the function that Python knows. Null: there is none, or nobody wants it.
[[gnu::noinline]] PyObject* overridden(const OpDef& op, PyObject* a, PyObject* b, Form form) {
  PyObject* function = bound_function(form == Form::InPlace ? (std::string(op.name) + "_").c_str() : op.name);
  PyObject* args[] = {a, b};
  return function ? intercept(function, args, b ? 2 : 1, nullptr) : nullptr;
}

bool foreign(PyObject* o) { return !is_plain(o) && is_tensor(o); }

PyObject* binary(const OpDef& op, PyObject* a, PyObject* b, Form form = Form::Functional) {
  return guarded([&]() -> PyObject* {
    if (foreign(a) || foreign(b) || function_hook)
      if (PyObject* result = overridden(op, a, b, form)) return result;
    Arg args[2];
    Tensor array;
    if (!operand_or_array(a, args[0], array) || !operand_or_array(b, args[1], array)) {
      if (PyObject* result = overridden(op, a, b, form)) return result;
      Py_RETURN_NOTIMPLEMENTED;
    }
    return give_tensor(apply_pointwise(op, args, 2, form == Form::InPlace ? args[0].as_tensor() : Tensor(), form));
  });
}
PyObject* unary(const OpDef& op, PyObject* a) {
  return guarded([&]() -> PyObject* {
    if (foreign(a) || function_hook)
      if (PyObject* result = overridden(op, a, nullptr, Form::Functional)) return result;
    Arg args[] = {Arg(raw(a))};
    return give_tensor(apply_pointwise(op, args, 1, Tensor(), Form::Functional));
  });
}

#define BINARY(slot, name)                              \
  PyObject* slot(PyObject* a, PyObject* b) {            \
    static const OpDef& op = find_op(name);             \
    return binary(op, a, b);                            \
  }                                                     \
  PyObject* slot##_in_place(PyObject* a, PyObject* b) { \
    static const OpDef& op = find_op(name);             \
    return binary(op, a, b, Form::InPlace);             \
  }
BINARY(slot_add, "add")
BINARY(slot_subtract, "sub")
BINARY(slot_multiply, "mul")
BINARY(slot_divide, "div")
BINARY(slot_floor_divide, "floor_divide")
BINARY(slot_remainder, "remainder")
BINARY(slot_and, "bitwise_and")
BINARY(slot_or, "bitwise_or")
BINARY(slot_xor, "bitwise_xor")
BINARY(slot_left_shift, "bitwise_left_shift")
BINARY(slot_right_shift, "bitwise_right_shift")
BINARY(slot_power2, "pow")
#undef BINARY

PyObject* slot_power(PyObject* a, PyObject* b, PyObject*) { return slot_power2(a, b); }
PyObject* slot_power_in_place(PyObject* a, PyObject* b, PyObject*) { return slot_power2_in_place(a, b); }

#define UNARY(slot, name)                   \
  PyObject* slot(PyObject* a) {             \
    static const OpDef& op = find_op(name); \
    return unary(op, a);                    \
  }
UNARY(slot_negative, "neg")
UNARY(slot_absolute, "abs")
UNARY(slot_bitwise_not, "bitwise_not")
#undef UNARY
PyObject* slot_invert(PyObject* a) {
  if (!is_integral(as_tensor(a)->dtype)) {
    PyErr_SetString(
        PyExc_TypeError,
        "~ (operator.invert) is only implemented on integer and Boolean-type tensors; compare first, or use "
        "1 - x");
    return nullptr;
  }
  return slot_bitwise_not(a);
}
PyObject* slot_positive(PyObject* a) { return Py_NewRef(a); }

PyObject* slot_matmul(PyObject* a, PyObject* b) {
  return guarded([&]() -> PyObject* {
    static const OpDef& op = find_op("matmul");
    const bool both = is_tensor(a) && is_tensor(b);
    if (!both || foreign(a) || foreign(b) || function_hook)
      if (PyObject* result = overridden(op, a, b, Form::Functional)) return result;
    if (!both) Py_RETURN_NOTIMPLEMENTED;
    Arg args[] = {Arg(raw(a)), Arg(raw(b))};
    return run_op(op, Form::Functional, args, 2, Tensor());
  });
}

PyObject* tensor_compare(PyObject* a, PyObject* b, int how) {
  static const char* const names[] = {"lt", "le", "eq", "ne", "gt", "ge"};
  static const OpDef* const ops[] = {&find_op(names[0]), &find_op(names[1]), &find_op(names[2]),
                                     &find_op(names[3]), &find_op(names[4]), &find_op(names[5])};
  return binary(*ops[how], a, b);
}

Py_hash_t tensor_hash(PyObject* o) {
  return static_cast<Py_hash_t>((reinterpret_cast<uintptr_t>(o) >> 4) | (reinterpret_cast<uintptr_t>(o) << 60));
}

// ---- numbers ----

int tensor_bool(PyObject* o) {
  return guarded_int([&] {
    Tensor t = as_tensor(o);
    FACULA_CHECK(t->numel != 0, Runtime, "Boolean value of Tensor with no values is ambiguous");
    FACULA_CHECK(t->numel == 1, Runtime, "Boolean value of Tensor with more than one value is ambiguous");
    return ops::item(t).to_bool() ? 1 : 0;
  });
}
Scalar only_element(PyObject* o) {
  FACULA_CHECK(as_tensor(o)->numel == 1, Value,
               "only one element tensors can be converted to Python scalars, not a tensor "
               "of shape ",
               as_tensor(o)->sizes, "; use .tolist()");
  return ops::item(as_tensor(o));
}
// A truth value too is given as an integer.
PyObject* give_whole(const Scalar& s) {
  return s.is_unsigned ? PyLong_FromUnsignedLongLong(static_cast<uint64_t>(s.i)) : PyLong_FromLongLong(s.i);
}
PyObject* tensor_int(PyObject* o) {
  return guarded([&]() -> PyObject* {
    Scalar s = only_element(o);
    if (s.is_integral()) return give_whole(s);
    FACULA_CHECK(s.kind != Category::Complex || s.im == 0, Runtime,
                 "value cannot be converted to type int64_t without overflow");
    return PyLong_FromDouble(s.re);
  });
}
PyObject* tensor_float(PyObject* o) {
  return guarded([&] {
    Scalar s = only_element(o);
    FACULA_CHECK(s.kind != Category::Complex || s.im == 0, Runtime,
                 "value cannot be converted to type double without overflow");
    return PyFloat_FromDouble(s.to_double());
  });
}
PyObject* tensor_index(PyObject* o) {
  return guarded([&] {
    Tensor t = as_tensor(o);
    FACULA_CHECK(is_integral(t->dtype) && t->numel == 1, Type,
                 "only integer tensors of a single element can be converted to an index");
    return give_whole(ops::item(t));
  });
}

// ---- as a sequence ----

Py_ssize_t tensor_len(PyObject* o) {
  if (raw(o)->ndim() == 0) {
    PyErr_SetString(PyExc_TypeError, "len() of a 0-d tensor");
    return -1;
  }
  return raw(o)->sizes[0];
}
PyObject* tensor_iter(PyObject* o) {
  return guarded([&]() -> PyObject* {
    Tensor t = as_tensor(o);
    FACULA_CHECK(t->ndim() > 0, Type, "iteration over a 0-d tensor");
    static const OpDef& op = find_op("unbind");
    Arg args[] = {Arg(t), Arg(0)};
    Ref rows = check(run_op(op, Form::Functional, args, 2, Tensor()));
    return PyObject_GetIter(rows.get());
  });
}
int tensor_contains(PyObject* o, PyObject* value) {
  return guarded_int([&] {
    Arg args[2];
    Scalar s;
    if (!is_tensor(value) && !scalar_from(value, s, false))
      fail(ErrorKind::Runtime, "Tensor.__contains__ only supports Tensor or scalar, but you passed in a ",
           Py_TYPE(value)->tp_name, ".");
    operand(o, args[0]);
    operand(value, args[1]);
    GradMode off(false);
    Tensor equal = ops::contiguous(apply_pointwise(find_op("eq"), args, 2, Tensor(), Form::Functional));
    const bool* p = equal->ptr<bool>();
    for (int64_t i = 0; i < equal->numel; ++i)
      if (p[i]) return 1;
    return 0;
  });
}

PyObject* tensor_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    // The legacy constructor: sizes, a sequence, or nothing.
    PyObject* source = nullptr;
    if (kwargs && PyDict_Size(kwargs) > 0 && PyTuple_GET_SIZE(args) == 0) source = PyDict_GetItemString(kwargs, "data");
    Tensor value;
    Py_ssize_t n = PyTuple_GET_SIZE(args);
    bool sizes = n > 0;
    for (Py_ssize_t i = 0; i < n; ++i) sizes &= PyLong_Check(PyTuple_GET_ITEM(args, i)) != 0;
    if (n == 1 && Py_TYPE(PyTuple_GET_ITEM(args, 0)) == size_type) {
      Dims d;
      ints_from(PyTuple_GET_ITEM(args, 0), d);
      value = empty(d, default_dtype);
    } else if (sizes) {
      Dims d;
      for (Py_ssize_t i = 0; i < n; ++i) d.push_back(int_from(PyTuple_GET_ITEM(args, i)));
      value = empty(d, default_dtype);
    } else if (n == 0 && !source) {
      value = empty({0}, default_dtype);
    } else {
      if (!source) source = PyTuple_GET_ITEM(args, 0);
      value = is_tensor(source) ? alias(as_tensor(source)) : tensor_from_data(source, default_dtype);
    }
    if (type == tensor_type) return give_tensor(std::move(value));
    TensorObject* o = new_tensor_object(type);
    Tensor t = Tensor::steal(o);
    o->device = value->device;
    assign_memory(t, value);
    return give_tensor(std::move(t));
  });
}

PyMemberDef members[] = {{"__dictoffset__", T_PYSSIZET, offsetof(TensorObject, dict), READONLY, nullptr},
                         {"__weaklistoffset__", T_PYSSIZET, offsetof(TensorObject, weakrefs), READONLY, nullptr},
                         {}};

#define SLOT(name, function) {name, reinterpret_cast<void*>(function)}
PyType_Slot slots[] = {SLOT(Py_tp_new, tensor_new),
                       SLOT(Py_tp_dealloc, tensor_dealloc),
                       SLOT(Py_tp_traverse, tensor_traverse),
                       SLOT(Py_tp_clear, tensor_clear),
                       SLOT(Py_tp_setattro, tensor_setattr),
                       SLOT(Py_tp_members, members),
                       SLOT(Py_tp_getset, tensor_attributes),
                       SLOT(Py_tp_methods, tensor_methods),
                       SLOT(Py_tp_richcompare, tensor_compare),
                       SLOT(Py_tp_hash, tensor_hash),
                       SLOT(Py_tp_iter, tensor_iter),
                       SLOT(Py_nb_add, slot_add),
                       SLOT(Py_nb_subtract, slot_subtract),
                       SLOT(Py_nb_multiply, slot_multiply),
                       SLOT(Py_nb_true_divide, slot_divide),
                       SLOT(Py_nb_floor_divide, slot_floor_divide),
                       SLOT(Py_nb_remainder, slot_remainder),
                       SLOT(Py_nb_power, slot_power),
                       SLOT(Py_nb_and, slot_and),
                       SLOT(Py_nb_or, slot_or),
                       SLOT(Py_nb_xor, slot_xor),
                       SLOT(Py_nb_lshift, slot_left_shift),
                       SLOT(Py_nb_rshift, slot_right_shift),
                       SLOT(Py_nb_inplace_add, slot_add_in_place),
                       SLOT(Py_nb_inplace_subtract, slot_subtract_in_place),
                       SLOT(Py_nb_inplace_multiply, slot_multiply_in_place),
                       SLOT(Py_nb_inplace_true_divide, slot_divide_in_place),
                       SLOT(Py_nb_inplace_floor_divide, slot_floor_divide_in_place),
                       SLOT(Py_nb_inplace_remainder, slot_remainder_in_place),
                       SLOT(Py_nb_inplace_power, slot_power_in_place),
                       SLOT(Py_nb_inplace_and, slot_and_in_place),
                       SLOT(Py_nb_inplace_or, slot_or_in_place),
                       SLOT(Py_nb_inplace_xor, slot_xor_in_place),
                       SLOT(Py_nb_inplace_lshift, slot_left_shift_in_place),
                       SLOT(Py_nb_inplace_rshift, slot_right_shift_in_place),
                       SLOT(Py_nb_negative, slot_negative),
                       SLOT(Py_nb_positive, slot_positive),
                       SLOT(Py_nb_absolute, slot_absolute),
                       SLOT(Py_nb_invert, slot_invert),
                       SLOT(Py_nb_matrix_multiply, slot_matmul),
                       SLOT(Py_nb_bool, tensor_bool),
                       SLOT(Py_nb_int, tensor_int),
                       SLOT(Py_nb_float, tensor_float),
                       SLOT(Py_nb_index, tensor_index),
                       SLOT(Py_mp_length, tensor_len),
                       SLOT(Py_mp_subscript, tensor_getitem),
                       SLOT(Py_mp_ass_subscript, tensor_setitem),
                       SLOT(Py_sq_length, tensor_len),
                       SLOT(Py_sq_contains, tensor_contains),
                       SLOT(Py_bf_getbuffer, tensor_getbuffer),
                       SLOT(Py_bf_releasebuffer, tensor_releasebuffer),
                       {0, nullptr}};
#undef SLOT
PyType_Spec spec = {"facula.Tensor", sizeof(TensorObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};

}  // namespace

bool init_tensor(PyObject* module) {
  tensor_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return tensor_type && PyModule_AddObjectRef(module, "Tensor", reinterpret_cast<PyObject*>(tensor_type)) == 0;
}

}  // namespace facula
