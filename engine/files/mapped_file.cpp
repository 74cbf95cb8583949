#include "engine/files/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "engine/error.h"

namespace engine {

MappedFile::MappedFile(const std::string& path, const std::string& expected) : path_(path) {
  // O_NONBLOCK: a pipe is refused, and not waited for
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  require_usable(file >= 0, path, ": ", std::strerror(errno), ", expected ", expected);
  struct stat status = {};
  const bool known = fstat(file, &status) == 0, regular = known && S_ISREG(status.st_mode);
  size_ = regular ? std::uint64_t(status.st_size) : 0;
  void* const at = size_ == 0 ? nullptr : mmap(nullptr, std::size_t(size_), PROT_READ, MAP_SHARED, file, 0);
  const int reason = errno;
  close(file);
  require_usable(known, path, ": ", std::strerror(reason));
  require_usable(regular, path, ": not a regular file, expected ", expected);
  require_usable(at != MAP_FAILED, path, ": ", std::strerror(reason), ", while mapping it");
  data_ = static_cast<const char*>(at);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<char*>(data_), std::size_t(size_));
}

void MappedFile::release(std::uint64_t first, std::uint64_t bytes) const {
  require(first <= size_ && bytes <= size_ - first, "MappedFile: bytes ", first, " and ", bytes,
          " more, expected within ", size_);
  // whole pages only: others may still be read at both ends
  const auto page = std::uint64_t(sysconf(_SC_PAGESIZE));
  const std::uint64_t begin = (first + page - 1) / page * page, end = (first + bytes) / page * page;
  if (begin < end) madvise(const_cast<char*>(data_) + begin, std::size_t(end - begin), MADV_DONTNEED);
}

}  // namespace engine
