// The argument parser and the function object that `@native` makes from a Python def and a table entry.
#include "python/native.h"

#include <structmember.h>

#include <cstring>
#include <unordered_map>

#include "ops/autocast.h"
#include "ops/ops.h"

namespace facula {

namespace {

constexpr int kMaxOwn = 8;

struct NativeObject {
  PyObject_HEAD
  vectorcallfunc vectorcall;
  const OpDef* op;
  Form form;
  bool variadic;  // the last positional parameter takes the rest: view(*size)
  bool takes_out;
  bool falls_back;  // calls that do not fit the entry run the def itself
  int num_positional, num_params;
  ArgKind kinds[kMaxArgs];
  uint32_t single;               // bit i: parameter i takes one int, although the entry could take several
  PyObject* names[kMaxArgs];     // interned
  PyObject* defaults[kMaxArgs];  // null: required
  PyObject* own[kMaxOwn];        // keywords that the body alone takes, up to the first null; interned
  PyObject* def;                 // the Python function: documentation, signature, module
  PyObject* dict;
};
PyTypeObject* native_type;

std::unordered_map<std::string, PyObject*>& bound() {
  static std::unordered_map<std::string, PyObject*> table;
  return table;
}

const char* describe(ArgKind k) {
  switch (k) {
    case ArgKind::Tensor:
    case ArgKind::MaybeTensor: return "Tensor";
    case ArgKind::Condition: return "bool Tensor";
    case ArgKind::Operand:
    case ArgKind::MaybeOperand: return "Tensor or Number";
    case ArgKind::TensorList:
    case ArgKind::MaybeTensorList: return "tuple of Tensors";
    case ArgKind::Number:
    case ArgKind::MaybeNumber: return "Number";
    case ArgKind::Int:
    case ArgKind::MaybeInt: return "int";
    case ArgKind::Double:
    case ArgKind::MaybeDouble: return "float";
    case ArgKind::Bool:
    case ArgKind::MaybeBool: return "bool";
    case ArgKind::Ints:
    case ArgKind::MaybeInts: return "tuple of ints";
    case ArgKind::Type:
    case ArgKind::MaybeType: return "torch.dtype";
    case ArgKind::MaybePlace: return "torch.device";
    case ArgKind::Text: return "str";
    case ArgKind::MaybeGenerator: return "torch.Generator";
  }
  return "?";
}

bool allows_none(ArgKind k) {
  switch (k) {
    case ArgKind::MaybeTensor:
    case ArgKind::MaybeOperand:
    case ArgKind::MaybeNumber:
    case ArgKind::MaybeInt:
    case ArgKind::MaybeDouble:
    case ArgKind::MaybeBool:
    case ArgKind::MaybeInts:
    case ArgKind::MaybeType:
    case ArgKind::MaybePlace:
    case ArgKind::MaybeGenerator: return true;
    default: return false;
  }
}

bool tensor_arg(PyObject* o, Arg& out, Frame& frame) {
  if (!is_tensor(o)) return false;
  if (!is_plain(o)) frame.has_subclass = true;
  out = Arg(reinterpret_cast<TensorObject*>(o));
  return true;
}

bool list_arg(PyObject* o, Arg& out, Frame& frame, bool holes) {
  if (!PyList_Check(o) && !PyTuple_Check(o)) return false;
  TensorList* list = frame.new_list();
  Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
  PyObject** items = PySequence_Fast_ITEMS(o);
  for (Py_ssize_t i = 0; i < n; ++i) {
    if (items[i] == Py_None && holes) {
      list->push_back(Tensor());
      continue;
    }
    if (!is_tensor(items[i])) return false;
    if (!is_plain(items[i])) frame.has_subclass = true;
    list->push_back(as_tensor(items[i]));
  }
  out = Arg(*list);
  return true;
}

bool ints_arg(PyObject* o, Arg& out, Frame& frame) {
  Dims* d = frame.new_dims();
  if (PyLong_Check(o)) {
    d->push_back(int_from(o));
  } else if (!ints_from(o, *d)) {
    return false;
  }
  out = Arg(*d);
  return true;
}

bool int_arg(PyObject* o, Arg& out) {
  if (PyLong_Check(o)) {
    out = Arg(int_from(o));
    return true;
  }
  if (!PyIndex_Check(o) || (is_tensor(o) && !is_integral(as_tensor(o)->dtype))) return false;
  out = Arg(int_from(o));
  return true;
}

// False: the object is not of that kind.
bool convert(ArgKind kind, PyObject* o, Arg& out, Frame& frame) {
  if (o == Py_None && allows_none(kind)) {
    out = Arg();
    return true;
  }
  Scalar s;
  switch (kind) {
    case ArgKind::Tensor:
    case ArgKind::MaybeTensor: return tensor_arg(o, out, frame);
    case ArgKind::Condition:
      return tensor_arg(o, out, frame) && (out.tensor->dtype == DType::Bool || out.tensor->dtype == DType::UInt8);
    case ArgKind::Operand:
    case ArgKind::MaybeOperand:
      if (tensor_arg(o, out, frame)) return true;
      [[fallthrough]];
    case ArgKind::Number:
    case ArgKind::MaybeNumber:
      if (!scalar_from(o, s, kind == ArgKind::Number || kind == ArgKind::MaybeNumber)) return false;
      out = Arg(s);
      return true;
    case ArgKind::TensorList: return list_arg(o, out, frame, false);
    case ArgKind::MaybeTensorList: return list_arg(o, out, frame, true);
    case ArgKind::Int:
    case ArgKind::MaybeInt: return int_arg(o, out);
    case ArgKind::Double:
    case ArgKind::MaybeDouble:
      if (!scalar_from(o, s, true) || s.kind == Category::Complex) return false;
      out = Arg(s.to_double());
      return true;
    case ArgKind::Bool:
    case ArgKind::MaybeBool:
      if (o == Py_True || o == Py_False) {
        out = Arg(o == Py_True);
        return true;
      }
      if (!scalar_from(o, s, false) || s.kind != Category::Bool) return false;
      out = Arg(s.to_bool());
      return true;
    case ArgKind::Ints:
    case ArgKind::MaybeInts: return ints_arg(o, out, frame);
    case ArgKind::Type:
    case ArgKind::MaybeType:
      if (Py_TYPE(o) != dtype_type && !PyType_Check(o)) return false;
      out = Arg(dtype_from(o, "dtype"));
      return true;
    case ArgKind::MaybePlace:
      if (!is_device_like(o) && !PyLong_Check(o)) return false;
      out = Arg();
      out.tag = Arg::Place;
      out.device = device_from(o);
      return true;
    case ArgKind::Text: {
      if (!PyUnicode_Check(o)) return false;
      Py_ssize_t length;
      const char* chars = PyUnicode_AsUTF8AndSize(o, &length);
      if (!chars) throw PythonError();
      out = Arg();
      out.tag = Arg::Text;
      out.text = {chars, static_cast<size_t>(length)};
      return true;
    }
    case ArgKind::MaybeGenerator:
      if (!PyObject_TypeCheck(o, generator_type)) return false;
      out = Arg();
      out.tag = Arg::Random;
      out.generator = reinterpret_cast<GeneratorObject*>(o)->generator;
      return true;
  }
  return false;
}

const char* public_name(const NativeObject* f) {
  PyObject* name = reinterpret_cast<PyFunctionObject*>(f->def)->func_name;
  const char* text = PyUnicode_AsUTF8(name);
  return text && text[0] == '_' && text[1] != '_' ? text + 1 : text;
}

[[noreturn]] void wrong_type(const NativeObject* f, int i, PyObject* o) {
  const char* name = PyUnicode_AsUTF8(f->names[i]);
  ArgKind kind = f->kinds[i];
  if ((kind == ArgKind::TensorList || kind == ArgKind::MaybeTensorList || kind == ArgKind::Ints ||
       kind == ArgKind::MaybeInts) &&
      (PyList_Check(o) || PyTuple_Check(o))) {
    for (Py_ssize_t k = 0; k < PySequence_Fast_GET_SIZE(o); ++k) {
      PyObject* item = PySequence_Fast_GET_ITEM(o, k);
      bool ints = kind == ArgKind::Ints || kind == ArgKind::MaybeInts;
      if (ints ? PyIndex_Check(item) : is_tensor(item)) continue;
      fail(ErrorKind::Type, public_name(f), "(): argument '", name, "' (position ", i + 1, ") must be ", describe(kind),
           ", but found element of type ", Py_TYPE(item)->tp_name, " at pos ", k);
    }
  }
  std::string hint;
  if (std::strcmp(Py_TYPE(o)->tp_name, "numpy.ndarray") == 0)
    hint = "; torch.from_numpy(array) makes it a Tensor";
  else if ((kind == ArgKind::Tensor || kind == ArgKind::MaybeTensor) && (PyList_Check(o) || PyNumber_Check(o)))
    hint = "; torch.tensor(value) makes it a Tensor";
  fail(ErrorKind::Type, public_name(f), "(): argument '", name, "' (position ", i + 1, ") must be ", describe(kind),
       ", not ", Py_TYPE(o)->tp_name, hint);
}

// NumPy's words for the same parameters.
const char* torch_name(const char* name) {
  static const char* const pairs[][2] = {{"axis", "dim"}, {"keepdims", "keepdim"}, {"x", "input"},   {"a", "input"},
                                         {"x1", "input"}, {"x2", "other"},         {"self", "input"}};
  for (auto& p : pairs)
    if (!std::strcmp(name, p[0])) return p[1];
  return nullptr;
}

int find_parameter(const NativeObject* f, PyObject* name) {
  for (int i = 0; i < f->num_params; ++i)
    if (f->names[i] == name) return i;
  for (int i = 0; i < f->num_params; ++i)
    if (PyUnicode_Compare(f->names[i], name) == 0) return i;
  const char* text = PyUnicode_AsUTF8(name);
  if (const char* other = torch_name(text))
    for (int i = 0; i < f->num_params; ++i)
      if (PyUnicode_CompareWithASCIIString(f->names[i], other) == 0) return i;
  return -1;
}

void parse_keywords(const NativeObject* f, PyObject* const* values, PyObject* kwnames, PyObject** given,
                    PyObject*& out) {
  for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(kwnames); ++k) {
    PyObject* name = PyTuple_GET_ITEM(kwnames, k);
    if (f->takes_out && PyUnicode_CompareWithASCIIString(name, "out") == 0) {
      out = values[k];
      continue;
    }
    int i = find_parameter(f, name);
    FACULA_CHECK(i >= 0, Type, public_name(f), "() got an unexpected keyword argument '", PyUnicode_AsUTF8(name), "'");
    FACULA_CHECK(!given[i], Type, public_name(f), "() got multiple values for argument '",
                 PyUnicode_AsUTF8(f->names[i]), "'");
    given[i] = values[k];
  }
}

// view(2, 3) and view((2, 3)): the rest of the positional arguments, or the one sequence.
void parse_rest(const NativeObject* f, int i, PyObject* const* args, Py_ssize_t n, Frame& frame) {
  Arg& out = frame.args()[i];
  if (n == 1 && !PyLong_Check(args[0])) {
    new (&out) Arg;
    if (!convert(f->kinds[i], args[0], out, frame)) wrong_type(f, i, args[0]);
    return;
  }
  const bool is_list = f->kinds[i] == ArgKind::TensorList;
  FACULA_CHECK(n > 0 || is_list, Type, public_name(f), "() missing 1 required positional arguments: \"",
               PyUnicode_AsUTF8(f->names[i]), "\"");
  if (is_list) {
    TensorList* list = frame.new_list();
    for (Py_ssize_t k = 0; k < n; ++k) {
      if (!is_tensor(args[k])) wrong_type(f, i, args[k]);
      list->push_back(as_tensor(args[k]));
    }
    new (&out) Arg(*list);
    return;
  }
  Dims* d = frame.new_dims();
  for (Py_ssize_t k = 0; k < n; ++k) {
    if (!PyIndex_Check(args[k])) wrong_type(f, i, args[k]);
    d->push_back(int_from(args[k]));
  }
  new (&out) Arg(*d);
}

void parse_one(const NativeObject* f, int i, PyObject* o, Frame& frame) {
  Arg* out = new (frame.args() + i) Arg;
  FACULA_CHECK(!(f->single >> i & 1) || !PySequence_Check(o) || is_tensor(o), Type, public_name(f), "(): argument '",
               PyUnicode_AsUTF8(f->names[i]), "' (position ", i + 1, ") must be int, not ", Py_TYPE(o)->tp_name);
  if (!convert(f->kinds[i], o, *out, frame)) wrong_type(f, i, o);
}

void missing(const NativeObject* f, PyObject* const* given) {
  std::string names;
  int count = 0;
  for (int i = 0; i < f->num_params; ++i)
    if (!given[i] && !f->defaults[i]) {
      names += (count++ ? ", \"" : "\"") + std::string(PyUnicode_AsUTF8(f->names[i])) + "\"";
    }
  fail(ErrorKind::Type, public_name(f), "() missing ", count, " required positional arguments: ", names);
}

void parse(const NativeObject* f, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames, Frame& frame,
           PyObject*& out) {
  const int n = f->num_params;
  if (!kwnames && !f->variadic && nargs <= f->num_positional) {  // the common call
    for (int i = 0; i < nargs; ++i) parse_one(f, i, args[i], frame);
    for (int i = static_cast<int>(nargs); i < n; ++i) {
      if (!f->defaults[i]) {
        PyObject* given[kMaxArgs] = {};
        for (int k = 0; k < nargs; ++k) given[k] = args[k];
        missing(f, given);
      }
      parse_one(f, i, f->defaults[i], frame);
    }
    return;
  }
  const int plain = f->variadic ? f->num_positional - 1 : f->num_positional;
  if (!kwnames && f->variadic && nargs >= plain && n == plain + 1) {  // view(2, 3)
    for (int i = 0; i < plain; ++i) parse_one(f, i, args[i], frame);
    return parse_rest(f, plain, args + plain, nargs - plain, frame);
  }
  PyObject* given[kMaxArgs] = {};
  Py_ssize_t rest = 0;
  if (nargs > plain) {
    FACULA_CHECK(f->variadic, Type, public_name(f), "() takes ", plain, " positional argument", plain == 1 ? "" : "s",
                 " but ", nargs, " were given");
    rest = nargs - plain;
  }
  for (int i = 0; i < plain && i < nargs; ++i) given[i] = args[i];
  if (kwnames) parse_keywords(f, args + nargs, kwnames, given, out);
  for (int i = 0; i < n; ++i) {
    if (f->variadic && i == plain && !given[i]) {
      parse_rest(f, i, args + plain, rest, frame);
    } else if (given[i]) {
      parse_one(f, i, given[i], frame);
    } else if (f->defaults[i]) {
      parse_one(f, i, f->defaults[i], frame);
    } else {
      missing(f, given);
    }
  }
}

// Whether a keyword is one that the body alone takes; written in the call as in the def, or parse() finds it.
bool has_own_keyword(const NativeObject* f, PyObject* kwnames) {
  for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(kwnames); ++k)
    for (int i = 0; i < kMaxOwn && f->own[i]; ++i)
      if (f->own[i] == PyTuple_GET_ITEM(kwnames, k)) return true;
  return false;
}

