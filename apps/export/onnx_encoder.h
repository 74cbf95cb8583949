// `dyad export --format onnx`: the encoder as an ONNX graph, from images to features.
#pragma once

#include <map>
#include <string>

#include "apps/export/onnx_graph.h"
#include "apps/options/options.h"
#include "engine/optim/parameters.h"

namespace apps {

// UsageError for options that contradict each other, or that only --format onnx has if it is another.
void require_onnx_options(const ExportOptions&);

// The graph of the encoder with the parameters "encoder.*", for images of run.size pixels. Nodes and
// constants have torchvision's names; input "images", outputs as --features names them. docs/onnx.md
// describes it.
OnnxGraph encoder_graph(const engine::Parameters&, const PretrainOptions& run, const OnnxOptions&);

// What the file says about its inputs and outputs, beside what every exported encoder has.
std::map<std::string, std::string> onnx_metadata(const PretrainOptions& run, const OnnxOptions&);

}  // namespace apps
