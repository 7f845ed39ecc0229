// Mantissa and exponent of floating-point numbers, in any floating dtype.
#include <cmath>

#include "ops/ops.h"

namespace facula {

namespace {

std::tuple<Tensor, Tensor> frexp_of(const Tensor& x) {
  FACULA_CHECK(is_floating(x->dtype), Runtime, "torch.frexp() only supports floating-point dtypes, given ",
               name_of(x->dtype));
  Tensor given = ops::contiguous_memory(ops::converted_memory(x, DType::Float64));
  Tensor mantissa = empty(x->sizes, DType::Float64), exponent = empty(x->sizes, DType::Int32);
  for (int64_t i = 0; i < x->numel; ++i) {
    const double v = given->ptr<double>()[i];
    int power = 0;
    mantissa->ptr<double>()[i] = std::frexp(v, &power);
    exponent->ptr<int32_t>()[i] = std::isfinite(v) ? power : 0;
  }
  return {ops::converted_memory(mantissa, x->dtype), exponent};
}
// d mantissa / dx = 2^-exponent
void frexp_vjp(Backward& b) {
  if (!b.needs(0) || !b.has_grad(0)) return;
  Tensor exponent = ops::converted_memory(b.result(1), b.meta(0).dtype);
  b.set(0, ops::div(b.grad(), ops::pow(2.0, exponent)));
}

const OpDef kOps[] = {
    FACULA_OP("_frexp", Creation, "FrexpBackward0", frexp_of, .vjp = frexp_vjp, .saves = {kSaveResult1}),
};

}  // namespace

extern const OpFamily kFrexpFamily;
const OpFamily kFrexpFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
