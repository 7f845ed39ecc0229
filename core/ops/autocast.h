// Mixed precision: which operations cast their arguments while autocast is on, and the casting. The list is PyTorch's
// for the CPU; it is consulted only while mode.autocast is set, so that calls without autocast know nothing of it.
#pragma once
#include "ops/opdef.h"

namespace facula {

// What happens to floating-point arguments other than float64: cast to the autocast type; cast to float32; cast to the
// widest of them; cast to that of the first; nothing, and the parts of the operation are not cast either.
enum class Cast : uint8_t { Lower, Full, Promote, First, Off, None };  // None: the parts decide

struct Autocast {
  DType dtype = DType::BFloat16;
  bool cache = true;  // a weight is cast once within the outermost region
  int nesting = 0;
};
extern __thread Autocast autocast __attribute__((tls_model("initial-exec")));

void set_autocast(bool on);
void clear_autocast_cache();

struct AutocastOff {  // for a scope: the parts of an operation whose arguments were cast
  AutocastOff() : before(mode.autocast) { mode.autocast = false; }
  ~AutocastOff() { mode.autocast = before; }
  bool before;
};

class ArgumentCasts {  // collects what decides the type, then casts; recorded like any other operation
 public:
  explicit ArgumentCasts(Cast policy);
  void see(const Tensor& t);
  Tensor cast(const Tensor& t) const;

 private:
  Cast policy_;
  DType type_;
  bool seen_ = false;
};

// Runs the call with its arguments cast; false when the operation has no rule.
bool apply_autocast(const OpDef& op, const Arg* args, size_t n, Result& result);

}  // namespace facula
