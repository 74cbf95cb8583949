#include "apps/run/checkpoint_info.h"

#include <charconv>
#include <optional>

#include "apps/options/fields.h"
#include "engine/error.h"
#include "engine/escape.h"

namespace apps {
namespace {

using engine::concat_text;
using engine::UsageError;

// Keys beside the options.
constexpr const char *kStep = "step", *kEpoch = "epoch", *kSeen = "epoch-images", *kData = "data-set",
                     *kImages = "data-images", *kList = "data-list", *kRanks = "world-size";

// Products of epochs and images, and sums with steps, are then longs.
constexpr long kMostSteps = 1'000'000'000'000'000, kMostEpochs = 1L << 31, kMostImages = (1L << 32) - 1;

std::string value_of(const CheckpointInfo& info, const char* key) {
  const auto found = info.find(key);
  return found == info.end() ? "" : found->second;
}

std::optional<long> number_of(const CheckpointInfo& info, const char* key) {
  const std::string text = value_of(info, key);
  long number = -1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  // compared as text, since from_chars ignores what follows a number
  if (number < 0 || std::to_string(number) != text) return std::nullopt;
  return number;
}

// An option's value as text that any tool can read; options_in() restores it.
std::string in_file(const Field& f) { return engine::escaped(text_of(f)); }

std::string value_in(const CheckpointInfo& file, const Field& f) {
  const auto found = file.find(f.name);
  if (found != file.end()) return engine::shown(found->second);
  return f.absent.empty() ? "unknown" : f.absent;
}

std::string arrow(const std::string& name, const std::string& before, const std::string& now) {
  return name + " " + before + " -> " + now;
}

// Of spellings of one quantity the one that is not "auto" counts: "epochs 2 -> 3", "steps 40 -> epochs 3".
std::string quantity_difference(const CheckpointInfo& file, const Field& automatic, const Field& other) {
  const std::string before = value_in(file, automatic), now = in_file(automatic);
  const bool other_before = before == "auto", other_now = now == "auto";
  if (other_before && other_now) {
    const std::string value = value_in(file, other);
    return value == in_file(other) ? "" : arrow(other.name, value, in_file(other));
  }
  if (!other_before && !other_now) return before == now ? "" : arrow(automatic.name, before, now);
  if (other_before) return arrow(other.name, value_in(file, other), automatic.name + " " + now);
  return arrow(automatic.name, before, other.name + " " + in_file(other));
}

std::string difference(const CheckpointInfo& file, const Field& f, const Fields& all) {
  if (const Fields others = other_spellings(all, f); !others.empty())
    return f.automatic ? quantity_difference(file, f, others[0]) : "";
  const std::string before = value_in(file, f);
  // "auto" was written by version 0.1.0, where the plan chose the value
  if (before == in_file(f) || (f.resume == Resume::reported && f.automatic && before == "auto")) return "";
  return arrow(f.name, before, in_file(f));
}

// Differences in the options that have this rule.
std::string differences(const CheckpointInfo& file, PretrainOptions o, Resume resume) {
  std::string text;
  const Fields all = fields(o);
  for (const Field& f : all) {
    const std::string found = f.resume == resume ? difference(file, f, all) : "";
    if (!found.empty()) text += (text.empty() ? "" : ", ") + found;
  }
  return text;
}

// f32 and bf16 have the same type of parameters, f64 has another one.
std::string precision_difference(const CheckpointInfo& file, PretrainOptions o) {
  Fields all = fields(o);
  const Field& dtype = entry_of(all, o.dtype);
  const std::string saved = value_in(file, dtype);
  const bool same = saved != "unknown" && (saved == "f64") == (o.dtype == "f64");
  return same ? "" : arrow(dtype.name, saved, in_file(dtype));
}

// A learned temperature is a parameter, a constant one is not.
std::string temperature_difference(const CheckpointInfo& file, PretrainOptions o) {
  Fields all = fields(o);
  const Field& tau = entry_of(all, o.tau);
  const bool same = options_in(file, o).tau.learned == o.tau.learned;
  return same ? "" : arrow(tau.name, value_in(file, tau), in_file(tau));
}

}  // namespace

CheckpointInfo describe(PretrainOptions o, const Position& p, const Setting& s) {
  CheckpointInfo info = {{"format", "pt"},
                         {kStep, std::to_string(p.step)},
                         {kEpoch, std::to_string(p.epoch)},
                         {kSeen, std::to_string(p.images)},
                         {kData, s.data},
                         {kImages, std::to_string(s.images)},
                         {kList, s.list},
                         {kRanks, std::to_string(s.ranks)}};
  for (const Field& f : fields(o))
    if (f.resume != Resume::ignored && (f.absent.empty() || text_of(f) != f.absent))
      info[f.name] = in_file(f);
  return info;
}

long step_in(const CheckpointInfo& info, const std::string& path) {
  const auto step = number_of(info, kStep);
  engine::require_usable(step.has_value() && *step <= kMostSteps, path,
                         ": its metadata have no step: expected a checkpoint that dyad has written");
  return *step;
}

Position position_in(const CheckpointInfo& info, const std::string& path, long images) {
  const long step = step_in(info, path);
  if (info.count(kEpoch) == 0) {
    const long batch = options_in(info, {}).batch, steps_per_epoch = images / batch;
    if (steps_per_epoch == 0) return {.step = step};
    return {.step = step, .epoch = step / steps_per_epoch, .images = step % steps_per_epoch * batch};
  }
  const auto epoch = number_of(info, kEpoch), seen = number_of(info, kSeen);
  engine::require_data(epoch && seen && *epoch <= kMostEpochs && *seen <= kMostImages, path,
                       ": its metadata have epoch \"", engine::shown(value_of(info, kEpoch)), "\" and ",
                       kSeen, " \"", engine::shown(value_of(info, kSeen)), "\", expected whole numbers");
  return {.step = step, .epoch = *epoch, .images = *seen};
}

long images_in(const CheckpointInfo& info, long otherwise) {
  const long images = number_of(info, kImages).value_or(0);
  return images > 0 && images <= kMostImages ? images : otherwise;
}

PretrainOptions options_in(const CheckpointInfo& info, PretrainOptions o) {
  for (const Field& f : fields(o))
    if (const auto found = info.find(f.name); found != info.end())
      (void)assign(f, engine::restored(found->second));
  return o;
}

void require_same_model(const CheckpointInfo& info, const PretrainOptions& o, const std::string& path) {
  const std::string options = differences(info, o, Resume::model), precision = precision_difference(info, o),
                    optimizer = differences(info, o, Resume::state);
  const std::string other = options.empty() ? temperature_difference(info, o) : options;
  if (!other.empty())
    throw UsageError(path + " is of another model: " + other +
                     "; without these options it goes on as it was");
  if (!precision.empty()) throw UsageError(path + " is of another precision: " + precision);
  if (!optimizer.empty()) throw UsageError(path + " has the state of another optimizer: " + optimizer);
}

std::string resume_differences(const CheckpointInfo& info, const PretrainOptions& o) {
  return differences(info, o, Resume::reported);
}

std::string setting_differences(const CheckpointInfo& info, const Setting& s) {
  std::string text;
  const std::string list = value_of(info, kList), data = engine::shown(value_of(info, kData));
  if (!list.empty() && list != s.list)
    text = data == s.data ? "other images: " + data + ", but another list of names or labels"
                          : "other images: " + data + " -> " + s.data;
  const long ranks = number_of(info, kRanks).value_or(0);
  if (ranks > 0 && ranks != s.ranks)
    text += concat_text(text.empty() ? "" : "; ", "other number of ranks: ", ranks, " -> ", s.ranks);
  return text;
}

}  // namespace apps
