// A file of tests/golden/ that is read from its beginning to its end.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <fstream>
#include <string>

class GoldenFile {
 public:
  GoldenFile(const std::string& path, const std::string& magic) : path_(path), file_(path, std::ios::binary) {
    std::string begins(magic.size(), ' ');
    read(begins.data(), begins.size());
    REQUIRE(begins == magic);
  }
  void read(void* to, std::size_t bytes) {
    file_.read(static_cast<char*>(to), std::streamsize(bytes));
    REQUIRE_MESSAGE(file_, path_, " cannot be read to its end");
  }
  template <class T>
  T number() {
    T value;
    read(&value, sizeof value);
    return value;
  }

 private:
  std::string path_;
  std::ifstream file_;
};
