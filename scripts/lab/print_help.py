"""Imported before anything else by scripts that need packages: --help prints the script's docstring and ends."""

import sys

if sys.argv[1:2] in (["--help"], ["-h"]):
    print(sys.modules["__main__"].__doc__.strip())
    sys.exit()
