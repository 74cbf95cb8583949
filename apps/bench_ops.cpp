// dyad bench ops: times each card at the shapes of real models, forward and forward with backward. The card's
// apply() is timed. Batch norm's apply() also makes its running statistics, an optimizer's its parameters.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/bench/roofline.h"
#include "apps/bench/times.h"
#include "apps/check/op_choice.h"
#include "apps/cli/commands.h"
#include "apps/run/run_directory.h"
#include "engine/check/gradcheck.h"
#include "kernels/base/kernel_use.h"

namespace apps {
namespace {

using engine::OpCase;
using engine::Tensor;
using engine::Tensors;
using nlohmann::ordered_json;

std::size_t bytes_of(const Tensors& tensors) {
  std::size_t bytes = 0;
  for (const Tensor& t : tensors) bytes += t.bytes();
  return bytes;
}

// Inputs and outputs of a card in several copies. Each run uses the next copy, so that no cache holds a copy
// when it is used again.
struct Copy {
  Tensors in, out;  // out: kept from the last run, so that the next one writes elsewhere
};

// A card at one of its shapes.
struct Row {
  const OpCase& card;
  const engine::Shape& shape;
  std::size_t bytes = 0;                       // of the inputs and outputs
  std::size_t both_bytes = 0;                  // and of their gradients
  std::vector<Times> forward = {}, both = {};  // of each round; both: none if nothing is differentiable
  std::vector<kernels::KernelUse> uses = {};   // on a GPU, of dyad's own kernels
};

// The kernels of one run, each once.
template <class F>
std::vector<kernels::KernelUse> uses_of(F run) {
  std::vector<kernels::KernelUse> all, each;
  kernels::kernel_uses() = &all;
  run();
  kernels::kernel_uses() = nullptr;
  for (const auto& use : all)
    if (std::find(each.begin(), each.end(), use) == each.end()) each.push_back(use);
  return each;
}

// One round of a row.
void measure(Row& row, engine::DType dtype, engine::Device device, const BenchOpsOptions& o) {
  const OpCase& c = row.card;
  engine::Random random(0, 0, 0, 0xBE7C);
  const Tensors drawn = (c.bench_inputs ? c.bench_inputs : c.inputs)(row.shape, random);
  std::vector<Copy> copies(1);
  copies[0].in = engine::converted(drawn, dtype, device);
  copies[0].out = c.apply(copies[0].in);
  row.bytes = row.both_bytes = bytes_of(copies[0].in) + bytes_of(copies[0].out);
  Tensors d_outputs;  // undefined for an output without a gradient
  bool differentiable = false;
  for (const Tensor& y : copies[0].out) {
    d_outputs.push_back(y.node() ? engine::full(y.shape(), 1, y.dtype(), device) : Tensor());
    differentiable |= y.node() != nullptr;
    if (y.node()) row.both_bytes += y.bytes();
  }
  for (const Tensor& x : copies[0].in)
    if (x.node()) row.both_bytes += x.bytes();

  std::size_t turn = 0;
  const auto forward = [&] {
    Copy& copy = copies[turn++ % copies.size()];
    copy.out = c.apply(copy.in);
  };
  const auto both = [&] {
    Copy& copy = copies[turn++ % copies.size()];
    for (const Tensor& t : copy.in)
      if (t.node()) engine::clear_gradient(t);
    copy.out = c.apply(copy.in);
    for (std::size_t i = 0; i < copy.out.size(); ++i)
      if (d_outputs[i].defined()) engine::backward(copy.out[i], d_outputs[i]);
  };
  const auto all_of_it = [&] { differentiable ? both() : forward(); };
  if (device.backend == engine::Backend::cuda) row.uses = uses_of(all_of_it);
  seconds_of(device, 1, all_of_it);
  if (o.cache == "cold") {
    // twice the size of the cache, but at most what runs in a quarter of a second
    const double once = seconds_of(device, 1, all_of_it),
                 wanted = 2. * double(cache_bytes(device)) / double(row.bytes);
    const std::size_t count = 1 + std::size_t(std::min({wanted, 0.25 / once, 1023.}));
    while (copies.size() < count) copies.push_back({engine::converted(drawn, dtype, device), {}});
    for (std::size_t i = 0; i < count; ++i) all_of_it();
  }
  row.forward.push_back(measure_times(device, o.repeat, forward));
  if (differentiable) row.both.push_back(measure_times(device, o.repeat, both));
}

std::string milliseconds(const Times& t) {
  char text[64];
  std::snprintf(text, sizeof text, "%.3f (%.3f-%.3f)%c", t.median * 1e3, t.p5 * 1e3, t.p95 * 1e3,
                noisy(t) ? '~' : ' ');
  return text;
}

std::string csv_of(const ordered_json& rows) {
  std::string csv =
      "op,shape,bytes,forward_p5_s,forward_median_s,forward_p95_s,both_p5_s,both_median_s,both_p95_s,"
      "gb_s,gflop_s,floor_part,noisy\n";
  for (const auto& r : rows) {
    csv += r["op"].get<std::string>() + ",\"" + r["shape"].get<std::string>() + "\"," + r["bytes"].dump();
    for (const char* pass : {"forward", "forward_backward"})
      for (const char* value : {"p5", "median", "p95"})
        csv += "," + (r.contains(pass) ? r[pass][value].dump() : "");
    for (const char* value : {"gb_s", "gflop_s", "floor_part"})
      csv += "," + (r.contains(value) ? r[value].dump() : "");
    bool any = false;
    for (const char* pass : {"forward", "forward_backward"}) any |= r.contains(pass) && r[pass]["noisy"];
    csv += any ? ",true\n" : ",false\n";
  }
  return csv;
}

ordered_json json_of(const std::vector<kernels::KernelUse>& uses) {
  ordered_json list = ordered_json::array();
  for (const auto& u : uses)
    list.push_back({{"launcher", u.launcher},
                    {"threads", u.threads},
                    {"registers", u.registers},
                    {"local_bytes", u.local_bytes},
                    {"shared_bytes", u.shared_bytes},
                    {"occupancy", u.occupancy}});
  return list;
}

// Forward, and forward with backward.
std::vector<RooflinePoint> points_of(const Row& r, const std::optional<Ceilings>& top) {
  const double flops = r.card.flops ? r.card.flops(r.shape) : 0;  // of both passes
  const auto point = [&](const char* pass, double flops, std::size_t bytes,
                         const std::vector<Times>& rounds) {
    const double least = top ? std::max(double(bytes) / top->copy_gb_s, flops / top->gemm_gflop_s) / 1e9 : 0,
                 seconds = middle(rounds).median;
    return RooflinePoint{r.card.name,    engine::concat_text(r.shape), pass, flops, double(bytes), seconds,
                         least / seconds};
  };
  std::vector<RooflinePoint> points = {point("forward", flops / 3, r.bytes, r.forward)};
  if (!r.both.empty()) points.push_back(point("forward and backward", flops, r.both_bytes, r.both));
  return points;
}

ordered_json json_of(const Row& r, const std::vector<RooflinePoint>& points) {
  const RooflinePoint &forward = points.front(), &all = points.back();
  ordered_json row = {{"op", r.card.name},
                      {"shape", forward.shape},
                      {"bytes", r.bytes},
                      {"forward", as_json(r.forward)},
                      {"gb_s", forward.bytes / forward.seconds / 1e9}};
  if (!r.both.empty()) {
    row["forward_backward"] = as_json(r.both);
    if (all.flops > 0) row["gflop_s"] = all.flops / all.seconds / 1e9;
  }
  const double part = std::max(forward.floor_part, all.floor_part);
  if (part > 0) row["floor_part"] = part;
  if (!r.uses.empty()) row["kernels"] = json_of(r.uses);
  return row;
}

void print(const Row& r, const ordered_json& row) {
  char gflop_s[32] = "";
  if (row.contains("gflop_s")) std::snprintf(gflop_s, sizeof gflop_s, "%.1f", row["gflop_s"].get<double>());
  char floor_part[32] = "";
  if (row.contains("floor_part"))
    std::snprintf(floor_part, sizeof floor_part, "%.0f%%", 100 * row["floor_part"].get<double>());
  std::printf("%-24s %-18s %27s %27s %9s %9.1f %6s\n", r.card.name, engine::concat_text(r.shape).c_str(),
              milliseconds(middle(r.forward)).c_str(),
              r.both.empty() ? "" : milliseconds(middle(r.both)).c_str(), gflop_s, row["gb_s"].get<double>(),
              floor_part);
  for (const auto& u : r.uses)
    std::printf("    %s: %d threads, %d registers, %zu bytes spilled, %zu shared, occupancy %.0f%%\n",
                u.launcher.c_str(), u.threads, u.registers, u.local_bytes, u.shared_bytes, 100 * u.occupancy);
  std::fflush(stdout);
}

}  // namespace

int bench_ops(const BenchOpsOptions& o) {
  const engine::Device device = engine::parse_device(o.device);
  const engine::DType dtype = engine::parse_dtype(o.dtype);
  use_threads(o.threads);
  std::vector<Row> rows;
  for (const OpCase* c : chosen_ops(o.op))
    if (dtype != engine::DType::bf16 || c->bf16)
      for (const engine::Shape& shape : c->bench) rows.push_back({.card = *c, .shape = shape});
  if (rows.empty())
    throw engine::UsageError("--op " + o.op + " matches no op that has benchmark shapes in " + o.dtype);
  if (o.floor == "off" && !o.roofline.empty())
    throw engine::UsageError("--roofline is of the machine's own speed, expected --floor on");

  std::optional<Ceilings> ceilings;
  if (o.floor == "on") ceilings = measure_ceilings(device, dtype);
  for (int round = 1; round < o.rounds; ++round) {
    std::fprintf(stderr, "round %d of %d\n", round, o.rounds);
    for (Row& row : rows) measure(row, dtype, device, o);
  }
  std::printf("%s on %s", o.dtype.c_str(), o.device.c_str());
  if (ceilings)
    std::printf("; a copy: %.1f GB/s, a matrix product: %.0f GFLOP/s; floor: the time at these speeds",
                ceilings->copy_gb_s, ceilings->gemm_gflop_s);
  std::printf("\n%d rounds of %d runs: median (p5-p95), ~: noisy\n%-24s %-18s %27s %27s %9s %9s %6s\n",
              o.rounds, o.repeat, "op", "shape", "forward ms", "forward+backward ms", "GFLOP/s", "GB/s",
              "floor");
  ordered_json results = ordered_json::array();
  std::vector<RooflinePoint> points;
  for (Row& row : rows) {
    measure(row, dtype, device, o);
    const auto own = points_of(row, ceilings);
    results.push_back(json_of(row, own));
    print(row, results.back());
    points.insert(points.end(), own.begin(), own.end());
  }
  ordered_json result = {{"device", o.device}, {"dtype", o.dtype},   {"threads", o.threads},
                         {"cache", o.cache},   {"rounds", o.rounds}, {"repeat", o.repeat}};
  if (ceilings) {
    const Ceilings after = measure_ceilings(device, dtype);
    result["copy_gb_s"] = ceilings->copy_gb_s;
    result["gemm_gflop_s"] = ceilings->gemm_gflop_s;
    result["copy_gb_s_after"] = after.copy_gb_s;
    result["gemm_gflop_s_after"] = after.gemm_gflop_s;
    result["throttled"] = throttled(*ceilings, after);
    if (throttled(*ceilings, after))
      std::printf(
          "the machine has become slower meanwhile: a copy: %.1f GB/s, a matrix product: %.0f GFLOP/s\n",
          after.copy_gb_s, after.gemm_gflop_s);
  }
  result["rows"] = results;
  if (!o.csv.empty()) write_text(o.csv, csv_of(results));
  if (!o.json.empty()) write_json(o.json, result);
  if (!o.roofline.empty()) write_text(o.roofline, roofline(points, *ceilings));
  return 0;
}

}  // namespace apps
