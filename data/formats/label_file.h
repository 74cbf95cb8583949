// Labels of image files in a text file, for folders of images without class folders.
//   FILE CLASS, separated by a tab, a comma or blanks; more fields may follow, and the first line of a table
//   may be a heading; or CLASS alone, one line for each image in the order of their sorted names.
#pragma once

#include <string>
#include <vector>

namespace data {

struct FileLabels {
  std::vector<int> labels;           // of each file; -1: no line names it, or without a class
  std::vector<std::string> classes;  // their names
  std::size_t others = 0;            // lines that name files which are not there
};

class LabelFile {
 public:
  explicit LabelFile(const std::string& path);

  // files: paths. folder: names in the label file may be relative to it; they may also be a file's own name,
  // with or without its ending. classes: names by label; empty: those in the label file, in byte order. A
  // class may also be its number, from 0, if one of the lines has a 0 (numbers from 1 may be ILSVRC's, which
  // are in another order). DataError with the line for an unknown class or a file with two labels, and if no
  // image has a label.
  FileLabels label(const std::vector<std::string>& files, const std::string& folder,
                   std::vector<std::string> classes) const;

  bool names(const std::string& file) const;  // whether a line names it

 private:
  struct Row {
    int line;
    std::string file;  // "" if the line is a class alone
    std::string name;  // the class: the whole field
    std::string word;  // its first word
  };
  static Row row_of(int line, const std::string& text, char separator);

  std::string path_;
  char separator_ = 0;  // that of the first line; 0: blanks
  bool table_ = false;  // with tabs or commas: there may be a heading
  std::vector<Row> rows_;
};

}  // namespace data
