// CTC kernels: see ctc.h. The states of one time step are lanes; a sample is a thread's.
#include "cpu/ctc.h"

#include <cstring>
#include <limits>
#include <vector>

#include "cpu/reduce_exp.h"
#include "runtime/parallel.h"

namespace facula::cpu::FACULA_ISA {
namespace {

template <class T>
constexpr T kNever = -std::numeric_limits<T>::infinity();

// One sample: its states are blank, label, blank, label, ..., blank.
template <class T>
struct Sample {
  static constexpr int W = Vec<T>::width;
  const Ctc& c;
  int64_t n, steps, states, row;  // row: between two time steps
  const T* log_probs;
  std::vector<int32_t> label;
  std::vector<T> skip;                   // 0 where the state may follow the one two before it, else never
  std::vector<T> emission, before, now;  // `before` and `now` are kPad behind their start
  static constexpr int64_t kPad = 2;

  Sample(const Ctc& c, int64_t n)
      : c(c),
        n(n),
        steps(c.input_lengths[n]),
        states(2 * c.target_lengths[n] + 1),
        row(c.batch * c.classes),
        log_probs(static_cast<const T*>(c.log_probs) + n * c.classes) {
    const size_t room = static_cast<size_t>(states + 2 * kPad + W);
    label.assign(room, static_cast<int32_t>(c.blank));
    const int64_t* own = c.labels + c.starts[n];
    for (int64_t i = 0; i < states / 2; ++i) label[static_cast<size_t>(2 * i + 1)] = static_cast<int32_t>(own[i]);
    skip.assign(room, kNever<T>);
    for (size_t s = 3; s < static_cast<size_t>(states); s += 2)
      if (label[s] != label[s - 2]) skip[s] = 0;
    emission.assign(room, 0);
    before.assign(room, kNever<T>);
    now.assign(room, kNever<T>);
  }
  void emit(int64_t t) {
    const T* __restrict from = log_probs + t * row;
    const int32_t* __restrict at = label.data();
    T* __restrict to = emission.data();
    for (int64_t s = 0; s < states; ++s) to[s] = from[at[s]];
  }
  // Beside the largest term, which is 1, the smallest that exp does quickly vanish: so does exp(-infinity).
  static Vec<T> log_sum(Vec<T> a, Vec<T> b, Vec<T> c) {
    Vec<T> m = select(a > b, a, b);
    m = select(m > c, m, c);
    const Vec<T> top = select(m == Vec<T>(kNever<T>), Vec<T>(T(0)), m), least = T(sizeof(T) == 4 ? -80 : -700);
    auto term = [&](Vec<T> x) { return exp(limit_below(x - top, least)); };
    return m + log(term(a) + term(b) + term(c));
  }

  void forward(T* loss, T* alpha) {
    if (steps == 0) {
      *loss = states == 1 ? T(0) : -kNever<T>;
      return;
    }
    const int64_t width = 2 * c.longest + 1;
    emit(0);
    T *old = before.data() + kPad, *next = now.data() + kPad;
    old[0] = emission[0];
    if (states > 1) old[1] = emission[1];
    std::memcpy(alpha, old, static_cast<size_t>(states) * sizeof(T));
    for (int64_t t = 1; t < steps; ++t) {
      emit(t);
      for (int64_t s = 0; s < states; s += W)
        store(next + s, log_sum(load(old + s), load(old + s - 1), load(old + s - 2) + load(skip.data() + s)) +
                            load(emission.data() + s));
      for (int64_t s = states; s < states + kPad; ++s) next[s] = kNever<T>;
      std::swap(old, next);
      std::memcpy(alpha + t * width, old, static_cast<size_t>(states) * sizeof(T));
    }
    const T a = old[states - 1], b = states > 1 ? old[states - 2] : kNever<T>, m = a > b ? a : b;
    *loss = m == kNever<T> ? -m : -(m + std::log(std::exp(a - m) + std::exp(b - m)));
  }

