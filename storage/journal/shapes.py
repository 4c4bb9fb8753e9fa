"""Check that a fact read from the journal holds what its class says, down to the last item.

A line can be whole and still not be a fact of ours: written by another program, or by a
release with a mistake. One text where a number belongs would fail the fold of everything
else, in every command from then on; checked here, it costs its own line. Checks are put
together once for each class, from its annotations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from enum import Enum
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from assetctl.lineage.facts import records
from assetctl.lineage.facts.records import BlobDigest, Fact
from assetctl.lineage.identity.encode import PREFIX

_GREATEST = 2**63
_HEX = frozenset("0123456789abcdef")
_DIGEST_LENGTH = len(PREFIX) + 64
_MAPPINGS = (dict, MappingProxyType)
_Check = Callable[[Any], bool]


def require_shape(fact: Fact) -> Fact:
    """Return the fact if every field is of its type.

    Raises:
        TypeError: one is not; the message names it.
    """
    kind: Any = type(fact)
    for name, fits in _fields(kind):
        if not fits(getattr(fact, name)):
            raise TypeError(f"`{name}` is of another type")
    return fact


def is_blob_digest(value: object) -> bool:
    """Return whether a value is a whole digest: it becomes a path, and must not lead out of the store."""
    return type(value) is str and len(value) == _DIGEST_LENGTH and value[:3] == PREFIX and _HEX.issuperset(value[3:])


@cache
def _fields(kind: Any) -> tuple[tuple[str, _Check], ...]:
    hints = get_type_hints(kind, localns=vars(records))  # where the names of all facts are
    return tuple((name, _check(hint)) for name, hint in hints.items())


@cache
def _check(hint: Any) -> _Check:
    """Return the check for an annotation."""
    if hint is Any:
        return lambda _value: True
    if hint is BlobDigest:
        return is_blob_digest
    if hasattr(hint, "__supertype__"):  # a digest or an id: it is looked up, so it has to be whole text
        return lambda value: type(value) is str and (value.isascii() or _is_encodable(value))
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        return _one_of(tuple(_check(argument) for argument in arguments))
    if origin is tuple:
        return _row(tuple(map(_check, arguments))) if arguments[-1] is not ... else _all(_check(arguments[0]))
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(_check(arguments[0]), _check(arguments[1]))
    return _plain(hint)


def _plain(kind: type) -> _Check:
    if kind is int:
        return lambda value: type(value) is int and -_GREATEST <= value < _GREATEST
    if kind is float:
        return lambda value: type(value) is float
    if is_dataclass(kind):
        return _record(kind)
    if kind is NoneType or issubclass(kind, Enum):
        return lambda value: isinstance(value, kind)
    return lambda value: type(value) is kind


def _is_encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _record(kind: type) -> _Check:
    fields = _fields(kind)

    def fits_all(value: Any) -> bool:
        if type(value) is not kind:
            return False
        for name, fits in fields:  # noqa: SIM110  a generator costs as much again, and folding spends its time here
            if not fits(getattr(value, name)):
                return False
        return True

    return fits_all


def _one_of(checks: tuple[_Check, ...]) -> _Check:
    first, *others = checks
    return lambda value: first(value) or any(fits(value) for fits in others)


def _all(fits: _Check) -> _Check:
    return lambda value: type(value) is tuple and (not value or all(map(fits, value)))


def _row(checks: tuple[_Check, ...]) -> _Check:
    return lambda value: (
        type(value) is tuple
        and len(value) == len(checks)
        and all(fits(item) for fits, item in zip(checks, value, strict=True))
    )


def _mapping(key: _Check, item: _Check) -> _Check:
    return lambda value: (
        type(value) in _MAPPINGS and (not value or (all(map(key, value)) and all(map(item, value.values()))))
    )
