#include "data/check.h"

#include <algorithm>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "data/files.h"
#include "data/for_each_image.h"
#include "data/subset.h"
#include "engine/error.h"
#include "engine/files/hash.h"

namespace data {
namespace {

std::int64_t pixels(const Extent& e) { return std::int64_t(e.height) * e.width; }

std::uint64_t hash_of(const Image& image) {
  const int extent[] = {image.height, image.width};
  return engine::fnv1a(image.pixels.data(), image.pixels.size(), engine::fnv1a(extent, sizeof extent));
}

void note(CheckResult& result, const Image& image, std::size_t index) {
  const Extent e{image.height, image.width};
  if (result.formats.empty() || pixels(e) < pixels(result.smallest)) result.smallest = e;
  if (result.formats.empty() || pixels(e) > pixels(result.largest)) result.largest = e;
  ++result.formats[image.format];
  result.turned += image.orientation != 1;
  result.hashes.push_back({hash_of(image), std::uint32_t(index)});
  if (!image.sixteen_bit) return;
  ++result.sixteen_bit;
  result.least = std::min(result.least, image.least);
  result.greatest = std::max(result.greatest, image.greatest);
}

// Merges the result of one thread into the total.
void merge(CheckResult& all, const CheckResult& part) {
  if (part.formats.empty()) return;
  if (all.formats.empty() || pixels(part.smallest) < pixels(all.smallest)) all.smallest = part.smallest;
  if (all.formats.empty() || pixels(part.largest) > pixels(all.largest)) all.largest = part.largest;
  for (const auto& [format, count] : part.formats) all.formats[format] += count;
  all.turned += part.turned;
  all.sixteen_bit += part.sixteen_bit;
  all.least = std::min(all.least, part.least);
  all.greatest = std::max(all.greatest, part.greatest);
  all.hashes.insert(all.hashes.end(), part.hashes.begin(), part.hashes.end());
}

bool before(const PixelHash& a, const PixelHash& b) {
  return std::pair(a.hash, a.image) < std::pair(b.hash, b.image);
}

// Of an image's file. Records of equal pixels are equal.
std::uint64_t file_hash(const Dataset& dataset, std::size_t image) {
  const std::vector<std::uint8_t> bytes = dataset.file_bytes(image);
  return engine::fnv1a(bytes.data(), bytes.size());
}

// Images of equal pixels, grouped by their files.
std::vector<std::vector<std::size_t>> equal_files(const Dataset& dataset, std::span<const PixelHash> images) {
  std::map<std::uint64_t, std::vector<std::size_t>> by_file;
  for (const PixelHash& h : images) by_file[file_hash(dataset, h.image)].push_back(h.image);
  std::vector<std::vector<std::size_t>> groups;
  for (auto& [hash, group] : by_file)
    if (group.size() > 1) groups.push_back(std::move(group));
  return groups;
}

}  // namespace

CheckResult check(const Dataset& dataset, int threads, const std::function<void(std::size_t)>& progress) {
  engine::require(threads >= 1, "data check: ", threads, " threads, expected at least 1");
  CheckResult result;
  result.images = dataset.size();
  std::mutex mutex;  // of broken
  std::map<std::size_t, std::string> broken;
  std::vector<CheckResult> parts(std::size_t(threads), CheckResult{});
  std::vector<Image> images(std::size_t(threads), Image{});  // reused, with their memory
  for_each_image(dataset.size(), threads, [&](std::size_t i, int thread) {
    Image& image = images[std::size_t(thread)];
    try {
      dataset.read(i, image);
      note(parts[std::size_t(thread)], image, i);
    } catch (const engine::DataError& error) {
      const std::lock_guard lock(mutex);
      broken[i] = error.what();
    }
    if (thread == 0 && progress) progress(i + 1);
  });
  for (const CheckResult& part : parts) merge(result, part);
  for (auto& [i, wrong] : broken) {
    result.broken_images.push_back(i);
    result.broken.push_back(std::move(wrong));
  }
  std::ranges::sort(result.hashes, before);
  return result;
}

std::unique_ptr<Dataset> without_broken(std::unique_ptr<Dataset> dataset, int threads) {
  if (dataset->pixel_bytes() >= 0) return dataset;  // records, which need no decoding
  const CheckResult result = check(*dataset, std::max(1, threads));
  if (result.broken.empty()) return dataset;
  engine::require_data(result.broken.size() < dataset->size(), result.broken.front(),
                       dataset->size() > 1 ? ", and none of the other images can be decoded" : "");
  std::vector<std::size_t> whole;
  for (std::size_t i = 0; i < dataset->size(); ++i)
    if (!std::ranges::binary_search(result.broken_images, i)) whole.push_back(i);
  std::string held_out = dataset->held_out();
  return std::make_unique<Subset>(std::move(dataset), std::move(whole),
                                  "left out: " + counted(double(result.broken.size()), "image") +
                                      " that can't be decoded, the first is " + result.broken.front(),
                                  std::move(held_out));
}

Duplicates duplicates(const Dataset& dataset, const CheckResult& result, std::size_t shown) {
  Duplicates found;
  const std::vector<PixelHash>& all = result.hashes;
  for (std::size_t i = 0, end = 0; i < all.size(); i = end) {
    for (end = i + 1; end < all.size() && all[end].hash == all[i].hash;) ++end;
    if (end - i == 1) continue;
    for (auto& group : equal_files(dataset, std::span(all).subspan(i, end - i))) {
      found.superfluous += group.size() - 1;
      ++found.groups;
      if (group.size() > shown) group.resize(shown);
      found.shown.push_back(std::move(group));
      std::ranges::sort(found.shown);
      if (found.shown.size() > shown) found.shown.pop_back();
    }
  }
  return found;
}

Overlap overlap(const CheckResult& of, const CheckResult& with, std::size_t shown) {
  Overlap found;
  for (const PixelHash& h : of.hashes) {
    const auto equal = std::ranges::lower_bound(with.hashes, PixelHash{h.hash, 0}, before);
    if (equal == with.hashes.end() || equal->hash != h.hash) continue;
    ++found.images;
    found.shown.emplace_back(h.image, equal->image);
    std::ranges::sort(found.shown);
    if (found.shown.size() > shown) found.shown.pop_back();
  }
  return found;
}

}  // namespace data
