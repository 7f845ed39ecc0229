// Counts: see histogram.h for the contract. Serial, because each count is a dependent read and write.
#include "cpu/histogram.h"

#include <algorithm>
#include <vector>

namespace facula::cpu::FACULA_ISA {
namespace {

void bounds(int64_t n, const int64_t* x, int64_t* low, int64_t* high) {
  int64_t least = x[0], most = x[0];
  for (int64_t i = 1; i < n; ++i) {
    least = x[i] < least ? x[i] : least;
    most = x[i] > most ? x[i] : most;
  }
  *low = least;
  *high = most;
}

// Neighbours go to different tables while those fit into L1: equal neighbours would wait for each other.
// bin(i) < bins.
template <class Bin>
void count_in_tables(int64_t n, int64_t bins, int64_t* counts, Bin bin) {
  constexpr int64_t kTables = 4, kSmall = 1024;
  int64_t i = 0;
  if (bins <= kSmall && n > 4 * kSmall) {
    std::vector<int64_t> tables(static_cast<size_t>(kTables * bins));
    int64_t* table = tables.data();
    for (; i + kTables <= n; i += kTables)
      for (int64_t k = 0; k < kTables; ++k) ++table[k * bins + bin(i + k)];
    for (int64_t k = 0; k < kTables; ++k)
      for (int64_t b = 0; b < bins; ++b) counts[b] += table[k * bins + b];
  }
  for (; i < n; ++i) ++counts[bin(i)];
}

void count(int64_t n, const int64_t* x, int64_t bins, int64_t* counts) {
  count_in_tables(n, bins, counts, [x](int64_t i) { return x[i]; });
}

template <class T>
void weigh_as(int64_t n, const int64_t* x, const void* weights, void* sums) {
  for (int64_t i = 0; i < n; ++i) static_cast<T*>(sums)[x[i]] += static_cast<const T*>(weights)[i];
}
void weigh(DType dtype, int64_t n, const int64_t* x, const void* weights, void* sums) {
  dtype == DType::Float32 ? weigh_as<float>(n, x, weights, sums) : weigh_as<double>(n, x, weights, sums);
}

// What lies outside is counted behind the last bin. PyTorch's order of operations, in the type of the elements.
template <class T>
void equal_bins_as(int64_t n, const T* x, int64_t bins, T low, T high, int64_t* counts) {
  const T scale = static_cast<T>(bins), width = high - low;
  count_in_tables(n, bins + 1, counts, [=](int64_t i) {
    const T v = x[i];
    const bool inside = (v >= low) & (v <= high);
    const int64_t place = static_cast<int64_t>((inside ? v - low : T(0)) * scale / width);
    return inside ? std::clamp<int64_t>(place, 0, bins - 1) : bins;  // a range may overflow to infinity
  });
}
void equal_bins(DType dtype, int64_t n, const void* x, int64_t bins, double low, double high, int64_t* counts) {
  if (dtype == DType::Float32)
    equal_bins_as(n, static_cast<const float*>(x), bins, static_cast<float>(low), static_cast<float>(high), counts);
  else
    equal_bins_as(n, static_cast<const double*>(x), bins, low, high, counts);
}

}  // namespace

KERNELS(HistogramKernels, histogram_kernels) = {bounds, count, weigh, equal_bins};

}  // namespace facula::cpu::FACULA_ISA
