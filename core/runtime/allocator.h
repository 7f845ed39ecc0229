// Memory for storages: a caching allocator, so that the second use of a size faults no pages.
#pragma once
#include <cstddef>
#include <cstdint>

namespace facula {

// 64-byte aligned, uninitialised; at least `bytes` (0 is allowed). Throws Error(Memory) naming the size when refused.
void* allocate(size_t bytes);
void deallocate(void* p, size_t bytes);  // the same `bytes` as were asked for
struct AllocatorStats {
  int64_t in_use, cached, peak;  // bytes, of all threads
  int64_t made;                  // blocks that this thread has asked for so far
};
AllocatorStats allocator_stats();
void empty_cache();  // gives every cached block back to the system

}  // namespace facula
