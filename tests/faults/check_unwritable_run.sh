#!/usr/bin/env bash
# Evaluates a run that can't be written to: on a read-only disk, another user's, with a write-protected file. The table is
# printed, one line says that nothing is kept and how to keep it, the exit code is 0, and the run is unchanged. With --out
# everything is in the other folder. Exit code 77 if nothing can be mounted.
#   check_unwritable_run.sh DYAD
set -uo pipefail
. "$(dirname "$0")/mounted.sh" check_unwritable_run "$@"

for file in data_batch_1 test_batch; do head -c $((48 * 3073)) data/samples/$file.bin >"$work/data/$file.bin"; done
mount -t tmpfs -o size=16m none "$disk"
"$dyad" pretrain --data "$work/data" --run "$run" --arch resnet10 --width 0.0625 --out-dim 8 --batch 16 --steps 2 \
  2>"$work/err" || { echo "check_unwritable_run: can't train at all: $(cat "$work/err")"; exit 1; }
names() { (cd "$run" && find . -type f -exec cksum {} + | sort -k 3); }
before=$(names)

# evaluate NAME STDERR COMMAND...: with exit code 0 and a table; STDERR is what its one line says
evaluate() {
  local name=$1 said=$2
  shift 2
  trials=$((trials + 1))
  "$@" >"$work/out" 2>"$work/err" || fail "$name: exit code $?: $(cat "$work/err")"
  grep -Eq '^trained encoder .*%' "$work/out" || fail "$name: no table: $(cat "$work/out")"
  [[ $(grep -vcE '^(initial|pretrained) weights, epoch ' "$work/err") == $([[ -z $said ]] && echo 0 || echo 1) ]] || fail "$name: said $(cat "$work/err")"
  grep -Eq -- "$said" "$work/err" || [[ -z $said ]] || fail "$name: said $(cat "$work/err"), expected $said"
  [[ $(names) == "$before" ]] || fail "$name: the run has changed"
}
every_command() {  # NAME STDERR RUNNER...: each evaluation
  local name=$1 said=$2 command
  shift 2
  for command in "eval" "knn" "linear" "finetune --epochs 1"; do
    # shellcheck disable=SC2086
    evaluate "$command, $name" "$said" "$@" $command --data "$work/data" --run "$run"
  done
}

mount -o remount,ro "$disk"
every_command "read-only disk" "^the run can't be written .*Read-only file system.*--out DIR" "$dyad"
for command in "eval" "finetune --epochs 1"; do
  rm -rf "$work/results"
  # shellcheck disable=SC2086
  evaluate "$command --out" "" "$dyad" $command --data "$work/data" --run "$run" --out "$work/results"
  [[ -s $work/results/${command%% *}.json || -s $work/results/finetune100.json ]] || fail "$command --out: no result"
done
evaluate "--json" "^the run can't be written" "$dyad" knn --data "$work/data" --run "$run" --json "$work/result.json"
[[ -s $work/result.json ]] || fail "--json: no result"
for flags in "--out $disk/out" "--json $disk/result.json"; do  # what was asked for can't be done: nothing is begun
  # shellcheck disable=SC2086
  "$dyad" knn --data "$work/data" --run "$run" $flags >"$work/out" 2>"$work/err"
  code=$?
  [[ $code == 2 && ! -s $work/out && $(cat "$work/err") == "dyad knn: ${flags%% *}"*"Read-only file system" ]] ||
    fail "$flags: exit code $code, said $(cat "$work/err")"
done
mount -o remount,rw "$disk"

# As another user: root may write anything, so another one is needed.
if [[ $(id -u) == 0 ]] && command -v setpriv >/dev/null; then
  cp "$dyad" "$work/dyad"
  chmod 755 "$work" "$work/dyad" "$disk"
  other=(setpriv --reuid=65534 --regid=65534 --clear-groups env OMP_NUM_THREADS=1 "$work/dyad")
  if "${other[@]}" --version >/dev/null 2>&1; then
    every_command "another user's" "^the run can't be written .*Permission denied.*--out DIR" "${other[@]}"
    chown -R 65534 "$run"
    echo old >"$run/knn.json" && chmod 444 "$run/knn.json"
    before=$(names)
    evaluate "a write-protected result" "^the run can't be written .*knn.json: Permission denied" \
      setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all "$work/dyad" knn --data "$work/data" --run "$run"
  fi
fi
echo "$trials evaluations, $failures failures"
[[ $failures == 0 ]]
