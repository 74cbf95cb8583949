#include "data/view_batch.h"

#include <algorithm>

#include "data/view_parts.h"
#include "engine/ops.h"

namespace data {

using engine::Queue;
using engine::require;
using engine::Tensor;

void PixelRing::grow(std::int64_t bytes) {
  slot_bytes_ = (std::max(bytes, slot_bytes_ * 5 / 4) + 255) / 256 * 256;
  pixels_ = Tensor({slot_bytes_ * std::int64_t(slots_.size())}, engine::DType::u8, device_);
  // The pool orders reuse of memory on the compute queue only, not on the copy queue.
  engine::Event ours(device_);
  ours.record(Queue::compute);
  ours.hold(Queue::copy);
}

std::int64_t PixelRing::send(const engine::HostBuffer& pixels) {
  require(pixels.device() == device_, "views: the loader's batches are for ", pixels.device(), ", expected ",
          device_);
  slots_[next_]->read.record(Queue::compute);  // of the previous batch
  next_ = (next_ + 1) % slots_.size();
  const auto bytes = std::int64_t(pixels.size());
  if (bytes > slot_bytes_ || !pixels_.defined()) grow(bytes);
  Slot& slot = *slots_[next_];
  const std::int64_t begin = std::int64_t(next_) * slot_bytes_;
  slot.read.hold(Queue::copy);
  pixels.copy_to(static_cast<std::uint8_t*>(pixels_.raw()) + begin, pixels.size(), Queue::copy);
  slot.arrived.record(Queue::copy);
  slot.arrived.hold(Queue::compute);
  return begin;
}

ViewBatches::ViewBatches(std::vector<ViewRecipe> recipes, int size, std::uint64_t seed, engine::Device device,
                         engine::DType dtype, const Resident* resident, bool labels)
    : recipes_(std::move(recipes)),
      size_(size),
      seed_(seed),
      device_(device),
      dtype_(dtype),
      resident_(resident),
      labelled_(labels),
      ring_(device) {
  require(!recipes_.empty() && size_ > 0, "ViewBatches: ", recipes_.size(), " recipes and a size of ", size_,
          ", expected at least 1 of each");
}

void ViewBatches::stage(const Batch& batch) {
  const void* const pixels_before = ring_.pixels().defined() ? ring_.pixels().raw() : nullptr;
  const std::size_t count_before = drawn_.size();
  engine::require(
      resident_ != nullptr || batch.size() == 0 || batch.pixels.size() > 0,
      "views: the batch has no pixels (LoaderOptions::pixels is false), and there is no Resident");
  const std::int64_t begin = resident_ != nullptr ? 0 : ring_.send(batch.pixels);
  drawn_.clear();
  classes_.clear();
  second_places_ = batch.second_places;
  const bool shuffled = !second_places_.empty();
  const std::size_t places = shuffled ? batch.second.size() : batch.samples.size();
  for (std::size_t v = 0; v < recipes_.size(); ++v)
    for (std::size_t place = 0; place < places; ++place) {
      const std::size_t i = shuffled && v > 0 ? std::size_t(batch.second[place]) : place;
      const Place p = resident_ != nullptr ? resident_->places.at(batch.samples[i])
                                           : Place{begin + batch.offset[i], batch.height[i], batch.width[i],
                                                   batch.samples[i], batch.labels[i]};
      if (labelled_) classes_.push_back(p.label);
      const Source source = resident_ != nullptr ? Source{p.height, p.width} : batch.source[i];
      const View view = draw(recipes_[v], seed_, std::uint32_t(batch.epoch), p.sample, std::uint32_t(v),
                             p.offset, source.height, source.width, size_);
      drawn_.push_back(within(view, source, p.height, p.width));
    }
  const std::size_t bytes = drawn_.size() * sizeof(View);
  const bool too_small = !parameters_ || bytes > parameters_->capacity();
  if (too_small) parameters_.emplace(device_, bytes);
  parameters_->send(drawn_.data(), bytes);
  send_numbers(classes_, sent_classes_);
  send_numbers(second_places_, sent_places_);
  const bool moved = ring_.pixels().defined() && ring_.pixels().raw() != pixels_before;
  if (moved || too_small || drawn_.size() != count_before) ++layout_;
}

void ViewBatches::send_numbers(const std::vector<std::int32_t>& numbers,
                               std::optional<engine::Upload>& to) const {
  const std::size_t bytes = numbers.size() * sizeof(std::int32_t);
  if (bytes == 0) return;
  if (!to || bytes > to->capacity())
    to.emplace(device_, engine::Shape{std::int64_t(numbers.size())}, engine::DType::i32);
  to->send(numbers.data(), bytes);
}

Tensor ViewBatches::labels() const {
  return classes_.empty() ? Tensor() : sent_classes_->tensor({std::int64_t(classes_.size())});
}

Tensor ViewBatches::second_places() const {
  return second_places_.empty() ? Tensor() : sent_places_->tensor({std::int64_t(second_places_.size())});
}

Tensor ViewBatches::make() const {
  require(parameters_.has_value(), "views: make() before stage()");
  const Tensor views = parameters_->tensor({std::int64_t(drawn_.size()), std::int64_t(sizeof(View))});
  return engine::augment(resident_ != nullptr ? resident_->pixels : ring_.pixels(), views, size_,
                         recipes_.front().normalization, dtype_, recipes_.front().rules);
}

}  // namespace data
