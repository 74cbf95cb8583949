#!/usr/bin/env bash
# Opens the page of `dyad search --html` in headless Chromium, at the width of a phone and of a desktop, light and dark.
# Checks that all pictures are shown, that the arrow keys walk over them, that one opens large, and that there is no
# console message, no network request and no element wider than the screen. Saves the four screenshots.
#   scripts/lab/check_search.sh PAGE [FOLDER]      needs Debian's chromium; exit code 77 without it
set -euo pipefail
name=check_search
. "$(dirname "$0")/browser.sh"
[[ $# -ge 1 ]] || { echo "usage: scripts/lab/check_search.sh PAGE [FOLDER]" >&2; exit 2; }
page=$1 pictures=${2:-$(dirname "$1")}

page_with_script <<'END'
const all = [...document.querySelectorAll('.tile')], key = name => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: name, bubbles: true, cancelable: true}));
const at = () => all.indexOf(document.activeElement);
noted.tiles = all.length;
noted.empty = document.querySelectorAll('.picture.none').length;
noted.named = all.every(t => t.getAttribute('aria-label'));
all[0].focus();
const steps = [at()];
for (const name of ['ArrowRight', 'ArrowRight', 'ArrowLeft', 'End', 'Home']) { key(name); steps.push(at()); }
noted.steps = steps.join();
key('ArrowDown');
const below = at();
key('ArrowUp');
noted.down = below > 0 && at() < below;
all[1].click();
const shown = document.querySelector('dialog');
noted.opens = shown.open && /cosine/.test(shown.innerText);
shown.querySelector("button").click();
noted.closes = !shown.open;
document.activeElement.blur();
END
four_pictures "$pictures/search"
both_widths
tiles=$(grep -oE 'data-tiles="[0-9]+"' "$work/dom.out" | tr -dc 0-9)
((${tiles:-0} >= 2)) || fail "${tiles:-no} pictures, expected a query and its neighbours"
grep -q "data-steps=\"0,1,2,1,$((tiles - 1)),0\"" "$work/dom.out" ||
  fail "arrow keys: $(grep -oE 'data-steps="[^"]*"' "$work/dom.out"), expected 0,1,2,1,$((tiles - 1)),0"
for what in named down opens closes; do
  grep -q "data-$what=\"true\"" "$work/dom.out" || fail "$what: not so"
done
[[ $failures == 0 ]] && echo "$page: four pictures in $pictures, no console message, no request"
