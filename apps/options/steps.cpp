#include "apps/options/steps.h"

#include "apps/options/shared.h"

namespace apps {

Fields fields(StepsOptions& o) {
  return joined(
      {group("Result", {out_file_entry(o.out, "Safetensors file to write")}),
       group("Data", {data_entry(o.data), labels_entry(o.label_file), loader_threads_entry(o.threads)}),
       model_fields(o), method_fields(o), view_fields(o), schedule_fields(o), optimizer_fields(o),
       group("Run", {drawing_seed_entry(o.seed), init_weights_entry(o.init_weights)}),
       group("Device", {device_entry(o.device), recompute_entry(o.recompute)})});
}

namespace {

// The views of steps that are timed.
Fields timed_view_fields(BenchStepOptions& o) {
  Fields views = view_fields(o);
  entry_of(views, o.size).help = "Side of a view in pixels; auto: 224 for resnet50 and deeper, else 32";
  return views;
}

Field pairs_of_step(ScheduleOptions& o) {
  Fields all = schedule_fields(o);
  return entry_of(all, o.batch);
}

}  // namespace

Fields fields(BenchStepOptions& o) {
  return joined(
      {model_fields(o), method_fields(o), timed_view_fields(o),
       group("Steps", {pairs_of_step(o), steps_entry(o.steps, "Number of steps to time")}),
       optimizer_fields(o),
       group("Run",
             {drawing_seed_entry(o.seed),
              {.name = "weights",
               .value = &o.weights,
               .help = "Safetensors file with initial weights of the whole model, written by PyTorch"},
              {.name = "serve",
               .value = &o.serve,
               .help = "Answer lines `go N` on stdin with the times of N steps on images of noise: for "
                       "scripts/compare_pytorch.py"}}),
       execution_fields(o), rank_fields(o), group("Result", {json_entry(o.json), csv_entry(o.csv)})});
}

Fields fields(BenchBusyOptions& o) {
  return joined({model_fields(o), method_fields(o), timed_view_fields(o),
                 group("Steps", {pairs_of_step(o),
                                 steps_entry(o.steps, "Number of steps to time in each measurement"),
                                 {.name = "turns",
                                  .value = &o.turns,
                                  .help = "Measurements of each number of neighbours and threads",
                                  .low = 1,
                                  .high = kMany},
                                 {.name = "neighbours",
                                  .value = &o.neighbours,
                                  .help = "Most programs in an endless loop beside the steps; -1: as many as "
                                          "the process has cores",
                                  .low = -1,
                                  .high = 4096}}),
                 optimizer_fields(o), group("Run", {drawing_seed_entry(o.seed)}),
                 group("Precision", {dtype_entry(o.dtype, "Data type of activations and gradients")}),
                 group("Result", {json_entry(o.json)})});
}

}  // namespace apps
