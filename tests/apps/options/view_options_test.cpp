// The options of the views: each sets its member of the recipe, and nothing else.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "apps/cli/cli.h"
#include "apps/cli/commands.h"
#include "apps/options/config.h"
#include "apps/options/views.h"
#include "apps/ranks/facts.h"
#include "apps/run/checkpoint.h"
#include "engine/error.h"
#include "tests/support/small_cifar.h"
#include "tests/support/tiny_training.h"

namespace {

// What a recipe says, in the order of its members.
std::vector<double> numbers(const data::ViewRecipe& r) {
  return {r.scale.low,
          r.scale.high,
          r.ratio.low,
          r.ratio.high,
          double(r.bicubic),
          r.flip_p,
          r.rotate_p,
          r.rotate_degrees,
          r.jitter_p,
          r.strength,
          r.brightness,
          r.contrast,
          r.saturation,
          r.hue,
          r.gray_p,
          r.blur_p,
          r.blur_sigma.low,
          r.blur_sigma.high,
          r.blur_kernel,
          r.solarize_p,
          double(r.solarize_threshold)};
}

apps::ViewOptions of(const std::string& recipe) {
  apps::ViewOptions o;
  o.recipe = recipe;
  return o;
}

std::string set(apps::ViewOptions& o, const std::string& name, const std::string& text) {
  for (const apps::Field& f : apps::view_fields(o))
    if (f.name == name) return apps::assign(f, text);
  FAIL("no option " << name);
  return "";
}

struct Given {
  const char *name, *text;
  std::vector<std::pair<std::size_t, double>>
      changed;  // members by their place in numbers(), and their values
};

const std::vector<Given>& all_options() {
  static const std::vector<Given> all = {
      {"crop-scale", "0.2:0.9", {{0, 0.2}, {1, 0.9}}},
      {"crop-ratio", "0.5:2", {{2, 0.5}, {3, 2}}},
      {"interpolation", "bicubic", {{4, 1}}},
      {"flip-p", "0", {{5, 0}}},
      {"rotate-degrees", "30", {{6, 1}, {7, 30}}},  // without --rotate-p: always
      {"jitter-p", "0.3", {{8, 0.3}}},
      {"jitter-strength", "0.25", {{9, 0.25}}},
      {"brightness", "0.1", {{10, 0.1}}},
      {"contrast", "0.15", {{11, 0.15}}},
      {"saturation", "0", {{12, 0}}},
      {"hue", "0.05", {{13, 0.05}}},
      {"gray-p", "1", {{14, 1}}},
      {"blur-p", "0.7", {{15, 0.7}}},
      {"blur-sigma", "1:1", {{16, 1}, {17, 1}}},
      {"blur-kernel", "0.2", {{18, 0.2}}},
      {"solarize-p", "0.4", {{19, 0.4}}},
      {"solarize-threshold", "200", {{20, 200}}},
  };
  return all;
}

}  // namespace

TEST_CASE("views: without options they are the recipe's, resolved or not") {
  for (const std::string recipe : {"cifar", "imagenet"}) {
    CAPTURE(recipe);
    apps::ViewOptions o = of(recipe);
    const auto expected = numbers(data::view_recipe("simclr-" + recipe));
    CHECK(numbers(apps::recipes_of(o)[0]) == expected);
    apps::resolve_views(o);
    CHECK(numbers(apps::recipes_of(o)[0]) == expected);
    CHECK(numbers(apps::recipes_of(o)[1]) == expected);
    for (const apps::Field& f : apps::view_fields(o)) {
      CAPTURE(f.name);
      if (f.name != "size") CHECK(apps::text_of(f) != "auto");
      // what checkpoints of defaults have no key for, as those that are older than the options
      CHECK((f.name == "size" || f.name == "recipe" ? f.absent.empty() : f.absent == apps::text_of(f)));
      CHECK((f.name == "size" || f.name == "recipe" || f.name == "views" || f.name == "view-rules") ==
            f.saved);
    }
  }
}

TEST_CASE("views: each option sets its own member") {
  const auto recipe = numbers(data::view_recipe("simclr-cifar"));
  std::size_t changes = 0;
  for (const Given& g : all_options()) {
    CAPTURE(g.name);
    apps::ViewOptions o = of("cifar");
    REQUIRE(set(o, g.name, g.text) == "");
    apps::resolve_views(o);
    auto expected = recipe;
    for (const auto& [at, value] : g.changed) {
      CHECK(expected[at] != value);
      expected[at] = value;
      ++changes;
    }
    CHECK(numbers(apps::recipes_of(o)[0]) == expected);
  }
  CHECK(changes == recipe.size());
  apps::ViewOptions o = of("cifar");
  CHECK(apps::view_fields(o).size() ==
        all_options().size() + 6);  // and views, recipe, view-rules, size, rotate-p, second-view
}

