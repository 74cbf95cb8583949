// dyad data check: decodes every image and lists the broken ones.
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "apps/cli/commands.h"
#include "apps/run/run_directory.h"
#include "data/check.h"
#include "data/files.h"
#include "engine/error.h"

namespace apps {
namespace {

using data::with_commas;
using nlohmann::ordered_json;

std::string extent_text(const data::Extent& e) {
  return engine::concat_text(with_commas(std::uint64_t(e.height)), " x ",
                             with_commas(std::uint64_t(e.width)));
}

// "9,469 images: 9,460 JPEG, 9 PNG; 75 x 56 to 2,912 x 4,368 pixels"
std::string summary(const data::CheckResult& r) {
  std::string text;
  for (const auto& [format, count] : r.formats)
    text += (text.empty() ? ": " : ", ") + with_commas(count) + " " + format;
  if (!r.formats.empty())
    text += "; " + extent_text(r.smallest) + " to " + extent_text(r.largest) + " pixels";
  if (r.turned > 0)
    text += "; " + with_commas(r.turned) +
            " with an EXIF orientation, which is not applied (nor by torchvision's loader)";
  return with_commas(r.images) + " images" + text;
}

ordered_json to_json(const data::CheckResult& r) {
  return {{"images", r.images},
          {"formats", r.formats},
          {"smallest", {r.smallest.height, r.smallest.width}},
          {"largest", {r.largest.height, r.largest.width}},
          {"exif_orientation", r.turned},
          {"broken", r.broken}};
}

// Every ten seconds.
void tell(std::size_t done, std::size_t images, std::chrono::steady_clock::time_point& told) {
  const auto now = std::chrono::steady_clock::now();
  if (now - told < std::chrono::seconds(10)) return;
  told = now;
  std::fprintf(stderr, "checked %s of %s\n", with_commas(done).c_str(), with_commas(images).c_str());
}

}  // namespace

int data_check(const DataCheckOptions& o) {
  const int threads = o.threads > 0 ? o.threads : int(std::max(1U, std::thread::hardware_concurrency()));
  ordered_json result = ordered_json::object();
  std::size_t images = 0, broken = 0;
  auto told = std::chrono::steady_clock::now();
  for (const auto& [split, name] : {std::pair{data::Split::pretrain, "train"}, {data::Split::test, "test"}}) {
    if (!data::has_split(o.data, split)) continue;
    const auto dataset = data::open_dataset(o.data, split);
    std::printf("%s: %s\n", name, data::describe(*dataset).c_str());
    const data::CheckResult r =
        data::check(*dataset, threads, [&](std::size_t done) { tell(done, dataset->size(), told); });
    std::printf("  %s\n", summary(r).c_str());
    for (const std::string& wrong : r.broken) std::printf("  broken: %s\n", wrong.c_str());
    std::fflush(stdout);
    result[name] = to_json(r);
    images += r.images;
    broken += r.broken.size();
  }
  if (!o.json.empty()) write_json(o.json, result);
  engine::require_data(broken == 0, o.data, ": ", with_commas(broken), " of ", with_commas(images),
                       " images are broken, expected none");
  std::printf("%s images, none broken\n", with_commas(images).c_str());
  return 0;
}

}  // namespace apps
