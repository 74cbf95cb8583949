// A file whose bytes are read as memory: the system loads a page at its first use, and may drop it again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace engine {

// The file stays the same one if another takes its name. It must not become shorter while it is mapped: the
// system ends a process that reads behind the end.
class MappedFile {
 public:
  // UnusableFile if it can't be opened or is no regular file. expected: for the message, "a NumPy file".
  MappedFile(const std::string& path, const std::string& expected);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
  const char* data() const { return data_; }
  std::uint64_t size() const { return size_; }
  std::string_view text() const { return {data_, std::size_t(size_)}; }

  // Those bytes were read and are not needed soon: their pages count no longer as this process's memory.
  void release(std::uint64_t first, std::uint64_t bytes) const;

 private:
  std::string path_;
  const char* data_ = nullptr;
  std::uint64_t size_ = 0;
};

// A part of a file that is read in a scope. releases: its pages are released at the end of the scope.
class MappedPart {
 public:
  MappedPart(const MappedFile& file, std::uint64_t first, std::uint64_t bytes, bool releases = true)
      : file_(file), first_(first), bytes_(bytes), releases_(releases) {}
  ~MappedPart() {
    if (releases_) file_.release(first_, bytes_);
  }
  MappedPart(const MappedPart&) = delete;
  MappedPart& operator=(const MappedPart&) = delete;

  const std::uint8_t* data() const { return reinterpret_cast<const std::uint8_t*>(file_.data()) + first_; }
  std::size_t size() const { return std::size_t(bytes_); }

 private:
  const MappedFile& file_;
  std::uint64_t first_, bytes_;
  bool releases_;
};

}  // namespace engine
