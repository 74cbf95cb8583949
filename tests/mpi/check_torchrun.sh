#!/usr/bin/env bash
# torchrun starts two ranks on the CPU device, as the README says: the losses are those of one rank, and a failure and a
# signal are passed on.
#   check_torchrun.sh DYAD      torchrun: $DYAD_TORCHRUN, or in PATH; exit code 77 without it
set -uo pipefail
dyad=$1
torchrun=${DYAD_TORCHRUN:-$(command -v torchrun)}
[[ -x $torchrun ]] || { echo "check_torchrun: skipped: torchrun not found (\$DYAD_TORCHRUN, PATH)"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
fail() { echo "check_torchrun: $*"; failures=$((failures + 1)); }

flags=(--data data/samples --arch resnet10 --width 0.125 --batch 22 --threads 1 --dtype f64 --timeout 60)
two=("$torchrun" --nproc-per-node 2 --no-python -- "$dyad" pretrain "${flags[@]}")
"$dyad" pretrain "${flags[@]}" --steps 3 --run "$work/one" >"$work/out" 2>&1 || fail "one rank: $(cat "$work/out")"
"${two[@]}" --steps 3 --run "$work/two" >"$work/out" 2>&1 || fail "two ranks: $(cat "$work/out")"
loss() { sed 's/.*"epoch":[^,]*,"loss":\([0-9.]\{11\}\).*/\1/' "$work/$1/metrics.jsonl" | tr '\n' ' '; }
[[ $(loss one | wc -w) == 3 && $(loss one) == "$(loss two)" ]] || fail "losses of one rank $(loss one), of two $(loss two)"

"${two[@]}" --steps 3 --run "$work/two" >"$work/out" 2>&1 && fail "a run that is there was accepted"
grep -q "holds a run" "$work/out" || fail "a run that is there: $(cat "$work/out")"

"${two[@]}" --steps 100000 --save-every 5 --run "$work/stop" >"$work/out" 2>&1 &
for _ in $(seq 600); do
  ls "$work"/stop/checkpoints/*.safetensors >/dev/null 2>&1 && break
  sleep 0.1
done
kill -TERM $!
wait
grep -q 'stopped after step' "$work/out" || fail "SIGTERM: $(cat "$work/out")"
pgrep -f -- "--run $work" >/dev/null && fail "SIGTERM: a process is left"

[[ $failures == 0 ]] && echo "check_torchrun: all right, with $torchrun"
exit $((failures > 0))
