// What each command can be asked for: plain structs, filled by cli.cpp from flags and the config file.
#pragma once

#include <cstdint>
#include <string>

#include "data/dataset.h"

namespace apps {

// The flag of a field is its name with '-' for '_' (head_layers: --head-layers), and so is its key in a
// config file. A negative number or "auto" is chosen by resolve() from the others.
struct RankOptions {
  std::string device = "cpu";        // cpu | cuda | cuda:1
  int ranks = 1;                     // processes to start on this machine
  std::string collectives = "auto";  // mpi | nccl; auto: mpi on the CPU device, nccl on CUDA
  double timeout = 600;              // seconds after which a rank that does not answer is lost
};

// A pretraining's options in groups. A function takes the groups that it needs; PretrainOptions is all of
// them.
struct DataOptions {
  std::string data;                 // folder of the images
  int threads = 2;                  // of the loader; 0 loads in the training thread
  std::string bad_images = "stop";  // an image that can't be decoded: stop | skip
  std::string resident = "auto";    // the pixels of all images in the device's memory: auto | on | off
};

struct ModelOptions {
  std::string arch = "resnet18";  // resnet10 | resnet18 | resnet34 | resnet50
  std::string stem = "auto";      // cifar (3x3, no pool) | imagenet (7x7 stride 2, pool)
  double width = 1;               // factor on every channel count
  int head_layers = 2;            // of the projection head: 2 | 3
  int hidden = -1;                // width of its hidden layers; by default that of the features
  int out_dim = 128;              // of its output
  std::string dtype = "f32";      // of the activations: f32 | bf16 | f64
  std::string init_weights;       // of the encoder: a file of torchvision's names, or a checkpoint
};

struct MethodOptions {
  double tau = 0.5;  // temperature of the contrastive loss
};

struct ViewOptions {
  std::string recipe = "auto";  // cifar | imagenet
  int size = -1;                // of a view in pixels; by default 32 for CIFAR, 96 for STL-10, else 224
};

struct OptimizerOptions {
  std::string optimizer = "lars";  // lars | sgd | adamw
  std::string lars = "google";     // convention: google (SimCLR's code) | lightly (and solo-learn, apex)
  double lr = -1;                  // at the peak; by default from the optimizer and the batch
  double weight_decay = -1;        // by default from the optimizer
  double momentum = 0.9;           // of lars and sgd; adamw's beta1
};

struct ScheduleOptions {
  int batch = 256;            // pairs a step of all ranks, N in the loss
  int epochs = 100;           // used if steps is not given
  long steps = -1;            // total, of this run and those that it resumes
  double warmup_epochs = -1;  // linear warm-up, then cosine; by default 10, or a tenth of a short run
};

struct ProbeOptions {
  long probe_every = 0;     // epochs between classifications of held-out training images; 0: never
  int probe_images = 5000;  // of the training set; a fifth is held out
};

struct RunOptions {
  std::string run;           // folder that receives the results
  std::uint64_t seed = 0;    // of everything that is drawn
  long save_every = 0;       // steps between checkpoints; 0: at the end only
  int keep = 2;              // newest checkpoints that stay
  std::string resume;        // a checkpoint, or "auto": the newest whole one in `run`, if there is one
  bool graph = false;        // a step is one CUDA graph
  double bucket = 4;         // MiB of gradients summed at once while backward runs; 0: all after it
  long verify_every = 1000;  // steps between proofs that all ranks have the same parameters; 0: never
  bool dry_run = false;      // print what would be done, and stop
  bool sync = false;         // wait after each phase, so that its time is its own (always so on the CPU)
  std::string trace;         // file for what ran when, of all ranks
  std::string json;          // file for the result
};

struct PretrainOptions : DataOptions,
                         ModelOptions,
                         MethodOptions,
                         ViewOptions,
                         OptimizerOptions,
                         ScheduleOptions,
                         ProbeOptions,
                         RunOptions,
                         RankOptions {};

struct StepsOptions : PretrainOptions {
  std::string out;
};

struct EvalOptions {
  std::string data, run;
  std::string checkpoint;  // by default the newest in `run`: the last epoch, not the best
  int batch = 256;         // images a forward pass
  std::string device = "cpu";
  int threads = 2;
  std::uint64_t seed = 0;  // of the linear classifiers
  bool finetune = false;   // with 1 %, 10 % and 100 % of the labels too
  bool no_floors = false;  // leave out raw pixels and the untrained encoder
  std::string json;
};

struct KnnOptions {
  std::string data, run;
  std::string checkpoint;  // by default the newest in `run`
  int k = 200;
  double temperature = 0.1;
  int batch = 256;  // images a forward pass
  std::string device = "cpu";
  int threads = 2;
  bool no_floors = false;  // leave out raw pixels and the untrained encoder
  std::string json;
};

struct LinearOptions {
  std::string data, run;
  std::string checkpoint;
  std::string solver =
      "lbfgs";      // lbfgs (to the optimum, L2 chosen on held-out training images) | sgd (SimCLR, B.6)
  int epochs = 90;  // of sgd
  int batch = 256;  // images a step of sgd, and a forward pass
  double lr = -1;   // of sgd; by default 0.1 batch / 256
  double weight_decay = 0;  // of sgd
  std::uint64_t seed = 0;
  std::string device = "cpu";
  int threads = 2;
  bool no_floors = false;
  std::string json;
};

struct ExportOptions {
  std::string run, out;
  std::string checkpoint;              // by default the newest in `run`
  std::string format = "safetensors";  // safetensors (one file) | npy (a folder)
  std::string data;                    // if given: the features of its images instead of the encoder
  std::string split = "test";          // train | test
  int batch = 256;                     // images a forward pass
  std::string device = "cpu";
  int threads = 2;
};

struct FinetuneOptions {
  std::string data, run;
  std::string checkpoint;
  double labels = 1;    // share of the labels that is used, the same of each class
  std::string list;     // file with the images whose labels are used, instead
  bool frozen = false;  // train the last layer only (SimCLR, B.6), not all (B.5)
  bool floor = false;   // the same from fresh weights too
  int epochs = -1;      // by default 60 with up to 1 % of the labels, else 30; frozen 90
  int batch = 256;      // images a step
  double lr = -1;       // by default 0.05 batch / 256; frozen 0.1 batch / 256
  double weight_decay = 0;
  std::uint64_t seed = 0;
  std::string device = "cpu";
  int threads = 2;
  std::string json;
};

struct GradcheckOptions {
  std::string op = ".*";  // regular expression over the names of the cards
  bool list = false;      // print the names and stop
  std::string mode =
      "full";  // full (every element of the Jacobian, small shapes) | fast (directions, real shapes)
  std::string device = "cpu";
  std::string threads = "host";  // host (one thread a block) | gpu (the GPU's block sizes, on fibers)
  std::uint64_t seed = 0;
  std::string json, junit;
};

struct RacecheckOptions {
  std::string op = ".*";
  std::string source = ".";                    // dyad's folder, where the sanitizers' builds are made
  std::string detectors = "orders,asan,tsan";  // which, in this order
  std::uint64_t seed = 0;
  int jobs = 0;  // of the builds; 0: one a core
};

struct BenchStepOptions : PretrainOptions {
  BenchStepOptions() { steps = 20; }  // timed
  std::string weights;                // the whole model's, from PyTorch
  bool serve = false;                 // answer stdin, for scripts/compare_pytorch.py
  std::string csv;
};

struct BenchOpsOptions {
  std::string op = ".*";  // regular expression over the names of the cards
  std::string device = "cpu";
  std::string dtype = "f32";
  std::string threads = "host";  // on the CPU device, as for gradcheck
  int rounds = 3;                // over all rows: what disturbs one of them for seconds is not in the others
  int repeat = 7;                // timed runs of each in a round, at least
  std::string cache = "cold";    // cold: no run finds its inputs in a cache | warm
  std::string floor = "on";      // off: the machine's own speed is not measured
  std::string json = {}, csv = {}, roofline = {};
};

struct BenchCompareOptions {
  std::string before, after;  // results of bench ops --json, "A1.json,A2.json"
  int find = 15;              // the slowdown that is not to be missed, in percent
};

struct BenchTurnsOptions {
  std::string before, after;          // builds of dyad
  int find = 15;                      // as in BenchCompareOptions
  BenchOpsOptions ops{.rounds = 40};  // at most: fewer, once `find` would be found in each figure
};

struct PreviewOptions {
  std::string data;
  std::string out = "preview.png";
  int images = 8;  // rows of the grid: the image and its views
  std::string recipe = "auto";
  int size = -1;
  std::uint64_t seed = 0;
};

struct DataCheckOptions {
  std::string data;
  int threads = -1;  // that decode; by default one a core
  std::string json;
};

struct ViewsOptions {
  std::string in, out;
  int size = 32;
  std::string device = "cpu";
  std::string threads = "host";  // on the CPU device, as for gradcheck
};

struct InfoOptions {
  std::string arch = "resnet18";  // whose convolutions to list
  std::string stem = "cifar";
  double width = 1;
  int batch = 128;
  int size = 32;
  std::string dtype = "f32";
  std::string json = "";
};

struct CollectivesOptions : RankOptions {
  long min_bytes = 1 << 10, max_bytes = 64 << 20;  // of a tensor; each size is four times the one before
  std::string dtype = "f32";
  int repeat = 20;  // timed calls of each
  std::string json;
};

// Fills what was left to choose; the size of a view is by default that of the images of STL-10 or CIFAR, 224
// for image files. The result has no automatic field left, so that a config file written from it means the
// same next year.
void resolve(PretrainOptions&, data::Dataset::Kind);
// `cifar`: the data are 32-pixel CIFAR records, not image files.
void resolve(PretrainOptions&, bool cifar);

}  // namespace apps
