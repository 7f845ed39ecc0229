// Cross entropy from logits and negative log likelihood: the loss of a row in two passes over it, its gradient in one.
#include "cpu/loss.h"

#include <cstdlib>

#include "cpu/reduce_exp.h"
#include "cpu/reduce_row.h"
#include "runtime/parallel.h"

namespace facula::cpu::FACULA_ISA {
namespace {

constexpr int64_t kGrain = 16384;     // scores in about 20 us of exponentials
constexpr int64_t kGroup = 64;        // positions whose losses are added before they join the others, in order
constexpr int64_t kStackGroups = 64;  // partial sums that need no heap

LossStatus done() { return {LossStatus::Done, 0}; }

// The first target that is neither a class nor ignore_index.
LossStatus check_targets(const ClassLoss& loss) {
  int64_t positions = loss.n * loss.inner;
  bool bad = false;
  for (int64_t i = 0; i < positions; ++i) {
    int64_t t = loss.target[i];
    bad |= (static_cast<uint64_t>(t) >= static_cast<uint64_t>(loss.classes)) & (t != loss.ignore_index);
  }
  if (!bad) return done();
  for (int64_t i = 0;; ++i) {
    int64_t t = loss.target[i];
    if ((t < 0 || t >= loss.classes) && t != loss.ignore_index) return {LossStatus::BadTarget, i};
  }
}

struct Partial {
  double loss, smooth, weight, count;
};

template <class A>
struct ClassLossOf {
  using In = Reader<A>;
  using Out = Writer<A>;
  const ClassLoss& loss;
  In x, weight, grad_out;
  Out out;
  double all_weights;  // sum of the classes' weights, when smoothing
  ClassLossOf(const ClassLoss& loss, const void* grad_out, void* out)
      : loss(loss),
        x(loss.dtype, loss.scores),
        weight(loss.dtype, loss.weight),
        grad_out(loss.dtype, grad_out),
        out(loss.dtype, out),
        all_weights(loss.smoothing > 0 ? weight_sum() : 0) {}

  int64_t offset(int64_t i) const { return i / loss.inner * loss.classes * loss.inner + i % loss.inner; }

  // Log-sum-exps of `rows` <= kGroup neighbouring rows.
  void log_sum_rows(int64_t at, int64_t rows, A* log_sum) const {
    A buffer[kBlock], largest[kGroup], sums[kGroup];
    int64_t n = loss.classes;
    for (int64_t r = 0; r < rows; ++r, at += n) {
      if (n <= Vec<A>::width) {  // one vector holds the row
        Vec<A> v = load_partial(x.at(at, n, buffer), static_cast<int>(n), MaxOp::template identity<A>());
        largest[r] = join_lanes<MaxOp>(v);
        sums[r] = join_lanes<SumOp>(exp(v - largest[r]));
        continue;
      }
      A top = MaxOp::template identity<A>();
      for_blocks(
          n, [&](int64_t i, int64_t m) { top = MaxOp::join(top, fold_contiguous<MaxOp>(x.at(at + i, m, buffer), m)); });
      double sum = 0;
      for_blocks(n, [&](int64_t i, int64_t m) { sum += sum_exp(x.at(at + i, m, buffer), m, top); });
      largest[r] = top;
      sums[r] = static_cast<A>(sum);
    }
    map_block([](auto m, auto s) { return m + log(s); }, rows, log_sum, largest, sums);
  }
  // Log-sum-exps of `w` <= kGroup neighbours along inner.
  void log_sum_columns(int64_t at, int64_t w, A* log_sum) const {
    int64_t n = loss.classes, stride = loss.inner;
    A buffer[kGroup], largest[kGroup], sum[kGroup];
    for (int64_t j = 0; j < w; ++j) {
      largest[j] = MaxOp::template identity<A>();
      sum[j] = 0;
    }
    for (int64_t c = 0; c < n; ++c)
      map_block([](auto m, auto v) { return MaxOp::join(m, v); }, w, largest, largest,
                x.at(at + c * stride, w, buffer));
    for (int64_t c = 0; c < n; ++c) add_exp(x.at(at + c * stride, w, buffer), largest, w, sum);
    map_block([](auto m, auto s) { return m + log(s); }, w, log_sum, largest, sum);
  }
  void fill_log_sums(int64_t begin, int64_t end, A* log_sum) const {
    if (loss.inner == 1) return log_sum_rows(begin * loss.classes, end - begin, log_sum + begin);
    for (int64_t i = begin; i < end;) {
      int64_t w = loss.inner - i % loss.inner < end - i ? loss.inner - i % loss.inner : end - i;
      log_sum_columns(offset(i), w, log_sum + i);
      i += w;
    }
  }
  // Sum over the classes of weight * score.
  double weighted_scores(int64_t at) const {
    double sum = 0;
    A buffer[kBlock], weights[kBlock];
    for_blocks(loss.classes, [&](int64_t i, int64_t m) {
      const A* v = loss.inner == 1 ? x.at(at + i, m, buffer) : x.strided(at + i * loss.inner, loss.inner, m, buffer);
      if (loss.weight)
        sum += sum_block([](auto a, auto b) { return a * b; }, m, v, weight.at(i, m, weights));
      else
        sum += fold_contiguous<SumOp>(v, m);
    });
    return sum;
  }
  double weight_sum() const {
    if (!loss.weight) return static_cast<double>(loss.classes);
    double sum = 0;
    for (int64_t c = 0; c < loss.classes; ++c) sum += weight[c];
    return sum;
  }

