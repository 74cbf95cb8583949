#include "data/formats/cifar.h"

#include <algorithm>

#include "data/files.h"
#include "data/formats/class_names.h"
#include "engine/error.h"
#include "engine/files/file_kind.h"

namespace data {

namespace fs = std::filesystem;
using engine::require_data;

namespace {

struct Format {
  Dataset::Kind kind;
  std::size_t label_bytes;  // the last of these bytes is the label
  int classes;
  const char* names_file;
};
constexpr Format cifar10{Dataset::Kind::cifar10, 1, 10, "batches.meta.txt"};
constexpr Format cifar100{Dataset::Kind::cifar100, 2, 100, "fine_label_names.txt"};

class Cifar : public Dataset {
  static constexpr int side = 32;
  static constexpr std::size_t plane = side * side, image_bytes = 3 * plane;

 public:
  Cifar(const Format& format, const fs::path& folder, const std::vector<fs::path>& files)
      : format_(format), classes_(class_names(folder / format.names_file, format.classes, 0)) {
    for (const fs::path& file : files) read_records(file);
  }

  Kind kind() const override { return format_.kind; }
  std::size_t size() const override { return labels_.size(); }
  const std::vector<std::string>& classes() const override { return classes_; }
  int label(std::size_t i) const override { return labels_[inside(i)]; }
  std::int64_t pixel_bytes() const override { return std::int64_t(pixels_.size()); }

  std::string name(std::size_t i) const override {
    std::size_t file = 0;
    while (i >= files_[file].records) i -= files_[file++].records;
    return files_[file].name + " record " + std::to_string(i);
  }

  std::string file(std::size_t i) const override {
    std::size_t file = 0;
    while (i >= files_[file].records) i -= files_[file++].records;
    return files_[file].path;
  }

  void read(std::size_t i, Image& into) const override {
    const auto first = pixels_.begin() + static_cast<std::ptrdiff_t>(i * image_bytes);
    into.height = into.width = side;
    into.format = "CIFAR";
    into.orientation = 1;
    into.sixteen_bit = false;
    into.pixels.assign(first, first + image_bytes);
  }

 private:
  struct File {
    std::string name, path;
    std::size_t records;
  };

  // Whether size and first label are right: then the first bytes are no other format's, but a label and
  // pixels.
  bool valid(const std::vector<std::uint8_t>& bytes) const {
    return !bytes.empty() && bytes.size() % (format_.label_bytes + image_bytes) == 0 &&
           bytes[format_.label_bytes - 1] < format_.classes;
  }

  void read_records(const fs::path& file) {
    const std::vector<std::uint8_t> bytes = read_bytes(file);
    const std::size_t record = format_.label_bytes + image_bytes;
    const std::string kind = valid(bytes) ? "" : engine::file_kind(bytes.data(), bytes.size());
    require_data(kind.empty(), printable(file), " is ", kind, ", expected records of ", with_commas(record),
                 " bytes");
    require_data(!bytes.empty() && bytes.size() % record == 0, printable(file), " has ",
                 with_commas(bytes.size()), " bytes, expected a multiple of ", with_commas(record));
    const std::size_t records = bytes.size() / record, first = labels_.size();
    files_.push_back({printable(file.filename()), file.string(), records});
    labels_.resize(first + records);
    pixels_.resize((first + records) * image_bytes);
    for (std::size_t r = 0; r < records; ++r) {
      const std::uint8_t* from = &bytes[r * record + format_.label_bytes];
      const int label = from[-1];
      require_data(label < format_.classes, printable(file), " has label ", label, " at record ",
                   with_commas(r), " (byte ", with_commas(r * record + format_.label_bytes - 1),
                   "), expected less than ", format_.classes);
      labels_[first + r] = from[-1];
      std::uint8_t* to = &pixels_[(first + r) * image_bytes];
      for (std::size_t p = 0; p < plane; ++p)
        for (std::size_t c = 0; c < 3; ++c) to[3 * p + c] = from[c * plane + p];
    }
  }

  Format format_;
  std::vector<std::string> classes_;
  std::vector<File> files_;
  std::vector<std::uint8_t> labels_, pixels_;
};

// data_batch_1.bin, data_batch_2.bin, ... without a gap.
std::vector<fs::path> train_batches(const fs::path& folder) {
  std::vector<fs::path> files;
  for (int i = 1;; ++i) {
    const fs::path file = folder / ("data_batch_" + std::to_string(i) + ".bin");
    if (!fs::exists(file)) break;
    files.push_back(file);
  }
  std::size_t present = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    present += name.starts_with("data_batch_") && name.ends_with(".bin");
  }
  require_data(present == files.size() && present > 0, printable(folder), " has ", present,
               " files data_batch_*.bin but no data_batch_", files.size() + 1,
               ".bin, expected data_batch_1.bin ",
               present > 1 ? "to data_batch_" + std::to_string(present) + ".bin" : "and so on");
  return files;
}

void require_file(const fs::path& file, const char* split) {
  require_data(fs::exists(file), printable(file), " is missing, expected it for the ", split, " split");
}

}  // namespace

bool is_cifar10(const fs::path& folder) {
  if (fs::exists(folder / "test_batch.bin")) return true;
  return std::ranges::any_of(fs::directory_iterator(folder), [](const fs::directory_entry& entry) {
    const std::string name = entry.path().filename().string();
    return name.starts_with("data_batch_") && name.ends_with(".bin");
  });
}

bool is_cifar100(const fs::path& folder) {
  return fs::is_regular_file(folder / "train.bin") || fs::is_regular_file(folder / "test.bin");
}

std::unique_ptr<Dataset> open_cifar10(const fs::path& folder, Split split) {
  std::vector<fs::path> files;
  if (split == Split::train) {
    files = train_batches(folder);
  } else {
    require_file(folder / "test_batch.bin", "test");
    files.push_back(folder / "test_batch.bin");
  }
  return std::make_unique<Cifar>(cifar10, folder, files);
}

std::unique_ptr<Dataset> open_cifar100(const fs::path& folder, Split split) {
  const std::string name = split == Split::train ? "train" : "test";
  const fs::path file = folder / (name + ".bin");
  require_file(file, name.c_str());
  return std::make_unique<Cifar>(cifar100, folder, std::vector{file});
}

}  // namespace data
