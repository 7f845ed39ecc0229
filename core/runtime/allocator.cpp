// The caching allocator behind every storage: small blocks from slabs, large ones from the system, both kept for reuse.
// Refuses to guess sizes: a block is given back with the size it was asked for.
#include "runtime/allocator.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <string>

#include "base/error.h"

namespace facula {
namespace {

[[noreturn]] void refuse(size_t bytes) {
  fail(ErrorKind::Runtime, "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate ", bytes,
       " bytes; use a smaller size or a smaller dtype");
}

constexpr size_t kAlignment = 64;
constexpr size_t kLargestRequest = size_t{1} << 47;  // the user half of a 48-bit address space

}  // namespace

#if defined(__SANITIZE_ADDRESS__)

// Every block is the sanitizer's own, so that it sees each overrun and each use after free.
static std::atomic<int64_t> bytes_in_use{0}, bytes_peak{0};
void* allocate(size_t bytes) {
  if (bytes > kLargestRequest) refuse(bytes);
  void* p = nullptr;
  if (posix_memalign(&p, kAlignment, std::max<size_t>(bytes, 1)) != 0) refuse(bytes);
  int64_t now = bytes_in_use += static_cast<int64_t>(bytes);
  if (now > bytes_peak) bytes_peak = now;
  return p;
}
void deallocate(void* p, size_t bytes) {
  if (!p) return;
  bytes_in_use -= static_cast<int64_t>(bytes);
  std::free(p);
}
AllocatorStats allocator_stats() { return {bytes_in_use, 0, bytes_peak, 0}; }
void empty_cache() {}

#else

namespace {

struct Block {
  Block* next;
};

// Note [Small blocks]
// Sizes up to 4 KiB are rounded up to 64 bytes. Each thread owns a free list for each of the 64 classes; a list that
// runs dry takes a batch from the shared list, one that grows past two batches gives a batch back, and a thread that
// ends gives back everything. Slabs are never returned to the system: their blocks are scattered over live tensors.
constexpr size_t kSmallLimit = 4096, kClasses = kSmallLimit / kAlignment, kSlabBytes = size_t{1} << 18;
// Blocks of a class that move between a thread and the shared list at once: 8 KiB of them, but at least four.
constexpr auto kBatch = [] {
  std::array<int32_t, kClasses> batch{};
  for (size_t cls = 0; cls < kClasses; ++cls)
    batch[cls] = std::max<int32_t>(4, 8192 / static_cast<int32_t>((cls + 1) * kAlignment));
  return batch;
}();

struct Shared {
  std::mutex lock;
  Block* small[kClasses] = {};
  char* slab = nullptr;
  size_t slab_left = 0;
};
Shared& shared() {
  static Shared* s = new Shared;  // never destroyed: blocks come back until the process ends
  return *s;
}

// Counted by thread and summed when asked, because one shared counter costs more than the allocation.
// Peak is exact for large blocks and taken at each exchange with the shared lists for small ones.
std::atomic<int64_t> in_use{0}, cached{0}, peak{0};

void note_use(int64_t change) {
  int64_t now = in_use.fetch_add(change, std::memory_order_relaxed) + change;
  int64_t seen = peak.load(std::memory_order_relaxed);
  while (now > seen && !peak.compare_exchange_weak(seen, now, std::memory_order_relaxed)) {}
}

struct ThreadCache {
  Block* free[kClasses];
  int32_t count[kClasses];
  int64_t used;  // small bytes handed out minus taken back since the last flush into `in_use`
  int64_t made;  // blocks handed out, small and large
};

// A pointer, so that the module stays small in static TLS. Null before a thread's first block and after its end: such
// calls take the slow path.
__thread ThreadCache* cache __attribute__((tls_model("initial-exec"))) = nullptr;

void give_batch(ThreadCache& t, size_t cls, int wanted) {
  Block* first = t.free[cls];
  if (!first || wanted <= 0) return;
  Block* last = first;
  int given = 1;
  while (given < wanted && last->next) {
    last = last->next;
    ++given;
  }
  t.free[cls] = last->next;
  t.count[cls] -= given;
  Shared& s = shared();
  std::lock_guard hold(s.lock);
  last->next = s.small[cls];
  s.small[cls] = first;
}

void flush_counts(ThreadCache& t) {
  note_use(t.used);
  t.used = 0;
}

struct ThreadEnd {
  ThreadCache* own = nullptr;
  bool ended = false;
  ThreadCache* begin() { return own = new (std::nothrow) ThreadCache{}; }
  ~ThreadEnd() {
    ended = true;
    cache = nullptr;
    if (!own) return;
    for (size_t cls = 0; cls < kClasses; ++cls) give_batch(*own, cls, own->count[cls]);
    flush_counts(*own);
    delete own;
  }
};
thread_local ThreadEnd thread_end;

// The next block of a class from the shared list or the slab; null when the system has no more. The lock is held.
Block* take_shared(Shared& s, size_t cls) {
  if (Block* block = s.small[cls]) {
    s.small[cls] = block->next;
    return block;
  }
  const size_t size = (cls + 1) * kAlignment;
  if (s.slab_left < size) {
    void* slab = mmap(nullptr, kSlabBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (slab == MAP_FAILED) return nullptr;
    s.slab = static_cast<char*>(slab);
    s.slab_left = kSlabBytes;
  }
  Block* block = reinterpret_cast<Block*>(s.slab);
  s.slab += size;
  s.slab_left -= size;
  return block;
}

// Fills the thread's list of one class and returns one block more.
[[gnu::noinline]] void* refill(size_t cls, size_t bytes) {
  if (!cache && !thread_end.ended) cache = thread_end.begin();
  Shared& s = shared();
  std::lock_guard hold(s.lock);
  Block* result = take_shared(s, cls);
  if (!result) {
    empty_cache();
    result = take_shared(s, cls);
  }
  if (!result) refuse(bytes);
  const int64_t size = static_cast<int64_t>((cls + 1) * kAlignment);
  if (!cache) {
    note_use(size);
    return result;
  }
  for (int more = 1; more < kBatch[cls]; ++more) {
    Block* block = take_shared(s, cls);
    if (!block) break;
    block->next = cache->free[cls];
    cache->free[cls] = block;
    ++cache->count[cls];
  }
  cache->used += size;
  ++cache->made;
  flush_counts(*cache);
  return result;
}

// Takes a block in a thread that has not allocated yet, or is ending.
[[gnu::noinline]] void deallocate_shared(Block* block, size_t cls) {
  note_use(-static_cast<int64_t>((cls + 1) * kAlignment));
  Shared& s = shared();
  std::lock_guard hold(s.lock);
  block->next = s.small[cls];
  s.small[cls] = block;
}

[[gnu::noinline]] void spill(size_t cls) {
  give_batch(*cache, cls, kBatch[cls]);
  flush_counts(*cache);
}

// Note [Large blocks]
// Above 4 KiB the classes are eight to a power of two (at most 12.5 % waste). Freed blocks wait in their class, newest
// first, with their age; when the cache passes its bound the oldest go back to the system.
constexpr size_t kMapLimit = size_t{1} << 20, kHugeLimit = size_t{4} << 20, kHugePage = size_t{2} << 20;
constexpr int kLargeClasses = 8 * 48;

size_t class_size(size_t bytes, int* cls) {
  int power = std::bit_width(bytes - 1) - 1;  // 2^power < bytes <= 2^(power + 1)
  size_t step = size_t{1} << (power - 3);
  size_t steps = (bytes - (size_t{1} << power) + step - 1) / step;  // 1 to 8
  *cls = power * 8 + static_cast<int>(steps) - 1;
  return (size_t{1} << power) + steps * step;
}

struct Cached {
  Cached *newer, *older;  // over all classes, by age
  Cached *above, *below;  // within the class
  size_t size;
  int cls;
};

struct LargeCache {
  std::mutex lock;
  Cached* newest = nullptr;
  Cached* oldest = nullptr;
  Cached* top[kLargeClasses] = {};
  size_t bytes = 0;
};
LargeCache& large() {
  static LargeCache* l = new LargeCache;
  return *l;
}

// A fork waits for both locks, so that the child finds them free and the lists whole.
void lock_for_fork() {
  shared().lock.lock();
  large().lock.lock();
}
void unlock_after_fork() {
  large().lock.unlock();
  shared().lock.unlock();
}
[[maybe_unused]] const int at_fork = pthread_atfork(lock_for_fork, unlock_after_fork, unlock_after_fork);

void unlink(LargeCache& l, Cached* c) {
  (c->newer ? c->newer->older : l.newest) = c->older;
  (c->older ? c->older->newer : l.oldest) = c->newer;
  (c->above ? c->above->below : l.top[c->cls]) = c->below;
  if (c->below) c->below->above = c->above;
  l.bytes -= c->size;
}

void link_newest(LargeCache& l, Cached* c) {
  c->newer = nullptr;
  c->older = l.newest;
  (l.newest ? l.newest->newer : l.oldest) = c;
  l.newest = c;
  c->above = nullptr;
  c->below = l.top[c->cls];
  if (c->below) c->below->above = c;
  l.top[c->cls] = c;
  l.bytes += c->size;
}

void* system_allocate(size_t size) {
  if (size < kMapLimit) {
    void* p = nullptr;
    return posix_memalign(&p, kAlignment, size) == 0 ? p : nullptr;
  }
  // From 4 MiB on aligned to huge pages, by mapping more and returning the ends.
  size_t slack = size >= kHugeLimit ? kHugePage : 0;
  void* base = mmap(nullptr, size + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) return nullptr;
  if (!slack) return base;
  uintptr_t start = reinterpret_cast<uintptr_t>(base), aligned = (start + kHugePage - 1) & ~(kHugePage - 1);
  if (aligned > start) munmap(base, aligned - start);
  if (slack > aligned - start) munmap(reinterpret_cast<void*>(aligned + size), slack - (aligned - start));
  madvise(reinterpret_cast<void*>(aligned), size, MADV_HUGEPAGE);
  return reinterpret_cast<void*>(aligned);
}

void system_free(void* p, size_t size) {
  if (size < kMapLimit)
    std::free(p);
  else
    munmap(p, size);
}

// A quarter of what the machine or the control group allows.
size_t cache_bound() {
  static const size_t bound = [] {
    double bytes = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
    for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
      std::ifstream file(path);
      double limit = 0;
      if (file >> limit && limit > 0) bytes = std::min(bytes, limit);  // "max" does not parse: no limit
    }
    return static_cast<size_t>(bytes / 4);
  }();
  return bound;
}

void trim(LargeCache& l, size_t bound) {
  while (l.bytes > bound && l.oldest) {
    Cached* c = l.oldest;
    unlink(l, c);
    system_free(c, c->size);
  }
  cached.store(static_cast<int64_t>(l.bytes), std::memory_order_relaxed);
}

void* allocate_large(size_t bytes) {
  if (bytes > kLargestRequest) refuse(bytes);
  int cls;
  size_t size = class_size(bytes, &cls);
  LargeCache& l = large();
  {
    std::lock_guard hold(l.lock);
    if (Cached* c = l.top[cls]) {
      unlink(l, c);
      cached.store(static_cast<int64_t>(l.bytes), std::memory_order_relaxed);
      note_use(static_cast<int64_t>(size));
      return c;
    }
  }
  void* p = system_allocate(size);
  if (!p) {
    empty_cache();
    p = system_allocate(size);
  }
  if (!p) refuse(bytes);
  note_use(static_cast<int64_t>(size));
  return p;
}

void deallocate_large(void* p, size_t bytes) {
  int cls;
  size_t size = class_size(bytes, &cls);
  note_use(-static_cast<int64_t>(size));
  LargeCache& l = large();
  std::lock_guard hold(l.lock);
  Cached* c = static_cast<Cached*>(p);
  c->size = size;
  c->cls = cls;
  link_newest(l, c);
  trim(l, cache_bound());
}

}  // namespace

void* allocate(size_t bytes) {
  ThreadCache* t = cache;
  if (__builtin_expect(bytes > kSmallLimit, 0)) {
    if (t) ++t->made;
    return allocate_large(bytes);
  }
  const size_t cls = (bytes - (bytes != 0)) / kAlignment;
  if (__builtin_expect(!t || !t->free[cls], 0)) return refill(cls, bytes);
  Block* block = t->free[cls];
  t->free[cls] = block->next;
  --t->count[cls];
  t->used += static_cast<int64_t>((cls + 1) * kAlignment);
  ++t->made;
  return block;
}

void deallocate(void* p, size_t bytes) {
  if (!p) return;
  if (__builtin_expect(bytes > kSmallLimit, 0)) return deallocate_large(p, bytes);
  const size_t cls = (bytes - (bytes != 0)) / kAlignment;
  Block* block = static_cast<Block*>(p);
  ThreadCache* t = cache;
  if (__builtin_expect(!t, 0)) return deallocate_shared(block, cls);
  block->next = t->free[cls];
  t->free[cls] = block;
  t->used -= static_cast<int64_t>((cls + 1) * kAlignment);
  if (__builtin_expect(++t->count[cls] > 2 * kBatch[cls], 0)) spill(cls);
}

AllocatorStats allocator_stats() {
  if (cache) flush_counts(*cache);
  return {in_use.load(), cached.load(), peak.load(), cache ? cache->made : 0};
}

void empty_cache() {
  LargeCache& l = large();
  std::lock_guard hold(l.lock);
  trim(l, 0);
}

#endif

}  // namespace facula
