// The rules of autocast for table entries, and the cache of cast weights. Functions composed in Python name their rule
// at their definition (see core/python/autocast.cpp).
#include "ops/autocast.h"

#include <unordered_map>

#include "ops/ops.h"

namespace facula {

__thread Autocast autocast __attribute__((tls_model("initial-exec")));

namespace {

// PyTorch 2.13's CPU lists: what has an AutocastCPU kernel there, and what it does with its arguments. Fused entries
// stand for the operations that they are parts of.
constexpr const char* kLower[] = {"mm",           "bmm",     "addmm",  "baddbmm",      "linear",
                                  "_linear_bias", "_linear", "matmul", "_convolution", "_conv_transpose2d"};
constexpr const char* kFull[] = {
    // losses
    "_mse_loss", "_l1_loss", "_smooth_l1_loss", "_huber_loss", "_binary_cross_entropy",
    "_binary_cross_entropy_with_logits", "_nll_loss", "_cross_entropy",
    // linear algebra
    "_linalg_cholesky_ex", "_cholesky", "cholesky_inverse", "cholesky_solve", "_linalg_solve_ex", "_linalg_inv_ex",
    "_linalg_lu_solve", "_triangular_solve", "_linalg_qr", "geqrf", "_householder_product", "ormqr", "_linalg_lstsq",
    "_linalg_eigh", "_linalg_eig", "_linalg_svd",
    // others
    "_prod", "polar", "view_as_complex"};
constexpr const char* kPromote[] = {"cat", "stack", "index_copy"};

const std::unordered_map<const OpDef*, Cast>& rules() {
  static const auto* table = [] {
    auto* t = new std::unordered_map<const OpDef*, Cast>;
    for (const char* name : kLower) (*t)[&find_op(name)] = Cast::Lower;
    for (const char* name : kFull) (*t)[&find_op(name)] = Cast::Full;
    for (const char* name : kPromote) (*t)[&find_op(name)] = Cast::Promote;
    return t;
  }();
  return *table;
}

struct CachedCast {
  Tensor weight, cast;
  uint32_t version;
};
using Cache = std::unordered_map<const TensorObject*, CachedCast>;
__thread Cache* cache __attribute__((tls_model("initial-exec"))) = nullptr;

bool is_eligible(const Tensor& t) { return is_floating(t->dtype) && t->dtype != DType::Float64; }

// A leaf that training updates: worth casting once for all its uses in the region.
bool is_weight(const Tensor& t) {
  return t->dtype == DType::Float32 && t->is_leaf() && (t->flags & kRequiresGrad) && !(t->flags & kBatched) && !t->base;
}

Tensor cast_weight(const Tensor& t, DType to) {
  if (!cache) cache = new Cache;
  auto found = cache->find(t.get());
  if (found != cache->end()) {
    const CachedCast& c = found->second;
    if (c.version == t->version() && c.cast->dtype == to) return c.cast;
  }
  Tensor cast = ops::to_dtype(t, to);
  (*cache)[t.get()] = {t, cast, t->version()};
  return cast;
}

}  // namespace

void set_autocast(bool on) {
  if (on) detours |= kAutocast;
  mode.autocast = on;
}

void clear_autocast_cache() {
  if (!cache) return;
  Cache* dying = cache;  // freeing a tensor may run any code
  cache = nullptr;
  delete dying;
}

ArgumentCasts::ArgumentCasts(Cast policy)
    : policy_(policy), type_(policy == Cast::Full ? DType::Float32 : autocast.dtype) {}

void ArgumentCasts::see(const Tensor& t) {
  if (!t || !is_eligible(t)) return;
  if (policy_ == Cast::First && !seen_) type_ = t->dtype;
  seen_ = true;
  if (policy_ != Cast::Promote) return;
  FACULA_CHECK(t->dtype == DType::Float32 || t->dtype == autocast.dtype, Runtime,
               "Unexpected floating ScalarType in at::autocast::prioritize: a tensor of ", name_of(t->dtype),
               " where autocast uses ", name_of(autocast.dtype), "; cast it to one of the two, or to torch.float32");
  if (t->dtype == DType::Float32) type_ = DType::Float32;
}

Tensor ArgumentCasts::cast(const Tensor& t) const {
  if (policy_ == Cast::Off || !t || !is_eligible(t) || t->dtype == type_) return t;
  if (mode.grad && autocast.cache && autocast.nesting > 0 && type_ == autocast.dtype && is_weight(t))
    return cast_weight(t, type_);
  return ops::to_dtype(t, type_);
}

bool apply_autocast(const OpDef& op, const Arg* args, size_t n, Result& result) {
  auto rule = rules().find(&op);
  if (rule == rules().end()) return false;
  ArgumentCasts casts(rule->second);
  for (size_t i = 0; i < n; ++i) {
    if (args[i].tag == Arg::Tensor_) casts.see(args[i].as_tensor());
    if (args[i].tag == Arg::List)
      for (const Tensor& t : *args[i].list) casts.see(t);
  }
  AutocastOff parts;
  Arg cast[kMaxArgs];
  Tensor held[kMaxArgs];
  TensorList list;  // no entry with a rule takes two lists
  for (size_t i = 0; i < n; ++i) {
    cast[i] = args[i];
    if (args[i].tag == Arg::Tensor_) {
      held[i] = casts.cast(args[i].as_tensor());
      cast[i] = Arg(held[i]);
    } else if (args[i].tag == Arg::List) {
      for (const Tensor& t : *args[i].list) list.push_back(casts.cast(t));
      cast[i] = Arg(list);
    }
  }
  apply(op, cast, n, Form::Functional, result);
  return true;
}

}  // namespace facula
