// Files given to pretrain --resume.
#include "tests/bad_inputs/bad_input.h"
#include "tests/support/raw_bytes.h"

namespace {

// {"a": {...}} with 4 bytes of data
std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets,
                  const std::string& more = "") {
  return R"("a":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + more + "}";
}
std::string tensor(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return safetensors_file("{" + entry("\"" + dtype + "\"", shape, offsets) + "}", "abcd");
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
      {"safetensors: a header beyond the end", safetensors_of_length(100, "{}"),
       "declares a header of 100 bytes"},
      {"safetensors: a header of 2^64 - 1 bytes", safetensors_of_length(~0ULL, "{}"),
       "declares a header of 18446744073709551615 bytes"},
      {"safetensors: a header of 100,000,001 bytes", safetensors_of_length(100'000'001, "{}"),
       "declares a header of 100000001 bytes"},
      {"safetensors: a header of no bytes", safetensors_file(""), "header"},
      {"safetensors: white space first", safetensors_file(" {}"), "header"},
      {"safetensors: a byte order mark", safetensors_file("\xef\xbb\xbf{}"), "header"},
      {"safetensors: a list", safetensors_file("[]"), "header"},
      {"safetensors: not JSON", safetensors_file("{'a':1}"), "header"},
      {"safetensors: two objects", safetensors_file("{}{}"), "header"},
      {"safetensors: an object that does not end", safetensors_file("{\"a\":"), "header"},
      {"safetensors: not UTF-8", safetensors_file("{\"\xc0\x80\":1}"), "header"},
      {"safetensors: a zero byte", safetensors_file(std::string("{}\0{}", 5)), "header"},
      {"safetensors: a line break at the end", safetensors_file("{}\n"), "header"},
      {"safetensors: 100,000 lists in each other", safetensors_file("{\"a\":" + deep + "}"),
       "tensor \"a\" is or holds a list, expected an object"},
      {"safetensors: a tensor that is a number", safetensors_file("{\"a\":1}"), "tensor \"a\""},
      {"safetensors: no dtype", safetensors_file(R"({"a":{"shape":[1],"data_offsets":[0,4]}})", "abcd"),
       "dtype"},
      {"safetensors: no shape", safetensors_file(R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", "abcd"),
       "shape"},
      {"safetensors: no offsets", safetensors_file(R"({"a":{"dtype":"F32","shape":[1]}})", "abcd"),
       "data_offsets"},
      {"safetensors: a key that is not known",
       safetensors_file("{" + entry("\"F32\"", "[1]", "[0,4]", ",\"stride\":[1]") + "}", "abcd"), "stride"},
      {"safetensors: an unknown dtype", tensor("F33", "[1]", "[0,4]"), "F33"},
      {"safetensors: dtype in lower case", tensor("f32", "[1]", "[0,4]"), "f32"},
      {"safetensors: a dtype that is a number",
       safetensors_file("{" + entry("1", "[1]", "[0,4]") + "}", "abcd"), "dtype"},
      {"safetensors: a negative extent", tensor("F32", "[-1]", "[0,4]"), "shape"},
      {"safetensors: a fractional extent", tensor("F32", "[1.0]", "[0,4]"), "shape"},
      {"safetensors: an extent of 2^64", tensor("F32", "[18446744073709551616]", "[0,4]"), "shape"},
      {"safetensors: extents whose product overflows", tensor("F32", "[4294967296,4294967296]", "[0,4]"),
       "overflows"},
      {"safetensors: extents whose product overflows before an extent of 0",
       safetensors_file("{" + entry("\"U8\"", "[4611686018427387904,2,0]", "[0,0]") + "}"), "overflows"},
      {"safetensors: five extents", tensor("F32", "[1,1,1,1,1]", "[0,4]"), "rank 5"},
      {"safetensors: one offset", tensor("F32", "[1]", "[4]"), "data_offsets"},
      {"safetensors: three offsets", tensor("F32", "[1]", "[0,4,4]"), "data_offsets"},
      {"safetensors: a negative offset", tensor("F32", "[1]", "[-4,0]"), "data_offsets"},
      {"safetensors: an end before its begin", tensor("F32", "[0]", "[4,0]"),
       "tensor \"a\" ends at byte 0, before its begin 4"},
      {"safetensors: fewer bytes than the shape has", tensor("F32", "[2]", "[0,4]"), "tensor \"a\""},
      {"safetensors: a hole", safetensors_file("{" + good + b + "[5,7]}}", "abcdefg"), "holes"},
      {"safetensors: an overlap", safetensors_file("{" + good + b + "[3,5]}}", "abcde"), "overlaps"},
      {"safetensors: data that begin late",
       safetensors_file("{" + entry("\"U8\"", "[3]", "[1,4]") + "}", "abcd"),
       "tensor \"a\" begins at byte 1 of the data, expected 0: the tensors must follow each other without "
       "holes"},
      {"safetensors: bytes after the last tensor", safetensors_file("{" + good + "}", "abcdX"),
       "after the last tensor"},
      {"safetensors: cut in the data", safetensors_file("{" + good + "}", "abc"), "cut short"},
      {"safetensors: 1 TB of data that are not there",
       safetensors_file("{" + entry("\"U8\"", "[1000000000000]", "[0,1000000000000]") + "}", "abcd"),
       "cut short"},
      {"safetensors: a tensor twice", safetensors_file("{" + good + "," + good + "}", "abcd"), "twice"},
      {"safetensors: a name twice, once escaped",
       safetensors_file("{" + good + R"(,"\u0061":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}})", "abcd"),
       "twice"},
      {"safetensors: metadata that are no text", safetensors_file(R"({"__metadata__":{"step":1}})"),
       "__metadata__"},
      {"safetensors: metadata that are a list", safetensors_file(R"({"__metadata__":[]})"), "__metadata__"},
      {"safetensors: no step", safetensors_file("{" + good + "}", "abcd"), "no step"},
      {"safetensors: a step with a tail", safetensors_file(R"({"__metadata__":{"step":"7x"}})"), "no step"},
      {"safetensors: PyTorch's zip",
       "PK\3\4" + std::string(22, '\0') + "\x10" + std::string(3, '\0') + "archive/data.pkl",
       "is a PyTorch file, expected a safetensors file; save it as safetensors: python3 -c"},
      {"safetensors: PyTorch's pickle", "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.",
       "is a PyTorch file, expected a safetensors file; save it as safetensors: python3 -c"},
      {"safetensors: Keras' weights", "\x89HDF\r\n\x1a\n", "is an HDF5 file, expected a safetensors file"},
      {"safetensors: NumPy's zip", "PK\3\4" + std::string(22, '\0') + "\x05" + std::string(3, '\0') + "a.npy",
       "is a NumPy archive (.npz), expected a safetensors file"},
      {"safetensors: a pointer of Git LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
       "is a pointer of Git LFS (`git lfs pull` fetches the file), expected a safetensors file"},
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
