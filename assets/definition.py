"""Declarations: what a person wrote about an asset, nothing derived from it.

A declaration is still the plain function when called. It holds no key of its own
unless one was given: the key of `@asset def departures` is decided when the module
that holds it is collected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from assetctl.assets.compute import Compute

_EMPTY: Mapping[str, Any] = MappingProxyType({})

Upstreams = str | Sequence[str] | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AssetOptions:
    """Everything the decorator accepts besides the function.

    `timeout_s` is in seconds. `ins` maps a parameter to an asset key, a list of them, or a
    dict of them by any name; `config` maps a parameter to its value. `code_deps` adds objects
    or project-relative file globs to the code version; `version` replaces it. `isolate` asks
    for a process of its own.
    """

    key: str | None = None
    ins: Mapping[str, Upstreams] = field(default_factory=lambda: _EMPTY)
    deps: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    outs: tuple[str, ...] = ()
    group: str | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    owners: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    description: str | None = None
    codec: str | None = None
    unordered: bool = False
    version: str | None = None
    code_deps: tuple[Any, ...] = ()
    secret: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    retries: int = 0
    timeout_s: float | None = None
    isolate: bool = False
    exists: Callable[[], bool] | None = None


@dataclass(frozen=True, eq=False)
class _Computed:
    """A declaration of something computed. It looks like its function, and calling it calls that."""

    compute: Compute

    def __post_init__(self) -> None:
        for name in ("__module__", "__name__", "__qualname__", "__doc__"):
            if hasattr(self.fn, name):
                object.__setattr__(self, name, getattr(self.fn, name))
        object.__setattr__(self, "__wrapped__", self.fn)

    @property
    def fn(self) -> Callable[..., Any]:
        """The plain function."""
        return self.compute.fn

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.fn(*args, **kwargs)


@dataclass(frozen=True, eq=False)
class AssetDef(_Computed):
    """An asset as declared; calling it calls the function."""

    options: AssetOptions = field(default_factory=AssetOptions)

    def __repr__(self) -> str:
        return f"<asset {getattr(self.fn, '__qualname__', self.fn)!s}>"


class SourceShape(StrEnum):
    """What lies at the path of a source."""

    FILE = "file"
    DIRECTORY = "directory"
    GLOB = "glob"  # whatever files match a pattern


@dataclass(frozen=True, eq=False)
class SourceDef:
    """A root that is observed, not computed: a file, a folder, or the files of a glob.

    `path` is as written: relative to the project root, or absolute. `options` are for whoever reads it as a table.
    """

    path: str
    shape: SourceShape
    key: str | None = None
    group: str | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    owners: tuple[str, ...] = ()
    description: str | None = None
    where: str = ""  # file:line of the call
    options: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)

    def __repr__(self) -> str:
        return f"<source {self.shape} {self.path!r}>"


@dataclass(frozen=True, eq=False)
class CheckDef(_Computed):
    """A question about one asset's value; a blocking one keeps a bad value from being published."""

    asset: AssetDef | SourceDef | str
    blocking: bool = True
    name: str | None = None
    description: str | None = None

    def __repr__(self) -> str:
        return f"<check {getattr(self.fn, '__qualname__', self.fn)!s}>"


Declaration = AssetDef | SourceDef | CheckDef
