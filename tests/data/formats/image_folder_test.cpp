// Folders of images as people have them: names of splits, loose and hidden files, links, lists.
#include "data/formats/image_folder.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "engine/error.h"
#include "tests/support/encode.h"
#include "tests/support/scratch.h"

using namespace data;
using engine::DataError;
namespace fs = std::filesystem;

namespace {

std::string png(int value) {
  return encode_png(1, 1, SPNG_COLOR_TYPE_TRUECOLOR, 8, {std::uint8_t(value), 2, 3});
}

void write_images(const Scratch& scratch, const std::vector<std::string>& files) {
  for (std::size_t i = 0; i < files.size(); ++i) scratch.write(files[i], png(int(i)));
}

std::string with_dir(const Scratch& scratch, std::string text) {
  const std::string own = scratch.folder.string();
  for (std::size_t at; (at = text.find(own)) != std::string::npos;) text.replace(at, own.size(), "DIR");
  return text;
}

// The error of opening, with DIR for the scratch folder's path. Checks that it is one line.
std::string refused(const Scratch& scratch, Split split, const std::string& name = "") {
  const std::string text = message_of<DataError>(
      [&] { open_dataset(name.empty() ? scratch.folder.string() : scratch.path(name), split); });
  CHECK(text.find('\n') == std::string::npos);
  return with_dir(scratch, text);
}

std::string described(const Scratch& scratch, Split split) {
  return with_dir(scratch, describe(*open_dataset(scratch.folder, split)));
}

std::vector<std::string> entries(const Dataset& set) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < set.size(); ++i)
    names.push_back(set.entry(i) + " " + std::to_string(set.label(i)));
  return names;
}

