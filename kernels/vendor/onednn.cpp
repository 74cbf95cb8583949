#ifdef DYAD_ONEDNN
#include "kernels/vendor/onednn.h"

#include <dnnl_debug.h>

#include <algorithm>
#include <dnnl.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <tuple>

#include "kernels/base/check.h"
#include "kernels/base/cpu_threads.h"
#include "kernels/kernels.h"

namespace kernels {

inline void check(dnnl_status_t status, const char* what = "", const char* file = __builtin_FILE(),
                  int line = __builtin_LINE()) {
  if (status == dnnl_out_of_memory)
    throw std::runtime_error(std::string("out of memory: the scratch of oneDNN's ") + what);
  if (status != dnnl_success) fail("oneDNN", dnnl_status2str(status), what, file, line);
}

}  // namespace kernels

namespace kernels::onednn {
namespace {

using dnnl::memory;
using Dims = memory::dims;
using Tag = memory::format_tag;
using Data = memory::data_type;

const dnnl::engine& cpu_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

// One per thread: streams are not shared.
dnnl::stream& cpu_stream() {
  thread_local dnnl::stream stream(cpu_engine());
  return stream;
}

// oneDNN's C++ interface throws dnnl::error. Rethrows it with the name of the library and of the operation.
template <class F>
auto checked(const char* what, F f) {
  try {
    return f();
  } catch (const dnnl::error& error) {
    fail("oneDNN", error.what(), what, __FILE__, __LINE__);
  }
}

memory at(const memory::desc& desc, const void* data) {
  return memory(desc, cpu_engine(),
                const_cast<void*>(data));  // NOLINT: oneDNN has one pointer type for inputs and outputs
}

constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

bool has(dnnl::cpu_isa wanted) {
  const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa()), all = static_cast<unsigned>(wanted);
  return (isa & all) == all;
}

void require_bf16() {
  if (!has_bf16()) throw std::logic_error("oneDNN is asked for bf16 on a CPU without its instructions");
}

}  // namespace

bool has_bf16() { return has(dnnl::cpu_isa::avx512_core_bf16); }
bool has_amx() { return has(dnnl::cpu_isa::avx512_core_amx); }

void sgemm(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
           std::int64_t lda, const float* b, std::int64_t ldb, float* c, std::int64_t ldc, bool accumulate) {
  check(dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, 1, a, lda, b, ldb,
                   accumulate ? 1.f : 0.f, c, ldc),
        "sgemm");
}

// ---- matrix products in bf16 --------------------------------------------------------------------

namespace {

struct Matmul {
  dnnl::matmul primitive;
  memory::desc a, b, c, scratch;
};

// (transpose a, b, accumulate, c is f32), m, n, k, lda, ldb, ldc
using MatmulKey =
    std::tuple<int, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t>;

const Matmul& matmul_of(const MatmulKey& key) {
  static std::mutex mutex;
  static std::map<MatmulKey, Matmul> cache;
  const std::lock_guard lock(mutex);
  const auto found = cache.find(key);
  if (found != cache.end()) return found->second;
  const auto& [flags, m, n, k, lda, ldb, ldc] = key;
  const auto plain = [](bool transposed, std::int64_t ld) { return transposed ? Dims{1, ld} : Dims{ld, 1}; };
  Matmul made;
  made.a = memory::desc({m, k}, Data::bf16, plain(flags & 1, lda));
  made.b = memory::desc({k, n}, Data::bf16, plain(flags & 2, ldb));
  made.c = memory::desc({m, n}, flags & 8 ? Data::f32 : Data::bf16, plain(false, ldc));
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (flags & 4) {
    dnnl::post_ops sum;
    sum.append_sum(1);
    attributes.set_post_ops(sum);
  }
  const dnnl::matmul::primitive_desc desc(dnnl::matmul::desc(made.a, made.b, made.c), attributes,
                                          cpu_engine());
  made.primitive = dnnl::matmul(desc);
  made.scratch = desc.scratchpad_desc();
  return cache.emplace(key, std::move(made)).first->second;
}

// Thread-local scratch memory of matrix products, whose callers have no workspace. It only grows.
void* pooled(int which, std::size_t bytes) {
  struct Buffer {
    std::unique_ptr<memory> memory_;
    std::size_t bytes = 0;
  };
  thread_local Buffer buffers[2];
  Buffer& b = buffers[which];
  if (b.bytes < bytes || !b.memory_) {
    b.bytes = std::max<std::size_t>(bytes, 64);
    b.memory_ = std::make_unique<memory>(memory::desc({static_cast<memory::dim>(b.bytes)}, Data::u8, Tag::a),
                                         cpu_engine());
  }
  return b.memory_->get_data_handle();
}

}  // namespace

