#include "engine/check/accumulation.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>

#include "engine/check/gradcheck.h"
#include "engine/error.h"
#include "kernels/base/check_findings.h"
#include "kernels/base/launch_log.h"

namespace engine {
namespace {

// Logs launches during its lifetime.
struct Logged {
  kernels::LaunchLog log;
  kernels::LaunchLog* before = std::exchange(kernels::launch_log(), &log);
  Logged() = default;
  ~Logged() { kernels::launch_log() = before; }
  Logged(const Logged&) = delete;
  Logged& operator=(const Logged&) = delete;

  // " by NAME (FILE:LINE)", the last launch that was given the address; "" if none was
  std::string who_had(const void* address) const {
    const auto had = [address](const kernels::LaunchLog::Entry& entry) {
      return !entry.place.empty() && std::ranges::any_of(entry.arguments, [address](const std::string& a) {
        return a.size() == sizeof address && std::memcmp(a.data(), &address, sizeof address) == 0;
      });
    };
    const auto found = std::find_if(log.entries.rbegin(), log.entries.rend(), had);
    return found == log.entries.rend() ? "" : " by " + found->launcher + " (" + found->place + ")";
  }
};

// One forward and backward; the gradients of the outputs are drawn from `draw`.
void run_backward(const OpCase& c, const Tensors& in, std::uint64_t seed, std::uint64_t draw) {
  Random random(seed, draw, 0, 0xACC);
  for (const Tensor& y : c.apply(in))
    if (y.node()) backward(y, uniform(y.shape(), random));
}

using Values = std::vector<std::vector<double>>;

Values gradients(const Tensors& in) {
  Values all;
  for (const Tensor& t : in)
    all.push_back(t.node() && has_gradient(t) ? gradient(t).to_vector() : std::vector<double>());
  return all;
}

}  // namespace

std::pair<std::string, std::string> told_apart(double a, double b) {
  const auto text = [](double v, int digits) {
    std::ostringstream s;
    s.precision(digits);
    s << v;
    return s.str();
  };
  int digits = 6;
  while (digits < 17 && text(a, digits) == text(b, digits)) ++digits;
  return {text(a, digits), text(b, digits)};
}

std::string accumulation(const OpCase& c, const Shape& shape, std::uint64_t seed) {
  const auto inputs = [&] {
    Random random(seed, 0, 0, 0xCA4D);
    return converted(c.inputs(shape, random), DType::f64, cpu);
  };
  const Tensors both = inputs(), alone = inputs();
  kernels::check_findings().clear();
  run_backward(c, alone, seed, 2);
  run_backward(c, both, seed, 1);
  const Values first = gradients(both), second = gradients(alone);
  const Logged logged;
  run_backward(c, both, seed, 2);
  const Values sum = gradients(both);
  const kernels::CheckFindings& atomics = kernels::check_findings();
  const double by_atomics = 2 * double(atomics.float_adds) * atomics.rounding;

  for (std::size_t k = 0; k < sum.size(); ++k)
    for (std::size_t e = 0; e < sum[k].size(); ++e) {
      const double a = first[k][e], b = second[k][e], got = sum[k][e];
      constexpr double rounding = 1e-11;
      const auto near = [&](double expected) {
        return std::abs(got - expected) <= rounding * (1 + std::abs(a) + std::abs(b)) + by_atomics;
      };
      if (near(a + b)) continue;
      const auto [is, expected] = told_apart(got, a + b);
      const std::string where = logged.who_had(gradient(both[k]).raw());
      const std::string how =
          near(b)         ? ": overwritten" + where + ", which must add to what an earlier backward left"
          : near(a)       ? ": nothing was added" + where
          : where.empty() ? ""
                          : ": written" + where;
      return concat_text("after two backward passes the gradient of input ", k, " element ", e, " is ", is,
                         ", expected ", expected, how);
    }
  return {};
}

}  // namespace engine
