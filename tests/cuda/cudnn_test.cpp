// Convolution by cuDNN, tested without a GPU: with a test double that convolves in plain loops by the extents
// and strides that it receives, with plans on disk, and with cuDNN's own list of engines for a described
// H100.
#ifdef DYAD_CUDNN
#include "kernels/vendor/cudnn.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/files/cudnn_plan_cache.h"
#include "engine/memory/cuda_device.h"
#include "kernels/convolution/beside_cudnn.h"
#include "kernels/convolution/convolution.h"
#include "kernels/vendor/vendor_library.h"
#include "tests/support/direct_convolution.h"
#include "tests/support/scratch.h"

using kernels::Algorithm;
using kernels::ConvolutionShape;
using kernels::CudaStream;
using kernels::Pass;
using kernels::cudnn::Request;
using kernels::cudnn::Type;
using namespace direct_convolution;

namespace {

const CudaStream stream{reinterpret_cast<CUstream_st*>(0x1230)};
constexpr Pass passes[] = {Pass::forward, Pass::backward_data, Pass::backward_weights};

// ---- a stand-in for the library --------------------------------------------------------------------

// Accesses a tensor in memory by the strides that the library received.
struct View {
  kernels::cudnn::Tensor tensor;
  void* memory;

  std::int64_t place(std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t d) const {
    const std::int64_t index[] = {a, b, c, d};
    std::int64_t at = 0, elements = 1;
    for (std::size_t i = 0; i < 4; ++i) {
      if (index[i] < 0 || index[i] >= tensor.extents[i]) FAIL("outside of the tensor's extents");
      at += index[i] * tensor.strides[i];
      elements *= tensor.extents[i];
    }
    if (at >= elements) FAIL("the strides leave the tensor");
    return at;
  }
  double get(std::int64_t at) const {
    return tensor.type == Type::f32 ? double(static_cast<float*>(memory)[at])
                                    : double(static_cast<bf16*>(memory)[at]);
  }
  void set(std::int64_t at, double value) const {
    if (tensor.type == Type::f32)
      static_cast<float*>(memory)[at] = float(value);
    else
      static_cast<bf16*>(memory)[at] = bf16(value);
  }
  std::size_t elements() const {
    const auto& e = tensor.extents;
    return std::size_t(e[0] * e[1] * e[2] * e[3]);
  }
};

struct Double;

struct DoublePlan : kernels::cudnn::Plan {
  DoublePlan(Double& of, Request asked) : owner(of), r(asked) {}
  const char* name() const override { return "cudnn engine 99"; }
  std::size_t workspace_bytes() const override { return 1000; }  // not a multiple of any alignment
  void run(CudaStream, const void* first, const void* second, void* out, void* workspace) const override;
  Double& owner;
  Request r;
};

struct Double : kernels::cudnn::Library {
  Double() { kernels::cudnn::set_library(this); }
  ~Double() override { kernels::cudnn::set_library(nullptr); }

