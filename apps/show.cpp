// dyad show: what a run or a checkpoint holds.
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "apps/cli/commands.h"
#include "apps/comparison/run_record.h"
#include "apps/run/checkpoint.h"
#include "apps/run/run_directory.h"
#include "apps/run/run_state.h"
#include "data/files.h"
#include "engine/error.h"
#include "engine/escape.h"
#include "models/methods/methods.h"

namespace apps {
namespace {

using engine::concat_text;
using nlohmann::ordered_json;

void show_line(const char* name, const std::string& text) {
  if (!text.empty()) std::printf("  %-11s %s\n", name, engine::shown(text).c_str());
}

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f %%", 100 * share);
  return text;
}

bool is_running_statistic(const std::string& name) {
  return name.ends_with(".running_mean") || name.ends_with(".running_var") ||
         name.ends_with(".num_batches_tracked");
}

// The trained values of the encoder.
std::int64_t encoder_parameters(const Checkpoint& c) {
  std::int64_t count = 0;
  for (const engine::TensorEntry& e : c.file().entries())
    if (e.name.starts_with("encoder.") && !is_running_statistic(e.name)) count += e.shape.numel();
  return count;
}

// What can be said of a checkpoint, whose hash has been checked.
ordered_json about_checkpoint(const Checkpoint& c) {
  const PretrainOptions o = options_in(c.info(), {});
  const models::MethodDescription method = models::describe_method(o, o.batch);
  const auto said = [&](const char* key) {
    const auto found = c.info().find(key);
    return found == c.info().end() ? "" : engine::restored(found->second);
  };
  ordered_json tensors = ordered_json::array();
  for (const engine::TensorEntry& e : c.file().entries()) {
    ordered_json shape = ordered_json::array();
    for (int i = 0; i < e.shape.rank(); ++i) shape.push_back(e.shape[i]);
    tensors.push_back({{"name", e.name}, {"dtype", concat_text(e.dtype)}, {"shape", shape}});
  }
  ordered_json options;
  for (const auto& [name, value] : c.info()) options[name] = engine::restored(value);
  return {
      {"file", c.path()},
      {"bytes", std::filesystem::file_size(c.path())},
      {"hash", said("hash")},
      {"step", c.step()},
      {"method", method.title + ", " + method.loss + (method.settings.empty() ? "" : ", " + method.settings)},
      {"encoder", concat_text(o.arch, " x ", o.width, ", ", o.stem, " stem, ", o.dtype, "; ",
                              data::counted(double(encoder_parameters(c)), "parameter"))},
      {"images", said("data-set")},
      {"options", options},
      {"tensors", tensors}};
}

void print_checkpoint(const ordered_json& about, const std::string& file) {
  show_line("checkpoint", concat_text(file, ": step ", about.at("step").get<long>(), ", ",
                                      data::counted(about.at("bytes").get<double>(), "byte"),
                                      ", undamaged, hash ", about.at("hash").get<std::string>()));
}

void print_model(const ordered_json& about) {
  for (const char* name : {"method", "encoder", "images"}) show_line(name, about.at(name).get<std::string>());
}

void print_tensors(const ordered_json& about) {
  std::size_t longest = 0;
  for (const ordered_json& t : about.at("tensors"))
    longest = std::max(longest, t.at("name").get<std::string>().size());
  for (const ordered_json& t : about.at("tensors")) {
    std::string shape;
    for (const std::int64_t n : t.at("shape")) shape += (shape.empty() ? "" : ",") + std::to_string(n);
    std::printf("  %-*s  %-4s (%s)\n", int(longest), engine::shown(t.at("name").get<std::string>()).c_str(),
                t.at("dtype").get<std::string>().c_str(), shape.c_str());
  }
}

ordered_json show_file(const std::string& path) {
  const ordered_json about = about_checkpoint(Checkpoint(path));
  std::printf("%s\n", engine::shown(path).c_str());
  print_model(about);
  print_checkpoint(about, std::filesystem::path(path).filename());
  return {{"checkpoint", about}};
}

ordered_json show_run(const std::string& run) {
  const RunRecord record = read_run(run);
  const std::optional<RunState> state = read_state(run);
  const std::optional<Checkpoint> newest = newest_checkpoint(run);
  const std::size_t count = checkpoints(run).size();
  std::printf("%s\n", engine::shown(run).c_str());
  ordered_json result = {{"run", run}};
  if (newest) {
    result["checkpoint"] = about_checkpoint(*newest);
    print_model(result.at("checkpoint"));
  }
  if (state) {
    result["state"] = state_json(*state);
    show_line("progress", state_text(*state));
  }
  if (record.loss) {
    result["loss"] = *record.loss;
    show_line("loss", concat_text(*record.loss, " at the last step"));
  }
  std::string accuracy;
  for (const auto& [name, share] : {std::pair{"kNN", record.knn}, std::pair{"linear", record.linear}}) {
    if (!share) continue;
    result["accuracy"][name] = *share;
    accuracy += concat_text(accuracy.empty() ? "" : ", ", name, " ", percent(*share));
  }
  show_line("accuracy", accuracy);
  if (newest)
    print_checkpoint(result.at("checkpoint"), newest->path().substr(run.size() + 1));
  else
    show_line("checkpoint", "none");
  if (count > 1) show_line("", concat_text("and ", data::counted(double(count - 1), "older one")));
  for (const std::string& problem : record.problems) show_line("note", problem);
  if (!record.problems.empty()) result["problems"] = record.problems;
  return result;
}

}  // namespace

int show(const ShowOptions& o) {
  if (o.what.size() != 1)
    throw engine::UsageError("expected one run or checkpoint: dyad show RUN|CHECKPOINT");
  std::string what = o.what.front();
  while (what.size() > 1 && what.ends_with('/')) what.pop_back();
  std::error_code none;
  engine::require_data(std::filesystem::exists(what, none), what,
                       ": is not there, expected a run or a checkpoint");
  const ordered_json result = std::filesystem::is_directory(what, none) ? show_run(what) : show_file(what);
  if (o.tensors && result.contains("checkpoint")) print_tensors(result.at("checkpoint"));
  if (!o.json.empty()) write_json(o.json, result, 1);
  return 0;
}

}  // namespace apps
