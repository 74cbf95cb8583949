// The reader of features: each type and format gives the same rows, names and labels; damaged files give a
// line.
#include "apps/embedding/embedding_file.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "engine/files/half.h"
#include "engine/files/npy.h"
#include "engine/files/safetensors.h"
#include "engine/ops.h"
#include "tests/support/raw_bytes.h"
#include "tests/support/scratch.h"

using namespace engine;

namespace {

constexpr std::int64_t kRows = 5, kWidth = 3;
const char* const kNames = "a/1.png\na/2.png\nb/3.png\nb/4.png\nc/5 \\x0a.png\n";

Tensor bytes_tensor(const std::string& text) {
  Tensor t({std::int64_t(text.size())}, DType::u8, cpu);
  std::copy(text.begin(), text.end(), t.data<std::uint8_t>());
  return t;
}

// Multiples of 1/4: each type has them.
Tensor small_features(DType type) {
  std::vector<double> values;
  for (int i = 0; i < kRows * kWidth; ++i) values.push_back((i - 7) / 4.0);
  return from_vector({kRows, kWidth}, values, type);
}

TensorFile small_file(DType type) {
  return {{{"features", small_features(type)},
           {"labels", from_vector({kRows}, {0, 0, 1, -1, 1}, DType::i64)},
           {"names", bytes_tensor(kNames)}},
          {{"encoder_hash", "0123456789abcdef"}, {"classes", R"(["ant","bee"])"}}};
}

void check_small(const apps::EmbeddingFile& file) {
  CHECK(file.rows() == kRows);
  CHECK(file.width() == kWidth);
  CHECK(file.tile(0, kRows).to_vector() == small_features(DType::f32).to_vector());
  CHECK(file.tile(2, 2).to_vector() == small_features(DType::f32).slice(2, 2).to_vector());
  CHECK(file.tile(5, 0).numel() == 0);
  CHECK_THROWS_AS(file.tile(4, 2), std::invalid_argument);
  CHECK(file.name(0) == "a/1.png");
  CHECK(file.name(4) == "c/5 \\x0a.png");
  CHECK(file.labels() == std::vector<std::int64_t>{0, 0, 1, -1, 1});
  CHECK(file.class_name(2) == "bee");
  CHECK(file.class_name(3).empty());
  CHECK(file.about("encoder_hash") == "0123456789abcdef");
  CHECK(file.about("size").empty());
}

// The line that the reader says, without the file's name.
std::string refusal_of(const std::string& path) {
  const std::string line = message_of<DataError>([&] { apps::EmbeddingFile{path}; });
  const std::string begin = path + ": ";
  CHECK(line.starts_with(begin));
  CHECK(line.find('\n') == line.npos);
  return line.substr(std::min(begin.size(), line.size()));
}

}  // namespace

TEST_CASE("embedding file: safetensors of every floating type") {
  const Scratch scratch;
  const std::string path = scratch.path("f.safetensors");
  for (const auto& [type, name] :
       {std::pair(DType::f32, "F32"), {DType::f64, "F64"}, {DType::bf16, "BF16"}}) {
    write_safetensors(path, small_file(type));
    const apps::EmbeddingFile file(path);
    check_small(file);
    CHECK(file.type() == name);
    REQUIRE((file.in_place() != nullptr) == (type == DType::f32));
    if (type == DType::f32) CHECK(file.in_place()[kRows * kWidth - 1] == 7 / 4.0f);
    file.release(0, kRows);  // its pages are read again
    check_small(file);
  }
  std::string data;  // F16, which the engine has no tensors of
  for (const double v : small_features(DType::f64).to_vector()) {
    const std::uint16_t half = to_half(float(v));
    data.append(reinterpret_cast<const char*>(&half), 2);
  }
  std::string labels(std::size_t(kRows) * 8, '\0');
  const std::int64_t values[] = {0, 0, 1, -1, 1};
  std::memcpy(labels.data(), values, sizeof values);
  const auto offsets = [](std::size_t from, std::size_t to) {
    return "[" + std::to_string(from) + "," + std::to_string(to) + "]";
  };
  const std::size_t names = std::strlen(kNames);
  scratch.write(
      "h.safetensors",
      safetensors_file(R"({"__metadata__":{"encoder_hash":"0123456789abcdef","classes":"[\"ant\",\"bee\"]"},)"
                       R"("labels":{"dtype":"I64","shape":[5],"data_offsets":)" +
                           offsets(0, 40) + R"(},"features":{"dtype":"F16","shape":[5,3],"data_offsets":)" +
                           offsets(40, 70) + R"(},"names":{"dtype":"U8","shape":[)" + std::to_string(names) +
                           R"(],"data_offsets":)" + offsets(70, 70 + names) + "}}",
                       labels + data + kNames));
  const apps::EmbeddingFile half(scratch.path("h.safetensors"));
  check_small(half);
  CHECK(half.type() == "F16");
  CHECK(half.in_place() == nullptr);
}

