// What has become slower, told from chance by ranks: the rank sum's test (Mann, Whitney 1947), which asks
// nothing of how times are distributed. A figure is one time of each round of a benchmark, ascending.
#pragma once

#include <cstddef>
#include <vector>

namespace apps {

// The chance that each of so many figures is allowed, in each direction: of 100 comparisons of two equal
// builds one, at most, says of any figure that it has moved.
double chance_allowed(std::size_t figures);

// Fewer rounds of each build can't tell a change from that chance, however far apart they are.
std::size_t rounds_needed(std::size_t figures);

// Whether `b` is slower than `a`: its median by 5 %, and its ranks beyond what is allowed to chance.
bool slower(const std::vector<double>& a, const std::vector<double>& b, double allowed);

// How often so many rounds as there are would find `b` slower, were it `factor` times as slow as `a`: the
// part of 200 pairs of builds, whose rounds are drawn from these, each held against its own build's median.
double chance_to_find(const std::vector<double>& a, const std::vector<double>& b, double factor,
                      double allowed);

}  // namespace apps
