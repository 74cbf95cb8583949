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

// "--epochs 12, not 3, and 2 other differences", or "".
std::string differences(const ordered_json& expected, const PretrainOptions& resolved) {
  PretrainOptions own = resolved, other = resolved;
  const Fields fields_here = fields(own), fields_there = fields(other);
  std::string first;
  int more = -1;
  const ordered_json options = expected.value("options", ordered_json::object());
  for (const auto& [name, value] : options.items()) {
    const auto there = std::ranges::find(fields_there, name, &Field::name);
    engine::require_data(there != fields_there.end(), "options has ", name, ", expected options of pretrain",
                         did_you_mean(name, names_of(fields_there)));
    const std::string wrong = assign(*there, value.is_string() ? value.get<std::string>() : value.dump());
    engine::require_data(wrong.empty(), "options: ", name, " ", wrong);
    const std::string here = text_of(fields_here[std::size_t(there - fields_there.begin())]);
    const bool counts_steps = there->is(other.epochs) && resolved.steps > 0;  // in place of epochs
    if (text_of(*there) == here && !counts_steps) continue;
    if (++more == 0)
      first = counts_steps
                  ? engine::concat_text("--epochs ", text_of(*there), ", not --steps ", resolved.steps)
                  : engine::concat_text("--", name, " ", text_of(*there), ", not ", here);
  }
  return more > 0 ? engine::concat_text(first, ", and ", more,
                                        more == 1 ? " other difference" : " other differences")
                  : first;
}

}  // namespace

Expectation read_expectation(const PretrainOptions& resolved) {
  const bool own = resolved.expected.empty();
  const std::string path = own ? copy_in(resolved.run) : resolved.expected;
  constexpr std::size_t most_bytes = 16 << 20;
  engine::FileText file = engine::read_text(path, most_bytes);
  if (own && !file.read()) return {};
  engine::require_data(file.read(), path, ": ", file.error, ", expected results as beside a recipe");
  std::string wrong;
  try {
    const ordered_json expected = ordered_json::parse(file.bytes);
    check_expected(expected);
    const std::string unlike = differences(expected, resolved);
    if (unlike.empty()) return {std::move(file.bytes), ""};
    return {"", path + " is of a training with " + unlike + ": its results are not drawn"};
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