TEST_CASE("views: a config file keeps them, and wrong values are refused") {
  const Scratch scratch;
  apps::PretrainOptions o;
  set(o, "crop-scale", "0.2:1");
  set(o, "hue", "0.1");
  apps::resolve(o, true);
  const std::string text = apps::config_text("pretrain", apps::fields(o));
  CHECK(text.find("crop-scale = \"0.2:1\"\nhue = 0.1\n") != std::string::npos);
  apps::PretrainOptions back;
  apps::apply_config(scratch.write("run.toml", text), "pretrain", apps::fields(back));
  CHECK(numbers(apps::recipes_of(back)[0]) == numbers(apps::recipes_of(o)[0]));

  // another recipe for the same run: what wasn't set is the new recipe's
  back.recipe = "imagenet";
  CHECK(apps::recipes_of(back)[0].strength == 1);
  CHECK(apps::recipes_of(back)[0].blur_p == 0.5);
  CHECK(apps::recipes_of(back)[0].hue == 0.1);

  apps::ViewOptions v = of("cifar");
  const std::string expected = ", expected LOW:HIGH, 0.001 to 1, or auto";
  for (const char* wrong : {"0.2", "0:1", "0.5:1.5", "a:b", ":", "nan:1", "0.2:1:2", ""}) {
    CAPTURE(wrong);
    CHECK(set(v, "crop-scale", wrong) == "is \"" + std::string(wrong) + "\"" + expected);
  }
  CHECK(set(v, "crop-scale", "1:0.2") == "is \"1:0.2\"" + expected + ", and LOW is above HIGH");
  CHECK(set(v, "crop-scale", "auto") == "");
  CHECK(set(v, "flip-p", "-0.5") == "is -0.5, expected 0 to 1, or auto");
  const auto refused = [&](apps::ViewOptions bad) {
    return message_of<engine::UsageError>([&] { apps::resolve_views(bad); });
  };
  apps::ViewOptions still = of("cifar"), turned = of("imagenet");
  set(still, "rotate-p", "0.5");
  CHECK(refused(still) == "--rotate-p is above 0 without an angle, expected --rotate-degrees as well");
  set(turned, "hue", "0.4");
  set(turned, "jitter-strength", "2");
  CHECK(refused(turned) == "--hue 0.4 times --jitter-strength 2 is 0.8, expected at most 0.5");
}

TEST_CASE("views: data preview draws and says them; a training keeps them, and says a change of them") {
  const Scratch scratch;
  apps::PretrainOptions o = tiny_training(small_cifar(scratch, "data", 32, 5), scratch.path("run"));
  o.steps = 2;
  o.warmup_epochs = 0;
  set(o, "gray-p", "1");
  REQUIRE(apps::pretrain(o) == 0);
  const apps::Checkpoint saved(apps::checkpoint_path(o.run, 2));
  CHECK(saved.info().at("gray-p") == "1");
  CHECK(saved.info().count("flip-p") == 0);  // the recipe's
  apps::resolve(o, true);
  CHECK(apps::resume_differences(saved.info(), o) == "");
  set(o, "gray-p", "0.2");
  set(o, "flip-p", "0");
  CHECK(apps::resume_differences(saved.info(), o) == "flip-p 0.5 -> 0, gray-p 1 -> 0.2");

  const apps::Facts facts = apps::facts_of(o, {});
  CHECK(std::find(facts.begin(), facts.end(), std::pair<std::string, std::string>("flip-p", "0")) !=
        facts.end());

  const auto drawn = [&](std::vector<std::string> flags) {
    std::vector<std::string> line = {"data", "preview", "--data", o.data, "--out", scratch.path("views.png")};
    line.insert(line.end(), flags.begin(), flags.end());
    std::ostringstream out, err;
    CHECK(apps::run_command_line(line, out, err) == 0);
    CHECK(err.str() == "");
    return scratch.read("views.png");
  };
  const std::string plain = drawn({});
  CHECK(drawn({"--flip-p", "0.5", "--crop-scale", "0.08:1"}) == plain);
  std::set<std::string> others;
  for (const Given& g : all_options()) {
    CAPTURE(g.name);
    std::vector<std::string> flags = {std::string("--") + g.name, g.text};
    const std::string name = g.name;
    if (name == "blur-sigma" || name == "blur-kernel") flags.insert(flags.end(), {"--blur-p", "1"});
    if (name == "solarize-threshold") flags.insert(flags.end(), {"--solarize-p", "1"});
    const std::string picture = drawn(flags);
    CHECK(picture != plain);
    CHECK(others.insert(picture).second);
  }
}

