#include <algorithm>

#include "data/decode/decode.h"
#include "tests/layouts/layout.h"

namespace {

using Files = std::vector<std::string>;

Files operator+(Files a, const Files& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Two images of each of two classes in a split's folder; "" is the folder itself.
Files classes(const std::string& split) {
  const std::string at = split.empty() ? "" : split + "/";
  return {at + "a/1.png", at + "a/2.png", at + "b/1.png", at + "b/2.png"};
}

Files flat(const std::string& folder) {
  const std::string at = folder.empty() ? "" : folder + "/";
  return {at + "1.png", at + "2.png", at + "3.png"};
}

// Both splits have two classes of two images.
Layout usual(const std::string& name, const std::string& train, const std::string& test,
             const std::string& evaluates) {
  return {
      .name = name,
      .files = classes(train) + classes(test),
      .pretrains = "`" + train + "/`",
      .evaluates = evaluates,
      .check = {0, "train: image folder, " + train + "/: 4 images...: image folder, " + test + "/: 4 images"},
      .pretrain = {0, "image folder, " + train + "/: 4 images, 2 classes"},
      .evaluate = {0, "training: image folder, " + train + "/: 4 images...test: image folder, " + test +
                          "/: 4 images"}};
}

// Every command refuses it.
Layout refused(const std::string& name, Files files, const std::string& says, const std::string& in_table) {
  return {.name = name,
          .files = std::move(files),
          .pretrains = "refused: " + in_table,
          .evaluates = "refused",
          .check = {65, says},
          .pretrain = {65, says},
          .evaluate = {65, says}};
}

// Evaluation is refused. images: the line that the other commands print about the training split.
Layout unlabelled(const std::string& name, Files files, const std::string& pretrains,
                  const std::string& images, const std::string& says, const std::string& in_table) {
  return {.name = name,
          .files = std::move(files),
          .pretrains = pretrains,
          .evaluates = "refused: " + in_table,
          .check = {0, images},
          .pretrain = {0, images},
          .evaluate = {65, says}};
}

Layout with_options(Layout l, Files evaluation, Files pretraining = {}) {
  l.evaluation = std::move(evaluation);
  l.pretraining = std::move(pretraining);
  return l;
}

std::vector<Layout> split_names() {
  const Files all = classes("train") + classes("val") + classes("test");
  Layout both = usual("`train/`, `val/`, `test/`, all with `CLASS/`", "train", "test", "`test/`");
  both.files = all;
  both.check = {0, "train: image folder, train/...val: image folder, val/...test: image folder, test/"};
  Layout chosen = usual("the same, with `--split val`", "train", "val", "`val/`");
  chosen.files = all;
  Layout annotated = usual("`annotations/` without images beside them", "train", "val", "`val/`");
  annotated.files.push_back("annotations/1.xml: x");
  return {usual("`train/CLASS/`, `val/CLASS/`", "train", "val", "`val/`"),
          usual("`train/CLASS/`, `test/CLASS/`", "train", "test", "`test/`"),
          usual("`Train/CLASS/`, `Test/CLASS/`", "Train", "Test", "`Test/`"),
          usual("`training/CLASS/`, `validation/CLASS/`", "training", "validation", "`validation/`"),
          usual("`TRAIN/CLASS/`, `Valid/CLASS/`", "TRAIN", "Valid", "`Valid/`"),
          usual("`Training/CLASS/`, `Testing/CLASS/`", "Training", "Testing", "`Testing/`"),
          both,
          with_options(chosen, {"--split", "val"}),
          annotated};
}

std::vector<Layout> refused_splits() {
  return {
      refused("`test/` alone", classes("test"), "DIR has test/ but no train/", "add `train/` or rename it"),
      refused("`val/` and `test/`", classes("val") + classes("test"), "DIR has val/ and test/ but no train/",
              "add `train/` or rename them"),
      refused("`train/` and `Train/`", classes("train") + classes("Train"),
              "DIR has Train/ and train/, several names of the training split", "merge them"),
      refused("`val/` and `valid/` beside `train/`", classes("train") + classes("val") + classes("valid"),
              "DIR has val/ and valid/, several names of the validation split", "merge them"),
      refused("`train/` beside class folders", {"train/1.png", "car/1.png", "bus/1.png"},
              "DIR has train/ beside other folders of images, bus/ and car/", "move or rename"),
      refused("`train/` and `test/` beside `extra/` with images",
              classes("train") + classes("test") + flat("extra"),
              "DIR has train/ and test/ beside other folders of images, extra/", "move it away"),
      refused("`SET/train/`, `SET/test/`", classes("set/train") + classes("set/test"),
              "DIR/set has test/ and train/, expected splits directly below --data: use --data DIR/set",
              "use `--data SET`"),
      refused(
          "`CLASS/train/`, `CLASS/test/`",
          classes("bottle/train") + classes("bottle/test") + classes("cable/train") + classes("cable/test"),
          "DIR/bottle has test/ and train/, expected splits directly below --data", "splits come first"),
      refused("`train2017/`, `val2017/`", flat("train2017") + flat("val2017"),
              "DIR has train2017/ and val2017/, which look like splits", "rename them"),
      refused("`training_set/`, `test_set/`", classes("training_set") + classes("test_set"),
              "DIR has training_set/ and test_set/, which look like splits", "rename them")};
}

std::vector<Layout> without_classes() {
  const std::string no_test =
      "DIR has no test split, expected train/CLASS/FILE and val/CLASS/FILE, or --split-from 0.1";
  const std::string flat_train =
      "DIR/train has images but no class folders, expected train/CLASS/FILE, or --labels FILE";
  Layout list = unlabelled("a text file that lists images", flat("x") + Files{"list.txt: x/3.png\nx/1.png\n"},
                           "the listed files", "list of image files: 2 images, no classes",
                           "DIR/list.txt lists files without classes, expected a folder with CLASS/ folders",
                           "no classes");
  list.data = "DIR/list.txt";
  Layout wrong = refused("a list with a missing file", flat("x") + Files{"list.txt: 1.png\n"},
                         "DIR/list.txt line 1: there is no file DIR/1.png", "names line 1");
  wrong.data = "DIR/list.txt";
  Layout archive =
      refused("an archive as `--data`", {"x.tar.gz: \x1f\x8b\x08"},
              "DIR/x.tar.gz is a gzip archive (not yet unpacked), expected a folder of images", "unpack it");
  archive.data = "DIR/x.tar.gz";
  return {
      unlabelled("images in one folder", flat(""), "all of it", "image folder: 3 images, no classes",
                 "DIR has images but no class folders, expected CLASS/FILE, or --labels FILE", "no classes"),
      unlabelled("nested folders of any depth", {"1.png", "x/2.png", "x/y/3.png", "z/4.jpg"}, "all of it",
                 "image folder: 4 images, 2 classes", no_test, "no test split"),
      unlabelled("`Images/CLASS/`", classes("Images"), "all of it; names `--data Images`",
                 "image folder: 4 images, 1 class; all images are of one class, "
                 "Images; its "
                 "folders are the classes with --data DIR/Images",
                 no_test, "no test split"),
      unlabelled("`train/CLASS/` alone", classes("train"), "`train/`",
                 "image folder, train/: 4 images, 2 classes",
                 "DIR has no test split, expected val/CLASS/FILE beside train/", "no test split"),
      unlabelled("`CLASS/` alone", classes(""), "all of it", "image folder: 4 images, 2 classes", no_test,
                 "no test split"),
      unlabelled("`train/FILE`, `val/FILE`", flat("train") + flat("val"), "`train/`",
                 "image folder, train/: 3 images, no classes", flat_train, "no classes"),
      unlabelled("`train/CLASS/`, `test/FILE`", classes("train") + flat("test"), "`train/`",
                 "image folder, train/: 4 images",
                 "DIR/test has images but no class folders, expected test/CLASS/FILE, or --labels FILE",
                 "no classes in `test/`"),
      unlabelled("`val/` has a class that `train/` lacks",
                 classes("train") + Files{"val/a/1.png", "val/c/1.png"}, "`train/`",
                 "image folder, train/: 4 images",
                 "DIR/val has a class c, expected those of the training split only", "unknown class"),
      list,
      wrong,
      archive};
}

std::vector<Layout> labelled_by_file() {
  Layout val =
      usual("`train/`, `val/` with `CLASS/`, `test/FILE`", "train", "val", "`val/`: `test/` has no labels");
  val.files = val.files + flat("test");
  val.check.says =
      "train: ...val: ...test: image folder, test/: 3 images...no labels for evaluation: DIR/test has images";
  Layout imagenet{
      .name = "`train/CLASS/`, `val/FILE`, with `--labels` map",
      .files = classes("train") + Files{"val/v1.png", "val/v2.png", "map.txt: v1.png b\nv2.png a\n"},
      .pretrains = "`train/`",
      .evaluates = "`val/`",
      .check = {0, "val: image folder, val/: 2 images...no labels for evaluation"},
      .pretrain = {0, "image folder, train/: 4 images"},
      .evaluate = {0, "test: image folder, val/: 2 images, 2 classes...labels of DIR/map.txt"},
      .evaluation = {"--labels", "DIR/map.txt"}};
  Layout numbers = imagenet;
  numbers.name = "the same with ILSVRC's numbers from 1";
  numbers.files.back() = "map.txt: 2\n1\n";
  numbers.evaluates = "refused: another order";
  numbers.evaluate = {
      65, "DIR/map.txt line 1: there is no class 2, expected the name of one of the 2 class folders"};
  Layout unknown = imagenet;
  unknown.name = "the same with an unknown class";
  unknown.files.back() = "map.txt: v1.png b\nv2.png c\n";
  unknown.evaluates = "refused: names the line";
  unknown.evaluate = {65, "DIR/map.txt line 2: there is no class c, expected one of the 2 class folders"};
  Layout tiny{
      .name = "Tiny-ImageNet",
      .files = {"train/a/images/1.png", "train/a/a_boxes.txt: x", "train/b/images/2.png", "val/images/v1.png",
                "val/images/v2.png",
                "val/val_annotations.txt: v1.png\tb\t0\t0\t1\t1\nv2.png\ta\t0\t0\t1\t1\n",
                "test/images/t1.png", "wnids.txt: a\nb\n"},
      .pretrains = "`train/`",
      .evaluates = "`val/` with `val_annotations.txt`",
      .check = {0,
                "train: image folder, train/: 2 images, 2 classes...val: ...labels of "
                "DIR/val/val_annotations.txt"},
      .pretrain = {0, "image folder, train/: 2 images, 2 classes...passed over: 2 of other kinds"},
      .evaluate = {
          0,
          "test: image folder, val/: 2 images...labels of DIR/val/val_annotations.txt; test/ has no labels"}};
  Layout csv{
      .name = "`train/FILE`, `test/FILE` and a CSV table, with `--labels`, `--split-from`",
      .files = {"train/x1.png", "train/x2.png", "train/x3.png", "train/x4.png", "test/t.png",
                "labels.csv: id,breed\nx1,pug\nx2,pug\nx3,boxer\nx4,boxer\n"},
      .pretrains = "`train/`",
      .evaluates = "a draw from `train/`",
      .check = {0, "train: image folder, train/: 4 images, no classes"},
      .pretrain = {0, "image folder, train/: 4 images, no classes"},
      .evaluate =
          {0, "training: image folder, train/: 2 images, 2 classes...test: image folder, train/: 2 images"},
      .evaluation = {"--labels", "DIR/labels.csv", "--split-from", "0.5"}};
  Layout drawn{
      .name = "`CLASS/` with `--split-from 0.5`",
      .files = classes(""),
      .pretrains = "half of each class",
      .evaluates = "the other half",
      .check = {0, "train: image folder: 4 images, 2 classes"},
      .pretrain =
          {0, "image folder: 2 images, 2 classes...without 2 images of the test split drawn by --split-from"},
      .evaluate = {
          0, "training: image folder: 2 images...test: image folder: 2 images...drawn by --split-from"}};
  return {val,
          imagenet,
          numbers,
          unknown,
          tiny,
          csv,
          with_options(drawn, {"--split-from", "0.5"}, {"--split-from", "0.5"})};
}

Layout passed_over(const std::string& name, const Files& more, const std::string& what,
                   const std::string& says) {
  Layout l = usual(name, "train", "val", "`val/`");
  l.files = l.files + more;
  l.pretrains = what;
  const std::string line = "image folder, train/: 4 images, 2 classes; passed over: " + says;
  l.check.says = l.pretrain.says = l.evaluate.says = line;
  return l;
}

// A build without one of the libraries names the file.
Layout optional_formats() {
  Layout l = usual("WebP, TIFF and GIF files (`.webp`, `.tif`, `.TIFF`, `.gif`)", "train", "val", "`val/`");
  l.files = classes("val") + Files{"train/a/1.webp", "train/a/2.tif", "train/b/1.TIFF", "train/b/2.gif"};
  const bool all = std::ranges::none_of(data::optional_formats(),
                                        [](const data::OptionalFormat& f) { return f.version.empty(); });
  if (all)
    l.check.says = "train: image folder, train/: 4 images, 2 classes...1 GIF, 2 TIFF, 1 WebP";
  else
    l.check = l.pretrain = l.evaluate = {65, "image, which this build of dyad can't read: install lib"};
  return l;
}

std::vector<Layout> odd_entries() {
  Layout loose = usual("loose images beside class folders", "train", "val", "not the loose ones");
  loose.files.push_back("train/loose.png");
  loose.pretrains = "the loose ones too";
  loose.check.says = loose.pretrain.says = "image folder, train/: 5 images, 2 classes";
  loose.evaluate.says = "training: image folder, train/: 4 images...passed over: 1 beside class folders";
  Layout empty = usual("a class without images", "train", "val", "told");
  empty.files = empty.files + Files{"train/c/", "val/c/1.png"};
  empty.pretrains = "told";
  empty.check.says = empty.pretrain.says =
      "image folder, train/: 4 images, 3 classes; 1 class without images (c)";
  empty.evaluate.says = "1 test images are of classes without training images (c), and count as wrong";
  Layout class_link = usual("a link to a class folder", "train", "val", "followed");
  class_link.files = class_link.files + Files{"train/c -> ../val/a"};
  class_link.pretrains = "followed";
  class_link.check.says = class_link.pretrain.says = class_link.evaluate.says =
      "image folder, train/: 6 images, 3 classes";
  Layout below = usual("a link to a folder below a class", "train", "val", "followed");
  below.files.push_back("train/a/more -> ../../val/a");
  below.pretrains = "followed";
  below.check.says = below.pretrain.says = below.evaluate.says = "image folder, train/: 6 images, 2 classes";
  Layout broken = usual("a text file called .jpg", "train", "val", "names it");
  broken.files.push_back("train/a/x.jpg: <html>");
  broken.pretrains = "names it, or `--bad-images skip`";
  broken.check = {65, "broken: DIR/train/a/x.jpg: is an HTML page"};
  broken.pretrain = {65, "DIR/train/a/x.jpg: is an HTML page"};  // the dry run measures a step
  broken.evaluate = {65, "DIR/train/a/x.jpg: is an HTML page"};
  return {
      passed_over(
          "hidden files and folders (`.ipynb_checkpoints`, `._1.jpg`)",
          {"train/a/.ipynb_checkpoints/1.png", "train/a/._1.jpg: x", ".git/x.png", "train/.DS_Store: x"},
          "passed over", "4 hidden"),
      passed_over("kinds that dyad can't read (`.avif`, `.heic`, `.jp2`)",
                  {"train/a/1.avif: x", "train/b/3.HEIC: x", "train/b/4.jp2: x"}, "passed over",
                  "1 .avif, 1 .heic, 1 .jp2"),
      passed_over("other files (`labels.csv`, `Thumbs.db`)", {"train/labels.csv: x", "train/a/Thumbs.db: x"},
                  "passed over", "2 of other kinds"),
      passed_over("a link in a circle", {"train/a/up -> .."}, "passed over", "1 linking to a folder above"),
      optional_formats(),
      loose,
      empty,
      class_link,
      below,
      broken,
      refused("such kinds only", {"a/1.heic: x", "b/2.avif: x"},
              "DIR has no images, expected .jpg...passed over: 1 .avif, 1 .heic", "no images"),
      refused("an archive in the folder", {"images.tar.gz: \x1f\x8b\x08"},
              "DIR has images.tar.gz (not yet unpacked), expected image folders", "not unpacked"),
      refused("an empty folder", {}, "DIR has no images, expected .jpg", "no images")};
}

}  // namespace

std::vector<Layout> layouts() {
  std::vector<Layout> all;
  for (const auto& some :
       {split_names(), refused_splits(), without_classes(), labelled_by_file(), odd_entries()})
    all.insert(all.end(), some.begin(), some.end());
  return all;
}
