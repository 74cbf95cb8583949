# The stages of .ci/run, one function each. .ci/run prints a line `note: ...` of a stage beside its result.

stage_install() { scripts/install.sh --ci; }

# The README's test command, with a Python that has onnxruntime if pip can install it.
stage_test() {
  if [[ -z ${DYAD_ONNX_PYTHON:-} ]] && install_onnx; then export DYAD_ONNX_PYTHON=$PWD/build/ci/onnx/bin/python; fi
  scripts/test.sh
}

install_onnx() {
  local wheels folder=build/ci/onnx
  wheels=$(awk '$1 == "onnx-wheel" { print $2 }' scripts/packages.txt)
  [[ $(cat "$folder/wheels" 2>/dev/null) != "$wheels" ]] || return 0
  # shellcheck disable=SC2086  # one word for each wheel
  if rm -rf "$folder" && python3 -m venv "$folder" &&
      timeout 600 "$folder/bin/python" -m pip install -q --retries 1 --timeout 20 $wheels; then
    echo "$wheels" >"$folder/wheels"
  else
    echo "ci: pip could not install $(tr '\n' ' ' <<<"$wheels"): the test onnx will be skipped"
    return 1
  fi
}

stage_asan() {
  build_preset asan || return 1
  run_ctest asan
}

stage_tsan() {
  build_preset tsan || return 1
  TSAN_OPTIONS=atexit_sleep_ms=0 run_ctest tsan
}

stage_msan() {
  build_preset msan || return 1
  run_ctest msan
}

# Compiles every kernel with nvcc, and tests what a CUDA build computes, whether the machine has a GPU or not. The
# program's own tests ran in the stage test.
stage_cuda() {
  local nvcc
  nvcc=$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null) || {
    echo "note: no nvcc found, so no kernel was compiled for the GPU"
    return 0
  }
  scripts/install.sh --cuda || return 1
  CUDACXX=$nvcc build_preset cuda -DCMAKE_CUDA_ARCHITECTURES="${CMAKE_CUDA_ARCHITECTURES:-90-real}" || return 1
  scripts/lab/ptxas_table.sh --check docs/benchmarks/ptxas-sm90.txt || return 1
  run_ctest cuda -L 'cuda|kernels|engine|models'
}

# What a build for AVX2 machines computes, also on a machine with AVX-512, and without the optional formats of images.
stage_v3() {
  cmake -S . -B build/v3 -G Ninja -DDYAD_WERROR=ON -DDYAD_ARCH=x86-64-v3 \
    -DDYAD_WEBP=OFF -DDYAD_TIFF=OFF -DDYAD_GIF=OFF >/dev/null &&
    cmake --build build/v3 -- --quiet &&
    ONEDNN_MAX_CPU_ISA=AVX2 ctest --test-dir build/v3 -L 'kernels|engine|models|data' -j "$(nproc)" \
      --no-tests=error --output-on-failure
}

first_party() { git ls-files -co --exclude-standard -- '*.cpp' '*.h' '*.cu'; }

# Not --dry-run: clang-format 14 reports replacements that change nothing, too.
stage_format() {
  local status=0 file
  while read -r file; do
    clang-format "$file" | diff -u --label "$file" --label "$file, formatted" "$file" - || status=1
  done < <(first_party)
  return $status
}

# clang-tidy on every source that the cpu preset compiles. Sources that were clean and have not changed are not checked
# again.
stage_tidy() { scripts/lab/tidy.py; }

stage_includes() { tests/check_includes.sh; }
stage_lines() { tests/check_lines.sh && tests/count_lines.sh; }
stage_links() { tests/check_links.sh && python3 scripts/lab/readme_chart.py --check; }
# Checks that the place of each planted bug still exists, since a change of a kernel may have removed it. Runs after the
# sanitizers' stages, whose objects it finds in the compiler cache.
stage_mutants() { python3 scripts/lab/mutate.py --list && python3 scripts/lab/mutate.py --quick; }

# Checks another project's kernel against an installed tree. Runs after the stages test and tsan, whose builds it
# installs.
stage_example() {
  local preset passed=0 failed=0 line
  for preset in cpu tsan; do
    build_preset "$preset" && cmake --build "build/$preset" --target development -- --quiet || return 1
    rm -rf "build/ci/prefix-$preset"
    cmake --install "build/$preset" --component development --prefix "build/ci/prefix-$preset" >/dev/null || return 1
    tests/check_example.sh "build/ci/prefix-$preset" $([[ $preset == tsan ]] && echo --tsan) | tee build/ci/example.txt
    line=$(tail -n 1 build/ci/example.txt)
    passed=$((passed + ${line%% *})) line=${line#*, } failed=$((failed + ${line%% *}))
  done
  echo "$passed passed, $failed failed"
  [[ $failed == 0 ]]
}

# Fuzzes each parser of external input for a third of a minute, two at a time. Long runs are made by hand
# (docs/fuzzing.md).
stage_fuzz() { FUZZ_SECONDS=${FUZZ_SECONDS:-20} scripts/fuzz.sh; }
