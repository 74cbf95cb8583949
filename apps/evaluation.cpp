#include "apps/evaluation.h"

#include <chrono>
#include <cstdio>
#include <filesystem>

#include "apps/checkpoint.h"
#include "apps/model.h"
#include "apps/report.h"
#include "apps/run_directory.h"
#include "engine/error.h"

namespace apps {
namespace {

using nlohmann::ordered_json;

ordered_json confusion(const std::vector<std::int32_t>& predicted, const std::vector<std::int32_t>& labels,
                       std::size_t classes) {
  std::vector<std::vector<int>> counts(classes, std::vector<int>(classes));
  for (std::size_t i = 0; i < labels.size(); ++i) ++counts[std::size_t(labels[i])][std::size_t(predicted[i])];
  return counts;
}

std::string hex(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace

double accuracy(const std::vector<std::int32_t>& predicted, const std::vector<std::int32_t>& labels) {
  engine::require(predicted.size() == labels.size() && !labels.empty(), "accuracy: ", predicted.size(),
                  " predictions for ", labels.size(), " labels");
  std::size_t right = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) right += predicted[i] == labels[i];
  return double(right) / double(labels.size());
}

int evaluate(const EvaluationOptions& e, const ordered_json& settings, const Classifier& classify,
             const Inspector& inspect) {
  const auto begun = std::chrono::steady_clock::now();
  const PretrainOptions o = read_run_options(e.run);
  const auto checkpoint = e.checkpoint.empty() ? newest_checkpoint(e.run) : e.checkpoint;
  if (!checkpoint) throw engine::UsageError(e.run + ": has no checkpoint yet");
  const auto train_images = data::open_dataset(e.data, data::Split::train),
             test_images = data::open_dataset(e.data, data::Split::test);
  engine::require_data(train_images->classes() == test_images->classes(), e.data,
                       ": train and test have other classes");
  const int classes = int(test_images->classes().size());
  const engine::Device device = engine::parse_device(e.device);
  const FeatureOptions f{o.recipe, o.size, e.batch, e.threads, device, engine::parse_dtype(o.dtype)};

  const Model model(o, device);
  ordered_json result = {{"command", e.command}};
  const auto judge = [&](const char* name, const Features& train, const Features& test) {
    const Verdict v = classify(train, test, classes);
    const double right = accuracy(v.predicted, test.labels);
    std::printf("  %-18s %6.2f %%\n", name, 100 * right);
    std::fflush(stdout);
    return std::pair(right, v);
  };
  const auto encoded = [&](const char* name, bool look) {
    const Features train = encoder_features(model.net.encoder, *train_images, f);
    const Features test = encoder_features(model.net.encoder, *test_images, f);
    if (look && inspect) inspect(train, test, *train_images, *test_images);
    return judge(name, train, test);
  };

  std::printf("%s: top-1 of %zu test images, from %zu labelled images, %d classes\n", e.command.c_str(),
              test_images->size(), train_images->size(), classes);
  ordered_json floors = ordered_json::object();
  if (!e.no_floors) {  // first: the model still has the weights that its seed drew
    floors["raw"] = judge("raw pixels", raw_pixels(*train_images, f), raw_pixels(*test_images, f)).first;
    floors["untrained"] = encoded("untrained encoder", false).first;
  }
  load_parameters(*checkpoint, model.parameters);
  const std::uint64_t before = model.parameters.hash("encoder.");
  const auto [right, verdict] = encoded("trained encoder", true);
  engine::require(model.parameters.hash("encoder.") == before, e.command,
                  ": the evaluation changed the encoder");

  result["accuracy"] = right;
  if (!e.no_floors) result["floors"] = floors;
  result.update(settings);
  result.update(verdict.details);
  result["checkpoint"] = std::filesystem::path(*checkpoint).filename().string();
  result["step"] = checkpoint_info(*checkpoint).at("step");
  result["encoder_hash"] = hex(before);
  result["train"] = train_images->size();
  result["test"] = test_images->size();
  result["classes"] = test_images->classes();
  std::vector<std::int32_t> labels;
  for (std::size_t i = 0; i < test_images->size(); ++i) labels.push_back(test_images->label(i));
  result["confusion"] = confusion(verdict.predicted, labels, std::size_t(classes));
  result["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();

  const std::string text = result.dump(1) + "\n";
  write_text(e.run + "/" + e.command + ".json", text);
  if (!e.json.empty()) write_text(e.json, text);
  write_report(e.run);
  std::printf("%s/report.html shows it\n", e.run.c_str());
  return 0;
}

}  // namespace apps
