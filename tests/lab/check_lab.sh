#!/usr/bin/env bash
# Runs the cards of tests/lab: each bug must be found with its text, and each right kernel must pass.
#   tests/lab/check_lab.sh LAB_CARDS LAB_ALONE plain|asan|tsan
# The last line is `N passed, N failed`.
set -uo pipefail
program=$1 alone=$2 kind=$3 passed=0 failed=0
here=$(dirname "$0")
line() { grep -n -m 1 -F -- "$1" "$here/${2:-kernels.cu}" | cut -d: -f1; }

result() {  # RIGHT WHAT OUTPUT
  if [[ $1 == 1 ]]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED  $2"
    sed 's/^/    /' <<<"$3"
  fi
}
expect() {  # CARD WHAT ARGUMENT...: the card passes (WHAT is empty), or fails with a line that matches WHAT
  local card=$1 what=$2 out status=0 right=0
  shift 2
  out=$("$program" --op "^($card)\$" "$@" 2>&1) || status=$?
  if [[ -z $what ]]; then
    if [[ $status == 0 ]]; then right=1; fi
  elif [[ $status == 1 ]] && grep -Eq -- "$what" <<<"$out"; then
    right=1
  fi
  result $right "$card $*: status $status, expected ${what:-that it passes}" "$out"
}
once() {  # CARD TEXT: the text is in exactly one line of the card's findings
  local out right=0
  out=$("$program" --op "^$1\$" 2>&1)
  if [[ $(grep -Ec -- "$2" <<<"$out") == 1 ]]; then right=1; fi
  result $right "$1: expected one line with $2" "$out"
}

expect adds ''
launch=$(line 'launch<scale_dweight_kernel')
expect overwrites "accumulate.*: after two backward passes the gradient of input 1 element 0 is .*, expected .*: overwritten by scale_dweight \(.*kernels.cu:$launch\)"

expect chain ''
spin=$(line 'while (atomicAdd(flag, 0u) == 0u)')
expect chain_reversed "prefix_sums .*: no thread gets on: .*block \(.,0,0\).*spins? at .*kernels.cu:$spin"
once chain_reversed 'no thread gets on'
expect chain_unseen "repeat took longer than the limit of 2 s.* by thread \(0,0,0\) of block \(.,0,0\) in prefix_sums \(.*kernels.cu:" --limit 2 --check repeat
expect lockstep ''
spin=$(line 'while (atomicAdd(arrived, 0u)')
expect lockstep_uneven "lockstep_sums .*: no thread gets on: .*spins? at .*kernels.cu:$spin.*blocks have ended"

expect float_atomics ''
expect float_atomics_undeclared 'orders: order [0-9]+: output 0 element 0 is .*a card says .float_atomics = true if that is meant'
if [[ $kind == tsan ]]; then
  expect float_atomics_lost "data race: .*kernels.cu:$(line '*y = before + square;')"
else
  expect float_atomics_lost '(output 0 element 0|outputs are off)'
fi

expect part_of_warp ''
reads="warp shuffle at .*kernels.cu:[0-9]+: thread [0-9]+ reads lane [0-9]+, which does not take part"
expect part_of_warp "$reads" --strict
expect part_of_warp_used "lanes: $reads, and uses the value: output 0 element 0 is"
once part_of_warp_used 'reads lane'

expect shared ''
expect 'wild|shared' 'passed  shared '
expect wild "SEGV.* by thread \(.*\) of block \(.*,0,0\) in shared_sum \(.*kernels.cu:"
if [[ $kind == asan ]]; then
  expect wild "SEGV: .*at kernels.cu:$(line 'y[int64_t(1) << 40]')"
  past="access out of bounds of shared memory: write of size [48] at kernels.cu:$(line '*mine = sum;')"
  expect shared_past_end "$past \([a-z_]+\) by thread \(63,0,0\) of block \([01],0,0\) in shared_sum"
  once shared_past_end 'access out of bounds'
fi

if [[ $kind == plain ]]; then
  expect off 'output 0 element 3 is .*, the reference has 7,'
  once off 'the reference has'
fi

# the layer without cards
without_cards() {  # ARGUMENT WHAT: the program says WHAT
  local out right=0
  out=$("$alone" "$1" 2>&1)
  if grep -Eq -- "$2" <<<"$out"; then right=1; fi
  result $right "alone $1: expected $2" "$out"
}
without_cards right '^y\[50\] = 100$'
without_cards never "never_kernel|run_kernels .*: no thread gets on: .*spins? at .*alone.cu:$(line 'while (atomicAdd(flag' alone.cu)"
case $kind in
  asan) without_cards past_end "^heap-buffer-overflow: read of size 4 at alone.cu:$(line 'if (i < n)' alone.cu) \(scale_kernel\) by thread \(4,0,0\) of block \(3,0,0\)" ;;
  tsan) without_cards race "^data race: .* at alone.cu:$(line 'y[0] += 1.0f' alone.cu) \(add_kernel\) by thread" ;;
esac
echo "$passed passed, $failed failed"
[[ $failed == 0 ]]
