// A test double of NCCL and of the CUDA runtime's streams and events, on host memory. Ranks are threads of
// this process. A collective is computed by NCCL's rules from the arguments of every rank, so that a wrong
// count, type, root or pointer gives wrong results. With `alone` a rank only logs its calls in order.
#pragma once

#include <atomic>
#include <barrier>
#include <climits>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/ranks/nccl_api.h"

namespace nccl_double {

using engine::concat_text;

inline std::size_t size_of(ncclDataType_t t) {
  return t == ncclUint8 ? 1 : t == ncclBfloat16 ? 2 : t == ncclFloat64 || t == ncclInt64 ? 8 : 4;
}
inline const char* name_of(ncclDataType_t t) {
  switch (t) {
    case ncclUint8:
      return "u8";
    case ncclBfloat16:
      return "bf16";
    case ncclFloat32:
      return "f32";
    case ncclFloat64:
      return "f64";
    case ncclInt32:
      return "i32";
    case ncclInt64:
      return "i64";
    default:
      return "another type";
  }
}

struct Call {
  std::string name;
  const void* send = nullptr;
  void* receive = nullptr;
  std::size_t count = 0;  // NCCL's convention: all_gather's send count, reduce_scatter's receive count
  ncclDataType_t type = ncclFloat32;
  int root = 0;
  bool like(const Call& o) const {
    return name == o.name && count == o.count && type == o.type && root == o.root;
  }
};

// The state of one test.
struct World {
  explicit World(int size) : size(size), meet(size), said(std::size_t(size)) {}
  const int size;
  std::barrier<> meet;
  std::vector<std::vector<Call>> said;  // the calls of each rank since the last rendezvous

  // Behaviour that the test sets.
  bool alone = false;
  std::atomic<int> polls{0};  // polls for which every call is in progress; negative: for ever
  std::atomic<ncclResult_t> refused{ncclSuccess};  // returned by the next collective or rendezvous
  std::atomic<ncclResult_t> async{ncclSuccess};    // reported by get_async_error
  std::atomic<int> done{INT_MAX};                  // number of collectives that finish
  std::atomic<bool> capturing{false};

  // Recorded events.
  std::mutex mutex;
  std::vector<std::string> log;  // alone
  std::atomic<int> joined{0}, finalized{0}, destroyed{0}, aborted{0}, streams{0}, events{0};
  std::string id;  // the joined id
  int blocking = -1;
  std::atomic<int> asked{0};  // collectives
  struct Event {
    explicit Event(int number) : number(number) {}
    int number;
    std::atomic<int> behind{0};  // collectives enqueued before it was recorded
  };
  std::vector<std::unique_ptr<Event>> made;

  void write(const std::string& line) {
    const std::lock_guard lock(mutex);
    if (alone) log.push_back(line);
  }
};
inline World*& world() {
  static World* world = nullptr;
  return world;
}

struct Communicator {
  int rank;
  std::atomic<int> polls_left{0};
};
inline Communicator* of(ncclComm_t c) { return reinterpret_cast<Communicator*>(c); }

// The calls of a group wait for its end.
struct Group {
  int depth = 0;
  Communicator* communicator = nullptr;
  std::vector<Call> calls;
};
inline Group& group() {
  thread_local Group group;
  return group;
}

template <class T>
void add(void* sum, const void* x, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    T& s = static_cast<T*>(sum)[i];
    s = T(s + static_cast<const T*>(x)[i]);
  }
}
inline void add(ncclDataType_t type, void* sum, const void* x, std::size_t count) {
  if (type == ncclFloat32) add<float>(sum, x, count);
  if (type == ncclFloat64) add<double>(sum, x, count);
  if (type == ncclInt32) add<std::int32_t>(sum, x, count);
  if (type == ncclInt64) add<std::int64_t>(sum, x, count);
  if (type == ncclUint8) add<std::uint8_t>(sum, x, count);
  if (type == ncclBfloat16)
    for (std::size_t i = 0; i < count; ++i) {
      auto& s = static_cast<kernels::bf16*>(sum)[i];
      s = kernels::bf16(float(s) + float(static_cast<const kernels::bf16*>(x)[i]));
    }
}

