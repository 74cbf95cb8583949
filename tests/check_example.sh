#!/usr/bin/env bash
# Builds examples/bring_your_own_kernel against an installed tree, as in its README. The kernel must pass, and each of
# five bugs planted in a copy must be found with its source line.
#   tests/check_example.sh PREFIX            a build without sanitizers, installed
#   tests/check_example.sh PREFIX --tsan     a build with ThreadSanitizer, installed
# The last line is `N passed, N failed`.
set -euo pipefail
cd "$(dirname "$0")/.."

prefix=$(cd "${1:?check_example: the first argument is the installed tree}" && pwd) sanitizer=${2:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r examples/bring_your_own_kernel/. "$work/"
cp "$work/rms_norm.cu" "$work/right.cu"
passed=0 failed=0
result() {  # RIGHT NAME: counts, and shows what the program printed where it is wrong
  if [[ $1 == 1 ]]; then
    passed=$((passed + 1)); echo "passed  $2"
  else
    failed=$((failed + 1)); echo "FAILED  $2"; sed 's/^/    /' "$work/out" | tail -n 20
  fi
}
build() { cmake --build "$work/build" >"$work/out" 2>&1 || { cat "$work/out"; exit 1; }; }

planted() {  # NAME FROM TO EXPECTED: with FROM replaced by TO, the program fails and prints EXPECTED
  local right=0
  FROM=$2 TO=$3 perl -0pe 's/\Q$ENV{FROM}\E/$ENV{TO}/' "$work/right.cu" >"$work/rms_norm.cu"
  if cmp -s "$work/right.cu" "$work/rms_norm.cu"; then echo "check_example: $1: the text to replace was not found"; exit 1; fi
  build
  if ! "$work/build/check_kernels" >"$work/out" 2>&1 && grep -Eq -- "$4" "$work/out"; then right=1; fi
  result $right "$1"
}

cmake -G Ninja -S "$work" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=RelWithDebInfo >"$work/out" 2>&1 ||
  { cat "$work/out"; exit 1; }
build
right=0
if "$work/build/check_kernels" --junit "$work/results.xml" >"$work/out" 2>&1 &&
  grep -q 'tests="3" failures="0"' "$work/results.xml"; then right=1; fi
result $right "the kernel as it is"

if [[ $sanitizer == --tsan ]]; then
  line=$(grep -n 'sums\[threadIdx.x\] += sums' "$work/right.cu" | cut -d: -f1)
  planted "a missing barrier" $'+ step];\n    __syncthreads();' '+ step];' \
    "data race: .* at rms_norm.cu:$line \(block_total\)"
  line=$(grep -n 'dweight\[column\] =' "$work/right.cu" | cut -d: -f1)
  planted "blocks that write one address" 'dweight[column] = accumulate' 'dweight[0] = accumulate' \
    "data race: write .* at rms_norm.cu:$line \(dweight_kernel\) by thread \(.*\) of block \(.*, previous write .* by .*block \("
else
  planted "a wrong sign" '* A(dy[c]) - A(x[c])' '* A(dy[c]) + A(x[c])' 'gradcheck.*: rms_norm .* input 0 element'
  planted "a gradient that is overwritten" 'T(accumulate ? A(dx[c]) + d : d)' 'T(d)' \
    'accumulate.*: after two backward passes the gradient of input 0 .*: overwritten by'
  planted "a barrier that some threads leave out" $'    if (int(threadIdx.x) < step) sums[threadIdx.x] += sums[threadIdx.x + step];\n    __syncthreads();' \
    $'    if (int(threadIdx.x) < step) {\n      sums[threadIdx.x] += sums[threadIdx.x + step];\n      __syncthreads();\n    }' \
    'rms_norm .*(barrier|__syncthreads)'
fi
echo "$passed passed, $failed failed"
[[ $failed == 0 ]]
