#pragma once

#include <cstddef>
#include <stdexcept>
#include <system_error>

#include "engine/error.h"

namespace data {

// What std::thread's constructor says is the system's reason alone.
inline std::runtime_error no_thread(std::size_t number, int of, const std::system_error& e) {
  return std::runtime_error(
      engine::concat_text("out of memory: thread ", number, " of ", of,
                          " that decode images can't be started: ", e.code().message()));
}

}  // namespace data
