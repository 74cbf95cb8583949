#!/usr/bin/env bash
# Installs the missing packages of scripts/packages.txt.
#   scripts/install.sh [--dry-run] [--test] [--cuda] [--ci]
# --test   also packages for the tests of several ranks
# --cuda   also packages for a CUDA build, apart from NVIDIA's toolkit and cuDNN
# --ci     also packages for .ci/run
set -euo pipefail
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."

dry_run=0 groups=build cuda=0
for flag in "$@"; do
  case $flag in
    --dry-run) dry_run=1 ;;
    --test) groups='build|test' ;;
    --cuda) cuda=1 ;;
    --ci)
      groups='build|test|ci'
      if command -v nvcc >/dev/null || [[ -x /usr/local/cuda/bin/nvcc ]]; then cuda=1; fi ;;
    *) echo "install: unknown flag $flag, expected --dry-run, --test, --cuda or --ci" >&2; exit 2 ;;
  esac
done

listed() { sed 's/#.*//' scripts/packages.txt | awk -v groups="^($1)$" '$1 ~ groups { print $2 }'; }

# The headers of cudnn_frontend, from a wheel, unpacked where CMake looks for them.
headers=build/deps/cudnn-frontend wheel=$(listed cuda-wheel)
if [[ $cuda == 1 && $(cat "$headers/version" 2>/dev/null) == "$wheel" ]]; then cuda=0; fi

packages=$(listed "$groups")
if [[ $cuda == 1 ]] && ! python3 -m pip --version >/dev/null 2>&1; then packages+=$'\npython3-pip'; fi
if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  echo "install: apt not found (package names are those of Debian 12); install by hand: ${packages//$'\n'/ }" >&2
  echo "install: then run again with --no-install" >&2
  exit 2
fi

missing=()
for package in $packages; do
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
done
if [[ ${#missing[@]} == 0 && $cuda == 0 ]]; then
  echo "install: nothing is missing"
  exit 0
fi

log=$(mktemp)
unpacked=
trap 'rm -rf "$log" ${unpacked:+"$unpacked"}' EXIT

apt_install() {
  local as_root=() install=(apt-get install -y --no-install-recommends "${missing[@]}")
  [[ $(id -u) == 0 ]] || as_root=(sudo)
  if [[ $dry_run == 1 ]]; then
    local sudo=${as_root[*]:+sudo }
    echo "install: would run: ${sudo}apt-get update && $sudo${install[*]}"
    return
  fi
  if [[ ${#as_root[@]} != 0 ]] && ! command -v sudo >/dev/null; then
    echo "install: not root and sudo not found; run as root: ${install[*]}" >&2
    exit 2
  fi
  echo "install: ${missing[*]}"
  if ! { "${as_root[@]}" apt-get update -q && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "${install[@]}"; } \
      >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    echo "install: apt-get failed, see above" >&2
    exit 1
  fi
}

wheel_headers() {
  if [[ $dry_run == 1 ]]; then
    echo "install: would put the headers of the wheel $wheel into $headers"
    return
  fi
  echo "install: headers of $wheel"
  mkdir -p "$(dirname "$headers")"
  unpacked=$(mktemp -d "$headers.XXXXXX")
  if ! { python3 -m pip download --no-deps -q -d "$unpacked" "$wheel" &&
      python3 -m zipfile -e "$unpacked"/*.whl "$unpacked"; } >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    echo "install: can't download the wheel $wheel, see above; copy its include/ folder into $headers/," \
      "or configure with -DDYAD_CUDNN=OFF" >&2
    exit 1
  fi
  rm -rf "$headers"
  mkdir "$headers"
  mv "$unpacked/include" "$headers/include"
  echo "$wheel" >"$headers/version"
}

if [[ ${#missing[@]} != 0 ]]; then apt_install; fi
if [[ $cuda == 1 ]]; then wheel_headers; fi
