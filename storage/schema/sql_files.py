"""The SQL files that lie in this folder, as text: the tables of both databases, and the views."""

from __future__ import annotations

from pathlib import Path


def sql_text(name: str) -> str:
    """Return the text of one of these files."""
    return Path(__file__).with_name(name).read_text("utf-8")
