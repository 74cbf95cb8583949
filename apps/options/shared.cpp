#include "apps/options/shared.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <thread>

#include "models/backbones/resnet_depths.h"
#include "models/methods/method_options.h"

namespace apps {
namespace {

// --threads means three things; the text is here once.
template <class T>
Field threads_entry(T& value, const std::string& help) {
  return {.name = "threads", .value = &value, .help = help};
}

template <class T>
Field named_list(T& value, const std::string& help) {
  return {.name = "list", .value = &value, .help = help};
}

template <class T>
Field named_labels(T& value, const std::string& help) {
  return {.name = "labels", .value = &value, .help = help};
}

const char* kLabelFile =
    "File with lines of FILE CLASS, for image files without class folders: a map of ImageNet's validation "
    "images, "
    "val_annotations.txt, or a CSV table";

}  // namespace

Field split_entry(std::string& value, const std::vector<std::string>& choices, const std::string& help) {
  return {.name = "split", .value = &value, .help = help, .choices = choices};
}

Field split_from_entry(double& value) {
  return {
      .name = "split-from",
      .value = &value,
      .help =
          "Share of each class to draw as a test split, for CLASS/FILE without one; pretraining leaves these "
          "images out, and evaluations of the run test with them; 0: none",
      .low = 0,
      .high = 0.9};
}

Field labels_entry(double& value) {
  Field f = named_labels(value, "Share of the labels to use, the same in each class, drawn by --seed");
  f.low = 1e-6, f.high = 1;
  f.wrong = [](const std::string& word) -> std::string {
    return std::filesystem::is_regular_file(word)
               ? "is the file " + word +
                     ", expected a share of the labels; --label-file reads the classes of images"
               : "";
  };
  return f;
}

Field labels_entry(std::string& value) {
  Field f = named_labels(value, kLabelFile);
  f.wrong = [](const std::string& word) -> std::string {
    double share = 0;
    const auto end = std::from_chars(word.data(), word.data() + word.size(), share);
    return end.ec == std::errc() && end.ptr == word.data() + word.size() && !std::filesystem::exists(word)
               ? "is " + word +
                     ", expected a file with the classes of images; dyad finetune takes a share of the labels"
               : "";
  };
  return f;
}

Field label_file_entry(std::string& value) {
  return {.name = "label-file", .value = &value, .help = kLabelFile};
}

Field data_entry(std::string& value) {
  return {
      .name = "data",
      .value = &value,
      .help =
          "Folder of the images: CIFAR or STL-10 binary files, or train/CLASS/*.jpg and "
          "test/CLASS/*.jpg, or a packed data set; for pretraining also any folder of images, or a text file "
          "that lists them",
      .required = true,
      .per_machine = true};
}

Field bad_images_entry(std::string& value, const std::string& help) {
  return {.name = "bad-images", .value = &value, .help = help, .choices = {"stop", "skip"}};
}

Field run_entry(std::string& value, const std::string& help) {
  return {.name = "run",
          .value = &value,
          .help = help,
          .required = true,
          .per_machine = true,
          .made_folder = true};
}

Field checkpoint_entry(std::string& value) {
  return {.name = "checkpoint",
          .value = &value,
          .help = "Checkpoint to read instead of the newest one of the run"};
}

Field out_entry(std::string& value, const std::string& help) {
  return {.name = "out", .value = &value, .help = help, .required = true};
}

Field out_file_entry(std::string& value, const std::string& help) {
  Field f = out_entry(value, help);
  f.output = true;
  return f;
}

Field embeddings_entry(std::string& value, const std::string& help) {
  return {.name = "embeddings", .value = &value, .help = help, .required = true};
}

Field features_entry(std::string& value, const std::string& help) {
  return {.name = "features", .value = &value, .help = help};
}

Field image_size_entry(int& value, const std::string& help, int least) {
  return {.name = "size", .value = &value, .help = help, .low = double(least), .high = 1024};
}

Field recipe_entry(std::string& value) {
  return {.name = "recipe",
          .value = &value,
          .help = "Augmentation recipe of SimCLR for CIFAR or for ImageNet; auto: chosen by --size",
          .choices = {"auto", "cifar", "imagenet"}};
}

Field view_rules_entry(std::string& value) {
  return {
      .name = "view-rules",
      .value = &value,
      .help =
          "Whose definitions of the views' ops: torchvision's on 8-bit values, or TensorFlow's on f32 values "
          "with its crops, as google-research/simclr",
      .choices = {"torchvision", "tensorflow"},
      .absent = "torchvision"};
}

Field method_entry(std::string& value, const std::string& help) {
  const auto& methods = models::method_names();
  return {.name = "method", .value = &value, .help = help, .choices = {methods.begin(), methods.end()}};
}

Field arch_entry(std::string& value, const std::string& help) {
  return {.name = "arch", .value = &value, .help = help, .choices = models::resnet_names()};
}

Field stem_entry(std::string& value, const std::string& help) {
  return {.name = "stem", .value = &value, .help = help, .choices = {"cifar", "imagenet"}};
}

Field width_entry(double& value) {
  return {.name = "width",
          .value = &value,
          .help = "Factor on the encoder's channel counts",
          .low = 0.0625,
          .high = 16};
}

Field dtype_entry(std::string& value, const std::string& help) {
  return {.name = "dtype",
          .value = &value,
          .help = help,
          .choices = {"f32", "bf16", "f64"},
          .resume = Resume::reported};
}

Field recompute_entry(std::string& value) {
  return {
      .name = "recompute",
      .value = &value,
      .help =
          "What backward computes again instead of keeping it, to save memory: the results of batch norms, "
          "the inside of residual blocks, that of stages too; auto: the fastest that fits. Results "
          "keep their bits",
      .choices = {"auto", "none", "norm", "block", "stage"},
      .saved = false};
}

Field batch_entry(int& value, const std::string& help, int least) {
  return {.name = "batch", .value = &value, .help = help, .low = double(least), .high = 65536};
}

Field epochs_entry(int& value, const std::string& help) {
  return {.name = "epochs", .value = &value, .help = help, .low = 1, .high = 1e6};
}

Field steps_entry(long& value, const std::string& help) {
  return {.name = "steps", .value = &value, .help = help, .low = 1, .high = kMany};
}

Field lr_entry(double& value, const std::string& help) {
  return {.name = "lr", .value = &value, .help = help, .low = 0, .high = 1e6, .automatic = true};
}

Field weight_decay_entry(double& value, const std::string& help) {
  return {.name = "weight-decay", .value = &value, .help = help, .low = 0, .high = 10};
}

Field seed_entry(std::uint64_t& value, const std::string& help) {
  return {.name = "seed", .value = &value, .help = help};
}

Field device_entry(std::string& value) {
  return {.name = "device",
          .value = &value,
          .help = "Device to compute on: cpu, cuda or cuda:N",
          .offered = {"cpu", "cuda"}};
}

Field loader_threads_entry(int& value) {
  Field f = threads_entry(value, "Threads that load images; 0: the main thread loads them");
  f.low = 0, f.high = 256;
  f.per_machine = true;
  return f;
}

int decoder_threads(int given) {
  return given > 0 ? given : int(std::max(1U, std::thread::hardware_concurrency()));
}

Field decoder_threads_entry(int& value) {
  Field f = threads_entry(value, "Threads that decode images; auto: one per core");
  f.low = 1, f.high = 1024;
  f.automatic = true;
  return f;
}

Field kernel_threads_entry(std::string& value) {
  Field f = threads_entry(value,
                          "Threads of a block on the CPU device: one (host), or as many as on a GPU, run as "
                          "fibers (gpu)");
  f.choices = {"host", "gpu"};
  return f;
}

Field config_entry(std::string& value, const std::string& help) {
  return {.name = "config", .value = &value, .help = help};
}

Field dry_run_entry(bool& value, const std::string& help) {
  return {.name = "dry-run", .value = &value, .help = help, .saved = false};
}

Field jobs_entry(int& value, const std::string& help, int least) {
  return {.name = "jobs", .value = &value, .help = help, .low = double(least), .high = 1024};
}

Field op_entry(std::string& value) {
  return {.name = "op", .value = &value, .help = "Regular expression that the ops' names must match"};
}

Field repeat_entry(int& value, const std::string& help) {
  return {.name = "repeat", .value = &value, .help = help, .low = 1, .high = 1e6};
}

Field before_entry(std::string& value, const std::string& help) {
  return {.name = "before", .value = &value, .help = help, .required = true};
}

Field after_entry(std::string& value, const std::string& help) {
  return {.name = "after", .value = &value, .help = help, .required = true};
}

Field find_entry(int& value) {
  return {.name = "find",
          .value = &value,
          .help = "Slowdown in percent that the comparison must be able to find",
          .low = 6,
          .high = 1000};
}

Field floor_entry(std::string& value) {
  return {.name = "floor",
          .value = &value,
          .help = "Measure the machine's own speed, the floor of every op's time; this takes seconds",
          .choices = {"on", "off"}};
}

Field list_entry(std::string& value) {
  return named_list(value, "File that lists the images whose labels are used, instead of --labels");
}

Field list_entry(bool& value) { return named_list(value, "Print the ops' names and stop"); }

Field json_entry(std::string& value) {
  return {.name = "json",
          .value = &value,
          .help = "JSON file to write the result to; -: stdout, and all other text to stderr",
          .saved = false,
          .result = true};
}

Field csv_entry(std::string& value) {
  return {.name = "csv",
          .value = &value,
          .help = "CSV file to write the result to; -: stdout, and all other text to stderr",
          .saved = false,
          .result = true};
}

Field html_entry(std::string& value, const std::string& help) {
  return {.name = "html", .value = &value, .help = help, .saved = false, .result = true};
}

Field k_entry(int& value, const std::string& help) {
  return {.name = "k", .value = &value, .help = help, .low = 1, .high = 1e6};
}

}  // namespace apps
