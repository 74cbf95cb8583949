#include "apps/watching/non_finite_search.h"

#include <cmath>
#include <map>
#include <stdexcept>
#include <utility>

#include "apps/run/model.h"
#include "apps/training/training_data.h"
#include "engine/check/non_finite.h"
#include "engine/check/observe.h"
#include "engine/ops.h"

namespace apps {
namespace {

using engine::concat_text;
using engine::Tensor;
using nlohmann::ordered_json;

// Which elements are not finite; "" if all are.
std::string flaw(const Tensor& t) {
  const auto bad = engine::find_non_finite(t);
  if (!bad) return "";
  return concat_text(", ", t.dtype(), ' ', t.shape(), ": ", bad->count, " of ", t.numel(),
                     " elements, the first at ", bad->first, " is ", bad->value);
}

// Examines the output and the gradient of each op. An op is named by the parameter that it uses, or by the
// last parameter before it.
class Examination final : public engine::OpObserver {
 public:
  explicit Examination(const models::Method& method) {
    for (const auto& p : method.parameters.list()) names_[p.value.raw()] = p.name;
    for (const auto& [name, value] : method.state()) names_[value.raw()] = name;
  }

  void output(const char* op, const Tensor& y, const engine::Tensors& inputs,
              const engine::Node* node) override {
    std::string label;
    for (const Tensor& t : inputs)
      if (const auto found = names_.find(t.defined() ? t.raw() : nullptr); found != names_.end())
        if (label.empty()) label = concat_text(op, " of ", last_ = found->second);
    if (label.empty()) label = concat_text(op, last_.empty() ? "" : " after ", last_);
    if (node != nullptr) labels_[node] = label;
    examine("the output of " + label, y);
  }
  void gradient(const engine::Node& node, const Tensor& dy) override {
    const auto found = labels_.find(&node);
    examine(
        "the gradient of the output of " + (found == labels_.end() ? std::string(node.op) : found->second),
        dy);
  }
  void examine(const std::string& what, const Tensor& t) {
    if (!found_.empty()) return;
    if (const std::string wrong = flaw(t); !wrong.empty()) found_ = what + wrong;
  }
  const std::string& found() const { return found_; }

