// Second views in another order than the first ones: MoCo v2's shuffling of the key batch (He et al. 2020,
// 3.3). Where batch norm normalizes parts of a batch apart, both views of an image are then in different
// parts, so the statistics don't tell which key belongs to which query.
//
// A view is a function of (seed, epoch, sample, view), so a rank makes the second views of its places itself,
// from the photographs of other ranks' samples: no images travel.
#pragma once

#include <cstdint>
#include <vector>

#include "data/loader.h"

namespace data {

// Which image of the batch has its second view at each place: a permutation of 0 .. count - 1, drawn by
// (seed, epoch, batch).
std::vector<std::int32_t> second_order(std::int64_t count, std::uint64_t seed, std::uint32_t epoch,
                                       std::uint32_t index);

// Sets second and second_places of a batch, whose epoch and index are given. count: images of all ranks; own:
// this rank's part. Returns which of them are the rows of the batch: the own ones, and after them those that
// only second views are made of.
std::vector<std::int64_t> shuffle_second(Batch&, std::int64_t count, const engine::Shard& own,
                                         std::uint64_t seed);

}  // namespace data
