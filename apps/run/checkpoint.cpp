#include "apps/run/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <map>

#include "apps/run/file_layout.h"
#include "engine/error.h"
#include "engine/escape.h"
#include "engine/files/hash.h"
#include "engine/files/safetensors.h"
#include "engine/memory/failed_allocation.h"

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
  for (const auto& [name, value] : engine::by_parameter(state, parameters))
    entries.push_back({name, value.detach(), is_filter(parameters, name)});
  return entries;
}

// What is filled from each tensor of the file.
using Destinations = std::map<std::string, const Entry*>;

Destinations destinations(const engine::SafetensorsReader& file, const std::string& path,
                          const std::vector<Entry>& entries) {
  Destinations all;
  for (const Entry& e : entries) {
    const auto* found = file.find(e.name);
    engine::require_data(found != nullptr, path, ": has no tensor ", e.name);
    const engine::Shape shape = file_shape(e.value, e.filter);
    engine::require_data(found->shape == shape && found->dtype == e.value.dtype(), path, ": ", e.name, " is ",
                         found->dtype, " ", found->shape, ", expected ", e.value.dtype(), " ", shape);
    all[e.name] = &e;
  }
  return all;
}

void read_into(const engine::SafetensorsReader& file, const std::string& path,
               const std::vector<Entry>& entries) {
  const Destinations to = destinations(file, path, entries);
  read_whole(file, path, [&](const engine::TensorEntry& e, const std::vector<char>& bytes) {
    if (const auto found = to.find(e.name); found != to.end())
      from_file(bytes.data(), found->second->value, found->second->filter);
  });
}

}  // namespace

