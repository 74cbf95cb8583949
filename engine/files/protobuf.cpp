#include "engine/files/protobuf.h"

#include <bit>
#include <cstring>
#include <iterator>

namespace engine {
namespace {

static_assert(std::endian::native == std::endian::little, "protobuf is little-endian");

constexpr int kVarint = 0, kLengthDelimited = 2, kFixed32 = 5;  // wire types
constexpr std::uint64_t kLimit = (1ULL << 31) - 1;              // of a message, in bytes

}  // namespace

void ProtobufMessage::append(std::string_view bytes) {
  if (pieces_.empty() || !std::holds_alternative<std::string>(pieces_.back()))
    pieces_.emplace_back(std::string());
  std::get<std::string>(pieces_.back()).append(bytes);
  size_ += bytes.size();
}

// Seven bits in a byte, the low ones first; the high bit says that more follow.
void ProtobufMessage::varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += char(value | 0x80);
  bytes += char(value);
  append(bytes);
}

void ProtobufMessage::key(int field, int wire_type) { varint(std::uint64_t(field) << 3 | wire_type); }

void ProtobufMessage::integer(int field, std::int64_t value) {
  key(field, kVarint);
  varint(std::uint64_t(value));
}

void ProtobufMessage::real(int field, float value) {
  key(field, kFixed32);
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  append({bytes, sizeof value});
}

void ProtobufMessage::text(int field, std::string_view bytes) {
  key(field, kLengthDelimited);
  varint(bytes.size());
  append(bytes);
}

void ProtobufMessage::message(int field, ProtobufMessage value) {
  key(field, kLengthDelimited);
  varint(value.size_);
  size_ += value.size_;
  std::move(value.pieces_.begin(), value.pieces_.end(), std::back_inserter(pieces_));
}

void ProtobufMessage::tensor_bytes(int field, const Tensor& t) {
  require(t.device() == cpu, "ProtobufMessage: a tensor on ", t.device(), ", expected one on the host");
  key(field, kLengthDelimited);
  varint(t.bytes());
  size_ += t.bytes();
  pieces_.emplace_back(t);
}

void ProtobufMessage::write(AtomicFile& file) const {
  for (const auto& piece : pieces_) {
    if (const auto* text = std::get_if<std::string>(&piece))
      file.write(text->data(), text->size());
    else
      file.write(std::get<Tensor>(piece).raw(), std::get<Tensor>(piece).bytes());
  }
}

void write_protobuf(const std::string& path, const ProtobufMessage& message) {
  if (message.size() > kLimit)
    throw std::runtime_error(concat_text(path, ": would have ", message.size(), " bytes, expected at most ",
                                         kLimit, ", which is protobuf's limit"));
  AtomicFile file(path);
  message.write(file);
  file.commit();
}

}  // namespace engine
