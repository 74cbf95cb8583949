// What `dyad knn` and `dyad linear` have in common: features of the trained encoder and of the floors, each
// handed to a classifier; the results side by side.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/features.h"

namespace apps {

struct EvaluationOptions {
  std::string command;  // "knn", "linear": names the result in the run's folder
  std::string data, run, checkpoint, device;
  int batch, threads;
  bool no_floors;
  std::string json;
};

// The fields that the options of `knn` and `linear` share.
template <class Options>
EvaluationOptions evaluation_options(const char* command, const Options& o) {
  return {command, o.data, o.run, o.checkpoint, o.device, o.batch, o.threads, o.no_floors, o.json};
}

struct Verdict {
  std::vector<std::int32_t> predicted;  // of each test image
  nlohmann::ordered_json details = {};  // what the classifier chose
};
using Classifier = std::function<Verdict(const Features& train, const Features& test, int classes)>;

// Called with the trained encoder's features and the data sets, for what else is to be made of them.
using Inspector = std::function<void(const Features& train, const Features& test,
                                     const data::Dataset& train_images, const data::Dataset& test_images)>;

// Prints a table, writes the result to RUN/COMMAND.json and the --json file, and renews the report.
int evaluate(const EvaluationOptions&, const nlohmann::ordered_json& settings, const Classifier&,
             const Inspector& = {});

double accuracy(const std::vector<std::int32_t>& predicted, const std::vector<std::int32_t>& labels);

}  // namespace apps
