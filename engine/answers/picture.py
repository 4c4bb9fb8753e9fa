"""Write the lineage picture in one of its formats, as bytes."""

from __future__ import annotations

import json
from pathlib import Path

from assetctl.assets.errors import Problem, SelectionError
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


def chosen_format(form: str | None, path: Path | None) -> str:
    """Return the format that was asked for, by its name or by a file's; text if by neither.

    Raises:
        SelectionError: the file ends in something that a picture is not written as, or in another picture's format.
    """
    if path is None or (form is not None and not path.suffix):
        return form or "text"
    if form is None:
        return format_of(path)
    by_name = _BY_SUFFIX.get(path.suffix.lower())
    if by_name != form and (form in DRAWN or by_name in DRAWN):
        raise SelectionError(
            Problem("contradicting-options", f"`{path.name}` is no name for {form}", hint="give one of them")
        )
    return form


def format_of(path: Path) -> str:
    """Return the format that a file's name asks for; text, if it has no ending.

    Raises:
        SelectionError: it ends in something that a picture is not written as.
    """
    form = _BY_SUFFIX.get(path.suffix.lower()) if path.suffix else "text"
    if form is None:
        raise SelectionError(
            Problem(
                "unfit-ending",
                f"a picture cannot be written as `{path.suffix}`",
                (("endings", ", ".join(_BY_SUFFIX)),),
                "name a file with one of these endings, or choose with --format",
            )
        )
    return form


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
