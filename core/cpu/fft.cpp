// See fft.h. Batches go through lanes where that is cheaper, else row by row; plans are kept for the next call.
#include "cpu/fft.h"

#include <mutex>

#include "cpu/fft_plan.h"

namespace facula::cpu::FACULA_ISA {
namespace {

using namespace fft;

// ---- plans in use ----

// The latest plan is kept, and those before it while all together stay below this: a program has few lengths.
constexpr size_t kKeptBytes = 64 << 20;

struct KeptPlan {
  const void* maker;  // which kind of plan
  int64_t n;
  size_t bytes;
  std::shared_ptr<const void> plan;
};
struct KeptPlans {
  std::mutex lock;
  std::vector<KeptPlan> plans;  // latest last
};

std::shared_ptr<const void> find_plan(KeptPlans& kept, const void* maker, int64_t n) {
  std::lock_guard<std::mutex> hold(kept.lock);
  for (size_t i = kept.plans.size(); i-- > 0;)
    if (kept.plans[i].maker == maker && kept.plans[i].n == n) {
      std::rotate(kept.plans.begin() + static_cast<int64_t>(i), kept.plans.begin() + static_cast<int64_t>(i) + 1,
                  kept.plans.end());
      return kept.plans.back().plan;
    }
  return nullptr;
}
void keep_plan(KeptPlans& kept, KeptPlan plan) {
  std::lock_guard<std::mutex> hold(kept.lock);
  kept.plans.push_back(std::move(plan));
  size_t total = 0, first = kept.plans.size();
  while (first > 0 && (first == kept.plans.size() || total + kept.plans[first - 1].bytes <= kKeptBytes))
    total += kept.plans[--first].bytes;
  kept.plans.erase(kept.plans.begin(), kept.plans.begin() + static_cast<int64_t>(first));
}

template <class Plan>
std::shared_ptr<const Plan> planned(int64_t n, std::unique_ptr<Plan> (*make)(int64_t)) {
  static KeptPlans& kept = *new KeptPlans;  // outlives threads that transform while the process ends
  const auto* maker = reinterpret_cast<const void*>(make);
  if (auto found = find_plan(kept, maker, n)) return std::static_pointer_cast<const Plan>(found);
  std::shared_ptr<const Plan> plan = make(n);
  keep_plan(kept, {maker, n, plan->bytes(), plan});
  return plan;
}

// exp(-2 pi i k / n) for the first quarter of the circle: between real signals and complex ones of half the length.
template <class T>
struct Roots : Memory<T> {
  explicit Roots(int64_t n) : Memory<T>(2 * (n / 4 + 1)) {
    for (int64_t k = 0; k <= n / 4; ++k) put_root(this->data + 2 * k, k, n);
  }
  size_t bytes() const { return Memory<T>::bytes; }
};
template <class Plan>
std::unique_ptr<Plan> make(int64_t n) {
  return std::make_unique<Plan>(n);
}

// ---- real signals in rows ----

// What separate() does in lanes, from halves of the numbers; `whole`: the conjugates behind as well.
template <class T>
void separate_row(T* x, int64_t h, const T* w, bool whole) {
  const T first = 2 * x[0], last = 2 * x[1];
  x[0] = first + last;
  x[2 * h] = first - last;
  x[1] = x[2 * h + 1] = 0;
  // k and h - k in opposite directions, W at once, the last time fewer
  parallel_for(ceil_div(h / 2, W<T>), kParallelNumbers / W<T>, [=](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t k = 1 + block * W<T>;
      const int few = static_cast<int>(std::min<int64_t>(W<T>, h / 2 + 1 - k));
      T* last_back = x + 2 * (h - k - few + 1);
      const Numbers<T> a = load_numbers(x + 2 * k, few), b = conj(load_backwards(last_back, few));
      const Numbers<T> even = a + b, odd = turn_back(a - b) * load_numbers(w + 2 * k, few);
      const Numbers<T> low = even + odd, high = conj(even - odd);
      store_numbers(x + 2 * k, few, low);
      store_backwards(last_back, few, high);
      if (!whole) continue;
      store_backwards(last_back + 2 * h, few, conj(low));
      store_numbers(x + 2 * (h + k), few, conj(high));
    }
  });
}
// The inverse, times 2: half a spectrum becomes the transform of x[2i] + i x[2i+1].
template <class T>
void unite_row(const T* x, int64_t h, const T* w, T* z) {
  z[0] = x[0] + x[2 * h];
  z[1] = x[0] - x[2 * h];
  parallel_for(ceil_div(h / 2, W<T>), kParallelNumbers / W<T>, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t k = 1 + block * W<T>;
      const int few = static_cast<int>(std::min<int64_t>(W<T>, h / 2 + 1 - k));
      const int64_t k_last = k + few - 1;
      const Numbers<T> a = load_numbers(x + 2 * k, few), b = conj(load_backwards(x + 2 * (h - k_last), few));
      const Numbers<T> even = a + b, odd = turn_back(b - a) * conj(load_numbers(w + 2 * k, few));
      store_numbers(z + 2 * k, few, even + odd);
      store_backwards(z + 2 * (h - k_last), few, conj(even - odd));
    }
  });
}