// The result of call i on `rank`.
inline std::vector<char> result(const World& w, std::size_t i, int rank) {
  const Call& own = w.said[std::size_t(rank)][i];
  const std::size_t bytes = own.count * size_of(own.type);
  const auto from = [&](int r, std::size_t part) {
    return static_cast<const char*>(w.said[std::size_t(r)][i].send) + part * bytes;
  };
  std::vector<char> out;
  if (own.name == "broadcast") {
    out.assign(from(own.root, 0), from(own.root, 1));
  } else if (own.name == "all_gather") {
    for (int r = 0; r < w.size; ++r) out.insert(out.end(), from(r, 0), from(r, 1));
  } else {
    const std::size_t part = own.name == "reduce_scatter" ? std::size_t(rank) : 0;
    out.assign(from(0, part), from(0, part + 1));
    for (int r = 1; r < w.size; ++r) add(own.type, out.data(), from(r, part), own.count);
  }
  return out;
}

inline ncclResult_t carry_out(Communicator* c, std::vector<Call> calls) {
  World& w = *world();
  c->polls_left = int(w.polls);
  if (w.alone || calls.empty()) return ncclSuccess;
  auto& own = w.said[std::size_t(c->rank)];
  own = std::move(calls);
  w.meet.arrive_and_wait();
  bool agreed = true;
  for (const auto& other : w.said) {
    agreed &= other.size() == own.size();
    for (std::size_t i = 0; agreed && i < own.size(); ++i) agreed &= other[i].like(own[i]);
  }
  std::vector<std::vector<char>> results;
  for (std::size_t i = 0; agreed && i < own.size(); ++i) results.push_back(result(w, i, c->rank));
  w.meet.arrive_and_wait();
  for (std::size_t i = 0; i < results.size(); ++i)
    if (!results[i].empty()) std::memcpy(own[i].receive, results[i].data(), results[i].size());
  w.meet.arrive_and_wait();
  return agreed ? (w.polls != 0 ? ncclInProgress : ncclSuccess) : ncclInvalidArgument;
}

inline std::string name_of(cudaStream_t s) {
  return reinterpret_cast<std::uintptr_t>(s) == 1 ? "compute" : "communication";
}

inline ncclResult_t collective(const Call& call, ncclComm_t comm, cudaStream_t stream) {
  World& w = *world();
  Communicator* c = of(comm);
  ++w.asked;
  const std::string root = call.name == "broadcast" ? concat_text(" from ", call.root) : "";
  w.write(concat_text(call.name, " ", name_of(call.type), " ", call.count, root, " on ", name_of(stream)));
  if (w.refused != ncclSuccess) return w.refused.exchange(ncclSuccess);
  if (c->polls_left != 0) return ncclInvalidUsage;  // the previous call is still in progress
  if (group().depth > 0) {
    group().communicator = c;
    group().calls.push_back(call);
    return ncclSuccess;
  }
  return carry_out(c, {call});
}

