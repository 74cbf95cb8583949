// Times every algorithm of every convolution of a ResNet, pass by pass:
//   bench_convolution [cifar18 | imagenet50 | narrow] [images] [rounds] [f32 | bf16]
// Prints milliseconds: CPU time of all threads divided by the number of threads, so that other load on the
// machine matters little; the median of rounds, each of which runs every algorithm once. Also prints GFLOP/s
// of the direct convolution. * marks the choice of `automatic`. The last lines are sums over a training step.
#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "kernels/convolution/convolution.h"
#ifdef _OPENMP
#include <omp.h>
#endif

namespace {

using kernels::Algorithm;
using kernels::ConvolutionShape;
using kernels::CpuStream;
using kernels::Pass;

struct Layer {
  std::int64_t h, c, k, r, stride;
  int times;  // occurrences in the network
};

std::vector<Layer> layers_of(const std::string& network) {
  std::vector<Layer> layers;
  if (network == "imagenet50") {
    layers = {{224, 3, 64, 7, 2, 1},
              {56, 64, 64, 1, 1, 1},
              {56, 64, 64, 3, 1, 3},
              {56, 64, 256, 1, 1, 4},
              {56, 256, 64, 1, 1, 2}};
    std::int64_t h = 56;
    const int blocks[] = {4, 6, 3};
    for (int stage = 0; stage < 3; ++stage, h /= 2) {
      const std::int64_t c = 128 << stage;
      layers.insert(layers.end(), {{h, 2 * c, c, 1, 1, 1},
                                   {h, c, c, 3, 2, 1},
                                   {h, 2 * c, 4 * c, 1, 2, 1},
                                   {h / 2, c, c, 3, 1, blocks[stage] - 1},
                                   {h / 2, c, 4 * c, 1, 1, blocks[stage]},
                                   {h / 2, 4 * c, c, 1, 1, blocks[stage] - 1}});
    }
    return layers;
  }
  const std::int64_t width = network == "narrow" ? 16 : 64;
  layers = {{32, 3, width, 3, 1, 1}, {32, width, width, 3, 1, 4}};
  std::int64_t h = 32;
  for (std::int64_t c = 2 * width; c <= 8 * width; c *= 2, h /= 2)
    layers.insert(layers.end(), {{h, c / 2, c, 3, 2, 1}, {h, c / 2, c, 1, 2, 1}, {h / 2, c, c, 3, 1, 3}});
  return layers;
}

char* allocate(std::size_t bytes) {  // huge pages, touched once
  const std::size_t page = std::size_t(2) << 20, rounded = (bytes + page) / page * page;
  void* memory = std::aligned_alloc(page, rounded);
  madvise(memory, rounded, MADV_HUGEPAGE);
  std::memset(memory, 0, rounded);
  return static_cast<char*>(memory);
}

double cpu_seconds() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return double(t.tv_sec) + double(t.tv_nsec) * 1e-9;
}

