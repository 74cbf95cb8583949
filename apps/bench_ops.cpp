// dyad bench ops: each card at the shapes of real models, forward and forward with backward. What is timed is
// the card's apply(): batch norm's makes its running statistics and the optimizers' their parameters too.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/bench_times.h"
#include "apps/commands.h"
#include "apps/op_choice.h"
#include "apps/run_directory.h"
#include "engine/gradcheck.h"

namespace apps {
namespace {

using engine::OpCase;
using engine::Tensor;
using engine::Tensors;

std::size_t bytes_of(const Tensors& tensors) {
  std::size_t bytes = 0;
  for (const Tensor& t : tensors) bytes += t.bytes();
  return bytes;
}

struct Row {
  std::size_t bytes = 0;  // of the inputs and outputs
  Times forward, both;
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
  row.forward = measure_times(device, repeat, [&] { c.apply(in); });
  if (row.differentiable)
    row.both = measure_times(device, repeat, [&] {
      for (const Tensor& t : in)
        if (t.node()) engine::clear_gradient(t);
      const Tensors out = c.apply(in);
      for (std::size_t i = 0; i < out.size(); ++i)
        if (out[i].node()) engine::backward(out[i], d_outputs[i]);
    });
  return row;
}

std::string milliseconds(const Times& t) {
  char text[64];
  std::snprintf(text, sizeof text, "%.3f (%.3f-%.3f)", t.median * 1e3, t.p5 * 1e3, t.p95 * 1e3);
  return text;
}

std::string csv_of(const nlohmann::ordered_json& rows) {
  std::string csv =
      "op,shape,bytes,forward_p5_s,forward_median_s,forward_p95_s,both_p5_s,both_median_s,both_p95_s,"
      "gb_s,gflop_s,floor_part\n";
  for (const auto& r : rows) {
    csv += r["op"].get<std::string>() + ",\"" + r["shape"].get<std::string>() + "\"," + r["bytes"].dump();
    for (const char* pass : {"forward", "forward_backward"})
      for (const char* value : {"p5", "median", "p95"})
        csv += "," + (r.contains(pass) ? r[pass][value].dump() : "");
    for (const char* value : {"gb_s", "gflop_s", "floor_part"})
      csv += "," + (r.contains(value) ? r[value].dump() : "");
    csv += "\n";
  }
  return csv;
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

  const Ceilings ceilings = measure_ceilings(device, dtype);
  std::printf(
      "%s on %s; a copy: %.1f GB/s, a matrix product: %.0f GFLOP/s\n"
      "%d runs: median (p5-p95); floor: what of the time the op's bytes and FLOPs would take at these "
      "speeds\n"
      "%-24s %-18s %26s %26s %9s %9s %6s\n",
      o.dtype.c_str(), o.device.c_str(), ceilings.copy_gb_s, ceilings.gemm_gflop_s, o.repeat, "op", "shape",
      "forward ms", "forward+backward ms", "GFLOP/s", "GB/s", "floor");
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
      double floor = double(r.bytes) / ceilings.copy_gb_s / 1e9 / r.forward.median;
      std::string both, gflop_s;
      if (r.differentiable) {
        both = milliseconds(r.both);
        row["forward_backward"] = as_json(r.both);
        if (c->flops) {  // the card counts both passes
          const double flops = c->flops(shape);
          row["gflop_s"] = flops / r.both.median / 1e9;
          floor = std::max(floor, flops / ceilings.gemm_gflop_s / 1e9 / r.both.median);
          char text[32];
          std::snprintf(text, sizeof text, "%.1f", row["gflop_s"].get<double>());
          gflop_s = text;
        }
      }
      row["floor_part"] = floor;
      std::printf("%-24s %-18s %26s %26s %9s %9.1f %5.0f%%\n", c->name, engine::concat_text(shape).c_str(),
                  milliseconds(r.forward).c_str(), both.c_str(), gflop_s.c_str(), gb_s, 100 * floor);
      std::fflush(stdout);
      rows.push_back(std::move(row));
    }
  }
  if (!o.csv.empty()) write_text(o.csv, csv_of(rows));
  if (!o.json.empty())
    write_text(o.json, nlohmann::ordered_json{{"device", o.device},
                                              {"dtype", o.dtype},
                                              {"threads", o.threads},
                                              {"repeat", o.repeat},
                                              {"copy_gb_s", ceilings.copy_gb_s},
                                              {"gemm_gflop_s", ceilings.gemm_gflop_s},
                                              {"rows", rows}}
                               .dump(1) +
                           "\n");
  return 0;
}

}  // namespace apps
