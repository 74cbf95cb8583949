// Fuzzes a file of features, a safetensors or, after a first byte that is odd, a NumPy file with two names.
#include "apps/embedding/embedding_file.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/scratch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const Scratch scratch;
  static const std::string names = scratch.write("a.names.txt", "1.png\n2.png\n");
  if (size == 0) return 0;
  const std::string path = scratch.write(bytes[0] % 2 == 0 ? "a.safetensors" : "a.npy",
                                         {reinterpret_cast<const char*>(bytes) + 1, size - 1});
  fuzz::refusal(path.ends_with(".npy") ? scratch.path("a.n") : path, [&] {
    const apps::EmbeddingFile file(path);
    fuzz::expect(file.rows() >= 1 && file.width() >= 1, "a value");
    std::vector<float> row(std::size_t(file.width()));
    for (std::int64_t i = 0; i < file.rows(); ++i) {
      file.read(i, 1, row.data());
      fuzz::expect(file.name(i).find('\n') == std::string_view::npos, "a name of one line");
      file.class_name(i);
    }
  });
  return 0;
}
