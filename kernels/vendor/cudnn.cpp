// The only file that includes NVIDIA's cudnn_frontend. Linking needs no symbol of cuDNN: the library is
// opened for the first plan.
#ifdef DYAD_CUDNN
#include "kernels/vendor/cudnn.h"

#define NV_CUDNN_FRONTEND_USE_DYNAMIC_LOADING
#include <cuda_runtime.h>
#include <cudnn_frontend.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "kernels/base/check_cuda.h"
#include "kernels/base/check_options.h"
#include "kernels/vendor/vendor_library.h"

namespace cudnn_frontend {
void* cudnn_dlhandle = nullptr;  // the headers look up their symbols here
}

namespace kernels {

inline void check(cudnn_frontend::error_t status, const char* what = "", const char* file = __builtin_FILE(),
                  int line = __builtin_LINE()) {
  if (!status.is_bad()) return;
  std::string message = status.get_message();
  std::replace(message.begin(), message.end(), '\n', ' ');
  fail("cuDNN", message, what, file, line);
}

inline void check(cudnnStatus_t status, const char* what = "", const char* file = __builtin_FILE(),
                  int line = __builtin_LINE()) {
  if (status != CUDNN_STATUS_SUCCESS)
    fail("cuDNN", cudnn_frontend::detail::get_error_string(status), what, file, line);
}

}  // namespace kernels

