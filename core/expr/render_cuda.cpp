// Rendering of expressions as CUDA source text. Compiles and launches nothing.
#include <cmath>
#include <cstdio>
#include <unordered_map>

#include "base/error.h"
#include "expr/expr.h"

namespace facula {

// Device functions for the primitives that CUDA does not have under the same name and meaning; T is float, double or
// long long. The gamma derivatives compute in double, as on the CPU (expr/special.cpp).
static const char kPrelude[] = R"cuda(
#define D template <class T> static __device__ __forceinline__ T
typedef long long Int;
static __device__ __forceinline__ double infinity() { return __longlong_as_double(0x7ff0000000000000LL); }
static __device__ __forceinline__ double not_a_number() { return __longlong_as_double(0x7ff8000000000000LL); }
D p_sign(T x) { return T((x > T(0)) - (x < T(0))); }
D p_abs(T x) { return fabs(x); }
static __device__ __forceinline__ Int p_abs(Int x) { return x < 0 ? -x : x; }
static __device__ __forceinline__ Int copysign(Int x, Int s) { return (x < 0) == (s < 0) ? x : -x; }
D p_sigmoid(T x) { T e = exp(-fabs(x)); return (x >= T(0) ? T(1) : e) / (T(1) + e); }
D p_softplus(T x) { return (x > T(0) ? x : T(0)) + log1p(exp(-fabs(x))); }
D p_logit(T x) { return log(x / (T(1) - x)); }
D p_sinc(T x) {
  T a = x * T(3.14159265358979323846);
  return x == T(0) ? T(1) : sin(a) / a;
}
D p_maximum(T x, T y) { return x > y || x != x ? x : y; }
D p_minimum(T x, T y) { return x < y || x != x ? x : y; }
D p_fmax(T x, T y) { return x >= y || y != y ? x : y; }
D p_fmin(T x, T y) { return x <= y || y != y ? x : y; }
D p_trunc_divide(T x, T y) { return trunc(x / y); }
D p_fmod(T x, T y) { return fmod(x, y); }
D p_remainder(T x, T y) { T m = fmod(x, y); return m != T(0) && (m < T(0)) != (y < T(0)) ? m + y : m; }
D p_floor_divide(T x, T y) {
  if (y == T(0)) return x / y;
  T m = fmod(x, y), q = (x - m) / y;
  if (m != T(0) && (m < T(0)) != (y < T(0))) q -= T(1);
  if (q == T(0)) return copysign(T(0), x / y);
  T f = floor(q);
  return q - f > T(0.5) ? f + T(1) : f;
}
D p_logaddexp(T x, T y) {
  return x == y ? x + T(0.69314718055994530942) : (x > y || x != x ? x : y) + log1p(exp(-fabs(x - y)));
}
D p_logaddexp2(T x, T y) {
  return x == y ? x + T(1) : (x > y || x != x ? x : y) + log1p(exp2(-fabs(x - y))) * T(1.44269504088896340736);
}
D p_xlogy(T x, T y) { return x == T(0) && y == y ? T(0) : x * log(y); }
D p_xlog1py(T x, T y) { return x == T(0) && y == y ? T(0) : x * log1p(y); }
D p_pow(T x, T y) { return pow(x, y); }
static __device__ __forceinline__ Int p_trunc_divide(Int x, Int y) { return y == 0 ? 0 : y == -1 ? -x : x / y; }
static __device__ __forceinline__ Int p_fmod(Int x, Int y) { return y == 0 || y == -1 ? 0 : x % y; }
static __device__ __forceinline__ Int p_remainder(Int x, Int y) {
  Int m = p_fmod(x, y);
  return m != 0 && (m < 0) != (y < 0) ? m + y : m;
}
static __device__ __forceinline__ Int p_floor_divide(Int x, Int y) {
  Int m = p_fmod(x, y);
  return p_trunc_divide(x, y) - (m != 0 && (m < 0) != (y < 0));
}
static __device__ Int p_pow(Int x, Int n) {
  if (n < 0) return x == 1 ? 1 : x == -1 ? (n & 1 ? -1 : 1) : 0;
  Int r = 1;
  for (; n; n >>= 1, x *= x)
    if (n & 1) r *= x;
  return r;
}
static __device__ __forceinline__ Int p_bitwise_left_shift(Int x, Int n) { return n < 0 || n > 63 ? 0 : x << n; }
static __device__ __forceinline__ Int p_bitwise_right_shift(Int x, Int n) { return x >> (n < 0 || n > 63 ? 63 : n); }
static __device__ Int p_gcd(Int x, Int y) {
  while (y) { Int r = p_fmod(x, y); x = y; y = r; }
  return x < 0 ? -x : x;
}
static __device__ Int p_lcm(Int x, Int y) { Int g = p_gcd(x, y); return g == 0 ? 0 : p_abs(p_trunc_divide(x, g) * y); }
static __device__ double digamma_of(double x) {
  const double pi = 3.14159265358979323846;
  if (x == 0) return copysign(infinity(), -x);
  double shift = 0;
  if (x < 0) {
    if (x == floor(x)) return not_a_number();
    shift = -pi / tan(pi * (x - trunc(x)));
    x = 1 - x;
  }
  for (; x < 12; x += 1) shift -= 1 / x;
  if (isinf(x)) return infinity();
  double z = 1 / (x * x);
  double s = z * (1.0 / 12 - z * (1.0 / 120 - z * (1.0 / 252 - z * (1.0 / 240 - z * (1.0 / 132 - z * (691.0 / 32760 -
             z * (1.0 / 12 - z * (3617.0 / 8160))))))));
  return shift + (log(x) - 0.5 / x - s);
}
static __device__ double polygamma_of(double n, double x) {
  const double pi = 3.14159265358979323846;
  const double bernoulli[12] = {1.0 / 6, -1.0 / 30, 1.0 / 42, -1.0 / 30, 5.0 / 66, -691.0 / 2730, 7.0 / 6,
                                -3617.0 / 510, 43867.0 / 798, -174611.0 / 330, 854513.0 / 138, -236364091.0 / 2730};
  if (x != x) return x;
  if (n == 0) return digamma_of(x);
  double outer = 1, offset = 0, sum = 0, s = n + 1;
  if (x < 0 && x != floor(x) && n == 1) {
    double w = sin(pi * (x - floor(x)));
    offset = pi * pi / (w * w);
    outer = -1;
    x = 1 - x;
  } else if (x < -1e6) {
    return not_a_number();
  }
  if (x <= 0 && x == floor(x)) return fmod(n, 2.0) == 0 ? -infinity() : infinity();
  for (; x < 0; x += 1) sum += pow(x, -s);
  for (int k = 0; k < 10 || x < 9; ++k, x += 1) sum += pow(x, -s);
  sum += pow(x, 1 - s) / (s - 1) + 0.5 * pow(x, -s);
  double factor = s * pow(x, -s - 1), factorial = 2;
  for (int k = 1; k <= 12; ++k) {
    sum += bernoulli[k - 1] * factor / factorial;
    factor *= (s + 2 * k - 1) * (s + 2 * k) / (x * x);
    factorial *= (2 * k + 1) * (2 * k + 2);
  }
  return offset + outer * (fmod(n, 2.0) == 0 ? -1 : 1) * tgamma(s) * sum;
}
D p_digamma(T x) { return T(digamma_of(x)); }
D p_polygamma(T n, T x) { return T(polygamma_of(n, x)); }
D p_entr(T x) { return x > T(0) ? -x * log(x) : x == T(0) ? T(0) : x != x ? x : T(-infinity()); }
D p_erfcx(T x) { return T(erfcx(double(x))); }
D p_ndtri(T x) { return T(normcdfinv(double(x))); }
D p_log_ndtr(T x) {
  double v = x, t = v * 0.70710678118654752440;
  return T(v < -1 ? log(0.5 * erfcx(-t)) - 0.5 * v * v : log1p(-0.5 * erfc(t)));
}
D p_i0(T x) { return T(cyl_bessel_i0(double(x))); }
D p_i1(T x) { return T(cyl_bessel_i1(double(x))); }
D p_bessel_j0(T x) { return T(j0(double(x))); }
D p_bessel_j1(T x) { return T(j1(double(x))); }
D p_bessel_y0(T x) { return T(y0(double(x))); }
D p_bessel_y1(T x) { return T(y1(double(x))); }
D p_spherical_j0(T x) { double v = x; return T(isinf(v) ? 0.0 : v == 0 ? 1.0 : sin(v) / v); }
#undef D
)cuda";

