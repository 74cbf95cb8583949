// The state of a run and its report while it trains, and after each kind of end.
#include "apps/watching/live_report.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "apps/cli/commands.h"
#include "apps/run/next_commands.h"
#include "apps/system/exit_code.h"
#include "tests/support/small_cifar.h"
#include "tests/support/tiny_training.h"

namespace fs = std::filesystem;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

apps::PretrainOptions tiny_run(const Scratch& scratch) {
  apps::PretrainOptions o = tiny_training(small_cifar(scratch, "images", 32, 16), scratch.path("my run"));
  o.epochs = 2;
  return o;
}

TEST_CASE("a run's state in words") {
  apps::RunState s{.step = 128, .steps = 480, .epoch = 3.2, .epochs = 12, .seconds_left = 242};
  CHECK(apps::state_text(s) == "epoch 3.20 of 12, step 128 of 480, 4:02 left");
  s.seconds_left = -1;
  CHECK(apps::state_text(s) == "epoch 3.20 of 12, step 128 of 480");
  s.phase = "stopped", s.reason = "Ctrl-C";
  CHECK(apps::state_text(s) == "stopped after step 128 of 480 (epoch 3.20 of 12): Ctrl-C");
  s.phase = "failed", s.reason = "the loss is nan";
  CHECK(apps::state_text(s) == "failed after step 128 of 480 (epoch 3.20 of 12): the loss is nan");
  CHECK(apps::state_text({.phase = "finished", .step = 480, .steps = 480, .epoch = 12, .epochs = 12}) ==
        "finished: 12 epochs, 480 steps");
  CHECK(apps::state_text({.phase = "finished", .step = 1, .steps = 1, .epoch = 0.5, .epochs = 0.5}) ==
        "finished: 0.50 epochs, 1 step");
}

TEST_CASE("a run that says it is running is stopped if no process writes it") {
  const Scratch scratch;
  const apps::PretrainOptions o = tiny_run(scratch);
  CHECK_FALSE(apps::read_state(o.run));
  const apps::RunState written{.step = 3,
                               .steps = 8,
                               .epoch = 1.5,
                               .epochs = 4,
                               .seconds_left = 7,
                               .next = {{"continue", "dyad pretrain ..."}}};
  {
    const apps::RunDirectory run(o, 0);
    apps::write_state(o.run, written);
    const auto s = apps::read_state(o.run);
    REQUIRE(s);
    CHECK(s->running());
    CHECK(s->step == 3);
    CHECK(s->steps == 8);
    CHECK(s->epoch == 1.5);
    CHECK(s->epochs == 4);
    CHECK(s->seconds_left == 7);
    CHECK(s->next == written.next);
  }
  CHECK(apps::state_text(*apps::read_state(o.run)) ==
        "stopped after step 3 of 8 (epoch 1.50 of 4): the process was killed");
  // the steps since state.json was written
  scratch.write("my run/metrics.jsonl", "{\"step\":4,\"epoch\":2}\n{\"step\":5,\"epoch\":2.5}\n{\"step\":6,");
  CHECK(apps::state_text(*apps::read_state(o.run)) ==
        "stopped after step 5 of 8 (epoch 2.50 of 4): the process was killed");
  scratch.write("my run/metrics.jsonl", "no JSON\n\n");
  CHECK(apps::read_state(o.run)->step == 3);
  scratch.write("my run/state.json", "{\"phase\": \"running\"}");
  CHECK_FALSE(apps::read_state(o.run));
  scratch.write("my run/state.json", "{\"phase\"");
  CHECK_FALSE(apps::read_state(o.run));
}

