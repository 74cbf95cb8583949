#!/usr/bin/env bash
# A small sweep (2 methods, 2 batches, 2 seeds) that is killed, stopped by Ctrl-C's signal, and run again: what was
# finished is left alone, the rest ends in the bytes of a training that was never stopped, two cells fail and the others
# don't mind. Then it is compared. Leaves FOLDER/sweep and FOLDER/compare.html for the check in a browser.
#   check_sweep.sh DYAD FOLDER
set -uo pipefail
dyad=$1 work=$2
rm -rf "$work"
mkdir -p "$work/data"
out=$work/sweep failures=0
fail() { echo "check_sweep: $*"; failures=$((failures + 1)); }
for file in data_batch_1 test_batch; do head -c $((64 * 3073)) data/samples/$file.bin >"$work/data/$file.bin"; done
cat >"$work/base.toml" <<'END'
[pretrain]
arch = "resnet10"
width = 0.0625
out-dim = 8
probe-every = 1
probe-images = 50
END
# moco2 refuses a batch of 24, of which its queue is no multiple
options=(--data "$work/data" --config "$work/base.toml" --vary method=simclr,moco2 --vary batch=16,24 --seeds 2 --out "$out")
sweep=("$dyad" sweep "${options[@]}" --steps 2)
first=$out/method=simclr,batch=16,seed=0

# ---- what is wrong is said before anything starts
"$dyad" sweep "${options[@]}" --vary tau=0 2>"$work/err" && fail "tau=0 is taken"
grep -qF -- '--vary tau=0: tau is 0, expected 0.001 to 100' "$work/err" || fail "tau=0: $(cat "$work/err")"
"${sweep[@]}" --steps 3 2>"$work/err"
[[ $? == 2 && ! -e $out ]] || fail "two --steps: $(cat "$work/err")"
"$dyad" sweep "${options[@]}" --dry-run -- --steps 2 >"$work/commands" || fail "--dry-run"
[[ $(grep -c ' pretrain .* eval ' "$work/commands") == 8 && ! -e $out ]] || fail "--dry-run: $(cat "$work/commands")"

# ---- killed, once the first cell is finished
wait_for() { for _ in $(seq 1200); do [[ -s $1 ]] && return; sleep 0.01; done; fail "there is no $1"; }
"${sweep[@]}" >"$work/stdout" 2>"$work/err" &
sweep_process=$!
wait_for "$first/eval.json"
children=$(cat /proc/$sweep_process/task/$sweep_process/children)
kill -KILL $sweep_process
wait $sweep_process 2>/dev/null
for child in $children; do while kill -0 "$child" 2>/dev/null; do sleep 0.01; done; done  # they have heard of it
finished() { find "$out" -name eval.json | sort; }
before=$(finished) facts=$(stat -c '%i %Y' $(finished) "$first/sweep.log")
[[ $(wc -l <<<"$before") -lt 6 ]] || fail "all cells were finished before the kill: $before"

# ---- stopped by Ctrl-C's signal
"${sweep[@]}" >"$work/stdout" 2>"$work/err" &
sweep_process=$!
for _ in $(seq 1200); do [[ $(finished) != "$before" ]] && break; sleep 0.01; done
kill -INT $sweep_process
wait $sweep_process
code=$?
[[ $code == 130 ]] || fail "SIGINT: exit code $code, expected 130: $(cat "$work/err")"
grep -q 'Ctrl-C: stopped; the same command continues the sweep' "$work/err" || fail "SIGINT: $(tail -n 1 "$work/err")"
grep -q 'not started' "$work/stdout" || fail "SIGINT: $(cat "$work/stdout")"

# ---- to its end, two cells at a time
"$dyad" sweep "${options[@]}" --jobs 2 -- --steps 2 >"$work/stdout" 2>"$work/err"
code=$?
[[ $code == 1 ]] || fail "exit code $code, expected 1: $(cat "$work/err")"
[[ $(finished | wc -l) == 6 ]] || fail "finished: $(finished)"
[[ $(grep -c 'moco2,batch=24,seed=[01]: failed with code 2: --queue is' "$work/stdout") == 2 ]] || fail "$(cat "$work/stdout")"
grep -q "seed=0: skipped: finished before" "$work/stdout" || fail "nothing was skipped: $(cat "$work/stdout")"
[[ $(wc -l <"$work/stdout") == 8 ]] || fail "not one line for each cell: $(cat "$work/stdout")"
[[ $(stat -c '%i %Y' $before "$first/sweep.log") == "$facts" ]] || fail "a finished cell was not left alone"
[[ -z $(find "$out" -name '*.tmp-*') ]] || fail "temporary files are left: $(find "$out" -name '*.tmp-*')"
"$dyad" pretrain --data "$work/data" --config "$work/base.toml" --method simclr --batch 24 --seed 1 --steps 2 \
  --run "$work/alone" 2>"$work/err" || fail "the run alone: $(cat "$work/err")"
last=checkpoints/step-00000002.safetensors
cmp -s "$work/alone/$last" "$out/method=simclr,batch=24,seed=1/$last" || fail "other bytes than those of the run alone"

# ---- again with more cells, and with other shared options
"$dyad" sweep "${options[@]/simclr,moco2/byol}" -- --steps 2 >"$work/stdout" 2>"$work/err" || fail "byol: $(cat "$work/err")"
grep -qF "$out has 8 cells of earlier sweeps: this one adds 4 and shares 0" "$work/err" || fail "byol: $(cat "$work/err")"
"$dyad" sweep "${options[@]}" -- --steps 3 2>"$work/err"
[[ $? == 2 ]] && grep -qF 'its cells have --steps 2, and this sweep has 3' "$work/err" || fail "3 steps: $(cat "$work/err")"

# ---- images that no cell could be evaluated with
mkdir -p "$work/flat" && printf 'P6 2 2 255\n012345678901' >"$work/flat/a.ppm"
"$dyad" sweep --data "$work/flat" --vary tau=0.2,0.5 --out "$work/flat-sweep" 2>"$work/err"
[[ $? == 65 ]] && grep -q 'has no test split to evaluate the cells with, expected --no-eval' "$work/err" ||
  fail "a flat folder: $(cat "$work/err")"

# ---- compared
"$dyad" compare "$out" --html "$work/compare.html" --json "$work/compare.json" >"$work/table" || fail "compare"
grep -qE '^method +batch +runs +kNN % +linear % +loss +seconds$' "$work/table" || fail "$(cat "$work/table")"
[[ $(grep -cE '^(simclr|moco2|byol) +(16|24) +2 +[0-9.]+ \([0-9.]+, 2\)' "$work/table") == 5 ]] || fail "$(cat "$work/table")"
[[ $(grep -c '^-  .*moco2,batch=24.*left out: there is no config.toml' "$work/table") == 2 ]] || fail "$(cat "$work/table")"
echo '{' >"$first/eval.json"
"$dyad" compare "$out" >"$work/damaged" || fail "compare with a damaged file"
diff <(grep -vE '^(-|page|simclr +16)' "$work/table") <(grep -vE '^(-|simclr +16)' "$work/damaged") ||
  fail "a damaged file costs more than its cell"
grep -q '^-  .*simclr,batch=16,seed=0: eval.json: ' "$work/damaged" || fail "$(cat "$work/damaged")"
"$dyad" compare 2>"$work/err"
[[ $? == 2 ]] || fail "compare without a run: $(cat "$work/err")"

[[ $failures == 0 ]] && cat "$work/table"
[[ $failures == 0 ]]
