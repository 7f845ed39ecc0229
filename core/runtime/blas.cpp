// Routes matrix products: small ones to our own kernels, large ones in fixed panels to single-threaded OpenBLAS calls
// on our pool. The panels depend on the sizes only, so results do not depend on the number of threads.
// Refuses to load OpenBLAS before the first large product, and to let it start threads.
#include "runtime/blas.h"

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>

#include "base/error.h"
#include "cpu/gemm_small.h"
#include "runtime/allocator.h"
#include "runtime/parallel.h"

namespace facula {
namespace {

using cpu::GemmArguments;

using RealGemm = void (*)(int order, int ta, int tb, int m, int n, int k, float, const float*, int, const float*, int,
                          float, float*, int);
using DoubleGemm = void (*)(int order, int ta, int tb, int m, int n, int k, double, const double*, int, const double*,
                            int, double, double*, int);
using ComplexGemm = void (*)(int order, int ta, int tb, int m, int n, int k, const void*, const void*, int, const void*,
                             int, const void*, void*, int);

struct Library {
  void* handle = nullptr;
  std::string error;
  RealGemm sgemm = nullptr;
  DoubleGemm dgemm = nullptr;
  ComplexGemm cgemm = nullptr, zgemm = nullptr;
  bool complete() const { return sgemm && dgemm && cgemm && zgemm; }
};

std::mutex path_lock;
std::string library_path = "libscipy_openblas.so";

// Our pool runs the panels: OpenBLAS must start no threads of its own, which it would do while loading.
void* open_single_threaded(const char* path) {
  const char* name = "OPENBLAS_NUM_THREADS";
  const char* set = std::getenv(name);
  std::string old = set ? set : "";
  setenv(name, "1", 1);
  void* handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (set)
    setenv(name, old.c_str(), 1);
  else
    unsetenv(name);
  return handle;
}

Library open_library() {
  Library l;
  std::lock_guard hold(path_lock);
  l.handle = open_single_threaded(library_path.c_str());
  if (!l.handle) {
    const char* why = dlerror();
    l.error = why ? why : "unknown reason";
    return l;
  }
  if (void* set_threads = dlsym(l.handle, "scipy_openblas_set_num_threads"))
    reinterpret_cast<void (*)(int)>(set_threads)(1);
  l.sgemm = reinterpret_cast<RealGemm>(dlsym(l.handle, "scipy_cblas_sgemm"));
  l.dgemm = reinterpret_cast<DoubleGemm>(dlsym(l.handle, "scipy_cblas_dgemm"));
  l.cgemm = reinterpret_cast<ComplexGemm>(dlsym(l.handle, "scipy_cblas_cgemm"));
  l.zgemm = reinterpret_cast<ComplexGemm>(dlsym(l.handle, "scipy_cblas_zgemm"));
  return l;
}

const Library& library() {
  static const Library* const l = new Library(open_library());  // never unloaded
  return *l;
}

constexpr int64_t kLargestIndex = 0x7fffffff;  // of BLAS's 32-bit integers

bool blas_takes(const GemmArguments& g) {
  return std::max({g.m, g.n, g.k, g.lda, g.ldb, g.ldc}) <= kLargestIndex && library().complete();
}

void call_blas(DType dtype, const GemmArguments& g) {
  constexpr int kRowMajor = 101, kPlain = 111, kTransposed = 112;  // CBLAS's enumerations
  const Library& l = library();
  const int ta = g.transpose_a ? kTransposed : kPlain, tb = g.transpose_b ? kTransposed : kPlain;
  const int m = static_cast<int>(g.m), n = static_cast<int>(g.n), k = static_cast<int>(g.k);
  const int lda = static_cast<int>(g.lda), ldb = static_cast<int>(g.ldb), ldc = static_cast<int>(g.ldc);
  const float alpha_float[2] = {static_cast<float>(g.alpha), 0}, beta_float[2] = {static_cast<float>(g.beta), 0};
  const double alpha[2] = {g.alpha, 0}, beta[2] = {g.beta, 0};
  switch (dtype) {
    case DType::Float32:
      return l.sgemm(kRowMajor, ta, tb, m, n, k, alpha_float[0], static_cast<const float*>(g.a), lda,
                     static_cast<const float*>(g.b), ldb, beta_float[0], static_cast<float*>(g.c), ldc);
    case DType::Float64:
      return l.dgemm(kRowMajor, ta, tb, m, n, k, g.alpha, static_cast<const double*>(g.a), lda,
                     static_cast<const double*>(g.b), ldb, g.beta, static_cast<double*>(g.c), ldc);
    case DType::Complex64:
      return l.cgemm(kRowMajor, ta, tb, m, n, k, alpha_float, g.a, lda, g.b, ldb, beta_float, g.c, ldc);
    default: return l.zgemm(kRowMajor, ta, tb, m, n, k, alpha, g.a, lda, g.b, ldb, beta, g.c, ldc);
  }
}

// Complex products without BLAS: small ones, and the fallback.
template <class T>
void complex_loop(const GemmArguments& g) {
  const auto* a = static_cast<const Complex<T>*>(g.a);
  const auto* b = static_cast<const Complex<T>*>(g.b);
  auto* c = static_cast<Complex<T>*>(g.c);
  const T alpha = static_cast<T>(g.alpha), beta = static_cast<T>(g.beta);
  for (int64_t i = 0; i < g.m; ++i)
    for (int64_t j = 0; j < g.n; ++j) {
      Complex<T> sum{0, 0}, &to = c[i * g.ldc + j];
      for (int64_t p = 0; p < g.k; ++p) {
        Complex<T> x = g.transpose_a ? a[p * g.lda + i] : a[i * g.lda + p];
        Complex<T> y = g.transpose_b ? b[j * g.ldb + p] : b[p * g.ldb + j];
        sum.re += x.re * y.re - x.im * y.im;
        sum.im += x.re * y.im + x.im * y.re;
      }
      if (beta == 0)
        to = {alpha * sum.re, alpha * sum.im};
      else
        to = {alpha * sum.re + beta * to.re, alpha * sum.im + beta * to.im};
    }
}

void own_kernel(DType dtype, const GemmArguments& g) {
  switch (dtype) {
    case DType::Float32: return cpu::gemm().gemm_float(g);
    case DType::Float64: return cpu::gemm().gemm_double(g);
    case DType::Complex64: return complex_loop<float>(g);
    case DType::Complex128: return complex_loop<double>(g);
    default: return cpu::gemm().gemm_integer(dtype, g);
  }
}

double work_of(const GemmArguments& g) {
  return static_cast<double>(g.m) * static_cast<double>(g.n) * static_cast<double>(g.k);
}

// The part of the product for rows [i, i + m) and columns [j, j + n) of C.
GemmArguments part(DType dtype, const GemmArguments& g, int64_t i, int64_t m, int64_t j, int64_t n) {
  const int64_t size = item_size(dtype);
  GemmArguments p = g;
  p.m = m;
  p.n = n;
  p.a = static_cast<const char*>(g.a) + size * i * (g.transpose_a ? 1 : g.lda);
  p.b = static_cast<const char*>(g.b) + size * j * (g.transpose_b ? g.ldb : 1);
  p.c = static_cast<char*>(g.c) + size * (i * g.ldc + j);
  return p;
}

// Note [Panels]
// C is cut into a power of two of panels, longer side first. A panel packs its own rows of A and columns of B, which
// costs about 8/rows + 8/columns of the product (measured), so sides stay above 192 unless there would be fewer than
// eight panels and the panel's work (8 M multiply-adds, 0.2 ms) pays for it.
struct Grid {
  int64_t rows, columns;
};  // of one panel
Grid panels_of(const GemmArguments& g) {
  constexpr int64_t kMostPanels = 64, kSide = 192, kNarrowSide = 64, kFew = 8;
  constexpr double kLeastWork = 1 << 20, kNarrowWork = 1 << 23;
  int64_t down = 1, across = 1;
  double work = work_of(g);
  while (down * across < kMostPanels) {
    int64_t rows = g.m / down / 2, columns = g.n / across / 2;
    bool narrow = down * across < kFew && work / 2 >= kNarrowWork;
    if (std::max(rows, columns) < (narrow ? kNarrowSide : kSide) || work / 2 < kLeastWork) break;
    (rows >= columns ? down : across) *= 2;
    work /= 2;
  }
  auto side = [](int64_t whole, int64_t parts) {
    int64_t each = (whole - 1) / parts + 1;
    return parts == 1 ? whole : (each + 15) / 16 * 16;  // whole register tiles
  };
  return {side(g.m, down), side(g.n, across)};
}

template <class Run>
void in_panels(DType dtype, const GemmArguments& g, Run&& run) {
  const Grid grid = panels_of(g);
  const int64_t down = (g.m - 1) / grid.rows + 1, across = (g.n - 1) / grid.columns + 1;
  parallel_for(down * across, 1, [&](int64_t first, int64_t last) {
    for (int64_t panel = first; panel < last; ++panel) {
      int64_t i = panel / across * grid.rows, j = panel % across * grid.columns;
      run(part(dtype, g, i, std::min(grid.rows, g.m - i), j, std::min(grid.columns, g.n - j)));
    }
  });
}

// Matrix-vector products are bound by memory: our kernel, split over the outputs in fixed pieces.
void matrix_vector(DType dtype, const GemmArguments& g) {
  constexpr int64_t kPieceWork = 1 << 16;  // multiply-adds: about 10 us
  const bool row = g.m == 1;
  const int64_t outputs = row ? g.n : g.m,
                each = std::max<int64_t>(64, kPieceWork / std::max<int64_t>(g.k, 1) / 64 * 64);
  parallel_for((outputs - 1) / each + 1, 2, [&](int64_t first, int64_t last) {
    for (int64_t piece = first; piece < last; ++piece) {
      int64_t at = piece * each, count = std::min(each, outputs - at);
      own_kernel(dtype, row ? part(dtype, g, 0, 1, at, count) : part(dtype, g, at, count, 0, 1));
    }
  });
}

bool is_blas_type(DType dtype) { return dtype >= DType::Float32; }

// Below this many multiply-adds our kernel beats the call (measured; complex has only a plain loop).
bool is_small(DType dtype, const GemmArguments& g) { return work_of(g) <= (is_complex(dtype) ? 4096.0 : 65536.0); }

// Ours also wins where BLAS spends its time on packing: few rows, or a transposed B of medium size (measured).
bool ours_is_faster(DType dtype, const GemmArguments& g) {
  constexpr int64_t kFewRows = 16;
  constexpr double kMediumWork = 1 << 21;
  return !is_complex(dtype) && (g.m <= kFewRows || (g.transpose_b && work_of(g) <= kMediumWork));
}

void product(DType dtype, const GemmArguments& g) {
  if (is_small(dtype, g) || g.k == 0) return own_kernel(dtype, g);
  const bool vector = g.m == 1 || (g.n == 1 && g.ldc == 1);
  if (vector && is_floating(dtype)) return matrix_vector(dtype, g);
  if (is_blas_type(dtype) && !ours_is_faster(dtype, g) && blas_takes(g))
    return in_panels(dtype, g, [=](const GemmArguments& p) { call_blas(dtype, p); });
  in_panels(dtype, g, [=](const GemmArguments& p) { own_kernel(dtype, p); });
}

struct Buffer {
  explicit Buffer(int64_t floats)
      : bytes(static_cast<size_t>(floats) * sizeof(float)), data(static_cast<float*>(allocate(bytes))) {}
  ~Buffer() { deallocate(data, bytes); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  size_t bytes;
  float* data;
};

// Half precision: both operands widened to float, one rounding at the end.
void half_product(DType dtype, GemmArguments g) {
  const cpu::GemmKernels& kernels = cpu::gemm();
  auto widen = [&](const void* from, int64_t ld, int64_t rows, int64_t columns, float* to) {
    parallel_for(rows, std::max<int64_t>(1, 32768 / std::max<int64_t>(columns, 1)), [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i)
        kernels.to_float(dtype, static_cast<const char*>(from) + 2 * i * ld, to + i * columns, columns);
    });
  };
  Buffer a(g.m * g.k), b(g.k * g.n), c(g.m * g.n);
  const int64_t a_rows = g.transpose_a ? g.k : g.m, a_columns = g.m * g.k / std::max<int64_t>(a_rows, 1);
  const int64_t b_rows = g.transpose_b ? g.n : g.k, b_columns = g.k * g.n / std::max<int64_t>(b_rows, 1);
  widen(g.a, g.lda, a_rows, a_columns, a.data);
  widen(g.b, g.ldb, b_rows, b_columns, b.data);
  if (g.beta != 0) widen(g.c, g.ldc, g.m, g.n, c.data);
  void* to = g.c;
  const int64_t ldc = g.ldc;
  g.a = a.data;
  g.lda = std::max<int64_t>(a_columns, 1);
  g.b = b.data;
  g.ldb = std::max<int64_t>(b_columns, 1);
  g.c = c.data;
  g.ldc = g.n;
  product(DType::Float32, g);
  for (int64_t i = 0; i < g.m; ++i)
    kernels.from_float(dtype, c.data + i * g.n, static_cast<char*>(to) + 2 * i * ldc, g.n);
}

void any_product(DType dtype, const GemmArguments& g) {
  if (g.m <= 0 || g.n <= 0) return;
  if (dtype == DType::Float16 || dtype == DType::BFloat16)
    half_product(dtype, g);
  else
    product(dtype, g);
}

void check_type(DType dtype) {
  FACULA_CHECK(dtype != DType::Bool, NotImplemented, "\"addmm_impl_cpu_\" not implemented for 'Bool'");
}

}  // namespace

void set_blas_path(std::string path) {
  std::lock_guard hold(path_lock);
  library_path = std::move(path);
}

void gemm(DType dtype, bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, double alpha, const void* a,
          int64_t lda, const void* b, int64_t ldb, double beta, void* c, int64_t ldc) {
  check_type(dtype);
  any_product(dtype, {transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc});
}

void gemm_batched(DType dtype, bool transpose_a, bool transpose_b, int64_t batch, int64_t m, int64_t n, int64_t k,
                  double alpha, const void* a, int64_t lda, int64_t stride_a, const void* b, int64_t ldb,
                  int64_t stride_b, double beta, void* c, int64_t ldc, int64_t stride_c) {
  check_type(dtype);
  const int64_t size = item_size(dtype);
  const GemmArguments one{transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc};
  auto run = [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      GemmArguments g = one;
      g.a = static_cast<const char*>(a) + size * i * stride_a;
      g.b = static_cast<const char*>(b) + size * i * stride_b;
      g.c = static_cast<char*>(c) + size * i * stride_c;
      any_product(dtype, g);
    }
  };
  // Few large matrices: each is split by itself. Otherwise whole matrices are shared out, at least 10 us each piece.
  const double work = std::max(1.0, work_of(one));
  // Half precision allocates, which a body may not.
  const bool half = dtype == DType::Float16 || dtype == DType::BFloat16;
  const bool by_matrix = !half && (batch >= 2 * num_threads() || work < (1 << 20));
  if (!by_matrix) return run(0, batch);
  parallel_for(batch, std::max<int64_t>(1, static_cast<int64_t>((1 << 17) / work)), run);
}

void* blas_symbol(const char* name) {
  const Library& l = library();
  FACULA_CHECK(l.handle, Runtime, "linear algebra needs OpenBLAS, which could not be loaded: ", l.error,
               "; install the package scipy-openblas32");
  void* symbol = dlsym(l.handle, name);
  FACULA_CHECK(symbol, Runtime, "OpenBLAS has no function ", name, "; install a newer scipy-openblas32");
  return symbol;
}

}  // namespace facula
