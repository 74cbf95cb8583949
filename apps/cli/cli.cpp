#include "apps/cli/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <functional>
#include <iomanip>
#include <list>
#include <new>
#include <ostream>

#include "apps/cli/commands.h"
#include "apps/options/fields.h"
#include "apps/system/exit_code.h"
#include "apps/system/machine.h"
#include "apps/system/shell.h"
#include "data/files.h"
#include "engine/error.h"
#include "engine/ranks/communicator.h"

namespace apps {
namespace {

using engine::UsageError;

struct Command {
  std::string name;  // "pretrain", "data preview"
  CLI::App* app;
  Fields fields;
  std::function<int()> run;
  std::string config = "";
  std::string* resume = nullptr;  // pretrain: what --resume says
  std::vector<std::string> given = {};
};

// One flag; its value goes through assign(), as a config file's does.
void add_flag(CLI::App& app, Field& field) {
  const std::string flag = "--" + field.name;
  const bool on_or_off = std::holds_alternative<bool*>(field.value);
  CLI::Option* option = app.add_option(
      flag,
      [flag, &field, on_or_off](const CLI::results_t& texts) {
        const bool bare = on_or_off && (texts.empty() || texts.back().empty() || texts.back() == "{}");
        const std::string wrong = assign(field, bare ? "true" : texts.back());
        if (!wrong.empty()) throw UsageError(flag + " " + wrong);
        return true;
      },
      field.help);
  option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  if (on_or_off) option->expected(0, 1);
}

template <class Options>
Command& add_command(std::list<Command>& commands, CLI::App& parent, const std::string& name,
                     const std::string& help, Options& options, int (*run)(const Options&)) {
  CLI::App* app = parent.add_subcommand(name, help);
  const std::string full = parent.get_parent() != nullptr ? parent.get_name() + " " + name : name;
  Command& c = commands.emplace_back(Command{
      .name = full, .app = app, .fields = fields(options), .run = [&options, run] { return run(options); }});
  for (Field& f : c.fields) add_flag(*app, f);
  app->add_option("--config", c.config);
  return c;
}

std::vector<std::string> names(const std::vector<const CLI::App*>& apps) {
  std::vector<std::string> result;
  for (const CLI::App* a : apps) result.push_back(a->get_name());
  return result;
}

std::vector<std::string> flags(const CLI::App& app) {
  std::vector<std::string> result;
  for (const CLI::Option* o : app.get_options())
    for (const auto& name : o->get_lnames()) result.push_back("--" + name);
  return result;
}

// Follows the words that name a command: CLI11 takes a mistyped one for an argument.
const CLI::App& find_command(const CLI::App& top, const std::vector<std::string>& arguments) {
  const CLI::App* at = &top;
  const auto subcommands = [](const CLI::App& a) {
    return a.get_subcommands([](const CLI::App*) { return true; });
  };
  for (const auto& word : arguments) {
    const auto below = subcommands(*at);
    if (below.empty()) break;
    if (word.rfind('-', 0) == 0) {
      const auto known = flags(*at);
      if (word != "-h" && std::find(known.begin(), known.end(), word) == known.end())
        throw UsageError("unknown flag " + word + did_you_mean(word, known));
      break;
    }
    const auto found =
        std::find_if(below.begin(), below.end(), [&](const CLI::App* a) { return a->get_name() == word; });
    if (found == below.end()) {
      throw UsageError("unknown command \"" + word + "\"" + did_you_mean(word, names(below)));
    }
    at = *found;
  }
  return *at;
}

void take_config(Command& c) {
  for (const Field& f : c.fields) {
    const CLI::Option* option = c.app->get_option_no_throw("--" + f.name);
    if (option != nullptr && option->count() > 0) c.given.push_back(f.name);
  }
  const std::string section = c.name.substr(c.name.find(' ') + 1);  // "preview" of "data preview"
  // a resumed run is configured as it was
  const auto run =
      std::find_if(c.fields.begin(), c.fields.end(), [](const Field& f) { return f.name == "run"; });
  if (c.config.empty() && c.resume != nullptr && !c.resume->empty()) {
    const std::string old = text_of(*run) + "/config.toml";
    if (std::filesystem::exists(old)) c.config = old;
  }
  if (!c.config.empty()) apply_config(c.config, section, c.fields, c.given);
  for (const Field& f : c.fields)
    if (f.required && text_of(f).empty()) throw UsageError("--" + f.name + " is missing: " + f.help);
}

void print_help(const Command& c, std::ostream& out) {
  out << c.app->get_description() << ".\nUsage: dyad " << c.name << " [flags]\n\n"
      << std::left << std::setw(20) << "  flag" << std::setw(12) << "default"
      << "meaning\n";
  const auto line = [&out](const std::string& flag, const std::string& value, const std::string& meaning) {
    out << "  --" << std::setw(16) << flag << std::setw(12) << value << meaning << '\n';
  };
  for (const Field& f : c.fields) {
    const std::string range = range_text(f);
    const bool on_or_off = std::holds_alternative<bool*>(f.value);
    line(f.name,
         on_or_off    ? ""
         : f.required ? "(required)"
                      : text_of(f),
         range.empty() || on_or_off ? f.help : f.help + " [" + range + "]");
  }
  line("config FILE", "", "TOML file with values for these flags; a flag given here wins");
  line("help", "", "this text");
  out << std::flush;
}

std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return data::printable(text);
}

}  // namespace

