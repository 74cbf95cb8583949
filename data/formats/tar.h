// The table of contents of a tar file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace data {

struct TarEntry {
  std::string name;            // as the archive has it
  std::uint64_t begin, bytes;  // of its content
};

// The regular files of an archive in its order: ustar, GNU's and pax's long names, and sizes beyond 8 GiB.
// Only headers are read. file: for messages. DataError, one line with the byte, if a header is damaged, if
// the archive was cut, or if it has a sparse file.
std::vector<TarEntry> tar_entries(std::string_view archive, const std::string& file);

}  // namespace data
