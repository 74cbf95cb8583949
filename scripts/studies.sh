#!/usr/bin/env bash
# Trains the studies of docs/studies: methods, batch, temperature, negatives, views. Three seeds each. Stopped and started
# again, it goes on where it was. Each study is a folder below --out, with its table and its page.
#   scripts/studies.sh [--out DIR] [--dyad PROGRAM] [--jobs N] [--seeds N] [--quick] [STUDY...]
# STUDY: methods, seconds, batch, temperature, negatives, views; all of them if none is named. --quick: one epoch, one seed.
set -euo pipefail
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."

out=runs/studies dyad=build/cpu/dyad jobs=2 seeds=3 extra=() studies=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --out) out=$2; shift 2 ;;
    --dyad) dyad=$2; shift 2 ;;
    --jobs) jobs=$2; shift 2 ;;
    --seeds) seeds=$2; shift 2 ;;
    --quick) seeds=1 extra=(--epochs 1); shift ;;
    -*) echo "studies: unknown flag $1; --help lists them" >&2; exit 2 ;;
    *) studies+=("$1"); shift ;;
  esac
done
[[ ${#studies[@]} -gt 0 ]] || studies=(methods seconds batch temperature negatives views)

# sweep STUDY --vary ...: a table in STUDY.txt, its figures in STUDY.json, and the page STUDY.html
sweep() {
  local study=$1 failed=0
  shift
  mkdir -p "$out"
  "$dyad" sweep --config docs/studies/base.toml --seeds "$seeds" --jobs "$jobs" --out "$out/$study" "$@" -- "${extra[@]}" ||
    failed=1
  "$dyad" compare "$out/$study" --json "$out/$study.json" --html "$out/$study.html" | tee "$out/$study.txt"
  return $failed
}

methods=simclr,moco2,moco3,byol,simsiam,supcon
for study in "${studies[@]}"; do
  case $study in
    methods) sweep methods --vary "method=$methods" ;;
    # about the arithmetic of SimCLR's 8 epochs: a target network runs forward only, a third of a step more
    seconds) sweep seconds --vary method+epochs=moco2+6,moco3+6,byol+6 ;;
    batch) sweep batch --vary method+negatives=simclr+nt-xent,simclr+decoupled,moco2+nt-xent,byol+nt-xent \
      --vary batch=16,64,256 ;;
    temperature) sweep temperature --vary negatives=nt-xent,decoupled --vary tau=0.03,0.1,0.3,1 ;;
    negatives) sweep negatives --vary negatives=nt-xent,decoupled,debiased,hard --vary batch=32,256 ;;
    # cumulative: crop, + flip, + colour, + grayscale, + blur, + rotation
    views) sweep views --vary flip-p+jitter-p+gray-p+blur-p+rotate-p+rotate-degrees=0+0+0+0+0+0,0.5+0+0+0+0+0,0.5+0.8+0+0+0+0,0.5+0.8+0.2+0+0+0,0.5+0.8+0.2+0.5+0+0,0.5+0.8+0.2+0.5+0.5+30 ;;
    *) echo "studies: no study $study; --help lists them" >&2; exit 2 ;;
  esac
done
