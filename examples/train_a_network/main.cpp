#include <cstdio>

#include "data/view_batch.h"
#include "engine/files/safetensors.h"
#include "engine/ops.h"
#include "engine/optim/optimizer.h"
#include "engine/optim/schedule.h"
#include "models/layers.h"
#include "models/probes/probe_data.h"

using engine::DType;
using engine::Tensor;

struct Net {  // a struct of layers; s / "conv1" names the parameters of a layer
  models::Conv2d conv1, conv2;
  models::BatchNorm bn1, bn2;
  models::Linear fc;

  Net(const engine::Scope& s, int classes)
      : conv1(s / "conv1", 3, 16, 3, 1),  // 3 to 16 channels, 3x3, stride 1
        conv2(s / "conv2", 16, 32, 3, 2),
        bn1(s / "bn1", 16),
        bn2(s / "bn2", 32),
        fc(s / "fc", 32, classes) {}
  Tensor operator()(const Tensor& images, const models::Pass& pass) const {
    const Tensor x = bn1.relu(conv1(images), pass);
    return fc(engine::global_avg_pool(bn2.relu(conv2(x), pass)));
  }
};

// The share of images that the network classifies rightly.
double accuracy(const Net& net, const data::Dataset& images) {
  const engine::NoGrad no_grad;
  data::Loader loader(images, {.shuffle = false, .drop_last = false});
  data::ViewBatches whole(data::view_recipe("cifar"), 1, 32, 0, engine::cpu, DType::f32);
  int right = 0;
  for (long i = 0; i < loader.batches_per_epoch(); ++i) {
    const data::Batch batch = loader.next();
    const std::vector<double> said = top_k(net(whole(batch), {engine::Mode::eval}), 1).indices.to_vector();
    for (std::size_t row = 0; row < said.size(); ++row) right += int(said[row]) == batch.labels[row];
  }
  return double(right) / double(images.size());
}

int main(int count, char** arguments) try {
  const std::string folder = count > 1 ? arguments[1] : "data/samples", file = "net.safetensors";
  const auto train = data::open_dataset(folder, data::Split::train),
             test = data::open_dataset(folder, data::Split::test);
  const int classes = int(train->classes().size());
  engine::Parameters parameters(engine::cpu, DType::f32, /*seed=*/1);
  const Net net = parameters.build<Net>(classes);
  engine::Sgd sgd(engine::flat_parameters(parameters), {.momentum = 0.9, .weight_decay = 1e-4});

  data::Loader loader(*train, {.batch = 100});
  data::ViewBatches crops(data::view_recipe("crop-cifar"), 1, 32, /*seed=*/1, engine::cpu, DType::f32);
  const long steps = 2 * loader.batches_per_epoch();  // two epochs
  for (long step = 0; step < steps; ++step) {
    const data::Batch batch = loader.next();
    const Tensor labels = models::label_tensor(batch.labels, engine::cpu);
    const Tensor loss = softmax_cross_entropy(net(crops(batch), {}), labels);
    parameters.clear_gradients();
    backward(loss);
    sgd.step(engine::warmup_cosine(step, 0, steps, /*peak=*/0.1));
    if (step % 20 == 0) std::printf("step %ld  loss %.3f\n", step, loss.item());
  }
  std::printf("%.1f %% of the test images are classified rightly\n", 100 * accuracy(net, *test));

  engine::TensorFile saved;
  for (const auto& p : parameters.list()) saved.tensors.emplace_back(p.name, p.value.detach());
  engine::write_safetensors(file, saved);

  engine::Parameters others(engine::cpu, DType::f32, /*seed=*/2);
  const Net loaded = others.build<Net>(classes);
  const engine::SafetensorsReader reader(file);
  for (const auto& p : others.list()) reader.read(p.name, p.value);
  std::printf("%.1f %% with the weights of %s\n", 100 * accuracy(loaded, *test), file.c_str());
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
