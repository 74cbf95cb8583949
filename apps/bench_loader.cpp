// dyad bench loader: what reading, decoding and assembling images cost, whole and in part, and how many
// images a second the loader gives.
#include "apps/options/bench_loader.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/bench/loader_times.h"
#include "apps/bench/times.h"
#include "apps/cli/commands.h"
#include "apps/options/pretrain.h"
#include "apps/options/shared.h"
#include "apps/run/run_directory.h"
#include "data/view_parts.h"
#include "engine/error.h"

namespace apps {
namespace {

using nlohmann::ordered_json;

// A way to decode, and what each round measured.
struct DecodingRow {
  std::string name;
  Loading loading;
  std::vector<double> read{}, decode{}, assemble{}, views{};  // CPU microseconds an image
  std::vector<double> wall{};                                 // images/s
};

double median_of(const std::vector<double>& values) { return times_of(values).median; }

void measure(DecodingRow& row, std::int64_t epoch, const std::vector<data::ViewRecipe>& recipes, int size) {
  const Loading& l = row.loading;
  const double images = double(l.batches) * l.batch;
  const ImageWork work = measure_work(l, epoch);
  row.read.push_back(work.read / images * 1e6);
  row.decode.push_back(work.decode / images * 1e6);
  row.assemble.push_back(work.assemble / images * 1e6);
  row.views.push_back(measure_views(l, epoch, recipes, size) / images * 1e6);
  row.wall.push_back(images / measure_wall(l, epoch));
}

ordered_json report(const std::vector<DecodingRow>& rows, int threads) {
  std::printf(
      "CPU microseconds an image, and images/s: of one core, with its two views, and by the clock with %d "
      "%s\n%-8s %8s %8s %9s %8s %10s %10s %10s\n",
      threads, threads == 1 ? "thread" : "threads", "decoding", "read", "decode", "assemble", "views",
      "a core", "+ views", "by clock");
  ordered_json table = ordered_json::array();
  for (const DecodingRow& r : rows) {
    const double read = median_of(r.read), decode = median_of(r.decode), assemble = median_of(r.assemble),
                 views = median_of(r.views), wall = median_of(r.wall), loaded = read + decode + assemble;
    std::printf("%-8s %8.1f %8.1f %9.1f %8.1f %10.0f %10.0f %10.0f\n", r.name.c_str(), read, decode, assemble,
                views, 1e6 / loaded, 1e6 / (loaded + views), wall);
    table.push_back({{"decoding", r.name},
                     {"read_us", read},
                     {"decode_us", decode},
                     {"assemble_us", assemble},
                     {"views_us", views},
                     {"images_per_cpu_s", 1e6 / loaded},
                     {"images_per_cpu_s_with_views", 1e6 / (loaded + views)},
                     {"images_per_s", wall},
                     {"rounds", {{"read_us", r.read}, {"decode_us", r.decode}, {"views_us", r.views}}}});
  }
  return table;
}

}  // namespace

int bench_loader(const BenchLoaderOptions& o) {
  const auto dataset = data::open_dataset(o.data, data::Split::pretrain);
  const data::DecodeOptions decode = decode_options(o);
  dataset->decode_as(decode);
  std::printf("%s\n", data::describe(*dataset).c_str());
  PretrainOptions training;  // whose resolve() chooses as a training does
  static_cast<ViewOptions&>(training) = o;
  resolve(training, dataset->kind());
  const auto both = recipes_of(training);
  const std::vector<data::ViewRecipe> recipes(both.begin(), both.end());
  const int batch = int(std::min<std::size_t>(std::size_t(o.batch), dataset->size()));
  Loading whole{.images = dataset.get(),
                .decode = decode,
                .part = {},
                .batch = batch,
                .threads = decoder_threads(o.threads),
                .batches = std::min<long>(o.steps, long(dataset->size()) / batch),
                .seed = o.seed};
  std::vector<DecodingRow> rows = {{.name = "whole", .loading = whole}};
  for (const auto& [name, how] :
       {std::pair{"exact", data::CropDecoding::exact}, {"scaled", data::CropDecoding::scaled}}) {
    rows.push_back({.name = name, .loading = whole});
    rows.back().loading.part = data::part_of_views(recipes, training.size, o.seed, how);
  }
  for (int round = 0; round < o.repeat; ++round)
    for (DecodingRow& row : rows) measure(row, round, recipes, training.size);
  std::printf("views of %d pixels, %s\n", training.size, views_text(training).c_str());
  const ordered_json table = report(rows, whole.threads);
  if (!o.json.empty())
    write_json(o.json, {{"images", dataset->size()},
                        {"size", training.size},
                        {"batch", batch},
                        {"batches", whole.batches},
                        {"threads", whole.threads},
                        {"decodings", table}});
  return 0;
}

}  // namespace apps
