// Fuzzes a text file that lists images, in a folder that has two of them.
#include "data/formats/image_list.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/scratch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const Scratch scratch;
  static const bool images = [] {
    std::filesystem::create_directories(scratch.folder / "deep");
    scratch.write("1.png", "an image");
    scratch.write("deep/2.png", "an image");
    return true;
  }();
  const std::string path = scratch.write("list.txt", {reinterpret_cast<const char*>(bytes), size});
  fuzz::refusal(path, [&] {
    const auto images_of = data::open_image_list(path);
    fuzz::expect(images && images_of->size() >= 1, "an image");
    for (std::size_t i = 0; i < images_of->size(); ++i)
      fuzz::expect(images_of->label(i) == -1, "an image without a class");
  });
  return 0;
}
