"""Write the lineage picture in one of its formats, as bytes."""

from __future__ import annotations

import json
from pathlib import Path

from assetctl.engine.answers.draw import render
from assetctl.lineage.pictures.drawing import LineageView

FORMATS = ("text", "svg", "png", "dot", "mermaid", "json")
DRAWN = frozenset(["svg", "png"])
"""Formats that a layout program draws; the others need none, and are text."""

_BY_SUFFIX = {
    ".svg": "svg",
    ".png": "png",
    ".dot": "dot",
    ".gv": "dot",
    ".mmd": "mermaid",
    ".json": "json",
    ".txt": "text",
}


def format_of(path: Path) -> str:
    """Return the format that a file's name asks for; text, if it says nothing."""
    return _BY_SUFFIX.get(path.suffix.lower(), "text")


def picture(view: LineageView, form: str) -> bytes:
    """Return the picture in one of `FORMATS`.

    Raises:
        EnvironmentFault: svg or png cannot be drawn on this machine.
    """
    match form:
        case "dot":
            return view.to_dot().encode()
        case "mermaid":
            return view.to_mermaid().encode()
        case "json":
            return (json.dumps(view.to_json(), indent=2) + "\n").encode()
        case "text":
            return view.to_text().encode()
        case _:
            return render(view.to_dot(), form)
