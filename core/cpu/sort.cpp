// Sorting: see sort.h for the contract. A row becomes numbers of 32 key bits over 32 bits of position, so that every
// sort of them is stable; long rows take a radix sort of the bits in use, short ones count for each element the smaller
// ones.
#include "cpu/sort.h"

#include <utility>

#include "cpu/sort_key.h"

namespace facula::cpu::FACULA_ISA {
namespace {

// Up to here comparing all with all, a vector at a time, costs less than passes over 256 buckets.
template <class K>
constexpr int64_t kCounted = sizeof(K) == 8 ? 64 : 160;
constexpr int64_t kPadding = 16;              // elements: no remainder for any vector
constexpr int kMaxBits = 11, kShortBits = 8;  // of a radix digit; 2^11 counters are 8 KB
constexpr int64_t kLongRow = 8192;            // elements that pay for 2^11 counters
constexpr int64_t kBlock = 1 << 15;           // least elements of a thread's share of one row
constexpr int64_t kMaxBlocks = 64;

int64_t blocks_of(const RowsShape& s) {
  return s.rows >= s.threads ? 1 : std::clamp<int64_t>(s.n / kBlock, 1, std::min(s.threads, kMaxBlocks));
}

// The scratch memory of one row: two arrays that a pass copies between, full keys when they are wide, counters.
struct Room {
  uint64_t *a, *b, *keys;
  uint32_t* counts;
};
int64_t slot_words(const RowsShape& s) { return s.n * (is_wide(s.dtype) ? 3 : 2) + (blocks_of(s) << kMaxBits) / 2; }
Room room_of(const RowsShape& s, void* scratch, int64_t slot) {
  uint64_t* at = static_cast<uint64_t*>(scratch) + slot * slot_words(s);
  uint32_t* counts = reinterpret_cast<uint32_t*>(at);
  at += (blocks_of(s) << kMaxBits) / 2;
  return {at, at + s.n, at + 2 * s.n, counts};
}

inline uint32_t place_of(uint64_t packed) { return static_cast<uint32_t>(packed); }

// The two loops of a pass; functions, so that what they use stays in registers.
void count_digits(const uint64_t* __restrict from, int64_t n, int shift, uint64_t mask, uint32_t* __restrict counts) {
  for (int64_t i = 0; i < n; ++i) ++counts[from[i] >> shift & mask];
}
void deal_out(const uint64_t* __restrict from, int64_t n, int shift, uint64_t mask, uint32_t* __restrict places,
              uint64_t* __restrict to) {
  for (int64_t i = 0; i < n; ++i) to[places[from[i] >> shift & mask]++] = from[i];
}

// One stable pass by the digit at `shift`. Every block counts its share; a bucket takes the blocks in order.
void radix_pass(const uint64_t* from, uint64_t* to, int64_t n, int shift, int bits, uint32_t* counts, int64_t blocks) {
  const uint64_t mask = (uint64_t{1} << bits) - 1;
  const int64_t buckets = int64_t{1} << bits;
  auto share = [=](int64_t block) { return n * block / blocks; };
  parallel_for(blocks, 1, [=](int64_t block, int64_t end) {
    for (; block < end; ++block) {
      uint32_t* own = counts + (block << kMaxBits);
      std::fill(own, own + buckets, 0u);
      count_digits(from + share(block), share(block + 1) - share(block), shift, mask, own);
    }
  });
  uint32_t total = 0;
  for (int64_t bucket = 0; bucket < buckets; ++bucket)
    for (int64_t block = 0; block < blocks; ++block) {
      uint32_t& count = counts[(block << kMaxBits) + bucket];
      total += std::exchange(count, total);
    }
  parallel_for(blocks, 1, [=](int64_t block, int64_t end) {
    for (; block < end; ++block)
      deal_out(from + share(block), share(block + 1) - share(block), shift, mask, counts + (block << kMaxBits), to);
  });
}

// Sorts the n packed numbers of room.a by `width` bits of key; returns where they are then.
uint64_t* radix_sort(const Room& room, int64_t n, int width, int64_t blocks) {
  const int most = n < kLongRow ? kShortBits : kMaxBits;
  const int passes = (width + most - 1) / most, bits = passes ? (width + passes - 1) / passes : 0;
  uint64_t *from = room.a, *to = room.b;
  for (int pass = 0; pass < passes; ++pass) {
    radix_pass(from, to, n, 32 + pass * bits, bits, room.counts, blocks);
    std::swap(from, to);
  }
  return from;
}

// Runs whose upper key bits are equal, put in order by the whole keys.
void order_runs(const uint64_t* keys, uint64_t* packed, int64_t n) {
  auto less = [keys](uint64_t a, uint64_t b) {
    uint64_t x = keys[place_of(a)], y = keys[place_of(b)];
    return x != y ? x < y : place_of(a) < place_of(b);
  };
  for (int64_t i = 0, end; i < n; i = end) {
    for (end = i + 1; end < n && packed[end] >> 32 == packed[i] >> 32;) ++end;
    if (end - i > 1) std::sort(packed + i, packed + end, less);
  }
}

template <class K>
uint64_t* sort_keys(const K* keys, int64_t n, const Room& room, int64_t blocks) {
  const KeyRange<K> range = range_of(keys, n);
  const int width = static_cast<int>(std::bit_width(static_cast<K>(range.high - range.low)));
  const int dropped = width > 32 ? width - 32 : 0;
  for (int64_t i = 0; i < n; ++i)
    room.a[i] = static_cast<uint64_t>((keys[i] - range.low) >> dropped) << 32 | static_cast<uint64_t>(i);
  uint64_t* packed = radix_sort(room, n, width - dropped, blocks);
  if constexpr (sizeof(K) == 8)
    if (dropped) order_runs(keys, packed, n);
  return packed;
}

// The position of each element is the number of those before it in the order. keys has room for padding.
template <class K>
void count_smaller(K* keys, K n, K* order) {
  const K padded = (n + kPadding - 1) / kPadding * kPadding;
  for (K j = n; j < padded; ++j) keys[j] = ~K(0);
  for (K i = 0; i < n; ++i) {
    const K own = keys[i];
    K rank = 0;
    for (K j = 0; j < padded; ++j) rank += (keys[j] < own) | ((keys[j] == own) & (j < i));
    order[rank] = i;
  }
}

template <class Order>
void emit(const RowsShape& s, const char* in, const Order* order, char* values, int64_t* index) {
  pick(item_size(s.dtype), in, s.n, values, [order](int64_t j) { return static_cast<uint32_t>(order[j]); });
  for (int64_t j = 0; j < s.n; ++j) index[j] = static_cast<uint32_t>(order[j]);
}

template <class K>
void sort_row(const RowsShape& s, bool descending, const char* in, const Room& room, int64_t blocks, char* values,
              int64_t* index) {
  LoadKeys<K> load = loader<K>(s.dtype);
  if (s.n <= kCounted<K>) {
    K keys[kCounted<K>], order[kCounted<K>];
    load(in, s.n, descending, keys);
    count_smaller(keys, static_cast<K>(s.n), order);
    return emit(s, in, order, values, index);
  }
  K* keys = sizeof(K) == 8 ? reinterpret_cast<K*>(room.keys) : reinterpret_cast<K*>(room.b);  // b is free until packed
  load(in, s.n, descending, keys);
  emit(s, in, sort_keys(keys, s.n, room, blocks), values, index);
}

int64_t scratch_bytes(const RowsShape& s) { return s.n <= kCounted<uint64_t> ? 0 : row_slots(s) * slot_words(s) * 8; }

void sort_op(const RowsShape& s, bool descending, const void* in_, void* scratch, void* values_, int64_t* index) {
  const char* in = static_cast<const char*>(in_);
  char* values = static_cast<char*>(values_);
  const int64_t bytes = s.n * item_size(s.dtype), blocks = blocks_of(s);
  with_key(s.dtype, [&](auto key) {
    for_rows(s, [&](int64_t row, int64_t slot) {
      sort_row<decltype(key)>(s, descending, in + row * bytes, room_of(s, scratch, slot), blocks, values + row * bytes,
                              index + row * s.n);
    });
  });
}

void sort_rows(const RowsShape& s, const void* in, void* scratch, int64_t* order) {
  with_key(s.dtype, [&](auto key) {
    using K = decltype(key);
    K* keys = static_cast<K*>(scratch);
    loader<K>(s.dtype)(in, s.rows * s.n, false, keys);
    for (int64_t i = 0; i < s.rows; ++i) order[i] = i;
    std::sort(order, order + s.rows, [=](int64_t a, int64_t b) {
      const K *x = keys + a * s.n, *y = keys + b * s.n;
      for (int64_t j = 0; j < s.n; ++j)
        if (x[j] != y[j]) return x[j] < y[j];
      return a < b;
    });
  });
}

// ---- repetitions ----

inline float comparable(Half h) { return to_float(h); }
inline float comparable(BFloat h) { return to_float(h); }
template <class T>
inline T comparable(T v) {
  return v;
}

// Where a value begins, between `begin` and `end`.
template <class T>
inline bool is_new(const T* in, int64_t i) {
  return i == 0 || comparable(in[i]) != comparable(in[i - 1]);
}
constexpr int64_t kUniqueBlock = 1 << 16;

template <class T>
int64_t count_unique(int64_t n, const T* in, int64_t* before) {
  const int64_t blocks = (n + kUniqueBlock - 1) / kUniqueBlock;
  parallel_for(blocks, 1, [=](int64_t b, int64_t e) {
    for (; b < e; ++b) {
      int64_t count = b == 0;  // the first element is new
      const int64_t end = std::min(n, (b + 1) * kUniqueBlock);
      for (int64_t i = std::max<int64_t>(1, b * kUniqueBlock); i < end; ++i)
        count += comparable(in[i]) != comparable(in[i - 1]);
      before[b] = count;
    }
  });
  int64_t total = 0;
  for (int64_t b = 0; b < blocks; ++b) total += std::exchange(before[b], total);
  return total;
}
template <class T>
void write_unique(int64_t n, const T* in, const int64_t* before, int64_t total, const int64_t* order, T* values,
                  int64_t* starts, int64_t* inverse) {
  const int64_t blocks = (n + kUniqueBlock - 1) / kUniqueBlock;
  parallel_for(blocks, 1, [=](int64_t b, int64_t e) {
    for (; b < e; ++b) {
      int64_t count = before[b];
      if (!inverse) {  // without a branch: what is not new is overwritten by what comes next
        const int64_t last = b + 1 < blocks ? before[b + 1] : total;
        int64_t i = b * kUniqueBlock;
        if (is_new(in, i)) {
          if (starts) starts[count] = i;
          values[count++] = in[i];
        }
        for (auto known = comparable(in[i++]); count < last; ++i) {
          const T x = in[i];
          const auto next = comparable(x);
          values[count] = x;
          if (starts) starts[count] = i;
          count += next != known;
          known = next;
        }
        continue;
      }
      for (int64_t i = b * kUniqueBlock, end = std::min(n, i + kUniqueBlock); i < end; ++i) {
        if (is_new(in, i)) {
          values[count] = in[i];
          if (starts) starts[count] = i;
          ++count;
        }
        inverse[order ? order[i] : i] = count - 1;
      }
    }
  });
}
template <class F>
auto with_comparable(DType t, F&& as) {
  switch (t) {
    case DType::Float16: return as(Half());
    case DType::BFloat16: return as(BFloat());
    case DType::Float32: return as(float());
    case DType::Float64: return as(double());
    case DType::Int64: return as(int64_t());
    case DType::Int32: return as(int32_t());
    case DType::Int16: return as(int16_t());
    default: return as(uint8_t());
  }
}
int64_t unique_blocks(int64_t n) { return (n + kUniqueBlock - 1) / kUniqueBlock; }
int64_t unique_count(DType t, int64_t n, const void* in, int64_t* before) {
  return with_comparable(t, [&](auto type) { return count_unique(n, static_cast<const decltype(type)*>(in), before); });
}
void unique_write(DType t, int64_t n, const void* in, const int64_t* before, int64_t total, const int64_t* order,
                  void* values, int64_t* starts, int64_t* inverse) {
  with_comparable(t, [&](auto type) {
    using T = decltype(type);
    write_unique(n, static_cast<const T*>(in), before, total, order, static_cast<T*>(values), starts, inverse);
  });
}

}  // namespace

KERNELS(SortKernels, sort_kernels) = {scratch_bytes, sort_op, sort_rows, unique_blocks, unique_count, unique_write};

}  // namespace facula::cpu::FACULA_ISA
