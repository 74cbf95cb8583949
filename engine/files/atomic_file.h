// Atomic file writes: after a crash, a full disk or a power failure the file is complete or unchanged.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace engine {

struct WriteError : std::runtime_error {
  WriteError(const std::string& text, int reason) : std::runtime_error(text), reason(reason) {}
  int reason;  // errno's value
};

// Writes to a temporary file in the same folder. commit() flushes it to disk and renames it to `path`. Errors
// are WriteError with the path and the system's reason. Without commit() the temporary file is
// removed and an old file at `path` is unchanged. A link at `path` is replaced, and what it points to is not
// touched. No file that others may have planted is opened: the temporary file is a new one.
//
// A device, a pipe or a name of an open descriptor (writes_in_place()) is written to as it is, since it can't
// be replaced.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* bytes, std::size_t size);
  void commit();

 private:
  [[noreturn]] void fail(const char* doing) const;  // with errno's text

  std::string path_, temporary_;  // temporary_ is "" for what is written in place
  int folder_ = -1, file_ = -1;   // descriptors
};

// Whether `path` is a device, a pipe or a socket, or names an open descriptor: /dev/stdout, /dev/fd/3.
bool writes_in_place(const std::string& path);

void write_file_atomically(const std::string& path, const std::string& text);

// Removes temporary files of killed processes from a folder. No other process may be writing to the folder.
void remove_temporary_files(const std::string& folder);

}  // namespace engine
