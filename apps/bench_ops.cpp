// dyad bench ops: each card at the shapes of real models, forward and forward with backward. What is timed is
// the card's apply(): batch norm's makes its running statistics and the optimizers' their parameters too.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/op_choice.h"
#include "apps/run_directory.h"
#include "engine/gradcheck.h"

namespace apps {
namespace {

using engine::OpCase;
using engine::Tensor;
using engine::Tensors;

struct Seconds {
  double median = 0, least = 0, most = 0;
};

// Of `repeat` runs after two that warm up, each from an idle device to an idle device.
template <class F>
Seconds seconds_of(engine::Device device, int repeat, F run) {
  std::vector<double> times;
  for (int i = 0; i < repeat + 2; ++i) {
    engine::synchronize(device);
    const auto begun = std::chrono::steady_clock::now();
    run();
    engine::synchronize(device);
    if (i >= 2)
      times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
  }
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times.front(), times.back()};
}

std::size_t bytes_of(const Tensors& tensors) {
  std::size_t bytes = 0;
  for (const Tensor& t : tensors) bytes += t.bytes();
  return bytes;
}

struct Row {
  std::size_t bytes = 0;  // of the inputs and outputs
  Seconds forward, both;
  bool differentiable = false;
};

Row measure(const OpCase& c, const engine::Shape& shape, engine::DType dtype, engine::Device device,
            int repeat) {
  engine::Random random(0, 0, 0, 0xBE7C);
  const auto& draw = c.bench_inputs ? c.bench_inputs : c.inputs;
  const Tensors in = engine::converted(draw(shape, random), dtype, device);
  Row row;
  Tensors d_outputs;  // undefined for an output without a gradient
  {
    const Tensors out = c.apply(in);
    row.bytes = bytes_of(in) + bytes_of(out);
    for (const Tensor& y : out) {
      d_outputs.push_back(y.node() ? engine::full(y.shape(), 1, y.dtype(), device) : Tensor());
      row.differentiable |= y.node() != nullptr;
    }
  }
  row.forward = seconds_of(device, repeat, [&] { c.apply(in); });
  if (row.differentiable)
    row.both = seconds_of(device, repeat, [&] {
      for (const Tensor& t : in)
        if (t.node()) engine::clear_gradient(t);
      const Tensors out = c.apply(in);
      for (std::size_t i = 0; i < out.size(); ++i)
        if (out[i].node()) engine::backward(out[i], d_outputs[i]);
    });
  return row;
}

std::string milliseconds(const Seconds& s) {
  char text[64];
  std::snprintf(text, sizeof text, "%.3f (%.3f-%.3f)", s.median * 1e3, s.least * 1e3, s.most * 1e3);
  return text;
}

nlohmann::ordered_json as_json(const Seconds& s) {
  return {{"median", s.median}, {"min", s.least}, {"max", s.most}};
}

}  // namespace

int bench_ops(const BenchOpsOptions& o) {
  const engine::Device device = engine::parse_device(o.device);
  const engine::DType dtype = engine::parse_dtype(o.dtype);
  use_threads(o.threads);
  std::vector<const OpCase*> cases;
  for (const OpCase* c : chosen_ops(o.op))
    if (!c->bench.empty() && (dtype != engine::DType::bf16 || c->bf16)) cases.push_back(c);
  if (cases.empty())
    throw engine::UsageError("--op " + o.op + " matches no op that has benchmark shapes in " + o.dtype);

  std::printf("%s on %s, %d runs: median (least-most)\n%-24s %-18s %26s %26s %9s %9s\n", o.dtype.c_str(),
              o.device.c_str(), o.repeat, "op", "shape", "forward ms", "forward+backward ms", "GFLOP/s",
              "GB/s");
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const OpCase* c : cases) {
    for (const engine::Shape& shape : c->bench) {
      const Row r = measure(*c, shape, dtype, device, o.repeat);
      const double gb_s = double(r.bytes) / r.forward.median / 1e9;  // of the forward pass
      nlohmann::ordered_json row = {{"op", c->name},
                                    {"shape", engine::concat_text(shape)},
                                    {"bytes", r.bytes},
                                    {"forward", as_json(r.forward)},
                                    {"gb_s", gb_s}};
      std::string both, gflop_s;
      if (r.differentiable) {
        both = milliseconds(r.both);
        row["forward_backward"] = as_json(r.both);
        if (c->flops) {  // the card counts both passes
          row["gflop_s"] = c->flops(shape) / r.both.median / 1e9;
          char text[32];
          std::snprintf(text, sizeof text, "%.1f", row["gflop_s"].get<double>());
          gflop_s = text;
        }
      }
      std::printf("%-24s %-18s %26s %26s %9s %9.1f\n", c->name, engine::concat_text(shape).c_str(),
                  milliseconds(r.forward).c_str(), both.c_str(), gflop_s.c_str(), gb_s);
      std::fflush(stdout);
      rows.push_back(std::move(row));
    }
  }
  if (!o.json.empty())
    write_text(o.json, nlohmann::ordered_json{{"device", o.device},
                                              {"dtype", o.dtype},
                                              {"threads", o.threads},
                                              {"repeat", o.repeat},
                                              {"rows", rows}}
                               .dump(1) +
                           "\n");
  return 0;
}

}  // namespace apps
