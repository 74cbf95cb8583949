// Features of many images in a file, as `dyad embed` and `dyad export` write them. The file is mapped, so
// that it may be larger than memory.
//
//   NAME.safetensors   tensors `features` (N,D) or (N,h,w,C), F32, F64, F16 or BF16; `labels` (N), I64, if
//                      the images have classes; `names`, U8: a line for each row. Metadata: about the
//                      encoder.
//   NAME.npy           features; beside it NAME.names.txt, and NAME.labels.npy, NAME.classes.txt and
//   NAME.json
//                      (the metadata) if they are there. features.npy of `dyad export --format npy`, too,
//                      with names.txt, labels.npy and classes.txt.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/files/mapped_file.h"
#include "engine/tensor.h"

namespace apps {

// The same path however it is written: absolute, without "." and "..".
std::string plain_path(const std::string& path);

class EmbeddingFile {
 public:
  // DataError, which begins with the file's name, if it is damaged or not such a file; UnusableFile if it, or
  // a file that it needs, can't be read. The values are not looked at: they may be NaN.
  explicit EmbeddingFile(const std::string& path);

  const std::string& path() const { return path_; }
  std::int64_t rows() const { return shape_[0]; }                    // N, at least 1
  std::int64_t width() const { return shape_.numel() / shape_[0]; }  // D, at least 1; h w C of maps
  const engine::Shape& shape() const { return shape_; }              // (N,D) or (N,h,w,C)
  const std::string& type() const { return type_; }                  // of the file: "F32", "F16" ...

  // Rows first .. first + count as f32, (count,D), to `to`. Their pages of the file are released, so a walk
  // in tiles needs the memory of one tile. Thread-safe.
  void read(std::int64_t first, std::int64_t count, float* to) const;
  engine::Tensor tile(std::int64_t first, std::int64_t count) const;  // the same as a tensor of the host
  // The rows in place, N x D values; null if the file has another type than F32. release() after use.
  const float* in_place() const;
  void release(std::int64_t first, std::int64_t count) const;

  // The image of a row, as text (engine::escaped): what Dataset::name() says.
  std::string_view name(std::int64_t row) const;

  // The class of each row, -1: none. Empty if no image has one.
  const std::vector<std::int64_t>& labels() const { return labels_; }
  const std::vector<std::string>& classes() const { return classes_; }  // names of the labels; may be empty
  std::string class_name(std::int64_t row) const;  // "" if none; the number of a class without a name

  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  std::string about(const std::string& key) const;  // "encoder_hash", "arch", "size" ...; "" if unknown

 private:
  void open_safetensors();
  void open_npy();
  void find_names(const engine::MappedFile& file, std::uint64_t begin, std::uint64_t bytes);
  void take_labels(const char* values, const std::string& file);
  void require_shape() const;

  std::string path_;
  std::unique_ptr<engine::MappedFile> file_, names_file_;
  std::string type_;
  engine::Shape shape_{};
  std::uint64_t data_ = 0;  // where the features begin in the file
  std::string_view names_;
  std::vector<std::uint64_t> begins_;  // of every 64th name in names_: a file may have very many
  std::vector<std::int64_t> labels_;
  std::vector<std::string> classes_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace apps