PyObject* native_call(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  return guarded([&]() -> PyObject* {
    const auto* f = reinterpret_cast<NativeObject*>(self);
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    Frame frame;
    PyObject* out = nullptr;
    // A body takes what the entry does not, but never something else in place of the tensor it is about.
    const bool is_tensor_first = f->kinds[0] == ArgKind::Tensor || f->kinds[0] == ArgKind::Condition;
    const bool has_body = f->falls_back && !(is_tensor_first && nargs > 0 && !is_tensor(args[0]));
    if (has_body && kwnames && has_own_keyword(f, kwnames)) {
      PyObject* result = intercept(self, args, nargs, kwnames);
      return result ? result : PyObject_Vectorcall(f->def, args, nargsf, kwnames);
    }
    try {
      parse(f, args, nargs, kwnames, frame, out);
    } catch (const Error&) {
      if (PyObject* result = intercept(self, args, nargs, kwnames)) return result;
      if (!has_body) throw;
      return PyObject_Vectorcall(f->def, args, nargsf, kwnames);
    }
    const bool has_out = out && out != Py_None;
    if (frame.has_subclass || function_hook || (has_out && !is_plain(out)))
      if (PyObject* result = intercept(self, args, nargs, kwnames)) return result;
    Tensor destination;
    if (has_out) {
      FACULA_CHECK(is_tensor(out), Type, public_name(f), "(): argument 'out' must be Tensor, not ",
                   Py_TYPE(out)->tp_name);
      destination = as_tensor(out);
    }
    return run_op(*f->op, f->form, frame.args(), static_cast<size_t>(f->num_params), destination);
  });
}

