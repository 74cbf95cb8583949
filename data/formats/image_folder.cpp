#include "data/formats/image_folder.h"

#include <algorithm>
#include <set>

#include "data/files.h"
#include "data/formats/image_files.h"
#include "data/formats/label_file.h"
#include "data/formats/split_folders.h"
#include "data/formats/walk.h"
#include "engine/error.h"

namespace data {

namespace fs = std::filesystem;
using engine::require_data;

namespace {

// What is being read. `part`: the split's folder, "train/" or "" if there are no splits.
struct Reader {
  fs::path root;
  ImageFiles::Content content;
  Walk walk;

  explicit Reader(const fs::path& folder)
      : root(folder), content{.title = "image folder", .folder = folder.string()}, walk(folder) {}

  fs::path part_folder(const std::string& part) const { return part.empty() ? root : root / part; }
};

std::string where(const std::string& part) { return part.empty() ? "" : part + "/"; }

std::string some(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 3); ++i)
    text += (i == 0 ? "" : ", ") + printable(names[i]);
  return text + (names.size() > 3 ? " ..." : "");
}

void label_rest(ImageFiles::Content& c, int label) { c.labels.resize(c.files.size(), label); }

void require_images(const Reader& r, const std::string& part, std::size_t before) {
  if (r.content.files.size() > before) return;
  const std::string passed = r.walk.passed_over().text();
  require_data(false, printable(r.part_folder(part)), " has no images, expected ", expected_endings(),
               passed.empty() ? "" : "; " + passed);
}

// Where all images lie in one class folder and at least two folders below it, these may be the classes.
void note_deeper_classes(ImageFiles::Content& c, const fs::path& folder) {
  const int only = c.labels.front();
  std::set<std::string> below;
  for (std::size_t i = 0; i < c.files.size(); ++i) {
    if (c.labels[i] != only || only < 0) return;
    const fs::path file = fs::path(c.files[i]).lexically_relative(folder / c.classes[std::size_t(only)]);
    if (!file.has_parent_path()) return;
    below.insert(file.begin()->string());
  }
  if (below.size() < 2) return;
  c.note += (c.note.empty() ? "" : "; ") + std::string("all images are of one class, ") +
            printable(c.classes[std::size_t(only)]) + "; its folders are the classes with --data " +
            printable(folder / c.classes[std::size_t(only)]);
}

// The images of a split, labelled by their class folders. Adds classes if there are none yet.
// loose: take images beside class folders too, without a label.
void add_part(Reader& r, const std::string& part, bool loose) {
  ImageFiles::Content& c = r.content;
  const fs::path folder = r.part_folder(part);
  const std::size_t before = c.files.size();
  const Walk::Level level = r.walk.level(folder);
  const bool training = c.classes.empty();
  if (training) c.classes = level.folders;
  std::vector<std::string> empty, unknown;
  for (const std::string& name : level.folders) {
    const std::size_t first = c.files.size();
    r.walk.add_images(folder / name, c.files);
    const auto known = std::ranges::find(c.classes, name);
    if (c.files.size() == first)
      empty.push_back(name);
    else if (known == c.classes.end())
      unknown.push_back(name);
    label_rest(c, known == c.classes.end() ? -1 : int(known - c.classes.begin()));
  }
  const bool in_classes = c.files.size() > before;
  if (in_classes && !loose)
    for (const std::string& file : level.images) r.walk.pass("beside class folders", file);
  else
    c.files.insert(c.files.end(), level.images.begin(), level.images.end());
  label_rest(c, -1);
  require_images(r, part, before);
  if (training && !in_classes) c.classes.clear();
  if (training && in_classes && !empty.empty())
    c.note = counted(double(empty.size()), "class") + " without images (" + some(empty) + ")";
  if (training && in_classes) note_deeper_classes(c, folder);
  if (!in_classes)
    c.unlabelled = printable(folder) + " has images but no class folders, expected " + where(part) +
                   "CLASS/FILE, or --labels FILE";
  if (!unknown.empty() && in_classes && c.unlabelled.empty())
    c.unlabelled = printable(folder) + " has a class " + printable(unknown.front()) +
                   ", expected those of the training split only";
}

void leave_out_unlabelled(Reader& r) {
  ImageFiles::Content& c = r.content;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < c.files.size(); ++i) {
    if (c.labels[i] < 0) {
      r.walk.pass("without a label", c.files[i]);
      continue;
    }
    if (kept != i) c.files[kept] = std::move(c.files[i]);
    c.labels[kept++] = c.labels[i];
  }
  c.files.resize(kept);
  c.labels.resize(kept);
}

// The images of a split, labelled by a file. loose: take images that it does not name too, without a label.
void add_labelled_part(Reader& r, const std::string& part, const std::string& labels, bool loose) {
  ImageFiles::Content& c = r.content;
  const std::string folder = r.part_folder(part).string();
  r.walk.add_images(folder, c.files);
  require_images(r, part, 0);
  FileLabels found = LabelFile(labels).label(c.files, folder, c.classes);
  c.labels = std::move(found.labels);
  c.classes = std::move(found.classes);
  if (!loose) leave_out_unlabelled(r);
  c.note = "labels of " + printable(labels);
  if (found.others > 0) c.note += " (" + with_commas(found.others) + " of its lines name other files)";
}

