// dyad sweep: one run for each combination of options, trained and evaluated by this program as a child
// process.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "apps/cli/command_table.h"
#include "apps/cli/commands.h"
#include "apps/ranks/ranks.h"
#include "apps/run/append_file.h"
#include "apps/run/next_commands.h"
#include "apps/run/run_directory.h"
#include "apps/sweep/add_cells.h"
#include "apps/sweep/plan.h"
#include "apps/sweep/slurm.h"
#include "apps/system/exit_code.h"
#include "apps/system/shell.h"
#include "apps/system/signals.h"
#include "data/dataset.h"
#include "data/files.h"
#include "engine/error.h"
#include "engine/escape.h"
#include "engine/files/atomic_file.h"

namespace apps {
namespace {

using engine::concat_text;

std::vector<Task> tasks_of(const SweepPlan& plan) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  std::vector<Task> tasks;
  for (const Cell& cell : plan.cells) tasks.push_back(task_of(plan, cell, program));
  return tasks;
}

std::string outcome_text(const Task& task, const Outcome& o) {
  switch (o.kind) {
    case Outcome::finished:
      return "finished";
    case Outcome::running:
      return "started; log: " + log_of(task);
    case Outcome::stopped:
      return "stopped";
    case Outcome::not_started:
      return "not started";
    case Outcome::failed:
      break;
  }
  return concat_text("failed with code ", o.code, ": ", o.reason, "; log: ", log_of(task));
}

// One line for each cell: `left` are those that were not whole when the sweep began.
void print_cells(const std::vector<Task>& all, const std::vector<Task>& left, const Outcomes& outcomes) {
  for (const Task& task : all) {
    const auto same =
        std::find_if(left.begin(), left.end(), [&](const Task& t) { return t.name == task.name; });
    const std::string text = same == left.end()
                                 ? "skipped: finished before"
                                 : outcome_text(task, outcomes.of[std::size_t(same - left.begin())]);
    std::printf("%s: %s\n", task.name.c_str(), engine::shown(text).c_str());
  }
}

std::size_t count(const Outcomes& outcomes, Outcome::Kind kind) {
  return std::size_t(std::count_if(outcomes.of.begin(), outcomes.of.end(),
                                   [&](const Outcome& o) { return o.kind == kind; }));
}

// Before anything is written.
void require_images(const SweepPlan& plan) {
  const std::string& data = plan.shared.data;
  engine::require_data(data.empty() || data::is_there(data), data,
                       ": is not there, expected images to train with");
  const bool evaluated = !plan.options.no_eval && !data.empty() && plan.shared.split_from <= 0;
  engine::require_data(
      !evaluated || data::has_split(data, data::Split::test), data,
      ": has no test split to evaluate the cells with, expected --no-eval, or --split-from 0.1");
}

int run_cells(const SweepPlan& plan, const std::vector<Task>& all) {
  const std::string& out = plan.options.out;
  AppendFile log(out + "/sweep.log");
  if (!log.lock()) throw engine::UsageError("--out " + out + ": another sweep is writing to this folder");
  const auto say = [&](const std::string& text) {
    const std::string line = engine::shown(text);
    std::fprintf(stderr, "%s\n", line.c_str());
    log.write(line + "\n");
  };
  if (const std::string line = add_to_sweep_file(plan); !line.empty()) say(line);
  std::vector<Task> left;
  for (const Task& task : all) {
    if (Task rest = remaining(task); !rest.commands.empty())
      left.push_back(std::move(rest));
    else  // its evaluation may have been killed while it wrote the report
      engine::remove_temporary_files(task.folder);
  }
  say(concat_text(data::counted(double(all.size()), "cell"), ", ", left.size(), " of them to run, ",
                  plan.options.jobs, " at a time"));
  std::size_t done = 0;
  const Outcomes outcomes = run_tasks(left, plan.options.jobs, [&](std::size_t i, const Outcome& o) {
    done += o.kind != Outcome::running;
    say(concat_text("[", done, "/", left.size(), "] ", left[i].name, ": ", outcome_text(left[i], o)));
  });
  print_cells(all, left, outcomes);
  if (outcomes.signal != 0) {
    say(concat_text(signal_name(outcomes.signal), ": stopped; the same command continues the sweep"));
    return outcomes.signal == SIGINT ? kInterrupted : kTryAgain;
  }
  say(concat_text("compare the cells: ", program_name(), " compare ", shell_word(out), " --html ",
                  shell_word(out + "/compare.html")));
  return count(outcomes, Outcome::failed) == 0 ? kOk : kFailed;
}

}  // namespace

int sweep(const SweepOptions& o) {
  require_one_process("sweep");
  const SweepPlan plan = sweep_plan(o, sections_of(command_table()));
  const std::vector<Task> tasks = tasks_of(plan);
  if (!o.slurm.empty() && plan.shared.ranks > 1)
    throw engine::UsageError("--slurm writes tasks of one process each, expected no --ranks");
  if (!o.slurm.empty() && o.jobs > 1)
    throw engine::UsageError(
        concat_text("--jobs ", o.jobs, " is of cells that this program runs itself, and --slurm leaves ",
                    "that to sbatch: --array=0-", tasks.size() - 1, "%", o.jobs, " runs as many at a time"));
  if (o.dry_run) {
    for (const Task& task : tasks) std::printf("# %s\n%s\n", task.name.c_str(), command_text(task).c_str());
    return kOk;
  }
  if (o.slurm.empty()) require_images(plan);
  std::error_code error;
  std::filesystem::create_directories(o.out, error);
  if (error) throw engine::UsageError("--out " + o.out + ": can't be made: " + error.message());
  if (o.slurm.empty()) return run_cells(plan, tasks);
  if (const std::string line = add_to_sweep_file(plan); !line.empty())
    std::fprintf(stderr, "%s\n", engine::shown(line).c_str());
  write_text(o.slurm, slurm_script(tasks, std::filesystem::current_path().string()));
  std::fprintf(stderr, "%s: %s; sbatch %s runs them\n", engine::shown(o.slurm).c_str(),
               data::counted(double(tasks.size()), "task").c_str(), shell_word(o.slurm).c_str());
  return kOk;
}

}  // namespace apps
