// An op that does not take a tensor's type names itself.
#include <doctest/doctest.h>

#include <functional>

#include "engine/ops.h"
#include "tests/support/scratch.h"

using namespace engine;

TEST_CASE("ops: a type that an op does not take is refused in its name") {
  const Tensor rows = zeros({2, 4}, DType::i32, cpu), image = zeros({1, 4, 4, 2}, DType::u8, cpu),
               filter = zeros({3, 1, 1, 2}, DType::f32, cpu), tau = full({1}, 0.5, DType::f32, cpu),
               half = zeros({2, 4}, DType::bf16, cpu);
  const std::pair<std::string, std::function<void()>> cases[] = {
      {"add", [&] { add(rows, rows); }},
      {"add_relu", [&] { add_relu(rows, rows); }},
      {"scale", [&] { scale(rows, 2); }},
      {"relu", [&] { relu(rows); }},
      {"cast", [&] { cast(rows, DType::f32); }},
      {"nchw_to_nhwc", [&] { nchw_to_nhwc(image); }},
      {"sum", [&] { sum(rows); }},
      {"mean", [&] { mean(rows); }},
      {"linear", [&] { linear(rows, rows); }},
      {"conv2d", [&] { conv2d(image, filter, 1, 0); }},
      {"l2_normalize", [&] { l2_normalize(rows); }},
      {"max_pool2d", [&] { max_pool2d(image, 2, 2, 0); }},
      {"global_avg_pool", [&] { global_avg_pool(image); }},
      {"nt_xent", [&] { nt_xent(half, tau, single()); }},
      {"sup_con", [&] { sup_con(half, zeros({1}, DType::i32, cpu), tau, single()); }},
      {"positive_weights", [&] { positive_weights(half, 0.5, single()); }},
      {"info_nce", [&] { info_nce(half, half, tau, single()); }},
      {"cosine_loss", [&] { cosine_loss(half, half, single()); }},
      {"softmax_cross_entropy", [&] { softmax_cross_entropy(half, zeros({2}, DType::i32, cpu)); }},
      {"top_k", [&] { top_k(rows, 1); }},
  };
  for (const auto& one : cases) {
    const std::string text = message_of<std::invalid_argument>(one.second);
    INFO(one.first, " | ", text);
    CHECK(text.starts_with(one.first + ": dtype "));
    CHECK(text.find(", expected f32") != std::string::npos);
  }
}
