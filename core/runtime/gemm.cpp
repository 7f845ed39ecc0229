// Routes matrix products by size and type: small ones to kernels that pack nothing, large ones through packed operands,
// complex ones in fixed panels to BLAS. Results do not depend on the number of threads.
// Refuses to know tensors: the operations on them are ops/contract.cpp's.
#include "runtime/gemm.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "cpu/gemm_packed.h"
#include "cpu/gemm_small.h"
#include "runtime/allocator.h"
#include "runtime/blas.h"
#include "runtime/parallel.h"

namespace facula {
namespace {

using cpu::GemmArguments;

// What beta multiplies in place of C: rows `row` elements apart, or one for all.
struct Addend {
  const char* data = nullptr;
  int64_t row = 0;
};

struct Buffer {
  explicit Buffer(int64_t n) : bytes(static_cast<size_t>(n)), data(static_cast<char*>(allocate(bytes))) {}
  ~Buffer() { deallocate(data, bytes); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  size_t bytes;
  char* data;
};

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

// Note [Packed products]
// C is computed in blocks, each the sum over depth blocks of a block of A times a block of B (K. Goto and R. van de
// Geijn, Anatomy of high-performance matrix multiplication, 2008). The kernel reads numbers of A and vectors of B. What
// does not lie as it reads is packed first, once for all blocks and by all threads: B, unless few rows of A would use
// it, and A, unless its rows are contiguous. Few rows times a transposed B change roles, so that the large operand is
// read as it is. An element of C adds its products in an order that depends on k alone: neither blocks nor threads show
// in the result.
struct Product {
  int64_t m, n, k;
  cpu::Lines rows, columns;  // of A and of B
  double alpha, beta;
  char* c;
  int64_t c_row, c_column;
  const cpu::PackedGemm* kernels;
  int64_t size;   // of an element
  const char* d;  // what beta multiplies; null: C
  int64_t d_row, d_column;

