#include "apps/options/evaluation.h"

#include <set>

#include "apps/options/shared.h"

namespace apps {
namespace {

Field finished_run(std::string& value) { return run_entry(value, "Folder of the pretraining run"); }

Field images_size_entry(int& value) {
  Field f = image_size_entry(value, "Side of an image in pixels; auto: that of the pretraining");
  f.automatic = true;
  return f;
}

Field evaluated_bad_images_entry(std::string& value) {
  Field f =
      bad_images_entry(value,
                       "What to do about images that can't be decoded: stop, or leave them out (they are "
                       "looked for first); auto: as the pretraining did");
  f.choices.insert(f.choices.begin(), "auto");
  return f;
}

Field branch_entry(std::string& value) {
  return {.name = "branch",
          .value = &value,
          .help =
              "Whose encoder: that of the trained network, or that of the method's target network (moco2, "
              "moco3, byol)",
          .choices = {"online", "target"}};
}

// A command's own options under a heading, among those of every evaluation. labels: the entry of the label
// file.
Fields evaluation_fields(EvaluationOptions& o, const std::string& heading, const Fields& own,
                         const Field& labels) {
  Field data = data_entry(o.data);
  data.help += "; default: that of the run";
  data.required = false;
  Field out = out_entry(o.out, "Folder to write the results to, instead of the run's");
  out.required = false;
  return joined(
      {group("Data and run",
             {data, finished_run(o.run), checkpoint_entry(o.checkpoint), branch_entry(o.branch),
              split_entry(o.split, {"auto", "val", "test"},
                          "Images to test with; auto: test/, or val/ if there is no labelled test/"),
              labels, split_from_entry(o.split_from), evaluated_bad_images_entry(o.bad_images),
              images_size_entry(o.size)}),
       group(heading, own), group("Machine", {device_entry(o.device), loader_threads_entry(o.threads)}),
       group("Result", {out, json_entry(o.json)})});
}

Field no_floors_entry(bool& value) {
  return {.name = "no-floors",
          .value = &value,
          .help = "Leave out the floors: raw pixels and the untrained encoder"};
}

const char* kForwardBatch = "Images per forward pass";

std::string wrong_feature_words(const std::string& text) {
  const std::vector<std::string> words = feature_words(text);
  std::set<std::string> seen;
  for (const std::string& w : words)
    if (!std::set<std::string>{"gap", "c2", "c3", "c4", "c5"}.contains(w) || !seen.insert(w).second)
      return "is \"" + text + "\", expected some of gap, c2, c3, c4 and c5, separated by commas, each once";
  return "";
}

Fields onnx_fields(OnnxOptions& o) {
  Field dtype = dtype_entry(o.dtype,
                            "Type of the weights and of the computation, except for normalization and the "
                            "final mean; inputs and outputs are f32 in both");
  dtype.choices = {"f32", "f16"};
  Field outputs = features_entry(
      o.features,
      "Outputs, separated by commas: gap, the encoder's features; c2 to c5, the maps of its four stages");
  outputs.offered = {"gap", "c2,c3,c4,c5"};
  outputs.wrong = wrong_feature_words;
  return {
      outputs,
      {.name = "input",
       .value = &o.input,
       .help = "Images that it takes: 8-bit RGB (N,S,S,3), or float RGB (N,3,S,S)",
       .choices = {"nhwc-u8", "nchw-f32"}},
      {.name = "normalize",
       .value = &o.normalize,
       .help = "Who subtracts the mean and divides by the deviation: the file, of float images of values 0 "
               "to 1; or "
               "outside, the caller",
       .choices = {"inside", "outside"}},
      {.name = "fixed-batch",
       .value = &o.fixed_batch,
       .help = "Images of each call; 0: any number",
       .low = 0,
       .high = 65536},
      {.name = "fold-batch-norm",
       .value = &o.fold_batch_norm,
       .help = "Multiply the batch norms into the convolutions before them"},
      dtype};
}

}  // namespace

std::vector<std::string> feature_words(const std::string& text) {
  std::vector<std::string> words = {""};
  for (const char c : text) {
    if (c == ',')
      words.emplace_back();
    else
      words.back() += c;
  }
  return words;
}

Fields fields(EvalOptions& o) {
  return evaluation_fields(
      o, "Evaluation",
      {batch_entry(o.batch, kForwardBatch),
       seed_entry(o.seed, "Seed of the linear classifiers"),
       {.name = "finetune",
        .value = &o.finetune,
        .help = "Also fine-tune with 1 %, 10 % and 100 % of the labels; this takes long"},
       {.name = "all",
        .value = &o.all,
        .help = "Also measure what has a command of its own: retrieval, of training images by test images"},
       no_floors_entry(o.no_floors)},
      labels_entry(o.label_file));
}

Fields fields(RetrievalOptions& o) {
  Fields all = evaluation_fields(
      o, "Retrieval",
      {{.name = "database",
        .value = &o.database,
        .help = "What a test image searches in: the training images, or all other images of its set "
                "(leave-one-out)",
        .choices = {"train", "others"}},
       {.name = "protocol",
        .value = &o.protocol,
        .help = "JSON file that lists for each query the images that are easy or hard to find and those that "
                "don't count, as revisited Oxford and Paris do"},
       batch_entry(o.batch, kForwardBatch),
       no_floors_entry(o.no_floors)},
      labels_entry(o.label_file));
  Field& split = entry_of(all, o.split);
  split.choices.emplace_back("train");
  split.help += "; train: with --database others";
  return all;
}

Fields fields(KnnOptions& o) {
  return evaluation_fields(o, "Nearest neighbours",
                           {k_entry(o.k, "Number of neighbours that vote"),
                            {.name = "temperature",
                             .value = &o.temperature,
                             .help = "Temperature T of the votes: a neighbour's weight is exp(cosine / T)",
                             .low = 1e-3,
                             .high = 100},
                            batch_entry(o.batch, kForwardBatch),
                            no_floors_entry(o.no_floors)},
                           labels_entry(o.label_file));
}

Fields fields(LinearOptions& o) {
  return evaluation_fields(
      o, "Linear classifier",
      {{.name = "solver",
        .value = &o.solver,
        .help =
            "lbfgs: to the optimum, with the L2 penalty chosen on held-out training images; sgd: a number of "
            "epochs, as in SimCLR's paper (B.6)",
        .choices = {"lbfgs", "sgd"}},
       epochs_entry(o.epochs, "Number of epochs of sgd"),
       batch_entry(o.batch, "Images per step of sgd, and per forward pass"),
       lr_entry(o.lr, "Learning rate of sgd; auto: 0.1 batch / 256"),
       weight_decay_entry(o.weight_decay, "Weight decay of sgd"),
       seed_entry(o.seed, "Seed of the images' order"),
       no_floors_entry(o.no_floors)},
      labels_entry(o.label_file));
}

Fields fields(FinetuneOptions& o) {
  Field epochs = epochs_entry(
      o.epochs, "Number of epochs; auto: 60 with up to 1 % of the labels, 30 with more, 90 with --frozen");
  epochs.automatic = true;
  return evaluation_fields(
      o, "Fine-tuning",
      {labels_entry(o.labels),
       list_entry(o.list),
       {.name = "from-head-layer",
        .value = &o.from_head_layer,
        .help = "First layers of the projection head to keep below the classifier, as SimCLRv2 does with 1; "
                "fewer "
                "than the head has",
        .low = 0,
        .high = 3},
       {.name = "frozen", .value = &o.frozen, .help = "Train only the last layer, with random crops"},
       no_floors_entry(o.no_floors),
       epochs,
       batch_entry(o.batch, "Images per step"),
       lr_entry(o.lr, "Learning rate; auto: 0.05 batch / 256, or 0.1 batch / 256 with --frozen"),
       weight_decay_entry(o.weight_decay, "Weight decay"),
       seed_entry(o.seed, "Seed of the images that are drawn, their order and their crops")},
      label_file_entry(o.label_file));
}

Fields fields(ExportOptions& o) {
  Field images = data_entry(o.data);
  images.help = "Images, as for evaluation: export their features and labels instead of the encoder";
  images.required = false;
  return joined({group("Run", {finished_run(o.run), checkpoint_entry(o.checkpoint), branch_entry(o.branch)}),
                 group("Result", {out_entry(o.out, "File (safetensors, onnx) or folder (npy) to write"),
                                  {.name = "format",
                                   .value = &o.format,
                                   .help = "One safetensors file, a folder with a NAME.npy per tensor, or "
                                           "the encoder as an ONNX file",
                                   .choices = {"safetensors", "npy", "onnx"}}}),
                 group("ONNX", onnx_fields(o.onnx)),
                 group("Features", {images,
                                    split_entry(o.split, {"auto", "train", "val", "test"},
                                                "Images of --data to use; auto: test/, else val/, else all"),
                                    labels_entry(o.label_file), split_from_entry(o.split_from),
                                    evaluated_bad_images_entry(o.bad_images), images_size_entry(o.size),
                                    batch_entry(o.batch, kForwardBatch), device_entry(o.device),
                                    loader_threads_entry(o.threads)})});
}

Fields fields(EmbedOptions& o) {
  Field images = data_entry(o.data);
  images.help = "Images: a folder with or without classes, a text file that lists them, or one image file";
  Field type = dtype_entry(o.dtype, "Data type of the features in the file");
  type.choices = {"f32", "f16"};
  Field out = out_file_entry(o.out, "File to write: NAME.safetensors, NAME.npy or NAME.csv");
  Field written = features_entry(o.features,
                                 "What is written: the encoder's features, the projection's, or the maps "
                                 "behind a stage of the encoder, c2 "
                                 "(layer1) to c5 (layer4)");
  written.choices = {"backbone", "projection", "c2", "c3", "c4", "c5"};
  return joined(
      {group("Run", {finished_run(o.run), checkpoint_entry(o.checkpoint), branch_entry(o.branch)}),
       group("Images", {images,
                        split_entry(o.split, {"auto", "train", "val", "test"},
                                    "Images of --data to use; auto: test/, else val/, else all"),
                        labels_entry(o.label_file), split_from_entry(o.split_from),
                        evaluated_bad_images_entry(o.bad_images), images_size_entry(o.size)}),
       group(
           "Features",
           {written,
            {.name = "pool",
             .value = &o.pool,
             .help =
                 "Maps (N,h,w,C) as they are (none), or their mean over all places (gap); auto: none for c2 "
                 "to c5",
             .choices = {"auto", "none", "gap"}},
            {.name = "mirror",
             .value = &o.mirror,
             .help = "Write the mean of the features of the image and of its mirror image, so that both have "
                     "the same"},
            type,
            batch_entry(o.batch, kForwardBatch)}),
       group("Machine", {device_entry(o.device), loader_threads_entry(o.threads)}), group("Result", {out})});
}

}  // namespace apps