const bf16* rounded_to_bf16(std::int64_t n, const float* b) {
  auto* rounded = static_cast<bf16*>(pooled(1, std::size_t(n) * sizeof(bf16)));
  cast_to_bf16(CpuStream{}, n, b, rounded, false);
  return rounded;
}

void bf16_gemm(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
               const bf16* a, std::int64_t lda, const bf16* b, std::int64_t ldb, void* c, std::int64_t ldc,
               bool c_is_f32, bool accumulate) {
  require_bf16();
  checked("a bf16 matrix product", [&] {
    const int flags = int(transpose_a) | int(transpose_b) << 1 | int(accumulate) << 2 | int(c_is_f32) << 3;
    const Matmul& product = matmul_of({flags, m, n, k, lda, ldb, ldc});
    product.primitive.execute(
        cpu_stream(), {{DNNL_ARG_SRC, at(product.a, a)},
                       {DNNL_ARG_WEIGHTS, at(product.b, b)},
                       {DNNL_ARG_DST, at(product.c, c)},
                       {DNNL_ARG_SCRATCHPAD, at(product.scratch, pooled(0, product.scratch.get_size()))}});
    cpu_stream().wait();
  });
}

// ---- convolution ---------------------------------------------------------------------------------

struct Convolution::Primitives {
  Pass pass;
  dnnl::primitive convolution, reorder;
  memory::desc image_in, image_out, filter, filter_plain, scratch;
  std::string implementation;
};

namespace {

using Key = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                       std::int64_t, std::int64_t, std::int64_t, Pass, Data>;

std::unique_ptr<Convolution::Primitives> make(const ConvolutionShape& s, Pass pass, Data type) {
  auto made = std::make_unique<Convolution::Primitives>();
  made->pass = pass;
  const memory::desc x({s.n, s.c, s.h, s.w}, type, Tag::nhwc), y({s.n, s.k, s.p(), s.q()}, type, Tag::nhwc);
  const Data filter_type = pass == Pass::backward_weights ? Data::f32 : type;
  const memory::desc w({s.k, s.c, s.r, s.s}, filter_type, Tag::any), wt({s.k, s.c, s.r, s.s}, type, Tag::any);
  const Dims stride{s.stride, s.stride}, before{s.padding, s.padding};
  // less than the padding, or negative, if the last output leaves rows or columns unused
  const Dims after{(s.p() - 1) * s.stride + s.r - s.h - s.padding,
                   (s.q() - 1) * s.stride + s.s - s.w - s.padding};
  const auto direct = dnnl::algorithm::convolution_direct;
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  made->filter_plain = memory::desc({s.k, s.c, s.r, s.s}, Data::f32, Tag::acdb);  // KRSC
  const dnnl::convolution_forward::primitive_desc forward(
      dnnl::convolution_forward::desc(dnnl::prop_kind::forward_training, direct, x, wt, y, stride, before,
                                      after),
      attributes, cpu_engine());
  if (pass == Pass::forward) {
    made->implementation = forward.impl_info_str();
    made->filter = forward.weights_desc();
    made->scratch = forward.scratchpad_desc();
    made->convolution = dnnl::convolution_forward(forward);
    made->image_in = x;
    made->image_out = y;
  } else if (pass == Pass::backward_data) {
    const dnnl::convolution_backward_data::primitive_desc desc(
        dnnl::convolution_backward_data::desc(direct, x, wt, y, stride, before, after), attributes,
        cpu_engine(), forward);
    made->implementation = desc.impl_info_str();
    made->filter = desc.weights_desc();
    made->scratch = desc.scratchpad_desc();
    made->convolution = dnnl::convolution_backward_data(desc);
    made->image_in = y;
    made->image_out = x;
  } else {
    const dnnl::convolution_backward_weights::primitive_desc desc(
        dnnl::convolution_backward_weights::desc(direct, x, w, y, stride, before, after), attributes,
        cpu_engine(), forward);
    made->implementation = desc.impl_info_str();
    made->filter = desc.diff_weights_desc();
    made->scratch = desc.scratchpad_desc();
    made->convolution = dnnl::convolution_backward_weights(desc);
    made->image_in = x;
    made->image_out = y;
  }
  const auto& from = pass == Pass::backward_weights ? made->filter : made->filter_plain;
  const auto& to = pass == Pass::backward_weights ? made->filter_plain : made->filter;
  made->reorder = dnnl::reorder(dnnl::reorder::primitive_desc(cpu_engine(), from, cpu_engine(), to));
  return made;
}

}  // namespace

