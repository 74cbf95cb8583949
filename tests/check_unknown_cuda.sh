#!/usr/bin/env bash
# Features of CUDA that the SIMT layer lacks must not compile. Below are pieces of kernels, each with text that the
# compiler's error must contain.
#   tests/check_unknown_cuda.sh COMPILER
set -euo pipefail
cd "$(dirname "$0")/.."
compiler=$1 failures=0
kernel() { printf '#include "kernels/simt.h"\n%s\n__global__ void k(float* x, unsigned* n) { %s }\n' "$1" "$2"; }
compiles() { "$compiler" -std=c++20 -fsyntax-only -I. -x c++ - 2>&1; }

refused() {  # WHAT THE ERROR SAYS, BEFORE THE KERNEL, IN THE KERNEL
  local out
  if out=$(kernel "$2" "$3" | compiles); then
    echo "compiles, expected an error: $2$3"
    failures=$((failures + 1))
  elif [[ $out != *"$1"* ]]; then
    echo "the error of $2$3 does not say \"$1\": $out"
    failures=$((failures + 1))
  fi
}

kernel '' 'SHARED(float, t, [32]); t[0] = x[0]; __syncthreads(); atomicAdd(n, 1u);' | compiles  # what it knows
refused 'shared_memory_is_SHARED' '' '__shared__ float t[32]; t[0] = x[0];'
refused 'atomicAdd_block' '' 'atomicAdd_block(n, 1u);'
refused 'cooperative_groups' '#include <cooperative_groups.h>' 'cooperative_groups::this_thread_block().sync();'
refused '__half' '' '__half h = x[0];'
refused '__activemask' '' 'n[0] = __activemask();'
refused 'tex2D' '' 'x[0] = tex2D<float>(0, 1.f, 2.f);'
echo "6 unsupported features, $failures compile"
[[ $failures == 0 ]]
