"""Find pickles that a value holds as base64, hex or base85 text, or packed: whoever decodes one runs the project's code.

Texts are searched for how an encoded pickle begins; only what begins so is decoded.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator

from assetctl.storage.codecs.pickled_names import PACKED_STARTS, names_in_bytes

_MOST_SEARCHED = 1 << 24  # characters of one text
_SHORT = 1 << 12  # texts up to here are searched all at once: no encoding has line ends
_LEAST = 16  # characters: a shorter text names nothing
_STARTS = (*(bytes((0x80, protocol)) for protocol in (2, 3, 4, 5)), *PACKED_STARTS)


def _prefixes(encode: Callable[[bytes], bytes]) -> set[str]:
    """Return the first three characters of every text that decodes to something with one of the beginnings."""
    padded = [start[:4].ljust(3, b"\0") for start in _STARTS]
    every = [
        start[:2] + bytes((third,)) + rest for start in padded for third in range(256) for rest in (b"\0", b"\xff")
    ]
    fitting = [data for data in every if data.startswith(tuple(start[:3] for start in _STARTS))]
    texts = {encode(data)[:3].decode() for data in fitting}
    return (
        {*texts, *(text.upper() for text in texts)}
        if encode is _hex
        else {*texts, *(t.replace("/", "_") for t in texts)}
    )


def _hex(data: bytes) -> bytes:
    return data.hex().encode()


def _unescaped(text: str) -> bytes:
    return base64.b64decode(text.replace("-", "+").replace("_", "/")[: len(text) // 4 * 4])


_ENCODINGS: tuple[tuple[Callable[[bytes], bytes], str, Callable[[str], bytes]], ...] = (
    (base64.b64encode, r"[A-Za-z0-9+/_-]+", lambda run: _unescaped(run + "=" * (-len(run) % 4))),
    (_hex, r"[0-9A-Fa-f]+", lambda run: bytes.fromhex(run[: len(run) // 2 * 2])),
    (base64.b85encode, r"[0-9A-Za-z!#$%&()*+;<=>?@^_`{|}~-]+", base64.b85decode),
    (base64.a85encode, r"[!-uz]+", base64.a85decode),
)
_SEARCHES = [
    (re.compile("|".join(map(re.escape, sorted(_prefixes(encode))))), re.compile(run), decode)
    for encode, run, decode in _ENCODINGS
]


def names_in_texts(value: object) -> set[str]:
    """Return "module:qualname" of what encoded pickles in a plain value, and in its containers, refer to in the project."""
    names: set[str] = set()
    texts: list[str] = []
    for leaf in _leaves(value):
        if type(leaf) is bytes and leaf.startswith(_STARTS):
            names |= names_in_bytes(leaf)
        elif len(leaf) >= _LEAST:
            texts.append(leaf.decode("latin-1") if isinstance(leaf, bytes) else leaf)
    short = [text for text in texts if len(text) <= _SHORT]
    for text in ("\n".join(short), *(text[:_MOST_SEARCHED] for text in texts if len(text) > _SHORT)):
        for data in _decoded(text):
            names |= names_in_bytes(data)
    return names


def _leaves(value: object) -> Iterator[str | bytes]:
    waiting, known = [value], set[int]()
    while waiting:
        one = waiting.pop()
        if type(one) is str or type(one) is bytes:
            yield one
        elif isinstance(one, dict | list | tuple | set | frozenset) and id(one) not in known:
            known.add(id(one))
            waiting.extend(dict.items(one) if isinstance(one, dict) else one)


def _decoded(text: str) -> Iterator[bytes]:
    for start, run, decode in _SEARCHES:
        for at in start.finditer(text):
            encoded = run.match(text, at.start())
            if encoded is None or len(encoded.group()) < _LEAST:
                continue
            try:
                data = decode(encoded.group())
            except ValueError:
                continue
            if data.startswith(_STARTS):
                yield data
