"""The project that `assetctl init` writes: small, real, and working with what is installed: in pandas, or else in Arrow.

Files are all written or none: what is there already is never touched.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from assetctl.assets.errors import Problem, ProjectError
from assetctl.cli.starter_texts import IN_ARROW, IN_PANDAS, TRIPS, Starter

_PYPROJECT = """\
[project]
name = "{name}"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["{requirement}"]

[tool.assetctl]
assets = ["pipeline.py"]
"""

_TABLE = """\
[tool.assetctl]
assets = ["pipeline.py"]
"""

_IGNORED = """\
.assetctl/
__pycache__/
"""


def starter_here() -> Starter:
    """Return the starter that runs with what is installed."""
    return IN_PANDAS if find_spec("pandas") is not None else IN_ARROW


def write_project(folder: Path, starter: Starter) -> list[Path]:
    """Write the project into a folder, making it if needed, and return the files written.

    A `pyproject.toml` without `[tool.assetctl]` and a `.gitignore` are added to.

    Raises:
        ProjectError: a file is in the way; nothing was written.
    """
    texts = {
        folder / "pyproject.toml": _pyproject(folder, starter),
        folder / "pipeline.py": starter.pipeline,
        folder / "data" / "trips.csv": TRIPS,
        folder / ".gitignore": _gitignore(folder),
    }
    in_the_way = [path for path in (folder / "pipeline.py", folder / "data" / "trips.csv") if path.exists()]
    if in_the_way:
        raise ProjectError(
            *(
                Problem(
                    "file-exists",
                    f"`{path}` is there already; nothing was written",
                    hint="choose another folder: assetctl init DIR",
                )
                for path in in_the_way
            )
        )
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(texts)


def _pyproject(folder: Path, starter: Starter) -> str:
    path = folder / "pyproject.toml"
    if not path.exists():
        name = re.sub(r"[^a-z0-9]+", "-", folder.absolute().name.lower()).strip("-") or "project"
        return _PYPROJECT.format(name=name, requirement=starter.requirement)
    there = path.read_text(encoding="utf-8")
    if re.search(r"^\s*\[\s*tool\s*\.\s*assetctl\s*\]", there, re.MULTILINE):
        raise ProjectError(
            Problem(
                "file-exists", f"`{path}` has [tool.assetctl] already; nothing was written", hint="see `assetctl ls`"
            )
        )
    return there.rstrip("\n") + "\n\n" + _TABLE


def _gitignore(folder: Path) -> str:
    path = folder / ".gitignore"
    there = path.read_text(encoding="utf-8") if path.exists() else ""
    missing = [line for line in _IGNORED.splitlines() if line not in there.splitlines()]
    return there + ("\n" if there and not there.endswith("\n") else "") + "".join(f"{line}\n" for line in missing)
