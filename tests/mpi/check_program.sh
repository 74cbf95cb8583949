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
small=(--arch resnet10 --width 0.125 --batch 22 --threads 1 --timeout 20) flags=("${small[@]}" --data data/samples)

# Two ranks give the same result as one, up to rounding: the printed losses agree.
"$dyad" pretrain "${flags[@]}" --dtype f64 --steps 4 --run "$work/one" 2>"$work/err" || fail "one rank: $(cat "$work/err")"
"$dyad" pretrain "${flags[@]}" --dtype f64 --steps 4 --run "$work/two" --ranks 2 2>"$work/err" ||
  fail "--ranks 2: $(cat "$work/err")"
loss() { sed 's/.*"epoch":[^,]*,"loss":\([0-9.]\{11\}\).*/\1/' "$work/$1/metrics.jsonl" | tr '\n' ' '; }
[[ $(loss one | wc -w) == 4 && $(loss one) == "$(loss two)" ]] || fail "losses of one rank $(loss one), of two $(loss two)"

await_checkpoint() {  # NAME
  for _ in $(seq 300); do
    ls "$work/$1"/run/checkpoints/*.safetensors >/dev/null 2>&1 && return
    sleep 0.1
  done
  fail "$1: no checkpoint after 30 s: $(cat "$work/$1/out")"
}

# training_ranks NAME: starts --ranks 3 with a long training, and waits for its first checkpoint. Its process is $!.
training_ranks() {
  mkdir -p "$work/$1"
  "$dyad" pretrain "${flags[@]}" --steps 100000 --save-every 5 --run "$work/$1/run" --ranks 3 >"$work/$1/out" 2>&1 &
  await_checkpoint "$1"
}

# start NAME [TIMEOUT]: starts three ranks with a long training, and waits for its first checkpoint; writes their exit
# codes to files. TIMEOUT: 20 s as in $flags, if it isn't given.
start() {
  mkdir -p "$work/$1"
  mpirun -n 3 sh -c "$dyad pretrain ${flags[*]/%20/${2:-20}} --steps 100000 --save-every 5 --run $work/$1/run"'
    echo $? >'"$work/$1"'/$OMPI_COMM_WORLD_RANK' >"$work/$1/out" 2>&1 &
  await_checkpoint "$1"
}
process_of_rank() {
  for process in $(pgrep -x dyad); do
    { tr "\0" "\n" <"/proc/$process/environ"; } 2>/dev/null | grep -qx "OMPI_COMM_WORLD_RANK=$1" || continue
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

# Rank 0 is stopped for longer than --timeout, and goes on: it says so, and blames none of the others.
start asleep 5
asleep=$(process_of_rank 0)
kill -STOP "$asleep"
sleep 7
kill -CONT "$asleep"
wait
grep -q 'rank [12] on .* is lost' "$work/asleep/out" && fail "rank 0 stopped: blames another: $(cat "$work/asleep/out")"
grep -q 'rank 0 on .* \(was stopped\|is lost\)' "$work/asleep/out" || fail "rank 0 stopped: $(cat "$work/asleep/out")"
none_left || fail "rank 0 stopped: a process is left"

# The images are missing on one rank, as on a machine of its own: its line names it.
mpirun -n 2 sh -c "test \$OMPI_COMM_WORLD_RANK = 0 && data=data/samples || data=$work/none
  $dyad pretrain ${small[*]} --data \$data --steps 2 --run $work/elsewhere" >"$work/err" 2>&1
grep -q "rank 1 on .*: $work/none: no such folder" "$work/err" || fail "missing images of a rank: $(cat "$work/err")"
none_left || fail "missing images of a rank: a process is left"

# One rank gets SIGTERM: all ranks stop after the same step, with a checkpoint.
start stop
kill -TERM "$(process_of_rank 2)"
wait
[[ $(cat "$work/stop/"[0-2] | sort -u) == 75 ]] || fail "SIGTERM: exit codes $(cat "$work/stop/"[0-2])"
grep -q 'stopped after step' "$work/stop/out" || fail "SIGTERM: $(cat "$work/stop/out")"

# --ranks: a signal to the program stops all ranks after the same step, and the exit code is theirs.
for case in TERM:75 USR1:75 INT:130; do
  signal=${case%:*} code=${case#*:}
  training_ranks "ranks$signal"
  kill "-$signal" $!
  wait $!
  got=$?
  [[ $got == "$code" ]] || fail "--ranks and SIG$signal: exit code $got, expected $code: $(cat "$work/ranks$signal/out")"
  grep -q 'stopped after step' "$work/ranks$signal/out" || fail "--ranks and SIG$signal: $(cat "$work/ranks$signal/out")"
  grep -q -- '------' "$work/ranks$signal/out" && fail "--ranks and SIG$signal: mpirun's banner: $(cat "$work/ranks$signal/out")"
  none_left || fail "--ranks and SIG$signal: a process is left"
done

# --ranks: a lost rank ends the program with 75, without mpirun's banner.
training_ranks lost
kill -KILL "$(process_of_rank 1)"
wait $!
got=$?
[[ $got == 75 ]] || fail "--ranks and a lost rank: exit code $got, expected 75"
grep -q -- '------' "$work/lost/out" && fail "--ranks and a lost rank: mpirun's banner: $(cat "$work/lost/out")"
none_left || fail "--ranks and a lost rank: a process is left"

# --ranks: an error of the user is one line, without the advice to resume, and its exit code is that of one rank.
refused() {  # NAME CODE TEXT FLAG...; $STEPS: 2 if it isn't set
  local name=$1 code=$2 text=$3 got
  "$dyad" pretrain "${small[@]}" --steps "${STEPS:-2}" "${@:4}" >"$work/err" 2>&1
  got=$?
  [[ $got == "$code" ]] || fail "$name: exit code $got, expected $code: $(cat "$work/err")"
  [[ $(grep -c '^dyad pretrain: ' "$work/err") == 1 ]] || fail "$name: expected one line of an error: $(cat "$work/err")"
  grep -q "^dyad pretrain: .*$text" "$work/err" || fail "$name: $(cat "$work/err")"
  grep -q -- '--resume auto to continue' "$work/err" && fail "$name: advises to resume"
  none_left || fail "$name: a process is left"
}
for ranks in 2 3; do
  refused "a used folder" 2 "holds a run" --data data/samples --run "$work/two" --ranks $ranks
  refused "no such folder" 65 "no such folder" --data "$work/none" --run "$work/new" --ranks $ranks
  mkdir -p "$work/photographs"
  for n in $(seq 30); do printf 'P6 2 2 255\n%012d' "$n" >"$work/photographs/$n.ppm"; done
  echo 'no image' >"$work/photographs/17.ppm"
  refused "a broken image" 65 "17.ppm: .*--bad-images skip" --data "$work/photographs" --size 32 --run "$work/broken$ranks" --ranks $ranks
done
# An error that all ranks have is said by the first rank, and names the rank on which it began.
STEPS=6 refused "a loss that is not finite" 1 "expected a finite number; first is .*, on rank 0; " \
  --data data/samples --optimizer sgd --lr 1e6 --warmup-epochs 0 --probe-every 0 --run "$work/overflow" --ranks 2
grep -q 'rank 1 on .* failed' "$work/err" && fail "a loss that is not finite: $(cat "$work/err")"
refused "fewer images than ranks" 2 "expected at least 23: one image for each of the 23 ranks" --data data/samples --run "$work/many" --ranks 23

# --ranks --json -: the result of the first rank is all that is on stdout.
"$dyad" pretrain "${flags[@]}" --steps 1 --run "$work/json" --ranks 2 --json - 2>/dev/null | head -c 2 | grep -q '^{' ||
  fail "--ranks --json -"

# Ranks that were started with different options.
mpirun -n 2 sh -c "$dyad pretrain ${flags[*]} --steps 4 --run $work/unlike --tau 0.\$((OMPI_COMM_WORLD_RANK + 1))" \
  >"$work/err" 2>&1 && fail "different temperatures were accepted"
grep -q 'rank 1 on .* has tau = 0.2, rank 0 on .* has 0.1' "$work/err" || fail "different temperatures: $(cat "$work/err")"

# Ranks with other images under the same names: another size is always noticed, another byte with --verify-images.
for rank in 0 1 2; do
  mkdir -p "$work/images$rank"
  for n in $(seq 30); do printf 'P6 2 2 255\n%012d' "$n" >"$work/images$rank/$n.ppm"; done
done
printf 'P6 2 2 255\n%012d\n' 17 >"$work/images1/17.ppm"  # a byte more, after the pixels
printf 'P6 2 2 255\n%012d' 18 >"$work/images2/17.ppm"
unlike() {  # FOLDER FLAG...: rank 1 has its images there
  mpirun -n 2 sh -c "$dyad pretrain ${small[*]} --size 32 --steps 1 --run $work/images-run ${*:2} \
    --data $work/images\$((OMPI_COMM_WORLD_RANK * $1))" >"$work/err" 2>&1
}
unlike 1 && fail "images of another size were accepted"
grep -q 'rank 1 on .* has image files = 30 files of 691 bytes, hash of sizes .*, rank 0 on .* has 30 files of 690 bytes' \
  "$work/err" || fail "images of another size: $(cat "$work/err")"
unlike 2 --verify-images && fail "images with another byte were accepted"
grep -q 'rank 1 on .* has image files = 30 files of 690 bytes, hash of contents .*, rank 0 on ' "$work/err" ||
  fail "images with another byte: $(cat "$work/err")"

[[ $failures == 0 ]] && echo "check_program: all right"
exit $((failures > 0))
