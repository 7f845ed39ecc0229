// ctc_loss: minus the log probability of label sequences whose alignment is unknown. Reductions are the Python
// function's.
#include "cpu/ctc.h"

#include <algorithm>

#include "base/gil.h"
#include "ops/ops.h"

namespace facula {

namespace {

constexpr int64_t kWorkPerState = 16;  // an exponential costs about this many additions

// A call in the kernels' terms: everything checked, so that no label or length leads outside.
struct CtcCall {
  cpu::Ctc ctc;
  Tensor log_probs, labels;
  Dims starts;

  CtcCall(const Tensor& x, const Tensor& targets, const Dims& inputs, const Dims& lengths, int64_t blank) {
    FACULA_CHECK(x->dtype == DType::Float32 || x->dtype == DType::Float64, NotImplemented,
                 "\"ctc_loss_cpu\" not implemented for '", scalar_type_name(x->dtype), "'");
    FACULA_CHECK(x->ndim() == 3, Runtime, "ctc_loss(): log_probs should have 3 dimensions (T, N, C), but got ",
                 x->sizes);
    FACULA_CHECK(x->numel > 0, Runtime, "log_probs tensor must not be empty");
    FACULA_CHECK(is_integral(targets->dtype), Runtime, "ctc_loss(): expected targets of an integer type, but got ",
                 scalar_type_name(targets->dtype));
    const int64_t steps = x->sizes[0], batch = x->sizes[1], classes = x->sizes[2];
    FACULA_CHECK(blank >= 0 && blank < classes, Runtime, "blank must be in label range");
    FACULA_CHECK(static_cast<int64_t>(inputs.size()) == batch, Runtime,
                 "input_lengths must be of size batch_size: ", batch, ", but got ", inputs.size());
    FACULA_CHECK(static_cast<int64_t>(lengths.size()) == batch, Runtime,
                 "target_lengths must be of size batch_size: ", batch, ", but got ", lengths.size());
    for (int64_t t : inputs) {
      FACULA_CHECK(t >= 0, Runtime, "Expected input_lengths to have value at least 0, but got value ", t);
      FACULA_CHECK(t <= steps, Runtime, "Expected input_lengths to have value at most ", steps, ", but got value ", t);
    }
    labels = ops::contiguous_memory(ops::converted_memory(targets, DType::Int64));
    const int64_t longest = place_labels(batch, lengths);
    for (int64_t n = 0; n < batch; ++n)
      for (int64_t i = 0; i < lengths[n]; ++i) {
        const int64_t label = labels->ptr<int64_t>()[starts[n] + i];
        FACULA_CHECK(label >= 0 && label < classes, Runtime, "ctc_loss(): label ", label, " of sample ", n,
                     " is not a class: expected 0 to ", classes - 1);
      }
    log_probs = ops::contiguous_memory(x);
    ctc = {x->dtype,   steps,      batch,      classes, longest, blank, log_probs->data(), labels->ptr<int64_t>(),
           &starts[0], &inputs[0], &lengths[0]};
  }
  // Where each sample's labels begin: rows of a matrix, or one behind the other. Gives the largest length.
  int64_t place_labels(int64_t batch, const Dims& lengths) {
    int64_t longest = 0, total = 0;
    const bool rows = labels->ndim() == 2;
    FACULA_CHECK(rows || labels->ndim() == 1, Runtime, "ctc_loss(): targets should be 1D or 2D, but got ",
                 labels->sizes);
    FACULA_CHECK(!rows || labels->sizes[0] == batch, Runtime, "Expected tensor to have size ", batch,
                 " at dimension 0, but got size ", labels->sizes[0], " for argument 'targets'");
    for (int64_t s : lengths) {
      FACULA_CHECK(s >= 0, Runtime, "Expected target_lengths to have value at least 0, but got value ", s);
      starts.push_back(rows ? static_cast<int64_t>(starts.size()) * labels->sizes[1] : total);
      longest = std::max(longest, s);
      FACULA_CHECK(total <= INT64_MAX - s, Runtime, "ctc_loss(): target_lengths are too large");
      total += s;
    }
    if (rows)
      FACULA_CHECK(longest <= labels->sizes[1], Runtime, "Expected tensor to have size at least ", longest,
                   " at dimension 1, but got size ", labels->sizes[1], " for argument 'targets'");
    else
      FACULA_CHECK(total == labels->numel, Runtime, "Expected tensor to have size ", total,
                   " at dimension 0, but got size ", labels->numel, " for argument 'targets'");
    return longest;
  }
  bool is_long() const { return ctc.steps * ctc.batch * (2 * ctc.longest + 1) * kWorkPerState > kLongWork; }
};

std::tuple<Tensor, Tensor> ctc_loss(const Tensor& log_probs, const Tensor& targets, const Dims& input_lengths,
                                    const Dims& target_lengths, int64_t blank, bool) {
  CtcCall c(log_probs, targets, input_lengths, target_lengths, blank);
  Tensor loss = empty({c.ctc.batch}, log_probs->dtype);
  Tensor alpha = empty({c.ctc.batch, c.ctc.steps, 2 * c.ctc.longest + 1}, log_probs->dtype);
  GilRelease unlocked(c.is_long());
  cpu::ctc().forward(c.ctc, loss->data(), alpha->data());
  return {loss, alpha};
}
Tensor ctc_loss_backward(const Tensor& g, const Tensor& log_probs, const Tensor& targets, const Tensor& loss,
                         const Tensor& alpha, const Dims& input_lengths, const Dims& target_lengths, int64_t blank,
                         bool zero_infinity) {
  CtcCall c(log_probs, targets, input_lengths, target_lengths, blank);
  FACULA_CHECK(g->numel == c.ctc.batch && loss->numel == c.ctc.batch &&
                   alpha->numel == c.ctc.batch * c.ctc.steps * (2 * c.ctc.longest + 1),
               Runtime, "ctc_loss(): a gradient of shape ", g->sizes, " for a batch of ", c.ctc.batch);
  Tensor grad = empty(log_probs->sizes, log_probs->dtype);
  Tensor each = ops::contiguous_memory(ops::converted_memory(g, log_probs->dtype));
  GilRelease unlocked(c.is_long());
  cpu::ctc().backward(c.ctc, each->data(), loss->data(), alpha->data(), zero_infinity, grad->data());
  return grad;
}

void ctc_vjp(Backward& b) {
  static const OpDef& op = find_op("_ctc_loss_backward");
  if (!b.has_grad(0)) return;
  b.set(0,
        call(op, b.grad(), b.input(0), b.input(1), b.result(0), b.result(1), b.arg(2), b.arg(3), b.arg(4), b.arg(5)));
}
void ctc_backward_vjp(Backward&) {
  fail(ErrorKind::NotImplemented, "the derivative for '_ctc_loss_backward' is not implemented.");
}

const OpDef kOps[] = {
    FACULA_OP("_ctc_loss", Fused, "CtcLossBackward0", ctc_loss, .vjp = ctc_vjp,
              .saves = {0b11 | kSaveResult | kSaveResult1}),
    FACULA_OP("_ctc_loss_backward", Fused, "CtcLossBackwardBackward0", ctc_loss_backward, .vjp = ctc_backward_vjp),
};

}  // namespace

extern const OpFamily kCtcFamily;
const OpFamily kCtcFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
