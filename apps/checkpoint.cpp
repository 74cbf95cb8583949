#include "apps/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>

#include "apps/fields.h"
#include "apps/file_layout.h"
#include "engine/error.h"
#include "engine/safetensors.h"

namespace apps {
namespace {

using engine::DataError;
using engine::Tensor;
using engine::UsageError;

// What a model is made of; a checkpoint of another one does not fit.
const std::vector<std::string> kModel = {"arch", "stem", "width", "head-layers", "hidden", "out-dim"};
// What may be another on resuming, though the result then differs from a run that never stopped.
const std::vector<std::string> kTraining = {
    "dtype", "optimizer",    "lars",     "batch",         "recipe", "size",   "tau",
    "lr",    "weight-decay", "momentum", "warmup-epochs", "seed",   "epochs", "steps"};

CheckpointInfo describe(PretrainOptions o, long step) {
  CheckpointInfo info = {{"format", "pt"}, {"step", std::to_string(step)}};
  for (const auto& f : fields(o))
    for (const auto* names : {&kModel, &kTraining})
      if (std::find(names->begin(), names->end(), f.name) != names->end()) info[f.name] = text_of(f);
  return info;
}

std::string differences(const CheckpointInfo& file, const PretrainOptions& o,
                        const std::vector<std::string>& names) {
  const CheckpointInfo now = describe(o, 0);
  std::string text;
  for (const auto& name : names) {
    const auto found = file.find(name);
    if (found != file.end() && found->second == now.at(name)) continue;
    text += (text.empty() ? "" : ", ") + name + " " + (found == file.end() ? "unknown" : found->second) +
            " -> " + now.at(name);
  }
  return text;
}

// One tensor as it is in the file.
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

// A state that is as long as the flat buffer of the weights is saved weight by weight, without the padding.
std::vector<Entry> all_entries(const engine::Parameters& parameters, const StateTensors& state) {
  std::vector<Entry> entries = parameter_entries(parameters);
  for (const auto& [name, value] : state) {
    if (value.shape() != parameters.values().shape()) {
      entries.push_back({name, value});
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

long step_of(const CheckpointInfo& info, const std::string& path) {
  const auto found = info.find("step");
  long step = -1;
  if (found != info.end())
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), step);
  engine::require_data(step >= 0, path,
                       ": its metadata have no step: expected a checkpoint that dyad has written");
  return step;
}

}  // namespace

void save_checkpoint(const std::string& path, const PretrainOptions& o, const engine::Parameters& parameters,
                     const StateTensors& state, long step) {
  engine::TensorFile file;
  file.metadata = describe(o, step);
  for (const Entry& e : all_entries(parameters, state))
    file.tensors.emplace_back(e.name, to_file(e.value, e.filter));
  engine::write_safetensors(path, file);
}

CheckpointInfo checkpoint_info(const std::string& path) { return engine::SafetensorsReader(path).metadata(); }

long load_checkpoint(const std::string& path, const PretrainOptions& o, const engine::Parameters& parameters,
                     const StateTensors& state) {
  const engine::SafetensorsReader file(path);
  const long step = step_of(file.metadata(), path);
  const std::string other = differences(file.metadata(), o, kModel);
  if (!other.empty()) throw UsageError(path + " is of another model: " + other);
  read_into(file, path, all_entries(parameters, state));
  return step;
}

void load_parameters(const std::string& path, const engine::Parameters& parameters) {
  read_into(engine::SafetensorsReader(path), path, parameter_entries(parameters));
}

std::string resume_differences(const CheckpointInfo& info, const PretrainOptions& o) {
  return differences(info, o, kTraining);
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

std::optional<std::string> newest_checkpoint(const std::string& run) {
  for (const auto& path : checkpoints(run)) {
    try {
      step_of(checkpoint_info(path), path);
      return path;
    } catch (const DataError& e) {
      std::fprintf(stderr, "dyad: passed over a damaged checkpoint: %s\n", e.what());
    }
  }
  return std::nullopt;
}

void keep_newest(const std::string& run, int keep) {
  const auto paths = checkpoints(run);
  for (std::size_t i = std::size_t(keep); i < paths.size(); ++i) std::filesystem::remove(paths[i]);
}

std::optional<std::string> resume_from(const PretrainOptions& o) {
  if (o.resume.empty()) return std::nullopt;
  const auto path = o.resume == "auto" ? newest_checkpoint(o.run) : o.resume;
  if (!path) return std::nullopt;
  if (!std::filesystem::exists(*path)) throw UsageError("--resume " + *path + ": there is no such file");
  const CheckpointInfo info = checkpoint_info(*path);
  step_of(info, *path);  // refuses what is no checkpoint, before its options are compared
  const std::string changed = resume_differences(info, o);
  if (!changed.empty()) std::fprintf(stderr, "dyad: resuming with other options: %s\n", changed.c_str());
  return path;
}

}  // namespace apps
