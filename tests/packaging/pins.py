"""Write constraints.txt: the exact versions in some environments, without any address. Run by `./dev pins`.

Its arguments are the Pythons of the environments. Where all that have a distribution have the same version of it, the
pin is for every Python; where they do not, each version gets a pin for its Pythons alone.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_PINNED = {"assetctl", "pip", "setuptools", "uv", "wheel"}  # the project itself, and what installs it
ASK = """
import json, sys
from importlib.metadata import distributions
print(json.dumps(["%d.%d" % sys.version_info[:2], [[d.metadata["Name"], d.version] for d in distributions()]]))
"""


def installed(python: str) -> tuple[str, dict[str, str]]:
    """Return the version of a Python, and the version of each distribution in its environment."""
    said = subprocess.run([python, "-I", "-c", ASK], capture_output=True, text=True, check=True).stdout
    version, items = json.loads(said)
    return version, {name: number for name, number in items if _plain(name) not in NOT_PINNED}


def pins(environments: dict[str, dict[str, str]]) -> list[str]:
    """Return one line per pin, sorted without regard to case, from `{Python: {distribution: version}}`."""
    spelled = {_plain(name): name for names in environments.values() for name in names}
    lines = []
    for name in sorted(spelled.values(), key=str.lower):
        pythons: dict[str, list[str]] = {}
        for python, versions in environments.items():
            if name in versions:
                pythons.setdefault(versions[name], []).append(python)
        lines += [_line(name, version, which if len(pythons) > 1 else []) for version, which in pythons.items()]
    return lines


def _line(name: str, version: str, pythons: list[str]) -> str:
    marker = " or ".join(f'python_version == "{python}"' for python in pythons)
    return f"{name}=={version}{'; ' + marker if marker else ''}"


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def header(pythons: list[str]) -> str:
    return (
        f"# The exact versions the tests ran with, on Python {', '.join(pythons)}: `pip install -c constraints.txt`.\n"
        "# Written by `./dev pins`.\n"
    )


if __name__ == "__main__":
    environments = dict(installed(python) for python in sys.argv[1:] or [sys.executable])
    text = header(list(environments)) + "\n".join(pins(environments)) + "\n"
    (ROOT / "constraints.txt").write_text(text, encoding="utf-8")
