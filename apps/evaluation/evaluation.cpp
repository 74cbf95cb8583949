#include "apps/evaluation/evaluation.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "apps/evaluation/accuracy_table.h"
#include "apps/evaluation/class_names.h"
#include "apps/evaluation/classifiers.h"
#include "apps/evaluation/evaluation_images.h"
#include "apps/evaluation/result_folder.h"
#include "apps/ranks/ranks.h"
#include "apps/run/checkpoint.h"
#include "apps/run/run_directory.h"
#include "engine/error.h"
#include "engine/escape.h"

namespace apps {
namespace {

using nlohmann::ordered_json;

std::vector<std::int32_t> labels_of(const data::Dataset& images) {
  std::vector<std::int32_t> labels;
  for (std::size_t i = 0; i < images.size(); ++i) labels.push_back(images.label(i));
  return labels;
}

Verdict verdict_of(const Tuned& t, const data::Dataset& test, const FeatureOptions& o) {
  const models::ImageClassifier& net = t.model->net;
  const models::Pass pass{engine::Mode::eval, engine::single()};
  const Features asked =
      features_by(test, o, [&](const engine::Tensor& images) { return net.features(images, pass); });
  require_finite(asked, test, "the trained network's");
  return linear_verdict({net.fc.weight, net.fc.bias}, asked.values, t.details);
}

// Without --data an evaluation uses the images that the run was trained on.
Evaluation with_data_of_run(Evaluation e) {
  if (!e.data.empty()) return e;
  e.data = read_run_options(e.run).data;
  engine::require_data(std::filesystem::exists(e.data), e.data, ": is not there; the path is that of ", e.run,
                       "/config.toml, where the training has found its images: name them with --data");
  return e;
}

// Of the names of the result's files: the results of both branches stay beside each other.
std::string suffix_of(const Evaluation& e) { return e.branch == "target" ? "-target" : ""; }

// What a reader of the figures must know of the data.
std::vector<std::string> notes_on(const Evaluation& e, const Subject& s, const data::Dataset& test) {
  std::vector<std::string> notes;
  if (e.branch == "target") notes.emplace_back("the encoder is that of the target network");
  if (s.features.size != s.trained_size)
    notes.push_back(engine::concat_text("images of ", s.features.size,
                                        " pixels; the encoder was trained with ", s.trained_size));
  if (s.options.split_from > 0 && s.train->held_out().empty())
    notes.push_back("these are not the images of the pretraining, whose drawn test split is left aside");
  if (s.classes() == 1) notes.push_back("there is a single class, so every prediction is right");
  if (const std::string note = unknown_classes(*s.train, test); !note.empty()) notes.push_back(note);
  return notes;
}

void print_heading(const Evaluation& e, const Subject& s, const data::Dataset& test,
                   const std::vector<Classifier>& classifiers, const std::vector<ClassifierPlan>& plans,
                   const std::vector<std::string>& notes) {
  std::printf("%s: top-1 of %zu test images, %zu training images, %d classes\n", e.command.c_str(),
              test.size(), s.train->size(), s.classes());
  print_images(*s.train, test);
  for (const std::string& note : notes) std::printf("note: %s\n", engine::shown(note).c_str());
  for (std::size_t i = 0; i < plans.size(); ++i)
    std::printf("  %-12s %s%s%s\n", classifiers[i].name.c_str(), plans[i].meaning.c_str(),
                plans[i].settings.empty() ? "" : ": ", plans[i].settings.c_str());
  std::fflush(stdout);
}

// The rows of the table.
class Rows {
 public:
  Rows(const Subject& s, const data::Dataset& test, const std::vector<Classifier>& classifiers,
       const std::vector<ClassifierPlan>& plans, ResultFolder& folder, std::string suffix)
      : s_(s),
        test_(test),
        of_features_(std::any_of(classifiers.begin(), classifiers.end(),
                                 [](const Classifier& c) { return !c.train; })),
        folder_(folder),
        suffix_(std::move(suffix)),
        table_(classifiers, plans, labels_of(test), s.classes()) {}

  void raw() {
    if (!of_features_) return;
    const Features known = raw_pixels(*s_.train, s_.features), asked = raw_pixels(test_, s_.features);
    table_.row("raw", "raw pixels",
               [&](const Classifier& c) { return c.classify(known, asked.values, s_.classes()); });
  }

  void encoded(const char* key, const char* title, const models::Method& method, bool trained,
               const Inspector& inspect) {
    Features known, asked;
    std::string wrong;  // with the features
    if (of_features_) {
      known = encoder_features(method.branch().encoder, *s_.train, s_.features);
      asked = encoder_features(method.branch().encoder, test_, s_.features);
      try {
        require_finite(known, *s_.train, "the encoder's");
        require_finite(asked, test_, "the encoder's");
      } catch (const std::runtime_error& e) {
        wrong = e.what();
      }
    }
    table_.row(key, title, [&](const Classifier& c) {
      if (c.train) return tuned(c, trained);
      if (!wrong.empty()) throw std::runtime_error(wrong);
      return c.classify(known, asked.values, s_.classes());
    });
    if (!inspect || !wrong.empty()) return;
    try {
      for (const auto& [name, picture] : inspect(known, asked, *s_.train, test_)) {
        const std::filesystem::path file = name;
        folder_.write(file.stem().string() + suffix_ + file.extension().string(), picture, -1);
      }
    } catch (const std::runtime_error& e) {  // the accuracies are there, and are kept
      std::fflush(stdout);
      std::fprintf(stderr, "no pictures of the features: %s\n", engine::shown(e.what()).c_str());
    }
  }

