#include "engine/files/npy.h"

#include <bit>
#include <cctype>
#include <charconv>
#include <optional>
#include <vector>

#include "engine/files/atomic_file.h"
#include "engine/files/file_kind.h"

namespace engine {
namespace {

static_assert(std::endian::native == std::endian::little, "the types below are little-endian");

constexpr std::string_view kMagic = "\x93NUMPY";

// The dictionary of a header: a Python literal with three keys, in any order.
class Dictionary {
 public:
  Dictionary(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  std::string type;
  std::vector<std::int64_t> extents;

  void read() {
    bool has_type = false, has_order = false, has_shape = false;
    need('{');
    while (!next('}')) {
      const std::string key = quoted();
      need(':');
      if (key == "descr" && !has_type) {
        has_type = true;
        require_data(peek() == '\'', file_, ": is an array of records, expected numbers");
        type = quoted();
      } else if (key == "fortran_order" && !has_order) {
        has_order = true;
        require_data(!word("True"), file_, ": is in Fortran's order, expected numpy.ascontiguousarray()");
        if (!word("False")) wrong();
      } else if (key == "shape" && !has_shape) {
        has_shape = true;
        tuple();
      } else {
        wrong();
      }
      if (!next(',') && peek() != '}') wrong();
    }
    while (at_ < text_.size())
      if (std::isspace(static_cast<unsigned char>(text_[at_++])) == 0) wrong();
    if (!has_type || !has_order || !has_shape) wrong();
  }

 private:
  [[noreturn]] void wrong() const {
    throw DataError(file_ +
                    ": its header is not NumPy's, expected {'descr': '<f4', 'fortran_order': False, "
                    "'shape': (N, D), }");
  }
  char peek() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool next(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void need(char c) {
    if (!next(c)) wrong();
  }
  bool word(std::string_view w) {
    peek();
    if (text_.substr(at_, w.size()) != w) return false;
    at_ += w.size();
    return true;
  }
  std::string quoted() {
    need('\'');
    const std::size_t end = text_.find('\'', at_);
    if (end == std::string_view::npos) wrong();
    std::string value(text_.substr(at_, end - at_));
    at_ = end + 1;
    return value;
  }
  void tuple() {
    need('(');
    while (!next(')')) {
      peek();
      std::int64_t extent = -1;
      const char *begin = text_.data() + at_, *end = text_.data() + text_.size();
      const auto [stop, error] = std::from_chars(begin, end, extent);
      if (error != std::errc() || extent < 0) wrong();
      at_ += std::size_t(stop - begin);
      extents.push_back(extent);
      if (!next(',') && peek() != ')') wrong();
    }
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t at_ = 0;
};

Shape shape_of(const std::vector<std::int64_t>& e) {
  return e.empty()       ? Shape{}
         : e.size() == 1 ? Shape{e[0]}
         : e.size() == 2 ? Shape{e[0], e[1]}
         : e.size() == 3 ? Shape{e[0], e[1], e[2]}
                         : Shape{e[0], e[1], e[2], e[3]};
}

// The bytes of an element, 0 if it is no number of this machine's byte order.
std::int64_t element_bytes(const std::string& type) {
  if (type.size() != 3 || (type[0] != '<' && type[0] != '|')) return 0;
  if (std::string_view("fiu").find(type[1]) == std::string_view::npos) return 0;
  const int bytes = type[2] - '0';
  return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8 ? bytes : 0;
}

}  // namespace

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

std::string npy_header(const std::string& type, const Shape& s) {
  std::string shape;  // a Python tuple: (), (3,), (3, 4)
  for (int i = 0; i < s.rank(); ++i) shape += (i > 0 ? ", " : "") + std::to_string(s[i]);
  if (s.rank() == 1) shape += ",";
  std::string header =
      concat_text("{'descr': '", type, "', 'fortran_order': False, 'shape': (", shape, "), }");
  const std::size_t before = kMagic.size() + 2 + 2;  // two bytes of version, two of length
  header.append(63 - (before + header.size()) % 64, ' ');
  header += '\n';  // the array begins at a multiple of 64 bytes
  const char numbers[] = {1, 0, char(header.size() % 256), char(header.size() / 256)};
  return std::string(kMagic) + std::string(numbers, sizeof numbers) + header;
}

void write_npy(const std::string& path, const Tensor& t) {
  const std::string header = npy_header(npy_type(t.dtype()), t.shape());
  const Tensor host = t.to(cpu);
  AtomicFile file(path);
  file.write(header.data(), header.size());
  file.write(host.raw(), host.bytes());
  file.commit();
}

NpyHeader parse_npy(std::string_view bytes, const std::string& file) {
  if (!bytes.starts_with(kMagic)) {
    const std::string kind = file_kind(bytes.data(), bytes.size());
    throw DataError(file + ": is " + (kind.empty() ? "no NumPy file" : kind) + ", expected a .npy file");
  }
  const auto byte = [&](std::size_t i) { return std::size_t(static_cast<unsigned char>(bytes[i])); };
  require_data(bytes.size() >= 12, file, ": ", bytes.size(), " bytes, expected a .npy file");
  require_data(byte(6) >= 1 && byte(6) <= 3, file, ": is of version ", byte(6), ", expected 1 to 3");
  const std::size_t begin = byte(6) == 1 ? 10 : 12;
  std::size_t length = byte(8) | byte(9) << 8;
  if (begin == 12) length |= byte(10) << 16 | byte(11) << 24;
  require_data(length <= bytes.size() - begin, file, ": declares a header of ", length, " bytes, but ",
               bytes.size() - begin, " follow");

  Dictionary dictionary(bytes.substr(begin, length), file);
  dictionary.read();
  const std::vector<std::int64_t>& extents = dictionary.extents;
  require_data(extents.size() <= 4, file, ": has ", extents.size(), " extents, expected at most 4");
  std::int64_t size = element_bytes(dictionary.type);
  require_data(size > 0, file, ": is of the type ", dictionary.type,
               ", expected numbers in this machine's byte order, as <f4");
  for (const std::int64_t extent : extents)
    require_data(!__builtin_mul_overflow(size, extent, &size), file, ": its size in bytes overflows 64 bits");
  const std::uint64_t data = begin + length, there = bytes.size() - data;
  require_data(std::uint64_t(size) == there, file, ": ", there, " bytes follow the header, expected ", size,
               std::uint64_t(size) > there ? ": the file was cut short" : ": bytes after the array");
  return {dictionary.type, shape_of(extents), data};
}

}  // namespace engine
