"""What a codec is: it writes values of some types to a stream, and reads fresh values from the bytes.

A codec never decides whether it may be used: the data store checks that decoding gives
the same data version back, unless the codec says its kind of value cannot be lossy.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol


class NotEncodable(Exception):
    """A codec cannot store this value; the message is shown to people."""


class Undecodable(Exception):
    """The bytes are not what this codec writes; the message is shown to people."""


class Untrusted(Exception):
    """Bytes that would run code when decoded do not come from this project's own journal."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Encoded bytes, verified: in a file, or in memory. `trusted`: this project wrote them."""

    path: Path | None = None
    data: bytes | None = None
    trusted: bool = False

    def read(self) -> bytes:
        """Return all bytes."""
        if self.data is not None:
            return self.data
        assert self.path is not None
        return self.path.read_bytes()

    def arrow_source(self) -> Any:
        """Return the bytes as Arrow reads them. Not mapped: a disk that fails would then kill the process."""
        import pyarrow as pa

        if self.path is None:
            return pa.BufferReader(self.data)
        return pa.OSFile(str(self.path))


class Codec(Protocol):
    """One way to store values; the name carries its version ("parquet/1")."""

    @property
    def name(self) -> str: ...

    @property
    def extension(self) -> str:
        """What a file of these bytes is called (".parquet")."""
        ...

    @property
    def may_inline(self) -> bool:
        """Whether small values may be kept inside the record."""
        ...

    def takes(self, value: object) -> bool:
        """Say from its type alone whether a value may fit."""
        ...

    def encode(self, value: Any, sink: BinaryIO) -> None:
        """Write a value.

        Raises:
            NotEncodable: it does not fit after all.
        """
        ...

    def decode(self, stored: Encoded, kind: str, columns: tuple[str, ...]) -> Any:
        """Return a fresh value of the recorded kind; of a table, only the named columns in that order."""
        ...

    def is_lossless(self, value: Any) -> bool:
        """Say whether tests prove that this value, once encoded, decodes to the same data version."""
        ...


def is_refusal(raised: BaseException) -> bool:
    """Say whether what a library raised means that it cannot do it: no cancelling, no exit, no memory that ran out.

    Libraries written in Rust raise their panics outside of `Exception`.
    """
    is_panic = type(raised).__name__ == "PanicException"
    return (isinstance(raised, Exception) or is_panic) and not isinstance(raised, MemoryError)


def said(raised: BaseException) -> str:
    """Return what an exception says, on one line; its own `__str__` may raise too."""
    try:
        return " ".join(str(raised).split()) or "it says nothing more"
    except Exception:  # noqa: BLE001  a person's or library's class may do anything
        return "it cannot say what is wrong"
