// Every rule of the safetensors format: a valid file is read, an invalid one is a DataError that names the
// rule.
#include "engine/files/safetensors.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "tests/support/raw_bytes.h"
#include "tests/support/scratch.h"

using namespace engine;

namespace {

TensorFile read_bytes(const std::string& bytes) {
  const Scratch scratch;
  return read_safetensors(scratch.write("t.safetensors", bytes));
}

// The error message, without its path.
std::string refusal(const std::string& bytes) {
  const std::string text = message_of<DataError>([&] { read_bytes(bytes); });
  CHECK(text.find('\n') == std::string::npos);
  const std::size_t at = text.find("t.safetensors: ");
  return at == std::string::npos ? text : text.substr(at + 15);
}

std::string refusal(const std::string& header, std::size_t data_bytes) {
  return refusal(safetensors_file(header, std::string(data_bytes, '\0')));
}

bool contains(const std::string& text, const std::string& part) {
  INFO(text, " | ", part);
  const bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

}  // namespace

TEST_CASE("safetensors rule 1: the file has 8 bytes, and the header fits in it and under 100 MB") {
  for (std::size_t size = 0; size < 8; ++size)
    contains(refusal(std::string(size, '\0')), "expected at least 8");
  std::string bytes = safetensors_file("{}");
  bytes[0] = 3;
  CHECK(refusal(bytes) == "declares a header of 3 bytes, but 2 follow");
  bytes.replace(0, 8, std::string("\xff\xff\xff\xff\xff\xff\xff\xff", 8));
  contains(refusal(bytes), "declares a header of 18446744073709551615 bytes, expected at most 100000000");
  const std::uint64_t limit = 100'000'001;
  std::memcpy(bytes.data(), &limit, 8);
  contains(refusal(bytes), "expected at most 100000000");
}

TEST_CASE("safetensors rule 2: the header begins with '{' and may end in spaces, nothing else") {
  CHECK(read_bytes(safetensors_file("{}")).tensors.empty());
  CHECK(read_bytes(safetensors_file("{}      ")).tensors.empty());
  for (const char* header : {"", " {}", "\n{}", "\xef\xbb\xbf{}", "[]", "null"})
    CHECK(refusal(safetensors_file(header)) == "header does not begin with '{'");
  for (const char* header : {"{}\n", "{}\t", "{}\n  ", "{"})
    contains(refusal(safetensors_file(header)), "header does not end with '}' and spaces");
  contains(refusal(safetensors_file(std::string("{}\0{}", 5))), "zero byte at byte 10");
  for (const char* header :
       {"{}{}", "{} {}", "{,}", "{\"a\"}", "{\"a\":}", "{'a':1}", "{a:1}", "{]}",
        "{\"__metadata__\":{\"a\":\"\xff\"}}", "{\"\xc0\x80\":1}", "{\"__metadata__\":{\"a\":\"\\ud800\"}}"})
    contains(refusal(safetensors_file(header)), "header is not valid UTF-8 JSON at byte ");
}

TEST_CASE("safetensors rule 3: a tensor has dtype, shape and two data_offsets, and nothing else") {
  CHECK(read_bytes(safetensors_file("{\"a\":" + entry("F32", "[1]", "[0,4]") + "}", "abcd")).tensors.size() ==
        1);
  for (const char* value : {"1", "\"x\"", "[]", "null", "true", "-1", "1.5"})
    contains(refusal("{\"a\":" + std::string(value) + "}", 0), "tensor \"a\"");
  CHECK(refusal("{\"a\":{}}", 0) == "tensor \"a\" has no dtype");
  CHECK(refusal(R"({"a":{"dtype":"F32"}})", 0) == "tensor \"a\" has no shape");
  CHECK(refusal(R"({"a":{"dtype":"F32","shape":[]}})", 0) == "tensor \"a\" has no data_offsets");
  contains(refusal(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"stride":[1]}})", 4),
           "has the key \"stride\", expected dtype, shape and data_offsets");
  for (const char* offsets : {"[]", "[0]", "[0,4,4]"})
    contains(refusal("{\"a\":" + entry("F32", "[1]", offsets) + "}", 4), "data_offsets, expected 2");
  for (const char* shape : {"1", "\"1\"", "{}", "null", "[[1]]", "[{}]", "[\"1\"]", "[null]", "[true]"})
    contains(refusal("{\"a\":" + entry("F32", shape, "[0,4]") + "}", 4), "tensor \"a\" shape");
  contains(refusal(R"({"a":{"dtype":1,"shape":[1],"data_offsets":[0,4]}})", 4), "tensor \"a\" dtype");
}

