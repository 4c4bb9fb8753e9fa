"""Identity of values, format `av/1`: what a value is, never how it happens to be stored.

Equal logical content gives equal digests in every process, on every machine and with
every library version; what has no defined identity is refused (`Unencodable`), never
sampled and never guessed. A library is consulted only if it is loaded already:
otherwise the value cannot be one of its own.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol, cast

from assetctl.lineage.facts.records import DataVersion, Digest, ValueIdentity
from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values import library_objects, python_values, reduced
from assetctl.lineage.identity.values.sharing import sharing_digest
from assetctl.lineage.identity.values.walk import FORMAT, Encoder, Refer, Unencodable, Walk, mro, type_name

__all__ = [
    "FORMAT",
    "Refer",
    "Unencodable",
    "digest_of",
    "has_identity",
    "identify_pickled",
    "identify_value",
    "kind_of",
    "write_value",
]

_PLUGINS = {
    "numpy": "assetctl.lineage.identity.values.arrays",
    "scipy.sparse": "assetctl.lineage.identity.values.sparse",
    "pyarrow": "assetctl.lineage.identity.values.tables",
    "pandas": "assetctl.lineage.identity.values.pandas_frames",
    "polars": "assetctl.lineage.identity.values.polars_frames",
    "pytz": "assetctl.lineage.identity.values.zones",
    "sklearn.base": "assetctl.lineage.identity.values.estimators",
    "scipy.stats": "assetctl.lineage.identity.values.distributions",
    "xgboost.core": "assetctl.lineage.identity.values.boosters",
    "lightgbm.basic": "assetctl.lineage.identity.values.boosters",
    "catboost.core": "assetctl.lineage.identity.values.boosters",
    "torch.optim": "assetctl.lineage.identity.values.torch_values",
    "pydantic.main": "assetctl.lineage.identity.values.pydantic_models",
    "xarray": "assetctl.lineage.identity.values.labelled_arrays",
    "PIL.Image": "assetctl.lineage.identity.values.pictures",
    "networkx": "assetctl.lineage.identity.values.networks",
}
"""A library whose values are known -> the module that knows them."""


class _Plugin(Protocol):
    def encoders(self) -> dict[type, Encoder]: ...


class _Registry:
    """Encoders by class, growing as libraries are loaded."""

    def __init__(self) -> None:
        self._encoders: dict[int, Encoder] = {}
        self._classes: list[type] = []
        self._waiting = frozenset(_PLUGINS)
        self._loading = threading.RLock()
        self._add(python_values.ENCODERS)

    def _add(self, encoders: dict[type, Encoder]) -> None:
        for cls, encoder in encoders.items():
            self._encoders[id(cls)] = encoder
            self._classes.append(cls)  # keeps the id valid

    def _load_plugins(self) -> None:
        with self._loading:  # another thread must not find a library half known
            for library in [library for library in self._waiting if library in sys.modules]:
                plugin = cast(_Plugin, importlib.import_module(_PLUGINS[library]))
                self._add(plugin.encoders())
                self._waiting = self._waiting - {library}

    def lookup(self, cls: type) -> tuple[Encoder, bool] | None:
        """Find the encoder of a class: its own, its family's, or its nearest base's."""
        if any(library in sys.modules for library in self._waiting):
            self._load_plugins()
        own = self._encoders.get(id(cls))
        if own is not None:
            return own, False
        family = python_values.family(cls)
        if family is not None:
            return family, False
        for base in mro(cls)[1:]:
            inherited = self._encoders.get(id(base))
            if inherited is not None:
                return None if inherited.identify and not inherited.whole else (inherited, not inherited.whole)
        trusted = library_objects.trusted(cls)
        return None if trusted is None else (trusted, False)


_registry = _Registry()


def write_value(out: Framed, value: object, refer: Refer | None = None) -> None:
    """Write what a value is.

    `refer` is asked first for the classes of instances, and for everything that has no
    identity of its own (functions, classes, instances of plain classes); it writes a
    reference and returns True, or returns False.

    Raises:
        Unencodable: the value, or something inside of it, has no defined identity.
    """
    Walk(_registry.lookup, refer).write(out, value)


def has_identity(cls: type) -> bool:
    """Say whether instances of a class itself are known as values, not only what a base of it holds."""
    encoding = _registry.lookup(cls)
    return encoding is not None and not encoding[1]


def identify_value(value: object, *, unordered: bool = False, sharing: bool = False) -> ValueIdentity:
    """Return the identity of a value.

    `unordered`: the rows of a table count as a multiset, their order does not matter.
    `sharing`: it counts which of its changeable parts are one and the same object, as for what is handed to a reader.

    Raises:
        Unencodable: the value, or something inside of it, has no defined identity.
    """
    encoding = _registry.lookup(type(value))
    if encoding is not None and encoding[0].identify is not None and not encoding[1]:
        identity = encoding[0].identify(value, unordered)
    else:
        identity = ValueIdentity(DataVersion(digest_of(value)), kind_of(value))
    shared = sharing_digest(value) if sharing else None
    if shared is None:
        return identity
    version = Framed(FORMAT).tag("with sharing").child(identity.version).child(shared).hexdigest()
    return replace(identity, version=DataVersion(version))


def identify_pickled(value: object) -> ValueIdentity:
    """Return the identity of a value that was pickled, and has none by itself: by what pickling makes of its parts.

    Raises:
        Exception: whatever the value's own code raises.
        Unencodable: there is something in it that pickling keeps by itself, such as a function defined in a function.
    """
    out = Framed(FORMAT).tag("pickled")
    Walk(_lookup_pickled, None).write(out, value)
    shared = sharing_digest(value, _parts_pickled)
    out.none() if shared is None else out.child(shared)
    return ValueIdentity(DataVersion(out.hexdigest()), f"object:{kind_of(value)}", basis="pickled")


def _lookup_pickled(cls: type) -> tuple[Encoder, bool] | None:
    known = reduced.kept(cls)
    return (known, False) if known is not None else _registry.lookup(cls) or (reduced.REDUCED, False)


def _parts_pickled(value: object) -> Iterable[tuple[str, object]]:
    encoding = _lookup_pickled(type(value))
    return reduced.reduced_parts(value) if encoding is not None and encoding[0] is reduced.REDUCED else ()


def digest_of(value: object) -> Digest:
    """Return the digest of a value that is part of another's identity.

    Raises:
        Unencodable: the value, or something inside of it, has no defined identity.
    """
    out = Framed(FORMAT)
    write_value(out, value)
    return out.hexdigest()


def kind_of(value: object) -> str:
    """Return the name of a value's container, for people: "dict", "numpy.ndarray", ..."""
    return type_name(type(value))
