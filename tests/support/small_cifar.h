// A small CIFAR-10 data set from images of data/samples, with labels chosen by the test.
#pragma once

#include <functional>

#include "tests/support/scratch.h"

// label(file, i, original label): the label for the i-th image of "data_batch_1.bin" or "test_batch.bin".
using Relabel = std::function<int(const std::string& file, int i, int label)>;

inline std::string small_cifar(const Scratch& scratch, const std::string& name, int train, int test,
                               const Relabel& relabel = {}) {
  constexpr std::size_t record = 1 + 3 * 32 * 32;
  for (const auto& [file, count] :
       {std::pair("data_batch_1.bin", train), std::pair("test_batch.bin", test)}) {
    std::ifstream in(std::string("data/samples/") + file, std::ios::binary);
    std::string bytes(record * std::size_t(count), '\0');
    in.read(bytes.data(), std::streamsize(bytes.size()));
    for (int i = 0; relabel && i < count; ++i) {
      char& label = bytes[std::size_t(i) * record];
      label = char(relabel(file, i, label));
    }
    scratch.write(name + "/" + file, bytes);
  }
  return scratch.path(name);
}
