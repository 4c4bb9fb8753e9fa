"""The parts of a secret value that are secret by themselves: programs take a value apart before they use it.

| a value that is               | has the parts |
|-------------------------------|---------------|
| an address with a password    | the password, as it stands there and decoded; secret words of its query |
| `key=value;…`, `key=value …`  | the values of keys that say so |
| JSON                          | every text in it that is long enough |
| base64 of text                | that text, and its parts |
| `user:password`, `Bearer …`   | what stands behind |
| several lines                 | each line that is long enough |
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from urllib.parse import unquote, unquote_plus

SHORTEST = 6  # characters; a shorter part says nothing, and occurs by chance
_SHORTEST_LINE = 8
_DEEPEST = 4
_PASSWORD = re.compile(r"://[^/\s:@]*:([^/\s]+)@")
_NAMED = re.compile(
    r"(?i)(?:[\w-]*(?:password|passwd|pwd|secret|token|signature|credential|api_?key|account_?key|access_?key)|sig|pass)"
    r"\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s;&,]+)"
)
_BEHIND = re.compile(r"(?:bearer|basic|token)\s+(\S+)|[^\s:/@]+:([^\s:/@]+)", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")


def parts_of(value: str) -> set[str]:
    """Return a value and its secret parts."""
    parts: set[str] = set()
    waiting = [(value, 0)]
    while waiting:
        text, depth = waiting.pop()
        if text and text not in parts:
            parts.add(text)
            waiting.extend((part, depth + 1) for part in _parts(text) if depth < _DEEPEST)
    return parts


def has_password(value: str) -> bool:
    """Say whether a value is an address that holds a password, or a private key, whatever it is called."""
    return _PASSWORD.search(value) is not None or "PRIVATE KEY-----" in value


def _parts(text: str) -> Iterator[str]:
    passwords = _PASSWORD.findall(text)
    for part in passwords:
        yield from (part, unquote(part))
    for part in (*_NAMED.findall(text), *(behind for both in _behind(text) for behind in both)):
        bare = part.strip("\"'")
        if len(bare) >= SHORTEST:
            yield from (bare, unquote_plus(bare))
    yield from (
        line.strip() for line in text.splitlines() if text != line.strip() and len(line.strip()) >= _SHORTEST_LINE
    )
    yield from (leaf for leaf in _texts_of_json(text) if len(leaf) >= SHORTEST)
    decoded = _from_base64(text)
    if decoded is not None and len(decoded) >= SHORTEST:
        yield decoded


def _behind(text: str) -> list[tuple[str, str]]:
    whole = _BEHIND.fullmatch(text)
    return [] if whole is None else [(whole[1] or "", whole[2] or "")]


def _texts_of_json(text: str) -> Iterator[str]:
    if not text.lstrip().startswith(("{", "[")):
        return
    try:
        waiting = [json.loads(text)]
    except (ValueError, RecursionError):
        return
    while waiting:
        match waiting.pop():
            case str(leaf):
                yield leaf
            case dict(items):
                waiting.extend(items.values())
            case list(items):
                waiting.extend(items)


def _from_base64(text: str) -> str | None:
    """Return the text that a value is the base64 of; None if it is none, or not of text."""
    if not _BASE64.fullmatch(text):
        return None
    padded = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        decoded = base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return decoded if decoded.isprintable() or "\n" in decoded else None
