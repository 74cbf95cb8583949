#include "engine/ops/negatives.h"

namespace engine {

kernels::Negatives kernel_negatives(const char* op, const Negatives& n, std::int64_t count) {
  require(n.debias >= 0 && n.debias < 1, op, ": debias is ", n.debias, ", expected 0 to less than 1");
  require(n.hardness >= 0 && n.hardness <= 100, op, ": hardness is ", n.hardness, ", expected 0 to 100");
  require(n.as_many >= 0, op, ": as_many is ", n.as_many, ", expected at least 0");
  require(!n.decoupled || (n.debias == 0 && n.hardness == 0), op,
          ": decoupled, expected debias and hardness 0");
  return {n.debias, n.hardness, n.as_many > 0 ? n.as_many / double(count) : 1, n.decoupled};
}

}  // namespace engine
