#include "engine/files/safetensors_header.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "engine/escape.h"

namespace engine {

namespace {

using nlohmann::json;

// Uses the parser's events (SAX), because a parsed object no longer shows duplicate keys.
class HeaderReader {
 public:
  struct Raw {  // an entry as in the file
    std::string name;
    std::optional<std::string> dtype;
    std::optional<std::vector<std::uint64_t>> shape, offsets;
  };

  std::vector<Raw> raw;
  std::map<std::string, std::string> metadata;

  explicit HeaderReader(const std::string& file) : file_(file) {}

  bool start_object(std::size_t) {
    if (place_ == Place::start)
      place_ = Place::names;
    else if (place_ == Place::entry_value)
      place_ = Place::entry;
    else if (place_ == Place::metadata_value)
      place_ = Place::metadata;
    else
      refuse("an object");
    return true;
  }

  bool end_object() {
    if (place_ == Place::entry) {
      const Raw& r = raw.back();
      require_data(r.dtype && r.shape && r.offsets, file_, ": tensor ", quoted(r.name), " has no ",
                   !r.dtype   ? "dtype"
                   : !r.shape ? "shape"
                              : "data_offsets");
    }
    place_ = place_ == Place::names ? Place::end : Place::names;
    return true;
  }

  bool key(std::string& key) {
    if (place_ == Place::names) {
      require_data(names_.insert(key).second, file_, ": header has the key ", quoted(key), " twice");
      if (key == "__metadata__") {
        place_ = Place::metadata_value;
      } else {
        raw.push_back({key, {}, {}, {}});
        place_ = Place::entry_value;
      }
    } else if (place_ == Place::metadata) {
      require_data(metadata.emplace(key, "").second, file_, ": __metadata__ has the key ", quoted(key),
                   " twice");
      key_ = key;
      place_ = Place::metadata_text;
    } else {
      entry_key(key);
    }
    return true;
  }

  bool string(std::string& text) {
    if (place_ == Place::metadata_text) {
      metadata[key_] = text;
      place_ = Place::metadata;
    } else if (place_ == Place::dtype) {
      raw.back().dtype = text;
      place_ = Place::entry;
    } else {
      refuse("text");
    }
    return true;
  }

  bool start_array(std::size_t) {
    if (place_ == Place::shape)
      place_ = Place::shape_number;
    else if (place_ == Place::offsets)
      place_ = Place::offset_number;
    else
      refuse("a list");
    return true;
  }

  bool end_array() {
    place_ = Place::entry;
    return true;
  }

  bool number_unsigned(std::uint64_t value) {
    if (place_ == Place::shape_number)
      raw.back().shape->push_back(value);
    else if (place_ == Place::offset_number)
      raw.back().offsets->push_back(value);
    else
      refuse("a number");
    return true;
  }

  bool number_integer(std::int64_t) { return refuse("a negative number"); }
  bool number_float(double, const std::string& text) { return refuse("the number " + text); }
  bool null() { return refuse("null"); }
  bool boolean(bool) { return refuse("a boolean"); }
  bool binary(json::binary_t&) { return refuse("bytes"); }

  bool parse_error(std::size_t position, const std::string&, const json::exception&) {
    throw DataError(concat_text(file_, ": header is not valid UTF-8 JSON at byte ", position + 7));
  }

 private:
  enum class Place {
    start,
    names,
    metadata_value,
    metadata,
    metadata_text,
    entry_value,
    entry,
    dtype,
    shape,
    shape_number,
    offsets,
    offset_number,
    end
  };

  static std::string quoted(const std::string& name) { return json(name).dump(); }

  void entry_key(const std::string& key) {
    Raw& r = raw.back();
    const bool dtype = key == "dtype", shape = key == "shape", offsets = key == "data_offsets";
    require_data(dtype || shape || offsets, file_, ": tensor ", quoted(r.name), " has the key ", quoted(key),
                 ", expected dtype, shape and data_offsets");
    require_data(!(dtype   ? bool(r.dtype)
                   : shape ? bool(r.shape)
                           : bool(r.offsets)),
                 file_, ": tensor ", quoted(r.name), " has the key ", quoted(key), " twice");
    if (dtype) r.dtype.emplace();
    if (shape) r.shape.emplace();
    if (offsets) r.offsets.emplace();
    place_ = dtype ? Place::dtype : shape ? Place::shape : Place::offsets;
  }

