"""Replace secret values in text with `***`, in every form in which programs write them.

`engine/secrets/secret_values.py` decides which values are secret. A value of one to three
characters is replaced only where it stands alone: it occurs by chance in any text.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from assetctl.engine.secrets.parts import parts_of

MASK = "***"
_SHORT = 4  # characters; what is shorter is masked only as a word of its own


class Mask:
    """The forms of some secret values. A mask without any is false, so that callers can skip the work."""

    def __init__(self, values: Iterable[str]) -> None:
        texts = {form for value in values if value for form in forms_of(value)}
        self._long = sorted((text for text in texts if len(text) >= _SHORT), key=len, reverse=True)
        short = sorted((text for text in texts if len(text) < _SHORT), key=len, reverse=True)
        self._short = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, short))})(?!\w)") if short else None
        self._bytes = [text.encode("utf-8", "surrogateescape") for text in self._long]
        self._beginnings = {form[:n] for form in self._bytes for n in range(1, len(form))}
        self._longest = max(map(len, self._bytes), default=0)

    def __bool__(self) -> bool:
        return bool(self._long or self._short)

    def text(self, text: str) -> str:
        """Return a text without the secrets."""
        for secret in self._long:
            text = text.replace(secret, MASK)
        return self._short.sub(MASK, text) if self._short else text

    def written(self, data: bytes) -> bytes:
        """Return output without the secrets; short ones are looked for only where it is text."""
        for secret in self._bytes:
            data = data.replace(secret, MASK.encode())
        if self._short is None:
            return data
        return self._short.sub(MASK, data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def n_held_back(self, data: bytes) -> int:
        """Return how many bytes at the end of unfinished output may be the beginning of a secret."""
        for n in range(min(self._longest - 1, len(data)), 0, -1):
            if data[-n:] in self._beginnings:
                return n
        return 0


def forms_of(value: str) -> set[str]:
    """Return a value and its parts as they are, and as URLs, JSON, Python, HTML, hex and base64 (at any place) write them."""
    return {form for part in parts_of(value) for form in _encodings(part)}


def _encodings(value: str) -> Iterable[str]:
    yield value
    if len(value) < _SHORT:
        return
    raw = value.encode("utf-8", "surrogateescape")
    yield from (quote(raw, safe=""), quote(raw), quote_plus(raw))
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1])
    yield from (html.escape(value), raw.hex(), raw.hex().upper(), repr(raw)[2:-1])
    for plain in (base64.b64encode(raw), base64.urlsafe_b64encode(raw)):
        yield plain.decode().rstrip("=")
    for n_before in range(3):  # as part of something longer
        whole = base64.b64encode(b"\0" * n_before + raw).decode()
        first = (n_before * 8 + 5) // 6
        last = (n_before + len(raw)) * 8 // 6
        if last - first >= _SHORT:
            yield from (whole[first:last], whole[first:last].translate(str.maketrans("+/", "-_")))
