// Inputs that are wrong in one way each. `dyad` is run on every one, in a process of its own; what it must do
// is said in main.cpp.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/support/scratch.h"

struct BadInput {
  std::string name;
  std::vector<std::string> arguments;  // of dyad; DIR stands for the folder of the case
  int code;                            // that dyad ends with
  std::string says;                    // part of the line; DIR stands for the folder, ... for anything
  std::function<void(const Scratch&)> make = [](const Scratch&) {};  // the files
  long room = 0;          // bytes that a file may have (RLIMIT_FSIZE); 0: any
  bool training = false;  // it has begun: other lines come first, and DIR/run holds all but a checkpoint
};

// A file of a name and bytes, which `dyad data preview` reads as the only image of a class.
struct BadImage {
  std::string name, bytes, says;
};

std::vector<BadImage> bad_jpegs();
std::vector<BadImage> bad_pngs();
std::vector<BadImage> bad_bitmaps();  // BMP, PNM, TGA, and what is no image at all

std::vector<BadInput> bad_images();
std::vector<BadInput> bad_records();      // CIFAR and STL-10
std::vector<BadInput> bad_safetensors();  // as checkpoints
std::vector<BadInput> bad_settings();     // flags and config files
