#include "apps/planning/unused_options.h"

#include "models/methods/methods.h"

namespace apps {
namespace {

std::string description(const MethodOptions& o, long pairs) {
  const models::MethodDescription d = models::describe_method(o, pairs);
  return engine::concat_text(d.loss, d.settings, d.chance_loss);
}

}  // namespace

std::string unused_options(const PretrainOptions& o) {
  MethodOptions own = o, untouched;
  const Fields usual = method_fields(untouched);
  Fields given = method_fields(own);
  // what another option has decided is decided again: the numbers of the negatives are those of their kind
  for (std::size_t i = 0; i < given.size(); ++i)
    if (given[i].automatic) assign(given[i], text_of(usual[i]));
  std::string unused;
  for (std::size_t i = 0; i < given.size(); ++i) {
    MethodOptions other = own;
    const Field changed = method_fields(other)[i];
    if (changed.is(other.method) || changed.automatic || text_of(given[i]) == text_of(usual[i])) continue;
    assign(changed, text_of(usual[i]));
    if (description(other, o.batch) == description(own, o.batch))
      unused += (unused.empty() ? "--" : ", --") + changed.name + " " + text_of(given[i]);
  }
  return unused.empty() ? "" : "not used by " + o.method + ": " + unused;
}

std::string queue_note(const PretrainOptions& o, std::size_t images) {
  if (!models::describe_method(o, o.batch).defaults.queue || std::size_t(o.queue) <= images) return "";
  MethodOptions own = o;
  Fields all = method_fields(own);
  return engine::concat_text("--", entry_of(all, own.queue).name, " ", o.queue, " is more than the ", images,
                             " images: it is full of keys after ", (o.queue + o.batch - 1) / o.batch,
                             " steps, and then has several of each image");
}

}  // namespace apps
