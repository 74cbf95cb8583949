#!/usr/bin/env bash
# Checks which folder includes which; an include that is not listed is an error. Only kernels/ may include the SIMT layer,
# which defines CUDA's names. The rooms (subfolders) of a folder must not include each other in a cycle, and no room of
# apps/ may include a file at the root of apps/.
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

includes() {  # FOLDER: its includes of files of ours, as file:line:text
  grep -rn '^ *# *include "' "$1" --include='*.h' --include='*.cpp' --include='*.cu' --include='*.cuh'
}

# Reads the includes of FOLDER. An include that is a part of a cycle is printed: the room that it includes reaches the
# room that it is in. Files at the root of FOLDER are no room; --no-root: rooms may not include them.
check_rooms() {  # FOLDER [--no-root]
  awk -F: -v folder="$1" -v no_root="${2:-}" '
    function room(path,  parts) { return split(path, parts, "/") > 2 ? parts[2] : "" }
    {
      split($3, quoted, "\"")
      from = room($1); to = room(quoted[2])
      if (index(quoted[2], folder "/") != 1 || from == "" || from == to) next
      if (to == "") {
        if (no_root != "") { print $1 ":" $2 ": no room of " folder "/ may include " quoted[2] ", a file of its root"; bad = 1 }
        next
      }
      n++; from_room[n] = from; to_room[n] = to; rooms[from]; rooms[to]; reaches[from, to]
      text[n] = $1 ":" $2 ": includes " quoted[2] ", in a cycle of rooms: " folder "/" from " and " folder "/" to
    }
    END {
      for (b in rooms) for (a in rooms) for (c in rooms) if ((a, b) in reaches && (b, c) in reaches) reaches[a, c]
      for (i = 1; i <= n; i++) if ((to_room[i], from_room[i]) in reaches) { print text[i]; bad = 1 }
      exit bad
    }'
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
  done < <(includes "$folder")
  includes "$folder" | check_rooms "$folder" "$([[ $folder == apps ]] && echo --no-root)" || bad=1
done
if [[ $seen == 0 ]]; then echo "check_includes: found no include at all"; bad=1; fi
exit $bad
