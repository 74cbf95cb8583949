// A graph of ONNX operators and its file: the messages of onnx.proto (github.com/onnx/onnx), as many as an
// encoder needs.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/files/protobuf.h"

namespace apps {

constexpr int kOnnxIr = 8;      // version of the file format
constexpr int kOnnxOpset = 17;  // version of the operators

enum class OnnxType { f32 = 1, u8 = 2, f16 = 10 };  // TensorProto.DataType
const char* name(OnnxType);                         // "f32" ...

// An extent, or the name of one that each call chooses: "N".
using OnnxDims = std::vector<std::variant<std::int64_t, std::string>>;

struct OnnxAttribute {
  std::string name;
  std::variant<std::int64_t, float, std::vector<std::int64_t>> value;
};

class OnnxGraph {
 public:
  // `says`: what the values are, for people.
  void input(const std::string& name, OnnxType, const OnnxDims&, const std::string& says);
  void output(const std::string& name, OnnxType, const OnnxDims&, const std::string& says);

  // A node with one output of its own name. Returns the name. Nodes are added after those whose outputs they
  // read.
  std::string node(const std::string& op, const std::string& name, const std::vector<std::string>& inputs,
                   const std::vector<OnnxAttribute>& = {});

  // A constant. f32 or f16: f32 and f64 values are rounded to it. UsageError for a value that f16 can't hold.
  // Returns the name.
  std::string constant(const std::string& name, const engine::Tensor& on_host, OnnxType);

  // Inputs and outputs in one line: "images u8 (N,32,32,3) -> gap f32 (N,512)".
  std::string signature() const { return inputs_text_ + " -> " + outputs_text_; }

  // Writes a model atomically. Equal graphs and metadata give equal bytes. std::runtime_error beyond 2 GiB.
  void write(const std::string& path, const std::map<std::string, std::string>& metadata) const;

 private:
  // in the order of their fields in GraphProto
  std::vector<engine::ProtobufMessage> nodes_, constants_, inputs_, outputs_;
  std::string inputs_text_, outputs_text_;
};

}  // namespace apps
