// How image files are decoded: options of every command that opens images to train on or to look at. An
// evaluation uses those of its run.
#pragma once

#include <string>

#include "apps/options/fields.h"
#include "data/dataset.h"

namespace apps {

struct DecodingOptions {
  std::string sixteen_bit = "high";
  std::string exif = "ignore";
  int shrink = 0;
};

Fields decoding_fields(DecodingOptions&);
data::DecodeOptions decode_options(const DecodingOptions&);  // UsageError if a range is none

}  // namespace apps
