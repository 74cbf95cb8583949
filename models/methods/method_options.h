// The options of the methods. The command line reads them (apps/options), and a method takes them as they
// are.
#pragma once

#include <set>
#include <string>

namespace models {

// The temperature of a contrastive loss; learned: where it begins.
struct TauOption {
  double value = 0.5;
  bool learned = false;
  static constexpr double least_learned = 0.01, most_learned = 1;  // its bounds
};

struct MethodOptions {
  std::string method = "simclr";      // one of method_names()
  TauOption tau = {};                 // temperature of a contrastive loss
  std::string negatives = "nt-xent";  // how simclr's negatives count: engine::Negatives
  double debias = -1, hardness = -1, as_many = -1, sigma = -1;
  double target_momentum = -1;  // of the target network's moving average; where it rises to 1, at the start
  long queue = 65536;           // keys of earlier batches
  int split_norm = 1;           // parts of the batch that moco2's batch norms normalize apart
  bool symmetric = false;       // whether both views are moco2's queries and keys
  int predictor_hidden = -1;    // width of the predictor's hidden layer
};

// The values of --method. Each method adds its own: AddMethod, models/methods/methods.h.
std::set<std::string>& method_names();

}  // namespace models