  // Adds each state's probability at time t to its class, and writes the gradient of that time.
  void write_gradient(int64_t t, T g, T loss, const T* alpha, const T* beta, T* posterior, T* grad) {
    for (int64_t s = 0; s < states; ++s) posterior[label[static_cast<size_t>(s)]] = 0;
    T* joint = skip.data() + skip.size() / 2;  // the second half: see backward
    for (int64_t s = 0; s < states; s += W) {
      Vec<T> a = load_up_to(alpha + s, states - s, kNever<T>);
      store(joint + s, exp(a + load(beta + s) - load(emission.data() + s) + loss));
    }
    for (int64_t s = 0; s < states; ++s) posterior[label[static_cast<size_t>(s)]] += joint[s];
    const T* from = log_probs + t * row;
    T* to = grad + t * row;
    for (int64_t k = 0; k < c.classes; k += W) {
      Vec<T> p = exp(load_up_to(from + k, c.classes - k, T(0)));
      store_up_to(to + k, (p - load_up_to(posterior + k, c.classes - k, T(0))) * g, c.classes - k);
    }
    for (int64_t s = 0; s < states; ++s) posterior[label[static_cast<size_t>(s)]] = 0;
  }
  void backward(T g, T loss, const T* alpha, bool zero_infinity, T* grad) {
    const bool impossible = loss == -kNever<T>;
    const int64_t used = impossible && zero_infinity ? 0 : steps;
    for (int64_t t = used; t < c.steps; ++t) std::memset(grad + t * row, 0, static_cast<size_t>(c.classes) * sizeof(T));
    if (used == 0) return;
    if (impossible) {  // as PyTorch has it: nothing says which alignment to make likelier
      for (int64_t t = 0; t < used; ++t)
        for (int64_t k = 0; k < c.classes; ++k) grad[t * row + k] = std::numeric_limits<T>::quiet_NaN();
      return;
    }
    skip.resize(2 * skip.size());  // the second half holds products of a time step
    std::vector<T> posterior(static_cast<size_t>(c.classes), T(0));
    const int64_t width = 2 * c.longest + 1;
    T *old = before.data(), *next = now.data();
    emit(steps - 1);
    old[states - 1] = emission[static_cast<size_t>(states - 1)];
    if (states > 1) old[states - 2] = emission[static_cast<size_t>(states - 2)];
    for (int64_t t = steps - 1;; --t) {
      write_gradient(t, g, loss, alpha + t * width, old, posterior.data(), grad);
      if (t == 0) break;
      emit(t - 1);
      for (int64_t s = 0; s < states; s += W)
        store(next + s, log_sum(load(old + s), load(old + s + 1), load(old + s + 2) + load(skip.data() + s + 2)) +
                            load(emission.data() + s));
      for (size_t s = static_cast<size_t>(states); s < now.size(); ++s) next[s] = kNever<T>;
      std::swap(old, next);
    }
  }
};

template <class T>
void forward(const Ctc& c, T* loss, T* alpha) {
  const int64_t each = c.steps * (2 * c.longest + 1);
  parallel_for(c.batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) Sample<T>(c, n).forward(loss + n, alpha + n * each);
  });
}
template <class T>
void backward(const Ctc& c, const T* g, const T* loss, const T* alpha, bool zero_infinity, T* grad) {
  const int64_t each = c.steps * (2 * c.longest + 1);
  parallel_for(c.batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n)
      Sample<T>(c, n).backward(g[n], loss[n], alpha + n * each, zero_infinity, grad + n * c.classes);
  });
}

void forward_any(const Ctc& c, void* loss, void* alpha) {
  if (c.dtype == DType::Float64) return forward(c, static_cast<double*>(loss), static_cast<double*>(alpha));
  forward(c, static_cast<float*>(loss), static_cast<float*>(alpha));
}
void backward_any(const Ctc& c, const void* g, const void* loss, const void* alpha, bool zero_infinity, void* grad) {
  auto as = [&](auto t) {
    using T = decltype(t);
    backward(c, static_cast<const T*>(g), static_cast<const T*>(loss), static_cast<const T*>(alpha), zero_infinity,
             static_cast<T*>(grad));
  };
  c.dtype == DType::Float64 ? as(double()) : as(float());
}

}  // namespace

KERNELS(CtcKernels, ctc_kernels) = {forward_any, backward_any};

}  // namespace facula::cpu::FACULA_ISA
