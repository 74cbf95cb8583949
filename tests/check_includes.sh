#!/usr/bin/env bash
# Which folder may include which; an arrow that is not listed is a mistake. Also: a header stands alone, and
# nothing outside kernels/ includes the SIMT layer, which gives CUDA's names a meaning.
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"

allowed() {
  case $1 in
    kernels) echo "kernels" ;;
    engine) echo "engine kernels" ;;
    models) echo "models engine" ;;
    data) echo "data engine kernels" ;;
    apps) echo "apps data models engine kernels" ;;
  esac
}

bad=0 seen=0
for folder in kernels engine models data apps; do
  while IFS=: read -r file line include; do
    seen=$((seen + 1))
    path=${include#*\"} path=${path%%\"*} from=${path%%/*}
    if [[ " $(allowed "$folder") " != *" $from "* ]]; then
      echo "$file:$line: $folder/ may not include $path, only: $(allowed "$folder")"
      bad=1
    elif [[ $folder != kernels && $path == kernels/simt* ]]; then
      echo "$file:$line: only kernels/ may include $path"
      bad=1
    fi
  done < <(grep -rn '^ *# *include "' "$folder" --include='*.h' --include='*.cpp' --include='*.cu' --include='*.cuh')
done
if [[ $seen == 0 ]]; then echo "check_includes: found no include at all"; bad=1; fi
exit $bad
