// Inputs with one defect each. main.cpp runs `dyad` on each in its own process and checks the result.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/support/scratch.h"

struct BadInput {
  std::string name;
  std::vector<std::string> arguments;  // of dyad; DIR is replaced by the folder of the case
  int code;                            // the expected exit code
  std::string says;                    // expected part of the line; DIR: the folder; ...: anything
  std::function<void(const Scratch&)> make = [](const Scratch&) {};  // writes the files
  long room = 0;  // limit of a file's bytes (RLIMIT_FSIZE); 0: none
  bool training =
      false;  // training had started: other lines come first, and DIR/run has every file but a checkpoint
};

// A file that `dyad data preview` reads as the only image of a class.
struct BadImage {
  std::string name, bytes, says;
};

std::vector<BadImage> bad_jpegs();
std::vector<BadImage> bad_pngs();
std::vector<BadImage> bad_bitmaps();  // BMP, PNM, TGA, and files that are no images

// WebP, TIFF and GIF. The last ones: those that this build decodes, or one file for a format that it doesn't.
std::vector<BadImage> bad_webps();
std::vector<BadImage> bad_tiffs();
std::vector<BadImage> bad_gifs();
std::vector<BadImage> bad_optional_images();

std::vector<BadInput> bad_images();
std::vector<BadInput> bad_records();      // CIFAR and STL-10
std::vector<BadInput> bad_safetensors();  // as checkpoints
std::vector<BadInput> bad_embeddings();   // files of features
std::vector<BadInput> bad_settings();     // flags and config files
