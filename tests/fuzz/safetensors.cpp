// Fuzzes a safetensors file: its header, and then every tensor.
#include "engine/files/safetensors.h"

#include "tests/fuzz/safetensors_mutator.h"
#include "tests/support/scratch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const Scratch scratch;
  const std::string path = scratch.write("a.safetensors", {reinterpret_cast<const char*>(bytes), size});
  fuzz::refusal(path, [&] {
    const engine::SafetensorsReader reader(path);
    for (const engine::TensorEntry& entry : reader.entries()) {
      fuzz::expect(reader.find(entry.name) == &entry, "one entry of a name", entry.name);
      fuzz::expect(
          std::uint64_t(entry.shape.numel()) * engine::size_of(entry.dtype) == entry.end - entry.begin,
          "as many bytes as the shape says", entry.name);
    }
    fuzz::expect(engine::read_safetensors(path).tensors.size() == reader.entries().size(), "every tensor");
  });
  return 0;
}
