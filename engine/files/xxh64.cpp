#include "engine/files/xxh64.h"

#include <bit>
#include <cstring>

namespace engine {

namespace {

constexpr std::uint64_t prime[5] = {0x9e3779b185ebca87u, 0xc2b2ae3d27d4eb4fu, 0x165667b19e3779f9u,
                                    0x85ebca77c2b2ae63u, 0x27d4eb2f165667c5u};

template <class Word>
std::uint64_t word_at(const unsigned char* p) {  // little-endian, as the machines that dyad runs on
  Word word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

std::uint64_t round(std::uint64_t sum, std::uint64_t word) {
  return std::rotl(sum + word * prime[1], 31) * prime[0];
}

std::uint64_t merged(std::uint64_t hash, std::uint64_t sum) {
  return (hash ^ round(0, sum)) * prime[0] + prime[3];
}

}  // namespace

std::uint64_t xxh64(const void* data, std::size_t bytes) {
  const auto* p = static_cast<const unsigned char*>(data);
  std::size_t left = bytes;
  std::uint64_t hash = prime[4];
  if (left >= 32) {
    std::uint64_t a = prime[0] + prime[1], b = prime[1], c = 0, d = 0 - prime[0];
    for (; left >= 32; p += 32, left -= 32) {
      a = round(a, word_at<std::uint64_t>(p)), b = round(b, word_at<std::uint64_t>(p + 8));
      c = round(c, word_at<std::uint64_t>(p + 16)), d = round(d, word_at<std::uint64_t>(p + 24));
    }
    hash = std::rotl(a, 1) + std::rotl(b, 7) + std::rotl(c, 12) + std::rotl(d, 18);
    hash = merged(merged(merged(merged(hash, a), b), c), d);
  }
  hash += bytes;
  for (; left >= 8; p += 8, left -= 8)
    hash = std::rotl(hash ^ round(0, word_at<std::uint64_t>(p)), 27) * prime[0] + prime[3];
  if (left >= 4) {
    hash = std::rotl(hash ^ word_at<std::uint32_t>(p) * prime[0], 23) * prime[1] + prime[2];
    p += 4, left -= 4;
  }
  for (; left > 0; ++p, --left) hash = std::rotl(hash ^ *p * prime[4], 11) * prime[0];
  hash = (hash ^ hash >> 33) * prime[1];
  hash = (hash ^ hash >> 29) * prime[2];
  return hash ^ hash >> 32;
}

}  // namespace engine
