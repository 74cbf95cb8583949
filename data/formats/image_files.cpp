#include "data/formats/image_files.h"

#include "data/files.h"
#include "engine/error.h"

namespace data {

namespace {
constexpr std::uint64_t max_file_bytes = 1 << 28;  // limit of one image
}

ImageFiles::ImageFiles(Content content) : c_(std::move(content)) {
  for (std::string& name : c_.classes) name = printable(name);
}

std::string ImageFiles::name(std::size_t i) const { return printable(c_.files.at(i)); }

std::string ImageFiles::entry(std::size_t i) const {
  return printable(name_below(c_.files.at(i), c_.folder));
}

std::string ImageFiles::remark() const {
  const std::string passed = c_.passed_over.text();
  return c_.note + (c_.note.empty() || passed.empty() ? "" : "; ") + passed;
}

std::vector<std::uint8_t> ImageFiles::file_bytes(std::size_t i) const {
  const InputFile file(c_.files.at(i));
  engine::require_data(file.size() <= max_file_bytes, name(i), ": has ", with_commas(file.size()),
                       " bytes, expected at most ", with_commas(max_file_bytes));
  std::vector<std::uint8_t> bytes(file.size());
  file.read_at(0, bytes.data(), bytes.size());
  return bytes;
}

void ImageFiles::read_part(std::size_t i, const ChoosePart& needed, Image& into) const {
  const std::vector<std::uint8_t> bytes = file_bytes(i);
  decode_file(bytes.data(), bytes.size(), name(i), into, needed);
}

}  // namespace data
