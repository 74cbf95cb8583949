// What every evaluation of features has: the encoder, the images, the rows of its table (raw pixels, the
// untrained encoder, the trained one), and the folder for its results.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/evaluation/features.h"
#include "apps/evaluation/result_folder.h"
#include "apps/run/model.h"
#include "engine/files/hash.h"
#include "engine/optim/parameters.h"

namespace apps {

struct Evaluation : EvaluationOptions {
  std::string command;  // "eval", "knn" ...
  int batch;            // images per forward pass
  bool no_floors;
};

// Which images are evaluated. Both functions open a data set.
struct ImageSource {
  using Open = std::function<std::unique_ptr<data::Dataset>(const Evaluation&, const PretrainOptions& run)>;
  Open known;  // those to learn from, or to search in; {}: none
  Open asked;  // those to test with, or to search with
  bool labelled = true;
};
ImageSource train_and_test();  // as --split, --labels and --split-from choose them

// The encoder that is evaluated. Its checkpoint is read once, before anything else, because a running
// training may delete the file.
struct Subject {
  explicit Subject(const Evaluation&, const ImageSource& = train_and_test());
  PretrainOptions options;  // of the run, with the size of the evaluation's images
  int trained_size;         // of the views
  std::unique_ptr<const models::Method> trained;
  std::string checkpoint;  // the file's name; by default the newest's: the last epoch, not the best
  long step;
  std::unique_ptr<data::Dataset> train;  // the known images; null: none
  FeatureOptions features;
  int classes() const { return int(train->classes().size()); }
};

struct EncoderChanged : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Checks that the encoder's weights and running statistics have not changed since this object was made.
class FrozenEncoder {
 public:
  explicit FrozenEncoder(const engine::Parameters& parameters)
      : parameters_(parameters), hash_(parameters.hash("encoder.")) {}
  void check(const std::string& who) const;  // EncoderChanged if they have
  std::string hash() const { return engine::hash_text(hash_); }

 private:
  const engine::Parameters& parameters_;
  std::uint64_t hash_;
};

// The features of one row of a table.
struct FeatureRow {
  std::string key, title;  // "raw", "raw pixels"
  Features known, asked;   // empty if they were not wanted
  int classes = 0;         // of the labels
  std::string wrong = {};  // why they can't be used, or ""
  bool trained() const { return key == "trained"; }
};

// Something that is measured on the features of each row, with a table and a file of its own.
class Measurement {
 public:
  virtual ~Measurement() = default;
  virtual std::string name() const = 0;     // of its file: "retrieval"
  virtual void add(const FeatureRow&) = 0;  // throws if it can't be measured
  virtual void print() const = 0;           // the table
  virtual nlohmann::ordered_json result() const = 0;
  virtual std::string failure() const = 0;  // why nothing could be measured; "" if anything was
};

class Session {
 public:
  // name: of the result's file, without .json. Everything that can be wrong with the options, the run and the
  // images is said here, before the work.
  Session(const Evaluation&, const std::string& name, const ImageSource& = train_and_test());

  // The rows, one after the other: the floors, unless --no-floors, and the trained encoder. features: whether
  // they are wanted.
  void rows(bool features, const std::function<void(const FeatureRow&)>&) const;

  void print_notes() const;
  // Adds what is known of the run, the images and the encoder. EncoderChanged if the encoder has changed.
  void describe(nlohmann::ordered_json& result, const std::vector<std::string>& notes) const;
  std::string file_name(const std::string& name) const;  // NAME.json, or NAME-target.json

  const std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
  const Evaluation e;  // with its --data
  const Subject s;
  ResultFolder folder;
  std::unique_ptr<const data::Dataset> test;  // the images asked with
  std::vector<std::string> notes;             // what a reader of the figures must know of the data

 private:
  const FrozenEncoder frozen_;
};

// Measures all rows; prints the table and writes the result as evaluate() does.
int measure(Session&, Measurement&);

}  // namespace apps
