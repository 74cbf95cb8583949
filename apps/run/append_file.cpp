#include "apps/run/append_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "engine/error.h"
#include "engine/files/text_file.h"

namespace apps {

AppendFile::AppendFile(const std::string& path) : path_(path) {
  std::string error;
  const int file = engine::open_own_file(path, O_WRONLY | O_APPEND | O_CREAT, error);
  if (file < 0) throw engine::UsageError(path + ": can't be written: " + error);
  file_ = fdopen(file, "a");
  if (file_ != nullptr) return;
  error = std::strerror(errno);
  close(file);
  throw engine::UsageError(path + ": can't be written: " + error);
}

void AppendFile::write(const std::string& record) {
  if (std::fwrite(record.data(), 1, record.size(), file_) != record.size() || std::fflush(file_) != 0) fail();
}

void AppendFile::sync() {
  if (fsync(fileno(file_)) != 0) fail();
}

bool AppendFile::lock() { return flock(fileno(file_), LOCK_EX | LOCK_NB) == 0; }

void AppendFile::fail() const {
  throw std::runtime_error(path_ + ": can't be written: " + std::strerror(errno));
}

}  // namespace apps
