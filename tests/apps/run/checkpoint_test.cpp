// Checkpoints: the whole state is restored, names are torchvision's, and damage and other models are
// detected.
#include "apps/run/checkpoint.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "apps/run/model.h"
#include "engine/error.h"
#include "tests/support/scratch.h"

namespace {

using apps::Checkpoint;
using engine::DType;
using engine::Tensor;

struct Folder {
  std::string path = std::filesystem::temp_directory_path() / "dyad_checkpoint_test";
  Folder() {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path + "/checkpoints");
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

apps::PretrainOptions small(std::uint64_t seed) {
  apps::PretrainOptions o;
  o.arch = "resnet10";
  o.width = 0.125;
  o.seed = seed;
  o.out_dim = 16;
  apps::resolve(o, true);
  return o;
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {(std::istreambuf_iterator<char>(file)), {}};
}

nlohmann::json header_of(const std::string& bytes) {
  std::uint64_t size = 0;
  std::memcpy(&size, bytes.data(), sizeof size);
  return nlohmann::json::parse(bytes.substr(8, size));
}

std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

// A model with a momentum like its weights, and a counter.
struct Training {
  apps::PretrainOptions options;
  std::unique_ptr<models::Method> method;
  apps::StateTensors state;
  explicit Training(std::uint64_t seed)
      : options(small(seed)), method(apps::make_method(options, engine::cpu)) {
    const Tensor momentum = zeros(method->parameters.values().shape(), DType::f32, engine::cpu);
    for (const auto& p : method->parameters.list())  // zero in the padding, as an optimizer leaves it
      if (p.trained)
        std::memcpy(momentum.slice_flat(p.offset, p.value.shape()).raw(), p.value.raw(), p.value.bytes());
    state = {{"optimizer.momentum", momentum},
             {"optimizer.step", engine::full({1}, double(seed), DType::i64, engine::cpu)}};
  }
};

TEST_CASE("checkpoint: the whole state is restored bit-identically") {
  const Folder folder;
  const Training saved(7), loaded(8);
  const std::string path = apps::checkpoint_path(folder.path, 123),
                    again = apps::checkpoint_path(folder.path, 124);
  CHECK(path == folder.path + "/checkpoints/step-00000123.safetensors");
  REQUIRE(saved.method->parameters.hash() != loaded.method->parameters.hash());

  apps::save_checkpoint(path, saved.options, saved.method->parameters, saved.state, {123});
  CHECK(apps::load_checkpoint(Checkpoint(path), loaded.options, loaded.method->parameters, loaded.state) ==
        123);
  CHECK(saved.method->parameters.hash() == loaded.method->parameters.hash());
  CHECK(saved.state[0].second.to_vector() == loaded.state[0].second.to_vector());
  CHECK(loaded.state[1].second.item() == 7);

  apps::save_checkpoint(again, saved.options, loaded.method->parameters, loaded.state, {123});
  CHECK(bytes_of(path) == bytes_of(again));

  const Training evaluated(9);
  apps::load_parameters(Checkpoint(path), evaluated.method->parameters);
  CHECK(saved.method->parameters.hash() == evaluated.method->parameters.hash());
}

TEST_CASE("checkpoint: the file has torchvision's names and layouts") {
  const Folder folder;
  const Training t(1);
  const std::string path = apps::checkpoint_path(folder.path, 5);
  apps::save_checkpoint(path, t.options, t.method->parameters, t.state, {5});
  const std::string bytes = bytes_of(path);
  const auto header = header_of(bytes);
  CHECK(header.at("__metadata__").at("arch") == "resnet10");
  CHECK(header.at("__metadata__").at("step") == "5");
  CHECK(header.at("__metadata__").at("stem") == "cifar");
  CHECK(header.at("encoder.bn1.num_batches_tracked").at("shape") == nlohmann::json::array());
  CHECK(header.at("encoder.bn1.num_batches_tracked").at("dtype") == "I64");
  CHECK(header.contains("encoder.layer4.0.downsample.0.weight"));
  CHECK(header.contains("optimizer.momentum.encoder.conv1.weight"));

  const auto& entry = header.at("encoder.conv1.weight");
  for (const auto& p : t.method->parameters.list()) {
    if (p.name != "encoder.conv1.weight") continue;
    const std::int64_t k = p.value.dim(0), r = p.value.dim(1), s = p.value.dim(2), c = p.value.dim(3);
    REQUIRE(entry.at("shape") == nlohmann::json({k, c, r, s}));
    REQUIRE(c == 3);
    const std::size_t begin = bytes.size() - [&] {
      std::size_t end = 0;
      for (const auto& [name, e] : header.items())
        if (name != "__metadata__") end = std::max(end, e.at("data_offsets").at(1).get<std::size_t>());
      return end;
    }() + entry.at("data_offsets").at(0).get<std::size_t>();
    for (const auto& [i, j, y, x] :
         {std::array<std::int64_t, 4>{0, 0, 0, 0}, {1, 2, 0, 1}, {k - 1, 1, r - 1, s - 2}}) {
      float in_file = 0;
      std::memcpy(&in_file, bytes.data() + begin + 4 * (((i * c + j) * r + y) * s + x), 4);
      CHECK(in_file == p.value.data<float>()[((i * r + y) * s + x) * c + j]);
    }
  }
}

TEST_CASE("checkpoint: another model is refused, other options are reported") {
  const Folder folder;
  const Training t(1);
  const std::string path = apps::checkpoint_path(folder.path, 5);
  apps::save_checkpoint(path, t.options, t.method->parameters, t.state, {5});

  apps::PretrainOptions other = t.options;
  other.arch = "resnet18";
  other.out_dim = 32;
  CHECK(error_of([&] { apps::load_checkpoint(Checkpoint(path), other, t.method->parameters, t.state); }) ==
        path +
            " is of another model: arch resnet10 -> resnet18, out-dim 16 -> 32; without these options it "
            "goes on as it was");
  CHECK_THROWS_AS(apps::load_checkpoint(Checkpoint(path), other, t.method->parameters, t.state),
                  engine::UsageError);

  apps::PretrainOptions narrow = t.options;
  narrow.out_dim = 8;
  const auto narrower = apps::make_method(narrow, engine::cpu);
  const std::string error = error_of([&] { apps::load_parameters(Checkpoint(path), narrower->parameters); });
  CHECK(error.find("(16,") != std::string::npos);
  CHECK(error.find("expected") != std::string::npos);

  other = t.options;
  other.dtype = "f64";
  CHECK(error_of([&] { apps::load_checkpoint(Checkpoint(path), other, t.method->parameters, t.state); }) ==
        path + " is of another precision: dtype f32 -> f64");
  other = t.options;
  other.optimizer = "adamw";
  CHECK(error_of([&] { apps::load_checkpoint(Checkpoint(path), other, t.method->parameters, t.state); }) ==
        path + " has the state of another optimizer: optimizer lars -> adamw");

  other = t.options;
  CHECK(apps::resume_differences(Checkpoint(path).info(), other) == "");
  other.lr = 0.5;
  other.batch = 64;
  CHECK(apps::resume_differences(Checkpoint(path).info(), other) == "batch 256 -> 64, lr 0.3 -> 0.5");
}

TEST_CASE("checkpoint: position, images and ranks are in the metadata; version 0.1.0 has the step only") {
  apps::PretrainOptions o = small(1);
  o.batch = 4;
  const apps::Setting setting{
      .data = "CIFAR-10: 32 images, 10 classes", .images = 32, .list = "abc", .ranks = 1};
  apps::CheckpointInfo info = apps::describe(o, {.step = 11, .epoch = 1, .images = 12}, setting);
  apps::Position p = apps::position_in(info, "file", 48);
  CHECK(p.step == 11);
  CHECK(p.epoch == 1);
  CHECK(p.images == 12);
  CHECK(apps::images_in(info, 48) == 32);
  CHECK(apps::setting_differences(info, setting) == "");
  apps::Setting other = setting;
  other.ranks = 2;
  CHECK(apps::setting_differences(info, other) == "other number of ranks: 1 -> 2");
  other.data = "CIFAR-10: 48 images, 10 classes";
  other.list = "abd";
  CHECK(apps::setting_differences(info, other) ==
        "other images: CIFAR-10: 32 images, 10 classes -> CIFAR-10: 48 images, 10 classes; other number of "
        "ranks: 1 -> 2");

  info["epoch-images"] = "-4";
  CHECK_THROWS_AS(apps::position_in(info, "file", 48), engine::DataError);
  info["epoch-images"] = "99999999999999";
  CHECK_THROWS_AS(apps::position_in(info, "file", 48), engine::DataError);

  for (const char* key : {"epoch", "epoch-images", "data-set", "data-images", "data-list", "world-size"})
    REQUIRE(info.erase(key) == 1);
  p = apps::position_in(info, "file", 32);
  CHECK(p.epoch == 1);
  CHECK(p.images == 12);
  CHECK(apps::images_in(info, 48) == 48);
  CHECK(apps::setting_differences(info, other) == "");
  info["warmup-epochs"] = "auto";  // as 0.1.0 wrote it for a length in steps
  CHECK(apps::resume_differences(info, o) == "");
}

TEST_CASE("checkpoint: any changed byte is detected, and the previous checkpoint is used") {
  const Folder folder;
  const Training t(1);
  const std::string older = apps::checkpoint_path(folder.path, 4),
                    path = apps::checkpoint_path(folder.path, 5);
  apps::save_checkpoint(older, t.options, t.method->parameters, t.state, {4});
  apps::save_checkpoint(path, t.options, t.method->parameters, t.state, {5});
  const std::string good = bytes_of(path);
  const std::size_t data = good.size() - 4 * std::size_t(t.method->parameters.trained_count());
  const std::size_t step = good.find("\"step\":\"5\"") + 8;
  REQUIRE(good[step] == '5');
  const std::size_t name = good.find("conv1.weight");  // another tensor's values under this name
  for (const std::size_t at : {step, name, data, (data + good.size()) / 2, good.size() - 1}) {
    CAPTURE(at);
    std::string bad = good;
    bad[at] = char(bad[at] ^ 1);
    std::ofstream(path, std::ios::binary) << bad;
    CHECK(message_of<engine::DataError>([&] {
            Checkpoint{path};
          }).starts_with(path + ": is damaged: the hash of its contents is "));
    CHECK(apps::newest_checkpoint(folder.path)->path() == older);
  }
  std::ofstream(path, std::ios::binary) << good;
  CHECK(apps::newest_checkpoint(folder.path)->path() == path);
}

TEST_CASE("checkpoint: an open checkpoint stays readable when a training deletes its file") {
  const Folder folder;
  const Training saved(1), loaded(2);
  const auto save = [&](long step) {
    apps::save_checkpoint(apps::checkpoint_path(folder.path, step), saved.options, saved.method->parameters,
                          saved.state, {step});
    apps::keep_newest(folder.path, 1, step);
  };
  save(1);
  const auto first = apps::newest_checkpoint(folder.path);
  save(2);
  REQUIRE_FALSE(std::filesystem::exists(first->path()));
  CHECK(apps::load_checkpoint(*first, loaded.options, loaded.method->parameters, loaded.state) == 1);
  CHECK(loaded.method->parameters.hash() == saved.method->parameters.hash());
}

TEST_CASE("checkpoint: the newest valid one is found, and old ones are removed") {
  const Folder folder;
  const Training t(1);
  CHECK_FALSE(apps::newest_checkpoint(folder.path).has_value());
  CHECK_FALSE(apps::newest_checkpoint(folder.path + "/nowhere").has_value());
  for (const long step : {9L, 10L, 100000000L})
    apps::save_checkpoint(apps::checkpoint_path(folder.path, step), t.options, t.method->parameters, t.state,
                          {step});
  const std::string newest = apps::checkpoint_path(folder.path, 100000000);
  CHECK(apps::newest_checkpoint(folder.path)->path() == newest);

  std::filesystem::resize_file(newest, std::filesystem::file_size(newest) - 1);
  CHECK(apps::newest_checkpoint(folder.path)->path() == apps::checkpoint_path(folder.path, 10));
  CHECK_THROWS_AS(Checkpoint{newest}, engine::DataError);

  apps::PretrainOptions o = t.options;
  o.run = folder.path;
  CHECK_FALSE(apps::resume_from(o).has_value());
  o.resume = "auto";
  CHECK(apps::resume_from(o)->path() == apps::checkpoint_path(folder.path, 10));
  o.resume = folder.path + "/none.safetensors";
  CHECK_THROWS_AS(apps::resume_from(o), engine::UsageError);

  std::ofstream(folder.path + "/checkpoints/notes.txt") << "mine";
  apps::keep_newest(folder.path, 2, 11);  // step 11 does not exist: nothing is removed
  CHECK(apps::checkpoints(folder.path).size() == 3);
  apps::keep_newest(folder.path, 1, 10);  // later ones stay: nothing is removed that may be whole
  CHECK(apps::checkpoints(folder.path) ==
        std::vector<std::string>{newest, apps::checkpoint_path(folder.path, 10)});
  std::ofstream(newest + ".aside") << "an earlier one";
  CHECK(apps::set_aside_later(folder.path, 10) ==
        std::vector<std::string>{"moved aside: " + newest + ".aside-2, of a later step than 10"});
  CHECK(std::filesystem::exists(newest + ".aside-2"));
  CHECK(bytes_of(newest + ".aside") == "an earlier one");
  CHECK(apps::checkpoints(folder.path) == std::vector<std::string>{apps::checkpoint_path(folder.path, 10)});
  CHECK(std::filesystem::exists(folder.path + "/checkpoints/notes.txt"));
}

TEST_CASE("checkpoint: what can't be read now is not called damaged, and no older one is taken for it") {
  const Folder folder;
  const Training t(1);
  const auto save = [&](long step) {
    apps::save_checkpoint(apps::checkpoint_path(folder.path, step), t.options, t.method->parameters, t.state,
                          {step});
  };
  save(4);
  const std::string newest = apps::checkpoint_path(folder.path, 5);
  // stands for what root can read all the same: no permission, a disk's error (tests/faults has these)
  std::filesystem::create_directory(newest);
  CHECK(message_of<engine::UnusableFile>([&] {
          apps::newest_checkpoint(folder.path);
        }).starts_with(newest + ": not a regular file; nothing shows that this checkpoint is damaged"));
  std::filesystem::remove(newest);
  std::filesystem::create_symlink("nowhere", newest);
  CHECK_THROWS_AS(apps::newest_checkpoint(folder.path), engine::UnusableFile);
  std::filesystem::remove(newest);
  engine::write_safetensors(newest, {{{"x", engine::full({1}, 1, DType::f32, engine::cpu)}}, {}});
  CHECK_THROWS_AS(apps::newest_checkpoint(folder.path), engine::UnusableFile);  // not of dyad
  std::filesystem::remove(newest);
  CHECK(apps::newest_checkpoint(folder.path)->step() == 4);
  std::filesystem::rename(folder.path + "/checkpoints", folder.path + "/away");
  std::filesystem::create_symlink("checkpoints", folder.path + "/checkpoints");  // a loop can't be read
  CHECK_THROWS_AS(apps::checkpoints(folder.path), engine::UnusableFile);
}

TEST_CASE("checkpoint: what is loaded is what was hashed") {
  const Folder folder;
  const Training saved(1), loaded(2);
  const std::string path = apps::checkpoint_path(folder.path, 5);
  apps::save_checkpoint(path, saved.options, saved.method->parameters, saved.state, {5});
  const std::string good = bytes_of(path);
  for (const bool changed : {false, true}) {
    const Checkpoint checkpoint(path);  // hashed here
    if (changed) {                      // and overwritten in place
      std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
      file.seekp(std::streamoff(good.size() - 1));
      file.put(char(good.back() ^ 1));
    }
    const auto load = [&] {
      apps::load_checkpoint(checkpoint, loaded.options, loaded.method->parameters, loaded.state);
    };
    const auto load_weights = [&] { apps::load_parameters(checkpoint, loaded.method->parameters); };
    CHECK(message_of<engine::DataError>(load).starts_with(
        changed ? path + ": is damaged: the hash of its contents is " : ""));
    CHECK((message_of<engine::DataError>(load_weights) != "") == changed);
  }
}

TEST_CASE("checkpoint: going back in time is asked for") {
  const Folder folder;
  const Training t(1);
  for (const long step : {4L, 5L})
    apps::save_checkpoint(apps::checkpoint_path(folder.path, step), t.options, t.method->parameters, t.state,
                          {step});
  apps::PretrainOptions o = t.options;
  o.run = folder.path;
  o.resume = apps::checkpoint_path(folder.path, 4);
  const std::string refused = message_of<engine::UsageError>([&] { apps::resume_from(o); });
  CHECK(refused.find("later checkpoints, the last one " + apps::checkpoint_path(folder.path, 5)) !=
        std::string::npos);
  CHECK(refused.find("--discard-newer") != std::string::npos);
  o.discard_newer = true;
  CHECK(apps::resume_from(o)->step() == 4);
  o.discard_newer = false;
  o.resume = apps::checkpoint_path(folder.path, 5);
  CHECK(apps::resume_from(o)->step() == 5);
  o.run += "/another";  // without checkpoints
  o.resume = apps::checkpoint_path(folder.path, 4);
  CHECK(apps::resume_from(o)->step() == 4);
}

}  // namespace
