// A mutator for safetensors. The header's length precedes it, so a header that grew or shrank would not be
// parsed at all. The header is JSON, and mutations of single bytes rarely keep it valid JSON.
#pragma once

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz.h"
#include "tests/support/raw_bytes.h"

namespace fuzz {

// Swaps two words or numbers of the header, or replaces one by another word of the header or by a limit of an
// integer type, or lengthens one.
inline std::string with_another_word(const std::string& header, std::minstd_rand& random) {
  static const std::vector<std::string> ends = {"0",
                                                "1",
                                                "2147483648",
                                                "4294967296",
                                                "4611686018427387904",
                                                "9223372036854775807",
                                                "9223372036854775808",
                                                "18446744073709551615"};
  std::vector<std::string> words;
  std::vector<std::size_t> places;
  for (std::size_t at = 0; at < header.size(); ++at) {
    const bool inside = std::isalnum(static_cast<unsigned char>(header[at])) != 0;
    if (inside && (at == 0 || !std::isalnum(static_cast<unsigned char>(header[at - 1])))) {
      words.emplace_back();
      places.push_back(at);
    }
    if (inside) words.back() += header[at];
  }
  if (words.empty()) return header;
  const std::size_t i = random() % words.size(), j = random() % words.size();
  const auto with = [&](const std::string& text, std::size_t word, const std::string& by) {
    return std::string(text).replace(places[word], words[word].size(), by);
  };
  switch (random() % 4) {
    case 0:  // the later one first, since it shifts the offsets after it
      return with(with(header, std::max(i, j), words[std::min(i, j)]), std::min(i, j), words[std::max(i, j)]);
    case 1:
      return with(header, i, words[j]);
    case 2:
      return with(header, i, ends[random() % ends.size()]);
    default:
      return with(header, i, words[i] + (random() % 2 ? "" : ",") + words[j]);
  }
}

}  // namespace fuzz

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* bytes, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  std::uint64_t length = 0;
  if (size >= 8) std::memcpy(&length, bytes, 8);
  std::minstd_rand random(seed);
  const auto way = random() % 4;
  if (way == 0 || size < 8 || length > size - 8 || size >= max_size)
    return LLVMFuzzerMutate(bytes, size, max_size);
  std::string header(reinterpret_cast<const char*>(bytes) + 8, length);
  const std::string data(reinterpret_cast<const char*>(bytes) + 8 + length, size - 8 - length);
  if (way == 1) {
    header.resize(max_size - 8 - data.size());
    header.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(header.data()), length, header.size()));
  } else {
    for (auto times = 1 + random() % 3; times > 0; --times) header = fuzz::with_another_word(header, random);
  }
  const std::string file = safetensors_file(header, data).substr(0, max_size);
  std::memcpy(bytes, file.data(), file.size());
  return file.size();
}
