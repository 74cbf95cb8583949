// What kind of file some bytes begin, for the messages of readers that expected another kind: "is a WebP
// image, expected a JPEG".
#pragma once

#include <cstddef>
#include <string>

namespace engine {

constexpr std::size_t file_kind_bytes = 512;  // as many of a file's first bytes decide

// "a WebP image", "a zip archive (not yet unpacked)"; "" if the kind is not known.
std::string file_kind(const void* bytes, std::size_t size);
std::string file_kind_of(const std::string& path);  // "" also for a file that can't be read

bool is_pytorch_kind(const std::string& kind);  // a file that torch.save has written

}  // namespace engine
