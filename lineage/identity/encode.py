"""Framed hashing: the one encoding beneath every digest.

A digest begins with the name of its format ("fp/1", "av/1", ...). Every field is a
type tag, its length as eight bytes (little endian) and its bytes, so no two different
sequences of fields give the same stream: ("ab", "c") and ("a", "bc") differ, and so do
1, True, 1.0 and "1". Collections write their length first. BLAKE3 throughout.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Self

from blake3 import blake3

from assetctl.lineage.facts.records import Digest

Buffer = bytes | bytearray | memoryview
PREFIX = "b3:"
LENGTH = struct.Struct("<Q")
_DOUBLE = struct.Struct("<d")
_SMALL = 4096  # bytes of a field worth joining to others before they are hashed
_MOST_WAITING = 1000


def digest_bytes(data: Buffer) -> Digest:
    """Return the plain BLAKE3 digest of bytes, as `b3:hex`; any b3sum tool gives the same."""
    return Digest(PREFIX + blake3(data).hexdigest())


def field_bytes(tag: bytes, payload: bytes) -> bytes:
    """Return one field as `Framed` writes it."""
    return tag + LENGTH.pack(len(payload)) + payload


class Framed:
    """An incremental, framed hash. Methods return self, so that calls chain."""

    __slots__ = ("_hasher", "_waiting")

    def __init__(self, format_name: str) -> None:
        self._hasher = blake3()
        self._waiting: list[bytes] = []
        self._field(b"F", format_name.encode())

    def _field(self, tag: bytes, payload: Buffer) -> None:
        if type(payload) is bytes and len(payload) < _SMALL:
            waiting = self._waiting
            waiting += (tag, LENGTH.pack(len(payload)), payload)
            if len(waiting) > _MOST_WAITING:
                self._flush()
            return
        view = memoryview(payload).cast("B")
        self._waiting += (tag, LENGTH.pack(len(view)))
        self._flush()
        self._hasher.update(view)

    def _flush(self) -> None:
        """Hash what waits: one call for many small fields."""
        self._hasher.update(b"".join(self._waiting))
        self._waiting.clear()

    def tag(self, name: str) -> Self:
        """Write which kind of thing follows."""
        self._field(b"T", name.encode())
        return self

    def text(self, text: str) -> Self:
        """Write a string (lone surrogates included)."""
        self._field(b"s", text.encode("utf-8", "surrogatepass"))
        return self

    def raw(self, data: Buffer) -> Self:
        """Write bytes of a contiguous buffer."""
        self._field(b"b", data)
        return self

    def none(self) -> Self:
        self._field(b"N", b"")
        return self

    def boolean(self, value: bool) -> Self:
        self._field(b"?", b"\1" if value else b"\0")
        return self

    def integer(self, value: int) -> Self:
        """Write an integer of any size."""
        self._field(b"i", value.to_bytes((value.bit_length() + 8) // 8, "little", signed=True))
        return self

    def floating(self, value: float) -> Self:
        """Write a double; every NaN is the same, -0.0 and 0.0 differ."""
        self._field(b"f", _DOUBLE.pack(float("nan") if value != value else value))
        return self

    def length(self, n: int) -> Self:
        """Write how many items of a collection follow."""
        self._field(b"L", LENGTH.pack(n))
        return self

    def child(self, digest: str) -> Self:
        """Write another digest."""
        self._field(b"D", digest.encode())
        return self

    def hexdigest(self) -> Digest:
        """Return the digest of everything written so far, as `b3:hex`."""
        self._flush()
        return Digest(PREFIX + self._hasher.hexdigest())

    def raw_digest(self) -> bytes:
        """Return the 32 bytes of the digest of everything written so far."""
        self._flush()
        return self._hasher.digest()


def digest_mapping(format_name: str, mapping: Mapping[str, str | None]) -> Digest:
    """Return the digest of a mapping of ours; its order does not count."""
    out = Framed(format_name).length(len(mapping))
    for name in sorted(mapping):
        value = mapping[name]
        out.text(name)
        out.none() if value is None else out.text(value)
    return out.hexdigest()
