#include "apps/evaluation/figure_table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "engine/escape.h"

namespace apps {

using nlohmann::ordered_json;

void FigureTable::add(const std::string& key, const std::string& title, const Figures& figures) {
  columns_.push_back({key, title, "", figures});
}

void FigureTable::add_reason(const std::string& key, const std::string& title, const std::string& why_none) {
  columns_.push_back({key, title, why_none, {}});
}

void FigureTable::print() const {
  const auto full = std::ranges::find_if(columns_, [](const Column& c) { return !c.figures.empty(); });
  std::size_t longest = 0;
  for (std::size_t i = 0; full != columns_.end() && i < full->figures.size(); ++i)
    longest = std::max(longest, full->figures[i].first.size());
  std::printf("%-*s", int(longest), "");
  for (const Column& c : columns_) std::printf("  %s", c.title.c_str());
  std::printf("\n");
  for (std::size_t i = 0; full != columns_.end() && i < full->figures.size(); ++i) {
    std::printf("%-*s", int(longest), full->figures[i].first.c_str());
    for (const Column& c : columns_) {
      const double share = c.figures.empty() ? std::nan("") : c.figures[i].second;
      char text[32] = "-";
      if (std::isfinite(share)) std::snprintf(text, sizeof text, "%.2f %%", 100 * share);
      std::printf("  %*s", int(c.title.size()), text);
    }
    std::printf("\n");
  }
  for (const Column& c : columns_)
    if (!c.reason.empty()) std::printf("-  %s: %s\n", c.title.c_str(), engine::shown(c.reason).c_str());
}

ordered_json FigureTable::result() const {
  ordered_json figures, reasons;
  for (const Column& c : columns_) {
    figures[c.key] = ordered_json::object();
    for (const auto& [name, share] : c.figures)
      figures[c.key][name] = std::isfinite(share) ? ordered_json(share) : ordered_json(nullptr);
    if (!c.reason.empty()) reasons[c.key] = c.reason;
  }
  ordered_json all = {{"figures", figures}};
  if (!reasons.is_null()) all["reasons"] = reasons;
  return all;
}

std::string FigureTable::failure() const {
  for (const Column& c : columns_)
    for (const auto& [name, share] : c.figures)
      if (std::isfinite(share)) return "";
  if (columns_.empty()) return "";
  const Column& last = columns_.back();
  return last.title + ": " + (last.reason.empty() ? "no query has a relevant image" : last.reason);
}

std::string FigureTable::below_floors(const std::string& figure) const {
  double trained = -1, floor = -1;
  for (const Column& c : columns_)
    for (const auto& [name, share] : c.figures)
      if (name == figure && std::isfinite(share))
        (c.key == "trained" ? trained : floor) = std::max(c.key == "trained" ? trained : floor, share);
  return trained >= 0 && floor >= 0 && trained <= floor
             ? figure + ": the trained encoder is not above its floors"
             : "";
}

}  // namespace apps
