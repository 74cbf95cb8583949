#include "apps/planning/unused_options.h"

#include <doctest/doctest.h>

TEST_CASE("options that change nothing of a method are named") {
  const auto line = [](const std::string& method, auto change) {
    apps::PretrainOptions o;
    o.method = method;
    change(o);
    apps::resolve(o, true);
    return apps::unused_options(o);
  };
  using Options = apps::PretrainOptions;
  const auto nothing = [](Options&) {};
  const auto tau = [](Options& o) { o.tau.value = 0.1; };
  const auto both = [](Options& o) { o.tau.value = 0.1, o.queue = 512; };
  for (const char* method : {"simclr", "moco2", "moco3", "byol", "simsiam"})
    CHECK(line(method, nothing).empty());
  for (const char* method : {"simclr", "moco2", "moco3"}) CHECK(line(method, tau).empty());
  CHECK(line("byol", tau) == "not used by byol: --tau 0.1");
  CHECK(line("simsiam", both) == "not used by simsiam: --tau 0.1, --queue 512");
  CHECK(line("simclr", both) == "not used by simclr: --queue 512");
  CHECK(line("moco2", both).empty());
  for (const char* method : {"simclr", "moco2", "moco3"})
    for (const char* kind : {"nt-xent", "decoupled", "debiased", "hard", "eqco"}) {
      CAPTURE(method);
      CAPTURE(kind);
      CHECK(line(method, [&](Options& o) { o.negatives = kind; }).empty());
    }
  const auto dclw = [](Options& o) { o.negatives = "dclw", o.sigma = 0.3; };
  CHECK(line("simclr", dclw).empty());
  const auto hard = [](Options& o) { o.negatives = "hard", o.hardness = 2, o.queue = 512; };
  CHECK(line("simclr", hard) == "not used by simclr: --queue 512");

  apps::PretrainOptions o;
  o.method = "moco2", o.batch = 16, o.queue = 64;
  apps::resolve(o, true);
  CHECK(apps::queue_note(o, 64).empty());
  CHECK(apps::queue_note(o, 48) ==
        "--queue 64 is more than the 48 images: it is full of keys after 4 steps, and then has several of "
        "each image");
  o.method = "simclr";
  CHECK(apps::queue_note(o, 48).empty());
}
