// Labels of images from a file.
#include "data/formats/label_file.h"

#include <doctest/doctest.h>

#include "data/dataset.h"
#include "engine/error.h"
#include "tests/support/scratch.h"

using namespace data;
using engine::DataError;

namespace {

const std::vector<std::string> files = {"/d/val/1.JPEG", "/d/val/2.JPEG", "/d/val/deep/3.JPEG"};
const std::vector<std::string> classes = {"n01", "n02", "n03"};
using Labels = std::vector<int>;

struct File {
  Scratch scratch;
  FileLabels read(const std::string& text, const std::vector<std::string>& known = classes) {
    return LabelFile(scratch.write("labels", text)).label(files, "/d/val", known);
  }
  std::string refused(const std::string& text, const std::vector<std::string>& known = classes) {
    return message_of<DataError>([&] { read(text, known); }).substr(scratch.path("").size());
  }
};

}  // namespace

TEST_CASE("label file: FILE CLASS, as in maps of ImageNet's validation images") {
  File f;
  CHECK(f.read("2.JPEG n01\n1.JPEG   n03\r\n3.JPEG n02").labels == Labels{2, 0, 1});
  CHECK(f.read("deep/3.JPEG n02\n./1.JPEG n03\nval/2.JPEG n01\n").labels == Labels{2, 0, 1});
  CHECK(f.read("1.JPEG\tn03\t0\t0\t62\t62\n2.JPEG\tn01\t1\t2\t3\t4\n3.JPEG\tn02\t0\t0\t1\t1\n").labels ==
        Labels{2, 0, 1});
}

TEST_CASE(
    "label file: CSV with and without a heading, names without ending, quotes, Kaggle's field of several "
    "words") {
  File f;
  CHECK(f.read("file,class\n1.JPEG,n03\n2.JPEG,n01\n3.JPEG,n02\n").labels == Labels{2, 0, 1});
  CHECK(f.read("1,n03\n2,n01\n3,n02\n").labels == Labels{2, 0, 1});
  CHECK(f.read("\xef\xbb\xbf\"id\",\"breed\"\n\"1\", \"n03\"\n\"2\",n01\n3,n02\n").labels == Labels{2, 0, 1});
  CHECK(f.read("ImageId,PredictionString\n1,n03 85 1 499 272\n2,n01 1 2 3 4 n01 1 2 3 4\n3,n02 1 2 3 4\n")
            .labels == Labels{2, 0, 1});
  const FileLabels own = f.read("a,b\n1,\"small, old cat\"\n2,ape\n3,ape\n4,dog\n", {});
  CHECK(own.classes == std::vector<std::string>{"ape", "small, old cat"});
  CHECK(own.labels == Labels{1, 0, 0});
  CHECK(own.others == 1);
}

TEST_CASE("label file: a class alone, in the order of the files; numbers from 0, never from 1") {
  File f;
  CHECK(f.read("n03\nn01\nn02\n").labels == Labels{2, 0, 1});
  CHECK(f.read("2\n0\n1\n").labels == Labels{2, 0, 1});
  CHECK(f.read("1.JPEG 2\n2.JPEG 0\n3.JPEG 1\n").labels == Labels{2, 0, 1});
  CHECK(f.read("3\n1\n2\n", {"1", "2", "3"}).labels == Labels{2, 0, 1});  // classes with these names
  CHECK(f.refused("3\n1\n2\n") ==
        "labels line 1: there is no class 3, expected the name of one of the 3 class folders of the training "
        "split "
        "(numbers from 1 may be ILSVRC's own, which are in another order)");
  CHECK(f.refused("n01\nn02\n") ==
        "labels has 2 lines of a class alone, expected 3, one for each image of /d/val, or lines of FILE "
        "CLASS");
}

TEST_CASE("label file: an error names file and line") {
  File f;
  CHECK(f.refused("1 n01\n2 n09\n3 n01\n") ==
        "labels line 2: there is no class n09, expected one of the 3 class folders of the training split");
  CHECK(f.refused("1 n01\n\n1.JPEG n02\n2 n01\n3 n01\n") ==
        "labels line 3: 1.JPEG has another label in a line above");
  CHECK(f.read("1 n01\n1.JPEG n01\n2 n01\n3 n01\n4 n01\n5 n09\n").others == 2);
  CHECK(f.read("1 n01\n3 n01\n").labels == std::vector<int>{0, -1, 0});
  CHECK(
      f.refused("x/8.png n01\n9.png n01\n") ==
      "labels has no label of /d/val/1.JPEG or of any other of the 3 images of /d/val; line 1 is read as the "
      "file x/8.png of the class n01");
  CHECK(f.read("1;n01\n2; n02\n3;\"n01\"\n").labels == std::vector<int>{0, 1, 0});

  CHECK(f.refused("1 n01\nn02\n") == "labels line 2: n02, expected FILE CLASS, as in the lines above");
  CHECK(f.refused("\xff\xfe"
                  "1\n") == "labels is text in UTF-16, expected UTF-8: lines of FILE CLASS");
  CHECK(f.refused("") == "labels is empty, expected lines of FILE CLASS");
  CHECK(f.refused(std::string("MATLAB\0", 7)) == "labels is not a text file, expected lines of FILE CLASS");
  const LabelFile same(f.scratch.write("same", "1.png a\nx/1.png b\n"));
  CHECK(message_of<DataError>([&] {
          same.label({"/d/x/1.png", "/d/y/1.png"}, "/d", {});
        }) == f.scratch.path("same") + " line 1: several images are named 1.png, expected a path below /d");
}

