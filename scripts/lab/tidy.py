#!/usr/bin/env python3
"""Runs clang-tidy on every source that the cpu preset compiles, kernels included (they are C++ there).

  scripts/lab/tidy.py [--alone] [--jobs N] [--cache FOLDER] [REGEX]      REGEX: only the sources whose path matches

It reads a folder's sources as one file, as the compiler does (cmake/CompileByFolder.cmake): a third of the time, most
of which goes into headers. --alone reads each source alone. That also finds a source that lacks an #include.

A source that was clean is not checked again until something that clang-tidy reads has changed: the source, a header
of ours that it includes, its compile command, .clang-tidy, clang-tidy itself, or an installed -dev package. The cache
is one empty file per clean result, by default in $CCACHE_DIR/clang-tidy, and without CCACHE_DIR in
~/.cache/ccache/clang-tidy. Findings are never cached. Exit code 1 if there are findings.
"""
import argparse
import functools
import hashlib
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/tidy"
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)


def configure(alone):
    for command in (["cmake", "--preset", "cpu", "-B", BUILD, f"-DDYAD_UNITY={'OFF' if alone else 'ON'}"],
                    ["cmake", "--build", BUILD, "--target", "code_of_pages"]):  # headers that tests include
        done = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            sys.exit(f"tidy: {' '.join(map(str, command))} failed:\n{done.stdout}")
    # the sources extracted from pages are checked as part of the tests that include them
    return [c for c in json.loads((BUILD / "compile_commands.json").read_text())
            if Path(c["file"]).is_relative_to(ROOT) and (folder_file(c) or not Path(c["file"]).is_relative_to(BUILD))]


def folder_file(command):
    """Whether the command compiles a file of CMake's that includes a folder's sources."""
    return Path(command["file"]).parent.name == "Unity"


def sources_of(command):
    path = Path(command["file"])
    return sorted(read(path)[1]) if folder_file(command) else [path]


@functools.lru_cache(maxsize=None)
def read(path):
    """The hash of a file, and the files of ours that it includes."""
    data = path.read_bytes()
    named = INCLUDE.findall(data.decode("utf-8", "replace"))
    found = {p for name in named for p in (ROOT / name, path.parent / name) if p.is_file()}
    return hashlib.sha256(data.replace(str(ROOT).encode(), b"")).hexdigest(), found


def read_by(source):
    """Every file of ours that compiling `source` reads, sorted."""
    seen, todo = set(), [source]
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo.extend(read(path)[1])
    return sorted(seen)


def environment():
    version = subprocess.run(["clang-tidy", "--version"], check=True, capture_output=True, text=True).stdout
    packages = subprocess.run(["dpkg-query", "-W", "*-dev", "clang*"], capture_output=True, text=True).stdout
    return version + packages + (ROOT / ".clang-tidy").read_text()


def key_of(command, shared):
    text = command["command"].replace(str(ROOT), "") + shared
    generated = [f for folder in re.findall(rf"-I({BUILD}\S*)", command["command"]) for f in Path(folder).rglob("*.h")]
    for path in read_by(Path(command["file"])) + sorted(generated):
        text += f"{path.relative_to(ROOT)} {read(path)[0]}\n"
    return hashlib.sha256(text.encode()).hexdigest()


def check(number, command):
    """The output of clang-tidy for one compile command, or "" if the source is clean."""
    database = BUILD / f"commands/{number}"  # of one command: clang-tidy runs all commands of a file
    database.mkdir(parents=True, exist_ok=True)
    (database / "compile_commands.json").write_text(json.dumps([command]))
    checks = ["--checks=-bugprone-suspicious-include"] if folder_file(command) else []  # it includes sources
    done = subprocess.run(["clang-tidy", "-p", database, "--quiet", *checks, command["file"]], cwd=ROOT, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout if done.returncode else ""


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ccache = os.environ.get("CCACHE_DIR", Path.home() / ".cache/ccache")
    p.add_argument("--cache", type=Path, default=Path(ccache) / "clang-tidy")
    p.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--alone", action="store_true")
    p.add_argument("regex", nargs="?", default="")
    args = p.parse_args()
    commands = [c for c in configure(args.alone)
                if any(re.search(args.regex, str(f.relative_to(ROOT))) for f in sources_of(c))]
    if not commands:
        sys.exit(f"tidy: no source matches {args.regex}")
    shared = environment()
    args.cache.mkdir(parents=True, exist_ok=True)
    keys = [args.cache / key_of(c, shared) for c in commands]
    todo = [n for n, key in enumerate(keys) if not key.exists()]
    findings = set()
    with ThreadPoolExecutor(args.jobs) as pool:
        for n, output in zip(todo, pool.map(lambda n: check(n, commands[n]), todo)):
            if not output:
                keys[n].touch()
            elif output not in findings:
                findings.add(output)
                print(output, flush=True)
    print(f"note: clang-tidy checked {len(todo)} of {len(commands)} compile commands; the others were clean before")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
