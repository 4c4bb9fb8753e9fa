"""The texts that the code can say, read from its source: what is in backquotes there can be typed or written.

Where a text has a gap that is filled when it is said, the expression stands there between `GAP`s; if the code says
itself what may come there, the text appears once for each.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path

from tests.e2e.pages import ROOT

FOLDERS = ("assets", "lineage", "storage", "engine", "integrations", "cli")
QUOTED = re.compile(r"`([^`\n]+)`")
GAP = "\0"
_MOST_WAYS = 64  # to fill the gaps of one text


@dataclass(frozen=True)
class Text:
    """One text, and where it is written."""

    where: str
    words: str

    @property
    def quoted(self) -> list[str]:
        """What stands in backquotes."""
        return QUOTED.findall(self.words)


def texts() -> Iterator[Text]:
    """Yield the texts of all code but docstrings."""
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield from _texts_in(file)


def _texts_in(file: Path) -> Iterator[Text]:
    tree = ast.parse(file.read_text())
    skipped = _docstrings(tree) | _parts_of_texts(tree)
    for node in ast.walk(tree):
        if id(node) not in skipped and isinstance(node, ast.JoinedStr | ast.Constant):
            for words in _ways(node):
                yield Text(f"{file.relative_to(ROOT)}:{node.lineno}", words)


def _docstrings(tree: ast.Module) -> set[int]:
    owners = [n for n in ast.walk(tree) if isinstance(n, ast.Module | ast.ClassDef | ast.FunctionDef)]
    firsts = [owner.body[0] for owner in owners if owner.body]
    return {id(first.value) for first in firsts if isinstance(first, ast.Expr)}


def _parts_of_texts(tree: ast.Module) -> set[int]:
    return {id(part) for text in ast.walk(tree) if isinstance(text, ast.JoinedStr) for part in text.values}


def _ways(node: ast.expr) -> list[str]:
    """Return the texts that an expression may give."""
    match node:
        case ast.Constant(value=str(words)):
            return [words]
        case ast.Constant(value=value):
            return [] if value is None else [str(value)]
        case ast.JoinedStr(values=parts):
            ways = product(*(_ways(part) for part in parts))
            return ["".join(words) for words in islice(ways, _MOST_WAYS)]
        case ast.FormattedValue(value=value):
            return _ways(value)
        case ast.IfExp(body=body, orelse=other):
            return _ways(body) + _ways(other)
    return [f"{GAP}{ast.unparse(node)}{GAP}"]
