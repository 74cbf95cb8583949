// The list of methods. A method's header adds itself to it, and methods.cpp includes that header.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "models/methods/method.h"

namespace models {

std::unique_ptr<Method> make_method(const MethodConfig&, engine::Device);

// pairs: N of all ranks.
MethodDescription describe_method(const MethodOptions&, std::int64_t pairs);

struct MethodEntry {
  std::function<std::unique_ptr<Method>(const MethodConfig&, engine::Device)> make;
  std::function<MethodDescription(const MethodOptions&, std::int64_t pairs)> describe;
};
std::map<std::string, MethodEntry>& method_entries();  // by name

// At namespace scope in the header of a method:  inline const AddMethod<SimClr> add_simclr{"simclr"};
template <class M>
struct AddMethod {
  explicit AddMethod(const char* name) {
    method_names().insert(name);
    method_entries()[name] = {
        [](const MethodConfig& c, engine::Device d) { return std::make_unique<M>(c, d); }, M::describe};
  }
};

}  // namespace models
