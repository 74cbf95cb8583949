// Asynchronous copies between the host and a device, and the detection of waits.
#include "engine/memory/transfer.h"

#include <doctest/doctest.h>

#include <cstring>
#include <utility>

#include "engine/memory/host_wait.h"
#include "engine/tape.h"

using namespace engine;

TEST_CASE("a wait inside NoHostWait is an error that names it") {
  const Tensor x = full({1}, 3, DType::f32, cpu);
  const Tensor y = leaf(full({1}, 3, DType::f32, cpu));
  {
    const NoHostWait none;
    CHECK_THROWS_WITH_AS(x.item(), "Tensor::item: the host would wait for the device inside a NoHostWait",
                         std::logic_error);
    CHECK_THROWS_AS(x.to_vector(), std::logic_error);
    CHECK_THROWS_AS(from_vector({1}, {1}, DType::f32), std::logic_error);
    CHECK_THROWS_AS(synchronize(cpu), std::logic_error);
#ifndef DYAD_SIMT_ONLY  // there is no pool
    CHECK_THROWS_AS(Tensor({std::int64_t(1) << 40}, DType::u8, cpu),
                    std::logic_error);  // larger than the pool
#endif
    { const NoHostWait inner; }
    CHECK_THROWS_AS(x.item(), std::logic_error);
    CHECK_NOTHROW(full({4}, 1, DType::f32, cpu));
    CHECK_NOTHROW(zeros({4}, DType::f32, cpu));
    CHECK_NOTHROW(x.clone());
    CHECK_NOTHROW(backward(y));
  }
  CHECK(x.item() == 3);
  CHECK(gradient(y).item() == 1);
}

TEST_CASE("an Upload has one device address") {
  Upload upload(cpu, 2 * sizeof(double));
  const void* at = upload.data();
  const NoHostWait none;
  for (int i = 0; i < 10; ++i) {
    const double values[2] = {1.0 * i, -1.0 * i};
    upload.send(values, sizeof values);
    CHECK(upload.data() == at);
    CHECK(std::memcmp(at, values, sizeof values) == 0);
  }
  CHECK(upload.tensor({3}).raw() == at);
  const double more[3] = {};
  CHECK_THROWS_AS(upload.send(more, sizeof more), std::invalid_argument);
}

TEST_CASE("a LateScalar keeps the value at start(), even if the device's memory changes afterwards") {
  LateScalar late(cpu);
  CHECK_THROWS_AS(late.value(), std::invalid_argument);
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor loss = full({1}, 0.75, dtype, cpu);
    {
      const NoHostWait none;
      late.start(loss);
      loss.fill_zero();
      CHECK_THROWS_AS(late.value(), std::logic_error);
    }
    CHECK(late.value() == 0.75);
  }
  CHECK_THROWS_AS(late.start(zeros({2}, DType::f32, cpu)), std::invalid_argument);
  CHECK_THROWS_AS(late.start(zeros({1}, DType::i64, cpu)), std::invalid_argument);
}

TEST_CASE("a HostBuffer keeps its memory while it is large enough, and moves") {
  HostBuffer a;
  a.resize(1000);
  std::uint8_t* const memory = a.data();
  CHECK(std::uintptr_t(memory) % 64 == 0);
  std::memset(memory, 7, 1000);
  a.resize(10);
  CHECK(a.data() == memory);
  CHECK(a.size() == 10);

  const Tensor to = zeros({10}, DType::u8, cpu);
  a.copy_to(to.raw(), 10, Queue::copy);
  CHECK(to.to_vector() == std::vector<double>(10, 7.0));
  CHECK_THROWS_AS(a.copy_to(to.raw(), 11, Queue::copy), std::invalid_argument);

  HostBuffer b;
  b.resize(5);
  std::swap(a, b);
  CHECK(b.data() == memory);
  CHECK(a.size() == 5);
  const HostBuffer c(std::move(b));
  CHECK(c.data() == memory);
  // NOLINTNEXTLINE(bugprone-use-after-move): a moved-from buffer is empty and can be reused
  b.resize(3);
  CHECK(b.size() == 3);
}
