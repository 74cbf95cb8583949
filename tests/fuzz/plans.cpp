// Fuzzes the disk cache of cuDNN plans. What is accepted is written and reads back the same.
#include "engine/files/plan_list.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/scratch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const Scratch scratch;
  const std::string path = scratch.write("plans.json", {reinterpret_cast<const char*>(bytes), size});
  fuzz::refusal(path, [&] {
    const engine::PlanList plans = engine::read_plans(path);
    const std::string again = scratch.write("again.json", engine::text_of_plans(plans));
    fuzz::expect(engine::read_plans(again) == plans, "the same plans");
  });
  return 0;
}
