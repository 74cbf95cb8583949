#include "apps/run/left_out.h"

#include <filesystem>

#include "apps/run/run_directory.h"
#include "data/files.h"
#include "engine/error.h"
#include "engine/files/text_file.h"

namespace apps {
namespace {

namespace fs = std::filesystem;
using engine::require_data;
using nlohmann::ordered_json;

constexpr std::size_t kMostBytes = 1 << 20;

bool is_count(const ordered_json& j, const char* key) {
  const auto found = j.find(key);
  return found != j.end() && found->is_number_unsigned();
}

// The bytes of the file beside a list; "" if there is none.
std::string text_of_list(const std::string& data) {
  std::error_code none;
  if (!fs::is_regular_file(data, none)) return "";
  engine::FileText text = engine::read_text(left_out_file(data), kMostBytes);
  return text.read() ? std::move(text.bytes) : "";
}

}  // namespace

ordered_json left_out_json(const LeftOut& l) {
  ordered_json reasons = ordered_json::array();
  for (const auto& [why, images] : l.reasons) reasons.push_back({{"reason", why}, {"images", images}});
  return {{"made_by", "dyad curate"},
          {"of", l.of},
          {"images", l.images},
          {"listed", l.listed},
          {"left_out", reasons}};
}

LeftOut left_out_in(const ordered_json& j) {
  const char* expected = "expected that of dyad curate: made_by, of, images, listed and left_out";
  require_data(j.is_object() && j.value("made_by", ordered_json()) == "dyad curate" && j.contains("of") &&
                   j["of"].is_string() && is_count(j, "images") && is_count(j, "listed") &&
                   j.contains("left_out") && j["left_out"].is_array(),
               "is of another form, ", expected);
  LeftOut l{j["of"], j["images"], j["listed"], {}};
  for (const ordered_json& one : j["left_out"]) {
    require_data(
        one.is_object() && one.contains("reason") && one["reason"].is_string() && is_count(one, "images"),
        "left_out has ", one.dump(), ", ", expected);
    l.reasons.emplace_back(one["reason"], one["images"]);
  }
  return l;
}

std::string left_out_file(const std::string& list) { return list + ".json"; }

std::string left_out_line(const std::string& data, std::int64_t images) {
  const std::string text = text_of_list(data);
  if (text.empty()) return "";
  LeftOut l;
  try {
    l = left_out_in(ordered_json::parse(text, nullptr, false));
  } catch (const engine::DataError& e) {
    return engine::concat_text(left_out_file(data), " ", e.what(), "; what the list leaves out is not said");
  }
  std::string why;
  for (const auto& [reason, count] : l.reasons)
    why +=
        engine::concat_text(why.empty() ? ": " : ", ", data::with_commas(std::uint64_t(count)), " ", reason);
  std::string line = engine::concat_text("dyad curate listed ", data::with_commas(std::uint64_t(l.listed)),
                                         " of ", data::counted(double(l.images), "image"), "; left out",
                                         why.empty() ? ": none" : why);
  if (images != l.listed)
    line += engine::concat_text("; the list has ", data::counted(double(images), "image"),
                                " now, so it was changed since");
  return line;
}

void keep_left_out(const std::string& run, const std::string& data) {
  const std::string text = text_of_list(data), copy = run + "/left_out.json";
  std::error_code none;
  if (text.empty())
    fs::remove(copy, none);
  else
    write_text(copy, text);
}

}  // namespace apps
