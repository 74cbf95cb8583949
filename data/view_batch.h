// From batches of photographs to the images that a network sees.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "data/loader.h"
#include "data/resident.h"
#include "data/views.h"
#include "engine/memory/transfer.h"

namespace data {

// A device's memory for the pixels of batches: those of the next are copied while the device works on the
// last. The host waits for neither.
class PixelRing {
 public:
  explicit PixelRing(engine::Device device)
      : device_(device), slots_{std::make_unique<Slot>(device), std::make_unique<Slot>(device)} {}

  // Queues the copy; what is queued on the device from now on finds the pixels. Returns the byte of pixels()
  // at which they begin. What has read the last batch must have been queued.
  std::int64_t send(const engine::HostBuffer& pixels);
  const engine::Tensor& pixels() const { return pixels_; }  // of all slots: another one when batches grow

 private:
  struct Slot {
    explicit Slot(engine::Device device) : arrived(device), read(device) {}
    engine::Event arrived, read;
  };
  void grow(std::int64_t bytes);
  engine::Device device_;
  engine::Tensor pixels_;
  std::int64_t slot_bytes_ = 0;
  std::array<std::unique_ptr<Slot>, 2> slots_;
  std::size_t next_ = 0;
};

// `views` random views of every image of one batch after another, drawn by (seed, epoch of the batch, sample,
// view).
class ViewBatches {
 public:
  // resident: if not null, where the pixels are; else they come with the batches.
  ViewBatches(const ViewRecipe&, int views, int size, std::uint64_t seed, engine::Device, engine::DType,
              const Resident* resident = nullptr);

  // Draws the views of a batch, and sends them and its pixels to the device. The host does not wait; the
  // batch may be given back to the loader at once.
  void stage(const Batch&);
  // (views * N, size, size, 3) on the device, row v * N + i is view v of image i. Only launches, with the
  // same arguments for every batch that is laid out as the last one: what of it a CUDA graph can capture.
  engine::Tensor make() const;
  int layout() const { return layout_; }  // changes when the arguments do

  engine::Tensor operator()(const Batch& batch) {
    stage(batch);
    return make();
  }

 private:
  const ViewRecipe recipe_;
  const int views_, size_;
  const std::uint64_t seed_;
  const engine::Device device_;
  const engine::DType dtype_;
  const Resident* const resident_;
  PixelRing ring_;
  std::vector<View> drawn_;
  std::optional<engine::Upload> parameters_;  // the drawn views on the device
  int layout_ = 0;
};

}  // namespace data
