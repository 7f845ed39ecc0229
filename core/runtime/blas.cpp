// Loads OpenBLAS at the first use of one of its functions. Refuses to let it start threads: our pool shares out the
// work.
#include "runtime/blas.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>

#include "base/error.h"

namespace facula {
namespace {

using ComplexGemm = void (*)(int order, int ta, int tb, int m, int n, int k, const void*, const void*, int, const void*,
                             int, const void*, void*, int);

struct Library {
  void* handle = nullptr;
  std::string error;
  ComplexGemm cgemm = nullptr, zgemm = nullptr;
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
  l.cgemm = reinterpret_cast<ComplexGemm>(dlsym(l.handle, "scipy_cblas_cgemm"));
  l.zgemm = reinterpret_cast<ComplexGemm>(dlsym(l.handle, "scipy_cblas_zgemm"));
  return l;
}

const Library& library() {
  static const Library* const l = new Library(open_library());  // never unloaded
  return *l;
}

}  // namespace

void set_blas_path(std::string path) {
  std::lock_guard hold(path_lock);
  library_path = std::move(path);
}

bool blas_complex_gemm(DType dtype, bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, double alpha,
                       const void* a, int64_t lda, const void* b, int64_t ldb, double beta, void* c, int64_t ldc) {
  constexpr int kRowMajor = 101, kPlain = 111, kTransposed = 112;  // CBLAS's enumerations
  constexpr int64_t kLargestIndex = 0x7fffffff;                    // of BLAS's 32-bit integers
  if (std::max({m, n, k, lda, ldb, ldc}) > kLargestIndex) return false;
  const bool single = dtype == DType::Complex64;
  const ComplexGemm function = single ? library().cgemm : library().zgemm;
  if (!function) return false;
  const float alpha_single[2] = {static_cast<float>(alpha), 0}, beta_single[2] = {static_cast<float>(beta), 0};
  const double alpha_double[2] = {alpha, 0}, beta_double[2] = {beta, 0};
  auto index = [](int64_t i) { return static_cast<int>(i); };
  function(kRowMajor, transpose_a ? kTransposed : kPlain, transpose_b ? kTransposed : kPlain, index(m), index(n),
           index(k), single ? static_cast<const void*>(alpha_single) : alpha_double, a, index(lda), b, index(ldb),
           single ? static_cast<const void*>(beta_single) : beta_double, c, index(ldc));
  return true;
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
