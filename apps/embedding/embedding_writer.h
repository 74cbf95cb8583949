// Writes features row by row, for files larger than memory, and continues a file that was not finished.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/tensor.h"

namespace apps {

// All but the rows themselves.
struct EmbeddingPlan {
  std::string path;                               // its ending is the format: .safetensors, .npy or .csv
  engine::Shape shape{};                          // of the features: (N,D) or (N,h,w,C)
  bool half = false;                              // F16, rather than F32
  std::function<std::string(std::int64_t)> name;  // of a row, one line
  std::vector<std::int64_t> labels = {};          // of the rows; empty: none
  std::vector<std::string> classes = {};          // by label
  std::map<std::string, std::string> metadata = {};
  // What the rows depend on: weights, images, options. A file that was begun with other values is not
  // continued.
  nlohmann::ordered_json made_of = {};
  std::chrono::milliseconds between_saves{1000};  // of the progress
};

// UsageError if the name has none of the endings, or if the format has no place for such features.
void require_embedding_name(const std::string& path, int rank);

// The rows are in PATH.partial until all are there; PATH.partial.json says how many are safe on the disk.
// After a kill a writer with the same plan continues behind them, and the file ends in the same bytes. An
// error leaves both files, if rows are safe, and none otherwise.
class EmbeddingWriter {
 public:
  // UsageError if the unfinished file was made of something else, or if another process writes to it.
  explicit EmbeddingWriter(EmbeddingPlan);
  ~EmbeddingWriter();
  EmbeddingWriter(const EmbeddingWriter&) = delete;
  EmbeddingWriter& operator=(const EmbeddingWriter&) = delete;

  std::int64_t rows() const { return rows_; }  // that are written
  void append(const engine::Tensor& rows);     // f32 on the host, (n,D) or (n,h,w,C)
  void finish();                               // after the last row: the file appears under its name

 private:
  void open_partial();
  std::int64_t unfinished_bytes();  // of the file to continue; 0: there is none
  void write(const std::string& bytes);
  void save_progress();
  void write_beside(const std::string& ending, const std::string& text) const;
  std::string before_rows() const;
  void each_names_part(const std::function<void(const std::string&)>& take) const;  // a line for each row
  std::string encoded(const engine::Tensor& rows) const;
  [[noreturn]] void fail(const char* doing) const;

  EmbeddingPlan plan_;
  std::string partial_, progress_;
  int file_ = -1;
  bool is_new_ = false;  // no earlier process has left a partial file
  std::int64_t rows_ = 0, bytes_ = 0, safe_rows_ = 0;
  std::chrono::steady_clock::time_point saved_;
};

}  // namespace apps
