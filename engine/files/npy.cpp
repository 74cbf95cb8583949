#include "engine/files/npy.h"

#include <bit>

#include "engine/files/atomic_file.h"

namespace engine {
namespace {

static_assert(std::endian::native == std::endian::little, "the types below are little-endian");

const char* npy_type(DType t) {
  switch (t) {
    case DType::f32:
      return "<f4";
    case DType::f64:
      return "<f8";
    case DType::u8:
      return "|u1";
    case DType::i32:
      return "<i4";
    case DType::i64:
      return "<i8";
    default:
      throw UsageError(concat_text("write_npy: NumPy has no type for ", t));
  }
}

}  // namespace

void write_npy(const std::string& path, const Tensor& t) {
  std::string shape;  // a Python tuple: (), (3,), (3, 4)
  for (int i = 0; i < t.shape().rank(); ++i) shape += (i > 0 ? ", " : "") + std::to_string(t.dim(i));
  if (t.shape().rank() == 1) shape += ",";
  std::string header =
      concat_text("{'descr': '", npy_type(t.dtype()), "', 'fortran_order': False, 'shape': (", shape, "), }");
  const std::string magic("\x93NUMPY\x01\x00", 8);
  const std::size_t before = magic.size() + 2;  // two bytes of length
  header.append(63 - (before + header.size()) % 64, ' ');
  header += '\n';  // the array begins at a multiple of 64 bytes

  const Tensor host = t.to(cpu);
  const char length[] = {char(header.size() % 256), char(header.size() / 256)};
  AtomicFile file(path);
  file.write(magic.data(), magic.size());
  file.write(length, 2);
  file.write(header.data(), header.size());
  file.write(host.raw(), host.bytes());
  file.commit();
}

}  // namespace engine
