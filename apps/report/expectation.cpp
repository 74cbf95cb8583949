#include "apps/report/expectation.h"

#include <algorithm>
#include <filesystem>

#include "apps/report/result_files.h"
#include "apps/run/run_directory.h"
#include "engine/error.h"
#include "engine/files/text_file.h"

namespace apps {
namespace {

using engine::DataError;
using nlohmann::ordered_json;

std::string copy_in(const std::string& run) { return run + "/expected.json"; }

// "--epochs 12, not 3; --lr 0.002, not 0.1", or "".
std::string differences(const ordered_json& expected, const PretrainOptions& given) {
  PretrainOptions own = given, other = given;
  const Fields fields_here = fields(own), fields_there = fields(other);
  std::string text;
  const ordered_json options = expected.value("options", ordered_json::object());
  for (const auto& [name, value] : options.items()) {
    const auto there = std::ranges::find(fields_there, name, &Field::name);
    engine::require_data(there != fields_there.end(), "options has ", name, ", expected options of pretrain",
                         did_you_mean(name, names_of(fields_there)));
    const std::string wrong = assign(*there, value.is_string() ? value.get<std::string>() : value.dump());
    engine::require_data(wrong.empty(), "options: ", name, " ", wrong);
    const std::string here = text_of(fields_here[std::size_t(there - fields_there.begin())]);
    if (text_of(*there) != here)
      text += engine::concat_text(text.empty() ? "" : "; ", "--", name, " ", text_of(*there), ", not ", here);
  }
  return text;
}

}  // namespace

Expectation read_expectation(const PretrainOptions& given) {
  const bool own = given.expected.empty();
  const std::string path = own ? copy_in(given.run) : given.expected;
  constexpr std::size_t most_bytes = 16 << 20;
  engine::FileText file = engine::read_text(path, most_bytes);
  if (own && !file.read()) return {};
  engine::require_data(file.read(), path, ": ", file.error, ", expected results as beside a recipe");
  std::string wrong;
  try {
    const ordered_json expected = ordered_json::parse(file.bytes);
    check_expected(expected);
    const std::string unlike = differences(expected, given);
    if (unlike.empty()) return {std::move(file.bytes), ""};
    return {"", path + " is of a training with " + unlike + ": the report draws no expected results"};
  } catch (const ordered_json::exception& e) {
    wrong = path + ": " + e.what();
  } catch (const DataError& e) {
    wrong = path + " " + e.what();
  }
  if (own) return {};
  throw DataError(wrong);
}

void keep_expectation(const std::string& run, const Expectation& e) {
  if (!e.text.empty()) write_text(copy_in(run), e.text);
  if (!e.unlike.empty()) std::filesystem::remove(copy_in(run));
}

}  // namespace apps