TEST_CASE("embedding file: .npy with its names, labels, classes and metadata beside it") {
  const Scratch scratch;
  const std::string path = scratch.path("f.npy");
  for (const DType type : {DType::f32, DType::f64}) {
    write_npy(path, small_features(type));
    std::filesystem::remove(scratch.path("f.names.txt"));
    const std::string names = scratch.path("f.names.txt");
    CHECK(message_of<DataError>([&] { apps::EmbeddingFile{path}; }) ==
          names + ": No such file or directory, expected a text file with a line for each row of " + path);
    scratch.write("f.names.txt", std::string(kNames, std::strlen(kNames) - 1));  // no line end at the end
    write_npy(scratch.path("f.labels.npy"), from_vector({kRows}, {0, 0, 1, -1, 1}, DType::i64));
    scratch.write("f.classes.txt", "ant\nbee\n");
    scratch.write("f.json", R"({"encoder_hash": "0123456789abcdef"})");
    check_small(apps::EmbeddingFile(path));
  }
  scratch.write("f.json", R"({"encoder_hash": 7})");
  CHECK(message_of<DataError>([&] { apps::EmbeddingFile{path}; }) ==
        scratch.path("f.json") + ": \"encoder_hash\" is no text, expected an object of texts");
  scratch.write("f.json", "{");
  CHECK(message_of<DataError>([&] { apps::EmbeddingFile{path}; }) ==
        scratch.path("f.json") + ": is no JSON, expected an object of texts");
  scratch.write("f.json", "{}");
  write_npy(scratch.path("f.labels.npy"), from_vector({kRows}, {0, 0, 1, 2, 1}, DType::i64));
  CHECK(refusal_of(path) == "row 3 has the label 2, expected -1 to 1");
  write_npy(scratch.path("f.labels.npy"), from_vector({2}, {0, 1}, DType::i64));
  CHECK(message_of<DataError>([&] { apps::EmbeddingFile{path}; }) ==
        scratch.path("f.labels.npy") + ": is <i8 (2), expected <i8 (5)");
  write_npy(path, from_vector({kRows}, {0, 0, 1, -1, 1}, DType::f32));
  CHECK(refusal_of(path) == "features are (5), expected (N,D) or (N,h,w,C)");
  write_npy(path, zeros({5, 2}, DType::i32, cpu));
  CHECK(refusal_of(path) == "is of the type <i4, expected <f2, <f4 or <f8");
}

TEST_CASE("embedding file: the folder of export --format npy, and maps (N,h,w,C)") {
  const Scratch scratch;
  std::filesystem::create_directories(scratch.path("d"));
  write_npy(scratch.path("d/features.npy"), zeros({2, 3, 4, 5}, DType::f32, cpu));
  scratch.write("d/names.txt", "x\ny\n");
  write_npy(scratch.path("d/labels.npy"), from_vector({2}, {-1, -1}, DType::i64));
  const apps::EmbeddingFile file(scratch.path("d/features.npy"));
  CHECK(file.shape() == Shape{2, 3, 4, 5});
  CHECK(file.width() == 60);
  CHECK(file.name(1) == "y");
  CHECK(file.labels().empty());  // no image has a class
  CHECK(refusal_of(scratch.path("d")) ==
        "is a folder, expected a file of dyad embed or dyad export --data: NAME.safetensors or NAME.npy");
}

