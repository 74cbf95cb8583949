// dyad data pack: the images of a data set in a few large files.
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.h"
#include "apps/options/shared.h"
#include "apps/run/run_directory.h"
#include "apps/system/new_folder.h"
#include "data/files.h"
#include "data/pack/pack_writer.h"
#include "engine/error.h"
#include "engine/escape.h"

namespace apps {
namespace {

using data::with_commas;

data::PackOptions pack_options(const DataPackOptions& o) {
  using Encode = data::PackOptions::Encode;
  data::PackOptions p;
  p.encode = o.encode == "keep" ? Encode::keep : o.encode == "raw" ? Encode::raw : Encode::jpeg;
  if (p.encode == Encode::jpeg) p.quality = std::stoi(o.encode.substr(o.encode.find(':') + 1));
  p.shorter_side = o.shorter_side;
  p.decode = decode_options(o);
  p.shard_bytes = std::uint64_t(o.shard_size) << 20;
  p.threads = decoder_threads(o.threads);
  p.bad_images = o.bad_images == "skip" ? data::BadImages::skip : data::BadImages::stop;
  const bool decodes = o.shorter_side > 0 || o.shrink > 0 || o.exif != "ignore" || o.sixteen_bit != "high";
  if (p.encode == Encode::keep && decodes)
    throw engine::UsageError(
        "--encode keep stores files as they are, expected raw or jpeg:95 with --shorter-side, --shrink, "
        "--exif or "
        "--sixteen-bit");
  return p;
}

}  // namespace

int data_pack(const DataPackOptions& o) {
  const data::PackOptions options = pack_options(o);
  const NewFolder folder(o.out);
  auto told = std::chrono::steady_clock::now();
  const data::PackResult r =
      data::write_pack(o.data, o.label_file, folder.file(""), options, [&](std::size_t done) {
        const auto now = std::chrono::steady_clock::now();
        if (now - told < std::chrono::seconds(10)) return;
        told = now;
        std::fprintf(stderr, "packed %s images\n", with_commas(done).c_str());
      });
  folder.finish();
  for (const std::string& wrong : r.skipped) std::printf("left out: %s\n", wrong.c_str());
  std::printf("%s: %s in %s of %s bytes\n", engine::shown(o.out).c_str(),
              data::counted(double(r.images), "image").c_str(),
              data::counted(double(r.shards), "shard").c_str(), with_commas(r.bytes).c_str());
  if (!o.json.empty())
    write_json(o.json,
               {{"images", r.images}, {"shards", r.shards}, {"bytes", r.bytes}, {"left_out", r.skipped}});
  return 0;
}

}  // namespace apps
