// The memory pool: reuse, merging, and repeated addresses.
#include "engine/memory/pool.h"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <vector>

using engine::Pool;

namespace {
struct Memory {  // chunks by their address, freed at the end of the test
  std::map<void*, std::pair<std::unique_ptr<char[]>, std::size_t>> chunks;
  std::size_t left = ~std::size_t(0);  // bytes still available
  Pool pool{{.allocate = [this](std::size_t bytes) -> void* {
               if (bytes > left) return nullptr;
               left -= bytes;
               std::unique_ptr<char[]> chunk(new char[bytes + 256]);
               const auto at = reinterpret_cast<std::uintptr_t>(chunk.get());
               void* const aligned = reinterpret_cast<void*>((at + 255) / 256 * 256);
               chunks[aligned] = {std::move(chunk), bytes};
               return aligned;
             },
             .free =
                 [this](void* chunk) {
                   left += chunks.at(chunk).second;
                   chunks.erase(chunk);
                 }}};
};
constexpr std::size_t MB = std::size_t(1) << 20;
}  // namespace

TEST_CASE("the same requests from the same state get the same addresses") {
  Memory m;
  const auto step = [&] {
    std::vector<void*> at;
    for (std::size_t n : {100u, 5000u, 300u, 5000u, 7u}) at.push_back(m.pool.allocate(n));
    m.pool.free(at[1]);
    at.push_back(m.pool.allocate(4000));
    for (std::size_t i : {3u, 0u, 4u, 5u, 2u}) m.pool.free(at[i]);
    return at;
  };
  const auto first = step();
  CHECK(step() == first);
  CHECK(m.pool.in_use() == 0);
  CHECK(m.chunks.size() == 1);
}

TEST_CASE("free neighbours are merged, and blocks do not overlap") {
  Memory m;
  std::vector<void*> at;
  for (int i = 0; i < 64; ++i) at.push_back(m.pool.allocate(std::size_t(1) << 20));  // fills one chunk
  CHECK(m.chunks.size() == 1);
  for (int i = 0; i < 64; i += 2) m.pool.free(at[std::size_t(i)]);
  for (int i = 1; i < 64; i += 2) m.pool.free(at[std::size_t(i)]);
  CHECK(m.pool.allocate(std::size_t(64) << 20) == at[0]);  // the whole chunk
  CHECK(m.chunks.size() == 1);
}

TEST_CASE("peak and use are counted in bytes") {
  Memory m;
  void* a = m.pool.allocate(1024);
  void* b = m.pool.allocate(2048);
  m.pool.free(a);
  CHECK(m.pool.in_use() == 2048);
  CHECK(m.pool.peak() == 3072);
  m.pool.reset_peak();
  CHECK(m.pool.peak() == 2048);
  m.pool.free(b);
}

TEST_CASE("when memory runs out the pool requests less, releases free chunks, and then fails") {
  Memory m;
  m.left = 100 * MB;
  void* a = m.pool.allocate(60 * MB);  // from a chunk of 64
  void* b = m.pool.allocate(30 * MB);  // another 64 are not available, 30 are
  REQUIRE(a != nullptr);
  REQUIRE(b != nullptr);
  CHECK(m.left == 6 * MB);
  CHECK(m.pool.allocate(20 * MB) == nullptr);
  CHECK(m.pool.in_use() == 90 * MB);
  m.pool.free(a);
  void* c = m.pool.allocate(68 * MB);  // available if the chunk of 64 is released
  CHECK(c != nullptr);
  CHECK(m.left == 2 * MB);
  CHECK(m.chunks.size() == 2);
  CHECK(m.chunks.count(a) == 0);
  m.pool.free(b);
  m.pool.free(c);
}

TEST_CASE("a large pool grows in large steps") {
  Memory m;
  CHECK(m.pool.allocate(1024 * MB) != nullptr);
  const std::size_t before = m.left;
  CHECK(m.pool.allocate(1) != nullptr);
  CHECK(before - m.left == 128 * MB);
}

TEST_CASE("blocks allocated while reserving are not reused until they are released") {
  Memory m;
  void* const before = m.pool.allocate(1000);
  void* const gap = m.pool.allocate(500);
  void* const other = m.pool.allocate(1000);
  m.pool.free(gap);
  m.pool.begin_reserve();
  void* const a = m.pool.allocate(300);  // in the gap
  void* const b = m.pool.allocate(5000);
  m.pool.free(a);
  void* const c = m.pool.allocate(100);  // at a's address, but shorter
  CHECK(c == a);
  void* const kept = m.pool.allocate(2000);
  m.pool.free(c);
  m.pool.free(b);
  const std::vector<void*> reserved = m.pool.end_reserve();
  CHECK(reserved.size() == 2);
  std::vector<std::pair<char*, std::size_t>> taken = {{static_cast<char*>(a), 300},
                                                      {static_cast<char*>(b), 5000}};
  for (const std::size_t bytes : {100u, 300u, 400u, 4000u, 6000u}) {
    char* const at = static_cast<char*>(m.pool.allocate(bytes));
    for (const auto& [from, length] : taken) CHECK((at + bytes <= from || at >= from + length));
    taken.emplace_back(at, bytes);
  }
  const std::size_t use = m.pool.in_use();
  for (void* block : reserved) m.pool.free(block);
  CHECK(m.pool.in_use() == use - 512 - 5120);  // in steps of 256 bytes
  CHECK(m.pool.allocate(300) == a);
  for (void* block : {before, other, kept}) m.pool.free(block);
}
