#include "apps/planning/plan_json.h"

#include <cmath>
#include <type_traits>

#include "data/dataset.h"

namespace apps {
namespace {

using nlohmann::ordered_json;

ordered_json json_value(const Field& f) {
  const std::string text = text_of(f);
  if (text == "auto") return text;
  return std::visit(
      [&text](const auto* value) {
        if constexpr (std::is_same_v<decltype(value), const Interval*>)
          return ordered_json(text);
        else if constexpr (std::is_same_v<decltype(value), const models::TauOption*>)
          return value->learned ? ordered_json(text) : ordered_json(value->value);
        else
          return ordered_json(*value);
      },
      f.value);
}

}  // namespace

ordered_json plan_json(const PretrainOptions& o, const Plan& plan, const data::Dataset& dataset,
                       const models::Method& method, const MemoryNeed& need) {
  PretrainOptions copy = o;
  ordered_json options = ordered_json::object();
  for (const Field& f : fields(copy))
    if (f.saved) options[f.name] = json_value(f);
  const double chance = models::describe_method(o, o.batch).chance_loss;
  const auto parameters = std::int64_t(method.parameters.values().bytes());
  return {{"options", options},
          {"data", data::describe(dataset)},
          {"images", dataset.size()},
          {"classes", dataset.classes().size()},
          {"parameters", method.parameters.trained_count()},
          {"steps", plan.steps},
          {"steps_per_epoch", plan.steps_per_epoch},
          {"warmup_steps", plan.warmup_steps},
          {"chance_loss", std::isnan(chance) ? ordered_json() : ordered_json(chance)},
          {"bytes",
           {{"parameters", parameters},
            {"gradients", parameters},
            {"optimizer", std::int64_t(need.optimizer)},
            {"activations", std::int64_t(need.activations)},
            {"images", std::int64_t(need.images)},
            {"program", std::int64_t(need.program)}}}};
}

}  // namespace apps
