#include "data/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <sstream>

#include "engine/error.h"
#include "engine/escape.h"

namespace data {

using engine::require_data;

InputFile::InputFile(const std::filesystem::path& path)
    // O_NONBLOCK: opening a pipe does not block; the check below refuses it
    : name_(printable(path)), fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  require_data(fd_ >= 0, name_, ": ", std::strerror(errno), ", expected a readable file");
  struct stat status = {};
  const int failed = fstat(fd_, &status) != 0 ? errno : 0;
  if (failed == 0 && S_ISREG(status.st_mode)) {
    size_ = std::uint64_t(status.st_size);
    return;
  }
  close(fd_);
  require_data(false, name_, ": ", failed != 0 ? std::strerror(failed) : "not a regular file");
}

InputFile::~InputFile() { close(fd_); }

void InputFile::read_at(std::uint64_t offset, void* to, std::size_t bytes) const {
  std::size_t done = 0;
  while (done < bytes) {
    const ssize_t n = pread(fd_, static_cast<char*>(to) + done, bytes - done, off_t(offset + done));
    if (n < 0 && errno == EINTR) continue;
    require_data(n >= 0, name_, ": ", std::strerror(errno), " at byte ", with_commas(offset + done));
    require_data(n > 0, name_, ": ended at byte ", with_commas(offset + done), ", expected ",
                 with_commas(offset + bytes));
    done += static_cast<std::size_t>(n);
  }
}

std::vector<std::uint8_t> read_bytes(const std::filesystem::path& path) {
  const InputFile file(path);
  std::vector<std::uint8_t> bytes(file.size());
  file.read_at(0, bytes.data(), bytes.size());
  return bytes;
}

std::string printable(const std::filesystem::path& path) { return engine::escaped(path.native()); }

std::string name_below(const std::string& path, const std::string& folder) {
  const std::string above = folder + (folder.ends_with('/') ? "" : "/");
  return path.starts_with(above) ? path.substr(above.size()) : path;
}

std::string lower_case(std::string text) {
  for (char& c : text) c = char(std::tolower(static_cast<unsigned char>(c)));
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

std::string counted(double count, const std::string& noun) {
  std::ostringstream text;
  if (count == std::floor(count))
    text << with_commas(std::uint64_t(count));
  else
    text << count;
  text << ' ' << noun;
  if (count != 1) text << (noun.ends_with('s') ? "es" : "s");
  return text.str();
}

}  // namespace data
