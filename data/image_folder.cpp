#include "data/image_folder.h"

#include <algorithm>
#include <cctype>

#include "data/decode.h"
#include "data/files.h"
#include "engine/error.h"

namespace data {

namespace fs = std::filesystem;
using engine::require_data;

namespace {

bool has_image_ending(const fs::path& file) {
  std::string ending = file.extension().string();
  for (char& c : ending) c = char(std::tolower(static_cast<unsigned char>(c)));
  return ending == ".jpg" || ending == ".jpeg" || ending == ".png";
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

// Links to folders are not followed below the class's own folder: they could lead round in a circle.
std::vector<std::string> image_files(const fs::path& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (!entry.is_directory() && has_image_ending(entry.path())) files.push_back(entry.path().string());
  std::ranges::sort(files);
  require_data(!files.empty(), printable(folder), " has no images, expected .jpg, .jpeg or .png files");
  return files;
}

class ImageFolder : public Dataset {
 public:
  explicit ImageFolder(const fs::path& folder) : folder_(folder) {}

  void add(const fs::path& split) {
    for (const std::string& name : class_folders(split)) {
      const auto found = std::ranges::find(classes_, name);
      require_data(found != classes_.end(), printable(split), " has a class ", printable(name),
                   ", expected those of train/ only");
      for (std::string& file : image_files(split / name)) {
        files_.push_back(std::move(file));
        labels_.push_back(int(found - classes_.begin()));
      }
    }
  }
  void set_classes(std::vector<std::string> names) { classes_ = std::move(names); }

  Kind kind() const override { return Kind::image_folder; }
  std::size_t size() const override { return files_.size(); }
  const std::vector<std::string>& classes() const override { return classes_; }
  int label(std::size_t i) const override { return labels_.at(i); }
  std::string name(std::size_t i) const override { return printable(files_.at(i)); }
  void read(std::size_t i, Image& into) const override {
    const std::vector<std::uint8_t> bytes = read_bytes(files_.at(i));
    decode_image(bytes.data(), bytes.size(), name(i), into);
  }

 private:
  fs::path folder_;
  std::vector<std::string> classes_, files_;
  std::vector<int> labels_;
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
