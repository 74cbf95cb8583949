#!/usr/bin/env bash
# Opens the page of `dyad curate` in headless Chromium, at the width of a phone and of a desktop, light and dark. Checks
# that each part is drawn, that every picture has a name and can be reached by keyboard, that the pointer and the keys
# show images of the map and its buttons hide them, and that there is no console message, no network request and no
# element wider than the screen. Saves the four screenshots.
#   scripts/lab/check_curation.sh PAGE [FOLDER]      needs Debian's chromium; exit code 77 without it
set -euo pipefail
name=check_curation
. "$(dirname "$0")/browser.sh"
[[ $# -ge 1 ]] || { echo "usage: scripts/lab/check_curation.sh PAGE [FOLDER]" >&2; exit 2; }
page=$1 pictures=${2:-$(dirname "$1")}

page_with_script <<'END'
{  // names of its own
const figures = [...document.querySelectorAll('figure')];
noted.figures = figures.length > 0 && figures.every(f => f.tabIndex === 0 && f.querySelector('figcaption').innerText.trim() && (f.querySelector('img')?.alt || f.querySelector('[aria-label]')));
noted.loaded = [...document.images].length > 0 && [...document.images].every(i => i.naturalWidth > 0);
const plot = document.querySelector('.plot'), tip = document.getElementById('tip');
if (plot) {
  const key = name => plot.dispatchEvent(new KeyboardEvent('keydown', {key: name, cancelable: true}));
  const seen = [];
  for (let i = 0; i < 3; ++i) key('ArrowRight'), seen.push(tip.hidden ? '' : tip.innerText);
  key('ArrowLeft'), seen.push(tip.innerText), key('Escape');
  const box = plot.getBoundingClientRect(), dot = plot.querySelector('circle');
  const hidden = tip.hidden;
  plot.dispatchEvent(new PointerEvent('pointermove', {clientX: box.left + Number(dot.getAttribute('cx')), clientY: box.top + Number(dot.getAttribute('cy'))}));
  noted.map = seen.every(Boolean) && new Set(seen.slice(0, 3)).size === 3 && seen[3] === seen[1] && hidden && !tip.hidden;
  plot.dispatchEvent(new PointerEvent('pointerleave'));
  const shown = () => plot.querySelectorAll('circle:not([display])').length, all = shown();
  noted.buttons = [...document.querySelectorAll('.kinds button')].every(b => { b.click(); const fewer = shown() < all; b.click(); return fewer && shown() === all; });
}
}
END
four_pictures "$pictures/curation"
both_widths
for heading in near-duplicates most-isolated subset map options; do
  grep -q "<h2 id=\"$heading\"" "$work/dom.out" || fail "there is no heading $heading"
done
for what in figures loaded map buttons; do
  grep -q "data-$what=\"true\"" "$work/dom.out" || fail "$what: $(grep -o "data-$what=\"[^\"]*\"" "$work/dom.out" || echo none), expected true"
done
[[ $failures == 0 ]] && echo "$page: four pictures in $pictures, no console message, no request"