TEST_CASE("safetensors rule 3: numbers are non-negative integers") {
  for (const char* number : {"-1", "-0", "1.0", "1e0", "18446744073709551616", "-9223372036854775809"}) {
    contains(refusal("{\"a\":" + entry("F32", std::string("[") + number + "]", "[0,4]") + "}", 4),
             "shape is or holds ");
    contains(refusal("{\"a\":" + entry("F32", "[1]", std::string("[0,") + number + "]") + "}", 4),
             "data_offsets is or holds ");
  }
}

TEST_CASE("safetensors rule 3: metadata map strings to strings") {
  const TensorFile file = read_bytes(safetensors_file(R"({"__metadata__":{"a":"1","b":"\u00e4\n"}})"));
  CHECK(file.metadata == std::map<std::string, std::string>{{"a", "1"}, {"b", "\xc3\xa4\n"}});
  for (const char* value :
       {"1", "\"x\"", "[]", "null", "{\"a\":1}", "{\"a\":null}", "{\"a\":{}}", "{\"a\":[\"x\"]}"})
    contains(refusal("{\"__metadata__\":" + std::string(value) + "}", 0), "__metadata__");
}

TEST_CASE("safetensors rule 3: no duplicate keys") {
  const std::string one = entry("F32", "[1]", "[0,4]"), two = entry("F32", "[1]", "[4,8]");
  CHECK(refusal("{\"a\":" + one + ",\"a\":" + two + "}", 8) == "header has the key \"a\" twice");
  CHECK(refusal("{\"a\":" + one + ",\"\\u0061\":" + two + "}", 8) == "header has the key \"a\" twice");
  CHECK(refusal(R"({"__metadata__":{},"__metadata__":{}})", 0) ==
        "header has the key \"__metadata__\" twice");
  CHECK(refusal(R"({"__metadata__":{"k":"1","k":"1"}})", 0) == "__metadata__ has the key \"k\" twice");
  for (const char* extra : {"\"dtype\":\"F32\"", "\"shape\":[1]", "\"data_offsets\":[0,4]"})
    contains(refusal("{\"a\":" + one.substr(0, one.size() - 1) + "," + extra + "}}", 4), "twice");
}

TEST_CASE("safetensors rule 4: tensors follow each other from byte 0, without holes or overlaps") {
  const std::string a = "{\"a\":", b = ",\"b\":";
  CHECK(read_bytes(
            safetensors_file(a + entry("U8", "[2]", "[1,3]") + b + entry("U8", "[1]", "[0,1]") + "}", "abc"))
            .tensors[0]
            .first == "b");
  contains(refusal(a + entry("U8", "[2]", "[1,3]") + "}", 3), "begins at byte 1 of the data, expected 0");
  contains(refusal(a + entry("U8", "[1]", "[0,1]") + b + entry("U8", "[1]", "[2,3]") + "}", 3),
           "without holes");
  contains(refusal(a + entry("U8", "[2]", "[0,2]") + b + entry("U8", "[2]", "[1,3]") + "}", 3),
           "without overlaps");
  contains(refusal(a + entry("U8", "[2]", "[0,2]") + b + entry("U8", "[2]", "[0,2]") + "}", 2),
           "without overlaps");
  contains(refusal(a + entry("U8", "[0]", "[3,2]") + "}", 3), "ends at byte 2, before its begin 3");
  // an empty tensor may begin where the next one begins
  CHECK(read_bytes(
            safetensors_file(a + entry("U8", "[1]", "[0,1]") + b + entry("U8", "[0]", "[0,0]") + "}", "x"))
            .tensors.size() == 2);
}

