#!/usr/bin/env bash
# Installs missing packages, builds for the CPU, and runs every test. The last line is `N passed, N failed`.
#   scripts/test.sh [--no-install] [-- CTEST_FLAGS...]
# With DYAD_WERROR=ON in the environment warnings are errors, as in CI.
set -euo pipefail
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
. scripts/ctest.sh

install=1
while [[ $# -gt 0 ]]; do
  case $1 in
    --no-install) install=0; shift ;;
    --) shift; break ;;
    *) echo "test: unknown flag $1, expected --no-install or -- CTEST_FLAGS" >&2; exit 2 ;;
  esac
done

if [[ $install == 1 ]]; then scripts/install.sh --test; fi
build_preset cpu
run_ctest cpu "$@"
