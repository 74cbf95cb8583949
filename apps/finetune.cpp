// dyad finetune: trains the encoder with some of the labels.
#include <algorithm>
#include <cstdio>

#include "apps/cli/commands.h"
#include "apps/evaluation/classifiers.h"
#include "apps/run/run_directory.h"
#include "data/files.h"
#include "data/subset.h"
#include "engine/optim/schedule.h"

namespace apps {
namespace {

using engine::concat_text;

std::string percent_text(double share) { return concat_text(100 * share); }

std::string name_of(const FinetuneOptions& o) {
  return std::string(o.frozen ? "frozen" : "finetune") +
         (o.list.empty() ? percent_text(o.labels) : std::string("-list")) +
         (o.from_head_layer > 0 ? concat_text("-head", o.from_head_layer) : "");
}

FineTuning settings(const FinetuneOptions& o, std::size_t labelled, std::size_t images) {
  const double share = o.list.empty() ? o.labels : double(labelled) / double(images);
  const int epochs = o.frozen ? 90 : share > 0.011 ? 30 : 60;  // published lists of 1 % are rounded per class
  const int batch = int(std::min<std::size_t>(std::size_t(o.batch), labelled));
  return {.epochs = o.epochs > 0 ? o.epochs : epochs,
          .batch = batch,
          .lr = o.lr >= 0 ? o.lr : engine::linear_scaling(o.frozen ? 0.1 : 0.05, batch),
          .weight_decay = o.weight_decay,
          .frozen = o.frozen,
          .seed = o.seed,
          .threads = o.threads};
}

std::vector<std::size_t> labelled_images(const data::Dataset& train, const FinetuneOptions& o) {
  return o.list.empty() ? data::draw_share(train, o.labels, o.seed) : data::read_list(train, o.list);
}

ClassifierPlan plan_of(const data::Dataset& train, const FinetuneOptions& o) {
  const std::size_t labelled = labelled_images(train, o).size();
  const FineTuning f = settings(o, labelled, train.size());
  const std::string labels =
      o.list.empty() ? percent_text(o.labels) + " % of the labels" : "the listed labels";
  // a share is rounded in each class
  const bool more = o.list.empty() && double(labelled) > 1.5 * o.labels * double(train.size());
  const std::string from =
      o.from_head_layer > 0 ? concat_text("from head layer ", o.from_head_layer, " ") : "";
  return {(o.frozen ? "last layer trained " : "fine-tuned ") + from + "with " + labels,
          concat_text(labelled, " of ", train.size(), " training images",
                      more ? ", at least one of each class" : "", "; ", data::counted(f.epochs, "epoch"),
                      ", batch ", f.batch, ", lr ", f.lr)};
}

// Of the last layer nothing is kept: its output is what the loss compares.
void require_head_layer(const FinetuneOptions& o) {
  const int layers = read_run_options(o.run).head_layers;
  if (o.from_head_layer >= layers)
    throw engine::UsageError(concat_text("--from-head-layer is ", o.from_head_layer, ", but the head of ",
                                         o.run, " has ", data::counted(layers, "layer"), ": expected 0 to ",
                                         layers - 1));
}

Tuned tuned(const Subject& s, const FinetuneOptions& o, bool from_checkpoint) {
  const int kept = o.from_head_layer;
  auto model = std::make_unique<const FineTuned>(s.options, kept, s.classes(), s.features.device);
  if (from_checkpoint)
    for (const char* part : {"encoder.", "projection."})
      engine::copy_parameters(s.trained->parameters, model->parameters, part);

  const auto listed = labelled_images(*s.train, o);
  std::string names;
  for (const std::size_t i : listed) names += data::list_entry(*s.train, i) + "\n";
  const FineTuning f = settings(o, listed.size(), s.train->size());
  double last = 0;
  fine_tune(*model, s.options, data::Subset(*s.train, listed), f, [&](int epoch, double loss) {
    last = loss;
    if (epoch % 10 == 0 || epoch == f.epochs)
      std::fprintf(stderr, "%s weights, epoch %d/%d  loss %.4f\n", from_checkpoint ? "pretrained" : "initial",
                   epoch, f.epochs, loss);
  });
  return {.model = std::move(model),
          .details = {{"labelled", listed.size()},
                      {"frozen", f.frozen},
                      {"head_layers", kept},
                      {"epochs", f.epochs},
                      {"batch", f.batch},
                      {"lr", f.lr},
                      {"weight_decay", f.weight_decay},
                      {"seed", f.seed},
                      {"last_loss", last}},
          .list = names};
}

}  // namespace

Classifier finetune_classifier(const FinetuneOptions& o) {
  return {.name = name_of(o),
          .plan = [o](const data::Dataset& train) { return plan_of(train, o); },
          .classify = {},
          .train = [o](const Subject& s, bool from_checkpoint) { return tuned(s, o, from_checkpoint); },
          .not_of_pixels = "it trains an encoder"};
}

int finetune(const FinetuneOptions& o) {
  constexpr int kForwardBatch = 256;
  require_head_layer(o);
  return evaluate({o, "finetune", kForwardBatch, o.no_floors}, {finetune_classifier(o)}, {}, name_of(o));
}

}  // namespace apps
