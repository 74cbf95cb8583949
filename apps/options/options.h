// The options of every command.
#pragma once

#include "apps/options/bench_loader.h"
#include "apps/options/curate.h"
#include "apps/options/data.h"
#include "apps/options/evaluation.h"
#include "apps/options/kernel_lab.h"
#include "apps/options/machine.h"
#include "apps/options/pretrain.h"
#include "apps/options/search.h"
#include "apps/options/steps.h"
#include "apps/options/sweep.h"
