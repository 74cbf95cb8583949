// report.html: one well-formed file that needs no network. Its data hold what the run's files say; a damaged
// file costs its own part only. (tests/watching draws the page in a browser.)
#include "apps/report/report.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "apps/report/answers.h"
#include "apps/report/expectation.h"
#include "apps/report/markup.h"
#include "apps/report/table.h"
#include "apps/run/run_directory.h"
#include "engine/error.h"
#include "tests/support/markup.h"
#include "tests/support/scratch.h"

using nlohmann::ordered_json;

namespace {

struct Run {
  std::string path = std::filesystem::temp_directory_path() / "dyad <report> & test";
  Run() {
    std::filesystem::create_directories(path);
    write("config.toml", "[pretrain]\ndata = \"photos\"\nrun = \"r\"\nbatch = 128\ntau = 0.25\n");
  }
  ~Run() { std::filesystem::remove_all(path); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path + "/" + name) << text;
  }
  void write_steps(int count) const {
    std::string lines;
    for (int step = 1; step <= count; ++step)
      lines += "{\"step\":" + std::to_string(step) + ",\"epoch\":" + std::to_string(step / 100.0) +
               ",\"loss\":" + (step == 3 ? "null" : std::to_string(5 - step * 0.001)) +
               ",\"lr\":0.1,\"pairs_per_s\":64.0,\"data_wait\":0.01,"
               "\"phases_ms\":{\"views\":1.5,\"forward\":20.0,\"backward\":40.0}}\n";
    write("metrics.jsonl", lines);
  }
};

const char* const knn_result =
    R"({"command":"knn","top1":{"trained":{"knn":0.25}},"classifiers":{"knn":{"meaning":)"
    R"("neighbours & all"}},"confusion":{"knn":[[1,3],[0,0]]},"step":7,"train":50,)"
    R"("test":4,"classes":["cat","<dog>"]})";

// The JSON that stands in the page.
ordered_json embedded(const std::string& html) {
  const std::string begin = "id=\"data\">";
  const auto at = html.find(begin) + begin.size();
  return ordered_json::parse(html.substr(at, html.find("</script>", at) - at));
}

bool tells(const ordered_json& data, const std::string& text) {
  for (const auto& problem : data.at("problems"))
    if (problem.get<std::string>().find(text) != std::string::npos) return true;
  return false;
}

TEST_CASE("report: the markup checker finds mistakes") {
  CHECK(malformed("<a><b/></a>").empty());
  CHECK_FALSE(malformed("<a><b></a>").empty());
  CHECK_FALSE(malformed("<a>x & y</a>").empty());
  CHECK_FALSE(malformed("<a>").empty());
  CHECK(malformed("<script>a < b && c</script>").empty());
}

TEST_CASE("report: a whole run") {
  const Run run;
  run.write_steps(500);
  run.write("monitor.jsonl",
            "{\"step\":100,\"epoch\":1,\"deviation\":0.9}\n{\"step\":200,\"epoch\":2,\"deviation\":"
            "0.95,\"probe_knn\":0.4}\n");
  run.write("usage.jsonl",
            "{\"step\":1,\"epoch\":0.1,\"rss_mb\":300}\n{\"step\":9,\"epoch\":0.2,\"rss_mb\":200}\n");
  run.write("env.json", R"({"version":"0.1.0","command":"dyad <x> & \"y\"","device":"cpu"})");
  run.write("knn.json", knn_result);
  run.write("neighbours.json", R"({"classes":["cat"],"queries":[]})");
  run.write("map.json", R"({"classes":["cat"],"points":[[0.5,1,0,"a"]]})");
  run.write("views.png", "\x89PNG");

  const std::string html = apps::report_html(run.path);
  CHECK(malformed(html) == "");
  for (const char* outside : {"https:", "src=\"", "<link", "@import", "href=", "fetch(", "XMLHttp",
                              "{{title}}", "{{summary}}", "{{data}}"}) {
    CAPTURE(outside);
    CHECK(html.find(outside) == std::string::npos);
  }
  CHECK(html.find("<title>dyad &lt;report&gt; &amp; test - dyad</title>") != std::string::npos);
  CHECK(html.find("Accuracy (knn): 25 %") != std::string::npos);  // without scripts

  const ordered_json data = embedded(html);
  CHECK(data.at("problems").empty());
  CHECK(data.at("name") == "dyad <report> & test");
  CHECK(data.at("subtitle").get<std::string>().find("temperature 0.25") != std::string::npos);
  CHECK(data.at("chance").get<double>() == doctest::Approx(std::log(255)));
  CHECK(data.at("env").at("command") == "dyad <x> & \"y\"");
  CHECK(data.at("views") == apps::data_uri("\x89PNG"));
  CHECK(data.at("map").at("points").size() == 1);
  CHECK(data.at("neighbours").at("classes").size() == 1);
  CHECK(data.at("totals").at("step") == 500);
  CHECK(data.at("totals").at("seconds") == 1000);  // 500 steps of 128 pairs, 64 in a second
  CHECK(data.at("totals").at("memory") == 300);
  CHECK(data.at("phases") == ordered_json::parse(R"([["views",1.5],["forward",20.0],["backward",40.0]])"));
  const ordered_json& steps = data.at("steps").at("columns");
  CHECK(steps.at("loss").size() == 500);
  CHECK(steps.at("loss")[2].is_null());
  CHECK(steps.at("loss")[499] == 4.5);
  CHECK_FALSE(steps.contains("phases_ms/views"));
  CHECK(data.at("monitor").at("columns").at("probe_knn") == ordered_json::parse("[null,0.4]"));
  const ordered_json& result = data.at("evaluations").at(0);
  CHECK(result.at("answers").at("knn") ==
        ordered_json::parse(R"({"total":[4,0],"right":[1,0],"wrong":[[0,1,3]]})"));
  CHECK_FALSE(result.contains("confusion"));

  apps::write_report(run.path);
  CHECK(std::filesystem::file_size(run.path + "/report.html") > 40000);
}

