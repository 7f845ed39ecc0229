// The table: every operation there is, by name. Families declare their entries beside their code.
#include <string>
#include <unordered_map>

#include "ops/opdef.h"
#include "ops/pointwise_op.h"

namespace facula {

// One a line, so that several hands can add to the list.
// clang-format off
#define FACULA_FAMILIES(F) \
  F(View) \
  F(Copy) \
  F(Reduce) \
  F(Contract) \
  F(Index) \
  F(IndexScatter) \
  F(IndexReduce) \
  F(Embedding) \
  F(Rearrange) \
  F(Scan) \
  F(Fused) \
  F(Loss) \
  F(ClassLoss) \
  F(Ctc) \
  F(Random) \
  F(Conv) \
  F(Pool) \
  F(Resample) \
  F(Pad) \
  F(Unfold) \
  F(GridSample) \
  F(Step) \
  F(Sort) \
  F(Histogram) \
  F(Norm) \
  F(Recurrent) \
  F(Attention) \
  F(Complex) \
  F(Fft) \
  F(LinalgFactor) \
  F(LinalgSolve) \
  F(LinalgOrthogonal) \
  F(LinalgSpectral) \
  F(LinalgExp) \
  F(Distribution) \
  F(Frexp)
// clang-format on
#define FACULA_DECLARE(NAME) extern const OpFamily k##NAME##Family;
FACULA_FAMILIES(FACULA_DECLARE)

const OpFamily* op_families(size_t* count) {
#define FACULA_LIST(NAME) , k##NAME##Family
  static const OpFamily families[] = {pointwise_family() FACULA_FAMILIES(FACULA_LIST)};
  *count = sizeof(families) / sizeof(families[0]);
  return families;
}

const OpDef* lookup_op(std::string_view name) {
  static const auto table = [] {
    std::unordered_map<std::string_view, const OpDef*> t;
    t.reserve(1024);
    size_t n;
    const OpFamily* families = op_families(&n);
    for (size_t f = 0; f < n; ++f)
      for (size_t i = 0; i < families[f].count; ++i) t.emplace(families[f].ops[i].name, &families[f].ops[i]);
    return t;
  }();
  auto found = table.find(name);
  return found == table.end() ? nullptr : found->second;
}

const OpDef& find_op(std::string_view name) {
  const OpDef* op = lookup_op(name);
  FACULA_CHECK(op, Runtime, "there is no operation '", std::string(name), "' in the table");
  return *op;
}

}  // namespace facula