 private:
  std::map<const void*, std::string> names_;
  std::map<const engine::Node*, std::string> labels_;
  std::string last_, found_;
};

void copy(const Tensor& from, const Tensor& to) {
  engine::copy_bytes(to.raw(), to.device(), from.raw(), from.device(), from.bytes());
}

}  // namespace

Rewind::Rewind(const engine::Parameters& parameters, const engine::NamedTensors& state)
    : live_{parameters.values()} {
  for (const auto& p : parameters.list())
    if (!p.trained) live_.push_back(p.value.detach());
  for (const auto& [name, value] : state) live_.push_back(value);
}

void Rewind::keep(long step) {
  const Kept& newest = kept_[1 - next_];
  if (newest.step >= 0 && step < newest.step + kEvery) return;
  Kept& kept = kept_[next_];
  next_ = 1 - next_;
  kept.step = step;
  if (kept.values.empty())
    for (const Tensor& t : live_) kept.values.push_back(engine::empty_like(t));
  for (std::size_t i = 0; i < live_.size(); ++i) copy(live_[i], kept.values[i]);
}

long Rewind::back(long step) {
  const Kept* best = nullptr;
  for (const Kept& k : kept_)
    if (k.step >= 0 && k.step <= step && (best == nullptr || k.step > best->step)) best = &k;
  engine::require(best != nullptr, "Rewind: no state of step ", step, " or before was kept");
  for (std::size_t i = 0; i < live_.size(); ++i) copy(best->values[i], live_[i]);
  return best->step;
}

std::string first_non_finite(models::Method& method, const models::Views& views,
                             engine::Communicator& communicator, models::Recompute recompute) {
  const engine::Parameters& parameters = method.parameters;
  Examination examination(method);
  for (const auto& p : parameters.list()) examination.examine("parameter " + p.name, p.value);
  examination.examine("the views", views.images);
  const engine::Observed observed(examination);
  parameters.clear_gradients();
  backward(method.loss(views, {.communicator = communicator, .recompute = recompute}));
  for (const auto& p : parameters.list())
    if (p.trained) examination.examine("the gradient of " + p.name, engine::gradient(p.value));
  return examination.found();
}

namespace {

// What the first rank that has found something has found, the same on all ranks.
std::string first_of_all(const Ranks& ranks, const std::string& found) {
  if (ranks.size() == 1) return found.empty() ? "none when the step was repeated" : found;
  const std::vector<std::string> all = engine::exchange_texts(ranks.communicator(), found);
  for (std::size_t rank = 0; rank < all.size(); ++rank)
    if (!all[rank].empty()) return concat_text(all[rank], ", on rank ", rank);
  return "none on any rank when the step was repeated";
}

}  // namespace

void NonFiniteSearch::check_parameters(long step) {
  if (step == std::exchange(checked_step_, step)) return;
  for (const auto& p : train_step_.method().parameters.list())
    if (const std::string wrong = flaw(p.value.detach()); !wrong.empty())
      ranks_.fail_together(
          std::runtime_error(concat_text("parameter ", p.name, " is not finite after step ", step, wrong,
                                         "; a smaller --lr or a longer --warmup-epochs may help")));
}

NonFiniteSearch::NonFiniteSearch(const PretrainOptions& o, const Plan& plan, const data::Dataset& dataset,
                                 TrainStep& train_step, Ranks& ranks)
    : options_(o),
      plan_(plan),
      dataset_(dataset),
      train_step_(train_step),
      ranks_(ranks),
      rewind_(train_step.method().parameters, train_step.state()) {}

void NonFiniteSearch::check(const StepRecord& r) {
  if (std::isfinite(r.loss) && std::isfinite(r.gradient_norm)) return;
  models::Method& method = train_step_.method();
  const engine::Device device = method.parameters.device();
  data::Loader loader(dataset_, loader_options(options_, device, false), ranks_.communicator());
  data::ViewBatches views = training_views(options_, device);
  Phases phases(device, false);
  long step = rewind_.back(r.step - 1);
  loader.seek(plan_.whole_epochs(step), plan_.batch_in_epoch(step));
  data::Batch batch;
  for (loader.next(batch); step < r.step - 1; loader.next(batch), ++step) {
    train_step_.schedule(plan_.learning_rate(step, options_.lr), plan_.done(step));
    const Tensor images = views(batch);
    train_step_.launch(images, phases, views.labels(), views.second_places());
  }
  method.before_step(plan_.done(step));
  const Tensor images = views(batch);
  const models::Views all{images, options_.batch, views.labels(), views.second_places()};
  const std::string found = first_of_all(
      ranks_, first_non_finite(method, all, ranks_.communicator(), recompute_mode(options_.recompute)));

  ordered_json bundle = {{"step", r.step},       {"epoch", batch.epoch},
                         {"batch", batch.index}, {"rank", ranks_.rank()},
                         {"loss", r.loss},       {"gradient_norm", r.gradient_norm},
                         {"lr", r.lr},           {"first", found}};
  for (const std::uint32_t sample : batch.samples)
    bundle["samples"].push_back({{"index", sample}, {"name", dataset_.name(sample)}});
  const std::string path = options_.run + "/non-finite" +
                           (ranks_.size() > 1 ? "-rank" + std::to_string(ranks_.rank()) : "") + ".json";
  write_json(path, bundle);
  ranks_.fail_together(std::runtime_error(
      concat_text(std::isfinite(r.loss) ? "the gradient's norm is " : "the loss is ",
                  std::isfinite(r.loss) ? r.gradient_norm : r.loss, " at step ", r.step,
                  ", expected a finite number; first is ", found, "; ", path,
                  " names the images; a smaller --lr or a longer --warmup-epochs may help")));
}

}  // namespace apps
