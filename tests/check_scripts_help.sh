#!/usr/bin/env bash
# Every script of scripts/ and scripts/lab/ prints its header for --help, nothing on stderr, and ends with 0, also where
# the packages that it needs are missing.
set -uo pipefail
cd "$(dirname "$0")/.."
failures=0 tried=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for script in scripts/*.sh scripts/*.py scripts/lab/*.sh scripts/lab/*.py; do
  case $script in
    scripts/ctest.sh | scripts/help.sh | scripts/lab/print_help.py) continue ;;  # parts of the others
    *.sh) program=bash header=$(sed -n '2s/^# //p' "$script") ;;
    *.py) program=python3 header=$(sed -n '/^"""/{s/^"""//;s/: *scripts.*//;s/"""$//;p;q}' "$script") ;;
  esac
  tried=$((tried + 1))
  "$program" "$script" --help >"$work/out" 2>"$work/err" </dev/null
  code=$?
  [[ $code == 0 && ! -s $work/err && -n $header ]] && grep -qF -- "$header" "$work/out" && continue
  echo "check_scripts_help: $script --help: exit code $code, expected 0 and \"$header\": $(head -n 3 "$work/err")"
  failures=$((failures + 1))
done
[[ $failures == 0 && $tried -gt 15 ]] && echo "check_scripts_help: $tried scripts"
exit $((failures > 0 || tried <= 15))
