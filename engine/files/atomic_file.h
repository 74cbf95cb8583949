// Atomic file writes: after a crash, a full disk or a power failure the file is complete or unchanged.
#pragma once

#include <cstddef>
#include <string>

namespace engine {

// Writes to a temporary file in the same folder. commit() flushes it to disk and renames it to `path`. Errors
// are std::runtime_error with the path and the system's reason. Without commit() the temporary file is
// removed and an old file at `path` is unchanged.
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

  std::string path_, temporary_;
  int folder_ = -1, file_ = -1;  // descriptors
};

void write_file_atomically(const std::string& path, const std::string& text);

// Removes temporary files of killed processes from a folder. No other process may be writing to the folder.
void remove_temporary_files(const std::string& folder);

}  // namespace engine
