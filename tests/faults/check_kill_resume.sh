#!/usr/bin/env bash
# Trainings that are killed (-9) at random moments and resumed end with the bytes of an uninterrupted one, for several
# numbers of loader threads. SIGTERM, SIGUSR1 and SIGHUP save a checkpoint and end with exit code 75.
# A kill never loses a step that was saved, also with --keep 1, where the newest checkpoint is the only one.
#   check_kill_resume.sh DYAD [KILLS] [SEED] [STEPS]    STEPS of a run (15): with 250, a run is killed some 30 times
set -uo pipefail
dyad=$1 kills=${2:-20}
RANDOM=${3:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
fail() { echo "check_kill_resume: $*"; failures=$((failures + 1)); }

steps=${4:-15} record=3073
mkdir "$work/data"  # a few images of data/samples, so that a start is fast
head -c $((64 * record)) data/samples/data_batch_1.bin >"$work/data/data_batch_1.bin"
flags=(--data "$work/data" --arch resnet10 --width 0.0625 --out-dim 8 --batch 16 --optimizer lars)
last=checkpoints/step-$(printf %08d $steps).safetensors
train=("$dyad" pretrain "${flags[@]}" --steps $steps)  # not a function: $! must be the program, not a subshell

begun=${EPOCHREALTIME/./}
"${train[@]}" --run "$work/whole" 2>"$work/err" || { echo "check_kill_resume: $(cat "$work/err")"; exit 1; }
took=$((${EPOCHREALTIME/./} - begun))  # microseconds
((steps <= 15)) || took=$((took * 15 / steps + 100000))  # a start, and some 15 steps

newest() { find "$1/checkpoints" -name 'step-*.safetensors' 2>/dev/null | sort | tail -n 1; }

done_kills=0 early=0 round=0 most=0
while ((done_kills < kills)); do
  threads=$((round++ % 4)) keep=$((round % 2 ? 1 : 5)) before="" resumed=0
  run=$work/run$round
  # one checkpoint per step: many kills hit the writing of one
  while [[ ! -e $run/$last ]]; do
    "${train[@]}" --run "$run" --threads $threads --save-every 1 --keep $keep --resume auto 2>"$work/err" &
    child=$!
    if ((done_kills < kills)); then
      wait=$((took * (RANDOM % 100 + 3) / 100))
      sleep "$(printf '%d.%06d' $((wait / 1000000)) $((wait % 1000000)))"
      kill -KILL $child 2>/dev/null
    fi
    wait $child 2>/dev/null
    code=$?
    if [[ $code == 137 ]]; then
      done_kills=$((done_kills + 1))
      after=$(newest "$run")
      [[ -n $after ]] || early=$((early + 1))
      [[ ! $after < $before ]] || fail "a kill lost ${before##*/}: the newest is ${after##*/}"
      before=$after resumed=$((resumed + 1))
    fi
    [[ $code == 0 || $code == 137 ]] || { fail "exit code $code: $(cat "$work/err")"; break 2; }
  done
  ((resumed <= most)) || most=$resumed
  # training is finished, but a kill may have hit the report: this start removes temporary files
  "${train[@]}" --run "$run" --save-every 1 --keep $keep --resume auto 2>"$work/err" || fail "the last start: $(cat "$work/err")"
  cmp -s "$work/whole/$last" "$run/$last" || fail "$threads loader threads: other bytes after kills and resumes"
  [[ -z $(find "$run" -name '*.tmp-*') ]] || fail "temporary files are left: $(find "$run" -name '*.tmp-*')"
done

for signal in TERM USR1 HUP; do
  run=$work/$signal
  env --default-signal=HUP "$dyad" pretrain "${flags[@]}" --run "$run" --steps 100000 --save-every end 2>"$work/err" &  # nohup ignores it
  child=$!
  for _ in $(seq 200); do [[ -s $run/metrics.jsonl ]] && break; sleep 0.05; done
  kill -$signal $child
  wait $child
  code=$?
  [[ $code == 75 ]] || fail "SIG$signal: exit code $code, expected 75"
  [[ $(ls "$run/checkpoints" | wc -l) == 1 ]] || fail "SIG$signal: left $(ls "$run/checkpoints")"
  grep -q "SIG$signal: stopped after step" "$work/err" || fail "SIG$signal: said $(tail -n 1 "$work/err")"
done

# nohup: SIGHUP is ignored from the start, and stays so
(trap '' HUP; exec "$dyad" pretrain "${flags[@]}" --run "$work/nohup" --steps 100000 2>"$work/err") &
child=$!
for _ in $(seq 200); do [[ -s $work/nohup/metrics.jsonl ]] && break; sleep 0.05; done
kill -HUP $child
steps=$(wc -l <"$work/nohup/metrics.jsonl")
for _ in $(seq 200); do [[ $(wc -l <"$work/nohup/metrics.jsonl") -gt $((steps + 2)) ]] && break; sleep 0.05; done
kill -TERM $child
wait $child
[[ $? == 75 ]] || fail "nohup: no exit code 75"
grep -q 'SIGTERM: stopped after step' "$work/err" || fail "nohup: said $(tail -n 1 "$work/err")"

echo "$done_kills kills ($early before the first checkpoint) in $round runs, one of which was resumed $most times, $failures failures"
[[ $failures == 0 ]]