namespace kernels::cudnn {
namespace {

namespace fe = cudnn_frontend;
using fe::NumericalNote_t;

constexpr std::int64_t most_workspace = std::int64_t(1) << 30;  // bytes an engine may ask for
constexpr std::size_t most_timed = 8;                           // candidates that are timed

std::atomic<OpenPlanStore> open_plan_store = nullptr;

void open_library() {
  static const VendorLibrary library("cuDNN", {"libcudnn.so.9"},
                                     "convolutions on a CUDA device need cuDNN 9; name its folder in "
                                     "LD_LIBRARY_PATH, or build with -DDYAD_CUDNN=OFF");
  fe::cudnn_dlhandle = library.handle();
}

// ---- graphs ---------------------------------------------------------------------------------------

struct Graph : fe::graph::Graph {
  using ICudnn::plans;
};

enum Uid : std::int64_t { uid_x = 1, uid_w, uid_y };

fe::DataType_t data_type(Type type) {
  return type == Type::f32 ? fe::DataType_t::FLOAT : fe::DataType_t::BFLOAT16;
}

fe::graph::Tensor_attributes& describe(fe::graph::Tensor_attributes& attributes, const Tensor& tensor,
                                       Uid uid) {
  return attributes.set_uid(uid)
      .set_dim({tensor.extents.begin(), tensor.extents.end()})
      .set_stride({tensor.strides.begin(), tensor.strides.end()})
      .set_data_type(data_type(tensor.type));
}

template <class Attributes>
Attributes geometry(const Request& r) {
  return Attributes()
      .set_padding({r.padding, r.padding})
      .set_stride({r.stride, r.stride})
      .set_dilation({1, 1});
}

std::unique_ptr<Graph> graph_of(const Request& r) {
  auto graph = std::make_unique<Graph>();
  graph->set_compute_data_type(fe::DataType_t::FLOAT).set_intermediate_data_type(fe::DataType_t::FLOAT);
  graph->set_cuda_graph_retention(fe::CudaGraphRetention_t::NONE);  // plans outlive every CUDA graph
  const auto input = [&](const Tensor& tensor, Uid uid) {
    fe::graph::Tensor_attributes attributes;
    return graph->tensor(describe(attributes, tensor, uid));
  };
  if (r.pass == Pass::forward) {
    const auto y = graph->conv_fprop(input(r.x, uid_x), input(r.w, uid_w),
                                     geometry<fe::graph::Conv_fprop_attributes>(r));
    describe(*y, r.y, uid_y).set_output(true);
  } else if (r.pass == Pass::backward_data) {
    const auto dx = graph->conv_dgrad(input(r.y, uid_y), input(r.w, uid_w),
                                      geometry<fe::graph::Conv_dgrad_attributes>(r));
    describe(*dx, r.x, uid_x).set_output(true);
  } else {
    const auto dw = graph->conv_wgrad(input(r.y, uid_y), input(r.x, uid_x),
                                      geometry<fe::graph::Conv_wgrad_attributes>(r));
    describe(*dw, r.w, uid_w).set_output(true);
  }
  return graph;
}

// The device that plans are made for: this machine's, or one given by its description only.
struct Target {
  cudnnHandle_t handle = nullptr;
  std::shared_ptr<const fe::DeviceProperties> properties;
};

std::unique_ptr<Graph> built_graph(const Request& r, const Target& target) {
  auto graph = graph_of(r);
  check(graph->validate(), "a convolution's graph");
  if (target.handle == nullptr) graph->set_device_properties(target.properties);
  check(
      target.handle != nullptr ? graph->build_operation_graph(target.handle) : graph->build_operation_graph(),
      "a convolution's graph");
  return graph;
}

// Excludes engines that dyad does not allow. Without TF32 an f32 convolution must not use tensor cores, nor
// round its inputs.
void deselect(Graph& graph, const Request& r) {
  std::vector<NumericalNote_t> notes{NumericalNote_t::NONDETERMINISTIC,
                                     NumericalNote_t::REDUCED_PRECISION_REDUCTION};
  if (r.x.type == Type::f32 && !r.tf32)
    notes.insert(notes.end(), {NumericalNote_t::TENSOR_CORE, NumericalNote_t::DOWN_CONVERT_INPUTS});
  graph.deselect_numeric_notes(notes);
  graph.deselect_workspace_greater_than(most_workspace);
}

using BackendPlan = std::shared_ptr<fe::ExecutionPlan>;

// cuDNN's candidates, the best by its heuristics first. Empty if it has none.
std::vector<BackendPlan> candidates_for(const Request& r, const Target& target, std::size_t most) {
  const auto graph = built_graph(r, target);
  fe::error_t status = graph->create_execution_plans({fe::HeurMode_t::A, fe::HeurMode_t::FALLBACK});
  if (status.get_code() == fe::error_code_t::HEURISTIC_QUERY_FAILED) return {};
  check(status, "cuDNN's heuristics");
  deselect(*graph, r);
  std::vector<BackendPlan> plans;
  for (std::int64_t i = 0; i < graph->get_execution_plan_count() && plans.size() < most; ++i) {
    if (graph->build_plan_at_index(i).is_bad())
      continue;  // excluded, or does not support this shape after all
    const BackendPlan& made = graph->plans.execution_plans.at(std::size_t(i));
    const bool known = std::any_of(plans.begin(), plans.end(),
                                   [&](const BackendPlan& p) { return p->getTag() == made->getTag(); });
    if (!known) plans.push_back(made);
  }
  return plans;
}

// A plan from the disk cache; null if it is damaged or for another cuDNN, driver or GPU model.
BackendPlan restored(const std::string& kept, const Target& target) {
  BackendPlan plan;
  constexpr auto none = fe::CudaGraphRetention_t::NONE;
  const fe::error_t status =
      target.handle != nullptr ? fe::detail::create_cudnn_execution_plan(plan, kept, target.handle, none)
                               : fe::detail::create_cudnn_execution_plan(plan, kept, target.properties, none);
  return status.is_bad() ? nullptr : plan;
}

// The text for restored(). Empty for an engine whose plans cuDNN cannot serialize: its shape is then timed in
// each run.
std::string written_down(const fe::ExecutionPlan& plan) {
  try {
    return plan.getJsonRepresentation();
  } catch (const fe::cudnnException&) {
    return "";
  }
}

// "eng62_k2=4" from the frontend's tag of a plan, with or without the prefix that names the operations
std::string engine_and_knobs(const fe::ExecutionPlan& plan) {
  const std::string& tag = plan.getTag();
  return tag.substr(std::min(tag.rfind("eng"), tag.size()));
}

// ---- plans ----------------------------------------------------------------------------------------

// A handle and the plans of one device. The mutex serializes calls of several threads.
struct Gpu {
  explicit Gpu(int device);
  std::mutex mutex;
  cudnnHandle_t handle = nullptr;
  std::map<Request, std::unique_ptr<const Plan>> plans;  // null: cuDNN has no engine
  std::unique_ptr<PlanStore> store;                      // null: no plan is kept
};

class EnginePlan : public Plan {
 public:
  EnginePlan(Gpu& gpu, const Request& r, BackendPlan plan)
      : gpu_(gpu),
        plan_(std::move(plan)),
        uids_(r.pass == Pass::forward         ? std::vector<std::int64_t>{uid_x, uid_w, uid_y}
              : r.pass == Pass::backward_data ? std::vector<std::int64_t>{uid_y, uid_w, uid_x}
                                              : std::vector<std::int64_t>{uid_x, uid_y, uid_w}) {
    const std::string engine = engine_and_knobs(*plan_);
    name_ = "cudnn engine " + engine.substr(3, engine.find('_') - 3);
    if (r.pass == Pass::backward_weights && r.w.type == Type::bf16) name_ += ", sum rounded to bf16";
  }

  const char* name() const override { return name_.c_str(); }
  std::size_t workspace_bytes() const override { return std::size_t(plan_->getWorkspaceSize()); }

