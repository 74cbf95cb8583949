// Reading the header of a .npy file: NumPy's three versions, and one line about each thing that is wrong.
#include "engine/files/npy.h"

#include <doctest/doctest.h>

#include "tests/support/scratch.h"

using namespace engine;

namespace {

std::string npy_of(const std::string& dictionary, std::size_t data, int version = 1) {
  std::string length = {char(dictionary.size() % 256), char(dictionary.size() / 256)};
  if (version > 1) length += std::string(2, '\0');
  return "\x93NUMPY" + std::string(1, char(version)) + std::string(1, '\0') + length + dictionary +
         std::string(data, '\0');
}

std::string npy_refusal(const std::string& bytes) {
  return message_of<DataError>([&] { parse_npy(bytes, "f.npy"); });
}

}  // namespace

TEST_CASE("npy: headers of all versions, keys in any order") {
  for (const int version : {1, 2, 3}) {
    const NpyHeader h = parse_npy(
        npy_of("{'shape': (2, 3), 'fortran_order': False, 'descr': '<f2'}  \n", 12, version), "f.npy");
    CHECK(h.type == "<f2");
    CHECK(h.shape == Shape{2, 3});
    CHECK(h.data == (version == 1 ? 10U : 12U) + 60);
  }
  const std::string own = npy_header("<f4", {5, 1, 2, 3}) + std::string(120, '\0');
  CHECK(parse_npy(own, "f.npy").shape == Shape{5, 1, 2, 3});
  CHECK(parse_npy(own, "f.npy").data == 128);
  CHECK(parse_npy(npy_header("|u1", {}) + "x", "f.npy").shape == Shape{});
  CHECK(parse_npy(npy_header("<i8", {0}), "f.npy").shape == Shape{0});
}

TEST_CASE("npy: what is wrong is said in a line") {
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n";
  CHECK(npy_refusal(npy_of(good, 4)).empty());
  CHECK(npy_refusal("") == "f.npy: is no NumPy file, expected a .npy file");
  CHECK(npy_refusal("PK\3\4" + std::string(22, '\0') + "\x05" + std::string(3, '\0') + "a.npy") ==
        "f.npy: is a NumPy archive (.npz), expected a .npy file");
  CHECK(npy_refusal("\x93NUMPY\1") == "f.npy: 7 bytes, expected a .npy file");
  CHECK(npy_refusal(npy_of(good, 4, 4)) == "f.npy: is of version 4, expected 1 to 3");
  CHECK(npy_refusal(npy_of(good, 4).substr(0, 20)) == "f.npy: declares a header of 58 bytes, but 10 follow");
  CHECK(npy_refusal(npy_of(good, 3)) ==
        "f.npy: 3 bytes follow the header, expected 4: the file was cut short");
  CHECK(npy_refusal(npy_of(good, 5)) ==
        "f.npy: 5 bytes follow the header, expected 4: bytes after the array");
  const std::string header = "its header is not NumPy's, expected {'descr': '<f4', 'fortran_order': False, ";
  const auto refused = [](const std::string& dictionary, const std::string& says) {
    const std::string line = npy_refusal(npy_of(dictionary, 4));
    INFO(line);
    return line.starts_with("f.npy: " + says) && line.find('\n') == line.npos;
  };
  for (const char* wrong :
       {"", "{", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': False, 'shape': (1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1.5,)}",
        "{'descr': '<f4', 'fortran_order': No, 'shape': (1,)}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}"}) {
    INFO(wrong);
    CHECK(refused(wrong, header));
  }
  CHECK(refused("{'descr': '<f4', 'fortran_order': True, 'shape': (1,)}", "is in Fortran's order"));
  CHECK(
      refused("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "is an array of records"));
  for (const char* type : {">f4", "|O", "<U1", "|S4", "<c8", "<f9", "<f16"})
    CHECK(refused("{'descr': '" + std::string(type) + "', 'fortran_order': False, 'shape': (1,)}",
                  "is of the type " + std::string(type)));
  CHECK(refused("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1)}", "has 5 extents"));
  CHECK(refused("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
                "its size in bytes overflows 64 bits"));
}
