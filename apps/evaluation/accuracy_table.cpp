#include "apps/evaluation/accuracy_table.h"

#include <algorithm>
#include <cstdio>
#include <new>

#include "engine/error.h"
#include "engine/escape.h"
#include "models/probes/accuracy.h"

namespace apps {

AccuracyTable::AccuracyTable(const std::vector<Classifier>& classifiers,
                             const std::vector<ClassifierPlan>& plans, std::vector<std::int32_t> labels,
                             int classes)
    : classifiers_(classifiers),
      plans_(plans),
      labels_(std::move(labels)),
      classes_(classes),
      top5_(classes > 10),
      result_({{"top1", {}}, {"classifiers", {}}, {"confusion", {}}}) {
  std::printf("%-18s", top5_ ? "top-1 / top-5" : "");
  for (const Classifier& c : classifiers_) std::printf(" %*s", width(), c.name.c_str());
  std::printf("\n");
}

void AccuracyTable::make(const std::string& key, const Classifier& c, const Verdict& verdict) {
  const double right = models::accuracy(verdict.predicted, labels_);
  result_["top1"][key][c.name] = right;
  result_["classifiers"][c.name].update(verdict.details);
  result_["confusion"][c.name] = confusion(verdict.predicted, labels_, classes_);
  char text[40];
  std::snprintf(text, sizeof text, "%.2f %%", 100 * right);
  if (top5_) {
    const double near = models::accuracy_of_best(verdict.best, labels_);
    result_["top5"][key][c.name] = near;
    std::snprintf(text, sizeof text, "%.2f / %.2f %%", 100 * right, 100 * near);
  }
  std::printf(" %*s", width(), text);
  made_ = true;
}

std::string AccuracyTable::cell(const std::string& key, std::size_t number, const Judge& judge) {
  const Classifier& c = classifiers_[number];
  result_["classifiers"][c.name] = {{"meaning", plans_[number].meaning}};
  std::string reason;
  try {
    make(key, c, judge(c));
    return "";
  } catch (const engine::UsageError&) {
    throw;
  } catch (const engine::DataError&) {
    throw;
  } catch (const EncoderChanged&) {
    throw;
  } catch (const std::bad_alloc&) {
    reason = "out of memory";
  } catch (const std::exception& e) {
    reason = e.what();
  }
  result_["top1"][key][c.name] = nullptr;
  if (top5_) result_["top5"][key][c.name] = nullptr;
  result_["confusion"][c.name] = nullptr;
  result_["reasons"][key][c.name] = reason;
  result_["classifiers"][c.name]["reason"] = reason;
  std::printf(" %*s", width(), "-");
  return reason;
}

// Rows with the same reason share a line.
void AccuracyTable::give_reason(const std::string& classifier, const std::string& row,
                                const std::string& text) {
  for (Reason& r : reasons_)
    if (r.classifier == classifier && r.text == text) {
      r.rows += ", " + row;
      return;
    }
  reasons_.push_back({classifier, row, text});
}

void AccuracyTable::row(const std::string& key, const char* title, const Judge& judge) {
  std::printf("%-18s", title);
  result_["top1"][key] = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < classifiers_.size(); ++i) {
    const Classifier& c = classifiers_[i];
    const bool possible = key != "raw" || c.not_of_pixels.empty();
    if (!possible) std::printf(" %*s", width(), "-");
    const std::string reason = possible ? cell(key, i, judge) : c.not_of_pixels;
    if (!reason.empty()) give_reason(c.name, title, reason);
    std::fflush(stdout);
  }
  std::printf("\n");
}

void AccuracyTable::print_reasons() const {
  for (const Reason& r : reasons_)
    std::printf("-  %s of %s: %s\n", r.classifier.c_str(), r.rows.c_str(), engine::shown(r.text).c_str());
}

std::string AccuracyTable::below_floors() const {
  std::string names;
  const auto& rows = result_["top1"];
  for (const Classifier& c : classifiers_) {
    const auto value = [&](const char* row) {
      return rows.contains(row) && rows[row].contains(c.name) && rows[row][c.name].is_number()
                 ? rows[row][c.name].get<double>()
                 : -1;
    };
    const double trained = value("trained"), floor = std::max(value("raw"), value("untrained"));
    if (trained >= 0 && floor >= 0 && trained <= floor) names += (names.empty() ? "" : ", ") + c.name;
  }
  return names.empty() ? "" : names + ": the trained encoder is not above its floors";
}

std::string AccuracyTable::failure() const {
  if (made_ || reasons_.empty()) return "";
  const Reason& last = reasons_.back();
  return last.classifier + " of " + last.rows + ": " + last.text;
}

}  // namespace apps
