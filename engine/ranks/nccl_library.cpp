#include "engine/ranks/nccl_communicator.h"

#ifdef DYAD_NCCL
#include "engine/ranks/nccl_api.h"
#include "kernels/vendor/vendor_library.h"

namespace engine {
namespace {

constexpr int oldest_version = 21400;  // the first with non-blocking communicators
constexpr const char* remedy =
    "install libnccl2 from NVIDIA's packages, or nvidia-nccl-cu13 from PyPI and add its folder to "
    "LD_LIBRARY_PATH";

NcclApi look_up() {
  const kernels::VendorLibrary l("NCCL", {"libnccl.so.2"}, remedy);
  NcclApi api;
  l.find("ncclGetVersion", api.get_version);
  int version = 0;
  if (api.get_version(&version) != ncclSuccess || version < oldest_version)
    throw kernels::MissingLibrary(concat_text(
        "NCCL: ", l.file(), " is version ", kernels::dotted_version(std::size_t(version)),
        ", expected at least ", kernels::dotted_version(std::size_t(oldest_version)), "; ", remedy));
  l.find("ncclGetUniqueId", api.get_unique_id);
  l.find("ncclCommInitRankConfig", api.init_rank);
  l.find("ncclCommGetAsyncError", api.get_async_error);
  l.find("ncclCommFinalize", api.finalize);
  l.find("ncclCommDestroy", api.destroy);
  l.find("ncclCommAbort", api.abort);
  l.find("ncclGetErrorString", api.error_string);
  l.find("ncclGetLastError", api.last_error);
  l.find("ncclGroupStart", api.group_start);
  l.find("ncclGroupEnd", api.group_end);
  l.find("ncclAllReduce", api.all_reduce);
  l.find("ncclAllGather", api.all_gather);
  l.find("ncclReduceScatter", api.reduce_scatter);
  l.find("ncclBroadcast", api.broadcast);
  return api;
}

}  // namespace

const NcclApi& nccl_library() {
  static const NcclApi api = look_up();
  return api;
}

bool nccl_is_built_in() { return true; }

std::string nccl_version() {
  int version = 0;
  nccl_library().get_version(&version);  // look_up() has checked that it succeeds
  return kernels::dotted_version(std::size_t(version));
}

std::unique_ptr<Communicator> connect_nccl(Device device, int rank, int size, double timeout,
                                           const std::string& unique_id) {
  require(device.backend == Backend::cuda, "NCCL: the device is ", device, ", expected a CUDA device");
  return join_nccl({.device = device,
                    .rank = rank,
                    .size = size,
                    .timeout = std::chrono::duration<double>(timeout),
                    .unique_id = unique_id},
                   nccl_library(), cuda_stream_calls);
}

std::string nccl_unique_id() {
  ncclUniqueId id;
  const ncclResult_t status = nccl_library().get_unique_id(&id);
  if (status != ncclSuccess)
    throw RankError(concat_text("NCCL: ", nccl_library().error_string(status), " in ncclGetUniqueId (",
                                nccl_library().last_error(nullptr), ")"));
  return {id.internal, sizeof id.internal};
}

}  // namespace engine

#else

#include "engine/error.h"

namespace engine {

bool nccl_is_built_in() { return false; }

[[noreturn]] static void none() {
  throw UsageError(
      "ranks on CUDA devices need NCCL, and this dyad was built without it (no nccl.h was found; install "
      "libnccl-dev and build again)");
}
std::string nccl_version() { none(); }
std::unique_ptr<Communicator> connect_nccl(Device, int, int, double, const std::string&) { none(); }
std::string nccl_unique_id() { none(); }

}  // namespace engine
#endif
