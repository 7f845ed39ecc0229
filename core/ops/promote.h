// Which type a mixture of tensors and Python numbers is computed in: PyTorch's rules.
#pragma once
#include "tensor/arg.h"

namespace facula {

inline DType scalar_dtype(const Scalar& s) {
  switch (s.kind) {
    case Category::Bool: return DType::Bool;
    case Category::Integer: return DType::Int64;
    case Category::Float: return default_dtype;
    default: return complex_of(default_dtype);
  }
}

// Tensors with dimensions decide; 0-d tensors count only when their category is higher; Python numbers least of all.
struct TypePromotion {
  int dimensioned = -1, zero_dim = -1, number = -1;

  void add(const Arg& a) {
    if (a.tag == Arg::Tensor_)
      add(a.as_tensor());
    else if (a.tag == Arg::Number)
      join(number, scalar_dtype(a.number));
  }
  void add(const Tensor& t) { join(t->ndim() > 0 ? dimensioned : zero_dim, t->dtype); }
  DType result() const { return static_cast<DType>(combine(combine(dimensioned, zero_dim), number)); }

 private:
  static void join(int& have, DType t) {
    have = have < 0 ? index_of(t) : index_of(promote_types(static_cast<DType>(have), t));
  }
  // `lower` counts only when it is of a higher category.
  static int combine(int higher, int lower) {
    if (higher < 0) return lower;
    if (lower < 0) return higher;
    DType h = static_cast<DType>(higher), l = static_cast<DType>(lower);
    if (category(l) > category(h)) {
      // A complex number beside float tensors keeps their precision.
      if (is_complex(l) && is_floating(h)) return index_of(complex_of(h));
      return is_barebones(l) ? index_of(promote_types(h, l)) : lower;  // bool and uint16 have none in common
    }
    return higher;
  }
};

// Shapes right-aligned; size 1 stretches.
inline void broadcast_into(Dims& sizes, const Dims& other) {
  if (sizes == other) return;
  size_t n = sizes.size() > other.size() ? sizes.size() : other.size();
  Dims out(n);
  for (size_t i = 0; i < n; ++i) {
    int64_t a = i < n - sizes.size() ? 1 : sizes[i - (n - sizes.size())];
    int64_t b = i < n - other.size() ? 1 : other[i - (n - other.size())];
    FACULA_CHECK(a == b || a == 1 || b == 1, Runtime, "The size of tensor a (", a,
                 ") must match the size of tensor b (", b, ") at non-singleton dimension ", i, " (shapes ", sizes,
                 " and ", other, "): only sizes that are equal or 1 broadcast");
    out[i] = a == 1 ? b : a;
  }
  sizes = std::move(out);
}

}  // namespace facula