  bool refuse(const std::string& found) const {
    std::string where = "header", expected = "an object of tensors";
    if (place_ == Place::metadata_value || place_ == Place::metadata_text) {
      where = place_ == Place::metadata_value ? "__metadata__" : "__metadata__ " + quoted(key_);
      expected = place_ == Place::metadata_value ? "an object of strings" : "a string";
    } else if (!raw.empty() && place_ != Place::end) {
      where = "tensor " + quoted(raw.back().name);
      if (place_ == Place::entry_value) expected = "an object";
      if (place_ == Place::dtype) where += " dtype", expected = "a string";
      if (place_ == Place::shape) where += " shape", expected = "a list";
      if (place_ == Place::offsets) where += " data_offsets", expected = "a list";
      if (place_ == Place::shape_number) where += " shape", expected = "non-negative integers";
      if (place_ == Place::offset_number) where += " data_offsets", expected = "non-negative integers";
    }
    throw DataError(concat_text(file_, ": ", where, " is or holds ", found, ", expected ", expected));
  }

  const std::string& file_;
  Place place_ = Place::start;
  std::set<std::string> names_;
  std::string key_;
};

Shape to_shape(const std::vector<std::uint64_t>& v) {
  const auto at = [&](std::size_t i) { return static_cast<std::int64_t>(v[i]); };
  switch (v.size()) {
    case 0:
      return {};
    case 1:
      return {at(0)};
    case 2:
      return {at(0), at(1)};
    case 3:
      return {at(0), at(1), at(2)};
    default:
      return {at(0), at(1), at(2), at(3)};
  }
}

constexpr DType known_types[] = {DType::f32, DType::f64, DType::bf16, DType::u8, DType::i32, DType::i64};

// null if it is no type of the engine
const DType* type_named(const std::string& word) {
  const auto* found = std::ranges::find_if(known_types, [&](DType t) { return word == safetensors_name(t); });
  return found == std::end(known_types) ? nullptr : found;
}

StoredTensor check_tensor(const HeaderReader::Raw& raw, const std::string& file, bool with_f16) {
  const std::string where = file + ": tensor " + json(raw.name).dump();
  StoredTensor t;
  t.name = raw.name;
  t.type = *raw.dtype;
  require_data(type_named(t.type) != nullptr || (with_f16 && t.type == "F16"), where, " has dtype ",
               json(*raw.dtype).dump(), ", expected F32, F64, BF16, ", with_f16 ? "F16, " : "",
               "U8, I32 or I64");

  require_data(raw.shape->size() <= 4, where, " has rank ", raw.shape->size(), ", expected at most 4");
  // signed, like Shape's extents; checked up to an extent of 0
  auto bytes = std::int64_t(stored_size_of(t.type));
  for (const std::uint64_t extent : *raw.shape)
    require_data(extent <= std::uint64_t(std::numeric_limits<std::int64_t>::max()) &&
                     !__builtin_mul_overflow(bytes, std::int64_t(extent), &bytes),
                 where, " has a shape whose size in bytes overflows 64 bits");
  t.shape = to_shape(*raw.shape);

  require_data(raw.offsets->size() == 2, where, " has ", raw.offsets->size(), " data_offsets, expected 2");
  t.begin = (*raw.offsets)[0];
  t.end = (*raw.offsets)[1];
  require_data(t.begin <= t.end, where, " ends at byte ", t.end, ", before its begin ", t.begin);
  require_data(t.end - t.begin == std::uint64_t(bytes), where, " has ", t.end - t.begin, " bytes, expected ",
               bytes, " for ", t.type, " ", t.shape);
  return t;
}

SafetensorsLayout parse_layout(const std::string& text, std::uint64_t data_bytes, const std::string& file,
                               bool with_f16) {
  require_data(text.starts_with('{'), file, ": header does not begin with '{'");
  // the parser would accept other white space, and stop at a zero byte
  const std::size_t last = text.find_last_not_of(' ');
  require_data(text[last] == '}', file, ": header does not end with '}' and spaces, but with byte ",
               int(static_cast<unsigned char>(text[last])));
  const std::size_t zero = text.find('\0');
  require_data(zero == std::string::npos, file, ": header has a zero byte at byte ", 8 + zero);

  HeaderReader reader(file);
  json::sax_parse(text, &reader);

  SafetensorsLayout layout;
  layout.metadata = std::move(reader.metadata);
  for (const HeaderReader::Raw& raw : reader.raw) layout.tensors.push_back(check_tensor(raw, file, with_f16));
  std::ranges::sort(layout.tensors, {},
                    [](const StoredTensor& t) { return std::tie(t.begin, t.end, t.name); });
  std::uint64_t end = 0;
  for (const StoredTensor& t : layout.tensors) {
    require_data(t.begin == end, file, ": tensor ", json(t.name).dump(), " begins at byte ", t.begin,
                 " of the data, expected ", end, ": the tensors must follow each other without ",
                 t.begin > end ? "holes" : "overlaps");
    end = t.end;
  }
  require_data(end == data_bytes, file, ": ", data_bytes, " bytes follow the header, expected ", end,
               end < data_bytes ? ": bytes after the last tensor" : ": the file was cut short");
  return layout;
}

}  // namespace

const char* safetensors_name(DType t) {
  switch (t) {
    case DType::f32:
      return "F32";
    case DType::f64:
      return "F64";
    case DType::bf16:
      return "BF16";
    case DType::u8:
      return "U8";
    case DType::i32:
      return "I32";
    default:
      return "I64";
  }
}

std::size_t stored_size_of(const std::string& type) {
  if (type == "F16") return 2;
  const DType* known = type_named(type);
  require(known != nullptr, "stored_size_of: the type is ", type, ", expected one of the format");
  return size_of(*known);
}

SafetensorsLayout parse_safetensors_layout(const std::string& text, std::uint64_t data_bytes,
                                           const std::string& file) {
  return parse_layout(text, data_bytes, file, true);
}

SafetensorsHeader parse_safetensors_header(const std::string& text, std::uint64_t data_bytes,
                                           const std::string& file) {
  SafetensorsLayout layout = parse_layout(text, data_bytes, file, false);
  SafetensorsHeader header;
  header.metadata = std::move(layout.metadata);
  for (StoredTensor& t : layout.tensors)
    header.entries.push_back({std::move(t.name), *type_named(t.type), t.shape, t.begin, t.end});
  return header;
}

std::string safetensors_header_bytes(const SafetensorsLayout& layout, const std::string& file) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!layout.metadata.empty()) {
    nlohmann::ordered_json& metadata = header["__metadata__"];
    for (const auto& [key, value] : layout.metadata) metadata[as_utf8(key)] = as_utf8(value);
  }
  for (const StoredTensor& t : layout.tensors) {
    require(t.name != "__metadata__", file,
            ": a tensor has the name __metadata__, which the format reserves");
    require(!header.contains(t.name), file, ": two tensors have the name \"", t.name, "\"");
    nlohmann::ordered_json shape = nlohmann::ordered_json::array();
    for (int i = 0; i < t.shape.rank(); ++i) shape.push_back(t.shape[i]);
    header[t.name] = {{"dtype", t.type}, {"shape", std::move(shape)}, {"data_offsets", {t.begin, t.end}}};
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  require(text.size() <= max_safetensors_header, file, ": the header has ", text.size(),
          " bytes, expected at most ", max_safetensors_header);
  const std::uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + text;
}

std::uint64_t safetensors_header_length(const void* eight_bytes, std::uint64_t size,
                                        const std::string& file) {
  std::uint64_t length = 0;
  std::memcpy(&length, eight_bytes, sizeof length);
  require_data(length <= max_safetensors_header, file, ": declares a header of ", length,
               " bytes, expected at most ", max_safetensors_header, ": not a safetensors file");
  require_data(length <= size - 8, file, ": declares a header of ", length, " bytes, but ", size - 8,
               " follow");
  return length;
}

}  // namespace engine