template <class T>
int run(const std::string& network, std::int64_t images, int rounds) {
#ifdef _OPENMP
  const int threads = omp_get_max_threads();
#else
  const int threads = 1;
#endif
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  double best_sum = 0, automatic_sum = 0;
  std::printf("%-26s %-9s", "layer, times", "pass");
  const char* names[] = {"automatic", "im2col", "onednn", "winograd"};
  for (int a = 1; a < 4; ++a) std::printf("  %9s ms GF/s", names[a]);
  std::printf("\n");
  for (const Layer& l : layers_of(network)) {
    const ConvolutionShape s{images, l.h, l.h, l.c, l.k, l.r, l.r, l.stride, l.r / 2};
    const std::size_t x_size = std::size_t(s.n * s.h * s.w * s.c),
                      y_size = std::size_t(s.n * s.p() * s.q() * s.k);
    const std::size_t w_size = std::size_t(s.k * s.r * s.s * s.c);
    T *x = reinterpret_cast<T*>(allocate(x_size * sizeof(T))),
      *dx = reinterpret_cast<T*>(allocate(x_size * sizeof(T)));
    T *y = reinterpret_cast<T*>(allocate(y_size * sizeof(T))),
      *dy = reinterpret_cast<T*>(allocate(y_size * sizeof(T)));
    float *w = reinterpret_cast<float*>(allocate(w_size * 4)),
          *dw = reinterpret_cast<float*>(allocate(w_size * 4));
    for (std::size_t i = 0; i < x_size; ++i) x[i] = T(std::max(0.f, normal(generator)));
    for (std::size_t i = 0; i < y_size; ++i) dy[i] = T(1e-3f * normal(generator));
    for (std::size_t i = 0; i < w_size; ++i) w[i] = 0.05f * normal(generator);
    const double gflop = 2e-9 * double(s.n * s.p() * s.q()) * double(w_size);
    for (Pass pass : {Pass::forward, Pass::backward_data, Pass::backward_weights}) {
      if (l.c == 3 && pass == Pass::backward_data) continue;  // images need no gradient
      std::vector<double> seconds[4];
      char* workspace[4] = {};
      for (int round = 0; round <= rounds; ++round)
        for (int a = 0; a < 4; ++a) {
          const auto algorithm = Algorithm(a);
          if (!kernels::convolution_can<CpuStream, T>(s, pass, algorithm)) continue;
          if (!workspace[a])
            workspace[a] = allocate(kernels::convolution_workspace_bytes<CpuStream, T>(s, pass, algorithm));
          const double start = cpu_seconds();
          if (pass == Pass::forward)
            kernels::convolution_forward(CpuStream{}, s, x, w, y, workspace[a], algorithm);
          else if (pass == Pass::backward_data)
            kernels::convolution_backward_data(CpuStream{}, s, dy, w, dx, false, workspace[a], algorithm);
          else
            kernels::convolution_backward_weights(CpuStream{}, s, x, dy, dw, false, workspace[a], algorithm);
          if (round > 0) seconds[a].push_back((cpu_seconds() - start) / threads);
        }
      const char* passes[] = {"forward", "data", "weights"};
      char name[64];
      std::snprintf(name, sizeof name, "%dx%d/%d %d->%d@%d x%d", int(l.r), int(l.r), int(l.stride), int(l.c),
                    int(l.k), int(l.h), l.times);
      std::printf("%-26s %-9s", name, passes[int(pass)]);
      double best = 1e9;
      for (int a = 0; a < 4; ++a) {
        if (seconds[a].empty()) {
          std::printf("  %9s %7s", "-", "");
          continue;
        }
        std::sort(seconds[a].begin(), seconds[a].end());
        const double median = seconds[a][seconds[a].size() / 2];
        if (a == 0) {
          automatic_sum += l.times * median;
          continue;
        }
        best = std::min(best, median);
        std::printf("  %9.2f %7.0f", median * 1e3, gflop / median);
      }
      std::printf("  %s\n", kernels::convolution_algorithm<CpuStream, T>(s, pass).c_str());
      std::fflush(stdout);
      best_sum += l.times * best;
      for (char* m : workspace) std::free(m);
    }
    for (void* m : {static_cast<void*>(x), static_cast<void*>(dx), static_cast<void*>(y),
                    static_cast<void*>(dy), static_cast<void*>(w), static_cast<void*>(dw)})
      std::free(m);
  }
  std::printf(
      "all convolutions of a step of %d images: %.1f ms as chosen (%.1f images/s), %.1f ms with the best of "
      "each\n",
      int(images), automatic_sum * 1e3, double(images) / automatic_sum, best_sum * 1e3);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string network = argc > 1 ? argv[1] : "cifar18", type = argc > 4 ? argv[4] : "f32";
  const std::int64_t images = argc > 2 ? std::atoi(argv[2]) : 128;
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 5;
  return type == "bf16" ? run<kernels::bf16>(network, images, rounds) : run<float>(network, images, rounds);
}