// ---- one call ----

template <class T>
class Transform {
 public:
  Transform(const FftShape& s, const T* src, T* dst)
      : s_(s), src_(src), dst_(dst), points_(s.kind != FftKind::Complex && s.n % 2 == 0 ? s.n / 2 : s.n) {
    if (points_ != s.n) roots_ = planned<Roots<T>>(s.n, make<Roots<T>>);
  }

  void run() {
    const int64_t count = s_.outer * s_.inner;
    const bool rows = s_.inner == 1;
    const auto groups = static_cast<double>(rows ? ceil_div(count, W<T>) : s_.outer * ceil_div(s_.inner, W<T>));
    // Between rows and lanes: measured on Cascade Lake with 4 to 16 lanes.
    const double cost = groups * (block_cost<T>(points_) + (6.0 + W<T>)*static_cast<double>(points_));
    if (!std::isinf(cost) && !rows) return by_lanes();
    row_plan_ = planned<RowPlan<T>>(points_, make_row<T>);
    if (rows && cost < static_cast<double>(count) * row_plan_->cost()) return by_lanes();
    by_rows();
  }

 private:
  FftShape s_;
  const T* src_;
  T* dst_;
  int64_t points_;  // of the complex transform inside
  std::shared_ptr<const Roots<T>> roots_;
  std::shared_ptr<const RowPlan<T>> row_plan_;
  std::shared_ptr<const LanePlan<T>> lane_plan_;

  bool real_source() const { return s_.kind == FftKind::Half || s_.kind == FftKind::Whole; }
  bool real_result() const { return s_.kind == FftKind::FromHalf; }
  int64_t src_width() const { return real_source() ? 1 : 2; }  // T in a number
  int64_t dst_width() const { return real_result() ? 1 : 2; }
  int64_t src_numbers() const { return real_result() ? s_.n / 2 + 1 : s_.n; }
  int64_t dst_numbers() const { return s_.kind == FftKind::Half ? s_.n / 2 + 1 : s_.n; }
  bool is_even() const { return points_ != s_.n; }
  T scale() const { return static_cast<T>(s_.scale); }
  int64_t grain(int64_t each) const { return ceil_div(kParallelNumbers, each * std::max<int64_t>(points_, 1)); }

  void by_lanes() {
    lane_plan_ = planned<LanePlan<T>>(points_, make<LanePlan<T>>);
    if (s_.inner == 1) {  // the batch is what lies side by side
      s_.inner = s_.outer;
      s_.src_inner = s_.src_outer;
      s_.dst_inner = s_.dst_outer;
      s_.outer = 1;
    }
    const int64_t each = ceil_div(s_.inner, W<T>);
    parallel_for(s_.outer * each, grain(W<T>), [&](int64_t begin, int64_t end) {
      Memory<T> memory(Blocks<T>::size(s_.n));
      const Blocks<T> blocks(memory.data, s_.n);
      for (int64_t g = begin; g < end; ++g) {
        const int64_t o = g / each, i = g % each * W<T>;
        group(src_ + (o * s_.src_outer + i * s_.src_inner) * src_width(),
              dst_ + (o * s_.dst_outer + i * s_.dst_inner) * dst_width(),
              static_cast<int>(std::min<int64_t>(W<T>, s_.inner - i)), blocks);
      }
    });
  }

  // The transforms of `lanes` neighbours.
  void group(const T* src, T* dst, int lanes, const Blocks<T>& blocks) const {
    const bool columns = s_.src_step != 1 && s_.src_inner == 1;
    const T sign = s_.inverse && s_.kind == FftKind::Complex ? -1 : 1;
    const Lines<T> in{const_cast<T*>(src), s_.src_step * src_width(), lanes, 1, sign};
    if (s_.kind != FftKind::Complex) return real_group(src, in, columns, dst, lanes, blocks);
    const Lines<T> out{dst, 2 * s_.dst_step, lanes, scale(), sign * scale()};
    const bool to_columns = s_.dst_step != 1 && s_.dst_inner == 1;
    if (!columns) load_rows(src, 2 * s_.src_inner, lanes, s_.n, sign, blocks.a);
    T* x = lane_plan_->run(columns ? &in : nullptr, blocks.a, to_columns ? &out : nullptr, blocks.a, blocks.b);
    if (!to_columns) store_rows(x, s_.n, scale(), sign * scale(), dst, 2 * s_.dst_inner, lanes);
  }
  void real_group(const T* src, const Lines<T>& in, bool columns, T* dst, int lanes, const Blocks<T>& blocks) const {
    T* x = blocks.a;
    const int64_t half = s_.n / 2 + 1;
    if (real_source()) {
      if (columns)
        load_real_columns(in, points_, is_even(), x);
      else if (is_even())
        load_rows(src, s_.src_inner, lanes, points_, T(1), x);
      else
        load_real_rows(src, s_.src_inner, lanes, points_, x);
      x = lane_plan_->run(nullptr, x, nullptr, blocks.a, blocks.b);
      if (is_even()) separate(x, points_, roots_->data);
      if (is_even() && s_.kind == FftKind::Whole) mirror(x, s_.n, false);
      return store_rows(x, dst_numbers(), scale(), scale(), dst, 2 * s_.dst_inner, lanes);
    }
    if (columns)
      load_columns(in, half, x);
    else
      load_rows(src, 2 * s_.src_inner, lanes, half, T(1), x);
    is_even() ? unite(x, points_, roots_->data) : mirror(x, s_.n, true);
    x = lane_plan_->run(nullptr, x, nullptr, blocks.a, blocks.b);
    if (is_even())
      store_rows(x, points_, scale(), -scale(), dst, s_.dst_inner, lanes);
    else
      store_real_rows(x, points_, scale(), dst, s_.dst_inner, lanes);
  }