  // Positions [begin, end); log_sum is null for log-probabilities.
  Partial group(int64_t begin, int64_t end, A* log_sum) const {
    Partial p{0, 0, 0, 0};
    if (log_sum) fill_log_sums(begin, end, log_sum);
    for (int64_t i = begin; i < end; ++i) {
      int64_t t = loss.target[i], at = offset(i);
      double shift = log_sum ? log_sum[i] : 0, value = 0, smooth = 0;
      if (t != loss.ignore_index) {
        double w = loss.weight ? weight[t] : A(1);
        value = w * (shift - x[at + t * loss.inner]);
        if (loss.smoothing > 0) smooth = all_weights * shift - weighted_scores(at);
        p.weight += w;
        p.count += 1;
      }
      if (loss.reduction == LossReduction::None) out.put(i, static_cast<A>(mixed(value, smooth)));
      p.loss += value;
      p.smooth += smooth;
    }
    return p;
  }
  double mixed(double value, double smooth) const {
    double s = loss.smoothing;
    return s > 0 ? (1 - s) * value + s / static_cast<double>(loss.classes) * smooth : value;
  }

  LossStatus forward(A* log_sum, double* total_weight) const {
    LossStatus status = check_targets(loss);
    if (status.code != LossStatus::Done) return status;
    int64_t positions = loss.n * loss.inner, groups = (positions + kGroup - 1) / kGroup;
    Partial stack[kStackGroups], total{0, 0, 0, 0};
    Partial* partial = groups <= kStackGroups
                           ? stack
                           : static_cast<Partial*>(std::malloc(static_cast<size_t>(groups) * sizeof(Partial)));
    auto body = [&](int64_t b, int64_t e) {
      for (int64_t g = b; g < e; ++g) {
        int64_t end = (g + 1) * kGroup < positions ? (g + 1) * kGroup : positions;
        Partial p = group(g * kGroup, end, log_sum);
        if (partial)
          partial[g] = p;
        else
          total = {total.loss + p.loss, total.smooth + p.smooth, total.weight + p.weight, total.count + p.count};
      }
    };
    int64_t cost = kGroup * (log_sum ? loss.classes : 1);
    if (partial)
      parallel_for(groups, cost >= kGrain ? 1 : kGrain / (cost < 1 ? 1 : cost), body);
    else
      body(0, groups);  // no memory for the partial sums: one thread, in order
    for (int64_t g = 0; partial && g < groups; ++g) {
      const Partial& p = partial[g];
      total = {total.loss + p.loss, total.smooth + p.smooth, total.weight + p.weight, total.count + p.count};
    }
    if (partial != stack) std::free(partial);
    *total_weight = total.weight;
    double mean = mixed(total.loss, total.smooth) / (loss.reduction == LossReduction::Mean ? total.weight : 1.0);
    if (loss.reduction != LossReduction::None) out.put(0, static_cast<A>(mean));
    return done();
  }

  // d loss_i / d score_c = grad_i [(1 - s) w_t (p_c - [c = t]) + s / C (p_c sum(w) - w_c)]
  struct Factors {
    A softmax, onehot, weight;  // of p_c, of [c = t], of w_c
  };
  Factors factors(int64_t i, double scale) const {
    int64_t t = loss.target[i];
    if (t == loss.ignore_index) return {0, 0, 0};
    if (loss.reduction == LossReduction::None) scale = grad_out[i];
    double w = loss.weight ? weight[t] : A(1), s = loss.smoothing, share = s / static_cast<double>(loss.classes);
    return {static_cast<A>(scale * ((1 - s) * w + share * all_weights)), static_cast<A>(scale * (1 - s) * w),
            static_cast<A>(scale * share)};
  }
  // What every position's gradient is multiplied with; without reduction each has its own.
  double common_scale(double total_weight) const {
    if (loss.reduction == LossReduction::None) return 1;
    return loss.reduction == LossReduction::Mean ? grad_out[0] / total_weight : grad_out[0];
  }

