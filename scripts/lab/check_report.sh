#!/usr/bin/env bash
# Opens a run's report.html in headless Chromium, at the width of a phone and of a desktop, light and dark. Checks that
# each part of the page for which the run has a file is drawn, that there is no console message, no network request and
# no element wider than the screen, and that the file is smaller than 1.5 MB. Saves the four screenshots.
#   scripts/lab/check_report.sh RUN [FOLDER]      needs Debian's chromium; exit code 77 without it
set -euo pipefail
. "$(dirname "$0")/../help.sh"
[[ $# -ge 1 ]] || { echo "usage: scripts/lab/check_report.sh RUN [FOLDER]" >&2; exit 2; }
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
  { echo "check_report: skipped: chromium not found"; exit 77; }
run=$(cd "$1" && pwd) pictures=${2:-$1}
page=$run/report.html
[[ -s $page ]] || { echo "check_report: $page not found or empty" >&2; exit 1; }
bytes=$(stat -c %s "$page")
((bytes < 1500000)) || { echo "check_report: $page has $bytes bytes, expected less than 1,500,000" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$pictures"
failures=0
fail() { echo "check_report: $*" >&2; failures=$((failures + 1)); }

# The page, which also notes its width and that of its content, and in how many charts the pointer and the keys show
# values, a drag zooms and Escape resets.
cp "$page" "$work/page.html"
cat >>"$work/page.html" <<'END'
<script>
const noted = document.body.dataset, count = {charts: 0, pointer: 0, zoomed: 0, reset: 0, keys: 0};
noted.widths = `${innerWidth} ${document.documentElement.scrollWidth}`;
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
</script>
END
headless() {  # LOG FLAGS...
  local log=$1
  shift
  timeout 120 "$chromium" --headless=new --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$work/profile" \
    --enable-logging=stderr --log-level=0 --host-resolver-rules='MAP * ~NOTFOUND' "$@" "file://$work/page.html" \
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

# What was drawn, at either width.
for width in 390 1280; do
  headless "$work/dom" --window-size="$width,6000" --dump-dom
  grep -q "data-widths=\"\([0-9]*\) \1\"" "$work/dom.out" ||
    fail "at $width pixels: $(grep -o 'data-widths="[^"]*"' "$work/dom.out"), expected two equal widths"
done
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
map.json map-of-the-features
views.png views
neighbours.json nearest-neighbours
env.json setup
END
if grep -q 'class="card problems"' "$work/dom.out"; then
  fail "$(grep -o '<ul><li>.*' <(grep -A 3 'class="card problems"' "$work/dom.out") | head -c 300)"
fi
if grep -q 'CONSOLE' "$work/dom"; then fail "with the pointer: $(grep -m 1 CONSOLE "$work/dom")"; fi
grep -qE 'data-charts="\{charts:([0-9]+),pointer:\1,zoomed:\1,reset:\1,keys:\1\}"' "$work/dom.out" ||
  fail "charts: $(grep -oE 'data-charts="[^"]*"' "$work/dom.out"), expected five equal numbers"
# the page may request only data URIs
if grep -oE '(src|href)="[^"]{0,40}' "$work/dom.out" | grep -vq '="data:'; then
  fail "asks for $(grep -oE '(src|href)="[^"]{0,40}' "$work/dom.out" | grep -v '="data:' | head -n 1)"
fi
[[ $failures == 0 ]] && echo "report.html: $bytes bytes, four pictures in $pictures, no console message, no request"
