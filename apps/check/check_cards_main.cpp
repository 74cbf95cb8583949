// The whole program of a project that checks kernels of its own: cards linked to this run every check.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "apps/check/check_cards.h"
#include "engine/error.h"

#ifdef DYAD_SIMT_ONLY
// The reports are read for the place in the kernel, so they must be complete; equal places of different
// threads are one.
extern "C" const char* __tsan_default_options() { return "exitcode=0:atexit_sleep_ms=0:history_size=7"; }
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
#endif

int main(int argc, char** argv) {
  apps::CheckCardsOptions o;
  CLI::App app("Checks kernels by their cards: gradients, races, memory, precision");
  app.add_option("--op", o.op, "regular expression over the names of the cards");
  app.add_option("--check", o.check, "regular expression over the names of the checks");
  app.add_flag("--list", o.list, "print the names of the cards, and stop");
  app.add_option("--seed", o.seed, "of the inputs");
  app.add_option("--limit", o.limit, "seconds for one check of a card at one shape")
      ->check(CLI::Range(1, 86400));
  app.add_flag("--strict", o.strict, "a shuffle from a lane that takes no part is an error, used or not");
  app.add_option("--junit", o.junit, "file that receives the results as JUnit's XML");
  CLI11_PARSE(app, argc, argv);
  try {
    return apps::check_cards(o);
  } catch (const engine::UsageError& e) {
    std::fprintf(stderr, "%s: %s\n", argv[0], e.what());
    return 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", argv[0], e.what());
    return 1;
  }
}
