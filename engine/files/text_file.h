// Reads a file without ever waiting for one: std::ifstream waits at a named pipe until somebody writes to it.
#pragma once

#include <cstddef>
#include <string>

namespace engine {

struct FileText {
  std::string bytes;
  std::string error;  // why there are none: "No such file or directory"; "": they were read
  bool read() const { return error.empty(); }
};

constexpr std::size_t most_text_bytes = std::size_t(1) << 32;

// The whole of a regular file of at most `most` bytes. A folder, a pipe or a device is an error.
FileText read_text(const std::string& path, std::size_t most = most_text_bytes);

// Opens a regular file, by a name that isn't a link, to write to it as `flags` say (O_APPEND, O_CREAT ...):
// nobody who can plant a link or a pipe in a folder decides what is written to, or stops the program. The
// descriptor, or -1, and `error` says why.
int open_own_file(const std::string& path, int flags, std::string& error);

}  // namespace engine
