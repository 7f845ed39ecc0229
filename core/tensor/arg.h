// One argument of an operation, as the parser hands it down and as a node keeps it. Borrowed, unless OwnedArgs says so.
#pragma once
#include <string_view>

#include "base/scalar.h"
#include "tensor/tensor.h"

namespace facula {

struct Generator;

struct Arg {
  enum Tag : uint8_t { None, Tensor_, Number, Ints, List, Type, Place, Text, Random, Object } tag = None;
  union {
    TensorObject* tensor;
    const Dims* ints;
    const TensorList* list;
    DType dtype;
    Device device;
    Generator* generator;
    PyObject* object;
    struct {
      const char* chars;
      size_t length;
    } text;
    Scalar number;
  };
  Arg() : tensor(nullptr) {}
  Arg(const Tensor& t) : tag(t ? Tensor_ : None), tensor(t.get()) {}
  Arg(const Tensor* t) : tag(t && *t ? Tensor_ : None), tensor(t ? t->get() : nullptr) {}
  Arg(TensorObject* t) : tag(t ? Tensor_ : None), tensor(t) {}
  Arg(Scalar s) : tag(Number), number(s) {}
  Arg(bool v) : Arg(Scalar(v)) {}
  Arg(int v) : Arg(Scalar(v)) {}
  Arg(int64_t v) : Arg(Scalar(v)) {}
  Arg(double v) : Arg(Scalar(v)) {}
  Arg(const Dims& d) : tag(Ints), ints(&d) {}
  Arg(const Dims* d) : tag(d ? Ints : None), ints(d) {}
  Arg(const TensorList& l) : tag(List), list(&l) {}
  Arg(DType t) : tag(Type), dtype(t) {}
  Arg(std::nullptr_t) : Arg() {}
  bool is_none() const { return tag == None; }
  // Absent tensors and numbers look like the absent tensor, so that a list of operands can be walked uniformly.
  const Tensor& as_tensor() const {
    static const Tensor absent;
    return tag == Tensor_ ? reinterpret_cast<const Tensor&>(tensor) : absent;
  }
};

// Copies of a call's arguments without its tensors (a node saves those it needs apart).
class OwnedArgs {
 public:
  OwnedArgs() = default;
  OwnedArgs(const OwnedArgs&) = delete;
  OwnedArgs& operator=(const OwnedArgs&) = delete;
  ~OwnedArgs() { clear(); }
  void assign(const Arg* args, size_t n) {
    clear();
    for (size_t i = 0; i < n; ++i) {
      Arg a = args[i];
      switch (a.tag) {
        case Arg::Tensor_:
        case Arg::List:
        case Arg::Random:
        case Arg::Object:
        case Arg::Text: a = Arg(); break;
        case Arg::Ints: a.ints = new Dims(*a.ints); break;
        default: break;
      }
      args_.push_back(a);
    }
  }
  void clear() {
    for (Arg& a : args_)
      if (a.tag == Arg::Ints) delete a.ints;
    args_.clear();
  }
  size_t size() const { return args_.size(); }
  // A node whose arguments are all tensors keeps none: every one then reads as absent.
  const Arg& operator[](size_t i) const {
    static const Arg absent;
    return i < args_.size() ? args_[i] : absent;
  }

 private:
  SmallVector<Arg, 3> args_;
};

}  // namespace facula