  const kernels::cudnn::Plan* plan(const Request& r) override {
    asked.push_back(r);
    if (refuses || (only_f32 && r.pass == Pass::backward_weights && r.w.type == Type::bf16)) return nullptr;
    auto& made = plans[r];
    if (made == nullptr) made = std::make_unique<DoublePlan>(*this, r);
    return made.get();
  }
  std::vector<Request> asked, ran;
  std::map<Request, std::unique_ptr<DoublePlan>> plans;
  bool refuses = false;
  bool only_f32 = false;  // no engine writes a bf16 gradient
};

void DoublePlan::run(CudaStream s, const void* first, const void* second, void* out, void* workspace) const {
  CHECK(s.handle == stream.handle);
  owner.ran.push_back(r);
  void* a = const_cast<void*>(first);   // NOLINT: View has one pointer type for inputs and outputs
  void* b = const_cast<void*>(second);  // NOLINT
  const View x{r.x, r.pass == Pass::backward_data ? out : a};
  const View w{r.w, r.pass == Pass::backward_weights ? out : b};
  const View y{r.y, r.pass == Pass::forward ? out : r.pass == Pass::backward_data ? a : b};
  const View& result = r.pass == Pass::forward ? y : r.pass == Pass::backward_data ? x : w;
  std::memset(workspace, 0xff, workspace_bytes());  // overwrites anything else stored there
  std::vector<double> sums(result.elements());
  for (std::int64_t n = 0; n < r.y.extents[0]; ++n)
    for (std::int64_t k = 0; k < r.y.extents[1]; ++k)
      for (std::int64_t p = 0; p < r.y.extents[2]; ++p)
        for (std::int64_t q = 0; q < r.y.extents[3]; ++q)
          for (std::int64_t c = 0; c < r.w.extents[1]; ++c)
            for (std::int64_t i = 0; i < r.w.extents[2]; ++i)
              for (std::int64_t j = 0; j < r.w.extents[3]; ++j) {
                const std::int64_t h = p * r.stride - r.padding + i, v = q * r.stride - r.padding + j;
                if (h < 0 || h >= r.x.extents[2] || v < 0 || v >= r.x.extents[3]) continue;
                const auto ix = x.place(n, c, h, v), iw = w.place(k, c, i, j), iy = y.place(n, k, p, q);
                if (r.pass == Pass::forward) sums[std::size_t(iy)] += x.get(ix) * w.get(iw);
                if (r.pass == Pass::backward_data) sums[std::size_t(ix)] += y.get(iy) * w.get(iw);
                if (r.pass == Pass::backward_weights) sums[std::size_t(iw)] += x.get(ix) * y.get(iy);
              }
  for (std::size_t i = 0; i < sums.size(); ++i) result.set(std::int64_t(i), sums[i]);
  std::memset(workspace, 0xff, workspace_bytes());  // overwrites anything else stored there
}

// Runs the kernels beside cuDNN on the host, and counts their calls.
struct OnTheHost {
  OnTheHost() : before(kernels::beside_cudnn()) {
    rounded = widened = added = 0;
    kernels::beside_cudnn() = {[](CudaStream s, std::int64_t n, const float* x, bf16* y) {
                                 CHECK(s.handle == stream.handle);
                                 for (std::int64_t i = 0; i < n; ++i) y[i] = bf16(x[i]);
                                 ++rounded;
                               },
                               [](CudaStream s, std::int64_t n, const bf16* x, float* y, bool accumulate) {
                                 CHECK(s.handle == stream.handle);
                                 for (std::int64_t i = 0; i < n; ++i)
                                   y[i] = accumulate ? y[i] + float(x[i]) : float(x[i]);
                                 ++widened;
                               },
                               [](CudaStream s, std::int64_t n, const float* x, float* y) {
                                 CHECK(s.handle == stream.handle);
                                 for (std::int64_t i = 0; i < n; ++i) y[i] += x[i];
                                 ++added;
                               },
                               [](CudaStream s, std::int64_t n, const bf16* x, bf16* y) {
                                 CHECK(s.handle == stream.handle);
                                 for (std::int64_t i = 0; i < n; ++i) y[i] = bf16(float(y[i]) + float(x[i]));
                                 ++added;
                               }};
  }
  ~OnTheHost() { kernels::beside_cudnn() = before; }
  OnTheHost(const OnTheHost&) = delete;
  OnTheHost& operator=(const OnTheHost&) = delete;
  kernels::BesideCudnn before;
  static inline int rounded, widened, added;
};

// A buffer of the exact size, filled with NaN, between two guard zones.
struct Guarded {
  explicit Guarded(std::size_t size) : bytes(size), memory(size + 512, char(0xff)) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
    begin = memory.data() + 128 + (64 - address % 64) % 64;
    std::memset(begin - 64, 0x55, 64);
    std::memset(begin + bytes, 0x55, 64);
  }
  bool intact() const {
    for (int i = 0; i < 64; ++i)
      if (begin[-1 - i] != 0x55 || begin[bytes + std::size_t(i)] != 0x55) return false;
    return true;
  }
  std::size_t bytes;
  std::vector<char> memory;
  char* begin;
};