  void run(CudaStream stream, const void* first, const void* second, void* out,
           void* workspace) const override {
    const std::lock_guard lock(gpu_.mutex);
    run_locked(stream.handle, first, second, out, workspace);
  }
  void run_locked(cudaStream_t stream, const void* first, const void* second, void* out,
                  void* workspace) const {
    // cuDNN has one pointer type for inputs and outputs
    void* pointers[] = {const_cast<void*>(first), const_cast<void*>(second), out};  // NOLINT
    check(fe::detail::set_stream(gpu_.handle, stream), name());
    check(fe::detail::execute(gpu_.handle, plan_.get(), static_cast<void* const*>(pointers), uids_,
                              workspace_bytes() > 0 ? workspace : nullptr),
          name());
    if (check_options().sync_launches) kernels::check(cudaStreamSynchronize(stream), name());
  }

  std::string kept() const { return written_down(*plan_); }

 private:
  Gpu& gpu_;
  BackendPlan plan_;
  std::vector<std::int64_t> uids_;
  std::string name_;
};

std::size_t bytes(const Tensor& t) {
  std::int64_t elements = t.type == Type::f32 ? 4 : 2;
  for (const std::int64_t extent : t.extents) elements *= extent;
  return std::size_t(elements);
}

// Memory for timing. Not zeros: multiplying zeros takes less power, and therefore less time.
std::shared_ptr<void> scratch_memory(std::size_t size) {
  void* memory = nullptr;
  kernels::check(cudaMalloc(&memory, std::max<std::size_t>(size, 1)), "memory to time convolutions in");
  const std::shared_ptr<void> owner(memory, cudaFree);
  kernels::check(cudaMemset(memory, 0x3c, size));  // 0.01 in f32 and in bf16
  return owner;
}

// Milliseconds of one run on an otherwise idle stream: the minimum over five groups of four runs. Slow
// engines are stopped early, since some of f32 filter gradients take a hundred times the best time: after the
// first run, which also loads the code, if it takes more than 10 `best` + 50 ms; after the first group if it
// takes more than 2 `best`.
float milliseconds(const EnginePlan& plan, const void* first, const void* second, void* out, void* workspace,
                   float best) {
  struct Events {
    cudaEvent_t begin{}, end{};
    Events() {
      kernels::check(cudaEventCreate(&begin));
      kernels::check(cudaEventCreate(&end));
    }
    ~Events() {
      cudaEventDestroy(begin);
      cudaEventDestroy(end);
    }
  } events;
  const auto of_one = [&](int runs) {  // mean over `runs` runs
    float elapsed = 0;
    kernels::check(cudaEventRecord(events.begin, nullptr));
    for (int i = 0; i < runs; ++i) plan.run_locked(nullptr, first, second, out, workspace);
    kernels::check(cudaEventRecord(events.end, nullptr));
    kernels::check(cudaEventSynchronize(events.end), plan.name());
    kernels::check(cudaEventElapsedTime(&elapsed, events.begin, events.end));
    return elapsed / float(runs);
  };
  constexpr float loading = 50;
  float least = of_one(1);
  if (least > 10 * best + loading) return least;
  least = of_one(4);
  if (least > 2 * best) return least;
  for (int group = 1; group < 5; ++group) least = std::min(least, of_one(4));
  return least;
}

// The fastest plan. Among plans within 2 % of it, the first in cuDNN's order, so that noise rarely decides. A
// plan that fails to run is skipped; if all fail, the last error is thrown.
std::size_t fastest(const Request& r, const std::vector<std::unique_ptr<EnginePlan>>& plans) {
  std::size_t workspace = 0;
  for (const auto& plan : plans) workspace = std::max(workspace, plan->workspace_bytes());
  const auto x = scratch_memory(bytes(r.x)), w = scratch_memory(bytes(r.w)), y = scratch_memory(bytes(r.y)),
             scratch = scratch_memory(workspace);
  const auto& first = r.pass == Pass::backward_data ? y : x;
  const auto& second = r.pass == Pass::backward_weights ? y : w;
  const auto& out = r.pass == Pass::forward ? y : r.pass == Pass::backward_data ? x : w;
  kernels::check(cudaDeviceSynchronize());
  std::vector<float> times;
  float best_time = std::numeric_limits<float>::infinity();
  std::exception_ptr failure;
  for (const auto& plan : plans) try {
      times.push_back(milliseconds(*plan, first.get(), second.get(), out.get(), scratch.get(), best_time));
      best_time = std::min(best_time, times.back());
    } catch (const std::exception&) {
      failure = std::current_exception();
      kernels::check(cudaDeviceSynchronize());  // throws if the error is sticky, not only this plan's
      times.push_back(std::numeric_limits<float>::infinity());
    }
  if (std::isinf(best_time)) std::rethrow_exception(failure);
  const float limit = 1.02F * best_time;
  std::size_t best = 0;
  while (times[best] > limit) ++best;
  return best;
}

std::unique_ptr<EnginePlan> choose(Gpu& gpu, const Request& r) {
  std::vector<std::unique_ptr<EnginePlan>> plans;
  for (const BackendPlan& plan : candidates_for(r, {gpu.handle, nullptr}, most_timed))
    plans.push_back(std::make_unique<EnginePlan>(gpu, r, plan));
  if (plans.empty()) return nullptr;
  return std::move(plans[plans.size() == 1 ? 0 : fastest(r, plans)]);
}

Gpu::Gpu(int device) {
  open_library();
  check(fe::detail::create_handle(&handle), "opening the device");
  cudaDeviceProp properties;
  kernels::check(cudaGetDeviceProperties(&properties, device));
  if (const OpenPlanStore open = open_plan_store) store = open(version(), properties.name);
}

class Cudnn : public Library {
 public:
  const Plan* plan(const Request& r) override {
    int device = 0;
    kernels::check(cudaGetDevice(&device));
    Gpu& gpu = at(device);
    const std::lock_guard lock(gpu.mutex);
    const auto found = gpu.plans.find(r);
    if (found != gpu.plans.end()) return found->second.get();
    std::unique_ptr<EnginePlan> made;
    const std::string key = text(r);
    const auto kept = gpu.store ? gpu.store->find(key) : std::nullopt;
    if (const BackendPlan plan = kept ? restored(*kept, {gpu.handle, nullptr}) : nullptr) {
      made = std::make_unique<EnginePlan>(gpu, r, plan);
    } else {
      made = choose(gpu, r);
      if (gpu.store && made && !made->kept().empty()) gpu.store->remember(key, made->kept());
    }
    return gpu.plans.emplace(r, std::move(made)).first->second.get();
  }

