// The figures of an evaluation's table, from known predictions.
#include "apps/evaluation/accuracy_table.h"

#include <doctest/doctest.h>

using apps::AccuracyTable;
using apps::Classifier;
using apps::Verdict;

namespace {

// `right` of 20 test images of class 0 are predicted, and `near` have it among the five best.
Verdict verdict(int right, int near) {
  Verdict v{.predicted = {}, .best = {}, .details = nlohmann::ordered_json::object()};
  for (int i = 0; i < 20; ++i) {
    v.predicted.push_back(i < right ? 0 : 1);
    for (int place = 0; place < 5; ++place)
      v.best.push_back(place == 0                             ? v.predicted.back()
                       : i >= right && i < near && place == 3 ? 0
                                                              : 2 + place);
  }
  return v;
}

}  // namespace

TEST_CASE("accuracy table: top-1, and top-5 where there are more than ten classes") {
  const std::vector<Classifier> classifiers = {{.name = "knn", .plan = {}, .classify = {}}};
  const std::vector<apps::ClassifierPlan> plans = {{.meaning = "nearest neighbours"}};
  for (const int classes : {10, 11}) {
    AccuracyTable table(classifiers, plans, std::vector<std::int32_t>(20, 0), classes);
    table.row("trained", "trained encoder", [](const Classifier&) { return verdict(5, 15); });
    CHECK(table.result().at("top1").at("trained").at("knn") == 0.25);
    REQUIRE(table.result().contains("top5") == (classes > 10));
    if (classes > 10) CHECK(table.result().at("top5").at("trained").at("knn") == 0.75);
  }
}

TEST_CASE("accuracy table: the floor is the better one of raw pixels and the untrained encoder") {
  const std::vector<Classifier> classifiers = {{.name = "knn", .plan = {}, .classify = {}}};
  const std::vector<apps::ClassifierPlan> plans = {{.meaning = "nearest neighbours"}};
  const auto below = [&](int raw, int untrained, int trained) {
    AccuracyTable table(classifiers, plans, std::vector<std::int32_t>(20, 0), 10);
    const auto add = [&](const char* key, int right) {
      if (right >= 0) table.row(key, key, [right](const Classifier&) { return verdict(right, right); });
    };
    add("raw", raw), add("untrained", untrained), add("trained", trained);
    return !table.below_floors().empty();
  };
  CHECK_FALSE(below(3, 4, 5));
  CHECK(below(3, 6, 5));
  CHECK(below(6, 3, 5));
  CHECK(below(5, 3, 5));
  CHECK(below(-1, 5, 5));
  CHECK(below(5, -1, 5));
  CHECK_FALSE(below(-1, -1, 5));  // no floor was asked for
}
