#!/usr/bin/env bash
# Prints files and lines of each room (a folder with sources), and a last line `note: ...` with those of each top folder,
# which CI shows. A room of more than 20 files is marked, except in tests/, which mirrors the other folders. Cards
# (*.case.cpp) are not counted as files, since each belongs to an op's file.
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"
git ls-files -co --exclude-standard -- '*.h' '*.cpp' '*.cu' '*.sh' '*.py' | xargs wc -l | awk -v most=20 '
  $2 == "total" && NF == 2 { next }
  {
    room = $2
    if (!sub(/\/[^\/]*$/, "", room)) room = "."
    top = room; sub(/\/.*/, "", top)
    lines[room] += $1; top_lines[top] += $1; all_lines += $1
    if ($2 ~ /[.]case[.]cpp$/) next
    files[room]++; top_files[top]++; all_files++
  }
  END {
    sorted = "sort"
    for (room in lines) {
      large = files[room] > most && room !~ /^tests/
      if (large) marked = marked (marked ? ", " : "") room
      printf "%-32s %4d files %6d lines%s\n", room, files[room], lines[room], large ? "  more than " most " files" : "" | sorted
    }
    close(sorted)
    printf "%-32s %4d files %6d lines\n", "all", all_files, all_lines
    split("kernels engine models data apps tests scripts", tops, " ")
    for (i = 1; i in tops; ++i) note = note tops[i] " " top_files[tops[i]] "/" top_lines[tops[i]] ", "
    print "note: files/lines: " note "more than " most " files in: " (marked ? marked : "none")
  }'
