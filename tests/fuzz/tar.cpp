// Fuzzes a tar archive of images. The checksums of its headers are corrected, or few inputs would be read
// further.
#include "data/formats/tar.h"

#include <cstdio>

#include "data/formats/tar_images.h"
#include "tests/fuzz/dataset.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const Scratch scratch;
  std::string archive(reinterpret_cast<const char*>(bytes), size);
  for (std::size_t at = 0; at + 512 <= size; at += 512) {
    unsigned long sum = 0;
    for (std::size_t i = 0; i < 512; ++i)
      sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(archive[at + i]);
    if (archive[at + 155] != ' ') continue;  // a header that tar or tests/support/tar.h made
    char digits[8];
    std::snprintf(digits, sizeof digits, "%06lo", sum);
    archive.replace(at + 148, 7, digits, 7);
  }
  const std::string path = scratch.write("a.tar", archive);
  const std::string message = fuzz::refusal(path, [&] {
    for (const data::TarEntry& e : data::tar_entries(archive, path))
      fuzz::expect(e.begin <= archive.size() && e.bytes <= archive.size() - e.begin,
                   "content inside the archive");
    const auto set = data::open_tars(path, data::Split::train);
    for (std::size_t i = 0; i < set->size(); ++i)
      fuzz::expect((set->name(i) + set->entry(i)).find('\n') == std::string::npos, "names of one line");
    fuzz::read_all(*set, false);
  });
  fuzz::note_outcome(message);
  return 0;
}
