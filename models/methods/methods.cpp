#include "models/methods/methods.h"

#include "engine/error.h"
#include "models/methods/byol.h"
#include "models/methods/moco2.h"
#include "models/methods/moco3.h"
#include "models/methods/simclr.h"
#include "models/methods/simsiam.h"
#include "models/methods/supcon.h"

namespace models {
namespace {

const MethodEntry& entry(const std::string& name) {
  const auto found = method_entries().find(name);
  std::string known;
  for (const std::string& other : method_names()) known += (known.empty() ? "" : ", ") + other;
  engine::require(found != method_entries().end(), "method is \"", name, "\", expected one of ", known);
  return found->second;
}

}  // namespace

std::map<std::string, MethodEntry>& method_entries() {
  static std::map<std::string, MethodEntry> entries;
  return entries;
}

std::unique_ptr<Method> make_method(const MethodConfig& c, engine::Device device) {
  return entry(c.options.method).make(c, device);
}

MethodDescription describe_method(const MethodOptions& o, std::int64_t pairs) {
  return entry(o.method).describe(o, pairs);
}

}  // namespace models