const char* cuda_prelude() { return kPrelude; }

namespace {

// How a primitive is written: %x %y %z are its operands. Null: a call of the prelude's p_<name>.
const char* pattern_of(Primitive p) {
  switch (p) {
    case Primitive::neg: return "-%x";
    case Primitive::add: return "%x + %y";
    case Primitive::sub: return "%x - %y";
    case Primitive::mul: return "%x * %y";
    case Primitive::div: return "%x / %y";
    case Primitive::lt: return "%x < %y";
    case Primitive::le: return "%x <= %y";
    case Primitive::gt: return "%x > %y";
    case Primitive::ge: return "%x >= %y";
    case Primitive::eq: return "%x == %y";
    case Primitive::ne: return "%x != %y";
    case Primitive::bitwise_and: return "%x & %y";
    case Primitive::bitwise_or: return "%x | %y";
    case Primitive::bitwise_xor: return "%x ^ %y";
    case Primitive::bitwise_not: return "~%x";
    case Primitive::round: return "rint(%x)";
    case Primitive::logical_and: return "%X && %Y";
    case Primitive::logical_or: return "%X || %Y";
    case Primitive::logical_xor: return "%X != %Y";
    case Primitive::logical_not: return "!%X";
    case Primitive::where: return "%X ? %y : %z";
    default: return nullptr;
  }
}

// CUDA has it under the same name, overloaded for float and double, with C99's meaning.
bool is_cuda_function(Primitive p) {
  switch (p) {
    case Primitive::floor:
    case Primitive::ceil:
    case Primitive::trunc:
    case Primitive::sqrt:
    case Primitive::rsqrt:
    case Primitive::exp:
    case Primitive::exp2:
    case Primitive::expm1:
    case Primitive::log:
    case Primitive::log2:
    case Primitive::log10:
    case Primitive::log1p:
    case Primitive::sin:
    case Primitive::cos:
    case Primitive::tan:
    case Primitive::asin:
    case Primitive::acos:
    case Primitive::atan:
    case Primitive::sinh:
    case Primitive::cosh:
    case Primitive::tanh:
    case Primitive::asinh:
    case Primitive::acosh:
    case Primitive::atanh:
    case Primitive::erf:
    case Primitive::erfc:
    case Primitive::erfinv:
    case Primitive::lgamma:
    case Primitive::atan2:
    case Primitive::hypot:
    case Primitive::copysign:
    case Primitive::nextafter: return true;
    default: return false;
  }
}

// Special functions that the CPU computes by tables or loops, and CUDA's library does not have: no text yet.
bool is_refused(Primitive p) {
#define FACULA_SAME_BINARY(name, dx, dy) || p == Primitive::name
  return p == Primitive::i0e || p == Primitive::i1e || p == Primitive::k0 || p == Primitive::k1 ||
         p == Primitive::scaled_k0 || p == Primitive::scaled_k1 ||
         p == Primitive::airy_ai FACULA_SPECIAL_BINARY(FACULA_SAME_BINARY);
#undef FACULA_SAME_BINARY
}

std::string constant_text(double c, const char* type) {
  char digits[64];
  if (std::isnan(c)) return std::string(type) + "(not_a_number())";
  if (std::isinf(c)) return std::string(type) + (c > 0 ? "(infinity())" : "(-infinity())");
  std::snprintf(digits, sizeof digits, "%s(%a)", type, c);
  return digits;
}

// Names of the values rendered so far; a predicate is a bool and converts where a number is wanted.
struct Renderer {
  const char* type;
  bool integer;
  std::unordered_map<const void*, std::string> names;

