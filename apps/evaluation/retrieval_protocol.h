// Retrieval by lists: a file says which images each query should find, as Oxford5k, Paris6k and their revised
// versions do (Radenovic et al. 2018, "Revisiting Oxford and Paris", section 3).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/evaluation/figure_table.h"
#include "apps/evaluation/session.h"
#include "models/probes/retrieval.h"

namespace apps {

struct ProtocolQuery {
  std::size_t image = 0;  // of the data set
  std::optional<std::array<double, 4>> box =
      {};  // left, top, right, bottom in pixels: the part that is asked for
  std::vector<std::int32_t> easy = {}, hard = {}, junk = {};  // rows of the database
};

struct Protocol {
  std::vector<ProtocolQuery> queries;
  std::vector<std::size_t> database;  // images of the data set
};

// Reads a file
//   {"queries": [{"image": NAME, "box": [left, top, right, bottom], "easy": [NAME, ...], "hard": [...],
//                 "junk": [...]}, ...], "database": [NAME, ...]}
// box, lists and database may be missing; the database is then every image that is no query. A NAME is that
// of a list of images (CLASS/FILE), the file's name, or that without its ending. DataError, one line with
// the query, if the file is of another form, or a name is unknown, ambiguous or in two lists.
Protocol read_protocol(const std::string& file, const data::Dataset&);

// The images of a protocol: known are those of the database, asked the queries, cut to their boxes.
ImageSource protocol_images(const std::string& file, std::shared_ptr<const Protocol>& read);

// mAP and mP@1, @5 and @10 of three tasks: "easy" asks for the easy images, "medium" for easy and hard ones,
// "hard" for the hard ones. What a task doesn't ask for, and junk, is left out of the ranking. A query
// without an image to find doesn't count in its task.
class ProtocolRetrieval final : public Measurement {
 public:
  ProtocolRetrieval(std::string file, const Protocol& protocol)
      : file_(std::move(file)), protocol_(protocol) {}

  std::string name() const override { return "retrieval"; }
  void add(const FeatureRow&) override;
  void print() const override;
  // {"database": "protocol", "protocol": FILE, "queries": {task: number that count}, "figures": {row: {name:
  // share}}}
  nlohmann::ordered_json result() const override;
  std::string failure() const override { return table_.failure(); }

 private:
  const std::string file_;
  const Protocol& protocol_;
  FigureTable table_;
  std::array<std::int64_t, 3> counted_ = {};
};

}  // namespace apps
