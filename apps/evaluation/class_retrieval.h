// Retrieval by class: the images of the query's class should come first.
#pragma once

#include "apps/evaluation/figure_table.h"
#include "apps/evaluation/session.h"
#include "models/probes/retrieval.h"

namespace apps {

// What a query searches in.
enum class Database {
  train,   // test images query the training images
  others,  // leave-one-out: each image queries all other images of its set
};

class ClassRetrieval final : public Measurement {
 public:
  explicit ClassRetrieval(Database database) : database_(database) {}

  std::string name() const override { return "retrieval"; }
  void add(const FeatureRow&) override;
  void print() const override;
  // {"database", "queries", "without_relevant", "figures": {row: {name: share}}, "by_class": {"queries":
  // [...], name: [...]}} where by_class is of the last row that could be measured, in the order of classes
  nlohmann::ordered_json result() const override;
  std::string failure() const override { return table_.failure(); }

 private:
  const Database database_;
  FigureTable table_;
  models::RetrievalFigures last_;
};

}  // namespace apps
