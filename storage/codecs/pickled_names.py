"""Find the project's functions and classes that pickled bytes refer to, without running any code.

A pickle holds what can be imported by name only: whoever loads it runs that code as it is then. A lambda or a
closure is held whole (by cloudpickle), but what it calls is again a name. So the bytes tell more than the value.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import mmap
import pickle
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from assetctl.assets.importing import is_personal

_MOST_INFLATED = 1 << 28  # bytes; what a packed file has beyond that is not looked at
_PACKED: tuple[tuple[bytes, Callable[[io.BytesIO], Any]], ...] = (
    (b"\x1f\x8b", lambda stream: gzip.GzipFile(fileobj=stream)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ", lzma.LZMAFile),
    (b"]\x00\x00", lzma.LZMAFile),
)
_INNER = (b"\x80\x04\x95", b"\x80\x05\x95")  # how a pickle begins that lies inside of another as bytes
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
PACKED_STARTS = (*(magic for magic, _ in _PACKED), *_ZLIB)
"""How bytes begin that are packed by one of the ways that are unpacked here."""


def names_in_pickle(data: bytes) -> set[str]:
    """Return "module:qualname" of what a pickle refers to in the project; "module:" for all of a module."""
    reader = _NotingUnpickler(io.BytesIO(data))
    try:
        reader.load()
    except Exception:  # noqa: BLE001  stand-ins do not do all that the real objects do; the bytes still name them
        return names_in_bytes(data)
    names = names_in_bytes(data) if any(data.find(start, 2) > 0 for start in _INNER) else _names_by_line(data)
    for module_name, name in reader.named:
        module = sys.modules.get(module_name)
        if module is not None and _is_first_party(module):
            names.add(_name_of(module, name))
    for module_name in reader.modules:
        module = sys.modules.get(module_name)
        if module is not None and _is_first_party(module):
            used = reader.texts & vars(module).keys()
            names.update(_name_of(module, name) for name in used)
            if not used:
                names.add(f"{module_name}:")
    return names


def names_in_file(path: Path) -> tuple[str, ...]:
    """Return what a file refers to in the project if it is a pickle, packed or not, or holds one as it is."""
    try:
        with path.open("rb") as stream:
            start = stream.read(8)
            stream.seek(-1, io.SEEK_END)
            if not _looks_pickled(start, stream.read(1)):
                return ()
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                return tuple(sorted(names_in_bytes(mapped)))
    except (OSError, ValueError):  # gone, or empty
        return ()


def names_in_text(data: bytes) -> tuple[str, ...]:
    """Return what bytes refer to in the project if they are a pickle, packed or not."""
    return tuple(sorted(names_in_bytes(data))) if _looks_pickled(data[:8], data[-1:]) else ()


def names_in_bytes(data: Any) -> set[str]:
    """Return the functions and classes of the project whose module and name both stand in some bytes, as pickles write.

    For bytes that only their own library can read (arrays between the parts of a pickle).
    """
    content = _unpacked(data)
    names = _names_by_line(content)
    for module in _modules():
        name = module.__name__
        if any(content.find(written) >= 0 for written in _as_text(name)):
            names.update(
                f"{name}:{qualname}"
                for qualname in _qualnames(module)
                if any(content.find(written) >= 0 for written in _as_text(qualname))
            )
    return names


def _names_by_line(content: Any) -> set[str]:
    """Return what protocols 0 to 3 name, module and name in one place: so much that looks like it is no accident."""
    names: set[str] = set()
    for module in _modules():
        begun = b"c" + module.__name__.encode() + b"\n"
        if content.find(begun) >= 0:
            of_module = f"{module.__name__}:"
            names.update(of_module + q for q in _qualnames(module) if content.find(begun + q.encode() + b"\n") >= 0)
    return names


def _looks_pickled(start: bytes, end: bytes) -> bool:
    """Say whether bytes may be a pickle. Protocols 0 and 1 have no beginning of their own; every pickle ends with a dot."""
    return start[:1] == b"\x80" or start.startswith((*PACKED_STARTS, b"PK\x03\x04")) or end == b"."


def _unpacked(data: Any) -> Any:
    start = bytes(data[:8])
    try:
        for magic, opened in _PACKED:
            if start.startswith(magic):
                return opened(io.BytesIO(data)).read(_MOST_INFLATED)
        if start.startswith(_ZLIB):
            return zlib.decompressobj().decompress(bytes(data), _MOST_INFLATED)
    except (OSError, EOFError, zlib.error, lzma.LZMAError):
        return data  # it only began like it
    return data


def _as_text(text: str) -> tuple[bytes, ...]:
    encoded = text.encode()
    long = b"X" + len(encoded).to_bytes(4, "little") + encoded
    return (b"\x8c" + len(encoded).to_bytes(1, "little") + encoded, long) if len(encoded) < 256 else (long,)


def _modules() -> Iterator[ModuleType]:
    return (module for module in list(sys.modules.values()) if _is_first_party(module))


def _qualnames(module: ModuleType) -> Iterator[str]:
    """Yield the names that a module defines, those of classes inside of its classes too."""
    stack = [(name, value) for name, value in vars(module).items() if callable(value)]
    while stack:
        name, value = stack.pop()
        yield name
        if isinstance(value, type) and value.__module__ == module.__name__:
            inner = [(f"{name}.{key}", item) for key, item in vars(value).items() if not key.startswith("__")]
            stack.extend((key, item) for key, item in inner if isinstance(item, type))


def _is_first_party(module: ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and is_personal(file)


def _name_of(module: ModuleType, name: str) -> str:
    """Return how a name of a module is referred to: what is no function or class counts with all of its module."""
    value: Any = module
    for part in name.split("."):
        value = getattr(value, part, None)
    if isinstance(value, ModuleType):
        return f"{value.__name__}:" if _is_first_party(value) else f"{module.__name__}:"
    return f"{module.__name__}:{name}" if callable(value) else f"{module.__name__}:"


class _NotingUnpickler(pickle.Unpickler):
    """Reads a pickle with stand-ins for everything that it names."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.named: set[tuple[str, str]] = set()
        self.modules: set[str] = set()
        self.texts: set[str] = set()  # that are handed to what the pickle names: code objects list the names they use

    def find_class(self, module: str, name: str) -> Any:
        self.named.add((module, name))
        if (module.partition(".")[0], name) == ("cloudpickle", "subimport"):
            return self._subimport
        return type("StandIn", (_StandIn,), {"noted": self.texts})

    def _subimport(self, name: str) -> object:
        self.modules.add(name)
        return _StandIn()

    def persistent_load(self, pid: Any) -> Any:
        return None


class _StandIn:
    """Stands for any object of a pickle, and any class: it takes what it is given."""

    noted: ClassVar[set[str]] = set()

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        for arg in args:
            if type(arg) is tuple:
                cls.noted.update(text for text in arg if type(text) is str)
        made = type("StandIn", (_StandIn,), {"noted": cls.noted})
        return object.__new__(made)

    def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return type(self)(*args, **kwargs)

    def __setstate__(self, state: Any) -> None: ...

    def __setitem__(self, key: Any, value: Any) -> None: ...

    def append(self, item: Any) -> None: ...

    def extend(self, items: Any) -> None: ...

    def add(self, item: Any) -> None: ...
