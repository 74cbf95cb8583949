// The commands of `dyad`. Each returns an exit code, and throws UsageError (2), DataError (65) or another
// std::exception (1) when it can't do what was asked.
#pragma once

#include "apps/options/options.h"

namespace apps {

int pretrain(const PretrainOptions&);
int steps(const StepsOptions&);
int bench_collectives(const CollectivesOptions&);
int bench_step(const BenchStepOptions&);
int bench_loader(const BenchLoaderOptions&);
int bench_busy(const BenchBusyOptions&);
int bench_ops(const BenchOpsOptions&);
int bench_compare(const BenchCompareOptions&);  // 1 if something is slower
int bench_turns(const BenchTurnsOptions&);      // 1 if something is slower
int eval(const EvalOptions&);
int knn(const KnnOptions&);
int retrieval(const RetrievalOptions&);
int finetune(const FinetuneOptions&);
int linear(const LinearOptions&);
int sweep(const SweepOptions&);  // 1 if a cell has failed
int compare(const CompareOptions&);
int show(const ShowOptions&);
int curate(const CurateOptions&);
int export_model(const ExportOptions&);
int embed(const EmbedOptions&);
int index_embeddings(const IndexOptions&);
int search(const SearchOptions&);
int gradcheck(const GradcheckOptions&);
int racecheck(const RacecheckOptions&);
int recipes(const RecipesOptions&);
int preview(const PreviewOptions&);
int data_check(const DataCheckOptions&);
int data_pack(const DataPackOptions&);
int data_unpack(const DataUnpackOptions&);
int apply_views(const ViewsOptions&);
int info(const InfoOptions&);

}  // namespace apps
