#!/usr/bin/env bash
# Injects a fault at every call of saving a checkpoint: an error, a partial write, kill -9 before and after the call.
# Afterwards the previous checkpoint or the new one must exist and be complete, an error must be one line, and no
# temporary file may be left after the next start. A naive writer must fail the same test.
#   check_faults.sh SAVE_CHECKPOINT FAULTS_LIBRARY
set -uo pipefail
save=$1 faults=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0 cases=0

faulty() {  # FAULT WRITER RUN STEP
  FAULT=$1 LD_PRELOAD=$faults "$save" "$2" "$3" "$4" >"$work/out" 2>"$work/err"
}
# judge NAME EXIT_CODE ENDS_WELL: prints what is wrong, or nothing. The run had step 1 and was saving step 2.
judge() {
  local code=$2 step lines
  step=$("$save" newest "$work/run" 2>"$work/newest")
  lines=$(wc -l <"$work/err")
  if [[ -s $work/newest ]]; then echo "$1: a torn file: $(head -n 1 "$work/newest")"; fi
  case $code in
    0) [[ $step == 2 ]] || echo "$1: ended well, but step $step is the newest" ;;
    1) [[ $lines == 1 ]] || echo "$1: $lines lines: $(cat "$work/err")"
       [[ $step == 1 || $step == 2 ]] || echo "$1: failed, and step $step is the newest"
       [[ $3 != well ]] || echo "$1: was to end well: $(cat "$work/err")" ;;
    137) [[ $step == 1 || $step == 2 ]] || echo "$1: killed, and step $step is the newest" ;;
    *) echo "$1: exit code $code: $(cat "$work/err")" ;;
  esac
  if compgen -G "$work/run/checkpoints/*.tmp-*" >/dev/null; then echo "$1: a temporary file is left"; fi
}
# try WRITER FAULT ENDS_WELL
try() {
  rm -rf "$work/run"
  cp -r "$work/old" "$work/run"
  faulty "$2" "$1" "$work/run" 2
  judge "$1 $2" $? "$3"
}

"$save" save "$work/old" 1 || { echo "check_faults: can't save at all"; exit 1; }
rm -rf "$work/run"
cp -r "$work/old" "$work/run"
faulty count save "$work/run" 2 || { echo "check_faults: can't save with the library: $(cat "$work/err")"; exit 1; }
declare -A calls
while read -r call n; do calls[$call]=$n; done <"$work/err"
# a folder and a file; length, header and tensors; the file and its folder; the old checkpoint is removed last
[[ ${calls[open]} -ge 2 && ${calls[write]} -ge 10 && ${calls[fsync]} == 2 && ${calls[close]} -ge 2 &&
  ${calls[rename]} == 1 ]] || { echo "check_faults: the library saw only $(tr '\n' ' ' <"$work/err")"; exit 1; }

report() { if [[ -n $1 ]]; then echo "check_faults: $1"; failures=$((failures + 1)); fi; }
for call in open write fsync close rename; do
  for ((n = 1; n <= calls[$call]; n++)); do
    # tests the first four writes, which differ, and some of the others, which are alike
    if [[ $call == write && $n -gt 4 && $((n % 9)) != 0 && $n != "${calls[write]}" ]]; then continue; fi
    for what in ENOSPC EIO EINTR; do
      well=; if [[ $what == EINTR ]]; then well=well; fi
      report "$(try save "$call:$n:$what" "$well")"
      cases=$((cases + 1))
    done
    if [[ $call == write ]]; then report "$(try save "write:$n:short" well)"; cases=$((cases + 1)); fi
  done
done
for ((n = 1; n <= calls[any]; n++)); do
  if [[ $n -gt 6 && $n -lt $((calls[any] - 8)) && $((n % 9)) != 0 ]]; then continue; fi
  for what in kill killed; do
    report "$(try save "any:$n:$what" "")"
    cases=$((cases + 1))
  done
done

control=0
for fault in write:2:ENOSPC write:3:short write:2:EINTR write:2:kill any:1:killed; do
  if [[ -n $(try naive "$fault" "") ]]; then control=$((control + 1)); fi
done
[[ $control == 5 ]] || { echo "check_faults: the naive writer failed in $control of 5 cases only"; failures=$((failures + 1)); }

# Reading: a newest checkpoint that can't be read now is neither passed over for an older one nor called damaged.
rm -rf "$work/run"
cp -r "$work/old" "$work/run"
cp "$work/run/checkpoints/step-00000001.safetensors" "$work/first"
"$save" save "$work/run" 2 && cp "$work/first" "$work/run/checkpoints/step-00000001.safetensors"
FAULT=count LD_PRELOAD=$faults "$save" newest "$work/run" >/dev/null 2>"$work/err"
while read -r call n; do calls[$call]=$n; done <"$work/err"
[[ ${calls[pread]} -ge 10 && ${calls[open]} -ge 1 ]] || report "the library saw no reads: $(tr '\n' ' ' <"$work/err")"
refused=0
for call in open pread; do
  for ((n = 1; n <= calls[$call]; n++)); do
    if [[ $n -gt 4 && $((n % 16)) != 0 && $n != "${calls[$call]}" ]]; then continue; fi
    for what in EIO ESTALE EMFILE EACCES EINTR; do
      step=$(FAULT=$call:$n:$what LD_PRELOAD=$faults "$save" newest "$work/run" 2>"$work/err")
      code=$?
      cases=$((cases + 1))
      if [[ $code == 1 && -z $step && $(wc -l <"$work/err") == 1 &&
          $(cat "$work/err") == *"/step-00000002.safetensors: "*"nothing shows that this checkpoint is damaged"* ]]; then
        refused=$((refused + 1))
      elif [[ $code != 0 || $step != 2 ]]; then
        report "reading, $call:$n:$what: exit code $code, step $step, said $(cat "$work/err")"
      fi
    done
  done
done
[[ $refused -ge 20 ]] || report "only $refused faults stopped the reading"

echo "$cases interrupted saves and reads (${calls[any]} calls each), $failures failures; the naive writer failed $control of 5"
[[ $failures == 0 ]]
