// From loader batches to augmented input batches of the network.
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

// Double-buffered device memory for the pixels of batches: the next batch is copied while the device works on
// the current one. The host does not wait.
class PixelRing {
 public:
  explicit PixelRing(engine::Device device)
      : device_(device), slots_{std::make_unique<Slot>(device), std::make_unique<Slot>(device)} {}

  // Queues the copy; work queued on the device afterwards can read the pixels. Returns their offset in
  // pixels(), in bytes. All work that reads the previous batch must already be queued.
  std::int64_t send(const engine::HostBuffer& pixels);
  const engine::Tensor& pixels() const { return pixels_; }  // all slots; reallocated when batches grow

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

// Makes random views of every image of each batch, drawn by (seed, epoch of the batch, sample, view).
class ViewBatches {
 public:
  // One recipe for each view; they have the same normalization and rules. resident: holds the pixels if not
  // null; otherwise batches carry them. labels: whether labels() is wanted; they are sent to the device.
  ViewBatches(std::vector<ViewRecipe>, int size, std::uint64_t seed, engine::Device, engine::DType,
              const Resident* resident = nullptr, bool labels = false);
  // `views` views of one recipe.
  ViewBatches(const ViewRecipe& recipe, int views, int size, std::uint64_t seed, engine::Device device,
              engine::DType dtype, const Resident* resident = nullptr)
      : ViewBatches(std::vector<ViewRecipe>(std::size_t(views), recipe), size, seed, device, dtype,
                    resident) {}

  // Draws the views of a batch, and sends them and the pixels to the device. The host does not wait. The
  // caller may give the batch back to the loader at once.
  void stage(const Batch&);
  // Returns (views * N, size, size, 3) on the device; row v * N + i is view v of image i, or of the image of
  // row Batch::second[i] where v > 0 and there is such an order. Only launches kernels, with the same
  // arguments as long as layout() does not change. A CUDA graph can capture it.
  engine::Tensor make() const;
  // (views * N), i32, on the device: the class of each row of make(). Undefined if it was not wanted.
  engine::Tensor labels() const;
  // (N of all ranks), i32, on the device: Batch::second_places. Undefined if the batch has none.
  engine::Tensor second_places() const;
  int layout() const { return layout_; }  // changes when the arguments of make()'s launches change

  engine::Tensor operator()(const Batch& batch) {
    stage(batch);
    return make();
  }

 private:
  void send_numbers(const std::vector<std::int32_t>&, std::optional<engine::Upload>& to) const;

  const std::vector<ViewRecipe> recipes_;
  const int size_;
  const std::uint64_t seed_;
  const engine::Device device_;
  const engine::DType dtype_;
  const Resident* const resident_;
  const bool labelled_;
  PixelRing ring_;
  std::vector<View> drawn_;
  std::vector<std::int32_t> classes_;                                      // of the drawn views, if labelled
  std::vector<std::int32_t> second_places_;                                // of the batch; empty: in order
  std::optional<engine::Upload> parameters_, sent_classes_, sent_places_;  // on the device
  int layout_ = 0;
};

}  // namespace data