int run_command_line(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& err) {
  CLI::App app("dyad: SimCLR pretraining and its evaluation", "dyad");
  app.set_version_flag("--version", version_text());
  app.get_formatter()->column_width(44);
  app.footer(
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 65 bad data, 75 stopped and can be resumed, 130 Ctrl-C.");

  PretrainOptions pretrain_options;
  EvalOptions eval_options;
  KnnOptions knn_options;
  LinearOptions linear_options;
  ExportOptions export_options;
  StepsOptions steps_options;
  FinetuneOptions finetune_options;
  GradcheckOptions gradcheck_options;
  RacecheckOptions racecheck_options;
  PreviewOptions preview_options;
  DataCheckOptions data_check_options;
  ViewsOptions views_options;
  InfoOptions info_options;
  CollectivesOptions collectives_options;
  BenchStepOptions bench_step_options;
  BenchOpsOptions bench_ops_options;
  BenchCompareOptions bench_compare_options;
  BenchTurnsOptions bench_turns_options;
  std::list<Command> commands;  // a list, since callbacks point into it
  add_command(commands, app, "pretrain", "Learn an encoder from images, without labels", pretrain_options,
              pretrain)
      .resume = &pretrain_options.resume;
  add_command(commands, app, "eval", "Judge the features: nearest neighbours, linear classifiers, floors",
              eval_options, eval);
  add_command(commands, app, "knn", "Classify by the nearest neighbours of the features", knn_options, knn);
  add_command(commands, app, "linear", "Train a linear classifier on the frozen features", linear_options,
              linear);
  add_command(commands, app, "finetune", "Train on with some of the labels, or the last layer only",
              finetune_options, finetune);
  add_command(commands, app, "export", "Write the encoder, or its features of images, for other programs",
              export_options, export_model);
  add_command(commands, app, "steps",
              "Write down all that goes into and comes out of a pretraining's first steps", steps_options,
              steps);
  add_command(commands, app, "gradcheck", "Check every op's gradient against finite differences",
              gradcheck_options, gradcheck);
  add_command(commands, app, "racecheck", "Look for races and wrong memory accesses in every kernel",
              racecheck_options, racecheck);
  CLI::App* bench = app.add_subcommand("bench", "Measure training steps, kernels and collectives");
  add_command(commands, *bench, "collectives", "Bandwidth of the ranks' collectives", collectives_options,
              bench_collectives);
  add_command(commands, *bench, "step", "Time of a training step, by phase, on random images",
              bench_step_options, bench_step);
  add_command(commands, *bench, "ops", "Time of each op at the shapes of real models", bench_ops_options,
              bench_ops);
  add_command(commands, *bench, "compare",
              "What has become slower or faster between two results of bench ops", bench_compare_options,
              bench_compare);
  add_command(commands, *bench, "turns",
              "Time two builds' ops in turn, and say what has become slower or faster", bench_turns_options,
              bench_turns);
  CLI::App* data = app.add_subcommand("data", "Look at data sets");
  add_command(commands, *data, "preview", "Draw images and their views into a PNG file", preview_options,
              preview);
  add_command(commands, *data, "check", "Decode every image and list what is broken", data_check_options,
              data_check);
  add_command(commands, *data, "views", "Make the views that a file describes", views_options, apply_views);
  add_command(commands, app, "info", "Devices, libraries, and what they allow", info_options, info);

  std::string speaker = "dyad";
  const auto failed = [&](int code, const std::string& what) {
    err << speaker << ": " << one_line(what) << std::endl;
    return code;
  };
  const CLI::App* chosen = &app;
  try {
    chosen = &find_command(app, arguments);
    for (const Command& c : commands)
      if (c.app == chosen) speaker += " " + c.name;
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(std::move(reversed));
    for (Command& c : commands) {
      if (c.app != chosen) continue;
      take_config(c);
      return c.run();
    }
    return failed(kUsage, "no command is given; --help lists them");
  } catch (const CLI::CallForHelp&) {
    for (const Command& c : commands)
      if (c.app == chosen) return print_help(c, out), kOk;
    out << chosen->help(chosen == &app ? "" : "dyad") << std::flush;
    return kOk;
  } catch (const CLI::CallForVersion& e) {
    out << e.what() << std::endl;
    return kOk;
  } catch (const CLI::ExtrasError& e) {
    const auto extra = chosen->remaining(true);
    const std::string word = extra.empty() ? "" : extra.front().substr(0, extra.front().find('='));
    if (word.rfind('-', 0) == 0)
      return failed(kUsage, "unknown flag " + word + did_you_mean(word, flags(*chosen)));
    return failed(kUsage, "unexpected argument \"" + word + "\"");
  } catch (const CLI::ArgumentMismatch&) {
    return failed(kUsage, arguments.back() + " is given no value");
  } catch (const CLI::ParseError& e) {
    return failed(kUsage, e.what());
  } catch (const UsageError& e) {
    return failed(kUsage, e.what());
  } catch (const engine::DataError& e) {
    return failed(kBadData, e.what());
  } catch (const Interrupted& e) {
    return failed(kInterrupted, e.what());
  } catch (const engine::RankError& e) {
    return failed(kTryAgain, e.what());
  } catch (const std::bad_alloc&) {
    return failed(kFailed, "out of memory");
  } catch (const std::exception& e) {
    return failed(kFailed, e.what());
  }
}

}  // namespace apps
