#!/usr/bin/env bash
# Sourced by the scripts that check a page: opens pages in headless Chromium. The script that sources it sets `page`, the
# file, and `name`, its own name; exit code 77 if there is no Chromium. `failures` counts what fail() says.
. "$(dirname "${BASH_SOURCE[0]}")/../help.sh"
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
  { echo "$name: skipped: chromium not found"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
fail() { echo "$name: $*" >&2; failures=$((failures + 1)); }

# Copies the page to $work/page.html, with a script (stdin) behind it that writes what it finds to `noted`.
page_with_script() {
  [[ -s $page ]] || { echo "$name: $page not found or empty" >&2; exit 1; }
  cp "$page" "$work/page.html"
  {
    echo '<script>'
    echo 'const noted = document.body.dataset; noted.widths = `${innerWidth} ${document.documentElement.scrollWidth}`;'
    cat
    echo '</script>'
  } >>"$work/page.html"
}

headless() {  # LOG FLAGS...
  local log=$1
  shift
  timeout 120 "$chromium" --headless=new --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$work/profile" \
    --enable-logging=stderr --log-level=0 --host-resolver-rules='MAP * ~NOTFOUND' "$@" "file://$work/page.html" \
    >"$log.out" 2>"$log" || fail "chromium failed: $(tail -n 1 "$log")"
  if grep -q 'CONSOLE' "$log"; then fail "$(basename "$log"): $(grep -m 1 CONSOLE "$log")"; fi
}

# PREFIX-light-phone.png and three others.
four_pictures() {  # PREFIX
  local scheme screen shown
  for scheme in light:1 dark:0; do
    for screen in phone:390 desktop:1280; do
      shown=${scheme%:*}-${screen%:*}
      headless "$work/$shown" --blink-settings=preferredColorScheme="${scheme#*:}" --window-size="${screen#*:},6000" \
        --screenshot="$1-$shown.png"
      [[ -s $1-$shown.png ]] || fail "$shown: no picture"
    done
  done
}

# The page as the browser has made it, in $work/dom.out: at both widths nothing is wider than the screen, and nothing but
# data URIs is asked for.
both_widths() {
  local width
  for width in 390 1280; do
    headless "$work/dom" --window-size="$width,6000" --dump-dom
    grep -q "data-widths=\"\([0-9]*\) \1\"" "$work/dom.out" ||
      fail "at $width pixels: $(grep -o 'data-widths="[^"]*"' "$work/dom.out"), expected two equal widths"
  done
  if grep -oE '(src|href)="[^"]{0,40}' "$work/dom.out" | grep -vq '="data:'; then
    fail "asks for $(grep -oE '(src|href)="[^"]{0,40}' "$work/dom.out" | grep -v '="data:' | head -n 1)"
  fi
}