// ---- the function object ----

PyObject* native_get(PyObject* self, PyObject* object, PyObject*) {
  return object ? PyMethod_New(self, object) : Py_NewRef(self);
}
PyObject* native_repr(PyObject* self) {
  return PyUnicode_FromFormat("<built-in function %s>", public_name(reinterpret_cast<NativeObject*>(self)));
}
// Everything but calling is the def's: __name__, __doc__, __module__, __annotations__, __signature__.
PyObject* native_getattr(PyObject* self, PyObject* name) {
  const char* text = PyUnicode_AsUTF8(name);
  auto* f = reinterpret_cast<NativeObject*>(self);
  static const char* const forwarded[] = {"__name__",     "__qualname__",   "__doc__",  "__module__", "__annotations__",
                                          "__defaults__", "__kwdefaults__", "__code__", "__globals__"};
  if (text && !std::strcmp(text, "__wrapped__")) return Py_NewRef(f->def);
  for (const char* known : forwarded)
    if (text && !std::strcmp(text, known)) return PyObject_GetAttr(f->def, name);
  return PyObject_GenericGetAttr(self, name);
}
PyObject* native_reduce(PyObject* self, PyObject*) {
  return PyObject_GetAttrString(reinterpret_cast<NativeObject*>(self)->def, "__qualname__");
}
PyMethodDef native_methods[] = {{"__reduce__", native_reduce, METH_NOARGS, nullptr}, {}};
PyMemberDef native_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(NativeObject, vectorcall), READONLY, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(NativeObject, dict), READONLY, nullptr},
    {}};
