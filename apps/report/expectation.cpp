#include "apps/report/expectation.h"

#include "apps/report/result_files.h"
#include "apps/run/run_directory.h"
#include "engine/error.h"
#include "engine/files/text_file.h"

namespace apps {

std::string read_expectation(const std::string& path) {
  if (path.empty()) return "";
  constexpr std::size_t most_bytes = 16 << 20;
  engine::FileText file = engine::read_text(path, most_bytes);
  engine::require_data(file.read(), path, ": ", file.error, ", expected results as beside a recipe");
  try {
    check_expected(nlohmann::ordered_json::parse(file.bytes));
  } catch (const nlohmann::ordered_json::exception& e) {
    throw engine::DataError(path + ": " + e.what());
  } catch (const engine::DataError& e) {
    throw engine::DataError(path + " " + e.what());
  }
  return std::move(file.bytes);
}

void write_expectation(const std::string& run, const std::string& text) {
  if (!text.empty()) write_text(run + "/expected.json", text);
}

}  // namespace apps
