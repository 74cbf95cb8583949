// Files that other programs load, and files of other programs that dyad loads.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <sstream>

#include "apps/cli/cli.h"
#include "apps/cli/commands.h"
#include "apps/evaluation/features.h"
#include "apps/run/checkpoint.h"
#include "apps/run/encoder_file.h"
#include "apps/run/model.h"
#include "apps/run/run_directory.h"
#include "engine/files/npy.h"
#include "engine/ops.h"
#include "tests/support/scratch.h"
#include "tests/support/tiny_training.h"

using namespace engine;

namespace {

struct ExportAnswer {
  int code;
  std::string err;
};

ExportAnswer dyad(const std::vector<std::string>& arguments) {
  std::ostringstream out, err;
  const int code = apps::run_command_line(arguments, out, err);
  return {code, err.str()};
}

std::string shape_text(const Shape& s) {  // as in the golden file
  std::string text;
  for (int i = 0; i < s.rank(); ++i) text += (i > 0 ? "," : "") + std::to_string(s[i]);
  return text;
}

const Tensor& tensor_of(const TensorFile& file, const std::string& name) {
  for (const auto& [n, t] : file.tensors)
    if (n == name) return t;
  throw std::runtime_error("no tensor " + name);
}

}  // namespace

TEST_CASE("npy: the same bytes as numpy.save") {
  const Scratch scratch;
  const auto bytes = [&](const Tensor& t) {
    write_npy(scratch.path("t.npy"), t);
    return scratch.read("t.npy");
  };
  const auto expected = [](std::string dictionary, std::size_t data) {  // numpy 2.4
    dictionary.append(117 - dictionary.size(), ' ');
    return std::pair(std::string("\x93NUMPY\x01\x00v\x00", 10) + dictionary + "\n", 128 + data);
  };
  for (const auto& [tensor, header] :
       {std::pair{from_vector({}, {1.5}, DType::f64),
                  expected("{'descr': '<f8', 'fortran_order': False, 'shape': (), }", 8)},
        {from_vector({3}, {1, 2, 3}, DType::i64),
         expected("{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }", 24)},
        {from_vector({1, 2}, {1, 2}, DType::f32),
         expected("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }", 8)},
        {from_vector({1}, {7}, DType::u8),
         expected("{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }", 1)},
        {zeros({2, 3, 4, 5}, DType::i32, cpu),
         expected("{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3, 4, 5), }", 480)}}) {
    const std::string file = bytes(tensor);
    CHECK(file.size() == header.second);
    CHECK(file.substr(0, 128) == header.first);
    CHECK(std::memcmp(file.data() + 128, tensor.raw(), tensor.bytes()) == 0);
  }
  CHECK_THROWS_AS(write_npy(scratch.path("b.npy"), zeros({1}, DType::bf16, cpu)), UsageError);
  CHECK_FALSE(std::filesystem::exists(scratch.path("b.npy")));
}

TEST_CASE("an encoder has torchvision's names, types and shapes: load_state_dict(strict=True)") {
  std::map<std::string, std::map<std::string, std::string>>
      expected;  // by scripts/lab/check_export.py --golden
  std::ifstream golden("tests/golden/torchvision.txt");
  for (std::string arch, name, type, shape, line; std::getline(golden, line);) {
    std::istringstream words(line);
    words >> arch >> name >> type;
    shape.clear();
    words >> shape;
    expected[arch][name] = type + " " + shape;
  }
  REQUIRE(expected.size() == 3);
  for (const auto& [arch, names] : expected) {
    apps::PretrainOptions o;
    o.arch = arch;
    o.size = 224;
    apps::resolve(o, false);
    const auto method = apps::make_method(o, cpu);
    std::map<std::string, std::string> ours;
    for (const auto& [name, t] : apps::encoder_tensors(method->parameters).tensors)
      ours[name] = (t.dtype() == DType::i64 ? "I64 " : "F32 ") + shape_text(t.shape());
    CHECK(ours == names);
  }
}