void read_whole(const engine::SafetensorsReader& file, const std::string& path, const TakeTensor& take) {
  const auto found = file.metadata().find(ContentHash::kKey);
  engine::require_usable(found != file.metadata().end(), path,
                         ": its metadata have no hash: expected a checkpoint that dyad has written");
  std::vector<const engine::TensorEntry*> entries;
  for (const auto& e : file.entries()) entries.push_back(&e);
  std::sort(entries.begin(), entries.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  const engine::Making making("a tensor of a checkpoint");
  ContentHash hash(file.metadata());
  std::vector<char> bytes;
  for (const auto* e : entries) {
    bytes.resize(e->end - e->begin);
    file.read(*e, bytes.data());
    hash.add(e->name, e->dtype, e->shape, bytes.data(), bytes.size());
    if (take) take(*e, bytes);
  }
  engine::require_data(hash.text() == found->second, path, ": is damaged: the hash of its contents is ",
                       hash.text(), ", expected ", found->second);
}

void save_checkpoint(const std::string& path, const PretrainOptions& o, const engine::Parameters& parameters,
                     const StateTensors& state, const Position& position, const Setting& setting) {
  const engine::Making making("a checkpoint");
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
    : path_(path), file_(std::make_unique<const engine::SafetensorsReader>(path)) {
  // The hash first: a step that can't be read may be damage. A file without one is another program's, which
  // the missing step says more plainly.
  if (!info().contains(ContentHash::kKey)) (void)step_in(info(), path);
  read_whole(*file_, path);
  step_ = step_in(info(), path);
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
  const engine::SafetensorsReader file(path);
  const std::vector<Entry> entries = parameter_entries(parameters);
  for (const auto& [name, entry] : destinations(file, path, entries)) {
    std::vector<char> bytes(entry->value.bytes());
    file.read(*file.find(name), bytes.data());
    from_file(bytes.data(), entry->value, entry->filter);
  }
}

std::string checkpoint_path(const std::string& run, long step) {
  char name[48];
  std::snprintf(name, sizeof name, "/checkpoints/step-%08ld.safetensors", step);
  return run + name;
}

namespace {

// The step in "step-00000123.safetensors"; -1 for other names.
long step_of_name(const std::string& name) {
  const std::string before = "step-", after = ".safetensors";
  if (name.size() <= before.size() + after.size() || !name.starts_with(before) || !name.ends_with(after))
    return -1;
  long step = -1;
  const char* end = name.data() + name.size() - after.size();
  const auto [stop, error] = std::from_chars(name.data() + before.size(), end, step);
  return error == std::errc() && stop == end ? step : -1;
}

}  // namespace

std::vector<std::string> checkpoints(const std::string& run) {
  std::vector<std::pair<long, std::string>> found;
  std::error_code error;
  const std::filesystem::directory_iterator folder(run + "/checkpoints", error);
  // A folder that can't be read now may have checkpoints, which a run that began anew would overwrite.
  engine::require_usable(
      !error || error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory, run,
      "/checkpoints: can't be read: ", error.message());
  for (const auto& entry : folder) {
    const long step = step_of_name(entry.path().filename().string());
    if (step >= 0) found.emplace_back(step, entry.path().string());
  }
  std::sort(found.rbegin(), found.rend());
  std::vector<std::string> paths;
  for (auto& [step, path] : found) paths.push_back(std::move(path));
  return paths;
}

std::optional<Checkpoint> newest_checkpoint(const std::string& run) {
  for (int tries = 1;; ++tries) {
    bool vanished = false;
    for (const auto& path : checkpoints(run)) {
      try {
        return Checkpoint(path);
      } catch (const engine::UnusableFile& e) {
        // a training that runs meanwhile deletes files because of --keep
        vanished = tries < 100 && !std::filesystem::exists(std::filesystem::symlink_status(path));
        if (vanished) break;
        throw engine::UnusableFile(e.what() +
                                   std::string("; nothing shows that this checkpoint is damaged, so no "
                                               "older one is taken for it: make it readable, or name "
                                               "another one"));
      } catch (const DataError& e) {
        std::fprintf(stderr, "dyad: skipped a damaged checkpoint: %s\n", engine::shown(e.what()).c_str());
      }
    }
    if (!vanished) return std::nullopt;
  }
}

void keep_newest(const std::string& run, int keep, long newest) {
  const auto paths = checkpoints(run);
  const auto now = std::find(paths.begin(), paths.end(), checkpoint_path(run, newest));
  for (auto p = now; p != paths.end(); ++p)
    if (p - now >= keep) std::filesystem::remove(*p);
}

std::vector<std::string> later_checkpoints(const std::string& run, long step) {
  std::vector<std::string> later;
  for (const std::string& path : checkpoints(run))
    if (step_of_name(std::filesystem::path(path).filename().string()) > step) later.push_back(path);
  return later;
}

std::vector<std::string> set_aside_later(const std::string& run, long step) {
  std::vector<std::string> lines;
  for (const std::string& path : later_checkpoints(run, step)) {
    std::string aside = path + ".aside";
    for (int i = 2; std::filesystem::exists(std::filesystem::symlink_status(aside)); ++i)
      aside = path + ".aside-" + std::to_string(i);
    std::filesystem::rename(path, aside);
    lines.push_back("moved aside: " + aside + ", of a later step than " + std::to_string(step));
  }
  return lines;
}

Checkpoint chosen_checkpoint(const std::string& run, const std::string& given) {
  if (!given.empty()) {
    // a name without a folder is that of one of the run's
    std::string own = run + "/checkpoints/" + given;
    if (!std::filesystem::exists(own)) own += ".safetensors";
    const bool here = given.find('/') != std::string::npos || std::filesystem::exists(given);
    return Checkpoint(!here && std::filesystem::exists(own) ? own : given);
  }
  auto newest = newest_checkpoint(run);
  if (!newest) throw UsageError(run + ": has no checkpoint yet");
  return std::move(*newest);
}

void require_checkpoint_name(const std::string& resume) {
  if (resume.empty() || resume == "auto") return;
  std::error_code error;
  if (!std::filesystem::exists(resume, error) && !error)
    throw UsageError("--resume " + resume + ": there is no such file");
  if (!std::filesystem::is_directory(resume, error)) return;
  const bool run = std::filesystem::exists(resume + "/config.toml", error);
  throw UsageError(engine::concat_text(
      "--resume ", resume, ": is a folder, expected ",
      run ? "--run " + resume + " --resume auto" : "a checkpoint",
      run ? ", which continues this run" : ", or auto, which takes the newest one of --run"));
}

std::optional<Checkpoint> resume_from(const PretrainOptions& o) {
  if (o.resume.empty()) return std::nullopt;
  if (o.resume == "auto") return newest_checkpoint(o.run);
  require_checkpoint_name(o.resume);
  Checkpoint given(o.resume);
  const auto later = later_checkpoints(o.run, given.step());
  if (!later.empty() && !o.discard_newer)
    throw UsageError(engine::concat_text(
        "--resume ", o.resume, " is of step ", given.step(), ", and ", o.run,
        " has later checkpoints, the last one ", later.front(),
        ": --resume auto continues from that, --discard-newer moves them aside and continues from here"));
  return given;
}

}  // namespace apps
