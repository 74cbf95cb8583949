// Decodes BMP, PNM and TGA with stb_image, after the checks of stb_headers.cpp. stb_image's allocator returns
// zeroed memory, and at most as much as the image's size requires.
#include <cstdlib>
#include <cstring>
#include <memory>

#include "data/decode/decode_formats.h"
#include "engine/error.h"
#include "engine/memory/failed_allocation.h"

namespace data {
namespace {

thread_local std::size_t budget = 0;  // bytes that stb_image may still allocate
thread_local std::size_t failed = 0;  // bytes that it may have had, but that were not to be had

void* take(std::size_t size) {
  if (size > budget) return nullptr;
  budget -= size;
  void* memory = std::calloc(1, size);
  if (memory == nullptr) failed = size;
  return memory;
}

}  // namespace
}  // namespace data

#define STBI_MALLOC(size) data::take(size)
#define STBI_REALLOC(pointer, size) ((void)(pointer), (void)(size), nullptr)  // for disabled formats only
#define STBI_FREE(pointer) std::free(pointer)
#define STBI_ONLY_BMP
#define STBI_ONLY_PNM
#define STBI_ONLY_TGA
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_SIMD
#define STBI_MAX_DIMENSIONS data::max_side
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>

namespace data {

using engine::require_data;

void decode_stb(const StbHeader& header, const std::uint8_t* bytes, std::size_t size, const std::string& name,
                Image& into) {
  const std::string what = name + ": " + header.format + " of " + with_commas(size) + " bytes: ";
  require_data(header.wrong.empty(), what, header.wrong);
  check_size(header.height, header.width, name, std::uint64_t(max_pixels));
  require_data(size >= header.needed, what, "ends early, expected at least ", with_commas(header.needed));
  set_size(into, header.height, header.width, name, std::uint64_t(max_pixels));
  // per pixel at most 4 bytes as stored and 3 as RGB, and a palette of 65,535 colours
  budget = std::size_t(header.height) * header.width * 7 + 65535 * 4;
  failed = 0;
  int width = 0, height = 0, channels = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(bytes, int(size), &width, &height, &channels, 3), std::free);
  if (failed > 0) throw engine::FailedAllocation(failed);  // it is not the file's fault
  require_data(pixels != nullptr, what, stbi_failure_reason(), ", expected a whole ", header.format, " file");
  require_data(height == into.height && width == into.width, what, "stb_image found ", height, " x ", width,
               " pixels, expected ", into.height, " x ", into.width);
  std::memcpy(into.pixels.data(), pixels.get(), into.pixels.size());
}

}  // namespace data
