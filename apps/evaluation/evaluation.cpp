#include "apps/evaluation/evaluation.h"

#include <algorithm>
#include <cstdio>

#include "apps/evaluation/accuracy_table.h"
#include "apps/evaluation/classifiers.h"
#include "apps/evaluation/evaluation_images.h"
#include "apps/run/run_directory.h"
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

void print_heading(const Session& session, const std::vector<Classifier>& classifiers,
                   const std::vector<ClassifierPlan>& plans) {
  const Subject& s = session.s;
  std::printf("%s: top-1 of %zu test images, %zu training images, %d classes\n", session.e.command.c_str(),
              session.test->size(), s.train->size(), s.classes());
  print_images(*s.train, *session.test);
  session.print_notes();
  for (std::size_t i = 0; i < plans.size(); ++i)
    std::printf("  %-12s %s%s%s\n", classifiers[i].name.c_str(), plans[i].meaning.c_str(),
                plans[i].settings.empty() ? "" : ": ", plans[i].settings.c_str());
  std::fflush(stdout);
}

Verdict verdict_on(const FeatureRow& row, const Classifier& c, Session& session) {
  if (c.train) {
    const Tuned t = c.train(session.s, row.trained());
    if (!t.list.empty()) session.folder.write_lines(session.file_name(c.name + ".txt"), t.list);
    return verdict_of(t, *session.test, session.s.features);
  }
  if (!row.wrong.empty()) throw std::runtime_error(row.wrong);
  return c.classify(row.known, row.asked.values, session.s.classes());
}

void keep_pictures(const FeatureRow& row, const Inspector& inspect, Session& session) {
  try {
    for (const auto& [name, picture] : inspect(row.known, row.asked, *session.s.train, *session.test))
      session.folder.write(session.file_name(name), picture, -1);
  } catch (const std::runtime_error& e) {  // the accuracies are there, and are kept
    std::fflush(stdout);
    std::fprintf(stderr, "no pictures of the features: %s\n", engine::shown(e.what()).c_str());
  }
}

}  // namespace

std::vector<std::vector<int>> confusion(const std::vector<std::int32_t>& predicted,
                                        const std::vector<std::int32_t>& labels, int classes) {
  const auto n = std::size_t(classes);
  std::vector<std::vector<int>> counts(n, std::vector<int>(n));
  for (std::size_t i = 0; i < labels.size(); ++i) ++counts[std::size_t(labels[i])][std::size_t(predicted[i])];
  return counts;
}

int evaluate(const Evaluation& given, const std::vector<Classifier>& classifiers, const Inspector& inspect,
             const std::string& name, Measurement* also) {
  Session session(given, name.empty() ? given.command : name);
  std::vector<ClassifierPlan> plans;
  for (const Classifier& c : classifiers) plans.push_back(c.plan(*session.s.train));
  print_heading(session, classifiers, plans);
  session.folder.tell_replaced();

  AccuracyTable table(classifiers, plans, labels_of(*session.test), session.s.classes());
  const bool of_features =
      std::ranges::any_of(classifiers, [](const Classifier& c) { return !c.train; }) || also != nullptr;
  session.rows(of_features, [&](const FeatureRow& row) {
    table.row(row.key, row.title.c_str(), [&](const Classifier& c) { return verdict_on(row, c, session); });
    if (inspect && row.trained() && row.wrong.empty()) keep_pictures(row, inspect, session);
    if (also != nullptr) also->add(row);
  });
  table.print_reasons();
  std::vector<std::string> notes = session.notes;
  if (const std::string line = table.below_floors(); !line.empty()) {
    std::printf("%s\n", line.c_str());
    notes.push_back(line);
  }
  if (also != nullptr) also->print();

  ordered_json result = {{"command", session.e.command}};
  result.update(table.result());
  session.describe(result, notes);
  session.folder.write(session.file_name(name.empty() ? session.e.command : name), result);
  if (also != nullptr) {
    ordered_json other = {{"command", also->name()}};
    other.update(also->result());
    session.describe(other, session.notes);
    session.folder.write(session.file_name(also->name()), other);
    result[also->name()] = std::move(other);
  }
  if (!session.e.json.empty()) write_json(session.e.json, result);
  session.folder.write_report();
  session.folder.finish();
  const std::string failure = table.failure();
  if (!failure.empty()) throw std::runtime_error("no result could be made: " + failure);
  return 0;
}

}  // namespace apps
