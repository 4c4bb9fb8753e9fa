"""Where within a value a change lies: the canonical texts of two config values, compared part by part."""

from __future__ import annotations

import ast
import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_SHOWN = 40  # characters of a value
_BEFORE = 12  # of them, what stands before the first difference


@dataclass(frozen=True, slots=True)
class Change:
    """One named thing with its old and new text; None where it did not exist."""

    name: str
    old: str | None
    new: str | None


def inside(change: Change) -> tuple[Change, ...]:
    """Return the parts of a value that differ, each named by its path; the change itself, if it has no parts.

    >>> inside(Change("p", '{"lr": 1, "f": [1, 3]}', '{"lr": 1, "f": [1, 4], "n": 2}'))
    (Change(name='p.f[1]', old='3', new='4'), Change(name='p.n', old=None, new='2'))
    """
    if change.old is None or change.new is None:
        return (change,)
    try:
        old, new = (ast.parse(text, mode="eval").body for text in (change.old, change.new))
        parts = tuple(_differing(change.name, _Part(old, change.old), _Part(new, change.new)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # no text of ours, or one too deep to be read so
        return (change,)
    return parts or (change,)


def shown(change: Change) -> str:
    """Return a change in a few words: `name old → new`, of long texts what is around the first difference."""
    old, new = change.old, change.new
    if old is None or new is None or max(len(old), len(new)) <= _SHOWN:
        return f"{change.name} {_cut(old)} → {_cut(new)}"
    first = next(
        (n for n, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), min(len(old), len(new))
    )
    start = max(0, first - _BEFORE)
    return f"{change.name} {_window(old, start)} → {_window(new, start)}"


@dataclass(frozen=True, slots=True)
class _Part:
    node: ast.expr
    whole: str

    @property
    def text(self) -> str:
        return ast.get_source_segment(self.whole, self.node) or ""

    def of(self, node: ast.expr) -> _Part:
        return _Part(node, self.whole)


def _differing(name: str, old: _Part, new: _Part) -> Iterator[Change]:
    match old.node, new.node:
        case ast.Dict(), ast.Dict():
            yield from _in_dicts(name, _items(old), _items(new))
        case (ast.List(was), ast.List(now)) | (ast.Tuple(was), ast.Tuple(now)):
            yield from _in_lists(name, [old.of(node) for node in was], [new.of(node) for node in now])
        case _:
            if old.text != new.text:
                yield Change(name, old.text, new.text)


def _items(part: _Part) -> dict[str, _Part]:
    assert isinstance(part.node, ast.Dict)
    pairs = zip(part.node.keys, part.node.values, strict=True)
    return {part.of(key).text: part.of(value) for key, value in pairs if key is not None}


def _in_dicts(name: str, old: dict[str, _Part], new: dict[str, _Part]) -> Iterator[Change]:
    for key in dict.fromkeys((*new, *old)):
        yield from _in_pair(f"{name}{_step(key)}", old.get(key), new.get(key))


def _in_lists(name: str, old: Sequence[_Part], new: Sequence[_Part]) -> Iterator[Change]:
    matcher = difflib.SequenceMatcher(None, [p.text for p in old], [p.text for p in new], autojunk=False)
    for what, from_, to, start, end in matcher.get_opcodes():
        if what == "equal":
            continue
        was, now = list(old[from_:to]), list(new[start:end])
        for place in range(max(len(was), len(now))):
            number = start + place if place < len(now) else from_ + place
            before, after = (part[place] if place < len(part) else None for part in (was, now))
            yield from _in_pair(f"{name}[{number}]", before, after)


def _in_pair(name: str, old: _Part | None, new: _Part | None) -> Iterator[Change]:
    if old is not None and new is not None:
        yield from _differing(name, old, new)
    else:
        yield Change(name, old.text if old else None, new.text if new else None)


def _step(key: str) -> str:
    try:
        name = json.loads(key)
    except ValueError:
        return f"[{key}]"
    return f".{name}" if isinstance(name, str) and name.isidentifier() else f"[{key}]"


def _cut(text: str | None) -> str:
    if text is None:
        return "(none)"
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _window(text: str, start: int) -> str:
    piece = text[start : start + _SHOWN - 6]
    return f"{'...' if start else ''}{piece}{'...' if start + len(piece) < len(text) else ''}"
