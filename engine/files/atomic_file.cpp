#include "engine/files/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string_view>
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

// The open descriptor that a path names, as the shell's `>&N` means it; -1 if it names none. Opening such a
// path instead would begin anew at the first byte of a redirected file.
int descriptor_of(const std::string& path) {
  if (path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "/dev/stderr") return STDERR_FILENO;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!path.starts_with(folder)) continue;
    int number = -1;
    const char* end = path.data() + path.size();
    const auto [stop, error] = std::from_chars(path.data() + folder.size(), end, number);
    if (error == std::errc() && stop == end && number >= 0) return number;
  }
  return -1;
}

// A file that is no folder, no link and not regular.
bool is_device_or_pipe(const std::string& path) {
  struct stat status = {};
  return lstat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode) &&
         !S_ISLNK(status.st_mode);
}

// A new file beside `path`. The name of another process's, or of one that was planted, is passed over.
std::pair<int, std::string> new_file_beside(const std::string& path) {
  static std::atomic<int> count{0};
  for (int tries = 0;; ++tries) {
    std::string name = path + marker + std::to_string(getpid()) + "-" + std::to_string(count++);
    const int file =
        retry([&] { return open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644); });
    if (file >= 0 || errno != EEXIST || tries == 10'000) return {file, std::move(name)};
  }
}

// -1 and errno if it can't be opened for writing.
int open_in_place(const std::string& path) {
  if (const int own = descriptor_of(path); own >= 0) return fcntl(own, F_DUPFD_CLOEXEC, 3);
  // O_NONBLOCK: a pipe that nobody reads is an error, not waited for
  const int file =
      retry([&] { return open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC); });
  struct stat status = {};
  if (file >= 0 && (fstat(file, &status) != 0 || S_ISREG(status.st_mode) || fcntl(file, F_SETFL, 0) < 0)) {
    close(file);
    errno = EAGAIN;  // it has become a regular file meanwhile
    return -1;
  }
  return file;
}

}  // namespace

bool writes_in_place(const std::string& path) { return descriptor_of(path) >= 0 || is_device_or_pipe(path); }

AtomicFile::AtomicFile(const std::string& path) : path_(path) {
  if (writes_in_place(path)) {
    std::fflush(stdout);  // what was printed before comes first
    file_ = open_in_place(path);
    if (file_ < 0) fail(errno == ENXIO ? "opening it: no process reads from it" : "opening it");
    return;
  }
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  folder_ = retry([&] { return open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (folder_ < 0) fail("opening its folder");
  auto [file, name] = new_file_beside(path);
  file_ = file;
  if (file_ < 0) {
    const int reason = errno;
    close(folder_);
    errno = reason;
    fail("creating it");
  }
  temporary_ = std::move(name);
}

AtomicFile::~AtomicFile() {
  if (file_ >= 0) close(file_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
  if (folder_ >= 0) close(folder_);
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
  // devices and pipes have nothing to flush, and say so
  if (retry([&] { return fsync(file_); }) < 0 && !(temporary_.empty() && (errno == EINVAL || errno == EROFS)))
    fail("flushing");
  const int file = std::exchange(file_, -1);
  // not repeated: after EINTR Linux has closed the descriptor, and fsync has already written the bytes
  if (close(file) < 0 && errno != EINTR) fail("closing");
  if (temporary_.empty()) return;
  if (retry([&] { return std::rename(temporary_.c_str(), path_.c_str()); }) < 0) fail("renaming");
  temporary_.clear();
  // EINVAL: the file system does not support flushing folders
  if (retry([&] { return fsync(folder_); }) < 0 && errno != EINVAL) fail("flushing its folder");
}

void AtomicFile::fail(const char* doing) const {
  const int reason = errno;
  throw WriteError(path_ + ": " + std::strerror(reason) + ", while " + doing, reason);
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