TEST_CASE("an encoder file or a checkpoint restores the encoder bit-identically; the head is unchanged") {
  const Scratch scratch;
  const auto saved = apps::make_method(tiny_model(1), cpu);
  for (const Parameter& p : saved->parameters.list())  // statistics that differ from a new model's
    if (!p.trained)
      for (std::int64_t i = 0; i < p.value.numel(); ++i) {
        if (p.value.dtype() == DType::i64) p.value.data<std::int64_t>()[i] = 5;
        if (p.value.dtype() == DType::f32) p.value.data<float>()[i] = 1.5f + float(i);
      }
  write_safetensors(scratch.path("encoder"), apps::encoder_tensors(saved->parameters));
  apps::save_checkpoint(scratch.path("checkpoint"), tiny_model(1), saved->parameters, {}, {3});

  for (const char* name : {"encoder", "checkpoint"}) {
    const auto loaded = apps::make_method(tiny_model(2), cpu);
    const std::uint64_t head = loaded->parameters.hash("projection.");
    const std::string path = scratch.path(name);
    CHECK(apps::load_encoder(path, tiny_model(2), loaded->parameters) ==
          "the encoder begins with 72 tensors of " + path);
    CHECK(loaded->parameters.hash("encoder.") == saved->parameters.hash("encoder."));
    CHECK(loaded->parameters.hash("projection.") == head);
  }
}

TEST_CASE("fc is ignored, counters may be missing, and other floating types are converted") {
  const Scratch scratch;
  const auto saved = apps::make_method(tiny_model(1), cpu);
  TensorFile file;
  for (const auto& [name, t] : apps::encoder_tensors(saved->parameters).tensors)
    if (t.dtype() != DType::i64) file.tensors.emplace_back(name, cast(t, DType::f64));
  file.tensors.emplace_back("fc.weight", zeros({10, 64}, DType::f32, cpu));
  file.tensors.emplace_back("fc.bias", zeros({10}, DType::f32, cpu));
  const std::string path = scratch.path("theirs");
  write_safetensors(path, file);
  const auto loaded = apps::make_method(tiny_model(2), cpu);
  CHECK(apps::load_encoder(path, tiny_model(2), loaded->parameters) ==
        "the encoder begins with 60 tensors of " + path +
            "; passed over fc.bias, fc.weight; it counts batches from 0");
  CHECK(loaded->parameters.hash("encoder.") == saved->parameters.hash("encoder."));
}

TEST_CASE("a file that does not fit is refused in one line, and no tensor is loaded") {
  const Scratch scratch;
  const auto saved = apps::make_method(tiny_model(1), cpu), loaded = apps::make_method(tiny_model(2), cpu);
  const std::uint64_t before = loaded->parameters.hash();
  const auto refusal = [&](auto change) {
    TensorFile file = apps::encoder_tensors(saved->parameters);
    change(file.tensors);
    write_safetensors(scratch.path("f"), file);
    std::string text = message_of<DataError>(
        [&] { apps::load_encoder(scratch.path("f"), tiny_model(2), loaded->parameters); });
    CHECK(loaded->parameters.hash() == before);
    REQUIRE(text.rfind(scratch.path("f") + ": ", 0) == 0);
    return text.substr(scratch.path("f").size() + 2);
  };
  using List = std::vector<std::pair<std::string, Tensor>>;
  const auto replace = [](List& list, const std::string& name, const Tensor& by) {
    for (auto& [n, t] : list)
      if (n == name) t = by;
  };
  CHECK(refusal([](List& l) {
          std::erase_if(l, [](const auto& t) { return t.first == "layer2.0.conv1.weight"; });
        }) ==
        "has no tensor layer2.0.conv1.weight, which --arch resnet10 needs: expected the names of "
        "torchvision, with one prefix or none, or a checkpoint of dyad");
  CHECK(refusal([](List& l) { l.emplace_back("layer1.1.conv1.weight", zeros({1}, DType::f32, cpu)); }) ==
        "has a tensor layer1.1.conv1.weight, which --arch resnet10 has not");
  CHECK(refusal([](List& l) { l.emplace_back("fc.weights", zeros({1}, DType::f32, cpu)); }) ==
        "has a tensor fc.weights, which --arch resnet10 has not");
  CHECK(refusal([&](List& l) {
          replace(l, "conv1.weight", zeros({8, 3, 7, 7}, DType::f32, cpu));
        }) == "conv1.weight is f32 (8,3,7,7), expected floating (8,3,3,3) for --arch resnet10 --stem cifar");
  CHECK(refusal([&](List& l) { replace(l, "bn1.bias", zeros({9}, DType::f32, cpu)); }) ==
        "bn1.bias is f32 (9), expected floating (8) for --arch resnet10");
  CHECK(refusal([&](List& l) { replace(l, "bn1.bias", zeros({8}, DType::i32, cpu)); }) ==
        "bn1.bias is i32 (8), expected floating (8) for --arch resnet10");
  CHECK(refusal([&](List& l) { replace(l, "bn1.num_batches_tracked", zeros({}, DType::f32, cpu)); }) ==
        "bn1.num_batches_tracked is f32 (), expected i64 () for --arch resnet10");
}

