// A file without a name, for what a child process writes.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <string>

namespace apps {

// A file for one text; it goes when this goes.
class TemporaryFile {
 public:
  TemporaryFile() : file_(std::tmpfile()) {
    if (file_ == nullptr) throw std::runtime_error("no temporary file can be made");
  }
  ~TemporaryFile() { std::fclose(file_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  int descriptor() const { return fileno(file_); }
  void write(const std::string& line) const { dprintf(descriptor(), "%s\n", line.c_str()); }
  std::string text() const {
    std::string all;
    char piece[4096];
    lseek(descriptor(), 0, SEEK_SET);
    for (ssize_t n; (n = ::read(descriptor(), piece, sizeof piece)) > 0;) all.append(piece, std::size_t(n));
    return all;
  }

 private:
  std::FILE* file_;
};

}  // namespace apps
