// The thread pool: lazily started workers that share one region at a time with its caller.
// Refuses to nest (inner regions run inline), to be joined at exit, and to spin for more than some microseconds.
#include "runtime/parallel.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <new>
#include <string>
#include <utility>

#include "base/error.h"

namespace facula {
namespace {

using Body = void (*)(void*, int64_t, int64_t);
thread_local constinit bool inside_region = false;  // always true in a worker

// Note [One region]
// The pieces of a region lie in shares, one for each thread, and are claimed by compare-and-swap on the share's word,
// (region number << 32 | next piece). A worker that arrives late reads fields that may already belong to a later
// region, but then its swap fails: fields are rewritten only after every piece is done and all words are closed (number
// of the next region, no piece), and who has seen a new field sees the closed words. A caller claims pieces like any
// worker; a worker that never wakes up therefore costs time, not progress: whoever is done with the own share goes on
// with the others'. Shares are the same parts of the data in every region of a size, so that a thread finds in its
// cache what it wrote in the region before.
constexpr uint32_t kMostShares = 64;
constexpr int kMostPlaced = 256;  // workers that are kept off their caller's processor
struct alignas(64) Share {
  std::atomic<uint64_t> claim{0};
};
struct Pool {
  std::atomic<bool> taken{false};  // by the one caller that has a region open
  Share shares[kMostShares];
  std::atomic<Body> body{nullptr};
  std::atomic<void*> context{nullptr};
  std::atomic<int64_t> n{0}, step{1};
  std::atomic<uint32_t> pieces{0}, num_shares{1}, done{0};
  std::atomic<uint32_t> signal{0};  // the region number; workers sleep on it
  std::atomic<uint32_t> sleepers{0}, caller_sleeps{0};
  std::atomic<bool> failed{false};
  std::exception_ptr failure;    // of the first piece that threw; written by who set `failed`
  int workers = 0;               // started; this and what follows is touched by the holder of `taken` only
  int placed = 0, avoided = -1;  // how many of them may not run on which processor, the caller's
  pthread_t threads[kMostPlaced];
};
alignas(64) Pool pool;

void futex_wait(std::atomic<uint32_t>& word, uint32_t seen) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
}
void futex_wake(std::atomic<uint32_t>& word, int count) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

inline void pause_processor() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Spins for at most ~20 us (a pause is 5 to 60 ns, so the clock decides), as long as `ready` is false.
template <class Ready>
bool spin_until(Ready&& ready) {
  timespec start;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (;;) {
    for (int i = 0; i < 32; ++i) {
      if (ready()) return true;
      pause_processor();
    }
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if ((now.tv_sec - start.tv_sec) * 1'000'000'000 + now.tv_nsec - start.tv_nsec > 20'000) return ready();
  }
}

uint32_t first_piece(uint32_t share, uint32_t shares, uint32_t pieces) {
  return static_cast<uint32_t>(uint64_t{pieces} * share / shares);
}
// What a body throws (no memory for its work space) is kept for the caller; pieces after it are not run.
void run_piece(Body body, void* context, int64_t begin, int64_t end) {
  if (pool.failed.load(std::memory_order_relaxed)) return;
  try {
    body(context, begin, end);
  } catch (...) {
    if (!pool.failed.exchange(true, std::memory_order_acq_rel)) pool.failure = std::current_exception();
  }
}

// Claims and runs pieces of one share of the region `number` until none is left; false: the region is over.
bool run_share(uint32_t number, uint32_t share) {
  std::atomic<uint64_t>& word = pool.shares[share].claim;
  for (;;) {
    uint64_t claim = word.load(std::memory_order_acquire);
    if (static_cast<uint32_t>(claim >> 32) != number) return false;
    uint32_t piece = static_cast<uint32_t>(claim);
    Body body = pool.body.load(std::memory_order_acquire);
    void* context = pool.context.load(std::memory_order_acquire);
    int64_t n = pool.n.load(std::memory_order_acquire), step = pool.step.load(std::memory_order_acquire);
    uint32_t pieces = pool.pieces.load(std::memory_order_acquire);
    if (piece >= first_piece(share + 1, pool.num_shares.load(std::memory_order_acquire), pieces)) return true;
    if (!word.compare_exchange_weak(claim, claim + 1, std::memory_order_acq_rel)) continue;
    run_piece(body, context, piece * step, std::min<int64_t>(n, (piece + 1) * step));
    if (pool.done.fetch_add(1, std::memory_order_seq_cst) + 1 == pieces && pool.caller_sleeps.load())
      futex_wake(pool.done, 1);
  }
}
// The thread's own share first, then what is left of the others'.
void run_pieces(uint32_t number, uint32_t thread) {
  const uint32_t shares = pool.num_shares.load(std::memory_order_relaxed);
  for (uint32_t i = 0; i < shares && run_share(number, (thread + i) % shares); ++i) {}
}

// `start`: the number of the thread << 32 | the last region before it.
void* worker(void* start) {
  inside_region = true;
  const uint32_t thread = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(start) >> 32);
  uint32_t seen = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(start));
  for (;;) {
    auto changed = [&] { return pool.signal.load(std::memory_order_acquire) != seen; };
    if (!spin_until(changed)) {
      pool.sleepers.fetch_add(1);
      while (pool.signal.load() == seen) futex_wait(pool.signal, seen);
      pool.sleepers.fetch_sub(1);
    }
    seen = pool.signal.load(std::memory_order_acquire);
    run_pieces(seen, thread);
  }
  return nullptr;
}

