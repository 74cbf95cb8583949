#include "apps/bench/loader_times.h"

#include <doctest/doctest.h>

#include "data/view_parts.h"
#include "engine/error.h"
#include "tests/support/encode.h"
#include "tests/support/scratch.h"

// What is counted, not how much: times decide nothing.
TEST_CASE("bench loader: files are decoded, records only read, and a bad image is an error") {
  const Scratch scratch;
  for (int i = 0; i < 12; ++i)
    scratch.write("photos/" + std::to_string(i) + ".jpg",
                  encode_jpeg(40, 50, std::vector<std::uint8_t>(40 * 50 * 3, std::uint8_t(i))));
  const std::vector<data::ViewRecipe> recipes(2, data::view_recipe("simclr-imagenet"));
  for (const bool records : {false, true}) {
    const auto images =
        data::open_dataset(records ? "data/samples" : scratch.path("photos"), data::Split::pretrain);
    for (const bool parts : {false, true}) {
      const apps::Loading l{.images = images.get(),
                            .decode = {},
                            .part = parts ? data::part_of_views(recipes, 16, 0) : data::NeededPart(),
                            .batch = 4,
                            .threads = 2,
                            .batches = 3};
      const apps::ImageWork work = apps::measure_work(l, 1);
      CHECK(work.read > 0);
      CHECK((work.decode > 0) == !records);
      CHECK(work.assemble > 0);
      CHECK(work.total() == work.read + work.decode + work.assemble);
      CHECK(apps::measure_views(l, 1, recipes, 16) > 0);
      CHECK(apps::measure_wall(l, 1) > 0);
    }
  }
  scratch.write("photos/broken.jpg", "\xff\xd8\xff");
  const auto broken = data::open_dataset(scratch.path("photos"), data::Split::pretrain);
  CHECK_THROWS_AS(apps::measure_work({.images = broken.get(), .decode = {}, .part = {}, .batch = 13}, 0),
                  engine::DataError);
}
