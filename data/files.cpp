#include "data/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "engine/error.h"

namespace data {

using engine::require_data;

namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

}  // namespace

std::vector<std::uint8_t> read_bytes(const std::filesystem::path& path) {
  // O_NONBLOCK: a pipe in the place of a file is refused below, not waited for
  const Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  require_data(file.fd >= 0, printable(path), ": ", std::strerror(errno), ", expected a readable file");
  struct stat status = {};
  require_data(fstat(file.fd, &status) == 0, printable(path), ": ", std::strerror(errno));
  require_data(S_ISREG(status.st_mode), printable(path), ": not a regular file");
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(status.st_size));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = read(file.fd, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    require_data(n >= 0, printable(path), ": ", std::strerror(errno), " at byte ", with_commas(done));
    require_data(n > 0, printable(path), ": ended at byte ", with_commas(done), ", expected ",
                 with_commas(bytes.size()));
    done += static_cast<std::size_t>(n);
  }
  return bytes;
}

std::string printable(const std::filesystem::path& path) {
  static const char* const digits = "0123456789abcdef";
  std::string text;
  for (const char c : path.native()) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f)
      text += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    else
      text += c;
  }
  return text;
}

std::string with_commas(std::uint64_t value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

}  // namespace data
