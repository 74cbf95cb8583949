#include "apps/cli/command_table.h"

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "apps/cli/commands.h"
#include "apps/cli/completion.h"
#include "apps/cli/man_page.h"
#include "apps/options/shared.h"
#include "apps/run/checkpoint.h"
#include "engine/error.h"

namespace apps {
namespace {

template <class Options>
Command command(const std::string& name, const std::string& help, int (*run)(const Options&),
                std::string (*stored)(const Options&) = nullptr) {
  const auto options = std::make_shared<Options>();
  Command c{.name = name, .help = help, .fields = fields(*options), .run = [=] { return run(*options); }};
  if (stored != nullptr) c.stored = [=] { return stored(*options); };
  return c;
}

// A command over many runs, whose words that belong to no option are `operands`. Config files have no section
// for it.
template <class Options>
Command over_runs(const std::string& name, const std::string& help, int (*run)(const Options&),
                  List Options::*operands, const std::string& usage) {
  const auto options = std::make_shared<Options>();
  return {.name = name,
          .help = help,
          .fields = fields(*options),
          .run = [=] { return run(*options); },
          .section = false,
          .operands = &((*options).*operands),
          .usage = usage};
}

// A sweep takes the options of pretrain that it has none of the same name for.
Command sweep_command() {
  Command c = over_runs("sweep", "Pretrain and evaluate a run for each combination of options", sweep,
                        &SweepOptions::pretrain, "[options] [options of pretrain]");
  const auto cells = std::make_shared<PretrainOptions>();
  const std::vector<std::string> own = names_of(c.fields);
  for (const Field& f : fields(*cells))
    if (std::ranges::find(own, f.name) == own.end()) c.passed_on.push_back(f);
  c.run = [cells, run = c.run] { return run(); };  // keeps what the entries refer to
  return c;
}

// A command without options that prints a text made from this table.
Command printed(const std::string& name, const std::string& help, std::string (*text)(const CommandTable&)) {
  return {.name = name, .help = help, .fields = {}, .run = [text] {
            std::cout << text(command_table()) << std::flush;
            return 0;
          }};
}

// A resumed run is configured as it was; one that continues a checkpoint of another run, as that run was.
std::string config_of_resumed_run(const PretrainOptions& o) {
  if (o.resume.empty()) return "";
  require_checkpoint_name(o.resume);
  if (o.resume == "auto" && !o.run.empty() && o.data.empty() &&
      !std::filesystem::exists(o.run + "/config.toml"))
    throw engine::UsageError("--resume auto: " + o.run +
                             " holds no run, expected its folder, or --data to begin one");
  std::vector<std::filesystem::path> runs = {o.run};
  if (o.resume != "auto")
    runs.push_back(std::filesystem::absolute(o.resume).parent_path().parent_path());  // RUN/checkpoints/FILE
  for (const auto& run : runs)
    if (std::filesystem::exists(run / "config.toml")) return run / "config.toml";
  return "";
}

bool reads_section(const Command& c) { return c.section && !c.fields.empty(); }

}  // namespace

CommandTable command_table() {
  CommandTable table;
  table.commands = {
      command("pretrain", "Learn an encoder from images, without labels", pretrain, config_of_resumed_run),
      command("eval", "Evaluate the features: nearest neighbours, linear classifiers, floors", eval),
      command("knn", "Classify images by the nearest neighbours of their features", knn),
      command("retrieval", "Search images by the cosine of their features: mAP, recall, precision",
              retrieval),
      command("linear", "Train a linear classifier on the frozen features", linear),
      command("finetune", "Fine-tune the encoder with some of the labels, or train the last layer only",
              finetune),
      sweep_command(),
      over_runs("compare", "Compare runs in one table and one HTML page", compare, &CompareOptions::runs,
                "RUN|SWEEP... [options]"),
      over_runs("show", "Show what a run or a checkpoint holds", show, &ShowOptions::what,
                "RUN|CHECKPOINT [options]"),
      command("curate", "List near duplicates, outliers, and a diverse subset of images by their features",
              curate),
      command("export", "Write the encoder, or its features of images, for other programs", export_model),
      command("embed", "Write features of any images to a file, and continue where it was stopped", embed),
      command("index", "Make features of images ready for a search", index_embeddings),
      command("search", "Find the images that are most similar to a query, by their features", search),
      command("recipes", "List the published trainings that dyad has a config file for", recipes),
      command("data preview", "Draw images and their views into a PNG file", preview),
      command("data check", "Decode every image and list the broken ones", data_check),
      command("data pack", "Pack a data set into a few large files, which --data reads as a folder",
              data_pack),
      command("data unpack", "Write the images of a packed data set as files", data_unpack),
      command("data views", "Make the views that a file describes", apply_views),
      command("gradcheck", "Compare every op's gradient with finite differences", gradcheck),
      command("racecheck", "Look for races and wrong memory accesses in every kernel", racecheck),
      command("steps", "Write the inputs and outputs of a pretraining's first steps to a file", steps),
      command("bench step", "Time the phases of a training step on random images", bench_step),
      command("bench busy", "Time training steps beside other programs that use the cores", bench_busy),
      command("bench loader", "Time reading, decoding and assembling of images, whole and in part",
              bench_loader),
      command("bench ops", "Time each op at the shapes of real models", bench_ops),
      command("bench compare", "Find what is slower or faster in one of two results of bench ops",
              bench_compare),
      command("bench turns", "Time the ops of two builds alternately and find what is slower or faster",
              bench_turns),
      command("bench collectives", "Measure the bandwidth of the ranks' collectives", bench_collectives),
      command("info", "Show devices, libraries, and the algorithms that convolutions use", info),
      printed("completion bash", "Print the completion script for bash", bash_completion),
      printed("completion zsh", "Print the completion script for zsh", zsh_completion),
      printed("completion fish", "Print the completion script for fish", fish_completion),
      printed("man", "Print the man page", man_page),
  };
  table.commands.back().hidden = true;
  table.groups = {{"data", "Look at data sets, and pack them"},
                  {"bench", "Measure training steps, images, ops and collectives"},
                  {"completion", "Print a script that completes dyad's command line in a shell"}};
  return table;
}

Fields general_fields(GeneralOptions& o, const Command& c) {
  Fields all = {{.name = "help", .value = &o.help, .help = "Print this text"}};
  if (reads_section(c))
    all.insert(
        all.begin(),
        config_entry(o.config, "TOML file with values of these options; options of the command line win"));
  return group("General", all);
}

std::string section_of(const Command& c) { return c.name.substr(c.name.find(' ') + 1); }

std::vector<std::string> sections_of(const CommandTable& table) {
  std::vector<std::string> sections;
  for (const Command& c : table.commands)
    if (reads_section(c)) sections.push_back(section_of(c));
  return sections;
}

}  // namespace apps