TEST_CASE("safetensors rule 5: the number of bytes follows from shape and dtype, and sizes don't overflow") {
  contains(refusal("{\"a\":" + entry("F32", "[2]", "[0,4]") + "}", 4), "has 4 bytes, expected 8 for F32 (2)");
  for (const char* shape : {"[4611686018427387904,4]", "[9223372036854775807,2]", "[4294967296,4294967296]",
                            "[18446744073709551615]", "[4611686018427387904,4,0]"})
    contains(refusal("{\"a\":" + entry("F32", shape, "[0,0]") + "}", 0), "overflows 64 bits");
  // 2^63 elements before an extent of 0: fits an unsigned 64-bit integer, but Shape is signed
  contains(refusal("{\"a\":" + entry("U8", "[4611686018427387904,2,0]", "[0,0]") + "}", 0),
           "overflows 64 bits");
  CHECK(read_bytes(safetensors_file("{\"a\":" + entry("F64", "[]", "[0,8]") + "}", "abcdefgh"))
            .tensors[0]
            .second.shape() == Shape{});
  CHECK(read_bytes(safetensors_file("{\"a\":" + entry("F64", "[3,0,2]", "[0,0]") + "}"))
            .tensors[0]
            .second.shape() == Shape{3, 0, 2});
  contains(refusal("{\"a\":" + entry("F32", "[1,1,1,1,1]", "[0,4]") + "}", 4), "rank 5, expected at most 4");
}

TEST_CASE("safetensors rule 6: the file ends with the last tensor") {
  contains(refusal("{\"a\":" + entry("F32", "[1]", "[0,4]") + "}", 5), "bytes after the last tensor");
  contains(refusal("{\"a\":" + entry("F32", "[1]", "[0,4]") + "}", 3), "the file was cut short");
  contains(refusal("{}", 1), "bytes after the last tensor");
  contains(refusal("{\"a\":" + entry("U8", "[1000000000000]", "[0,1000000000000]") + "}", 8),
           "was cut short");
}

TEST_CASE("safetensors rule 7: other dtypes are refused by name") {
  for (const char* dtype : {"F16", "BOOL", "U64", "F8_E4M3", "F4", "f32", "", "F33"})
    contains(
        refusal("{\"a\":" + entry(dtype, "[0]", "[0,0]") + "}", 0),
        "tensor \"a\" has dtype \"" + std::string(dtype) + "\", expected F32, F64, BF16, U8, I32 or I64");
}

TEST_CASE("safetensors rule 7: the writer sorts by dtype and name, and pads the header to 8 bytes") {
  const Scratch scratch;
  TensorFile file;
  file.tensors = {{"u", from_vector({3}, {1, 2, 3}, DType::u8)}, {"h", from_vector({1}, {1}, DType::bf16)},
                  {"b", from_vector({1}, {2}, DType::f32)},      {"a", from_vector({1, 1}, {1}, DType::f32)},
                  {"d", from_vector({}, {4}, DType::f64)},       {"l", from_vector({1}, {5}, DType::i64)},
                  {"i", from_vector({1}, {6}, DType::i32)},      {"z", from_vector({2, 0}, {}, DType::f32)}};
  file.metadata = {{"step", "7"}, {"format", "pt"}};
  write_safetensors(scratch.path("one"), file);
  std::swap(file.tensors[0], file.tensors[5]);
  write_safetensors(scratch.path("two"), file);
  const std::string bytes = scratch.read("one");
  CHECK(bytes == scratch.read("two"));
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  CHECK(length % 8 == 0);
  contains(
      bytes.substr(8, length),
      R"({"__metadata__":{"format":"pt","step":"7"},"l":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},)"
      R"("d":{"dtype":"F64","shape":[],"data_offsets":[8,16]},)"
      R"("a":{"dtype":"F32","shape":[1,1],"data_offsets":[16,20]},)");

  std::string order;
  for (const auto& [name, tensor] : read_safetensors(scratch.path("one")).tensors) order += name;
  CHECK(order == "ldabzihu");
}

TEST_CASE("safetensors rule 8: every bit pattern and any name round-trip") {
  const Scratch scratch;
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  TensorFile file;
  for (const DType t : {DType::f32, DType::f64, DType::bf16})
    file.tensors.emplace_back(std::string("../") + name(t) + "/\"\n\xc3\xa4",
                              from_vector({2, 2}, {inf, -inf, nan, -0.}, t));
  file.tensors.emplace_back("", from_vector({1}, {-3}, DType::i32));
  file.metadata = {{"", ""}, {"\x01\"\\", "\xf0\x9f\x90\xb1"}};
  write_safetensors(scratch.path("t"), file);
  const TensorFile back = read_safetensors(scratch.path("t"));
  CHECK(back.metadata == file.metadata);
  REQUIRE(back.tensors.size() == 4);
  const SafetensorsReader reader(scratch.path("t"));
  for (const auto& [name, tensor] : file.tensors) {
    const TensorEntry* found = reader.find(name);
    REQUIRE(found != nullptr);
    CHECK(found->shape == tensor.shape());
    CHECK(found->dtype == tensor.dtype());
    std::string bytes(tensor.bytes(), '\0');
    reader.read(*found, bytes.data());
    CHECK(std::memcmp(bytes.data(), tensor.raw(), tensor.bytes()) == 0);
  }
  CHECK(reader.find("absent") == nullptr);
}

