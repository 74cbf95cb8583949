#!/usr/bin/env bash
# What `cmake --install --component program` leaves: the program, its man page and the completion scripts.
#   tests/check_install.sh BUILD PREFIX
set -euo pipefail
build=${1:?check_install: the first argument is the build folder} prefix=${2:?the second argument is a new folder}
rm -rf "$prefix"
cmake --install "$build" --component program --prefix "$prefix" >/dev/null

fail() { echo "check_install: $*" >&2; exit 1; }
"$prefix/bin/dyad" --version | grep -q '^dyad ' || fail "$prefix/bin/dyad does not print its version"
grep -q '^\.SS dyad pretrain$' "$prefix/share/man/man1/dyad.1" || fail "the man page has no section of dyad pretrain"
bash -n "$prefix/share/bash-completion/completions/dyad" || fail "bash can't read its completion script"
for file in bash-completion/completions/dyad zsh/site-functions/_dyad fish/vendor_completions.d/dyad.fish; do
  grep -q optimizer "$prefix/share/$file" || fail "share/$file has no --optimizer"
done
