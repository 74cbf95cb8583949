// Fuzzes a CIFAR folder. Input: flags, class names, and the records of one file. It is the only file, or the
// training batch beside a test batch of the same bytes.
#include "data/formats/cifar.h"

#include "tests/fuzz/dataset.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const Scratch scratch;
  fuzz::Pieces pieces(bytes, size);
  const unsigned flags = pieces.byte();
  const bool hundred = flags & 1, named = flags & 2, whole = flags & 4;
  const auto split = data::Split(flags >> 3 & 3);
  const std::string names = pieces.text(), records = pieces.records(whole, hundred ? 3074 : 3073);
  std::filesystem::remove_all(scratch.folder);
  if (named) scratch.write(hundred ? "fine_label_names.txt" : "batches.meta.txt", names);
  scratch.write(hundred ? "train.bin" : "data_batch_1.bin", records);
  if (!(flags & 32)) scratch.write(hundred ? "test.bin" : "test_batch.bin", records);
  fuzz::refusal(scratch.folder.string(), [&] {
    fuzz::read_all(
        *(hundred ? data::open_cifar100(scratch.folder, split) : data::open_cifar10(scratch.folder, split)),
        true);
  });
  return 0;
}
