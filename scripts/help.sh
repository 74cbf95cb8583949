# Sourced first by every script: with --help as the first argument, prints the script's header and ends.
if [[ ${1:-} == --help || ${1:-} == -h ]]; then
  sed -n '2,${/^#/!q;s/^# \{0,1\}//p}' "$0"
  exit 0
fi
