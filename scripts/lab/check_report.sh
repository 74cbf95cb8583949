#!/usr/bin/env bash
# Opens a run's report.html in headless Chromium, at the width of a phone and of a desktop, light and dark. Checks that
# each part of the page for which the run has a file is drawn, that there is no console message, no network request and
# no element wider than the screen, and that the file is smaller than 1.5 MB. Saves the four screenshots.
#   scripts/lab/check_report.sh RUN [FOLDER]      needs Debian's chromium; exit code 77 without it
set -euo pipefail
name=check_report
. "$(dirname "$0")/browser.sh"
[[ $# -ge 1 ]] || { echo "usage: scripts/lab/check_report.sh RUN [FOLDER]" >&2; exit 2; }
run=$(cd "$1" && pwd) pictures=${2:-$1}
page=$run/report.html
mkdir -p "$pictures"

# The page, which also notes its width and that of its content, and in how many charts the pointer and the keys show
# values, a drag zooms and Escape resets.
page_with_script <<'END'
const count = {charts: 0, pointer: 0, zoomed: 0, reset: 0, keys: 0};
for (const plot of document.querySelectorAll('.plot[tabindex]')) {
  const box = plot.getBoundingClientRect(), text = () => [...plot.querySelectorAll('text')].map(t => t.textContent).join(' '), whole = text();
  const pointer = (type, part) => plot.dispatchEvent(new PointerEvent(type, {clientX: box.left + part * box.width, clientY: box.top + 60, pointerType: 'mouse', button: 0}));
  const key = name => plot.dispatchEvent(new KeyboardEvent('keydown', {key: name}));
  const shown = () => /^(step|epoch) [\d,.]+\s+\S/.test(document.getElementById('tip').innerText);
  ++count.charts;
  pointer('pointermove', .5), count.pointer += shown(), pointer('pointerleave', 0);
  pointer('pointerdown', .02), pointer('pointermove', .99), pointer('pointerup', .99), count.zoomed += text().includes('double click');
  key('Escape'), count.reset += text() === whole;
  key('ArrowRight'), count.keys += shown(), pointer('pointerleave', 0);
}
noted.charts = JSON.stringify(count).replace(/"/g, '');
END
bytes=$(stat -c %s "$page")
((bytes < 1500000)) || fail "$page has $bytes bytes, expected less than 1,500,000"
four_pictures "$pictures/report"
both_widths

# What was drawn.
while read -r file heading; do
  compgen -G "$run/$file" >/dev/null || continue
  grep -q "<h2 id=\"$heading\"" "$work/dom.out" || fail "$file is not shown: there is no heading $heading"
done <<'END'
metrics.jsonl training
metrics.jsonl use-of-the-machine
monitor.jsonl embeddings
eval.json accuracy-of-the-features
eval.json results-by-class
finetune*.json fine-tuned-networks
retrieval.json retrieval
map.json map-of-the-features
views.png views
neighbours.json nearest-neighbours
env.json setup
END
if grep -q 'class="card problems"' "$work/dom.out"; then
  fail "$(grep -o '<ul><li>.*' <(grep -A 3 'class="card problems"' "$work/dom.out") | head -c 300)"
fi
grep -qE 'data-charts="\{charts:([0-9]+),pointer:\1,zoomed:\1,reset:\1,keys:\1\}"' "$work/dom.out" ||
  fail "charts: $(grep -oE 'data-charts="[^"]*"' "$work/dom.out"), expected five equal numbers"
[[ $failures == 0 ]] && echo "report.html: $bytes bytes, four pictures in $pictures, no console message, no request"