template <class T>
void check_shape(const ConvolutionShape& s, double tolerance, bool only_f32 = false) {
  CAPTURE(s.h);
  CAPTURE(s.c);
  CAPTURE(s.k);
  CAPTURE(s.r);
  CAPTURE(s.stride);
  const Problem problem(s);
  const auto x = as<T>(problem.x), dy = as<T>(problem.dy);
  const auto filter = as<float>(problem.filter);
  const bool bf16_images = std::is_same_v<T, bf16>, widens = bf16_images && !only_f32;
  Double library;
  library.only_f32 = only_f32;
  const OnTheHost beside;
  std::vector<T> y(dy.size(), T(7.f)), dx(x.size(), T(7.f));
  std::vector<float> d_filter(filter.size(), 7.f);
  const auto workspace = [&](Pass pass) {
    return Guarded(kernels::convolution_workspace_bytes<CudaStream, T>(s, pass));
  };
  {
    const Guarded scratch = workspace(Pass::forward);
    kernels::convolution_forward(stream, s, x.data(), filter.data(), y.data(), scratch.begin);
    CHECK(scratch.intact());
    CHECK(error(y, problem.y) <= tolerance);
    CHECK(beside.rounded == int(bf16_images));
    CHECK(beside.added == 0);
  }
  for (const int times : {1, 2}) {
    const Guarded scratch = workspace(Pass::backward_data);
    kernels::convolution_backward_data(stream, s, dy.data(), filter.data(), dx.data(), times == 2,
                                       scratch.begin);
    CHECK(scratch.intact());
    CHECK(error(dx, problem.dx, times) <= tolerance);
    CHECK(beside.rounded == (bf16_images ? 1 + times : 0));
    CHECK(beside.added == times - 1);
  }
  for (const int times : {1, 2}) {
    const Guarded scratch = workspace(Pass::backward_weights);
    kernels::convolution_backward_weights(stream, s, x.data(), dy.data(), d_filter.data(), times == 2,
                                          scratch.begin);
    CHECK(scratch.intact());
    CHECK(error(d_filter, problem.d_filter, times) <= (widens ? tolerance : 2e-6));
    CHECK(beside.rounded == (bf16_images ? 3 : 0));
    CHECK(beside.added == (widens ? 1 : times));
    CHECK(beside.widened == (widens ? times : 0));
  }
  REQUIRE(library.ran.size() == 5);
  for (const Request& r : library.ran) {
    CHECK(r.x.type == (bf16_images ? Type::bf16 : Type::f32));
    CHECK(r.y.type == r.x.type);
    CHECK(r.w.type == (r.pass == Pass::backward_weights && !widens ? Type::f32 : r.x.type));
    CHECK_FALSE(r.tf32);
  }
  CHECK(library.plans.size() == 3);
}

const std::vector<ConvolutionShape>& awkward_shapes() {
  static const std::vector<ConvolutionShape> shapes{
      {1, 1, 1, 1, 1, 1, 1, 1, 0}, {2, 5, 6, 4, 3, 1, 1, 1, 0},   {2, 7, 5, 3, 5, 3, 3, 1, 1},
      {1, 6, 7, 5, 4, 3, 3, 1, 0}, {2, 8, 8, 4, 6, 3, 3, 2, 1},   {1, 7, 9, 5, 3, 3, 3, 2, 1},
      {2, 7, 5, 3, 4, 1, 1, 2, 0}, {1, 17, 13, 3, 5, 7, 7, 2, 3}, {3, 4, 6, 2, 3, 5, 3, 1, 2}};
  return shapes;
}

}  // namespace

TEST_CASE("cudnn: every pass in f32, by the extents, strides and pointers that cuDNN is given") {
  for (const ConvolutionShape& s : awkward_shapes()) check_shape<float>(s, 2e-6);
}

TEST_CASE("cudnn: bf16 images: filters are rounded, their gradients widened") {
  for (const ConvolutionShape& s : awkward_shapes()) check_shape<bf16>(s, 5e-3);
}

