// report.html: one well-formed file that needs no network, with a section for each result in the run's
// folder.
#include "apps/report/report.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "apps/report/chart.h"
#include "apps/run/run_directory.h"
#include "tests/support/markup.h"

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
};

TEST_CASE("report: the markup checker finds mistakes") {
  CHECK(malformed("<a><b/></a>").empty());
  CHECK_FALSE(malformed("<a><b></a>").empty());
  CHECK_FALSE(malformed("<a>x & y</a>").empty());
  CHECK_FALSE(malformed("<a>").empty());
}

TEST_CASE("report: a whole run") {
  const Run run;
  std::string metrics;
  for (int step = 1; step <= 500; ++step)
    metrics += "{\"step\":" + std::to_string(step) + ",\"epoch\":" + std::to_string(step / 100.0) +
               ",\"loss\":" + (step == 3 ? "null" : std::to_string(5 - step * 0.001)) +
               ",\"lr\":0.1,\"pairs_per_s\":100.0,\"data_wait\":0.01,"
               "\"phases_ms\":{\"views\":1.5,\"forward\":20.0,\"backward\":40.0}}\n";
  run.write("metrics.jsonl", metrics);
  run.write(
      "env.json",
      R"({"version":"0.1.0","revision":"abc","compiled_for":"x","command":"dyad <x> & \"y\"","device":"cpu",)"
      R"("cpu":{"model":"M","cores":2,"features":["avx2"]},"libraries":{"oneDNN":"2"}})");
  run.write("eval.json",
            R"({"top1":{"raw":{"knn":0.354,"linear":0.31},"untrained":{"knn":0.254,"linear":0.305},)"
            R"("trained":{"knn":0.421,"linear":0.472}},"classifiers":{"knn":{"meaning":"neighbours & all"},)"
            R"("linear":{"meaning":"linear"}},"confusion":{"knn":[[1,1],[1,1]],"linear":[[2,0],[1,1]]},)"
            R"("train":50,"test":4,"classes":["cat","<dog>"]})");
  run.write("knn.json",  // of the same name, but another classifier
            R"({"top1":{"trained":{"knn":0.433}},"classifiers":{"knn":{"meaning":"one neighbour"}},)"
            R"("confusion":{"knn":[[1,1],[1,1]]},"train":50,"test":4,"classes":["cat","<dog>"]})");
  run.write("neighbours.json",
            R"({"classes":["cat","<dog>"],"queries":[{"label":0,"png":"data:image/png;base64,AAAA",)"
            R"("neighbours":[{"label":1,"png":"data:image/png;base64,BBBB","cosine":0.875}]}]})");
  run.write("views.png", "\x89PNG");

  const std::string html = apps::report_html(run.path);
  CHECK(malformed(html) == "");
  for (const char* outside : {"http:", "https:", "src=\"/", "url(", "<link", "<script", "@import"}) {
    CAPTURE(outside);
    CHECK(html.find(outside) == std::string::npos);
  }
  for (const char* part :
       {"47.2 %", "42.1 %", "35.4 %", "25.4 %", "31.0 %", "30.5 %", "43.3 %",
        "Neighbours &amp; all",        // results and their baselines
        "chance: ln(2N - 1) = 5.541",  // N = 128
        "dyad &lt;report&gt; &amp; test", "&lt;dog&gt;", "dyad &lt;x&gt; &amp; &quot;y&quot;", "0.88", "BBBB",
        "forward 20 ms", "tau</th><td>0.25", "avx2", "prefers-color-scheme: dark"}) {
    CAPTURE(part);
    CHECK(html.find(part) != std::string::npos);
  }
  CHECK(html.find(apps::data_uri("\x89PNG")) != std::string::npos);
  apps::write_report(run.path);
  CHECK(std::filesystem::file_size(run.path + "/report.html") == html.size());
}

TEST_CASE("report: networks trained with labels have their own section") {
  const Run run;
  const auto between = [](const std::string& html, const char* first, const char* last) {
    const auto begin = html.find("<h2>" + std::string(first));
    return begin == std::string::npos ? "" : html.substr(begin, html.find(last, begin) - begin);
  };
  run.write(
      "finetune1.json",
      R"({"top1":{"untrained":{"finetune1":0.311},"trained":{"finetune1":0.642}},"classifiers":)"
      R"({"finetune1":{"meaning":"fine-tuned with 1 % of the labels","labelled":500}},)"
      R"("confusion":{"finetune1":[[1,1],[1,1]]},"step":7,"train":50000,"test":4,"classes":["a","b"]})");
  std::string html = apps::report_html(run.path);
  CHECK(malformed(html) == "");
  CHECK(html.find("Accuracy of the features") == std::string::npos);
  std::string tuned = between(html, "Fine-tuned networks", "<h2>Confusion matrix");
  for (const char* part :
       {"Fine-tuned with 1 % of the labels (500 images)", "64.2 %", "from fresh weights", "31.1 %"}) {
    CAPTURE(part);
    CHECK(tuned.find(part) != std::string::npos);
  }
  CHECK(tuned.find("50,000") == std::string::npos);

  run.write("knn.json",
            R"({"top1":{"trained":{"knn":0.433}},"classifiers":{"knn":{"meaning":"one neighbour"}},)"
            R"("confusion":{"knn":[[1,1],[1,1]]},"step":7,"train":50000,"test":4,"classes":["a","b"]})");
  html = apps::report_html(run.path);
  CHECK(malformed(html) == "");
  const std::string features = between(html, "Accuracy of the features", "<h2>Fine-tuned");
  CHECK(features.find("with 50,000 labelled training images") != std::string::npos);
  CHECK(features.find("43.3 %") != std::string::npos);
  CHECK(features.find("64.2 %") == std::string::npos);
}

TEST_CASE("report: sections without data are left out") {
  const Run run;
  const std::string html = apps::report_html(run.path);
  CHECK(malformed(html) == "");
  CHECK(html.find("Configuration") != std::string::npos);
  for (const char* part : {"Training", "Nearest neighbours", "Accuracy of the features",
                           "Fine-tuned networks", "Views", "Machine"})
    CHECK(html.find("<h2>" + std::string(part)) == std::string::npos);
}

TEST_CASE("charts") {
  CHECK(apps::ticks(0, 10, 5) == std::vector<double>{0, 2, 4, 6, 8, 10});
  CHECK(apps::ticks(3, 3, 5).size() == 1);
  CHECK(apps::compact(1234567) == "1,234,567");
  CHECK(apps::compact(-1234) == "-1,234");
  CHECK(apps::compact(0.0123) == "0.0123");
  CHECK(apps::base64("") == "");
  CHECK(apps::base64("f") == "Zg==");
  CHECK(apps::base64("fo") == "Zm8=");
  CHECK(apps::base64("foobar") == "Zm9vYmFy");

  const double nan = std::nan("");
  const auto drawn = [](std::vector<double> x, std::vector<double> y) {
    return apps::svg({.title = "t", .x_label = "x", .y_label = "y", .x = std::move(x), .y = std::move(y)});
  };
  for (const auto& chart :
       {drawn({}, {}), drawn({1}, {2}), drawn({1, 2}, {nan, nan}), drawn({1, 2, 3}, {1, nan, 1})}) {
    CHECK(malformed(chart) == "");
    CHECK(chart.find("nan") == std::string::npos);
    CHECK(chart.find("inf") == std::string::npos);
  }
  CHECK(drawn({}, {}).find("No values") != std::string::npos);
}

}  // namespace
