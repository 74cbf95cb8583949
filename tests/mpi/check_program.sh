#!/usr/bin/env bash
# dyad with several ranks: --ranks, a killed rank, a rank that stops, and ranks with different options.
#   check_program.sh DYAD
set -uo pipefail
dyad=$1
work=$(mktemp -d)
trap 'pkill -KILL -f -- "--run $work" 2>/dev/null; rm -rf "$work"' EXIT
failures=0
fail() { echo "check_program: $*"; failures=$((failures + 1)); }

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_MCA_hwloc_base_binding_policy=none OMP_NUM_THREADS=1
flags=(--data data/samples --arch resnet10 --width 0.125 --batch 22 --threads 1 --timeout 20)

# Two ranks give the same result as one, up to rounding: the printed losses agree.
"$dyad" pretrain "${flags[@]}" --dtype f64 --steps 4 --run "$work/one" 2>"$work/err" || fail "one rank: $(cat "$work/err")"
"$dyad" pretrain "${flags[@]}" --dtype f64 --steps 4 --run "$work/two" --ranks 2 2>"$work/err" ||
  fail "--ranks 2: $(cat "$work/err")"
loss() { sed 's/.*"epoch":[^,]*,"loss":\([0-9.]\{11\}\).*/\1/' "$work/$1/metrics.jsonl" | tr '\n' ' '; }
[[ $(loss one | wc -w) == 4 && $(loss one) == "$(loss two)" ]] || fail "losses of one rank $(loss one), of two $(loss two)"

# start NAME: starts three ranks with a long training; writes their exit codes to files.
start() {
  mkdir -p "$work/$1"
  mpirun -n 3 sh -c "$dyad pretrain ${flags[*]} --steps 100000 --save-every 5 --run $work/$1/run"'
    echo $? >'"$work/$1"'/$OMPI_COMM_WORLD_RANK' >"$work/$1/out" 2>&1 &
  for _ in $(seq 300); do
    ls "$work/$1"/run/checkpoints/*.safetensors >/dev/null 2>&1 && return
    sleep 0.1
  done
  fail "$1: no checkpoint after 30 s: $(cat "$work/$1/out")"
}
process_of_rank() {
  for process in $(pgrep -x dyad); do
    tr '\0' '\n' <"/proc/$process/environ" 2>/dev/null | grep -qx "OMPI_COMM_WORLD_RANK=$1" || continue
    tr '\0' ' ' <"/proc/$process/cmdline" 2>/dev/null | grep -q -- "--run $work" && echo "$process" && return
  done
}
none_left() {  # mpirun may need a moment to reap them
  for _ in $(seq 50); do
    pgrep -f -- "pretrain.*--run $work" >/dev/null || return 0
    sleep 0.1
  done
  return 1
}

for victim in 0 1; do  # the others name the lost rank, end with 75, and no process is left
  start "kill$victim"
  kill -KILL "$(process_of_rank $victim)"
  wait
  grep -q "rank $victim on .* is lost" "$work/kill$victim/out" || fail "rank $victim killed: $(cat "$work/kill$victim/out")"
  codes=$(cat "$work/kill$victim/"[0-2] | sort | tr '\n' ' ')
  [[ $codes == *75* ]] || fail "rank $victim killed: exit codes $codes"
  none_left || fail "rank $victim killed: a process is left"
done
before=$(find "$work/kill1/run/checkpoints" -name '*.safetensors' | sort | tail -n 1 | grep -o '[0-9]*.safetensors' | sed 's/^0*//;s/\..*//')
"$dyad" pretrain "${flags[@]}" --run "$work/kill1/run" --resume auto --steps $((before + 2)) --ranks 2 2>"$work/err" ||
  fail "--resume after a lost rank: $(cat "$work/err")"
grep -q 'resuming with other number of ranks: 3 -> 2' "$work/err" || fail "another number of ranks: $(cat "$work/err")"
tail -n 1 "$work/kill1/run/metrics.jsonl" | grep -q "\"step\":$((before + 2))" || fail "--resume did not continue"

# One rank gets SIGTERM: all ranks stop after the same step, with a checkpoint.
start stop
kill -TERM "$(process_of_rank 2)"
wait
[[ $(cat "$work/stop/"[0-2] | sort -u) == 75 ]] || fail "SIGTERM: exit codes $(cat "$work/stop/"[0-2])"
grep -q 'stopped after step' "$work/stop/out" || fail "SIGTERM: $(cat "$work/stop/out")"

# Ranks that were started with different options.
mpirun -n 2 sh -c "$dyad pretrain ${flags[*]} --steps 4 --run $work/unlike --tau 0.\$((OMPI_COMM_WORLD_RANK + 1))" \
  >"$work/err" 2>&1 && fail "different temperatures were accepted"
grep -q 'rank 1 on .* has tau = 0.2, rank 0 on .* has 0.1' "$work/err" || fail "different temperatures: $(cat "$work/err")"

[[ $failures == 0 ]] && echo "check_program: all right"
exit $((failures > 0))