TEST_CASE("pretrain starts from --init-weights; export writes the encoder and its features") {
  const Scratch scratch;
  const auto theirs = apps::make_method(tiny_model(9), cpu);
  write_safetensors(scratch.path("theirs"), apps::encoder_tensors(theirs->parameters));
  const std::string run = scratch.path("run");
  REQUIRE(dyad({"pretrain", "--data=data/samples", "--run=" + run, "--arch=resnet10", "--width=0.125",
                "--out-dim=16", "--batch=8", "--steps=1", "--optimizer=sgd", "--lr=0",
                "--init-weights=" + scratch.path("theirs")})
              .code == 0);

  REQUIRE(dyad({"export", "--run=" + run, "--out=" + scratch.path("e.safetensors")}).code == 0);
  const TensorFile encoder = read_safetensors(scratch.path("e.safetensors"));
  CHECK(encoder.metadata.at("arch") == "resnet10");
  CHECK(encoder.metadata.at("stem") == "cifar");
  CHECK(encoder.metadata.at("width") == "0.125");
  CHECK(encoder.metadata.at("mean") == "0.4914,0.4822,0.4465");
  CHECK(encoder.metadata.at("step") == "1");
  for (const char* name : {"conv1.weight", "layer4.0.downsample.0.weight", "bn1.weight"})  // a step of size 0
    CHECK(tensor_of(encoder, name).to_vector() ==
          tensor_of(apps::encoder_tensors(theirs->parameters), name).to_vector());
  CHECK(tensor_of(encoder, "bn1.num_batches_tracked").item() == 1);

  const auto features = [&](const std::string& out, const std::string& format) {
    return dyad({"export", "--run=" + run, "--out=" + scratch.path(out), "--format=" + format,
                 "--data=data/samples"});
  };
  REQUIRE(features("f.safetensors", "safetensors").code == 0);
  REQUIRE(features("f", "npy").code == 0);
  const TensorFile table = read_safetensors(scratch.path("f.safetensors"));
  const auto method = apps::make_method(apps::read_run_options(run), cpu);
  apps::load_parameters(apps::Checkpoint(apps::checkpoint_path(run, 1)), method->parameters);
  const auto test = data::open_dataset("data/samples", data::Split::test);
  const apps::Features expected =
      apps::encoder_features(method->branch().encoder, *test, {"cifar", 32, 256, 2, cpu, DType::f32});
  CHECK(tensor_of(table, "features").to_vector() == expected.values.to_vector());
  CHECK(tensor_of(table, "labels").to_vector() ==
        std::vector<double>(expected.labels.begin(), expected.labels.end()));
  const std::string npy = scratch.read("f/features.npy"), names = scratch.read("f/names.txt");
  REQUIRE(npy.size() == 128 + expected.values.bytes());
  CHECK(std::memcmp(npy.data() + 128, expected.values.raw(), expected.values.bytes()) == 0);
  CHECK(std::count(names.begin(), names.end(), '\n') == std::ptrdiff_t(test->size()));

  const ExportAnswer again = features("f", "npy");
  CHECK(again.code == 2);
  CHECK(again.err == "dyad export: " + scratch.path("f") + ": is there already, expected a new folder\n");
  CHECK(features("none/f", "npy").code == 2);
  CHECK(features("none/f.safetensors", "safetensors").code == 2);
  CHECK(features("f.npz", "safetensors").code == 2);
  CHECK(dyad({"export", "--run=" + run, "--out=" + scratch.path("g"), "--format=npy"}).code == 0);
  CHECK(scratch.read("g/layer1.0.conv1.weight.npy").size() == 128 + 4 * 8 * 8 * 9);
  for (const auto& entry : std::filesystem::directory_iterator(scratch.folder))
    CHECK(entry.path().string().find("partial") == std::string::npos);
}