  bool packs_rows() const {
    constexpr int64_t kFewColumns = 512, kFewer = 128;  // uses of each row that do not pay for its packing (measured)
    return rows.step == 1 ? n > kFewColumns : rows.line != 1 || n > kFewer || m % kernels->rows != 0;
  }
  bool packs_columns() const {
    constexpr int64_t kFewRows = 48;  // uses of each column that do not pay for its packing (measured)
    return columns.line != 1 || m > kFewRows || n % kernels->lanes != 0;
  }
  // Rows [i, i + height), columns [j, j + width) and depths [p, p + depth).
  Product part(int64_t i, int64_t height, int64_t j, int64_t width, int64_t p, int64_t depth) const {
    Product result = *this;
    result.m = height;
    result.n = width;
    result.k = depth;
    result.rows.data = static_cast<const char*>(rows.data) + size * (i * rows.line + p * rows.step);
    result.columns.data = static_cast<const char*>(columns.data) + size * (j * columns.line + p * columns.step);
    result.c = c + size * (i * c_row + j * c_column);
    if (d) result.d = d + size * (i * d_row + j * d_column);
    if (p > 0) {
      result.beta = 1;
      result.d = nullptr;
    }
    return result;
  }
};

struct Extent {
  int64_t rows, columns, depth;
};

constexpr int64_t round_up(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }
int64_t equal_parts(int64_t whole, int64_t most) {  // the size of parts that are at most that large
  const int64_t parts = (whole - 1) / most + 1;
  return (whole - 1) / parts + 1;
}

// The largest part of the product that is packed at once: operands of at most about 3 MiB, so that they
// are still in a cache when they are read.
Extent chunk_of(const Product& g) {
  constexpr int64_t kBytes = 3 << 20, kSide = 3840;  // a multiple of every sliver
  const int64_t depth = equal_parts(g.k, g.kernels->depth), blocks = (g.k - 1) / depth + 1;
  Extent c{std::min(g.m, kSide), std::min(g.n, kSide), depth};
  c.depth *= std::clamp<int64_t>(kBytes / ((c.rows + c.columns) * depth * g.size), 1, blocks);
  return c;
}

// Sides of the blocks of C that threads take: large ones read less, enough of them share the work evenly.
Extent block_of(const Product& g) {
  constexpr int64_t kBlocksPerThread = 8, kRows = 240;
  constexpr double kLeastWork = 1 << 19;  // multiply-adds: about 5 us
  const cpu::PackedGemm& kernels = *g.kernels;
  const int64_t enough = num_threads() > 1 ? kBlocksPerThread * num_threads() : 1;
  const double work = static_cast<double>(g.m) * static_cast<double>(g.n) * static_cast<double>(g.k);
  int64_t down = (g.m - 1) / kRows + 1, across = (g.n - 1) / kernels.block_columns + 1;
  auto side = [](int64_t whole, int64_t parts, int64_t unit) { return round_up((whole - 1) / parts + 1, unit); };
  while (down * across < enough && work / static_cast<double>(down * across) > 2 * kLeastWork) {
    const int64_t rows = side(g.m, down, kernels.rows), columns = side(g.n, across, kernels.columns);
    if (rows >= columns && rows > kernels.rows)
      ++down;
    else if (columns > kernels.columns)
      ++across;
    else
      break;
  }
  while (down * across > 1 && down * across % num_threads() != 0 && down * kernels.rows < g.m) ++down;
  return {side(g.m, down, kernels.rows), side(g.n, across, kernels.columns), equal_parts(g.k, kernels.depth)};
}

// Slivers of both operands in one region; those of A come first. A null target is not packed.
void pack_operands(const Product& g, char* a, char* b) {
  constexpr int64_t kElements = 1 << 14;  // a piece of a thread: about 5 us
  const cpu::PackedGemm& kernels = *g.kernels;
  const int64_t slivers_a = a ? (g.m - 1) / kernels.rows + 1 : 0, slivers_b = b ? (g.n - 1) / kernels.columns + 1 : 0;
  auto pack = [&](const cpu::Lines& lines, int64_t width, int64_t count, int64_t first, int64_t last, char* to,
                  auto function) {
    if (first >= last) return;
    const char* from = static_cast<const char*>(lines.data) + g.size * first * width * lines.line;
    function({from, lines.line, lines.step}, std::min(last * width, count) - first * width, g.k,
             to + g.size * first * width * g.k);
  };
  const int64_t width = slivers_b ? kernels.columns : kernels.rows;
  parallel_for(slivers_a + slivers_b, std::max<int64_t>(1, kElements / (g.k * width)),
               [&](int64_t first, int64_t last) {
                 pack(g.rows, kernels.rows, g.m, first, std::min(last, slivers_a), a, kernels.pack_rows);
                 pack(g.columns, kernels.columns, g.n, std::max(first, slivers_a) - slivers_a, last - slivers_a, b,
                      kernels.pack_columns);
               });
}

// All blocks of a product whose operands lie packed at `a` and `b`, or as they were where these are null.
void multiply_blocks(const Product& g, const char* a, const char* b) {
  const cpu::PackedGemm& kernels = *g.kernels;
  const Extent block = block_of(g);
  const int64_t down = (g.m - 1) / block.rows + 1, across = (g.n - 1) / block.columns + 1;
  std::atomic<int64_t> next{0};  // blocks are too few to be shared out beforehand
  parallel_for(std::min<int64_t>(num_threads(), down * across), 1, [&](int64_t, int64_t) {
    for (int64_t index; (index = next.fetch_add(1, std::memory_order_relaxed)) < down * across;) {
      const int64_t i = index % down * block.rows, j = index / down * block.columns;
      for (int64_t p = 0; p < g.k; p += block.depth) {
        const Product part = g.part(i, std::min(block.rows, g.m - i), j, std::min(block.columns, g.n - j), p,
                                    std::min(block.depth, g.k - p));
        cpu::PackedBlock to{part.m, part.n, part.k};
        to.a = a ? a + g.size * (i * g.k + p * kernels.rows) : part.rows.data;
        to.a_sliver = kernels.rows * (a ? g.k : g.rows.line);
        to.a_row = a ? 1 : g.rows.line;
        to.a_column = a ? kernels.rows : g.rows.step;
        to.b = b ? b + g.size * (j * g.k + p * kernels.columns) : part.columns.data;
        to.b_sliver = kernels.columns * (b ? g.k : 1);
        to.b_row = b ? kernels.columns : g.columns.step;
        to.alpha = g.alpha;
        to.beta = part.beta;
        to.c = part.c;
        to.c_row = g.c_row;
        to.c_column = g.c_column;
        to.d = part.d;
        to.d_row = g.d_row;
        to.d_column = g.d_column;
        kernels.multiply(to);
      }
    }
  });
}

// Note [Products apart]
// What one thread packs another reads from the first one's cache, which costs more than packing it again: two threads
// take 103 us for 200 x 200 x 200, and 89 when each computes half of the rows and packs all of B for itself (one takes
// 150). Columns need no packing twice, but a sliver is wide and few of them do not halve. Large products lose
// little and are shared out in blocks, which a thread that is held up takes fewer of.
// The part of a thread, of depth 0 where blocks are better; all bounds are measured.
Extent share_of_thread(const Product& g) {
  constexpr int64_t kLeastRows = 40, kBytes = 1 << 19, kPacking = 8;  // packing B costs as much as so many rows
  constexpr double kMostWork = 1 << 25;
  const int64_t threads = inside_parallel_region() ? 1 : num_threads();
  const double work = static_cast<double>(g.m) * static_cast<double>(g.n) * static_cast<double>(g.k);
  if (threads == 1 || work > kMostWork) return {0, 0, 0};
  const int64_t rows = round_up((g.m - 1) / threads + 1, g.kernels->rows / 2);
  const int64_t columns = round_up((g.n - 1) / threads + 1, g.kernels->columns);
  const bool down = rows >= kLeastRows && g.n * g.k * g.size <= kBytes;
  const bool across = columns >= 2 * g.kernels->columns && columns < g.n;
  if (down && !(across && columns * (g.m + kPacking) < (rows + kPacking) * g.n)) return {rows, g.n, g.k};
  return across ? Extent{g.m, columns, g.k} : Extent{0, 0, 0};
}

void multiply_apart(const Product& g, bool packs_a, bool packs_b, Extent share) {
  const cpu::PackedGemm& kernels = *g.kernels;
  const bool by_rows = share.rows < g.m;
  const int64_t parts = by_rows ? (g.m - 1) / share.rows + 1 : (g.n - 1) / share.columns + 1;
  const int64_t a_bytes = packs_a ? g.size * round_up(share.rows, kernels.rows) * g.k : 0;
  const int64_t b_bytes = packs_b ? g.size * round_up(share.columns, kernels.columns) * g.k : 0;
  Buffer a(parts * a_bytes), b(parts * b_bytes);
  parallel_for(parts, 1, [&](int64_t first, int64_t last) {
    for (int64_t t = first; t < last; ++t) {
      const int64_t i = by_rows ? t * share.rows : 0, j = by_rows ? 0 : t * share.columns;
      const Product own = g.part(i, std::min(share.rows, g.m - i), j, std::min(share.columns, g.n - j), 0, g.k);
      char *own_a = packs_a ? a.data + t * a_bytes : nullptr, *own_b = packs_b ? b.data + t * b_bytes : nullptr;
      pack_operands(own, own_a, own_b);
      multiply_blocks(own, own_a, own_b);
    }
  });
}

void packed_product(const Product& whole) {
  const Extent chunk = chunk_of(whole);
  const bool packs_a = whole.packs_rows(), packs_b = whole.packs_columns();
  const cpu::PackedGemm& kernels = *whole.kernels;
  if (const Extent share = share_of_thread(whole); packs_b && share.depth)
    return multiply_apart(whole, packs_a, packs_b, share);
  Buffer a(packs_a ? whole.size * round_up(chunk.rows, kernels.rows) * chunk.depth : 0);
  Buffer b(packs_b ? whole.size * round_up(chunk.columns, kernels.columns) * chunk.depth : 0);
  for (int64_t j = 0; j < whole.n; j += chunk.columns)
    for (int64_t p = 0; p < whole.k; p += chunk.depth)
      for (int64_t i = 0; i < whole.m; i += chunk.rows) {
        const Product g = whole.part(i, std::min(chunk.rows, whole.m - i), j, std::min(chunk.columns, whole.n - j), p,
                                     std::min(chunk.depth, whole.k - p));
        pack_operands(g, packs_a ? a.data : nullptr, packs_b && i == 0 ? b.data : nullptr);
        multiply_blocks(g, packs_a ? a.data : nullptr, packs_b ? b.data : nullptr);
      }
}

void packed_product(DType dtype, const GemmArguments& g, const Addend& addend) {
  const cpu::PackedGemm& kernels = dtype == DType::Float32 ? cpu::packed_gemm().of_float : cpu::packed_gemm().of_double;
  Product p{g.m,
            g.n,
            g.k,
            {g.a, g.transpose_a ? 1 : g.lda, g.transpose_a ? g.lda : 1},
            {g.b, g.transpose_b ? g.ldb : 1, g.transpose_b ? 1 : g.ldb},
            g.alpha,
            g.beta,
            static_cast<char*>(g.c),
            g.ldc,
            1,
            &kernels,
            item_size(dtype),
            addend.data,
            addend.row,
            1};
  constexpr int64_t kFewRows = 64;  // (measured)
  if (p.columns.step == 1 && p.columns.line != 1 && p.m <= kFewRows && p.m < p.n) {
    std::swap(p.m, p.n);
    std::swap(p.rows, p.columns);
    std::swap(p.c_row, p.c_column);
    std::swap(p.d_row, p.d_column);
  }
  const int64_t readable = p.n / kernels.lanes * kernels.lanes;  // columns that can be read as they lie
  if (readable > 0 && readable < p.n && !p.part(0, p.m, 0, readable, 0, p.k).packs_columns()) {
    packed_product(p.part(0, p.m, 0, readable, 0, p.k));
    p = p.part(0, p.m, readable, p.n - readable, 0, p.k);
  }
  packed_product(p);
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

// Below this many multiply-adds the kernels without packing need no second thread (measured; complex has a plain loop).
bool is_small(DType dtype, const GemmArguments& g) { return work_of(g) <= (is_complex(dtype) ? 4096.0 : 65536.0); }

// Whether packed operands beat the kernels that pack one panel at a time (measured).
bool pays_packing(const GemmArguments& g) {
  constexpr int64_t kFewRows = 4;
  return std::min(g.m, g.n) > kFewRows && work_of(g) > (g.transpose_b ? 3 << 19 : 1 << 19);
}

// Only packed products read an addend where it lies.
void copy_addend(DType dtype, const GemmArguments& g, const Addend& addend) {
  const int64_t size = item_size(dtype);
  for (int64_t i = 0; i < g.m && addend.data; ++i)
    std::memcpy(static_cast<char*>(g.c) + size * i * g.ldc, addend.data + size * i * addend.row,
                static_cast<size_t>(size * g.n));
}

void product(DType dtype, const GemmArguments& g, const Addend& addend) {
  const bool small = is_small(dtype, g) || g.k == 0, vector = g.m == 1 || (g.n == 1 && g.ldc == 1);
  const bool packs = (dtype == DType::Float32 || dtype == DType::Float64) && pays_packing(g);
  if (packs && !small && !vector) {
    try {
      return packed_product(dtype, g, addend);
    } catch (const Error&) {  // no memory to pack in, and nothing written yet: the plain kernels need none
    }
  }
  copy_addend(dtype, g, addend);
  if (small) return own_kernel(dtype, g);
  if (vector && is_floating(dtype)) return matrix_vector(dtype, g);
  in_panels(dtype, g, [=](const GemmArguments& p) {
    if (!is_complex(dtype) || !blas_complex_gemm(dtype, p.transpose_a, p.transpose_b, p.m, p.n, p.k, p.alpha, p.a,
                                                 p.lda, p.b, p.ldb, p.beta, p.c, p.ldc))
      own_kernel(dtype, p);
  });
}

// Half precision: both operands widened to float, one rounding at the end.
void half_product(DType dtype, GemmArguments g) {
  const cpu::GemmKernels& kernels = cpu::gemm();
  auto widen = [&](const void* from, int64_t ld, int64_t rows, int64_t columns, float* to) {
    parallel_for(rows, std::max<int64_t>(1, 32768 / std::max<int64_t>(columns, 1)), [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i)
        kernels.to_float(dtype, static_cast<const char*>(from) + 2 * i * ld, to + i * columns, columns);
    });
  };
  constexpr int64_t kSize = sizeof(float);
  Buffer a_memory(kSize * g.m * g.k), b_memory(kSize * g.k * g.n), c_memory(kSize * g.m * g.n);
  float* const a = reinterpret_cast<float*>(a_memory.data);
  float* const b = reinterpret_cast<float*>(b_memory.data);
  float* const c = reinterpret_cast<float*>(c_memory.data);
  const int64_t a_rows = g.transpose_a ? g.k : g.m, a_columns = g.m * g.k / std::max<int64_t>(a_rows, 1);
  const int64_t b_rows = g.transpose_b ? g.n : g.k, b_columns = g.k * g.n / std::max<int64_t>(b_rows, 1);
  widen(g.a, g.lda, a_rows, a_columns, a);
  widen(g.b, g.ldb, b_rows, b_columns, b);
  if (g.beta != 0) widen(g.c, g.ldc, g.m, g.n, c);
  void* to = g.c;
  const int64_t ldc = g.ldc;
  g.a = a;
  g.lda = std::max<int64_t>(a_columns, 1);
  g.b = b;
  g.ldb = std::max<int64_t>(b_columns, 1);
  g.c = c;
  g.ldc = g.n;
  product(DType::Float32, g, {});
  for (int64_t i = 0; i < g.m; ++i) kernels.from_float(dtype, c + i * g.n, static_cast<char*>(to) + 2 * i * ldc, g.n);
}

void any_product(DType dtype, const GemmArguments& g, const Addend& addend = {}) {
  if (g.m <= 0 || g.n <= 0) return;
  if (dtype == DType::Float16 || dtype == DType::BFloat16) {
    copy_addend(dtype, g, addend);
    half_product(dtype, g);
  } else {
    product(dtype, g, addend);
  }
}

void check_type(DType dtype) {
  FACULA_CHECK(dtype != DType::Bool, NotImplemented, "\"addmm_impl_cpu_\" not implemented for 'Bool'");
}

}  // namespace

void gemm(DType dtype, bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, double alpha, const void* a,
          int64_t lda, const void* b, int64_t ldb, double beta, void* c, int64_t ldc) {
  check_type(dtype);
  any_product(dtype, {transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc});
}

void gemm_add(DType dtype, bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, double alpha,
              const void* a, int64_t lda, const void* b, int64_t ldb, double beta, const void* d, int64_t ldd, void* c,
              int64_t ldc) {
  check_type(dtype);
  any_product(dtype, {transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc},
              {static_cast<const char*>(d), ldd});
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

}  // namespace facula
