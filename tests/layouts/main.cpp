// Runs `dyad data check`, `dyad pretrain --dry-run` and `dyad knn` on every layout. Exit codes and outputs
// must be the expected ones, and docs/data.md must have the layout's row.
//   layouts DYAD [NAME]   NAME: only layouts whose names contain it, and their outputs are printed
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>

#include "tests/layouts/layout.h"
#include "tests/support/encode.h"
#include "tests/support/golden_images.h"
#include "tests/support/scratch.h"

namespace fs = std::filesystem;

namespace {

using Words = std::vector<std::string>;

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// Each image is another one.
std::string next_png() {
  static int count = 0;
  std::vector<std::uint8_t> rows;
  for (int i = 0; i < 3 * 8 * 8; ++i) rows.push_back(std::uint8_t(37 * count + i * (count % 5 + 1)));
  ++count;
  return encode_png(8, 8, SPNG_COLOR_TYPE_TRUECOLOR, 8, rows);
}

void make(const Scratch& scratch, const std::string& folder, const std::string& file) {
  if (const std::size_t arrow = file.find(" -> "); arrow != std::string::npos) {
    fs::create_directories((scratch.folder / folder / file.substr(0, arrow)).parent_path());
    fs::create_symlink(file.substr(arrow + 4), scratch.folder / folder / file.substr(0, arrow));
  } else if (const std::size_t colon = file.find(": "); colon != std::string::npos) {
    scratch.write(folder + "/" + file.substr(0, colon), file.substr(colon + 2));
  } else if (file.ends_with("/")) {
    fs::create_directories(scratch.folder / folder / file);
  } else {
    const bool webp = file.ends_with(".webp"), gif = file.ends_with(".gif");
    const bool tiff = file.ends_with(".tif") || file.ends_with(".TIFF");
    scratch.write(folder + "/" + file, webp   ? golden_file("webp lossless RGB")
                                       : tiff ? golden_file("tiff mode P")
                                       : gif  ? golden_file("gif P, interlace 1")
                                              : next_png());
  }
}

struct Outcome {
  int code;
  std::string text;
};

Outcome run(const Scratch& scratch, const std::string& dyad, const Words& words) {
  std::string command = "'" + dyad + "'";
  for (const std::string& word : words) command += " '" + word + "'";
  const int status = std::system((command + " > '" + scratch.path("output") + "' 2>&1 < /dev/null").c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), scratch.read("output")};
}

// Whether the parts of `says` between "..." occur in this order.
bool has_parts(const std::string& text, const std::string& says) {
  std::size_t at = 0;
  for (std::size_t part = 0, end = 0; end != std::string::npos; part = end + 3) {
    end = says.find("...", part);
    const std::string wanted = says.substr(part, end == std::string::npos ? end : end - part);
    at = text.find(wanted, at);
    if (at == std::string::npos) return false;
    at += wanted.size();
  }
  return true;
}

class Trial {
 public:
  Trial(std::string dyad, bool shows) : dyad_(std::move(dyad)), shows_(shows) {}

  void command(const Scratch& scratch, const std::string& folder, const std::string& what, Words words,
               const Expected& expected) {
    for (std::string& word : words) word = replace_all(word, "DIR", folder);
    Outcome o = run(scratch, dyad_, words);
    o.text = replace_all(o.text, folder, "DIR");
    const bool right = o.code == expected.code && has_parts(o.text, expected.says);
    if (shows_ || !right) std::printf("  %s: exit code %d\n%s", what.c_str(), o.code, o.text.c_str());
    if (!right) fail("expected " + std::to_string(expected.code) + " and: " + expected.says);
  }
  void fail(const std::string& wrong) {
    std::printf("  FAILED: %s\n", wrong.c_str());
    ++failed_;
  }
  int failed() const { return failed_; }

 private:
  std::string dyad_;
  bool shows_;
  int failed_ = 0;
};

std::string row(const Layout& l) { return "| " + l.name + " | " + l.pretrains + " | " + l.evaluates + " |"; }

Words operator+(Words a, const Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: layouts DYAD [NAME]\n");
    return 2;
  }
  const std::string dyad = argv[1], wanted = argc > 2 ? argv[2] : "";
  const Scratch scratch;
  Trial trial(dyad, !wanted.empty());
  const Words small = {"--arch", "resnet10", "--width", "0.0625", "--size", "8", "--batch"};
  trial.command(scratch, scratch.path("run"), "the run that is evaluated",
                Words{"pretrain", "--data", "data/samples", "--run", scratch.path("run"), "--steps", "1",
                      "--threads", "0"} +
                    small + Words{"8"},
                {0, ""});
  std::ifstream page("docs/data.md");
  const std::string docs{std::istreambuf_iterator<char>(page), {}};
  int tried = 0;
  for (const Layout& l : layouts()) {
    if (l.name.find(wanted) == std::string::npos) continue;
    ++tried;
    const std::string name = "d" + std::to_string(tried), folder = scratch.path(name);
    fs::create_directories(folder);
    for (const std::string& file : l.files) make(scratch, name, file);
    std::printf("%s\n", l.name.c_str());
    const Words data = {"--data", l.data};
    trial.command(scratch, folder, "data check", Words{"data", "check", "--threads", "1"} + data, l.check);
    trial.command(
        scratch, folder, "pretrain",
        Words{"pretrain", "--dry-run", "--run", folder + "/run"} + data + small + Words{"2"} + l.pretraining,
        l.pretrain);
    trial.command(scratch, folder, "knn",
                  Words{"knn", "--run", scratch.path("run"), "--no-floors", "--k", "1", "--threads", "0"} +
                      data + l.evaluation,
                  l.evaluate);
    if (docs.find(row(l)) == std::string::npos) trial.fail("docs/data.md has no row " + row(l));
  }
  if (wanted.empty() && tried < 40) trial.fail("expected at least 40 layouts");
  std::printf("%d layouts, %d failures\n", tried, trial.failed());
  return trial.failed() == 0 && tried > 0 ? 0 : 1;
}