TEST_CASE("embedding file: each of many names, of other lengths, and of a file without a last newline") {
  const Scratch scratch;
  const int rows = 300;
  std::string names;
  for (int i = 0; i < rows; ++i) names += std::string(std::size_t(i % 7), 'n') + std::to_string(i) + "\n";
  for (const bool last : {true, false}) {
    const std::string path = scratch.path("many.safetensors");
    write_safetensors(path, {{{"features", zeros({rows, 2}, DType::f32, cpu)},
                              {"names", bytes_tensor(last ? names : names.substr(0, names.size() - 1))}},
                             {}});
    const apps::EmbeddingFile file(path);
    for (int i = 0; i < rows; ++i)
      CHECK(file.name(i) == std::string(std::size_t(i % 7), 'n') + std::to_string(i));
    CHECK_THROWS_AS(file.name(rows), std::invalid_argument);
    CHECK_THROWS_AS(file.name(-1), std::invalid_argument);
  }
}

TEST_CASE("embedding file: a damaged or foreign safetensors file is refused in a line") {
  const Scratch scratch;
  const std::string path = scratch.path("f.safetensors");
  const auto refused = [&](auto change) {
    TensorFile file = small_file(DType::f32);
    change(file);
    write_safetensors(path, file);
    return refusal_of(path);
  };
  const auto without = [](const char* name) {
    return
        [name](TensorFile& f) { std::erase_if(f.tensors, [&](const auto& t) { return t.first == name; }); };
  };
  const auto with = [](const char* name, const Tensor& value) {
    return [name, value](TensorFile& f) {
      for (auto& [n, t] : f.tensors)
        if (n == name) t = value;
    };
  };
  CHECK(refused(without("features")) ==
        "has no tensor features, expected a file of dyad embed or dyad export --data: NAME.safetensors or "
        "NAME.npy");
  CHECK(refused(without("names")) == "has no tensor names, expected a line for each row of features");
  CHECK(refused(with("features", zeros({5, 3}, DType::i32, cpu))) ==
        "features are I32, expected F32, F64, F16 or BF16");
  CHECK(refused(with("features", zeros({0, 3}, DType::f32, cpu))) ==
        "features are (0,3), expected (N,D) or (N,h,w,C)");
  CHECK(refused(with("names", bytes_tensor("a\nb\n"))) ==
        "has 2 names, expected 5, a line for each row of features");
  CHECK(refused(with("names", bytes_tensor("a\nb\nc\nd\ne\nf\n"))) ==
        "has more names, expected 5, a line for each row of features");
  CHECK(refused(with("names", zeros({5}, DType::f32, cpu))) ==
        "names are F32 (5), expected U8, the bytes of a text");
  CHECK(refused(with("labels", zeros({4}, DType::i64, cpu))) == "labels are I64 (4), expected I64 (5)");
  CHECK(refused(with("labels", from_vector({5}, {0, 1, 0, -2, 1}, DType::i64))) ==
        "row 3 has the label -2, expected -1 (none) or a class from 0 on");
  CHECK(refused(with("labels", from_vector({5}, {0, 1, 0, 2, 1}, DType::i64))) ==
        "row 3 has the label 2, expected -1 to 1");
  CHECK(refused([](TensorFile& f) { f.metadata["classes"] = "[1]"; }) ==
        "its metadata `classes` are no list of names in JSON");

  write_safetensors(path, small_file(DType::f32));
  const std::string whole = scratch.read("f.safetensors");
  for (const std::size_t size :
       {std::size_t(0), std::size_t(7), std::size_t(8), std::size_t(100), whole.size() - 1}) {
    scratch.write("f.safetensors", whole.substr(0, size));
    CHECK_FALSE(refusal_of(path).empty());
  }
  scratch.write("f.safetensors", "\x89HDF\r\n\x1a\n");
  CHECK(refusal_of(path).starts_with("is an HDF5 file, expected a file of dyad embed"));
  CHECK(
      refusal_of(scratch.path("none.npy")).starts_with("No such file or directory, expected a file of dyad"));
}
