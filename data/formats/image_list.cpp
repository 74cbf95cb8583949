#include "data/formats/image_list.h"

#include <algorithm>
#include <unordered_set>

#include "data/files.h"
#include "data/formats/image_files.h"
#include "data/formats/text_lines.h"
#include "engine/error.h"

namespace data {

namespace fs = std::filesystem;
using engine::require_data;

std::unique_ptr<Dataset> open_image_list(const fs::path& list) {
  const fs::path folder = list.parent_path();
  ImageFiles::Content c{.title = "list of image files", .folder = folder.string()};
  std::unordered_set<std::string> seen;
  std::error_code none;  // a name may be too long for a file
  for (const auto& [number, line] : text_lines(list, "a folder of images, or a text file that lists them")) {
    std::string file = (folder / line).string();  // an absolute name replaces the folder
    if (c.files.empty())
      require_data(fs::exists(file, none), printable(list), " line ", number, ": there is no file ",
                   printable(file), ", expected one file a line, relative to the list's folder",
                   line.find_first_of(",;\t") == line.npos
                       ? ""
                       : "; a table of classes belongs to --labels of an evaluation");
    require_data(seen.insert(file).second, printable(list), " line ", number, ": ", printable(line),
                 " is listed twice");
    c.files.push_back(std::move(file));
  }
  require_data(!c.files.empty(), printable(list), " lists no files, expected one a line");
  c.labels.assign(c.files.size(), -1);
  c.unlabelled = printable(list) + " lists files without classes, expected a folder with CLASS/ folders";
  return std::make_unique<ImageFiles>(std::move(c));
}

std::unique_ptr<Dataset> open_image_file(const fs::path& file) {
  return std::make_unique<ImageFiles>(ImageFiles::Content{
      .title = "one image file",
      .folder = file.parent_path().string(),
      .files = {file.string()},
      .labels = {-1},
      .unlabelled = printable(file) + " is one image, expected a folder with CLASS/ folders"});
}

}  // namespace data
