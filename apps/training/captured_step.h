// A step as one CUDA graph: run as it is until it is warm, then captured, and from then on launched as a
// whole.
#pragma once

#include <functional>
#include <memory>

#include "apps/training/phases.h"
#include "engine/memory/graph.h"
#include "engine/tensor.h"

namespace apps {

class CapturedStep {
 public:
  // work: asks the device for the same work in every step and returns the loss; what changes from step to
  // step lies in device memory. Where captured is false it is simply called.
  CapturedStep(engine::Device device, bool captured, std::function<engine::Tensor(Phases&)> work)
      : device_(device), captured_(captured), work_(std::move(work)) {}

  // layout: another number says that the work has other addresses or sizes than before. The loss is that of
  // this step until the next.
  engine::Tensor operator()(int layout, Phases&);

 private:
  static constexpr int kWarm = 2;  // calls before the capture: memory and vendors' plans are there
  engine::Device device_;
  bool captured_;
  std::function<engine::Tensor(Phases&)> work_;
  int layout_ = 0, calls_ = 0;
  engine::Tensor loss_;
  std::unique_ptr<engine::Graph> graph_;
};

}  // namespace apps
