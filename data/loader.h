// Batches of images, read and decoded ahead of use.
//
// What a batch holds depends on (seed, epoch, batch, rank, ranks) alone: not on the threads, nor on what was
// asked for before. Each epoch is a permutation of its own, so every sample comes once an epoch (but for the
// last incomplete batch, if it is dropped).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "engine/memory/transfer.h"
#include "engine/ranks/communicator.h"

namespace data {

struct Batch {
  engine::HostBuffer pixels;         // 8-bit RGB of all images, one after the other
  std::vector<std::int64_t> offset;  // of each image, in bytes
  std::vector<std::int32_t> height, width;
  std::vector<std::uint32_t> samples;  // indices in the data set
  std::vector<std::int32_t> labels;
  std::int64_t epoch = 0, index = 0;  // which batch of which epoch
  std::vector<std::string>
      skipped;  // what was wrong with images in whose place others came (BadImages::skip)

  int size() const { return int(samples.size()); }
};

// The order of an epoch: shuffled, with draws named by (seed, epoch).
std::vector<std::uint32_t> permutation(std::size_t size, std::uint64_t seed, std::uint32_t epoch);

// What becomes of an image that can't be decoded.
enum class BadImages {
  stop,  // next() throws a DataError that names it
  skip   // another one comes in its place, drawn by (seed, sample), and the batch says so
};

struct LoaderOptions {
  int batch = 256;        // of all ranks together; each rank gets its rows
  bool shuffle = true;    // else in the order of the data set
  bool drop_last = true;  // leave out an incomplete last batch (training); evaluation wants it
  int threads = 2;        // that decode; 0: in the calling thread
  int prefetch = 3;       // batches that are made ahead
  std::uint64_t seed = 0;
  engine::Device device = engine::cpu;  // to which the pixels will be copied
  BadImages bad_images = BadImages::stop;
  bool pixels = true;  // false: only samples and labels, the pixels being there (Resident)
};

class Loader {
 public:
  Loader(const Dataset&, const LoaderOptions&, const engine::Communicator& = engine::single());
  ~Loader();  // waits for its threads: for one image each
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  std::int64_t batches_per_epoch() const;
  void seek(std::int64_t epoch, std::int64_t index);  // what next() gives next

  // The next batch; after the last of an epoch comes the first of the next epoch. The first form takes the
  // memory of the batch that it replaces. After a DataError asking again asks for the same batch.
  void next(Batch&);
  Batch next();

  double wait_seconds() const;  // spent in next() so far

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace data