PyType_Slot native_slots[] = {{Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                              {Py_tp_descr_get, reinterpret_cast<void*>(native_get)},
                              {Py_tp_repr, reinterpret_cast<void*>(native_repr)},
                              {Py_tp_getattro, reinterpret_cast<void*>(native_getattr)},
                              {Py_tp_members, native_members},
                              {Py_tp_methods, native_methods},
                              {0, nullptr}};
PyType_Spec native_spec = {
    "facula.native_function", sizeof(NativeObject), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    native_slots};

const OpDef* entry_for(const std::string& name, Form& form) {
  form = Form::Functional;
  if (const OpDef* op = lookup_op(name)) {
    if (op->returns_self) form = Form::InPlace;
    return op;
  }
  if (name.size() > 1 && name.back() == '_') {
    form = Form::InPlace;
    return lookup_op(std::string_view(name).substr(0, name.size() - 1));
  }
  return nullptr;
}

// The entry's kinds, but a parameter that the def annotates as Tensor takes no number, although the entry could.
void choose_kinds(NativeObject* f) {
  Ref annotations = check(PyObject_GetAttrString(f->def, "__annotations__"));
  for (int i = 0; i < f->num_params; ++i) {
    f->kinds[i] = f->op->signature.kinds[i];
    PyObject* text = PyDict_GetItem(annotations.get(), f->names[i]);
    bool is_text = text && PyUnicode_Check(text);
    if (f->kinds[i] == ArgKind::Operand && is_text && PyUnicode_CompareWithASCIIString(text, "Tensor") == 0)
      f->kinds[i] = ArgKind::Tensor;
    const bool ints = f->kinds[i] == ArgKind::Ints || f->kinds[i] == ArgKind::MaybeInts;
    if (ints && is_text && PyUnicode_CompareWithASCIIString(text, "int | None") == 0) f->single |= 1u << i;
  }
  if (f->form == Form::InPlace && f->kinds[0] == ArgKind::Operand) f->kinds[0] = ArgKind::Tensor;
}

// native(def, name=None, falls_back=False): the function object of the table entry of that name. With falls_back the
// def has a body for the calls that the entry does not take, and may have further keyword parameters.
PyObject* make_native(PyObject*, PyObject* args) {
  PyObject* def;
  const char* entry = nullptr;
  int falls_back = 0;
  if (!PyArg_ParseTuple(args, "O!|zp:native", &PyFunction_Type, &def, &entry, &falls_back)) return nullptr;
  return guarded([&] {
    auto* code = reinterpret_cast<PyCodeObject*>(PyFunction_GET_CODE(def));
    std::string name = entry ? entry : PyUnicode_AsUTF8(reinterpret_cast<PyFunctionObject*>(def)->func_name);
    Form form;
    const OpDef* op = entry_for(name, form);
    FACULA_CHECK(op, Runtime, "@native: there is no operation '", name, "' in the table");
    Ref variables = check(PyCode_GetVarnames(code));
    bool variadic = code->co_flags & CO_VARARGS;
    int positional = code->co_argcount, keyword = code->co_kwonlyargcount;
    auto* f = PyObject_New(NativeObject, native_type);
    if (!f) throw PythonError();
    Ref owner(reinterpret_cast<PyObject*>(f));
    std::memset(&f->vectorcall, 0, sizeof(NativeObject) - offsetof(NativeObject, vectorcall));
    f->vectorcall = native_call;
    f->op = op;
    f->form = form;
    f->variadic = variadic;
    f->falls_back = falls_back;
    f->def = Py_NewRef(def);
    PyObject* defaults = PyFunction_GET_DEFAULTS(def);
    PyObject* kwdefaults = PyFunction_GET_KW_DEFAULTS(def);
    Py_ssize_t num_defaults = defaults ? PyTuple_GET_SIZE(defaults) : 0;
    int n = 0, own = 0;
    auto add = [&](PyObject* parameter, PyObject* value) {
      FACULA_CHECK(n < kMaxArgs, Runtime, "@native ", name, ": too many parameters");
      f->names[n] = Py_NewRef(parameter);
      f->defaults[n++] = Py_XNewRef(value);
    };
    for (int i = 0; i < positional; ++i) {
      Py_ssize_t d = i - (positional - num_defaults);
      add(PyTuple_GET_ITEM(variables.get(), i), d >= 0 ? PyTuple_GET_ITEM(defaults, d) : nullptr);
    }
    if (variadic) add(PyTuple_GET_ITEM(variables.get(), positional + keyword), nullptr);
    f->num_positional = n;
    const bool makes = op->kind == Kind::Creation || op->kind == Kind::Random;  // a new tensor, not into `out`
    for (int i = positional; i < positional + keyword; ++i) {
      PyObject* parameter = PyTuple_GET_ITEM(variables.get(), i);
      if (!(makes && falls_back) && PyUnicode_CompareWithASCIIString(parameter, "out") == 0) {
        f->takes_out = true;
        continue;
      }
      if (falls_back && static_cast<size_t>(n) == op->signature.count) {
        FACULA_CHECK(own < kMaxOwn, Runtime, "@native ", name, ": too many keywords of its own");
        f->own[own++] = Py_NewRef(parameter);
        continue;
      }
      add(parameter, kwdefaults ? PyDict_GetItem(kwdefaults, parameter) : nullptr);
    }
    f->num_params = n;
    FACULA_CHECK(static_cast<size_t>(n) == op->signature.count, Runtime, "@native ", name, ": the def has ", n,
                 " parameters, the table entry ", op->signature.count);
    choose_kinds(f);
    bound().emplace(name, owner.get());
    Py_INCREF(owner.get());
    return owner.release();
  });
}

PyObject* op_names(PyObject*, PyObject*) {
  PyObject* list = PyList_New(0);
  size_t families;
  const OpFamily* f = op_families(&families);
  for (size_t i = 0; i < families; ++i)
    for (size_t k = 0; k < f[i].count; ++k) {
      PyObject* row =
          Py_BuildValue("(siz)", f[i].ops[k].name, static_cast<int>(f[i].ops[k].kind), f[i].ops[k].node_name);
      PyList_Append(list, row);
      Py_XDECREF(row);
    }
  return list;
}

PyMethodDef module_methods[] = {
    {"native", make_native, METH_VARARGS, "native(def, name=None): the fast function of a table entry."},
    {"op_table", op_names, METH_NOARGS, "The table: (name, kind, grad_fn name) of every operation."},
    {}};

// What is chosen by index may not be written over what it is chosen from.
void check_apart(const OpDef& op, const Arg* args, size_t n, const Tensor& out) {
  auto check_one = [&](const Tensor& t) {
    FACULA_CHECK(!t || !may_overlap(out, t), Runtime,
                 "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single "
                 "memory location. Please clone() the tensor before performing the operation: ",
                 op.name, "() cannot write its result over an input");
  };
  for (size_t i = 0; i < n; ++i) {
    if (args[i].tag == Arg::Tensor_) check_one(args[i].as_tensor());
    if (args[i].tag == Arg::List)
      for (const Tensor& t : *args[i].list) check_one(t);
  }
}

// The operations outside of Kind::Indexing whose `out` must have exactly the type of the result.
bool wants_exact_out(const OpDef& op) {
  static const OpDef &complex = find_op("complex"), &polar = find_op("polar"), &multinomial = find_op("multinomial");
  return &op == &complex || &op == &polar || &op == &multinomial;
}

// The operations that compute in the type of `out` when none is given.
bool computes_in_out(const OpDef& op) {
  static const OpDef& nansum = find_op("nansum");
  return op.kind == Kind::Scan || &op == &nansum;
}

// Results into `out`, which is resized; PyTorch's rule for its type.
void write_out(const OpDef& op, const Arg* args, size_t n, const Tensor& value, const Tensor& out) {
  FACULA_CHECK(!is_batched(value.get()) && !is_batched(out.get()), Runtime, "vmap: ", op.name,
               "(..., out=) is not supported: use the form without out=");
  FACULA_CHECK(!(mode.grad && (value->requires_grad() || out->requires_grad())), Runtime, op.name,
               "(): functions with out=... arguments don't support automatic differentiation, but one of the arguments "
               "requires grad.");
  // PyTorch says TypeError for joins.
  const bool joins = !std::strcmp(op.name, "cat") || !std::strcmp(op.name, "stack");
  FACULA_CHECK(op.kind != Kind::Indexing || joins || value->dtype == out->dtype, Runtime,
               "Expected out tensor to have dtype ", name_of(value->dtype), ", but got ", name_of(out->dtype),
               " instead: ", op.name, "() copies elements and converts none");
  FACULA_CHECK(!wants_exact_out(op) || value->dtype == out->dtype, Runtime, "Expected object of scalar type ",
               scalar_type_name(value->dtype), " but got scalar type ", scalar_type_name(out->dtype),
               " for argument 'out' of ", op.name, "()");
  if (category(value->dtype) > category(out->dtype))
    fail(joins ? ErrorKind::Type : ErrorKind::Runtime, "result type ", scalar_type_name(value->dtype),
         " can't be cast to the desired output type ", scalar_type_name(out->dtype));
  FACULA_CHECK(!has_internal_overlap(out), Runtime,
               "unsupported operation: more than one element of the written-to tensor refers to a single memory "
               "location. Please clone() the tensor before performing the operation.");
  if (out->sizes != value->sizes) {
    resize_memory(out, value->sizes);
    if (op.kind == Kind::Indexing && !op.mutates) check_apart(op, args, n, out);  // it may have grown over an input
  }
  ops::copy_memory(out, value);
  ++out->version();
}

}  // namespace

