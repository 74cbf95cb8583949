#include "apps/sweep/plan.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/cli/arguments.h"
#include "apps/options/config.h"
#include "apps/run/run_directory.h"
#include "engine/error.h"
#include "engine/files/text_file.h"

namespace apps {
namespace {

using engine::UsageError;

bool contains(const List& all, const std::string& name) {
  return std::find(all.begin(), all.end(), name) != all.end();
}

// The flag of a member, and the text of its value.
template <class Options, class T, class Group>
List flag(Options o, T Group::*member) {
  Fields all = fields(o);
  const Field& f = entry_of(all, o.*member);
  return is_switch(f) ? List{"--" + f.name} : List{"--" + f.name, text_of(f)};
}

void append(List& words, const List& more) { words.insert(words.end(), more.begin(), more.end()); }

// The options of pretrain belong to all cells; the sweep itself sets some, and varies some.
void require_free(const List& given, const PretrainOptions& shared, const SweepOptions& o,
                  const List& varied) {
  PretrainOptions copy = shared;
  for (const Field& f : fields(copy)) {
    if (!contains(given, f.name)) continue;
    const std::string place = "--" + f.name + " is given, but ";
    if (f.is(copy.data) && !o.data.empty()) throw UsageError("--data is given twice: before -- and after it");
    if (contains(varied, f.name)) throw UsageError(place + "--vary varies it");
    if (f.is(copy.seed)) throw UsageError(place + "the seeds of the cells are those of --seeds");
    if (f.is(copy.run) || f.is(copy.resume) || f.is(copy.dry_run) || f.is(copy.json))
      throw UsageError(place + "the sweep sets it for each cell");
  }
}

// A JSON file's number, or -1 if the file is absent or damaged.
long number_in(const std::string& path, const char* key) {
  const auto json = nlohmann::json::parse(engine::read_text(path).bytes, nullptr, false);
  if (!json.is_object()) return -1;
  const auto found = json.find(key);
  return found != json.end() && found->is_number_integer() ? found->get<long>() : -1;
}

}  // namespace

SweepPlan sweep_plan(const SweepOptions& o, const List& sections) {
  SweepPlan plan{.options = o, .shared = {}, .variations = parse_variations(o.vary), .cells = {}};
  const List varied = varied_options(plan.variations);
  Fields all = fields(plan.shared);
  const List given = assign_arguments(o.pretrain, 0, all);
  require_free(given, plan.shared, o, varied);
  if (!o.config.empty()) apply_config(o.config, "pretrain", all, given, sections);
  if (!o.data.empty()) plan.shared.data = o.data;
  const Field& data = entry_of(all, plan.shared.data);
  if (plan.shared.data.empty() && !contains(varied, data.name))
    throw UsageError("--data is missing: " + data.help);
  plan.cells = expanded(plan.variations, o.seeds);
  return plan;
}

std::string folder_of(const SweepPlan& plan, const Cell& cell) {
  return plan.options.out + "/" + cell.name();
}

Task task_of(const SweepPlan& plan, const Cell& cell, const std::string& program) {
  PretrainOptions o = plan.shared;
  o.run = folder_of(plan, cell);
  o.seed = cell.seed;
  o.resume = "auto";
  const Fields all = fields(o);
  List pretrain = {program, "pretrain"};
  if (!plan.options.data.empty()) append(pretrain, flag(o, &PretrainOptions::data));
  if (!plan.options.config.empty()) append(pretrain, flag(plan.options, &SweepOptions::config));
  append(pretrain, plan.options.pretrain);
  for (const auto& [name, value] : cell.options) {
    append(pretrain, {"--" + name, value});
    assign(*std::find_if(all.begin(), all.end(), [&, key = name](const Field& f) { return f.name == key; }),
           value);
  }
  for (const List& words :
       {flag(o, &PretrainOptions::seed), flag(o, &PretrainOptions::run), flag(o, &PretrainOptions::resume)})
    append(pretrain, words);
  Task task{.name = cell.name(), .folder = o.run, .commands = {pretrain}};
  if (plan.options.no_eval) return task;

  List eval = {program, "eval"};
  EvalOptions e;
  e.no_floors = !plan.options.floors;
  for (const List& words : {flag(o, &PretrainOptions::data), flag(o, &PretrainOptions::run),
                            flag(o, &PretrainOptions::device), flag(o, &PretrainOptions::threads)})
    append(eval, words);
  if (!plan.options.label_file.empty())
    append(eval, flag(plan.options, &SweepOptions::label_file));
  else if (!o.label_file.empty())
    append(eval, flag(o, &PretrainOptions::label_file));
  if (e.no_floors) append(eval, flag(e, &EvalOptions::no_floors));
  task.commands.push_back(eval);
  return task;
}

Task remaining(Task task) {
  const long trained = number_in(result_path(task.folder), "steps");
  if (trained < 0) return task;
  task.commands.erase(task.commands.begin());
  if (!task.commands.empty() && number_in(task.folder + "/eval.json", "step") == trained)
    task.commands.clear();
  return task;
}

}  // namespace apps
