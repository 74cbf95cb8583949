// CIFAR-10, CIFAR-100 and STL-10.
#include "tests/bad_inputs/bad_input.h"

namespace {

std::string record(const std::string& labels, std::size_t pixels = 3072) {
  return labels + std::string(pixels, 'x');
}
const std::string ten = record("\1"), hundred = record("\1\2"), stl(27'648, 'x');

struct Record {
  std::string name, says;
  std::vector<std::pair<std::string, std::string>> files;  // name and bytes
};

}  // namespace

std::vector<BadInput> bad_records() {
  const std::vector<Record> records = {
      {"cifar-10: an empty file",
       "DIR/data_batch_1.bin has 0 bytes, expected a multiple of 3,073",
       {{"data_batch_1.bin", ""}}},
      {"cifar-10: a byte too few",
       "DIR/data_batch_1.bin has 3,072 bytes, expected a multiple of 3,073",
       {{"data_batch_1.bin", ten.substr(1)}}},
      {"cifar-10: a byte too many",
       "DIR/data_batch_1.bin has 3,074 bytes, expected a multiple of 3,073",
       {{"data_batch_1.bin", ten + "x"}}},
      {"cifar-10: the second file is cut",
       "DIR/data_batch_2.bin has 3,000 bytes, expected a multiple",
       {{"data_batch_1.bin", ten}, {"data_batch_2.bin", ten.substr(0, 3'000)}}},
      {"cifar-10: label 10",
       "DIR/data_batch_1.bin has label 10 at record 1 (byte 3,073), expected less than 10",
       {{"data_batch_1.bin", ten + record("\x0a")}}},
      {"cifar-10: label 255",
       "DIR/data_batch_1.bin has label 255 at record 0 (byte 0), expected less than 10",
       {{"data_batch_1.bin", record("\xff")}}},
      {"cifar-10: the archive, not unpacked",
       "DIR/data_batch_1.bin is a gzip archive (not yet unpacked), expected records of 3,073 bytes",
       {{"data_batch_1.bin", "\x1f\x8b\x08" + std::string(3'070, 'x')}}},
      {"cifar-10: records of CIFAR-100",
       "DIR/data_batch_1.bin has 3,074 bytes",
       {{"data_batch_1.bin", hundred}}},
      {"cifar-10: batch 2 without batch 1",
       "no data_batch_1.bin, expected data_batch_1.bin",
       {{"data_batch_2.bin", ten}}},
      {"cifar-10: batch 2 is missing",
       "no data_batch_2.bin, expected data_batch_1.bin to data_batch_2.bin",
       {{"data_batch_1.bin", ten}, {"data_batch_3.bin", ten}}},
      {"cifar-10: the test batch alone", "no data_batch_1.bin", {{"test_batch.bin", ten}}},
      {"cifar-10: nine names",
       "DIR/batches.meta.txt names 9 classes, expected 10",
       {{"data_batch_1.bin", ten}, {"batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\n"}}},
      {"cifar-10: eleven names",
       "DIR/batches.meta.txt names 11 classes, expected 10",
       {{"data_batch_1.bin", ten}, {"batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\n"}}},
      {"cifar-10: a folder in the place of a file",
       "DIR/data_batch_1.bin: not a regular file",
       {{"data_batch_1.bin/x", ""}}},
      {"cifar-100: an empty file",
       "DIR/train.bin has 0 bytes, expected a multiple of 3,074",
       {{"train.bin", ""}}},
      {"cifar-100: a byte too few",
       "DIR/train.bin has 3,073 bytes, expected a multiple of 3,074",
       {{"train.bin", hundred.substr(1)}}},
      {"cifar-100: records of CIFAR-10",
       "DIR/train.bin has 6,146 bytes, expected a multiple of 3,074",
       {{"train.bin", ten + ten}}},
      {"cifar-100: label 100",
       "DIR/train.bin has label 100 at record 0 (byte 1), expected less than 100",
       {{"train.bin", record("\1\x64")}}},
      {"cifar-100: the test file alone",
       "DIR/train.bin is missing, expected it for the train split",
       {{"test.bin", hundred}}},
      {"cifar-100: names of CIFAR-10",
       "DIR/fine_label_names.txt names 2 classes, expected 100",
       {{"train.bin", hundred}, {"fine_label_names.txt", "a\nb\n"}}},
      {"stl-10: an empty file",
       "DIR/train_X.bin has 0 bytes, expected a multiple of 27,648",
       {{"train_X.bin", ""}, {"train_y.bin", ""}}},
      {"stl-10: a byte too few",
       "DIR/train_X.bin has 27,647 bytes, expected a multiple of 27,648",
       {{"train_X.bin", stl.substr(1)}, {"train_y.bin", "\1"}}},
      {"stl-10: no labels",
       "DIR/train_y.bin is missing, expected the labels of train_X.bin",
       {{"train_X.bin", stl}}},
      {"stl-10: more labels than images",
       "DIR/train_y.bin has 2 labels, expected 1, as many as train_X.bin has images",
       {{"train_X.bin", stl}, {"train_y.bin", "\1\2"}}},
      {"stl-10: fewer labels than images",
       "DIR/train_y.bin has 1 labels, expected 2",
       {{"train_X.bin", stl + stl}, {"train_y.bin", "\1"}}},
      {"stl-10: label 0",
       "DIR/train_y.bin has label 0 at byte 0, expected 1 to 10",
       {{"train_X.bin", stl}, {"train_y.bin", std::string(1, '\0')}}},
      {"stl-10: label 11",
       "DIR/train_y.bin has label 11 at byte 1, expected 1 to 10",
       {{"train_X.bin", stl + stl}, {"train_y.bin", "\1\x0b"}}},
      {"stl-10: the test split alone",
       "DIR/train_X.bin is missing, expected it for the train split",
       {{"test_X.bin", stl}, {"test_y.bin", "\1"}}},
      {"stl-10: images without labels are cut",
       "DIR/unlabeled_X.bin has 100 bytes, expected a multiple of 27,648",
       {{"unlabeled_X.bin", stl.substr(0, 100)}}},
      {"stl-10: nine names",
       "DIR/class_names.txt names 9 classes, expected 10",
       {{"train_X.bin", stl}, {"train_y.bin", "\1"}, {"class_names.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\n"}}},
      {"stl-10: a pointer of Git LFS",
       "DIR/train_X.bin is a pointer of Git LFS (`git lfs pull` fetches the file), expected images of 27,648 "
       "bytes",
       {{"train_X.bin", "version https://git-lfs.github.com/spec/v1\n"}, {"train_y.bin", "\1"}}},
      {"cifar-10: the Python version",
       "DIR is the Python version of CIFAR-10, expected the binary version (cifar-10-binary.tar.gz)",
       {{"data_batch_1", "\x80\x02}q"}, {"batches.meta", "\x80\x02}q"}}},
      {"cifar-100: the Python version",
       "DIR is the Python version of CIFAR-100, expected the binary version (cifar-100-binary.tar.gz)",
       {{"train", "\x80\x02}q"}, {"test", "\x80\x02}q"}, {"meta", "\x80\x02}q"}}},
      {"cifar-10: the folder above",
       "DIR has a folder cifar-10-batches-bin: name that, DIR/cifar-10-batches-bin",
       {{"cifar-10-batches-bin/data_batch_1.bin", ten}}},
      {"archives: one",
       "DIR has images.zip (not yet unpacked), expected image folders",
       {{"images.zip", "PK\3\4" + std::string(26, '\0')}}},
      {"archives: the classes of ImageNet in train/",
       "DIR/train has n01440764.tar and 1 other archive (not yet unpacked), expected image folders",
       {{"train/n01440764.tar", std::string(257, 'x') + "ustar"},
        {"train/n01443537.tar", std::string(257, 'x') + "ustar"}}},
  };
  std::vector<BadInput> list;
  for (const Record& r : records)
    list.push_back({r.name,
                    {"data", "preview", "--data", "DIR", "--out", "DIR/preview.png"},
                    65,
                    r.says,
                    [files = r.files](const Scratch& scratch) {
                      for (const auto& [name, bytes] : files) scratch.write(name, bytes);
                    }});
  return list;
}
