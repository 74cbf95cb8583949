#include "data/formats/view_file.h"

#include "engine/error.h"
#include "engine/files/safetensors.h"
#include "kernels/augment/view.h"

namespace data {
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

ViewFile read_view_file(const std::string& path, int size) {
  const engine::SafetensorsReader file(path);
  ViewFile read{bytes_of(file, path, "pixels", 1), bytes_of(file, path, "views", 2)};
  require_data(read.views.dim(1) == std::int64_t(sizeof(kernels::View)), path, ": views are ",
               read.views.shape(), ", expected (N,", sizeof(kernels::View), ")");
  const auto* views = static_cast<const kernels::View*>(read.views.raw());
  for (std::int64_t i = 0; i < read.views.dim(0); ++i)
    if (const char* wrong = kernels::fault(views[i], read.pixels.numel(), size))
      throw engine::DataError(engine::concat_text(path, ": view ", i, " has ", wrong));
  return read;
}

}  // namespace data
