// What the images of a training cost until they are a batch, and its views.
#pragma once

#include <cstdint>
#include <vector>

#include "data/loader.h"
#include "data/views.h"

namespace apps {

// How a measurement loads images: as a training does, with `part`, or whole without.
struct Loading {
  const data::Dataset* images;
  data::DecodeOptions decode;  // as the data set decodes
  data::NeededPart part;
  int batch = 128, threads = 1;
  long batches = 1;
  std::uint64_t seed = 0;
};

// CPU seconds of all threads.
struct ImageWork {
  double read = 0;      // the bytes of files to memory; of a raw pack or of records the pixels
  double decode = 0;    // to pixels
  double assemble = 0;  // the images of a batch one behind the other
  double total() const { return read + decode + assemble; }
};

// Of each part of the work apart, by `threads` threads. They take the images of the first batches of an
// epoch.
ImageWork measure_work(const Loading&, std::int64_t epoch);

// CPU seconds of making two views of each of these images, on the CPU device with one thread.
double measure_views(const Loading&, std::int64_t epoch, const std::vector<data::ViewRecipe>&, int size);

// Seconds until data::Loader with `threads` threads has given the batches.
double measure_wall(const Loading&, std::int64_t epoch);

}  // namespace apps
