"""Print every cost as a ratio to its floor: `./dev bench`, or `./dev bench hashing noop` for some."""

from __future__ import annotations

import importlib
import os
import platform
import sys

SUITES = ["startup", "noop", "overhead", "watching", "hashing", "identity"]


def main(wanted: list[str]) -> int:
    unknown = sorted(set(wanted) - set(SUITES))
    if unknown:
        print(f"error: no suite {', '.join(unknown)}\nhint: there are {', '.join(SUITES)}", file=sys.stderr)
        return 2
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}")
    for suite in wanted or SUITES:
        print(f"\n{suite}")
        for row in importlib.import_module(suite).rows():
            print(f"  {row}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
