// Files of features given to dyad index.
#include "tests/bad_inputs/bad_input.h"
#include "tests/support/raw_bytes.h"

namespace {

// A .npy file with this dictionary and two names, and the bytes of its array.
std::string npy_file(const std::string& dictionary, std::size_t bytes) {
  return "\x93NUMPY\x01" + std::string(1, '\0') + char(dictionary.size()) + std::string(1, '\0') +
         dictionary + std::string(bytes, '\x3f');
}

// A safetensors file of two rows of one value, with these entries in place of its features and names.
std::string table(const std::string& features, const std::string& names, const std::string& more = "",
                  const std::string& data = "abcdefgha\nb\n") {
  return safetensors_file("{" + more + features + "," + names + "}", data);
}

}  // namespace

std::vector<BadInput> bad_embeddings() {
  const std::string features = R"("features":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]})",
                    names = R"("names":{"dtype":"U8","shape":[4],"data_offsets":[8,12]})";
  const std::string npy = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }\n";
  struct File {
    std::string name, file, bytes, says;
  };
  const std::vector<File> files = {
      {"no features", "f.safetensors", safetensors_file("{" + names + "}", "a\nb\n"), "begins at byte 8"},
      {"an encoder", "f.safetensors",
       safetensors_file(R"({"conv1.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "abcd"),
       "has no tensor features"},
      {"integers", "f.safetensors",
       table(R"("features":{"dtype":"I32","shape":[2,1],"data_offsets":[0,8]})", names),
       "features are I32, expected F32, F64, F16 or BF16"},
      {"one extent", "f.safetensors",
       table(R"("features":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})", names),
       "features are (2), expected (N,D) or (N,h,w,C)"},
      {"no rows", "f.safetensors",
       table(R"("features":{"dtype":"F32","shape":[0,1],"data_offsets":[0,0]})",
             R"("names":{"dtype":"U8","shape":[4],"data_offsets":[0,4]})", "", "a\nb\n"),
       "features are (0,1)"},
      {"a name too few", "f.safetensors", table(features, names, "", "abcdefghaaa\n"),
       "has 1 names, expected 2"},
      {"a name too many", "f.safetensors", table(features, names, "", "abcdefgh\n\n\n\n"),
       "has more names, expected 2"},
      {"classes that are no list", "f.safetensors",
       table(features, names, R"("__metadata__":{"classes":"{}"},)"),
       "its metadata `classes` are no list of names in JSON"},
      {"a value that is not finite", "f.safetensors",
       table(features, names, "", std::string("\0\0\x80\x3f\0\0\x80\x7f", 8) + "a\nb\n"),
       "the features of b are not finite"},
      {"npy: records", "f.npy",
       npy_file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 1), }", 8),
       "is an array of records, expected numbers"},
      {"npy: Python objects", "f.npy",
       npy_file("{'descr': '|O', 'fortran_order': False, 'shape': (2, 1), }", 8),
       "is of the type |O, expected numbers"},
      {"npy: Fortran's order", "f.npy",
       npy_file("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1), }", 8), "is in Fortran's order"},
      {"npy: cut short", "f.npy", npy_file(npy, 7),
       "7 bytes follow the header, expected 8: the file was cut short"},
      {"npy: extents that overflow", "f.npy",
       npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 2), }", 8),
       "its size in bytes overflows 64 bits"},
      {"npy: an expression", "f.npy",
       npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (1+1, 1), }", 8),
       "its header is not NumPy's"},
      {"npy: an archive", "f.npy", "PK\3\4" + std::string(22, '\0') + "\x05" + std::string(3, '\0') + "a.npy",
       "is a NumPy archive (.npz), expected a .npy file"},
  };
  std::vector<BadInput> list;
  for (const File& f : files)
    list.push_back({"features: " + f.name,
                    {"index", "--embeddings", "DIR/" + f.file, "--out", "DIR/i.safetensors"},
                    65,
                    "DIR/" + f.file + ": ..." + f.says,
                    [f](const Scratch& scratch) {
                      scratch.write(f.file, f.bytes);
                      scratch.write("f.names.txt", "a\nb\n");
                    }});
  return list;
}
