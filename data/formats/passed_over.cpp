#include "data/formats/passed_over.h"

#include <algorithm>

#include "data/files.h"

namespace data {

namespace {
constexpr std::size_t most_examples = 3;
}

// A folder's entries come in any order, so the examples are chosen by name.
void PassedOver::keep_example(Reason& r, const std::string& name) {
  if (r.examples.size() == most_examples && name >= r.examples.back()) return;
  r.examples.insert(std::ranges::upper_bound(r.examples, name), name);
  if (r.examples.size() > most_examples) r.examples.pop_back();
}

void PassedOver::add(const std::string& reason, const std::string& name) {
  Reason& r = reasons_[reason];
  ++r.count;
  keep_example(r, name);
}

void PassedOver::add(const PassedOver& more) {
  for (const auto& [reason, of] : more.reasons_) {
    reasons_[reason].count += of.count;
    for (const std::string& name : of.examples) keep_example(reasons_[reason], name);
  }
}

std::string PassedOver::text() const {
  std::string text;
  for (const auto& [reason, r] : reasons_)
    text += (text.empty() ? "passed over: " : ", ") + with_commas(r.count) + " " + reason;
  return text;
}

std::vector<std::string> PassedOver::lines() const {
  std::vector<std::string> lines;
  for (const auto& [reason, r] : reasons_) {
    std::string& line = lines.emplace_back("passed over: " + with_commas(r.count) + " " + reason);
    for (std::size_t i = 0; i < r.examples.size(); ++i)
      line += (i == 0 ? ": " : ", ") + printable(r.examples[i]);
    if (r.count > r.examples.size()) line += " ...";
  }
  return lines;
}

}  // namespace data
