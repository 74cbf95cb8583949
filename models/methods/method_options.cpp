#include "models/methods/method_options.h"

namespace models {

std::set<std::string>& method_names() {
  static std::set<std::string> names;
  return names;
}

}  // namespace models
