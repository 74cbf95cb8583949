// What is written to stderr while it lives, by any means.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <string>

class CapturedStderr {
 public:
  CapturedStderr() : file_(std::tmpfile()), before_(dup(STDERR_FILENO)) {
    flush();
    dup2(fileno(file_), STDERR_FILENO);
  }
  ~CapturedStderr() { restore(); }
  CapturedStderr(const CapturedStderr&) = delete;
  CapturedStderr& operator=(const CapturedStderr&) = delete;

  // Ends the capture.
  std::string text() {
    restore();
    std::string all;
    std::rewind(file_);
    for (int c = 0; (c = std::fgetc(file_)) != EOF;) all += char(c);
    std::fclose(file_);
    return all;
  }

 private:
  static void flush() {
    std::cerr.flush();
    std::fflush(stderr);
  }
  void restore() {
    if (before_ < 0) return;
    flush();
    dup2(before_, STDERR_FILENO);
    close(before_);
    before_ = -1;
  }
  std::FILE* file_;
  int before_;
};
