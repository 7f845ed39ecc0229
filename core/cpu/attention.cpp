// Attention by online softmax (Milakov and Gimelshein 2018; Dao et al. 2022, algorithms 1 and 4): a block of scores is
// made, weighted into the result and dropped. Backward makes it again from the saved logarithms of the sums.
#include "cpu/attention.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "cpu/reduce_exp.h"
#include "cpu/reduce_row.h"
#include "runtime/gemm.h"
#include "runtime/parallel.h"

namespace facula::cpu::FACULA_ISA {
namespace {

// Queries and keys of a block, whose scores stay in L2. Keys are packed anew for each block of queries, so many; but
// few where half of a block on the diagonal is masked.
constexpr int64_t kMostRows = 192, kCausalRows = 64, kCols = 240;

inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

template <class A>
struct Attention {
  static constexpr A kMasked = -std::numeric_limits<A>::infinity();
  static constexpr DType kType = std::is_same_v<A, double> ? DType::Float64 : DType::Float32;

  static void multiply(bool ta, bool tb, int64_t m, int64_t n, int64_t k, double alpha, const A* a, int64_t lda,
                       const A* b, int64_t ldb, double beta, A* c, int64_t ldc) {
    gemm(kType, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  }
  // Scores of queries [row, row + m) and keys [col, col + n) of one head, masked.
  static void scores(const AttentionShape& s, int64_t b, int64_t h, const A* q, const A* k, int64_t row, int64_t m,
                     int64_t col, int64_t n, A* to) {
    multiply(false, true, m, n, s.depth, s.scale, q + row * s.depth, s.depth, k + col * s.depth, s.depth, 0, to, n);
    if (s.mask) {
      const A* mask = static_cast<const A*>(s.mask) + b * s.mask_strides[0] + h * s.mask_strides[1];
      for (int64_t i = 0; i < m; ++i) {
        const A* at = mask + (row + i) * s.mask_strides[2] + col * s.mask_strides[3];
        if (s.mask_strides[3] == 1)
          map_block([](auto x, auto y) { return x + y; }, n, to + i * n, to + i * n, at);
        else
          for (int64_t j = 0; j < n; ++j) to[i * n + j] += at[j * s.mask_strides[3]];
      }
    }
    if (!s.causal) return;
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = row + i + 1 > col ? row + i + 1 - col : 0; j < n; ++j) to[i * n + j] = kMasked;
  }
  static int64_t rows_of(const AttentionShape& s) { return least(s.causal ? kCausalRows : kMostRows, s.queries); }
  // Keys that queries below `row` can see.
  static int64_t visible(const AttentionShape& s, int64_t row) { return s.causal ? least(s.keys, row) : s.keys; }

  // One row's scores become weights; the row's largest score, sum and result so far are brought up to date.
  static void absorb(A* scores, int64_t n, A* largest, A* sum, A* result, int64_t width) {
    A next = MaxOp::join(*largest, fold_contiguous<MaxOp>(scores, n));
    if (next == kMasked) {
      std::memset(scores, 0, static_cast<size_t>(n) * sizeof(A));
      return;
    }
    const A factor = std::exp(*largest - next);
    *sum = *sum * factor + exp_block<true>(scores, n, next, scores);
    *largest = next;
    if (factor != A(1)) map_block([=](auto v) { return v * factor; }, width, result, result);
  }
  static void block_forward(const AttentionShape& s, int64_t b, int64_t h, int64_t row, int64_t m, const A* q,
                            const A* k, const A* v, A* y, A* lse, A* scratch) {
    A largest[kMostRows], sum[kMostRows];
    for (int64_t i = 0; i < m; ++i) {
      largest[i] = kMasked;
      sum[i] = 0;
    }
    std::memset(y, 0, static_cast<size_t>(m * s.width) * sizeof(A));
    const int64_t end = visible(s, row + m);
    for (int64_t col = 0; col < end; col += kCols) {
      const int64_t n = least(kCols, end - col);
      scores(s, b, h, q, k, row, m, col, n, scratch);
      for (int64_t i = 0; i < m; ++i) absorb(scratch + i * n, n, &largest[i], &sum[i], y + i * s.width, s.width);
      multiply(false, false, m, s.width, n, 1, scratch, n, v + col * s.width, s.width, 1, y, s.width);
    }
    for (int64_t i = 0; i < m; ++i) {
      const A scale = sum[i] == 0 ? A(0) : 1 / sum[i];
      map_block([=](auto x) { return x * scale; }, s.width, y + i * s.width, y + i * s.width);
      lse[i] = sum[i] == 0 ? std::numeric_limits<A>::infinity() : largest[i] + std::log(sum[i]);
    }
  }
  static void forward(const AttentionShape& s, const A* q, const A* k, const A* v, A* y, A* lse) {
    const int64_t rows = rows_of(s), blocks = (s.queries + rows - 1) / rows, kv_heads = s.heads / s.group;
    parallel_for(s.batch * s.heads * blocks, 1 + 16384 / (s.keys * rows + 1), [&](int64_t begin, int64_t end) {
      std::vector<A> scratch(static_cast<size_t>(rows * least(kCols, s.keys)));
      for (int64_t t = begin; t < end; ++t) {
        const int64_t plane = t / blocks, row = t % blocks * rows, b = plane / s.heads, h = plane % s.heads;
        const int64_t shared = b * kv_heads + h / s.group, at = plane * s.queries + row;
        block_forward(s, b, h, row, least(rows, s.queries - row), q + plane * s.queries * s.depth,
                      k + shared * s.keys * s.depth, v + shared * s.keys * s.width, y + at * s.width, lse + at,
                      scratch.data());
      }
    });
  }