  std::string number(const Expr& e) const {
    const std::string& name = names.at(e.id());
    return e.is_predicate() ? std::string(type) + "(" + name + ")" : name;
  }
  std::string truth(const Expr& e) const {
    const std::string& name = names.at(e.id());
    return e.is_predicate() ? name : "(" + name + " != " + type + "(0))";
  }
  std::string call(const Expr& e) const {
    auto c = e.children();
    Primitive p = e.primitive();
    FACULA_CHECK(!is_refused(p), NotImplemented, "there is no CUDA text for '", name_of(p),
                 "' yet; compute it on the CPU");
    if (integer && p == Primitive::eq && c[1].is_constant() && !std::isfinite(c[1].constant())) return "false";
    if (const char* pattern = pattern_of(p); pattern && !(integer && p == Primitive::round)) {
      std::string text;
      for (const char* s = pattern; *s; ++s) {
        if (*s != '%')
          text += *s;
        else if (*++s >= 'x')
          text += number(c[*s - 'x']);
        else
          text += truth(c[*s - 'X']);
      }
      return text;
    }
    bool rounds = p == Primitive::floor || p == Primitive::ceil || p == Primitive::trunc || p == Primitive::round;
    if (integer && rounds) return number(c[0]);
    std::string text = (is_cuda_function(p) ? std::string() : std::string("p_")) + name_of(p) + "(";
    for (size_t i = 0; i < c.size(); ++i) text += (i ? ", " : "") + number(c[i]);
    return text + ")";
  }
};

const char* cuda_type(DType t) {
  switch (t) {
    case DType::Float32: return "float";
    case DType::Float64: return "double";
    case DType::Int64: return "long long";
    default:
      fail(ErrorKind::NotImplemented, "render_cuda: formulas are computed in float32, float64 or int64, given ",
           name_of(t));
  }
}

}  // namespace

std::string cuda_kernel(const Expr& e, DType dtype, const std::string& name) {
  const std::string type = cuda_type(dtype);
  Renderer r{dtype == DType::Int64 ? "Int" : type.c_str(), dtype == DType::Int64, {}};
  const std::string out_type = e.is_predicate() ? "bool" : type;
  std::string text = "extern \"C\" __global__ void " + name + "(long long n, " + out_type + "* out";
  for (int i = 0; uses(e) >> i; ++i) text += ", const " + type + "* in" + std::to_string(i);
  text +=
      ") {\n  for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < n;"
      " i += (long long)gridDim.x * blockDim.x) {\n";
  int temporaries = 0;
  for (const Expr& x : in_order(e)) {
    std::string& value = r.names[x.id()];
    if (x.is_constant()) {
      value = constant_text(x.constant(), r.type);
    } else if (x.is_operand()) {
      value = "x" + std::to_string(x.operand_index());
      text += "    const " + type + " " + value + " = in" + std::to_string(x.operand_index()) + "[i];\n";
    } else {
      value = "t" + std::to_string(temporaries++);
      text += std::string("    const ") + (x.is_predicate() ? "bool" : type.c_str()) + " " + value + " = " + r.call(x) +
              ";\n";
    }
  }
  return text + "    out[i] = " + r.names[e.id()] + ";\n  }\n}\n";
}

}  // namespace facula
