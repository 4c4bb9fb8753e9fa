"""What reading a name from outside is: which name, how it is used, what it is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from assetctl.lineage.identity.code.syntax import Reading


@dataclass(frozen=True, slots=True)
class Import:
    """What a local import binds: a module, or (with `attribute`) a name in it."""

    module: str
    attribute: str = ""
    level: int = 0


@dataclass(frozen=True, slots=True)
class Key:
    """A name used to look something up: constant text, or a chain of names that may hold it."""

    text: str | None = None
    chain: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """One read of an outside name and of attributes from it.

    `use` is "value", "call" (it is called), "item" (subscripted), "member" (`key in it`),
    "getattr" (asked for the attribute `key`), "namespace" (`globals()[key]`) or "import" (a
    local import itself). `key` is the constant or name it is asked for, None if computed.
    `after` are attributes taken from a call's result. `imported` is given when the name
    is bound by a local import.
    """

    chain: tuple[str, ...]
    line: int
    use: str = "value"
    key: Key | None = None
    after: tuple[str, ...] = ()
    imported: Import | None = None
    is_annotation: bool = False


@dataclass(frozen=True, slots=True)
class Reads:
    """Everything read from outside, in no particular order, and which texts are read as values."""

    names: tuple[Read, ...]
    reading: Reading
