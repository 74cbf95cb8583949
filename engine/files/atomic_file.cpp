#include "engine/files/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace engine {

namespace {

constexpr const char* marker = ".tmp-";  // NAME.tmp-PID-COUNT

template <class Call>
auto retry(Call call) {  // repeats a call that a signal has interrupted
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

}  // namespace

AtomicFile::AtomicFile(const std::string& path) : path_(path) {
  static std::atomic<int> count{0};
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  const std::string temporary = path + marker + std::to_string(getpid()) + "-" + std::to_string(count++);
  folder_ = retry([&] { return open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (folder_ < 0) fail("opening its folder");
  file_ = retry([&] { return open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644); });
  if (file_ < 0) {
    const int reason = errno;
    close(folder_);
    errno = reason;
    fail("creating it");
  }
  temporary_ = temporary;
}

AtomicFile::~AtomicFile() {
  if (file_ >= 0) close(file_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
  close(folder_);
}

void AtomicFile::write(const void* bytes, std::size_t size) {
  const char* at = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t n = retry([&] { return ::write(file_, at, size); });
    if (n < 0) fail("writing");
    at += n;
    size -= static_cast<std::size_t>(n);
  }
}

void AtomicFile::commit() {
  if (retry([&] { return fsync(file_); }) < 0) fail("flushing");
  const int file = std::exchange(file_, -1);
  // not repeated: after EINTR Linux has closed the descriptor, and fsync has already written the bytes
  if (close(file) < 0 && errno != EINTR) fail("closing");
  if (retry([&] { return std::rename(temporary_.c_str(), path_.c_str()); }) < 0) fail("renaming");
  temporary_.clear();
  // EINVAL: the file system does not support flushing folders
  if (retry([&] { return fsync(folder_); }) < 0 && errno != EINVAL) fail("flushing its folder");
}

void AtomicFile::fail(const char* doing) const {
  throw std::runtime_error(path_ + ": " + std::strerror(errno) + ", while " + doing);
}

void write_file_atomically(const std::string& path, const std::string& text) {
  AtomicFile file(path);
  file.write(text.data(), text.size());
  file.commit();
}

void remove_temporary_files(const std::string& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const std::size_t at = name.rfind(marker);
    if (at == std::string::npos) continue;
    const std::string tail = name.substr(at + std::strlen(marker));
    if (!tail.empty() && tail.find_first_not_of("0123456789-") == std::string::npos)
      std::filesystem::remove(entry.path());
  }
}

}  // namespace engine
