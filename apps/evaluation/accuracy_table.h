// The table of an evaluation: a row for each kind of features, a column for each classifier.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/evaluation/evaluation.h"

namespace apps {

// Prints each result as soon as it is there, and collects the results for JSON: "top1" (and "top5" where
// there are more than ten classes) by row and classifier, null where a result could not be made, "reasons"
// for these, and "classifiers" and "confusion" of the last row.
class AccuracyTable {
 public:
  // plans: of each classifier. The labels are those of the test set.
  AccuracyTable(const std::vector<Classifier>&, const std::vector<ClassifierPlan>& plans,
                std::vector<std::int32_t> labels, int classes);

  // key: the row's key in the result. judge may throw: its message is the reason why there is no result. A
  // mistake of the user, bad data and a changed encoder are not reasons, but end the evaluation.
  using Judge = std::function<Verdict(const Classifier&)>;
  void row(const std::string& key, const char* title, const Judge& judge);

  void print_reasons() const;  // below the table
  // A line that names the classifiers that are not above their floors, or "".
  std::string below_floors() const;
  std::string failure() const;  // why nothing could be made; "" if anything was
  const nlohmann::ordered_json& result() const { return result_; }

 private:
  // of the classifier with this number; returns why it is empty
  std::string cell(const std::string& key, std::size_t number, const Judge&);
  void make(const std::string& key, const Classifier&, const Verdict&);
  int width() const { return top5_ ? 17 : 11; }

  const std::vector<Classifier>& classifiers_;
  const std::vector<ClassifierPlan>& plans_;
  const std::vector<std::int32_t> labels_;
  const int classes_;
  const bool top5_;
  bool made_ = false;
  struct Reason {
    std::string classifier, rows, text;
  };
  std::vector<Reason> reasons_;
  void give_reason(const std::string& classifier, const std::string& row, const std::string& text);
  nlohmann::ordered_json result_;
};

}  // namespace apps