// Reads the classes of the training split only.
std::vector<std::string> training_classes(const fs::path& folder, const std::string& train,
                                          const std::string& labels) {
  const fs::path training = folder / train;
  const std::vector<std::string> folders = Walk(folder).level(training).folders;
  const bool used =
      std::ranges::any_of(folders, [&](const std::string& name) { return Walk::any_image(training / name); });
  if (used || labels.empty()) return used ? folders : std::vector<std::string>();
  Reader r(folder);
  add_labelled_part(r, train, labels, true);
  return r.content.classes;
}

ImageFiles::Content read_training(const fs::path& folder, const SplitFolders& splits, bool loose,
                                  const std::string& labels) {
  const std::string& train = splits.train;
  Reader r(folder);
  add_part(r, train, loose);
  // A label file decides over folders, which may be those of years. Beside an evaluated split it is about
  // that.
  const bool evaluated = !splits.val.empty() || !splits.test.empty();
  if (!labels.empty() && (r.content.classes.empty() || !evaluated)) {
    Reader by_file(folder);
    add_labelled_part(by_file, train, labels, loose);
    r = std::move(by_file);
  }
  if (!train.empty()) r.content.title += ", " + where(train);
  r.content.passed_over = r.walk.passed_over();
  r.content.passed_over.add(splits.passed_over);
  return std::move(r.content);
}

ImageFiles::Content read_evaluated(const fs::path& folder, const std::string& train, const std::string& part,
                                   std::string labels) {
  Reader r(folder);
  r.content.classes = training_classes(folder, train, labels);
  const fs::path own = folder / part / "val_annotations.txt";  // Tiny-ImageNet's
  if (labels.empty() && fs::exists(own)) labels = own.string();
  if (!labels.empty()) {
    add_labelled_part(r, part, labels, false);
  } else {
    const bool classes = !r.content.classes.empty();
    add_part(r, part, false);
    if (!classes) {
      r.content.classes.clear();
      r.content.note.clear();
      r.content.labels.assign(r.content.files.size(), -1);
      r.content.unlabelled = printable(folder / train) + " has images but no class folders, expected " +
                             where(train) + "CLASS/FILE, or --labels FILE";
    }
  }
  r.content.title += ", " + where(part);
  r.content.passed_over = r.walk.passed_over();
  return std::move(r.content);
}

// Whether a label file is about the images of a split.
bool labels_name(const std::string& labels, const fs::path& folder) {
  std::vector<std::string> files;
  Walk(folder).add_images(folder, files);
  return !files.empty() && LabelFile(labels).names(files.front());
}

// The evaluated split is test/ if it has labels, else val/.
ImageFiles::Content read_test(const fs::path& folder, const SplitFolders& splits, const std::string& labels) {
  if (splits.test.empty() || splits.val.empty())
    return read_evaluated(folder, splits.train, splits.test.empty() ? splits.val : splits.test, labels);
  if (!labels.empty())
    return read_evaluated(folder, splits.train,
                          labels_name(labels, folder / splits.test) ? splits.test : splits.val, labels);
  ImageFiles::Content test = read_evaluated(folder, splits.train, splits.test, labels);
  if (test.unlabelled.empty()) return test;
  ImageFiles::Content val = read_evaluated(folder, splits.train, splits.val, labels);
  if (!val.unlabelled.empty()) return test;
  val.note += (val.note.empty() ? "" : "; ") + where(splits.test) + " has no labels";
  return val;
}

std::string missing_split(const fs::path& folder, const SplitFolders& splits, Split split) {
  if (!splits && split != Split::test)
    return printable(folder) + " has no split folders, expected train/CLASS/FILE and " +
           (split == Split::only_test ? "test" : "val") + "/CLASS/FILE, or no --split";
  if (!splits)
    return printable(folder) +
           " has no test split, expected train/CLASS/FILE and val/CLASS/FILE, or --split-from 0.1 to draw "
           "one";
  const std::string expected = split == Split::only_test ? "test" : "val";
  return printable(folder) + " has no " + (split == Split::test ? "test" : expected) + " split, expected " +
         expected + "/CLASS/FILE beside " + where(splits.train);
}

bool has_part(const SplitFolders& splits, Split split) {
  const bool val = !splits.val.empty(), test = !splits.test.empty();
  return split == Split::only_val    ? val
         : split == Split::only_test ? test
                                     : split == Split::train || split == Split::pretrain || val || test;
}

}  // namespace

bool has_image_split(const fs::path& folder, Split split) {
  return has_part(find_split_folders(folder), split);
}

std::unique_ptr<Dataset> open_image_folder(const fs::path& folder, Split split, const std::string& labels) {
  const SplitFolders splits = find_split_folders(folder);
  if (!has_part(splits, split)) throw engine::DataError(missing_split(folder, splits, split));
  const auto made = [](ImageFiles::Content c) { return std::make_unique<ImageFiles>(std::move(c)); };
  switch (split) {
    case Split::train:
    case Split::pretrain:
      return made(read_training(folder, splits, split == Split::pretrain, labels));
    case Split::only_val:
      return made(read_evaluated(folder, splits.train, splits.val, labels));
    case Split::only_test:
      return made(read_evaluated(folder, splits.train, splits.test, labels));
    case Split::test:
      break;
  }
  return made(read_test(folder, splits, labels));
}

}  // namespace data
