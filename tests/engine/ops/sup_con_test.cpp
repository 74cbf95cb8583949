// SupCon in f32 against the plain matrix form in f64, for temperatures and rows that are difficult in f32;
// its limit, NT-Xent; its memory use; and wrong labels.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "engine/ops.h"
#include "engine/random.h"
#include "engine/tape.h"

using namespace engine;

namespace {

struct ExactSupCon {
  double loss = 0, d_tau = 0;
  std::vector<double> d_h;
};

// Khosla et al. 2020, eq. 2, with the whole similarity matrix, row by row, in f64.
ExactSupCon exact_sup_con(const std::vector<double>& h, const std::vector<std::int32_t>& label,
                          std::size_t width, double tau) {
  const std::size_t rows = label.size();
  std::vector<double> z(h.size()), norm(rows), dz(h.size(), 0.0), s(rows), g(rows);
  const auto at = [&](const std::vector<double>& a, std::size_t i) { return a.data() + i * width; };
  const auto dot = [&](const double* a, const double* b) {
    double sum = 0;
    for (std::size_t d = 0; d < width; ++d) sum += a[d] * b[d];
    return sum;
  };
  for (std::size_t i = 0; i < rows; ++i) {
    norm[i] = std::sqrt(dot(at(h, i), at(h, i)));
    for (std::size_t d = 0; d < width; ++d) z[i * width + d] = h[i * width + d] / norm[i];
  }
  ExactSupCon e;
  const double n = double(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    double top = -1, all = 0, positives = 0, mean = 0;
    for (std::size_t j = 0; j < rows; ++j) {
      s[j] = dot(at(z, i), at(z, j));
      if (j != i) top = std::max(top, s[j]);
      if (j != i && label[j] == label[i]) positives += 1;
    }
    for (std::size_t j = 0; j < rows; ++j) {
      if (j == i) continue;
      all += std::exp((s[j] - top) / tau);
      if (label[j] == label[i]) mean += (top - s[j]) / positives;
    }
    e.loss += (std::log(all) + mean / tau) / n;
    for (std::size_t j = 0; j < rows; ++j) {
      if (j == i) continue;
      g[j] = (std::exp((s[j] - top) / tau) / all - (label[j] == label[i] ? 1 / positives : 0)) / tau / n;
      e.d_tau -= g[j] * s[j] / tau;
      for (std::size_t d = 0; d < width; ++d) {
        dz[i * width + d] += g[j] * z[j * width + d];
        dz[j * width + d] += g[j] * z[i * width + d];
      }
    }
  }
  e.d_h.resize(h.size());
  for (std::size_t i = 0; i < rows; ++i) {
    const double along = dot(at(z, i), at(dz, i));
    for (std::size_t d = 0; d < width; ++d)
      e.d_h[i * width + d] = (dz[i * width + d] - along * z[i * width + d]) / norm[i];
  }
  return e;
}

// Rows of a class are the same direction up to `noise`; 1: independent.
std::vector<double> rows_of_classes(const std::vector<std::int32_t>& label, std::size_t width, double noise) {
  Random random(3);
  std::vector<double> direction, h;
  for (std::size_t k = 0; k < 64 * width; ++k) direction.push_back(random.normal());
  for (const std::int32_t c : label)
    for (std::size_t d = 0; d < width; ++d)
      h.push_back(
          float((noise < 1 ? 1.25 * direction[std::size_t(c) * width + d] : 0) + noise * random.normal()));
  return h;
}

// Both views of an image have its class.
std::vector<std::int32_t> classes_of(int pairs, int classes) {
  std::vector<std::int32_t> label;
  for (int row = 0; row < 2 * pairs; ++row) label.push_back(row % pairs * 7 % classes);
  return label;
}

Tensor label_rows(const std::vector<std::int32_t>& label) {
  const Tensor t({std::int64_t(label.size())}, DType::i32, cpu);
  std::copy(label.begin(), label.end(), t.data<std::int32_t>());
  return t;
}

}  // namespace

