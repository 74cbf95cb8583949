// Two tables of functions: those of NCCL that dyad calls, looked up in the library, and those of the CUDA
// runtime around them, from cuda_device.h. A test passes tables of its own. This is the only file that
// includes nccl.h. Only in builds with DYAD_NCCL.
#pragma once

#include <nccl.h>

#include <chrono>
#include <memory>
#include <string>

#include "engine/memory/cuda_device.h"
#include "engine/ranks/communicator.h"

namespace engine {

struct NcclApi {
  decltype(&ncclGetVersion) get_version;
  decltype(&ncclGetUniqueId) get_unique_id;
  decltype(&ncclCommInitRankConfig) init_rank;
  decltype(&ncclCommGetAsyncError) get_async_error;
  decltype(&ncclCommFinalize) finalize;
  decltype(&ncclCommDestroy) destroy;
  decltype(&ncclCommAbort) abort;
  decltype(&ncclGetErrorString) error_string;
  decltype(&ncclGetLastError) last_error;
  decltype(&ncclGroupStart) group_start;
  decltype(&ncclGroupEnd) group_end;
  decltype(&ncclAllReduce) all_reduce;
  decltype(&ncclAllGather) all_gather;
  decltype(&ncclReduceScatter) reduce_scatter;
  decltype(&ncclBroadcast) broadcast;
};

const NcclApi& nccl_library();  // opened at first use; MissingLibrary if it is not installed

struct StreamCalls {
  void (*use_device)(int device);
  kernels::CudaStream (*compute_stream)(int device);
  CUstream_st* (*make_stream)(int device);
  void (*destroy_stream)(CUstream_st*) noexcept;
  bool (*is_capturing)(kernels::CudaStream);
  CUevent_st* (*make_event)(int device);
  void (*destroy_event)(CUevent_st*) noexcept;
  void (*record_event)(CUevent_st*, kernels::CudaStream);
  void (*hold_for_event)(CUevent_st*, kernels::CudaStream);
  bool (*event_passed)(CUevent_st*);
};
inline constexpr StreamCalls cuda_stream_calls = {
    .use_device = cuda::use_device,
    .compute_stream = cuda::stream,
    .make_stream = cuda::make_stream,
    .destroy_stream = cuda::destroy_stream,
    .is_capturing = cuda::is_capturing,
    .make_event = cuda::make_event,
    .destroy_event = cuda::destroy_event,
    .record_event = cuda::record_event,
    .hold_for_event = cuda::hold_for_event,
    .event_passed = cuda::event_passed,
};

struct NcclRank {
  Device device;
  int rank, size;
  std::chrono::duration<double> timeout;  // 0: no limit
  std::string unique_id = "";
  std::chrono::duration<double> watch_every = std::chrono::milliseconds(100);
};

// connect_nccl() with the tables to call. They must outlive the communicator.
std::unique_ptr<Communicator> join_nccl(const NcclRank&, const NcclApi&, const StreamCalls&);

}  // namespace engine