  void by_rows() const {
    parallel_for(s_.outer * s_.inner, grain(1), [&](int64_t begin, int64_t end) {
      const bool gathers = s_.src_step != 1 && s_.n > 1, scatters = s_.dst_step != 1 && s_.n > 1;
      Memory<T> in(gathers ? src_numbers() * src_width() : 0), out(scatters ? dst_numbers() * dst_width() : 0);
      Memory<T> middle(s_.kind != FftKind::Complex && !is_even() ? 2 * s_.n : 0), scratch(row_plan_->scratch);
      for (int64_t t = begin; t < end; ++t) {
        const int64_t o = t / s_.inner, i = t % s_.inner;
        const T* src = src_ + (o * s_.src_outer + i * s_.src_inner) * src_width();
        T* dst = dst_ + (o * s_.dst_outer + i * s_.dst_inner) * dst_width();
        if (gathers) copy_numbers(src, s_.src_step, src_numbers(), src_width(), in.data, 1);
        if (t + 1 < end && !gathers && !scatters) fetch_row(t + 1);
        row(gathers ? in.data : src, scatters ? out.data : dst, middle.data,
            row_plan_->scratch ? scratch.data : nullptr);
        if (scatters) copy_numbers(out.data, 1, dst_numbers(), dst_width(), dst, s_.dst_step);
      }
    });
  }
  // The memory of a row into the cache.
  void fetch_row(int64_t t) const {
    constexpr int64_t line = 64 / sizeof(T);
    const int64_t o = t / s_.inner, i = t % s_.inner;
    const T* src = src_ + (o * s_.src_outer + i * s_.src_inner) * src_width();
    const T* dst = dst_ + (o * s_.dst_outer + i * s_.dst_inner) * dst_width();
    for (int64_t at = 0; at < src_numbers() * src_width(); at += line) __builtin_prefetch(src + at, 0, 2);
    for (int64_t at = 0; at < dst_numbers() * dst_width(); at += line) __builtin_prefetch(dst + at, 1, 2);
  }
  static void copy_numbers(const T* src, int64_t src_step, int64_t n, int64_t width, T* dst, int64_t dst_step) {
    for (int64_t i = 0; i < n; ++i)
      for (int64_t part = 0; part < width; ++part) dst[i * dst_step * width + part] = src[i * src_step * width + part];
  }

  void row(const T* src, T* dst, T* middle, T* scratch) const {
    const int64_t n = s_.n;
    if (s_.kind == FftKind::Complex) return row_plan_->run(src, dst, s_.inverse, scale(), scratch);
    if (is_even() && real_source()) {
      row_plan_->run(src, dst, false, scale() / 2, scratch);
      return separate_row(dst, points_, roots_->data, s_.kind == FftKind::Whole);
    }
    if (is_even()) {
      unite_row(src, points_, roots_->data, dst);
      return row_plan_->run(dst, dst, true, scale(), scratch);
    }
    if (real_source()) {
      for (int64_t i = 0; i < n; ++i) {
        middle[2 * i] = src[i];
        middle[2 * i + 1] = 0;
      }
      row_plan_->run(middle, middle, false, scale(), scratch);
      std::copy(middle, middle + 2 * dst_numbers(), dst);
      return;
    }
    middle[0] = src[0];
    middle[1] = 0;
    for (int64_t i = 1; i < n - i; ++i) {
      middle[2 * i] = middle[2 * (n - i)] = src[2 * i];
      middle[2 * i + 1] = src[2 * i + 1];
      middle[2 * (n - i) + 1] = -src[2 * i + 1];
    }
    row_plan_->run(middle, middle, true, scale(), scratch);
    for (int64_t i = 0; i < n; ++i) dst[i] = middle[2 * i];
  }
};

void transform(const FftShape& shape, const void* src, void* dst) {
  if (shape.is_double)
    Transform<double>(shape, static_cast<const double*>(src), static_cast<double*>(dst)).run();
  else
    Transform<float>(shape, static_cast<const float*>(src), static_cast<float*>(dst)).run();
}

}  // namespace

KERNELS(FftKernels, fft_kernels) = {transform};

}  // namespace facula::cpu::FACULA_ISA
