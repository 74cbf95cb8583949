// --init-weights reads the names of other programs.
#include "apps/run/encoder_names.h"

#include <doctest/doctest.h>

#include "apps/run/encoder_file.h"
#include "apps/run/model.h"
#include "engine/error.h"
#include "tests/support/scratch.h"
#include "tests/support/tiny_training.h"

using engine::Tensor;
using engine::TensorFile;

namespace {

struct Loading {
  Scratch scratch;
  std::unique_ptr<models::Method> saved = apps::make_method(tiny_model(1), engine::cpu),
                                  loaded = apps::make_method(tiny_model(2), engine::cpu);
  TensorFile file;

  // The encoder's tensors under other names.
  void add(const apps::EncoderNames& names, const models::Method& method) {
    for (const auto& [name, t] : apps::encoder_tensors(method.parameters).tensors)
      file.tensors.emplace_back(names.of(name), t);
  }
  void add(const std::string& name) {
    file.tensors.emplace_back(name, engine::zeros({2}, engine::DType::f32, engine::cpu));
  }

  // The line about what was read, after the file's name.
  std::string load() {
    const std::string path = scratch.path("f");
    engine::write_safetensors(path, file);
    const std::string line = apps::load_encoder(path, tiny_model(2), loaded->parameters);
    const std::string begin = "the encoder begins with 72 tensors of " + path;
    REQUIRE(line.starts_with(begin));
    return line.substr(begin.size());
  }
  std::string refusal() {
    const std::string text = message_of<engine::DataError>([&] { load(); });
    return text.empty() ? text : text.substr(scratch.path("f").size());
  }
  bool same() const { return loaded->parameters.hash("encoder.") == saved->parameters.hash("encoder."); }
};

}  // namespace

TEST_CASE("init weights: the prefixes of MoCo, moco-v3, SimSiam, timm, lightly and DDP") {
  for (const char* prefix :
       {"module.encoder_q.", "module.base_encoder.", "module.momentum_encoder.", "module.encoder.",
        "backbone.", "module.", "model.", "online_network.encoder.", "student.backbone."}) {
    CAPTURE(prefix);
    Loading l;
    l.add({prefix}, *l.saved);
    CHECK(l.load() == std::string(" (prefix ") + prefix + ")");
    CHECK(l.same());
  }
}

TEST_CASE("init weights: heads, queues and moving averages are passed over, and named") {
  Loading l;
  l.add({"module.encoder_q."}, *l.saved);
  l.add({"module.encoder_k."}, *l.loaded);
  for (const char* name : {"module.queue", "module.queue_ptr", "module.encoder_q.fc.0.weight",
                           "module.encoder_q.fc.0.bias", "module.encoder_k.fc.0.weight"})
    l.add(name);
  CHECK(
      l.load() ==
      " (prefix module.encoder_q.); passed over module.encoder_k.* (73 tensors), module.encoder_q.fc.0.bias, "
      "module.encoder_q.fc.0.weight, module.queue, module.queue_ptr");
  CHECK(l.same());
}

TEST_CASE("init weights: the numbers of an nn.Sequential of torchvision's children") {
  CHECK(apps::EncoderNames{"backbone.", true}.of("layer1.0.conv1.weight") == "backbone.4.0.conv1.weight");
  for (const char* prefix : {"backbone.", "", "module.f."}) {
    Loading l;
    l.add({prefix, true}, *l.saved);
    l.add("projection_head.weight");
    CHECK(l.load() == (*prefix == '\0' ? std::string() : std::string(" (prefix ") + prefix + ")") +
                          "; passed over projection_head.weight");
    CHECK(l.same());
  }
}

TEST_CASE("init weights: two encoders, or one of another architecture, are refused") {
  Loading two;
  two.add({"left."}, *two.saved);
  two.add({"right."}, *two.loaded);
  CHECK(two.refusal() == ": has 2 encoders (left., right.), expected one");
  CHECK_FALSE(two.same());
  Loading deeper;
  deeper.add({"backbone."}, *deeper.saved);
  deeper.add("backbone.layer1.1.conv1.weight");
  CHECK(deeper.refusal() == ": has a tensor backbone.layer1.1.conv1.weight, which --arch resnet10 has not");
  Loading partial;
  partial.add({"module."}, *partial.saved);
  std::erase_if(partial.file.tensors, [](const auto& t) { return t.first == "module.bn1.bias"; });
  CHECK(partial.refusal() ==
        ": has no tensor module.bn1.bias, which --arch resnet10 needs: expected the names of torchvision, "
        "with one "
        "prefix or none, or a checkpoint of dyad");
}
