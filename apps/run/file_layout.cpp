#include "apps/run/file_layout.h"

#include <algorithm>
#include <cstring>

namespace apps {
namespace {

using engine::Shape;
using engine::Tensor;

// The elements of a convolution weight from (K,R,S,C) to (K,C,R,S), which is OIHW, or back.
void permute(const Shape& krsc, std::size_t element, const char* from, char* to, bool to_file) {
  const std::int64_t k = krsc[0], rs = krsc[1] * krsc[2], c = krsc[3];
  for (std::int64_t i = 0; i < k; ++i)
    for (std::int64_t p = 0; p < rs; ++p)
      for (std::int64_t j = 0; j < c; ++j) {
        const std::int64_t memory = (i * rs + p) * c + j, file = (i * c + j) * rs + p;
        std::memcpy(to + std::size_t(to_file ? file : memory) * element,
                    from + std::size_t(to_file ? memory : file) * element, element);
      }
}

}  // namespace

Shape file_shape(const Tensor& t, bool filter) {
  const Shape& s = t.shape();
  if (filter) return {s[0], s[3], s[1], s[2]};
  if (t.dtype() == engine::DType::i64 && s == Shape{1}) return {};  // a counter
  return s;
}

Tensor to_file(const Tensor& t, bool filter) {
  const Tensor host = t.to(engine::cpu), saved(file_shape(t, filter), t.dtype(), engine::cpu);
  if (filter)
    permute(host.shape(), engine::size_of(host.dtype()), static_cast<const char*>(host.raw()),
            static_cast<char*>(saved.raw()), true);
  else
    std::memcpy(saved.raw(), host.raw(), host.bytes());
  return saved;
}

void from_file(const void* bytes, const Tensor& t, bool filter) {
  const Tensor host(t.shape(), t.dtype(), engine::cpu);
  if (filter)
    permute(t.shape(), engine::size_of(t.dtype()), static_cast<const char*>(bytes),
            static_cast<char*>(host.raw()), false);
  else
    std::memcpy(host.raw(), bytes, host.bytes());
  engine::copy_bytes(t.raw(), t.device(), host.raw(), engine::cpu, host.bytes());
}

bool is_filter(const engine::Parameters& parameters, const std::string& state_name) {
  return std::ranges::any_of(parameters.list(), [&](const engine::Parameter& p) {
    const std::size_t before = state_name.size() - p.name.size();  // the state's own name and a point
    return p.filter && state_name.size() > p.name.size() && state_name.ends_with(p.name) &&
           state_name[before - 1] == '.';
  });
}

}  // namespace apps
