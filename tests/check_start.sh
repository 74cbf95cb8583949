#!/usr/bin/env bash
# A CUDA build opens no vendor's library where there is no GPU. (libcuda.so.1 is the driver, for which the CUDA runtime
# asks.)
#   tests/check_start.sh PROGRAM
set -euo pipefail
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! LD_DEBUG=files "$1" info 2>"$log" | grep -q 'devices *none'; then
  echo "check_start: there is a GPU here, and so there may be libraries"
  exit 0
fi
grep -q 'file=libc\.so' "$log" || { echo "check_start: the dynamic linker said nothing"; exit 1; }
if grep -E 'file=[^ ]*lib(cublas|cublasLt|nccl|cudnn|nvrtc)[._]' "$log"; then
  echo "check_start: opened without a GPU, see above"
  exit 1
fi
