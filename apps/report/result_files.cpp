#include "apps/report/result_files.h"

#include <string>

#include "apps/report/answers.h"
#include "engine/error.h"

namespace apps {
namespace {

using engine::require_data;
using nlohmann::ordered_json;

using Check = bool (*)(const ordered_json&);
bool text(const ordered_json& j) { return j.is_string(); }
bool number(const ordered_json& j) { return j.is_number(); }
bool whole(const ordered_json& j) { return j.is_number_integer(); }
bool scalar(const ordered_json& j) { return j.is_primitive() && !j.is_null(); }
bool number_or_null(const ordered_json& j) { return j.is_number() || j.is_null(); }

bool texts(const ordered_json& j) {
  bool ok = j.is_array();
  for (const ordered_json& value : j) ok = ok && value.is_string();
  return ok;
}
template <Check value_is>
bool list_of(const ordered_json& j) {
  bool ok = j.is_array();
  for (const ordered_json& value : j) ok = ok && value_is(value);
  return ok;
}
template <Check value_is>
bool object_of(const ordered_json& j) {
  bool ok = j.is_object();
  for (const ordered_json& value : j) ok = ok && value_is(value);
  return ok;
}
bool details(const ordered_json& j) {  // of a classifier
  return j.is_object() && text(j.value("meaning", ordered_json(""))) &&
         number(j.value("labelled", ordered_json(0)));
}

void require_key(const ordered_json& j, const char* key, Check is, const char* expected) {
  const auto found = j.find(key);
  require_data(found != j.end(), "has no ", key, ", expected ", expected);
  require_data(is(*found), key, " is another thing than ", expected);
}
void check_if_there(const ordered_json& j, const char* key, Check is, const char* expected) {
  if (j.contains(key)) require_key(j, key, is, expected);
}

bool label_of(const ordered_json& classes, const ordered_json& label) {
  return whole(label) && label >= 0 && label < classes.size();
}

bool picture(const ordered_json& classes, const ordered_json& j) {
  return j.is_object() && label_of(classes, j.value("label", ordered_json())) &&
         text(j.value("png", ordered_json()));
}

}  // namespace

ordered_json checked_result(ordered_json file) {
  constexpr Check row = object_of<number_or_null>;
  require_key(file, "top1", object_of<row>, "accuracies");
  require_data(file["top1"].contains("trained"), "top1 has no row of the trained encoder");
  check_if_there(file, "top5", object_of<row>, "accuracies");
  require_key(file, "classes", texts, "names");
  require_key(file, "test", number, "a number of images");
  check_if_there(file, "train", number, "a number of images");
  check_if_there(file, "step", whole, "a whole number");
  check_if_there(file, "classifiers", object_of<details>, "classifiers");
  check_if_there(file, "reasons", object_of<object_of<text>>, "texts");
  check_if_there(file, "notes", texts, "texts");
  check_if_there(file, "class_names", object_of<text>, "names");
  require_key(
      file, "confusion", [](const ordered_json& j) { return j.is_object(); }, "counts by classifier");
  ordered_json answers = ordered_json::object();
  for (const auto& [classifier, counts] : file["confusion"].items()) {
    if (counts.is_null()) continue;  // no result could be made
    const std::size_t n = file["classes"].size();
    bool square = counts.is_array() && counts.size() == n;
    for (const ordered_json& one : counts) {
      square = square && one.is_array() && one.size() == n;
      for (const ordered_json& count : one) square = square && count.is_number_unsigned();
    }
    require_data(square, "confusion of ", classifier, " is another thing than ", n, " x ", n, " counts");
    answers[classifier] = answers_of(counts);
  }
  file.erase("confusion");
  file["answers"] = std::move(answers);
  return file;
}

void check_map(const ordered_json& map) {
  require_key(map, "classes", texts, "names");
  require_key(
      map, "points", [](const ordered_json& j) { return j.is_array(); }, "a list");
  for (std::size_t i = 0; i < map["points"].size(); ++i) {
    const ordered_json& p = map["points"][i];
    require_data(p.is_array() && p.size() == 4 && number(p[0]) && number(p[1]) &&
                     label_of(map["classes"], p[2]) && text(p[3]),
                 "point ", i, " is another thing than two finite coordinates, a class and a name");
  }
}

void check_neighbours(const ordered_json& file) {
  require_key(file, "classes", texts, "names");
  require_key(
      file, "queries", [](const ordered_json& j) { return j.is_array(); }, "a list");
  for (const ordered_json& query : file["queries"]) {
    bool ok =
        picture(file["classes"], query) && query.contains("neighbours") && query["neighbours"].is_array();
    if (ok)
      for (const ordered_json& n : query["neighbours"])
        ok = ok && picture(file["classes"], n) && number(n.value("cosine", ordered_json()));
    require_data(ok, "a query is another thing than a picture with its neighbours");
  }
}

void check_retrieval(const ordered_json& file) {
  constexpr Check row = object_of<number_or_null>;
  require_key(file, "figures", object_of<row>, "shares by row");
  require_key(file, "database", text, "what was searched in");
  require_key(file, "test", number, "a number of images");
  check_if_there(file, "train", number, "a number of images");
  check_if_there(file, "step", whole, "a whole number");
  check_if_there(file, "reasons", object_of<text>, "texts");
  check_if_there(file, "notes", texts, "texts");
  check_if_there(file, "class_names", object_of<text>, "names");
  check_if_there(file, "classes", texts, "names");
  check_if_there(file, "by_class", object_of<list_of<number_or_null>>, "a share for each class");
  const ordered_json none = ordered_json::object(), by_class = file.value("by_class", none);
  for (const auto& [name, shares] : by_class.items())
    require_data(shares.size() == file.value("classes", ordered_json::array()).size(), "by_class has ",
                 shares.size(), " of ", name, ", expected one for each class");
}

void check_expected(const ordered_json& file) {
  require_key(file, "source", text, "the text that says whose results they are");
  require_key(file, "accuracy", object_of<number>, "accuracies, as shares of 1");
  for (const char* key : {"epoch", "loss"}) check_if_there(file, key, list_of<number>, "a list of numbers");
  check_if_there(file, "options", object_of<scalar>, "options of pretrain with their values");
  const ordered_json none = ordered_json::array(), epochs = file.value("epoch", none);
  require_data(epochs.size() == file.value("loss", none).size(), "has ", epochs.size(),
               " of epoch, expected as many as of loss");
  for (std::size_t i = 1; i < epochs.size(); ++i)
    require_data(epochs[i - 1].get<double>() < epochs[i].get<double>(), "epoch ", epochs[i].dump(),
                 " comes after ", epochs[i - 1].dump(), ", expected rising ones");
}

}  // namespace apps
