#include <sys/stat.h>
#include <sys/un.h>

#include <filesystem>

#include "tests/bad_inputs/bad_input.h"

namespace fs = std::filesystem;

namespace {

BadInput preview(const std::string& name, const std::string& says, std::function<void(const Scratch&)> make) {
  return {name, {"data", "preview", "--data", "DIR", "--out", "DIR/preview.png"}, 65, says, std::move(make)};
}

}  // namespace

std::vector<BadInput> bad_images() {
  std::vector<BadInput> list;
  for (const auto& images : {bad_jpegs(), bad_pngs(), bad_bitmaps(), bad_optional_images()})
    for (const BadImage& image : images)
      list.push_back(
          preview(image.name, "DIR/a/1.jpg: " + image.says,
                  [bytes = image.bytes](const Scratch& scratch) { scratch.write("a/1.jpg", bytes); }));

  const std::string endings =
      ", expected .jpg, .jpeg, .png, .webp, .tif, .tiff, .gif, .bmp, .ppm, .pgm, .pnm or .tga files";
  list.push_back(preview("folder: nothing in it", "DIR has no images" + endings, [](const Scratch&) {}));
  list.push_back(preview("folder: classes without images",
                         "DIR has no images" + endings + "; passed over: 1 of other kinds",
                         [](const Scratch& s) { s.write("a/notes.txt", "x"); }));
  list.push_back(preview("folder: images of other formats only",
                         "DIR has no images" + endings + "; passed over: 1 .heic",
                         [](const Scratch& s) { s.write("a/1.heic", "x"); }));
  list.push_back(preview("folder: train/ without classes", "DIR/train has no images" + endings,
                         [](const Scratch& s) { fs::create_directories(s.path("train")); }));
  list.push_back(
      preview("folder: two training splits", "DIR has Train/ and train/, several names of the training split",
              [](const Scratch& s) { s.write("train/a/1.png", "x"), s.write("Train/a/1.png", "x"); }));
  list.push_back(preview("folder: a test split only", "DIR has test/ but no train/: add it",
                         [](const Scratch& s) { s.write("test/a/1.png", "x"); }));
  list.push_back(
      preview("folder: splits one folder too deep",
              "DIR/set has train/ and val/, expected splits directly below --data",
              [](const Scratch& s) { s.write("set/train/a/1.png", "x"), s.write("set/val/a/1.png", "x"); }));
  list.push_back(preview("file: a link to nowhere",
                         "DIR/a/1.jpg: No such file or directory, expected a readable file",
                         [](const Scratch& s) {
                           fs::create_directories(s.path("a"));
                           fs::create_symlink("nowhere", s.path("a/1.jpg"));
                         }));
  list.push_back(preview("file: a link to itself", "DIR/a/1.jpg: Too many levels of symbolic links",
                         [](const Scratch& s) {
                           fs::create_directories(s.path("a"));
                           fs::create_symlink("1.jpg", s.path("a/1.jpg"));
                         }));
  list.push_back(preview("file: a pipe", "DIR/a/1.jpg: not a regular file", [](const Scratch& s) {
    fs::create_directories(s.path("a"));
    mkfifo(s.path("a/1.jpg").c_str(), 0600);
  }));
  list.push_back(preview("file: a device", "DIR/a/1.jpg: not a regular file", [](const Scratch& s) {
    fs::create_directories(s.path("a"));
    fs::create_symlink("/dev/zero", s.path("a/1.jpg"));
  }));
  list.push_back(preview("file: a name of two lines", "DIR/a/1\\x0a2.jpg: not an image, expected a JPEG",
                         [](const Scratch& s) { s.write("a/1\n2.jpg", "x"); }));
  list.push_back(preview("file: 10 GB of nothing",
                         "DIR/a/1.jpg: has 10,737,418,240 bytes, expected at most 268,435,456",
                         [](const Scratch& s) {
                           s.write("a/1.jpg", "");
                           fs::resize_file(s.path("a/1.jpg"), std::uintmax_t(10) << 30);  // a hole
                         }));
  return list;
}
