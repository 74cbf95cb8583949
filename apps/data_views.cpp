// dyad data views: makes the views that a file describes, for comparisons with other programs.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "apps/check/op_choice.h"
#include "apps/cli/commands.h"
#include "engine/escape.h"
#include "engine/files/safetensors.h"
#include "engine/ops.h"
#include "kernels/augment/view.h"

namespace apps {
namespace {

using engine::DType;
using engine::require_data;
using engine::Tensor;

Tensor bytes_of(const engine::SafetensorsReader& file, const std::string& path, const std::string& name,
                int rank) {
  const engine::TensorEntry* e = file.find(name);
  require_data(e != nullptr && e->dtype == DType::u8 && e->shape.rank() == rank, path, ": expected a tensor ",
               name, " of U8 with ", rank, " extents");
  const Tensor t(e->shape, DType::u8, engine::cpu);
  file.read(*e, t.raw());
  return t;
}

}  // namespace

int apply_views(const ViewsOptions& o) {
  use_threads(o.threads);
  const engine::Device device = engine::parse_device(o.device);
  const engine::SafetensorsReader file(o.in);
  const Tensor pixels = bytes_of(file, o.in, "pixels", 1), views = bytes_of(file, o.in, "views", 2);
  require_data(views.dim(1) == std::int64_t(sizeof(kernels::View)), o.in, ": views are ", views.shape(),
               ", expected (N,", sizeof(kernels::View), ")");
  const auto* v = static_cast<const kernels::View*>(views.raw());
  for (std::int64_t i = 0; i < views.dim(0); ++i)
    if (const char* wrong = kernels::fault(v[i], pixels.numel(), o.size))
      throw engine::DataError(engine::concat_text(o.in, ": view ", i, " has ", wrong));

  const kernels::Normalization levels{{0, 0, 0}, {1 / 255.0, 1 / 255.0, 1 / 255.0}};  // leaves 0 .. 255
  const Tensor made =
      engine::augment(pixels.to(device), views.to(device), o.size, levels, DType::f32).to(engine::cpu);
  const Tensor rounded(made.shape(), DType::u8, engine::cpu);
  std::transform(made.data<float>(), made.data<float>() + made.numel(), rounded.data<std::uint8_t>(),
                 [](float level) { return std::uint8_t(std::lround(level)); });
  engine::write_safetensors(o.out, {{{"levels", rounded}}, {}});
  std::printf("%s: %lld views of %d pixels\n", engine::shown(o.out).c_str(),
              static_cast<long long>(views.dim(0)), o.size);
  return 0;
}

}  // namespace apps
