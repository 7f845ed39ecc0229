// Native functions: Python's `def` gives names and defaults, the table entry the types; together they are the parser.
#pragma once
#include "python/python.h"

namespace facula {

// Room for what parsed arguments point to. Only what a call uses is constructed.
class Frame {
 public:
  Frame() = default;
  Frame(const Frame&) = delete;
  ~Frame() {
    for (int i = 0; i < num_dims_; ++i) dims(i)->~Dims();
    for (int i = 0; i < num_lists_; ++i) list(i)->~TensorList();
  }
  Arg* args() { return reinterpret_cast<Arg*>(raw_args_); }
  Dims* new_dims() {
    FACULA_CHECK(num_dims_ < kDims, Runtime, "too many shape arguments");
    return new (dims(num_dims_++)) Dims;
  }
  TensorList* new_list() {
    FACULA_CHECK(num_lists_ < kLists, Runtime, "too many list arguments");
    return new (list(num_lists_++)) TensorList;
  }
  bool has_subclass = false;  // some tensor's type wants to see the call

 private:
  static constexpr int kDims = 8, kLists = 6;
  Dims* dims(int i) { return reinterpret_cast<Dims*>(raw_dims_) + i; }
  TensorList* list(int i) { return reinterpret_cast<TensorList*>(raw_lists_) + i; }
  int num_dims_ = 0, num_lists_ = 0;
  alignas(Arg) unsigned char raw_args_[kMaxArgs * sizeof(Arg)];
  alignas(Dims) unsigned char raw_dims_[kDims * sizeof(Dims)];
  alignas(TensorList) unsigned char raw_lists_[kLists * sizeof(TensorList)];
};

// Runs a table entry on parsed arguments and gives a Python object.
PyObject* run_op(const OpDef& op, Form form, const Arg* args, size_t n, const Tensor& out);
// Arguments of an entry in its own order, without names and defaults.
inline constexpr const char* kGeneratorCapsule = "facula.Generator";
void parse_positional(const OpDef& op, PyObject* tuple, Frame& frame);
// A call whose arguments (or items of them) have a __torch_function__ of their own goes through it, or through a mode.
// Null: nobody wants it.
PyObject* intercept(PyObject* function, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames);
extern __thread bool torch_function_enabled __attribute__((tls_model("initial-exec")));
// Asks the TorchFunctionModes entered in any thread; null while there are none, which is all that other calls pay.
extern PyObject* function_hook;
// The Python-visible function of an entry that was bound first ("add"), for slots that meet a subclass; borrowed.
PyObject* bound_function(const char* name);

}  // namespace facula
