// A step as one CUDA graph: the first steps are run call by call, the next is captured, and the later ones
// are launched as a whole.
#pragma once

#include <functional>
#include <memory>

#include "engine/memory/graph.h"
#include "engine/tensor.h"
#include "engine/trace/phases.h"

namespace apps {

using engine::Phases;

class CapturedStep {
 public:
  // work: launches the same in every step and returns the loss; what differs from step to step lies in device
  // memory. If captured is false, work is called in every step.
  CapturedStep(engine::Device device, bool captured, std::function<engine::Tensor(Phases&)> work)
      : device_(device), captured_(captured), work_(std::move(work)) {}

  // layout: a number that changes when the addresses or sizes of the work change; it is then captured again.
  // The returned tensor holds the loss of this step until the next step.
  engine::Tensor operator()(int layout, Phases&);

 private:
  static constexpr int kWarm =
      2;  // calls before the capture: they allocate memory and make the libraries' plans
  engine::Device device_;
  bool captured_;
  std::function<engine::Tensor(Phases&)> work_;
  int layout_ = 0, calls_ = 0;
  engine::Tensor loss_;
  std::unique_ptr<engine::Graph> graph_;
};

}  // namespace apps
