# Sourced by tests that mount small disks: `. mounted.sh NAME "$@"`, after --mounted or DYAD. Runs the test again where it
# may mount, as root or in a user namespace; exit code 77 if it may nowhere. Then sets dyad, work (removed at the end), disk
# (a folder to mount on), run, failures, trials and fail().
test_name=$1
shift
if [[ ${1:-} != --mounted ]]; then
  for names in "-m" "-rm"; do  # as root, or in a user namespace
    if unshare $names sh -c 'mount -t tmpfs -o size=4k none /mnt' 2>/dev/null; then
      exec unshare $names "$0" --mounted "$(realpath "$1")"
    fi
  done
  echo "$test_name: skipped: a tmpfs can't be mounted here, neither as root nor in a user's namespace"
  exit 77
fi
dyad=$2
work=$(mktemp -d)
disk=$work/disk run=$work/disk/run
mkdir "$disk" "$work/data"
trap 'umount "$disk" 2>/dev/null; rm -rf "$work"' EXIT
failures=0 trials=0
fail() { echo "$test_name: $*"; failures=$((failures + 1)); }
