// Fuzzes the file of `dyad data views`: the tensors, every number of a view, and the kernel that makes the
// views. Its images are small; the file decides where it reads.
#include "data/formats/view_file.h"
#include "kernels/kernels.h"
#include "tests/fuzz/safetensors_mutator.h"
#include "tests/support/scratch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const Scratch scratch;
  constexpr int pixels = 5;
  const std::string path = scratch.write("views.safetensors", {reinterpret_cast<const char*>(bytes), size});
  fuzz::refusal(path, [&] {
    const data::ViewFile file = data::read_view_file(path, pixels);
    const std::int64_t count = file.views.dim(0);
    if (count > 8) return;  // the kernel is slow with the sanitizers
    std::vector<float> levels(std::size_t(count * pixels * pixels * 3), -1.0f);
    kernels::augment(kernels::CpuStream{}, count, pixels, file.pixels.data<std::uint8_t>(),
                     static_cast<const kernels::View*>(file.views.raw()),
                     {{0, 0, 0}, {1 / 255.0, 1 / 255.0, 1 / 255.0}}, levels.data());
    for (const float level : levels)
      fuzz::expect(level > -0.5f && level < 255.5f, "levels of 0 to 255", std::to_string(level));
  });
  return 0;
}
