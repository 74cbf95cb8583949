#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

// A card for one kind of filter; its shape is (N,H,W,C) of the images. Small images, whose Jacobian is
// checked, get `few` filters; large images get `many`, as in a ResNet.
OpCase conv2d_case(const char* name, std::int64_t few, std::int64_t many, std::int64_t kernel, int stride,
                   int padding, std::vector<Shape> check, std::vector<Shape> bench,
                   kernels::Algorithm algorithm = kernels::Algorithm::automatic) {
  const auto filters = [=](const Shape& s) { return s.numel() < 1000 ? few : many; };
  return {
      .name = name,
      .inputs =
          [=](const Shape& s, Random& r) {
            return Tensors{leaf(uniform(s, r)), leaf(uniform({filters(s), kernel, kernel, s[3]}, r))};
          },
      .apply = [=](const Tensors& in) { return Tensors{conv2d(in[0], in[1], stride, padding, algorithm)}; },
      .check = std::move(check),
      .bench = std::move(bench),
      .bf16 = true,
      .flops =
          [=](const Shape& s) {
            const std::int64_t p = (s[1] + 2 * padding - kernel) / stride + 1;
            const std::int64_t q = (s[2] + 2 * padding - kernel) / stride + 1;
            return 3. * 2. * double(s[0] * p * q) * double(filters(s) * kernel * kernel * s[3]);
          },
  };
}

const AddCase same_case{conv2d_case("conv2d", 3, 64, 3, 1, 1, {{1, 1, 1, 1}, {2, 5, 4, 3}, {1, 3, 3, 17}},
                                    {{128, 32, 32, 3}, {128, 32, 32, 64}})};
const AddCase strided_case{
    conv2d_case("conv2d/stride 2", 2, 128, 3, 2, 1, {{1, 3, 3, 1}, {2, 5, 6, 3}}, {{128, 32, 32, 64}})};
const AddCase pointwise_case{
    conv2d_case("conv2d/1x1", 5, 256, 1, 1, 0, {{1, 1, 1, 2}, {2, 3, 3, 5}}, {{128, 56, 56, 64}})};
const AddCase pointwise_strided_case{
    conv2d_case("conv2d/1x1 stride 2", 5, 128, 1, 2, 0, {{1, 3, 2, 3}, {2, 4, 3, 3}}, {{128, 32, 32, 64}})};
const AddCase stem_case{
    conv2d_case("conv2d/7x7 stride 2", 2, 64, 7, 2, 3, {{1, 2, 3, 1}, {1, 7, 5, 3}}, {{32, 224, 224, 3}})};

// Tiles of 4x4 outputs: some overhang the edge, one fits exactly.
const AddCase winograd_case{conv2d_case("conv2d/winograd", 2, 64, 3, 1, 1,
                                        {{1, 1, 1, 1}, {1, 5, 3, 3}, {2, 4, 4, 1}}, {{128, 32, 32, 64}},
                                        kernels::Algorithm::winograd)};
const AddCase winograd_strided_case{conv2d_case("conv2d/winograd stride 2", 2, 128, 3, 2, 1,
                                                {{1, 2, 3, 2}, {2, 9, 8, 1}}, {{128, 32, 32, 64}},
                                                kernels::Algorithm::winograd)};

}  // namespace
}  // namespace engine
