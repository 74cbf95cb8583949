# Functions for test.sh and .ci/run, which source this file: build a preset and run its tests.

# build_preset PRESET [CMAKE_FLAGS...]
build_preset() {
  local preset=$1
  shift
  echo "build: preset $preset"
  cmake --preset "$preset" ${DYAD_WERROR:+-DDYAD_WERROR=$DYAD_WERROR} "$@" >/dev/null &&
  cmake --build --preset "$preset" -- --quiet
}

# run_ctest PRESET [CTEST_FLAGS...]: prints each test and the output of failed tests; the last line is
# `N passed, N failed`. Tests that were skipped count as neither; a line `note: skipped: NAME...` lists them.
run_ctest() {
  local preset=$1 log status=0 failed total skipped
  shift
  log=$(mktemp)
  ctest --preset "$preset" -j "$(nproc)" "$@" 2>&1 | tee "$log" || status=1
  # 100% tests passed, 0 tests failed out of 31
  read -r failed total < <(sed -n 's/.*tests passed, \([0-9]*\) tests failed out of \([0-9]*\).*/\1 \2/p' "$log") || true
  skipped=$(sed -n 's/^.* - \(.*\) (Skipped)$/\1/p' "$log" | tr '\n' ' ')  # 12 - onnx (Skipped)
  rm -f "$log"
  if [[ -n $skipped ]]; then echo "note: skipped: ${skipped% }"; fi
  if [[ -z ${total:-} ]]; then failed=1 total=1; fi  # ctest itself has failed or found no test
  echo "$((total - failed - $(wc -w <<<"$skipped"))) passed, $failed failed"
  [[ $status == 0 && $failed == 0 ]]
}
