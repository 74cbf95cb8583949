#include "data/formats/stl10.h"

#include <algorithm>

#include "data/files.h"
#include "data/formats/class_names.h"
#include "engine/error.h"
#include "engine/files/file_kind.h"

namespace data {

namespace fs = std::filesystem;
using engine::require_data;

namespace {

class Stl10 : public Dataset {
  static constexpr int side = 96, class_count = 10;
  static constexpr std::size_t plane = side * side, image_bytes = 3 * plane;

 public:
  explicit Stl10(const fs::path& folder)
      : folder_(folder), classes_(class_names(folder / "class_names.txt", class_count, 1)) {}

  void add_labelled(const std::string& split) {
    const fs::path file = folder_ / (split + "_y.bin");
    const std::size_t images = add_images(split);
    require_data(fs::exists(file), printable(file), " is missing, expected the labels of ", split, "_X.bin");
    const std::vector<std::uint8_t> labels = read_bytes(file);
    require_data(labels.size() == images, printable(file), " has ", with_commas(labels.size()),
                 " labels, expected ", with_commas(images), ", as many as ", split, "_X.bin has images");
    for (std::size_t i = 0; i < images; ++i) {
      require_data(labels[i] >= 1 && labels[i] <= class_count, printable(file), " has label ", int(labels[i]),
                   " at byte ", with_commas(i), ", expected 1 to ", class_count);
      labels_.push_back(labels[i] - 1);
    }
  }

  void add_unlabelled() { labels_.resize(labels_.size() + add_images("unlabeled"), -1); }

  Kind kind() const override { return Kind::stl10; }
  std::size_t size() const override { return labels_.size(); }
  const std::vector<std::string>& classes() const override { return classes_; }
  int label(std::size_t i) const override { return labels_[inside(i)]; }
  std::int64_t pixel_bytes() const override { return std::int64_t(size() * image_bytes); }

  std::string name(std::size_t i) const override {
    const auto [file, record] = place(i);
    return file->name + " image " + std::to_string(record);
  }

  std::string file(std::size_t i) const override { return place(i).first->path; }

  void read(std::size_t i, Image& into) const override {
    const auto [file, record] = place(i);
    std::vector<std::uint8_t> stored(image_bytes);
    file->content->read_at(record * image_bytes, stored.data(), stored.size());
    into.height = into.width = side;
    into.format = "STL-10";
    into.orientation = 1;
    into.sixteen_bit = false;
    into.pixels.resize(image_bytes);
    for (std::size_t c = 0; c < 3; ++c)
      for (std::size_t x = 0; x < side; ++x)
        for (std::size_t y = 0; y < side; ++y)
          into.pixels[(y * side + x) * 3 + c] = stored[c * plane + x * side + y];
  }

 private:
  struct File {
    std::string name, path;
    std::unique_ptr<InputFile> content;
    std::size_t images;
  };

  std::size_t add_images(const std::string& split) {
    const fs::path path = folder_ / (split + "_X.bin");
    require_data(fs::exists(path), printable(path), " is missing, expected it for the ", split, " split");
    auto content = std::make_unique<InputFile>(path);
    const std::string kind = content->size() % image_bytes == 0 ? "" : engine::file_kind_of(path);
    require_data(kind.empty(), printable(path), " is ", kind, ", expected images of ",
                 with_commas(image_bytes), " bytes");
    require_data(content->size() > 0 && content->size() % image_bytes == 0, printable(path), " has ",
                 with_commas(content->size()), " bytes, expected a multiple of ", with_commas(image_bytes));
    const std::size_t images = content->size() / image_bytes;
    files_.push_back({printable(path.filename()), path.string(), std::move(content), images});
    return images;
  }

  std::pair<const File*, std::size_t> place(std::size_t i) const {
    std::size_t file = 0;
    while (i >= files_[file].images) i -= files_[file++].images;
    return {&files_[file], i};
  }

  fs::path folder_;
  std::vector<std::string> classes_;
  std::vector<File> files_;
  std::vector<int> labels_;
};

}  // namespace

bool is_stl10(const fs::path& folder) {
  return std::ranges::any_of(
      std::initializer_list<const char*>{"train_X.bin", "test_X.bin", "unlabeled_X.bin"},
      [&](const char* name) { return fs::exists(folder / name); });
}

std::unique_ptr<Dataset> open_stl10(const fs::path& folder, Split split) {
  auto dataset = std::make_unique<Stl10>(folder);
  const bool unlabelled = split == Split::pretrain && fs::exists(folder / "unlabeled_X.bin");
  if (split == Split::train || (split == Split::pretrain && !unlabelled) ||
      (unlabelled && fs::exists(folder / "train_X.bin")))
    dataset->add_labelled("train");
  if (unlabelled) dataset->add_unlabelled();
  if (split == Split::test) dataset->add_labelled("test");
  return dataset;
}

}  // namespace data
