// The matrix exponential: Pade approximants with scaling and squaring, each matrix of a batch scaled by its own norm.
// Source of method and constants: N. Higham, The Scaling and Squaring Method for the Matrix Exponential Revisited,
// 2005.
#include "ops/linalg.h"

#include <cmath>

namespace facula {

namespace {

using namespace matrix;

// Squaring magnifies rounding errors, so single precision is computed in double and rounded once; not above so many
// rows, where double would double the time (measured; below, calls cost more than products).
constexpr int64_t kSmall = 64;

struct Approximant {
  double limit;  // of the 1-norm, for an error below the rounding unit
  int degree;
  double coefficients[14];
};
constexpr Approximant kThree{0, 3, {120, 60, 12, 1}};
constexpr Approximant kFive{0, 5, {30240, 15120, 3360, 420, 30, 1}};
constexpr Approximant kSeven{0, 7, {17297280, 8648640, 1995840, 277200, 25200, 1512, 56, 1}};
constexpr Approximant kNine{
    0, 9, {17643225600., 8821612800., 2075673600., 302702400., 30270240., 2162160., 110880., 3960., 90., 1.}};
constexpr Approximant kThirteen{
    0,
    13,
    {64764752532480000., 32382376266240000., 7771770303897600., 1187353796428800., 129060195264000., 10559470521600.,
     670442572800., 33522128640., 1323241920., 40840800., 960960., 16380., 182., 1.}};

Approximant within(Approximant a, double limit) {
  a.limit = limit;
  return a;
}
// Higham's limits for single precision (0.426, 1.880, 3.926), lowered until the error, which falls as the norm's power
// 2 degree + 1, is a 32nd of the rounding unit.
Approximant choose(double norm, bool is_single) {
  const Approximant singles[] = {within(kThree, 0.2595), within(kFive, 1.3719), within(kSeven, 3.1158)};
  const Approximant doubles[] = {within(kThree, 0.01495585217958292), within(kFive, 0.2539398330063230),
                                 within(kSeven, 0.9504178996162932), within(kNine, 2.097847961257068),
                                 within(kThirteen, 5.371920351148152)};
  const Approximant *first = is_single ? singles : doubles, *last = is_single ? singles + 2 : doubles + 4;
  while (first < last && !(norm <= first->limit)) ++first;
  return *first;
}

// The approximant of exp(x): (V - U)^-1 (V + U), U of odd and V of even powers, from powers of x^2.
Tensor approximate(const Tensor& x, const Approximant& a) {
  Tensor eye = identity_columns({}, rows_of(x), x->dtype), square = matmul(x, x), power = eye, odd, even;
  for (int i = 0; i <= a.degree; i += 2) {
    if (i > 0) power = i == 2 ? square : matmul(power, square);
    Tensor v = ops::mul(power, Scalar(a.coefficients[i])), u = ops::mul(power, Scalar(a.coefficients[i + 1]));
    even = even ? ops::add(even, v) : v;
    odd = odd ? ops::add(odd, u) : u;
  }
  odd = matmul(x, odd);
  return solve(ops::sub(even, odd), ops::add(even, odd));
}

// `is_single`: the result will be rounded to single precision or less.
Tensor computed(const Tensor& x, bool is_single) {
  GradMode off(false);
  static const OpDef& largest = find_op("amax");
  Dims down{-2}, across{-1};
  Tensor norms = call(largest, ops::sum(ops::abs(x), &down, false), across, false);  // 1-norms
  norms = ops::contiguous_memory(ops::converted_memory(norms, DType::Float64));
  double most = 0;
  for (int64_t i = 0; i < norms->numel; ++i)
    if (std::isfinite(norms->ptr<double>()[i])) most = std::max(most, norms->ptr<double>()[i]);
  const Approximant a = choose(most, is_single);
  // Halved until below the limit: by 2^-times each.
  Tensor scale = empty(norms->sizes, DType::Float64), times = empty(norms->sizes, DType::Int64);
  int64_t steps = 0;
  for (int64_t i = 0; i < norms->numel; ++i) {
    const double norm = norms->ptr<double>()[i];
    const int64_t s =
        std::isfinite(norm) && norm > a.limit ? static_cast<int64_t>(std::ceil(std::log2(norm / a.limit))) : 0;
    times->ptr<int64_t>()[i] = s;
    scale->ptr<double>()[i] = std::ldexp(1.0, -static_cast<int>(s));
    steps = std::max(steps, s);
  }
  auto each = [](const Tensor& t) { return ops::unsqueeze(ops::unsqueeze(t, -1), -1); };
  Tensor out =
      steps ? approximate(ops::mul(x, each(ops::converted_memory(scale, real_of(x->dtype)))), a) : approximate(x, a);
  for (int64_t i = 0; i < steps; ++i) {
    static const OpDef& gt = find_op("gt");
    Tensor squared = matmul(out, out);
    out = norms->numel == 1 ? squared : ops::where(call(gt, each(times), Scalar(i)), squared, out);
  }
  return ops::contiguous_memory(out);
}

Tensor matrix_exp(const Tensor& x) {
  check_square("linalg.matrix_exp", x);
  check_float("linalg.matrix_exp", x, true);
  if (x->numel == 0) return empty(x->sizes, x->dtype);
  const bool is_double = real_of(x->dtype) == DType::Float64;
  DType wide = is_complex(x->dtype) ? DType::Complex128 : DType::Float64;
  if (!is_double && rows_of(x) > kSmall) wide = is_complex(x->dtype) ? DType::Complex64 : DType::Float32;
  return ops::converted_memory(computed(ops::converted_memory(x, wide), !is_double), x->dtype);
}
// The derivative of exp at A^H in the direction G is the upper right block of exp [A^H G; 0 A^H].
void matrix_exp_vjp(Backward& b) {
  static const OpDef& op = find_op("matrix_exp");
  Tensor ah = mH(b.input(0)), g = b.grad();
  const int64_t n = rows_of(ah);
  if (ah->numel == 0) return b.set(0, g);
  Tensor above = ops::cat({ah, g}, -1), below = ops::cat({ops::zeros(ah->sizes, ah->dtype), ah}, -1);
  b.set(0, columns(rows(call(op, ops::cat({above, below}, -2)), 0, n), n, 2 * n));
}

const OpDef kOps[] = {
    FACULA_OP("matrix_exp", Contraction, "LinalgMatrixExpBackward0", matrix_exp, .vjp = matrix_exp_vjp, .saves = {1}),
};

}  // namespace

extern const OpFamily kLinalgExpFamily;
const OpFamily kLinalgExpFamily = {kOps, sizeof(kOps) / sizeof(kOps[0])};

}  // namespace facula
