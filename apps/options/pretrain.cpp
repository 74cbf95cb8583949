#include "apps/options/pretrain.h"

#include "apps/options/save_every.h"
#include "apps/options/shared.h"

namespace apps {

Fields data_fields(DataOptions& o) {
  Field split_from = split_from_entry(o.split_from);
  split_from.resume = Resume::reported;
  split_from.absent = "0";
  Field labels = labels_entry(o.label_file);
  labels.help += "; for the probes, and for a method that learns from classes";
  labels.per_machine = true;
  const Fields own = {
      data_entry(o.data),
      labels,
      split_from,
      loader_threads_entry(o.threads),
      bad_images_entry(o.bad_images,
                       "What to do when an image can't be decoded: stop the run, or skip the image and "
                       "use another one"),
      {.name = "resident",
       .value = &o.resident,
       .help = "Keep the pixels of all images in the device's memory; auto: for CIFAR on a GPU "
               "with enough free memory",
       .choices = {"auto", "on", "off"}}};
  const Field decode = {
      .name = "decode",
      .value = &o.decode,
      .help =
          "Of a JPEG, decode the rows and columns that its views read: as they are (exact), or "
          "at 1/2 or 1/4 of the size where the crops are that much larger than the views (scaled: "
          "faster, views differ a little)",
      .choices = {"exact", "scaled"},
      .resume = Resume::reported,
      .absent = DataOptions().decode};
  return group("Data", joined({own, {decode}, decoding_fields(o)}));
}

Fields model_fields(ModelOptions& o) {
  Field stem =
      stem_entry(o.stem,
                 "First layers of the encoder: 3x3 convolution (cifar), or 7x7 with stride 2 and max "
                 "pooling (imagenet); auto: chosen by --size");
  stem.choices.insert(stem.choices.begin(), "auto");
  return group("Model",
               {arch_entry(o.arch, "Encoder architecture"),
                stem,
                width_entry(o.width),
                {.name = "head-layers",
                 .value = &o.head_layers,
                 .help = "Number of layers of the projection head",
                 .low = 1,
                 .high = 4},
                {.name = "hidden",
                 .value = &o.hidden,
                 .help = "Width of the projection head's hidden layers; auto: that of the encoder's features",
                 .low = 1,
                 .high = 65536,
                 .automatic = true},
                {.name = "out-dim",
                 .value = &o.out_dim,
                 .help = "Width of the projection head's output",
                 .low = 1,
                 .high = 65536},
                {.name = "head-norm",
                 .value = &o.head_norm,
                 .help = "Batch norms of the projection head: after all layers; plain: the last one without "
                         "scale and shift; only after hidden layers; none; auto: by --method",
                 .choices = {"auto", "all", "plain", "hidden", "none"},
                 .absent = "all"},
                dtype_entry(o.dtype, "Data type of the activations; weights are f32 for bf16")},
               Resume::model);
}

Fields method_fields(MethodOptions& o) {
  Field method = method_entry(
      o.method, "Method of self-supervised learning; supcon learns from the classes of the images, too");
  method.resume = Resume::model;
  method.absent = MethodOptions().method;
  return group(
      "Method",
      {method,
       {.name = "tau",
        .value = &o.tau,
        .help = "Temperature of the contrastive losses of simclr, supcon, moco2 and moco3; learn:N: learned "
                "from N "
                "on, not by moco3",
        .low = 1e-3,
        .high = 100},
       {.name = "negatives",
        .value = &o.negatives,
        .help = "How the negatives of simclr, moco2 and moco3 count: as in NT-Xent, decoupled (DCL), "
                "decoupled with weighted positives (DCLW, of simclr only), debiased, hard, or as many as "
                "--as-many (EqCo)",
        .choices = {"nt-xent", "decoupled", "dclw", "debiased", "hard", "eqco"},
        .absent = MethodOptions().negatives},
       {.name = "debias",
        .value = &o.debias,
        .help = "Share of the negatives that are of the image's own class, for debiased and hard; auto: 0.1",
        .low = 0,
        .high = 0.99,
        .automatic = true,
        .absent = "auto"},
       {.name = "hardness",
        .value = &o.hardness,
        .help = "Exponent beta by which similar negatives count more, for hard; auto: 1",
        .low = 0,
        .high = 100,
        .automatic = true,
        .absent = "auto"},
       {.name = "as-many",
        .value = &o.as_many,
        .help = "Number of negatives that eqco makes of those of the batch or queue; auto: 65536",
        .low = 1,
        .high = 1e9,
        .automatic = true,
        .absent = "auto"},
       {.name = "sigma",
        .value = &o.sigma,
        .help = "Width sigma of the density that weights the positives of dclw; auto: 0.5",
        .low = 0.05,
        .high = 100,
        .automatic = true,
        .absent = "auto"},
       {.name = "target-momentum",
        .value = &o.target_momentum,
        .help = "Momentum of the target network's moving average; auto: 0.99 for byol and moco3, where it "
                "rises to 1 along a cosine, and 0.999 for moco2",
        .low = 0,
        .high = 1,
        .automatic = true,
        .absent = "auto"},
       {.name = "queue",
        .value = &o.queue,
        .help = "Keys of earlier batches that moco2 keeps as negatives: a multiple of --batch",
        .low = 1,
        .high = 1 << 24,
        .resume = Resume::model,
        .absent = std::to_string(MethodOptions().queue)},
       {.name = "split-norm",
        .value = &o.split_norm,
        .help =
            "Groups of the batch that moco2's batch norms normalize apart, as that many devices would; the "
            "keys are then shuffled over the groups. 1: no groups",
        .low = 1,
        .high = 4096,
        .absent = std::to_string(MethodOptions().split_norm)},
       {.name = "symmetric",
        .value = &o.symmetric,
        .help = "Let both views be queries and keys of moco2, with a queue of --queue keys for each "
                "(solo-learn's "
                "MoCo v2+)",
        .resume = Resume::model,
        .absent = "false"},
       {.name = "predictor-hidden",
        .value = &o.predictor_hidden,
        .help = "Width of the predictor's hidden layer; auto: that of the projection head's for byol "
                "and moco3, a quarter of --out-dim for simsiam",
        .low = 1,
        .high = 65536,
        .automatic = true,
        .resume = Resume::model,
        .absent = "auto"}},
      Resume::reported);
}

Fields schedule_fields(ScheduleOptions& o) {
  Field epochs = epochs_entry(o.epochs, "Number of passes over the images");
  Field steps = steps_entry(o.steps,
                            "Total number of steps, instead of --epochs; the one of both that is given last "
                            "counts");
  steps.automatic = true;
  epochs.quantity = steps.quantity = "length";
  return group(
      "Schedule",
      {batch_entry(o.batch, "Image pairs per step, over all ranks (N in the loss)", 2),
       epochs,
       steps,
       {.name = "warmup-epochs",
        .value = &o.warmup_epochs,
        .help = "Epochs in which the learning rate rises linearly, before its cosine decay; auto: 10, or "
                "a tenth of a run shorter than 100 epochs",
        .low = 0,
        .high = 1e6,
        .automatic = true}},
      Resume::reported);
}

Fields optimizer_fields(OptimizerOptions& o) {
  Field weight_decay =
      weight_decay_entry(o.weight_decay, "Weight decay; auto: lars 1e-6, sgd 5e-4, adamw 1e-4");
  weight_decay.automatic = true;
  return group(
      "Optimizer",
      {{.name = "optimizer",
        .value = &o.optimizer,
        .help = "Optimizer of the weights",
        .choices = {"lars", "sgd", "adamw"},
        .resume = Resume::state},
       {.name = "lars",
        .value = &o.lars,
        .help = "Convention of LARS: that of Google's SimCLR, or that of lightly, solo-learn and apex",
        .choices = {"google", "lightly"}},
       lr_entry(o.lr, "Peak learning rate; auto: lars 0.3 N/256, sgd 0.06 N/128, adamw 0.001 sqrt(N/256)"),
       weight_decay,
       {.name = "momentum",
        .value = &o.momentum,
        .help = "Momentum of lars and sgd, beta1 of adamw",
        .low = 0,
        .high = 0.9999}},
      Resume::reported);
}

Fields probe_fields(ProbeOptions& o) {
  return group("Probes while training",
               {{.name = "probe-every",
                 .value = &o.probe_every,
                 .help = "Epochs between kNN and linear probes on held-out training images; 0: never",
                 .low = 0,
                 .high = 1e6},
                {.name = "probe-images",
                 .value = &o.probe_images,
                 .help = "Number of training images for these probes; a fifth of them is held out",
                 .low = 10,
                 .high = 1e9}});
}

Field init_weights_entry(std::string& value) {
  return {.name = "init-weights",
          .value = &value,
          .help =
              "Safetensors file with the encoder's initial weights: under torchvision's names, with one "
              "prefix or none, or a checkpoint of dyad",
          .resume = Resume::reported};
}

Field drawing_seed_entry(std::uint64_t& value) {
  Field f = seed_entry(value, "Seed of everything random: initial weights, order of the images, views");
  f.resume = Resume::reported;
  return f;
}

Fields run_fields(RunOptions& o) {
  return group(
      "Run and checkpoints",
      {run_entry(o.run, "Folder to write the results to"),
       drawing_seed_entry(o.seed),
       init_weights_entry(o.init_weights),
       {.name = "expected",
        .value = &o.expected,
        .help = "JSON file with the accuracies and losses to expect, as those of recipes/; the report draws "
                "them beside the run's own",
        .saved = false,
        .beside_config = true},
       {.name = "resume",
        .value = &o.resume,
        .help = "Checkpoint to continue from; auto: the newest undamaged one of the run, if there is one",
        .offered = {"auto"},
        .saved = false},
       {.name = "discard-newer",
        .value = &o.discard_newer,
        .help = "Let --resume FILE continue before the run's later checkpoints, which are renamed to "
                "NAME.aside",
        .saved = false},
       {.name = "save-every",
        .value = &o.save_every,
        .help =
            "Time between checkpoints: steps (500), epochs (1e), minutes (10m) or hours (2h), or several, "
            "of which the first that is due counts; end: only at the end",
        .offered = {"1e,10m", "end"},
        .wrong = wrong_save_every},
       {.name = "keep",
        .value = &o.keep,
        .help = "Number of newest checkpoints to keep; older ones are deleted",
        .low = 1,
        .high = 1e6},
       dry_run_entry(o.dry_run,
                     "Print the configuration, the memory that the run needs and its time, and stop"),
       {.name = "verbose",
        .value = &o.verbose,
        .help = "Let --dry-run print the parameters' names and shapes too",
        .saved = false},
       {.name = "force",
        .value = &o.force,
        .help = "Start even if the memory seems not to suffice",
        .saved = false},
       json_entry(o.json)});
}

Fields execution_fields(ExecutionOptions& o) {
  return group(
      "Execution",
      {{.name = "graph", .value = &o.graph, .help = "Run each step as one CUDA graph (needs --device cuda)"},
       recompute_entry(o.recompute),
       {.name = "bucket",
        .value = &o.bucket,
        .help = "MiB of gradients that the ranks sum at a time while backward runs; 0: all of them after "
                "backward",
        .low = 0,
        .high = 1e6,
        .saved = false}});
}

Fields diagnostic_fields(DiagnosticOptions& o) {
  return group(
      "Checks and timing",
      {{.name = "verify-every",
        .value = &o.verify_every,
        .help = "Steps between checks that all ranks have the same parameters; 0: never",
        .low = 0,
        .high = kMany},
       {.name = "verify-images",
        .value = &o.verify_images,
        .help = "Let the ranks compare the bytes of all image files at the start; otherwise they compare "
                "names, labels and sizes",
        .saved = false},
       {.name = "sync",
        .value = &o.sync,
        .help = "Wait for the device after each phase of a step, so that phases are timed separately",
        .saved = false},
       {.name = "trace",
        .value = &o.trace,
        .help = "File to write a timeline of all ranks to, for chrome://tracing or Perfetto",
        .saved = false,
        .output = true}});
}

Fields rank_fields(RankOptions& o) {
  return group("Device and ranks",
               {device_entry(o.device),
                {.name = "ranks",
                 .value = &o.ranks,
                 .help = "Number of processes to start on this machine; they share each batch",
                 .low = 1,
                 .high = 1024,
                 .saved = false},
                {.name = "collectives",
                 .value = &o.collectives,
                 .help = "Library for the ranks' collectives; auto: mpi on the CPU device, nccl on CUDA",
                 .choices = {"auto", "mpi", "nccl"},
                 .saved = false},
                {.name = "timeout",
                 .value = &o.timeout,
                 .help = "Seconds after which a rank that does not answer counts as lost",
                 .low = 1,
                 .high = 1e6,
                 .saved = false}});
}

Fields fields(PretrainOptions& o) {
  return joined({data_fields(o), run_fields(o), model_fields(o), method_fields(o), view_fields(o),
                 schedule_fields(o), optimizer_fields(o), probe_fields(o), execution_fields(o),
                 rank_fields(o), diagnostic_fields(o)});
}

}  // namespace apps
