#include "engine/memory/pool.h"

#include <algorithm>
#include <iterator>

namespace engine {
namespace {

constexpr std::size_t kGranule = std::size_t(2) << 20;

std::size_t rounded(std::size_t bytes, std::size_t to) { return (bytes + to - 1) / to * to; }

}  // namespace

void Pool::insert_free(char* at, std::size_t bytes) {
  free_.emplace(at, bytes);
  by_size_.emplace(bytes, at);
}

void Pool::erase_free(Free::iterator block) {
  by_size_.erase({block->second, block->first});
  free_.erase(block);
}

// Releases chunks without a block in use.
bool Pool::release_free_chunks() {
  bool released = false;
  for (auto chunk = chunks_.begin(); chunk != chunks_.end();) {
    const auto block = free_.find(chunk->first);
    if (block == free_.end() || block->second != chunk->second) {
      ++chunk;
      continue;
    }
    erase_free(block);
    held_ -= chunk->second;
    source_.free(chunk->first);
    chunk = chunks_.erase(chunk);
    released = true;
  }
  return released;
}

// Adds a chunk for a block of `bytes` bytes. The pool grows by at least an eighth, since a few large chunks
// waste less than many small ones. If that allocation fails, it grows by `bytes` only.
bool Pool::grow(std::size_t bytes) {
  const std::size_t least = rounded(bytes, kGranule);
  const std::size_t more = std::max(bytes, held_ / 8);
  std::size_t chunk = rounded(more, source_.chunk);
  void* fresh = source_.allocate(chunk);
  if (fresh == nullptr && source_.chunk > kLeastChunk)
    fresh = source_.allocate(chunk = rounded(more, kLeastChunk));
  if (fresh == nullptr) fresh = source_.allocate(chunk = least);
  if (fresh == nullptr && release_free_chunks()) fresh = source_.allocate(chunk);
  if (fresh == nullptr) return false;
  chunks_.emplace(static_cast<char*>(fresh), chunk);
  held_ += chunk;
  insert_free(static_cast<char*>(fresh), chunk);
  return true;
}

// Takes [at, at + bytes) out of a free block.
void* Pool::take(Free::iterator block, char* at, std::size_t bytes) {
  char* const begin = block->first;
  char* const end = begin + block->second;
  erase_free(block);
  if (at > begin) insert_free(begin, std::size_t(at - begin));
  if (at + bytes < end) insert_free(at + bytes, std::size_t(end - at) - bytes);
  used_.emplace(at, bytes);
  in_use_ += bytes;
  peak_ = std::max(peak_, in_use_);
  return at;
}

void* Pool::allocate(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  bytes = std::max(rounded(bytes, kAlignment), kAlignment);
  auto fit = by_size_.lower_bound({bytes, nullptr});
  if (fit == by_size_.end()) {
    if (!grow(bytes)) return nullptr;
    fit = by_size_.lower_bound({bytes, nullptr});
  }
  char* const at = fit->second;
  if (reserving_) reserved_[at] = std::max(reserved_[at], bytes);
  return take(free_.find(at), at, bytes);
}

void Pool::free(void* pointer) {
  const std::lock_guard lock(mutex_);
  char* at = static_cast<char*>(pointer);
  const auto used = used_.find(at);
  std::size_t bytes = used->second;
  used_.erase(used);
  in_use_ -= bytes;

  const auto next = free_.find(at + bytes);
  if (next != free_.end() && !chunks_.contains(next->first)) {
    bytes += next->second;
    erase_free(next);
  }
  const auto after = free_.lower_bound(at);
  if (after != free_.begin() && !chunks_.contains(at)) {
    const auto before = std::prev(after);
    if (before->first + before->second == at) {
      at = before->first;
      bytes += before->second;
      erase_free(before);
    }
  }
  insert_free(at, bytes);
}

void Pool::begin_reserve() {
  const std::lock_guard lock(mutex_);
  reserving_ = true;
  reserved_.clear();
}

std::vector<void*> Pool::end_reserve() {
  const std::lock_guard lock(mutex_);
  reserving_ = false;
  std::vector<void*> blocks;
  for (const auto& [begin, bytes] : reserved_) {
    char* const end = begin + bytes;
    auto block =
        free_.upper_bound(begin);  // the first that begins after `begin`; the one before it may overlap
    if (block != free_.begin()) --block;
    while (block != free_.end() && block->first < end) {
      char* const from = std::max(begin, block->first);
      char* const to = std::min(end, block->first + block->second);
      const auto current = block++;
      if (from < to) blocks.push_back(take(current, from, std::size_t(to - from)));
    }
  }
  reserved_.clear();
  return blocks;
}

}  // namespace engine