TEST_CASE("cudnn: without an engine that writes a filter gradient in bf16, one that writes f32 is used") {
  for (const ConvolutionShape& s : awkward_shapes()) check_shape<bf16>(s, 5e-3, true);
}

TEST_CASE("cudnn: a filter is rounded at each use, since the optimizer changes it") {
  const Double library;
  const OnTheHost beside;
  const ConvolutionShape s{1, 1, 1, 1, 1, 1, 1, 1, 0};
  const bf16 x(2.f);
  float filter = 3;
  bf16 y(0.f);
  const Guarded scratch(kernels::convolution_workspace_bytes<CudaStream, bf16>(s, Pass::forward));
  kernels::convolution_forward(stream, s, &x, &filter, &y, scratch.begin);
  CHECK(float(y) == 6);
  filter = 5;
  kernels::convolution_forward(stream, s, &x, &filter, &y, scratch.begin);
  CHECK(float(y) == 10);
}

TEST_CASE("cudnn: which convolutions it computes") {
  Double library;
  const ConvolutionShape s{2, 5, 6, 4, 3, 3, 3, 1, 1}, matrix{2, 5, 6, 4, 3, 1, 1, 1, 0},
      empty{0, 5, 6, 4, 3, 3, 3, 1, 1};
  for (const Pass pass : passes) {
    CHECK(kernels::convolution_can<CudaStream, float>(s, pass, Algorithm::cudnn));
    CHECK(std::string(kernels::convolution_algorithm<CudaStream, bf16>(s, pass)) == "cudnn engine 99");
  }
  library.asked.clear();
  for (const Pass pass : passes) {
    CHECK_FALSE(kernels::convolution_can<CudaStream, double>(s, pass, Algorithm::cudnn));
    CHECK(std::string(kernels::convolution_algorithm<CudaStream, double>(s, pass)) == "im2col + gemm");
    CHECK_FALSE(kernels::convolution_can<CudaStream, float>(empty, pass, Algorithm::cudnn));
    CHECK_FALSE(kernels::convolution_can<kernels::SimtStream, float>(s, pass, Algorithm::cudnn));
  }
  CHECK(library.asked.empty());

  library.refuses = true;
  for (const Pass pass : passes) {
    CHECK(std::string(kernels::convolution_algorithm<CudaStream, float>(s, pass)) ==
          "im2col + gemm, cudnn has no engine");
    CHECK(std::string(kernels::convolution_algorithm<CudaStream, bf16>(matrix, pass)) ==
          "gemm, cudnn has no engine");
    CHECK(kernels::convolution_workspace_bytes<CudaStream, float>(s, pass) ==
          kernels::convolution_workspace_bytes<CudaStream, float>(s, pass, Algorithm::im2col));
    CHECK_THROWS_AS((kernels::convolution_workspace_bytes<CudaStream, float>(s, pass, Algorithm::cudnn)),
                    std::invalid_argument);
  }
}

// ---- cuDNN itself ------------------------------------------------------------------------------------

namespace {

// cuDNN's description of an H100 SXM5, or an A100 in the fields that cuDNN reads.
std::string described_gpu(int device_version, int processors) {
  return R"({"warpSize": 32, "maxSharedMemoryPerBlock": 49152, "maxSharedMemoryPerBlockOptin": 232448,
    "reservedSharedMemoryPerBlock": 1024, "maxRegistersPerSM": 65536, "maxCtasPerSM": 32, "maxThreadsPerBlock": 1024,
    "maxThreadsPerSM": 2048, "regsPerBlock": 65536, "totalGlobalMem": 84942979072, "smClockRateKHz": 1980000,
    "memClockRateKHz": 2619000, "l2CacheSize": 52428800, "maxBlockSize": [1024, 1024, 64],
    "maxGridSize": [2147483647, 65535, 65535], "supportCoopLaunch": 1, "pciDeviceId": 0, "isTccDriver": 0,
    "cudaDeviceId": 0, "driverVer": 13000, "deviceName": "described", "deviceVer": )" +
         std::to_string(device_version) + ", \"multiProcessorCount\": " + std::to_string(processors) + "}";
}
const std::string h100 = described_gpu(900, 132), a100 = described_gpu(800, 108);

