// What a sweep does with its cells: their commands, sweep.json, and the script for Slurm.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "apps/sweep/add_cells.h"
#include "apps/sweep/plan.h"
#include "apps/sweep/slurm.h"
#include "apps/sweep/sweep_file.h"
#include "apps/system/shell.h"
#include "engine/error.h"
#include "tests/support/scratch.h"

namespace {

using apps::List;
using nlohmann::json;

apps::SweepOptions two_methods(const Scratch& scratch) {
  apps::SweepOptions o;
  o.data = "photos";
  o.out = scratch.path("s");
  o.vary = {"method=simclr,byol"};
  o.pretrain = {"--tau", "0.25", "--device", "cuda"};
  return o;
}

std::string refusal(const apps::SweepOptions& o) {
  return message_of<engine::UsageError>([&] { apps::sweep_plan(o, {"pretrain", "eval"}); });
}

apps::SweepPlan plan_of(const apps::SweepOptions& o) { return apps::sweep_plan(o, {"pretrain", "eval"}); }

TEST_CASE("sweep: a cell's commands have the shared options, the varied ones and the seed") {
  const Scratch scratch;
  apps::SweepOptions o = two_methods(scratch);
  o.config =
      scratch.write("base.toml", "[pretrain]\nbatch = 8\nthreads = 1\nseed = 7\nrun = \"elsewhere\"\n");
  const apps::SweepPlan plan = plan_of(o);
  CHECK(plan.shared.batch == 8);
  CHECK(plan.shared.tau.value == 0.25);
  const std::string run = o.out + "/method=byol,seed=0";
  CHECK(apps::command_text(apps::task_of(plan, plan.cells.at(1), "dyad")) ==
        "dyad pretrain --data photos --config " + o.config +
            " --tau 0.25 --device cuda --method byol --seed 0 --run " + run +
            " --resume auto && dyad eval --data photos --run " + run +
            " --device cuda --threads 1 --no-floors");
  o.floors = true;
  CHECK(apps::command_text(apps::task_of(plan_of(o), plan.cells[1], "dyad")).find("floors") ==
        std::string::npos);
  o.no_eval = true;
  CHECK(apps::task_of(plan_of(o), plan.cells[1], "dyad").commands.size() == 1);
}

TEST_CASE("sweep: options that all cells have are checked before anything starts") {
  const Scratch scratch;
  const auto with = [&](const List& words) {
    apps::SweepOptions o = two_methods(scratch);
    o.pretrain = words;
    return refusal(o);
  };
  CHECK(with({"--batch", "1"}) == "--batch is 1, expected 2 to 65536");
  CHECK(with({"extra"}) == "unexpected argument \"extra\"");
  CHECK(with({"--method", "byol"}) == "--method is given, but --vary varies it");
  CHECK(with({"--seed", "3"}).find("--seeds") != std::string::npos);
  CHECK(with({"--run", "r"}).find("the sweep sets it") != std::string::npos);
  CHECK(with({"--data", "d"}) == "--data is given twice: before -- and after it");
  apps::SweepOptions o = two_methods(scratch);
  o.data = "";
  CHECK(refusal(o).find("--data is missing: ") == 0);
  o.config = scratch.write("base.toml", "[pretrain]\nbatchh = 8\n");
  CHECK(refusal(o) == o.config + " line 2: unknown key batchh; did you mean batch?");
}

TEST_CASE("sweep: what is finished is left alone") {
  const Scratch scratch;
  const apps::SweepPlan plan = plan_of(two_methods(scratch));
  const apps::Task task = apps::task_of(plan, plan.cells[0], "dyad");
  const std::string cell = "s/" + task.name;
  CHECK(apps::remaining(task).commands.size() == 2);
  scratch.write(cell + "/eval.json", R"({"step":7})");
  CHECK(apps::remaining(task).commands.size() == 2);
  scratch.write(cell + "/training.json", R"({"steps":7})");
  CHECK(apps::remaining(task).commands.empty());
  scratch.write(cell + "/eval.json", R"({"step":6})");
  CHECK(apps::remaining(task).commands == std::vector<List>{task.commands[1]});
  scratch.write(cell + "/training.json", "{");
  CHECK(apps::remaining(task).commands.size() == 2);
}

TEST_CASE("sweep.json: a second sweep adds its cells, and must share what the first one shares") {
  const Scratch scratch;
  std::filesystem::create_directories(scratch.path("s"));
  apps::SweepOptions o = two_methods(scratch);
  CHECK(apps::add_to_sweep_file(plan_of(o)) == "");
  CHECK(apps::add_to_sweep_file(plan_of(o)) ==
        o.out + " has 2 cells of earlier sweeps: this one adds 0 and shares 2");
  o.vary = {"method=byol,simsiam"};
  o.seeds = 2;
  CHECK(apps::add_to_sweep_file(plan_of(o)) ==
        o.out + " has 2 cells of earlier sweeps: this one adds 3 and shares 1");
  const json file = json::parse(scratch.read("s/sweep.json"));
  CHECK(file.at("cells").size() == 5);
  CHECK(file.at("sweeps").size() == 2);
  CHECK(file.at("cells")[4] ==
        json::parse(R"({"name":"method=simsiam,seed=1","options":{"method":"simsiam"},"seed":1})"));
  CHECK(apps::read_sweep_file(o.out).varied == List{"method"});

  o.pretrain = {"--tau", "0.5"};
  const apps::SweepPlan other = plan_of(o);
  CHECK(message_of<engine::UsageError>([&] { apps::add_to_sweep_file(other); }) ==
        "--out " + o.out +
            ": its cells have --tau 0.25, and this sweep has 0.5: name another folder, or vary it");
  o.pretrain = {"--tau", "0.25", "--device", "cpu", "--threads", "9"};  // the same result
  CHECK_NOTHROW(apps::add_to_sweep_file(plan_of(o)));
  const std::string before = scratch.read("s/sweep.json");
  scratch.write("s/sweep.json", before.substr(0, before.size() / 2));
  CHECK_THROWS_AS(apps::add_to_sweep_file(plan_of(o)), engine::DataError);
}

// The script is run as Slurm would run it.
TEST_CASE("sweep: the script for Slurm runs one cell a task") {
  const Scratch scratch;
  const apps::Task quiet{
      .name = "a", .folder = "cells/a b", .commands = {{"echo", "one two"}, {"echo", "then"}}};
  const apps::Task fails{
      .name = "c", .folder = "cells/c", .commands = {{"sh", "-c", "exit 7"}, {"echo", "never"}}};
  const std::string script = apps::slurm_script({quiet, fails}, scratch.path("")),
                    file = scratch.write("sweep.sh", script);
  CHECK(script.starts_with("#!/bin/bash\n"));
  CHECK(script.find("\n#SBATCH --array=0-1\n") != std::string::npos);
  const auto task = [&](const std::string& number) {
    return apps::shell("SLURM_ARRAY_TASK_ID=" + number + " bash -u " + apps::quoted(file) + " 2>/dev/null");
  };
  CHECK(task("0"));
  CHECK(scratch.read("cells/a b/sweep.log") == "one two\nthen\n");
  CHECK_FALSE(task("1"));
  CHECK(scratch.read("cells/c/sweep.log") == "");
  CHECK_FALSE(task("2"));
}

TEST_CASE("sweep: the script for Slurm passes its signal on, and waits") {
  const Scratch scratch;
  const apps::Task waits{
      .name = "a",
      .folder = "a",
      .commands = {{"sh", "-c",
                    "trap 'sleep 0.2; echo saved; exit 75' USR1; echo ready; while :; do sleep 0.05; done"}}};
  const std::string file = scratch.write("sweep.sh", apps::slurm_script({waits}, scratch.path("")));
  CHECK(apps::shell("SLURM_ARRAY_TASK_ID=0 bash " + apps::quoted(file) + " & until grep -qs ready " +
                    apps::quoted(scratch.path("a/sweep.log")) +
                    "; do sleep 0.05; done; kill -USR1 $!; wait $!; test $? = 75"));
  CHECK(scratch.read("a/sweep.log") == "ready\nsaved\n");
}

}  // namespace
