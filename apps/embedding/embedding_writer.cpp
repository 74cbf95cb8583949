#include "apps/embedding/embedding_writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "apps/system/json_text.h"
#include "engine/error.h"
#include "engine/files/atomic_file.h"
#include "engine/files/half.h"
#include "engine/files/npy.h"
#include "engine/files/safetensors_header.h"
#include "engine/files/text_file.h"

namespace apps {
namespace {

namespace fs = std::filesystem;
using engine::concat_text;
using engine::UsageError;
using nlohmann::ordered_json;

bool is_named(const std::string& path, const char* ending) { return fs::path(path).extension() == ending; }

template <class T>
void append_bytes(std::string& text, const T& value) {
  text.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// RFC 4180
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

// The shortest text that is read back as the same float.
void append_number(std::string& text, float value) {
  char digits[32];
  text.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

// "batch 16, now 8": the first thing that differs.
std::string difference(const ordered_json& before, const ordered_json& now) {
  for (auto at = now.begin(); at != now.end(); ++at) {
    const auto old = before.find(at.key());
    if (old == before.end() || *old != *at)
      return at.key() + " " + (old == before.end() ? "unknown" : json_text(*old)) + ", now " + json_text(*at);
  }
  return "";
}

}  // namespace

void require_embedding_name(const std::string& path, int rank) {
  if (!is_named(path, ".safetensors") && !is_named(path, ".npy") && !is_named(path, ".csv"))
    throw UsageError("--out " + path + ": expected a name that ends in .safetensors, .npy or .csv");
  if (engine::writes_in_place(path))
    throw UsageError("--out " + path + ": expected a file, which can be continued after a stop");
  if (rank != 2 && is_named(path, ".csv"))
    throw UsageError("--out " + path +
                     ": a CSV table has no place for maps, expected --pool gap, or a name that "
                     "ends in .safetensors or .npy");
}

EmbeddingWriter::EmbeddingWriter(EmbeddingPlan plan)
    : plan_(std::move(plan)), partial_(plan_.path + ".partial"), progress_(partial_ + ".json") {
  require_embedding_name(plan_.path, plan_.shape.rank());
  try {
    open_partial();
  } catch (...) {
    if (file_ >= 0) close(file_);
    if (file_ >= 0 && is_new_) unlink(partial_.c_str());
    throw;
  }
}

EmbeddingWriter::~EmbeddingWriter() {
  if (file_ < 0) return;
  if (safe_rows_ == 0) {
    unlink(progress_.c_str());
    unlink(partial_.c_str());
  }
  close(file_);
}

void EmbeddingWriter::open_partial() {
  std::error_code none;
  is_new_ = !fs::exists(partial_, none);
  std::string error;
  file_ = engine::open_own_file(partial_, O_RDWR | O_CREAT, error);
  if (file_ < 0) throw UsageError(partial_ + ": " + error);
  if (flock(file_, LOCK_EX | LOCK_NB) != 0)
    throw UsageError(partial_ + ": another process writes to it, expected another --out");
  const std::int64_t begun = is_new_ ? 0 : unfinished_bytes();
  if (ftruncate(file_, off_t(begun)) != 0 || lseek(file_, off_t(begun), SEEK_SET) != off_t(begun))
    fail("opening it");
  bytes_ = begun;
  safe_rows_ = rows_;
  saved_ = std::chrono::steady_clock::now();
  if (begun > 0) return;
  unlink(progress_.c_str());  // of a file that is finished or gone
  write(before_rows());
}

std::int64_t EmbeddingWriter::unfinished_bytes() {
  std::error_code none;
  if (!fs::exists(progress_, none)) return 0;
  const engine::FileText text = engine::read_text(progress_, 1 << 20);
  const std::string anew = "; delete " + partial_ + " to begin anew";
  const auto damaged = [&] {
    return UsageError(progress_ + ": is damaged, expected how far " + partial_ + " is" + anew);
  };
  if (!text.read()) throw UsageError(progress_ + ": " + text.error + anew);
  const ordered_json state = ordered_json::parse(text.bytes, nullptr, false);
  const auto number = [&](const char* name) {
    if (!state.is_object() || !state.contains(name) || !state[name].is_number_unsigned()) throw damaged();
    return state[name].get<std::int64_t>();
  };
  const std::int64_t rows = number("rows"), bytes = number("bytes");
  if (!state.contains("made_of") || !state["made_of"].is_object()) throw damaged();
  // as it would be read back
  const ordered_json now = ordered_json::parse(json_text(plan_.made_of));
  if (const std::string other = difference(state["made_of"], now); !other.empty())
    throw UsageError(partial_ + ": was begun with " + other + ", expected the same" + anew);
  struct stat status = {};
  if (fstat(file_, &status) != 0 || rows < 0 || rows > plan_.shape[0] || bytes < 1 || bytes > status.st_size)
    throw damaged();
  rows_ = rows;
  return bytes;
}

void EmbeddingWriter::append(const engine::Tensor& rows) {
  engine::require(
      engine::with_rows(rows.shape(), plan_.shape[0]) == plan_.shape && rows.dim(0) <= plan_.shape[0] - rows_,
      "EmbeddingWriter: rows are ", rows.shape(), ", expected some of ", plan_.shape);
  write(encoded(rows));
  rows_ += rows.dim(0);
  if (std::chrono::steady_clock::now() - saved_ >= plan_.between_saves) save_progress();
}

void EmbeddingWriter::finish() {
  engine::require(rows_ == plan_.shape[0], "EmbeddingWriter: ", rows_, " rows, expected ", plan_.shape[0]);
  if (is_named(plan_.path, ".safetensors")) each_names_part([&](const std::string& part) { write(part); });
  if (is_named(plan_.path, ".npy")) {
    const fs::path stem = fs::path(plan_.path).replace_extension();
    engine::AtomicFile names(stem.string() + ".names.txt");
    each_names_part([&](const std::string& part) { names.write(part.data(), part.size()); });
    names.commit();
    if (!plan_.labels.empty()) {
      const engine::Tensor labels({plan_.shape[0]}, engine::DType::i64, engine::cpu);
      std::copy(plan_.labels.begin(), plan_.labels.end(), labels.data<std::int64_t>());
      engine::write_npy(stem.string() + ".labels.npy", labels);
      std::string classes;
      for (const std::string& name : plan_.classes) classes += name + "\n";
      write_beside(".classes.txt", classes);
    } else {  // of a file that is replaced
      unlink((stem.string() + ".labels.npy").c_str());
      unlink((stem.string() + ".classes.txt").c_str());
    }
    write_beside(".json", json_text(ordered_json(plan_.metadata), 1) + "\n");
  }
  if (fsync(file_) != 0) fail("flushing");
  if (std::rename(partial_.c_str(), plan_.path.c_str()) != 0) fail("renaming");
  close(std::exchange(file_, -1));
  unlink(progress_.c_str());
}

void EmbeddingWriter::write(const std::string& bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n = ::write(file_, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("writing");
    done += std::size_t(n);
  }
  bytes_ += std::int64_t(bytes.size());
}

// First the rows are on the disk, and then it is said.
void EmbeddingWriter::save_progress() {
  if (fsync(file_) != 0) fail("flushing");
  engine::write_file_atomically(
      progress_,
      json_text({{"rows", rows_}, {"of", plan_.shape[0]}, {"bytes", bytes_}, {"made_of", plan_.made_of}}, 1) +
          "\n");
  safe_rows_ = rows_;
  saved_ = std::chrono::steady_clock::now();
}

void EmbeddingWriter::write_beside(const std::string& ending, const std::string& text) const {
  engine::write_file_atomically(fs::path(plan_.path).replace_extension().string() + ending, text);
}

std::string EmbeddingWriter::before_rows() const {
  const std::int64_t count = plan_.shape[0];
  const auto features = std::uint64_t(plan_.shape.numel()) * (plan_.half ? 2 : 4);
  if (is_named(plan_.path, ".npy")) return engine::npy_header(plan_.half ? "<f2" : "<f4", plan_.shape);
  if (is_named(plan_.path, ".csv")) {
    std::string line = plan_.labels.empty() ? "name" : "name,label,class";
    for (std::int64_t d = 0; d < plan_.shape[1]; ++d) line += ",f" + std::to_string(d);
    return line + "\n";
  }
  std::uint64_t names = 0;
  for (std::int64_t i = 0; i < count; ++i) names += plan_.name(i).size() + 1;
  // in the reference's order: large elements first
  engine::SafetensorsLayout layout{{}, plan_.metadata};
  std::uint64_t end = 0;
  const auto add = [&](const char* name, const char* type, const engine::Shape& shape, std::uint64_t bytes) {
    layout.tensors.push_back({name, type, shape, end, end + bytes});
    end += bytes;
  };
  if (!plan_.labels.empty()) add("labels", "I64", {count}, std::uint64_t(count) * 8);
  add("features", plan_.half ? "F16" : "F32", plan_.shape, features);
  add("names", "U8", {std::int64_t(names)}, names);
  std::string bytes = engine::safetensors_header_bytes(layout, plan_.path);
  for (const std::int64_t label : plan_.labels) append_bytes(bytes, label);
  return bytes;
}

void EmbeddingWriter::each_names_part(const std::function<void(const std::string&)>& take) const {
  constexpr std::size_t kPart = 1 << 20;
  std::string text;
  for (std::int64_t i = 0; i < plan_.shape[0]; ++i) {
    text += plan_.name(i) + "\n";
    if (text.size() < kPart && i + 1 < plan_.shape[0]) continue;
    take(text);
    text.clear();
  }
}

std::string EmbeddingWriter::encoded(const engine::Tensor& rows) const {
  const auto* values = rows.data<float>();
  const std::int64_t width = rows.numel() / rows.dim(0);
  std::string bytes;
  if (!is_named(plan_.path, ".csv")) {
    if (!plan_.half) return {reinterpret_cast<const char*>(values), rows.bytes()};
    bytes.reserve(std::size_t(rows.numel()) * 2);
    for (std::int64_t i = 0; i < rows.numel(); ++i) append_bytes(bytes, engine::to_half(values[i]));
    return bytes;
  }
  for (std::int64_t r = 0; r < rows.dim(0); ++r) {
    bytes += csv_field(plan_.name(rows_ + r));
    if (!plan_.labels.empty()) {
      const std::int64_t label = plan_.labels[std::size_t(rows_ + r)];
      bytes += "," + (label < 0 ? "" : std::to_string(label)) + "," +
               (label < 0 ? "" : csv_field(plan_.classes.at(std::size_t(label))));
    }
    for (std::int64_t d = 0; d < width; ++d) {
      bytes += ',';
      const float value = values[r * width + d];
      append_number(bytes, plan_.half ? engine::from_half(engine::to_half(value)) : value);
    }
    bytes += '\n';
  }
  return bytes;
}

void EmbeddingWriter::fail(const char* doing) const {
  const int reason = errno;
  throw engine::WriteError(partial_ + ": " + std::strerror(reason) + ", while " + doing, reason);
}

}  // namespace apps
