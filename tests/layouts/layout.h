// Folders of images as people have them, and what is expected of each command.
#pragma once

#include <string>
#include <vector>

struct Expected {
  int code;          // exit code
  std::string says;  // part of the output; DIR: the folder; ...: anything
};

struct Layout {
  std::string name;                  // in the table of docs/data.md
  std::vector<std::string> files;    // "a/1.png", "a/" for an empty folder, "a/link -> target", "a.txt: text"
  std::string pretrains, evaluates;  // in the table
  Expected check, pretrain, evaluate;
  std::vector<std::string> evaluation = {};   // further options of the evaluation; DIR as above
  std::vector<std::string> pretraining = {};  // and of the pretraining
  std::string data = "DIR";                   // --data
};

std::vector<Layout> layouts();