std::string unlabelled(const Scratch& scratch, Split split) {
  return with_dir(scratch, open_dataset(scratch.folder, split)->unlabelled());
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("image folder: train and val, classes in order of their names, files at any depth") {
  const Scratch scratch;
  scratch.write("train/cat/2.PNG", png(2));
  scratch.write("train/cat/1.jpeg", png(1));  // the bytes determine the format, not the name
  scratch.write("train/cat/.DS_Store", "x");
  scratch.write("train/cat/notes.txt", "x");
  scratch.write("train/ant/deep/er/3.jpg", encode_jpeg(2, 5, std::vector<std::uint8_t>(30, 77)));
  scratch.write("train/LICENSE", "x");
  scratch.write("val/cat/4.png", png(4));
  const auto train = open_dataset(scratch.folder, Split::train);
  CHECK(train->kind() == Dataset::Kind::image_folder);
  CHECK(train->classes() == Names{"ant", "cat"});
  REQUIRE(train->size() == 3);
  CHECK((train->label(0) == 0 && train->label(1) == 1 && train->label(2) == 1));
  CHECK((train->image(0).height == 2 && train->image(0).width == 5));
  CHECK(train->image(1).pixels == std::vector<std::uint8_t>{1, 2, 3});
  CHECK(train->image(2).pixels == std::vector<std::uint8_t>{2, 2, 3});
  CHECK(train->name(2) == scratch.path("train/cat/2.PNG"));
  CHECK(train->entry(2) == "train/cat/2.PNG");
  CHECK(describe(*train) ==
        "image folder, train/: 3 images, 2 classes; passed over: 1 hidden, 2 of "
        "other kinds");
  CHECK(train->passed_over() == Names{"passed over: 1 hidden: train/cat/.DS_Store",
                                      "passed over: 2 of other kinds: train/LICENSE, train/cat/notes.txt"});

  const auto val = open_dataset(scratch.folder, Split::test);
  REQUIRE(val->size() == 1);
  CHECK(val->classes() == train->classes());
  CHECK(val->label(0) == 1);  // the same index as in train, though val has no ant
  CHECK(val->unlabelled().empty());

  fs::rename(scratch.path("val"), scratch.path("test"));
  CHECK(open_dataset(scratch.folder, Split::test)->title() == "image folder, test/");
}

TEST_CASE("image folder: the usual spellings of splits, in any case") {
  for (const auto& [train_name, other, split] : {std::tuple("Train", "Test", Split::only_test),
                                                 {"training", "validation", Split::only_val},
                                                 {"TRAIN", "valid", Split::only_val},
                                                 {"Training", "Testing", Split::only_test},
                                                 {"train", "VAL", Split::only_val}}) {
    const char* train = train_name;
    CAPTURE(train);
    const Scratch scratch;
    write_images(scratch, {train + std::string("/a/1.png"), train + std::string("/b/1.png"),
                           other + std::string("/a/2.png")});
    CHECK(entries(*open_dataset(scratch.folder, Split::pretrain)) ==
          Names{train + std::string("/a/1.png 0"), train + std::string("/b/1.png 1")});
    for (const Split s : {Split::test, split})
      CHECK(entries(*open_dataset(scratch.folder, s)) == Names{other + std::string("/a/2.png 0")});
    CHECK(has_split(scratch.folder, split));
    const Split missing = split == Split::only_val ? Split::only_test : Split::only_val;
    CHECK_FALSE(has_split(scratch.folder, missing));
    const std::string name = missing == Split::only_val ? "val" : "test";
    CHECK(refused(scratch, missing) ==
          "DIR has no " + name + " split, expected " + name + "/CLASS/FILE beside " + train + "/");
  }
}

TEST_CASE("image folder: test/ is evaluated rather than val/, unless it has no labels") {
  const Scratch scratch;
  write_images(scratch, {"train/a/1.png", "val/a/2.png", "test/a/3.png"});
  CHECK(described(scratch, Split::test) == "image folder, test/: 1 image, 1 class");
  CHECK(described(scratch, Split::only_val) == "image folder, val/: 1 image, 1 class");
  fs::rename(scratch.path("test/a"), scratch.path("test/images"));
  CHECK(described(scratch, Split::test) == "image folder, val/: 1 image, 1 class; test/ has no labels");
  CHECK(unlabelled(scratch, Split::only_test) ==
        "DIR/test has a class images, expected those of the training split only");
}

TEST_CASE("image folder: splits that are not as expected are refused, with what to rename") {
  const Scratch scratch;
  write_images(scratch, {"two/train/a/1.png", "two/Train/a/1.png", "vals/train/a/1.png", "vals/val/a/1.png",
                         "vals/Validation/a/1.png", "beside/train/1.png", "beside/car/1.png",
                         "alone/test/a/1.png", "both/val/a/1.png", "both/test/a/1.png",
                         "above/set/train/a/1.png", "above/set/test/a/1.png", "coco/train2017/1.png",
                         "coco/val2017/1.png", "kaggle/training_set/a/1.png", "kaggle/test_set/a/1.png"});
  CHECK(refused(scratch, Split::pretrain, "two") ==
        "DIR/two has Train/ and train/, several names of the training split: merge or rename them, expected "
        "one");
  CHECK(refused(scratch, Split::pretrain, "vals") ==
        "DIR/vals has Validation/ and val/, several names of the validation split: merge or rename them, "
        "expected one");
  CHECK(refused(scratch, Split::pretrain, "beside") ==
        "DIR/beside has train/ beside other folders of images, car/: move these away, or rename train/ if "
        "they are "
        "classes");
  CHECK(refused(scratch, Split::pretrain, "alone") ==
        "DIR/alone has test/ but no train/: add it, rename it if this is the name of a class, or use --data "
        "DIR/alone/test");
  CHECK(refused(scratch, Split::pretrain, "both") ==
        "DIR/both has val/ and test/ but no train/: add it, rename them if this is the name of a class, or "
        "use --data "
        "DIR/both/val");
  CHECK(refused(scratch, Split::pretrain, "above") ==
        "DIR/above/set has test/ and train/, expected splits directly below --data: use --data "
        "DIR/above/set, or move "
        "the training images of all folders below one train/");
  CHECK(refused(scratch, Split::pretrain, "coco") ==
        "DIR/coco has train2017/ and val2017/, which look like splits: rename them to train/ and val/ or "
        "test/, or name "
        "one of them as --data to use it alone");
  CHECK(
      refused(scratch, Split::train, "kaggle").find("training_set/ and test_set/, which look like splits") !=
      std::string::npos);
  scratch.write("notes/train/a/1.png", png(1));
  scratch.write("notes/annotations/1.xml", "x");  // no images: not in the way
  scratch.write("notes/loose.png", png(1));
  scratch.write("notes/.git/1.png", png(1));
  CHECK(open_dataset(scratch.path("notes"), Split::pretrain)->passed_over() ==
        Names{"passed over: 1 beside the splits: loose.png", "passed over: 1 hidden: .git"});
}

TEST_CASE("image folder: without splits all of it is a training split") {
  const Scratch scratch;
  write_images(scratch, {"b/1.png", "a/1.png", "training.png"});
  CHECK(open_dataset(scratch.folder, Split::train)->classes() == Names{"a", "b"});
  CHECK(
      refused(scratch, Split::test) ==
      "DIR has no test split, expected train/CLASS/FILE and val/CLASS/FILE, or --split-from 0.1 to draw one");
  CHECK_FALSE(has_split(scratch.folder, Split::test));
  // images beside class folders have no class: pretraining takes them, evaluation doesn't
  CHECK(entries(*open_dataset(scratch.folder, Split::pretrain)) ==
        Names{"a/1.png 0", "b/1.png 1", "training.png -1"});
  CHECK(described(scratch, Split::train) ==
        "image folder: 2 images, 2 classes; passed over: 1 beside class folders");
}

TEST_CASE("image folder: pretraining needs no classes, evaluation says so") {
  const Scratch scratch;
  write_images(scratch, {"train/2.png", "train/1.jpg", "val/a/3.png"});
  fs::create_directory(scratch.path("train/a"));
  CHECK(entries(*open_dataset(scratch.folder, Split::pretrain)) == Names{"train/1.jpg -1", "train/2.png -1"});
  CHECK(described(scratch, Split::pretrain) == "image folder, train/: 2 images, no classes");
  const std::string flat =
      "DIR/train has images but no class folders, expected train/CLASS/FILE, or --labels FILE";
  CHECK(unlabelled(scratch, Split::train) == flat);
  CHECK(unlabelled(scratch, Split::test) == flat);

  scratch.write("train/a/1.png", png(1));
  CHECK(unlabelled(scratch, Split::train).empty());
  CHECK(unlabelled(scratch, Split::test).empty());
  fs::rename(scratch.path("val/a/3.png"), scratch.path("val/3.png"));
  CHECK(unlabelled(scratch, Split::test) ==
        "DIR/val has images but no class folders, expected val/CLASS/FILE, or --labels FILE");
}

TEST_CASE("image folder: a class without images is no error") {
  const Scratch scratch;
  write_images(scratch, {"train/a/1.png", "val/a/1.png"});
  fs::create_directory(scratch.path("train/b"));
  fs::create_directory(scratch.path("val/b"));
  fs::create_directory(scratch.path("val/c"));
  for (const Split split : {Split::train, Split::pretrain})
    CHECK(described(scratch, split) ==
          "image folder, train/: 1 image, 2 classes; 1 class without images (b)");
  CHECK(described(scratch, Split::test) == "image folder, val/: 1 image, 2 classes");
  CHECK(unlabelled(scratch, Split::test).empty());
  scratch.write("val/c/1.png", png(1));
  CHECK(unlabelled(scratch, Split::test) ==
        "DIR/val has a class c, expected those of the training split only");
}

TEST_CASE("image folder: a folder without images is refused, with what is there instead") {
  const Scratch scratch;
  const std::string endings =
      ", expected .jpg, .jpeg, .png, .webp, .tif, .tiff, .gif, .bmp, .ppm, .pgm, .pnm or .tga files";
  fs::create_directory(scratch.path("empty"));
  CHECK(refused(scratch, Split::pretrain, "empty") == "DIR/empty has no images" + endings);
  scratch.write("others/a/1.avif", "x");
  scratch.write("others/a/2.HEIC", "x");
  scratch.write("others/images.tar.gz", "x");
  CHECK(refused(scratch, Split::pretrain, "others") ==
        "DIR/others has no images" + endings + "; passed over: 1 .avif, 1 .heic, 1 not unpacked");
  scratch.write("val/train/a/readme.txt", "x");
  CHECK(refused(scratch, Split::pretrain, "val") ==
        "DIR/val/train has no images" + endings + "; passed over: 1 of other kinds");
  CHECK(refused(scratch, Split::pretrain, "none") == "DIR/none: no such folder");
}

TEST_CASE("image folder: hidden files and folders are passed over at any depth") {
  const Scratch scratch;
  write_images(scratch, {"a/1.png", "a/._1.png", "a/.hidden.jpg", "a/.ipynb_checkpoints/1.png",
                         "__MACOSX/a/1.png", ".git/1.png", "b/.x/2.png"});
  CHECK(entries(*open_dataset(scratch.folder, Split::pretrain)) == Names{"a/1.png 0"});
  const auto set = open_dataset(scratch.folder, Split::pretrain);
  CHECK(set->remark() == "1 class without images (b); passed over: 6 hidden");
  CHECK(set->passed_over() == Names{"passed over: 6 hidden: .git, __MACOSX, a/._1.png ..."});
}

TEST_CASE("image folder: links to folders are followed, but not in circles") {
  const Scratch scratch;
  write_images(scratch, {"elsewhere/1.png", "elsewhere/deep/2.png", "set/a/1.png", "set/b/9.png"});
  fs::create_directory_symlink(scratch.path("elsewhere"), scratch.path("set/c"));       // a class
  fs::create_directory_symlink(scratch.path("elsewhere"), scratch.path("set/a/more"));  // below a class
  fs::create_directory_symlink(scratch.path("elsewhere"), scratch.path("set/a/same"));
  fs::create_directory_symlink("..", scratch.path("set/a/up"));
  fs::create_directory_symlink("../../set/a", scratch.path("elsewhere/deep/back"));
  fs::create_directory_symlink("..", scratch.path("set/around"));
  const auto set = open_dataset(scratch.path("set"), Split::pretrain);
  CHECK(set->classes() == Names{"a", "b", "c"});
  CHECK(entries(*set) == Names{"a/1.png 0", "a/more/1.png 0", "a/more/deep/2.png 0", "b/9.png 1", "c/1.png 2",
                               "c/deep/2.png 2", "c/deep/back/1.png 2"});
  CHECK(set->passed_over() ==
        Names{"passed over: 6 linking to a folder above: a/more/deep/back, a/up, around ...",
              "passed over: 1 linking to a folder linked already: a/same"});
}

TEST_CASE("image folder: the error for an unreadable file is one line with its name") {
  const Scratch scratch;
  const std::string whole = encode_jpeg(16, 16, std::vector<std::uint8_t>(768, 77));
  scratch.write("a/1.jpg", whole.substr(0, whole.size() - 4));
  scratch.write("a/2\n.jpg", "");
  scratch.write("a/3.jpg", "<html>");
  fs::create_symlink("nowhere", scratch.path("a/4.jpg"));
  REQUIRE(mkfifo(scratch.path("a/5.jpg").c_str(), 0600) == 0);
  scratch.write("a/7.jpg", whole);
  const auto set = open_dataset(scratch.folder, Split::train);
  REQUIRE(set->size() == 6);
  const auto message = [&](std::size_t i) {
    return message_of<DataError>([&] { set->image(i); }).substr(scratch.folder.string().size());
  };
  CHECK(message(0) == "/a/1.jpg: JPEG of " + std::to_string(whole.size() - 4) +
                          " bytes: Premature end of JPEG file, expected a whole JPEG file");
  CHECK(message(1) == "/a/2\\x0a.jpg: is empty, expected a JPEG, PNG, WebP, TIFF, GIF, BMP, PNM or TGA file");
  CHECK(message(2) ==
        "/a/3.jpg: is an HTML page (of a failed download?), expected a JPEG, PNG, WebP, TIFF, GIF, BMP, PNM "
        "or TGA file");
  CHECK(message(3) == "/a/4.jpg: No such file or directory, expected a readable file");
  CHECK(message(4) == "/a/5.jpg: not a regular file");
  CHECK(set->image(5).pixels.size() == 768);
}

TEST_CASE("image list: files relative to the list, in its order") {
  const Scratch scratch;
  write_images(scratch, {"x/b.png", "x/a.png", "c.png"});
  const std::string list =
      scratch.write("x/list.txt", "b.png\r\n\na.png\n../c.png\n" + scratch.path("c.png"));
  const auto set = open_dataset(list, Split::pretrain);
  CHECK(entries(*set) == Names{"b.png -1", "a.png -1", "../c.png -1", scratch.path("c.png") + " -1"});
  CHECK(set->image(1).pixels[0] == 1);
  CHECK(describe(*set) == "list of image files: 4 images, no classes");
  CHECK(with_dir(scratch, set->unlabelled()) ==
        "DIR/x/list.txt lists files without classes, expected a folder with CLASS/ folders");
  CHECK(refused(scratch, Split::test, "x/list.txt") ==
        "DIR/x/list.txt is a list of files, which has no test split, expected a folder with CLASS/ folders");
  scratch.write("l", "b.png\n");
  CHECK(refused(scratch, Split::pretrain, "l") ==
        "DIR/l line 1: there is no file DIR/b.png, expected one file a line, relative to the list's folder");
  scratch.write("l", "c.png\n\nc.png\n");
  CHECK(refused(scratch, Split::pretrain, "l") == "DIR/l line 3: c.png is listed twice");
  scratch.write("l", "\n");
  CHECK(refused(scratch, Split::pretrain, "l") == "DIR/l lists no files, expected one a line");
  scratch.write("l", std::string("a\0b", 3));
  CHECK(refused(scratch, Split::pretrain, "l") ==
        "DIR/l is not a text file, expected a folder of images, or a text file that lists them");
}
