"""What is declared has an asset key, what is materialized a target: parsed once at the edge, trusted everywhere else."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NoReturn, Self

from assetctl.assets.errors import DeclarationError, Problem

_SEGMENT = re.compile(r"[A-Za-z0-9_.-]+")
_MAX_LENGTH = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


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
                    hint="use the letters a to z and A to Z, digits, `_`, `.` and `-`, with `/` between segments",
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


class PartitionKey(str):
    """The name of one partition of an asset: 1 to 200 characters, no control characters among them.

    Raises:
        DeclarationError: the text is not a partition key; the message says which rule it breaks.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if isinstance(text, cls):
            return text
        flaw = _partition_flaw(text)
        if flaw is not None:
            raise DeclarationError(Problem("bad-partition-key", f"{text!r} is not a partition key: {flaw}"))
        return super().__new__(cls, text)


class Target(str):
    """What is materialized: an asset, or one partition of it.

    Its text is how people write it, `features` or `features[2013-03]`; targets are equal,
    and ordered, by that text. `partition_key` is None for an asset that has no partitions.
    """

    __slots__ = ("asset", "partition_key")
    asset: AssetKey
    partition_key: PartitionKey | None

    def __new__(cls, asset: AssetKey, partition: PartitionKey | None = None) -> Self:
        made = super().__new__(cls, asset if partition is None else f"{asset}[{partition}]")
        object.__setattr__(made, "asset", asset)
        object.__setattr__(made, "partition_key", partition)
        return made

    @classmethod
    def parse(cls, text: str) -> Target:
        """Return the target that a text stands for: the partition is what stands between the first `[` and a last `]`.

        Raises:
            DeclarationError: the asset or the partition is no key.
        """
        asset, bracket, partition = text.partition("[")
        if not bracket or not partition.endswith("]"):
            return whole(AssetKey(text))
        return cls(AssetKey(asset), PartitionKey(partition[:-1]))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a target does not change: `{name}` cannot be set")

    def __reduce__(self) -> tuple[type[Target], tuple[AssetKey, PartitionKey | None]]:
        return type(self), (self.asset, self.partition_key)


@lru_cache(maxsize=1 << 17)
def whole(asset: AssetKey) -> Target:
    """Return the target of an asset without partitions."""
    return Target(asset)


def _partition_flaw(text: str) -> str | None:
    if not text:
        return "it is empty"
    if len(text) > _MAX_LENGTH:
        return f"it has {len(text)} characters, at most {_MAX_LENGTH} are allowed"
    return "it holds a control character" if _CONTROL.search(text) else None


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
            return f"segment {segment!r} has other characters than the letters a to z, digits, `_`, `.`, `-`"
    return None