TEST_CASE("report: what was expected is beside the run's own, at the same epochs") {
  const Run run;
  run.write_steps(500);  // epochs 0.01 to 5
  CHECK(apps::report_data(run.path).at("expected").is_null());
  const Scratch scratch;
  const std::string file =
      scratch.write("a.json", R"({"source":"others","accuracy":{"knn":0.5},"epoch":[1,2,4],"loss":[6,5,3]})");
  apps::PretrainOptions o;
  o.run = run.path;
  apps::keep_expectation(run.path, apps::read_expectation(o));  // none yet
  o.expected = file;
  apps::keep_expectation(run.path, apps::read_expectation(o));
  o.expected = "";  // a resumed run keeps it
  apps::keep_expectation(run.path, apps::read_expectation(o));
  const ordered_json data = apps::report_data(run.path);
  CHECK(data.at("problems").empty());
  CHECK(data.at("expected").at("accuracy").at("knn") == 0.5);
  const ordered_json& expected = data.at("steps").at("columns").at("expected_loss");
  CHECK(expected[98].is_null());  // before the first epoch that is known
  CHECK(expected[99] == 6);
  CHECK(expected[149] == 5.5);
  CHECK(expected[299] == 4);
  CHECK(expected[399] == 3);
  CHECK(expected[400].is_null());

  const auto refused = [&](const std::string& text) {
    o.expected = scratch.write("b.json", text);
    return message_of<engine::DataError>([&] { apps::read_expectation(o); });
  };
  const std::string b = scratch.path("b.json");
  CHECK(refused("{}") == b + " has no source, expected the text that says whose results they are");
  CHECK(refused(R"({"source":"x","accuracy":{"knn":"high"}})") ==
        b + " accuracy is another thing than accuracies, as shares of 1");
  CHECK(refused(R"({"source":"x","accuracy":{},"epoch":[1],"loss":[]})") ==
        b + " has 1 of epoch, expected as many as of loss");
  CHECK(refused(R"({"source":"x","accuracy":{},"epoch":[2,2],"loss":[3,3]})") ==
        b + " epoch 2 comes after 2, expected rising ones");
  CHECK(refused("[1").starts_with(b + ": "));
  CHECK(refused(R"({"source":"x","accuracy":{},"options":{"epohs":3}})") ==
        b + " options has epohs, expected options of pretrain; did you mean epochs?");
  CHECK(refused(R"({"source":"x","accuracy":{},"options":{"batch":"many"}})")
            .starts_with(b + " options: batch is "));
  o.expected = scratch.path("none");
  CHECK(message_of<engine::DataError>([&] {
          apps::read_expectation(o);
        }).starts_with(scratch.path("none") + ": No such file"));

  // With other options it is removed: neither its results nor those of an earlier start are drawn.
  o.expected = scratch.write("c.json", R"({"source":"x","accuracy":{},"options":{"batch":64,"lr":0.5}})");
  o.batch = 64;
  o.lr = 0.25;
  apps::keep_expectation(run.path, apps::read_expectation(o));
  CHECK(apps::read_expectation(o).unlike ==
        o.expected + " is of a training with --lr 0.5, not 0.25: its results are not drawn");
  CHECK(apps::report_data(run.path).at("expected").is_null());
}

