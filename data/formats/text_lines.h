// The lines of a text file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace data {

struct TextLine {
  int number;  // from 1
  std::string text;
};

// Without line ends and empty lines. DataError if the file holds bytes that no text has: it says that the
// file is no text, and what was expected.
std::vector<TextLine> text_lines(const std::filesystem::path&, const std::string& expected);

}  // namespace data
