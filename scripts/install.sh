#!/usr/bin/env bash
# Installs the Debian packages of scripts/packages.txt that are missing; does nothing where none is.
#   scripts/install.sh [--dry-run] [--ci]     --ci: also what .ci/run needs
set -euo pipefail
cd "$(dirname "$0")/.."

dry_run=0 groups=build
for flag in "$@"; do
  case $flag in
    --dry-run) dry_run=1 ;;
    --ci) groups='build|ci' ;;
    *) echo "install: unknown flag $flag, expected --dry-run or --ci" >&2; exit 2 ;;
  esac
done

packages=$(sed 's/#.*//' scripts/packages.txt | awk -v groups="^($groups)$" '$1 ~ groups { print $2 }')
if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  echo "install: no apt here (dyad's packages are named for Debian 12); install by hand: ${packages//$'\n'/ }" >&2
  echo "install: then run again with --no-install" >&2
  exit 2
fi

missing=()
for package in $packages; do
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
done
if [[ ${#missing[@]} == 0 ]]; then
  echo "install: nothing is missing"
  exit 0
fi

as_root=()
[[ $(id -u) == 0 ]] || as_root=(sudo)
install=(apt-get install -y --no-install-recommends "${missing[@]}")
if [[ $dry_run == 1 ]]; then
  sudo=${as_root[*]:+sudo }
  echo "install: would run: ${sudo}apt-get update && $sudo${install[*]}"
  exit 0
fi
if [[ ${#as_root[@]} != 0 ]] && ! command -v sudo >/dev/null; then
  echo "install: not root, and no sudo; have this run as root: ${install[*]}" >&2
  exit 2
fi
echo "install: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" apt-get update -q && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "${install[@]}"; } \
    >"$log" 2>&1 </dev/null; then
  tail -n 20 "$log" >&2
  echo "install: apt-get failed, see above" >&2
  exit 1
fi
