#include "apps/run/append_file.h"

#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "engine/error.h"

namespace apps {

AppendFile::AppendFile(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "ae")) {
  if (file_ == nullptr) throw engine::UsageError(path + ": can't be written: " + std::strerror(errno));
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
