#include "engine/check/gradcheck.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace engine {
namespace {

constexpr const char* against_the_reference = "against the reference";

Tensor one_hot(const Tensor& like, std::int64_t at) {
  Tensor t = zeros(like.shape(), DType::f64, cpu);
  t.data<double>()[at] = 1;
  return t.to(like.device());
}

Tensors on_device(const Tensors& in, Device device) {
  if (device == cpu) return in;
  Tensors moved;
  for (const Tensor& t : in) {
    const Tensor there = t.detach().to(device);
    moved.push_back(t.node() ? leaf(there) : there);
  }
  return moved;
}

Tensors forward(const OpCase& c, const Tensors& in, Device device) {
  const NoGrad no_grad;
  return c.apply(on_device(in, device));
}

// Fills `failure` when |got - expected| is too large; returns the error, relative to 1 + |expected|.
double compare(double got, double expected, double tolerance, const GradcheckFailure& at,
               std::optional<GradcheckFailure>& failure) {
  const double error = std::abs(got - expected) / (1 + std::abs(expected));
  if (failure || error <= tolerance) return error;  // false for NaN
  failure = at;
  failure->analytic = got;
  failure->numeric = expected;
  failure->error = error;
  return error;
}

GradcheckResult against_reference(const OpCase& c, const Shape& shape, std::uint64_t seed, const Tensors& in,
                                  Device device) {
  GradcheckResult result;
  const Tensors got = forward(c, in, device), expected = c.reference(in);
  require(got.size() == expected.size(), c.name, ": the reference has ", expected.size(),
          " outputs, expected ", got.size());
  for (std::size_t o = 0; o < got.size(); ++o) {
    const auto a = got[o].to_vector(), b = expected[o].to_vector();
    require(a.size() == b.size(), c.name, ": the reference's output ", o, " is ", expected[o].shape(),
            ", expected ", got[o].shape());
    for (std::size_t i = 0; i < a.size(); ++i) {
      GradcheckFailure at{
          .op = c.name, .shape = shape, .output = int(o), .row = std::int64_t(i), .seed = seed};
      at.note = against_the_reference;
      result.worst = std::max(result.worst, compare(a[i], b[i], c.reference_tolerance, at, result.failure));
      ++result.entries;
    }
  }
  return result;
}

// One column of the Jacobian: the outputs' derivatives with respect to one element of one input.
struct Differences {
  std::vector<double> central, left, right;
};

Differences differences(const OpCase& c, const Tensors& in, int input, std::int64_t element, int output,
                        Device device) {
  double& x = in[std::size_t(input)].data<double>()[element];
  const double at = x, h = c.step;
  const auto evaluate = [&](double value) {
    x = value;
    return forward(c, in, device)[std::size_t(output)].to_vector();
  };
  const auto up = evaluate(at + h), down = evaluate(at - h), here = evaluate(at);
  Differences d;
  for (std::size_t i = 0; i < up.size(); ++i) {
    d.central.push_back((up[i] - down[i]) / (2 * h));
    d.left.push_back((here[i] - down[i]) / h);
    d.right.push_back((up[i] - here[i]) / h);
  }
  return d;
}

}  // namespace

Tensors converted(const Tensors& inputs, DType dtype, Device device) {
  Tensors result;
  for (const Tensor& t : inputs) {
    const bool activation = t.shape() == inputs[0].shape(), floating = t.dtype() == DType::f64;
    const DType to = dtype == DType::bf16 && !activation ? DType::f32 : dtype;
    const Tensor c = floating ? from_vector(t.shape(), t.to_vector(), to, device) : t.detach().to(device);
    result.push_back(t.node() ? leaf(c) : c);
  }
  return result;
}

std::string GradcheckFailure::text() const {
  std::ostringstream s;
  s.precision(10);
  s << op << " " << shape << ": output " << output << " element " << row;
  if (note == against_the_reference) {
    s << " is " << analytic << ", the reference has " << numeric << ", error " << error << ", seed " << seed;
    return s.str();
  }
  s << ", input " << input << " element " << element << ": analytic " << analytic << ", numeric " << numeric
    << ", error " << error << ", seed " << seed;
  if (!note.empty()) s << " (" << note << ")";
  return s.str();
}

