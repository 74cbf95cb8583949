// Convolutions by cuDNN on the CUDA device. The interface needs no header of cuDNN or CUDA, and a test
// without a GPU can replace the library. Only in builds with DYAD_CUDNN.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernels/base/convolution_shape.h"
#include "kernels/base/stream.h"

namespace kernels::cudnn {

enum class Type : std::uint8_t { f32, bf16 };

// Extents are in cuDNN's order, whatever the memory layout: (n,c,h,w) of images, (k,c,r,s) of filters.
// Strides count elements and give the layout: NHWC and KRSC.
struct Tensor {
  Type type;
  std::array<std::int64_t, 4> extents, strides;
  auto operator<=>(const Tensor&) const = default;
};

// One pass of y = convolution of x with w: `pass` says which of the three tensors is the output. Sums are
// f32.
struct Request {
  Pass pass;
  Tensor x, w, y;
  std::int64_t stride, padding;
  bool tf32 = false;  // f32 factors may be rounded to TF32, which tensor cores multiply
  auto operator<=>(const Request&) const = default;
};

class Plan {
 public:
  Plan() = default;
  virtual ~Plan() = default;
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  virtual const char* name() const = 0;  // "cudnn engine 62"
  virtual std::size_t workspace_bytes() const = 0;

  // forward: (x, w) -> y. backward_data: (dy, w) -> dx. backward_weights: (x, dy) -> dw. The result is
  // overwritten.
  virtual void run(CudaStream, const void* first, const void* second, void* out, void* workspace) const = 0;
};

class Library {
 public:
  Library() = default;
  virtual ~Library() = default;
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  // The plan for the current device, made at first use of a request and never freed. Null if cuDNN has no
  // deterministic engine with f32 sums for it.
  virtual const Plan* plan(const Request&) = 0;
};

// The library in use: cuDNN, opened for the first plan, unless a test has set another.
Library& library();
void set_library(Library*);  // null: cuDNN

// Stores chosen plans between runs, keyed by the text() of their requests. kernels/ writes no files, so the
// engine provides the implementation (engine/files/cudnn_plan_cache.h).
class PlanStore {
 public:
  PlanStore() = default;
  virtual ~PlanStore() = default;
  PlanStore(const PlanStore&) = delete;
  PlanStore& operator=(const PlanStore&) = delete;

  virtual std::optional<std::string> find(const std::string& key) const = 0;
  virtual void remember(const std::string& key, const std::string& plan) = 0;
};
using OpenPlanStore = std::unique_ptr<PlanStore> (*)(const std::string& version, const std::string& gpu);
void set_plan_store(
    OpenPlanStore);  // called for each device at its first plan; null, as at start: keep nothing

// For tests without a GPU: the candidates on a GPU that is given by cuDNN's JSON description
// (CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION), the best by cuDNN's heuristics first; and whether such a GPU
// would accept a plan from the disk cache.
struct Candidate {
  std::string name;  // the engine and the values of its knobs: "eng62_k2=4_k13=0"
  std::size_t workspace_bytes;
  bool tensor_cores, deterministic, f32_sums;  // from cuDNN's notes on the engine
  std::string kept;                            // the text in the disk cache
};
std::vector<Candidate> candidates(const Request&, const std::string& gpu);
bool can_restore(const std::string& kept, const std::string& gpu);

std::string version();  // of this machine's library, which it opens: "9.19.0"

// "forward, images bf16 256x32x32x64, filter bf16 64x3x3x64, stride 1, padding 1": the key on disk.
std::string text(const Request&);

}  // namespace kernels::cudnn
