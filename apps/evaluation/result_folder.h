// The folder that keeps an evaluation's files: --out, else the run's own if it can be written.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/options/evaluation.h"

namespace apps {

class ResultFolder {
 public:
  // Looks before the work begins. UsageError if the folder of --out can't be made or written, or that of
  // --json can't be written. A run that can't be written keeps nothing, which is said on stderr.
  // main: the file with all figures.
  ResultFolder(const EvaluationOptions&, const std::string& main);

  void tell_replaced() const;  // before the work: that an earlier result will be replaced

  // Replaces a file. What hinders it is kept for finish(), and other files are still written.
  void write(const std::string& name, const nlohmann::ordered_json&, int indent = 1);
  void write_lines(const std::string& name, const std::string& text);
  void write_report();  // that of the run, if the results are in it
  // Says which files were written, and what was not. std::runtime_error if a file is missing that was asked
  // for with --out.
  void finish();

 private:
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  void attempt(const std::string& name, const std::function<void()>& write);

  std::string out_, folder_, main_;
  bool keeps_ = true, main_written_ = false, replaces_ = false;  // replaces_: an earlier result
  std::vector<std::string> faults_;
};

}  // namespace apps