TEST_CASE("label file: images without a label are left out, and told") {
  const Scratch scratch;
  for (const char* file : {"train/a/1.png", "train/b/2.png", "val/1.png", "val/2.png", "val/3.png"})
    scratch.write(file, "x");
  const auto set =
      open_dataset(scratch.folder, Split::test, scratch.write("labels.csv", "file,class\n2.png,b\n"));
  require_labels(*set);
  REQUIRE(set->size() == 1);
  CHECK(set->label(0) == 1);
  CHECK(set->name(0) == scratch.path("val/2.png"));
  CHECK(describe(*set).find("passed over: 2 without a label") != std::string::npos);
  // of a flat training split, too; a pretraining takes all. An empty cell is no class
  for (const char* file : {"flat/1.png", "flat/2.png", "flat/3.png"}) scratch.write(file, "x");
  const std::string labels = scratch.write("flat.csv", "1.png,x\n2.png,\n3.png,y\n");
  CHECK(open_dataset(scratch.path("flat"), Split::train, labels)->size() == 2);
  CHECK(open_dataset(scratch.path("flat"), Split::pretrain, labels)->size() == 3);
}

TEST_CASE("label file: it decides over folders where there is no evaluated split") {
  const Scratch scratch;
  for (const char* file :
       {"2019/a.png", "2019/b.png", "2020/c.png", "split/train/x/a.png", "split/val/a.png"})
    scratch.write(std::string(file).starts_with("2") ? "photos/" + std::string(file) : file, "x");
  const std::string labels = scratch.write("labels.csv", "a.png,cat\nc.png,dog\n");
  const auto set = open_dataset(scratch.path("photos"), Split::train, labels);
  CHECK(set->classes() == std::vector<std::string>{"cat", "dog"});
  CHECK(set->size() == 2);
  const std::string other = scratch.write("other.csv", "nowhere.png,cat\n");
  CHECK_THROWS_AS(open_dataset(scratch.path("photos"), Split::train, other), DataError);
  // beside val/ it is about val/
  const std::string of_val = scratch.write("val.csv", "a.png,x\n");
  CHECK(open_dataset(scratch.path("split"), Split::train, of_val)->classes() ==
        std::vector<std::string>{"x"});
}

TEST_CASE("label file: the first line's separator is that of all") {
  File f;
  CHECK(f.read("file;class\n1;n01\n2.JPEG;n02\n3;n01\n").labels == std::vector<int>{0, 1, 0});
  const LabelFile commas(f.scratch.write("commas", "file;class\nDSC,12.jpg;a\n"));
  CHECK(commas.label({"/d/DSC,12.jpg"}, "/d", {}).labels == std::vector<int>{0});
}

TEST_CASE("label file: of the evaluated split, of a flat training split, and Tiny-ImageNet's own") {
  const Scratch scratch;
  for (const char* file : {"train/n01/images/a.JPEG", "train/n02/images/b.JPEG", "val/images/v0.JPEG",
                           "val/images/v1.JPEG", "test/images/t.JPEG"})
    scratch.write(file, "x");
  const auto opened = [&](Split split, const std::string& labels = "") {
    auto set = open_dataset(scratch.folder, split, labels.empty() ? "" : scratch.path(labels));
    require_labels(*set);
    return set;
  };
  scratch.write("val/val_annotations.txt", "v0.JPEG\tn02\t0\t0\t1\t1\nv1.JPEG\tn01\t0\t0\t1\t1\n");
  const auto tiny = opened(Split::test);
  CHECK(tiny->title() == "image folder, val/");
  CHECK((tiny->label(0) == 1 && tiny->label(1) == 0));
  CHECK(tiny->remark() == "labels of " + scratch.path("val/val_annotations.txt") +
                              "; test/ has no labels; passed over: 1 of other kinds");

  scratch.write("map", "v0.JPEG n01\nv1.JPEG n01\n");
  CHECK(opened(Split::test, "map")->label(0) == 0);  // of val/: the file doesn't name test/'s image
  scratch.write("map", "t.JPEG n02\n");
  CHECK(opened(Split::test, "map")->title() == "image folder, test/");

  const Scratch kaggle;
  for (const char* file : {"train/a.jpg", "train/b.jpg", "test/c.jpg"}) kaggle.write(file, "x");
  const std::string csv = kaggle.write("labels.csv", "id,breed\na,pug\nb,boxer\nc,pug\n");
  for (const auto& [split, label] : {std::pair(Split::train, 1), {Split::test, 1}}) {
    const auto set = open_dataset(kaggle.folder, split, csv);
    require_labels(*set);
    CHECK(set->classes() == std::vector<std::string>{"boxer", "pug"});
    CHECK(set->label(0) == label);
  }
}