// A failure to start a thread leaves the pool smaller: the caller does the work.
void start_workers(int wanted) {
  if (pool.workers >= wanted) return;
  sigset_t all, old;  // signals belong to Python's main thread
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  while (pool.workers < wanted) {
    pthread_t thread;
    const uint64_t start = uint64_t{static_cast<uint32_t>(pool.workers) + 1} << 32 | pool.signal.load();
    if (pthread_create(&thread, nullptr, worker, reinterpret_cast<void*>(start)) != 0) break;
    pthread_detach(thread);
    if (pool.workers < kMostPlaced) pool.threads[pool.workers] = thread;
    ++pool.workers;
  }
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

void wait_for(uint32_t pieces) {
  auto finished = [&] { return pool.done.load(std::memory_order_acquire) == pieces; };
  if (finished() || spin_until(finished)) return;
  pool.caller_sleeps.store(1);
  for (uint32_t done = pool.done.load(); done != pieces; done = pool.done.load()) futex_wait(pool.done, done);
  pool.caller_sleeps.store(0);
}

// The child of a fork has no workers; it starts its own when it first needs them.
void forget_workers() {
  new (&pool) Pool;
  inside_region = false;
}

int first_number(const char* text) {
  long value = text ? std::strtol(text, nullptr, 10) : 0;
  return value >= 1 && value <= 1 << 16 ? static_cast<int>(value) : 0;
}

// Processors that the control group's quota pays for, rounded up; 0 when there is no quota.
int quota_processors() {
  std::string limit;
  double period = 0;
  if (std::ifstream v2("/sys/fs/cgroup/cpu.max"); v2 >> limit >> period && limit != "max" && period > 0)
    return std::max(1, static_cast<int>((std::atof(limit.c_str()) + period - 1) / period));
  double quota = 0;
  std::ifstream quota_file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), period_file("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (quota_file >> quota && period_file >> period && quota > 0 && period > 0)
    return std::max(1, static_cast<int>((quota + period - 1) / period));
  return 0;
}

int usable_processors() {
  int count = static_cast<int>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) count = std::max(1, CPU_COUNT(&set));
  int quota = quota_processors();
  return quota > 0 ? std::min(count, quota) : count;
}

constexpr int64_t kPiecesPerThread = 4;
std::atomic<int> thread_limit{0};  // 0: not yet asked

