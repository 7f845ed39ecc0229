// Orthogonal factors: QR, products of Householder reflections, and least squares.
#include "cpu/triangle.h"
#include "ops/linalg.h"
#include "ops/linalg_blocked.h"
#include "ops/linalg_householder.h"

#include <limits>

namespace facula {

namespace {

using namespace matrix;

// ---- QR ----

enum QrMode : int64_t { kReduced = 0, kComplete = 1, kOnlyR = 2 };

template <class T>
void factor(const Tensor& a, const Tensor& tau) {
  Columns c(a);
  const int k = std::min(c.rows, c.columns);
  if (k == 0) return;
  over_batch(c.count, static_cast<double>(c.step) * k, [&](int64_t begin, int64_t end) {
    if constexpr (!lapack::is_complex_type<T>) {
      if (k >= householder::kLeastSide) {
        for (int64_t i = begin; i < end; ++i)
          householder::factor(c.rows, c.columns, a->ptr<T>() + i * c.step, c.lead, tau->ptr<T>() + i * k);
        return;
      }
    }
    T answer{};
    lapack::geqrf(c.rows, c.columns, a->ptr<T>(), c.lead, tau->ptr<T>(), &answer, -1);
    const int lwork = work_size(answer);
    Scratch<T> work(lwork);
    for (int64_t i = begin; i < end; ++i)
      lapack::geqrf(c.rows, c.columns, a->ptr<T>() + i * c.step, c.lead, tau->ptr<T>() + i * k, work.data, lwork);
  });
}
template <class T>
void generate(const Tensor& q, const Tensor& tau) {  // q: reflections in, orthonormal columns out
  Columns c(q);
  const int k = static_cast<int>(tau->sizes.back());
  if (c.step == 0) return;
  over_batch(c.count, static_cast<double>(c.step) * k, [&](int64_t begin, int64_t end) {
    if constexpr (!lapack::is_complex_type<T>) {
      if (k >= householder::kLeastSide) {
        for (int64_t i = begin; i < end; ++i)
          householder::generate(c.rows, c.columns, k, q->ptr<T>() + i * c.step, c.lead, tau->ptr<T>() + i * k);
        return;
      }
    }
    T answer{};
    lapack::orgqr(c.rows, c.columns, k, q->ptr<T>(), c.lead, tau->ptr<T>(), &answer, -1);
    const int lwork = work_size(answer);
    Scratch<T> work(lwork);
    for (int64_t i = begin; i < end; ++i)
      lapack::orgqr(c.rows, c.columns, k, q->ptr<T>() + i * c.step, c.lead, tau->ptr<T>() + i * k, work.data, lwork);
  });
}
// The upper triangle of the first `rows` rows.
template <class T>
Tensor upper_part(const Tensor& a, int64_t rows) {
  Tensor r = empty_columns(batch_sizes(a), rows, columns_of(a), a->dtype);
  Columns from(a), to(r);
  for (int64_t i = 0; i < to.count; ++i)
    for (int64_t j = 0; j < to.columns; ++j) {
      const T* x = a->ptr<T>() + i * from.step + j * from.rows;
      T* y = r->ptr<T>() + i * to.step + j * to.rows;
      const int64_t kept = std::min<int64_t>(j + 1, std::min<int64_t>(to.rows, from.rows));
      std::copy(x, x + kept, y);
      std::fill(y + kept, y + to.rows, T(0));
    }
  return r;
}
// (Q, R)
std::tuple<Tensor, Tensor> qr(const Tensor& x, int64_t mode) {
  check_matrices("linalg.qr", x);
  check_float("linalg.qr", x, true);
  const int64_t m = rows_of(x), n = columns_of(x), k = std::min(m, n);
  Tensor q, r;
  with_element_type("geqrf_cpu", x->dtype, [&](auto element) {
    using T = decltype(element);
    Tensor a = copied_columns(x), tau = empty(with_sizes(batch_sizes(x), {k}), x->dtype);
    factor<T>(a, tau);
    r = upper_part<T>(a, mode == kComplete ? m : k);
    if (mode == kOnlyR) {
      q = empty({0}, x->dtype);
      return;
    }
    const int64_t width = mode == kComplete ? m : k;
    q = empty_columns(batch_sizes(x), m, width, x->dtype);
    Columns from(a), to(q);
    for (int64_t i = 0; i < to.count; ++i)
      std::copy(a->ptr<T>() + i * from.step, a->ptr<T>() + i * from.step + m * k, q->ptr<T>() + i * to.step);
    generate<T>(q, tau);
  });
  return {q, r};
}

// X + X^H with the diagonal counted once.
Tensor mirrored(const Tensor& x) {
  Tensor sum = ops::add(x, mH(x));
  Tensor half = ops::mul(diagonal(sum), Scalar(0.5));
  return ops::sub(sum, diagonal_matrix(half));
}
// Square or tall A = Q R: gA = [gQ + Q mirrored(triu(gR R^H - Q^H gQ))] R^-H. Of a wide A = [X Y], Y = Q R2 joins gQ.
// Source: M. Seeger et al., Auto-Differentiating Linear Algebra, 2017, 3.3.
void qr_vjp(Backward& b) {
  const Dims& sizes = b.sizes(0);
  const int64_t m = sizes[sizes.size() - 2], n = sizes.back(), mode = b.arg(1).number.i;
  FACULA_CHECK(mode != kOnlyR, Runtime,
               "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use linalg.qr(A, "
               "mode='reduced') if you are going to differentiate through linalg.qr.");
  FACULA_CHECK(mode != kComplete || m <= n, Runtime,
               "The QR decomposition is not differentiable when mode='complete' and nrows > ncols.");
  Tensor q = b.result(0), r = b.result(1), gq = b.has_grad(0) ? b.grad(0) : Tensor();
  Tensor gr = b.has_grad(1) ? b.grad(1) : Tensor(), rest;
  if (m < n && gr) {
    rest = matmul(q, columns(gr, m, n));
    Tensor more = matmul(q, matmul(columns(r, m, n), mH(columns(gr, m, n))));
    gq = gq ? ops::add(gq, more) : more;
    gr = columns(gr, 0, m);
  }
  Tensor r1 = m < n ? columns(r, 0, m) : r, inner, out;
  if (gr) inner = matmul(gr, mH(r1));
  if (gq) inner = inner ? ops::sub(inner, matmul(mH(q), gq)) : ops::neg(matmul(mH(q), gq));
  out = matmul(q, mirrored(triu(inner)));
  if (gq) out = ops::add(gq, out);
  out = solve_triangular(mH(r1), out, false, false);
  if (m < n) {
    if (!rest) rest = ops::zeros(with_sizes(batch_sizes(out), {m, n - m}), out->dtype);
    out = ops::cat({out, rest}, -1);
  }
  b.set(0, out);
}

std::tuple<Tensor, Tensor> geqrf(const Tensor& x) {
  FACULA_CHECK(x->ndim() >= 2, Runtime, "torch.geqrf: input must have at least 2 dimensions.");
  Tensor a, tau = empty(with_sizes(batch_sizes(x), {smaller_side(x)}), x->dtype);
  with_element_type("geqrf_cpu", x->dtype, [&](auto element) {
    a = copied_columns(x);
    factor<decltype(element)>(a, tau);
  });
  return {a, tau};
}
void geqrf_vjp(Backward&) {
  fail(ErrorKind::NotImplemented, "the derivative for 'geqrf' is not implemented; use torch.linalg.qr");
}

// ---- Householder reflections ----

void check_reflections(const char* name, const Tensor& a, const Tensor& tau) {
  FACULA_CHECK(a->ndim() >= 2, Runtime, name, ": input must have at least 2 dimensions.");
  FACULA_CHECK(rows_of(a) >= columns_of(a) || std::string_view(name) == "torch.ormqr", Runtime, name,
               ": input.shape[-2] must be greater than or equal to input.shape[-1]");
  FACULA_CHECK(tau->ndim() > 0 && columns_of(a) >= tau->sizes.back(), Runtime, name,
               ": input.shape[-1] must be greater than or equal to tau.shape[-1]");
  FACULA_CHECK(a->ndim() - tau->ndim() == 1, Runtime, name,
               ": Expected tau to have one dimension less than input, but got tau.ndim equal to ", tau->ndim(),
               " and input.ndim is equal to ", a->ndim());
  FACULA_CHECK(Dims(tau->sizes.begin(), tau->sizes.end() - 1) == batch_sizes(a), Runtime, name,
               ": Expected batch dimensions of tau to be equal to input.shape[:-2], but got ",
               Dims(tau->sizes.begin(), tau->sizes.end() - 1));
  FACULA_CHECK(tau->dtype == a->dtype, Runtime, name, ": tau dtype ", scalar_type_name(tau->dtype),
               " does not match input dtype ", scalar_type_name(a->dtype));
}
Tensor householder_product(const Tensor& a, const Tensor& tau_) {
  check_reflections("torch.linalg.householder_product", a, tau_);
  Tensor q, tau = ops::contiguous_memory(tau_);
  with_element_type("orgqr_cpu", a->dtype, [&](auto element) {
    q = copied_columns(a);
    generate<decltype(element)>(q, tau);
  });
  return q;
}

struct ReflectionGradients {
  Tensor a, tau;
};
// Q = H_1 .. H_k E with H_i = I - tau_i v_i v_i^H and E the first columns of the identity, as wide as g. Taken one
// reflection at a time: with W_i = H_i W_i+1 and u = v^H W_i+1,
// g_tau = -v^H G u^H, g_v = -(conj(tau) G u^H + tau W_i+1 (G^H v)), G becomes H_i^H G.
ReflectionGradients reflection_gradients(const Tensor& a, const Tensor& tau, Tensor g) {
  const int64_t m = rows_of(a), n = columns_of(a), k = tau->sizes.back();
  auto unit = [&](int64_t width) {
    Tensor eye = identity_columns({}, m, a->dtype);
    return width <= m ? columns(eye, 0, width) : ops::cat({eye, ops::zeros({m, width - m}, a->dtype)}, -1);
  };
  Tensor v = ops::add(tril(columns(a, 0, k), -1), unit(k));
  auto vector = [&](int64_t i) { return columns(v, i, i + 1); };
  auto factor_of = [&](int64_t i) { return ops::unsqueeze(ops::slice(tau, -1, i, i + 1, 1), -1); };
  TensorList behind;  // W_k+1, .., W_2
  Tensor w = unit(columns_of(g));
  for (int64_t i = k; i-- > 0;) {
    behind.push_back(w);
    w = ops::sub(w, ops::mul(factor_of(i), matmul(vector(i), matmul(mH(vector(i)), w))));
  }
  TensorList gv, gt;
  for (int64_t i = 0; i < k; ++i) {
    Tensor t = factor_of(i), vi = vector(i), after = behind[static_cast<size_t>(k - 1 - i)];
    Tensor gu = matmul(g, matmul(mH(after), vi)), vg = matmul(mH(vi), g);
    gt.push_back(ops::neg(ops::squeeze_dims(matmul(mH(vi), gu), {-1})));
    gv.push_back(ops::neg(ops::add(ops::mul(conj(t), gu), ops::mul(t, matmul(after, mH(vg))))));
    g = ops::sub(g, ops::mul(conj(t), matmul(vi, vg)));
  }
  if (k == 0) return {ops::zeros(a->sizes, a->dtype), ops::zeros(tau->sizes, a->dtype)};
  if (n > k) gv.push_back(ops::zeros(with_sizes(batch_sizes(a), {m, n - k}), a->dtype));
  return {tril(ops::cat(gv, -1), -1), ops::cat(gt, -1)};
}
void householder_product_vjp(Backward& b) {
  ReflectionGradients g = reflection_gradients(b.input(0), b.input(1), b.grad());
  b.set(0, g.a);
  b.set(1, g.tau);
}

// op(Q) C or C op(Q), Q the square product of all reflections.
Tensor ormqr(const Tensor& a_, const Tensor& tau_, const Tensor& other, bool left, bool transposed) {
  const char* name = "torch.ormqr";
  check_reflections(name, a_, tau_);
  FACULA_CHECK(other->ndim() == a_->ndim() && batch_sizes(other) == batch_sizes(a_), Runtime, name,
               ": Expected other to have the batch dimensions of input, ", batch_sizes(a_), ", but its shape is ",
               other->sizes);
  const int64_t side = left ? rows_of(other) : columns_of(other);
  FACULA_CHECK(side >= tau_->sizes.back(), Runtime, name, ": other.shape[", left ? -2 : -1,
               "] must be greater than or equal to tau.shape[-1]");
  FACULA_CHECK(side == rows_of(a_), Runtime, name, ": other.shape[", left ? -2 : -1,
               "] must be equal to input.shape[-2], got ", side, " and ", rows_of(a_));
  FACULA_CHECK(other->dtype == a_->dtype, Runtime, name,
               ": Expected input and other to have the same dtype, but input "
               "has dtype ",
               scalar_type_name(a_->dtype), " and other has dtype ", scalar_type_name(other->dtype));
  Tensor out;
  with_element_type("ormqr_cpu", a_->dtype, [&](auto element) {
    using T = decltype(element);
    out = copied_columns(other);
    Tensor a = column_memory(a_), tau = ops::contiguous_memory(tau_);
    Columns ca(a), c(out);
    const int k = static_cast<int>(tau->sizes.back());
    const char op = !transposed ? 'N' : lapack::is_complex_type<T> ? 'C' : 'T', at = left ? 'L' : 'R';
    if (c.step == 0 || k == 0) return;
    over_batch(c.count, static_cast<double>(c.step) * k, [&](int64_t begin, int64_t end) {
      T answer{};
      lapack::ormqr(at, op, c.rows, c.columns, k, a->ptr<T>(), ca.lead, tau->ptr<T>(), out->ptr<T>(), c.lead, &answer,
                    -1);
      const int lwork = work_size(answer);
      Scratch<T> work(lwork);
      for (int64_t i = begin; i < end; ++i)
        lapack::ormqr(at, op, c.rows, c.columns, k, a->ptr<T>() + i * ca.step, ca.lead, tau->ptr<T>() + i * k,
                      out->ptr<T>() + i * c.step, c.lead, work.data, lwork);
    });
  });
  return out;
}
void ormqr_vjp(Backward& b) {
  static const OpDef& op = find_op("ormqr");
  Tensor a = b.input(0), tau = b.input(1), other = b.input(2), g = b.grad();
  const bool left = b.arg(3).number.to_bool(), transposed = b.arg(4).number.to_bool();
  if (b.needs(2)) b.set(2, call(op, a, tau, g, left, !transposed));
  if (!b.needs(0) && !b.needs(1)) return;
  Tensor gq = left ? (transposed ? matmul(other, mH(g)) : matmul(g, mH(other)))
                   : (transposed ? matmul(mH(g), other) : matmul(mH(other), g));
  ReflectionGradients r = reflection_gradients(a, tau, gq);
  if (b.needs(0)) b.set(0, r.a);
  if (b.needs(1)) b.set(1, r.tau);
}

// ---- least squares ----

enum Driver : int64_t { kGels = 0, kGelsy = 1, kGelsd = 2, kGelss = 3 };

// gelsy for the usual case, a real [m >= n] of full rank and moderate numbers, where exchanging columns changes nothing
// but roundings: then QR without exchanges will do. False: not surely that case, and a and b are spoilt.
template <class T>
struct FullRank {
  int m, n, nrhs;
  T rcond;

