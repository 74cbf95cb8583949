// The NCCL communicator on a test double of NCCL: its calls, their order, and what happens if another rank is
// lost.
#include <doctest/doctest.h>

#include <cstdlib>
#include <functional>

#include "engine/memory/host_wait.h"
#include "engine/ranks/nccl_communicator.h"
#include "kernels/vendor/vendor_library.h"
#include "tests/support/nccl_double.h"
#include "tests/support/scratch.h"

using namespace engine;
using nccl_double::World;

namespace {

const NcclApi api = nccl_double::api();
const StreamCalls calls = nccl_double::stream_calls();

struct Variable {
  Variable(const char* name, const char* value) : name(name) {
    if (value != nullptr)
      setenv(name, value, 1);
    else
      unsetenv(name);
  }
  ~Variable() { unsetenv(name); }
  const char* name;
};

// The test double's world for one test. At the end every communicator, stream and event must have been
// destroyed once.
struct Stage {
  explicit Stage(int size, bool alone = false) : world(size) {
    world.alone = alone;
    nccl_double::world() = &world;
  }
  ~Stage() {
    CHECK(world.destroyed + world.aborted == world.joined);
    CHECK(world.streams == 0);
    CHECK(world.events == 0);
    nccl_double::world() = nullptr;
  }
  std::unique_ptr<Communicator> join(int rank, double timeout = 30, double watch_every = 3600) {
    return join_nccl({.device = cpu,
                      .rank = rank,
                      .size = world.size,
                      .timeout = std::chrono::duration<double>(timeout),
                      .unique_id = std::string(NCCL_UNIQUE_ID_BYTES, 'x'),
                      .watch_every = std::chrono::duration<double>(watch_every)},
                     api, calls);
  }
  World world;
};

// Calls f(communicator) on every rank, one thread per rank.
void on_ranks(Stage& stage, const std::function<void(Communicator&)>& f) {
  std::vector<std::thread> threads;
  std::vector<std::string> errors(std::size_t(stage.world.size));
  for (int r = 0; r < stage.world.size; ++r)
    threads.emplace_back([&, r] {
      try {
        const auto communicator = stage.join(r);
        f(*communicator);
      } catch (const std::exception& e) {
        errors[std::size_t(r)] = e.what();
      }
    });
  for (auto& t : threads) t.join();
  for (const std::string& e : errors) REQUIRE(e == "");
}

Tensor rows_of(const Shape& shape, DType dtype, int rank) {
  const Tensor t(shape, dtype, cpu);
  const auto fill = [&](auto* data) {
    using T = std::remove_pointer_t<decltype(data)>;
    for (std::int64_t i = 0; i < t.numel(); ++i) data[i] = T(int(i % 7) + rank + 1);
  };
  if (dtype == DType::f32) fill(t.data<float>());
  if (dtype == DType::f64) fill(t.data<double>());
  if (dtype == DType::bf16) fill(t.data<bf16>());
  if (dtype == DType::u8) fill(t.data<std::uint8_t>());
  if (dtype == DType::i32) fill(t.data<std::int32_t>());
  if (dtype == DType::i64) fill(t.data<std::int64_t>());
  return t;
}

bool same(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

// The sum of rows_of(shape, dtype, r) over the ranks.
Tensor sum_of_ranks(const Shape& shape, DType dtype, int ranks) {
  const Tensor t(shape, dtype, cpu);
  for (int r = 0; r < ranks; ++r) {
    const Tensor x = rows_of(shape, dtype, r);
    if (r == 0) {
      copy_bytes(t.raw(), cpu, x.raw(), cpu, t.bytes());
      continue;
    }
    const std::pair<DType, ncclDataType_t> types[] = {{DType::f32, ncclFloat32},   {DType::f64, ncclFloat64},
                                                      {DType::bf16, ncclBfloat16}, {DType::u8, ncclUint8},
                                                      {DType::i32, ncclInt32},     {DType::i64, ncclInt64}};
    for (const auto& [d, n] : types)
      if (d == dtype) nccl_double::add(n, t.raw(), x.raw(), std::size_t(t.numel()));
  }
  return t;
}

constexpr DType types[] = {DType::f32, DType::f64, DType::bf16, DType::u8, DType::i32, DType::i64};

// The message of the RankError that f throws.
std::string rank_error(const std::function<void()>& f) { return message_of<RankError>(f); }

void wait_for(const std::function<bool()>& condition) {
  for (int i = 0; i < 10000 && !condition(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  REQUIRE(condition());
}

}  // namespace

TEST_CASE("NCCL: collectives of 1 to 4 ranks, of every type and of awkward sizes") {
  for (int ranks = 1; ranks <= 4; ++ranks)
    for (const int polls : {0, 3}) {
      CAPTURE(ranks);
      Stage stage(ranks);
      stage.world.polls = polls;
      std::atomic<int> wrong = 0;
      on_ranks(stage, [&](Communicator& c) {
        CHECK(c.size() == ranks);
        const auto expect = [&](bool ok) { wrong += ok ? 0 : 1; };
        for (const DType type : types)
          for (const std::int64_t n : {0, 1, 5, 4099}) {
            const Tensor t = rows_of({n}, type, c.rank());
            c.all_reduce_sum(t);
            expect(same(t, sum_of_ranks({n}, type, ranks)));

            const Tensor all = c.all_gather(rows_of({n, 3}, type, c.rank()));
            expect(all.shape() == Shape{n * ranks, 3});
            for (int r = 0; r < ranks; ++r) expect(same(all.slice(r * n, n), rows_of({n, 3}, type, r)));

            const Tensor own = c.reduce_scatter_sum(rows_of({n * ranks, 2}, type, c.rank()));
            const Tensor whole = sum_of_ranks({n * ranks, 2}, type, ranks);
            expect(same(own, whole.slice(c.rank() * n, n)));

            const int root = int(n) % ranks;
            const Tensor sent = rows_of({n}, type, c.rank());
            c.broadcast(sent, root);
            expect(same(sent, rows_of({n}, type, root)));
          }
        c.barrier();
      });
      CHECK(wrong == 0);
      CHECK(stage.world.blocking == 0);
    }
}

TEST_CASE("NCCL: unequal numbers of rows are gathered in order of rank, even if a rank has none") {
  for (const std::vector<std::int64_t>& counts :
       {std::vector<std::int64_t>{3, 1}, {0, 2}, {2, 0, 5}, {1, 3, 2}, {0, 0, 0}}) {
    Stage stage(int(counts.size()));
    std::atomic<int> wrong = 0;
    on_ranks(stage, [&](Communicator& c) {
      const std::int64_t own = counts[std::size_t(c.rank())];
      const Tensor all = c.all_gather(rows_of({own, 4}, DType::f32, c.rank()), counts);
      std::int64_t first = 0;
      for (int r = 0; r < c.size(); first += counts[std::size_t(r++)])
        if (!same(all.slice(first, counts[std::size_t(r)]),
                  rows_of({counts[std::size_t(r)], 4}, DType::f32, r)))
          ++wrong;
      if (all.dim(0) != first) ++wrong;
      if (exchange_texts(c, std::string(std::size_t(c.rank()), 'a'))[0] != "") ++wrong;
    });
    CHECK(wrong == 0);
  }
}

TEST_CASE("NCCL: a collective lies between two events, and the host waits for neither") {
  Stage stage(2, true);
  const auto c = stage.join(1);
  World& w = stage.world;
  const NoHostWait none;
  const Tensor t = rows_of({5}, DType::f32, 0), u = rows_of({2, 3}, DType::bf16, 0);
  w.done = 0;

  // events in order of creation: 1 before, 2 after, 3 of the watchdog
  c->all_reduce_sum(t);
  CHECK(w.log == std::vector<std::string>{"record event 1 on compute", "communication waits for event 1",
                                          "all_reduce f32 5 on communication",
                                          "record event 2 on communication",
                                          "record event 3 on communication", "compute waits for event 2"});
  w.log.clear();
  c->begin_all_reduce_sum(t);
  c->begin_all_reduce_sum(u);
  const std::vector<std::string> begun = {
      "record event 1 on compute",          "communication waits for event 1",
      "all_reduce f32 5 on communication",  "record event 2 on communication",
      "record event 1 on compute",          "communication waits for event 1",
      "all_reduce bf16 6 on communication", "record event 2 on communication"};
  CHECK(w.log == begun);      // the compute stream does not wait
  CHECK(t.shares_storage());  // kept until the sum is complete
  w.log.clear();
  c->finish_all_reduces();
  c->finish_all_reduces();  // nothing to wait for
  CHECK(w.log == std::vector<std::string>{"compute waits for event 2"});
  CHECK_FALSE(t.shares_storage());

  w.log.clear();
  c->all_gather(u, {3, 2});
  CHECK(w.log == std::vector<std::string>{"record event 1 on compute", "communication waits for event 1",
                                          "group start", "broadcast bf16 9 from 0 on communication",
                                          "broadcast bf16 6 from 1 on communication", "group end",
                                          "record event 2 on communication", "compute waits for event 2"});
  CHECK_THROWS_AS(c->barrier(), std::logic_error);  // barrier() makes the host wait
}

TEST_CASE("NCCL: inside a graph no event is recorded for the watchdog") {
  Stage stage(2, true);
  const auto c = stage.join(0);
  stage.world.capturing = true;
  c->all_reduce_sum(rows_of({5}, DType::f32, 0));
  CHECK(stage.world.log ==
        std::vector<std::string>{"record event 1 on compute", "communication waits for event 1",
                                 "all_reduce f32 5 on communication", "record event 2 on communication",
                                 "compute waits for event 2"});
}

TEST_CASE("NCCL: a missing rank is an error after the timeout, and the communicator is aborted once") {
  Stage stage(3, true);
  stage.world.polls = -1;
  {
    const Variable id("NCCL_COMM_ID", "node1:29501");
    CHECK(rank_error([&] { stage.join(2, 0.02); }) ==
          "rank 2 of 3: meeting the other ranks at node1:29501: the other ranks did not join within 0.02 s");
  }
  CHECK(stage.world.aborted == 1);

  stage.world.polls = 0;
  const auto c = stage.join(2, 0.02);
  stage.world.polls = -1;
  const std::string late = "rank 2 of 3: all_reduce of f64 (4): the other ranks did not join within 0.02 s";
  CHECK(rank_error([&] { c->all_reduce_sum(rows_of({4}, DType::f64, 0)); }) == late);
  CHECK(stage.world.aborted == 2);
  CHECK(rank_error([&] { c->broadcast(rows_of({4}, DType::f64, 0), 0); }) ==
        late);  // and so does every later call
  c->abort("rank 1 has failed");
  CHECK(stage.world.aborted == 2);
}

TEST_CASE("NCCL: a collective that never finishes is detected, also after others that did") {
  Stage stage(2, true);
  const auto c = stage.join(0, 0.2, 0.001);
  World& w = stage.world;
  w.done = 2;
  for (int i = 0; i < 2; ++i) c->all_reduce_sum(rows_of({4}, DType::f32, 0));
  c->broadcast(rows_of({2, 2}, DType::i64, 0), 1);
  wait_for([&] { return w.aborted == 1; });
  const std::string error = rank_error([&] { c->all_reduce_sum(rows_of({4}, DType::f32, 0)); });
  CHECK(error == "rank 0 of 2: broadcast of i64 (2,2): the other ranks did not join within 0.2 s");
}

TEST_CASE("NCCL: a barrier throws if the watchdog has aborted") {
  Stage stage(2, true);
  const auto c = stage.join(0, 0.1, 0.001);
  stage.world.done = 0;
  CHECK(rank_error([&] { c->barrier(); }) ==
        "rank 0 of 2: barrier of i32 (1): the other ranks did not join within 0.1 s");
}

TEST_CASE("NCCL: an asynchronous error aborts the communicator and names this rank") {
  for (const ncclResult_t status : {ncclRemoteError, ncclInvalidUsage}) {
    Stage stage(2, true);
    const auto c = stage.join(1, 30, 0.001);
    stage.world.async = status;
    wait_for([&] { return stage.world.aborted == 1; });
    const std::string text =
        "rank 1 of 2: between collectives: NCCL: " + std::string(api.error_string(status)) +
        " (socket closed)";
    const auto reduce = [&] { c->all_reduce_sum(rows_of({4}, DType::f32, 0)); };
    CHECK(message_of<std::runtime_error>(reduce) == text);
    if (status == ncclRemoteError) CHECK(rank_error(reduce) == text);  // only a remote error is worth a retry
    if (status == ncclInvalidUsage) CHECK_THROWS_AS(rank_error(reduce), std::runtime_error);
  }
}

TEST_CASE("NCCL: a failed call is an error that names rank and collective; an open group is ended first") {
  Stage stage(2, true);
  {
    const auto c = stage.join(0);
    stage.world.refused = ncclSystemError;
    CHECK(rank_error([&] {
            c->all_gather(rows_of({2}, DType::f32, 0), {2, 1});
          }) == "rank 0 of 2: all_gather of f32 (2): NCCL: unhandled system error (socket closed)");
    CHECK(stage.world.log.back() == "group end");
  }
  {
    const auto c = stage.join(0);
    stage.world.async = ncclRemoteError;
    CHECK(
        rank_error([&] { c->broadcast(rows_of({2}, DType::f32, 0), 1); }) ==
        "rank 0 of 2: broadcast of f32 (2): NCCL: remote process exited or there was a network error (socket "
        "closed)");
    stage.world.async = ncclSuccess;
  }
  stage.world.refused = ncclInvalidUsage;
  CHECK(message_of<std::runtime_error>([&] { stage.join(0); }) ==
        "rank 0 of 2: meeting the other ranks: NCCL: invalid usage (socket closed)");
}

TEST_CASE("NCCL: the destructor waits for the other ranks, unless the run has failed or was aborted") {
  Stage stage(2, true);
  World& w = stage.world;
  stage.join(0).reset();
  CHECK(w.finalized == 1);
  CHECK(w.destroyed == 1);
  CHECK(w.aborted == 0);

  const auto fail = [&] {
    const auto c = stage.join(0);
    throw DataError("a file is damaged");
  };
  CHECK(message_of<DataError>(fail) == "a file is damaged");
  CHECK(w.finalized == 1);
  CHECK(w.aborted == 1);

  const auto c = stage.join(1);
  c->abort("rank 1 has failed");
  CHECK(w.aborted == 2);
  CHECK(rank_error([&] { c->broadcast(rows_of({1}, DType::u8, 0), 0); }) == "rank 1 has failed");
}

TEST_CASE("NCCL: ranks meet at NCCL_COMM_ID, else at MASTER_ADDR and the port after MASTER_PORT") {
  Stage stage(2, true);
  const auto join = [&](const std::string& id = "") {
    join_nccl({.device = cpu, .rank = 0, .size = 2, .timeout = std::chrono::seconds(30), .unique_id = id},
              api, calls);
    return stage.world.id;
  };
  const auto meet = [&](const char* address, const char* port) {
    const Variable none("NCCL_COMM_ID", nullptr), a("MASTER_ADDR", address), p("MASTER_PORT", port);
    return join();
  };
  CHECK(meet("node1", "29500") == "node1:29501");
  CHECK(meet("fd00::1", "29500") == "[fd00::1]:29501");
  CHECK(
      message_of<UsageError>([&] { meet("node1", nullptr); }) ==
      "rank 0 of 2: NCCL's ranks meet at NCCL_COMM_ID (host:port), or at MASTER_ADDR and MASTER_PORT + 1, as "
      "torchrun sets them; none of these is set");
  CHECK(message_of<UsageError>([&] { meet("node1", "65535"); }) ==
        "rank 0 of 2: MASTER_PORT is \"65535\", expected 1 to 65534");
  CHECK(message_of<UsageError>([&] { meet("node1", "29500x"); }) != "");
  {
    const Variable id("NCCL_COMM_ID", "10.0.0.1:4000"), a("MASTER_ADDR", "node1"), p("MASTER_PORT", "29500");
    CHECK(join() == "10.0.0.1:4000");
  }
  CHECK(join(std::string(NCCL_UNIQUE_ID_BYTES - 1, 'y') + '\0') ==
        std::string(NCCL_UNIQUE_ID_BYTES - 1, 'y'));
  CHECK(message_of<std::invalid_argument>([&] { join("short"); }) ==
        "NCCL: a unique id of 5 bytes, expected 128");
}

TEST_CASE("NCCL: arguments are checked before NCCL is called") {
  Stage stage(2, true);
  const auto c = stage.join(0);
  CHECK_THROWS_WITH(c->broadcast(rows_of({1}, DType::f32, 0), 2), "broadcast: rank 2 of 2");
  CHECK_THROWS_WITH(c->reduce_scatter_sum(rows_of({3, 2}, DType::f32, 0)),
                    "reduce_scatter: the tensor is (3,2), expected rows that 2 ranks can share");
  CHECK_THROWS_WITH(c->all_gather(rows_of({3}, DType::f32, 0), {2, 3}), doctest::Contains("all_gather: "));
  CHECK_THROWS_WITH(connect_nccl(cpu, 0, 1, 30), "NCCL: the device is cpu, expected a CUDA device");
  CHECK(stage.world.log.empty());
}

TEST_CASE("NCCL: if installed, the library has every function") {
  try {
    CHECK(nccl_version() != "");
    CHECK(nccl_library().error_string(ncclSuccess) == std::string("no error"));
  } catch (const kernels::MissingLibrary& e) {
    MESSAGE("not checked: ", e.what());
  }
}
