#!/usr/bin/env bash
# Checks that a CUDA build opens no vendor library on a machine without a GPU. (libcuda.so.1 is the driver; the CUDA
# runtime opens it.)
#   tests/check_start.sh PROGRAM
set -euo pipefail
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! LD_DEBUG=files "$1" info 2>"$log" | grep -q 'devices *none'; then
  echo "check_start: skipped: this machine has a GPU"
  exit 0
fi
grep -q 'file=libc\.so' "$log" || { echo "check_start: no output of the dynamic linker"; exit 1; }
if grep -E 'file=[^ ]*lib(cublas|cublasLt|nccl|cudnn|nvrtc)[._]' "$log"; then
  echo "check_start: opened without a GPU, see above"
  exit 1
fi
