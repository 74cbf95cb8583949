// The convolutions of an encoder, as shapes.
#pragma once

#include <string>
#include <vector>

#include "apps/options/options.h"
#include "kernels/base/convolution_shape.h"

namespace apps {

struct EncoderConvolution {
  std::string first;  // the name of the first of this shape: "layer1.0.conv1"
  int count = 1;      // convolutions of this shape
  kernels::ConvolutionShape shape;
};

// Convolutions of equal shape are one entry, in order of first use. Options: arch, stem, width, batch, size.
std::vector<EncoderConvolution> encoder_convolutions(const InfoOptions&);

// The algorithms on the CPU device: forward, backward data, backward weights.
std::vector<std::string> algorithms(const kernels::ConvolutionShape&, const std::string& dtype);

}  // namespace apps
