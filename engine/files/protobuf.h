// Protocol buffers' wire format, as far as writing a message needs it
// (protobuf.dev/programming-guides/encoding): numbers, text, and messages in messages. Whoever calls it knows
// the fields' numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/files/atomic_file.h"
#include "engine/tensor.h"

namespace engine {

class ProtobufMessage {
 public:
  void integer(int field, std::int64_t value);          // int32, int64, uint64, bool or an enum
  void real(int field, float value);                    // float
  void text(int field, std::string_view bytes);         // string or bytes
  void message(int field, ProtobufMessage value);       // a message
  void tensor_bytes(int field, const Tensor& on_host);  // bytes: those of a tensor, which are not copied

  std::uint64_t size() const { return size_; }  // in bytes
  void write(AtomicFile&) const;

 private:
  void append(std::string_view bytes);
  void key(int field, int wire_type);
  void varint(std::uint64_t value);

  std::vector<std::variant<std::string, Tensor>> pieces_;  // one after the other
  std::uint64_t size_ = 0;
};

// Writes atomically. std::runtime_error if the message has 2 GiB or more: no program reads such a file.
void write_protobuf(const std::string& path, const ProtobufMessage&);

}  // namespace engine
