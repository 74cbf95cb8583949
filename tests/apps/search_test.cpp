// dyad index and dyad search: from a run and pictures to neighbours, as text, JSON and a page.
#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/cli/cli.h"
#include "apps/embedding/embedding_file.h"
#include "engine/files/npy.h"
#include "engine/ops.h"
#include "tests/support/encode.h"
#include "tests/support/scratch.h"
#include "tests/support/small_cifar.h"

namespace {

struct Said {
  int code;
  std::string err;
};

Said told(const std::vector<std::string>& arguments) {
  std::ostringstream out, err;
  const int code = apps::run_command_line(arguments, out, err);
  return {code, err.str()};
}

std::string stripes_png(int seed) {
  std::vector<std::uint8_t> rows(std::size_t(16 * 16 * 3));
  for (std::size_t i = 0; i < rows.size(); ++i)
    rows[i] = std::uint8_t(i / 3 * std::size_t(seed * seed + 1) * 8 + i % 3 * 40);
  return encode_png(16, 16, SPNG_COLOR_TYPE_TRUECOLOR, 8, rows);
}

// Two runs of other weights, six pictures in two classes, and an index of them by the first run.
struct Shelf {
  Scratch scratch;
  std::string data = small_cifar(scratch, "data", 16, 4), photos = scratch.path("photos");
  std::string run = trained("run", 1), other = trained("other", 2);
  std::string features = scratch.path("f.safetensors"), index = scratch.path("i.safetensors");

  Shelf() {
    for (int i = 0; i < 6; ++i)
      scratch.write("photos/" + std::string(i < 3 ? "a & b" : "c") + "/" + std::to_string(i) + "<.png",
                    stripes_png(i));
    REQUIRE(told({"embed", "--run", run, "--data", photos, "--out", features}).code == 0);
    REQUIRE(told({"index", "--embeddings", features, "--out", index}).code == 0);
  }
  std::string trained(const std::string& name, int seed) const {
    REQUIRE(
        told({"pretrain", "--data", data, "--run", scratch.path(name), "--arch=resnet10", "--width=0.0625",
              "--out-dim=8", "--batch=8", "--steps=1", "--size=16", "--seed", std::to_string(seed)})
            .code == 0);
    return scratch.path(name);
  }
};

}  // namespace

TEST_CASE("search: each picture finds itself first, and the result is text, JSON and a page") {
  const Shelf s;
  const apps::EmbeddingFile index(s.index), features(s.features);
  CHECK(index.labels() == features.labels());
  CHECK(index.about("encoder_hash") == features.about("encoder_hash"));
  CHECK(index.about("index") == "exact");
  for (std::int64_t i = 0; i < 6; ++i) {
    double square = 0;
    for (const double v : index.tile(i, 1).to_vector()) square += v * v;
    CHECK(square == doctest::Approx(1).epsilon(1e-6));
  }

  const std::string json = s.scratch.path("found.json"), html = s.scratch.path("page.html");
  const Said said = told({"search", "--run", s.run, "--index", s.index, "--query", s.photos, "--k=3",
                          "--json", json, "--html", html});
  INFO(said.err);
  REQUIRE(said.code == 0);
  const auto found = nlohmann::json::parse(s.scratch.read("found.json"));
  CHECK(found.at("kind") == "exact");
  REQUIRE(found.at("queries").size() == 6);
  for (int q = 0; q < 6; ++q) {
    const auto& query = found.at("queries")[std::size_t(q)];
    REQUIRE(query.at("neighbours").size() == 3);
    CHECK(query.at("neighbours")[0].at("row") == q);
    CHECK(query.at("neighbours")[0].at("name") == query.at("name"));
    CHECK(query.at("neighbours")[0].at("class") == (q < 3 ? "a & b" : "c"));
    CHECK(query.at("neighbours")[0].at("cosine").get<double>() == doctest::Approx(1).epsilon(1e-6));
    CHECK(query.at("neighbours")[1].at("cosine").get<double>() <=
          query.at("neighbours")[0].at("cosine").get<double>());
  }
  const std::string page = s.scratch.read("page.html");
  std::size_t pictures = 0;
  for (std::size_t at = 0; (at = page.find("data:image/png;base64,", at)) != page.npos; ++at) ++pictures;
  CHECK(pictures == 6 * (1 + 3));
  CHECK(page.find("http://") == page.npos);
  CHECK(page.find("0<.png") == page.npos);  // escaped in the text and in the script

  // one query, by the features themselves in place of an index
  REQUIRE(told({"search", "--run", s.run, "--index", s.features, "--query", s.photos + "/c/4<.png", "--k=1",
                "--json", json})
              .code == 0);
  CHECK(nlohmann::json::parse(s.scratch.read("found.json")).at("queries")[0].at("neighbours")[0].at("row") ==
        4);

  // all but the query itself
  REQUIRE(told({"search", "--run", s.run, "--index", s.index, "--query", s.photos + "/../photos", "--k=3",
                "--skip-self", "--json", json})
              .code == 0);
  const auto without = nlohmann::json::parse(s.scratch.read("found.json"));
  for (std::size_t q = 0; q < 6; ++q) {
    const auto &some = without.at("queries")[q].at("neighbours"),
               &all = found.at("queries")[q].at("neighbours");
    REQUIRE(some.size() == 3);
    CHECK(some[0] == all[1]);
    CHECK(some[1] == all[2]);
    CHECK(some[2].at("row") != int(q));
  }

  // the query's features are made as the index's
  REQUIRE(told({"embed", "--run", s.run, "--data", s.photos, "--mirror", "--out", s.features}).code == 0);
  REQUIRE(
      told({"search", "--run", s.run, "--index", s.features, "--query", s.photos, "--k=1", "--json", json})
          .code == 0);
  for (const auto& query : nlohmann::json::parse(s.scratch.read("found.json")).at("queries"))
    CHECK(query.at("neighbours")[0].at("cosine").get<double>() == doctest::Approx(1).epsilon(1e-6));
}

