#include "apps/watching/embedding_monitor.h"

#include <algorithm>
#include <cmath>

#include "apps/evaluation/classifiers.h"
#include "apps/evaluation/spectrum.h"
#include "apps/training/training_data.h"
#include "data/subset.h"
#include "engine/check/non_finite.h"
#include "engine/ops.h"
#include "engine/tape.h"
#include "models/probes/accuracy.h"

namespace apps {
namespace {

using engine::Tensor;
using nlohmann::ordered_json;

constexpr std::size_t kWatched = 256;  // images; two embeddings of each

void copy_rows(const Tensor& to, std::int64_t first, const Tensor& from) {
  engine::copy_bytes(to.slice(first, from.dim(0)).raw(), to.device(), from.raw(), from.device(),
                     from.bytes());
}

}  // namespace

EmbeddingMonitor::EmbeddingMonitor(const PretrainOptions& o, const Plan& plan, const data::Dataset& dataset,
                                   const models::Method& method, RunDirectory& run, bool active)
    : options_(o), plan_(plan), dataset_(dataset), method_(method), run_(run), active_(active) {
  const auto order =
      data::permutation(dataset.size(), o.seed, ~0U);  // a stream of its own: no epoch has this number
  watched_.assign(order.begin(), order.begin() + std::ptrdiff_t(std::min(kWatched, order.size())));
  std::vector<std::size_t> labelled;
  for (const std::uint32_t i : order)
    if (dataset.label(i) >= 0 && labelled.size() < std::size_t(o.probe_images)) labelled.push_back(i);
  const auto known = labelled.begin() + std::ptrdiff_t(labelled.size() / 5);
  held_out_.assign(labelled.begin(), known);
  known_.assign(known, labelled.end());
}

void EmbeddingMonitor::measure_embeddings(ordered_json& line) const {
  const engine::NoGrad no_grad;
  const engine::Device device = method_.parameters.device();
  const data::Subset images(dataset_, watched_);
  const auto n = std::int64_t(images.size());
  // In batches no larger than the training's, so that they need no more memory.
  data::Loader loader(images, {.batch = int(std::min<std::int64_t>(n, options_.batch)),
                               .shuffle = false,
                               .drop_last = false,
                               .threads = 0,
                               .device = device,
                               .bad_images = bad_images(options_)});
  data::ViewBatches views = training_views(options_, device);
  const models::Pass pass{engine::Mode::eval, engine::single()};
  Tensor h, z;  // rows i and i + n are two views of one image
  data::Batch batch;
  for (std::int64_t done = 0; done < n; done += batch.size()) {
    loader.next(batch);
    const Tensor features = method_.branch().encoder(views(batch), pass);
    const Tensor embeddings = engine::l2_normalize(method_.branch().projection(features, pass));
    const std::int64_t rows = batch.size();
    if (!h.defined()) {
      h = Tensor({2 * n, features.dim(1)}, features.dtype(), device);
      z = Tensor({2 * n, embeddings.dim(1)}, embeddings.dtype(), device);
    }
    for (const int view : {0, 1}) {
      copy_rows(h, view * n + done, features.slice(view * rows, rows));
      copy_rows(z, view * n + done, embeddings.slice(view * rows, rows));
    }
  }
  z = z.to(engine::cpu);
  for (const Tensor& t : {h, z})
    if (const auto bad = engine::find_non_finite(t))
      throw std::runtime_error(engine::concat_text(
          "an embedding of the encoder is ", std::isnan(bad->value) ? std::nan("") : bad->value,
          " after step ", line["step"].get<long>(),
          ", expected a finite number; a smaller --lr or a longer --warmup-epochs may help"));
  const Tensor a = z.slice(0, n), b = z.slice(n, n);
  line["deviation"] = relative_deviation(z);
  line["rank_embeddings"] = effective_rank(z);
  line["rank_features"] = effective_rank(h.slice(0, n).to(engine::cpu));
  line["alignment"] = alignment(a, b);
  line["uniformity"] = uniformity(a);
}

void EmbeddingMonitor::probe(ordered_json& line) const {
  const FeatureOptions f{options_.recipe,
                         options_.size,
                         std::min(256, options_.batch),
                         options_.threads,
                         method_.parameters.device(),
                         engine::parse_dtype(options_.dtype),
                         bad_images(options_)};
  const data::Subset known(dataset_, known_), held_out(dataset_, held_out_);
  const Features train = encoder_features(method_.branch().encoder, known, f),
                 test = encoder_features(method_.branch().encoder, held_out, f);
  require_finite(train, known, "a probe's");
  require_finite(test, held_out, "a probe's");
  const int classes = int(dataset_.classes().size());
  for (const Classifier& c : {knn_classifier("knn", 200, 0.1), lbfgs_classifier(options_.seed)})
    line["probe_" + c.name] =
        models::accuracy(c.classify(train, test.values, classes).predicted, test.labels);
  std::vector<std::size_t> images_of(std::size_t(classes), 0);
  for (const std::int32_t label : test.labels) ++images_of[std::size_t(label)];
  const auto most = *std::max_element(images_of.begin(), images_of.end());
  line["probe_floor"] = double(most) / double(test.labels.size());
}

std::string EmbeddingMonitor::no_probes() const {
  return options_.probe_every == 0 || !held_out_.empty()
             ? ""
             : "--probe-every: there are no probes, which need at least five images with a class; "
               "--labels reads classes from a file";
}

bool EmbeddingMonitor::due(long step) const { return plan_.ends_epoch(step) || step == plan_.steps; }

std::string EmbeddingMonitor::operator()(long step) {
  if (!active_ || !due(step)) return "";
  const bool last = step == plan_.steps;
  const long epoch = plan_.whole_epochs(step);
  ordered_json line = {{"step", step}, {"epoch", plan_.epoch(step)}};
  measure_embeddings(line);
  if (options_.probe_every > 0 && (epoch % options_.probe_every == 0 || last) && !held_out_.empty())
    probe(line);
  run_.monitor(line);

  const double deviation = line["deviation"], rank = line["rank_embeddings"];
  if (warned_ || (deviation >= 0.05 && rank >= 1.5)) return "";
  warned_ = true;
  const std::string flags = models::describe_method(options_, options_.batch).advice;
  return engine::concat_text("warning: the embeddings have collapsed: after ", epoch > 0 ? "epoch " : "step ",
                             epoch > 0 ? epoch : step, " their deviation is ", deviation,
                             " of that of a uniform distribution, and they fill ", rank,
                             " directions; try another --lr", flags.empty() ? "" : ", " + flags,
                             " or --batch");
}

}  // namespace apps