TEST_CASE("the report of a running training reloads itself, and comes after each epoch") {
  const Scratch scratch;
  apps::PretrainOptions o = tiny_run(scratch);
  const auto dataset = data::open_dataset(o.data, data::Split::pretrain);
  apps::resolve(o, dataset->kind());
  const apps::Plan plan(o, *dataset, o.data);
  REQUIRE(plan.steps_per_epoch == 2);
  apps::RunDirectory run(o, 0);
  apps::LiveReport report(o, true, true), silent(o, false, true);
  report.begin(plan, 0);
  silent.begin(plan, 0);
  CHECK(fs::exists(run.path("state.json")));
  CHECK(report.step({.step = 1, .epoch = 0.5}, 3) == "");
  CHECK_FALSE(fs::exists(run.path("report.html")));  // in the middle of an epoch
  CHECK(apps::read_state(o.run)->step == 0);
  report.saved();
  CHECK(apps::read_state(o.run)->step == 1);
  CHECK(silent.step({.step = 2, .epoch = 1}, 2) == "");
  silent.finished();
  CHECK_FALSE(fs::exists(run.path("report.html")));
  CHECK(report.step({.step = 2, .epoch = 1}, 2) == "");
  const std::string html = scratch.read("my run/report.html");
  CHECK(has(html, "epoch 1.00 of 2, step 2 of 4, 0:02 left"));
  CHECK(has(html, "\"phase\":\"running\""));  // for which the page's script reloads it
  CHECK(has(html, "--resume auto"));
  CHECK(has(html, " eval --data "));
}

TEST_CASE("a report that can't be written is a warning while the training runs, and an error at its end") {
  const Scratch scratch;
  apps::PretrainOptions o = tiny_run(scratch);
  const auto dataset = data::open_dataset(o.data, data::Split::pretrain);
  apps::resolve(o, dataset->kind());
  const apps::Plan plan(o, *dataset, o.data);
  apps::RunDirectory run(o, 0);
  apps::LiveReport report(o, true, true);
  report.begin(plan, 0);
  scratch.write("my run/report.html/in the way", "");
  CHECK(has(report.step({.step = 2, .epoch = 1}, 2), "warning: the report can't be written: "));
  CHECK_THROWS(report.finished());
  // an error of the training wins over one of the report
  CHECK_THROWS_WITH(report.guarded([]() -> int { throw std::runtime_error("the loss is nan"); }),
                    "the loss is nan");
  fs::remove_all(run.path("report.html"));
  CHECK_THROWS(report.guarded([]() -> int { throw std::runtime_error("the loss is nan"); }));
  CHECK(
      has(scratch.read("my run/report.html"), "failed after step 4 of 4 (epoch 2.00 of 2): the loss is nan"));
}

TEST_CASE("an evaluation is suggested if the images have classes") {
  const Scratch scratch;
  apps::PretrainOptions o = tiny_run(scratch);
  const auto dataset = data::open_dataset(o.data, data::Split::pretrain);
  apps::resolve(o, dataset->kind());
  const apps::Plan plan(o, *dataset, o.data);
  const apps::RunDirectory run(o, 0);
  for (const bool classes : {true, false}) {
    apps::LiveReport report(o, true, classes);
    report.begin(plan, 0);
    CHECK(report.state().next.size() == (classes ? 2 : 1));
    CHECK(report.state().next.front().first == "continue");
    report.finished();
    CHECK(report.state().next.size() == 2);
    CHECK(report.state().next.front().first == (classes ? "evaluate" : "features"));
  }
}

TEST_CASE("a training leaves its report when it finishes and when it fails") {
  const Scratch scratch;
  apps::PretrainOptions o = tiny_run(scratch);
  REQUIRE(apps::pretrain(o) == apps::kOk);
  std::string html = scratch.read("my run/report.html");
  CHECK(has(html, "finished: 2 epochs, 4 steps"));
  CHECK_FALSE(has(html, "\"phase\":\"running\""));
  CHECK(apps::read_state(o.run)->phase == "finished");
  // the commands that come next are complete, and a shell reads them as they were meant
  const std::string log = scratch.read("my run/train.log");
  CHECK(
      has(log, "evaluate: " + apps::program_name() + " eval --data " + o.data + " --run '" + o.run + "'\n"));
  CHECK(has(log, "export: " + apps::program_name() + " export --run '" + o.run + "' --out '" + o.run +
                     "/encoder.safetensors'\n"));

  apps::PretrainOptions failing = tiny_run(scratch);
  failing.run = scratch.path("failing");
  failing.optimizer = "sgd";
  failing.lr = 1e6;
  failing.epochs = 20;
  CHECK_THROWS(apps::pretrain(failing));
  html = scratch.read("failing/report.html");
  CHECK(has(html, "failed after step "));
  CHECK(has(html, "expected a finite number"));
  CHECK(apps::read_state(failing.run)->phase == "failed");
}

}  // namespace
