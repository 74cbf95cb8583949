#include "apps/report/report.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "apps/options/fields.h"
#include "apps/report/chart.h"
#include "apps/report/median.h"
#include "apps/report/report_embeddings.h"
#include "apps/run/run_directory.h"
#include "apps/system/duration.h"
#include "engine/error.h"
#include "models/methods/methods.h"

namespace apps {
namespace {

using nlohmann::ordered_json;

std::optional<std::string> bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string((std::istreambuf_iterator<char>(file)), {});
}

std::optional<ordered_json> json_of(const std::string& path) {
  const auto text = bytes_of(path);
  if (!text) return std::nullopt;
  ordered_json j = ordered_json::parse(*text, nullptr, false);
  engine::require_data(j.is_object(), path, ": expected a JSON object");
  return j;
}

std::string percent(double part) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * part);
  return text;
}

std::string with_ms(double milliseconds) {
  char text[32];
  std::snprintf(text, sizeof text, milliseconds < 10 ? "%.1f ms" : "%.0f ms", milliseconds);
  return text;
}

std::string tile(const std::string& value, const std::string& meaning) {
  return "<div class=\"tile\"><b>" + escaped(value) + "</b><span>" + escaped(meaning) + "</span></div>\n";
}

// One classifier's result, from the file that an evaluation has written.
struct Result {
  std::string name, meaning;
  double trained;
  std::optional<double> raw, untrained;
  std::optional<double> labelled;  // of a network that was trained: the number of labelled images
  const ordered_json* file;
};

// The files that evaluations of a run have written.
std::vector<std::optional<ordered_json>> evaluations_of(const std::string& run) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(run)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".json") && (name.starts_with("finetune") || name.starts_with("frozen")))
      paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  paths.insert(paths.begin(), {run + "/eval.json", run + "/linear.json", run + "/knn.json"});
  std::vector<std::optional<ordered_json>> files;
  for (const std::string& path : paths) files.push_back(json_of(path));
  // evaluations of later steps come first
  std::ranges::stable_sort(files, std::greater(),
                           [](const auto& file) { return file ? file->value("step", -1L) : -2L; });
  return files;
}

// The results of all files in their order; of a classifier only the first.
std::vector<Result> results_of(const std::vector<std::optional<ordered_json>>& files) {
  std::vector<Result> results;
  for (const auto& file : files) {
    if (!file) continue;
    const ordered_json& top1 = file->at("top1");
    for (const auto& [name, details] : file->at("classifiers").items()) {
      Result r{name, details.at("meaning"), top1.at("trained").at(name), {}, {}, {}, &*file};
      if (const auto n = details.find("labelled"); n != details.end()) r.labelled = n->get<double>();
      const auto floor = [&, key = name](const char* row, std::optional<double>& into) {
        if (top1.contains(row) && top1[row].contains(key)) into = top1[row][key].get<double>();
      };
      floor("raw", r.raw);
      floor("untrained", r.untrained);
      const bool known = std::any_of(results.begin(), results.end(),
                                     [&](const Result& other) { return other.meaning == r.meaning; });
      if (!known) results.push_back(std::move(r));
    }
  }
  return results;
}

const Result* find_result(const std::vector<Result>& results, const std::string& name) {
  const auto found =
      std::find_if(results.begin(), results.end(), [&](const Result& r) { return r.name == name; });
  return found == results.end() ? nullptr : &*found;
}

// The accuracy with the trained encoder and, below it, the floors that it must exceed.
std::string result_card(const Result& result) {
  std::ostringstream s;
  const auto bar = [&s](const std::string& name, double part, const char* kind) {
    s << "<span class=\"" << kind << "\">" << name << "</span><span class=\"track " << kind
      << "\"><i style=\"width:" << 100 * part << "%\"></i></span><span class=\"number " << kind << "\">"
      << percent(part) << "</span>\n";
  };
  std::string title = result.meaning;
  if (!title.empty()) title[0] = char(std::toupper(static_cast<unsigned char>(title[0])));
  if (result.labelled) title += " (" + compact(*result.labelled) + " images)";
  s << "<div class=\"card\"><h3>" << escaped(title) << "</h3><div class=\"bars\">\n";
  bar(result.labelled ? "from the trained encoder" : "trained encoder", result.trained, "ours");
  if (result.raw) bar("raw pixels", *result.raw, "floor");
  if (result.untrained)
    bar(result.labelled ? "from fresh weights" : "untrained encoder", *result.untrained, "floor");
  bar("guessing", 1.0 / double(result.file->at("classes").size()), "floor");
  s << "</div></div>\n";
  return s.str();
}

