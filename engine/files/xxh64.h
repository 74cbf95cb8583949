// XXH64 with seed 0: a fast hash of many bytes, the same on every machine, and in other languages' xxhash
// packages. Not cryptographic: it finds damage, and does not protect against forgery.
#pragma once

#include <cstddef>
#include <cstdint>

namespace engine {

std::uint64_t xxh64(const void* data, std::size_t bytes);

}  // namespace engine
