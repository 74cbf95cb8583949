#include "apps/evaluation/evaluation.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "apps/evaluation/class_names.h"
#include "apps/evaluation/evaluation_images.h"
#include "apps/report/report.h"
#include "apps/run/checkpoint.h"
#include "apps/run/run_directory.h"
#include "engine/error.h"
#include "models/probes/accuracy.h"
#include "models/probes/linear_probe.h"

namespace apps {
namespace {

using nlohmann::ordered_json;

// A row for each kind of features, a column for each classifier.
class Table {
 public:
  Table(const std::vector<Classifier>& classifiers, std::vector<std::int32_t> labels, int classes)
      : classifiers_(classifiers), labels_(std::move(labels)), classes_(classes) {
    std::printf("%-18s", "");
    for (const Classifier& c : classifiers_) std::printf(" %11s", c.name.c_str());
    std::printf("\n");
  }

  // key: the row's key in the result. Details and confusions of the last row are kept. judge: returns nothing
  // for a classifier that can't be used on this row.
  void row(const char* key, const char* title,
           const std::function<std::optional<Verdict>(const Classifier&)>& judge) {
    std::printf("%-18s", title);
    ordered_json& top1 = result_["top1"][key] = ordered_json::object();
    for (const Classifier& c : classifiers_) {
      if (const auto verdict = judge(c)) {
        const double right = models::accuracy(verdict->predicted, labels_);
        top1[c.name] = right;
        result_["classifiers"][c.name] = {{"meaning", c.meaning}};
        result_["classifiers"][c.name].update(verdict->details);
        result_["confusion"][c.name] = confusion(verdict->predicted, labels_, classes_);
        std::printf(" %9.2f %%", 100 * right);
      } else {
        std::printf(" %11s", "-");
      }
      std::fflush(stdout);
    }
    std::printf("\n");
  }

  const ordered_json& result() const { return result_; }

 private:
  const std::vector<Classifier>& classifiers_;
  const std::vector<std::int32_t> labels_;  // of the test set
  const int classes_;
  ordered_json result_ = {{"top1", {}}, {"classifiers", {}}, {"confusion", {}}};
};

std::vector<std::int32_t> labels_of(const data::Dataset& images) {
  std::vector<std::int32_t> labels;
  for (std::size_t i = 0; i < images.size(); ++i) labels.push_back(images.label(i));
  return labels;
}

Verdict verdict_of(const Tuned& t, const data::Dataset& test, const FeatureOptions& o) {
  const models::ImageClassifier& net = t.model->net;
  const Features asked = encoder_features(net.encoder, test, o);
  return {models::predict({net.fc.weight, net.fc.bias}, asked.values), t.details};
}

// Without --data an evaluation uses the images that the run was trained on.
Evaluation with_data_of_run(Evaluation e) {
  if (!e.data.empty()) return e;
  e.data = read_run_options(e.run).data;
  engine::require_data(std::filesystem::exists(e.data), e.data, ": is not there; the path is that of ", e.run,
                       "/config.toml, where the training has found its images: name them with --data");
  return e;
}

}  // namespace

std::vector<std::vector<int>> confusion(const std::vector<std::int32_t>& predicted,
                                        const std::vector<std::int32_t>& labels, int classes) {
  const auto n = std::size_t(classes);
  std::vector<std::vector<int>> counts(n, std::vector<int>(n));
  for (std::size_t i = 0; i < labels.size(); ++i) ++counts[std::size_t(labels[i])][std::size_t(predicted[i])];
  return counts;
}

void FrozenEncoder::check(const std::string& who) const {
  engine::require(parameters_.hash("encoder.") == hash_, who, ": the evaluation changed the encoder");
}

Subject::Subject(const Evaluation& e)
    : options(read_run_options(e.run)), trained(make_method(options, engine::parse_device(e.device))) {
  const Checkpoint file = chosen_checkpoint(e.run, e.checkpoint);
  load_parameters(file, trained->parameters);
  checkpoint = std::filesystem::path(file.path()).filename().string();
  step = file.step();
  train = training_images(e, options);
  data::require_labels(*train);
  train->decode_as(decode_options(options));
  features = {options.recipe,
              options.size,
              e.batch,
              e.threads,
              trained->parameters.device(),
              engine::parse_dtype(options.dtype)};
}

int evaluate(const Evaluation& given, const std::vector<Classifier>& classifiers, const Inspector& inspect,
             const std::string& name) {
  const auto begun = std::chrono::steady_clock::now();
  const Evaluation e = with_data_of_run(given);
  const Subject s(e);
  const FrozenEncoder frozen(s.trained->parameters);
  const auto test = test_images(e, s.options);
  data::require_labels(*test);
  test->decode_as(decode_options(s.options));
  engine::require_data(s.train->classes() == test->classes(), e.data, ": train and test have other classes");
  std::printf("%s: top-1 of %zu test images, %zu training images, %d classes\n", e.command.c_str(),
              test->size(), s.train->size(), s.classes());
  print_images(*s.train, *test);
  keep_test_split(e, s.options, *test);
  for (const Classifier& c : classifiers) std::printf("  %-12s %s\n", c.name.c_str(), c.meaning.c_str());

  const bool of_features =
      std::any_of(classifiers.begin(), classifiers.end(), [](const Classifier& c) { return !c.train; });
  Table table(classifiers, labels_of(*test), s.classes());
  const auto encoded_row = [&](const char* key, const char* title, const models::Method& method,
                               bool trained) {
    Features known, asked;
    if (of_features) {
      known = encoder_features(method.branch().encoder, *s.train, s.features);
      asked = encoder_features(method.branch().encoder, *test, s.features);
    }
    table.row(key, title, [&](const Classifier& c) -> std::optional<Verdict> {
      return c.train ? verdict_of(c.train(s, trained), *test, s.features)
                     : c.classify(known, asked.values, s.classes());
    });
    if (trained && inspect) inspect(known, asked, *s.train, *test);
  };

  if (!e.no_floors) {
    if (of_features) {
      const Features known = raw_pixels(*s.train, s.features), asked = raw_pixels(*test, s.features);
      table.row("raw", "raw pixels", [&](const Classifier& c) -> std::optional<Verdict> {
        if (c.train || !c.of_pixels) return std::nullopt;
        return c.classify(known, asked.values, s.classes());
      });
    }
    encoded_row("untrained", "untrained encoder", *make_method(s.options, s.features.device), false);
  }
  encoded_row("trained", "trained encoder", *s.trained, true);
  frozen.check(e.command);

  ordered_json result = {{"command", e.command}};
  result.update(table.result());
  result["checkpoint"] = s.checkpoint;
  result["step"] = s.step;
  result["encoder_hash"] = frozen.hash();
  result["train"] = s.train->size();
  result["test"] = test->size();
  result["classes"] = test->classes();
  result["class_names"] = readable_class_names(e.data, test->classes());
  result["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();

  const std::string file = (name.empty() ? e.command : name) + ".json";
  write_json(e.run + "/" + file, result);
  write_report(e.run);
  if (!e.json.empty()) write_json(e.json, result);
  std::printf("all figures: %s/%s; report: %s/report.html\n", e.run.c_str(), file.c_str(), e.run.c_str());
  return 0;
}

}  // namespace apps
