// Reads ONNX files and computes them, with loops that share nothing with the engine: what an exported encoder
// says, without any other program. Knows the operators that encoders need.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

// ---- protobuf ------------------------------------------------------------------------------------

struct ProtoField {
  int number = 0, wire_type = 0;
  std::uint64_t integer = 0;  // wire type 0; of type 5, the four bytes
  std::string bytes;          // wire type 2
};

// The fields of a message in their order. std::runtime_error if the bytes are no message.
inline std::vector<ProtoField> proto_fields(const std::string& message) {
  std::vector<ProtoField> fields;
  std::size_t at = 0;
  const auto varint = [&] {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(message.at(at++));
      value |= std::uint64_t(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw std::runtime_error("protobuf: a varint of more than ten bytes");
  };
  while (at < message.size()) {
    const std::uint64_t key = varint();
    ProtoField f{int(key >> 3), int(key & 7), 0, ""};
    if (f.wire_type == 0) {
      f.integer = varint();
    } else if (f.wire_type == 2 || f.wire_type == 5) {
      const std::uint64_t size = f.wire_type == 5 ? 4 : varint();
      if (size > message.size() - at) throw std::runtime_error("protobuf: a field beyond the end");
      f.bytes = message.substr(at, size);
      at += size;
      if (f.wire_type == 5) std::memcpy(&f.integer, f.bytes.data(), 4);
    } else {
      throw std::runtime_error("protobuf: wire type " + std::to_string(f.wire_type));
    }
    fields.push_back(std::move(f));
  }
  return fields;
}

// Every value of one field; the only value, or throws.
inline std::vector<ProtoField> proto_all(const std::string& message, int number) {
  std::vector<ProtoField> some;
  for (ProtoField& f : proto_fields(message))
    if (f.number == number) some.push_back(std::move(f));
  return some;
}
inline ProtoField proto_one(const std::string& message, int number) {
  const std::vector<ProtoField> some = proto_all(message, number);
  if (some.size() != 1)
    throw std::runtime_error("protobuf: field " + std::to_string(number) + " stands not once");
  return some[0];
}

// ---- onnx.proto ----------------------------------------------------------------------------------

struct OnnxArray {
  std::vector<std::int64_t> dims;
  std::vector<double> values;
  std::int64_t dim(std::size_t i) const { return dims.at(i); }
};

struct OnnxNode {
  std::string op, name, output;
  std::vector<std::string> inputs;
  std::map<std::string, std::vector<std::int64_t>> ints;
  std::map<std::string, float> reals;
};

struct OnnxValueInfo {
  std::string name, says;
  int type = 0;
  std::vector<std::string> dims;  // numbers and names
};

struct OnnxModel {
  std::uint64_t ir = 0, opset = 0;
  std::vector<OnnxNode> nodes;
  std::map<std::string, OnnxArray> constants;
  std::map<std::string, int> constant_types;
  std::vector<OnnxValueInfo> inputs, outputs;
  std::map<std::string, std::string> metadata;
};

inline double f16_value(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, significand = bits & 1023;
  const double size = exponent == 0    ? std::ldexp(significand, -24)
                      : exponent == 31 ? (significand == 0 ? INFINITY : NAN)
                                       : std::ldexp(1024 + significand, exponent - 25);
  return (bits & 0x8000) != 0 ? -size : size;
}

inline OnnxValueInfo onnx_value_info(const std::string& bytes) {
  OnnxValueInfo v{proto_one(bytes, 1).bytes, proto_one(bytes, 3).bytes, 0, {}};
  const std::string tensor = proto_one(proto_one(bytes, 2).bytes, 1).bytes;
  v.type = int(proto_one(tensor, 1).integer);
  for (const ProtoField& dim : proto_all(proto_one(tensor, 2).bytes, 1)) {
    const ProtoField d = proto_fields(dim.bytes).at(0);
    v.dims.push_back(d.number == 1 ? std::to_string(d.integer) : d.bytes);
  }
  return v;
}

inline OnnxNode onnx_node(const std::string& bytes) {
  OnnxNode n{proto_one(bytes, 4).bytes, proto_one(bytes, 3).bytes, proto_one(bytes, 2).bytes, {}, {}, {}};
  for (const ProtoField& f : proto_all(bytes, 1)) n.inputs.push_back(f.bytes);
  for (const ProtoField& f : proto_all(bytes, 5)) {
    const std::string name = proto_one(f.bytes, 1).bytes;
    const std::uint64_t type = proto_one(f.bytes, 20).integer;
    if (type == 1) {
      const auto bits = std::uint32_t(proto_one(f.bytes, 2).integer);
      std::memcpy(&n.reals[name], &bits, 4);
    } else {  // INT or INTS
      for (const ProtoField& i : proto_all(f.bytes, type == 2 ? 3 : 8))
        n.ints[name].push_back(std::int64_t(i.integer));
    }
  }
  return n;
}

inline OnnxModel read_onnx(const std::string& bytes) {
  OnnxModel m;
  m.ir = proto_one(bytes, 1).integer;
  m.opset = proto_one(proto_one(bytes, 8).bytes, 2).integer;
  for (const ProtoField& f : proto_all(bytes, 14))
    m.metadata[proto_one(f.bytes, 1).bytes] = proto_one(f.bytes, 2).bytes;
  const std::string graph = proto_one(bytes, 7).bytes;
  for (const ProtoField& f : proto_all(graph, 1)) m.nodes.push_back(onnx_node(f.bytes));
  for (const ProtoField& f : proto_all(graph, 11)) m.inputs.push_back(onnx_value_info(f.bytes));
  for (const ProtoField& f : proto_all(graph, 12)) m.outputs.push_back(onnx_value_info(f.bytes));
  for (const ProtoField& f : proto_all(graph, 5)) {
    OnnxArray a;
    std::size_t count = 1;
    for (const ProtoField& d : proto_all(f.bytes, 1)) {
      a.dims.push_back(std::int64_t(d.integer));
      count *= d.integer;
    }
    const std::string name = proto_one(f.bytes, 8).bytes, raw = proto_one(f.bytes, 9).bytes;
    const int type = int(proto_one(f.bytes, 2).integer);
    if ((type != 1 && type != 10) || raw.size() != count * (type == 1 ? 4 : 2) || m.constants.contains(name))
      throw std::runtime_error("onnx: constant " + name);
    for (std::size_t i = 0; i < count; ++i) {
      float value = 0;
      std::uint16_t half = 0;
      if (type == 1)
        std::memcpy(&value, raw.data() + 4 * i, 4);
      else
        std::memcpy(&half, raw.data() + 2 * i, 2);
      a.values.push_back(type == 1 ? value : f16_value(half));
    }
    m.constants[name] = a;
    m.constant_types[name] = type;
  }
  return m;
}

// ---- the operators, in double, NCHW --------------------------------------------------------------

// f(input, weight index) over the window of each output: sum, or the largest.
inline OnnxArray onnx_window(const OnnxNode& n, const OnnxArray& x, const OnnxArray* weight,
                             const OnnxArray* bias) {
  const std::int64_t k = n.ints.at("kernel_shape").at(0), s = n.ints.at("strides").at(0),
                     p = n.ints.at("pads").at(0), channels = x.dim(1), side = x.dim(2),
                     out_channels = weight ? weight->dim(0) : channels, out = (side + 2 * p - k) / s + 1;
  if (x.dim(3) != side || n.ints.at("pads") != std::vector<std::int64_t>{p, p, p, p} ||
      (weight && (weight->dim(1) != channels || weight->dim(2) != k || weight->dim(3) != k)))
    throw std::runtime_error("onnx: " + n.name + ": shapes");
  OnnxArray y{{x.dim(0), out_channels, out, out}, {}};
  for (std::int64_t i = 0; i < x.dim(0); ++i)
    for (std::int64_t o = 0; o < out_channels; ++o)
      for (std::int64_t h = 0; h < out; ++h)
        for (std::int64_t w = 0; w < out; ++w) {
          double sum = bias ? bias->values.at(std::size_t(o)) : 0, most = -INFINITY;
          for (std::int64_t c = weight ? 0 : o; c < (weight ? channels : o + 1); ++c)
            for (std::int64_t r = 0; r < k; ++r)
              for (std::int64_t q = 0; q < k; ++q) {
                const std::int64_t row = h * s - p + r, column = w * s - p + q;
                if (row < 0 || row >= side || column < 0 || column >= side) continue;
                const double v = x.values[std::size_t(((i * channels + c) * side + row) * side + column)];
                most = std::max(most, v);
                if (weight) sum += v * weight->values[std::size_t(((o * channels + c) * k + r) * k + q)];
              }
          y.values.push_back(weight ? sum : most);
        }
  return y;
}

inline OnnxArray onnx_apply(const OnnxNode& n, const std::vector<const OnnxArray*>& in) {
  OnnxArray y = *in.at(0);
  const std::size_t each = n.op == "Cast" || y.dims.size() < 4 ? 1 : std::size_t(y.dim(2) * y.dim(3));
  const auto channel = [&](std::size_t i) { return i / each % std::size_t(y.dim(1)); };
  if (n.op == "Cast") return y;
  if (n.op == "Conv") return onnx_window(n, y, in.at(1), in.size() > 2 ? in[2] : nullptr);
  if (n.op == "MaxPool") return onnx_window(n, y, nullptr, nullptr);
  if (n.op == "Transpose") {
    if (n.ints.at("perm") != std::vector<std::int64_t>{0, 3, 1, 2}) throw std::runtime_error("onnx: perm");
    const OnnxArray& x = *in[0];
    y.dims = {x.dim(0), x.dim(3), x.dim(1), x.dim(2)};
    const auto pixels = std::size_t(x.dim(1) * x.dim(2)), channels = std::size_t(x.dim(3));
    for (std::size_t i = 0; i < y.values.size(); ++i) {
      const std::size_t image = i / (pixels * channels), c = i / pixels % channels, pixel = i % pixels;
      y.values[i] = x.values[(image * pixels + pixel) * channels + c];
    }
  } else if (n.op == "BatchNormalization") {
    for (std::size_t i = 0; i < y.values.size(); ++i) {
      const std::size_t c = channel(i);
      y.values[i] = (y.values[i] - in.at(3)->values.at(c)) /
                        std::sqrt(in.at(4)->values.at(c) + double(n.reals.at("epsilon"))) *
                        in.at(1)->values.at(c) +
                    in.at(2)->values.at(c);
    }
  } else if (n.op == "Relu") {
    for (double& v : y.values) v = std::max(v, 0.0);
  } else if (n.op == "Add" || n.op == "Sub" || n.op == "Mul") {
    const OnnxArray& b = *in.at(1);
    const bool whole = b.dims == y.dims;
    if (!whole && b.dims != std::vector<std::int64_t>{1, y.dim(1), 1, 1})
      throw std::runtime_error("onnx: " + n.name + ": shapes");
    for (std::size_t i = 0; i < y.values.size(); ++i) {
      const double v = b.values[whole ? i : channel(i)];
      y.values[i] = n.op == "Add" ? y.values[i] + v : n.op == "Sub" ? y.values[i] - v : y.values[i] * v;
    }
  } else if (n.op == "GlobalAveragePool") {
    y.dims = {y.dim(0), y.dim(1), 1, 1};
    y.values.assign(y.values.size() / each, 0);
    for (std::size_t i = 0; i < in[0]->values.size(); ++i)
      y.values[i / each] += in[0]->values[i] / double(each);
  } else if (n.op == "Flatten") {
    if (n.ints.at("axis").at(0) != 1) throw std::runtime_error("onnx: axis");
    y.dims = {y.dim(0), std::int64_t(y.values.size()) / y.dim(0)};
  } else {
    throw std::runtime_error("onnx: unknown operator " + n.op);
  }
  return y;
}

// The outputs of the model for one input.
inline std::map<std::string, OnnxArray> run_onnx(const OnnxModel& m, const OnnxArray& images) {
  std::map<std::string, OnnxArray> values = m.constants;
  values[m.inputs.at(0).name] = images;
  for (const OnnxNode& n : m.nodes) {
    std::vector<const OnnxArray*> in;
    for (const std::string& i : n.inputs) in.push_back(&values.at(i));
    OnnxArray y = onnx_apply(n, in);
    if (!values.emplace(n.output, std::move(y)).second)
      throw std::runtime_error("onnx: two values " + n.output);
  }
  std::map<std::string, OnnxArray> outputs;
  for (const OnnxValueInfo& o : m.outputs) outputs[o.name] = values.at(o.name);
  return outputs;
}
