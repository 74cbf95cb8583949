// Fuzzes a file of labels. Input: a flag, and the text. The images and classes are fixed.
#include "data/formats/label_file.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/scratch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const Scratch scratch;
  const std::string input(reinterpret_cast<const char*>(bytes), size);
  const std::string path = scratch.write("labels", input.empty() ? "" : input.substr(1));
  const bool classes = !input.empty() && (input[0] & 1);
  const std::vector<std::string> files = {"d/val/1.JPEG", "d/val/2.JPEG", "d/val/deep/3.JPEG"};
  const std::vector<std::string> known = {"n01", "n02", "n03"};
  fuzz::refusal(scratch.folder.string(), [&] {
    const data::LabelFile labels(path);
    labels.names(files[0]);
    const data::FileLabels found = labels.label(files, "d/val", classes ? known : std::vector<std::string>());
    fuzz::expect(found.labels.size() == files.size(), "a label of each file");
    bool any = false;
    for (const int label : found.labels) {
      fuzz::expect(label >= -1 && label < int(found.classes.size()), "a label of a class, or none");
      any = any || label >= 0;
    }
    fuzz::expect(any, "an image with a label");
  });
  return 0;
}
