// The seed corpus: valid files, made by the encoders of tests/, and those of tests/bad_inputs, which have one
// defect each.
//   fuzz_seeds FOLDER   writes FOLDER/TARGET/NUMBER; run at the top of the tree
#include <cstring>
#include <iterator>
#include <limits>

#include "apps/options/config.h"
#include "data/pack/pack_index.h"
#include "engine/files/npy.h"
#include "engine/files/plan_list.h"
#include "engine/files/safetensors.h"
#include "engine/files/xxh64.h"
#include "kernels/augment/view.h"
#include "tests/bad_inputs/bad_input.h"
#include "tests/fuzz/small_training.h"
#include "tests/support/encode.h"
#include "tests/support/encode_stb.h"
#include "tests/support/golden_images.h"
#include "tests/support/tar.h"

namespace fs = std::filesystem;

namespace {

constexpr std::size_t most = 16 << 10;  // larger seeds would slow down every mutation

class Seeds {
 public:
  explicit Seeds(const fs::path& folder) : folder_(folder) {}
  void add(const std::string& target, const std::string& bytes) {
    fs::create_directories(folder_ / target);
    std::ofstream(folder_ / target / std::to_string(count_++), std::ios::binary) << bytes;
  }
  void add(const std::string& target, const std::vector<BadImage>& images) {
    for (const BadImage& image : images)
      if (image.bytes.size() <= most) add(target, image.bytes);
  }
  // Adds the file that each bad input writes.
  void add(const std::string& target, const std::vector<BadInput>& inputs, const std::string& file) {
    for (const BadInput& input : inputs) {
      const Scratch scratch;
      input.make(scratch);
      const std::string bytes = scratch.read(file);
      if (!bytes.empty() && bytes.size() <= most) add(target, bytes);
    }
  }

 private:
  fs::path folder_;
  int count_ = 0;
};

std::string bytes_of(const std::string& path, std::size_t count) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {}).substr(0, count);
}

std::vector<std::uint8_t> ramp(int count) {
  std::vector<std::uint8_t> values;
  for (int i = 0; i < count; ++i) values.push_back(std::uint8_t(i * 37));
  return values;
}

void images(Seeds& seeds) {
  for (const bool progressive : {false, true})
    for (const bool arithmetic : {false, true}) {
      JpegOptions o{.progressive = progressive, .arithmetic = arithmetic};
      seeds.add("jpeg", encode_jpeg(9, 17, ramp(9 * 17 * 3), o));
      o.input = o.stored = JCS_GRAYSCALE;
      seeds.add("jpeg", encode_jpeg(9, 17, ramp(9 * 17), o));
      o.input = JCS_CMYK, o.stored = JCS_YCCK;
      seeds.add("jpeg", encode_jpeg(9, 17, ramp(9 * 17 * 4), o));
    }
  seeds.add("jpeg", encode_jpeg(9, 17, ramp(9 * 17 * 3), {.one_scan_a_component = true}));
  seeds.add("jpeg", bad_jpegs());

  const std::pair<spng_color_type, int> types[] = {{SPNG_COLOR_TYPE_GRAYSCALE, 1},
                                                   {SPNG_COLOR_TYPE_TRUECOLOR, 3},
                                                   {SPNG_COLOR_TYPE_INDEXED, 1},
                                                   {SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, 2},
                                                   {SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, 4}};
  for (const auto& [type, samples] : types)
    for (const int bits : {1, 2, 4, 8, 16})
      for (const bool interlaced : {false, true}) {
        spng_plte palette = {.n_entries = 256, .entries = {}};
        const int row = (9 * samples * bits + 7) / 8;
        seeds.add("png",
                  encode_png(9, 9, type, bits, ramp(9 * row),
                             type == SPNG_COLOR_TYPE_INDEXED ? &palette : nullptr, nullptr, interlaced));
      }
  seeds.add("png", bad_pngs());

  const std::string palette(1024, 'p');
  for (const std::uint32_t bits : {1U, 4U, 8U, 16U, 24U, 32U})
    seeds.add("stb", encode_bmp(3, 3, std::string(36, '\1'),
                                {.bits = bits, .after = bits <= 8 ? palette.substr(0, 4U << bits) : ""}));
  for (const std::uint32_t bits : {16U, 32U})
    seeds.add("stb", encode_bmp(-3, 3, std::string(36, '\1'),
                                {.bits = bits,
                                 .compression = 3,
                                 .after = little_endian(0x7c00, 4) + little_endian(0x3e0, 4) +
                                          little_endian(0x1f, 4)}));
  seeds.add("stb", "P6\n# a comment\n2 2\n255\n123456789012");
  seeds.add("stb", "P5 2 2 255 1234");
  for (const int type : {1, 2, 3, 9, 10, 11})
    for (const int bits : {8, 15, 16, 24, 32})
      seeds.add("stb", encode_tga(2, 3, palette.substr(0, 64),
                                  {.type = type,
                                   .bits = bits,
                                   .colours = type % 8 == 1 ? 4 : 0,
                                   .colour_bits = type % 8 == 1 ? 24 : 0}));
  seeds.add("stb", bad_bitmaps());

  for (const GoldenImage& image : golden_images())
    seeds.add(image.name.substr(0, image.name.find_first_of(" ,")), image.file);
  seeds.add("webp", bad_webps());
  seeds.add("tiff", bad_tiffs());
  seeds.add("gif", bad_gifs());
}

