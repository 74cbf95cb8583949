#include "data/formats/image_folder.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "data/decode/decode.h"
#include "data/files.h"
#include "engine/error.h"

namespace data {

namespace fs = std::filesystem;
using engine::require_data;

namespace {

// Formats that torchvision's ImageFolder reads and dyad does not. Such files are counted and reported.
const std::vector<std::string> other_endings = {".tif", ".tiff", ".webp", ".gif"};

constexpr std::uint64_t max_file_bytes = 1 << 28;  // limit of one image

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::ranges::find(list, item) != list.end();
}

std::string ending_of(const fs::path& file) {
  std::string ending = file.extension().string();
  for (char& c : ending) c = char(std::tolower(static_cast<unsigned char>(c)));
  return ending;
}

std::vector<std::string> class_folders(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::string name = entry.path().filename().string();
    if (entry.is_directory() && !name.starts_with('.')) names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  require_data(!names.empty(), printable(folder), " has no folders, expected one a class");
  return names;
}

std::string expected_endings() {
  std::string text;
  const std::vector<std::string>& endings = image_endings();
  for (std::size_t i = 0; i < endings.size(); ++i)
    text += (i == 0 ? "" : i + 1 == endings.size() ? " or " : ", ") + endings[i];
  return text + " files";
}

class ImageFolder : public Dataset {
 public:
  explicit ImageFolder(const fs::path& folder) : folder_(folder) {}

  void add(const fs::path& split) {
    for (const std::string& name : class_folders(split)) {
      const auto found = std::ranges::find(classes_, name);
      require_data(found != classes_.end(), printable(split), " has a class ", printable(name),
                   ", expected those of train/ only");
      const std::size_t before = files_.size();
      add_files(split / name);
      require_data(files_.size() > before, printable(split / name), " has no images, expected ",
                   expected_endings());
      labels_.resize(files_.size(), int(found - classes_.begin()));
    }
  }
  void set_classes(std::vector<std::string> names) { classes_ = std::move(names); }

  Kind kind() const override { return Kind::image_folder; }
  std::size_t size() const override { return files_.size(); }
  const std::vector<std::string>& classes() const override { return classes_; }
  int label(std::size_t i) const override { return labels_.at(i); }
  std::string name(std::size_t i) const override { return printable(files_.at(i)); }
  std::string remark() const override {
    std::string text;
    for (const auto& [ending, count] : passed_over_)
      text += (text.empty() ? "passed over: " : ", ") + with_commas(count) + " " + ending;
    return text;
  }
  void read(std::size_t i, Image& into) const override {
    const InputFile file(files_.at(i));
    require_data(file.size() <= max_file_bytes, name(i), ": has ", with_commas(file.size()),
                 " bytes, expected at most ", with_commas(max_file_bytes));
    std::vector<std::uint8_t> bytes(file.size());
    file.read_at(0, bytes.data(), bytes.size());
    decode_file(bytes, name(i), into);
  }

 private:
  // Below the class folder, links to folders are not followed: they could form a cycle.
  void add_files(const fs::path& folder) {
    const auto first = std::ptrdiff_t(files_.size());
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_directory()) continue;
      const std::string ending = ending_of(entry.path());
      if (contains(image_endings(), ending))
        files_.push_back(entry.path().string());
      else if (contains(other_endings, ending))
        ++passed_over_[ending];
    }
    std::sort(files_.begin() + first, files_.end());
  }

  fs::path folder_;
  std::vector<std::string> classes_, files_;
  std::vector<int> labels_;
  std::map<std::string, std::size_t> passed_over_;  // number of files by extension
};

}  // namespace

std::unique_ptr<Dataset> open_image_folder(const fs::path& folder, Split split) {
  auto dataset = std::make_unique<ImageFolder>(folder);
  const bool divided = fs::is_directory(folder / "train");
  const fs::path train = divided ? folder / "train" : folder;
  const fs::path test = folder / (fs::is_directory(folder / "val") ? "val" : "test");
  if (split != Split::train && (divided || split == Split::test))
    require_data(divided && fs::is_directory(test), printable(folder), " has no test split, expected ",
                 divided ? "val/CLASS/FILE beside train/" : "train/CLASS/FILE and val/CLASS/FILE");
  dataset->set_classes(class_folders(train));
  if (split != Split::test) dataset->add(train);
  if (split != Split::train && divided) dataset->add(test);
  return dataset;
}

}  // namespace data