GradcheckResult gradcheck(const OpCase& c, const Shape& shape, std::uint64_t seed, Device device) {
  Random random(seed, 0, 0, 0xCA4D);
  const Tensors in = c.inputs(shape, random);
  if (c.reference) {
    GradcheckResult r = against_reference(c, shape, seed, in, device);
    if (r.failure) return r;
  }
  const bool differentiable =
      std::any_of(in.begin(), in.end(), [](const Tensor& t) { return t.node() != nullptr; });
  require(differentiable || c.reference, c.name, ": the card has neither a leaf nor a reference");
  GradcheckResult result;
  if (!differentiable) return against_reference(c, shape, seed, in, device);

  const Tensors there = on_device(in, device);
  const std::size_t outputs = c.apply(there).size();
  for (std::size_t o = 0; o < outputs; ++o) {
    // Analytic: jacobian[input][row * elements + element], one backward pass per row.
    const std::int64_t rows = c.apply(there)[o].numel();
    std::vector<std::vector<double>> jacobian(in.size());
    for (std::int64_t row = 0; row < rows; ++row) {
      for (const Tensor& t : there)
        if (t.node()) clear_gradient(t);
      const Tensors y = c.apply(there);
      require(y[o].node() != nullptr, c.name, ": output ", o, " has no gradient");
      backward(y[o], one_hot(y[o], row));
      for (std::size_t k = 0; k < in.size(); ++k) {
        if (!in[k].node()) continue;
        const bool reached = there[k].node()->written;
        const std::vector<double> g =
            reached ? gradient(there[k]).to_vector() : std::vector<double>(in[k].numel(), 0);
        jacobian[k].insert(jacobian[k].end(), g.begin(), g.end());
      }
    }
    for (std::size_t k = 0; k < in.size(); ++k) {
      if (!in[k].node()) continue;
      for (std::int64_t e = 0; e < in[k].numel(); ++e) {
        const Differences d = differences(c, in, int(k), e, int(o), device);
        for (std::int64_t row = 0; row < rows; ++row) {
          const auto r = std::size_t(row);
          GradcheckFailure at{.op = c.name,
                              .shape = shape,
                              .output = int(o),
                              .input = int(k),
                              .row = row,
                              .element = e,
                              .seed = seed};
          const double got = jacobian[k][std::size_t(row * in[k].numel() + e)];
          const bool before = result.failure.has_value();
          result.worst = std::max(result.worst, compare(got, d.central[r], c.tolerance, at, result.failure));
          if (!before && result.failure &&
              std::abs(d.left[r] - d.right[r]) > 1e-3 * (1 + std::abs(d.central[r])))
            result.failure->note = "the left and the right differences disagree: are the inputs near a kink?";
          ++result.entries;
        }
      }
    }
  }
  return result;
}

CardRun run_card(const OpCase& c, const Shape& shape, std::uint64_t seed, DType dtype, Device device) {
  Random random(seed, 0, 0, 0xCA4D);
  const Tensors in = converted(c.inputs(shape, random), dtype, device);
  CardRun run;
  run.outputs = c.apply(in);
  for (Tensor& y : run.outputs) {
    if (y.node()) {
      const Tensor dy = uniform(y.shape(), random);
      backward(y, from_vector(y.shape(), dy.to_vector(), y.dtype(), device));
    }
    y = y.detach();
  }
  for (const Tensor& t : in)
    if (t.node() && t.node()->written) run.gradients.push_back(gradient(t));
  return run;
}

bool bit_equal(const CardRun& a, const CardRun& b) {
  const auto equal = [](const Tensors& x, const Tensors& y) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), [](const Tensor& s, const Tensor& t) {
      const Tensor p = s.to(cpu), q = t.to(cpu);
      return p.shape() == q.shape() && p.dtype() == q.dtype() &&
             std::memcmp(p.raw(), q.raw(), p.bytes()) == 0;
    });
  };
  return equal(a.outputs, b.outputs) && equal(a.gradients, b.gradients);
}

}  // namespace engine
