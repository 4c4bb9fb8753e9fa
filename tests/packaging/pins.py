"""Write constraints.txt: the exact versions in this environment, without any address. Run by `./dev pins`."""

from __future__ import annotations

import re
from importlib.metadata import distributions
from pathlib import Path

HEADER = """\
# The exact versions the tests ran with, on Python 3.11: `pip install -c constraints.txt`.
# Written by `./dev pins`.
"""
NOT_PINNED = {"assetctl", "pip", "setuptools", "uv", "wheel"}  # the project itself, and what installs it


def pins() -> list[str]:
    """Return `name==version` of every installed distribution, sorted without regard to case."""
    found = {(item.metadata["Name"], item.version) for item in distributions()}
    kept = {(name, version) for name, version in found if re.sub(r"[-_.]+", "-", name).lower() not in NOT_PINNED}
    return [f"{name}=={version}" for name, version in sorted(kept, key=lambda pin: (pin[0].lower(), pin[1]))]


if __name__ == "__main__":
    Path(__file__).parents[2].joinpath("constraints.txt").write_text(HEADER + "\n".join(pins()) + "\n")
