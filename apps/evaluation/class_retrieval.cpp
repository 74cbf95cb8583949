#include "apps/evaluation/class_retrieval.h"

#include <cmath>
#include <cstdio>
#include <numeric>

#include "data/files.h"

namespace apps {
namespace {

using nlohmann::ordered_json;

ordered_json shares_json(const std::vector<double>& shares) {
  ordered_json list = ordered_json::array();
  for (const double share : shares)
    list.push_back(std::isfinite(share) ? ordered_json(share) : ordered_json(nullptr));
  return list;
}

std::int64_t counted_queries(const models::RetrievalFigures& f) {
  return std::accumulate(f.queries.begin(), f.queries.end(), std::int64_t(0));
}

}  // namespace

void ClassRetrieval::add(const FeatureRow& row) {
  if (!row.wrong.empty()) return table_.add_reason(row.key, row.title, row.wrong);
  last_ = database_ == Database::others
              ? models::retrieve_others(row.asked.values, row.asked.labels, row.classes)
              : models::retrieve_classes(row.known.values, row.known.labels, row.asked.values,
                                         row.asked.labels, row.classes);
  FigureTable::Figures figures;
  for (std::size_t i = 0; i < last_.names.size(); ++i) figures.emplace_back(last_.names[i], last_.means[i]);
  table_.add(row.key, row.title, figures);
}

void ClassRetrieval::print() const {
  std::printf("retrieval: %s\n", database_ == Database::others ? "each image queries all others of its set"
                                                               : "test images query the training images");
  table_.print();
  if (last_.without_relevant > 0)
    std::printf("note: no image to find for %s, which don't count\n",
                data::counted(double(last_.without_relevant), "query image").c_str());
  if (const std::string line = table_.below_floors("mAP"); !line.empty()) std::printf("%s\n", line.c_str());
}

ordered_json ClassRetrieval::result() const {
  ordered_json j = {{"database", database_ == Database::others ? "others" : "train"},
                    {"queries", counted_queries(last_)},
                    {"without_relevant", last_.without_relevant}};
  j.update(table_.result());
  ordered_json by_class = {{"queries", last_.queries}};
  for (std::size_t i = 0; i < last_.names.size(); ++i)
    by_class[last_.names[i]] = shares_json(last_.by_class[i]);
  j["by_class"] = by_class;
  return j;
}

}  // namespace apps
