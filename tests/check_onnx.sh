#!/usr/bin/env bash
# onnxruntime computes dyad's features from the files of `dyad export --format onnx`: scripts/lab/check_onnx.py.
#   tests/check_onnx.sh DYAD      Python: $DYAD_ONNX_PYTHON, or python3 if it has the packages; else exit code 77
set -uo pipefail
dyad=${1:?check_onnx: the first argument is the program}
cd "$(dirname "$0")/.." || exit 1
python=${DYAD_ONNX_PYTHON:-$(command -v python3)}
packages='numpy, onnx, onnxruntime, PIL, safetensors'
if [[ -z ${DYAD_ONNX_PYTHON:-} ]] && ! "${python:-false}" -c "import $packages" 2>/dev/null; then
  echo "check_onnx: skipped: no Python with onnx, onnxruntime, numpy, pillow and safetensors (\$DYAD_ONNX_PYTHON, PATH)"
  exit 77
fi
exec "$python" scripts/lab/check_onnx.py --dyad "$dyad"
