// Selection from rows: see sort.h for the contract. Which of equal elements is taken is part of it, so the algorithms
// are those that PyTorch's results come from, on keys instead of elements.
#include "cpu/sort_key.h"

namespace facula::cpu::FACULA_ISA {
namespace {

template <class K>
struct Entry {
  K key, at;
};
template <class K>
inline bool by_key(const Entry<K>& a, const Entry<K>& b) {
  return a.key < b.key;
}
template <class K>
inline bool by_key_and_place(const Entry<K>& a, const Entry<K>& b) {
  return a.key != b.key ? a.key < b.key : a.at < b.at;
}

// One row's scratch memory: its entries, then its keys.
template <class K>
struct Room {
  Entry<K>* entries;
  K* keys;
  Room(const RowsShape& s, void* scratch, int64_t slot) {
    entries = static_cast<Entry<K>*>(scratch) + slot * (s.n + 1 + (s.n + 1) / 2);
    keys = reinterpret_cast<K*>(entries + s.n + 1);
  }
};
int64_t scratch_bytes(const RowsShape& s) {
  return row_slots(s) * (s.n + 1 + (s.n + 1) / 2) * (is_wide(s.dtype) ? 16 : 8);
}
template <class K>
void enter(const K* keys, int64_t n, Entry<K>* entries) {
  for (int64_t i = 0; i < n; ++i) entries[i] = {keys[i], static_cast<K>(i)};
}

// body(K(), row, room, element size, input row) for all rows, keys loaded.
template <class F>
void select_rows(const RowsShape& s, bool invert, const void* in, void* scratch, F&& body) {
  const int64_t bytes = s.n * item_size(s.dtype);
  with_key(s.dtype, [&](auto key) {
    using K = decltype(key);
    LoadKeys<K> load = loader<K>(s.dtype);
    for_rows(s, [&](int64_t row, int64_t slot) {
      Room<K> room(s, scratch, slot);
      const char* from = static_cast<const char*>(in) + row * bytes;
      load(from, s.n, invert, room.keys);
      body(room, row, from);
    });
  });
}

// ---- topk ----

// partial_sort whose scan for candidates looks at blocks of keys before it touches the heap.
template <class K>
void take_by_heap(const Room<K>& room, int64_t n, int64_t k) {
  Entry<K>* heap = room.entries;
  enter(room.keys, k, heap);
  std::make_heap(heap, heap + k, by_key<K>);
  constexpr int64_t kScan = 64;
  for (int64_t i = k; i < n; i += kScan) {
    const int64_t end = std::min(n, i + kScan);
    const K worst = heap[0].key;
    unsigned better = 0;
    for (int64_t j = i; j < end; ++j) better |= room.keys[j] < worst;
    for (int64_t j = i; better && j < end; ++j) {
      if (room.keys[j] >= heap[0].key) continue;
      heap[k] = {room.keys[j], static_cast<K>(j)};
      std::pop_heap(heap, heap + k + 1, by_key<K>);
    }
  }
  std::sort_heap(heap, heap + k, by_key<K>);
}

void topk(const RowsShape& s, int64_t k, bool largest, bool sorted, const void* in, void* scratch, void* values,
          int64_t* index) {
  const int64_t item = item_size(s.dtype);
  constexpr int64_t kHeapShare = 64;  // PyTorch's bound between its two algorithms
  select_rows(s, largest, in, scratch, [&](auto room, int64_t row, const char* from) {
    auto* first = room.entries;
    if (k * kHeapShare <= s.n) {
      take_by_heap(room, s.n, k);
    } else {
      auto less = [](const auto& a, const auto& b) { return a.key < b.key; };
      enter(room.keys, s.n, first);
      std::nth_element(first, first + k - 1, first + s.n, less);
      if (sorted) std::sort(first, first + k - 1, less);
    }
    pick(item, from, k, static_cast<char*>(values) + row * k * item, [first](int64_t j) { return first[j].at; });
    for (int64_t j = 0; j < k; ++j) index[row * k + j] = static_cast<int64_t>(first[j].at);
  });
}

// ---- one element ----

void give(const RowsShape& s, int64_t row, const char* from, int64_t at, void* values, int64_t* index) {
  pick(item_size(s.dtype), from, 1, static_cast<char*>(values) + row * item_size(s.dtype),
       [at](int64_t) { return at; });
  index[row] = at;
}

// Hoare's selection with the median of three as pivot (Press et al., Numerical Recipes, section 8.5).
template <class K>
void select_hoare(Entry<K>* a, int64_t n, int64_t k) {
  int64_t left = 0, right = n - 1;
  auto order = [a](int64_t i, int64_t j) {
    if (a[j].key < a[i].key) std::swap(a[i], a[j]);
  };
  while (right > left + 1) {
    std::swap(a[(left + right) / 2], a[left + 1]);
    order(left + 1, right);
    order(left, right);
    order(left + 1, left);
    const K pivot = a[left].key;
    int64_t i = left + 1, j = right;
    for (;;) {
      while (a[++i].key < pivot) {}
      while (pivot < a[--j].key) {}
      if (j < i) break;
      std::swap(a[i], a[j]);
    }
    std::swap(a[left], a[j]);
    if (j <= k) left = i;
    if (j >= k) right = j - 1;
  }
  if (right == left + 1) order(left, right);
}

void kth(const RowsShape& s, int64_t k, const void* in, void* scratch, void* values, int64_t* index) {
  select_rows(s, false, in, scratch, [&](auto room, int64_t row, const char* from) {
    enter(room.keys, s.n, room.entries);
    select_hoare(room.entries, s.n, k);
    give(s, row, from, static_cast<int64_t>(room.entries[k].at), values, index);
  });
}

// Where element k of the stable order is: a long row is first cut down to the bucket that holds it.
template <class K>
int64_t place_of_nth(const Room<K>& room, int64_t n, int64_t k) {
  constexpr int kBits = 11;
  constexpr int64_t kShort = 512;  // below, counting 2^11 buckets costs more than it spares
  Entry<K>* entries = room.entries;
  int64_t count = n;
  if (n <= kShort) {
    enter(room.keys, n, entries);
  } else {
    const KeyRange<K> range = range_of(room.keys, n);
    const int width = static_cast<int>(std::bit_width(static_cast<K>(range.high - range.low)));
    const int shift = std::max(0, width - kBits);
    uint32_t counts[1 << kBits] = {};
    for (int64_t i = 0; i < n; ++i) ++counts[(room.keys[i] - range.low) >> shift];
    K bucket = 0;
    while (k >= counts[bucket]) k -= counts[bucket++];
    count = 0;
    for (int64_t i = 0; i < n; ++i) {
      entries[count] = {room.keys[i], static_cast<K>(i)};
      count += (room.keys[i] - range.low) >> shift == bucket;
    }
    if (shift == 0) return static_cast<int64_t>(entries[k].at);  // all equal, in order of place
  }
  std::nth_element(entries, entries + k, entries + count, by_key_and_place<K>);
  return static_cast<int64_t>(entries[k].at);
}

void median(const RowsShape& s, bool ignore_nan, const void* in, void* scratch, void* values, int64_t* index) {
  select_rows(s, false, in, scratch, [&](auto room, int64_t row, const char* from) {
    using K = std::remove_reference_t<decltype(*room.keys)>;
    int64_t nans = 0;
    if (is_floating(s.dtype)) nans = std::count(room.keys, room.keys + s.n, ~K(0));
    int64_t at;
    if (nans > 0 && !ignore_nan)
      at = std::find(room.keys, room.keys + s.n, ~K(0)) - room.keys;
    else
      at = place_of_nth(room, s.n, nans == s.n ? 0 : (s.n - nans - 1) / 2);
    give(s, row, from, at, values, index);
  });
}

void mode(const RowsShape& s, const void* in, void* scratch, void* values, int64_t* index) {
  select_rows(s, false, in, scratch, [&](auto room, int64_t row, const char* from) {
    using K = std::remove_reference_t<decltype(*room.keys)>;
    auto* e = room.entries;
    enter(room.keys, s.n, e);
    std::sort(e, e + s.n, [](const auto& a, const auto& b) { return a.key < b.key; });
    int64_t best = 0, most = 0;
    for (int64_t i = 0, run = 1; i < s.n; ++i, ++run) {
      bool repeats = i + 1 < s.n && e[i].key == e[i + 1].key && !(is_floating(s.dtype) && e[i].key == ~K(0));
      if (repeats) continue;
      if (run > most) most = run, best = i;
      run = 0;
    }
    give(s, row, from, static_cast<int64_t>(e[best].at), values, index);
  });
}

}  // namespace

KERNELS(SelectKernels, select_kernels) = {scratch_bytes, topk, kth, median, mode};

}  // namespace facula::cpu::FACULA_ISA