// The requests that the three passes of a shape make.
template <class T>
std::vector<Request> requests(const ConvolutionShape& s) {
  Double library;
  for (const Pass pass : passes) kernels::convolution_can<CudaStream, T>(s, pass, Algorithm::cudnn);
  REQUIRE(library.asked.size() == 3);
  return library.asked;
}

bool cudnn_plans_for_described_gpus() {
  try {
    const std::string version = kernels::cudnn::version();
    CHECK(version.rfind("9.", 0) == 0);
    if (std::stoi(version.substr(2)) >= 8) return true;
    MESSAGE("cuDNN ", version, " plans for no GPU that is only described, 9.8 does");
  } catch (const kernels::MissingLibrary& error) {
    MESSAGE(error.what());
  }
  return false;
}

}  // namespace

TEST_CASE("cudnn: lists deterministic engines on an H100 for every convolution of a ResNet") {
  if (!cudnn_plans_for_described_gpus()) return;
  std::vector<ConvolutionShape> shapes = awkward_shapes();
  for (const std::int64_t n : {std::int64_t(1), std::int64_t(512)})  // ResNet-18 of small images
    for (const ConvolutionShape& s : {ConvolutionShape{n, 32, 32, 3, 64, 3, 3, 1, 1},
                                      {n, 32, 32, 64, 64, 3, 3, 1, 1},
                                      {n, 32, 32, 64, 128, 3, 3, 2, 1},
                                      {n, 32, 32, 64, 128, 1, 1, 2, 0},
                                      {n, 16, 16, 128, 128, 3, 3, 1, 1},
                                      {n, 16, 16, 128, 256, 3, 3, 2, 1},
                                      {n, 8, 8, 256, 256, 3, 3, 1, 1},
                                      {n, 8, 8, 256, 512, 3, 3, 2, 1},
                                      {n, 4, 4, 512, 512, 3, 3, 1, 1}})
      shapes.push_back(s);
  for (const ConvolutionShape& s : {ConvolutionShape{256, 224, 224, 3, 64, 7, 7, 2, 3},  // of ResNet-50
                                    {256, 56, 56, 64, 64, 1, 1, 1, 0},
                                    {256, 56, 56, 64, 256, 1, 1, 1, 0},
                                    {256, 56, 56, 128, 128, 3, 3, 2, 1},
                                    {256, 56, 56, 256, 512, 1, 1, 2, 0},
                                    {256, 14, 14, 256, 1024, 1, 1, 1, 0},
                                    {256, 7, 7, 512, 512, 3, 3, 1, 1},
                                    {256, 7, 7, 2048, 512, 1, 1, 1, 0}})
    shapes.push_back(s);
  int engines = 0;
  for (const ConvolutionShape& s : shapes)
    for (const bool bf16_images : {false, true})
      for (const Request& r : bf16_images ? requests<bf16>(s) : requests<float>(s)) {
        const std::string what = kernels::cudnn::text(r);
        CAPTURE(what);
        const auto found = kernels::cudnn::candidates(r, h100);
        CHECK_FALSE(found.empty());
        bool tensor_cores = false;
        for (const auto& c : found) {
          CHECK(c.name.rfind("eng", 0) == 0);
          CHECK(c.workspace_bytes <= std::size_t(1) << 30);
          CHECK(c.deterministic);
          CHECK(c.f32_sums);
          tensor_cores = tensor_cores || c.tensor_cores;
        }
        CHECK(tensor_cores == bf16_images);  // f32 is not rounded to TF32
        engines += int(found.size());
      }
  MESSAGE(shapes.size(), " shapes, ", engines, " engines and settings of them");
}