inline engine::NcclApi api() {
  engine::NcclApi a;
  a.get_version = [](int* v) { return *v = NCCL_VERSION_CODE, ncclSuccess; };
  a.get_unique_id = [](ncclUniqueId* id) {
    const char* where = std::getenv("NCCL_COMM_ID");
    *id = {};
    std::strncpy(id->internal, where != nullptr ? where : "random", sizeof id->internal - 1);
    return ncclSuccess;
  };
  a.init_rank = [](ncclComm_t* comm, int size, ncclUniqueId id, int rank, ncclConfig_t* config) {
    World& w = *world();
    if (w.refused != ncclSuccess) return *comm = nullptr, w.refused.exchange(ncclSuccess);
    auto* c = new Communicator{rank};
    c->polls_left = int(w.polls);
    *comm = reinterpret_cast<ncclComm_t>(c);
    const std::lock_guard lock(w.mutex);
    w.id = id.internal;
    w.blocking = config->blocking;
    ++w.joined;
    return size == w.size ? ncclInProgress : ncclInvalidArgument;
  };
  a.get_async_error = [](ncclComm_t comm, ncclResult_t* state) {
    World& w = *world();
    *state = w.async;
    int left = of(comm)->polls_left;
    if (left != 0) {
      if (left > 0) --of(comm)->polls_left;
      if (*state == ncclSuccess) *state = ncclInProgress;
    }
    return ncclSuccess;
  };
  a.finalize = [](ncclComm_t comm) {
    ++world()->finalized;
    of(comm)->polls_left = int(world()->polls);
    return ncclInProgress;
  };
  a.destroy = [](ncclComm_t comm) {
    ++world()->destroyed;
    delete of(comm);
    return ncclSuccess;
  };
  a.abort = [](ncclComm_t comm) {
    ++world()->aborted;
    world()->done = INT_MAX;  // running kernels end
    delete of(comm);
    return ncclSuccess;
  };
  a.error_string = [](ncclResult_t r) {
    return r == ncclRemoteError    ? "remote process exited or there was a network error"
           : r == ncclSystemError  ? "unhandled system error"
           : r == ncclInvalidUsage ? "invalid usage"
                                   : "another error";
  };
  a.last_error = [](ncclComm_t) { return "socket closed"; };
  a.group_start = [] {
    world()->write("group start");
    ++group().depth;
    return ncclSuccess;
  };
  a.group_end = [] {
    world()->write("group end");
    if (--group().depth > 0) return ncclSuccess;
    const Group g = std::exchange(group(), {});
    return g.communicator != nullptr ? carry_out(g.communicator, g.calls) : ncclSuccess;
  };
  a.all_reduce = [](const void* send, void* receive, std::size_t count, ncclDataType_t type, ncclRedOp_t op,
                    ncclComm_t comm, cudaStream_t s) {
    if (op != ncclSum) return ncclInvalidArgument;
    return collective({"all_reduce", send, receive, count, type}, comm, s);
  };
  a.all_gather = [](const void* send, void* receive, std::size_t count, ncclDataType_t type, ncclComm_t comm,
                    cudaStream_t s) {
    return collective({"all_gather", send, receive, count, type}, comm, s);
  };
  a.reduce_scatter = [](const void* send, void* receive, std::size_t count, ncclDataType_t type,
                        ncclRedOp_t op, ncclComm_t comm, cudaStream_t s) {
    if (op != ncclSum) return ncclInvalidArgument;
    return collective({"reduce_scatter", send, receive, count, type}, comm, s);
  };
  a.broadcast = [](const void* send, void* receive, std::size_t count, ncclDataType_t type, int root,
                   ncclComm_t comm, cudaStream_t s) {
    return collective({"broadcast", send, receive, count, type, root}, comm, s);
  };
  return a;
}

inline World::Event& event(CUevent_st* e) { return *reinterpret_cast<World::Event*>(e); }

inline engine::StreamCalls stream_calls() {
  engine::StreamCalls c;
  c.use_device = [](int) {};
  c.compute_stream = [](int) { return kernels::CudaStream{reinterpret_cast<CUstream_st*>(1)}; };
  c.make_stream = [](int) { return ++world()->streams, reinterpret_cast<CUstream_st*>(2); };
  c.destroy_stream = [](CUstream_st*) noexcept { --world()->streams; };
  c.is_capturing = [](kernels::CudaStream) { return world()->capturing.load(); };
  c.make_event = [](int) {
    World& w = *world();
    const std::lock_guard lock(w.mutex);
    w.made.push_back(std::make_unique<World::Event>(++w.events));
    return reinterpret_cast<CUevent_st*>(w.made.back().get());
  };
  c.destroy_event = [](CUevent_st*) noexcept { --world()->events; };
  c.record_event = [](CUevent_st* e, kernels::CudaStream s) {
    event(e).behind = world()->asked.load();
    world()->write(concat_text("record event ", event(e).number, " on ", name_of(s.handle)));
  };
  c.hold_for_event = [](CUevent_st* e, kernels::CudaStream s) {
    world()->write(concat_text(name_of(s.handle), " waits for event ", event(e).number));
  };
  c.event_passed = [](CUevent_st* e) { return event(e).behind <= world()->done; };
  return c;
}

}  // namespace nccl_double
