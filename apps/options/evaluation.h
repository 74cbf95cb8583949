// Commands that evaluate or export the encoder of a run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/options/fields.h"

namespace apps {

// Images of a run's evaluation or export.
struct ImageChoice {
  std::string data, run;
  int size = -1;  // of the images; below 0: that of the pretraining
  std::string split = "auto";
  std::string label_file = {};
  double split_from = 0;
  std::string bad_images = "auto";  // auto: as the pretraining did
};

// What every evaluation needs.
struct EvaluationOptions : ImageChoice {
  std::string checkpoint;
  std::string branch = "online";  // or "target"
  std::string device = "cpu";
  int threads = 2;
  std::string out, json;
};

struct EvalOptions : EvaluationOptions {
  int batch = 256;
  std::uint64_t seed = 0;
  bool finetune = false;
  bool all = false;
  bool no_floors = false;
};

struct KnnOptions : EvaluationOptions {
  int k = 200;
  double temperature = 0.1;
  int batch = 256;
  bool no_floors = false;
};

struct RetrievalOptions : EvaluationOptions {
  std::string database = "train";  // or "others"
  std::string protocol;
  int batch = 256;
  bool no_floors = false;
};

struct LinearOptions : EvaluationOptions {
  std::string solver = "lbfgs";
  int epochs = 90;
  int batch = 256;
  double lr = -1;
  double weight_decay = 0;
  std::uint64_t seed = 0;
  bool no_floors = false;
};

struct FinetuneOptions : EvaluationOptions {
  double labels = 1;
  std::string list;
  int from_head_layer = 0;
  bool frozen = false;
  bool no_floors = false;
  int epochs = -1;
  int batch = 256;
  double lr = -1;
  double weight_decay = 0;
  std::uint64_t seed = 0;
};

// The encoder as an ONNX file.
struct OnnxOptions {
  std::string features = "gap";  // outputs, separated by commas: gap, c2, c3, c4, c5
  std::string input = "nhwc-u8";
  std::string normalize = "inside";
  std::string dtype = "f32";
  int fixed_batch = 0;  // 0: any
  bool fold_batch_norm = false;
};

struct ExportOptions : ImageChoice {
  std::string out, checkpoint;
  std::string branch = "online";
  std::string format = "safetensors";
  OnnxOptions onnx = {};
  int batch = 256;
  std::string device = "cpu";
  int threads = 2;
};

// The words of --features: "gap,c4" -> gap, c4.
std::vector<std::string> feature_words(const std::string&);

struct EmbedOptions : ImageChoice {
  std::string out, checkpoint;
  std::string branch = "online";
  std::string features = "backbone";
  std::string pool = "auto";
  bool mirror = false;
  std::string dtype = "f32";
  int batch = 256;
  std::string device = "cpu";
  int threads = 2;
};

Fields fields(EmbedOptions&);
Fields fields(EvalOptions&);
Fields fields(KnnOptions&);
Fields fields(RetrievalOptions&);
Fields fields(LinearOptions&);
Fields fields(FinetuneOptions&);
Fields fields(ExportOptions&);

}  // namespace apps