  // ---- backward ----

  struct Plane {  // one head
    const A *q, *k, *v, *y, *dy, *lse;
    A *dq, *dk, *dv;
  };
  // p: weights of a block; ds: on the way in dy v^T, on the way out the gradient of the scores.
  static void block_backward(const AttentionShape& s, int64_t b, int64_t h, const Plane& p, int64_t row, int64_t m,
                             int64_t col, int64_t n, const A* dots, A* weights, A* ds) {
    scores(s, b, h, p.q, p.k, row, m, col, n, weights);
    const A* dy = p.dy + row * s.width;
    multiply(false, true, m, n, s.width, 1, dy, s.width, p.v + col * s.width, s.width, 0, ds, n);
    const A scale = static_cast<A>(s.scale);
    for (int64_t i = 0; i < m; ++i) {
      A *w = weights + i * n, *d = ds + i * n;
      const A shift = p.lse[row + i], dot = dots[row + i];
      map_block([=](auto x) { return exp(x - shift); }, n, w, w);
      map_block([=](auto x, auto y) { return y * (x - dot) * scale; }, n, d, d, w);
    }
    multiply(true, false, n, s.width, m, 1, weights, n, dy, s.width, 1, p.dv + col * s.width, s.width);
    multiply(false, false, m, s.depth, n, 1, ds, n, p.k + col * s.depth, s.depth, 1, p.dq + row * s.depth, s.depth);
    multiply(true, false, n, s.depth, m, 1, ds, n, p.q + row * s.depth, s.depth, 1, p.dk + col * s.depth, s.depth);
  }
  static void head_backward(const AttentionShape& s, int64_t b, int64_t h, const Plane& p, std::vector<A>& scratch) {
    const int64_t rows = rows_of(s), block = rows * least(kCols, s.keys);
    A *weights = scratch.data(), *ds = weights + block, *dots = ds + block;
    std::memset(p.dq, 0, static_cast<size_t>(s.queries * s.depth) * sizeof(A));
    for (int64_t i = 0; i < s.queries; ++i)
      dots[i] = sum_block([](auto x, auto y) { return x * y; }, s.width, p.dy + i * s.width, p.y + i * s.width);
    for (int64_t row = 0; row < s.queries; row += rows) {
      const int64_t m = least(rows, s.queries - row), end = visible(s, row + m);
      for (int64_t col = 0; col < end; col += kCols)
        block_backward(s, b, h, p, row, m, col, least(kCols, end - col), dots, weights, ds);
    }
  }
  static void backward(const AttentionShape& s, const A* dy, const A* q, const A* k, const A* v, const A* y,
                       const A* lse, A* dq, A* dk, A* dv) {
    const int64_t kv_heads = s.heads / s.group;
    parallel_for(s.batch * kv_heads, 1, [&](int64_t begin, int64_t end) {
      std::vector<A> scratch(static_cast<size_t>(2 * rows_of(s) * least(kCols, s.keys) + s.queries));
      for (int64_t t = begin; t < end; ++t) {
        const int64_t b = t / kv_heads, keys_at = t * s.keys * s.depth, values_at = t * s.keys * s.width;
        std::memset(dk + keys_at, 0, static_cast<size_t>(s.keys * s.depth) * sizeof(A));
        std::memset(dv + values_at, 0, static_cast<size_t>(s.keys * s.width) * sizeof(A));
        for (int64_t g = 0; g < s.group; ++g) {
          const int64_t h = t % kv_heads * s.group + g, rows_at = (b * s.heads + h) * s.queries;
          head_backward(s, b, h,
                        {q + rows_at * s.depth, k + keys_at, v + values_at, y + rows_at * s.width,
                         dy + rows_at * s.width, lse + rows_at, dq + rows_at * s.depth, dk + keys_at, dv + values_at},
                        scratch);
        }
      }
    });
  }
};

template <class A>
void run_forward(const AttentionShape& s, const void* q, const void* k, const void* v, void* y, void* lse) {
  auto in = [](const void* p) { return static_cast<const A*>(p); };
  Attention<A>::forward(s, in(q), in(k), in(v), static_cast<A*>(y), static_cast<A*>(lse));
}
template <class A>
void run_backward(const AttentionShape& s, const void* dy, const void* q, const void* k, const void* v, const void* y,
                  const void* lse, void* dq, void* dk, void* dv) {
  auto in = [](const void* p) { return static_cast<const A*>(p); };
  auto out = [](void* p) { return static_cast<A*>(p); };
  Attention<A>::backward(s, in(dy), in(q), in(k), in(v), in(y), in(lse), out(dq), out(dk), out(dv));
}
void forward(DType t, const AttentionShape& s, const void* q, const void* k, const void* v, void* y, void* lse) {
  (t == DType::Float64 ? run_forward<double> : run_forward<float>)(s, q, k, v, y, lse);
}
void backward(DType t, const AttentionShape& s, const void* dy, const void* q, const void* k, const void* v,
              const void* y, const void* lse, void* dq, void* dk, void* dv) {
  (t == DType::Float64 ? run_backward<double> : run_backward<float>)(s, dy, q, k, v, y, lse, dq, dk, dv);
}

}  // namespace

KERNELS(AttentionKernels, attention_kernels) = {forward, backward};

}  // namespace facula::cpu::FACULA_ISA
