// `dyad pretrain --dry-run`: everything that can be known before the training.
#pragma once

#include <iosfwd>

#include "apps/training/plan.h"

namespace apps {

// stem: the line of stem_choice().
// The effective configuration, the parameters' shapes if asked for, data, model, steps and loss of chance,
// the memory beside what is free, and the time, estimated from measured steps. The steps change the method's
// weights. ranks: of the training. done: steps that a resumed training has behind it. UsageError after all of
// this but the time if the memory does not suffice, unless --force was given.
int dry_run(std::ostream&, const PretrainOptions&, const Plan&, const data::Dataset&, models::Method&,
            const std::string& stem, int ranks, long done);

}  // namespace apps
