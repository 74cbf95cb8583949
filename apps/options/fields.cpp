#include "apps/options/fields.h"

#include <algorithm>
#include <cmath>

#include "engine/error.h"

namespace apps {
namespace {

const std::vector<std::string> kArchs = {"resnet10", "resnet18", "resnet34", "resnet50"};
const std::vector<std::string> kStems = {"auto", "cifar", "imagenet"};
const std::vector<std::string> kDTypes = {"f32", "bf16", "f64"};

const char* kData =
    "folder of the images: CIFAR or STL-10 binary files, or train/CLASS/*.jpg and test/CLASS/*.jpg";
const char* kDevice = "cpu, cuda or cuda:N";
const char* kThreads = "of the loader; 0: loads in the main thread";
const char* kOp = "regular expression over the names of the ops";
const char* kBlocks =
    "of the CPU device: one thread a block (host), or the GPU's block sizes on fibers (gpu)";
const char* kJson = "file that receives the result";
const char* kCsv = "file that receives the result as a table";

Field find_field(int& percent) {
  return {.name = "find",
          .value = &percent,
          .help = "slowdown in percent that is not to be missed",
          .low = 6,
          .high = 1000};
}

Fields rank_fields(RankOptions& o) {
  return {
      {.name = "device", .value = &o.device, .help = kDevice},
      {.name = "ranks",
       .value = &o.ranks,
       .help = "processes to start on this machine, which share each batch",
       .low = 1,
       .high = 1024,
       .saved = false},
      {.name = "collectives",
       .value = &o.collectives,
       .help = "of the ranks; auto: mpi on the CPU device, nccl on CUDA",
       .choices = {"auto", "mpi", "nccl"},
       .saved = false},
      {.name = "timeout",
       .value = &o.timeout,
       .help = "seconds after which a rank that does not answer is lost",
       .low = 1,
       .high = 1e6,
       .saved = false},
  };
}

// What is asked of every evaluation of a run.
template <class Options>
Fields evaluation_fields(Options& o, const Fields& own) {
  Fields all = {
      {.name = "data", .value = &o.data, .help = kData, .required = true},
      {.name = "run", .value = &o.run, .help = "folder of the pretraining", .required = true},
      {.name = "checkpoint", .value = &o.checkpoint, .help = "instead of the newest of the run"},
      {.name = "device", .value = &o.device, .help = kDevice},
      {.name = "threads", .value = &o.threads, .help = kThreads, .low = 0, .high = 256},
      {.name = "json", .value = &o.json, .help = kJson, .saved = false},
  };
  all.insert(all.begin() + 3, own.begin(), own.end());
  return all;
}

// Those of a pretraining that another command has too.
Fields pretrain_fields(PretrainOptions& o, const std::vector<std::string>& used) {
  Fields all;
  for (const Field& f : fields(o))
    if (std::find(used.begin(), used.end(), f.name) != used.end()) all.push_back(f);
  return all;
}

Field no_floors(bool& value) {
  return {.name = "no-floors", .value = &value, .help = "leave out raw pixels and the untrained encoder"};
}

}  // namespace

Fields fields(PretrainOptions& o) {
  Fields all = {
      {.name = "data", .value = &o.data, .help = kData, .required = true},
      {.name = "run", .value = &o.run, .help = "folder that receives the results", .required = true},
      {.name = "arch", .value = &o.arch, .help = "of the encoder", .choices = kArchs},
      {.name = "stem",
       .value = &o.stem,
       .help = "first layers: 3x3 (cifar) or 7x7 stride 2 and pool (imagenet); auto: by the size",
       .choices = kStems},
      {.name = "width",
       .value = &o.width,
       .help = "factor on every channel count",
       .low = 0.0625,
       .high = 16},
      {.name = "head-layers", .value = &o.head_layers, .help = "of the projection head", .low = 2, .high = 3},
      {.name = "hidden",
       .value = &o.hidden,
       .help = "width of the head's hidden layers; auto: that of the features",
       .low = 1,
       .high = 65536,
       .automatic = true},
      {.name = "out-dim", .value = &o.out_dim, .help = "of the head's output", .low = 1, .high = 65536},
      {.name = "batch", .value = &o.batch, .help = "pairs a step (N)", .low = 2, .high = 65536},
      {.name = "epochs", .value = &o.epochs, .help = "passes over the images", .low = 1, .high = 1e6},
      {.name = "steps",
       .value = &o.steps,
       .help = "in all, instead of epochs",
       .low = 1,
       .high = kMany,
       .automatic = true},
      {.name = "tau", .value = &o.tau, .help = "temperature of the loss", .low = 1e-3, .high = 100},
      {.name = "optimizer",
       .value = &o.optimizer,
       .help = "of the weights",
       .choices = {"lars", "sgd", "adamw"}},
      {.name = "lars",
       .value = &o.lars,
       .help = "convention of lars: of google's SimCLR, or of lightly, solo-learn and apex",
       .choices = {"google", "lightly"}},
      {.name = "lr",
       .value = &o.lr,
       .help = "peak learning rate; auto: lars 0.3 N/256, sgd 0.06 N/128, adamw 0.001 sqrt(N/256)",
       .low = 0,
       .high = 1e6,
       .automatic = true},
      {.name = "weight-decay",
       .value = &o.weight_decay,
       .help = "auto: lars 1e-6, sgd 5e-4, adamw 1e-4",
       .low = 0,
       .high = 10,
       .automatic = true},
      {.name = "momentum",
       .value = &o.momentum,
       .help = "of lars and sgd; beta1 of adamw",
       .low = 0,
       .high = 0.9999},
      {.name = "warmup-epochs",
       .value = &o.warmup_epochs,
       .help = "of linear warm-up; auto: 10, a tenth of a short run",
       .low = 0,
       .high = 1e6,
       .automatic = true},
      {.name = "recipe",
       .value = &o.recipe,
       .help = "of the views; auto: by the size",
       .choices = {"auto", "cifar", "imagenet"}},
      {.name = "size",
       .value = &o.size,
       .help = "of a view in pixels; auto: 32 for CIFAR, 96 for STL-10, else 224",
       .low = 8,
       .high = 1024,
       .automatic = true},
      {.name = "seed", .value = &o.seed, .help = "of everything that is drawn"},
      {.name = "dtype", .value = &o.dtype, .help = "of the activations", .choices = kDTypes},
      {.name = "threads", .value = &o.threads, .help = kThreads, .low = 0, .high = 256},
      {.name = "bad-images",
       .value = &o.bad_images,
       .help = "what becomes of an image that can't be decoded; skip: another comes in its place",
       .choices = {"stop", "skip"}},
      {.name = "resident",
       .value = &o.resident,
       .help = "keep all pixels in the device's memory; auto: CIFAR on a GPU with room for it",
       .choices = {"auto", "on", "off"}},
      {.name = "graph", .value = &o.graph, .help = "capture the step as one CUDA graph (--device cuda)"},
      {.name = "bucket",
       .value = &o.bucket,
       .help = "MiB of gradients that ranks sum at once while backward runs; 0: all after it",
       .low = 0,
       .high = 1e6,
       .saved = false},
      {.name = "verify-every",
       .value = &o.verify_every,
       .help = "steps between proofs that all ranks have the same parameters; 0: never",
       .low = 0,
       .high = kMany},
      {.name = "save-every",
       .value = &o.save_every,
       .help = "steps between checkpoints; 0: at the end only",
       .low = 0,
       .high = kMany},
      {.name = "keep", .value = &o.keep, .help = "newest checkpoints that stay", .low = 1, .high = 1e6},
      {.name = "probe-every",
       .value = &o.probe_every,
       .help = "epochs between kNN and linear probes on held-out training images; 0: never",
       .low = 0,
       .high = 1e6},
      {.name = "probe-images",
       .value = &o.probe_images,
       .help = "of the training set for those probes; a fifth is held out",
       .low = 10,
       .high = 1e9},
      {.name = "resume",
       .value = &o.resume,
       .help = "a checkpoint, or auto: the newest whole one of the run",
       .saved = false},
      {.name = "init-weights",
       .value = &o.init_weights,
       .help = "safetensors file that the encoder begins with: torchvision's names, or a checkpoint"},
      {.name = "dry-run", .value = &o.dry_run, .help = "say what would be done, and stop", .saved = false},
      {.name = "sync",
       .value = &o.sync,
       .help = "wait for the device after each phase, so that its time is its own",
       .saved = false},
      {.name = "trace",
       .value = &o.trace,
       .help = "file for what ran when, of all ranks (chrome://tracing, Perfetto)",
       .saved = false},
      {.name = "json", .value = &o.json, .help = kJson, .saved = false},
  };
  const Fields ranks = rank_fields(o);
  all.insert(all.end(), ranks.begin(), ranks.end());
  return all;
}

Fields fields(StepsOptions& o) {
  const std::vector<std::string> used = {
      "data",   "arch", "stem",      "width", "head-layers", "hidden",   "out-dim",       "batch",
      "steps",  "tau",  "optimizer", "lars",  "lr",          "momentum", "weight-decay",  "epochs",
      "recipe", "size", "seed",      "dtype", "device",      "threads",  "warmup-epochs", "init-weights"};
  Fields all = pretrain_fields(o, used);
  all.insert(all.begin(),
             {.name = "out", .value = &o.out, .help = "safetensors file to write", .required = true});
  return all;
}

Fields fields(CollectivesOptions& o) {
  Fields all = rank_fields(o);
  const Fields own = {
      {.name = "min-bytes", .value = &o.min_bytes, .help = "of the smallest tensor", .low = 8, .high = kMany},
      {.name = "max-bytes",
       .value = &o.max_bytes,
       .help = "of the largest; each is four times the one before",
       .low = 8,
       .high = kMany},
      {.name = "dtype", .value = &o.dtype, .help = "of the elements", .choices = {"f32", "f64", "bf16"}},
      {.name = "repeat", .value = &o.repeat, .help = "timed calls of each", .low = 1, .high = 1e6},
      {.name = "json", .value = &o.json, .help = kJson, .saved = false},
  };
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

Fields fields(EvalOptions& o) {
  return evaluation_fields(
      o, {{.name = "batch", .value = &o.batch, .help = "images a forward pass", .low = 1, .high = 65536},
          {.name = "seed", .value = &o.seed, .help = "of the linear classifiers"},
          {.name = "finetune",
           .value = &o.finetune,
           .help = "fine-tune with 1 %, 10 % and 100 % of the labels too, which takes long"},
          no_floors(o.no_floors)});
}

Fields fields(KnnOptions& o) {
  return evaluation_fields(
      o, {{.name = "k", .value = &o.k, .help = "neighbours that vote", .low = 1, .high = 1e6},
          {.name = "temperature",
           .value = &o.temperature,
           .help = "T: a vote weighs exp(cosine / T)",
           .low = 1e-3,
           .high = 100},
          {.name = "batch", .value = &o.batch, .help = "images a forward pass", .low = 1, .high = 65536},
          no_floors(o.no_floors)});
}

Fields fields(LinearOptions& o) {
  return evaluation_fields(
      o,
      {{.name = "solver",
        .value = &o.solver,
        .help = "lbfgs: to the optimum, with the L2 penalty chosen on held-out training images; sgd: epochs",
        .choices = {"lbfgs", "sgd"}},
       {.name = "epochs", .value = &o.epochs, .help = "of sgd", .low = 1, .high = 1e6},
       {.name = "batch",
        .value = &o.batch,
        .help = "images a step of sgd, and a forward pass",
        .low = 1,
        .high = 65536},
       {.name = "lr",
        .value = &o.lr,
        .help = "of sgd; auto: 0.1 batch / 256",
        .low = 0,
        .high = 1e6,
        .automatic = true},
       {.name = "weight-decay", .value = &o.weight_decay, .help = "of sgd", .low = 0, .high = 10},
       {.name = "seed", .value = &o.seed, .help = "of the order of the images"},
       no_floors(o.no_floors)});
}

Fields fields(FinetuneOptions& o) {
  return evaluation_fields(
      o, {{.name = "labels",
           .value = &o.labels,
           .help = "share of the labels that is used, the same of each class, drawn by the seed",
           .low = 1e-6,
           .high = 1},
          {.name = "list", .value = &o.list, .help = "file with the images whose labels are used, instead"},
          {.name = "frozen", .value = &o.frozen, .help = "train the last layer only, with random crops"},
          {.name = "floor", .value = &o.floor, .help = "train from fresh weights too, to compare"},
          {.name = "epochs",
           .value = &o.epochs,
           .help = "auto: 60 with up to 1 % of the labels, else 30; frozen 90",
           .low = 1,
           .high = 1e6,
           .automatic = true},
          {.name = "batch", .value = &o.batch, .help = "images a step", .low = 1, .high = 65536},
          {.name = "lr",
           .value = &o.lr,
           .help = "auto: 0.05 batch / 256; frozen 0.1 batch / 256",
           .low = 0,
           .high = 1e6,
           .automatic = true},
          {.name = "weight-decay", .value = &o.weight_decay, .help = "of the weights", .low = 0, .high = 10},
          {.name = "seed", .value = &o.seed, .help = "of the images, their order and their crops"}});
}

Fields fields(ExportOptions& o) {
  return {
      {.name = "run", .value = &o.run, .help = "folder of the pretraining", .required = true},
      {.name = "out",
       .value = &o.out,
       .help = "file (safetensors) or folder (npy) to write",
       .required = true},
      {.name = "checkpoint", .value = &o.checkpoint, .help = "instead of the newest of the run"},
      {.name = "format",
       .value = &o.format,
       .help = "one file, or a folder of NAME.npy",
       .choices = {"safetensors", "npy"}},
      {.name = "data",
       .value = &o.data,
       .help = "if given: the features of these images and their labels, not the encoder"},
      {.name = "split", .value = &o.split, .help = "of --data", .choices = {"train", "test"}},
      {.name = "batch", .value = &o.batch, .help = "images a forward pass", .low = 1, .high = 65536},
      {.name = "device", .value = &o.device, .help = kDevice},
      {.name = "threads", .value = &o.threads, .help = kThreads, .low = 0, .high = 256},
  };
}

Fields fields(GradcheckOptions& o) {
  return {
      {.name = "op", .value = &o.op, .help = kOp},
      {.name = "list", .value = &o.list, .help = "print the names, and stop"},
      {.name = "mode",
       .value = &o.mode,
       .help = "every element, small shapes; random directions, real ones",
       .choices = {"full", "fast"}},
      {.name = "device", .value = &o.device, .help = kDevice},
      {.name = "threads", .value = &o.threads, .help = kBlocks, .choices = {"host", "gpu"}},
      {.name = "seed", .value = &o.seed, .help = "of the inputs"},
      {.name = "json", .value = &o.json, .help = kJson, .saved = false},
      {.name = "junit",
       .value = &o.junit,
       .help = "file that receives the results as JUnit's XML",
       .saved = false},
  };
}

Fields fields(RacecheckOptions& o) {
  return {
      {.name = "op", .value = &o.op, .help = kOp},
      {.name = "source", .value = &o.source, .help = "dyad's folder, where the sanitizers' builds are made"},
      {.name = "detectors", .value = &o.detectors, .help = "which, of orders, asan, tsan and msan (clang)"},
      {.name = "seed", .value = &o.seed, .help = "of the inputs"},
      {.name = "jobs", .value = &o.jobs, .help = "of the builds; 0: one a core", .low = 0, .high = 1024},
  };
}

Fields fields(BenchStepOptions& o) {
  Fields all = pretrain_fields(
      o, {"arch",  "stem",  "width",        "head-layers", "hidden", "out-dim",   "batch",    "tau",
          "lars",  "lr",    "weight-decay", "size",        "recipe", "optimizer", "momentum", "seed",
          "dtype", "graph", "bucket",       "json",        "device", "ranks",     "timeout",  "collectives"});
  for (Field& f : all)
    if (f.name == "size") f.help = "of a view in pixels; auto: 224 for resnet50, else 32";
  const Fields own = {
      {.name = "steps", .value = &o.steps, .help = "that are timed", .low = 1, .high = kMany},
      {.name = "weights", .value = &o.weights, .help = "safetensors file with all of the model's"},
      {.name = "serve",
       .value = &o.serve,
       .help = "answer lines `go N` on stdin, on images of noise: for scripts/compare_pytorch.py"},
      {.name = "csv", .value = &o.csv, .help = kCsv, .saved = false},
  };
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

Fields fields(BenchOpsOptions& o) {
  return {
      {.name = "op", .value = &o.op, .help = kOp},
      {.name = "device", .value = &o.device, .help = kDevice},
      {.name = "dtype", .value = &o.dtype, .help = "of the activations", .choices = kDTypes},
      {.name = "threads", .value = &o.threads, .help = kBlocks, .choices = {"host", "gpu"}},
      {.name = "rounds", .value = &o.rounds, .help = "over all ops", .low = 1, .high = 1e3},
      {.name = "repeat", .value = &o.repeat, .help = "timed runs in each, at least", .low = 1, .high = 1e6},
      {.name = "json", .value = &o.json, .help = kJson, .saved = false},
      {.name = "cache",
       .value = &o.cache,
       .help = "cold: no run finds its inputs in a cache",
       .choices = {"cold", "warm"}},
      {.name = "floor",
       .value = &o.floor,
       .help = "off: the machine's own speed, which takes seconds, is not measured",
       .choices = {"on", "off"}},
      {.name = "csv", .value = &o.csv, .help = kCsv, .saved = false},
      {.name = "roofline", .value = &o.roofline, .help = "SVG file for a chart", .saved = false},
  };
}

Fields fields(BenchCompareOptions& o) {
  return {
      {.name = "before",
       .value = &o.before,
       .help = "results of bench ops --json: FILE,FILE",
       .required = true},
      {.name = "after", .value = &o.after, .help = "others, of the same device", .required = true},
      find_field(o.find),
  };
}

Fields fields(BenchTurnsOptions& o) {
  Fields all = {
      {.name = "before", .value = &o.before, .help = "program, another build of dyad", .required = true},
      {.name = "after", .value = &o.after, .help = "program that is held against it", .required = true},
      find_field(o.find),
  };
  for (Field& f : fields(o.ops)) {
    if (f.name == "rounds") f.help = "over all ops, at most: until a slowdown of --find would be found";
    if (f.saved && f.name != "floor") all.push_back(f);
  }
  return all;
}

Fields fields(PreviewOptions& o) {
  return {
      {.name = "data", .value = &o.data, .help = kData, .required = true},
      {.name = "out", .value = &o.out, .help = "PNG file that receives the grid"},
      {.name = "images", .value = &o.images, .help = "rows of the grid", .low = 1, .high = 256},
      {.name = "recipe",
       .value = &o.recipe,
       .help = "of the views; auto: by the size",
       .choices = {"auto", "cifar", "imagenet"}},
      {.name = "size",
       .value = &o.size,
       .help = "of a view in pixels; auto: 32 for CIFAR, 96 for STL-10, else 224",
       .low = 8,
       .high = 1024,
       .automatic = true},
      {.name = "seed", .value = &o.seed, .help = "of the images and their views"},
  };
}

Fields fields(DataCheckOptions& o) {
  return {
      {.name = "data", .value = &o.data, .help = kData, .required = true},
      {.name = "threads",
       .value = &o.threads,
       .help = "that decode; auto: one a core",
       .low = 1,
       .high = 1024,
       .automatic = true},
      {.name = "json", .value = &o.json, .help = kJson, .saved = false},
  };
}

Fields fields(ViewsOptions& o) {
  return {
      {.name = "in",
       .value = &o.in,
       .help = "safetensors file with pixels, U8 (bytes), and views, U8 (N,72): kernels/augment/view.h",
       .required = true},
      {.name = "out", .value = &o.out, .help = "file for levels, U8 (N,size,size,3)", .required = true},
      {.name = "size", .value = &o.size, .help = "of a view in pixels", .low = 1, .high = 1024},
      {.name = "device", .value = &o.device, .help = kDevice},
      {.name = "threads", .value = &o.threads, .help = kBlocks, .choices = {"host", "gpu"}},
  };
}

Fields fields(InfoOptions& o) {
  return {
      {.name = "arch", .value = &o.arch, .help = "whose convolutions to list", .choices = kArchs},
      {.name = "stem", .value = &o.stem, .help = "of it", .choices = {"cifar", "imagenet"}},
      {.name = "width",
       .value = &o.width,
       .help = "factor on every channel count",
       .low = 0.0625,
       .high = 16},
      {.name = "batch", .value = &o.batch, .help = "images", .low = 1, .high = 65536},
      {.name = "size", .value = &o.size, .help = "of an image in pixels", .low = 8, .high = 1024},
      {.name = "dtype", .value = &o.dtype, .help = "of the activations", .choices = kDTypes},
      {.name = "json", .value = &o.json, .help = kJson, .saved = false},
  };
}

void resolve(PretrainOptions& o, data::Dataset::Kind kind) {
  using Kind = data::Dataset::Kind;
  if (o.size < 0 && kind == Kind::stl10) o.size = 96;
  resolve(o, kind == Kind::cifar10 || kind == Kind::cifar100);
}

void resolve(PretrainOptions& o, bool cifar) {
  if (o.graph && o.device == "cpu")
    throw engine::UsageError("--graph: the CPU device has no graphs, expected --device cuda");
  if (o.size < 0) o.size = cifar ? 32 : 224;
  const bool small = o.size <= 64;
  if (o.stem == "auto") o.stem = small ? "cifar" : "imagenet";
  if (o.recipe == "auto") o.recipe = small ? "cifar" : "imagenet";
  // lars: SimCLR; sgd: what lightly trains CIFAR with; adamw: square root, as its second moment scales so
  if (o.lr < 0)
    o.lr = o.optimizer == "lars"  ? 0.3 * o.batch / 256
           : o.optimizer == "sgd" ? 0.06 * o.batch / 128
                                  : 1e-3 * std::sqrt(o.batch / 256.0);
  if (o.weight_decay < 0) o.weight_decay = o.optimizer == "lars" ? 1e-6 : o.optimizer == "sgd" ? 5e-4 : 1e-4;
  if (o.warmup_epochs < 0 && o.steps < 0) o.warmup_epochs = std::min(10.0, 0.1 * o.epochs);  // else: see Plan
}

}  // namespace apps