void records(Seeds& seeds) {
  const std::string names = bytes_of("data/samples/batches.meta.txt", 255),
                    named = char(names.size()) + names;
  for (const int flags : {0, 2, 2 + 8, 2 + 16, 4, 4 + 32})
    seeds.add("cifar", char(flags) + named + bytes_of("data/samples/data_batch_1.bin", 2 * 3073));
  for (const int flags : {1, 1 + 4, 1 + 2 + 4})
    seeds.add("cifar", char(flags) + named + std::string(3074, '\7'));
  for (const int flags : {0, 1, 2, 2 + 4 + 32, 2 + 8, 2 + 16})
    seeds.add("stl10", char(flags) + named + std::string("\2\1\7") + std::string(27'648 + 100, 'x') +
                           std::string(flags & 2 ? 0 : 27'548, 'y'));
}

void labels(Seeds& seeds) {
  for (const char* text : {"2.JPEG n01\n1.JPEG   n03\r\n3.JPEG n02", "1\tn03\t0\n2\tn01\n3\tn02\n",
                           "id,\"class\"\n\"1\", \"n03\"\n2,n01\n3,n02 1 2\n", "n03\nn01\nn02\n", "2\n0\n1\n",
                           "1 n01\n1 n02\n", "1 n09\n", "3\n1\n2\n", ""})
    for (const char flag : {'\0', '\1'}) seeds.add("labels", flag + std::string(text));
}

void lists(Seeds& seeds) {
  for (const char* text : {"1.png\ndeep/2.png\n", "deep/2.png\r\n\r\n1.png", "1.png\n3.png\n", "3.png\n",
                           "1.png\n1.png\n", "1.png,cat\n"})
    seeds.add("list", text);
}

// A safetensors file for `dyad data views`: valid views, and one with each defect.
void views(Seeds& seeds) {
  kernels::View good{};
  good.height = 4, good.width = 5, good.left = 1, good.crop_height = good.crop_width = 4, good.solarize = 256;
  kernels::View full = good;
  full.offset = 3, full.angle = 30, full.blur_sigma = 1, full.blur_kernel = 3, full.solarize = 128;
  full.flip = full.grayscale = full.bicubic = full.antialias = 1;
  for (int i = 0; i < 4; ++i) full.jitter[i] = kernels::Jitter(i + 1), full.factor[i] = 0.4f;
  std::vector<kernels::View> wrong(7, full);
  wrong[0].offset = std::numeric_limits<std::int64_t>::max();
  wrong[1].top = wrong[1].crop_height = std::numeric_limits<std::int32_t>::max();
  wrong[2].factor[0] = std::numeric_limits<float>::infinity();
  wrong[3].jitter[0] = kernels::Jitter(9);
  wrong[4].angle = std::numeric_limits<float>::quiet_NaN();
  wrong[5].blur_kernel = 64;
  wrong[6].height = wrong[6].width = std::numeric_limits<std::int32_t>::max();
  const engine::Tensor pixels({63}, engine::DType::u8, engine::cpu);
  std::memset(pixels.raw(), 100, 63);
  const Scratch scratch;
  const auto add = [&](const std::vector<kernels::View>& written) {
    const engine::Tensor bytes({std::int64_t(written.size()), sizeof(kernels::View)}, engine::DType::u8,
                               engine::cpu);
    std::memcpy(bytes.raw(), written.data(), written.size() * sizeof(kernels::View));
    engine::write_safetensors(scratch.path("views"), {{{"pixels", pixels}, {"views", bytes}}, {}});
    seeds.add("views", scratch.read("views"));
  };
  add({good, full});
  for (const kernels::View& view : wrong) add({good, view});
}

void json_files(Seeds& seeds) {
  seeds.add("sweep",
            R"({"dyad": "dyad 0.9.0", "shared": {"batch": "32"}, "sweeps": [{"vary": ["lr=1,2"], "seeds": 1}],
 "cells": [{"name": "lr=1", "options": {"lr": "1"}, "seed": 0}, {"name": "lr=2", "options": {"lr": "2"}, "seed": 0}]})");
  seeds.add("sweep", R"({"shared": {}, "sweeps": [], "cells": []})");
  seeds.add("sweep", R"({"shared": {}, "sweeps": 3, "cells": [{"name": 1, "options": []}]})");
  seeds.add("plans", engine::text_of_plans({{"conv (8,32,32,3) f32", "{\"engine\": 47}"}, {"\n", "\""}}));
  seeds.add("plans", R"({"plans": {"a": 1}})");
}

void configs(Seeds& seeds) {
  apps::PretrainOptions options;
  seeds.add("config", apps::config_text("pretrain", apps::fields(options)));
  seeds.add("config",
            "# of any command\nbatch = 1_024\n[knn]\nk = 20\n[pretrain]\narch = 'resnet10'  # small\n"
            "data = \"a \\\"b\\\" \\\\ #c\"\ntau = +0.5\nlr = \"auto\"\ngraph = false\n");
  seeds.add("config", bad_settings(), "run.toml");
}

void tensors(Seeds& seeds) {
  const Scratch scratch;
  const std::string path = scratch.path("a");
  using engine::DType;
  engine::TensorFile file;
  for (const DType type : {DType::f32, DType::f64, DType::bf16, DType::u8, DType::i32, DType::i64}) {
    const std::string name(1, char('a' + int(type)));
    file.tensors.emplace_back(name, engine::zeros({2, 0, 3, 1}, type, engine::cpu));
    file.tensors.emplace_back(name + name, engine::zeros({3}, type, engine::cpu));
  }
  file.tensors.emplace_back("scalar", engine::zeros({}, DType::f32, engine::cpu));
  file.metadata = {{"format", "pt"}, {"\u00fc", "\n\"\\"}};
  engine::write_safetensors(path, file);
  seeds.add("safetensors", scratch.read("a"));
  seeds.add("safetensors", bad_safetensors(), "c.safetensors");

  const fuzz::SmallTraining training;
  apps::save_checkpoint(path, training.options, training.parameters, training.state, {7});
  seeds.add("safetensors", scratch.read("a"));
  seeds.add("checkpoint", scratch.read("a"));
  // each tensor with another shape, with another type, and missing; the target corrects the hash
  const engine::TensorFile right = engine::read_safetensors(path);
  for (std::size_t i = 0; i < right.tensors.size(); ++i)
    for (int way = 0; way < 3; ++way) {
      engine::TensorFile wrong = right;
      engine::Tensor& value = wrong.tensors[i].second;
      if (way == 0) value = engine::zeros({value.numel() + 1}, value.dtype(), engine::cpu);
      if (way == 1) value = engine::zeros(value.shape(), DType::f64, engine::cpu);
      if (way == 2) wrong.tensors.erase(wrong.tensors.begin() + std::ptrdiff_t(i));
      engine::write_safetensors(path, wrong);
      seeds.add("checkpoint", scratch.read("a"));
    }
}

void embeddings(Seeds& seeds) {
  const Scratch scratch;
  const std::string path = scratch.path("f");
  using engine::DType;
  const engine::Tensor names({4}, DType::u8, engine::cpu);
  std::memcpy(names.raw(), "a\nb\n", 4);
  for (const DType type : {DType::f32, DType::f64, DType::bf16}) {
    engine::TensorFile file{{{"features", engine::zeros({2, 3}, type, engine::cpu)},
                             {"labels", engine::from_vector({2}, {-1, 1}, DType::i64)},
                             {"names", names}},
                            {{"classes", R"(["ant","bee"])"}}};
    engine::write_safetensors(path, file);
    seeds.add("embedding", '\0' + scratch.read("f"));
    file.metadata["classes"] = "[1]";
    file.tensors.pop_back();
    engine::write_safetensors(path, file);
    seeds.add("embedding", '\0' + scratch.read("f"));
  }
  for (const char* type : {"<f2", "<f4", "<f8", "|u1"})
    seeds.add("embedding", '\1' + engine::npy_header(type, {2, 1}) + std::string(16, '\0'));
  seeds.add("embedding", '\1' + engine::npy_header("<f4", {2, 1, 1, 2}) + std::string(16, '\0'));
}

void packs(Seeds& seeds) {
  std::string shard;
  for (int i = 0; i < 256; ++i) shard += char(i);
  data::PackIndexBuilder index;
  for (const auto& [height, width] : {std::pair{2U, 2U}, {4U, 4U}, {0U, 0U}}) {
    data::PackImage image{};
    image.bytes = height > 0 ? 3 * height * width : 20;
    image.hash = engine::xxh64(shard.data(), image.bytes);
    image.height = height, image.width = width;
    image.label = height > 2 ? 1 : -1;
    image.splits = height > 2 ? 2 : 5;
    index.add_image(image, "train/ant/" + std::to_string(height) + ".png", "ant");
  }
  std::vector<data::PackSplit> splits;
  for (std::size_t s = 0; s < data::pack_splits; ++s)
    splits.push_back({index.add_text("images"), index.add_text(""), 3});
  seeds.add("pack", index.bytes(data::Dataset::Kind::image_folder, {shard.size()}, splits, {"ant", "bee"}));
}

void tars(Seeds& seeds) {
  const std::string png = encode_png(1, 1, SPNG_COLOR_TYPE_TRUECOLOR, 8, {1, 2, 3});
  seeds.add("tar", tar_member("./1.cls", "3") + tar_member("./1.png", png) + tar_end());
  seeds.add("tar",
            tar_member("set/", "", '5') + tar_member("set/a/1.png", png) + tar_member("set/b/2.png", png));
  seeds.add("tar", tar_member("././@LongLink", "a/long.png" + std::string(1, '\0'), 'L') +
                       tar_member("x", png) + tar_member("pax", "14 path=b.png\n", 'x') +
                       tar_member("y", png) + tar_end());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: fuzz_seeds FOLDER\n");
    return 2;
  }
  Seeds seeds(argv[1]);
  images(seeds);
  records(seeds);
  labels(seeds);
  lists(seeds);
  views(seeds);
  json_files(seeds);
  configs(seeds);
  tensors(seeds);
  embeddings(seeds);
  packs(seeds);
  tars(seeds);
}