  void backward_row(int64_t i, const Factors& f, A shift) const {
    A buffer[kBlock], weights[kBlock];
    int64_t t = loss.target[i];
    for_blocks(loss.classes, [&](int64_t c, int64_t m) {
      int64_t at = i * loss.classes + c;
      A* place = out.place(at, buffer);
      if (f.softmax == 0 && f.onehot == 0) {  // ignored: zero even where a score is infinite
        std::memset(place, 0, static_cast<size_t>(m) * sizeof(A));
      } else if (f.weight == 0 || !loss.weight) {
        map_block([=](auto v) { return exp(v - shift) * f.softmax - f.weight; }, m, place, x.at(at, m, buffer));
      } else {
        map_block([=](auto v, auto w) { return exp(v - shift) * f.softmax - w * f.weight; }, m, place,
                  x.at(at, m, buffer), weight.at(c, m, weights));
      }
      if (t >= c && t < c + m) place[t - c] -= f.onehot;
      out.done(at, m, place);
    });
  }
  // inner > 1: columns [begin, end) of sample `s`, at most kBlock of them.
  void backward_panel(int64_t s, int64_t begin, int64_t end, const A* shift, const Factors* f) const {
    const int64_t* target = loss.target + s * loss.inner + begin;
    A buffer[kBlock];
    int64_t w = end - begin;
    for (int64_t c = 0; c < loss.classes; ++c) {
      int64_t at = (s * loss.classes + c) * loss.inner + begin;
      A w_c = loss.weight ? weight[c] : A(1);
      A* place = out.place(at, buffer);
      map_block([](auto v, auto l) { return exp(v - l); }, w, place, x.at(at, w, buffer), shift);
      for (int64_t j = 0; j < w; ++j) {
        A p = place[j] * f[j].softmax - w_c * f[j].weight;
        place[j] = f[j].softmax == 0 && f[j].onehot == 0 ? A(0) : target[j] == c ? p - f[j].onehot : p;
      }
      out.done(at, w, place);
    }
  }
  LossStatus backward(const A* log_sum, double total_weight) const {
    double scale = common_scale(total_weight);
    auto grain = [](int64_t cost) { return cost >= kGrain ? 1 : kGrain / (cost < 1 ? 1 : cost); };
    if (loss.inner == 1) {
      parallel_for(loss.n, grain(loss.classes), [&](int64_t b, int64_t e) {
        for (int64_t i = b; i < e; ++i) backward_row(i, factors(i, scale), log_sum[i]);
      });
      return done();
    }
    constexpr int64_t kPanel = 256;
    int64_t panels = (loss.inner + kPanel - 1) / kPanel;
    parallel_for(loss.n * panels, grain(loss.classes * kPanel), [&](int64_t b, int64_t e) {
      Factors f[kPanel];
      for (int64_t u = b; u < e; ++u) {
        int64_t s = u / panels, begin = u % panels * kPanel,
                end = begin + kPanel < loss.inner ? begin + kPanel : loss.inner;
        for (int64_t j = begin; j < end; ++j) f[j - begin] = factors(s * loss.inner + j, scale);
        backward_panel(s, begin, end, log_sum + s * loss.inner + begin, f);
      }
    });
    return done();
  }

  LossStatus nll_backward(double total_weight) const {
    double scale = common_scale(total_weight);
    if (loss.n * loss.inner == 0) return done();
    std::memset(out.base, 0, static_cast<size_t>(loss.n * loss.classes * loss.inner * item_size(loss.dtype)));
    for (int64_t i = 0; i < loss.n * loss.inner; ++i) {
      Factors f = factors(i, scale);
      int64_t row = i / loss.inner * loss.classes;
      if (loss.target[i] != loss.ignore_index) out.put((row + loss.target[i]) * loss.inner + i % loss.inner, -f.onehot);
    }
    return done();
  }
};

constexpr LossStatus kBadType = {LossStatus::BadType, 0};
using F32 = ClassLossOf<float>;
using F64 = ClassLossOf<double>;

LossStatus cross_entropy(const ClassLoss& loss, void* out, void* log_sum, double* total_weight) {
  if (!is_floating(loss.dtype)) return kBadType;
  return loss.dtype == DType::Float64 ? F64(loss, nullptr, out).forward(static_cast<double*>(log_sum), total_weight)
                                      : F32(loss, nullptr, out).forward(static_cast<float*>(log_sum), total_weight);
}
LossStatus cross_entropy_backward(const ClassLoss& loss, const void* log_sum, double total_weight, const void* grad_out,
                                  void* grad) {
  if (!is_floating(loss.dtype)) return kBadType;
  return loss.dtype == DType::Float64
             ? F64(loss, grad_out, grad).backward(static_cast<const double*>(log_sum), total_weight)
             : F32(loss, grad_out, grad).backward(static_cast<const float*>(log_sum), total_weight);
}
LossStatus nll(const ClassLoss& loss, void* out, double* total_weight) {
  if (!is_floating(loss.dtype)) return kBadType;
  ClassLoss plain = loss;
  plain.smoothing = 0;
  return loss.dtype == DType::Float64 ? F64(plain, nullptr, out).forward(nullptr, total_weight)
                                      : F32(plain, nullptr, out).forward(nullptr, total_weight);
}
LossStatus nll_backward(const ClassLoss& loss, double total_weight, const void* grad_out, void* grad) {
  if (!is_floating(loss.dtype)) return kBadType;
  ClassLoss plain = loss;
  plain.smoothing = 0;
  return loss.dtype == DType::Float64 ? F64(plain, grad_out, grad).nll_backward(total_weight)
                                      : F32(plain, grad_out, grad).nll_backward(total_weight);
}

}  // namespace

KERNELS(ClassLossKernels, class_loss_kernels) = {cross_entropy, cross_entropy_backward, nll, nll_backward};

}  // namespace facula::cpu::FACULA_ISA