std::string results_section(const std::vector<Result>& results) {
  if (results.empty()) return "";
  std::ostringstream s;
  std::string cards, tuned_cards;
  for (const Result& r : results) (r.labelled ? tuned_cards : cards) += result_card(r);
  const ordered_json& file = *results.front().file;
  const std::string accuracy =
      "<p class=\"quiet\">Top-1 accuracy on " + compact(file.value("test", 0.0)) + " test images";
  if (!cards.empty())
    s << "<h2>Accuracy of the features</h2>\n"
      << accuracy << ", with " << compact(file.value("train", 0.0))
      << " labelled training images, beside the floors: the same classifier on raw pixels, and on the "
         "features of an encoder that was never trained.</p>\n<div class=\"two\">\n"
      << cards << "</div>\n";
  if (!tuned_cards.empty())
    s << "<h2>Fine-tuned networks</h2>\n"
      << accuracy
      << " of networks that were trained on labelled images from the pretrained encoder on. The floor, if it "
         "was requested, is the same training from fresh weights.</p>\n<div class=\"two\">\n"
      << tuned_cards << "</div>\n";
  const Result* linear = find_result(results, "linear");
  const Result& shown = linear != nullptr ? *linear : results.front();
  const auto classes = shown.file->at("classes").get<std::vector<std::string>>();
  if (classes.size() <= 20)
    s << "<h2>Confusion matrix</h2>\n<p class=\"quiet\">Test images by their class (rows) and what the "
      << escaped(shown.meaning) << " said (columns).</p>\n<div class=\"card\">"
      << confusion_table(shown.file->at("confusion").at(shown.name).get<std::vector<std::vector<int>>>(),
                         classes)
      << "</div>\n";
  return s.str();
}

std::string phases_card(const std::vector<StepRecord>& steps, bool ahead) {
  std::vector<std::pair<std::string, double>> phases;  // medians, in order of running
  for (const auto& [name, unused] : steps.back().phases) {
    std::vector<double> times;
    for (const auto& step : steps)
      for (const auto& [other, milliseconds] : step.phases)
        if (other == name) times.push_back(milliseconds);
    phases.emplace_back(name, median(times));
  }
  double sum = 0;
  for (const auto& [name, milliseconds] : phases) sum += milliseconds;
  if (!(sum > 0)) return "";
  std::ostringstream s;
  s << "<div class=\"card wide\"><figcaption>Where "
    << (ahead ? "the host's time of a step goes, which asks ahead of the GPU: --sync waits for each phase"
              : "a step's time goes")
    << " (median " << with_ms(sum) << ")</figcaption><div class=\"phases\">";
  for (std::size_t i = 0; i < phases.size(); ++i)
    s << "<i style=\"flex:" << phases[i].second / sum * 100 << ";background:var(--p"
      << std::min<std::size_t>(i, 6) << ")\"></i>";
  s << "</div><ul class=\"legend\">";
  for (std::size_t i = 0; i < phases.size(); ++i)
    s << "<li><i style=\"background:var(--p" << std::min<std::size_t>(i, 6) << ")\"></i>"
      << escaped(phases[i].first) << ' ' << with_ms(phases[i].second) << ", "
      << percent(phases[i].second / sum) << "</li>";
  s << "</ul></div>\n";
  return s.str();
}

