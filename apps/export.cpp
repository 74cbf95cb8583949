// dyad export: writes the encoder, or its features of images, for other programs.
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "apps/cli/commands.h"
#include "apps/evaluation/evaluation_images.h"
#include "apps/evaluation/features.h"
#include "apps/export/onnx_encoder.h"
#include "apps/ranks/ranks.h"
#include "apps/run/checkpoint.h"
#include "apps/run/encoder_file.h"
#include "apps/run/model.h"
#include "apps/run/run_directory.h"
#include "apps/system/json_text.h"
#include "apps/system/new_folder.h"
#include "apps/system/result_output.h"
#include "engine/escape.h"
#include "engine/files/npy.h"

namespace apps {
namespace {

namespace fs = std::filesystem;
using engine::DType;
using engine::Tensor;
using engine::UsageError;

// One NAME.npy per tensor, and text files with the names of rows and classes if there are any.
void write_npy_folder(const NewFolder& folder, const engine::TensorFile& file, const std::string& names,
                      const std::string& classes) {
  for (const auto& [name, tensor] : file.tensors) engine::write_npy(folder.file(name + ".npy"), tensor);
  if (!names.empty()) write_text(folder.file("names.txt"), names);
  if (!classes.empty()) write_text(folder.file("classes.txt"), classes);
  folder.finish();
}

// The bytes of a text.
Tensor text_tensor(const std::string& text) {
  Tensor t({std::int64_t(text.size())}, DType::u8, engine::cpu);
  std::copy(text.begin(), text.end(), t.data<std::uint8_t>());
  return t;
}

engine::TensorFile feature_tensors(const ExportOptions& e, const PretrainOptions& o,
                                   const models::Method& method, const data::Dataset& dataset) {
  const Features f = encoder_features(
      method.branch().encoder, dataset,
      {o.recipe, o.size, e.batch, e.threads, method.parameters.device(), engine::parse_dtype(o.dtype)});
  const Tensor labels({std::int64_t(f.labels.size())}, DType::i64, engine::cpu);
  std::copy(f.labels.begin(), f.labels.end(), labels.data<std::int64_t>());
  return {{{"features", f.values}, {"labels", labels}}, {}};
}

void require_name(const ExportOptions& e) {
  const std::string ending = fs::path(e.out).extension();
  if (e.format == "safetensors" && ending != ".safetensors")
    throw UsageError("--out " + e.out +
                     ": expected a name that ends in .safetensors, or --format npy, which writes a folder");
  if (e.format == "onnx" && ending != ".onnx")
    throw UsageError("--out " + e.out + ": expected a name that ends in .onnx");
}

}  // namespace

int export_model(const ExportOptions& e) {
  require_one_process("export");
  const bool npy = e.format == "npy", onnx = e.format == "onnx";
  require_name(e);
  require_onnx_options(e);
  if (const std::string wrong = npy ? "" : hindrance(e.out); !wrong.empty())
    throw UsageError("--out: can't be written: " + wrong);
  PretrainOptions o = read_run_options(e.run);
  require_branch(o, e.branch);
  const Checkpoint checkpoint = chosen_checkpoint(e.run, e.checkpoint);
  std::optional<NewFolder> folder;
  if (npy) folder.emplace(e.out);
  auto dataset = e.data.empty() ? nullptr : exported_images(e, o);
  if (dataset) {
    dataset->decode_as(decode_options(o));
    dataset = as_bad_images_say(std::move(dataset), e, o, e.threads);
    std::printf("%s\n", data::describe(*dataset).c_str());
  }
  if ((dataset || onnx) && e.size > 0) o.size = e.size;
  const auto method = make_method(o, engine::parse_device(e.device));
  load_parameters(checkpoint, method->parameters, e.branch);
  std::map<std::string, std::string> metadata = encoder_metadata(o, method->parameters, checkpoint.step());
  const std::string branch = e.branch == "target" ? ", target network" : "";
  if (!branch.empty()) metadata["branch"] = e.branch;
  std::error_code none;
  const bool replaces = !npy && fs::is_regular_file(e.out, none);
  const std::string source = fs::path(checkpoint.path()).filename().string() + branch,
                    replaced = replaces ? " (the file that was there is replaced)" : "";
  if (onnx) {
    metadata.merge(onnx_metadata(o, e.onnx));
    const OnnxGraph graph = encoder_graph(method->parameters, o, e.onnx);
    graph.write(e.out, metadata);
    std::printf("%s: %s, %s stem, %s, of %s%s\n", engine::shown(e.out).c_str(), o.arch.c_str(),
                o.stem.c_str(), graph.signature().c_str(), source.c_str(), replaced.c_str());
    return 0;
  }
  engine::TensorFile file =
      dataset ? feature_tensors(e, o, *method, *dataset) : encoder_tensors(method->parameters);
  file.metadata = metadata;
  file.metadata["format"] = "pt";
  const bool labelled = dataset && !dataset->classes().empty();
  if (labelled) file.metadata["classes"] = json_text(dataset->classes());  // the names of the labels 0, 1 ...
  std::string names;                                                       // a line for each row
  for (std::size_t i = 0; dataset && i < dataset->size(); ++i) names += dataset->name(i) + "\n";
  std::string classes;  // a line for each label
  for (const std::string& name : labelled ? dataset->classes() : std::vector<std::string>())
    classes += name + "\n";
  if (npy) {
    write_npy_folder(*folder, file, names, classes);
  } else {
    if (dataset) file.tensors.emplace_back("names", text_tensor(names));
    engine::write_safetensors(e.out, file);
  }
  const Tensor& first = file.tensors.front().second;
  std::printf(
      "%s: %s%s\n", engine::shown(e.out).c_str(),
      (dataset ? engine::concat_text("features ", first.shape(), labelled ? " and labels of " : " of ",
                                     engine::shown(e.data), branch)
               : engine::concat_text(o.arch, ", ", o.stem, " stem, ", file.tensors.size(), " tensors, of ",
                                     source))
          .c_str(),
      replaced.c_str());
  return 0;
}

}  // namespace apps
