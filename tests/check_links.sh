#!/usr/bin/env bash
# Checks that every file exists that a page links to, or names in backquotes with its folder.
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"
bad=0 pages=0
while read -r page; do
  pages=$((pages + 1))
  here=$(dirname "$page")
  while read -r target; do  # [text](target)
    case $target in http://* | https://* | '#'* | mailto:*) continue ;; esac
    if [[ ! -e $here/${target%%#*} ]]; then
      echo "$page: link to $target, which does not exist"
      bad=1
    fi
  done < <(grep -oE '\]\([^) ]+\)' "$page" | sed 's/^](//; s/)$//')
  while read -r path; do  # `folder/file.ext`
    if [[ ! -e $path ]]; then
      echo "$page: names $path, which does not exist"
      bad=1
    fi
  done < <(grep -oE '`(kernels|engine|models|data|apps|tests|scripts|docs|cmake|\.ci)/[A-Za-z0-9_./-]+`' "$page" |
             tr -d '`' | grep -vE 'NAME|/$' | sort -u)
done < <(git ls-files -co --exclude-standard -- '*.md')
if [[ $pages == 0 ]]; then echo "check_links: found no page"; bad=1; fi
exit $bad
