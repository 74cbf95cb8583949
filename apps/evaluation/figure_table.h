// A table of figures: a line for each figure, a column for each kind of features.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace apps {

class FigureTable {
 public:
  using Figures = std::vector<std::pair<std::string, double>>;  // name and share; NaN: there is none

  // key: in the result, "raw", "untrained" or "trained"; title: of the column. All columns have the same
  // figures.
  void add(const std::string& key, const std::string& title, const Figures&);
  void add_reason(const std::string& key, const std::string& title, const std::string& why_none);

  void print() const;  // the table, the reasons, and a line if `compared` is not above its floors
  // {"figures": {key: {name: share or null}}, "reasons": {key: text}}
  nlohmann::ordered_json result() const;
  std::string failure() const;  // why there are no figures at all; "" if there are any
  std::string below_floors(const std::string& figure) const;  // a line, or ""

 private:
  struct Column {
    std::string key, title, reason;
    Figures figures;
  };
  std::vector<Column> columns_;
};

}  // namespace apps
