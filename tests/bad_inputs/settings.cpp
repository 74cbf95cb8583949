// Flags and config files.
#include <filesystem>

#include "tests/bad_inputs/bad_input.h"

namespace {

struct Config {
  std::string name, text, says;
};

using Words = std::vector<std::string>;

}  // namespace

std::vector<BadInput> bad_settings() {
  std::vector<BadInput> list;
  const auto flags = [&](const std::string& name, const Words& words, const std::string& says) {
    list.push_back({"flags: " + name, words, 2, says});
  };
  const auto pretrain = [](const Words& more) {
    Words words = {"pretrain", "--data", "data/samples", "--run", "DIR/run"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  flags("no command", {}, "no command is given");
  flags("an unknown command", {"pretain"}, "unknown command \"pretain\"; did you mean pretrain?");
  flags("an unknown command below data", {"data", "chek"}, "unknown command \"chek\"; did you mean check?");
  flags("an unknown flag", pretrain({"--btach", "8"}), "unknown flag --btach; did you mean --batch?");
  flags("embed: an ending that is no format",
        {"embed", "--run", "DIR/run", "--data", "data/samples", "--out", "DIR/f.txt"},
        "--out DIR/f.txt: expected a name that ends in .safetensors, .npy or .csv");
  flags("embed: maps in a table",
        {"embed", "--run", "DIR/run", "--data", "data/samples", "--out", "DIR/f.csv", "--features", "c4"},
        "--out DIR/f.csv: a CSV table has no place for maps");
  flags("embed: a stage that is not there",
        {"embed", "--run", "DIR/run", "--data", "data/samples", "--out", "DIR/f.npy", "--features", "c6"},
        "--features is \"c6\", expected ");
  flags("index: an ending that is no format", {"index", "--embeddings", "DIR/f.npy", "--out", "DIR/i.npy"},
        "--out DIR/i.npy: expected a name that ends in .safetensors");
  flags("an argument too many", pretrain({"more"}), "unexpected argument \"more\"");
  flags("no data", {"pretrain", "--run", "DIR/run"}, "--data is missing");
  flags("no run", {"pretrain", "--data", "data/samples"}, "--run is missing");
  flags("a flag without its value", pretrain({"--batch"}), "--batch is given no value");
  flags("a number that is a word", pretrain({"--batch", "many"}), "--batch is \"many\", expected 2 to 65536");
  flags("a number with a tail", pretrain({"--lr", "0.1x"}), "--lr is \"0.1x\", expected");
  flags("a whole number with a point", pretrain({"--batch", "8.5"}),
        "--batch is \"8.5\", expected 2 to 65536");
  flags("a number out of range", pretrain({"--momentum", "1.5"}), "--momentum is 1.5, expected 0 to 0.9999");
  flags("a number beyond 64 bits", pretrain({"--steps", "99999999999999999999"}),
        "--steps is \"99999999999999999999\", expected");
  flags("not a number", pretrain({"--tau", "nan"}),
        "--tau is \"nan\", expected 0.001 to 100, or learn:0.01 to learn:1");
  flags("infinity", pretrain({"--lr", "inf"}), "--lr is \"inf\", expected");
  flags("a negative seed", pretrain({"--seed", "-1"}), "--seed is \"-1\", expected a whole number");
  flags("an empty value", pretrain({"--batch="}), "--batch= is given no value");
  flags("a word that is no choice", pretrain({"--arch", "resnt18"}), "did you mean resnet18?");
  flags("neither stop nor skip", pretrain({"--bad-images", "ignore"}),
        "--bad-images is \"ignore\", expected stop|skip");
  flags("neither true nor false", pretrain({"--dry-run=maybe"}),
        "--dry-run is \"maybe\", expected true or false");
  flags("a batch larger than the data", pretrain({"--batch", "8192"}),
        "--batch is 8192, but data/samples has 5,000 images");
  flags("a checkpoint that is not there", pretrain({"--resume", "DIR/none.safetensors"}),
        "--resume DIR/none.safetensors: there is no such file");
  flags("a folder to resume", pretrain({"--resume", "DIR"}),
        "--resume DIR: is a folder, expected a checkpoint, or auto");
  flags("a run that is not there", {"knn", "--data", "data/samples", "--run", "DIR/none"},
        "--run DIR/none: there is no DIR/none/config.toml");
  flags("a database that is none", {"retrieval", "--run", "DIR/run", "--database", "all"},
        "--database is \"all\", expected train|others");
  flags("training images that search among themselves", {"retrieval", "--run", "DIR/run", "--split", "train"},
        "--split train: the training images are the database, expected --database others");
  flags("classes of a protocol's images",
        {"retrieval", "--run", "DIR/run", "--protocol", "DIR/p.json", "--split", "val"},
        "--split: the lists of --protocol say which images are searched, expected no --split");
  flags("curate without features", {"curate", "--out", "DIR/out"}, "--embeddings is missing");
  flags("a share of outliers that is too large",
        {"curate", "--embeddings", "DIR/f.npy", "--out", "DIR/out", "--outliers", "0.9"},
        "--outliers is 0.9, expected 0 to 0.5");
  flags("a regular expression that is none", {"gradcheck", "--op", "("},
        "--op is \"(\", expected a regular expression");
  flags("a config file that is not there", pretrain({"--config", "DIR/none.toml"}),
        "config file DIR/none.toml: can't be read");

  const auto onnx = [](const Words& more) {
    Words words = {"export", "--run", "DIR/run", "--format", "onnx", "--out", "DIR/e.onnx"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  flags("an ONNX file with another ending",
        {"export", "--run", "DIR/run", "--format", "onnx", "--out", "DIR/e"},
        "--out DIR/e: expected a name that ends in .onnx");
  flags("maps of a stage that is not there", onnx({"--features", "c2,c6"}),
        "--features is \"c2,c6\", expected some of gap, c2, c3, c4 and c5");
  flags("an output twice", onnx({"--features", "gap,gap"}), "--features is \"gap,gap\", expected");
  flags("8-bit images that the caller normalizes", onnx({"--normalize", "outside"}),
        "--normalize outside: normalized values don't fit in 8 bits, expected --input nchw-f32");
  flags("images for an ONNX file", onnx({"--data", "data/samples"}),
        "--data: --format onnx writes the encoder, expected --format safetensors or npy");
  flags("a type that ONNX files have not", onnx({"--dtype", "f64"}), "--dtype is \"f64\", expected f32|f16");
  flags("an option of ONNX files for another",
        {"export", "--run", "DIR/run", "--out", "DIR/e.safetensors", "--input", "nchw-f32"},
        "--input: only --format onnx has it, but --format is safetensors");
  flags("an ONNX file of no run", onnx({}), "--run DIR/run: there is no DIR/run/config.toml");

  const std::vector<Config> configs = {
      {"an unknown key", "[pretrain]\n\nlrr = 1\n", " line 3: unknown key lrr; did you mean lr?"},
      {"an unknown section", "[pretrian]\n", " line 1: unknown section [pretrian]; did you mean pretrain?"},
      {"a section that does not end", "[pretrain\n", " line 1: [pretrain, expected [section]"},
      {"a line without =", "batch 8\n", " line 1: batch 8, expected key = value"},
      {"no key", "= 8\n", " line 1: = 8, expected key = value"},
      {"no value", "batch =\n", " line 1: batch =, expected key = value"},
      {"a value out of range", "[pretrain]\nbatch = 1\n", " line 2: batch is 1, expected 2 to 65536"},
      {"a value of another kind", "batch = \"many\"\n", " line 1: batch is \"many\", expected 2 to 65536"},
      {"a word without quotes", "arch = resnet18\n", " line 1: resnet18: text stands in quotes"},
      {"quotes that do not end", "arch = \"resnet18\n",
       " line 1: \"resnet18: the quoted text does not end with its line"},
      {"single quotes that do not end", "arch = 'resnet18\n",
       " line 1: 'resnet18: the quoted text does not end with its line"},
      {"something after the quotes", "arch = \"resnet18\" x\n",
       " line 1: \"resnet18\" x: the quoted text does not end with its line"},
      {"an escape that is not known", "arch = \"a\\n\"\n", " line 1: \\n: the escapes known are"},
      {"a key twice", "batch = 8\nbatch = 9\n", " line 2: batch is set on line 1 already"},
      {"a list", "batch = [8]\n", " line 1: [8]: text stands in quotes"},
      {"a word that is no choice", "optimizer = \"adam\"\n",
       " line 1: optimizer is \"adam\", expected lars|sgd|adamw; did you mean adamw?"},
      {"a zero byte", std::string("ba\0tch = 8\n", 11), " line 1: "},
      {"not text at all", std::string("\x89PNG\r\n\x1a\n", 8),
       ": is a PNG image, expected a text of key = value lines"},
      {"control characters", "\x1b[31m\n", " line 1: \\x1b[31m, expected key = value"},
  };
  for (const Config& c : configs)
    list.push_back({"config: " + c.name, pretrain({"--config", "DIR/run.toml"}), 2, "DIR/run.toml" + c.says,
                    [text = c.text](const Scratch& scratch) { scratch.write("run.toml", text); }});
  list.push_back(
      {"config: a folder", pretrain({"--config", "DIR"}), 2, "config file DIR: ", [](const Scratch&) {}});

  // a path below a file: not even root can create files there
  const auto file = [](const Scratch& scratch) { scratch.write("file", "x"); };
  list.push_back({"unwritable: the run's folder below a file",
                  {"pretrain", "--data", "data/samples", "--run", "DIR/file/run", "--arch", "resnet10",
                   "--width", "0.0625", "--batch", "8", "--steps", "1"},
                  2,
                  "DIR/file/run",
                  file});
  list.push_back({"unwritable: the picture below a file",
                  {"data", "preview", "--data", "data/samples", "--out", "DIR/file/x.png"},
                  2,
                  "--out: can't be written: DIR/file: is not a folder",
                  file});
  list.push_back({"unwritable: the result below a file",
                  {"data", "check", "--data", "data/samples", "--json", "DIR/file/x.json"},
                  2,
                  "--json: can't be written: DIR/file: is not a folder",
                  file});
  list.push_back({"a label file as the share of the labels",
                  {"finetune", "--run", "DIR/run", "--labels", "DIR/file"},
                  2,
                  "--labels is the file DIR/file, expected a share of the labels; --label-file",
                  file});
  list.push_back({"a text as features",
                  {"curate", "--embeddings", "DIR/file", "--out", "DIR/out"},
                  65,
                  "DIR/file",
                  file});
  list.push_back({"unwritable: data below a file",
                  {"data", "check", "--data", "DIR/file/data"},
                  65,
                  "DIR/file/data",
                  file});

  // a full disk
  const auto full = [&](const std::string& name, const Words& words, const std::string& says, long room,
                        bool training) {
    list.push_back(
        {"full disk: " + name, words, 1, says + "...File too large", [](const Scratch&) {}, room, training});
  };
  full("the picture", {"data", "preview", "--data", "data/samples", "--out", "DIR/x.png"}, "DIR/x.png", 1'000,
       false);
  full("the result", {"data", "check", "--data", "data/samples", "--json", "DIR/x.json"}, "DIR/x.json", 150,
       false);
  const Words train = {"pretrain", "--data", "data/samples", "--run", "DIR/run", "--arch", "resnet10",
                       "--width",  "0.0625", "--batch",      "8",     "--steps", "1"};
  full("the run's configuration", train, "DIR/run/config.toml", 100, true);
  full("the checkpoint", train, "DIR/run/checkpoints/", 60'000, true);
  return list;
}