TEST_CASE("safetensors: a tensor is read by name into one of the same type and shape, and into no other") {
  const Scratch scratch;
  write_safetensors(scratch.path("t"), {{{"w", from_vector({2, 3}, {1, 2, 3, 4, 5, 6}, DType::f32)}}, {}});
  const SafetensorsReader reader(scratch.path("t"));
  const Tensor to = zeros({2, 3}, DType::f32, cpu);
  reader.read("w", to);
  CHECK(to.to_vector() == std::vector<double>{1, 2, 3, 4, 5, 6});
  const auto refused = [&](const std::string& name, const Tensor& tensor) {
    const std::string text = message_of<DataError>([&] { reader.read(name, tensor); });
    return text.substr(text.find(": ") + 2);
  };
  CHECK(refused("v", to) == "has no tensor v");
  CHECK(refused("w", zeros({2}, DType::f32, cpu)) == "w is f32 (2,3), expected f32 (2)");
  CHECK(refused("w", zeros({2, 3}, DType::f64, cpu)) == "w is f32 (2,3), expected f64 (2,3)");
}

TEST_CASE("safetensors: the writer refuses what the reader would refuse, and leaves no file") {
  const Scratch scratch;
  const Tensor one = from_vector({1}, {1}, DType::f32);
  for (const TensorFile& file :
       {TensorFile{{{"a", one}, {"a", one}}, {}}, TensorFile{{{"__metadata__", one}}, {}},
        TensorFile{{{"a", Tensor()}}, {}}, TensorFile{{{"\xff", one}}, {}}})
    CHECK_THROWS_AS(write_safetensors(scratch.path("t"), file), std::exception);
  CHECK(std::filesystem::is_empty(scratch.folder));
  // metadata may come from the command line: they are no reason to lose the tensors
  write_safetensors(scratch.path("m"), {{{"a", one}}, {{"k\xfe", "\xff\n"}}});
  CHECK(read_safetensors(scratch.path("m")).metadata ==
        std::map<std::string, std::string>{{"k\\xfe", "\\xff\n"}});
  std::filesystem::remove(scratch.path("m"));
  // the same name with another dtype is not its neighbour in the order
  CHECK_THROWS_AS(write_safetensors(scratch.path("t"),
                                    {{{"a", one}, {"b", one}, {"a", from_vector({1}, {1}, DType::u8)}}, {}}),
                  std::invalid_argument);
}

TEST_CASE("safetensors: truncated files and changed header bytes are read or refused") {
  TensorFile file;
  file.tensors = {{"a", from_vector({2}, {1, 2}, DType::f32)}, {"b", from_vector({3}, {1, 2, 3}, DType::u8)}};
  file.metadata = {{"k", "v"}};
  const Scratch scratch;
  write_safetensors(scratch.path("t"), file);
  const std::string whole = scratch.read("t");
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK(!refusal(whole.substr(0, size)).empty());
  int refused = 0;
  for (std::size_t at = 0; at < whole.size() - 11; ++at)
    for (const unsigned char mask : {0x01, 0x20, 0x80, 0xff}) {
      std::string bytes = whole;
      bytes[at] = char(static_cast<unsigned char>(bytes[at]) ^ mask);
      refused +=
          !message_of<DataError>([&] { read_bytes(bytes); }).empty();  // any other exception fails the test
    }
  CHECK(refused > int(whole.size()));
}

TEST_CASE("safetensors: a file that is not regular is refused") {
  const Scratch scratch;
  contains(message_of<DataError>([&] { read_safetensors(scratch.path("none")); }),
           "No such file or directory");
  contains(message_of<DataError>([&] { read_safetensors(scratch.folder.string()); }), "not a regular file");
}
