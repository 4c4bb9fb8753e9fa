"""Documents that need no project: an error, the release, a new project. An error must not cost the import of a store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assetctl.assets.errors import Problem


def init_json(folder: Path, files: Sequence[Path]) -> dict[str, Any]:
    """Return what was written for a new project as schema `assetctl.init/1`."""
    return {"schema": "assetctl.init/1", "folder": str(folder), "files": [str(path) for path in files]}


def version_json(version: str, python: str, platform: str) -> dict[str, Any]:
    """Return the release, and what it runs on, as schema `assetctl.version/1`."""
    return {"schema": "assetctl.version/1", "version": version, "python": python, "platform": platform}


def error_json(problems: Sequence[Problem], exit_code: int) -> dict[str, Any]:
    """Return what went wrong as schema `assetctl.error/1`."""
    return {
        "schema": "assetctl.error/1",
        "exit_code": exit_code,
        "problems": [{"code": p.code, "message": p.message, "facts": dict(p.facts), "hint": p.hint} for p in problems],
    }