TEST_CASE("search: pictures of records are those of the data set; missing ones are left out") {
  const Shelf s;
  const std::string features = s.scratch.path("r.safetensors"), html = s.scratch.path("r.html");
  REQUIRE(told({"embed", "--run", s.run, "--data", s.data, "--out", features}).code == 0);
  REQUIRE(told({"search", "--run", s.run, "--index", features, "--query", s.photos, "--k=2", "--html", html})
              .code == 0);
  const auto pictures = [&] {
    const std::string page = s.scratch.read("r.html");
    std::size_t count = 0;
    for (std::size_t at = 0; (at = page.find("\"png\":", at)) != page.npos; ++at) ++count;
    return count;
  };
  CHECK(pictures() == 6 * 3);
  std::filesystem::rename(s.data, s.data + "-elsewhere");
  REQUIRE(told({"search", "--run", s.run, "--index", features, "--query", s.photos, "--k=2", "--html", html})
              .code == 0);
  CHECK(pictures() == 6);
}

TEST_CASE("search: another encoder, another file and too few rows are refused in a line") {
  const Shelf s;
  const Said other = told({"search", "--run", s.other, "--index", s.index, "--query", s.photos});
  CHECK(other.code == 2);
  CHECK(other.err.starts_with("dyad search: --run " + s.other + ": its encoder_hash is "));
  CHECK(other.err.ends_with(
      ", expected --checkpoint " + s.other +
      "/checkpoints/step-00000001.safetensors if it is of this run, or an index made again\n"));
  const Said given = told({"search", "--run", s.other, "--index", s.index, "--query", s.photos,
                           "--checkpoint", s.other + "/checkpoints/step-00000001.safetensors"});
  CHECK(given.err.ends_with(", expected the run and checkpoint of the index, or an index made again\n"));
  CHECK(std::count(other.err.begin(), other.err.end(), '\n') == 1);
  CHECK(told({"search", "--run", s.run, "--index", s.scratch.path("none"), "--query", s.photos}).code == 65);
  CHECK(told({"index", "--embeddings", s.features, "--out", s.scratch.path("i.npy")}).code == 2);
  CHECK(told({"index", "--embeddings", s.features, "--out", s.features}).code == 2);

  engine::write_npy(s.scratch.path("z.npy"), engine::from_vector({2, 2}, {1, 2, 0, 0}, engine::DType::f32));
  s.scratch.write("z.names.txt", "one\ntwo\n");
  const Said zero =
      told({"index", "--embeddings", s.scratch.path("z.npy"), "--out", s.scratch.path("z.safetensors")});
  CHECK(zero.code == 65);
  CHECK(zero.err == "dyad index: " + s.scratch.path("z.npy") +
                        ": the features of two are all 0, expected features that have a direction\n");
  CHECK_FALSE(std::filesystem::exists(s.scratch.path("z.safetensors")));
  CHECK_FALSE(std::filesystem::exists(s.scratch.path("z.safetensors.partial")));
  const Said few =
      told({"index", "--embeddings", s.features, "--out", s.scratch.path("q.safetensors"), "--kind=ivf-pq"});
  CHECK(few.code == 2);
  const bool explained =
      few.err.find("there are 6 rows, expected at least 10000, or --kind exact") != few.err.npos ||
      few.err.find("this dyad is built without FAISS") != few.err.npos;
  CHECK(explained);
}
