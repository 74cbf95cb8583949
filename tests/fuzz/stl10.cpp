// Fuzzes an STL-10 folder. Input: flags, class names, labels, and images, which are used for the split and as
// unlabelled images. Images are read on access, so a file may have been truncated meanwhile.
#include "data/formats/stl10.h"

#include "tests/fuzz/dataset.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const Scratch scratch;
  fuzz::Pieces pieces(bytes, size);
  const unsigned flags = pieces.byte();
  const bool named = flags & 1, whole = flags & 2, unlabelled = flags & 4, shorter = flags & 8;
  const auto split = data::Split((flags >> 4) % 3);
  const std::string names = pieces.text(), labels = pieces.text(), images = pieces.records(whole, 27'648);
  std::filesystem::remove_all(scratch.folder);
  if (named) scratch.write("class_names.txt", names);
  const std::string of = split == data::Split::test ? "test" : "train";
  scratch.write(of + "_y.bin", labels);
  scratch.write(of + "_X.bin", images);
  if (unlabelled) scratch.write("unlabeled_X.bin", images);
  const std::string message = fuzz::refusal(scratch.folder.string(), [&] {
    const auto dataset = data::open_stl10(scratch.folder, split);
    if (shorter) std::filesystem::resize_file(scratch.folder / (of + "_X.bin"), images.size() - 1);
    fuzz::read_all(*dataset, split != data::Split::pretrain);
    fuzz::expect(!shorter, "an error where a file has become shorter");
  });
  return 0;
}
