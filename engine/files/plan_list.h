// The file of CudnnPlanCache: {"plans": {shape and device: plan, as cuDNN serializes it}}.
#pragma once

#include <map>
#include <string>

namespace engine {

using PlanList = std::map<std::string, std::string>;

PlanList read_plans(const std::string& path);  // DataError if it can't be read or is no list of plans
std::string text_of_plans(const PlanList&);

}  // namespace engine
