// Batches of images, decoded in the background (prefetch).
//
// The content of a batch depends on (seed, epoch, batch, rank, ranks) alone, not on the threads nor on
// earlier calls. Each epoch is a new permutation, so every sample occurs once per epoch, unless the
// incomplete last batch is dropped.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "engine/error.h"
#include "engine/memory/transfer.h"
#include "engine/ranks/communicator.h"

namespace data {

struct Batch {
  engine::HostBuffer pixels;         // 8-bit RGB, all images concatenated
  std::vector<std::int64_t> offset;  // of each image in pixels, in bytes
  std::vector<std::int32_t> height, width;
  std::vector<Source> source;  // what each image's pixels are a part of; {height, width} if they are all
  std::vector<std::uint32_t> samples;  // indices in the data set
  // With LoaderOptions::shuffle_second, else empty. second: the row whose second view this rank makes at each
  // of its places; rows behind the first second.size() are loaded for second views only. second_places: of
  // each image of all ranks' batch, the place of its second view.
  std::vector<std::int32_t> second, second_places;
  std::vector<std::int32_t> labels;
  std::int64_t epoch = 0, index = 0;  // `index` counts batches within the epoch
  std::vector<std::string> skipped;   // the error of each image that was replaced (BadImages::skip)

  int size() const { return int(samples.size()); }  // rows
};

// The order of an epoch: shuffled, with random numbers keyed by (seed, epoch).
std::vector<std::uint32_t> permutation(std::size_t size, std::uint64_t seed, std::uint32_t epoch);

// An image that cannot be decoded: its name, what is wrong, and where.
struct BadImage : engine::DataError {
  using DataError::DataError;
};

// What to do with an image that cannot be decoded.
enum class BadImages {
  stop,  // next() throws a BadImage
  skip   // replace it by an image drawn by (seed, sample), and report it in Batch::skipped
};

// What is needed of a sample in an epoch: data/view_parts.h. The loader's threads call it.
using NeededPart = std::function<Part(std::uint32_t epoch, std::uint32_t sample, int height, int width)>;

struct LoaderOptions {
  int batch = 256;        // images over all ranks; each rank gets its rows
  bool shuffle = true;    // false: the order of the data set
  bool drop_last = true;  // drop an incomplete last batch; false in evaluation
  int threads = 2;        // decoding threads; 0: decode in the calling thread
  int prefetch = 3;       // batches decoded ahead; fewer if they are large (batches_ahead)
  std::uint64_t seed = 0;
  engine::Device device = engine::cpu;  // the pixels will be copied to it
  BadImages bad_images = BadImages::stop;
  bool shuffle_second = false;  // second views in another order than the first: data/second_views.h
  bool pixels = true;           // false: only samples and labels; the pixels are in a Resident
  NeededPart part = {};         // what is needed of each image; none: all of it
};

// How many batches are decoded ahead, at least one: no more than `prefetch`, and than 512 MB of pixels.
int batches_ahead(double batch_bytes, int prefetch);

class Loader {
 public:
  // The data set must outlive the loader.
  Loader(const Dataset&, const LoaderOptions&, const engine::Communicator& = engine::single());
  Loader(const Dataset&&, const LoaderOptions&, const engine::Communicator& = engine::single()) = delete;
  // Keeps the data set: Loader(open_dataset(...), ...).
  Loader(std::unique_ptr<const Dataset>, const LoaderOptions&,
         const engine::Communicator& = engine::single());
  ~Loader();  // waits until each thread has finished its current image
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  std::int64_t batches_per_epoch() const;
  void seek(std::int64_t epoch, std::int64_t index);  // sets the batch that next() returns next

  // The next batch; the last batch of an epoch is followed by the first of the next epoch. The first form
  // reuses the memory of the batch that it overwrites. After a DataError, the next call tries the same batch
  // again.
  void next(Batch&);
  Batch next();

  double wait_seconds() const;  // total time spent in next()

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace data
