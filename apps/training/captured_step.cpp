#include "apps/training/captured_step.h"

#include <utility>

namespace apps {

engine::Tensor CapturedStep::operator()(int layout, Phases& phase) {
  if (layout != std::exchange(layout_, layout)) {
    graph_.reset();
    loss_ = {};
    calls_ = 0;
  }
  if (!captured_ || calls_++ < kWarm) return work_(phase);
  return phase("graph", [&] {
    if (!graph_) {
      Phases unseen(device_, false);
      graph_ = std::make_unique<engine::Graph>(device_, [&] { loss_ = work_(unseen); });
    }
    graph_->launch();
    return loss_;
  });
}

}  // namespace apps
