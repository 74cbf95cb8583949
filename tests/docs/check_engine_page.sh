#!/usr/bin/env bash
# Installs the libraries, and builds examples/train_a_network against them in a folder outside of the tree, where
# CMAKE_PREFIX_PATH is all that is known of dyad, with the programs of docs/engine.md, extracted from the page. The first
# has at most fifty lines, and learns; the example's must learn, and have the same weights after saving and loading. A
# package without one of its libraries must say which.
#   check_engine_page.sh BUILD PREFIX
set -euo pipefail
build=$(realpath "${1:?check_engine_page: the first argument is the build folder}")
prefix=$(realpath -m "${2:?the second argument is a new folder}")
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "check_engine_page: $*" >&2; exit 1; }

rm -rf "$prefix"
cmake --install "$build" --component development --prefix "$prefix" >/dev/null
if grep -rIl "$PWD/" "$prefix"; then fail "the files above name the source tree"; fi

cp -r examples/train_a_network "$work/example"
awk -v folder="$work" -f tests/docs/extract_code.awk docs/engine.md
for program in train own_images; do
  cp "$work/$program.cpp" "$work/example/"
  cat >>"$work/example/CMakeLists.txt" <<EOF
add_executable($program $program.cpp)
target_link_libraries($program PRIVATE dyad::models dyad::data)
EOF
done
[[ $(wc -l <"$work/train.cpp") -le 50 ]] || fail "the page promises fifty lines: $(wc -l <"$work/train.cpp")"

mkdir "$work/elsewhere"
samples=$PWD/data/samples
cd "$work/elsewhere"
configure() { cmake -S "$work/example" -B "$1" -DCMAKE_PREFIX_PATH="$prefix" "${@:2}" >"$work/out" 2>&1; }
configure "$work/build" || fail "can't configure: $(cat "$work/out")"
cmake --build "$work/build" >"$work/out" 2>&1 || fail "can't build: $(cat "$work/out")"
"$work/build/train" "$samples" >"$work/out" || fail "train failed"
cat "$work/out"
awk '{ loss[NR] = $4 } END { exit !(NR == 5 && loss[5] < loss[1] - 0.2) }' "$work/out" || fail "train: the loss does not fall"
[[ -s net.safetensors ]] || fail "train: no weights are saved"
"$work/build/train_a_network" "$samples" >"$work/out" || fail "the program failed"
cat "$work/out"
accuracies=$(grep -o '^[0-9.]* %' "$work/out" | sort -u)
[[ $(wc -l <<<"$accuracies") == 1 ]] || fail "other accuracies after loading"
awk -v a="${accuracies% %}" 'BEGIN { exit !(a > 20 && a < 100) }' || fail "$accuracies of ten classes are right"
"$work/build/own_images" >"$work/out" || fail "own_images: $(cat "$work/out")"
cat "$work/out"
"$work/build/train_a_network" "$work/missing" >"$work/out" 2>&1 && fail "no images, but the program succeeded"

if configure "$work/without" -DSPNG_LIBRARY=OFF; then
  fail "configured without libspng"
fi
grep -q 'not found: install lib' "$work/out" || fail "a missing library isn't named: $(cat "$work/out")"
echo "the example's program learns: $accuracies"
