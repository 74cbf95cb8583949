// Files that pretraining is to resume from.
#include <cstring>

#include "tests/bad_inputs/bad_input.h"

namespace {

std::string file_of(const std::string& header, const std::string& data = "") {
  const std::uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}

std::string length_of(std::uint64_t length, const std::string& rest) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + rest;
}

// {"a": {...}} with 4 bytes of data
std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets,
                  const std::string& more = "") {
  return R"("a":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + more + "}";
}
std::string tensor(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return file_of("{" + entry("\"" + dtype + "\"", shape, offsets) + "}", "abcd");
}

struct File {
  std::string name, bytes, says;
};

}  // namespace

std::vector<BadInput> bad_safetensors() {
  const std::string good = entry("\"F32\"", "[1]", "[0,4]");
  const std::string b = R"(,"b":{"dtype":"U8","shape":[2],"data_offsets":)";
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "[";
  const std::vector<File> files = {
      {"safetensors: nothing at all", "", "expected at least 8"},
      {"safetensors: seven bytes", "1234567", "expected at least 8"},
      {"safetensors: a header beyond the end", length_of(100, "{}"), "declares a header of 100 bytes"},
      {"safetensors: a header of 2^64 - 1 bytes", length_of(~0ULL, "{}"),
       "declares a header of 18446744073709551615 bytes"},
      {"safetensors: a header of 100,000,001 bytes", length_of(100'000'001, "{}"),
       "declares a header of 100000001 bytes"},
      {"safetensors: a header of no bytes", file_of(""), "header"},
      {"safetensors: white space first", file_of(" {}"), "header"},
      {"safetensors: a byte order mark", file_of("\xef\xbb\xbf{}"), "header"},
      {"safetensors: a list", file_of("[]"), "header"},
      {"safetensors: not JSON", file_of("{'a':1}"), "header"},
      {"safetensors: two objects", file_of("{}{}"), "header"},
      {"safetensors: an object that does not end", file_of("{\"a\":"), "header"},
      {"safetensors: not UTF-8", file_of("{\"\xc0\x80\":1}"), "header"},
      {"safetensors: a zero byte", file_of(std::string("{}\0{}", 5)), "header"},
      {"safetensors: a line break at the end", file_of("{}\n"), "header"},
      {"safetensors: 100,000 lists in each other", file_of("{\"a\":" + deep + "}"),
       "tensor \"a\" is or holds a list, expected an object"},
      {"safetensors: a tensor that is a number", file_of("{\"a\":1}"), "tensor \"a\""},
      {"safetensors: no dtype", file_of(R"({"a":{"shape":[1],"data_offsets":[0,4]}})", "abcd"), "dtype"},
      {"safetensors: no shape", file_of(R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", "abcd"), "shape"},
      {"safetensors: no offsets", file_of(R"({"a":{"dtype":"F32","shape":[1]}})", "abcd"), "data_offsets"},
      {"safetensors: a key that is not known",
       file_of("{" + entry("\"F32\"", "[1]", "[0,4]", ",\"stride\":[1]") + "}", "abcd"), "stride"},
      {"safetensors: an unknown dtype", tensor("F33", "[1]", "[0,4]"), "F33"},
      {"safetensors: dtype in lower case", tensor("f32", "[1]", "[0,4]"), "f32"},
      {"safetensors: a dtype that is a number", file_of("{" + entry("1", "[1]", "[0,4]") + "}", "abcd"),
       "dtype"},
      {"safetensors: a negative extent", tensor("F32", "[-1]", "[0,4]"), "shape"},
      {"safetensors: a fractional extent", tensor("F32", "[1.0]", "[0,4]"), "shape"},
      {"safetensors: an extent of 2^64", tensor("F32", "[18446744073709551616]", "[0,4]"), "shape"},
      {"safetensors: extents whose product overflows", tensor("F32", "[4294967296,4294967296]", "[0,4]"),
       "overflows"},
      {"safetensors: five extents", tensor("F32", "[1,1,1,1,1]", "[0,4]"), "rank 5"},
      {"safetensors: one offset", tensor("F32", "[1]", "[4]"), "data_offsets"},
      {"safetensors: three offsets", tensor("F32", "[1]", "[0,4,4]"), "data_offsets"},
      {"safetensors: a negative offset", tensor("F32", "[1]", "[-4,0]"), "data_offsets"},
      {"safetensors: an end before its begin", tensor("F32", "[0]", "[4,0]"),
       "tensor \"a\" ends at byte 0, before its begin 4"},
      {"safetensors: fewer bytes than the shape has", tensor("F32", "[2]", "[0,4]"), "tensor \"a\""},
      {"safetensors: a hole", file_of("{" + good + b + "[5,7]}}", "abcdefg"), "holes"},
      {"safetensors: an overlap", file_of("{" + good + b + "[3,5]}}", "abcde"), "overlaps"},
      {"safetensors: data that begin late", file_of("{" + entry("\"U8\"", "[3]", "[1,4]") + "}", "abcd"),
       "tensor \"a\" begins at byte 1 of the data, expected 0: the tensors must follow each other without "
       "holes"},
      {"safetensors: bytes after the last tensor", file_of("{" + good + "}", "abcdX"),
       "after the last tensor"},
      {"safetensors: cut in the data", file_of("{" + good + "}", "abc"), "cut short"},
      {"safetensors: 1 TB of data that are not there",
       file_of("{" + entry("\"U8\"", "[1000000000000]", "[0,1000000000000]") + "}", "abcd"), "cut short"},
      {"safetensors: a tensor twice", file_of("{" + good + "," + good + "}", "abcd"), "twice"},
      {"safetensors: a name twice, once escaped",
       file_of("{" + good + R"(,"\u0061":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}})", "abcd"),
       "twice"},
      {"safetensors: metadata that are no text", file_of(R"({"__metadata__":{"step":1}})"), "__metadata__"},
      {"safetensors: metadata that are a list", file_of(R"({"__metadata__":[]})"), "__metadata__"},
      {"safetensors: no step", file_of("{" + good + "}", "abcd"), "no step"},
      {"safetensors: PyTorch's zip", "PK\3\4" + std::string(100, '\0'), "declares a header of"},
  };
  std::vector<BadInput> list;
  for (const File& f : files)
    list.push_back({f.name,
                    {"pretrain", "--data", "DIR/data", "--run", "DIR/run", "--arch", "resnet10", "--width",
                     "0.0625", "--batch", "2", "--resume", "DIR/c.safetensors"},
                    65,
                    "DIR/c.safetensors: ..." + f.says,
                    [bytes = f.bytes](const Scratch& scratch) {
                      scratch.write("c.safetensors", bytes);
                      scratch.write("data/data_batch_1.bin", std::string(3 * 3'073, '\1'));
                    }});
  return list;
}
