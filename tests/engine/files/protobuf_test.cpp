// Protobuf messages, byte by byte.
#include "engine/files/protobuf.h"

#include <doctest/doctest.h>

#include "tests/support/scratch.h"

using engine::ProtobufMessage;

namespace {

std::string protobuf_bytes(const ProtobufMessage& m) {
  const Scratch scratch;
  engine::write_protobuf(scratch.path("m"), m);
  std::string bytes = scratch.read("m");
  CHECK(bytes.size() == m.size());
  return bytes;
}

}  // namespace

TEST_CASE("protobuf: the bytes of the format's specification") {
  ProtobufMessage number, text, nested, large;
  number.integer(1, 150);
  CHECK(protobuf_bytes(number) == "\x08\x96\x01");
  text.text(2, "testing");
  CHECK(protobuf_bytes(text) == "\x12\x07testing");
  nested.message(3, number);
  nested.text(4, "");
  CHECK(protobuf_bytes(nested) == std::string("\x1a\x03\x08\x96\x01\x22\x00", 7));
  large.integer(20, -1);  // a key of two bytes; a negative number has ten
  large.real(2, 1);
  CHECK(protobuf_bytes(large) ==
        std::string("\xa0\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x15\x00\x00\x80\x3f", 17));
  CHECK(protobuf_bytes({}).empty());
}

TEST_CASE("protobuf: a tensor's bytes, also in a message in a message") {
  const engine::Tensor t = engine::from_vector({2}, {1, 2}, engine::DType::f32);
  ProtobufMessage inner, outer;
  inner.integer(1, 5);
  inner.tensor_bytes(9, t);
  inner.integer(2, 6);
  outer.message(7, inner);
  outer.integer(8, 7);
  CHECK(protobuf_bytes(outer) ==
        std::string("\x3a\x0e\x08\x05\x4a\x08\0\0\x80\x3f\0\0\0\x40\x10\x06\x40\x07", 18));
}

TEST_CASE("protobuf: 2 GiB are refused before anything is written") {
  const Scratch scratch;
  const engine::Tensor t = engine::zeros({1 << 20, 64}, engine::DType::u8, engine::cpu);
  ProtobufMessage m;
  for (int i = 0; i < 32; ++i) m.tensor_bytes(1, t);
  CHECK(message_of<std::runtime_error>([&] { engine::write_protobuf(scratch.path("m"), m); }) ==
        scratch.path("m") +
            ": would have 2147483808 bytes, expected at most 2147483647, which is protobuf's limit");
  CHECK(std::filesystem::is_empty(scratch.folder));
}