template <class T>
const Convolution& Convolution::get(const ConvolutionShape& s, Pass pass) {
  constexpr Data type = std::is_same_v<T, bf16> ? Data::bf16 : Data::f32;
  if (type == Data::bf16) require_bf16();
  static std::mutex mutex;
  static std::map<Key, std::unique_ptr<const Convolution>> cache;
  const std::lock_guard lock(mutex);
  const OneCpuThread planned_for;
  const Key key{s.n, s.h, s.w, s.c, s.k, s.r, s.s, s.stride, s.padding, pass, type};
  auto& found = cache[key];
  if (!found)
    found.reset(new Convolution(checked("making a convolution", [&] { return make(s, pass, type); })));
  return *found;
}
template const Convolution& Convolution::get<float>(const ConvolutionShape&, Pass);
template const Convolution& Convolution::get<bf16>(const ConvolutionShape&, Pass);

Convolution::Convolution(std::unique_ptr<const Primitives> primitives) : primitives_(std::move(primitives)) {
  implementation_ = primitives_->implementation.c_str();
  filter_bytes_ = aligned(primitives_->filter.get_size());
  scratch_bytes_ = aligned(primitives_->scratch.get_size());
}
Convolution::~Convolution() = default;

void Convolution::reorder_filter(const float* filter, void* reordered) const {
  const Primitives& p = *primitives_;
  checked("reordering a filter", [&] {
    p.reorder.execute(cpu_stream(),
                      {{DNNL_ARG_FROM, at(p.filter_plain, filter)}, {DNNL_ARG_TO, at(p.filter, reordered)}});
    cpu_stream().wait();
  });
}

void Convolution::run(const void* image, const void* reordered_filter, void* out, void* scratch) const {
  const Primitives& p = *primitives_;
  const bool forward = p.pass == Pass::forward;
  checked("a convolution", [&] {
    p.convolution.execute(cpu_stream(), {{forward ? DNNL_ARG_SRC : DNNL_ARG_DIFF_DST, at(p.image_in, image)},
                                         {DNNL_ARG_WEIGHTS, at(p.filter, reordered_filter)},
                                         {forward ? DNNL_ARG_DST : DNNL_ARG_DIFF_SRC, at(p.image_out, out)},
                                         {DNNL_ARG_SCRATCHPAD, at(p.scratch, scratch)}});
    cpu_stream().wait();
  });
}

void Convolution::run_weights(const void* x, const void* dy, float* d_filter, void* reordered,
                              void* scratch) const {
  const Primitives& p = *primitives_;
  checked("the weight gradient of a convolution", [&] {
    const memory filter = at(p.filter, reordered);
    p.convolution.execute(cpu_stream(), {{DNNL_ARG_SRC, at(p.image_in, x)},
                                         {DNNL_ARG_DIFF_DST, at(p.image_out, dy)},
                                         {DNNL_ARG_DIFF_WEIGHTS, filter},
                                         {DNNL_ARG_SCRATCHPAD, at(p.scratch, scratch)}});
    p.reorder.execute(cpu_stream(), {{DNNL_ARG_FROM, filter}, {DNNL_ARG_TO, at(p.filter_plain, d_filter)}});
    cpu_stream().wait();
  });
}

}  // namespace kernels::onednn
#endif