TEST_CASE("views: those of a method differ, and an option sets both") {
  apps::ViewOptions o = of("imagenet");
  o.views = "byol";
  const auto byol = data::view_recipes("byol-imagenet");
  const auto both = [&] {
    const auto r = apps::recipes_of(o);
    return std::vector{numbers(r[0]), numbers(r[1])};
  };
  CHECK(both() == std::vector{numbers(byol[0]), numbers(byol[1])});
  apps::resolve_views(o);
  CHECK(both() == std::vector{numbers(byol[0]), numbers(byol[1])});
  CHECK(o.flip_p == 0.5);
  CHECK(o.blur_p < 0);  // 1 in one view, and 0.1 in the other
  CHECK(o.solarize_p < 0);
  set(o, "blur-p", "0.3");
  CHECK(apps::recipes_of(o)[0].blur_p == 0.3);
  CHECK(apps::recipes_of(o)[1].blur_p == 0.3);
  CHECK(apps::recipes_of(o)[1].solarize_p == 0.2);

  apps::ViewOptions second = of("cifar");
  set(second, "second-view", "blur-p=0.1,solarize-p=0.2,crop-scale=0.5:1");
  set(second, "gray-p", "0.7");
  apps::resolve_views(second);
  const auto r = apps::recipes_of(second);
  CHECK(r[0].blur_p == 0);
  CHECK(r[1].blur_p == 0.1);
  CHECK(r[1].solarize_p == 0.2);
  CHECK(r[0].scale.low == 0.08);
  CHECK(r[1].scale.low == 0.5);
  CHECK(r[0].gray_p == 0.7);
  CHECK(r[1].gray_p == 0.7);
  CHECK(apps::views_text(second).find("\nsecond: crop 0.5 to 1 of the area") != std::string::npos);
  const auto refused = [&](const std::string& text) {
    apps::ViewOptions bad = of("cifar");
    set(bad, "second-view", text);
    return message_of<engine::UsageError>([&] { apps::resolve_views(bad); });
  };
  const std::string expected =
      ", expected NAME=VALUE with the name of another option of the views, such as blur-p=0.1,solarize-p=0.2";
  CHECK(refused("blur") == "--second-view: \"blur\"" + expected);
  CHECK(refused("size=3") == "--second-view: \"size=3\"" + expected);
  CHECK(refused("blur-p=-2") == "--second-view: blur-p is -2, expected 0 to 1, or auto");
  CHECK(refused("hue=0.9") == "--second-view: hue is 0.9, expected 0 to 0.5, or auto");
}

TEST_CASE("views: auto is the method's, and a checkpoint of SimCLR has no key for it") {
  for (const auto& pair : std::map<std::string, std::string>{{"simclr", "simclr"},
                                                             {"byol", "byol"},
                                                             {"moco2", "moco2"},
                                                             {"moco3", "moco3"},
                                                             {"simsiam", "moco2"}}) {
    const std::string &method = pair.first, &views = pair.second;
    CAPTURE(method);
    apps::PretrainOptions o;
    o.method = method;
    apps::resolve(o, true);
    CHECK(o.views == views);
    for (const apps::Field& f : apps::fields(o))
      if (f.name == "views") CHECK((f.saved && f.absent == "simclr"));
    o.views = "simclr";
    apps::resolve(o, true);
    CHECK(o.views == "simclr");
    const Scratch scratch;  // a config keeps it, whichever the method's own are
    apps::PretrainOptions back;
    apps::apply_config(scratch.write("run.toml", apps::config_text("pretrain", apps::fields(o))), "pretrain",
                       apps::fields(back));
    apps::resolve(back, true);
    CHECK(back.views == "simclr");
  }
}

TEST_CASE("views: in words") {
  CHECK(
      apps::views_text(of("cifar")) ==
      "crop 0.08 to 1 of the area, ratio 0.75 to 1.33333, bilinear; flip, p = 0.5; jitter of brightness 0.4, "
      "contrast 0.4, saturation 0.4, hue 0.1, p = 0.8; gray, p = 0.2");
  apps::ViewOptions o = of("imagenet");
  set(o, "jitter-p", "0");
  set(o, "rotate-degrees", "90");
  set(o, "solarize-p", "0.1");
  CHECK(
      apps::views_text(o) ==
      "crop 0.08 to 1 of the area, ratio 0.75 to 1.33333, bicubic; flip, p = 0.5; rotation up to 90 degrees, "
      "p = 1; gray, p = 0.2; blur of sigma 0.1 to 2, filter of 0.1 of the side, p = 0.5; solarization from "
      "128 on, p = 0.1");
}
