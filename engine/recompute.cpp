#include "engine/recompute.h"

#include <utility>
#include <vector>

#include "engine/tape.h"

namespace engine {

// How to make a tensor again, shared by all that saved it.
struct Again {
  std::function<Tensor()> make;
  Tensor made;
};

namespace {

// What once() keeps of a region, and of the regions inside it.
struct Kept {
  std::vector<Tensors> results;
  std::vector<std::shared_ptr<Kept>> inner;
};

}  // namespace

// One call of recomputed().
class Region : public std::enable_shared_from_this<Region> {
 public:
  Region(const Tensor& x, std::function<Tensor(const Tensor&)> f) : f_(std::move(f)), x_(x) {}
  Tensor first_run(const Tensor& x);
  void run_again();

  static Tensor run(const Tensor& x, std::function<Tensor(const Tensor&)> f);
  static void save(Saved&, const Tensor&);
  static Tensors once(const std::function<Tensors()>& f);

 private:
  static Tensor kept(Tensor y) {  // a region's result
    y.again_ = nullptr;
    return y;
  }

  // What the running thread does with that which ops save.
  enum class Mode {
    keep,   // outside of regions, and inside an inner region of one that runs again
    drop,   // in the first run of a region
    refill  // in a later run: places that are still needed get their tensors
  };
  struct Running {
    Mode mode = Mode::keep;
    Region* region = nullptr;  // unless `mode` is keep
    Kept* kept = nullptr;      // null outside of regions
    bool again = false;        // whether once() has its results
    std::size_t next_place = 0, next_result = 0, next_inner = 0;
  };
  static thread_local Running running;

  // Sets `running` for the duration of a call.
  class Within {
   public:
    explicit Within(Running r) : before_(std::exchange(running, r)) {}
    ~Within() { running = before_; }
    Within(const Within&) = delete;
    Within& operator=(const Within&) = delete;

   private:
    Running before_;
  };

  std::function<Tensor(const Tensor&)> f_;
  Saved x_;
  std::shared_ptr<Kept> kept_ = std::make_shared<Kept>();
  std::vector<std::weak_ptr<Saved::Slot>> places_;  // in the order of the first run
};

struct Saved::Slot {
  std::shared_ptr<Region> region;
  Saved content;  // undefined until the region has run again
};

thread_local Region::Running Region::running;

Tensor Region::first_run(const Tensor& x) {
  const Within within({.mode = Mode::drop, .region = this, .kept = kept_.get()});
  return f_(x);
}

void Region::run_again() {
  const NoGrad no_grad;
  const Tensor x = x_.get();
  const Within within({.mode = Mode::refill, .region = this, .kept = kept_.get(), .again = true});
  f_(x);
  require(running.next_place == places_.size(), "recomputed: the second run saved ", running.next_place,
          " tensors, the first one ", places_.size());
}

Tensor Region::run(const Tensor& x, std::function<Tensor(const Tensor&)> f) {
  if (running.kept == nullptr && !grad_enabled()) return f(x);
  if (running.again) {  // a region around this one runs again: this one's own ops are not asked for anything
    const Saved place(x);
    Kept& inner = *running.kept->inner[running.next_inner++];
    const Within within({.kept = &inner, .again = true});
    return kept(f(x));
  }
  const auto region = std::make_shared<Region>(x, std::move(f));
  if (running.kept != nullptr) running.kept->inner.push_back(region->kept_);
  return kept(region->first_run(x));
}

void Region::save(Saved& saved, const Tensor& x) {
  if (running.mode == Mode::drop) {
    saved.slot_ = std::make_shared<Saved::Slot>();
    saved.slot_->region = running.region->shared_from_this();
    running.region->places_.push_back(saved.slot_);
    return;
  }
  if (x.again_ != nullptr)
    saved.again_ = x.again_;
  else
    saved.kept_ = x.detach();
  if (running.mode == Mode::refill) {
    require(running.next_place < running.region->places_.size(),
            "recomputed: the second run saves more tensors than the first one");
    if (const auto slot = running.region->places_[running.next_place++].lock()) slot->content = saved;
  }
}

Tensors Region::once(const std::function<Tensors()>& f) {
  if (running.kept == nullptr) return f();
  if (running.again) return running.kept->results[running.next_result++];
  Tensors results = f();
  running.kept->results.push_back(results);
  return results;
}

Saved::Saved(const Tensor& x) {
  if (x.defined()) Region::save(*this, x);
}

bool Saved::defined() const { return kept_.defined() || again_ != nullptr || slot_ != nullptr; }

Tensor Saved::get() const {
  if (slot_ != nullptr) {
    if (!slot_->content.defined()) slot_->region->run_again();
    return slot_->content.get();
  }
  if (again_ == nullptr) return kept_;
  if (again_->made.defined()) return again_->made;
  static thread_local bool for_another = false;
  const bool kept = !for_another && again_.use_count() > 1;
  const bool before = std::exchange(for_another, true);
  Tensor made = again_->make();
  for_another = before;
  if (kept) again_->made = made;
  return made;
}

Tensor computed_again(const Tensor& y, std::function<Tensor()> again) {
  Tensor marked = y;
  marked.again_ = std::make_shared<Again>(Again{std::move(again), {}});
  return marked;
}

Tensor recomputed(const Tensor& x, std::function<Tensor(const Tensor&)> f) {
  return Region::run(x, std::move(f));
}

Tensors once(const std::function<Tensors()>& f) { return Region::once(f); }

}  // namespace engine
