// Features are written row by row: a file that was stopped anywhere ends in the same bytes.
#include "apps/embedding/embedding_writer.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "apps/embedding/embedding_file.h"
#include "engine/files/half.h"
#include "engine/files/safetensors.h"
#include "tests/support/scratch.h"

using namespace engine;

namespace {

constexpr std::int64_t kImages = 7;

apps::EmbeddingPlan seven_rows(const std::string& path, bool half = false) {
  return {.path = path,
          .shape = {kImages, 3},
          .half = half,
          .name = [](std::int64_t i) { return "folder, \"" + std::to_string(i) + "\".png"; },
          .labels = {0, 1, -1, 0, 1, 0, 1},
          .classes = {"ant", "bee, honey"},
          .metadata = {{"encoder_hash", "0123"}, {"classes", R"(["ant","bee, honey"])"}},
          .made_of = {{"weights", "0123"}, {"--batch", 2}},
          .between_saves = std::chrono::milliseconds(0)};
}

Tensor rows_from(std::int64_t first, std::int64_t count) {
  std::vector<double> values;
  for (std::int64_t i = first * 3; i < (first + count) * 3; ++i) values.push_back(double(i) / 7 - 1);
  return from_vector({count, 3}, values, DType::f32);
}

void write_from(apps::EmbeddingWriter& writer, std::int64_t until) {
  while (writer.rows() < until)
    writer.append(rows_from(writer.rows(), std::min<std::int64_t>(2, until - writer.rows())));
}

std::string written(const Scratch& scratch, const std::string& name, bool half = false) {
  apps::EmbeddingWriter writer(seven_rows(scratch.path(name), half));
  write_from(writer, kImages);
  writer.finish();
  return scratch.read(name);
}

}  // namespace

TEST_CASE("embedding writer: the reader finds what was written") {
  const Scratch scratch;
  for (const char* name : {"f.safetensors", "f.npy"})
    for (const bool half : {false, true}) {
      written(scratch, name, half);
      const apps::EmbeddingFile file(scratch.path(name));
      CHECK(file.type() == (half ? "F16" : "F32"));
      const std::vector<double> found = file.tile(0, kImages).to_vector(),
                                exact = rows_from(0, kImages).to_vector();
      for (std::size_t i = 0; i < exact.size(); ++i)
        CHECK(found[i] == (half ? double(from_half(to_half(float(exact[i])))) : exact[i]));
      CHECK(file.name(3) == "folder, \"3\".png");
      CHECK(file.labels() == std::vector<std::int64_t>{0, 1, -1, 0, 1, 0, 1});
      CHECK(file.class_name(4) == "bee, honey");
      CHECK(file.about("encoder_hash") == "0123");
    }
}

TEST_CASE("embedding writer: safetensors are those of write_safetensors") {
  const Scratch scratch;
  const std::string own = written(scratch, "f.safetensors");
  const TensorFile file = read_safetensors(scratch.path("f.safetensors"));
  write_safetensors(scratch.path("g.safetensors"), file);
  CHECK(scratch.read("g.safetensors") == own);
}

TEST_CASE("embedding writer: CSV, with names in quotes and numbers that are read back the same") {
  const Scratch scratch;
  std::string text = written(scratch, "f.csv");
  CHECK(text.starts_with(
      "name,label,class,f0,f1,f2\n\"folder, \"\"0\"\".png\",0,ant,-1,-0.85714287,-0.71428573\n"));
  CHECK(text.find("\n\"folder, \"\"1\"\".png\",1,\"bee, honey\",-0.5714286,") != text.npos);
  CHECK(text.find("\n\"folder, \"\"2\"\".png\",,,-0.14285715,0,") != text.npos);
  CHECK(std::count(text.begin(), text.end(), '\n') == kImages + 1);
  CHECK(written(scratch, "h.csv", true).find(",-0.57128906,") != text.npos);  // the nearest half of -4/7
}

TEST_CASE("embedding writer: stopped after any row and continued, the same bytes") {
  const Scratch scratch;
  for (const char* ending : {".safetensors", ".npy", ".csv"}) {
    const std::string whole = written(scratch, std::string("whole") + ending),
                      name = std::string("cut") + ending;
    for (std::int64_t rows = 1; rows <= kImages; ++rows) {
      CAPTURE(rows);
      {
        apps::EmbeddingWriter writer(seven_rows(scratch.path(name)));
        write_from(writer, rows);
      }
      CHECK_FALSE(std::filesystem::exists(scratch.path(name)));
      const std::string partial = scratch.read(name + ".partial");
      scratch.write(name + ".partial", partial + "a part of a row");  // that was not saved
      apps::EmbeddingWriter writer(seven_rows(scratch.path(name)));
      CHECK(writer.rows() == rows);
      write_from(writer, kImages);
      writer.finish();
      CHECK(scratch.read(name) == whole);
      CHECK_FALSE(std::filesystem::exists(scratch.path(name + ".partial")));
      CHECK_FALSE(std::filesystem::exists(scratch.path(name + ".partial.json")));
      std::filesystem::remove(scratch.path(name));
    }
  }
}

TEST_CASE("embedding writer: what can't be continued is refused in a line, and stays") {
  const Scratch scratch;
  const std::string path = scratch.path("f.npy"), partial = path + ".partial", json = partial + ".json";
  const auto refusal = [&](const apps::EmbeddingPlan& plan) {
    return message_of<UsageError>([&] { apps::EmbeddingWriter{plan}; });
  };
  {
    apps::EmbeddingWriter writer(seven_rows(path));
    write_from(writer, 4);
    CHECK(refusal(seven_rows(path)) == partial + ": another process writes to it, expected another --out");
  }
  const std::string anew = "; delete " + partial + " to begin anew", bytes = scratch.read("f.npy.partial");
  apps::EmbeddingPlan other = seven_rows(path);
  other.made_of["--batch"] = 4;
  CHECK(refusal(other) == partial + ": was begun with --batch 2, now 4, expected the same" + anew);
  CHECK(scratch.read("f.npy.partial") == bytes);

  const std::string state = scratch.read("f.npy.partial.json");
  for (const std::string& wrong : {std::string("{"), std::string("[]"), std::string(R"({"rows": 4})"),
                                   std::string(R"({"rows": -4, "bytes": 5, "made_of": {}})"),
                                   std::string(R"({"rows": 4, "bytes": 5, "made_of": 7})")}) {
    scratch.write("f.npy.partial.json", wrong);
    CHECK(refusal(seven_rows(path)) == json + ": is damaged, expected how far " + partial + " is" + anew);
  }
  scratch.write("f.npy.partial.json", state);
  scratch.write("f.npy.partial", bytes.substr(0, bytes.size() - 1));  // shorter than is safe
  CHECK(refusal(seven_rows(path)).starts_with(json + ": is damaged"));
  std::filesystem::remove(partial);  // the state alone counts for nothing
  CHECK(apps::EmbeddingWriter(seven_rows(path)).rows() == 0);
  CHECK_FALSE(std::filesystem::exists(partial));  // no row was safe
  CHECK_FALSE(std::filesystem::exists(json));
}

TEST_CASE("embedding writer: names of files") {
  CHECK(message_of<UsageError>([] { apps::require_embedding_name("a.txt", 2); }) ==
        "--out a.txt: expected a name that ends in .safetensors, .npy or .csv");
  CHECK(message_of<UsageError>([] {
          apps::require_embedding_name("a.csv", 4);
        }).starts_with("--out a.csv: a CSV table has no place for maps"));
  apps::require_embedding_name("a.csv", 2);
}
