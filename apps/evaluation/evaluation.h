// The common part of `dyad eval`, `dyad knn` and `dyad linear`: the features of the floors and of the trained
// encoder are computed once and passed to every classifier; one table shows all results.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/evaluation/features.h"
#include "apps/evaluation/fine_tuning.h"
#include "apps/evaluation/session.h"

namespace apps {

struct Verdict {
  std::vector<std::int32_t> predicted;  // of each test image
  std::vector<std::int32_t> best;       // kBest classes of each (models/probes/accuracy.h), most likely first
  nlohmann::ordered_json details = {};  // what the classifier chose, such as its penalty
};

// What a classifier will do with a training set: nothing that is printed differs from what is used.
struct ClassifierPlan {
  std::string meaning;        // "nearest neighbours (k = 200, T = 0.1)"
  std::string settings = "";  // other figures, and what differs from what was asked for
};

// A network that a classifier has trained.
struct Tuned {
  std::unique_ptr<const FineTuned> model;
  nlohmann::ordered_json details = {};  // how
  std::string list = {};                // the labelled images, one a line
};

// One column of the table. A classifier never gets the test set's labels, so it can neither learn from them
// nor choose by them.
struct Classifier {
  std::string name;  // "knn": the key in the result
  std::function<ClassifierPlan(const data::Dataset& train)> plan;
  std::function<Verdict(const Features& train, const engine::Tensor& test, int classes)> classify;
  // Instead of classify: also trains an encoder, starting at the checkpoint or at fresh weights. It never
  // sees the test set; the network that it returns is tested afterwards.
  std::function<Tuned(const Subject&, bool from_checkpoint)> train = {};
  std::string not_of_pixels = "";  // why it is not used on raw pixels; "": it is
};

// Called with the trained encoder's features and the data sets, to derive other results such as pictures.
// Returns names and contents of files.
using Inspector = std::function<std::vector<std::pair<std::string, nlohmann::ordered_json>>(
    const Features& train, const Features& test, const data::Dataset& train_images,
    const data::Dataset& test_images)>;

// Prints the table, writes the result to NAME.json (by default the command's name) in the run or in --out,
// and to the --json file, and writes the run's report anew. A result that can't be made is a dash with its
// reason. std::runtime_error if none can be made. also: measured on the same features, with a table and a
// file of its own.
int evaluate(const Evaluation&, const std::vector<Classifier>&, const Inspector& = {},
             const std::string& name = "", Measurement* also = nullptr);

// counts[label][predicted]
std::vector<std::vector<int>> confusion(const std::vector<std::int32_t>& predicted,
                                        const std::vector<std::int32_t>& labels, int classes);

}  // namespace apps
