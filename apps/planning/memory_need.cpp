#include "apps/planning/memory_need.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>

#include "apps/run/model.h"
#include "apps/system/memory.h"
#include "apps/training/training_data.h"
#include "engine/memory/cuda_device.h"
#include "engine/ops.h"
#include "engine/optim/parameters.h"
#include "engine/tape.h"

namespace apps {
namespace {

using engine::Tensor;

// What the program allocates after the start besides tensors: oneDNN's code and scratch memory, the heaps of
// threads, the report.
constexpr double kLater = 32e6;

// The greatest number of bytes of tensors while f runs, besides those that were there before.
double peak_of(const std::function<void()>& f) {
  const double before = double(engine::memory_use(engine::cpu).now);
  engine::reset_peak_memory(engine::cpu);
  f();
  return double(engine::memory_use(engine::cpu).peak) - before;
}

// Images of more than 128 pixels are measured at a part of their side: memory grows with their area.
int measured_size(int size) { return size <= 128 ? size : size / ((size + 127) / 128); }

double peak_of_step(const PretrainOptions& o, models::Method& method, int pairs) {
  return peak_of([&] {
    const Tensor images =
        engine::zeros({2 * pairs, o.size, o.size, 3}, engine::parse_dtype(o.dtype), engine::cpu);
    const Tensor labels = engine::zeros({2 * pairs}, engine::DType::i32, engine::cpu);
    const models::Pass pass{.recompute = recompute_mode(o.recompute)};
    engine::backward(method.loss({images, pairs, labels}, pass));
  });
}

// The peak of a step of `wanted` pairs: measured, or on the line through the peaks of two smaller ones. With
// very few pairs another layer than with many has the peak, so `few` is not too small.
template <class Peak>
double scaled_peak(const Peak& peak, int few, double wanted) {
  if (wanted <= 2 * few) return peak(std::max(2, int(wanted)));
  const double at_few = peak(few), a_pair = std::max(0.0, peak(2 * few) - at_few) / few;
  return std::max(0.0, at_few - few * a_pair) + a_pair * wanted;
}

// pairs: of this rank's share of a step.
double activation_bytes(const PretrainOptions& given, double pairs) {
  PretrainOptions o = given;
  const bool half = o.dtype == "bf16";  // a CPU without bf16 is slow, so f32 is measured, and halved
  if (half) o.dtype = "f32";
  o.size = measured_size(o.size);
  o.split_norm = 1;  // a few pairs are measured, and groups need hardly any memory
  const auto method = make_method(o, engine::cpu);  // another one: a step changes the running statistics
  const double area = double(given.size) * given.size / (double(o.size) * o.size);
  const auto step = [&](int n) { return peak_of_step(o, *method, n); };
  // this many take a second or two
  const int few = std::clamp(8 * 128 * 128 / (o.size * o.size), 2, 16);
  return (half ? 0.5 : 1.0) * scaled_peak(step, few, area * pairs);
}

// What lies between tensors, as a part of the activations: measured on ResNet-18 at 32 pixels. A GPU's pool
// grows by small chunks.
double held_share(engine::Device d, const std::string& recompute) {
  if (d.backend == engine::Backend::cuda) return 0.25;
  return recompute == "block" || recompute == "stage" ? 0.18 : 0.03;
}

// Bytes of a decoded image, as the mean of some.
double image_bytes(const data::Dataset& dataset) {
  constexpr std::size_t kSome = 8;
  if (dataset.size() == 0) return 0;
  if (dataset.pixel_bytes() >= 0) return double(dataset.pixel_bytes()) / double(dataset.size());
  double sum = 0;
  std::size_t read = 0;
  data::Image image;
  for (std::size_t i = 0; i < kSome; ++i) {
    try {
      dataset.read(i * dataset.size() / kSome, image);
      sum += double(image.pixels.size());
      ++read;
    } catch (const engine::DataError&) {  // --bad-images says what becomes of it
    }
  }
  return read > 0 ? sum / double(read) : 0;
}

}  // namespace

double MemoryNeed::host(engine::Device d) const {
  return program + images + (d.backend == engine::Backend::cpu ? device() : 0);
}

double MemoryNeed::device() const { return parameters + optimizer + activations + held + pixels; }

MemoryNeed memory_need(const PretrainOptions& o, const data::Dataset& dataset, const models::Method& method,
                       int ranks) {
  const engine::Device device = method.parameters.device();
  const double values = double(method.parameters.values().bytes());
  const double pairs = std::ceil(double(o.batch) / ranks);
  const data::LoaderOptions loader;
  MemoryNeed need;
  need.program = std::max(0.0, resident_bytes() - double(engine::memory_use(engine::cpu).now)) + kLater;
  need.parameters = 2 * values;
  for (const auto& [name, tensor] : method.state()) need.parameters += double(tensor.bytes());
  need.optimizer = (o.optimizer == "adamw" ? 2 : 1) * values;
  need.activations = activation_bytes(o, pairs);
  need.held = held_share(device, o.recompute) * need.activations;
  // A batch is decoded into single images, which are then joined. So are those whose embeddings are measured.
  const double image = image_bytes(dataset), monitored = std::min(double(o.batch), 256.0);
  const bool resident = keeps_pixels(o, dataset, device);
  // a rank also loads the images of other ranks whose second views it makes
  const bool shuffles = models::describe_method(o, o.batch).shuffles;
  const double loaded = shuffles ? std::min(2 * pairs, double(o.batch)) : pairs;
  const int ahead = data::batches_ahead(loaded * image, loader.prefetch);
  need.images = 2 * ((resident ? 0 : (ahead + 1) * loaded) + monitored) * image;
  // twice the side of the views is enough for crops of a quarter of the image
  const int enough = 2 * o.size;
  if (o.shrink == 0 && image >= 3.0 * 4 * enough * enough) need.shrink = enough;
  // two batches of each on the device
  need.pixels = resident ? image * double(dataset.size()) : 2 * loaded * image;
  need.pixels += 2 * monitored * image;
  return need;
}

std::string bytes_text(double bytes) {
  char text[32];
  const double gigabytes = bytes / 1e9;
  std::snprintf(text, sizeof text,
                bytes < 1e9      ? "%.0f MB"
                : gigabytes < 10 ? "%.2f GB"
                                 : "%.0f GB",
                bytes < 1e9 ? bytes / 1e6 : gigabytes);
  return text;
}

std::string memory_text(const MemoryNeed& n, engine::Device d) {
  std::string text = "memory, about: activations " + bytes_text(n.activations + n.held) +
                     ", parameters and gradients " + bytes_text(n.parameters) + ", optimizer " +
                     bytes_text(n.optimizer) + ", images decoded ahead " + bytes_text(n.images);
  text += (d.backend == engine::Backend::cpu ? ", a batch of them " : ", their pixels on the device ") +
          bytes_text(n.pixels);
  return text + ", program and data set " + bytes_text(n.program) +
         (d.backend == engine::Backend::cpu ? "" : " (images decoded ahead and program: on the host)");
}

MemoryVerdict compare_with_free(const MemoryNeed& n, engine::Device d, int ranks_here) {
  const std::string several =
      ranks_here > 1 ? " for the " + std::to_string(ranks_here) + " ranks of this machine" : "";
  FreeMemory free = free_memory();
  free.bytes += ranks_here == 1 ? resident_bytes() : 0;  // what this process has is part of the need
  const double host = ranks_here * n.host(d), photographs = ranks_here * (n.images + n.pixels);
  const std::string remedy =
      photographs > 0.5 * host
          ? "most of it, " + bytes_text(photographs) + ", is for whole images before they are cropped: try " +
                (n.shrink > 0 ? "--shrink " + std::to_string(n.shrink) +
                                    ", which decodes large ones at a part of their size, or "
                              : "") +
                "a smaller --batch"
          : "try a smaller --batch or --size, or more --ranks on other machines";
  MemoryVerdict v{host <= free.bytes,
                  "memory: about " + bytes_text(host) + several + ", and " + bytes_text(free.bytes) + " of " +
                      free.of + " are free",
                  remedy, free.bytes};
  if (d.backend == engine::Backend::cpu || !v.fits) return v;
  const double device_free = double(engine::cuda::memory(d.index).free) + double(engine::memory_use(d).now);
  return {n.device() <= device_free,
          engine::concat_text("memory: about ", bytes_text(n.device()), ", and ", bytes_text(device_free),
                              " of ", d, " are free"),
          remedy, device_free};
}

void require_memory(const MemoryVerdict& v, bool force) {
  if (!v.fits && !force) throw engine::UsageError(v.text + "; " + v.remedy + "; --force starts all the same");
}

namespace {

// "--recompute stage fits 512 pairs", or "" if not even two pairs fit.
std::string fitting_pairs(const MemoryPlan& plan, const PretrainOptions& o, engine::Device d,
                          int ranks_here) {
  const MemoryNeed& n = plan.need;
  const double a_pair = (n.activations + n.held + n.pixels + n.images) / o.batch,
               fixed = n.host(d) - o.batch * a_pair,
               fits = (plan.verdict.free / ranks_here - fixed) / (1.05 * a_pair);
  if (fits < 2 || fits >= o.batch) return "";
  return "--recompute " + plan.recompute + " fits --batch " + std::to_string(long(fits)) + "; ";
}

}  // namespace

MemoryPlan memory_plan(const PretrainOptions& given, const data::Dataset& dataset,
                       const models::Method& method, int ranks, int ranks_here, double program) {
  const engine::Device device = method.parameters.device();
  PretrainOptions o = given;
  MemoryPlan plan;
  for (const char* mode : {"none", "norm", "block", "stage"}) {
    if (given.recompute != "auto" && given.recompute != mode) continue;
    plan.recompute = o.recompute = mode;
    plan.need = memory_need(o, dataset, method, ranks);
    plan.need.program += program;
    plan.verdict = compare_with_free(plan.need, device, ranks_here);
    if (plan.verdict.fits) break;
  }
  if (!plan.verdict.fits)
    plan.verdict.remedy = fitting_pairs(plan, o, device, ranks_here) + plan.verdict.remedy;
  else if (given.recompute == "auto" && plan.recompute != "none")
    plan.verdict.text += ", with --recompute " + plan.recompute;
  return plan;
}

std::string required_memory(PretrainOptions& o, const data::Dataset& dataset, const models::Method& method,
                            const Ranks& ranks) {
  const int ranks_here = ranks.on_this_machine();
  MemoryPlan plan;
  if (ranks.first()) {
    plan = memory_plan(o, dataset, method, ranks.size(), ranks_here);
    require_memory(plan.verdict, o.force);
  }
  o.recompute = ranks.of_first(plan.recompute);
  return ranks.first() ? plan.verdict.text : "";
}

}  // namespace apps
