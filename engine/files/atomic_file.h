// Files that appear whole or not at all, whatever happens meanwhile: a crash, a full disk, a power cut.
#pragma once

#include <cstddef>
#include <string>

namespace engine {

// Writes to a temporary file in the same folder; commit() makes it durable and gives it its name. Errors are
// std::runtime_error with the path and the system's reason. Without commit() the temporary file is removed
// and what was at `path` before is untouched.
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

// Removes the temporary files that killed processes left in a folder. Only for a folder that no other process
// writes to now.
void remove_temporary_files(const std::string& folder);

}  // namespace engine
