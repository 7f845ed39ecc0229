// Bessel functions of order 0 and 1, modified ones, and Airy's Ai, in double. J and Y are the C library's.
#include <cmath>
#include <limits>

#include "expr/special.h"

namespace facula::special {

static constexpr double kInf = std::numeric_limits<double>::infinity();
static constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
static constexpr double kEuler = 0.57721566490153286061;  // Euler and Mascheroni's constant

// Chebyshev series of the functions that remain when the leading factor is divided out, in the variable that maps the
// interval to [-1, 1]; coefficients by interpolation with mpmath, cut at 1e-18.
static constexpr double kI0[] = {
    0.4022452055070544,      0.0033691164782556943,   6.889758346916825e-05,   2.8913705208347567e-06,
    2.0489185894690636e-07,  2.266668990498178e-08,   3.396232025708386e-09,   4.94060238822497e-10,
    1.1889147107846437e-11,  -3.1499165279632416e-11, -1.3215811840447713e-11, -1.7941785315068062e-12,
    7.180124451383666e-13,   3.8527783827421426e-13,  1.54008621752141e-14,    -4.150569347287222e-14,
    -9.554846698828307e-15,  3.8116806693526224e-15,  1.7725601330565263e-15,  -3.4254856196772195e-16,
    -2.8276239805165836e-16, 3.461222867697477e-17,   4.465621420296738e-17,   -4.830504485944371e-18,
    -7.233180487873652e-18,  9.921475412161323e-19,   1.1936508908441237e-18};
static constexpr double kI1[] = {
    0.38928811750914005,     -0.009761097491361469,   -0.00011058893876262371, -3.882564808877691e-06,
    -2.512236237870209e-07,  -2.6314688468895196e-08, -3.835380385964237e-09,  -5.589743462196584e-10,
    -1.8974958123505413e-11, 3.2526035830154884e-11,  1.412580743661378e-11,   2.0356285441470896e-12,
    -7.198551776245908e-13,  -4.0835511110921974e-13, -2.1015418427726643e-14, 4.2724400167119517e-14,
    1.0420276984128804e-14,  -3.8144030724370075e-15, -1.8803547755107825e-15, 3.3082023109209285e-16,
    2.96262899764595e-16,    -3.2095259219934404e-17, -4.650305368489336e-17,  4.414348323071889e-18,
    7.51729631084099e-18,    -9.314178867314006e-19,  -1.2421932751930744e-18};
static constexpr double kK0[] = {
    1.2201515410329777,     -0.0314481013119645,     0.0015698838857300533,  -0.00012849549581627802,
    1.3949813718876499e-05, -1.8317555227191195e-06, 2.766813639445015e-07,  -4.660489897687948e-08,
    8.574034017414227e-09,  -1.6975345093890614e-09, 3.5773972814003283e-10, -7.957489244477396e-11,
    1.8559491149549264e-11, -4.514597883374519e-12,  1.1403405882073441e-12, -2.9800969231481784e-13,
    8.032890775068375e-14,  -2.2275133267462965e-14, 6.340076476276646e-15,  -1.848593377920907e-15,
    5.5120559994043335e-16, -1.6782311257549006e-16, 5.2103917776435543e-17, -1.6475805939842632e-17,
    5.3004337711773354e-18, -1.7331712005820991e-18};
static constexpr double kK1[] = {
    1.3603130952422213,      0.10392373657681724,    -0.002857816859622779,   0.00019521551847135162,
    -1.936197974166083e-05,  2.406484947837217e-06,  -3.5019606030878126e-07, 5.7410841254500495e-08,
    -1.0345762465678097e-08, 2.0150497551970347e-09, -4.1903547593419254e-10, 9.218315187605315e-11,
    -2.129967838427791e-11,  5.139639673482343e-12,  -1.2891739609498229e-12, 3.348419666052243e-13,
    -8.976705182010146e-14,  2.4771544242195988e-14, -7.019837089214769e-15,  2.038703166239861e-15,
    -6.057047270643018e-16,  1.8380935752430455e-16, -5.689462849193648e-17,  1.7940510478863572e-17,
    -5.756744482073302e-18,  1.877865190162326e-18};
static constexpr double kAiryDecaying[] = {
    0.9844053049171552,     -0.014792784850104199,   0.0007327177465426715,  -6.12595423417825e-05,
    6.83476697557269e-06,   -9.237229735403982e-07,  1.436225340438052e-07,  -2.489319422322096e-08,
    4.709793440054328e-09,  -9.583863708112733e-10,  2.0745855483677591e-10, -4.737267332192277e-11,
    1.1336099808224236e-11, -2.827706782319351e-12,  7.320712095125598e-13,  -1.9599793911089723e-13,
    5.4101162570683925e-14, -1.5356466802223836e-14, 4.472340393300025e-15,  -1.3338094674756681e-15,
    4.066582046456231e-16,  -1.265583225645289e-16,  4.015126334015871e-17,  -1.2969972135960936e-17,
    4.2613499074123994e-18, -1.4226768422935059e-18};
static constexpr double kAiryP[] = {
    0.9993708890742778,     -0.0006216836584374116,  7.181193774368645e-06,  -2.316269813501758e-07,
    1.3216283888528755e-08, -1.0938736172758127e-09, 1.1794620737908535e-10, -1.5518841909929856e-11,
    2.386927411492466e-12,  -4.16552889201035e-13,   8.071678110741467e-14,  -1.708757321110567e-14,
    3.902945148540815e-15,  -9.523976784907064e-16,  2.4632810885752603e-16, -6.709077463464858e-17,
    1.913939683718707e-17,  -5.69308436211377e-18,   1.75895281622296e-18};
static constexpr double kAiryQ[] = {
    0.06882170556308001,    -0.0006089151840832694,  1.3174151014089972e-05, -6.014071912908298e-07,
    4.327537342298499e-08,  -4.247731732954726e-09,  5.232285376834493e-10,  -7.672290975115024e-11,
    1.2923809452698712e-11, -2.43852975710829e-12,   5.059047237872084e-13,  -1.1378513792256329e-13,
    2.7441377308322258e-14, -7.03448211263258e-15,   1.9032114367198917e-15, -5.403040541409308e-16,
    1.6016711026585234e-16, -4.9375274403528065e-17, 1.5773435797781153e-17, -5.206129581838458e-18,
    1.7706787947400164e-18, -6.191669620783275e-19,  2.2214932182107097e-19, -8.163522026177268e-20};
static constexpr double kAiryPositive[] = {
    0.33670019167482507,    -0.05236898588281803,    -0.03060993791997315,    0.003984472722762132,
    0.00045243798638020996, -0.00010262369086492433, -4.1825804086959417e-07, 1.2976517686715515e-06,
    -6.806051502550766e-08, -8.304506582655047e-09,  9.801176929925504e-10,   1.1470686996967361e-11,
    -6.938853891456652e-12, 2.543323779126992e-13,   2.6066864841845407e-14,  -2.4048836670521994e-15,
    -1.74274616356787e-17,  1.0983449261668293e-17,  -3.7474965176489256e-19};
static constexpr double kAiryNegative[] = {
    0.11447758651998736,    0.42127788420449913,    -0.027734597101387943,   -0.23365796110601145,
    0.06939559564577408,    0.024461772007139792,   -0.014766437693581868,   0.0008023889779525898,
    0.0010230295738488458,  -0.0002514931206909262, -1.2152476924968542e-05, 1.4468912917662048e-05,
    -1.865453687423982e-06, -2.599357801871398e-07, 1.0341710658801066e-07,  -6.957126687005273e-09,
    -1.951709352397157e-09, 4.440109838536824e-10,  -1.1398870033140025e-11, -8.370115586923187e-12,
    1.2611082165186202e-12, 1.0125908288303646e-14, -2.379952365410891e-14,  2.5144316602653423e-15,
    1.0116342805635523e-16, -4.852103290649533e-17, 3.647606575795266e-18};

// Clenshaw's sum of a Chebyshev series on [-1, 1].
template <size_t n>
static double chebyshev(const double (&c)[n], double t) {
  double b = 0, before = 0;
  for (size_t i = n; i-- > 1;) {
    double next = 2 * t * b - before + c[i];
    before = b;
    b = next;
  }
  return t * b - before + c[0];
}

// ---- power series in z = (x/2)^2 (DLMF 10.25.2, 10.31): all terms positive ----

static constexpr int kTerms = 34;  // enough for |x| <= 8: (16^33 / 33!^2) < 1e-33 of the sum
struct Series {
  double i0[kTerms], i1[kTerms], k0[kTerms], k1[kTerms];
};
static constexpr Series series() {
  Series s{};
  double term = 1, harmonic = 0;  // 1 / k!^2; 1 + 1/2 + ... + 1/k
  for (int k = 0; k < kTerms; ++k) {
    if (k > 0) {
      term /= double(k) * k;
      harmonic += 1.0 / k;
    }
    s.i0[k] = term;
    s.i1[k] = term / (k + 1);
    s.k0[k] = term * harmonic;
    s.k1[k] = term / (k + 1) * (harmonic + 0.5 / (k + 1));
  }
  return s;
}
static constexpr Series kSeries = series();
// Terms needed at z: the sum of the rest is below an ulp.
static int terms_at(double z) { return z < 1 ? 12 : z < 4 ? 17 : kTerms; }
static double power_sum(const double* c, double z) {
  double sum = 0;
  for (int k = terms_at(z); k-- > 0;) sum = sum * z + c[k];
  return sum;
}

// ---- modified ----

static constexpr double kSmall = 8;  // the power series below, the fits above
double i0e(double x) {
  x = std::fabs(x);
  if (x <= kSmall) return power_sum(kSeries.i0, 0.25 * x * x) * std::exp(-x);
  return x == kInf ? 0 : chebyshev(kI0, 2 * kSmall / x - 1) / std::sqrt(x);
}
double i1e(double x) {
  double a = std::fabs(x);
  if (a <= kSmall) return 0.5 * x * power_sum(kSeries.i1, 0.25 * a * a) * std::exp(-a);
  return a == kInf ? std::copysign(0.0, x) : std::copysign(chebyshev(kI1, 2 * kSmall / a - 1) / std::sqrt(a), x);
}
// exp(x) f in two steps, so that the exponential does not overflow before the product does.
static double times_exp(double f, double x) {
  double half = std::exp(0.5 * x);
  return half * f * half;
}
double i0(double x) {
  x = std::fabs(x);
  if (x <= kSmall) return power_sum(kSeries.i0, 0.25 * x * x);
  if (x == kInf) return kInf;
  return x < 700 ? std::exp(x) * i0e(x) : times_exp(i0e(x), x);
}
double i1(double x) {
  double a = std::fabs(x);
  if (a <= kSmall) return 0.5 * x * power_sum(kSeries.i1, 0.25 * a * a);
  if (a == kInf) return x;
  return a < 700 ? std::exp(a) * i1e(x) : times_exp(i1e(x), a);
}

static double k0_near_zero(double x) {
  double z = 0.25 * x * x;
  return power_sum(kSeries.k0, z) - (std::log(0.5 * x) + kEuler) * power_sum(kSeries.i0, z);
}
static double k1_near_zero(double x) {
  double z = 0.25 * x * x;
  return 1 / x + 0.5 * x * ((std::log(0.5 * x) + kEuler) * power_sum(kSeries.i1, z) - power_sum(kSeries.k1, z));
}
double scaled_k0(double x) {
  if (!(x > 0)) return x == 0 ? kInf : kNan;
  if (x <= 2) return k0_near_zero(x) * std::exp(x);
  return x == kInf ? 0 : chebyshev(kK0, 4 / x - 1) / std::sqrt(x);
}
double scaled_k1(double x) {
  if (!(x > 0)) return x == 0 ? kInf : kNan;
  if (x <= 2) return k1_near_zero(x) * std::exp(x);
  return x == kInf ? 0 : chebyshev(kK1, 4 / x - 1) / std::sqrt(x);
}
double k0(double x) { return x > 0 && x <= 2 ? k0_near_zero(x) : x == kInf ? 0 : scaled_k0(x) * std::exp(-x); }
double k1(double x) { return x > 0 && x <= 2 ? k1_near_zero(x) : x == kInf ? 0 : scaled_k1(x) * std::exp(-x); }

// ---- J, Y ----

double bessel_j0(double x) { return ::j0(x); }
double bessel_j1(double x) { return ::j1(x); }
double bessel_y0(double x) { return x > 0 ? ::y0(x) : x == 0 ? -kInf : kNan; }
double bessel_y1(double x) { return x > 0 ? ::y1(x) : x == 0 ? -kInf : kNan; }
double spherical_j0(double x) {
  if (std::isinf(x)) return 0;
  return std::fabs(x) < 1e-4 ? 1 - x * x / 6 : std::sin(x) / x;  // the next term is below an ulp
}

// ---- Airy ----

double airy_ai(double x) {
  if (std::isnan(x)) return x;
  if (std::isinf(x)) return x > 0 ? 0 : kNan;
  if (x > 103.892) return 0;  // below the smallest subnormal
  const double root = std::sqrt(std::fabs(x)), zeta = 2 * x * root / 3;
  if (x > 2) {
    constexpr double kZetaAt2 = 1.8856180831641267;
    return std::exp(-zeta) * chebyshev(kAiryDecaying, 2 * kZetaAt2 / zeta - 1) / (2 * std::sqrt(M_PI * root));
  }
  if (x >= 0) return chebyshev(kAiryPositive, x - 1) * std::exp(-x);
  if (x >= -4) return chebyshev(kAiryNegative, 0.5 * x + 1);
  constexpr double kSquareAt4 = 256.0 / 9;  // zeta^2 there
  double t = 2 * kSquareAt4 / (zeta * zeta) - 1, phase = -zeta - M_PI_4;
  return (chebyshev(kAiryP, t) * std::cos(phase) + chebyshev(kAiryQ, t) / -zeta * std::sin(phase)) /
         std::sqrt(M_PI * root);
}

}  // namespace facula::special
