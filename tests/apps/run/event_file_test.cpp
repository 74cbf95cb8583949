// Files for TensorBoard: known bytes, and records that can be read back. scripts/lab/check_events.py reads a
// run's files with TensorBoard itself.
#include "apps/run/event_file.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>

#include "tests/support/scratch.h"

namespace {

std::string hex(const std::string& bytes) {
  std::string text;
  for (const unsigned char byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

// The records of a file; "" for one whose checksum is wrong.
std::vector<std::string> records(const std::string& bytes) {
  std::vector<std::string> found;
  for (std::size_t at = 0; at + 16 <= bytes.size();) {
    std::uint64_t size = 0;
    std::memcpy(&size, &bytes[at], sizeof size);
    const std::string event = bytes.substr(at + 12, size), whole = bytes.substr(at, size + 16);
    found.push_back(apps::event_record(event) == whole ? event : "");
    at += size + 16;
  }
  return found;
}

}  // namespace

TEST_CASE("events: the checksum's known values") {
  CHECK(apps::crc32c("123456789") == 0xe3069283U);  // RFC 3720, B.4, and the standard check value
  CHECK(apps::crc32c(std::string(32, '\0')) == 0x8a9136aaU);
  CHECK(apps::crc32c(std::string(32, '\xff')) == 0x62a8ab43U);
}

TEST_CASE("events: the same bytes as TensorBoard's own writer") {
  CHECK(hex(apps::event_record(apps::version_event(0)) +
            apps::event_record(apps::scalar_event(1, 7, {{"loss", 1.5}}))) ==
        "1800000000000000a37f4b220900000000000000001a0d627261696e2e4576656e743a32eedf28a3"
        "1a00000000000000129bd82d09000000000000f03f10072a0d0a0b0a046c6f7373150000c03fde327097");
}

TEST_CASE("events: one file per start; each discards later steps of earlier files") {
  const Scratch scratch;
  std::string first;
  {
    apps::EventFile file(scratch.folder.string(), 0);
    file.scalars(300, {{"loss", 2.5}, {"lr", 0.1}});
    file.sync();
    for (const auto& entry : std::filesystem::directory_iterator(scratch.folder))
      first = entry.path().filename().string();
  }
  CHECK(first.rfind("events.out.tfevents.", 0) == 0);
  const auto events = records(scratch.read(first));
  REQUIRE(events.size() == 3);
  CHECK(events[0].find("brain.Event:2") != std::string::npos);
  CHECK(hex(events[1].substr(9)) == "10013a020801");  // step 1, START: discards an earlier attempt
  CHECK(hex(events[2].substr(9)) ==
        "10ac022a18"
        "0a0b0a046c6f73731500002040"
        "0a090a026c7215cdcccc3d");

  std::filesystem::remove(scratch.folder / first);
  { const apps::EventFile resumed(scratch.folder.string(), 200); }
  for (const auto& entry : std::filesystem::directory_iterator(scratch.folder)) {
    const auto again = records(scratch.read(entry.path().filename().string()));
    REQUIRE(again.size() == 2);
    CHECK(hex(again[1].substr(9)) == "10c9013a020801");  // step 201, START
  }
  CHECK_THROWS(apps::EventFile(scratch.path("none"), 0));
}
