#include "apps/export/onnx_graph.h"

#include <cmath>

#include "apps/system/build_facts.h"
#include "engine/escape.h"
#include "engine/files/half.h"
#include "engine/ops.h"

namespace apps {
namespace {

using engine::DType;
using engine::ProtobufMessage;
using engine::Tensor;

// The numbers of the messages' fields in onnx.proto.
namespace model {
constexpr int ir_version = 1, producer_name = 2, producer_version = 3, graph = 7, opset_import = 8,
              metadata_props = 14;
}
namespace opset {
constexpr int domain = 1, version = 2;
}
namespace entry {
constexpr int key = 1, value = 2;
}
namespace graph {
constexpr int node = 1, name = 2, initializer = 5, input = 11, output = 12;
}
namespace node {
constexpr int input = 1, output = 2, name = 3, op_type = 4, attribute = 5;
}
namespace attribute {
constexpr int name = 1, f = 2, i = 3, ints = 8, type = 20;
enum Type { float_type = 1, int_type = 2, ints_type = 7 };
}  // namespace attribute
namespace tensor {
constexpr int dims = 1, data_type = 2, name = 8, raw_data = 9;
}
namespace value_info {
constexpr int name = 1, type = 2, doc_string = 3;
}
namespace type {
constexpr int tensor_type = 1, elem_type = 1, shape = 2, dim = 1, dim_value = 1, dim_param = 2;
}

ProtobufMessage value_info_of(const std::string& name, OnnxType element, const OnnxDims& dims,
                              const std::string& says) {
  ProtobufMessage shape;
  for (const auto& d : dims) {
    ProtobufMessage dim;
    if (const auto* extent = std::get_if<std::int64_t>(&d))
      dim.integer(type::dim_value, *extent);
    else
      dim.text(type::dim_param, std::get<std::string>(d));
    shape.message(type::dim, std::move(dim));
  }
  ProtobufMessage tensor_type, any_type, info;
  tensor_type.integer(type::elem_type, int(element));
  tensor_type.message(type::shape, std::move(shape));
  any_type.message(type::tensor_type, std::move(tensor_type));
  info.text(value_info::name, name);
  info.message(value_info::type, std::move(any_type));
  info.text(value_info::doc_string, says);
  return info;
}

ProtobufMessage attribute_of(const OnnxAttribute& a) {
  ProtobufMessage m;
  m.text(attribute::name, a.name);
  if (const auto* number = std::get_if<std::int64_t>(&a.value)) {
    m.integer(attribute::i, *number);
    m.integer(attribute::type, attribute::int_type);
  } else if (const auto* real = std::get_if<float>(&a.value)) {
    m.real(attribute::f, *real);
    m.integer(attribute::type, attribute::float_type);
  } else {
    for (const std::int64_t number : std::get<std::vector<std::int64_t>>(a.value))
      m.integer(attribute::ints, number);
    m.integer(attribute::type, attribute::ints_type);
  }
  return m;
}

std::string text_of(const std::string& name, OnnxType element, const OnnxDims& dims) {
  std::string text;
  for (const auto& d : dims) {
    const auto* extent = std::get_if<std::int64_t>(&d);
    text += (text.empty() ? "" : ",") + (extent ? std::to_string(*extent) : std::get<std::string>(d));
  }
  return name + " " + apps::name(element) + " (" + text + ")";
}

// The bits of the values, rounded to f16.
Tensor as_f16(const std::string& name, const Tensor& t) {
  const Tensor values = t.dtype() == DType::f32 ? t : engine::cast(t, DType::f32);
  const Tensor bits({t.numel() * 2}, DType::u8, engine::cpu);
  auto* to = static_cast<std::uint16_t*>(bits.raw());
  for (std::int64_t i = 0; i < t.numel(); ++i) {
    const float value = values.data<float>()[i];
    to[i] = engine::to_half(value);
    if (!(std::abs(value) <= engine::kMostHalf))
      throw engine::UsageError(engine::concat_text("--dtype f16: ", name, " has the value ", value,
                                                   ", expected at most ", engine::kMostHalf,
                                                   " in size, which is f16's largest; --dtype f32 holds it"));
  }
  return bits;
}

}  // namespace

const char* name(OnnxType t) { return t == OnnxType::f32 ? "f32" : t == OnnxType::f16 ? "f16" : "u8"; }

void OnnxGraph::input(const std::string& name, OnnxType element, const OnnxDims& dims,
                      const std::string& says) {
  inputs_text_ += (inputs_.empty() ? "" : ", ") + text_of(name, element, dims);
  inputs_.push_back(value_info_of(name, element, dims, says));
}

void OnnxGraph::output(const std::string& name, OnnxType element, const OnnxDims& dims,
                       const std::string& says) {
  outputs_text_ += (outputs_.empty() ? "" : ", ") + text_of(name, element, dims);
  outputs_.push_back(value_info_of(name, element, dims, says));
}

std::string OnnxGraph::node(const std::string& op, const std::string& name,
                            const std::vector<std::string>& inputs,
                            const std::vector<OnnxAttribute>& attributes) {
  ProtobufMessage m;
  for (const std::string& i : inputs) m.text(node::input, i);
  m.text(node::output, name);
  m.text(node::name, name);
  m.text(node::op_type, op);
  for (const OnnxAttribute& a : attributes) m.message(node::attribute, attribute_of(a));
  nodes_.push_back(std::move(m));
  return name;
}

std::string OnnxGraph::constant(const std::string& name, const Tensor& t, OnnxType element) {
  ProtobufMessage m;
  for (int i = 0; i < t.shape().rank(); ++i) m.integer(tensor::dims, t.dim(i));
  m.integer(tensor::data_type, int(element));
  m.text(tensor::name, name);
  m.tensor_bytes(tensor::raw_data, element == OnnxType::f16  ? as_f16(name, t)
                                   : t.dtype() == DType::f32 ? t
                                                             : engine::cast(t, DType::f32));
  constants_.push_back(std::move(m));
  return name;
}

void OnnxGraph::write(const std::string& path, const std::map<std::string, std::string>& metadata) const {
  ProtobufMessage g, m, operators;
  for (const ProtobufMessage& n : nodes_) g.message(graph::node, n);
  g.text(graph::name, "encoder");
  for (const ProtobufMessage& c : constants_) g.message(graph::initializer, c);
  for (const ProtobufMessage& i : inputs_) g.message(graph::input, i);
  for (const ProtobufMessage& o : outputs_) g.message(graph::output, o);

  m.integer(model::ir_version, kOnnxIr);
  m.text(model::producer_name, "dyad");
  m.text(model::producer_version, build_facts.version);
  m.message(model::graph, std::move(g));
  operators.text(opset::domain, "");
  operators.integer(opset::version, kOnnxOpset);
  m.message(model::opset_import, std::move(operators));
  for (const auto& [key, value] : metadata) {
    ProtobufMessage e;
    e.text(entry::key, engine::as_utf8(key));
    e.text(entry::value, engine::as_utf8(value));
    m.message(model::metadata_props, std::move(e));
  }
  engine::write_protobuf(path, m);
}

}  // namespace apps
