// A pool of memory blocks: best fit, ties to the lowest address, free neighbours are merged. The address of a
// request depends only on the set of blocks in use, so the same sequence of requests from the same state gets
// the same addresses. A CUDA graph of a training step needs that. A block may be reused while the device
// still works on it, since the next work on it is queued behind.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>
#include <vector>

namespace engine {

class Pool {
 public:
  static constexpr std::size_t kLeastChunk = std::size_t(64) << 20;

  // The allocator of the pool's chunks. allocate() returns null if there is not enough memory.
  struct Source {
    std::function<void*(std::size_t)> allocate;
    std::function<void(void*)> free;
    // Bytes of the first chunk, and least of a later one. One large chunk wastes less than several, and where
    // memory is given when it is first used it costs nothing.
    std::size_t chunk = kLeastChunk;
  };
  explicit Pool(Source source) : source_(std::move(source)) {}

  void* allocate(std::size_t bytes);  // null: out of memory
  void free(void*);

  // Blocks allocated after begin_reserve() are not reused when they are freed: a captured graph writes to
  // them at each launch. end_reserve() returns the freed blocks; pass each to free() to release it.
  void begin_reserve();
  std::vector<void*> end_reserve();

  std::size_t in_use() const { return in_use_; }
  std::size_t peak() const { return peak_; }
  void reset_peak() { peak_ = in_use_; }

 private:
  using Free = std::map<char*, std::size_t>;
  bool grow(std::size_t bytes);
  bool release_free_chunks();
  void insert_free(char* at, std::size_t bytes);
  void* take(Free::iterator, char* at, std::size_t bytes);
  void erase_free(Free::iterator);

  static constexpr std::size_t kAlignment = 256;
  Source source_;
  std::mutex mutex_;
  Free free_;                                        // by address
  std::set<std::pair<std::size_t, char*>> by_size_;  // the same blocks, for best fit
  std::map<char*, std::size_t> chunks_;              // blocks are merged only within a chunk
  std::unordered_map<char*, std::size_t> used_;
  std::size_t in_use_ = 0, peak_ = 0, held_ = 0;
  bool reserving_ = false;
  std::map<char*, std::size_t> reserved_;  // address -> size of the longest block there
};

}  // namespace engine