std::string training_section(const std::vector<StepRecord>& steps, const models::MethodDescription& method,
                             bool ahead) {
  if (steps.empty()) return "";
  LineChart loss{
      .title = "Loss (" + method.loss + ")", .x_label = "step", .y_label = "loss", .x = {}, .y = {}};
  LineChart lr{.title = "Learning rate", .x_label = "step", .y_label = "lr", .x = {}, .y = {}};
  LineChart norm{.title = "Norm of the gradient", .x_label = "step", .y_label = "", .x = {}, .y = {}};
  LineChart speed{.title = "Throughput", .x_label = "step", .y_label = "pairs/s", .x = {}, .y = {}};
  for (const auto& r : steps) {
    for (LineChart* c : {&loss, &lr, &norm, &speed}) c->x.push_back(double(r.step));
    loss.y.push_back(r.loss);
    lr.y.push_back(r.lr);
    norm.y.push_back(r.gradient_norm);
  }
  // averaged over several steps, because the host queues some steps on a GPU at once and then waits
  const std::size_t window = std::clamp<std::size_t>(steps.size() / 20, 1, 50);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const std::size_t first = i / window * window, end = std::min(first + window, steps.size());
    double seconds = 0;
    for (std::size_t k = first; k < end; ++k) seconds += 1 / steps[k].pairs_per_s;
    speed.y.push_back(double(end - first) / seconds);
  }
  if (!std::isnan(method.chance_loss))
    loss.reference = {method.chance_loss,
                      "chance: " + method.chance_formula + " = " + compact(method.chance_loss)};
  lr.from_zero = speed.from_zero = true;
  std::ostringstream s;
  s << "<h2>Training</h2>\n<div class=\"wide narrow-screen\">" << svg(loss) << "</div>\n";
  loss.width = 900;
  s << "<div class=\"wide wide-screen\">" << svg(loss) << "</div>\n"
    << phases_card(steps, ahead) << "<div class=\"charts\">" << svg(speed) << svg(lr) << svg(norm)
    << "</div>\n";
  return s.str();
}

std::string neighbours_section(const std::optional<ordered_json>& file) {
  if (!file) return "";
  std::ostringstream s;
  s << "<h2>Nearest neighbours</h2>\n<p class=\"quiet\">Test images (left) and the training images whose "
       "features are "
       "nearest, with their cosine similarity. No label was used to find them; the frame says whether the "
       "class is "
       "the same.</p>\n<div class=\"card scroll\"><table class=\"neighbours\">\n";
  const auto classes = file->at("classes").get<std::vector<std::string>>();
  const auto picture = [&](const ordered_json& image, const std::string& below) {
    s << "<img class=\"pixels\" alt=\"" << escaped(classes.at(image.at("label"))) << "\" src=\""
      << escaped(image.at("png").get<std::string>()) << "\"/>" << escaped(classes.at(image.at("label")))
      << below;
  };
  for (const auto& query : file->at("queries")) {
    s << "<tr><th class=\"query\">";
    picture(query, "");
    s << "</th>";
    for (const auto& n : query.at("neighbours")) {
      s << "<td class=\"" << (n.at("label") == query.at("label") ? "same" : "other") << "\">";
      char cosine[16];
      std::snprintf(cosine, sizeof cosine, "<br/>%.2f", n.at("cosine").get<double>());
      picture(n, cosine);
      s << "</td>";
    }
    s << "</tr>\n";
  }
  s << "</table></div>\n";
  return s.str();
}

std::string fact(const std::string& name, const std::string& value) {
  return "<tr><th>" + escaped(name) + "</th><td>" + escaped(value) + "</td></tr>\n";
}

std::string setup_section(PretrainOptions o, const std::optional<ordered_json>& env) {
  std::ostringstream s;
  s << "<h2>Setup</h2>\n<div class=\"two\"><div class=\"card\"><h3>Configuration</h3><table "
       "class=\"facts\">\n";
  for (const auto& f : fields(o))
    if (f.saved) s << fact(f.name, text_of(f));
  s << "</table></div>\n";
  if (env) {
    s << "<div class=\"card\"><h3>Machine</h3><table class=\"facts\">\n";
    const auto text = [&](const ordered_json& j, const char* key) { return j.value(key, std::string()); };
    s << fact("dyad", text(*env, "version") + " " + text(*env, "revision") + ", compiled for " +
                          text(*env, "compiled_for"));
    s << fact("device", text(*env, "device"));
    if (env->contains("gpu")) s << fact("GPU", text(*env, "gpu"));
    if (const auto cpu = env->find("cpu"); cpu != env->end()) {
      s << fact("CPU", text(*cpu, "model") + ", " + compact(cpu->value("cores", 0.0)) + " cores");
      std::string features;
      for (const auto& f : cpu->value("features", std::vector<std::string>()))
        features += (features.empty() ? "" : " ") + f;
      s << fact("features", features);
    }
    if (const auto libraries = env->find("libraries"); libraries != env->end())
      for (const auto& [name, version] : libraries->items()) s << fact(name, version.get<std::string>());
    s << fact("command", text(*env, "command")) << "</table></div>\n";
  }
  s << "</div>\n";
  return s.str();
}

