// Files as bytes, and names and numbers as messages show them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace data {

// The whole of a regular file. A DataError says which file can't be read, and why.
std::vector<std::uint8_t> read_bytes(const std::filesystem::path&);

// A name on one line: control bytes become \xNN.
std::string printable(const std::filesystem::path&);

// 30729999 -> "30,729,999".
std::string with_commas(std::uint64_t);

}  // namespace data
