#!/usr/bin/env bash
# A table of every kernel's registers, spilled bytes (stores plus loads) and static shared memory, from ptxas.
#   scripts/lab/ptxas_table.sh [--arch 90]     prints the table, as in docs/benchmarks/ptxas-sm90.txt
#   scripts/lab/ptxas_table.sh --check FILE    compiles and compares with the table in FILE. Fails if an f32 or bf16
#                                              kernel spills, if the kernels or their spills differ, or if registers
#                                              differ by more than 8
# Needs nvcc, in PATH or in /usr/local/cuda/bin.
set -euo pipefail
. "$(dirname "$0")/../help.sh"
cd "$(dirname "$0")/../.."

arch='' check=''
while [[ $# -gt 0 ]]; do
  case $1 in
    --arch) arch=${2:?--arch needs a number, as 90} ;;
    --check) check=${2:?--check needs a table} ;;
    *) echo "ptxas_table: unknown flag $1, expected --arch N or --check FILE" >&2; exit 2 ;;
  esac
  shift 2
done
if [[ -n $check ]]; then arch=$(sed -n 's/^# .*sm_\([0-9a]*\).*/\1/p' "$check" | head -n 1); fi
arch=${arch:-90}
nvcc=$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null) || { echo "ptxas_table: nvcc not found" >&2; exit 2; }
version=$("$nvcc" --version | sed -n 's/.*release \([0-9.]*\),.*/\1/p')

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
compile() {  # FILE: writes ptxas's output to a log
  local name
  name=$(basename "$1" .cu)
  # shellcheck disable=SC2086  # the launcher may be empty
  if ! $launcher "$nvcc" -c -std=c++20 -O3 -DNDEBUG -DDYAD_CUDA -I. --expt-relaxed-constexpr \
      -gencode "arch=compute_$arch,code=sm_$arch" -Xptxas=-v "$1" -o "$work/$name.o" >"$work/$name.log" 2>&1; then
    cat "$work/$name.log" >&2
    return 1
  fi
}
export -f compile
launcher=${CMAKE_CUDA_COMPILER_LAUNCHER:-} nvcc=$nvcc work=$work arch=$arch
export launcher nvcc work arch
find kernels -name '*.cu' | xargs -P "$(nproc)" -I{} bash -c 'compile {}'

# ptxas prints for each kernel: Compiling entry function 'NAME' ... / A bytes stack frame, B bytes spill
# stores, C bytes spill loads / Used R registers, ... S bytes smem
awk '/Compiling entry function/ { match($0, /\x27_Z[^\x27]*\x27/); name = substr($0, RSTART + 1, RLENGTH - 2) }
     /bytes spill stores/ { spilled = $5 + $9 }
     /Used [0-9]+ registers/ {
       match($0, /Used [0-9]+/); registers = substr($0, RSTART + 5, RLENGTH - 5); shared = 0
       if (match($0, /[0-9]+ bytes smem/)) shared = substr($0, RSTART, RLENGTH - 11)
       print registers, spilled, shared, name
     }' "$work"/*.log | c++filt |
  sed -E 's/\(anonymous namespace\):://g; s/\(kernels::[A-Za-z:]*\)([0-9])/\1/g; s/\(.*//; s/void //
          s/kernels::(nvcc::)?(winograd::)?//g; s/\bfloat\b/f32/g; s/\bdouble\b/f64/g' |
  awk '{ name = $4; for (i = 5; i <= NF; ++i) name = name " " $i; printf "%-78s %9d %7d %6d\n", name, $1, $2, $3 }' |
  LC_ALL=C sort >"$work/rows"
[[ -s $work/rows ]] || { echo "ptxas_table: ptxas printed no kernel" >&2; exit 1; }
{
  echo "# scripts/lab/ptxas_table.sh: nvcc $version, sm_$arch"
  printf '# %-76s %9s %7s %6s\n' kernel registers spilled shared
  cat "$work/rows"
} >"$work/table"
if [[ -z $check ]]; then exec cat "$work/table"; fi

status=0
spilling=$(awk '!/f64/ && $(NF - 1) > 0' "$work/rows")
if [[ -n $spilling ]]; then
  echo "ptxas_table: f32 or bf16 kernels spill (registers, bytes spilled, shared):"
  echo "$spilling"
  status=1
fi
if [[ $(head -n 1 "$check") != "$(head -n 1 "$work/table")" ]]; then
  echo "note: the table was made by another nvcc than this one ($version), so only spills of f32 and bf16 were checked"
  exit $status
fi
awk 'FNR == 1 { ++file }
     /^#/ { next }
     { registers = $(NF - 2); spilled = $(NF - 1); name = $0; sub(/ +[0-9]+ +[0-9]+ +[0-9]+$/, "", name) }
     file == 1 { old_registers[name] = registers; old_spilled[name] = spilled; next }
     !(name in old_registers) { print "ptxas_table: new kernel: " name; bad = 1; next }
     {
       if (spilled != old_spilled[name]) { print "ptxas_table: " name " spills " spilled " bytes, in the table " old_spilled[name]; bad = 1 }
       if (registers - old_registers[name] > 8 || old_registers[name] - registers > 8) {
         print "ptxas_table: " name " has " registers " registers, in the table " old_registers[name]; bad = 1
       }
       delete old_registers[name]
     }
     END {
       for (name in old_registers) { print "ptxas_table: missing kernel: " name; bad = 1 }
       exit bad
     }' "$check" "$work/table" || status=1
if [[ $status != 0 ]]; then echo "ptxas_table: if this is intended, update the table: scripts/lab/ptxas_table.sh --arch $arch >$check"; fi
exit $status
