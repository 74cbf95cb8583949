#include "apps/run/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>

#include "apps/run/file_layout.h"
#include "engine/error.h"
#include "engine/files/hash.h"
#include "engine/files/safetensors.h"

namespace apps {
namespace {

using engine::DataError;
using engine::Tensor;
using engine::UsageError;

// Hash of the metadata except the hash itself, and of each tensor's name, type, shape and bytes.
class ContentHash {
 public:
  explicit ContentHash(const CheckpointInfo& metadata) {
    for (const auto& [key, value] : metadata)
      if (key != kKey) add(key + '\0' + value + '\0');
  }
  void add(const std::string& name, engine::DType type, const engine::Shape& shape, const void* data,
           std::size_t bytes) {
    add(engine::concat_text(name, ' ', type, ' ', shape, '\n'));
    hash_ = engine::fnv1a(data, bytes, hash_);
  }
  std::string text() const { return engine::hash_text(hash_); }
  static constexpr const char* kKey = "hash";

 private:
  void add(const std::string& part) { hash_ = engine::fnv1a(part.data(), part.size(), hash_); }
  std::uint64_t hash_ = engine::fnv1a(nullptr, 0);
};

// One tensor of the file.
struct Entry {
  std::string name;
  Tensor value;         // in memory, on any device
  bool filter = false;  // KRSC here, OIHW in the file
};

std::vector<Entry> parameter_entries(const engine::Parameters& parameters) {
  std::vector<Entry> entries;
  for (const auto& p : parameters.list()) entries.push_back({p.name, p.value.detach(), p.filter});
  return entries;
}

// A state with the shape of the flat weight buffer is saved as one tensor per weight, without the padding.
std::vector<Entry> all_entries(const engine::Parameters& parameters, const StateTensors& state) {
  std::vector<Entry> entries = parameter_entries(parameters);
  for (const auto& [name, value] : state) {
    if (value.shape() != parameters.values().shape()) {
      entries.push_back({name, value.detach(), is_filter(parameters, name)});
      continue;
    }
    for (const auto& p : parameters.list())
      if (p.trained)
        entries.push_back({name + "." + p.name, value.slice_flat(p.offset, p.value.shape()), p.filter});
  }
  return entries;
}

void read_into(const engine::SafetensorsReader& file, const std::string& path,
               const std::vector<Entry>& entries) {
  for (const Entry& e : entries) {
    const auto* found = file.find(e.name);
    engine::require_data(found != nullptr, path, ": has no tensor ", e.name);
    const engine::Shape shape = file_shape(e.value, e.filter);
    engine::require_data(found->shape == shape && found->dtype == e.value.dtype(), path, ": ", e.name, " is ",
                         found->dtype, " ", found->shape, ", expected ", e.value.dtype(), " ", shape);
    std::vector<char> bytes(e.value.bytes());
    file.read(*found, bytes.data());
    from_file(bytes.data(), e.value, e.filter);
  }
}

}  // namespace

void require_whole(const engine::SafetensorsReader& file, const std::string& path) {
  const auto found = file.metadata().find(ContentHash::kKey);
  engine::require_data(found != file.metadata().end(), path,
                       ": its metadata have no hash: expected a checkpoint that dyad has written");
  std::vector<const engine::TensorEntry*> entries;
  for (const auto& e : file.entries()) entries.push_back(&e);
  std::sort(entries.begin(), entries.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  ContentHash hash(file.metadata());
  std::vector<char> bytes;
  for (const auto* e : entries) {
    bytes.resize(e->end - e->begin);
    file.read(*e, bytes.data());
    hash.add(e->name, e->dtype, e->shape, bytes.data(), bytes.size());
  }
  engine::require_data(hash.text() == found->second, path, ": is damaged: the hash of its contents is ",
                       hash.text(), ", expected ", found->second);
}

void save_checkpoint(const std::string& path, const PretrainOptions& o, const engine::Parameters& parameters,
                     const StateTensors& state, const Position& position, const Setting& setting) {
  engine::TensorFile file;
  file.metadata = describe(o, position, setting);
  for (const Entry& e : all_entries(parameters, state))
    file.tensors.emplace_back(e.name, to_file(e.value, e.filter));
  std::sort(file.tensors.begin(), file.tensors.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  ContentHash hash(file.metadata);
  for (const auto& [name, value] : file.tensors)
    hash.add(name, value.dtype(), value.shape(), value.raw(), value.bytes());
  file.metadata[ContentHash::kKey] = hash.text();
  engine::write_safetensors(path, file);
}

Checkpoint::Checkpoint(const std::string& path)
    : path_(path),
      file_(std::make_unique<const engine::SafetensorsReader>(path)),
      step_(step_in(file_->metadata(), path)) {
  require_whole(*file_, path);
}

long load_checkpoint(const Checkpoint& checkpoint, const PretrainOptions& o,
                     const engine::Parameters& parameters, const StateTensors& state) {
  require_same_model(checkpoint.info(), o, checkpoint.path());
  read_into(checkpoint.file(), checkpoint.path(), all_entries(parameters, state));
  return checkpoint.step();
}

void load_parameters(const Checkpoint& checkpoint, const engine::Parameters& parameters,
                     const std::string& branch) {
  std::vector<Entry> entries = parameter_entries(parameters);
  for (Entry& e : entries)
    if (branch == "target" && (e.name.starts_with("encoder.") || e.name.starts_with("projection.")))
      e.name = "target." + e.name;
  read_into(checkpoint.file(), checkpoint.path(), entries);
}

void load_foreign_parameters(const std::string& path, const engine::Parameters& parameters) {
  read_into(engine::SafetensorsReader(path), path, parameter_entries(parameters));
}

std::string checkpoint_path(const std::string& run, long step) {
  char name[48];
  std::snprintf(name, sizeof name, "/checkpoints/step-%08ld.safetensors", step);
  return run + name;
}

std::vector<std::string> checkpoints(const std::string& run) {
  std::vector<std::pair<long, std::string>> found;
  std::error_code none;  // no such folder: no checkpoints
  for (const auto& entry : std::filesystem::directory_iterator(run + "/checkpoints", none)) {
    const std::string name = entry.path().filename().string(), before = "step-", after = ".safetensors";
    if (name.size() <= before.size() + after.size() || name.rfind(before, 0) != 0 ||
        name.compare(name.size() - after.size(), after.size(), after) != 0)
      continue;
    long step = 0;
    const char* end = name.data() + name.size() - after.size();
    const auto [stop, error] = std::from_chars(name.data() + before.size(), end, step);
    if (error == std::errc() && stop == end) found.emplace_back(step, entry.path().string());
  }
  std::sort(found.rbegin(), found.rend());
  std::vector<std::string> paths;
  for (auto& [step, path] : found) paths.push_back(std::move(path));
  return paths;
}

std::optional<Checkpoint> newest_checkpoint(const std::string& run) {
  for (const auto& path : checkpoints(run)) {
    try {
      return Checkpoint(path);
    } catch (const DataError& e) {
      std::fprintf(stderr, "dyad: skipped a damaged checkpoint: %s\n", e.what());
    }
  }
  return std::nullopt;
}

void keep_newest(const std::string& run, int keep, long newest) {
  const auto paths = checkpoints(run);
  const auto now = std::find(paths.begin(), paths.end(), checkpoint_path(run, newest));
  if (now == paths.end()) return;
  for (auto p = paths.begin(); p != paths.end(); ++p)
    if (p < now || p - now >= keep) std::filesystem::remove(*p);
}

Checkpoint chosen_checkpoint(const std::string& run, const std::string& given) {
  if (!given.empty()) return Checkpoint(given);
  auto newest = newest_checkpoint(run);
  if (!newest) throw UsageError(run + ": has no checkpoint yet");
  return std::move(*newest);
}

std::optional<Checkpoint> resume_from(const PretrainOptions& o) {
  if (o.resume.empty()) return std::nullopt;
  const bool newest = o.resume == "auto";
  if (!newest && !std::filesystem::exists(o.resume))
    throw UsageError("--resume " + o.resume + ": there is no such file");
  return newest ? newest_checkpoint(o.run) : Checkpoint(o.resume);
}

}  // namespace apps
