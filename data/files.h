// Reads files as bytes; formats names and numbers for messages.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace data {

// A regular file, open for reading; thread-safe. DataError with the file's name and the reason if it cannot
// be read.
class InputFile {
 public:
  explicit InputFile(const std::filesystem::path&);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  std::uint64_t size() const { return size_; }
  void read_at(std::uint64_t offset, void* to, std::size_t bytes) const;

 private:
  std::string name_;
  int fd_;
  std::uint64_t size_ = 0;
};

// The whole of a regular file.
std::vector<std::uint8_t> read_bytes(const std::filesystem::path&);

// A name as text: engine::escaped, from which engine::restored makes the path again.
std::string printable(const std::filesystem::path&);

// A path relative to a folder that it lies in; other paths stay as they are.
std::string name_below(const std::string& path, const std::string& folder);

std::string lower_case(std::string text);  // of ASCII letters

// 30729999 -> "30,729,999".
std::string with_commas(std::uint64_t);

// "1 image", "1,234 images", "2 classes", "0.3 epochs".
std::string counted(double count, const std::string& noun);

}  // namespace data