  const AccuracyTable& table() const { return table_; }

 private:
  Verdict tuned(const Classifier& c, bool trained) {
    const Tuned t = c.train(s_, trained);
    if (!t.list.empty()) folder_.write_lines(c.name + suffix_ + ".txt", t.list);
    return verdict_of(t, test_, s_.features);
  }

  const Subject& s_;
  const data::Dataset& test_;
  const bool of_features_;
  ResultFolder& folder_;
  const std::string suffix_;
  AccuracyTable table_;
};

}  // namespace

std::vector<std::vector<int>> confusion(const std::vector<std::int32_t>& predicted,
                                        const std::vector<std::int32_t>& labels, int classes) {
  const auto n = std::size_t(classes);
  std::vector<std::vector<int>> counts(n, std::vector<int>(n));
  for (std::size_t i = 0; i < labels.size(); ++i) ++counts[std::size_t(labels[i])][std::size_t(predicted[i])];
  return counts;
}

void FrozenEncoder::check(const std::string& who) const {
  if (parameters_.hash("encoder.") != hash_)
    throw EncoderChanged(who + ": the evaluation changed the encoder");
}

Subject::Subject(const Evaluation& e)
    : options(read_run_options(e.run)),
      trained_size(options.size),
      trained(make_method(options, engine::parse_device(e.device))) {
  require_branch(options, e.branch);
  const Checkpoint file = chosen_checkpoint(e.run, e.checkpoint);
  load_parameters(file, trained->parameters, e.branch);
  checkpoint = std::filesystem::path(file.path()).filename().string();
  step = file.step();
  if (e.size > 0) options.size = e.size;
  train = training_images(e, options);
  data::require_labels(*train);
  train->decode_as(decode_options(options));
  train = as_bad_images_say(std::move(train), e, options, e.threads);
  features = {options.recipe,
              options.size,
              e.batch,
              e.threads,
              trained->parameters.device(),
              engine::parse_dtype(options.dtype)};
}

int evaluate(const Evaluation& given, const std::vector<Classifier>& classifiers, const Inspector& inspect,
             const std::string& name) {
  require_one_process(given.command);
  const auto begun = std::chrono::steady_clock::now();
  const Evaluation e = with_data_of_run(given);
  const std::string file = (name.empty() ? e.command : name) + suffix_of(e) + ".json";
  const Subject s(e);
  ResultFolder folder(e, file);
  const FrozenEncoder frozen(s.trained->parameters);
  auto test = test_images(e, s.options);
  data::require_labels(*test);
  test->decode_as(decode_options(s.options));
  engine::require_data(s.train->classes() == test->classes(), e.data, ": train and test have other classes");
  keep_test_split(e, s.options, *test);
  test = as_bad_images_say(std::move(test), e, s.options, e.threads);
  std::vector<std::string> notes = notes_on(e, s, *test);
  std::vector<ClassifierPlan> plans;
  for (const Classifier& c : classifiers) plans.push_back(c.plan(*s.train));
  print_heading(e, s, *test, classifiers, plans, notes);
  folder.tell_replaced();

  Rows rows(s, *test, classifiers, plans, folder, suffix_of(e));
  if (!e.no_floors) {
    rows.raw();
    rows.encoded("untrained", "untrained encoder", *make_method(s.options, s.features.device), false, {});
  }
  rows.encoded("trained", e.branch == "target" ? "target encoder" : "trained encoder", *s.trained, true,
               inspect);
  rows.table().print_reasons();
  if (const std::string line = rows.table().below_floors(); !line.empty()) {
    std::printf("%s\n", line.c_str());
    notes.push_back(line);
  }
  frozen.check(e.command);

  ordered_json result = {{"command", e.command}};
  result.update(rows.table().result());
  result["checkpoint"] = s.checkpoint;
  result["branch"] = e.branch;
  result["step"] = s.step;
  result["encoder_hash"] = frozen.hash();
  result["data"] = e.data;
  if (!e.label_file.empty()) result["labels"] = e.label_file;
  result["test_images"] = test->remark().empty() ? test->title() : test->title() + "; " + test->remark();
  result["size"] = s.features.size;
  result["train"] = s.train->size();
  result["test"] = test->size();
  result["classes"] = test->classes();
  result["class_names"] = readable_class_names(e.data, test->classes());
  result["notes"] = notes;
  result["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();

  folder.write(file, result);
  if (!e.json.empty()) write_json(e.json, result);
  folder.write_report();
  folder.finish();
  const std::string failure = rows.table().failure();
  if (!failure.empty()) throw std::runtime_error("no result could be made: " + failure);
  return 0;
}

}  // namespace apps
