// Fuzzes sweep.json, the file of a sweep's folder.
#include "apps/sweep/sweep_file.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/scratch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const Scratch scratch;
  const std::string path = scratch.write("sweep.json", {reinterpret_cast<const char*>(bytes), size});
  fuzz::refusal(path, [&] {
    const apps::SweepFile file = apps::read_sweep_file(scratch.folder.string());
    fuzz::expect(file.cells.size() == file.json.at("cells").size(), "a name of each cell");
  });
  return 0;
}
