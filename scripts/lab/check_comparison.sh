#!/usr/bin/env bash
# Opens the page of `dyad compare --html` in headless Chromium, at the width of a phone and of a desktop, light and dark.
# Checks that the table, the curves and the accuracies are drawn, that the switches and the pointer work, and that there
# is no console message, no network request and no element wider than the screen. Saves the four screenshots.
#   scripts/lab/check_comparison.sh PAGE [FOLDER]      needs Debian's chromium; exit code 77 without it
set -euo pipefail
name=check_comparison
. "$(dirname "$0")/browser.sh"
[[ $# -ge 1 ]] || { echo "usage: scripts/lab/check_comparison.sh PAGE [FOLDER]" >&2; exit 2; }
page=$1 pictures=${2:-$(dirname "$1")}

# In how many charts the pointer shows a value; whether each switch and the square of a row change what is drawn and
# change it back.
page_with_script <<'END'
const drawing = () => [...document.querySelectorAll('.plot')].map(p => p.innerHTML).join(), before = drawing(), count = {charts: 0, pointer: 0};
for (const plot of document.querySelectorAll('.plot')) {
  const box = plot.getBoundingClientRect(), tip = document.getElementById('tip');
  ++count.charts;
  let shown = false;
  for (let x = 0; x < box.width; x += 8) for (let y = 0; y < box.height; y += 8) {
    plot.dispatchEvent(new PointerEvent('pointermove', {clientX: box.left + x, clientY: box.top + y}));
    shown ||= !tip.hidden && /\d/.test(tip.innerText);
  }
  plot.dispatchEvent(new PointerEvent('pointerleave'));
  count.pointer += shown;
}
const works = (there, back) => { there.click(); const other = drawing() !== before; back.click(); return other && drawing() === before; };
noted.charts = JSON.stringify(count).replace(/"/g, '');
noted.works = [...document.querySelectorAll('.switch')].every(s => works(s.children[1], s.children[0])) && [...document.querySelectorAll('.shown')].every(b => works(b, b));
noted.rows = document.querySelectorAll('tbody tr').length;
END
four_pictures "$pictures/comparison"
both_widths
for heading in results curves accuracy-by-option; do
  grep -q "<h2 id=\"$heading\"" "$work/dom.out" || fail "there is no heading $heading"
done
grep -qE 'data-charts="\{charts:([1-9][0-9]*),pointer:\1\}"' "$work/dom.out" ||
  fail "charts: $(grep -oE 'data-charts="[^"]*"' "$work/dom.out"), expected two equal numbers"
grep -q 'data-works="true"' "$work/dom.out" || fail "a switch or the square of a row does not change what is drawn"
[[ $failures == 0 ]] && echo "$page: four pictures in $pictures, no console message, no request"
