#include "apps/bench/loader_times.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "data/decode/decode.h"
#include "data/for_each_image.h"
#include "data/view_batch.h"

namespace apps {
namespace {

double seconds_on(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

// One image, and what this thread spends on it.
void load(const Loading& l, std::uint32_t epoch, std::uint32_t sample, data::Image& image, ImageWork& own) {
  data::ChoosePart needed;
  if (l.part) needed = [&](int height, int width) { return l.part(epoch, sample, height, width); };
  const double begun = seconds_on(CLOCK_THREAD_CPUTIME_ID);
  const std::vector<std::uint8_t> file = l.images->file_bytes(sample);
  if (file.empty()) {  // pixels: nothing to decode
    l.part ? l.images->read_part(sample, needed, image) : l.images->read(sample, image);
    own.read += seconds_on(CLOCK_THREAD_CPUTIME_ID) - begun;
    return;
  }
  const double read = seconds_on(CLOCK_THREAD_CPUTIME_ID);
  data::decode_image(file.data(), file.size(), l.images->name(sample), image, l.decode, needed);
  own.read += read - begun;
  own.decode += seconds_on(CLOCK_THREAD_CPUTIME_ID) - read;
}

// The images of a batch, by all threads.
ImageWork load(const Loading& l, std::uint32_t epoch, const std::uint32_t* samples,
               std::vector<data::Image>& images) {
  std::vector<ImageWork> own(std::size_t(l.threads), ImageWork{});
  data::for_each_image(images.size(), l.threads, [&](std::size_t i, int thread) {
    load(l, epoch, samples[i], images[i], own[std::size_t(thread)]);
  });
  ImageWork sum;
  for (const ImageWork& w : own) sum.read += w.read, sum.decode += w.decode;
  return sum;
}

double assemble(const std::vector<data::Image>& images, std::vector<std::uint8_t>& batch) {
  const double begun = seconds_on(CLOCK_THREAD_CPUTIME_ID);
  batch.clear();  // keeps its memory
  for (const data::Image& image : images) batch.insert(batch.end(), image.pixels.begin(), image.pixels.end());
  return seconds_on(CLOCK_THREAD_CPUTIME_ID) - begun;
}

}  // namespace

ImageWork measure_work(const Loading& l, std::int64_t epoch) {
  const std::vector<std::uint32_t> order = data::permutation(l.images->size(), l.seed, std::uint32_t(epoch));
  std::vector<data::Image> images(std::size_t(l.batch));
  std::vector<std::uint8_t> batch;
  ImageWork all;
  for (long b = -1; b < l.batches; ++b) {  // the first one warms up: it brings memory
    const std::uint32_t* samples = order.data() + std::size_t(std::max(0L, b)) * images.size();
    ImageWork work = load(l, std::uint32_t(epoch), samples, images);
    work.assemble = assemble(images, batch);
    if (b < 0) continue;
    all.read += work.read, all.decode += work.decode, all.assemble += work.assemble;
  }
  return all;
}

double measure_views(const Loading& l, std::int64_t epoch, const std::vector<data::ViewRecipe>& recipes,
                     int size) {
  data::Loader loader(*l.images, {.batch = l.batch, .threads = 0, .seed = l.seed, .part = l.part});
  data::ViewBatches views(recipes, size, l.seed, engine::cpu, engine::DType::f32);
  data::Batch batch;
  double seconds = 0;
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);  // threads that wait would be counted
  for (long b = -1; b < l.batches; ++b) {
    if (b <= 0) loader.seek(epoch, 0);  // the first one warms up: it brings memory
    loader.next(batch);
    const double begun = seconds_on(CLOCK_THREAD_CPUTIME_ID);
    views(batch);
    if (b >= 0) seconds += seconds_on(CLOCK_THREAD_CPUTIME_ID) - begun;
  }
  omp_set_num_threads(threads);
  return seconds;
}

double measure_wall(const Loading& l, std::int64_t epoch) {
  // one batch ahead, so that little is decoded beside the batches that are counted
  data::Loader loader(
      *l.images, {.batch = l.batch, .threads = l.threads, .prefetch = 1, .seed = l.seed, .part = l.part});
  loader.seek(epoch, 0);
  data::Batch batch;
  loader.next(batch);  // warms up
  loader.seek(epoch, 0);
  const auto begun = std::chrono::steady_clock::now();
  for (long b = 0; b < l.batches; ++b) loader.next(batch);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

}  // namespace apps
