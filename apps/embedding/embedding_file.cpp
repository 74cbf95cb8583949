#include "apps/embedding/embedding_file.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/files/file_kind.h"
#include "engine/files/half.h"
#include "engine/files/npy.h"
#include "engine/files/safetensors_header.h"
#include "engine/files/text_file.h"

namespace apps {
namespace {

namespace fs = std::filesystem;
using engine::require_data;
using nlohmann::json;

constexpr std::int64_t kNamesApart = 64;
constexpr const char* kExpected = "a file of dyad embed or dyad export --data: NAME.safetensors or NAME.npy";

template <class Stored, class Convert>
void convert(const char* from, std::int64_t count, float* to, Convert converted) {
  for (std::int64_t i = 0; i < count; ++i) {
    Stored value;
    std::memcpy(&value, from + std::size_t(i) * sizeof value, sizeof value);  // it may be unaligned
    to[i] = converted(value);
  }
}

std::string type_of_npy(const std::string& type, const std::string& file) {
  if (type == "<f2") return "F16";
  if (type == "<f4") return "F32";
  require_data(type == "<f8", file, ": is of the type ", type, ", expected <f2, <f4 or <f8");
  return "F64";
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

// A text file beside another; "" if there is none.
std::string text_beside(const std::string& path) {
  std::error_code none;
  if (!fs::exists(path, none)) return "";
  engine::FileText text = engine::read_text(path);
  engine::require_usable(text.read(), path, ": ", text.error);
  return std::move(text.bytes);
}

// `classes` of the metadata: a list in JSON.
std::vector<std::string> class_list(const std::string& text, const std::string& file) {
  const json list = json::parse(text, nullptr, false);
  const bool right =
      list.is_array() && std::ranges::all_of(list, [](const json& j) { return j.is_string(); });
  require_data(right, file, ": its metadata `classes` are no list of names in JSON");
  return list.get<std::vector<std::string>>();
}

std::map<std::string, std::string> metadata_of(const std::string& text, const std::string& file) {
  std::map<std::string, std::string> metadata;
  const json object = json::parse(text, nullptr, false);
  require_data(object.is_object(), file, ": is no JSON, expected an object of texts");
  for (auto at = object.begin(); at != object.end(); ++at) {
    require_data(at->is_string(), file, ": ", json(at.key()).dump(),
                 " is no text, expected an object of texts");
    metadata[at.key()] = at->get<std::string>();
  }
  return metadata;
}

}  // namespace

EmbeddingFile::EmbeddingFile(const std::string& path) : path_(path) {
  std::error_code none;
  require_data(!fs::is_directory(path, none), path, ": is a folder, expected ", kExpected);
  file_ = std::make_unique<engine::MappedFile>(path, kExpected);
  if (path.ends_with(".npy"))
    open_npy();
  else
    open_safetensors();
  const auto classes = metadata_.find("classes");
  if (classes_.empty() && classes != metadata_.end()) classes_ = class_list(classes->second, path_);
  const auto most = std::int64_t(classes_.size());
  for (std::size_t i = 0; i < labels_.size(); ++i)
    require_data(labels_[i] >= -1 && (most == 0 || labels_[i] < most), path_, ": row ", i, " has the label ",
                 labels_[i], ", expected -1 to ", most - 1);
  if (std::ranges::all_of(labels_, [](std::int64_t label) { return label < 0; })) labels_.clear();
}

void EmbeddingFile::open_safetensors() {
  const std::string kind = engine::file_kind(file_->data(), std::size_t(file_->size()));
  require_data(kind.empty() || kind == "a safetensors file", path_, ": is ", kind, ", expected ", kExpected);
  require_data(file_->size() >= 8, path_, ": ", file_->size(), " bytes, expected ", kExpected);
  const std::uint64_t length = engine::safetensors_header_length(file_->data(), file_->size(), path_);
  const std::uint64_t begin = 8 + length;
  engine::SafetensorsLayout layout = engine::parse_safetensors_layout(
      std::string(file_->text().substr(8, std::size_t(length))), file_->size() - begin, path_);
  metadata_ = std::move(layout.metadata);
  const auto find = [&](const char* name) {
    const auto found = std::ranges::find(layout.tensors, name, &engine::StoredTensor::name);
    return found == layout.tensors.end() ? nullptr : &*found;
  };
  const engine::StoredTensor *features = find("features"), *labels = find("labels"), *names = find("names");
  require_data(features != nullptr, path_, ": has no tensor features, expected ", kExpected);
  require_data(features->type == "F32" || features->type == "F64" || features->type == "F16" ||
                   features->type == "BF16",
               path_, ": features are ", features->type, ", expected F32, F64, F16 or BF16");
  type_ = features->type;
  shape_ = features->shape;
  data_ = begin + features->begin;
  require_shape();
  require_data(names != nullptr, path_, ": has no tensor names, expected a line for each row of features");
  require_data(names->type == "U8" && names->shape.rank() == 1, path_, ": names are ", names->type, " ",
               names->shape, ", expected U8, the bytes of a text");
  find_names(*file_, begin + names->begin, names->end - names->begin);
  if (labels == nullptr) return;
  require_data(labels->type == "I64" && labels->shape == engine::Shape{rows()}, path_, ": labels are ",
               labels->type, " ", labels->shape, ", expected I64 (", rows(), ")");
  take_labels(file_->data() + begin + labels->begin, path_);
}

void EmbeddingFile::open_npy() {
  const engine::NpyHeader header = engine::parse_npy(file_->text(), path_);
  type_ = type_of_npy(header.type, path_);
  shape_ = header.shape;
  data_ = header.data;
  require_shape();
  const fs::path own = path_;
  const std::string stem = path_.substr(0, path_.size() - 4);
  // a folder of `dyad export --format npy` has one file of each kind
  const bool exported = own.filename() == "features.npy" && !fs::exists(stem + ".names.txt") &&
                        fs::exists(own.parent_path() / "names.txt");
  const std::string beside = exported ? (own.parent_path() / "").string() : stem + ".";
  names_file_ = std::make_unique<engine::MappedFile>(beside + "names.txt",
                                                     "a text file with a line for each row of " + path_);
  find_names(*names_file_, 0, names_file_->size());
  classes_ = lines_of(text_beside(beside + "classes.txt"));
  if (const std::string text = text_beside(stem + ".json"); !text.empty())
    metadata_ = metadata_of(text, stem + ".json");
  const std::string labels = beside + "labels.npy";
  if (!fs::exists(labels)) return;
  const engine::MappedFile file(labels, "a NumPy file");
  const engine::NpyHeader of_labels = engine::parse_npy(file.text(), labels);
  require_data(of_labels.type == "<i8" && of_labels.shape == engine::Shape{rows()}, labels, ": is ",
               of_labels.type, " ", of_labels.shape, ", expected <i8 (", rows(), ")");
  take_labels(file.data() + of_labels.data, labels);
}

void EmbeddingFile::require_shape() const {
  require_data((shape_.rank() == 2 || shape_.rank() == 4) && shape_.numel() >= 1, path_, ": features are ",
               shape_, ", expected (N,D) or (N,h,w,C)");
}

void EmbeddingFile::find_names(const engine::MappedFile& file, std::uint64_t begin, std::uint64_t bytes) {
  constexpr std::uint64_t kPart = 1 << 20;  // what is read before it is released
  const std::string_view text = names_ = file.text().substr(std::size_t(begin), std::size_t(bytes));
  std::uint64_t released = 0;
  std::int64_t names = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (names % kNamesApart == 0) begins_.push_back(at);
    const std::uint64_t end = std::min(text.find('\n', at), text.size());
    at = std::size_t(end) + 1;
    if (++names > rows()) break;  // too many: there may be very many
    if (end - released < kPart) continue;
    file.release(begin + released, kPart);
    released += kPart;
  }
  file.release(begin + released, bytes - released);
  require_data(names == rows(), file.path(), ": has ", names > rows() ? "more" : std::to_string(names),
               " names, expected ", rows(), ", a line for each row of features");
}

void EmbeddingFile::take_labels(const char* values, const std::string& file) {
  labels_.resize(std::size_t(rows()));
  std::memcpy(labels_.data(), values, labels_.size() * sizeof labels_[0]);
  for (std::size_t i = 0; i < labels_.size(); ++i)
    require_data(labels_[i] >= -1 && labels_[i] <= 0x7fffffff, file, ": row ", i, " has the label ",
                 labels_[i], ", expected -1 (none) or a class from 0 on");
}

void EmbeddingFile::read(std::int64_t first, std::int64_t count, float* to) const {
  engine::require(first >= 0 && count >= 0 && first <= rows() - count, "EmbeddingFile: rows ", first, " and ",
                  count, " more, expected within ", rows());
  const std::size_t size = engine::stored_size_of(type_);
  const char* from = file_->data() + data_ + std::size_t(first * width()) * size;
  const std::int64_t values = count * width();
  if (type_ == "F32")
    std::memcpy(to, from, std::size_t(values) * sizeof(float));
  else if (type_ == "F64")
    convert<double>(from, values, to, [](double v) { return float(v); });
  else if (type_ == "F16")
    convert<std::uint16_t>(from, values, to, engine::from_half);
  else
    convert<engine::bf16>(from, values, to, [](engine::bf16 v) { return float(v); });
  release(first, count);
}

engine::Tensor EmbeddingFile::tile(std::int64_t first, std::int64_t count) const {
  engine::Tensor rows({count, width()}, engine::DType::f32, engine::cpu);
  read(first, count, rows.data<float>());
  return rows;
}

const float* EmbeddingFile::in_place() const {
  if (type_ != "F32" || data_ % sizeof(float) != 0) return nullptr;
  return reinterpret_cast<const float*>(file_->data() + data_);
}

void EmbeddingFile::release(std::int64_t first, std::int64_t count) const {
  const std::uint64_t bytes = std::uint64_t(width()) * engine::stored_size_of(type_);
  file_->release(data_ + std::uint64_t(first) * bytes, std::uint64_t(count) * bytes);
}

std::string plain_path(const std::string& path) { return fs::absolute(path).lexically_normal().string(); }

std::string_view EmbeddingFile::name(std::int64_t row) const {
  engine::require(row >= 0 && row < rows(), "EmbeddingFile: row ", row, ", expected one of ", rows());
  auto begin = std::size_t(begins_[std::size_t(row / kNamesApart)]);
  for (std::int64_t i = 0; i < row % kNamesApart; ++i) begin = names_.find('\n', begin) + 1;
  return names_.substr(begin, names_.find('\n', begin) - begin);
}

std::string EmbeddingFile::class_name(std::int64_t row) const {
  if (labels_.empty() || labels_.at(std::size_t(row)) < 0) return "";
  const auto label = std::size_t(labels_[std::size_t(row)]);
  return label < classes_.size() ? classes_[label] : std::to_string(label);
}

std::string EmbeddingFile::about(const std::string& key) const {
  const auto found = metadata_.find(key);
  return found == metadata_.end() ? "" : found->second;
}

}  // namespace apps
