// Functions of the normal distribution in double: the scaled complementary error function, quantiles, log of the
// distribution function. The error functions themselves are in lane_special.h.
#include <cmath>
#include <limits>

#include "expr/special.h"

namespace facula::special {

static constexpr double kInf = std::numeric_limits<double>::infinity();
static constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Chebyshev series by interpolation with mpmath, cut at 1e-18: (1 + 2x) erfcx(x) in (x - 3.75) / (x + 3.75) (the map of
// Shepherd & Laframboise 1981); quantile / q in q^2 for q = p - 0.5, |q| <= 0.425; -quantile in sqrt(-log p) on [1.6,
// 5] and [5, 27.5] (the intervals of Wichura 1988).
static constexpr double kErfcx[] = {
    1.1775789345674017,     -0.004590054580646478,   -0.08424913336651792,    0.05920993999819189,
    -0.026658668435305753,  0.009074997670705265,    -0.002413163540417608,   0.0004907758365258086,
    -6.916973302501207e-05, 4.13902798607301e-06,    7.74038306619849e-07,    -2.1886401049234397e-07,
    1.076499946567091e-08,  4.521959811218287e-09,   -7.754400208831351e-10,  -6.318088340886684e-11,
    2.86879501093067e-11,   1.9455868545777347e-13,  -9.65469674843344e-13,   3.25254814814874e-14,
    3.3478119482868056e-14, -1.864562880419313e-15,  -1.2507950530688648e-15, 7.418235256624044e-17,
    5.068148904796111e-17,  -2.2370566594359995e-18, -2.187342944303018e-18};
static constexpr double kCentral[] = {
    2.8734735392279016,     0.42495236874574605,    0.06986317633479357,    0.014427118125591738,
    0.003320100487013194,   0.000813806576120347,   0.00020786840753747368, 5.4657253667737927e-05,
    1.4683873473200238e-05, 4.0107389782585154e-06, 1.1099824248795083e-06, 3.1048977381831334e-07,
    8.7623994242518e-08,    2.491357446842815e-08,  7.128727140667579e-09,  2.0510368569795596e-09,
    5.929461330486628e-10,  1.7214207115839048e-10, 5.016271397490492e-11,  1.4666377850066162e-11,
    4.3009540621172925e-12, 1.2646797027235972e-12, 3.727874923269853e-13,  1.1013181717350923e-13,
    3.260262709486513e-14,  9.669597016771724e-15,  2.8728720300938047e-15, 8.549085397951033e-16,
    2.547815625768699e-16,  7.603544685268721e-17,  2.2720786063283344e-17, 6.7975609493068234e-18};
static constexpr double kTail[] = {
    4.084183335799758,       2.6077978868878655,     -0.04139414374229531,    0.008948780213083703,
    -0.0020041920608440795,  0.00045993754992499996, -0.00010756875957829012, 2.556077111280422e-05,
    -6.1587675293353815e-06, 1.5023772772006266e-06, -3.705538824005743e-07,  9.229516978227773e-08,
    -2.318820010160683e-08,  5.8703159265223515e-09, -1.4960787008534079e-09, 3.8351944938942725e-10,
    -9.882130315093255e-11,  2.5578767064215074e-11, -6.647377408485948e-12,  1.7336965374853783e-12,
    -4.53614565421954e-13,   1.1902960734173856e-13, -3.131551448861601e-14,  8.258460117116786e-15,
    -2.182655451814099e-15,  5.780167499807696e-16,  -1.5335449049696795e-16, 4.0756121472500835e-17,
    -1.0848645362204072e-17};
static constexpr double kFarTail[] = {
    22.765350301460163,      16.040023398592147,     -0.04361215019391088,    0.015235644681509584,
    -0.00544641013686497,    0.001976233679184431,   -0.0007246875784500524,  0.0002678538621930612,
    -9.961474152386436e-05,  3.723081945443149e-05,  -1.3971879105451313e-05, 5.261347705565656e-06,
    -1.9870701072934496e-06, 7.523776800411781e-07,  -2.855180452866318e-07,  1.0856797515370289e-07,
    -4.1357749841189394e-08, 1.5780901568641192e-08, -6.0307598643513875e-09, 2.3079866150881253e-09,
    -8.844622748971738e-10,  3.3937531566550277e-10, -1.3038008829403297e-10, 5.014775599433897e-11,
    -1.9310039214679007e-11, 7.443732963194048e-12,  -2.872504490066839e-12,  1.1096360654642573e-12,
    -4.2908056775485936e-13, 1.6608281008459812e-13, -6.434688977418777e-14,  2.4953825832104306e-14,
    -9.685970487004426e-15,  3.76300890548756e-15,   -1.4631978002453316e-15, 5.694242745181019e-16,
    -2.2178048127062343e-16, 8.644776666394978e-17,  -3.372197899177436e-17};

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

// x^2 without its rounding error: the tail of the product.
static double square_tail(double x) { return std::fma(x, x, -(x * x)); }

double erfcx(double x) {
  if (std::isnan(x)) return x;
  if (x >= 0) {
    if (x > 1e8) return (M_2_SQRTPI / 2) / x;
    return chebyshev(kErfcx, (x - 3.75) / (x + 3.75)) / (1 + 2 * x);
  }
  if (x < -26.7) return kInf;  // 2 exp(x^2) overflows
  double e = std::exp(x * x);
  return 2 * (e + e * square_tail(x)) - erfcx(-x);
}

static double quantile_of_tail(double p) {  // of p in (0, 0.075]; positive
  double r = std::sqrt(-std::log(p));
  return r <= 5 ? chebyshev(kTail, (r - 3.3) / 1.7) : chebyshev(kFarTail, (r - 16.25) / 11.25);
}
double ndtri(double p) {
  if (!(p > 0)) return p == 0 ? -kInf : kNan;
  if (p >= 1) return p == 1 ? kInf : kNan;
  double q = p - 0.5;
  if (std::fabs(q) <= 0.425) return q * chebyshev(kCentral, q * q * (2 / (0.425 * 0.425)) - 1);
  return q < 0 ? -quantile_of_tail(p) : quantile_of_tail(1 - p);
}

double log_ndtr(double x) {
  double t = x * M_SQRT1_2;
  if (x < -1) return std::log(0.5 * erfcx(-t)) - 0.5 * x * x;
  return std::log1p(-0.5 * std::erfc(t));
}

double entr(double x) { return x > 0 ? -x * std::log(x) : x == 0 ? 0 : std::isnan(x) ? x : -kInf; }

}  // namespace facula::special
