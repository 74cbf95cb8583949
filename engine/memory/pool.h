// A pool of memory blocks: best fit, lowest address among equals, neighbours merged when free. Which address
// a request gets depends only on the set of blocks in use, so the same sequence of requests from the same
// state repeats its addresses: what a training step needs to be captured as a CUDA graph. A block may be
// handed out again while the device still works on it, since what comes next is in order behind that work.
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
  // Where the pool's chunks come from: allocate() gives null where there is not so much.
  struct Source {
    std::function<void*(std::size_t)> allocate;
    std::function<void(void*)> free;
  };
  explicit Pool(Source source) : source_(std::move(source)) {}

  void* allocate(std::size_t bytes);  // null: out of memory
  void free(void*);

  // What is handed out from begin_reserve() on stays out of use when it is freed: the memory that a captured
  // graph writes each time it is launched. end_reserve() gives what has been freed; give it to free() to end
  // that.
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
  std::map<char*, std::size_t> chunks_;              // blocks of different chunks are never merged
  std::unordered_map<char*, std::size_t> used_;
  std::size_t in_use_ = 0, peak_ = 0, held_ = 0;
  bool reserving_ = false;
  std::map<char*, std::size_t> reserved_;  // where blocks have begun, and the longest there
};

}  // namespace engine