  // Neither NaN nor what gelsy would scale, nor numbers whose squares overflow: the sum of magnitudes bounds the
  // largest from both sides.
  static bool is_moderate(const T* x, int count, bool may_be_zero) {
    const T least = std::sqrt(std::numeric_limits<T>::min() / std::numeric_limits<T>::epsilon());
    const T sum = lapack::asum(count, x);
    return sum <= 1 / least && (sum / static_cast<T>(count) >= least || (may_be_zero && sum == 0));
  }
  // gelsy compares estimates of the singular values of R: of the least one from above, of the largest one from below.
  // So it finds full rank wherever their quotient exceeds rcond.
  bool has_full_rank(const T* r) const {
    constexpr T kDoubt = 3;  // how much too small the estimate may be
    Scratch<T> work(2 * n);
    T condition;
    if constexpr (sizeof(T) == 4)
      condition = cpu::triangle().condition_float(n, r, m, work.data);
    else
      condition = cpu::triangle().condition_double(n, r, m, work.data);
    return condition <= std::numeric_limits<T>::max() && condition * kDoubt * rcond < 1;
  }
  bool solve(T* a, T* b) const {
    if (!is_moderate(a, m * n, false) || !is_moderate(b, m * nrhs, true)) return false;
    Scratch<T> tau(n);
    householder::factor(m, n, a, m, tau.data);
    if (!has_full_rank(a)) return false;
    householder::apply(true, m, nrhs, n, a, m, tau.data, b, m);
    blocked::solve_triangle(true, 'N', false, n, nrhs, a, m, b, m);
    return true;
  }
};

template <class T>
struct LeastSquares {
  using R = lapack::real_type<T>;
  Driver driver;
  int m, n, nrhs;
  R rcond;
  int run(T* a, T* b, R* s, int* pivots, int* rank, T* work, int lwork, R* rwork, int* iwork) const {
    const int lda = std::max(1, m), ldb = std::max({1, m, n});
    switch (driver) {
      case kGels: return lapack::gels(m, n, nrhs, a, lda, b, ldb, work, lwork);
      case kGelsy:
        if (lwork != -1 && is_full_rank(a, b)) {
          *rank = n;
          return 0;
        }
        std::fill(pivots, pivots + n, 0);
        return lapack::gelsy(m, n, nrhs, a, lda, b, ldb, pivots, rcond, rank, work, lwork, rwork);
      case kGelsd: return lapack::gelsd(m, n, nrhs, a, lda, b, ldb, s, rcond, rank, work, lwork, rwork, iwork);
      default: return lapack::gelss(m, n, nrhs, a, lda, b, ldb, s, rcond, rank, work, lwork, rwork);
    }
  }
  // Solved by way of full rank; otherwise a and b are as they were.
  bool is_full_rank(T* a, T* b) const {
    if constexpr (!lapack::is_complex_type<T>) {
      const int64_t a_size = int64_t{m} * n, b_size = int64_t{m} * nrhs;
      if (m < n || std::max(a_size, b_size) > std::numeric_limits<int>::max()) return false;
      Scratch<T> kept(a_size + b_size);
      std::copy(a, a + a_size, kept.data);
      std::copy(b, b + b_size, kept.data + a_size);
      if (FullRank<T>{m, n, nrhs, rcond}.solve(a, b)) return true;
      std::copy(kept.data, kept.data + a_size, a);
      std::copy(kept.data + a_size, kept.data + a_size + b_size, b);
    }
    return false;
  }
  // a [m, n] and b [max(m, n), nrhs] are overwritten; s has room for the singular values.
  void solve_all(const Tensor& a, const Tensor& b, const Tensor& s, int64_t* ranks, int* infos) const {
    Columns ca(a), cb(b);
    const int64_t k = std::min(m, n);
    over_batch(ca.count, static_cast<double>(ca.step) * (k + nrhs), [&](int64_t begin, int64_t end) {
      // Of the real workspaces of the four drivers the largest is gelsd's (LAPACK's documentation, smlsiz = 25).
      const int64_t levels = 32, small = 25;
      const int64_t real_size = 10 * k + 2 * k * small + 8 * k * levels + 3 * small * nrhs + (small + 1) * (small + 1) +
                                k * (1 + nrhs) + 2 * nrhs + 5 * int64_t{std::max(m, n)} + 16;
      Scratch<R> rwork(lapack::is_complex_type<T> ? real_size : 1), singular(k);
      Scratch<int> iwork(3 * k * levels + 11 * k + 16), pivots(n);
      T answer{};
      int rank = 0;
      run(a->ptr<T>(), b->ptr<T>(), singular.data, pivots.data, &rank, &answer, -1, rwork.data, iwork.data);
      const int lwork = work_size(answer);
      Scratch<T> work(lwork);
      for (int64_t i = begin; i < end; ++i) {
        infos[i] = run(a->ptr<T>() + i * ca.step, b->ptr<T>() + i * cb.step, singular.data, pivots.data, &rank,
                       work.data, lwork, rwork.data, iwork.data);
        ranks[i] = rank;
        if (s->numel) std::copy(singular.data, singular.data + k, s->ptr<R>() + i * k);
      }
    });
  }
};

void check_lstsq(const Tensor& a, const Tensor& b, bool vector) {
  const char* name = "torch.linalg.lstsq";
  FACULA_CHECK(a->ndim() >= 2, Runtime, name, ": input must have at least 2 dimensions.");
  FACULA_CHECK(b->ndim() >= 1, Runtime, name, ": other must have at least 1 dimension.");
  FACULA_CHECK(a->dtype == b->dtype, Runtime, name,
               ": Expected input and other to have the same dtype, but got input's "
               "dtype ",
               scalar_type_name(a->dtype), " and other's dtype ", scalar_type_name(b->dtype));
  FACULA_CHECK(a->dtype >= DType::Float32 && !is_barebones(a->dtype), Runtime, name,
               ": This function doesn't handle types other than float and double, "
               "got ",
               scalar_type_name(a->dtype));
  FACULA_CHECK(b->ndim() >= 2 || vector, Runtime, name,
               ": input.dim() must be greater or equal to other.dim() and "
               "(input.dim() - other.dim()) <= 1");
  FACULA_CHECK(vector ? b->sizes.back() == rows_of(a) : rows_of(b) == rows_of(a), Runtime, name,
               ": input.size(-2) should match ", vector ? "other.size(-1)" : "other.size(-2)", ", got ", a->sizes,
               " and ", b->sizes);
}
// (solution, residuals, rank, singular values)
TensorList lstsq(const Tensor& a, const Tensor& b_, std::optional<double> rcond, int64_t driver) {
  const bool vector =
      b_->ndim() == 1 || (a->ndim() - 1 == b_->ndim() && b_->sizes == Dims(a->sizes.begin(), a->sizes.end() - 1));
  check_lstsq(a, b_, vector);
  Tensor b = b_;
  if (vector) b = alias(b_, with_sizes(b_->sizes, {1}), with_sizes(b_->strides, {1}), b_->byte_offset);
  Dims batch = batch_sizes(b);
  broadcast_into(batch, batch_sizes(a));
  const int64_t m = rows_of(a), n = columns_of(a), nrhs = columns_of(b), k = std::min(m, n), tall = std::max(m, n);
  const DType real = real_of(a->dtype);
  const bool has_values = driver == kGelsd || driver == kGelss;
  Tensor s = empty(has_values ? with_sizes(batch, {k}) : Dims{0}, real),
         rank = ops::zeros(driver == kGels ? Dims{0} : batch, DType::Int64);
  Tensor x = empty_columns(batch, tall, nrhs, a->dtype), residuals = empty({0}, real);
  ops::fill_memory(x, Scalar(0));
  Tensor upper = alias(x, with_sizes(batch, {m, nrhs}), x->strides, 0);
  if (upper->numel) ops::copy_memory(upper, b);
  const int64_t count = count_elements(batch);
  if (has_values) ops::fill_memory(s, Scalar(0));
  if (k > 0 && nrhs > 0 && count > 0) {
    Tensor info = ops::zeros(batch, DType::Int32), ranks = ops::zeros({count}, DType::Int64);
    with_element_type("linalg_lstsq_cpu", a->dtype, [&](auto element) {
      using T = decltype(element);
      using R = lapack::real_type<T>;
      const double least = static_cast<double>(std::numeric_limits<R>::epsilon()) * static_cast<double>(tall);
      Tensor work = copied_columns(a, batch);
      Columns checked(work), also(x);
      LeastSquares<T> problem{static_cast<Driver>(driver), static_cast<int>(m), static_cast<int>(n),
                              static_cast<int>(nrhs), static_cast<R>(rcond.value_or(least))};
      problem.solve_all(work, x, s, ranks->ptr<int64_t>(), info->ptr<int>());
    });
    Failure f = first_failure(info);
    FACULA_CHECK(
        !f.info, LinAlg, "torch.linalg.lstsq: ", f.where,
        driver == kGels
            ? "The least squares solution could not be computed because the input matrix does not have full rank"
            : "The algorithm for computing the SVD failed to converge",
        " (error code: ", f.info, ").");
    if (rank->numel == count) std::copy(ranks->ptr<int64_t>(), ranks->ptr<int64_t>() + count, rank->ptr<int64_t>());
  } else if (n > 0) {
    ops::fill_memory(x, Scalar(0));
  }
  bool full_rank = true;
  if (has_values)
    for (int64_t i = 0; i < rank->numel; ++i) full_rank = full_rank && rank->ptr<int64_t>()[i] == n;
  GradMode off(false);
  if (m > n && driver != kGelsy && full_rank) {
    static const OpDef& square = find_op("square");
    Dims down{-2};
    residuals = ops::sum(call(square, ops::abs(rows(x, n, m))), &down, false);
    if (vector)
      residuals = alias(residuals, Dims(residuals->sizes.begin(), residuals->sizes.end() - 1),
                        Dims(residuals->strides.begin(), residuals->strides.end() - 1), 0);
  }
  Tensor solution = copied_columns(rows(x, 0, n));
  if (vector)
    solution = alias(solution, Dims(solution->sizes.begin(), solution->sizes.end() - 1),
                     Dims(solution->strides.begin(), solution->strides.end() - 1), 0);
  return {solution, residuals, rank, s};
}
// X = pinv(A) B. The residuals |A X - B|^2 are least in X, so they depend on A and B directly only.
void lstsq_vjp(Backward& b) {
  static const OpDef& pinv = find_op("_linalg_pinv");
  Tensor a = b.input(0), right = b.input(1), ga, gb;
  const bool vector = right->ndim() == 1 ||
                      (a->ndim() - 1 == right->ndim() && right->sizes == Dims(a->sizes.begin(), a->sizes.end() - 1));
  if (vector) right = ops::unsqueeze(right, -1);
  Tensor inverse = call(pinv, a, nullptr, nullptr, false), x = matmul(inverse, right);
  auto join = [](Tensor& sum, const Tensor& more) { sum = sum ? ops::add(sum, more) : more; };
  if (b.has_grad(0)) {
    Tensor g = vector ? ops::unsqueeze(b.grad(0), -1) : b.grad(0);
    // With r = B - A X and Z = pinv(A)^H G: dX = -P dA X + P P^H dA^H r + (I - P A) dA^H P^H X.
    Tensor z = matmul(mH(inverse), g), r = ops::sub(right, matmul(a, x));
    gb = z;
    ga = ops::neg(matmul(z, mH(x)));
    ga = ops::add(ga, matmul(r, mH(matmul(inverse, z))));
    Tensor outside = ops::sub(g, matmul(mH(a), z));
    ga = ops::add(ga, matmul(matmul(mH(inverse), x), mH(outside)));
  }
  if (b.has_grad(1) && b.outputs[1]->numel) {
    Tensor g = vector ? ops::unsqueeze(b.grad(1), -1) : b.grad(1);
    Tensor r = ops::mul(ops::sub(matmul(a, x), right), ops::mul(column_scale(g), Scalar(2.0)));
    join(ga, matmul(r, mH(x)));
    join(gb, ops::neg(r));
  }
  if (ga && b.needs(0)) b.set(0, ga);
  if (gb && b.needs(1)) b.set(1, vector ? ops::squeeze_dims(gb, {-1}) : gb);
}

const OpDef kOps[] = {
    FACULA_OP("_linalg_qr", Contraction, "LinalgQrBackward0", qr, .vjp = qr_vjp, .saves = {kSaveResult | kSaveResult1}),
    FACULA_OP("geqrf", Contraction, "GeqrfBackward0", geqrf, .vjp = geqrf_vjp),
    FACULA_OP("_householder_product", Contraction, "LinalgHouseholderProductBackward0", householder_product,
              .vjp = householder_product_vjp, .saves = {0b11, 0b11}),
    FACULA_OP("ormqr", Contraction, "OrmqrBackward0", ormqr, .vjp = ormqr_vjp, .saves = {0b111, 0b111, 0b011}),
    FACULA_OP("_linalg_lstsq", Contraction, "LinalgLstsqBackward0", lstsq, .vjp = lstsq_vjp, .saves = {0b11, 0b11}),
};

}  // namespace

extern const OpFamily kLinalgOrthogonalFamily;
const OpFamily kLinalgOrthogonalFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