TEST_CASE("cudnn: the graph in cuDNN's own serialization equals the request") {
  if (!cudnn_plans_for_described_gpus()) return;
  using nlohmann::json;
  const ConvolutionShape s{2, 9, 10, 8, 16, 3, 5, 2, 1};
  for (const bool bf16_images : {false, true})
    for (const Request& r : bf16_images ? requests<bf16>(s) : requests<float>(s)) {
      const std::string what = kernels::cudnn::text(r);
      CAPTURE(what);
      const std::string kept = kernels::cudnn::candidates(r, h100).at(0).kept;
      const json plan = json::parse(kept.substr(0, kept.rfind('}') + 1)), &graph = plan.at("operationGraph");
      if (plan.at("schemaVersion") != 4) return;  // another cuDNN may use another schema
      std::map<std::string, json> tensors;        // by the uid under which pointers are passed
      for (const json& t : graph.at("tensors")) tensors[t.at("name")] = t;
      const json& node = graph.at("nodes").at(0);
      CHECK(graph.at("nodes").size() == 1);
      CHECK(node.at("pad") == json{s.padding, s.padding});
      CHECK(node.at("stride") == json{s.stride, s.stride});
      CHECK(node.at("dilation") == json{1, 1});
      CHECK(node.at("mathPrec") == "CUDNN_DATA_FLOAT");
      CHECK(node.at("mode") == "CUDNN_CROSS_CORRELATION");
      CHECK(node.at("alpha") == 1.0);
      CHECK(node.at("beta") == 0.0);
      const bool data = r.pass == Pass::backward_data, weights = r.pass == Pass::backward_weights;
      const std::pair<const char*, const kernels::cudnn::Tensor*> operands[] = {
          {data ? "dX" : "X", &r.x},
          {weights ? "dW" : "W", &r.w},
          {r.pass == Pass::forward ? "Y" : "dY", &r.y}};
      int identity = 1;
      for (const auto& [name, tensor] : operands) {
        CHECK(node.at(name) == std::to_string(identity++));
        const json& t = tensors.at(node.at(name));
        CHECK(t.at("dim") == json(tensor->extents));
        CHECK(t.at("stride") == json(tensor->strides));
        CHECK(t.at("dataType") == (tensor->type == Type::f32 ? "CUDNN_DATA_FLOAT" : "CUDNN_DATA_BFLOAT16"));
      }
    }
}

TEST_CASE("cudnn: TF32 is used on request") {
  if (!cudnn_plans_for_described_gpus()) return;
  for (Request r : requests<float>({256, 32, 32, 64, 64, 3, 3, 1, 1})) {
    r.tf32 = true;
    const auto found = kernels::cudnn::candidates(r, h100);
    CHECK(std::any_of(found.begin(), found.end(), [](const auto& c) { return c.tensor_cores; }));
  }
}

TEST_CASE("cudnn: a plan from disk is accepted by the same GPU model and by no other") {
  if (!cudnn_plans_for_described_gpus()) return;
  for (const ConvolutionShape& s :
       {ConvolutionShape{256, 32, 32, 64, 64, 3, 3, 1, 1}, {2, 7, 5, 3, 5, 3, 3, 1, 1}})
    for (const Request& r : requests<bf16>(s))
      for (const auto& c : kernels::cudnn::candidates(r, h100)) {
        CAPTURE(c.name);
        CHECK(kernels::cudnn::can_restore(c.kept, h100));
        CHECK_FALSE(kernels::cudnn::can_restore(c.kept, a100));
        CHECK_FALSE(kernels::cudnn::can_restore(c.kept.substr(0, c.kept.size() / 2), h100));
        const Scratch scratch;  // the file stores it unchanged
        engine::CudnnPlanCache(scratch.path("cudnn.json")).remember("a", c.kept);
        CHECK(engine::CudnnPlanCache(scratch.path("cudnn.json")).find("a") == c.kept);
      }
}

TEST_CASE("cudnn: without a GPU the error is one clear line") {
  std::string why;
  if (engine::cuda::count(&why) > 0) return;
  CHECK_THROWS_WITH_AS((kernels::convolution_can<CudaStream, float>({1, 1, 1, 1, 1, 1, 1, 1, 0},
                                                                    Pass::forward, Algorithm::cudnn)),
                       doctest::Contains("CUDA: "), std::runtime_error);
}
#endif
