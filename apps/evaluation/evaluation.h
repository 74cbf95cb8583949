// What `dyad eval`, `dyad knn` and `dyad linear` have in common: features of the floors and of the trained
// encoder, each computed once and handed to every classifier; the results side by side.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/evaluation/features.h"
#include "apps/evaluation/fine_tuning.h"
#include "apps/run/model.h"
#include "engine/files/hash.h"
#include "engine/optim/parameters.h"

namespace apps {

struct Evaluation : EvaluationOptions {
  std::string command;  // "eval", "knn" ...
  int batch;            // images per forward pass
  bool no_floors;
};

// What is judged: the encoder of a run. It is read once, before anything else is done: a training that goes
// on may take the file away.
struct Subject {
  explicit Subject(const Evaluation&);
  PretrainOptions options;  // of the run
  Model trained;
  std::string checkpoint;  // the file's name; by default the newest's: the last epoch, not the best
  long step;
  std::unique_ptr<data::Dataset> train;
  FeatureOptions features;
  int classes() const { return int(train->classes().size()); }
};

struct Verdict {
  std::vector<std::int32_t> predicted;  // of each test image
  nlohmann::ordered_json details = {};  // what the classifier chose
};

// A network that a classifier has trained.
struct Tuned {
  std::unique_ptr<const FineTuned> model;
  nlohmann::ordered_json details = {};  // how
};

// One column of the table. Of the test set it is given the features at most, and no labels, so that none can
// be learned from or chosen by.
struct Classifier {
  std::string name;     // "knn": the key in the result
  std::string meaning;  // "nearest neighbours (k = 200, T = 0.1)"
  std::function<Verdict(const Features& train, const engine::Tensor& test, int classes)> classify;
  // Instead of classify: trains an encoder too, from the checkpoint or from fresh weights on. It never sees
  // the test set, which is put to what it returns.
  std::function<Tuned(const Subject&, bool from_checkpoint)> train = {};
  bool of_pixels = true;  // false: its recipe is one for an encoder's features
};

// Called with the trained encoder's features and the data sets, for what else is to be made of them.
using Inspector = std::function<void(const Features& train, const Features& test,
                                     const data::Dataset& train_images, const data::Dataset& test_images)>;

// Proof that nothing has changed the weights or the running statistics of the encoder since it was made.
class FrozenEncoder {
 public:
  explicit FrozenEncoder(const engine::Parameters& parameters)
      : parameters_(parameters), hash_(parameters.hash("encoder.")) {}
  void check(const std::string& who) const;  // std::runtime_error if it was
  std::string hash() const { return engine::hash_text(hash_); }

 private:
  const engine::Parameters& parameters_;
  std::uint64_t hash_;
};

// Prints a table, writes the result to RUN/NAME.json (by default the command) and the --json file, and renews
// the report.
int evaluate(const Evaluation&, const std::vector<Classifier>&, const Inspector& = {},
             const std::string& name = "");

// counts[label][predicted]
std::vector<std::vector<int>> confusion(const std::vector<std::int32_t>& predicted,
                                        const std::vector<std::int32_t>& labels, int classes);

}  // namespace apps
