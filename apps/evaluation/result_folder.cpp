#include "apps/evaluation/result_folder.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "apps/report/report.h"
#include "apps/run/run_directory.h"
#include "apps/system/result_output.h"
#include "engine/error.h"
#include "engine/escape.h"

namespace apps {

namespace fs = std::filesystem;
using engine::UsageError;

ResultFolder::ResultFolder(const EvaluationOptions& e, const std::string& main)
    : out_(e.out), folder_(e.out.empty() ? e.run : e.out), main_(main) {
  if (!out_.empty()) {
    std::error_code error;
    fs::create_directories(out_, error);
    if (error) throw UsageError("--out " + out_ + ": can't be made: " + error.message());
  }
  const std::string wrong = hindrance(folder_ + "/" + main_);
  std::error_code ignored;
  replaces_ = fs::exists(folder_ + "/" + main_, ignored);
  if (wrong.empty()) return;
  if (!out_.empty()) throw UsageError("--out: can't be written: " + wrong);
  keeps_ = false;
  std::fprintf(
      stderr,
      "the run can't be written (%s): nothing is kept there; --out DIR or --json FILE keeps the result\n",
      engine::shown(wrong).c_str());
}

void ResultFolder::attempt(const std::string& name, const std::function<void()>& write) {
  if (!keeps_) return;
  std::string wrong = hindrance(path(name));
  try {
    if (wrong.empty()) write();
  } catch (const std::exception& e) {
    wrong = e.what();
  }
  if (wrong.empty())
    main_written_ = main_written_ || name == main_;
  else
    faults_.push_back(wrong);
}

void ResultFolder::tell_replaced() const {
  if (keeps_ && replaces_)
    std::printf("this replaces %s at the end; --out DIR keeps it\n", path(main_).c_str());
}

void ResultFolder::write(const std::string& name, const nlohmann::ordered_json& json, int indent) {
  attempt(name, [&] { write_json(path(name), json, indent); });
}

void ResultFolder::write_lines(const std::string& name, const std::string& text) {
  attempt(name, [&] { write_text(path(name), text); });
}

void ResultFolder::write_report() {
  if (out_.empty()) attempt("report.html", [&] { apps::write_report(folder_); });
}

void ResultFolder::finish() {
  if (!keeps_) return;
  const bool complete = faults_.empty(), reported = complete && out_.empty();
  if (main_written_)
    std::printf("all figures: %s/%s%s%s\n", engine::shown(folder_).c_str(), main_.c_str(),
                replaces_ ? " (replaced)" : "",
                reported ? ("; report: " + engine::shown(path("report.html"))).c_str() : "");
  if (complete) return;
  if (!out_.empty()) throw std::runtime_error(faults_.front());
  std::fflush(stdout);
  std::fprintf(stderr, "not kept: %s; --out DIR keeps the results in another folder\n",
               engine::shown(faults_.front()).c_str());
}

}  // namespace apps
