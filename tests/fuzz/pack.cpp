// Fuzzes the index of a packed data set. Its size and hash are corrected, or no input would be read further.
// The shard beside it has the bytes 0 to 255, whose hashes are in the seed.
#include <cstring>

#include "data/pack/pack_index.h"
#include "data/pack/packed_images.h"
#include "engine/files/xxh64.h"
#include "tests/fuzz/dataset.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const Scratch scratch;
  [[maybe_unused]] static const std::string shard = [] {
    std::string all;
    for (int i = 0; i < 256; ++i) all += char(i);
    return scratch.write(data::pack_shard_name(0), all);
  }();
  std::string index(reinterpret_cast<const char*>(bytes), size);
  if (size >= sizeof(data::PackHeader)) {
    data::PackHeader header;
    std::memcpy(&header, index.data(), sizeof header);
    header.file_bytes = size;
    std::memcpy(index.data(), &header, sizeof header);
    header.hash = engine::xxh64(index.data() + 24, size - 24);
    std::memcpy(index.data(), &header, sizeof header);
  }
  scratch.write(data::pack_index_name, index);
  for (const data::Split split : {data::Split::pretrain, data::Split::test})
    fuzz::refusal(scratch.folder.string(), [&] {
      if (!data::has_pack_split(scratch.folder, split)) return;
      const auto set = data::open_pack(scratch.folder, split);
      for (std::size_t i = 0; i < set->size(); ++i)
        fuzz::expect((set->name(i) + set->entry(i)).find('\n') == std::string::npos, "names of one line");
      fuzz::read_all(*set, false);
    });
  return 0;
}