TEST_CASE("report: the state of the training") {
  const Run run;
  CHECK(apps::report_data(run.path).at("state").is_null());
  const apps::RunState state{
      .step = 3, .steps = 9, .epoch = 1, .epochs = 3, .next = {{"evaluate", "dyad eval"}}};
  const ordered_json shown = apps::report_data(run.path, state).at("state");
  CHECK(shown.at("phase") == "running");
  CHECK(shown.at("text") == apps::state_text(state));
  CHECK(shown.at("next").at("evaluate") == "dyad eval");
  apps::write_state(run.path, state);
  apps::write_report(run.path);  // no process trains it
  std::ifstream page(run.path + "/report.html");
  CHECK(embedded({std::istreambuf_iterator<char>(page), {}}).at("state").at("phase") == "stopped");
}

TEST_CASE("report: results of later steps come first") {
  const Run run;
  std::string older = knn_result;
  older.replace(older.find("\"step\":7"), 8, "\"step\":3");
  run.write("eval.json", older);
  run.write("finetune1.json", knn_result);
  const auto files = apps::report_data(run.path).at("evaluations");
  REQUIRE(files.size() == 2);
  CHECK(files[0].at("step") == 7);
  CHECK(files[1].at("step") == 3);
}

TEST_CASE("report: damaged and absent files") {
  const Run run;
  ordered_json data = apps::report_data(run.path);
  CHECK(data.at("problems").empty());
  CHECK(data.at("totals").is_null());
  CHECK(data.at("evaluations").empty());
  CHECK(malformed(apps::report_html(run.path)) == "");

  run.write_steps(3);
  std::ofstream(run.path + "/metrics.jsonl", std::ios::app) << "nonsense\n{\"step\":5}\n{\"step\": 6, \"lo";
  run.write("knn.json", knn_result);
  run.write("eval.json", "{\"top1\":{}}");
  run.write("linear.json", "[1]");
  run.write("map.json", "{\"classes\":");
  run.write("env.json", "{\"command\":\"</script>\"}");
  const std::string html = apps::report_html(run.path);
  CHECK(malformed(html) == "");
  data = embedded(html);
  CHECK(data.at("steps").at("rows") == 4);
  CHECK(data.at("evaluations").size() == 1);
  CHECK(data.at("map").is_null());
  CHECK(data.at("env").at("command") == "</script>");
  CHECK(data.at("problems").size() == 4);
  for (const char* text : {"metrics.jsonl: line 4", "eval.json: ", "linear.json: ", "map.json: "}) {
    CAPTURE(text);
    CHECK(tells(data, text));
  }
}

TEST_CASE("report: a file of another form costs its own part, and is named") {
  const std::vector<std::pair<const char*, const char*>> damaged = {
      {"map.json", R"({"classes":["cat"],"points":[[null,null,0,"a"]]})"},
      {"map.json", R"({"classes":["cat"],"points":[[0,1,1,"a"]]})"},
      {"map.json", R"({"classes":["cat"],"points":7})"},
      {"map.json", R"({"classes":null,"points":[]})"},
      {"map.json", R"({"points":[]})"},
      {"neighbours.json", R"({"classes":["cat"],"queries":[{}]})"},
      {"neighbours.json",
       R"({"classes":["cat"],"queries":[{"label":0,"png":"x","neighbours":[{"label":0,"png":"x"}]}]})"},
      {"eval.json", R"({"top1":{"trained":3},"confusion":{},"classes":["a"],"test":4})"},
      {"eval.json", R"({"top1":{"trained":{"knn":"high"}},"confusion":{},"classes":["a"],"test":4})"},
      {"eval.json", R"({"top1":{"trained":{}},"confusion":{},"classes":["a"],"test":4,"step":"last"})"},
      {"eval.json",
       R"({"top1":{"trained":{}},"confusion":{"knn":[[1],[2,3]]},"classes":["a","b"],"test":4})"},
      {"eval.json", R"({"top1":{"trained":{}},"confusion":{"knn":[[1,2]]},"classes":["a"],"test":4})"},
      {"eval.json", R"({"top1":{"trained":{}},"confusion":{"knn":[[-1]]},"classes":["a"],"test":4})"},
      {"eval.json", R"({"top1":{"trained":{}},"confusion":{},"classes":[null],"test":4})"},
      {"eval.json", R"({"top1":{"trained":{}},"confusion":{},"classes":["a"],"test":4,"class_names":1})"},
      {"eval.json",
       R"({"top1":{"trained":{}},"confusion":{},"classes":["a"],"test":4,"classifiers":{"knn":1}})"},
      {"eval.json", R"({"top1":{"trained":{}},"confusion":{},"classes":["a"],"test":4,"notes":"x"})"},
      {"retrieval.json", R"({"figures":{"trained":{"mAP":"high"}},"database":"train","test":1})"},
      {"retrieval.json", R"({"figures":{},"database":"train"})"},
      {"retrieval.json",
       R"({"figures":{},"database":"train","test":1,"classes":["a"],"by_class":{"mAP":[1,null]}})"},
      {"expected.json", R"({"source":"x","accuracy":{"knn":"high"}})"},
      {"expected.json", R"({"source":"x","accuracy":{},"epoch":[1],"loss":["low"]})"},
      {"finetune-notes.json", R"({"todo":"mine"})"},
      {"finetune100.json", "[]"},
      {"frozen1.json", "\"x\""},
      {"linear.json", "null"},
      {"env.json", "7"}};
  for (const auto& file : damaged) {
    const char *name = file.first, *text = file.second;
    CAPTURE(name);
    CAPTURE(text);
    const Run run;
    run.write_steps(3);
    run.write("knn.json", knn_result);
    run.write(name, text);
    const std::string html = apps::report_html(run.path);
    CHECK(malformed(html) == "");
    const ordered_json data = embedded(html);
    CHECK(data.at("problems").size() == 1);
    CHECK(tells(data, std::string(name) + ": "));
    CHECK(data.at("evaluations").size() == 1);
    CHECK(data.at("steps").at("rows") == 3);
  }
}

