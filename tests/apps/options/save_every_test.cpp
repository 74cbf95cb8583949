// --save-every: what its value means, and what is said of a wrong one.
#include "apps/options/save_every.h"

#include <doctest/doctest.h>

#include "apps/options/pretrain.h"

namespace {

void check_every(const std::string& text, const apps::SaveEvery& expected) {
  CAPTURE(text);
  CHECK(apps::wrong_save_every(text).empty());
  const apps::SaveEvery every = apps::save_every(text);
  CHECK(every.steps == expected.steps);
  CHECK(every.epochs == expected.epochs);
  CHECK(every.minutes == expected.minutes);
}

}  // namespace

TEST_CASE("save-every: steps, epochs, minutes, hours, several, and only at the end") {
  check_every("500", {.steps = 500});
  check_every("1e", {.epochs = 1});
  check_every("10m", {.minutes = 10});
  check_every("2h", {.minutes = 120});
  check_every("1e,10m", {.epochs = 1, .minutes = 10});
  check_every("30m,7,2e", {.steps = 7, .epochs = 2, .minutes = 30});
  check_every("0", {});
  check_every("end", {});
}

TEST_CASE("save-every: by default every epoch and every ten minutes") {
  check_every(apps::PretrainOptions().save_every, {.epochs = 1, .minutes = 10});
}

TEST_CASE("save-every: a wrong value is refused") {
  for (const char* text : {"", "x", "-1", "1.5", "0e", "10s", "1e,", ",1e", "1e,2e", "10m,1h", "0,1e",
                           "end,1e", "1 e", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK(apps::wrong_save_every(text) ==
          "is \"" + std::string(text) +
              "\", expected steps (500), epochs (1e), minutes (10m) or hours (2h), several as in \"1e,10m\", "
              "or end");
  }
}
