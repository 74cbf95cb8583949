#include "data/formats/text_lines.h"

#include <algorithm>

#include "data/files.h"
#include "engine/error.h"

namespace data {

std::vector<TextLine> text_lines(const std::filesystem::path& path, const std::string& expected) {
  constexpr std::uint64_t most_bytes = 1 << 30;
  const InputFile file(path);
  std::string bytes(std::min<std::uint64_t>(file.size(), 4096), '\0');
  file.read_at(0, bytes.data(), bytes.size());
  engine::require_data(!bytes.starts_with("\xff\xfe") && !bytes.starts_with("\xfe\xff"), printable(path),
                       " is text in UTF-16, expected UTF-8: ", expected);
  engine::require_data(file.size() <= most_bytes && bytes.find('\0') == std::string::npos, printable(path),
                       " is not a text file, expected ", expected);
  bytes.resize(file.size());
  file.read_at(0, bytes.data(), bytes.size());
  engine::require_data(bytes.find('\0') == std::string::npos, printable(path),
                       " is not a text file, expected ", expected);
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.erase(0, 3);  // the byte order mark of Windows' programs

  std::vector<TextLine> lines;
  int number = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', at), bytes.size());
    std::string text = bytes.substr(at, end - at);
    while (text.ends_with('\r') || text.ends_with(' ') || text.ends_with('\t')) text.pop_back();
    ++number;
    if (!text.empty()) lines.push_back({number, std::move(text)});
    at = end + 1;
  }
  return lines;
}

}  // namespace data
