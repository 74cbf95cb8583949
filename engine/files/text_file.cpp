#include "engine/files/text_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace engine {
namespace {

constexpr const char* kNotRegular = "is not a regular file";

std::string reason() { return std::strerror(errno); }

}  // namespace

FileText read_text(const std::string& path, std::size_t most) {
  // O_NONBLOCK: opening a pipe does not wait for its other end; fstat refuses it
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) return {.bytes = "", .error = reason()};
  FileText text;
  struct stat status = {};
  if (fstat(file, &status) != 0)
    text.error = reason();
  else if (S_ISDIR(status.st_mode))
    text.error = std::strerror(EISDIR);
  else if (!S_ISREG(status.st_mode))
    text.error = kNotRegular;
  else if (std::size_t(status.st_size) > most)
    text.error = "has " + std::to_string(status.st_size) + " bytes, expected at most " + std::to_string(most);
  if (text.read()) text.bytes.resize(std::size_t(status.st_size));
  std::size_t done = 0;
  while (text.read() && done < text.bytes.size()) {
    const ssize_t n = ::read(file, text.bytes.data() + done, text.bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) text.error = reason();
    if (n == 0) text.bytes.resize(done);  // cut short meanwhile
    if (n > 0) done += std::size_t(n);
  }
  close(file);
  if (!text.read()) text.bytes.clear();
  return text;
}

int open_own_file(const std::string& path, int flags, std::string& error) {
  const int file = open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0666);
  struct stat status = {};
  if (file >= 0 && fstat(file, &status) == 0 && S_ISREG(status.st_mode)) return file;
  error = file >= 0        ? kNotRegular
          : errno == ELOOP ? "is a link, expected a regular file"
          : errno == ENXIO ? kNotRegular  // a pipe that nobody reads
                           : reason();
  if (file >= 0) close(file);
  return -1;
}

}  // namespace engine