 private:
  Gpu& at(int device) {
    const std::lock_guard lock(mutex_);
    auto& gpu = gpus_[device];
    if (gpu == nullptr) gpu = std::make_unique<Gpu>(device);
    return *gpu;
  }
  std::mutex mutex_;
  std::map<int, std::unique_ptr<Gpu>> gpus_;
};

}  // namespace

namespace {
Library* library_of_a_test = nullptr;
}

Library& library() {
  static auto& cudnn = *new Cudnn;  // never destroyed: at exit CUDA may be unloaded before static objects
  return library_of_a_test != nullptr ? *library_of_a_test : cudnn;
}

void set_library(Library* library) { library_of_a_test = library; }
void set_plan_store(OpenPlanStore open) { open_plan_store = open; }

std::string version() {
  open_library();
  return dotted_version(fe::detail::get_backend_version());  // 91900
}

std::string text(const Request& r) {
  static constexpr const char* passes[] = {"forward", "backward_data", "backward_weights"};
  const auto tensor = [](const Tensor& t) {
    const auto& e = t.extents;
    return std::string(t.type == Type::f32 ? "f32 " : "bf16 ") + std::to_string(e[0]) + "x" +
           std::to_string(e[2]) + "x" + std::to_string(e[3]) + "x" + std::to_string(e[1]);
  };
  return std::string(passes[int(r.pass)]) + ", images " + tensor(r.x) + ", filter " + tensor(r.w) +
         ", stride " + std::to_string(r.stride) + ", padding " + std::to_string(r.padding) +
         (r.tf32 ? ", tf32" : "");
}

namespace {

Target described(const std::string& gpu) {
  open_library();
  const auto properties = std::make_shared<fe::DeviceProperties>();
  check(properties->deserialize({gpu.begin(), gpu.end()}), "the description of a GPU");
  return {nullptr, properties};
}

}  // namespace

std::vector<Candidate> candidates(const Request& r, const std::string& gpu) {
  std::vector<Candidate> result;
  for (const BackendPlan& plan : candidates_for(r, described(gpu), SIZE_MAX)) {
    const auto& notes = plan->getAllNumericNotes();
    const auto noted = [&](cudnnBackendNumericalNote_t note) {
      return std::find(notes.begin(), notes.end(), note) != notes.end();
    };
    result.push_back({engine_and_knobs(*plan), std::size_t(plan->getWorkspaceSize()),
                      noted(CUDNN_NUMERICAL_NOTE_TENSOR_CORE), !noted(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC),
                      !noted(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION), written_down(*plan)});
  }
  return result;
}

bool can_restore(const std::string& kept, const std::string& gpu) {
  return restored(kept, described(gpu)) != nullptr;
}

}  // namespace kernels::cudnn
#endif
