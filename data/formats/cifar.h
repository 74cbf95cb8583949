// CIFAR-10 and CIFAR-100, binary version (Krizhevsky 2009). A record has the label (CIFAR-100: coarse label,
// fine label), then the red, green and blue plane of a 32x32 image, one byte per value: 3,073 or 3,074 bytes.
#pragma once

#include <filesystem>
#include <memory>

#include "data/dataset.h"

namespace data {

bool is_cifar10(const std::filesystem::path& folder);   // it has data_batch_*.bin or test_batch.bin
bool is_cifar100(const std::filesystem::path& folder);  // it has train.bin or test.bin

// Holds all images in memory. Class names come from batches.meta.txt (fine_label_names.txt) if it exists,
// else they are the labels' numbers.
std::unique_ptr<Dataset> open_cifar10(const std::filesystem::path& folder, Split);
std::unique_ptr<Dataset> open_cifar100(const std::filesystem::path& folder, Split);

}  // namespace data
