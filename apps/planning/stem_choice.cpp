#include "apps/planning/stem_choice.h"

#include <cstdio>

#include "apps/bench/convolutions.h"

namespace apps {

double multiply_adds(const PretrainOptions& o) {
  InfoOptions encoder;
  encoder.arch = o.arch;
  encoder.stem = o.stem;
  encoder.width = o.width;
  encoder.size = o.size;
  encoder.batch = 1;
  double sum = 0;
  for (const EncoderConvolution& c : encoder_convolutions(encoder))
    sum +=
        c.count * double(c.shape.p() * c.shape.q()) * double(c.shape.k * c.shape.r * c.shape.s * c.shape.c);
  return sum;
}

std::string stem_choice(const PretrainOptions& given, const PretrainOptions& resolved) {
  if (given.stem != "auto") return "";
  PretrainOptions other = resolved;
  other.stem = resolved.stem == "cifar" ? "imagenet" : "cifar";
  Fields all = fields(other);
  char text[200];
  std::snprintf(text, sizeof text, "stem: %s, chosen by --%s %d; --%s %s: %.2g times the arithmetic",
                resolved.stem.c_str(), entry_of(all, other.size).name.c_str(), resolved.size,
                entry_of(all, other.stem).name.c_str(), other.stem.c_str(),
                multiply_adds(other) / multiply_adds(resolved));
  return text;
}

}  // namespace apps