TEST_CASE("sup_con in f32: loss within 1e-6 max(L, 1/tau), gradient within 1e-5 of the matrix form in f64") {
  const Threads before = cpu_threads();
  const int pairs = 70, width = 65;
  for (const int classes : {1, 5, 60})
    for (const double noise : {1.0, 0.1, 1e-3}) {
      const std::vector<std::int32_t> label = classes_of(pairs, classes);
      const std::vector<double> h = rows_of_classes(label, width, noise);
      for (const double tau : {0.01, 0.05, 0.1, 0.5, 1.0}) {
        INFO(classes, " classes, noise ", noise, ", tau ", tau);
        const ExactSupCon exact = exact_sup_con(h, label, width, double(float(tau)));
#ifdef DYAD_SIMT_ONLY
        for (const Threads threads : {Threads::gpu}) {
#else
        for (const Threads threads : {Threads::host, Threads::gpu}) {
#endif
          cpu_threads() = threads;
          const Tensor x = leaf(from_vector({2 * pairs, width}, h, DType::f32)),
                       t = leaf(full({1}, tau, DType::f32, cpu));
          const Tensor loss = sup_con(x, label_rows(label), t, single());
          backward(loss);
          CHECK(std::abs(loss.item() - exact.loss) <= 1e-6 * std::max(exact.loss, 1 / tau));
          const auto got = gradient(x).to_vector();
          double difference = 0, size = 0, length = 0;
          for (std::size_t k = 0; k < got.size(); ++k) {
            difference += (got[k] - exact.d_h[k]) * (got[k] - exact.d_h[k]);
            size += exact.d_h[k] * exact.d_h[k];
            length += h[k] * h[k];
          }
          // Where a class is nearly one direction, its attraction and its repulsion nearly cancel. What is
          // left of their rounding, 1e-7 / tau, is multiplied with how much the rows of the class differ.
          const double cancelled = noise < 1 ? 3e-7 * noise / (tau * tau) / std::sqrt(length) : 0;
          CHECK(std::sqrt(difference) <= 1e-5 * std::sqrt(size) + cancelled);
          CHECK(std::abs(gradient(t).item() - exact.d_tau) <=
                1e-5 * std::abs(exact.d_tau) + 1e-6 * std::max(exact.loss, 1 / tau) / tau);
        }
        cpu_threads() = before;
      }
    }
}

TEST_CASE("sup_con with a class for each image is nt_xent, bit for bit") {
  const int pairs = 37, width = 20;
  const std::vector<double> h = rows_of_classes(classes_of(pairs, 5), width, 0.3);
  for (const double tau : {0.01, 0.2}) {
    const Tensor x = leaf(from_vector({2 * pairs, width}, h, DType::f32)),
                 y = leaf(from_vector({2 * pairs, width}, h, DType::f32)),
                 t = full({1}, tau, DType::f32, cpu);
    const Tensor of_classes = sup_con(x, label_rows(classes_of(pairs, pairs)), t, single()),
                 of_pairs = nt_xent(y, t, single());
    backward(of_classes);
    backward(of_pairs);
    CHECK(of_classes.item() == of_pairs.item());
    CHECK(gradient(x).to_vector() == gradient(y).to_vector());
  }
}

#ifndef DYAD_SIMT_ONLY  // sanitizer builds do not count memory
TEST_CASE("sup_con needs memory linear in N, from 512 to 8,192 pairs") {
  const int width = 32;
  double per_row = 0;
  for (const int pairs : {512, 2048, 8192}) {
    const std::vector<std::int32_t> label = classes_of(pairs, 10);
    const Tensor h = leaf(from_vector({2 * pairs, width}, rows_of_classes(label, width, 1), DType::f32)),
                 labels = label_rows(label), tau = full({1}, 0.2, DType::f32, cpu);
    reset_peak_memory(cpu);
    const std::size_t before = memory_use(cpu).now;
    const Tensor loss = sup_con(h, labels, tau, single());
    backward(loss);
    CHECK(std::isfinite(loss.item()));
    const double bytes = double(memory_use(cpu).peak - before) / (2 * pairs);
    INFO(pairs, " pairs: ", bytes, " bytes a row");
    if (per_row == 0) per_row = bytes;
    CHECK(bytes <= 1.1 * per_row);
    CHECK(bytes <= 2048);
  }
}
#endif

TEST_CASE("sup_con: labels that are missing, of another number, negative, or not of both views are refused") {
  const Tensor h = from_vector({4, 2}, {1, 0, 0, 1, 1, 1, 1, -1}, DType::f32),
               tau = full({1}, 0.2, DType::f32, cpu);
  const auto loss = [&](const Tensor& labels) { return sup_con(h, labels, tau, single()).item(); };
  CHECK(std::isfinite(loss(label_rows({3, 3, 3, 3}))));
  CHECK_THROWS_WITH(loss({}), "sup_con: expected labels, i32 (4) on cpu");
  CHECK_THROWS_WITH(loss(label_rows({1, 2})), "sup_con: expected labels, i32 (4) on cpu");
  CHECK_THROWS_WITH(
      loss(label_rows({0, -1, 0, -1})),
      "sup_con: the labels of image 1 are -1 and -1, expected the same in both views, and at least 0");
  CHECK_THROWS_WITH(
      loss(label_rows({0, 1, 0, 2})),
      "sup_con: the labels of image 1 are 1 and 2, expected the same in both views, and at least 0");
}