PyObject* bound_function(const char* name) {
  auto found = bound().find(name);
  return found == bound().end() ? nullptr : found->second;
}

PyObject* run_op(const OpDef& op, Form form, const Arg* args, size_t n, const Tensor& out) {
  if (op.pointwise) {
    Tensor destination = form == Form::InPlace ? args[0].as_tensor() : out;
    bool any = false;
    for (size_t i = 0; i < n; ++i) any |= args[i].tag == Arg::Tensor_;
    FACULA_CHECK(any, Type, op.name, "(): at least one argument must be Tensor");
    return give_tensor(apply_pointwise(op, args, n, destination, form));
  }
  if (out && mode.autocast) {  // a call that names its result is not cast
    AutocastOff off;
    return run_op(op, form, args, n, out);
  }
  if (out && op.kind == Kind::Indexing && !op.mutates) check_apart(op, args, n, out);
  Result r;
  if (out && computes_in_out(op) && args[n - 1].is_none()) {
    FACULA_CHECK(op.kind == Kind::Scan || !is_floating(args[0].as_tensor()->dtype) || is_floating(out->dtype),
                 NotImplemented, "\"", op.name, "_cpu\" not implemented for '", scalar_type_name(out->dtype),
                 "': fractions would be lost; give an out= of a floating type");
    Arg typed[kMaxArgs];
    std::copy(args, args + n, typed);
    if (op.signature.kinds[n - 1] == ArgKind::MaybeType) typed[n - 1] = Arg(out->dtype);
    apply(op, typed, n, form, r);
  } else {
    apply(op, args, n, form, r);
  }
  if (out && !r.tensors.empty()) {
    write_out(op, args, n, r.tensors[0], out);
    return Py_NewRef(out.object());
  }
  return give_result(r);
}

void parse_positional(const OpDef& op, PyObject* tuple, Frame& frame) {
  FACULA_CHECK(static_cast<size_t>(PyTuple_GET_SIZE(tuple)) == op.signature.count, Type, op.name, "() takes ",
               op.signature.count, " arguments, not ", PyTuple_GET_SIZE(tuple));
  for (size_t i = 0; i < op.signature.count; ++i) {
    PyObject* o = PyTuple_GET_ITEM(tuple, i);
    Arg* out = new (frame.args() + i) Arg;
    if (PyCapsule_IsValid(o, kGeneratorCapsule)) {
      out->tag = Arg::Random;
      out->generator = static_cast<Generator*>(PyCapsule_GetPointer(o, kGeneratorCapsule));
      continue;
    }
    FACULA_CHECK(convert(op.signature.kinds[i], o, *out, frame), Type, op.name, "(): argument ", i + 1, " must be ",
                 describe(op.signature.kinds[i]), ", not ", Py_TYPE(o)->tp_name);
  }
}

bool init_native(PyObject* module) {
  native_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&native_spec));
  return native_type && PyModule_AddFunctions(module, module_methods) == 0;
}

}  // namespace facula
