#!/usr/bin/env bash
# No source file is longer than 600 lines.
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"
bad=0
while read -r file; do
  lines=$(wc -l <"$file")
  if ((lines > 600)); then
    echo "$file: $lines lines, expected at most 600"
    bad=1
  fi
done < <(find . \( -path ./build -o -path ./runs -o -path ./.git -o -path './.venv' \) -prune -o -type f \
           \( -name '*.cpp' -o -name '*.h' -o -name '*.cu' -o -name '*.cuh' -o -name '*.sh' -o -name '*.py' \
              -o -name CMakeLists.txt -o -name '*.cmake' -o -path ./.ci/run \) -print)
exit $bad
