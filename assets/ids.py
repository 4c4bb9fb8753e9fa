"""Asset keys: parsed once at the edge, trusted everywhere else."""

from __future__ import annotations

import re
from typing import Self

from assetctl.assets.errors import DeclarationError, Problem

_SEGMENT = re.compile(r"[A-Za-z0-9_.-]+")
_MAX_LENGTH = 200


class AssetKey(str):
    """The name of an asset: segments of `[A-Za-z0-9_.-]+` joined by `/`.

    A segment holds no `__` (in function and parameter names `__` stands for `/`) and
    is not `.` or `..`, so that a key is always a safe relative path.

    Raises:
        DeclarationError: the text is not a key; the message says which rule it breaks.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if isinstance(text, cls):
            return text
        flaw = _flaw(text)
        if flaw is not None:
            raise DeclarationError(
                Problem(
                    "bad-asset-key",
                    f"{text!r} is not an asset key: {flaw}",
                    hint="use letters, digits, `_`, `.` and `-`, with `/` between segments",
                )
            )
        return super().__new__(cls, text)

    @classmethod
    def from_name(cls, name: str) -> AssetKey:
        """Return the key a Python name stands for: `__` means `/`."""
        return cls(name.replace("__", "/"))

    @property
    def name(self) -> str:
        """The Python name that stands for this key: `/` becomes `__`."""
        return self.replace("/", "__")


def _flaw(text: str) -> str | None:
    if not text:
        return "it is empty"
    if len(text) > _MAX_LENGTH:
        return f"it has {len(text)} characters, at most {_MAX_LENGTH} are allowed"
    for segment in text.split("/"):
        if not segment:
            return "it has an empty segment"
        if segment in {".", ".."}:
            return f"a segment may not be `{segment}`"
        if "__" in segment:
            return "a segment may not contain `__`"
        if not _SEGMENT.fullmatch(segment):
            return f"segment {segment!r} has other characters than letters, digits, `_`, `.`, `-`"
    return None