// Where an idle virtual processor counts as taken away by its host, Linux wakes a worker on the processor of its
// caller, which does not wait: both then share it for ten milliseconds (measured). So sleeping workers are kept off it.
void keep_workers_away() {
  const int own = sched_getcpu(), workers = std::min(pool.workers, kMostPlaced);
  if (own < 0 || (own == pool.avoided && workers == pool.placed)) return;
  cpu_set_t others;
  if (sched_getaffinity(0, sizeof others, &others) != 0 || own >= CPU_SETSIZE) return;
  CPU_CLR(static_cast<size_t>(own), &others);
  if (CPU_COUNT(&others) == 0) return;
  for (int i = 0; i < workers; ++i) pthread_setaffinity_np(pool.threads[i], sizeof others, &others);
  pool.avoided = own;
  pool.placed = workers;
}

void run_region(int64_t n, int64_t step, uint32_t pieces, int threads, Body body, void* context) {
  start_workers(threads - 1);
  uint32_t number = pool.signal.load(std::memory_order_relaxed) + 1;
  constexpr uint64_t kClosed = ~uint32_t{0};
  const uint32_t shares = std::min<uint32_t>(static_cast<uint32_t>(threads), kMostShares);
  const uint32_t before = pool.num_shares.load(std::memory_order_relaxed);
  for (uint32_t i = 0; i < std::max(before, shares); ++i)
    pool.shares[i].claim.store(uint64_t{number} << 32 | kClosed, std::memory_order_relaxed);
  pool.body.store(body, std::memory_order_release);
  pool.context.store(context, std::memory_order_release);
  pool.n.store(n, std::memory_order_release);
  pool.step.store(step, std::memory_order_release);
  pool.pieces.store(pieces, std::memory_order_release);
  pool.num_shares.store(shares, std::memory_order_release);
  pool.done.store(0, std::memory_order_relaxed);
  for (uint32_t i = 0; i < shares; ++i)
    pool.shares[i].claim.store(uint64_t{number} << 32 | first_piece(i, shares, pieces), std::memory_order_release);
  pool.signal.store(number);
  if (uint32_t sleepers = pool.sleepers.load()) {
    keep_workers_away();
    futex_wake(pool.signal, std::min(static_cast<int>(sleepers), threads - 1));
  }
  inside_region = true;
  run_pieces(number, 0);
  inside_region = false;
  wait_for(pieces);
}

// The one region that is open; it ends in any case.
struct Taken {
  ~Taken() { pool.taken.store(false, std::memory_order_release); }
};

}  // namespace

int num_threads() {
  int limit = thread_limit.load(std::memory_order_relaxed);
  if (limit) return limit;
  limit = first_number(std::getenv("FACULA_NUM_THREADS"));
  if (!limit) limit = first_number(std::getenv("OMP_NUM_THREADS"));
  if (!limit) limit = usable_processors();
  thread_limit.store(limit);
  return limit;
}

void set_num_threads(int n) {
  FACULA_CHECK(n > 0, Runtime, "set_num_threads expects a positive integer, but got ", n);
  thread_limit.store(n);
}

bool inside_parallel_region() { return inside_region; }

void parallel_for_raw(int64_t n, int64_t grain, Body body, void* context) {
  if (n <= 0) return;
  int64_t limit = num_threads();
  // Several pieces a thread: a worker that wakes late takes fewer.
  int64_t pieces = std::min(limit > 1 ? limit * kPiecesPerThread : 1, (n - 1) / std::max<int64_t>(grain, 1) + 1);
  if (pieces <= 1 || inside_region || pool.taken.exchange(true, std::memory_order_acquire)) return body(context, 0, n);
  static const int at_fork = pthread_atfork(nullptr, nullptr, forget_workers);
  (void)at_fork;
  const Taken taken;
  int64_t step = (n - 1) / pieces + 1;
  if (step >= 1024) step = (step + 63) / 64 * 64;  // pieces start on vector and cache line boundaries
  pieces = (n - 1) / step + 1;
  if (pieces <= 1) return body(context, 0, n);
  run_region(n, step, static_cast<uint32_t>(pieces), static_cast<int>(std::min(limit, pieces)), body, context);
  if (!pool.failed.load(std::memory_order_relaxed)) return;
  pool.failed.store(false, std::memory_order_relaxed);
  std::rethrow_exception(std::exchange(pool.failure, nullptr));
}

}  // namespace facula