// Half a minute after loading, a page of a running training loads itself again, at the place that is shown.
const char* const kReload = R"js(<script>
addEventListener("load", () => scrollTo(0, sessionStorage.getItem(location.pathname) ?? scrollY));
setInterval(() => {
  if (document.hidden) return;
  sessionStorage.setItem(location.pathname, scrollY);
  location.reload();
}, 30000);
</script>
)js";

std::string state_section(const std::optional<RunState>& state) {
  if (!state) return "";
  char time[32];
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  std::strftime(time, sizeof time, "%Y-%m-%d %H:%M:%S", localtime_r(&now, &parts));
  std::string text = "<p><b>" + escaped(state_text(*state)) + "</b></p>\n<p class=\"quiet\">Written " + time +
                     (state->running() ? "; this page loads itself again" : "") + ".</p>\n";
  for (const auto& [purpose, command] : state->next)
    text += "<p class=\"quiet\">" + escaped(purpose) + ": <code>" + escaped(command) + "</code></p>\n";
  return text + (state->running() ? kReload : "");
}

}  // namespace

std::string report_html(const std::string& run, const std::optional<RunState>& state) {
  const PretrainOptions o = read_run_options(run);
  const models::MethodDescription method = models::describe_method(o, o.batch);
  const auto env = json_of(run + "/env.json"), neighbours = json_of(run + "/neighbours.json");
  const std::vector<std::optional<ordered_json>> files = evaluations_of(run);
  const std::vector<Result> results = results_of(files);
  const auto views = bytes_of(run + "/views.png");
  const auto steps =
      std::filesystem::exists(run + "/metrics.jsonl") ? read_metrics(run) : std::vector<StepRecord>();

  const bool ahead = o.device.starts_with("cuda") && !o.sync;  // the host queues steps ahead of the GPU
  std::string name = std::filesystem::path(run).lexically_normal().filename().string();
  if (name.empty()) name = std::filesystem::path(run).lexically_normal().parent_path().filename().string();
  std::ostringstream s;
  s << "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n"
    << "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>" << escaped(name)
    << " - dyad</title>\n<style>" << report_style << "</style></head>\n<body><main>\n<h1>" << escaped(name)
    << "</h1>\n<p class=\"quiet\">" << escaped(method.title) << ", " << escaped(o.arch) << " at width "
    << compact(o.width) << ", " << compact(o.batch) << " pairs a step, "
    << (method.settings.empty() ? "" : method.settings + ", ") << escaped(o.optimizer) << ", "
    << escaped(o.dtype) << " on " << escaped(o.device) << "</p>\n"
    << state_section(state) << "<div class=\"tiles\">\n";
  for (const auto& [name, meaning] :
       {std::pair("linear", "linear accuracy"), std::pair("knn", "nearest-neighbour accuracy")})
    if (const Result* r = find_result(results, name)) s << tile(percent(r->trained), meaning);
  if (!steps.empty()) {
    const auto& last = steps.back();
    std::vector<double> speeds;
    double seconds = 0;
    for (const auto& r : steps) {
      speeds.push_back(r.pairs_per_s);
      if (r.pairs_per_s > 0) seconds += o.batch / r.pairs_per_s;
    }
    s << tile(compact(last.loss), "loss after " + compact(double(last.step)) + " steps")
      << tile(compact(std::round(last.epoch * 100) / 100), "epochs")
      << tile(compact(std::round(median(speeds))), "pairs/s, median")
      << tile(duration_text(seconds), "training time");
  }
  s << "</div>\n"
    << results_section(results) << training_section(steps, method, ahead)
    << monitor_section(read_monitor(run)) << map_section(json_of(run + "/map.json"));
  if (views)
    s << "<h2>Views</h2>\n<p class=\"quiet\">Images and the two views that the encoder learns to "
         "recognise as one.</p>\n<div class=\"card scroll\"><img class=\"pixels views\" alt=\"images and "
         "their views\" src=\""
      << data_uri(*views) << "\"/></div>\n";
  s << neighbours_section(neighbours) << setup_section(o, env) << "</main></body></html>\n";
  return s.str();
}

void write_report(const std::string& run) {
  write_text(run + "/report.html", report_html(run, read_state(run)));
}

void write_report(const std::string& run, const RunState& state) {
  write_text(run + "/report.html", report_html(run, state));
}

}  // namespace apps