TEST_CASE("report: names that are not UTF-8") {
  const Run run;
  run.write("config.toml", "[pretrain]\ndata = \"caf\xe9\"\nrun = \"r\"\n");
  bool found = false;
  const ordered_json data = embedded(apps::report_html(run.path));
  for (const auto& entry : data.at("config")) found |= entry[0] == "data" && entry[1] == "caf\\xe9";
  CHECK(found);
  apps::write_json(run.path + "/written.json", {{"class", "caf\xe9"}});
  std::ifstream file(run.path + "/written.json");
  CHECK(ordered_json::parse(file).at("class") == "caf\\xe9");
}

TEST_CASE("report: long runs are binned, with their least and greatest values") {
  apps::Table table;
  table.rows = 10;
  table.columns = {{"x", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}}, {"a/b", std::vector<double>(10, 1)}};
  table.columns[0].second[4] = table.columns[0].second[5] = std::nan("");
  const ordered_json j = apps::table_json(table, 5);
  CHECK(j.at("rows") == 10);
  CHECK(j.at("columns") == ordered_json::parse(R"({"x":[1.5,3.5,null,7.5,9.5]})"));
  CHECK(j.at("low").at("x") == ordered_json::parse("[1,3,null,7,9]"));
  CHECK(j.at("high").at("x") == ordered_json::parse("[2,4,null,8,10]"));
  CHECK_FALSE(apps::table_json(table, 10).contains("low"));
  CHECK(apps::read_table("no such file").rows == 0);
}

TEST_CASE("report: throughput over several steps is images over time") {
  std::vector<double> rate(40, 100);
  rate[1] = 50;  // one of two neighbours takes twice the time
  const auto smooth = apps::smoothed_rate(rate);
  CHECK(smooth[0] == doctest::Approx(2 / 0.03));
  CHECK(smooth[1] == smooth[0]);
  CHECK(smooth[2] == doctest::Approx(100));
}

TEST_CASE("report: the most frequent confusions are kept") {
  const auto answers = apps::answers_of(ordered_json::parse("[[5,1,2],[7,0,0],[0,3,4]]"), 2);
  CHECK(answers.at("total") == ordered_json::parse("[8,7,7]"));
  CHECK(answers.at("right") == ordered_json::parse("[5,0,4]"));
  CHECK(answers.at("wrong") == ordered_json::parse("[[1,0,7],[2,1,3]]"));
}

TEST_CASE("markup: numbers and bytes as text") {
  CHECK(apps::compact(1234567) == "1,234,567");
  CHECK(apps::compact(-1234) == "-1,234");
  CHECK(apps::compact(0.0123) == "0.0123");
  CHECK(apps::base64("") == "");
  CHECK(apps::base64("f") == "Zg==");
  CHECK(apps::base64("fo") == "Zm8=");
  CHECK(apps::base64("foobar") == "Zm9vYmFy");
}

}  // namespace
