// dyad steps: the first steps of a pretraining, with all their inputs and results in one file. Another
// program can then do the same steps and compare; scripts/lab/oracle.py does so with PyTorch.
//
// - initial.NAME: parameters, running statistics and the method's state before the first step, laid out as in
//   a checkpoint
// - final.NAME: the same after the last step
// - gradient.NAME: gradients of the first step's loss
// - relu.K: 1 where the input of the Kth ReLU of the first step was positive, else 0
// - after.NAME: parameters, running statistics and the method's state after the first step
// - losses, rates (steps): loss and learning rate of each step
// - images.I (2N,S,S,3): the input of the network in step I; rows i and i + N are two views of one image,
// unless
//   there is second_places.I
// - second_places.I (N): the second view of image i is row N + second_places.I[i]; with --split-norm
// - labels.I (2N): the class of each of these images, if the method learns from classes
// - pixels.I: 8-bit RGB of the photographs of step I, one after the other
// - views.I (2N,72): how the views were made of the photographs, kernels/augment/view.h
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <optional>

#include "apps/cli/commands.h"
#include "apps/options/fields.h"
#include "apps/run/encoder_file.h"
#include "apps/run/file_layout.h"
#include "apps/run/model.h"
#include "apps/training/plan.h"
#include "apps/training/train_step.h"
#include "apps/training/training_data.h"
#include "data/view_parts.h"
#include "engine/check/observe.h"
#include "engine/escape.h"
#include "engine/files/safetensors.h"

namespace apps {
namespace {

using engine::DType;
using engine::Tensor;

class Record {
 public:
  void add(const std::string& name, const Tensor& t) {
    file_.tensors.emplace_back(name, t.to(engine::cpu).clone());
  }
  void add_parameters(const std::string& prefix, const engine::Parameters& parameters) {
    for (const engine::Parameter& p : parameters.list())
      file_.tensors.emplace_back(prefix + p.name, to_file(p.value.detach(), p.filter));
  }
  // The method's state under its own names: "final.target.encoder.conv1.weight" ...
  void add_state(const std::string& prefix, const models::Method& method) {
    for (const auto& [name, value] : method.state())
      file_.tensors.emplace_back(prefix + name, to_file(value.detach(), is_filter(method.parameters, name)));
  }
  void add_gradients(const engine::Parameters& parameters) {
    for (const engine::Parameter& p : parameters.list())
      if (p.trained)
        file_.tensors.emplace_back(
            "gradient." + p.name,
            to_file(parameters.gradients().slice_flat(p.offset, p.value.shape()), p.filter));
  }
  void add_batch(const std::string& step, const data::Batch& batch, const ViewOptions& o,
                 std::uint64_t seed) {
    const auto recipes = recipes_of(o);
    const Tensor pixels({std::int64_t(batch.pixels.size())}, DType::u8, engine::cpu);
    std::memcpy(pixels.raw(), batch.pixels.data(), batch.pixels.size());
    std::vector<data::View> views;
    for (std::uint32_t v = 0; v < 2; ++v)
      for (std::size_t place = 0; place < batch.samples.size(); ++place) {
        const std::size_t i = v == 0 || batch.second.empty() ? place : std::size_t(batch.second[place]);
        const data::Source& source = batch.source[i];
        views.push_back(
            data::within(data::draw(recipes[v], seed, std::uint32_t(batch.epoch), batch.samples[i], v,
                                    batch.offset[i], source.height, source.width, o.size),
                         source, batch.height[i], batch.width[i]));
      }
    add("pixels." + step, pixels);
    add("views." + step, data::pack(views));
  }
  void write(const std::string& path, std::map<std::string, std::string> metadata) {
    file_.metadata = std::move(metadata);
    engine::write_safetensors(path, file_);
  }

 private:
  engine::TensorFile file_;
};

// Records where each ReLU of a pass is positive. Most are part of batch norm: an output of batch norm with a
// negative value had none. A head without batch norms has them as ops of their own.
class Signs final : public engine::OpObserver {
 public:
  explicit Signs(Record& record) : record_(record) {}
  void output(const char* op, const Tensor& y, const engine::Tensors& /*inputs*/,
              const engine::Node* /*node*/) override {
    if (std::strcmp(op, "batch_norm") != 0 && std::strcmp(op, "relu") != 0) return;
    const std::vector<double> values = y.to_vector();
    if (std::any_of(values.begin(), values.end(), [](double v) { return v < 0; })) return;
    const Tensor signs(y.shape(), DType::u8, engine::cpu);
    std::transform(values.begin(), values.end(), signs.data<std::uint8_t>(), [](double v) { return v > 0; });
    record_.add("relu." + std::to_string(count_++), signs);
  }
  void gradient(const engine::Node& /*node*/, const Tensor& /*dy*/) override {}

 private:
  Record& record_;
  int count_ = 0;
};

std::map<std::string, std::string> describe(PretrainOptions& o) {
  std::map<std::string, std::string> all = {{"format", "pt"}};
  for (const Field& f : fields(o)) all[f.name] = text_of(f);
  return all;
}

}  // namespace

int steps(const StepsOptions& given) {
  const auto dataset = pretraining_images(given);
  dataset->decode_as(decode_options(given));
  std::printf("%s\n", data::describe(*dataset).c_str());
  PretrainOptions o = given;
  resolve(o, dataset->kind());
  const engine::Device device = engine::parse_device(o.device);
  const Plan plan(o, *dataset, o.data);
  const auto method = make_method(o, device);
  const engine::Parameters& parameters = method->parameters;
  if (!o.init_weights.empty()) load_encoder(o.init_weights, o, parameters);
  method->start();
  const auto optimizer = make_optimizer(o, parameters);
  TrainStep train_step(*method, *optimizer, engine::single(), o.batch, bucket_bytes(o),
                       recompute_mode(o.recompute));

  Record record;
  record.add_parameters("initial.", parameters);
  record.add_state("initial.", *method);
  data::Loader loader(*dataset, loader_options(o, device, false));
  data::ViewBatches views = training_views(o, device);
  Phases phases(device, true);
  std::vector<double> losses, rates;
  for (long step = 0; step < plan.steps; ++step) {
    const std::string number = std::to_string(step);
    const data::Batch batch = loader.next();
    record.add_batch(number, batch, o, o.seed);
    const Tensor images = views(batch);
    record.add("images." + number, images);
    if (views.labels().defined()) record.add("labels." + number, views.labels());
    const Tensor places = views.second_places();
    if (places.defined()) record.add("second_places." + number, places);
    rates.push_back(plan.learning_rate(step, o.lr));
    Signs signs(record);
    std::optional<engine::Observed> observed;
    if (step == 0) observed.emplace(signs);
    train_step.schedule(rates.back(), plan.done(step));
    losses.push_back(train_step.launch(images, phases, views.labels(), places).item());
    if (step > 0) continue;
    record.add_gradients(parameters);
    record.add_parameters("after.", parameters);
    record.add_state("after.", *method);
  }
  record.add_parameters("final.", parameters);
  record.add_state("final.", *method);
  record.add("losses", engine::from_vector({plan.steps}, losses, DType::f64));
  record.add("rates", engine::from_vector({plan.steps}, rates, DType::f64));
  record.write(given.out, describe(o));
  std::printf("%s: %ld steps, loss %.6f to %.6f\n", engine::shown(given.out).c_str(), plan.steps,
              losses.front(), losses.back());
  return 0;
}

}  // namespace apps
