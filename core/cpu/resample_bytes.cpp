// Resampling of 8-bit images in fixed point, as Pillow and PyTorch have it: see resample.h. Both passes add up weighted
// rows, so that a vector holds neighbours; for the columns the image is turned before and after.
#include <algorithm>
#include <cstring>
#include <vector>

#include "cpu/lanes.h"
#include "cpu/resample.h"
#include "runtime/parallel.h"

namespace facula::cpu::FACULA_ISA {
namespace {

constexpr int kSquare = 16;          // bytes of a side that is turned in registers
constexpr int64_t kGrain = 1 << 14;  // outputs worth a second thread
constexpr int kLanes = kLaneBytes / 4, kWide = 4;
typedef int32_t Sums __attribute__((vector_size(kLaneBytes)));
typedef uint8_t Bytes __attribute__((vector_size(kLanes)));
typedef uint8_t Line __attribute__((vector_size(kSquare)));

// GCC 12 converts these lane by lane unless told the instruction.
inline Sums widen(const uint8_t* p) {
  Bytes bytes;
  std::memcpy(&bytes, p, sizeof bytes);
#if defined(__AVX512F__)
  return (Sums)_mm512_maskz_cvtepu8_epi32(kAll16, (__m128i)bytes);
#elif defined(__AVX2__)
  return (Sums)_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
#else
  return __builtin_convertvector(bytes, Sums);
#endif
}

// Both factors have 16 bits: half the work of a product of 32.
inline Sums product(Sums bytes, int32_t weight) {
#if defined(__AVX512BW__)
  return (Sums)_mm512_madd_epi16((__m512i)bytes, _mm512_set1_epi32(weight & 0xffff));
#elif defined(__AVX2__)
  return (Sums)_mm256_madd_epi16((__m256i)bytes, _mm256_set1_epi32(weight & 0xffff));
#else
  return bytes * weight;
#endif
}

// A square of bytes, turned by four rounds in which rows i and i + 8 are interleaved.
void turn_square(const uint8_t* from, int64_t from_stride, uint8_t* to, int64_t to_stride) {
  constexpr int kHalf = kSquare / 2;
  Line v[kSquare], w[kSquare];
#pragma GCC unroll 16
  for (int i = 0; i < kSquare; ++i) std::memcpy(&v[i], from + i * from_stride, sizeof(Line));
#pragma GCC unroll 4
  for (int round = 0; round < 4; ++round) {
#pragma GCC unroll 8
    for (int i = 0; i < kHalf; ++i) {
      w[2 * i] = __builtin_shufflevector(v[i], v[i + kHalf], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      w[2 * i + 1] =
          __builtin_shufflevector(v[i], v[i + kHalf], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kSquare; ++i) v[i] = w[i];
  }
#pragma GCC unroll 16
  for (int i = 0; i < kSquare; ++i) std::memcpy(to + i * to_stride, &v[i], sizeof(Line));
}

// to[j][i] = from[i][j] for m rows of n. Squares at the edges overlap the ones before.
void turn(int64_t m, int64_t n, const uint8_t* from, uint8_t* to) {
  if (m < kSquare || n < kSquare) {
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j) to[j * m + i] = from[i * n + j];
    return;
  }
  const int64_t squares = (m + kSquare - 1) / kSquare;
  parallel_for(squares, kGrain / (kSquare * n) + 1, [=](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b)
      for (int64_t j = 0; j < n; j += kSquare) {
        const int64_t row = std::min(b * kSquare, m - kSquare), column = std::min(j, n - kSquare);
        turn_square(from + row * n + column, n, to + column * m + row, m);
      }
  });
}

struct WeightedRow {
  const uint8_t* row;
  int32_t weight;
};

// Columns [j, j + kWide * kLanes) of a weighted sum of rows.
inline void sum_columns(const std::vector<WeightedRow>& rows, int precision, int64_t j, uint8_t* to) {
  Sums sums[kWide];
  for (int k = 0; k < kWide; ++k) sums[k] = Sums{} + (1 << (precision - 1));
  for (const WeightedRow& r : rows)
    for (int k = 0; k < kWide; ++k) sums[k] += product(widen(r.row + j + k * kLanes), r.weight);
  for (int k = 0; k < kWide; ++k) {
    const Sums v = sums[k] >> precision, low = v < 0 ? Sums{} : v;
    const Bytes bytes = __builtin_convertvector(low > 255 ? Sums{} + 255 : low, Bytes);
    std::memcpy(to + j + k * kLanes, &bytes, sizeof bytes);
  }
}

// Rows of n bytes resampled along the rows' dimension, `inner` of them at each place.
void resample_rows(const Taps& t, int precision, int64_t inner, int64_t n, const uint8_t* from, uint8_t* to) {
  constexpr int64_t kStep = kWide * kLanes;
  parallel_for(t.out * inner, kGrain / (n + 1) + 1, [=](int64_t begin, int64_t end) {
    std::vector<WeightedRow> rows;
    for (int64_t i = begin; i < end; ++i) {
      rows.clear();
      for (int32_t e = t.first[i / inner]; e < t.first[i / inner + 1]; ++e)
        rows.push_back({from + (t.index[e] * inner + i % inner) * n, static_cast<int32_t>(t.weight[e])});
      uint8_t* out = to + i * n;
      int64_t j = 0;
      for (; j + kStep <= n; j += kStep) sum_columns(rows, precision, j, out);
      if (j < n && n >= kStep) {
        sum_columns(rows, precision, n - kStep, out);
        continue;
      }
      for (; j < n; ++j) {
        int32_t sum = 1 << (precision - 1);
        for (const WeightedRow& r : rows) sum += r.weight * r.row[j];
        out[j] = static_cast<uint8_t>(std::clamp(sum >> precision, 0, 255));
      }
    }
  });
}

}  // namespace

void resample_bytes(const Resampling& s, int height_precision, int width_precision, const uint8_t* x, uint8_t* y) {
  const int64_t in = s.height.in, out = s.height.out, from = s.width.in * s.inner, to = s.width.out * s.inner;
  const bool wide = s.width.index, high = s.height.index;
  std::vector<uint8_t> turned, narrow, middle;
  if (wide) {
    turned.resize(static_cast<size_t>(in * from));
    narrow.resize(static_cast<size_t>(in * to));
    if (high) middle.resize(static_cast<size_t>(in * to));
  }
  for (int64_t p = 0; p < s.planes; ++p, x += in * from, y += out * to) {
    const uint8_t* rows = x;
    if (wide) {
      turn(in, from, x, turned.data());
      resample_rows(s.width, width_precision, s.inner, in, turned.data(), narrow.data());
      turn(to, in, narrow.data(), high ? middle.data() : y);
      rows = middle.data();
    }
    if (high) resample_rows(s.height, height_precision, 1, to, rows, y);
  }
}

}  // namespace facula::cpu::FACULA_ISA
