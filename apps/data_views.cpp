// dyad data views: makes the views that a file describes, for comparisons with other programs.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "apps/check/op_choice.h"
#include "apps/cli/commands.h"
#include "data/formats/view_file.h"
#include "data/views.h"
#include "engine/escape.h"
#include "engine/files/safetensors.h"
#include "engine/ops.h"
#include "kernels/augment/view.h"

namespace apps {

using engine::DType;
using engine::Tensor;

int apply_views(const ViewsOptions& o) {
  use_threads(o.threads);
  const engine::Device device = engine::parse_device(o.device);
  const data::ViewFile file = data::read_view_file(o.in, o.size);
  const kernels::Normalization levels{{0, 0, 0}, {1 / 255.0, 1 / 255.0, 1 / 255.0}};  // leaves 0 .. 255
  const Tensor made = engine::augment(file.pixels.to(device), file.views.to(device), o.size, levels,
                                      DType::f32, data::view_rules(o.view_rules))
                          .to(engine::cpu);
  const Tensor rounded(made.shape(), DType::u8, engine::cpu);
  std::transform(made.data<float>(), made.data<float>() + made.numel(), rounded.data<std::uint8_t>(),
                 [](float level) { return std::uint8_t(std::lround(level)); });
  engine::write_safetensors(o.out, {{{"levels", rounded}}, {}});
  std::printf("%s: %lld views of %d pixels\n", engine::shown(o.out).c_str(),
              static_cast<long long>(file.views.dim(0)), o.size);
  return 0;
}

}  // namespace apps
